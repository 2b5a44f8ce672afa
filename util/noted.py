"""Which files in a folder the program wrote, and which are the user's.

FOLDER/.written.json notes the files that are the program's, each with its size, the time of its
last change and a checksum: a file that changed after the program wrote it is the user's.
"""
import json
import os
import re
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any

from util.errors import UserError
from util.files import atomic, read_json, write_text

NOTES = '.written.json'

# bytes, time of the last change in ns and, in the notes, a checksum; there may be several in a row
State = list[int] | None


def note(folder: Path, names: Iterable[str]) -> None:
    """Record that these files of `folder`, as they are now, are the program's."""
    add_notes(folder, {name: signature(folder / name) for name in names})


@contextmanager
def noted_file(folder: Path, name: str) -> Iterator[Path]:
    """`atomic` for FOLDER/NAME, which is noted before it takes its place: whoever is killed in
    between may write it again."""
    with atomic(folder / name) as part:
        yield part
        written = signature(part) or []
        before = signature(folder / name) if name in noted(folder) else None
        add_notes(folder, {name: [*written, *(before or [])]})


def write_noted(path: Path, text: str) -> None:
    """Write text into a file that `check_ours` allows."""
    with noted_file(path.parent, path.name) as part:
        part.write_text(text, 'utf-8')


def recorded(folder: Path) -> set[str]:
    """The files of `folder` that `note` recorded, changed or not; empty where an earlier version
    wrote them, which recorded none."""
    return {name for name in notes_of(folder) if is_inside(name)}


def noted(folder: Path) -> set[str]:
    """The files of `folder` that `note` recorded, without those that changed since."""
    notes = notes_of(folder)
    return {name for name in recorded(folder) if is_as(folder / name, notes[name])}


def check_unchanged(place: Path, names: Iterable[str]) -> None:
    """UserError if one of these files of `place` is not as it was when it was noted: somebody has
    worked on it since."""
    notes = {'': notes_of(place)}
    changed = []
    for name in sorted(names):
        for parent in PurePosixPath(name).parents:
            folder = '' if str(parent) == '.' else f'{parent}/'
            if folder not in notes:
                notes[folder] = notes_of(place / folder)
            state = notes[folder].get(name.removeprefix(folder))
            if state and os.path.lexists(place / name) and not is_as(place / name, state):
                changed.append(place / name)
    if changed:
        more = f' and {len(changed) - 1} more' if len(changed) > 1 else ''
        raise UserError(f'{changed[0]}{more}: changed since this program wrote it, and would be '
                        f'replaced. Move it away to keep it, or delete it, then give the same '
                        f'command again.')


def check_ours(folder: Path, names: Iterable[str]) -> None:
    """UserError if one of these files of `folder` exists but is not as `note` recorded it."""
    ours = noted(folder)
    for name in names:
        if os.path.lexists(folder / name) and name not in ours:
            raise in_the_way(folder / name)


def has_noted_bytes(path: Path) -> bool:
    """Whether the bytes of a file are those that were noted, whenever it changed; True where none
    were."""
    known = notes_of(path.parent).get(path.name)
    sums = known[2::3] if isinstance(known, list) else []
    return not sums or _checksum(path) in sums


def in_the_way(path: Path) -> UserError:
    return UserError(f'{path}: is there already, and this program did not write it. Move it away, '
                     f'then give the same command again.')


def matching(place: Path, patterns: Collection[str]) -> list[str]:
    """The files within `place` whose path there, with / between folders, matches one of these
    regular expressions as a whole."""
    one_of = re.compile('|'.join(f'(?:{pattern})' for pattern in patterns))
    names = [path.relative_to(place).as_posix() for path in place.rglob('*') if not path.is_dir()]
    return [name for name in names if one_of.fullmatch(name)]


def remove(place: Path, patterns: Collection[str]) -> None:
    """Remove the files that `matching` finds, and then the folders that are empty without them.
    UserError, and nothing is removed, if one of them changed since it was noted."""
    removed = matching(place, patterns)
    check_unchanged(place, removed)
    for name in removed:
        (place / name).unlink(missing_ok=True)
    for folder in {(place / name).parent for name in removed}:
        if not any(os.path.lexists(folder / name) for name in recorded(folder)):
            (folder / NOTES).unlink(missing_ok=True)
    remove_empty(place, removed)


# What is known of a file

def notes_of(folder: Path) -> dict[str, list[int]]:
    path = folder / NOTES
    try:
        found = read_json(path) if path.is_file() else {}
    except UserError:           # not written by this program: nothing is known
        return {}
    return found if isinstance(found, dict) else {}


def add_notes(folder: Path, states: Mapping[str, State]) -> None:
    """Add these; None removes one."""
    write_notes(folder, {**notes_of(folder), **states})


def write_notes(folder: Path, states: Mapping[str, State]) -> None:
    """Write these, in one line: there may be thousands."""
    known = {name: state for name, state in states.items() if state}
    write_text(folder / NOTES, json.dumps(known, ensure_ascii=False) + '\n')


def state_of(path: Path) -> State:
    """Bytes and time of the last change in ns; None if it is no file. A link is not followed."""
    if path.is_dir() or not os.path.lexists(path):
        return None
    found = path.lstat()
    return [found.st_size, found.st_mtime_ns]


def signature(path: Path) -> State:
    """The state, and a checksum of the bytes, by which a copy with another time is known."""
    state = state_of(path)
    return state if state is None or path.is_symlink() else [*state, _checksum(path)]


def _checksum(path: Path) -> int:
    checksum = 0
    with open(path, 'rb') as file:
        while block := file.read(1 << 20):
            checksum = zlib.crc32(block, checksum)
    return checksum


def is_as(path: Path, known: Any) -> bool:
    """Whether a file is as it was when `known` was its state, its signature or one of several. An
    empty one, which a crash of the machine leaves, holds nothing of anybody's."""
    state = state_of(path)
    if state is None or not isinstance(known, list):
        return False
    if state[0] == 0 and not path.is_symlink():
        return True
    for k in range(0, len(known), 3):
        if state == known[k:k + 2]:
            return True
        if state[0] == known[k] and not path.is_symlink() and known[k + 2:k + 3] == [
                _checksum(path)]:
            return True
    return False


def states_of(folder: Path, names: Iterable[str]) -> dict[str, State]:
    return {name: state_of(folder / name) for name in names}


def is_inside(name: str) -> bool:
    """Whether a name that was read from a file stays within its folder."""
    path = PurePosixPath(name)
    return bool(name) and not path.is_absolute() and '..' not in path.parts


def remove_empty(place: Path, names: Iterable[str]) -> None:
    """Remove the folders within `place` that held these files, if they are empty."""
    folders = {parent for name in names for parent in PurePosixPath(name).parents}
    for folder in sorted(folders - {PurePosixPath('.')}, key=lambda path: -len(path.parts)):
        with suppress(OSError):         # something of the user's is in it, or it is a link
            (place / folder).rmdir()
