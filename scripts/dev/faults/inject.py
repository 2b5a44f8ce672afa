"""What goes wrong inside a process: installed as an audit hook, before an entry point starts.

Python's audit events name every file that Python code opens, renames or removes, every folder that
it makes, and every socket and program. Libraries in C open files without them: the size of a file
is limited by the system itself, and folders are compared before and after.
"""
import errno
import json
import os
import resource
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

CHANGES = {'os.rename', 'os.remove', 'os.mkdir', 'os.rmdir', 'os.link', 'os.symlink', 'os.truncate'}
REMOVALS = {'os.remove', 'os.rmdir'}        # a full disk allows them
OUTWARD = {'socket.connect', 'socket.bind', 'subprocess.Popen', 'os.system', 'os.exec',
           'os.posix_spawn'}
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
FULL = {'full': errno.ENOSPC, 'read_only': errno.EROFS}


@dataclass(frozen=True)
class Fault:
    """
    kind    kill        the process gets SIGKILL just before a change of a file or folder
            full        this change and every later one fails, removals aside: no space left
            read_only   the same: the file system is read-only
            file_size   no file may grow beyond `at` bytes
            ''          nothing goes wrong
    at      which change, from 1
    onto    only changes count whose path, or new name, ends with this
    notes   a file for one JSON line of each change and of each socket and program
    memory  bytes that the process may take at most; 0: as many as there are
    """
    kind: str = ''
    at: int = 0
    onto: str = ''
    notes: str = ''
    memory: int = 0


def install(fault: Fault, root: str) -> None:
    """Let `fault` happen in this process. Changes outside of `root` neither count nor fail."""
    if fault.kind == 'file_size':
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (fault.at, fault.at))
    if fault.memory:
        resource.setrlimit(resource.RLIMIT_DATA, (fault.memory, fault.memory))
    if fault.notes or fault.kind in ('kill', *FULL):
        sys.addaudithook(Hook(fault, root))


class Hook:
    """An audit hook that counts changes."""

    def __init__(self, fault: Fault, root: str):
        self.fault, self.root = fault, os.path.join(root, '')
        self.count = 0
        flags = os.O_CREAT | os.O_APPEND | os.O_WRONLY
        self.notes = os.open(fault.notes, flags) if fault.notes else None

    def __call__(self, event: str, given: tuple[Any, ...]) -> None:
        if event in OUTWARD:
            self.note(event, [str(word) for word in given[:2]])
            return
        paths = changed(event, given)
        if not paths:
            return
        self.note(event, paths)
        if not paths[-1].startswith(self.root) or not paths[-1].endswith(self.fault.onto):
            return
        self.count += 1
        if self.fault.kind == 'kill' and self.count == self.fault.at:
            os.kill(os.getpid(), signal.SIGKILL)
        may_fail = self.fault.kind == 'read_only' or event not in REMOVALS
        if self.fault.kind in FULL and self.count >= self.fault.at and may_fail:
            number = FULL[self.fault.kind]
            raise OSError(number, os.strerror(number), paths[-1])

    def note(self, event: str, words: Sequence[str]) -> None:
        if self.notes is not None:
            os.write(self.notes, (json.dumps([event, *words]) + '\n').encode())


def changed(event: str, given: tuple[Any, ...]) -> list[str]:
    """Absolute paths that the event changes: one, or of a renaming the old and the new name."""
    if event == 'open':
        path, _, flags = given
        writes = isinstance(flags, int) and flags & WRITES
        return [absolute(path)] if writes and isinstance(path, str | bytes) else []
    if event not in CHANGES:
        return []
    if event in ('os.rename', 'os.link'):
        return [absolute(given[0], given[2]), absolute(given[1], given[3])]
    if event == 'os.symlink':
        return [absolute(given[1], given[2])]
    has_folder = event != 'os.truncate' and isinstance(given[-1], int)
    return [absolute(given[0], given[-1] if has_folder else -1)]


def absolute(path: Any, folder: int = -1) -> str:
    """A path that is relative to an open folder, or to the current one. A link is not followed."""
    name = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else str(path)
    start = os.getcwd() if folder < 0 else os.readlink(f'/proc/self/fd/{folder}')
    return os.path.normpath(os.path.join(start, name))
