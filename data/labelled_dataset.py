"""pix2pixHD's folders: label maps or pose images, frames, and instance maps."""
from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from data.aligned_dataset import AlignedDataset
from data.augmentation import FLAGS
from data.base_dataset import BaseDataset, no_such_phase
from data.cache import read_picture
from data.transforms import geometry, to_channels
from util.errors import UserError
from util.images import pictures_in


class LabelledDataset(AlignedDataset):
    """<dataroot>/<phase>_label/*.png (H, W) numbers, or <phase>_A/* images; <phase>_img/* or
    <phase>_B/* frames; <phase>_inst/*.png (H, W) numbers, one for each instance.

    With --load_features also <phase>_feat/* images: the encoded features of each region. All
    folders have the same number of files, and the n-th files in name order belong together, as
    Cityscapes' names differ from folder to folder. Frames and instances may be missing if nothing
    is trained. A phase without label and instance maps is read like --dataset_mode aligned.

    An item, everything resized, cropped and flipped alike:
        A          uint8 (H, W, input_nc)      labels, the number in every channel; or the image
        B          uint8 (H, W, output_nc)     frame, where there is one
        instances  float32 (1, H, W)           numbers, where there are any
        features   uint8 (H, W, 3)             as E gave them, where they are read
        A_paths, B_paths  str                  the files they came from
    """

    @classmethod
    def recognises(cls, root: Path, phase: str) -> bool:
        return (root / f'{phase}_label').is_dir() or (root / f'{phase}_inst').is_dir()

    def __init__(self, opt: argparse.Namespace, phase: str,
                 trained: Mapping[str, Any] | None = None):
        self.files: dict[str, list[Path]] = {}
        root = Path(opt.dataroot)
        if not pictures_in(root / f'{phase}_label') and not pictures_in(root / f'{phase}_inst'):
            super().__init__(opt, phase, trained)
            return
        BaseDataset.__init__(self, opt, phase, trained)
        check_flags(opt)
        self.labels = bool(pictures_in(self.root / f'{phase}_label'))
        found = self.find_files()
        if not found['A'] or (opt.isTrain and not found['B']):
            raise no_such_phase(self.root, phase)
        if not found.get('features', True):
            raise UserError(f'--load_features: {self.root} has no {phase}_feat. Write it with '
                            f'python scripts/precompute_feature_maps.py --name RUN --dataroot '
                            f'{self.root} --phase {phase}, of a run that encodes features.')
        files = {part: paths for part, paths in found.items() if paths}
        counts = {len(paths) for paths in files.values()}
        if len(counts) > 1:
            listed = ', '.join(f'{len(paths)} in {paths[0].parent.name}'
                               for paths in files.values())
            raise UserError(f'{self.root}: the folders of phase {phase} differ in their number of '
                            f'files ({listed}), so it is unknown which belong together. Remove '
                            f'files without a partner.')
        self.files = {part: self.limited(paths) for part, paths in files.items()}

    def find_files(self) -> dict[str, list[Path]]:
        """{key of an item: its files in name order}, [] for a key without files."""
        opt, phase = self.opt, self.phase
        folders = {'A': ['label'] if self.labels else ['A'], 'B': ['img', 'B'],
                   'instances': ['inst']}
        reads_features = getattr(opt, 'load_features', False) and (
            opt.isTrain or opt.use_encoded_image)
        if reads_features:
            folders['features'] = ['feat']
        files: dict[str, list[Path]] = {}
        for part, names in folders.items():
            candidates = (pictures_in(self.root / f'{phase}_{name}') for name in names)
            files[part] = next(filter(None, candidates), [])
        return files

    def __len__(self) -> int:
        return len(self.files['A']) if self.files else super().__len__()

    @property
    def film_size(self) -> tuple[int, int] | None:
        return None if self.files else super().film_size

    def path(self, i: int) -> Path:
        return self.files['A'][i] if self.files else super().path(i)

    def item(self, i: int, rng: np.random.Generator | None = None) -> dict[str, Any]:
        if not self.files:
            return super().item(i, rng)
        opt = self.opt
        paths = {part: found[i] for part, found in self.files.items()}
        A = self.read_labels(paths['A']) if self.labels else read_picture(paths['A'])
        height, width = A.shape[:2]
        how = geometry(width, height, opt.preprocess, opt.load_size, opt.crop_size, rng,
                       flip=getattr(opt, 'flip', False))
        out: dict[str, Any] = {'A_paths': str(paths['A'])}
        moved = how(A, self.labels)
        if self.labels:
            out['A'] = np.repeat(moved[..., None], opt.input_nc, 2)
        else:
            out['A'] = to_channels(moved, opt.input_nc)
        if 'B' in paths:
            frame = self.alike(read_picture(paths['B']), A, paths)
            out |= {'B': to_channels(how(frame), opt.output_nc), 'B_paths': str(paths['B'])}
        if 'features' in paths:
            features = self.alike(read_picture(paths['features']), A, paths)
            out['features'] = np.ascontiguousarray(how(features, True))
        if 'instances' in paths:
            numbers = self.alike(read_numbers(paths['instances']), A, paths)
            out['instances'] = np.ascontiguousarray(how(numbers, True))[None]
        return out

    def read_labels(self, path: Path) -> np.ndarray:
        """uint8 (H, W); UserError for a number that is no label."""
        numbers = read_numbers(path)
        label_nc = getattr(self.opt, 'label_nc', 0) or 256
        most = int(numbers.max())
        if most >= 256:
            raise UserError(f'{path}: has label {most}; labels are 0 to 255. Is it an image, or an '
                            f'instance map?')
        if most >= label_nc:
            raise UserError(f'{path}: has label {most}, but there are {label_nc}, from 0. Give '
                            f'--label_nc {most + 1}.')
        return numbers.astype(np.uint8)

    @staticmethod
    def alike(picture: np.ndarray, A: np.ndarray, paths: Mapping[str, Path]) -> np.ndarray:
        """The picture; UserError where its size is not that of A."""
        if picture.shape[:2] != A.shape[:2]:
            sizes = ' and '.join(f'{w}x{h}' for h, w in (A.shape[:2], picture.shape[:2]))
            raise UserError(f'{paths["A"]}: its label map, frame, instance map and feature map '
                            f'differ in size ({sizes}). Files belong together in name order.')
        return picture


def check_flags(opt: argparse.Namespace) -> None:
    """UserError for flags that pix2pixHD's folders do not support."""
    for flag in FLAGS:
        if getattr(opt, flag, 0):
            raise UserError(f'--{flag}: a dataset in pix2pixHD\'s folders has no joints to move. '
                            f'Leave that flag out.')
    if opt.direction == 'BtoA':
        raise UserError('--direction BtoA: pix2pixHD\'s folders are read from labels to frames '
                        'only. Leave that flag out.')


def read_numbers(path: Path) -> np.ndarray:
    """float32 (H, W): the numbers in a file of 8, 16 or 32 bits or with a palette; of a colour
    image the first channel."""
    with Image.open(path) as image:
        numbers = np.asarray(image)
    return (numbers if numbers.ndim == 2 else numbers[..., 0]).astype(np.float32)
