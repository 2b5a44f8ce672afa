"""Every way of reading a dataset: one file per --dataset_mode, found by name."""
from __future__ import annotations

from typing import TYPE_CHECKING

from util.registry import Registry

if TYPE_CHECKING:                   # choices are listed without importing any of them
    from data.base_dataset import BaseDataset

ABSENT = {
    'unaligned': 'images without partners are for CycleGAN, which is not part of this program. '
                 'For pairs: --dataset_mode aligned. To paint images alone: --dataset_mode single',
    'colorization': 'is not part of this program. Pairs of grey and coloured images are read by '
                    '--dataset_mode aligned'}

datasets: Registry[BaseDataset] = Registry('--dataset_mode', 'data', '_dataset', 'BaseDataset',
                                           ABSENT)
