"""Runs of frames: in which a mask is true, or which are one shot."""
from collections.abc import Iterator
from itertools import pairwise

import numpy as np


def runs(mask: np.ndarray) -> Iterator[slice]:
    """One slice per run of frames in which a bool (F,) mask is true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return (slice(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2]))


def shot_slices(shots: np.ndarray) -> list[slice]:
    """One slice per stretch of equal shot numbers."""
    edges = np.flatnonzero(np.diff(shots)) + 1
    ends = [0, *edges.tolist(), len(shots)]
    return [slice(a, b) for a, b in pairwise(ends) if b > a]
