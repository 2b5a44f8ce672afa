"""A clock that jumps, and stages that take as long as they are told: sessions in no time."""
import threading

import numpy as np

from live.controls import Controls
from live.figures import Figures
from live.frames import Posed
from live.ladder import Ladder
from live.quality import Quality
from live.session import Parts, Session
from live.stages import Output
from util.camera import Camera, Picture
from util.clock import Clock

PLAIN = Quality('plain', 8, 1, False, 1)


class FakeClock(Clock):
    """Jumps to the next time that somebody waits for as soon as every thread of a session waits."""

    def __init__(self):
        super().__init__()
        self.time = 0.0
        self.waiting = {}
        self.others = set(threading.enumerate()) - {threading.main_thread()}
        self.is_over = False        # threads that still wait then end

    def now(self):
        return self.time

    def wait_for(self, is_so, until=float('inf')):
        with self.changed:
            me = threading.current_thread()
            self.waiting[me] = is_so, until
            while not is_so() and self.time < until:
                if self.all_wait():
                    self.jump()
                else:
                    self.changed.wait(0.002)        # a thread that ends notifies nobody
                if self.is_over:
                    break
            del self.waiting[me]
            return is_so()

    def sleep(self, seconds):
        self.wait_for(lambda: False, self.time + seconds)

    def all_wait(self):
        for thread in set(threading.enumerate()) - self.others:
            if thread is threading.main_thread() or thread.name.startswith('live '):
                is_so, until = self.waiting.get(thread, (lambda: True, 0))
                if is_so() or self.time >= until:
                    return False
        return True

    def jump(self):
        time = min(until for _, until in self.waiting.values())
        assert time < float('inf'), 'every thread waits for ever'
        self.time = time
        self.changed.notify_all()


class FakeCamera(Camera):
    """`count` pictures (None: without end), `fps` a second; raises `fault` after them."""
    name = '0'

    def __init__(self, fps=30.0, count=None, fault=None):
        super().__init__()
        self.fps, self.count, self.fault = fps, count, fault
        self.rewinds = 0

    def pictures(self, clock):
        start, number = clock.now(), 0
        while not self.closed and number != self.count:
            due = start + number / self.fps
            clock.wait_for(lambda: self.closed, due)
            yield Picture(number, due, np.full((4, 4, 3), number % 256, np.uint8))
            number += 1
        if self.fault and not self.closed:
            raise self.fault

    def rewind(self):
        self.measured = False
        self.rewinds += 1


class FakePerson:
    every = 1

    def __init__(self, clock, seconds=0.0):
        self.clock, self.seconds, self.measured = clock, seconds, 0
        self.pose = np.ones((25, 3), np.float32)

    def __call__(self, captured):
        if self.seconds:
            self.clock.sleep(self.seconds)
        return Posed(captured, None, self.pose, None, 'BODY_25')

    def measure_again(self):
        self.measured += 1


class FakePainter:
    """`seconds` a picture; or {quality's name: seconds}."""

    def __init__(self, clock, seconds=0.0, quality=PLAIN):
        self.clock, self.seconds, self.quality, self.backgrounds = clock, seconds, quality, 0
        self.to_prepare = 0

    @property
    def size(self):
        return self.quality.size, self.quality.size

    def __call__(self, posed):
        takes = self.seconds
        takes = takes[self.quality.name] if isinstance(takes, dict) else takes
        if takes:
            self.clock.sleep(takes)
        return np.zeros((self.quality.size, self.quality.size, 3), np.uint8)

    def next_background(self):
        self.backgrounds += 1

    def prepare(self):
        self.to_prepare -= 1
        return self.to_prepare >= 0


class FakeSink:
    """Keeps [(seq, time of the clock)]; `fault` is raised by the picture `at`, `blocks` are the
    seconds that it takes for each."""
    MAIN_THREAD, CLOSES_WITHIN = False, 10.0

    def __init__(self, clock, blocks=0.0, fault=None, at=0):
        self.clock, self.blocks, self.fault, self.at = clock, blocks, fault, at
        self.got, self.opened, self.closed, self.sizes = [], False, False, set()

    def open(self):
        self.opened = True

    def send(self, frame, now):
        if self.fault and len(self.got) == self.at:
            raise self.fault
        if self.blocks:
            self.clock.sleep(self.blocks)
        self.got.append((frame.seq, now))
        self.sizes.add(frame.picture.shape[:2])

    def close(self):
        self.closed = True


class Rig:
    """A session of fakes, its parts as attributes."""

    def __init__(self, camera=None, pose=0.0, paint=0.0, rate=30.0, seconds=None, sinks=None,
                 qualities=(PLAIN,), tell=lambda figures: None):
        self.clock = clock = FakeClock()
        self.camera = camera or FakeCamera()
        self.person = FakePerson(clock, pose)
        self.painter = FakePainter(clock, paint, qualities[0])
        self.controls = Controls()
        self.figures = Figures(clock)
        self.sinks = {'null': FakeSink(clock)} if sinks is None else sinks(clock)
        self.ladder = Ladder(qualities, rate)
        parts = Parts(self.camera, self.person, self.painter, self.ladder, self.controls,
                      self.outputs)
        self.session = Session(parts, clock, self.figures, rate, seconds, tell)

    def outputs(self, size):
        self.size = size
        return [Output(name, sink, self.clock, self.figures) for name, sink in self.sinks.items()]

    def run(self):
        try:
            self.session.run()
            return self.figures.total()
        finally:
            self.clock.is_over = True
