"""Poses without frames: a folder of pose images, or the pose halves of pairs."""
from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from data.base_dataset import BaseDataset, no_such_phase
from data.cache import Pictures
from data.facts import read_facts
from data.film import BACKGROUND
from data.joints import PictureJoints
from data.pairing import warn_of_foreign
from data.transforms import geometry, to_channels
from util.errors import warn
from util.images import check_no_twins, pictures_in, size_of


class SingleDataset(BaseDataset):
    """Images in <dataroot>/<phase>, in <dataroot>/<phase>_A, or, where there are none, in
    <dataroot>, in name order: (H, W, 3) uint8 poses, or (H, 2W, 3) pairs, of which the pose half
    is used.

    An item:
        A        uint8 (H, W, input_nc)   pose
        A_paths  str                      the file it came from
        joints   float32 (K, 3)           the pose in px of A; only where poses.npz knows every
                                          image
    """

    HAS_FRAMES = False

    @classmethod
    def recognises(cls, root: Path, phase: str) -> bool:
        """Poses without frames cannot be read as pairs, whatever the run was trained on."""
        if read_facts(root).get('layout') == 'poses':
            return True
        others = [root / f'{phase}_{part}' for part in ('B', 'label', 'inst')]
        return (root / f'{phase}_A').is_dir() and not any(folder.is_dir() for folder in others)

    def __init__(self, opt: argparse.Namespace, phase: str,
                 trained: Mapping[str, Any] | None = None):
        super().__init__(opt, phase, trained)
        folders = (self.root / phase, self.root / f'{phase}_A', self.root)
        found = next(filter(None, map(poses_in, folders)), [])
        if not found:
            raise no_such_phase(self.root, phase)
        check_no_twins(found)
        warn_of_foreign([found[0].parent])
        strays = poses_in(self.root)
        if strays and strays != found:
            warn(f'{self.root}: images in the folder itself are left out ({len(strays)}, e.g. '
                 f'{strays[0].name}): phase {phase} is in {found[0].parent.name}.')
        self.pictures = Pictures([(p,) for p in self.limited(found)], None, phase)
        paths = [row[0] for row in self.pictures.rows]
        self.joints = PictureJoints.of(self.root, paths, map(self.size_of_pose, range(len(self))))

    def __len__(self) -> int:
        return len(self.pictures)

    def path(self, i: int) -> Path:
        return self.pictures.rows[i][0]

    def item(self, i: int, rng: np.random.Generator | None = None) -> dict[str, Any]:
        opt = self.opt
        path = self.path(i)
        picture = self.pose(i)
        size = size_of(picture)
        how = geometry(*size, opt.preprocess, opt.load_size, opt.crop_size, rng)
        item = {'A': to_channels(how(picture, self.labels), opt.input_nc), 'A_paths': str(path)}
        if self.joints:
            item['joints'] = how.joints(self.joints[path], self.joints.track.joints, size)
        return item

    def size_of_pose(self, i: int) -> tuple[int, int]:
        """(width, height) of pose `i`, which is not decoded for it."""
        height, width = self.pictures.shape(i)[:2]
        return (width // 2 if self.is_pair(width, height) else width), height

    def pose(self, i: int) -> np.ndarray:
        """The pose image of item `i` as it is in its file: uint8 (H, W, 3)."""
        picture = self.pictures[i]
        height, width = picture.shape[:2]
        if not self.is_pair(width, height):
            return picture
        half = width // 2
        return picture[:, half:] if self.opt.direction == 'BtoA' else picture[:, :half]

    def is_pair(self, width: int, height: int) -> bool:
        """Whether an image is a pair: dataset.json says so, or, in a folder without one, the image
        is twice as wide as those of training."""
        if 'layout' in self.facts:
            return self.facts['layout'] == 'pairs'
        trained_width, trained_height = self.trained.get('size', (1, 1))
        return width * trained_height == 2 * height * trained_width


def poses_in(folder: Path) -> list[Path]:
    """Every image directly in the folder, apart from a dataset's background."""
    return [path for path in pictures_in(folder) if path.name != BACKGROUND]
