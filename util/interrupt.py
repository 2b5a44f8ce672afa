"""Ctrl-C, SIGTERM and SIGHUP as a request that the work reads when it is ready to stop."""
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from util.errors import handled, leave, warn


class Interrupt:
    """Within its block the first signal becomes `requested`, with a warning; the second one does
    what it did before, or ends the process as it asks for. Outside the main thread, which alone
    gets signals, nothing changes.

    warning  what the user reads after the first signal
    """

    def __init__(self, warning: str):
        self.warning = warning
        self.requested: int | None = None       # the signal that asked to stop
        self.handlers: dict[int, Callable[..., Any] | int | None] = {}      # those before

    def __enter__(self) -> 'Interrupt':
        if threading.current_thread() is threading.main_thread():
            self.handlers = {number: signal.signal(number, self.request) for number in handled()}
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self.handlers.items():
            signal.signal(number, handler)
        self.handlers = {}

    def request(self, number: int, frame: FrameType | None) -> None:
        """What a signal calls."""
        if self.requested:
            before = self.handlers.get(number)
            if callable(before):
                before(number, frame)
            leave(number)
        self.requested = number
        warn(self.warning)
