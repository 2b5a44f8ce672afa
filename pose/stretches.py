"""Runs of frames: where a mask holds without a break, and the shots of a video."""
from collections.abc import Iterator
from itertools import pairwise

import numpy as np


def runs(mask: np.ndarray) -> Iterator[slice]:
    """The stretches where a bool (F,) mask is True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return (slice(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2]))


def shot_slices(shots: np.ndarray) -> list[slice]:
    """One slice per stretch of equal shot numbers."""
    edges = np.flatnonzero(np.diff(shots)) + 1
    ends = [0, *edges.tolist(), len(shots)]
    return [slice(a, b) for a, b in pairwise(ends) if b > a]
