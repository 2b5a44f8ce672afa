"""The background at film size: the one that is known at the size of training, with finer pixels."""
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from scene.background import CLOTHES_MARGIN, edges_near, mosaic, sure_of
from scene.bars import find_bars
from scene.fill import completed
from scene.grain import give_grain
from scene.plate import Masks, Plate, around_bars
from util.arrays import LazySequence
from util.images import resized, scaling


def film_plate(plate: Plate, frames: Sequence[np.ndarray], masks: Sequence[np.ndarray],
               size: tuple[int, int]) -> Plate:
    """The same background, with the same cameras, as large as the film.

    plate    of the small frames
    frames   uint8 (H, W, 3) of that (width, height); masks  bool (h, w), of the small frames

    Each is read one at a time, several times. What too few frames show is taken from the small
    plate: it is a smooth fill there. It joins the edges that are seen near somebody, and where none
    are, it gets the grain of what lies around.
    """
    larger = scaling(plate.size, size)
    transforms = larger @ plate.transforms @ np.linalg.inv(larger)
    bars = find_bars(frames) if plate.bars.any() else np.zeros((*size[::-1], 4), np.uint8)
    hidden = around_bars(bars)

    def enlarged(grow: int) -> Masks:
        small = Masks(masks, grow=grow)
        return Masks(LazySequence(len(masks), lambda f: cv2.resize(
            small[f].astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0), hidden)
    wide = enlarged(round(CLOTHES_MARGIN * plate.size[1]))
    far = mosaic(frames, wide, transforms, plate.numbers)
    into = between_plates(plate, far)[:2]
    shown = far.picture.shape[1::-1]
    small = cv2.warpAffine(plate.picture, into, shown, flags=cv2.INTER_CUBIC,
                           borderMode=cv2.BORDER_REPLICATE)
    confidence = cv2.warpAffine(plate.confidence, into, shown, flags=cv2.INTER_LINEAR,
                                borderMode=cv2.BORDER_REPLICATE)
    sure = sure_of(far.confidence, confidence, len(frames))
    seen = (sure < 1) & (confidence > 0.99 * confidence.max())
    edges = edges_near(far, frames, enlarged(0), seen)
    picture = completed(far.picture, sure, small, edges)
    smooth = (sure < 1) & np.isnan(edges.right[..., 0])
    give_grain(picture, smooth & ~hidden if plate.still else smooth)
    return replace(far, picture=picture, confidence=confidence, bars=bars)


def shrunk_plate(plate: Plate, size: tuple[int, int]) -> Plate:
    """The plate for frames of a smaller (width, height)."""
    across, down = np.divide(size, plate.size)
    height, width = plate.confidence.shape
    shown = max(round(width * across), 1), max(round(height * down), 1)
    transforms = plate.transforms
    if not plate.still:
        into = scaling((width, height), shown)
        transforms = into @ transforms @ np.linalg.inv(scaling(plate.size, size))
    return replace(plate, picture=resized(plate.picture, shown), size=size, transforms=transforms,
                   confidence=cv2.resize(plate.confidence, shown, interpolation=cv2.INTER_AREA),
                   bars=cv2.resize(plate.bars, size, interpolation=cv2.INTER_NEAREST))


def between_plates(plate: Plate, larger: Plate) -> np.ndarray:
    """float64 (3, 3): px of a plate -> px of the same one at film size."""
    known = np.flatnonzero(np.isfinite(larger.transforms[:, 0, 0]))[0]
    into_film = larger.transforms[known] @ scaling(plate.size, larger.size)
    return np.asarray(into_film @ np.linalg.inv(plate.transforms[known]))
