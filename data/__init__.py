"""Every way of reading a dataset: one file per --dataset_mode, found by name."""
from util.registry import Registry

datasets = Registry('--dataset_mode', 'data', '_dataset', 'BaseDataset')
