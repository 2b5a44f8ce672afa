"""Checkpoint files: plain state dicts with upstream's names and keys, read without running code.

CHECKPOINTS_DIR/NAME/{EPOCH,latest}_net_{G,D}.pth, and latest_state.pth with everything else that
--continue_train needs. A save is one event: its files are made whole in RUN/.making, and one
renaming decides that they take the place of the old ones (util.owned). Whoever reads a run goes
through `read`, and so sees all of the old files or all of the new ones. util.state_dicts says what
may lie in a file of weights.
"""
import os
import pickle
import shutil
import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_STORED, BadZipFile, ZipFile

import torch

from util.errors import NO_ROOM, UserError, warn
from util.files import flush_to_disk
from util.owned import of_placed, placed, replacing
from util.runs import FIRST_SAVED, missing
from util.words import command

STATE = 'latest_state.pth'
FOLDER = 0x10               # the bit of a zip's entry that makes it one
CHUNK = 1 << 20             # bytes that are checked at a time
TRIES = 20                  # readings during which a run may save


def save(files: Mapping[Path, Any], gone: Collection[str] = (),
         write: Callable[[Path], None] | None = None) -> None:
    """Write every value with torch.save. All files, of one folder, take their places as one event:
    a process that is killed leaves the old ones or the new ones.

    gone    names of files in the folder that go with the old ones
    write   writes further files into the folder that it is given, as part of the same event
    Raises UserError when the disk is full; every file then stays as it was.
    """
    first = next(iter(files))
    folder = first.parent
    saved_before = any(path.exists() for path in files)
    handled = sys.exc_info()[1]             # a run that is stopped saves while it handles that

    def replaced() -> set[str]:
        names = {path.name for path in files} | set(gone) | (set(FIRST_SAVED) if write else set())
        return {name for name in names if os.path.lexists(folder / name)}
    try:
        with replacing(folder, replaced, notes=False) as new:
            for path, value in files.items():
                with open(new / path.name, 'wb') as file:
                    torch.save(value, file)
                flush_to_disk(new / path.name)
            if write:
                write(new)
    except (OSError, RuntimeError) as error:        # torch wraps most errors of the disk
        before = error.__context__
        while before is not handled and isinstance(before, Exception):
            before = before.__context__
        if before is not handled and before is not None:    # a signal: torch's file cannot end
            raise before from None
        if isinstance(error, OSError) and error.errno not in NO_ROOM:
            raise
        raise disk_full(first, saved_before, write is not None) from error


def disk_full(path: Path, saved_before: bool, is_first: bool) -> UserError:
    """is_first   whether it is the first save of a session, before which nothing was done"""
    free = shutil.disk_usage(path.parent).free / 1e6
    then = 'Make room, then give the same command again.'
    if saved_before:
        what = 'give the same command again' if is_first else 'add --continue_train'
        then = f'Earlier checkpoints are untouched; make room, then {what}.'
    return UserError(f'{path} could not be written completely: {free:.0f} MB are free there. '
                     f'{then}')


# Reading

def read_state(folder: Path) -> dict[str, Any] | None:
    """What latest_state.pth of a run's folder says; None where there is none."""
    path = folder / STATE
    if placed(path) is None:
        return None
    state = read(path)
    counts = ('epoch', 'batches', 'steps')
    if not isinstance(state, dict) or not isinstance(state.get('seconds'), (int, float)) \
            or not all(isinstance(state.get(count), int) for count in counts):
        raise not_a_state(path)
    return state


def not_a_state(path: Path) -> UserError:
    return UserError(f'{path}: does not say where a run of this program stands. Remove it to go on '
                     f'with the weights alone, or choose another checkpoint with --epoch.')


def is_unstarted(state: Mapping[str, Any] | None) -> bool:
    """Whether a run of that state was stopped before its first step: its weights are
    untrained, and what the model keeps apart from weights may be missing. A run of
    --max_minutes 0 has no steps either, but is prepared: nothing is missing."""
    return state is not None and state['steps'] == 0 and not state.get('prepared', False)


def check_started(folder: Path, epoch: str) -> None:
    """UserError where the run is not as far as its first step: what the model keeps apart from
    weights may be missing, or an earlier run's. Other epochs were trained."""
    if epoch == 'latest' and is_unstarted(read_state(folder)):
        raise UserError(f'{folder}: its training has not come to its first step, so it cannot '
                        f'paint. Go on with it, unless it is running: {_go_on(folder)}')


def warn_of_noise(folder: Path, epoch: str) -> None:
    """Warn where the weights are saved from before the first step. They may be trained ones, with
    which the run began, so that it paints nevertheless."""
    path = placed(folder / STATE) if epoch == 'latest' else None
    if path is not None and _first_step_is_ahead(path):
        warn(f'{folder}: no training step is saved yet, so that the pictures may be noise. Go on '
             f'with it, unless it is running: {_go_on(folder)}')


