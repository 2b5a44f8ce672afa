"""Runs entry points as processes of their own, thousands of them: each is forked from one server
that has imported everything already, so that it starts at once.

A process leads a group of its own: what is left in the group after its end is an orphan.
"""
import atexit
import multiprocessing
import os
import re
import resource
import runpy
import shlex
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from scripts.dev.faults.inject import Fault, install

ROOT = Path(__file__).resolve().parents[3]
TIMEOUT = 120.0         # s until a call counts as hanging; the slowest takes 20 on a busy machine
SHOWN = 160             # letters of an error
GRACE = 8.0             # s that workers get to notice that their parent has ended
FOLDERS = ('data', 'evaluation', 'models', 'models/networks', 'models/warping', 'options', 'pose',
           'pose/detect', 'preprocessing', 'scene', 'training', 'util', 'util/metrics',
           'util/sinks', 'util/web')
LIBRARIES = ('torch', 'cv2', 'av', 'mediapipe', 'PIL.Image', 'scipy.ndimage', 'filelock', 'tqdm')
LOCK = threading.Lock()         # multiprocessing keeps its list of children without one


@dataclass(frozen=True)
class Call:
    """An entry point with its arguments."""
    script: str
    argv: tuple[str, ...]

    def but(self, *more: object) -> 'Call':
        return Call(self.script, (*self.argv, *map(str, more)))

    def __str__(self) -> str:
        return shlex.join(['python', self.script, *self.argv])


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    status    as a shell gives it; -N where signal N ended it
    text      all that it printed
    orphans   processes that were left in its group
    peak      bytes of memory at most; 0 where it was killed
    """
    status: int
    text: str
    seconds: float
    hung: bool = False
    orphans: int = 0
    peak: int = 0

    @property
    def last(self) -> str:
        lines = [line.strip() for line in self.text.replace('\r', '\n').splitlines()]
        return next((line for line in reversed(lines) if line), '')

    def faults(self) -> list[str]:
        """What no call may do, whatever happens to it."""
        found = []
        if 'Traceback (most recent call last)' in self.text:
            found.append(f'a traceback: {where_raised(self.text)}')
        elif self.hung:
            found.append(f'still running after {TIMEOUT:.0f} s')
        elif self.status == 1 and 'error: ' not in self.text:
            found.append(f'status 1 without a sentence; the last line: {self.last}')
        if self.orphans:
            found.append(f'{self.orphans} processes were left behind')
        return found


def where_raised(text: str) -> str:
    """The last of our own lines in the last traceback, and the error."""
    last = text[text.rfind('Traceback (most recent call last)'):]
    ours = re.findall(rf'File "{re.escape(str(ROOT))}/(?!\.venv)([^"]+)", line (\d+)', last)
    errors = re.findall(r'^[\w.]*(?:Error|Exception|Interrupt|error|Exit|Iteration)\b.*$', last,
                        re.M)
    place = ':'.join(ours[-1]) if ours else '?'
    return f'{place} {errors[-1][:SHOWN] if errors else "?"}'


class Running:
    """A call that is running, in the folder `root`.

    plant   MODULE:FUNCTION that is called in the process first: a defect, to see whether a driver
            finds it
    """

    def __init__(self, call: Call, root: Path, fault: Fault | None = None, plant: str = ''):
        self.root, self.call = root, call
        self.files = {kind: root.with_name(f'{root.name}.{kind}{time.monotonic_ns()}')
                      for kind in ('log', 'peak')}
        given = (call, str(root), {kind: str(path) for kind, path in self.files.items()},
                 fault or Fault(), plant)
        self.began = time.monotonic()
        with LOCK, without_main():
            self.process = server().Process(target=play, args=given)
            self.process.start()
        self.group: int = self.process.pid or 0

    def send(self, number: int) -> None:
        """Send a signal to the process, not to its workers."""
        if self.status() is None:
            with suppress(ProcessLookupError):
                os.kill(self.group, number)

    def status(self) -> int | None:
        with LOCK:
            return self.process.exitcode

    def wait(self, timeout: float = TIMEOUT) -> Ended:
        """Wait for its end, and end what it left behind."""
        hung = False
        while self.status() is None:
            time.sleep(0.01)
            if time.monotonic() - self.began > timeout:
                hung = True
                os.kill(self.group, signal.SIGKILL)
                timeout += TIMEOUT
        seconds = time.monotonic() - self.began
        orphans = self.end_orphans()
        text, peak = (path.read_text('utf-8', 'replace') if path.exists() else ''
                      for path in self.files.values())
        for path in self.files.values():
            path.unlink(missing_ok=True)
        return Ended(self.status() or 0, text, seconds, hung, orphans, int(peak or 0))

    def end_orphans(self) -> int:
        """How many of its group are still there after GRACE seconds; they are then ended."""
        until = time.monotonic() + GRACE
        while (left := group_members(self.group)) and time.monotonic() < until:
            time.sleep(0.05)
        if left:
            with suppress(ProcessLookupError):
                os.killpg(self.group, signal.SIGKILL)
        return len(left)


def run(call: Call, root: Path, fault: Fault | None = None, plant: str = '') -> Ended:
    """Run the call to its end."""
    return Running(call, root, fault, plant).wait()


def group_members(group: int) -> list[int]:
    """The processes of that group that have not ended. Linux."""
    found = []
    for stat in Path('/proc').glob('[0-9]*/stat'):
        with suppress(OSError, ValueError):
            # the name, in brackets, may hold spaces; then state, parent, group
            state, _, its_group = stat.read_text().rpartition(')')[2].split()[:3]
            if int(its_group) == group and state not in 'ZX':
                found.append(int(stat.parent.name))
    return found


@contextmanager
def without_main() -> Iterator[None]:
    """Within the block nothing is known of the program that runs: a process that is started would
    import it again, which takes longer than all that it is started for."""
    main = sys.modules['__main__']
    sys.modules['__main__'] = ModuleType('__main__')
    try:
        yield
    finally:
        sys.modules['__main__'] = main


def server() -> Any:
    """The context whose processes are forked from a server that has imported everything."""
    context = multiprocessing.get_context('forkserver')
    ours = [path.relative_to(ROOT).with_suffix('') for folder in FOLDERS
            for path in sorted((ROOT / folder).glob('[!_]*.py'))]
    context.set_forkserver_preload([*LIBRARIES, *('.'.join(path.parts) for path in ours)])
    os.environ.setdefault('OMP_NUM_THREADS', '1')
    # killed processes leave semaphores, of which a process of multiprocessing's would tell
    os.environ.setdefault('PYTHONWARNINGS', 'ignore::UserWarning:multiprocessing.resource_tracker')
    paths = [str(ROOT), *filter(None, os.environ.get('PYTHONPATH', '').split(os.pathsep))]
    os.environ['PYTHONPATH'] = os.pathsep.join(dict.fromkeys(paths))
    return context


# Inside the process

def play(call: Call, root: str, files: dict[str, str], fault: Fault, plant: str) -> None:
    """Be that entry point, as if it were started by a shell in the folder `root`."""
    os.setsid()
    log = os.open(files['log'], os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
    for number in (1, 2):
        os.dup2(log, number)
    sys.stdout = open(1, 'w', encoding='utf-8', buffering=1, closefd=False)     # noqa: SIM115
    sys.stderr = open(2, 'w', encoding='utf-8', buffering=1, closefd=False)     # noqa: SIM115
    os.chdir(root)
    sys.argv = [call.script, *call.argv]
    for number, usual in ((signal.SIGINT, signal.default_int_handler),
                          (signal.SIGTERM, signal.SIG_DFL), (signal.SIGHUP, signal.SIG_DFL)):
        signal.signal(number, usual)
    install(fault, root)
    if plant:
        module, _, function = plant.partition(':')
        getattr(import_module(module), function)()
    status = to_the_end(str(ROOT / call.script))
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    workers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    with suppress(OSError):         # no file may be that large
        Path(files['peak']).write_text(str(1024 * max(own, workers)))
    os._exit(status)


def to_the_end(script: str) -> int:
    """Run the script, and end as Python does. Returns the exit status."""
    status = 1
    try:
        runpy.run_path(script, run_name='__main__')
        status = 0
    except SystemExit as stop:
        is_number = isinstance(stop.code, int | None)
        status = (stop.code or 0) if is_number else 1       # type: ignore[assignment]
        if not is_number:
            print(stop.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    for last in (threading._shutdown, atexit._run_exitfuncs):      # type: ignore[attr-defined]
        try:
            last()
        except BaseException:
            traceback.print_exc()
    return status
