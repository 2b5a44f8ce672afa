"""Small runs of pix2pixHD that train and paint, for its tests."""
from collections.abc import Callable
from pathlib import Path

import torch

import test as painting_entry
import train as training_entry

TINY = ['--model', 'pix2pixHD', '--ngf', '4', '--ndf', '4', '--n_blocks_global', '1',
        '--n_downsample_global', '2', '--n_blocks_local', '1', '--display_id', '0', '--no_compile',
        '--device', 'cpu', '--no_html']


def trainer(root: Path, checkpoints: Path) -> Callable[..., Path]:
    """train(name, '--flag' ...) -> its folder; train.root is the dataset."""

    def call(name: str, *flags: str, dataroot: Path = root) -> Path:
        training_entry.main(['--dataroot', str(dataroot), '--name', name, '--checkpoints_dir',
                             str(checkpoints), *TINY, *flags])
        return checkpoints / name
    call.root = root
    return call


def paint(folder: Path, root: Path, *flags: str) -> Path:
    """Paint the dataset root with the run in folder; where the pictures are."""
    page = painting_entry.main(['--dataroot', str(root), '--name', folder.name, '--device', 'cpu',
                                '--checkpoints_dir', str(folder.parent), '--results_dir',
                                str(folder.parent / 'res'), '--no_video', '--metrics', 'fast',
                                *flags])
    return page.parent / 'images'


def weights(folder: Path, name: str = 'G') -> dict[str, torch.Tensor]:
    """The state dict of a run's network as it was saved last."""
    return torch.load(folder / f'latest_net_{name}.pth', weights_only=True)
