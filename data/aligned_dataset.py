"""Aligned pairs: a pose and the frame it was detected in, side by side in one image."""
from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from data.augmentation import JointAugmentation
from data.base_dataset import BaseDataset, check_one_size, no_frames, no_such_phase
from data.cache import Pictures
from data.film import FilmFrames
from data.joints import PictureJoints
from data.masks import PictureMasks
from data.pairing import find_rows
from data.transforms import geometry, to_channels
from util.errors import UserError


class AlignedDataset(BaseDataset):
    """<dataroot>/<phase>/000001.png ... in name order: (H, 2W, 3) uint8, A left, B right.
    Or <dataroot>/<phase>_A/NAME and <dataroot>/<phase>_B/NAME: (H, W, 3) uint8 each, paired by name
    (data/pairing.py).

    An item (with --direction BtoA, A and B change places):
        A        uint8 (H, W, input_nc)    pose
        B        uint8 (H, W, output_nc)   frame, moved, resized, cropped and flipped exactly as A
        A_paths  str                       the file the pose came from
        B_paths  str                       the file the frame came from
        joints   float32 (K, 3)            the pose in px of A, moved with it; only where poses.npz
                                           knows every image
    """

    def __init__(self, opt: argparse.Namespace, phase: str,
                 trained: Mapping[str, Any] | None = None):
        super().__init__(opt, phase, trained)
        if self.facts.get('layout') == 'poses':
            if opt.isTrain:
                raise no_frames(self.root)
            raise UserError(f'{self.root} holds poses alone, no pairs. To paint them, use '
                            f'--dataset_mode single, or leave that flag out.')
        rows = self.limited(find_rows(self.root, phase))
        if not rows:
            raise no_such_phase(self.root, phase)
        # a run that is never trained, and painting, read each pair about once
        trains = opt.isTrain and getattr(opt, 'max_minutes', None) != 0
        self.pictures = Pictures(rows, self.root / '.cache' / phase, phase, makes=trains)
        self.augment: JointAugmentation | None = None
        if phase == opt.phase:                  # held-out frames are never augmented
            self.augment = JointAugmentation.of(self.root, self.facts, opt)
        self.flip_pixels = getattr(opt, 'flip', False) and self.augment is None
        paths = [row[0] for row in self.pictures.rows]
        sizes = set()
        for i, path in enumerate(paths):
            size = self.size_of_half(i, path)
            if self.augment:
                self.augment.check(path, size)
            sizes.add(size)
        if phase == opt.phase and opt.isTrain and opt.batch_size > 1:
            check_one_size(map(self.size_trained_on, sizes))
        self.joints = PictureJoints.of(self.root, paths, sizes)
        self.masks = PictureMasks(self.root, self.facts)
        self.frames = FilmFrames(self.root, self.facts)

    def size_of_half(self, i: int, path: Path) -> tuple[int, int]:
        """(width, height) of pose and frame of pair `i`; UserError where it is no pair."""
        height, width = self.pictures.shape(i)[:2]
        if width % 2:
            raise UserError(f'{path}: {width}x{height} is no pair, its width is odd. A pair is '
                            f'pose and frame side by side, each {width // 2} or {width // 2 + 1} '
                            f'wide; for poses alone use --dataset_mode single.')
        return width // 2, height

    def size_trained_on(self, size: tuple[int, int]) -> tuple[int, int]:
        """(width, height) of what training sees of a half of that size."""
        opt = self.opt
        how = geometry(*size, opt.preprocess, opt.load_size, opt.crop_size,
                       np.random.default_rng(0))
        return how.result(size)

    def __len__(self) -> int:
        return len(self.pictures)

    def path(self, i: int) -> Path:
        return self.pictures.rows[i][0]

    def joints_of(self, i: int) -> np.ndarray | None:
        if not self.joints:     # a pair takes 4 ms to decode, and its pose is known without it
            return None
        opt = self.opt
        size = self.size_of_half(i, self.path(i))
        how = geometry(*size, opt.preprocess, opt.load_size, opt.crop_size)
        return how.joints(self.joints[self.path(i)], self.joints.track.joints, size)

    def mask(self, i: int) -> np.ndarray | None:
        opt = self.opt
        height, width = self.pictures.shape(i)[0], self.pictures.shape(i)[1] // 2
        found = self.masks.of_image(self.path(i), (width, height))
        how = geometry(width, height, opt.preprocess, opt.load_size, opt.crop_size)
        return None if found is None else how(found)

    @property
    def film_size(self) -> tuple[int, int] | None:
        # what is painted with BtoA is the pose
        return self.frames.size if self.opt.direction == 'AtoB' else None

    def film_frame(self, i: int) -> np.ndarray | None:
        return self.frames.of_image(self.path(i)) if self.film_size else None

    def item(self, i: int, rng: np.random.Generator | None = None) -> dict[str, Any]:
        opt = self.opt
        row = self.pictures.rows[i]
        pair = self.pictures[i]
        height, width = pair.shape[0], pair.shape[1] // 2
        left, right = pair[:, :width], pair[:, width:]
        pose = self.joints[row[0]] if self.joints else None
        if self.augment and rng is not None:
            left, right, pose = self.augment(row[0], left, right, rng)
        how = geometry(width, height, opt.preprocess, opt.load_size, opt.crop_size, rng,
                       flip=self.flip_pixels)
        A, B = how(left, self.labels), how(right)
        A_path, B_path = str(row[0]), str(row[-1])
        if opt.direction == 'BtoA':
            A, B = B, A
            A_path, B_path = B_path, A_path
        item = {'A': to_channels(A, opt.input_nc), 'B': to_channels(B, opt.output_nc),
                'A_paths': A_path, 'B_paths': B_path}
        if self.joints and pose is not None:
            item['joints'] = how.joints(pose, self.joints.track.joints, (width, height))
        return item
