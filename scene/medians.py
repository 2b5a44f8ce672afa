"""Medians over the frames at each place of a plate: of the colours, and of the differences between
neighbours, which shadows and blur that move with the person leave alone.

Letters and transforms as in scene.plate. Colours: Szeliski, "Image Alignment and Stitching: A
Tutorial", 2006, section 6.2. Differences: Weiss, "Deriving intrinsic images from image sequences",
ICCV 2001, section 2.
"""
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from util.sampling import evenly_spaced

FRAMES = 72                   # the most of which the median is taken
EDGE_STEP = 2                 # of these every second one: differences cost twice the time
CHUNK = 48_000_000            # samples held in memory at a time
ENOUGH = 3                    # frames that must show a difference at least
UNSEEN = 999                  # stands for no value; greater than every colour and difference


@dataclass(frozen=True)
class Edges:
    """How a plate changes from pixel to pixel, float32 (h, w, 3); NaN where too few frames show it.

    right  the colour one pixel to the right, less the pixel's own; NaN in the last column
    down   the same for the pixel below; NaN in the last row
    """
    right: np.ndarray
    down: np.ndarray


@dataclass(frozen=True)
class Stack:
    """Frames that lie above each other in a plate.

    frames, masks  uint8 (H, W, 3) and bool (H, W), as of scene.background.make_plate
    transforms     float64 (F, 3, 3) frame px -> plate px; NaN for a frame that was not located
    size           (w, h) of the plate
    """
    frames: Sequence[np.ndarray]
    masks: Sequence[np.ndarray]
    transforms: np.ndarray
    size: tuple[int, int]

    @property
    def chosen(self) -> np.ndarray:
        """The frames of which medians are taken."""
        known = np.flatnonzero(np.isfinite(self.transforms[:, 0, 0]))
        return known[evenly_spaced(len(known), FRAMES, nearest=True)]

    def colours(self) -> tuple[np.ndarray, np.ndarray]:
        """The median, uint8 (h, w, 3), black where no frame shows it; and the number of frames
        that show each pixel, int (h, w)."""
        width, height = self.size
        chosen = self.chosen
        most = max(1, CHUNK // (3 * width * len(chosen)))
        strips = []
        for top in range(0, height, most):
            rows = slice(top, min(top + most, height))
            samples = np.empty((rows.stop - top, width, 3, len(chosen)), np.int16)
            for n, shown in enumerate(self._shown(rows, chosen)):
                samples[..., n] = shown
            strips.append(middle(samples))
        picture, seen = (np.concatenate(each) for each in zip(*strips, strict=True))
        return (picture * (seen > 0)[..., None]).astype(np.uint8), seen

    def edges(self, where: np.ndarray, least: float) -> Edges:
        """The median differences; NaN outside `where`, bool (h, w), and where less than the share
        `least` of the frames shows both pixels."""
        right, down = (np.full((*where.shape, 3), np.nan, np.float32) for _ in range(2))
        inside = where.copy()
        inside[-1] = inside[:, -1] = False          # there is no pixel beyond
        rows, columns = np.nonzero(inside)
        chosen = self.chosen[::EDGE_STEP]       # frames that were read for the colours too
        most = max(1, CHUNK // (3 * 3 * len(chosen)))
        for first in range(0, len(rows), most):
            part = slice(first, first + most)
            y, x = rows[part], columns[part]
            top = int(y[0])
            samples = np.empty((3, len(y), 3, len(chosen)), np.int16)
            for n, shown in enumerate(self._shown(slice(top, int(y[-1]) + 2), chosen)):
                samples[..., n] = shown[y - top, x], shown[y - top, x + 1], shown[y - top + 1, x]
            for into, beyond in ((right, samples[1]), (down, samples[2])):
                seen = (samples[0] < UNSEEN) & (beyond < UNSEEN)
                found, count = middle(np.where(seen, beyond - samples[0], UNSEEN))
                enough = count >= max(ENOUGH, least * len(chosen))
                into[y, x] = np.where(enough[:, None], found, np.nan)
        return Edges(right, down)

    def _shown(self, rows: slice, chosen: np.ndarray) -> Iterator[np.ndarray]:
        """int16 (h, w, 3): those rows of each of these frames, UNSEEN where the mask covers it. In
        integers, with UNSEEN in place of NaN: floats would take twice the memory."""
        size = self.size[0], rows.stop - rows.start
        for f in chosen:
            matrix = self.transforms[f][:2] - [[0, 0, 0], [0, 0, rows.start]]
            free = cv2.warpAffine(np.where(self.masks[f], 0, 255).astype(np.uint8), matrix, size)
            shown = cv2.warpAffine(self.frames[f], matrix, size).astype(np.int16)
            shown[free < 255] = UNSEEN
            yield shown


def middle(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The median of the samples that are not UNSEEN, int16 (..., 3), rounded up, and their number,
    int (...). samples: int16 (..., 3, N), which are put into order."""
    samples.sort(-1)
    seen = (samples[..., 0, :] < UNSEEN).sum(-1)
    ranks = np.maximum(seen - 1, 0) // 2, seen // 2 % samples.shape[-1]
    below, above = (np.take_along_axis(samples, rank[..., None, None], -1)[..., 0]
                    for rank in ranks)
    return (below + above + 1) // 2, seen
