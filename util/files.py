"""Files that are whole or do not exist: written next to their place, flushed, then renamed."""
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

NO_ROOM = errno.ENOSPC, errno.EDQUOT, errno.EFBIG    # errors of a full disk
OURS = '.ours'      # in a folder that was replaced: the pattern of what the program wrote there


@contextmanager
def atomic(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A path next to `path` to write to, with the same suffix; it replaces `path` at the end.

    If the block fails, `path` is as it was and nothing is left next to it. A full disk is a
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
        if error.errno in NO_ROOM:
            raise UserError(f'{path}: the disk is full. Nothing that was there is lost; make room, '
                            f'then give the same command again.') from error
        raise
    finally:
        part.unlink(missing_ok=True)


def flush_to_disk(path: Path) -> None:
    """Wait until the bytes of `path` are on the disk, so that no rename gets there before them."""
    with open(path, 'rb+') as file:
        os.fsync(file.fileno())


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` as UTF-8, atomically."""
    with atomic(path) as part:
        part.write_text(text, encoding='utf-8')


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write `value` as indented JSON, atomically."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + '\n')


def read_json(path: str | os.PathLike[str]) -> Any:
    """Read JSON. UserError, with the file's name, if it is not JSON."""
    try:
        return json.loads(Path(path).read_text(encoding='utf-8'))
    except (ValueError, UnicodeDecodeError) as error:
        raise UserError(f'{path}: not readable as JSON ({error}). Delete it and make it '
                        f'again.') from error


def natural(name: str | os.PathLike[str]) -> list[tuple[int, int, str]]:
    """Sort key of a file name that puts frame2 before frame10."""
    return [(0, int(part), '') if part.isdigit() else (1, 0, part.lower())
            for part in re.split(r'(\d+)', str(name)) if part]


@contextmanager
def folder_in_place_of(place: Path, ours: str) -> Iterator[Path]:
    """A new folder that replaces `place` at the end. If the block fails, nothing changes.

    ours   a regular expression for the names of what the program writes there: everything else in
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
            (old / OURS).write_text(ours, 'utf-8')
        part.rename(place)
    except BaseException:
        _restore(old, place)
        raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
        _remove_old(old, place)


def clear_leftovers(folder: Path) -> None:
    """Remove what killed calls of `atomic` and `folder_in_place_of` left in a folder that only the
    caller writes into now."""
    for path in [*folder.glob('.*.part[0-9]*'), *folder.glob('.*.old[0-9]*')]:
        found = re.fullmatch(r'\.(.+)\.(part|old)\d+(\.\w+)?', path.name)
        if not found:
            continue
        if not path.is_dir():
            path.unlink()
        elif found[2] == 'old':
            _restore(path, folder / found[1])
            _remove_old(path, folder / found[1])
        else:
            shutil.rmtree(path, ignore_errors=True)


def _restore(old: Path, place: Path) -> None:
    """Put the old folder back if no new one is there."""
    if old.exists() and not place.exists():
        (old / OURS).unlink(missing_ok=True)
        old.rename(place)


def _remove_old(old: Path, place: Path) -> None:
    """Remove the old folder once what the program did not write there has moved on to `place`."""
    if not old.exists() or not place.exists():
        return
    known = (old / OURS).read_text('utf-8') if (old / OURS).is_file() else '.*'
    for entry in old.iterdir():
        is_ours = entry.name == OURS or re.fullmatch(known, entry.name)
        if not is_ours and not os.path.lexists(place / entry.name):
            entry.rename(place / entry.name)
    shutil.rmtree(old, ignore_errors=True)
