"""Defects that a driver of faults has to find: each is put into the process of an entry point."""
import json
import os
import shutil
import socket
import subprocess
from pathlib import Path

BUSY = 20       # changes of files while a file is half written


def no_lock() -> None:
    """Nobody waits for anybody, nor looks whether a run is there already."""
    import filelock

    from util.runs import RunFolder

    class Open:
        def __init__(self, *path, **more):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

        def acquire(self, *given, **more):
            return self

        def release(self, *given, **more):
            pass
    filelock.FileLock = Open
    RunFolder.check_free = lambda *given: None


def half_written() -> None:
    """A checkpoint is written in two halves under its final name."""
    rename = os.replace

    def replace(source, target):
        if Path(target).suffix != '.pth':
            rename(source, target)
            return
        data = Path(source).read_bytes()
        with open(target, 'wb') as file:
            file.write(data[:len(data) // 2])
            file.flush()
            for _ in range(BUSY):
                open(f'{target}.busy', 'w').close()
            file.write(data[len(data) // 2:])
        shutil.copystat(source, target)
        os.unlink(source)
        os.unlink(f'{target}.busy')
    os.replace = replace


def no_sentence() -> None:
    """What the system refuses ends in a traceback."""
    import util.errors
    util.errors.run_main = lambda main: main()


def key_error() -> None:
    """A reader of JSON takes every file for whole."""
    loads = json.loads

    def read(*given, **more):
        try:
            return loads(*given, **more)
        except ValueError:
            raise KeyError('made') from None
    json.loads = read


def listens() -> None:
    """A server that everybody reaches."""
    server = socket.socket()
    server.bind(('0.0.0.0', 0))


def orphan() -> None:
    """A worker that does not end with its parent."""
    subprocess.Popen(['sleep', '60'])
