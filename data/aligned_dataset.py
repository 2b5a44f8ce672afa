"""Aligned pairs: the pose and the frame it was found in, side by side in one picture."""
import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from data.base_dataset import BaseDataset, no_such_phase, pictures_in
from data.cache import Pictures
from data.transforms import geometry, to_channels
from util.errors import UserError, warn
from util.images import size_of


class AlignedDataset(BaseDataset):
    """<dataroot>/<phase>/000001.png ... in name order: (H, 2W, 3) uint8, A left, B right.
    Or <dataroot>/<phase>_A/NAME and <dataroot>/<phase>_B/NAME: (H, W, 3) uint8 each.

    An item (with --direction BtoA, A and B change places):
        A        uint8 (H, W, input_nc)    pose
        B        uint8 (H, W, output_nc)   frame, resized, cropped and flipped exactly as A
        A_paths  str                       the file the pose came from
        B_paths  str                       the file the frame came from
    """

    def __init__(self, opt: argparse.Namespace, phase: str,
                 trained: Mapping[str, Any] | None = None):
        super().__init__(opt, phase, trained)
        if self.facts.get('layout') == 'poses':
            raise UserError(f'{self.root} holds poses alone, no pairs. To paint them use '
                            f'--dataset_mode single, or leave that flag out.')
        rows = self.limited(find_rows(self.root, phase))
        if not rows:
            raise no_such_phase(self.root, phase)
        self.pictures = Pictures(rows, self.root / '.cache' / phase, phase)
        if not len(self.pictures):
            raise UserError(f'{self.root / phase}: none of its {len(rows)} files can be read. '
                            f'Make the dataset again with preprocess.py --overwrite.')
        for i, row in enumerate(self.pictures.rows):
            height, width = self.pictures[i].shape[:2]
            if width % 2:
                raise UserError(f'{row[0]}: {width}x{height} is no pair, its width is odd. A pair '
                                f'is pose and frame side by side, each {width // 2} or '
                                f'{width // 2 + 1} wide; for poses alone use '
                                f'--dataset_mode single.')
        self.redraw = MirroredPoses.of(self) if getattr(opt, 'flip', False) else None

    def __len__(self) -> int:
        return len(self.pictures)

    def item(self, i: int, rng: np.random.Generator | None = None) -> dict[str, Any]:
        opt, pair, row = self.opt, self.pictures[i], self.pictures.rows[i]
        half = pair.shape[1] // 2
        how = geometry(half, pair.shape[0], opt.preprocess, opt.load_size, opt.crop_size, rng,
                       flip=getattr(opt, 'flip', False))
        left, right = pair[:, :half], pair[:, half:]
        if how.flip and self.redraw:
            left = self.redraw(row[0], left)
        A, B = how(left), how(right)
        paths = str(row[0]), str(row[-1])
        if opt.direction == 'BtoA':
            A, B, paths = B, A, paths[::-1]
        return {'A': to_channels(A, opt.input_nc), 'B': to_channels(B, opt.output_nc),
                'A_paths': paths[0], 'B_paths': paths[1]}


def find_rows(root: Path, phase: str) -> list[tuple[Path, ...]]:
    """The files of each pair: (pair,) or (pose, frame)."""
    if pairs := pictures_in(root / phase):
        return [(p,) for p in pairs]
    frames = {p.stem: p for p in pictures_in(root / f'{phase}_B')}
    return [(p, frames[p.stem]) for p in pictures_in(root / f'{phase}_A') if p.stem in frames]


class MirroredPoses:
    """Poses drawn with left and right exchanged, so that a mirror makes them right again."""

    def __init__(self, dataset: AlignedDataset):
        from pose.track import PoseTrack
        self.draw = dataset.facts['draw']
        self.track = PoseTrack.load(dataset.root / 'poses.npz')
        self.row = {int(number): i for i, number in enumerate(self.track.index)}

    @classmethod
    def of(cls, dataset: AlignedDataset) -> 'MirroredPoses | None':
        if (dataset.root / 'poses.npz').is_file() and 'draw' in dataset.facts:
            return cls(dataset)
        warn('--flip: this dataset has no poses.npz, so a mirrored pose keeps the colours of the '
             'sides it had. preprocess.py writes datasets that can be mirrored.')
        return None

    def __call__(self, path: Path, drawn: np.ndarray) -> np.ndarray:
        from pose.draw import draw_pose
        from pose.skeleton import SKELETONS
        pose = self.track.poses[self.row[int(path.stem) - 1]]
        swapped = pose[list(SKELETONS[self.track.skeleton].partners)]
        return draw_pose(swapped, size_of(drawn), self.draw['style'], self.track.skeleton,
                         self.draw['line_width'])
