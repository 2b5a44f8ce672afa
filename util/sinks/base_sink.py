"""The interface of a sink, and the facts of the run that it may read."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:                   # a sink's declaration must not import numpy
    import numpy as np

    Pictures = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class RunFacts:
    """The run whose progress is shown.

    folder      CHECKPOINTS_DIR/NAME
    options     every option by name
    dataset     the content of dataset.json; {} where there is none
    continued   whether to keep what `folder` already shows
    """
    name: str
    folder: Path
    options: dict[str, Any]
    dataset: dict[str, Any]
    continued: bool = False


class Sink:
    """One place that shows progress. It may raise at any time; the run then goes on without it.

    Every method is called from the sink's own thread. A constructor that has nothing to do raises
    a UserError that says why.

    epoch       from 1
    step        images seen since the run began; upstream's total_iters
    Pictures    {label: uint8 (H, W, 3) RGB}; upstream's labels real_A, fake_B, real_B
    """
    name = ''
    WRITES: tuple[str, ...] = ()    # its files in the run's folder, as regular expressions

    @staticmethod
    def WHEN(run: RunFacts) -> bool:
        """Whether this run uses this sink."""
        return True

    def __init__(self, run: RunFacts):
        self.run = run

    def losses(self, step: int, epoch: int, losses: Mapping[str, float], seconds: float,
               data_seconds: float, iters: int | None = None) -> None:
        """Losses by name; seconds per image, in all and waiting for data; images of this epoch."""

    def pictures(self, epoch: int, step: int, pictures: Pictures) -> None:
        """Images just painted from the training set."""

    def heldout(self, epoch: int, step: int, pictures: Pictures, score: float | None) -> None:
        """Images painted from a held-out pose, and the mean L1 of the held-out frames, of pixels
        in [-1, 1]; lower is better."""

    def epoch(self, epoch: int, seconds: float) -> None:
        """An epoch has ended; `seconds` is how long it took."""

    def close(self, finished: bool) -> None:
        """The last call. `finished`: the schedule was completed, not only stopped."""
