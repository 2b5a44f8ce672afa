"""Reads the list of a suite: which person is painted into the poses of which video.

A pair is here a target and a source: [{"name": "me_from_dancer", "target": "me.mp4", "source":
"dancer.mp4", "target_args": "--crop 120,90,720,540"}, ...]. Paths are relative to the list's own
file; target_args, source_args, train_args and test_args are those of transfer.py.
"""
import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from util.errors import UserError
from util.files import read_json

NEEDED = 'name', 'target', 'source'
STEPS = 'target', 'source', 'train', 'test'
KNOWN = (*NEEDED, *(f'{step}_args' for step in STEPS))
# of a folder, on every system: Windows takes off a dot or space at its end
PLAIN_NAME = r'\w([\w .+-]*[\w+-])?'
EXAMPLE = '[{"name": "me_from_dancer", "target": "me.mp4", "source": "dancer.mp4"}]'


@dataclass(frozen=True)
class Pair:
    """One transfer.

    run     name of the target's dataset and run: pairs that prepare and train alike share it
    args    {step: more flags for it}
    """
    name: str
    target: Path
    source: Path
    run: str
    args: dict[str, str]

    def video_states(self) -> dict[str, list[Any]]:
        """{'target', 'source': [file name, bytes, time of the last change in ns]}."""
        states = {}
        for which, path in (('target', self.target), ('source', self.source)):
            found = path.stat()
            states[which] = [path.name, found.st_size, found.st_mtime_ns]
        return states


def read_pairs(file: Path) -> list[Pair]:
    """The pairs of that list, in its order; UserError where it is none."""
    if not file.is_file():
        raise UserError(f'{file}: no such file. Write a list of pairs, such as {EXAMPLE}.')
    entries = read_json(file, f'Write a list of pairs, such as {EXAMPLE}, and save it as UTF-8.')
    if not isinstance(entries, list) or not entries:
        raise UserError(f'{file}: no list of pairs. Write one such as {EXAMPLE}.')
    names: set[str] = set()
    for number, entry in enumerate(entries, 1):
        check_entry(f'{file}, pair {number}', entry)
        if entry['name'].casefold() in names:
            raise UserError(f'{file}: two pairs are called {entry["name"]}. Rename one of them.')
        names.add(entry['name'].casefold())
    runs = run_names(entries)
    pairs = []
    for entry, run in zip(entries, runs):
        target = existing(file, entry, 'target')
        source = existing(file, entry, 'source')
        args = {step: entry.get(f'{step}_args', '') for step in STEPS}
        pairs.append(Pair(entry['name'], target, source, run, args))
    return pairs


def check_entry(where: str, entry: Any) -> None:
    """UserError where a pair has other keys or values than it may have."""
    if not isinstance(entry, dict):
        raise UserError(f'{where}: {entry!r} is no pair. Write pairs such as {EXAMPLE}.')
    for key, value in entry.items():
        if key not in KNOWN:
            close = get_close_matches(key, KNOWN, n=1)
            hint = f' Did you mean {close[0]}?' if close else ''
            raise UserError(f'{where}: no such key, {key}.{hint} There is {", ".join(KNOWN)}.')
        if not isinstance(value, str):
            raise UserError(f'{where}: {key} is {value!r}. Give it as text in quotation marks.')
    for key in NEEDED:
        if not entry.get(key):
            raise UserError(f'{where}: {key} is missing. Write pairs such as {EXAMPLE}.')
    if not re.fullmatch(PLAIN_NAME, entry['name']):
        raise UserError(f'{where}: its name, {entry["name"]}, is also that of a folder. Give it '
                        f'letters, digits and _, such as me_from_dancer.')


def existing(file: Path, entry: dict[str, str], which: str) -> Path:
    """The path of a pair's target or source; UserError where there is no such file."""
    path = file.parent / entry[which]
    if not path.is_file():
        raise UserError(f'{file}, {entry["name"]}: {which} {entry[which]}: no such file as {path}. '
                        f'Paths are relative to {file.name}.')
    return path


def run_names(entries: Sequence[dict[str, str]]) -> list[str]:
    """The name of each pair's run: the stem of its target. Where targets of one stem are prepared
    or trained in different ways, from the second way on with a number."""
    ways: dict[str, list[tuple[str, ...]]] = {}
    names = []
    for entry in entries:
        stem = Path(entry['target']).stem
        way = entry['target'], entry.get('target_args', ''), entry.get('train_args', '')
        known = ways.setdefault(stem, [])
        if way not in known:
            known.append(way)
        place = known.index(way)
        names.append(f'{stem}_{place + 1}' if place else stem)
    return names
