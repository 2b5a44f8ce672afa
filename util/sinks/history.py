"""web/history.jsonl of a run: what happened while it was trained, one event a line."""
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from util.shapes import items, maybe, number, record, table, text

LONGEST = 100_000       # characters of a line; what is longer is no event of ours


def _value(value: Any) -> None:
    """A loss, which is no number after a run has diverged."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError('a loss is a number')


_images = table(text(r'images/[^/\\]+\.png'))
EVENT = record({'epoch': number(0, 1e9, whole=True), 'step': number(0, 1e12, whole=True)}, {
    'losses': table(_value), 'score': maybe(_value), 'seconds': number(),
    'pictures': _images, 'heldout': _images, 'film': text(r'film/\d+\.jpg'),
    'size': items(number(1, 65535, whole=True), 2)})


def read_events(path: Path) -> Iterator[dict[str, Any]]:
    """The events of the file, oldest first, without lines that are no events: a stop may have
    truncated one."""
    with open(path, encoding='utf-8', errors='replace') as lines:
        while line := lines.readline(LONGEST):
            try:
                event = json.loads(line)
                EVENT(event)
            except (ValueError, RecursionError):
                continue
            yield event
