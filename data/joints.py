"""The joints of a dataset's images, by file name.

Shape letters: K joints. A pose is float32 (K, 3): x px, y px, confidence.
"""
from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from pose.track import PoseTrack
from util.errors import warn


class PictureJoints:
    """joints[path] -> float32 (K, 3): the pose in the image of that name, in its px."""

    def __init__(self, track: PoseTrack):
        self.track = track
        self.row = {int(number): row for row, number in enumerate(track.index)}

    @classmethod
    def of(cls, root: Path, paths: Iterable[Path],
           sizes: Iterable[tuple[int, int]]) -> PictureJoints | None:
        """The joints of poses.npz; None where it is missing, or lacks one of these images or has
        another (width, height)."""
        if not (root / 'poses.npz').is_file():
            return None
        joints = cls(PoseTrack.load(root / 'poses.npz'))
        images = list(paths)
        strange = [path for path in images if path not in joints]
        if 0 < len(strange) < len(images):
            warn(f'{root}: poses.npz does not know {len(strange)} of {len(images)} images, e.g. '
                 f'{strange[0].name}, so that no joints are used. Take them out of the dataset.')
        alike = all(size == joints.track.size for size in sizes)
        return joints if alike and not strange else None

    def __contains__(self, path: Path) -> bool:
        return path.stem.isdecimal() and int(path.stem) - 1 in self.row

    def __getitem__(self, path: Path) -> np.ndarray:
        return self.track.poses[self.row[int(path.stem) - 1]]
