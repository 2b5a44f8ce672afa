"""The masks of a dataset: who is where in each written frame. No torch.

masks/000001.png belongs to the frame of that number and has its size. Red is how much of each pixel
is the person followed, green how much is anybody else, 0 to 255; blue is 0.
"""
from __future__ import annotations

from pathlib import Path

import numpy as np

from pose.masks import PersonMask
from pose.silhouette import person_mask
from preprocessing.crop import Box
from preprocessing.detection import Detected
from preprocessing.placement import Placement
from util.images import scaling, write_image

FOLDER = 'masks'
SAME = 0.5      # of the union of two masks: with more in common, they are of one person found twice


class FrameMasks:
    """The masks of everybody in each frame.

    own     {number of a frame: the mask of the person followed}
    others  {number of a frame: the masks of everybody else in it}
    """

    def __init__(self, found: Detected, rows: np.ndarray) -> None:
        """rows: int (F,), the row of the person followed among each frame's people, or -1."""
        self.own: dict[int, PersonMask] = {}
        self.others: dict[int, list[PersonMask]] = {}
        for index, masks, row in zip(found.index.tolist(), found.masks, rows.tolist()):
            others = [mask for k, mask in enumerate(masks) if mask and k != row]
            self.others[index] = others
            if 0 <= row < len(masks) and masks[row] is not None:
                self.own[index] = masks[row]

    def __bool__(self) -> bool:
        """Whether there is any mask of the person."""
        return bool(self.own)

    def write(self, folder: Path, row: int, placement: Placement) -> None:
        """Write the masks of the frame in that row of the track to `folder`/masks."""
        index = int(placement.drawn.index[row])
        write_image(folder / FOLDER / f'{index + 1:06d}.png', self.picture(row, placement))

    def picture(self, row: int, placement: Placement) -> np.ndarray:
        """uint8 (H, W, 3): the masks of the frame in that row of the track."""
        track, size = placement.drawn, placement.size
        assert placement.box is not None
        index = int(track.index[row])
        into_frame = box_matrix(placement.box, size)
        own = self.own.get(index)
        if own:
            person = own.drawn(size, into_frame)
        else:       # its pose was filled in from the frames around
            person = 255 * person_mask(track.poses[row], track.joints, size).astype(np.uint8)
        anybody = np.zeros_like(person)
        for mask in self.others.get(index, ()):
            other = mask.drawn(size, into_frame)
            if not is_same(person, other):
                anybody = np.maximum(anybody, other)
        return np.dstack([person, anybody, np.zeros_like(person)])


def box_matrix(box: Box, size: tuple[int, int]) -> np.ndarray:
    """float (2, 3): px of the video -> px of its crop `box`, resized to `size` (width, height)."""
    x, y, w, h = box
    matrix = scaling((w, h), size) @ np.array([[1, 0, -x], [0, 1, -y], [0, 0, 1]])
    return np.asarray(matrix[:2])


def is_same(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two masks, uint8 (H, W), are of one person."""
    union = np.maximum(one, other).sum(dtype=float)
    return bool(np.minimum(one, other).sum(dtype=float) > SAME * union)
