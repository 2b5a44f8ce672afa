"""Arrays in which NaN stands for an unknown value, and sequences of arrays made on access."""
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def nan_quantile(values: np.ndarray, share: float, axis: int = 0,
                 lower: bool = False) -> np.ndarray:
    """The value of that rank along an axis, over what is not NaN; NaN where everything is.

    share    0 the least, 0.5 the median, 1 the greatest
    lower    round a rank between two values down; by default to the nearest one

    It never averages two values. np.nanquantile is many times slower and warns of empty slices.
    """
    ranked = np.sort(values, axis)                          # NaN comes last
    count = np.isfinite(values).sum(axis, keepdims=True)
    rank = share * np.maximum(count - 1, 0)
    rank = (np.floor(rank) if lower else np.rint(rank)).astype(int)
    return np.take_along_axis(ranked, rank, axis).squeeze(axis)


class LazySequence(Sequence[np.ndarray]):
    """get(row) for each of `count` rows, computed on access."""

    def __init__(self, count: int, get: Callable[[int], np.ndarray]):
        self.rows = range(count)
        self.get = get

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, row: Any) -> Any:
        return self.get(self.rows[row])


class KeptSequence(LazySequence):
    """The same for rows of one size that are read in turn, several times: the first that fit into
    `most` bytes are kept. Of a cache that drops the oldest nothing is left when they come again."""

    def __init__(self, count: int, get: Callable[[int], np.ndarray], most: float):
        super().__init__(count, get)
        self.room = most
        self.kept: dict[int, np.ndarray] = {}

    def __getitem__(self, row: Any) -> Any:
        row = self.rows[row]
        if row in self.kept:
            return self.kept[row]
        value = self.get(row)
        if value.nbytes <= self.room:
            self.room -= value.nbytes
            self.kept[row] = value
        return value
