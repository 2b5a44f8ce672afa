"""Picks a few of many, evenly spaced."""
import numpy as np


def evenly_spaced(count: int, most: int, nearest: bool = False) -> np.ndarray:
    """int (N,), ascending: at most `most` of the numbers 0 ... count - 1, from first to last.

    nearest    round each to the nearest number; else to the one below
    """
    places = np.linspace(0, count - 1, min(count, most))
    if nearest:
        places = places.round()
    return np.unique(places.astype(int))
