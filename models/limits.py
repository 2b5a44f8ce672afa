"""Networks as large as somebody's record says, but no larger than the weights that are there."""
from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from util.errors import UserError, is_out_of_memory
from util.owned import MAKING, of_placed, placed

LEAST_BYTES = 2             # of a weight in a file
OTHERS = 250e6              # weights of networks that only measure: VGG19 has 144 million


def most_weights(opt: argparse.Namespace) -> float | None:
    """How many weights the networks of a run can have that is painted with or resumed, by the size
    of its files; None for a new run, whose flags a user has typed."""
    if opt.isTrain and not opt.continue_train:
        return None
    folder, pattern = Path(opt.checkpoints_dir) / opt.name, f'{opt.epoch}_net_*.pth'
    found = [*folder.glob(pattern), *folder.glob(f'{MAKING}/new/{pattern}')]
    names = {path.name for path in found}
    files = [folder / name for name in names if placed(folder / name)]
    if not files:
        return None
    saved = sum(map(saved_bytes, files)) / LEAST_BYTES
    return saved + OTHERS if opt.isTrain else saved


def saved_bytes(path: Path) -> int:
    """The size of a file of a run, which may be among those of a save that was stopped."""
    about = of_placed(path, Path.stat)
    return 0 if about is None else about.st_size


@contextmanager
def no_larger_than_saved(opt: argparse.Namespace) -> Iterator[None]:
    """UserError as soon as the networks that are made within the block have more weights than the
    run's files: before their memory is used."""
    from torch.nn.modules.module import register_module_parameter_registration_hook
    found = 0
    weights = most_weights(opt)

    def count(module: Any, name: str, parameter: Any) -> None:
        nonlocal found
        found += 0 if parameter is None else parameter.numel()
        if weights is not None and found > weights:
            raise too_large(opt)
    hook = register_module_parameter_registration_hook(count)
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        smaller = 'Give a smaller --ngf or --ndf.' if opt.isTrain else \
            'Close other programs, or paint with a run of a smaller --ngf.'
        raise UserError(f'{opt.name}: there is not enough memory for networks as large as that. '
                        f'{smaller}') from error
    finally:
        hook.remove()


def too_large(opt: argparse.Namespace) -> UserError:
    """The error for a run whose flags ask for more weights than it has."""
    from models.networks import which_flags
    from util.state_dicts import read_weights
    path = Path(opt.checkpoints_dir) / opt.name / f'{opt.epoch}_net_G.pth'
    return UserError(f'{path}: does not fit the networks that --netG and the other flags select, '
                     f'which have more weights. {which_flags(read_weights(path))}')
