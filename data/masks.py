"""The person masks of a dataset's images, by file name; preprocessing.masks writes them."""
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from util.images import read_image, size_of

FOLDER = 'masks'


class PictureMasks:
    """masks.of_image(path, size) -> uint8 (H, W, 3): red is how much of each pixel is the person,
    green how much is anybody else, blue is 0; None where there is no mask of that size."""

    def __init__(self, root: Path, facts: Mapping[str, Any]):
        """facts: dataset.json. An older dataset has no masks."""
        self.folder = root / FOLDER
        self.are_there = facts.get('masks') is True

    def of_image(self, path: Path, size: tuple[int, int]) -> np.ndarray | None:
        """The mask of the image `path`, whose size is (width, height)."""
        file = self.folder / f'{path.stem}.png'
        if not self.are_there or not file.is_file():
            return None
        mask = read_image(file)
        return None if mask is None or size_of(mask) != size else mask
