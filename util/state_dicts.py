"""Files of weights of any origin: which state dict is in them, and loading it into a network.

A state dict may lie within other dicts, next to an optimizer's state, and DataParallel,
torch.compile and averaging put words into its keys, in any order.
"""
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from util import checkpoints
from util.errors import UserError

StateDict: TypeAlias = dict[str, Tensor]

# the words in keys, and the entries, that wrappers add; no network here has a part of that name
WRAPPERS = re.compile(r'(?:^|(?<=\.))(?:module|_orig_mod)\.')
OF_WRAPPERS = {'n_averaged'}
# the names of a whole generator within a model, which begin all keys of a part that was saved so
WHOLE = 'netG.', 'G.', 'generator.'
DEEPEST = 4                     # dicts within dicts
# PyTorch before 0.4 saved buffers of InstanceNorm that it never used, and no BatchNorm counter
UNUSED = 'running_mean', 'running_var', 'num_batches_tracked'


def read_weights(path: Path) -> StateDict:
    """The one state dict in a file, without the words that wrappers put into its keys. UserError
    where it holds none, or several."""
    content = checkpoints.read(path)
    found = dict(state_dicts(content))
    if len(found) == 1:
        return without_wrappers(next(iter(found.values())))
    if found:
        raise UserError(f'{path}: holds several state dicts: {", ".join(found)}. Save the one to '
                        f'use alone there, with torch.save.')
    if isinstance(content, Mapping) and content:
        held = ', '.join(str(key) for key in list(content)[:6])
        raise UserError(f'{path}: holds {held}, but no weights of a network. Copy a state_dict() '
                        f'there, or choose another with --epoch.')
    raise checkpoints.not_a_checkpoint(path)


def state_dicts(content: Any, name: str = '') -> list[tuple[str, StateDict]]:
    """What looks like the weights of a network in an object: (the keys that lead there, with /
    between them, and the state dict). An optimizer's state is none."""
    if not isinstance(content, Mapping) or 'param_groups' in content:
        return []
    entries = {key: value for key, value in content.items() if isinstance(key, str)}
    own = {key: value for key, value in entries.items() if isinstance(value, Tensor)}
    if any(value.ndim > 1 for value in own.values()):
        return [(name, own)]
    if name.count('/') >= DEEPEST:
        return []
    return [found for key, value in entries.items()
            for found in state_dicts(value, f'{name}/{key}'.lstrip('/'))]


def without_wrappers(state: StateDict) -> StateDict:
    """The same tensors by the keys of the bare network."""
    bare = {WRAPPERS.sub('', key): value for key, value in state.items() if key not in OF_WRAPPERS}
    for start in WHOLE:
        if all(key.startswith(start) for key in bare):
            bare = {key.removeprefix(start): value for key, value in bare.items()}
    return bare if len(bare) + len(OF_WRAPPERS & state.keys()) == len(state) else state


def load_weights(network: nn.Module, path: Path, flag: str,
                 advice: Callable[[StateDict], str] = lambda state: '') -> None:
    """Load `path` into `network`; the UserError says how the two differ, or that weights are not
    finite.

    flag     the flag that chooses the network, e.g. --netG
    advice   returns a sentence on which flags fit a state dict
    """
    state = read_weights(path)
    wanted = network.state_dict()
    state = {k: v for k, v in state.items() if k in wanted or not k.endswith(UNUSED)}
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
    wrong = not_finite(state)
    if wrong:
        raise UserError(f'{path}: {len(wrong)} of its {len(state)} tensors hold NaN or infinity, '
                        f'such as {wrong[0]}: its training diverged. Choose an earlier --epoch, or '
                        f'train again with a lower --lr.')
    network.load_state_dict(state)


def not_finite(state: Mapping[str, Tensor]) -> list[str]:
    """The keys of tensors that hold NaN or infinity."""
    return [key for key, value in state.items() if not bool(torch.isfinite(value).all())]
