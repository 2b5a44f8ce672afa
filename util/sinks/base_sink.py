"""What a sink is told, and what it may know of the run."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:                   # declaring a sink must not cost an import of numpy
    import numpy as np

    Pictures = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class RunFacts:
    """The run whose progress is shown.

    folder      CHECKPOINTS_DIR/NAME
    options     every option by name
    dataset     what dataset.json says; {} where there is none
    continued   whether what `folder` shows already is to be kept
    """
    name: str
    folder: Path
    options: dict[str, Any]
    dataset: dict[str, Any]
    continued: bool = False


class Sink:
    """One place where progress is shown. It may raise at any time: then it is left out.

    Every method is called from one thread, that sink's own. A constructor that raises UserError
    says in that sentence why this sink has nothing to do.

    epoch       from 1
    step        images seen since the run began; upstream's total_iters
    Pictures    {label: uint8 (H, W, 3) RGB}; upstream's labels real_A, fake_B, real_B
    """
    name = ''

    @staticmethod
    def WHEN(run: RunFacts) -> bool:
        """Whether this run uses this sink."""
        return True

    def __init__(self, run: RunFacts):
        self.run = run

    def losses(self, step: int, epoch: int, losses: Mapping[str, float], seconds: float,
               data_seconds: float, iters: int | None = None) -> None:
        """Losses by name; seconds one image took, and waited for; images of this epoch so far."""

    def pictures(self, epoch: int, step: int, pictures: Pictures) -> None:
        """What was just painted from the training part."""

    def heldout(self, epoch: int, step: int, pictures: Pictures, score: float | None) -> None:
        """What is painted from a pose never trained on, and the mean L1 of the held-out part, of
        pixels in [-1, 1]; less is better."""

    def epoch(self, epoch: int, seconds: float) -> None:
        """An epoch is over; it took so long."""

    def close(self, finished: bool) -> None:
        """Nothing follows. `finished`: the schedule was completed, not just stopped."""
