"""Paints a person part by part: each is cut out of its own frame and laid down by an affine map.

One cv2.warpAffine for each part samples colours and ownership at once, at full size and only where
the part is. Shape letters as in models.warping.parts; a map is float64 (2, 3): px of a frame -> px
of the picture.
"""
from collections.abc import Mapping, Sequence
from functools import lru_cache

import cv2
import numpy as np

from models.warping.cutouts import Cutouts
from models.warping.part_maps import part_map
from models.warping.part_pieces import Piece, Pieces
from models.warping.parts import Bodies

BODIES = 256            # of frames, kept apart: layers and poses that follow show the same ones


class Doll:
    """The parts of all frames, cut out as they are asked for. Threads may paint at once.

    bodies   of all rows of `cutouts`, in px of its frames
    """

    def __init__(self, cutouts: Cutouts, bodies: Bodies):
        self.bodies = bodies
        self.body = lru_cache(BODIES)(bodies.one)
        self.piece = Pieces(cutouts, bodies)

    def paint(self, canvas: np.ndarray, alpha: np.ndarray, query: Bodies, order: Sequence[str],
              rows: Mapping[str, int]) -> None:
        """Draw one pose into a picture, in place.

        canvas   uint8 (H, W, C)
        alpha    uint8 (H, W): how much of each pixel is covered; what is drawn covers more of it
        query    the body of that pose, in px of the picture
        order    layers, as PartsShown has them, from back to front
        rows     {layer: the frame that shows it}
        """
        for layer in order:
            name = layer.removesuffix(' below')
            row = rows[layer]
            if not query.placed[name].seen.any():
                continue
            piece = self.piece(row, name, layer.endswith(' below'))
            if piece is not None:
                lay(canvas, alpha, piece, part_map(query, self.body(row), name))

    def prepare(self, row: int, layer: str) -> bool:
        """Cut out what a frame shows of a layer, for a pose to come. Returns   False where it is in
        memory."""
        key = row, layer.removesuffix(' below'), layer.endswith(' below')
        known = key in self.piece.piece
        self.piece(*key)
        return not known


def lay(canvas: np.ndarray, alpha: np.ndarray, piece: Piece, forward: np.ndarray) -> None:
    """Lay a piece onto a picture, in place, where the map takes it."""
    height, width = piece.image.shape[:2]
    shift = np.array([[1, 0, piece.left], [0, 1, piece.top], [0, 0, 1.0]])
    forward = forward @ shift
    corners = forward @ np.array([[0, width, width, 0], [0, 0, height, height], [1, 1, 1, 1.0]])
    low = np.maximum(np.floor(corners.min(1)), 0).astype(int)
    high = np.minimum(np.ceil(corners.max(1)) + 1, canvas.shape[1::-1]).astype(int)
    if (high - low < 1).any():
        return
    forward[:, 2] -= low
    shown = cv2.warpAffine(piece.image, forward, tuple((high - low).tolist()),
                           flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT, borderValue=(0,))
    box = np.s_[low[1]:high[1], low[0]:high[0]]
    *colours, covers = cv2.split(shown)
    lets_through = cv2.bitwise_not(covers)
    count = len(colours)
    above = cv2.multiply(cv2.merge(colours), cv2.merge([covers] * count), scale=1 / 255)
    below = cv2.multiply(canvas[box], cv2.merge([lets_through] * count), scale=1 / 255)
    canvas[box] = cv2.add(above, below).reshape(canvas[box].shape)
    alpha[box] = cv2.add(covers, cv2.multiply(alpha[box], lets_through, scale=1 / 255))
