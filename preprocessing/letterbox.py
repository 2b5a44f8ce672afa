"""The bars of a letterbox in a written dataset, over which nobody is ever painted. No torch."""
from pathlib import Path

import numpy as np

from preprocessing.film import read_back
from scene.bars import find_bars
from util.arrays import LazySequence
from util.sampling import evenly_spaced

FRAMES = 24         # of the training frames that are looked at


def bars_of(folder: Path, layout: str, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """px that bars take at the left, top, right and bottom of the training frames of a dataset.

    layout   'pairs' or 'folders'
    size     (width, height) of a frame
    """
    paths = sorted((folder / ('train_B' if layout == 'folders' else 'train')).glob('*.png'))
    if not paths:
        return 0, 0, 0, 0
    chosen = evenly_spaced(len(paths), FRAMES, nearest=True)
    frames = LazySequence(len(chosen), lambda k: read_back(paths[chosen[k]])[:, -size[0]:])
    scene = find_bars(frames)[..., 3] == 0
    rows, columns = (np.flatnonzero(scene.any(axis)) for axis in (1, 0))
    if not len(rows):
        return 0, 0, 0, 0
    return (int(columns[0]), int(rows[0]), int(size[0] - 1 - columns[-1]),
            int(size[1] - 1 - rows[-1]))
