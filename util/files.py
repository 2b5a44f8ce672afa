"""Files that are whole or do not exist: written next to their place, flushed, then renamed."""
import io
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from filecmp import cmp
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from util.errors import NO_ROOM, UserError

if TYPE_CHECKING:
    import numpy as np

# Of a JSON file. The scores of an hour of frames take 40 MB; a list without items takes 64 bytes of
# memory and 3 of the file.
MOST_JSON, MOST_BRACKETS, DEEPEST = 64_000_000, 4_000_000, 100
NOT_MARKS = bytes(byte for byte in range(256) if byte not in b'[]{}"')
# name, process and suffix of a file in the making
PART = re.compile(r'\.(.+)\.part(\d+)(\.\w+)?')


@contextmanager
def atomic(path: str | os.PathLike[str], flush: bool = True) -> Iterator[Path]:
    """A path next to `path` to write to, with the same suffix; it replaces `path` at the end.

    If the block fails, `path` is as it was and nothing is left next to it. A full disk is a
    UserError. What a killed process left of an earlier attempt at this file is removed.

    flush   whether the bytes are on the disk before the name is: takes some ms for each file
    """
    path = Path(path)
    shown = path.with_name(final_name(path.name))
    part = path.with_name(f'.{path.stem}.part{os.getpid()}{path.suffix}')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for dead in dead_parts(path.parent.absolute()).pop(path.name, ()):
            dead.unlink(missing_ok=True)
        yield part
        if flush:
            flush_to_disk(part)
        os.replace(part, path)
    except OSError as error:
        if error.errno in NO_ROOM:
            raise UserError(f'{shown}: the disk is full. Nothing that was there is lost; make '
                            f'room, then give the same command again.') from error
        if error.filename == str(part):         # a name that nobody knows
            error.filename = str(shown)
        raise
    finally:
        with suppress(OSError):         # the disk went away
            part.unlink(missing_ok=True)


def flush_to_disk(path: Path) -> None:
    """Wait until the bytes of `path` are on the disk, so that no rename gets there before them."""
    with open(path, 'rb+') as file:
        os.fsync(file.fileno())


def write_text(path: str | os.PathLike[str], text: str) -> None:
    r"""Write `text` as UTF-8, atomically. A byte of a name that is not UTF-8 becomes \udce9, which
    is how JSON spells it too: it comes back as it was."""
    with atomic(path) as part:
        part.write_text(text, encoding='utf-8', errors='backslashreplace')


def append_line(path: Path, line: str) -> None:
    """Add a line to a log. It is not atomic: a log grows line by line, and a truncated line damages
    no other. OSError where the path is a link, which would lead the line elsewhere."""
    no_link = getattr(os, 'O_NOFOLLOW', 0)
    log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | no_link, 0o666)
    with open(log, 'a', encoding='utf-8') as file:
        file.write(line + '\n')


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write `value` as indented JSON, atomically."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + '\n')


def read_text(path: str | os.PathLike[str]) -> str:
    """Text that somebody may have written on any system: UTF-8 with or without a byte order mark,
    other bytes replaced. UserError, with the file's name, if it is too large for a record."""
    with open(path, 'rb') as file:
        data = file.read(MOST_JSON + 1)
    if len(data) > MOST_JSON:
        raise UserError(f'{path}: too large for a record. Delete it and make it again.')
    return data.decode('utf-8-sig', 'replace')


def write_npz(path: str | os.PathLike[str], **arrays: 'np.ndarray') -> None:
    """Write a compressed .npz, atomically; no pickles in it. It is made in memory: a zip file that
    a full disk cuts short complains once more when it is closed."""
    import numpy as np
    whole = io.BytesIO()
    np.savez_compressed(whole, **arrays)
    with atomic(path) as part:
        part.write_bytes(whole.getbuffer())


