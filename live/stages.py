"""The threads of a live session: one for each stage, and one for each sink."""
from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from live.figures import Figures
from live.frames import LiveFrame
from live.mailbox import Mailbox
from util.clock import Clock
from util.errors import UserError, sentence, warn

if TYPE_CHECKING:
    from live.sinks.base import Sink

BLOCKED = 2.0           # s that a sink may take for a picture before a line says so


class Stage(threading.Thread):
    """One stage in a thread of its own. What it raises is kept in `failure`; `ended` is called at
    its end, whatever happened."""

    def __init__(self, name: str, work: Callable[[], None], ended: Callable[[], None]):
        super().__init__(name=f'live {name}', daemon=True)
        self.work = work
        self.ended = ended
        self.failure: BaseException | None = None
        self.done = False

    def run(self) -> None:
        try:
            self.work()
        except BaseException as error:      # of any kind: the session ends with it
            self.failure = error
        finally:
            self.done = True
            self.ended()


class Output(threading.Thread):
    """A sink behind a mailbox. One that fails is left out with one sentence, and one that is
    blocked drops pictures; neither harms the others.

    title      as --to names it
    counts     whether a session goes on for it alone
    failure    why it was left out
    done       whether it is closed; is_closing: whether it is just doing so
    missed     pictures that it was never given; to miss one that is only repeated is no loss
    """

    def __init__(self, title: str, sink: Sink, clock: Clock, figures: Figures, counts: bool = True):
        super().__init__(name=f'live {title}', daemon=True)
        self.title, self.sink, self.clock, self.counts = title, sink, clock, counts
        self.box: Mailbox[tuple[LiveFrame, float]] = Mailbox(clock)
        self.failure: str | None = None
        self.since: float | None = None         # when the call began that is not over
        self.is_told = self.is_closing = self.done = False
        self.newest: LiveFrame | None = None    # that it was given
        self.missed = 0
        if counts:
            figures.watch(title, lambda: self.missed)

    def run(self) -> None:
        """Send what comes until the box is closed. The main thread calls it for a sink that only
        that one may call."""
        self.attempt(self.sink.open)
        try:
            while self.failure is None and (item := self.box.get()):
                self.send(*item)
        finally:
            self.is_closing = True
            self.attempt(self.sink.close)
            self.done = True
            self.clock.tell()

    def offer(self, frame: LiveFrame, now: float) -> None:
        """Hand a picture on without waiting for the sink."""
        if self.failure is not None:
            return
        before = self.box.put((frame, now))
        if before and before[0] is not frame and before[0] is not self.newest:
            self.missed += 1
        is_blocked = self.is_blocked(now)
        if is_blocked and not self.is_told:
            warn(f'--to {self.title}: takes no picture since {BLOCKED:g} s, so it misses some. '
                 f'Everything else goes on.')
        self.is_told = is_blocked

    def is_blocked(self, now: float) -> bool:
        """Whether it takes too long with a picture."""
        since = self.since
        return since is not None and not self.is_closing and now - since > BLOCKED

    def send(self, frame: LiveFrame, now: float) -> None:
        self.newest = frame
        self.attempt(lambda: self.sink.send(frame, now))

    def attempt(self, call: Callable[[], None]) -> None:
        """Call it; the first failure is told, and is the sink's last."""
        self.since = self.clock.now()
        try:
            call()
        except Exception as error:      # a sink can fail in any way
            if self.failure is None:
                self.failure = self.sentence(error)
                warn(f'{self.failure} The session goes on without it.')
        finally:
            self.since = None

    def sentence(self, error: Exception) -> str:
        """One sentence for what the sink raised."""
        place = f'--to {self.title}: '
        if isinstance(error, OSError):
            return place + sentence(error)
        if not isinstance(error, UserError):
            return f'{place}{type(error).__name__}: {error}.'
        return str(error) if str(error).startswith('--to ') else place + str(error)


def first_failure(stages: Mapping[str, Stage]) -> BaseException | None:
    """What ended the session, of the stage that is nearest to the camera; None where nothing
    failed."""
    failures = [stage.failure for stage in stages.values() if stage.failure is not None]
    return failures[0] if failures else None
