"""Replaces the files that the program wrote in a folder; everything else in it stays.

The new files are made whole in FOLDER/.making, on the folder's own disk, and are then moved to
their places one by one. The folder itself, which may be a link or a mount point, is neither renamed
nor removed.
"""
import errno
import os
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from util.errors import UserError
from util.files import atomic, clear_leftovers, read_json, write_json
from util.noted import (
    NOTES,
    State,
    add_notes,
    check_ours,
    check_unchanged,
    in_the_way,
    is_inside,
    matching,
    note,
    noted,
    notes_of,
    remove_empty,
    signature,
    state_of,
    states_of,
    write_notes,
)

T = TypeVar('T')

MAKING = '.making'          # the program's own; what a stopped call leaves in it is removed
LEAST = 100e3               # bytes without which no call starts


@contextmanager
def replacing(place: Path, written: Callable[[], Collection[str]], record: str = '',
              is_noted: bool = False, least: float = 0, carried: Collection[str] = (),
              notes: bool = True) -> Iterator[Path]:
    """A new folder to fill; at the end its files replace those in `place`.

    written   gives the files that an earlier call wrote, as paths within `place` with / between
              folders: those that are not written again are removed. It is called after an exchange
              that was stopped is completed, as that one adds files, and once more at the end
    record    the file that says the rest is whole: it is removed first and comes last
    is_noted  whether the folder above notes the new files as the program's, instead of this one
    least     bytes that the new files take at least
    carried   files of which all that the user may have changed is in the new ones too
    notes     False: nothing is noted, and any file in `written` is replaced as it is. A run goes on
              from whatever weights somebody put there, and notes would cost time at every save

    Nobody else exchanges files there meanwhile. If the block fails, nothing changes. UserError, and
    nothing changes either, if nothing can be written there, if a file of an earlier call has
    changed since, or if a new file would replace one that is not in `written`. If the process is
    stopped in the middle of the exchange, the next call, or `finish`, completes it.
    """
    place = Path(os.path.realpath(place))       # a link may lead to a folder that does not exist
    check_place(place, least)
    is_new = not place.exists()
    place.mkdir(parents=True, exist_ok=True)
    new = place / MAKING / 'new'
    try:
        with locked(place):
            _exchange(place)
            before = _own(place, written())
            if notes and not is_noted:
                check_unchanged(place, before - set(carried))
            states = states_of(place, before)
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir()
            try:
                yield new
                states = states_of(place, _own(place, written())) | states
                _decide(place, states, record, is_noted, notes)
                _exchange(place)
            finally:
                if not _plan(place).is_file():
                    shutil.rmtree(new, ignore_errors=True)
    finally:
        if is_new and not any(place.iterdir()):
            place.rmdir()


@contextmanager
def folder_in_place_of(place: Path, ours: str, record: str = '') -> Iterator[Path]:
    """A new folder that becomes `place` at the end: whole, or not there. Where `place` exists, its
    files that match `ours`, a regular expression for what the program writes there, are replaced.

    record   as of `replacing`
    """
    if place.is_symlink():      # made by somebody, perhaps into the folder of another run
        raise in_the_way(place)
    if place.exists():
        with replacing(place, lambda: matching(place, (ours,)), record) as new:
            yield new
        return
    part = place.parent / f'.{place.name}.part{os.getpid()}'
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        yield part
        note(part, _files(part))
        part.rename(place)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def finish(place: Path) -> None:
    """Complete an exchange in `place` that was stopped in the middle; remove what is left of one
    that was stopped at its very end."""
    place = Path(os.path.realpath(place))
    if _plan(place).is_file():
        with locked(place):
            _exchange(place)
    elif (place / MAKING).is_dir():
        with suppress(UserError, OSError), locked(place):       # another call may be at work
            pass


def placed(path: Path) -> Path | None:
    """Where the bytes of that file of a folder are. In an exchange that was decided and stopped in
    the middle, they may still be among the new files; None where it removes the file, or where
    there is none. Readers who use this see the old files or the new ones, never some of each."""
    place = Path(os.path.realpath(path.parent))
    new = place / MAKING / 'new' / path.name
    if _plan(place).is_file():
        if new.is_file():
            return new
        with suppress(FileNotFoundError):       # the exchange has ended meanwhile
            if path.name in _read_plan(place)[0]:
                return None
    return path if path.is_file() else None


def of_placed(path: Path, read: Callable[[Path], T]) -> T | None:
    """What `read` makes of that file, wherever its bytes are; None where there is none. Its
    FileNotFoundError means that the file was moved to its place just now."""
    found = placed(path)
    if found is None:
        return None
    try:
        return read(found)
    except FileNotFoundError:
        return read(path) if path.is_file() else None


def is_exchanged(place: Path) -> bool:
    """Whether files of that folder are going and coming just now, or were when a call stopped."""
    return _plan(place).is_file()


def holds_something(place: Path) -> bool:
    """Whether the folder holds anything except what a stopped call left."""
    return any(entry.name not in (MAKING, NOTES) for entry in place.iterdir())