def read_json(path: str | os.PathLike[str], advice: str = 'Delete it and make it again.') -> Any:
    """Read JSON in any of its encodings, with or without a byte order mark. UserError, with the
    file's name, if it is not JSON, or takes more memory or depth than any record does.

    advice   what to do about it: by default that for a file which a program wrote
    """
    try:
        with open(path, 'rb') as file:
            data = file.read(MOST_JSON + 1)
        if len(data) > MOST_JSON:
            raise ValueError('it is too large for a record')
        text = data.decode(json.detect_encoding(data), 'surrogatepass')
        marks = marks_of(text.encode('ascii', 'ignore'))
        if len(marks) > MOST_BRACKETS:
            raise ValueError('it is too large for a record')
        brackets = re.sub(rb'"[^"]*"?', b'', marks)     # an unclosed string reaches to the end
        steps = (1 if bracket in b'[{' else -1 for bracket in brackets)
        if max(accumulate(steps), default=0) > DEEPEST:
            raise ValueError('it is nested too deep for a record')
        return json.loads(text)
    except ValueError as error:         # UnicodeDecodeError is one
        raise UserError(f'{path}: not readable as JSON ({error}). {advice}') from error


def marks_of(data: bytes) -> bytes:
    """The brackets of JSON, and the quotes of those strings that have brackets in them."""
    unescaped = data.replace(rb'\\', b'').replace(rb'\"', b'')
    return unescaped.translate(None, NOT_MARKS).replace(b'""', b'')


def natural(name: str | os.PathLike[str]) -> list[tuple[int, int, str]]:
    """Sort key of a file name that puts frame2 before frame10."""
    return [(0, int(part), '') if part.isdigit() else (1, 0, part.lower())
            for part in re.split(r'(\d+)', str(name)) if part]


def clear_leftovers(folder: Path) -> None:
    """Remove what killed calls of `atomic` and `owned.folder_in_place_of` left directly in a folder
    that only the caller writes into now."""
    for old in folder.glob('.*.old[0-9]*'):
        restore(old)
    for path in folder.glob('.*.part[0-9]*'):
        if not PART.fullmatch(path.name):
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()


def restore(old: Path) -> None:
    """Put back a folder that an earlier version of the program moved away, to exchange it, before
    it was killed; or what its successor, which is there already, lacks of it. What both have in
    different bytes stays: nobody knows whose it is."""
    named = re.fullmatch(r'\.(?!\.)(.+)\.old\d+', old.name)
    if not named or old.is_symlink() or not old.is_dir():
        return
    place, pattern = old.with_name(named[1]), old / '.ours'
    if pattern.is_file():
        pattern.unlink()            # that version's own
    if not os.path.lexists(place):
        old.rename(place)
    elif place.is_dir() and not place.is_symlink():
        for entry in old.iterdir():
            there = place / entry.name
            if not os.path.lexists(there):
                entry.rename(there)
            elif is_plain(entry) and is_plain(there) and cmp(entry, there, shallow=False):
                entry.unlink()
        with suppress(OSError):     # something is left in it
            old.rmdir()


def is_plain(path: Path) -> bool:
    """Whether a path is a file, and no link to one."""
    return path.is_file() and not path.is_symlink()


@lru_cache(64)
def dead_parts(folder: Path) -> dict[str, list[Path]]:
    """{name of a file: what processes that were killed while they wrote it left}, as found when
    this process first writes into the folder."""
    found: dict[str, list[Path]] = {}
    for entry in os.scandir(folder):
        part = PART.fullmatch(entry.name)
        if part and not is_running(int(part[2])):
            found.setdefault(final_name(entry.name), []).append(folder / entry.name)
    return found


def final_name(name: str) -> str:
    """The name that a file in the making is to have; it may be the part of a part."""
    made = PART.fullmatch(name)
    return final_name(f'{made[1]}{made[3] or ""}') if made else name


def is_running(process: int) -> bool:
    """Whether there is a process of that number; on Windows, where asking would end it, yes."""
    if os.name == 'nt':
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return True
