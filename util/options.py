"""The parsed options, which every layer may read. options/ declares the flags."""
import argparse
import math
from collections.abc import Iterable, Mapping
from typing import Any

from util.errors import UserError


class Options(argparse.Namespace):
    """The options as attributes; frozen after parsing."""

    def __setattr__(self, name: str, value: Any) -> None:
        if self.__dict__.get('_frozen'):
            raise AttributeError(f'options are frozen: {name} cannot be set after parsing')
        super().__setattr__(name, value)

    def freeze(self) -> 'Options':
        self.__dict__['_frozen'] = True
        return self

    def but(self, **values: Any) -> 'Options':
        """A copy with other values for some options."""
        return Options(**vars(self) | {'_frozen': False} | values).freeze()

    def facts(self) -> dict[str, Any]:
        """Every option by name, ready for JSON."""
        return {k: v for k, v in sorted(vars(self).items()) if k not in ('_frozen', 'isTrain')}


def check_least(opt: argparse.Namespace, least: Mapping[str, float]) -> None:
    """UserError for a number below the least that its flag takes. Flags that `opt` lacks, or
    that are None, pass."""
    for flag, smallest in least.items():
        value = getattr(opt, flag, None)
        if value is not None and not smallest <= value < math.inf:      # nan is neither
            raise UserError(f'--{flag} {value}: give {smallest} or more.')


def refuse(cases: Iterable[tuple[object, str]]) -> None:
    """UserError with the message of the first case (condition, message) whose condition holds."""
    for condition, message in cases:
        if condition:
            raise UserError(message)


def check_more_than_0(opt: Options, flags: Iterable[str]) -> None:
    """UserError for a number that is not above 0; None passes."""
    for flag in flags:
        value = getattr(opt, flag)
        if value is not None and not 0 < value < math.inf:              # nan is neither
            raise UserError(f'--{flag} {value}: give more than 0.')
