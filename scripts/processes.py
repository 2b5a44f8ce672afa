"""Runs train.py and the like as processes of their own, so that the memory of each is measured and
one that fails does not end its caller; one progress bar shows them all.
"""
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from util.errors import ENDS_WITH_STDIN, UserError

ROOT = Path(__file__).resolve().parent.parent


class Turn:
    """A part of a progress bar: `length` seconds of it, from second `start` on.

    name    what the bar says of it
    log     the file that the output of its scripts goes to
    """

    def __init__(self, bar: Any, name: str, start: float, length: float, log: Path):
        self.bar, self.name, self.log = bar, name, log
        self.start, self.length = start, length
        self.began = time.monotonic()

    def call(self, what: str, script: str, argv: list[str]) -> float | None:
        self.bar.set_description_str(f'{self.name}: {what}')
        return call_script(script, argv, self.log, self.tick)

    def tick(self) -> None:
        passed = min(time.monotonic() - self.began, self.length)
        self.bar.update(self.start + passed - self.bar.n)


def call_script(script: str, argv: Sequence[str], log: Path,
                tick: Callable[[], None]) -> float | None:
    """Run an entry point, append its output to `log`, and call `tick` now and then.

    Returns   its peak MB of main memory, None where the system does not report it
    UserError with the script's own error message when it fails.
    """
    with open(log, 'a', encoding='utf-8') as printed:
        # its stdin closes when this process ends, however it ends: then it stops too
        process = subprocess.Popen([sys.executable, str(ROOT / script), *argv], text=True,
                                   stdin=subprocess.PIPE, stdout=printed, stderr=printed,
                                   env={**os.environ, ENDS_WITH_STDIN: '1'})
    try:
        memory = wait(process, tick)
    except KeyboardInterrupt:       # it was told too, and saves what it has trained
        process.wait(60)
        raise
    except SystemExit:              # only this process was told
        process.terminate()
        process.wait(60)
        raise
    finally:
        if process.returncode is None:
            process.kill()
        assert process.stdin is not None
        process.stdin.close()
    if process.returncode:
        raise UserError(last_words(log, script, process.returncode))
    return memory


def wait(process: 'subprocess.Popen[str]', tick: Callable[[], None]) -> float | None:
    """Wait until the process ends. Returns its peak MB of memory, None where unknown."""
    memory = None
    while process.returncode is None:
        time.sleep(0.2)
        tick()
        if not hasattr(os, 'wait4'):                            # Windows
            process.poll()
            continue
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        if ended:
            process.returncode = os.waitstatus_to_exitcode(status)
            # in bytes on macOS, in kB elsewhere
            memory = usage.ru_maxrss * (1 if sys.platform == 'darwin' else 1024) / 1e6
    return memory


def last_words(log: Path, script: str, status: int) -> str:
    """Why a script failed: its error message, or the last line of its traceback."""
    lines = [line.strip() for line in log.read_text('utf-8', 'replace').splitlines()]
    sentences = [line for line in lines if line.startswith('error: ')]
    if sentences and status == 1:
        return sentences[-1].removeprefix('error: ')
    if status < 0:
        return f'{script} was ended by {signal.Signals(-status).name}; is there enough memory? ' \
               f'Its output: {log}'
    last = next((line for line in reversed(lines) if line), 'it printed nothing')
    return f'{script} failed ({last}). Its output: {log}'
