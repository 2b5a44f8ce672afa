"""Every way of painting a person: one file per --model, found by name."""
from __future__ import annotations

from typing import TYPE_CHECKING

from util.registry import Registry

if TYPE_CHECKING:                   # choices are listed without importing any of them
    from models.base_model import BaseModel

ABSENT = {
    'cycle_gan': 'CycleGAN learns from images without partners and is not part of this program, '
                 'which learns from pairs. To train on pairs: --model pix2pix. To paint with one '
                 'of its generators: copy latest_net_G_A.pth to latest_net_G.pth, and give test.py '
                 '--model test',
    'test': 'is for test.py. To train: --model pix2pix',
    'colorization': 'is not part of this program. Pairs of grey and coloured images train with '
                    '--model pix2pix'}

models: Registry[BaseModel] = Registry('--model', 'models', '_model', 'BaseModel', ABSENT)


def artefacts() -> tuple[str, ...]:
    """What any model keeps in a run's folder apart from weights, as regular expressions. Imports no
    torch."""
    every = {pattern for kind in models.importable().values() for pattern in kind.ARTEFACTS}
    return tuple(sorted(every))
