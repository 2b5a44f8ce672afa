"""How the memory and the open files of a long training grow: tiny steps, tens of thousands of them.

    python scripts/dev/long_training.py                     100,000 steps, 20 minutes on one core
    python scripts/dev/long_training.py --steps 10000 --every 1000

One layer stands in for each network, so that the loop, the page, the loader and the saves are what
is measured; every epoch of 64 pairs shows its pictures. Linux only.
"""
import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault('OMP_NUM_THREADS', '1')
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import torch
from torch import Tensor, nn

from util.errors import run_main, say
from util.images import write_image

PAIRS = 64
SIZE = 32       # px
FIRST = 500     # steps after which everything has been used once


class Layer(nn.Module):
    """One convolution in the place of a network."""

    multiple = smallest = 1

    def __init__(self, before: int, after: int):
        super().__init__()
        self.layer = nn.Conv2d(before, after, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(self.layer(x))


def measured(steps: int, every: int, folder: Path) -> None:
    """Train, and print a line of the process's memory and open files every few steps."""
    import train
    from models import networks
    from training.loop import Training
    networks.GENERATORS['resnet_6blocks'] = lambda i, o, *given, **more: Layer(i, o)
    networks.DISCRIMINATORS['basic'] = lambda i, *given: Layer(i, 1)
    report, began = Training.report, time.monotonic()

    def reported(training, *given, **more):                                # type: ignore[no-untyped-def]
        report(training, *given, **more)
        step = training.position.steps
        if step % every == 0 or step == FIRST:
            rest = f'{memory("VmRSS"):.1f} MB, {memory("RssAnon"):.1f} of them its own, ' \
                   f'{len(os.listdir("/proc/self/fd"))} open files'
            say(f'step {step}, epoch {training.position.epoch}, '
                f'{time.monotonic() - began:.0f} s: {rest}')

    Training.report = reported                      # type: ignore[method-assign, assignment]
    train.main(['--dataroot', str(folder / 'me'), '--checkpoints_dir', str(folder / 'runs'),
                '--name', 'me', '--model', 'pix2pix', '--netG', 'resnet_6blocks', '--precision',
                'fp32', '--no_compile', '--display_id', '0', '--update_html_freq', str(PAIRS),
                '--n_epochs', str(steps), '--max_steps', str(steps)])


def memory(key: str) -> float:
    """MB of a line of /proc/self/status."""
    for line in Path('/proc/self/status').read_text().splitlines():
        if line.startswith(f'{key}:'):
            return int(line.split()[1]) / 1024
    raise ValueError(f'{key} is not known here')


def make_pairs(root: Path) -> None:
    """root/train and root/val: pairs of noise."""
    random = np.random.default_rng(0)
    for phase, count in (('train', PAIRS), ('val', 1)):
        (root / phase).mkdir(parents=True)
        for number in range(1, count + 1):
            picture = random.integers(0, 256, (SIZE, 2 * SIZE, 3), np.uint8)
            write_image(root / phase / f'{number:06}.png', picture)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--steps', type=int, default=100_000)
    parser.add_argument('--every', type=int, default=5_000, help='steps between two lines')
    opt = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix='long') as folder:
        make_pairs(Path(folder) / 'me')
        measured(opt.steps, opt.every, Path(folder))


if __name__ == '__main__':
    run_main(main)
