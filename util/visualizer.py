"""Sends a run's progress to every sink; no sink can delay or end the run."""
from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from queue import Full, Queue
from typing import TYPE_CHECKING, Any

from util.errors import UserError, say, warn
from util.sinks import SINKS
from util.sinks.base_sink import RunFacts, Sink

if TYPE_CHECKING:
    from util.sinks.base_sink import Pictures

WAITING = 100           # messages a sink may be behind
PATIENCE = 2.0          # seconds the run waits for a sink that is further behind, then drops it
GOODBYE = 20.0          # seconds a sink has at the end to handle its last messages


class Visualizer:
    """Calls every sink of util/sinks/ that this run uses; Sink documents the calls and units.

    Each sink works in its own thread, so a call costs microseconds. A sink that raises, or falls
    far behind, is dropped with one warning; the others go on.

    silent   no sink is used
    """

    def __init__(self, run: RunFacts, silent: bool = False):
        self.lanes = []
        for name in [] if silent else SINKS.names():
            try:
                kind: type[Sink] = SINKS.find(name)
                if kind.WHEN(run):
                    self.lanes.append(Lane(kind(run)))
            except UserError as error:
                say(str(error))
            except Exception as error:
                warn(f'{name}: not used, the run continues without it ({in_short(error)})')

    def losses(self, step: int, epoch: int, losses: Mapping[str, float], seconds: float,
               data_seconds: float, iters: int | None = None) -> None:
        self.tell('losses', step, epoch, dict(losses), seconds, data_seconds, iters)

    def pictures(self, epoch: int, step: int, pictures: Pictures) -> None:
        self.tell('pictures', epoch, step, copied(pictures))

    def heldout(self, epoch: int, step: int, pictures: Pictures, score: float | None) -> None:
        self.tell('heldout', epoch, step, copied(pictures), score)

    def epoch(self, epoch: int, seconds: float) -> None:
        self.tell('epoch', epoch, seconds)

    def settle(self) -> None:
        """Wait until every sink has handled all that it was told; those that have not after
        GOODBYE seconds are dropped."""
        until = time.monotonic() + GOODBYE
        while any(lane.is_behind for lane in self.lanes):
            time.sleep(0.005)
            if time.monotonic() > until:
                for lane in self.lanes:
                    if lane.is_behind:
                        lane.drop('too slow to finish')

    def close(self, finished: bool) -> None:
        """Wait until every sink has handled all messages, at most GOODBYE seconds each."""
        self.tell('close', finished)
        for lane in self.lanes:
            lane.join()
        self.lanes = []

    def tell(self, method: str, *args: Any) -> None:
        for lane in self.lanes:
            lane.tell(method, *args)


class Lane:
    """One sink, its thread, and the messages that wait for it."""

    def __init__(self, sink: Sink):
        self.sink = sink
        self.dropped = False
        self.waiting: Queue[tuple[str, tuple[Any, ...]]] = Queue(WAITING)
        # daemon: a sink that hangs must not keep a finished run from ending
        self.thread = threading.Thread(target=self.work, name=sink.name, daemon=True)
        self.thread.start()

    @property
    def is_behind(self) -> bool:
        """Whether messages wait, or one is being handled."""
        return not self.dropped and self.waiting.unfinished_tasks > 0

    def tell(self, method: str, *args: Any) -> None:
        if not self.dropped:
            try:
                self.waiting.put((method, args), timeout=PATIENCE)
            except Full:
                self.drop('too slow')

    def work(self) -> None:
        while not self.dropped:
            method, args = self.waiting.get()
            try:
                getattr(self.sink, method)(*args)
            except Exception as error:
                self.drop(in_short(error))
            self.waiting.task_done()
            if method == 'close':
                return

    def join(self) -> None:
        if not self.dropped:
            self.thread.join(GOODBYE)
            if self.thread.is_alive():
                self.drop('too slow to finish')

    def drop(self, why: str) -> None:
        if not self.dropped:
            self.dropped = True
            warn(f'{self.sink.name}: dropped, the run continues without it ({why})')


def copied(pictures: Pictures) -> Pictures:
    """Copies, because the caller may overwrite its arrays while a sink still writes them."""
    return {label: picture.copy() for label, picture in pictures.items()}


def in_short(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
