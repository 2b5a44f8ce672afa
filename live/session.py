"""A live session: capture, pose, paint and output, each at its own pace, on the newest picture.

    camera -> [box] -> pose -> [box] -> paint -> [box] -> fixed rate -> [box for each] -> sinks

No box holds more than one picture, so the delay is bounded by what the stages take, and the order
is kept. A stage that is slow makes those before it drop pictures, which are counted.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from live.controls import Controls
from live.figures import Figures
from live.frames import Captured, LiveFrame, Posed
from live.ladder import Ladder
from live.mailbox import Mailbox
from live.stages import Output, Stage, first_failure
from util.camera import Camera
from util.clock import Clock
from util.errors import UserError, say, warn
from util.images import fitted

if TYPE_CHECKING:
    import numpy as np

    from live.quality import Quality

GONE = 2.0              # s without a picture of the camera before a line says so
CLOSING = 0.8           # s that stages and sinks have to end: Ctrl-C ends within a second
PREPARED = 50           # times that the painter prepares itself between two poses: it may have no
                        # memory for all that it could prepare
STEP = 0.1              # s between two looks at a sink that closes


class Person(Protocol):
    """What a session asks of live.person."""
    every: int

    def __call__(self, captured: Captured) -> Posed: ...

    def measure_again(self) -> None: ...


class Painter(Protocol):
    """What a session asks of live.painter."""
    quality: Quality

    @property
    def size(self) -> tuple[int, int]: ...

    def __call__(self, posed: Posed) -> np.ndarray: ...

    def next_background(self) -> object: ...

    def prepare(self) -> bool: ...


@dataclass(frozen=True)
class Parts:
    """What a session is made of.

    outputs   makes the sinks, once the (width, height) of all pictures is known
    """
    camera: Camera
    person: Person
    painter: Painter
    ladder: Ladder
    controls: Controls
    outputs: Callable[[tuple[int, int]], Sequence[Output]]


class Session:
    """rate      pictures a second that are given out
    seconds   after which it ends by itself; None: when the camera or somebody ends it
    tell      called once a second with the figures
    """

    def __init__(self, parts: Parts, clock: Clock, figures: Figures, rate: float,
                 seconds: float | None = None,
                 tell: Callable[[dict[str, Any]], None] = lambda figures: None):
        self.camera, self.person, self.painter = parts.camera, parts.person, parts.painter
        self.ladder, self.controls, self.make_outputs = parts.ladder, parts.controls, parts.outputs
        self.clock, self.figures = clock, figures
        self.rate, self.seconds, self.tell = rate, seconds, tell
        self.captured: Mailbox[Captured] = Mailbox(clock)
        self.posed: Mailbox[Posed] = Mailbox(clock)
        self.painted: Mailbox[LiveFrame] = Mailbox(clock)
        self.stages = {
            'capture': Stage('capture', self.capture, self.captured.close),
            'pose': Stage('pose', self.find, self.posed.close),
            'paint': Stage('paint', self.paint, self.painted.close)}
        self.outputs: Sequence[Output] = ()
        self.size = (0, 0)              # of every picture that is given out
        self.newest: LiveFrame | None = None
        self.at_last = clock.now()      # when the camera's newest picture came
        self.missed = 0                 # pictures that the camera itself dropped
        self.is_gone = False
        self.first = -math.inf          # pictures that were captured before are not given out
        self.camera.measured = not self.ladder.chosen
        self.use(self.ladder.quality)
        self.is_chosen = self.ladder.chosen         # and the painter paints in it

    def run(self) -> None:
        """Run to the end. UserError for a camera that is gone, or where no output is left."""
        watched = {'capture': lambda: self.missed, 'pose': lambda: self.captured.dropped,
                   'paint': lambda: self.posed.dropped, 'output': lambda: self.painted.dropped}
        for name, dropped in watched.items():
            self.figures.watch(name, dropped)
        try:
            for stage in self.stages.values():
                stage.start()
            if self.wait_for_quality():
                self.serve()
        finally:
            self.end()
        failure = first_failure(self.stages)
        if failure is not None:
            raise failure
        if self.outputs and self.nobody_is_left():
            raise UserError(str(self.outputs[0].failure))

    # -- the stages, each in a thread of its own -------------------------------------------------

    def capture(self) -> None:
        expected = 0
        with closing(self.camera.pictures(self.clock)) as pictures:
            for picture in pictures:
                if self.controls.ended:
                    return
                self.missed += picture.number - expected
                expected = picture.number + 1
                self.at_last = self.clock.now()
                self.figures.count('in')
                self.figures.took('capture', self.at_last - picture.time)
                self.captured.put(Captured(picture.number, picture.time, picture.image))

    def find(self) -> None:
        while captured := self.captured.get():
            if self.controls.ended:
                return
            if self.controls.take('measure'):
                self.person.measure_again()
            began = self.clock.now()
            posed = self.person(captured)
            took = self.clock.now() - began
            self.figures.found(posed.found is not None)
            self.figures.took('pose', took)
            self.ladder.found(took)
            self.posed.put(posed)

    def paint(self) -> None:
        while posed := self.next_posed():
            if self.controls.ended:
                return
            if self.controls.take('background'):
                self.painter.next_background()
            began = self.clock.now()
            picture = self.painter(posed)
            now = self.clock.now()
            self.figures.count('paint')
            self.figures.took('paint', now - began)
            if self.outputs:        # a film cannot change its size
                picture = fitted(picture, self.size)
            self.painted.put(LiveFrame(posed, picture))
            self.measure(posed, now - began, now)

    def measure(self, posed: Posed, took: float, now: float) -> None:
        """Tell the ladder what a picture took, and go on with the quality that it names."""
        before = self.ladder.quality
        if posed.pose is None:
            self.ladder.nobody(now)
        else:
            self.ladder.painted(took, now)
        self.use(self.ladder.quality)
        if not self.is_chosen:
            self.is_chosen = self.ladder.chosen
            self.clock.tell()
        elif self.ladder.quality != before:
            self.tell_quality()

    def tell_quality(self) -> None:
        self.figures.ladder = self.ladder.sentence
        say(self.ladder.sentence)

    def next_posed(self) -> Posed | None:
        """The newest pose, waited for. The painter prepares itself for the next ones meanwhile."""
        posed = self.posed.take()
        for _ in range(PREPARED):
            if posed or self.posed.is_over or self.controls.ended or not self.painter.prepare():
                break
            posed = self.posed.take()
        return posed or self.posed.get()

    def use(self, quality: Quality) -> None:
        if self.painter.quality != quality:
            self.painter.quality = quality
        self.person.every = quality.every

    def give_out(self) -> None:
        """Give the newest picture to all sinks at the fixed rate."""
        start = self.clock.now()
        n = told = 0
        while not self.is_over and not self.nobody_is_left():
            n = max(n + 1, int((self.clock.now() - start) * self.rate))     # late ones are left out
            self.clock.wait_for(lambda: self.controls.ended, start + n / self.rate)
            now = self.clock.now()
            self.tick(now)
            if now - start >= told + 1:
                told = int(now - start)
                self.tell({**self.figures.every_second(), **self.figures.facts()})
            if self.seconds is not None and now - start >= self.seconds:
                self.controls.end()
        self.figures.stop()

    @property
    def is_over(self) -> bool:
        """Whether nothing new will be given out."""
        return self.controls.ended or self.painted.is_over

    def tick(self, now: float) -> None:
        """One picture for each sink: the newest, or the last one again."""
        fresh = None if self.controls.frozen else self.painted.take()
        if fresh and fresh.time >= self.first:
            self.newest = fresh
            self.figures.delayed(now - fresh.time)
        self.watch_camera(now)
        if self.newest is None:
            return
        self.figures.count('out')
        for output in self.outputs:
            output.offer(self.newest, now)

    def watch_camera(self, now: float) -> None:
        """Say once that the camera gives nothing any more."""
        was_gone = self.is_gone
        self.is_gone = now - self.at_last > GONE and self.stages['capture'].is_alive()
        if self.is_gone and not was_gone:
            warn(f'--camera {self.camera.name}: gives no picture since {GONE:g} s; the last one '
                 f'is shown until it does.')

    def nobody_is_left(self) -> bool:
        return all(output.failure is not None for output in self.outputs if output.counts)

    # -- the main thread ---------------------------------------------------------------------------

    def wait_for_quality(self) -> bool:
        """Wait until the quality is chosen, or nothing is painted any more. False where there is
        nothing to give out."""
        self.clock.wait_for(lambda: self.is_chosen or self.is_over)
        if self.controls.ended or first_failure(self.stages):
            return False
        self.ladder.finish()
        self.tell_quality()
        if self.camera.measured:
            self.first = self.clock.now()
            self.camera.rewind()        # a file is shown from its start
        return True

    def serve(self) -> None:
        """Start the sinks and the clock. Sinks that only the main thread may call are called here,
        so that a slow window does not hold up the others."""
        self.size = self.painter.size
        self.outputs = self.make_outputs(self.size)
        self.figures.start()
        here = [output for output in self.outputs if output.sink.MAIN_THREAD]
        for output in self.outputs:
            if output not in here:
                output.start()
        clock = Stage('output', self.give_out, self.close_boxes)
        self.stages['output'] = clock
        clock.start()
        for output in here:
            output.run()
        self.clock.wait_for(lambda: clock.done)

    def close_boxes(self) -> None:
        for output in self.outputs:
            output.box.close()

    def end(self) -> None:
        """End every thread; those that do not end in time end with the process."""
        self.controls.end()
        self.camera.close()
        self.clock.tell()
        until = self.clock.now() + CLOSING
        self.close_boxes()
        for box in (self.captured, self.posed, self.painted):
            box.close()
        for stage in self.stages.values():
            self.clock.wait_for(lambda stage=stage: stage.done, until)   # type: ignore[misc]
        for output in self.outputs:
            self.wait_for_closing(output, until)

    def wait_for_closing(self, output: Output, until: float) -> None:
        """Wait for a sink: longer than until then where it says so, unless it is blocked, so that
        a film is whole."""
        now = self.clock.now()
        last = max(until, now + output.sink.CLOSES_WITHIN)
        while not output.done and now < last:
            if now >= until and output.is_blocked(now):
                break
            self.clock.wait_for(lambda: output.done, now + STEP)
            now = self.clock.now()
        if not output.done:
            warn(f'--to {output.title}: did not close in time.')
