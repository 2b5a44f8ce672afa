"""Gives what no frame shows, and what is filled in smoothly, the grain of what lies next to it."""
import cv2
import numpy as np

from scene.fill import filled
from util.images import resized, size_of

COARSE = 32         # px, longer side of a picture that shows no grain, only colours
PLAIN = 5.0         # 0..255: walls and doors have less grain than that, and stay as they are;
                    # floors of stone, fences and roofs have 10 to 25
ROUGH = 3.0         # times what is usual beyond that is the most grain that is given
LARGE = 0.02        # of the picture's longer side: how wide a smooth place is that is noticed
SEAM = 0.15         # of the width of a smooth place: where grain from the left turns into that from
                    # the right


def give_grain(picture: np.ndarray, smooth: np.ndarray) -> None:
    """Give every smooth place, bool (H, W), the grain to its left and right, in place.

    picture   uint8 (H, W, 3), filled in smoothly there

    The grain is taken from as far away as the place is wide, so that nothing of it is bent. A place
    at the edge of the picture has nothing next to it, and stays.
    """
    size = size_of(picture)
    share = min(1.0, COARSE / max(size))
    few = max(1, round(share * size[0])), max(1, round(share * size[1]))
    grain = cv2.subtract(picture, resized(resized(picture, few), size), dtype=cv2.CV_16S)
    usual = cv2.resize(cv2.convertScaleAbs(grain).max(-1), few, interpolation=cv2.INTER_AREA)
    holes = cv2.resize(smooth.astype(np.uint8), few, interpolation=cv2.INTER_LINEAR) > 0
    usual = filled(usual[..., None].repeat(3, 2), holes)[..., 0]
    usual = cv2.medianBlur(usual, 7)                # a line in a plain wall is none
    most = np.maximum(ROUGH * (usual.astype(np.float32) - PLAIN), 0)
    most = cv2.resize(most, size, interpolation=cv2.INTER_LINEAR)[..., None]
    grain = grain.clip(-most, most)
    known = (~smooth).astype(np.float32)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(smooth.astype(np.uint8))
    for number in range(1, count):
        left, top, width, height = boxes[number, :4].tolist()
        if width < LARGE * max(size) or left == 0 or left + width == size[0]:
            continue
        part = slice(top, top + height), slice(left, left + width)
        place = (labels[part] == number)[..., None]
        added = _beside(grain[part[0]], known[part[0]], left, width)
        added = place * added.clip(-most[part], most[part])     # no fence in a wall next to one
        picture[part] = np.rint((picture[part] + added).clip(0, 255)).astype(np.uint8)


def _beside(grain: np.ndarray, known: np.ndarray, left: int, width: int) -> np.ndarray:
    """float (h, width, 3): the grain, float (h, W, 3), to the left and right of the columns from
    `left` on, as far away as they are wide; known, float (h, W): 1 where that is known."""
    height, across = known.shape
    to_right = (((np.arange(width) - width / 2) / (SEAM * width)) + 0.5).clip(0, 1)
    total = np.full((height, width, 1), 1e-6)
    given = np.zeros((height, width, 3))
    for by, weight in ((-width, 1 - to_right), (width, to_right)):
        first, last = max(left + by, 0), min(left + by + width, across)
        there = np.zeros((height, width))
        there[:, first - left - by:last - left - by] = known[:, first:last]
        taken = np.zeros((height, width, 3))
        taken[:, first - left - by:last - left - by] = grain[:, first:last]
        # no hard edge where the picture ends, or another place that no frame shows begins
        there *= cv2.GaussianBlur(there, (0, 0), SEAM * width / 2)
        share = (there * np.maximum(weight, 1e-3))[..., None]
        given += share * taken
        total += share
    return given / total
