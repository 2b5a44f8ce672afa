"""Every way of reading a dataset: one file per --dataset_mode, found by name."""
from __future__ import annotations

from typing import TYPE_CHECKING

from util.registry import Registry

if TYPE_CHECKING:                   # choices are listed without importing any of them
    from data.base_dataset import BaseDataset

datasets: Registry[BaseDataset] = Registry('--dataset_mode', 'data', '_dataset', 'BaseDataset')
