"""The parsed options, which every layer may read. options/ declares the flags."""
import argparse
import math
from collections.abc import Iterable, Mapping
from typing import Any

from util.errors import UserError
from util.shapes import MOST

LARGEST = 2 ** 31 - 1       # whole number: libraries of C count no further


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


class NotWhole(argparse.ArgumentTypeError, ValueError):
    """argparse shows the sentence of the one; who reads a record knows the other."""


def whole(text: str) -> int:
    """A whole number that was typed."""
    try:
        number = int(text)
    except ValueError:
        raise NotWhole(f'{text or "nothing"} is no whole number, such as 3') from None
    if abs(number) > LARGEST:
        raise NotWhole(f'{text} is too large. Give {LARGEST} or less')
    return number


def whole_or_inf(text: str) -> int | None:
    """A whole number that was typed, or None for inf, which is how upstream says no limit."""
    return None if text == 'inf' else whole(text)


def check_least(opt: argparse.Namespace, least: Mapping[str, float]) -> None:
    """UserError for a number below the least that its flag takes. Flags that `opt` lacks, or
    that are None, pass."""
    for flag, smallest in least.items():
        value = getattr(opt, flag, None)
        if value is not None and not smallest <= value < math.inf:      # nan is neither
            raise UserError(f'--{flag} {value}: give {smallest} or more.')


def check_most(opt: argparse.Namespace, most: Mapping[str, float]) -> None:
    """UserError for a number above the most that its flag takes. Flags that `opt` lacks, or that
    are None, pass."""
    for flag, largest in most.items():
        value = getattr(opt, flag, None)
        if value is not None and not value <= largest:
            raise UserError(f'--{flag} {value}: give {largest} or less.')


def check_finite(opt: argparse.Namespace) -> None:
    """UserError for any number that is none, or beyond all measure: a record of it would be refused
    when the run is read."""
    for flag, value in vars(opt).items():
        if isinstance(value, float) and not abs(value) <= MOST:
            raise UserError(f'--{flag} {value}: give a number of at most {MOST:g}.')


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
