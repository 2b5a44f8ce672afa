"""Replaces the files that the program wrote in a folder; everything else in it stays.

The new files are made whole in FOLDER/.making, on the folder's own disk, and are then moved to
their places one by one. The folder itself, which may be a link or a mount point, is neither renamed
nor removed.

A file is known by its state, that is its size and the time of its last change: a file that changed
after the program wrote it, or after a replacement was decided, is the user's.
"""
import errno
import os
import re
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any

from util.errors import UserError
from util.files import atomic, read_json, write_json

MAKING = '.making'          # the program's own; what a stopped call leaves in it is removed
NOTES = '.written.json'     # in a folder that others write into too: which files are ours


@contextmanager
def replacing(place: Path, written: Callable[[], Collection[str]], record: str = '',
              is_noted: bool = False) -> Iterator[Path]:
    """A new folder to fill; at the end its files replace those in `place`.

    written   gives the files that an earlier call wrote, as paths within `place` with / between
              folders: those that are not written again are removed. It is called after an exchange
              that was stopped is completed, as that one adds files
    record    the file that says the rest is whole: it is removed first and comes last
    is_noted  whether the folder above notes the new files as the program's, before they are moved

    If the block fails, nothing changes. UserError, and nothing changes either, if a new file would
    replace one that is not in `written`. If the process is stopped in the middle of the exchange,
    the next call, or `finish`, completes it.
    """
    place = Path(os.path.realpath(place))       # a link may lead to a folder that does not exist
    is_new = not place.exists()
    place.mkdir(parents=True, exist_ok=True)
    new = place / MAKING / 'new'
    try:
        with _locked(place):
            _exchange(place)
            before = written()
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir()
            try:
                yield new
                _decide(place, before, record, is_noted)
                _exchange(place)
            finally:
                if not _plan(place).is_file():
                    shutil.rmtree(new, ignore_errors=True)
    finally:
        if is_new and not any(place.iterdir()):
            place.rmdir()


def finish(place: Path) -> None:
    """Complete an exchange in `place` that was stopped in the middle."""
    place = Path(os.path.realpath(place))
    if _plan(place).is_file():
        with _locked(place):
            _exchange(place)


def holds_something(place: Path) -> bool:
    """Whether the folder holds anything except what a stopped call left."""
    return any(entry.name != MAKING for entry in place.iterdir())


def note(folder: Path, names: Iterable[str]) -> None:
    """Record that these files of `folder`, as they are now, are the program's."""
    _note(folder, _states(folder, names))


def noted(folder: Path) -> set[str]:
    """The files of `folder` that `note` recorded, without those that changed since."""
    found = set()
    for name, state in _notes(folder).items():
        if state and _is_inside(name) and _state(folder / name) == state:
            found.add(name)
    return found


def check_ours(folder: Path, names: Iterable[str]) -> None:
    """UserError if one of these files of `folder` exists but is not as `note` recorded it."""
    ours = noted(folder)
    for name in names:
        if os.path.lexists(folder / name) and name not in ours:
            raise in_the_way(folder / name)


def check_pictures(folder: Path, pictures: Iterable[str]) -> None:
    """`check_ours` for a folder that holds nothing but pictures: its parent has the record."""
    folder = Path(os.path.realpath(folder))
    finish(folder)
    check_ours(folder.parent, [f'{folder.name}/{name}' for name in pictures])


@contextmanager
def replacing_pictures(folder: Path) -> Iterator[Path]:
    """`replacing` for a folder that holds nothing but the pictures of one call."""
    folder = Path(os.path.realpath(folder))
    start = f'{folder.name}/'

    def written() -> set[str]:
        before = noted(folder.parent)
        return {name.removeprefix(start) for name in before if name.startswith(start)}
    with replacing(folder, written, is_noted=True) as new:
        yield new


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
    """Remove the files that `matching` finds, and then the folders that are empty without them."""
    removed = matching(place, patterns)
    for name in removed:
        (place / name).unlink(missing_ok=True)
    _remove_empty(place, removed)


# Which files are ours

def _notes(folder: Path) -> dict[str, list[int]]:
    path = folder / NOTES
    found = read_json(path) if path.is_file() else {}
    return found if isinstance(found, dict) else {}


def _note(folder: Path, states: dict[str, list[int] | None]) -> None:
    write_json(folder / NOTES, _notes(folder) | states)


