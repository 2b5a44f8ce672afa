"""A finished dataset as its report reads it: facts, tracks, frames. No torch."""
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from data.facts import THEN, not_a_dataset, read_facts
from pose.body import heights, joint_at
from pose.draw import draw_pose
from pose.skeleton import Skeleton
from pose.track import PoseTrack
from preprocessing.crop import into_box
from util.errors import UserError
from util.images import size_of
from util.owned import finish
from util.runs import read_record


class Prepared:
    """A dataset as preprocess.py wrote it.

    facts   dataset.json
    track   poses.npz, px of a written frame
    into    where the pictures of its report are written
    found   found.npz in the same numbering: before repair, px of the video; None if not kept
    """

    def __init__(self, folder: Path, into: Path | None = None):
        self.folder = folder
        self.into = into or folder
        finish(folder)
        if not (folder / 'dataset.json').is_file():
            raise not_a_dataset(folder)
        self.facts: dict[str, Any] = read_facts(folder)
        self.track = PoseTrack.load(folder / 'poses.npz')
        self.found: PoseTrack | None = None
        if (folder / 'found.npz').is_file():
            found = PoseTrack.load(folder / 'found.npz').numbered(self.track.skeleton)
            if len(found) != len(self.track):
                raise UserError(f'{folder}: found.npz and poses.npz are of different videos. '
                                f'{THEN}')
            self.found = replace(found, kept=self.track.kept, shots=self.track.shots)

    @cached_property
    def files(self) -> dict[int, tuple[Path, ...]]:
        """{frame number from 0: the files of its pair}; empty if poses were written alone."""
        from data.pairing import find_rows
        found = {}
        if self.facts['layout'] != 'poses':
            for phase in self.facts['split']:
                for row in find_rows(self.folder, phase):
                    found[int(row[0].stem) - 1] = row
        return found

    @cached_property
    def trained(self) -> np.ndarray:
        """bool (F,): frames of the track whose pairs a generator is trained on."""
        numbers = [index for index, files in self.files.items()
                   if files[0].parent.name in ('train', 'train_A')]
        return np.isin(self.track.index, numbers)

    @property
    def facing(self) -> dict[str, Any]:
        """What was done about ways that the target was never filmed; {} for none."""
        return (self.facts.get('fit') or {}).get('facing', {})

    @cached_property
    def before(self) -> PoseTrack | None:
        """`found` in px of a written frame: cropped as the frames are, or laid over the poses that
        were fitted to a target, exchanged where those are."""
        if self.found is None:
            return None
        if self.facts['crop']:
            poses = into_box(self.found.poses, tuple(self.facts['crop']), self.track.size)
        else:
            found = self.found.poses.copy()
            partners = list(self.track.joints.partners)
            for first, last in self.facing.get('rows', []):
                found[first:last + 1] = found[first:last + 1, partners]
            poses = laid_over(self.track.poses, found, self.track.joints)
        return replace(self.found, size=self.track.size, poses=poses)

    def frame(self, index: int) -> np.ndarray | None:
        """The written frame of that number (from 0), uint8 (H, W, 3); None if there is none."""
        from data.cache import row_or_reason
        if index not in self.files:
            return None
        pair = row_or_reason(self.files[index])
        if isinstance(pair, str):
            return None
        frame = np.ascontiguousarray(pair[:, pair.shape[1] // 2:])
        return frame if size_of(frame) == self.track.size else cv2.resize(frame, self.track.size)

    def drawn(self, pose: np.ndarray) -> np.ndarray:
        """A pose (K, 3) as this dataset draws it; nearly black labels are drawn in colours."""
        draw = self.facts['draw']
        style = 'openpose' if 'labels' in draw else draw['style']
        return draw_pose(pose, self.track.size, style, self.track.skeleton, draw['line_width'])


def laid_over(fitted: np.ndarray, found: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """`found`, each pose moved and scaled to the hips and the height of the fitted one.

    fitted, found   float (F, K, 3); a pose whose height is unknown in either gets confidence 0
    """
    wanted = heights(fitted, skeleton)
    sizes = heights(found, skeleton)
    scale = np.where((sizes > 0) & (wanted > 0), wanted / np.maximum(sizes, 1e-6), 0)
    hips = joint_at(found, skeleton, 'MidHip')[:, None, :2]
    place = joint_at(fitted, skeleton, 'MidHip')[:, None, :2]
    poses = found.copy()
    poses[..., :2] = place + (found[..., :2] - hips) * scale[:, None, None]
    poses[..., 2] *= (scale > 0)[:, None]
    return poses


def dataset_of(path: Path) -> Path | None:
    """The dataset in that folder, or the one that the run in that folder was trained on."""
    if (path / 'dataset.json').is_file():
        return path
    named = read_record(path).get('options', {}).get('dataroot')
    if not named:           # Path('') would be the working directory
        return None
    root = Path(str(named))
    return root if (root / 'dataset.json').is_file() else None
