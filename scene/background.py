"""Makes the background plate: one picture for a still camera, a mosaic for a moving one.

Each frame shows the background around the person; the median over the frames at a place is the
background there (Szeliski, "Image Alignment and Stitching: A Tutorial", 2006, section 6.2).

Letters and transforms as in scene.plate.
"""
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import cv2
import numpy as np

from scene.bars import find_bars
from scene.camera import corners_of, follow, is_still
from scene.fill import filled
from scene.plate import Masks, Plate, around_bars
from util.errors import UserError
from util.sampling import evenly_spaced

AT_ONCE = 2                   # frames located at the same time
FRAMES = 72                   # the most of which the median is taken
CLOTHES_MARGIN = 0.04         # of the picture's height: clothes may reach so far beyond a mask
TRUSTED = 8                   # frames that must show a place for full confidence
ENOUGH = 3                    # frames far from the person that must show a place to be believed
LARGEST = 5                   # frames across and down that a mosaic may be
FINEST = 2.0                  # how much finer than the median frame it may be
ZOOMED = 0.95                 # how much smaller than another a frame is whose camera has zoomed
CHUNK = 48_000_000            # samples held in memory at a time
UNSEEN = 999                  # stands for no colour; greater than every colour


def make_plate(frames: Sequence[np.ndarray], masks: Sequence[np.ndarray],
               numbers: np.ndarray | None = None, still: bool | None = None) -> Plate:
    """The background of these frames, without what their masks cover.

    frames, masks  read several times, one at a time: they may lie on the disk
    numbers        int (F,) of the frames in the video; 0, 1, 2 ... by default
    still          whether the camera stands; None finds out
    UserError where there is no frame.
    """
    if not len(frames):
        raise UserError('a background needs frames, and there are none. Give a training split '
                        'that has some.')
    height, width = masks[0].shape
    numbers = np.arange(len(frames)) if numbers is None else np.asarray(numbers, np.int64)
    bars = find_bars(frames)
    if bars.any():
        masks = Masks(masks, around_bars(bars))
    if is_still(frames, masks) if still is None else still:
        transforms = np.tile(np.eye(3), (len(frames), 1, 1))
    else:
        plate = mosaic(frames, masks, follow(frames, masks), numbers)
        transforms = _relocated(plate, frames, masks)
    plate = mosaic(frames, masks, transforms, numbers)
    wider = Masks(masks, grow=round(CLOTHES_MARGIN * height))
    far = mosaic(frames, wider, transforms, numbers)
    return replace(plate, picture=_completed(plate, far), bars=bars)


def _completed(plate: Plate, far: Plate) -> np.ndarray:
    """uint8 (h, w, 3): the plate's picture, without what clothes, blur and soft shadows leave
    around a person who stays in one place.

    far   the plate of what was seen far from everybody

    What was seen only near somebody is filled like what was never seen: its colours would draw an
    outline around the hole.
    """
    near = (far.confidence < plate.confidence) | (plate.confidence == 0)
    sure = np.where(near, np.minimum(far.confidence * TRUSTED / ENOUGH, 1), 1)[..., None]
    fill = filled(far.picture, sure[..., 0] < 1)
    return np.rint(sure * far.picture + (1 - sure) * fill).astype(np.uint8)


def _relocated(plate: Plate, frames: Sequence[np.ndarray], masks: Sequence[np.ndarray]
               ) -> np.ndarray:
    """float (F, 3, 3): each frame located in the whole mosaic, so that errors do not add up."""
    placed = replace(plate, transforms=plate.transforms.copy())
    known = np.isfinite(plate.transforms[:, 0, 0])

    def relocate(f: int) -> None:
        near = placed.camera(int(plate.numbers[f]))
        found = plate.locate(frames[f], masks[f], near)
        if found is None and not known[f]:
            found = plate.locate(frames[f], masks[f])
        if found is not None:
            placed.transforms[f] = found
    with ThreadPoolExecutor(AT_ONCE) as pool:       # a known frame starts from its own place only
        list(pool.map(relocate, np.flatnonzero(known)))
    for f in (*np.flatnonzero(~known), *np.flatnonzero(~known)[::-1]):
        relocate(f)
    return placed.transforms


def mosaic(frames: Sequence[np.ndarray], masks: Sequence[np.ndarray], transforms: np.ndarray,
            numbers: np.ndarray) -> Plate:
    """The plate of frames whose transforms, to any origin, are known; holes are black."""
    height, width = masks[0].shape
    known = np.flatnonzero(np.isfinite(transforms[:, 0, 0]))
    reach = (transforms[known] @ corners_of((height, width)))[:, :2]
    most = (LARGEST - 1) // 2 * np.array([width, height])
    # a rounding error must not add a row
    low = np.maximum(np.floor(reach.min((0, 2)) + 1e-6), -most)
    high = np.minimum(np.ceil(reach.max((0, 2)) - 1e-6), most + (width, height))
    # as fine as the frame that shows the scene largest
    zoom = np.sqrt(np.linalg.det(transforms[known, :2, :2])).min()
    fine = min(1 / zoom, FINEST) if zoom < ZOOMED else 1.0
    origin = np.diag([fine, fine, 1]) @ [[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1]]
    across, down = np.ceil(fine * (high - low) - 1e-6).astype(int) + 1
    transforms = origin @ transforms
    chosen = known[evenly_spaced(len(known), FRAMES, nearest=True)]
    rows = max(1, CHUNK // (3 * across * len(chosen)))
    strips = [_median(frames, masks, transforms, chosen, slice(top, min(top + rows, down)), across)
              for top in range(0, down, rows)]
    picture = np.concatenate([colours for colours, _ in strips])
    seen = np.concatenate([counts for _, counts in strips])
    return Plate(picture, np.minimum(seen / TRUSTED, 1).astype(np.float32), transforms, numbers,
                 (width, height), np.zeros((height, width, 4), np.uint8))


def _median(frames: Sequence[np.ndarray], masks: Sequence[np.ndarray], transforms: np.ndarray,
            chosen: np.ndarray, rows: slice, across: int) -> tuple[np.ndarray, np.ndarray]:
    """Some rows of the mosaic: the median of the chosen frames, uint8 (h, w, 3), and the number
    of them that show each pixel, int (h, w). In integers, with UNSEEN in place of NaN: floats
    would take twice the memory."""
    size = across, rows.stop - rows.start
    samples = np.empty((size[1], size[0], 3, len(chosen)), np.uint16)
    for n, f in enumerate(chosen):
        matrix = transforms[f][:2] - [[0, 0, 0], [0, 0, rows.start]]
        free = cv2.warpAffine(np.where(masks[f], 0, 255).astype(np.uint8), matrix, size)
        samples[..., n] = np.where((free == 255)[..., None],
                                   cv2.warpAffine(frames[f], matrix, size), UNSEEN)
    samples.sort(-1)
    seen = (samples[..., 0, :] < UNSEEN).sum(-1)
    ranks = np.maximum(seen - 1, 0) // 2, seen // 2 % len(chosen)
    below, above = (np.take_along_axis(samples, rank[..., None, None], -1)[..., 0]
                    for rank in ranks)
    middle = (below + above + 1) // 2 * (seen > 0)[..., None]
    return middle.astype(np.uint8), seen