def _state(path: Path) -> list[int] | None:
    """Bytes and time of the last change in ns; None if it is no file. A link is not followed."""
    if path.is_dir() or not os.path.lexists(path):
        return None
    found = path.lstat()
    return [found.st_size, found.st_mtime_ns]


def _states(folder: Path, names: Iterable[str]) -> dict[str, list[int] | None]:
    return {name: _state(folder / name) for name in names}


def _is_inside(name: str) -> bool:
    """Whether a name that was read from a file stays within its folder."""
    path = PurePosixPath(name)
    return bool(name) and not path.is_absolute() and '..' not in path.parts


# The exchange

def _plan(place: Path) -> Path:
    return place / MAKING / 'plan.json'


@contextmanager
def _locked(place: Path) -> Iterator[None]:
    """Only one call exchanges files of that folder. The lock ends with the process."""
    from filelock import FileLock, Timeout
    making = place / MAKING
    making.mkdir(exist_ok=True)
    lock = FileLock(making / 'lock', timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise UserError(f'{place}: another call writes into this folder. Wait for it, or stop '
                        f'it.') from None
    try:
        yield
    finally:
        is_done = {entry.name for entry in making.iterdir()} <= {'lock'}
        with suppress(OSError):         # an open file cannot be removed on Windows
            if is_done:                 # still locked, or it would be the lock of the next call
                (making / 'lock').unlink(missing_ok=True)
        lock.release()
        with suppress(OSError):         # not empty, or the next call has removed it
            making.rmdir()


def _decide(place: Path, written: Collection[str], record: str, is_noted: bool) -> None:
    """Record what is exchanged: from here on it will be."""
    new = place / MAKING / 'new'
    names = sorted(path.relative_to(new).as_posix() for path in new.rglob('*') if path.is_file())
    names.sort(key=lambda name: name == record)
    for name in names:
        path = place / name
        for parent in path.parents:
            if parent.is_relative_to(place) and os.path.lexists(parent) and not parent.is_dir():
                raise in_the_way(parent)
        if path.is_dir() or (os.path.lexists(path) and name not in written):
            raise in_the_way(path)
    gone = sorted(set(written) - set(names))
    write_json(_plan(place), {'gone': _states(place, gone), 'new': _states(place, names),
                              'record': record, 'noted': is_noted})


def _exchange(place: Path) -> None:
    """Do what is decided, or what is left of it, except to files that changed since."""
    if not _plan(place).is_file():
        return
    gone, coming, record, is_noted = _read_plan(place)
    new = place / MAKING / 'new'
    for name, state in coming.items():
        path = place / name
        if os.path.lexists(path) and _state(path) not in (state, _state(new / name)):
            raise in_the_way(path)
    if is_noted:
        _note(place.parent, {f'{place.name}/{name}': _state(new / name) for name in coming})
    if record in coming:
        (place / record).unlink(missing_ok=True)
    for name, state in gone.items():
        if state and _state(place / name) == state:
            (place / name).unlink()
    for name in coming:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        _move(new / name, place / name)
    _remove_empty(place, gone)
    shutil.rmtree(new, ignore_errors=True)
    _plan(place).unlink()


def _read_plan(place: Path) -> tuple[dict[str, Any], dict[str, Any], str, bool]:
    """{name: state when it was decided} of the files that go and of those yet to come, the name of
    the record, and whether the new files are noted."""
    plan, new = read_json(_plan(place)), place / MAKING / 'new'
    try:
        gone = {name: state for name, state in plan['gone'].items() if _is_inside(name)}
        coming = {name: state for name, state in plan['new'].items()
                  if _is_inside(name) and (new / name).exists()}
        return gone, coming, plan['record'], plan.get('noted') is True
    except (TypeError, KeyError, AttributeError):
        raise UserError(f'{_plan(place)}: not written by this program. Remove {place / MAKING}, '
                        f'then give the same command again.') from None


def _move(source: Path, target: Path) -> None:
    try:
        os.replace(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:      # a folder within is a link to another disk
            raise
        with atomic(target) as part:
            shutil.copy2(source, part)      # with its time, by which it is known
        source.unlink()


def _remove_empty(place: Path, names: Iterable[str]) -> None:
    """Remove the folders within `place` that held these files, if they are empty."""
    folders = {parent for name in names for parent in PurePosixPath(name).parents}
    for folder in sorted(folders - {PurePosixPath('.')}, key=lambda path: -len(path.parts)):
        with suppress(OSError):         # something of the user's is in it, or it is a link
            (place / folder).rmdir()
