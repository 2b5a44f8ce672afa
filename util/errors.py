"""Errors for users: one sentence, exit status 1, no traceback."""
import signal
import sys
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any, NoReturn


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
    """Print one line above whatever progress bar is drawn just now."""
    from tqdm import tqdm
    tqdm.write(line, file=sys.stdout)
    sys.stdout.flush()


def warn(line: str) -> None:
    """One warning line on stderr; the work goes on."""
    from tqdm import tqdm
    tqdm.write(f'warning: {line}', file=sys.stderr)
    sys.stderr.flush()


def leave(number: int, frame: Any = None) -> NoReturn:
    """End as that signal asks for: the status is 128 and its number, as a shell gives it."""
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + number)


def run_main(main: Callable[[], object]) -> None:
    """Call an entry point; a UserError, or what the system refuses, becomes its
    sentence and status 1; Ctrl-C becomes status 130, and SIGTERM 143, after what is open is closed
    and workers are ended."""
    signal.signal(signal.SIGTERM, leave)
    try:
        main()
    except UserError as error:
        sys.exit(f'error: {error}')
    except OSError as error:        # a folder without rights, a disk that went away
        sys.exit(f'error: {error}')
    except KeyboardInterrupt:
        warn('stopped before the end.')
        sys.exit(130)
