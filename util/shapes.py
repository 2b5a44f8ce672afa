"""What a JSON record may hold: its shape is checked once, where it is read.

A shape is a function that takes a value and raises ValueError saying what is wrong with it. The
functions below make one of others:

    PERSON = record({'name': text()}, {'age': number(0, 150), 'pets': maybe(items(text()))})
    person = read_shaped(path, PERSON, 'Make it again.')
"""
import os
import re
from collections.abc import Callable, Mapping
from typing import Any

from util.errors import UserError
from util.files import read_json

Shape = Callable[[Any], None]

MOST = 1e12         # of any number that no shape bounds: what is larger is no measure of anything
SHOWN = 40          # characters of a wrong value in a message


def read_shaped(path: str | os.PathLike[str], shape: Shape, then: str) -> Any:
    """The JSON value in a file; UserError where it has another shape. `then`: what to type."""
    value = read_json(path)
    check_shape(path, value, shape, then)
    return value


def check_shape(where: str | os.PathLike[str], value: Any, shape: Shape, then: str) -> None:
    """UserError where the value has another shape. `where` is the file that it comes from."""
    try:
        shape(value)
    except ValueError as error:
        raise UserError(f'{where}: {error}. {then}') from None


def anything(value: Any) -> None:
    """Any value."""


def plain(value: Any) -> None:
    """Text, a number, true, false or null."""
    if value is not None and not isinstance(value, (str, bool)):
        number()(value)


def number(least: float = -MOST, most: float = MOST, whole: bool = False) -> Shape:
    """A finite number from `least` to `most`; true and false are none."""
    kinds = int if whole else (int, float)

    def check(value: Any) -> None:
        wrong = isinstance(value, bool) or not isinstance(value, kinds)
        if wrong or not least <= value <= most:         # nan is neither
            what = 'a whole number' if whole else 'a number'
            raise ValueError(f'{shown(value)} is not {what} from {least:g} to {most:g}')
    return check


def switch(value: Any) -> None:
    """true or false."""
    if not isinstance(value, bool):
        raise ValueError(f'{shown(value)} is not true or false')


def text(pattern: str = r'.*', what: str = 'text') -> Shape:
    """Text that the whole of a regular expression fits; `what` says it in words."""
    def check(value: Any) -> None:
        if not isinstance(value, str) or not re.fullmatch(pattern, value, re.S):
            raise ValueError(f'{shown(value)} is not {what}')
    return check


# the name of a file or folder within another, and the path of one: they lead nowhere else
plain_name = text(r'(?!\.)[^/\\\x00-\x1f]+', 'a plain name')
inner_path = text(r'((?!\.)[^/\\\x00-\x1f]+/)*(?!\.)[^/\\\x00-\x1f]+', 'a path within')


def one_of(*choices: Any) -> Shape:
    def check(value: Any) -> None:
        if value not in choices:
            raise ValueError(f'{shown(value)} is not {" or ".join(map(str, choices))}')
    return check


def maybe(shape: Shape) -> Shape:
    """null, or that shape."""
    def check(value: Any) -> None:
        if value is not None:
            shape(value)
    return check


def items(shape: Shape, count: int | None = None) -> Shape:
    """A list of such values, `count` of them if that is given."""
    def check(value: Any) -> None:
        if not isinstance(value, list):
            raise ValueError(f'{shown(value)} is not a list')
        if count not in (None, len(value)):
            raise ValueError(f'{shown(value)} is not a list of {count}')
        for number, item in enumerate(value, 1):
            _inside(f'number {number}', item, shape)
    return check


def table(shape: Shape, names: Shape = anything) -> Shape:
    """An object whose values all have one shape; `names` is that of its keys."""
    def check(value: Any) -> None:
        if not isinstance(value, dict):
            raise ValueError(f'{shown(value)} is not an object of names and values')
        for name, item in value.items():
            names(name)
            _inside(shown(name), item, shape)
    return check


def record(needed: Mapping[str, Shape], more: Mapping[str, Shape] | None = None) -> Shape:
    """An object with these names, and perhaps those in `more`. Other names may hold anything."""
    known = {**needed, **(more or {})}

    def check(value: Any) -> None:
        if not isinstance(value, dict):
            raise ValueError(f'{shown(value)} is not an object of names and values')
        for name in needed:
            if name not in value:
                raise ValueError(f'it lacks {name}')
        for name in known.keys() & value.keys():
            _inside(name, value[name], known[name])
    return check


def both(first: Shape, second: Shape) -> Shape:
    def check(value: Any) -> None:
        first(value)
        second(value)
    return check


def _inside(name: str, value: Any, shape: Shape) -> None:
    try:
        shape(value)
    except ValueError as error:
        raise ValueError(f'{name}: {error}') from None


def shown(value: Any) -> str:
    """A value for a message, in one short line."""
    kind = {dict: 'an object', list: 'a list', bool: str(value).lower(), type(None): 'null'}
    words = kind.get(type(value)) or repr(value)
    return words if len(words) <= SHOWN else f'{words[:SHOWN]}...'
