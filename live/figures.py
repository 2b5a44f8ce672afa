"""What a live session does in numbers: rates, delay, drops, times. Their memory does not grow."""
import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from util.clock import Clock

FINE = 1e-4                 # s, the step in which durations are counted
LONGEST = 10.0              # s; a longer one counts as this
COUNTED = 'in', 'pose', 'paint', 'out'
STAGES = 'capture', 'pose', 'paint'
QUANTILES = {'p50': 0.5, 'p95': 0.95, 'max': 1.0}


class Durations:
    """How often each duration was seen, in steps of FINE."""

    def __init__(self) -> None:
        self.seen = np.zeros(round(LONGEST / FINE) + 1, np.int64)

    def add(self, seconds: float) -> None:
        self.seen[min(max(round(seconds / FINE), 0), len(self.seen) - 1)] += 1

    def ms(self, quantile: float) -> float | None:
        """The duration, in ms, that this share of all does not exceed; None where there is none."""
        total = self.seen.sum()
        if not total:
            return None
        place = np.searchsorted(self.seen.cumsum(), max(1, np.ceil(quantile * total)))
        return round(float(place) * FINE * 1e3, 1)


class Period:
    """The counts since a time of the clock."""

    def __init__(self, start: float):
        self.start = start
        self.counts = dict.fromkeys(COUNTED, 0)
        self.somebody = 0               # of the poses, those that show one
        self.delay = Durations()
        self.took = {stage: Durations() for stage in STAGES}

    def figures(self, now: float) -> dict[str, Any]:
        passed = max(now - self.start, FINE)
        stage_ms = {stage: took.ms(0.5) for stage, took in self.took.items()}
        return {'fps': {name: round(count / passed, 1) for name, count in self.counts.items()},
                'latency_ms': {name: self.delay.ms(share) for name, share in QUANTILES.items()},
                'stage_ms': stage_ms}


class Figures:
    """ladder   which quality was chosen, and why, in a sentence"""

    def __init__(self, clock: Clock):
        self.clock = clock
        self.ladder = ''
        self.watched: dict[str, Callable[[], int]] = {}
        self.before: dict[str, int] = {}
        self.start()

    def start(self) -> None:
        """Count from now on, and forget what was counted before."""
        now = self.clock.now()
        self.began = now
        self.ended = math.inf
        self.whole = Period(now)
        self.second = Period(now)
        self.latest = self.second.figures(now)
        self.before = {name: dropped() for name, dropped in self.watched.items()}

    def stop(self) -> None:
        """The time that counts ends now."""
        self.ended = self.clock.now()

    def passed_to(self) -> float:
        return min(self.clock.now(), self.ended)

    def watch(self, name: str, dropped: Callable[[], int]) -> None:
        """Report the drops of a mailbox under that name."""
        self.watched[name] = dropped
        self.before[name] = dropped()

    def count(self, name: str) -> None:
        """One more picture: 'in', 'pose', 'paint' or 'out'."""
        for period in (self.whole, self.second):
            period.counts[name] += 1

    def found(self, somebody: bool) -> None:
        """One more picture was looked at, and somebody is there or nobody."""
        self.count('pose')
        for period in (self.whole, self.second):
            period.somebody += somebody

    def took(self, stage: str, seconds: float) -> None:
        """What 'capture', 'pose' or 'paint' took for a picture."""
        for period in (self.whole, self.second):
            period.took[stage].add(seconds)

    def delayed(self, seconds: float) -> None:
        """From capture to output, of a picture that is shown for the first time."""
        for period in (self.whole, self.second):
            period.delay.add(seconds)

    def every_second(self) -> dict[str, Any]:
        """What the second that ends now was like; `now` gives it until the next call."""
        now = self.clock.now()
        self.latest = self.second.figures(now)
        self.second = Period(now)
        return self.latest

    def now(self) -> dict[str, Any]:
        """Figures of the newest whole second, with the drops since the start. From any thread."""
        return {**self.latest, **self.facts()}

    def total(self) -> dict[str, Any]:
        """Figures of all seconds, for --report; `seen` is the share of the pictures looked at in
        which somebody is."""
        looked_at = self.whole.counts['pose']
        seen = round(self.whole.somebody / looked_at, 3) if looked_at else None
        return {**self.whole.figures(self.passed_to()), **self.facts(), 'seen': seen}

    def facts(self) -> dict[str, Any]:
        drops = {name: dropped() - self.before[name] for name, dropped in self.watched.items()}
        return {'drops': drops, 'ladder': self.ladder, 'memory_mb': memory(),
                'seconds': round(self.passed_to() - self.began, 2)}


def line(figures: dict[str, Any]) -> str:
    """Figures as one line for the terminal."""
    fps, delay = figures['fps'], figures['latency_ms']
    rates = ', '.join(f'{name} {fps[name]:.1f}' for name in COUNTED)
    late = '' if delay['p50'] is None else \
        f'; delay {delay["p50"]:.0f} ms, 95 of 100 at most {delay["p95"]:.0f}'
    drops = ', '.join(f'{name} {count}' for name, count in figures['drops'].items() if count)
    return f'frames/s: {rates}{late}' + (f'; dropped: {drops}' if drops else '')


def memory() -> int | None:
    """MB of memory that this process takes now; at most so far where only that is known; None
    where the system does not say."""
    try:
        import resource
        with open('/proc/self/statm') as file:
            return round(int(file.read().split()[1]) * resource.getpagesize() / 1e6)
    except ModuleNotFoundError:         # on Windows
        return None
    except OSError:                     # not on Linux
        unit = 1 if sys.platform == 'darwin' else 1024
        return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6)
