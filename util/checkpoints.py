"""Checkpoint files: plain state dicts with upstream's names and keys, read without running code.

CHECKPOINTS_DIR/NAME/{EPOCH,latest}_net_{G,D}.pth, and latest_state.pth with everything else that
--continue_train needs.
"""
import pickle
import shutil
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from util.errors import UserError
from util.files import NO_ROOM, atomic, flush_to_disk, natural
from util.runs import RECORDS


def save(files: Mapping[Path, Any]) -> None:
    """Write every value with torch.save, then rename all files at once.

    Raises UserError when the disk is full; every file then stays as it was.
    """
    with ExitStack() as places:
        # contexts end in reverse order: the file that is named first is renamed first
        parts = {path: places.enter_context(atomic(path)) for path in reversed(list(files))}
        try:
            for path, part in parts.items():
                with open(part, 'wb') as file:
                    torch.save(files[path], file)
            for part in parts.values():
                flush_to_disk(part)     # slow; the renames that follow are fast
        except (OSError, RuntimeError) as error:        # torch wraps most errors of the disk
            if isinstance(error, OSError) and error.errno not in NO_ROOM:
                raise
            raise disk_full(path, any(file.exists() for file in files)) from error


def disk_full(path: Path, saved_before: bool) -> UserError:
    free = shutil.disk_usage(path.parent).free / 1e6
    then = 'Make room, then give the same command again.'
    if saved_before:
        then = 'Earlier checkpoints are untouched; make room, then add --continue_train.'
    return UserError(f'{path} could not be written completely: {free:.0f} MB are free there. '
                     f'{then}')


def read_state(folder: Path) -> dict[str, Any] | None:
    """What latest_state.pth of a run's folder says; None where there is none."""
    path = folder / 'latest_state.pth'
    return read(path) if path.is_file() else None


def is_unstarted(state: Mapping[str, Any] | None) -> bool:
    """Whether a run of that state was stopped before its first step: its weights are
    untrained, and what the model keeps apart from weights may be missing. A run of
    --max_minutes 0 has no steps either, but is prepared: nothing is missing."""
    return state is not None and state['steps'] == 0 and not state.get('prepared', False)


def read(path: Path) -> Any:
    """The object that torch.save wrote, its tensors on the CPU. Never runs code from the file."""
    if not path.is_file():
        raise missing(path)
    try:
        return torch.load(path, map_location='cpu', weights_only=True)
    except pickle.UnpicklingError as error:
        if 'GLOBAL' in str(error):
            raise UserError(f'{path}: carries code, which is never run. If you trust its origin, '
                            f'save only its state_dict() there.') from error
        raise not_a_checkpoint(path) from error
    except Exception as error:      # a broken file can raise anything in torch
        raise not_a_checkpoint(path) from error


def not_a_checkpoint(path: Path) -> UserError:
    return UserError(f'{path}: holds no PyTorch checkpoint, or is truncated. Copy it again, or '
                     f'choose another with --epoch.')


def missing(path: Path) -> UserError:
    """The error for a missing checkpoint; lists the epochs, or else the runs, that exist."""
    folder = path.parent
    epochs = sorted({p.name.split('_net_')[0] for p in folder.glob('*_net_G.pth')}, key=natural)
    if epochs:
        return UserError(f'{path}: no such checkpoint. --epoch can be {", ".join(epochs)}.')
    known = [path for kind in ('*_net_G.pth', *RECORDS) for path in folder.parent.glob(f'*/{kind}')]
    runs = sorted({path.parent.name for path in known}, key=natural)
    there = f'There is {", ".join(runs)}' if runs else f'{folder.parent} holds no trained run'
    return UserError(f'{path}: no such checkpoint. {there}. Train one: '
                     f'python train.py --dataroot datasets/me --name {folder.name}.')


def read_weights(path: Path) -> dict[str, Tensor]:
    """A state dict; removes the key prefixes that DataParallel and torch.compile add."""
    state = read(path)
    if isinstance(state, dict) and isinstance(state.get('state_dict'), dict):
        state = state['state_dict']
    if not isinstance(state, dict) or not state or \
            not all(isinstance(v, Tensor) for v in state.values()):
        raise not_a_checkpoint(path)
    for prefix in ('module.', '_orig_mod.'):
        if all(k.startswith(prefix) for k in state):
            state = {k.removeprefix(prefix): v for k, v in state.items()}
    return state


def load_weights(network: nn.Module, path: Path, flag: str,
                 advice: Callable[[dict[str, Tensor]], str] = lambda state: '') -> None:
    """Load `path` into `network`; the UserError says how the two differ.

    flag     the flag that chooses the network, e.g. --netG
    advice   returns a sentence on which flags fit a state dict
    """
    state = read_weights(path)
    wanted = network.state_dict()
    # PyTorch before 0.4 saved buffers of InstanceNorm that it never used, and no BatchNorm counter
    unused = ('running_mean', 'running_var', 'num_batches_tracked')
    state = {k: v for k, v in state.items() if k in wanted or not k.endswith(unused)}
    for key, value in wanted.items():
        if key.endswith('num_batches_tracked'):
            state.setdefault(key, value)
    lacking = wanted.keys() - state.keys()
    surplus = state.keys() - wanted.keys()
    shapes = [k for k in wanted.keys() & state.keys() if wanted[k].shape != state[k].shape]
    if lacking or surplus or shapes:
        what = (f'{shapes[0]} is {tuple(state[shapes[0]].shape)} there and '
                f'{tuple(wanted[shapes[0]].shape)} here' if shapes and not lacking | surplus else
                f'{len(lacking)} of its keys are missing and {len(surplus)} are unknown')
        raise UserError(f'{path}: does not fit the network that {flag} selects ({what}). '
                        f'{advice(state)}')
    network.load_state_dict(state)

