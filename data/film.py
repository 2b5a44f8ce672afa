"""The frames of a dataset as large as they were filmed; preprocessing.film writes them.

background.jpg: the whole picture of the video without anybody, where the frames show a part of it.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from util.errors import UserError
from util.images import read_image, size_of

FOLDER = 'frames'
BACKGROUND = 'background.jpg'


class FilmFrames:
    """frames.of_image(path) -> uint8 (H, W, 3): the same region of the video as the frame of that
    image, at film size.

    size   (W, H) of every one; None where the dataset keeps none
    """

    def __init__(self, root: Path, facts: Mapping[str, Any]):
        """facts: dataset.json. An older dataset has no such frames."""
        self.folder = root / FOLDER
        self.size: tuple[int, int] | None = None
        if facts.get('film_size') and self.folder.is_dir():
            self.size = size_in(facts['film_size'], root)

    def of_image(self, path: Path) -> np.ndarray | None:
        """The frame of the image `path`; None where the dataset keeps none, UserError where the
        file is broken."""
        if self.size is None:
            return None
        file = self.folder / f'{path.stem}.jpg'
        frame = read_image(file)
        if frame is None or size_of(frame) != self.size:
            raise UserError(f'{file}: missing, broken, or not {self.size[0]}x{self.size[1]} px. '
                            f'Make the dataset again with preprocess.py --overwrite; or remove '
                            f'{self.folder} to work with the small frames alone.')
        return frame


def size_in(record: Any, root: Path) -> tuple[int, int]:
    """(width, height) px as dataset.json has it; UserError where it is no size."""
    if isinstance(record, list) and len(record) == 2:
        width, height = record
        if isinstance(width, int) and isinstance(height, int) and min(record) > 0:
            return width, height
    raise UserError(f'{root / "dataset.json"}: film_size is {record}, which is no width and height '
                    f'in px. Make the dataset again with preprocess.py --overwrite.')


def shows_all(box: Sequence[int], size: Sequence[int]) -> bool:
    """Whether a box (x, y, width, height) holds all of a video of that (width, height)."""
    x, y, w, h = box
    return x <= 0 and y <= 0 and x + w >= size[0] and y + h >= size[1]
