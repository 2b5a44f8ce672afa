"""One progress bar for every long task, with a rate and an ETA."""
import sys
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm

from util.words import printable


def progress(items: Iterable[Any] | None, what: str, total: float | None = None,
             unit: str = 'frame', **more: Any) -> 'tqdm[Any]':
    """A tqdm bar. In a file or a log it prints a line every 10 to 30 seconds, not ten a second."""
    pace = {} if sys.stderr.isatty() else {'mininterval': 10.0, 'maxinterval': 30.0, 'ncols': 100}
    return tqdm(items, desc=printable(what, breaks=False), total=total, unit=unit,
                dynamic_ncols=sys.stderr.isatty(), **{**pace, **more})


def clock(what: str, seconds: float, initial: float = 0.0) -> 'tqdm[Any]':
    """A bar for a task of known length; `initial` seconds of it are over."""
    return progress(None, what, seconds, 's', initial=min(initial, seconds),
                    bar_format='{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}')
