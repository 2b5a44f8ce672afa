"""What the stages of a live session hand on. Each holds what it was made from, so that the time at
which a picture was captured comes along to the end.

Shape letters: H W pixels, K joints. Pixels are px of the camera unless it says otherwise.
"""
from dataclasses import dataclass

import numpy as np

from pose.masks import PersonMask


@dataclass(frozen=True)
class Captured:
    """A picture of the camera.

    seq     its number, strictly rising; a number that is missing was dropped
    time    seconds on the session's clock at which it was captured
    image   uint8 (H, W, 3) RGB
    """
    seq: int
    time: float
    image: np.ndarray


@dataclass(frozen=True)
class Posed:
    """The person in it.

    found      float32 (K, 4) as a detector gives it, in px of the camera; None: nobody
    pose       float32 (K, 3) in px of the target's small frame; None: nobody is there any more
    depth      float32 (K,) px as large as those of `pose`, or None
    skeleton   the numbering of `found` and `pose`
    scale      float (3, 3), px of the camera -> px of the target's frame; None where not known
    mask       of the person in the picture that was looked at last; None where not known
    """
    captured: Captured
    found: np.ndarray | None
    pose: np.ndarray | None
    depth: np.ndarray | None
    skeleton: str
    scale: np.ndarray | None = None
    mask: PersonMask | None = None


@dataclass(frozen=True)
class LiveFrame:
    """The painted picture.

    picture   uint8 (H, W, 3) RGB, with even sides
    """
    posed: Posed
    picture: np.ndarray

    @property
    def seq(self) -> int:
        return self.posed.captured.seq

    @property
    def time(self) -> float:
        """Seconds on the session's clock at which the camera's picture was captured."""
        return self.posed.captured.time
