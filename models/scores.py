"""What --save_best can go by. One more: a line in SCORES, its function in
util/metrics/pictures.py."""
import importlib
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

# name: whether a greater one is better; the function has the same name in lower case
SCORES = {'L1': False, 'PSNR': True, 'SSIM': True}


def score(name: str) -> 'Callable[[np.ndarray, np.ndarray], float]':
    """(painted, true), uint8 (H, W, C) both -> a number. Imported here: --help stays quick."""
    return getattr(importlib.import_module('util.metrics.pictures'), name.lower())


def better(name: str, now: float, before: float | None) -> bool:
    """Whether `now` is better than what was there before, if anything was."""
    if before is None or math.isnan(now):
        return not math.isnan(now)
    return now > before if SCORES[name] else now < before
