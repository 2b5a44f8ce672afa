"""pix2pixHD's folders: label maps or pose images, frames, and instance maps."""
from __future__ import annotations

import argparse
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from data.aligned_dataset import AlignedDataset
from data.augmentation import FLAGS
from data.base_dataset import BaseDataset, no_such_phase
from data.cache import found_in, sizes_differ, warn_of_bad
from data.pairing import warn_of_foreign, warn_of_order
from data.transforms import geometry, to_channels
from util.errors import UserError, warn
from util.images import (
    check_no_twins,
    numbers_or_reason,
    pictures_in,
    read_or_reason,
    size_of,
    size_or_reason,
)
from util.progress import progress
from util.words import command

LOSSY = {'.jpg', '.jpeg', '.jfif', '.webp', '.avif'}
MOST = {'A': 255, 'instances': 2 ** 24}     # the largest number: A is uint8, instances float32


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
            raise UserError(f'--load_features: {self.root} has no {phase}_feat. Write it with a '
                            f'run that encodes features: '
                            + command('scripts/precompute_feature_maps.py', name='RUN',
                                      dataroot=self.root, phase=phase))
        files = {part: paths for part, paths in found.items() if paths}
        counts = {len(paths) for paths in files.values()}
        if len(counts) > 1:
            listed = ', '.join(f'{len(paths)} in {paths[0].parent.name}'
                               for paths in files.values())
            raise UserError(f'{self.root}: the folders of phase {phase} differ in their number of '
                            f'files ({listed}), so it is unknown which belong together. Remove '
                            f'files without a partner.')
        warn_of_foreign(paths[0].parent for paths in files.values())
        check_no_twins(files['A'])
        warn_of_order(files.values())
        self.files = self.readable({part: self.limited(paths) for part, paths in files.items()})

    def readable(self, files: Mapping[str, list[Path]]) -> dict[str, list[Path]]:
        """The files without rows of which one cannot be read. UserError where none is left, and
        for maps whose numbers are wrong."""
        rows = [dict(zip(files, row)) for row in zip(*files.values())]
        with ThreadPoolExecutor(4) as threads:
            found = threads.map(self.fault, rows)
            faults = list(progress(found, f'checking {self.phase}', len(rows)))
        bad = [fault for fault in faults if fault]
        if len(bad) == len(rows):
            raise UserError(f'{self.root}: none of the {len(rows)} {self.phase} files can be read, '
                            f'e.g. {bad[0][0]} ({bad[0][1]}).')
        warn_of_bad(bad, len(rows), self.phase)
        lossy = [path for path in files['A'] if self.labels and path.suffix.lower() in LOSSY]
        if lossy:
            warn(f'{lossy[0]}: JPEG and WebP change the numbers of a label map. Save it as PNG.')
        kept = [row for row, fault in zip(rows, faults) if not fault]
        return {part: [row[part] for row in kept] for part in files}

    def fault(self, row: Mapping[str, Path]) -> tuple[str, str] | None:
        """(name, reason) of a file of this row that cannot be read; UserError for numbers that are
        none, and for sizes that differ."""
        sizes = []
        for part, path in row.items():
            is_map = part == 'instances' or (part == 'A' and self.labels)
            found = numbers_or_reason(path) if is_map else size_or_reason(path)
            if isinstance(found, str):
                return f'{path.parent.name}/{path.name}', found
            if isinstance(found, np.ndarray):
                self.check_range(found, path, part)
                found = size_of(found)
            sizes.append(found)
        if sizes_differ(sizes):
            raise UserError(f'{row["A"]}: {sizes_differ(sizes)} ({", ".join(row)}). Files belong '
                            f'together in name order.')
        return None

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
        if self.labels:
            A = found_in(paths['A'], numbers_or_reason(paths['A']))
            self.check_range(A, paths['A'], 'A')
            A = A.astype(np.uint8)
        else:
            A = found_in(paths['A'], read_or_reason(paths['A']))
        how = geometry(*size_of(A), opt.preprocess, opt.load_size, opt.crop_size, rng,
                       flip=getattr(opt, 'flip', False))
        out: dict[str, Any] = {'A_paths': str(paths['A'])}
        moved = how(A, self.labels)
        if self.labels:
            out['A'] = np.repeat(moved[..., None], opt.input_nc, 2)
        else:
            out['A'] = to_channels(moved, opt.input_nc)
        if 'B' in paths:
            frame = found_in(paths['B'], read_or_reason(paths['B']))
            out |= {'B': to_channels(how(frame), opt.output_nc), 'B_paths': str(paths['B'])}
        if 'features' in paths:
            features = found_in(paths['features'], read_or_reason(paths['features']))
            out['features'] = np.ascontiguousarray(how(features, True))
        if 'instances' in paths:
            numbers = found_in(paths['instances'], numbers_or_reason(paths['instances']))
            out['instances'] = np.ascontiguousarray(how(numbers.astype(np.float32), True))[None]
        return out

    def check_range(self, numbers: np.ndarray, path: Path, part: str) -> None:
        """UserError where the numbers (H, W) read from `path` cannot be those of that part."""
        kind = 'label' if part == 'A' else 'instance'
        label_nc = getattr(self.opt, 'label_nc', 0) or 256
        least, most = int(numbers.min()), int(numbers.max())
        if least < 0 or most > MOST[part]:
            raise UserError(f'{path}: has {kind} {least if least < 0 else most}; {kind}s are 0 to '
                            f'{MOST[part]}. Is it an image, or a map of another kind?')
        if part == 'A' and most >= label_nc:
            raise UserError(f'{path}: has label {most}, but there are {label_nc}, from 0. Give '
                            f'--label_nc {most + 1}.')


def check_flags(opt: argparse.Namespace) -> None:
    """UserError for flags that pix2pixHD's folders do not support."""
    for flag in FLAGS:
        if getattr(opt, flag, 0):
            raise UserError(f'--{flag}: a dataset in pix2pixHD\'s folders has no joints to move. '
                            f'Leave that flag out.')
    if opt.direction == 'BtoA':
        raise UserError('--direction BtoA: pix2pixHD\'s folders are read from labels to frames '
                        'only. Leave that flag out.')