def _first_step_is_ahead(path: Path) -> bool:
    """Whether that state says so. Painting needs no state, so that one which cannot be read says
    nothing, and of all its tensors none is read."""
    try:
        with open(path, 'rb') as file:
            _check_whole(path, file, checksums=False)
        state = torch.load(path, map_location='cpu', mmap=True, weights_only=True)
        return bool(state['steps'] == 0)
    except Exception:           # a broken file can raise anything in torch
        return False


def _go_on(folder: Path) -> str:
    return command('train.py', name=folder.name, checkpoints_dir=folder.parent,
                   continue_train=True)


def together(folder: Path, epoch: str, load: Callable[[], None]) -> None:
    """Call load(), which reads weights of that epoch, again if they were saved meanwhile: the
    weights of several networks are then of one save."""
    for _ in range(TRIES):
        before = _generation(folder, epoch)
        try:
            load()
        except UserError:
            if _generation(folder, epoch) == before:
                raise
        else:
            if _generation(folder, epoch) == before:
                return
    raise UserError(f'{folder}: a training saves there faster than its weights are read. Give the '
                    f'same command again when it has ended.')


def _generation(folder: Path, epoch: str) -> dict[str, tuple[int, int, int]]:
    """What tells the files of one save from those of another; moving them changes nothing."""
    pattern = f'{epoch}_net_*.pth'
    found = [*folder.glob(pattern), *folder.glob(f'.making/new/{pattern}')]
    states = {}
    for name in {path.name for path in found}:
        about = of_placed(folder / name, Path.stat)
        if about is not None:
            states[name] = about.st_ino, about.st_mtime_ns, about.st_size
    return states


def read(path: Path) -> Any:
    """The object that torch.save wrote, its tensors on the CPU. Never runs code from the file."""
    with _opened(path) as file:
        _check_whole(path, file)
        try:
            content = torch.load(file, map_location='cpu', weights_only=True)
            _check_extents(path, content, file.seek(0, os.SEEK_END))
            return content
        except pickle.UnpicklingError as error:
            if 'GLOBAL' in str(error):
                raise UserError(f'{path}: carries code, which is never run. If you trust its '
                                f'origin, save only its state_dict() there.') from error
            raise not_a_checkpoint(path) from error
        except Exception as error:      # a broken file can raise anything in torch
            raise not_a_checkpoint(path) from error


def _check_extents(path: Path, content: Any, size: int) -> None:
    """UserError where a tensor claims more bytes than the file has, as one that is expanded may: it
    would fill the memory when it is used."""
    rest = [content]
    seen: set[int] = set()
    while rest:
        value = rest.pop()
        if isinstance(value, torch.Tensor) and value.nbytes > size:
            raise not_a_checkpoint(path)
        if isinstance(value, (Mapping, list, tuple)) and id(value) not in seen:
            seen.add(id(value))
            rest += value.values() if isinstance(value, Mapping) else value


def _opened(path: Path) -> IO[bytes]:
    def opened(found: Path) -> IO[bytes]:
        return open(found, 'rb')
    file = of_placed(path, opened)
    if file is None:
        raise missing(path)
    return file


def _check_whole(path: Path, file: IO[bytes], checksums: bool = True) -> None:
    """UserError where the checksums of a zip, which torch.save writes and torch.load does not look
    at, say that bits have changed. 0.07 s for the 218 MB of a unet_256. Older files have none.

    checksums   False: only what the zip says of itself is checked
    """
    is_zip = file.read(4) == b'PK\x03\x04'
    file.seek(0)
    if not is_zip:
        return
    try:
        with ZipFile(file) as archive:
            _check_entries(path, archive, file.seek(0, os.SEEK_END), checksums)
    except (BadZipFile, OSError, EOFError, ValueError, NotImplementedError,
            RuntimeError) as error:
        raise damaged(path, str(error)) from error
    file.seek(0)


def _check_entries(path: Path, archive: ZipFile, size: int, checksums: bool) -> None:
    """UserError if an entry of a zip of `size` bytes is not as it was written. One that is
    compressed, or overlaps others, could fill the memory: torch.save writes neither."""
    entries = archive.infolist()
    if sum(entry.file_size for entry in entries) > size:
        raise not_a_checkpoint(path)
    for entry in entries:
        if entry.compress_type != ZIP_STORED:
            raise not_a_checkpoint(path)
        # torch reads what calls itself a folder as whatever lies in the memory
        if entry.compress_size != entry.file_size or entry.external_attr & FOLDER:
            raise damaged(path, f'{entry.filename} is no file of its size')
        if checksums and entry.CRC:         # 0 where torch was told to write no checksums
            with archive.open(entry) as part:
                while part.read(CHUNK):
                    pass


def damaged(path: Path, how: str) -> UserError:
    return UserError(f'{path}: is damaged ({how}). Copy it again, or choose another with --epoch.')


def not_a_checkpoint(path: Path) -> UserError:
    return UserError(f'{path}: holds no PyTorch checkpoint, or is truncated. Copy it again, or '
                     f'choose another with --epoch.')
