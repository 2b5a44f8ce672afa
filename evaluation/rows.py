"""The rows of side_by_side.mp4: the pictures of one frame, left to right, at one height."""
from collections.abc import Mapping, Sequence

import numpy as np

from util.images import fitted, side_by_side

ROW_HEIGHT = 540        # px at most, of side_by_side.mp4: at 1264 it took 89 ms a frame to encode,
                        # at 540 13 ms; fake_B.mp4 has every pixel
ROW_WIDTH = 2048        # px at most: every player shows this
SAME_ASPECT = 0.02      # a picture is drawn at the size of the painted one, whole px apart


def row_of(source: Sequence[np.ndarray], images: Mapping[str, np.ndarray], size: tuple[int, int],
           is_mixed: bool) -> np.ndarray:
    """A frame of side_by_side.mp4.

    source   the frame of the source, if there is one
    images   {label: uint8 (H, W, 3)} of one frame;  size  (width, height) of the painted film
    is_mixed whether some have another aspect than the film, which they keep
    """
    alike = {label for label, image in images.items() if not is_mixed or
             abs(image.shape[1] * size[1] / (image.shape[0] * size[0]) - 1) < SAME_ASPECT}
    others = [image for label, image in images.items() if label not in alike]
    cell = cell_size(size, len(alike), [*source, *others])
    cells = [fitted(image, cell) if label in alike else image for label, image in images.items()]
    return side_by_side(*source, *cells, height=cell[1])


def cell_size(size: tuple[int, int], count: int, others: Sequence[np.ndarray]
              ) -> tuple[int, int]:
    """(width, height) px of the pictures in a row of side_by_side.mp4; even where not `size`.

    size, count    of the painted picture, and how many pictures of its aspect the row has
    others         the other pictures in the row
    """
    width, height = size
    aspects = count * width / height
    aspects += sum(image.shape[1] / image.shape[0] for image in others)
    most = min(ROW_HEIGHT, int(ROW_WIDTH / aspects))
    if height <= most:
        return size
    return round(width * most / height / 2) * 2, most // 2 * 2
