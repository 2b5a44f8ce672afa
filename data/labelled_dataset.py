"""pix2pixHD's folders: label maps or pictures, the frames, and which pixels are one instance."""
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
    """<dataroot>/<phase>_label/*.png (H, W) numbers, or <phase>_A/* pictures; <phase>_img/* or
    <phase>_B/* frames; <phase>_inst/*.png (H, W) numbers, one for each instance.

    With --load_features also <phase>_feat/* pictures: what each region looks like, encoded.
    As many files in each, and the n-th in name order belong together, because Cityscapes' names
    differ from folder to folder. Frames and instances may be missing where nothing is trained.
    A phase without label and instance maps is read as --dataset_mode aligned reads it.

    An item, everything resized, cropped and flipped alike:
        A          uint8 (H, W, input_nc)      labels, the number in every channel; or the picture
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
        if not any(pictures_in(Path(opt.dataroot) / f'{phase}_{part}')
                   for part in ('label', 'inst')):
            super().__init__(opt, phase, trained)
            return
        BaseDataset.__init__(self, opt, phase, trained)
        for flag in FLAGS:
            if getattr(opt, flag, 0):
                raise UserError(f'--{flag}: a dataset in pix2pixHD\'s folders has no joints to '
                                f'move. Leave that flag out.')
        if opt.direction == 'BtoA':
            raise UserError('--direction BtoA: pix2pixHD\'s folders are read from labels to '
                            'frames only. Leave that flag out.')
        self.labels = bool(pictures_in(self.root / f'{phase}_label'))
        reads_features = getattr(opt, 'load_features', False) and (
            opt.isTrain or opt.use_encoded_image)
        folders = {'A': ('label',) if self.labels else ('A',), 'B': ('img', 'B'),
                   'instances': ('inst',), 'features': ('feat',) if reads_features else ()}
        files = {part: next((found for name in names if (
            found := pictures_in(self.root / f'{phase}_{name}'))), [])
            for part, names in folders.items()}
        if not files['A'] or (opt.isTrain and not files['B']):
            raise no_such_phase(self.root, phase)
        if reads_features and not files['features']:
            raise UserError(f'--load_features: {self.root} has no {phase}_feat. Write it with '
                            f'python scripts/precompute_feature_maps.py --name RUN --dataroot '
                            f'{self.root} --phase {phase}, of a run that encodes features.')
        counts = {len(found) for found in files.values() if found}
        if len(counts) > 1:
            said = ', '.join(f'{len(found)} in {found[0].parent.name}'
                             for found in files.values() if found)
            raise UserError(f'{self.root}: the folders of phase {phase} differ in their number of '
                            f'files ({said}), so nobody knows which belong together. Remove what '
                            f'has no partner.')
        self.files = {part: self.limited(found) for part, found in files.items() if found}

    def __len__(self) -> int:
        return len(self.files['A']) if self.files else super().__len__()

    def path(self, i: int) -> Path:
        return self.files['A'][i]

    def item(self, i: int, rng: np.random.Generator | None = None) -> dict[str, Any]:
        if not self.files:
            return super().item(i, rng)
        opt, paths = self.opt, {part: found[i] for part, found in self.files.items()}
        A = self.read_labels(paths['A']) if self.labels else read_picture(paths['A'])
        height, width = A.shape[:2]
        how = geometry(width, height, opt.preprocess, opt.load_size, opt.crop_size, rng,
                       flip=getattr(opt, 'flip', False))
        moved = how(A, self.labels)
        out: dict[str, Any] = {
            'A': np.repeat(moved[..., None], opt.input_nc, 2) if self.labels else
            to_channels(moved, opt.input_nc), 'A_paths': str(paths['A'])}
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
        """uint8 (H, W); UserError for a number that has no place among the labels."""
        numbers, label_nc = read_numbers(path), getattr(self.opt, 'label_nc', 0)
        most = int(numbers.max())
        if most >= (label_nc or 256):
            raise UserError(f'{path}: has label {most}, but there are {label_nc or 256}, from 0. '
                            f'Give --label_nc {most + 1}.' if most < 256 else
                            f'{path}: has label {most}; labels are 0 to 255. Is it a picture, or '
                            f'an instance map?')
        return numbers.astype(np.uint8)

    @staticmethod
    def alike(picture: np.ndarray, A: np.ndarray, paths: Mapping[str, Path]) -> np.ndarray:
        """The picture, if it is of A's size."""
        if picture.shape[:2] != A.shape[:2]:
            sizes = ' and '.join(f'{w}x{h}' for h, w in (A.shape[:2], picture.shape[:2]))
            raise UserError(f'{paths["A"]}: its label map, frame, instance map and feature map '
                            f'differ in size ({sizes}). Files belong together in name order.')
        return picture


def read_numbers(path: Path) -> np.ndarray:
    """float32 (H, W): the numbers in a file of 8, 16 or 32 bits, of a palette's entries too; of a
    picture in colours the first channel."""
    with Image.open(path) as image:
        numbers = np.asarray(image)
    return (numbers if numbers.ndim == 2 else numbers[..., 0]).astype(np.float32)
