"""Poses alone: a folder of pose pictures, or the pose halves of pairs."""
import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from data.base_dataset import BaseDataset, no_such_phase, read_facts
from data.cache import Pictures
from data.joints import PictureJoints
from data.transforms import geometry, to_channels
from util.images import pictures_in, size_of


class SingleDataset(BaseDataset):
    """Pictures right in <dataroot>, or in <dataroot>/<phase>, or <dataroot>/<phase>_A, in name
    order: (H, W, 3) uint8 poses, or (H, 2W, 3) pairs, of which the pose half is taken.

    An item:
        A        uint8 (H, W, input_nc)   pose
        A_paths  str                      the file it came from
        joints   float32 (K, 3)           the pose in px of A; only where poses.npz knows every
                                          picture
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
        folders = (self.root, self.root / phase, self.root / f'{phase}_A')
        found = next((f for f in map(pictures_in, folders) if f), [])
        if not found:
            raise no_such_phase(self.root, phase)
        self.pictures = Pictures([(p,) for p in self.limited(found)], None, phase)
        paths = [row[0] for row in self.pictures.rows]
        self.joints = PictureJoints.of(self.root, paths, [size_of(self.pose(0))] if paths else [])

    def __len__(self) -> int:
        return len(self.pictures)

    def path(self, i: int) -> Path:
        return self.pictures.rows[i][0]

    def item(self, i: int, rng: np.random.Generator | None = None) -> dict[str, Any]:
        opt, picture, path = self.opt, self.pose(i), self.pictures.rows[i][0]
        width, height = size = size_of(picture)
        how = geometry(width, height, opt.preprocess, opt.load_size, opt.crop_size, rng)
        item = {'A': to_channels(how(picture, self.labels), opt.input_nc), 'A_paths': str(path)}
        if self.joints:
            item['joints'] = how.joints(self.joints[path], self.joints.track.joints, size)
        return item

    def pose(self, i: int) -> np.ndarray:
        """The pose picture of item `i` as it lies in its file: uint8 (H, W, 3)."""
        picture = self.pictures[i]
        height, width = picture.shape[:2]
        if not self.is_pair(width, height):
            return picture
        half = width // 2
        return picture[:, half:] if self.opt.direction == 'BtoA' else picture[:, :half]

    def is_pair(self, width: int, height: int) -> bool:
        """Whether a picture is a pair: its dataset says so, or, where a folder says nothing of
        itself, it is twice as wide as what was trained on."""
        if 'layout' in self.facts:
            return self.facts['layout'] == 'pairs'
        trained_width, trained_height = self.trained.get('size', (1, 1))
        return width * trained_height == 2 * height * trained_width
