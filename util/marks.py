"""What a painted film says of itself: tags of its file, and a text in its pictures."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from util.version import version
from util.words import printable

if TYPE_CHECKING:
    import numpy as np

    from util.watermark import Watermark


@dataclass(frozen=True)
class Marks:
    """The marks of one film; none by default.

    tags        {name: text}, which FFmpeg writes into the film's file
    watermark   drawn into every picture; None: nothing is
    """
    tags: Mapping[str, str] = field(default_factory=dict)
    watermark: Watermark | None = None

    def drawn(self, picture: np.ndarray) -> np.ndarray:
        """uint8 (H, W, 3 or 4) with the watermark, if there is one; the picture stays as it is."""
        return self.watermark(picture) if self.watermark else picture


def marks_of(run: str, no_metadata: bool, watermark: str) -> Marks:
    """The marks that the flags ask for.

    run         the name of the run that paints
    watermark   its text; '': none
    """
    drawn = None
    if watermark:
        from util.watermark import Watermark
        drawn = Watermark(watermark)
    return Marks({} if no_metadata else tags_of(run), drawn)


def tags_of(run: str) -> dict[str, str]:
    """`comment` is what mp4, mov and webm all keep; webm spells it in capitals."""
    return {'comment': f'painted by body2body {version()}, run {printable(run, breaks=False)}; '
                       f'this is no recording of the person shown'}