def check_place(place: Path, least: float = 0) -> None:
    """UserError where no file can be written into `place`, a folder that need not exist yet, or
    where its disk has no room for `least` bytes."""
    there = Path(os.path.realpath(place))
    while not there.exists():
        there = there.parent
    if not there.is_dir():
        raise UserError(f'{place}: {there} is not a folder. Name another place.')
    if not os.access(there, os.W_OK | os.X_OK):
        raise UserError(f'{place}: you may not write to {there}. Name another place, or give '
                        f'yourself the right to it.')
    free = shutil.disk_usage(there).free
    if free < max(least, LEAST):
        raise UserError(f'{place}: the disk is full. {free / 1e6:.1f} MB are free there, and at '
                        f'least {max(least, LEAST) / 1e6:.1f} MB are needed. Make room, then give '
                        f'the same command again.')


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


def _own(place: Path, names: Iterable[str]) -> set[str]:
    """Of these files of `place`, those that lie in it, and not in what a link leads to. Of the
    latter only noted ones count: the link may have come with the folder, from a stranger."""
    notes = notes_of(place)
    inside: dict[Path, bool] = {}
    found = set()
    for name in names:
        parent = (place / name).parent
        if parent not in inside:
            inside[parent] = Path(os.path.realpath(parent)).is_relative_to(place)
        if inside[parent] or name in notes:
            found.add(name)
    return found


def _files(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in folder.rglob('*') if path.is_file()]


# The exchange

def _plan(place: Path) -> Path:
    return place / MAKING / 'plan.json'


@contextmanager
def locked(place: Path) -> Iterator[None]:
    """Only one call works in that folder. The lock ends with the process."""
    from filelock import FileLock, Timeout
    making = place / MAKING
    for path in (making, making / 'new'):
        if path.is_symlink():           # came with the folder, from a stranger
            raise in_the_way(path)
    making.mkdir(parents=True, exist_ok=True)
    lock = FileLock(making / 'lock', timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise UserError(f'{place}: another call writes into this folder. Wait for it, or stop '
                        f'it.') from None
    try:
        yield
    finally:
        clear_leftovers(making)
        with suppress(OSError):         # an open file cannot be removed on Windows
            is_done = {entry.name for entry in making.iterdir()} <= {'lock'}
            if is_done:                 # still locked, or it would be the lock of the next call
                (making / 'lock').unlink(missing_ok=True)
        lock.release()
        with suppress(OSError):         # not empty, or the next call has removed it
            making.rmdir()


def _decide(place: Path, before: Mapping[str, State], record: str, is_noted: bool,
            notes: bool) -> None:
    """Record what is exchanged: from here on it will be.

    before   {file of an earlier call: its state when this one began}
    """
    new = place / MAKING / 'new'
    names = _files(new)
    for name in names:
        path = place / name
        for parent in path.parents:
            if parent.is_relative_to(place) and os.path.lexists(parent) and not parent.is_dir():
                raise in_the_way(parent)
        if path.is_dir() or (os.path.lexists(path) and name not in before):
            raise in_the_way(path)
    gone = sorted(set(before) - set(names))
    brings_notes = notes and not is_noted
    if brings_notes:        # the notes come with the files that they are of
        before_this = {name: state for name, state in notes_of(place).items() if name not in gone}
        known: dict[str, State] = {**before_this}
        known |= {name: signature(new / name) for name in names}
        write_notes(new, known)
    names = sorted([*names, *([NOTES] if brings_notes else [])], key=lambda name: name == record)
    coming = {name: before.get(name) for name in names} | states_of(place, {NOTES} & set(names))
    write_json(_plan(place), {'gone': {name: before[name] for name in gone}, 'new': coming,
                              'record': record, 'noted': is_noted})


def _exchange(place: Path) -> None:
    """Do what is decided, or what is left of it, except to files that changed since."""
    if not _plan(place).is_file():
        return
    gone, coming, record, is_noted = _read_plan(place)
    new = place / MAKING / 'new'
    for name, state in coming.items():
        path = place / name
        if os.path.lexists(path) and state_of(path) not in (state, state_of(new / name)):
            raise in_the_way(path)
    if is_noted:
        add_notes(place.parent, {f'{place.name}/{name}': signature(new / name) for name in coming})
    if record in coming:
        (place / record).unlink(missing_ok=True)
    for name, state in gone.items():
        if state and state_of(place / name) == state:
            (place / name).unlink()
    for name in coming:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        _move(new / name, place / name)
    remove_empty(place, gone)
    shutil.rmtree(new, ignore_errors=True)
    _plan(place).unlink()


def _read_plan(place: Path) -> tuple[dict[str, Any], dict[str, Any], str, bool]:
    """{name: state when it was decided} of the files that go and of those yet to come, the name of
    the record, and whether the new files are noted."""
    plan, new = read_json(_plan(place)), place / MAKING / 'new'
    try:
        gone = {name: state for name, state in plan['gone'].items() if is_inside(name)}
        coming = {name: state for name, state in plan['new'].items()
                  if is_inside(name) and (new / name).exists()}
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
