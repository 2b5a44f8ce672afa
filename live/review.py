"""Whether a quality keeps during the session what was promised when it was measured.

A computer becomes busy or free, or a person comes only later: then the quality is changed by one
step, seldom, and never back to one that proved too slow.
"""
from collections.abc import Mapping, Sequence

from live.quality import Quality

SPAN = 10.0         # s that are looked at together, all with somebody in the picture
SPANS = 2           # in a row that must say the same: a short stall changes nothing
SHORT = 0.75        # of the rate promised: less is clearly short of it
BUSY = 0.7          # of the time that the slower stage works, at least: else the camera is slow
ROOM = 1.15         # times the rate asked for that a better quality is expected to reach
UNKNOWN = 0.4       # of the present rate that a better quality is expected to have, unmeasured


class Review:
    """One stage calls `painted` and `nobody`, another one `found`.

    why   what the last change was for, in words
    """

    def __init__(self, qualities: Sequence[Quality], rate: float):
        """qualities: best first;  rate: pictures a second that are asked for."""
        self.qualities = qualities
        self.rate = rate
        self.too_slow: set[Quality] = set()
        self.why = ''
        self.opinions: list[int] = []
        self._start(None)

    def found(self, seconds: float) -> None:
        """A pose was found or moved on, which took that long."""
        self.poses += 1
        self.posing += seconds

    def nobody(self) -> None:
        """A picture shows nobody: what it took says nothing."""
        self._start(None)

    def painted(self, seconds: float, now: float, quality: Quality,
                rates: Mapping[Quality, float]) -> Quality:
        """A picture was painted in that quality; the quality of the next one.

        rates   pictures a second that were measured of each
        """
        if self.began is None:
            self._start(now)
            return quality
        self.paints += 1
        self.painting += seconds
        passed = now - self.began
        if passed < SPAN:
            return quality
        opinion = self._opinion(quality, rates, passed)
        painted = self.paints / passed
        self._start(now)
        self.opinions = [*self.opinions[1 - SPANS:], opinion]
        if not opinion or self.opinions != [opinion] * SPANS:
            return quality
        self.opinions = []
        if opinion > 0:
            self.too_slow.add(quality)
            self.why = f'only {painted:.0f} pictures a second were painted'
        else:
            self.why = 'this computer has room for it now'
        return self.qualities[self.qualities.index(quality) + opinion]

    def _start(self, now: float | None) -> None:
        """Look at a new span; None: it begins with the next picture of somebody."""
        self.began = now
        self.poses = self.paints = 0
        self.posing = self.painting = 0.0

    def _opinion(self, quality: Quality, rates: Mapping[Quality, float], passed: float) -> int:
        """The step that this span speaks for: 1 to the next lower quality, -1 to a better one, 0
        for none."""
        place = self.qualities.index(quality)
        promised = min(rates.get(quality, self.rate), self.rate)
        is_busy = max(self.posing, self.painting) > BUSY * passed
        if self.paints / passed < SHORT * promised and is_busy:
            return int(place + 1 < len(self.qualities))
        if place == 0 or self.qualities[place - 1] in self.too_slow:
            return 0
        each = max(self.posing / max(self.poses, 1), self.painting / self.paints, 1e-4)
        better = self.qualities[place - 1]
        if quality in rates and better in rates:
            share = rates[better] / rates[quality]
        else:
            share = UNKNOWN
        return -int(share / each >= ROOM * self.rate)
