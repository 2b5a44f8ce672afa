"""Files that are whole or not there: written beside their place, flushed, then renamed."""
import errno
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from util.errors import UserError


@contextmanager
def atomic(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a path beside `path` to write to (same suffix); it takes `path`'s place at the end.

    When the block fails, `path` is as it was and nothing is left beside it. A full disk is a
    UserError.
    """
    path = Path(path)
    part = path.with_name(f'.{path.stem}.part{os.getpid()}{path.suffix}')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        flush_to_disk(part)
        os.replace(part, path)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise UserError(f'{path}: the disk is full. Nothing that was there is lost; make room, '
                            f'then give the same command again.') from error
        raise
    finally:
        part.unlink(missing_ok=True)


def flush_to_disk(path: Path) -> None:
    """Wait until the bytes of `path` are on the disk, so that a rename never outruns them."""
    with open(path, 'rb+') as file:
        os.fsync(file.fileno())


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` as UTF-8, atomically."""
    with atomic(path) as part:
        part.write_text(text, encoding='utf-8')


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write `value` as JSON a person can read, atomically."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + '\n')


def read_json(path: str | os.PathLike[str]) -> Any:
    """Read JSON; a file that is not JSON is a UserError that names it."""
    try:
        return json.loads(Path(path).read_text(encoding='utf-8'))
    except (ValueError, UnicodeDecodeError) as error:
        raise UserError(f'{path}: not readable as JSON ({error}). Delete it and make it '
                        f'again.') from error


def natural(name: str | os.PathLike[str]) -> list[tuple[int, int, str]]:
    """Sort key of a file name: frame2 comes before frame10."""
    return [(0, int(part), '') if part.isdigit() else (1, 0, part.lower())
            for part in re.split(r'(\d+)', str(name)) if part]


@contextmanager
def folder_in_place_of(place: Path, ours: str) -> Iterator[Path]:
    """A new folder beside `place` that takes its place at the end; on failure nothing changes.

    ours   a regular expression for the names of what the program writes there: what else is in
           the old folder moves on into the new one
    """
    part = place.parent / f'.{place.name}.part{os.getpid()}'
    old = place.parent / f'.{place.name}.old{os.getpid()}'
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        yield part
        if place.exists():
            place.rename(old)
        part.rename(place)
    except BaseException:
        if old.exists() and not place.exists():
            old.rename(place)
        raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
        if old.exists() and place.exists():
            _remove_old(old, place, ours)


def _remove_old(old: Path, place: Path, ours: str) -> None:
    for entry in old.iterdir():
        if not re.fullmatch(ours, entry.name) and not os.path.lexists(place / entry.name):
            entry.rename(place / entry.name)
    shutil.rmtree(old, ignore_errors=True)


def clear_leftovers(folder: Path) -> None:
    """Remove what `atomic` and `folder_in_place_of` leave in a folder where they are killed. For
    who alone writes into it."""
    for path in [*folder.glob('.*.part[0-9]*'), *folder.glob('.*.old[0-9]*')]:
        found = re.fullmatch(r'\.(.+)\.(part|old)\d+(\.\w+)?', path.name)
        if found and not path.is_dir():
            path.unlink()
        elif found and found[2] == 'old' and not (folder / found[1]).exists():
            path.rename(folder / found[1])
        elif found:
            shutil.rmtree(path, ignore_errors=True)
