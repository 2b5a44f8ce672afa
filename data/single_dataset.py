"""Poses alone: a folder of pose pictures, or the pose halves of pairs."""
import argparse
from collections.abc import Mapping
from typing import Any

import numpy as np

from data.base_dataset import BaseDataset, no_such_phase, pictures_in
from data.cache import Pictures
from data.transforms import geometry, to_channels


class SingleDataset(BaseDataset):
    """Pictures right in <dataroot>, or in <dataroot>/<phase>, or <dataroot>/<phase>_A, in name
    order: (H, W, 3) uint8 poses, or (H, 2W, 3) pairs, of which the pose half is taken.

    An item:
        A        uint8 (H, W, input_nc)   pose
        A_paths  str                      the file it came from
    """

    def __init__(self, opt: argparse.Namespace, phase: str,
                 trained: Mapping[str, Any] | None = None):
        super().__init__(opt, phase, trained)
        folders = (self.root, self.root / phase, self.root / f'{phase}_A')
        found = next((f for f in map(pictures_in, folders) if f), [])
        if not found:
            raise no_such_phase(self.root, phase)
        self.pictures = Pictures([(p,) for p in self.limited(found)], None, phase)

    def __len__(self) -> int:
        return len(self.pictures)

    def item(self, i: int, rng: np.random.Generator | None = None) -> dict[str, Any]:
        opt, picture = self.opt, self.pictures[i]
        height, width = picture.shape[:2]
        if self.is_pair(width, height):
            half = width // 2
            picture = picture[:, half:] if opt.direction == 'BtoA' else picture[:, :half]
        how = geometry(picture.shape[1], height, opt.preprocess, opt.load_size, opt.crop_size, rng)
        return {'A': to_channels(how(picture), opt.input_nc),
                'A_paths': str(self.pictures.rows[i][0])}

    def is_pair(self, width: int, height: int) -> bool:
        """Whether a picture is a pair: its dataset says so, or, where a folder says nothing of
        itself, it is twice as wide as what was trained on."""
        if 'layout' in self.facts:
            return self.facts['layout'] == 'pairs'
        trained_width, trained_height = self.trained.get('size', (1, 1))
        return width * trained_height == 2 * height * trained_width
