"""Errors for users: one sentence, exit status 1, no traceback."""
import errno
import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from difflib import get_close_matches
from functools import partial
from importlib.machinery import ExtensionFileLoader
from types import FrameType
from typing import Any, NoReturn, TextIO

from util.words import printable

NO_ROOM = errno.ENOSPC, errno.EDQUOT, errno.EFBIG       # errors of a full disk
NO_MEMORY = "can't allocate memory", 'not enough memory', 'out of memory'     # torch's words
NO_RIGHT = errno.EACCES, errno.EPERM, errno.EROFS       # of a place that may not be written to
# the signals that ask a process to end; Windows has no SIGHUP
STOPPING = [getattr(signal, name) for name in ('SIGINT', 'SIGTERM', 'SIGHUP')
            if hasattr(signal, name)]
# environment variable of a process that another one started: it stops when its stdin is closed
ENDS_WITH_STDIN = 'BODY2BODY_ENDS_WITH_STDIN'
GRACE = 30.0        # s that a process may take to close what is open after such a signal: a lock
                    # or a thread that waits for ever must not keep it (seen once in 396 signals)
SOON = 0.01         # s after which a finalizer is over, or an import may be


class UserError(Exception):
    """What is wrong, what there is, what to type. `assert` is only for our own mistakes."""


def unknown_choice(flag: str, given: str, choices: Iterable[str], file_pattern: str) -> UserError:
    """The one wording for a name that no file answers to."""
    choices = list(choices)
    close = get_close_matches(given, choices, n=1)
    hint = f' Did you mean {close[0]}?' if close else ''
    return UserError(f'{flag} {given}: no such choice.{hint} There is {", ".join(choices)}. '
                     f'To add your own, write {file_pattern.format(given)}.')


def say(line: str) -> None:
    """Print one line above whatever progress bar is drawn just now. A terminal that was closed, or
    a log on a full disk, ends no work."""
    write_line(line, sys.stdout)


def warn(line: str) -> None:
    """One warning line on stderr; the work goes on."""
    write_line(f'warning: {line}', sys.stderr)


def write_line(line: str, stream: TextIO) -> None:
    """Print a line. A stream that takes nothing more is given up."""
    from tqdm import tqdm
    try:
        try:
            tqdm.write(printable(line), file=stream)
        except AttributeError:      # a signal came while a bar was made: there is no lock yet
            print(printable(line), file=stream)
        stream.flush()
    except OSError:
        give_up(stream)


def leave(number: int, frame: Any = None) -> NoReturn:
    """End as that signal asks for: the status is 128 and its number, as a shell gives it."""
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + number)


def end_at_once(number: int, frame: Any = None) -> NoReturn:
    os._exit(128 + number)


def stop(number: int, frame: FrameType | None = None) -> None:
    """What a signal calls in an entry point: it leaves; after GRACE seconds, or a second signal,
    it ends at once. Workers end with it, and the next call tidies up."""
    for each in handled():
        signal.signal(each, end_at_once)
    sys.unraisablehook = partial(leave_again, number)
    after(GRACE, end_at_once, number)
    if imports_compiled(frame):
        leave_soon(number)
    else:
        leave(number)


def leave_soon(number: int) -> None:
    """Leave as soon as no compiled module is imported, but not now: what runs now takes no
    exception. A second signal ends the process at once."""
    is_ours = threading.Event()

    def send() -> None:
        is_ours.set()
        send_self(number)

    def wait_or_leave(number: int, frame: FrameType | None = None) -> None:
        if not is_ours.is_set():
            end_at_once(number)
        is_ours.clear()
        if imports_compiled(frame):
            after(SOON, send)
        else:
            signal.signal(number, end_at_once)
            leave(number)
    signal.signal(number, wait_or_leave)
    after(SOON, send)


def imports_compiled(frame: FrameType | None) -> bool:
    """Whether a compiled module is imported there. Many of these turn the exception of `leave`
    into an ImportError ("initialization failed"), as if they were not installed."""
    while frame and not isinstance(frame.f_locals.get('self'), ExtensionFileLoader):
        frame = frame.f_back
    return frame is not None


def leave_again(number: int, dropped: 'sys.UnraisableHookArgs') -> None:
    """What Python calls where it drops an exception, such as that of `leave` within a finalizer of
    a library: leave once that is over. What else a finalizer raises now is of no use to anybody."""
    if isinstance(dropped.exc_value, (KeyboardInterrupt, SystemExit)):
        leave_soon(number)


def after(seconds: float, call: Callable[..., object], *given: object) -> None:
    """Call it then, unless the process has ended by then."""
    timer = threading.Timer(seconds, call, given)
    timer.daemon = True
    timer.start()


def send_self(number: int) -> None:
    """Send that signal to this process. On Windows os.kill would end it at once, without asking."""
    if os.name == 'nt':
        signal.raise_signal(number)
    else:
        os.kill(os.getpid(), number)


def handled() -> list[int]:
    """The signals that ask this process to end, without those that it was started to ignore, as
    nohup does with SIGHUP."""
    return [number for number in STOPPING if signal.getsignal(number) != signal.SIG_IGN]


def sentence(error: OSError) -> str:
    """What the system refuses, and what to do about it."""
    place = f'{error.filename}: ' if error.filename else ''
    if error.errno in NO_ROOM:
        return f'{place}the disk is full. Make room, then give the same command again.'
    if error.errno in NO_RIGHT:
        return f'{place}you may not do this there ({error.strerror}). Give another folder, or ' \
               f'yourself the right to it.'
    return str(error)


def run_main(main: Callable[[], object], then: str = '') -> None:
    """Call an entry point; a UserError, or what the system refuses, becomes its sentence and
    status 1; Ctrl-C becomes status 130, SIGTERM 143 and SIGHUP 129, after what is open is closed
    and workers are ended.

    then   a sentence for somebody who stopped it: what goes on with the work
    """
    try:
        for number in handled():
            signal.signal(number, stop)
        if os.environ.pop(ENDS_WITH_STDIN, ''):
            threading.Thread(target=end_with_stdin, daemon=True).start()
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors='backslashreplace')   # as stderr: no UTF-8 there
        main()
    except UserError as error:
        sys.exit(f'error: {printable(str(error), breaks=False)}')
    except OSError as error:        # a folder without rights, a disk that went away
        sys.exit(f'error: {printable(sentence(error), breaks=False)}')
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        sys.exit('error: there is not enough memory for this. Close other programs, or take '
                 'smaller pictures, batches or networks.')
    except KeyboardInterrupt:
        warn(f'stopped before the end. {then}'.rstrip())
        sys.exit(130)
    finally:
        flush_or_drop(sys.stdout, sys.stderr)
        # nothing is left to be closed, and what libraries do at the end takes no exception
        for number in handled():
            signal.signal(number, end_at_once)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether there was no memory left, of the machine or of its GPU; torch says it in words."""
    words = str(error).lower()
    return isinstance(error, MemoryError) or any(said in words for said in NO_MEMORY)


def end_with_stdin() -> None:
    """Wait until the process that started this one is gone, then stop as SIGTERM asks for."""
    with suppress(OSError):
        while os.read(0, 1024):
            pass
    send_self(signal.SIGTERM)


def flush_or_drop(*streams: TextIO) -> None:
    """Print what is left to print; Python's own attempt at the very end would change the status
    where it fails."""
    for stream in streams:
        try:
            stream.flush()
        except OSError:
            give_up(stream)


def give_up(stream: TextIO) -> None:
    """From now on, what goes to that stream goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
