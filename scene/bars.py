"""The bars of a letterbox: edges of the picture that are no scene, before a camera of any kind.

A bar is dark and of one colour through the whole film, but for titles, and ends in a sharp straight
line over the whole width or height. A dark stage or a night sky has no such line.
"""
from collections.abc import Sequence

import numpy as np

from util.sampling import evenly_spaced

FRAMES = 48                   # the most that are looked at
DARK = 48                     # 0..255: a bar stays below it, with the noise of a video
FLAT = 14                     # 0..255: the most that a bar differs from its own colour
MOSTLY = 0.35                 # of a row or column that must be dark; titles are the rest
STEP = 12                     # 0..255: the scene's brightness over that of the bar, at least
STRAIGHT = 0.75               # of a bar's end, where the scene is brighter right behind it
BLUR = 2                      # px that the end of a bar may be blurred over
WIDEST = 0.4                 # of the picture, each bar


def find_bars(frames: Sequence[np.ndarray]) -> np.ndarray:
    """uint8 (H, W, 4): RGB of the bars, and 255 where they are.

    frames  uint8 (H, W, 3), read one at a time
    """
    chosen = evenly_spaced(len(frames), FRAMES, nearest=True)
    height, width = frames[0].shape[:2]
    brightest = np.zeros((height, width), np.uint8)
    for f in chosen:
        np.maximum(brightest, frames[f].max(-1), out=brightest)
    bars = np.zeros((height, width, 4), np.uint8)
    if not (brightest < DARK).any():
        return bars
    top, bottom, left, right = _ends(brightest)
    bars[..., 3] = 255
    bars[top:height - bottom, left:width - right, 3] = 0
    there = bars[..., 3] > 0
    if there.any():
        bars[there, :3] = np.median([frames[f][there] for f in chosen], 0)
    return bars


def _ends(brightest: np.ndarray) -> tuple[int, int, int, int]:
    """How many rows or columns are bars: at the top, the bottom, the left and the right.

    brightest  uint8 (H, W): the most that each pixel ever shows
    """
    height, width = brightest.shape
    columns = brightest.T
    left, right = _dark(columns), _dark(columns[::-1])
    rows = brightest[:, left:width - right]
    top, bottom = _dark(rows), _dark(rows[::-1])
    columns = columns[:, top:height - bottom]
    left, right = _checked(columns, left), _checked(columns[::-1], right)
    rows = brightest[:, left:width - right]
    return _checked(rows, top), _checked(rows[::-1], bottom), left, right


def _dark(picture: np.ndarray) -> int:
    """How many rows from the first one on are dark and flat, titles aside."""
    own = np.median(picture[0])
    flat = (picture < DARK) & (np.abs(picture.astype(int) - own) < FLAT)
    is_scene = flat.mean(1) < MOSTLY
    count = int(is_scene.argmax()) if is_scene.any() else 0
    return count if count <= WIDEST * len(picture) else 0


def _checked(picture: np.ndarray, count: int) -> int:
    """That many rows if they end in a sharp line, else 0."""
    behind = count + BLUR
    if not count or not picture.size or behind >= len(picture):
        return 0
    before = picture[max(0, count - BLUR)].astype(int)
    ends = picture[behind].astype(int) - before > STEP
    return count if ends.mean() >= STRAIGHT else 0
