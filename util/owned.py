"""Files the program wrote in a folder are exchanged for new ones; everything else in it stays.

The new files are made whole in FOLDER/.making, on the folder's own disk, and take their places one
by one. The folder itself, which may be a link or a mount point, is neither renamed nor removed.
"""
import errno
import os
import shutil
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from util.errors import UserError
from util.files import atomic, read_json, write_json

MAKING = '.making'          # the program's own; what a stopped call leaves in it is removed
NOTES = '.written.json'     # in a folder that others write into too: which files are ours


@contextmanager
def replacing(place: Path, written: Collection[str], record: str = '') -> Iterator[Path]:
    """A new folder to fill; at the end its files take their places in `place`.

    written   files within `place` that an earlier call wrote, with / between folders: those that
              are not written again are removed
    record    the file that says the rest is whole: it goes first and comes last

    When the block fails, nothing changes. UserError, and nothing changes either, where a new file
    would take the place of one that is not in `written`. When the process is stopped in the middle
    of the exchange, the next call, or `finish`, completes it.
    """
    place = Path(os.path.realpath(place))       # a link may lead to a folder that is not there yet
    is_new = not place.exists()
    place.mkdir(parents=True, exist_ok=True)
    new = place / MAKING / 'new'
    try:
        with _locked(place):
            _exchange(place)
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir()
            try:
                yield new
                _decide(place, written, record)
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
    """Whether anything but what a stopped call left is in that folder."""
    return any(entry.name != MAKING for entry in place.iterdir())


def note(folder: Path, names: Iterable[str]) -> None:
    """Write down that these files of `folder` are the program's, as they are now."""
    write_json(folder / NOTES, _notes(folder) | {name: _state(folder / name) for name in names})


def noted(folder: Path) -> set[str]:
    """The files of `folder` that `note` named, without those that were changed since."""
    there = set()
    for name, state in _notes(folder).items():
        path = folder / name
        if _is_inside(name) and path.is_file() and _state(path) == state:
            there.add(name)
    return there


def check_ours(folder: Path, names: Iterable[str]) -> None:
    """UserError where one of these files of `folder` is there, but is not as `note` knows it."""
    ours = noted(folder)
    for name in names:
        if os.path.lexists(folder / name) and name not in ours:
            raise in_the_way(folder / name)


def check_pictures(folder: Path, pictures: Iterable[str]) -> None:
    """The same for a folder that is to hold pictures alone: the note is in the folder around."""
    folder = Path(os.path.realpath(folder))
    check_ours(folder.parent, [f'{folder.name}/{name}' for name in pictures])


@contextmanager
def replacing_pictures(folder: Path) -> Iterator[Path]:
    """`replacing`, for a folder that is to hold pictures alone, all of one call."""
    folder = Path(os.path.realpath(folder))
    start = f'{folder.name}/'
    before = noted(folder.parent)
    written = {name.removeprefix(start) for name in before if name.startswith(start)}
    with replacing(folder, written) as new:
        yield new
        names = [f'{folder.name}/{path.name}' for path in new.iterdir()]
    note(folder.parent, names)


def _notes(folder: Path) -> dict[str, list[int]]:
    path = folder / NOTES
    found = read_json(path) if path.is_file() else {}
    return found if isinstance(found, dict) else {}


def _state(path: Path) -> list[int]:
    """What changes when a file is written: its bytes, and when that was."""
    found = path.stat()
    return [found.st_size, found.st_mtime_ns]


def _plan(place: Path) -> Path:
    return place / MAKING / 'plan.json'


@contextmanager
def _locked(place: Path) -> Iterator[None]:
    """Nobody else exchanges files of that folder. The lock ends with the process."""
    from filelock import FileLock, Timeout
    making = place / MAKING
    making.mkdir(exist_ok=True)
    try:
        with FileLock(making / 'lock', timeout=0):
            yield
    except Timeout:
        raise UserError(f'{place}: another call writes into this folder. Wait for it, or stop '
                        f'it.') from None
    finally:
        _tidy(making)


def _tidy(making: Path) -> None:
    """Remove the working folder, unless there is something to be done in it."""
    if {entry.name for entry in making.iterdir()} <= {'lock'}:
        try:
            (making / 'lock').unlink(missing_ok=True)
            making.rmdir()
        except OSError:         # another call has just come
            pass


def _decide(place: Path, written: Collection[str], record: str) -> None:
    """Write down what is to be exchanged: from here on it will be."""
    new = place / MAKING / 'new'
    names = sorted(path.relative_to(new).as_posix() for path in new.rglob('*') if path.is_file())
    names.sort(key=lambda name: name == record)
    for name in names:
        path = place / name
        blocked = [parent for parent in path.parents
                   if parent.is_relative_to(place) and parent.exists() and not parent.is_dir()]
        if blocked or path.is_dir() or (os.path.lexists(path) and name not in written):
            raise in_the_way(blocked[0] if blocked else path)
    gone = sorted(set(written) - set(names))
    write_json(_plan(place), {'gone': gone, 'new': names, 'record': record})


def in_the_way(path: Path) -> UserError:
    return UserError(f'{path}: is there already, and this program did not write it. Move it away, '
                     f'then give the same command again.')


def _exchange(place: Path) -> None:
    """Do what is decided, or what is left of it."""
    if not _plan(place).is_file():
        return
    plan = read_json(_plan(place))
    new, record = place / MAKING / 'new', plan['record']
    names = [name for name in plan['new'] if _is_inside(name)]
    gone = [name for name in plan['gone'] if _is_inside(name)]
    if record in names and (new / record).exists():
        (place / record).unlink(missing_ok=True)
    for name in gone:
        (place / name).unlink(missing_ok=True)
    for name in names:
        if (new / name).exists():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            _move(new / name, place / name)
    remove_empty(place, gone)
    shutil.rmtree(new, ignore_errors=True)
    _plan(place).unlink()


def _is_inside(name: str) -> bool:
    """Whether a name that was read from a file stays within its folder."""
    path = PurePosixPath(name)
    return bool(name) and not path.is_absolute() and '..' not in path.parts


def remove_empty(place: Path, names: Iterable[str]) -> None:
    """Remove the folders within `place` that these files lay in, as far as they are empty."""
    folders = {parent for name in names for parent in PurePosixPath(name).parents}
    for folder in sorted(folders - {PurePosixPath('.')}, key=lambda path: -len(path.parts)):
        try:
            (place / folder).rmdir()
        except OSError:         # something of somebody is in it, or it is a link
            pass


def remove(place: Path, patterns: Iterable[str]) -> None:
    """Remove the files within `place` that fit any of these glob patterns, and then the folders
    that are empty without them."""
    found = [path for pattern in patterns for path in place.glob(pattern) if not path.is_dir()]
    for path in found:
        path.unlink(missing_ok=True)
    remove_empty(place, {path.relative_to(place).as_posix() for path in found})


def _move(source: Path, target: Path) -> None:
    try:
        os.replace(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:      # the folder in there is a link to another disk
            raise
        with atomic(target) as part:
            shutil.copyfile(source, part)
        source.unlink()
