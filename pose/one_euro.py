"""The One Euro filter: holds points at rest, and follows moving ones nearly without delay.

Casiez, Roussel, Vogel, "1 Euro Filter: A Simple Speed-based Low-pass Filter for Noisy Input in
Interactive Systems", CHI 2012.
"""
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class OneEuro:
    """What an experiment may change.

    cutoff        Hz, for a point at rest: smaller is calmer
    beta          Hz that a size a second of speed adds: greater lags less
    speed_cutoff  Hz, for the speed itself
    """
    cutoff: float
    beta: float
    speed_cutoff: float = 1.0


class OneEuroFilter:
    """Smooths points of any shape, each number by its own speed.

    points   the points, smoothed
    speed    in sizes a second, smoothed
    """

    def __init__(self, points: np.ndarray, settings: OneEuro):
        self.settings = settings
        self.points = self.last = points
        self.speed = np.zeros_like(points)

    def __call__(self, points: np.ndarray, size: float, rate: float) -> np.ndarray:
        """The points, smoothed.

        size   px: the unit of speeds;  rate  frames a second, by the time since the last call
        """
        speed = (points - self.last) / size * rate
        self.speed = self.speed + weight(self.settings.speed_cutoff, rate) * (speed - self.speed)
        cutoff = self.settings.cutoff + self.settings.beta * np.abs(self.speed)
        self.points = self.points + weight(cutoff, rate) * (points - self.points)
        self.last = points
        return self.points


def weight(cutoff: np.ndarray | float, rate: float) -> np.ndarray | float:
    """The weight of a new value in a low-pass filter of that cutoff, Hz."""
    return 1 / (1 + rate / (2 * np.pi * cutoff))
