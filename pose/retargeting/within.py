"""Curves over time that keep to bounds without jerks. All arrays are float (F,)."""
import numpy as np

from pose.stretches import runs


def smoothest(values: np.ndarray, reach: int) -> np.ndarray:
    """A mean over `reach` frames to either side, the far ones counting least: what holds for all
    values within that reach holds for it."""
    from scipy.ndimage import uniform_filter1d
    window = 2 * (reach // 2) + 1
    once = uniform_filter1d(values, window, mode='nearest')
    return uniform_filter1d(once, window, mode='nearest')


def within(low: np.ndarray, high: np.ndarray, reach: int) -> np.ndarray:
    """A path near 0 that lies between low and high and changes over `reach` frames.

    Where the bounds cross within that time, the path lies half way between.
    """
    from scipy.ndimage import maximum_filter1d, minimum_filter1d
    window = 2 * reach + 1
    low = maximum_filter1d(low, window, mode='nearest')
    high = minimum_filter1d(high, window, mode='nearest')
    return smoothest(between(low, high), reach)


def between(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """What is nearest to 0 from low to high; half way between them where they cross."""
    return np.where(low > high, (low + high) / 2, np.clip(0, low, high))


def at_most(values: np.ndarray, reach: int) -> np.ndarray:
    """A path that lies nowhere above the values and changes over `reach` frames."""
    from scipy.ndimage import minimum_filter1d
    return smoothest(minimum_filter1d(values, 2 * reach + 1, mode='nearest'), reach)


def damped(height: np.ndarray, over: np.ndarray, most: float = 0.9) -> np.ndarray:
    """How much lower each jump has to be: a share of it, the same from take-off to landing.

    height  how high above the floor, 0 while standing
    over    how far that is too high
    most    the most that is taken from a jump
    """
    lower = np.zeros(len(height))
    for jump in runs(height > 0):
        share = np.max(over[jump] / np.maximum(height[jump], 1e-6))
        lower[jump] = np.clip(share, 0, most) * height[jump]
    return lower
