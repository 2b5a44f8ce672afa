"""The choice of a quality: each is measured on pictures of the camera, from the best one down.

What a quality costs depends on the model, the film and the machine, so it is measured, not known.
What was chosen is reviewed during the session.
"""
import statistics
from collections.abc import Sequence

from live.quality import Quality
from live.review import Review
from util.errors import UserError

SECONDS = 2.0       # of measuring; then one picture must do for each quality that is left
PATIENCE = 3.0      # s without anybody to paint after which nothing more is waited for
PICTURES = 3        # that are measured of each. The one before them sets things up
ENOUGH = 0.5        # of the rate asked for, where no quality reaches all of it: each picture is
                    # shown twice, which still looks like movement
SLACK = 0.97        # a camera of 29.97 pictures a second is one of 30


class Ladder:
    """quality   to paint the next picture with
    chosen    whether it was chosen; then only a review changes it, where there are several
    sentence  what was chosen, and why; '' until then

    qualities   best first
    rate        pictures a second that are asked for
    """

    def __init__(self, qualities: Sequence[Quality], rate: float):
        self.qualities = qualities
        self.rate = rate
        self.quality = qualities[0]
        self.chosen = False
        self.sentence = ''
        self.rates: dict[Quality, float] = {}
        self.began: float | None = None
        self.empty_since: float | None = None
        self.review = Review(qualities, rate)
        self._paints: list[float] = []
        self._poses: list[float] = []
        if len(qualities) == 1:
            self.choose(qualities[0], 'as asked')

    def found(self, seconds: float) -> None:
        """The pose of a picture was found or moved on, which took that long."""
        if self.chosen:
            self.review.found(seconds)
        else:
            self._poses.append(seconds)

    def painted(self, seconds: float, now: float) -> None:
        """A picture of the present quality was painted, which took that long."""
        self.empty_since = None
        if self.chosen:
            self.go_over(seconds, now)
            return
        self.began = now if self.began is None else self.began
        self._paints.append(seconds)
        needed = PICTURES if now - self.began < SECONDS else 1
        if len(self._paints) > needed:
            self.rates[self.quality] = self.measured()
            self.go_on()

    def nobody(self, now: float) -> None:
        """A picture shows nobody: what it took says nothing. Where that goes on, the choice is made
        from what was measured before, and without that the middle quality is taken."""
        self.empty_since = now if self.empty_since is None else self.empty_since
        self.review.nobody()
        if self.chosen or now - self.empty_since < PATIENCE:
            return
        if self.rates:
            self.finish()
        else:
            self.choose(self.qualities[len(self.qualities) // 2],
                        'nobody is there to measure with')

    def go_over(self, seconds: float, now: float) -> None:
        """Change the quality where the session does not keep what was promised, or has room."""
        quality = self.review.painted(seconds, now, self.quality, self.rates)
        if quality != self.quality:
            self.choose(quality, self.review.why)

    def measured(self) -> float:
        """Pictures a second of the present quality, by the slower of its two stages."""
        paint = min(self._paints[1:])       # the first of a size are slow: nothing is kept yet
        pose = statistics.mean(self._poses[1:] or [0.0])       # only some pictures are looked at
        return 1 / max(paint, pose, 1e-4)

    def go_on(self) -> None:
        """To the next quality, or to the choice."""
        is_last = self.quality is self.qualities[-1]
        if is_last or self.reaches(self.quality, SLACK):
            self.finish()
            return
        self.quality = self.qualities[self.qualities.index(self.quality) + 1]
        self._paints, self._poses = [], []

    def reaches(self, quality: Quality, share: float) -> bool:
        return self.rates.get(quality, 0.0) >= share * self.rate

    def finish(self) -> None:
        """Choose from what was measured so far."""
        if self.chosen:
            return
        measured = [quality for quality in self.qualities if quality in self.rates]
        full = [quality for quality in measured if self.reaches(quality, SLACK)]
        half = [quality for quality in measured if self.reaches(quality, SLACK * ENOUGH)]
        # of those that are too slow the cheapest, whatever was measured on a busy machine
        best = (full or half or measured[-1:] or [self.quality])[0]
        rate = self.rates.get(best)
        if rate is None:
            why = 'nothing was measured'
        elif full:
            why = f'the best that reaches {self.rate:.0f} pictures a second'
        else:
            about = f'about {rate:.0f}' if rate >= 1 else 'less than 1'
            why = f'{about} of {self.rate:.0f} pictures a second'
        self.choose(best, why)

    def choose(self, quality: Quality, why: str) -> None:
        self.quality = quality
        self.sentence = f'quality {quality}: {why}'
        self.chosen = True


def asked_for(text: str | None, qualities: Sequence[Quality]) -> Sequence[Quality]:
    """The one quality that --quality asks for, by name or by its number from 1, the best; all
    where it is None. UserError where there is none such."""
    if text is None:
        return qualities
    names = [quality.name for quality in qualities]
    if text in names:
        return [qualities[names.index(text)]]
    if text.isdecimal() and 1 <= int(text) <= len(qualities):
        return [qualities[int(text) - 1]]
    raise UserError(f'--quality {text}: no such quality. Give {", ".join(names)}, or 1 (the best) '
                    f'to {len(names)}; without it the best one is chosen that is fast enough.')
