"""Makes the background plate: one picture for a still camera, a mosaic for a moving one.

Each frame shows the background around the person; the median over the frames at a place is the
background there (Szeliski, "Image Alignment and Stitching: A Tutorial", 2006, section 6.2).

Letters and transforms as in scene.plate.
"""
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from scene.bars import find_bars
from scene.camera import corners_of, follow, is_still
from scene.fill import completed, filled
from scene.medians import FRAMES, Edges, Stack
from scene.plate import Masks, Plate, around_bars
from util.errors import UserError

AT_ONCE = 2                   # frames located at the same time
CLOTHES_MARGIN = 0.04         # of the picture's height: clothes may reach so far beyond a mask
EDGE_MARGIN = 0.01            # of the picture's height: blur may reach so far beyond a mask
EDGE_SEEN = 1 / 6             # of the frames must show an edge: less, and a shadow may stand there
TRUSTED = 8                   # frames that must show a place for full confidence
ENOUGH = 3                    # frames far from the person that must show a place to be believed
LARGEST = 5                   # frames across and down that a mosaic may be
FINEST = 2.0                  # how much finer than the median frame it may be
ZOOMED = 0.95                 # how much smaller than another a frame is whose camera has zoomed


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
    far = mosaic(frames, Masks(masks, grow=round(CLOTHES_MARGIN * height)), transforms, numbers)
    return replace(plate, picture=_completed(plate, far, frames, masks), bars=bars)


def _completed(plate: Plate, far: Plate, frames: Sequence[np.ndarray],
               masks: Sequence[np.ndarray]) -> np.ndarray:
    """uint8 (h, w, 3): the plate's picture, without what clothes, blur and soft shadows leave
    around a person who stays in one place.

    far   the plate of what was seen far from everybody

    What was seen only near somebody is filled like what was never seen: its colours would draw an
    outline around the hole. Lines that were seen there go on.
    """
    sure = sure_of(far.confidence, plate.confidence, len(frames))
    start = filled(far.picture, sure < 1)
    seen = (sure < 1) & (plate.confidence == plate.confidence.max())
    return completed(far.picture, sure, start, edges_near(plate, frames, masks, seen))


def sure_of(far: np.ndarray, seen: np.ndarray, frames: int) -> np.ndarray:
    """float (h, w): how much of each pixel is as it was seen far from everybody, 0..1. All of it
    where nobody was ever near.

    far, seen   Plate.confidence of what was seen far from everybody, and of all that was seen
    frames      of which the plates are made
    """
    near = (far < seen - 0.5 / TRUSTED) | (far == 0)
    return np.where(near, believed(far, frames), 1)


def believed(far: np.ndarray, frames: int) -> np.ndarray:
    """float (h, w), 0..1: how much is believed of what was seen far from everybody. All of it
    where a ninth of that many frames show it, which are ENOUGH to TRUSTED ones: a blurred hand may
    be in a few.

    far   Plate.confidence of what was seen far from everybody
    """
    enough = np.clip(min(frames, FRAMES) / 9, ENOUGH, TRUSTED)
    return np.minimum(far * (TRUSTED / enough), 1)


def edges_near(plate: Plate, frames: Sequence[np.ndarray], masks: Sequence[np.ndarray],
               where: np.ndarray) -> Edges:
    """The edges of the scene where it was seen only near somebody, in a plate of these frames and
    masks.

    where  bool (h, w) of the plate, outside which nothing is looked at
    """
    grow = round(EDGE_MARGIN * plate.size[1])
    height, width = where.shape
    stack = Stack(frames, Masks(masks, grow=grow), plate.transforms, (width, height))
    return stack.edges(where, EDGE_SEEN)


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
    picture, seen = Stack(frames, masks, transforms, (int(across), int(down))).colours()
    return Plate(picture, np.minimum(seen / TRUSTED, 1).astype(np.float32), transforms, numbers,
                 (width, height), np.zeros((height, width, 4), np.uint8))
