"""What a run's record may set: options that describe the network, the data and the training, in
the flag's own type and range. A record may be a stranger's: it never says where to write, what to
read apart from the dataset, or which server to call.
"""
import argparse
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from util.errors import UserError, warn
from util.options import whole, whole_or_inf

# The most that a flag takes, typed or from a record: more is a slip of the hand, or somebody's
# attempt to fill the memory. The networks known to train are at most a quarter as wide and deep.
MOST = {'ngf': 1024, 'ndf': 1024, 'nef': 1024, 'feat_num': 1000, 'label_nc': 4096,
        'batch_size': 4096, 'load_size': 8192, 'crop_size': 8192, 'face_size': 1024,
        'n_layers_D': 10, 'num_D': 10, 'n_downsample_global': 10, 'n_local_enhancers': 10,
        'n_downsample_E': 10, 'n_blocks_global': 100, 'n_blocks_local': 100, 'n_stacks': 100,
        'num_frames': 100, 'num_threads': 256, 'init_gain': 1000}
MOST_WHOLE, MOST_NUMBER = 10**9, 1e9        # of any other flag
LONGEST = 4096                              # characters of a text: the longest path there is
PATHS = {'dataroot'}        # of the dataset: it may lie anywhere, and is only read
PATH = re.compile(r'[^\x00-\x1f]*')
PLAIN = re.compile(r'(?!\.)[^/\\:\x00-\x1f]*')
# Flags that say which server to call, and one that says what to read: they are to be typed again.
TO_TYPE = {'use_wandb', 'wandb_project_name', 'display_server', 'display_port', 'display_env'}
TO_REPEAT = {'vgg_weights'}
SHOWN = 60                                  # characters of a value in a message


def recorded_value(action: argparse.Action, value: Any) -> Any:
    """A record's value in the type of the flag; the flag's default for none. ValueError, saying
    what the flag takes, for a value that it does not take.

    A train_opt.txt holds only text, where inf is upstream's --max_dataset_size without a limit.
    """
    if value in (None, 'None', 'inf'):
        return action.default
    if action.nargs == 0:                               # a switch
        return _switch(value)
    kind = KINDS.get(action.type, str)
    if isinstance(value, str) and kind is not str:
        value = _number(value, kind)
    allowed = (int, float) if kind is float else (kind,)
    if isinstance(value, bool) or not isinstance(value, allowed):
        raise ValueError(f'takes {NAMES[kind]}')
    _check_range(action, value)
    return float(value) if kind is float else value


# by what argparse calls
KINDS: dict[Any, Any] = {int: int, whole: int, whole_or_inf: int, float: float}
NAMES: dict[Any, str] = {int: 'a whole number', float: 'a number', str: 'text'}


def _switch(value: Any) -> bool:
    found = {'True': True, 'False': False}.get(value, value) if isinstance(value, str) else value
    if not isinstance(found, bool):
        raise ValueError('is given or not: true or false')
    return found


def _number(text: str, kind: Callable[[str], Any]) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise ValueError(f'takes {NAMES[kind]}') from None


def _check_range(action: argparse.Action, value: Any) -> None:
    if action.choices is not None and value not in action.choices:
        raise ValueError(f'takes {", ".join(map(str, action.choices))}')
    if isinstance(value, str):
        pattern = PATH if action.dest in PATHS else PLAIN
        if len(value) > LONGEST or not pattern.fullmatch(value):
            raise ValueError('takes a plain name from a file, no path')
        return
    most = MOST.get(action.dest, MOST_WHOLE if isinstance(value, int) else MOST_NUMBER)
    if not -most <= value <= most:                      # nan is not, either
        raise ValueError(f'takes at most {most:g} from a file')


def from_record(file: Path, actions: Mapping[str, argparse.Action], record: Mapping[str, Any],
                taken: set[str]) -> dict[str, Any]:
    """{flag: value} of the flags in `taken` that the record in `file` names. UserError for a value
    that its flag does not take."""
    values = {}
    for flag in sorted(taken & actions.keys() & record.keys()):
        try:
            values[flag] = recorded_value(actions[flag], record[flag])
        except ValueError as error:
            shown = repr(record[flag])[:SHOWN]
            raise UserError(f'{file}: {flag} is {shown}, but --{flag} {error}. Correct it there, '
                            f'or type --{flag} yourself.') from None
    return values


def warn_of_others(file: Path, actions: Mapping[str, argparse.Action], record: Mapping[str, Any],
                   typed: set[str]) -> None:
    """Say which flags the record names that only a user sets. UserError for one without which the
    training would go on in another way."""
    for flag in sorted((TO_TYPE | TO_REPEAT) & actions.keys() & record.keys() - typed):
        given, usual = record[flag], actions[flag].default
        if given in (None, 'None', usual, str(usual)):
            continue
        words = f'{file} has --{flag} {str(given)[:SHOWN]}, which is never taken from a file. '
        if flag in TO_REPEAT:
            raise UserError(f'{words}Type it again to go on as before, or --{flag} with another '
                            f'value.')
        warn(f'{words}Type it again if you want it.')
