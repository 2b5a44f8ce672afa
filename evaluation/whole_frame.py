"""The whole picture of the target's video around what a model paints (test.py --whole_frame).

The run keeps that picture without anybody, and its dataset says which part of it became the frames.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from data.film import BACKGROUND, shows_all
from util.errors import UserError, warn
from util.images import in_colour, read_image, resized, size_of
from util.owned import placed
from util.runs import AGAIN

EDGE = 6        # px of the whole picture in which a painted part passes into the background
LARGEST = 4     # times the longer side of the whole picture: no painted picture is larger there
POSE, REAL = 'real_A', 'real_B'


@dataclass(frozen=True)
class WholeFrame:
    """Puts the pictures of a part of the video in their place, and cuts them out again.

    background  uint8 (H, W, 3), without anybody
    box         (left, top, right, bottom) px of it: where a painted picture lies. It may reach
                beyond the edges: there a picture has bars
    """
    background: np.ndarray
    box: tuple[int, int, int, int]

    def placed(self, images: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """{label: uint8 (H, W, 3)}: of {label: uint8 (h, w, C)}, a painted picture before the
        background, what was drawn or filmed on black: nothing else is known of it."""
        black = np.zeros_like(self.background)
        whole = {}
        for label, image in images.items():
            if label in (POSE, REAL):
                whole[label] = self.pasted(image, black, 0)
            else:
                whole[label] = self.pasted(image, self.background, EDGE)
        return whole

    def pasted(self, image: np.ndarray, ground: np.ndarray, edge: int) -> np.ndarray:
        """uint8 (H, W, 3): the image (h, w, C) at its place on the ground; `edge` px within its
        sides it passes into it, except at the sides of the ground."""
        left, top, right, bottom = self.box
        picture = resized(in_colour(image), (right - left, bottom - top))
        inside, rows, columns = self.overlap()
        weight = np.minimum.outer(self.ramp(top, bottom, len(ground), edge)[inside[0]],
                                  self.ramp(left, right, ground.shape[1], edge)[inside[1]])
        whole = ground.copy()
        whole[rows, columns] = cv2.blendLinear(picture[inside], ground[rows, columns], weight,
                                               1 - weight)
        return whole

    def cut(self, whole: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """uint8 (h, w, 3) of that (width, height): what `pasted` put there; black beyond the edges
        of the whole picture."""
        left, top, right, bottom = self.box
        picture = np.zeros((bottom - top, right - left, 3), np.uint8)
        inside, rows, columns = self.overlap()
        picture[inside] = whole[rows, columns]
        return resized(picture, size)

    def overlap(self) -> tuple[tuple[slice, slice], slice, slice]:
        """Where picture and background overlap: rows and columns of the picture, then rows and
        columns of the background."""
        left, top, right, bottom = self.box
        height, width = self.background.shape[:2]
        rows = slice(max(top, 0), min(bottom, height))
        columns = slice(max(left, 0), min(right, width))
        inside = (slice(rows.start - top, rows.stop - top),
                  slice(columns.start - left, columns.stop - left))
        return inside, rows, columns

    @staticmethod
    def ramp(start: int, stop: int, length: int, edge: int) -> np.ndarray:
        """float32 (stop - start,): the weight of each row or column of a picture that lies from
        `start` to `stop` on a ground of that length."""
        place = np.arange(stop - start) + 0.5
        weight = np.ones(len(place), np.float32)
        for inner, far in ((start > 0, place), (stop < length, place[::-1])):
            if inner and edge:
                weight = np.minimum(weight, far / edge)
        return weight.astype(np.float32)


def whole_frame(run: Path, trained: Mapping[str, Any]) -> WholeFrame:
    """The whole picture around what that run paints; UserError where it is not known.

    trained   dataset.json of what the run was trained on
    """
    box, size = trained.get('crop'), trained.get('source', {}).get('size')
    if not box or not size:
        raise UserError(f'--whole_frame: {run} does not say which part of a video it paints. Train '
                        f'on a dataset that preprocess.py made of a video, or leave --whole_frame '
                        f'out.')
    if shows_all(box, size):
        raise UserError(f'--whole_frame: {run} paints the whole frame already, there is nothing '
                        f'around it. Leave --whole_frame out.')
    path = run / BACKGROUND
    found = placed(path)
    picture = read_image(found) if found else None
    if picture is None:
        raise UserError(f'--whole_frame: {path} is missing or broken. Make the dataset again with '
                        f'preprocess.py --overwrite and its other flags, and copy its '
                        f'{BACKGROUND} there.')
    if trained.get('background', {}).get('still') is False:
        warn('--whole_frame: the camera moved in the video of the target; the background around '
             'the painted part stands still.')
    scale = np.divide(size_of(picture), size)
    x, y, w, h = box
    corners = np.rint([(x, y) * scale, (x + w, y + h) * scale]).astype(int)
    left, top, right, bottom = corners.ravel().tolist()
    whole = WholeFrame(picture, (left, top, right, bottom))
    check_box(run, whole)
    return whole


def check_box(run: Path, whole: WholeFrame) -> None:
    """UserError where what the run's record says it paints is no part of the picture."""
    left, top, right, bottom = whole.box
    width, height = size_of(whole.background)
    sides = right - left, bottom - top
    inside = left < width and top < height and right > 0 and bottom > 0
    if not inside or min(sides) < 1 or max(sides) > LARGEST * max(width, height):
        raise UserError(f'--whole_frame: {run / "run.json"} has a crop of {sides[0]}x{sides[1]} px '
                        f'at {left},{top} of a picture of {width}x{height} px, which is no part of '
                        f'it. {AGAIN}')
