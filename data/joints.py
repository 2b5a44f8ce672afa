"""The joints of a dataset's pictures, by file name.

Shape letters: K joints. A pose is float32 (K, 3): x px, y px, confidence.
"""
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from pose.track import PoseTrack

MARGIN = 0.1        # about the joints, of the body's extent: hair, hands and clothes


class PictureJoints:
    """joints[path] -> float32 (K, 3): the pose of the picture of that name, in its px."""

    def __init__(self, track: PoseTrack):
        self.track = track
        self.row = {int(number): row for row, number in enumerate(track.index)}

    @classmethod
    def of(cls, root: Path, paths: Iterable[Path],
           sizes: Iterable[tuple[int, int]]) -> 'PictureJoints | None':
        """Those of poses.npz; None where there is none, or where it is not for pictures of these
        names and (width, height)."""
        if not (root / 'poses.npz').is_file():
            return None
        joints = cls(PoseTrack.load(root / 'poses.npz'))
        if all(size == joints.track.size for size in sizes) and all(p in joints for p in paths):
            return joints
        return None

    def __contains__(self, path: Path) -> bool:
        return path.stem.isdecimal() and int(path.stem) - 1 in self.row

    def __getitem__(self, path: Path) -> np.ndarray:
        return self.track.poses[self.row[int(path.stem) - 1]]


def person_box(pose: np.ndarray, size: tuple[int, int]) -> tuple[slice, slice] | None:
    """Rows and columns about the seen joints of a pose (K, 3), with a MARGIN, of a picture of that
    (width, height); None where no joint is in sight."""
    seen = pose[pose[:, 2] > 0, :2]
    if not len(seen):
        return None
    margin = MARGIN * np.ptp(seen, axis=0).max()
    low = np.clip(np.floor(seen.min(0) - margin), 0, None).astype(int)
    high = np.minimum(np.ceil(seen.max(0) + margin).astype(int) + 1, size)
    if (high <= low).any():
        return None
    return slice(low[1], high[1]), slice(low[0], high[0])
