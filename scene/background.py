"""The background plate: one picture for a still camera, a mosaic for a moving one.

Each frame shows the background around the person; the median over the frames at a place is the
background there (Szeliski, "Image Alignment and Stitching: A Tutorial", 2006, section 6.2).

Frames are uint8 (H, W, 3), masks bool (H, W): True where the person is; h w px of the plate. A
transform is float64 (3, 3), a similarity: px of a frame -> px of the plate.
"""
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import cv2
import numpy as np

from pose.silhouette import disc
from scene.bars import find_bars
from scene.camera import (
    WORKING_SIZE,
    View,
    aligned,
    corners_of,
    follow,
    is_still,
    match_features,
)
from scene.fill import filled
from util.errors import UserError
from util.files import folder_in_place_of
from util.images import read_image, write_image
from util.progress import progress
from util.sampling import evenly_spaced

AT_ONCE = 2                   # frames located at the same time
FRAMES = 72                   # the most of which the median is taken
CLOTHES_MARGIN = 0.04         # of the picture's height: clothes may reach so far beyond a mask
TRUSTED = 8                   # frames that must show a place for full confidence
ENOUGH = 3                    # frames far from the person that must show a place to be believed
LARGEST = 5                   # frames across and down that a mosaic may be
FINEST = 2.0                  # how much finer than the median frame it may be
ZOOMED = 0.95                 # how much smaller than another a frame is whose camera has zoomed
MOSTLY = 0.8                  # of a column that must be seen for it to be mirrored
ANCHORS = 15                  # located frames around a frame whose median decides its place
CHUNK = 48_000_000            # samples held in memory at a time
UNSEEN = 999                  # stands for no colour; greater than every colour


@dataclass(frozen=True)
class Plate:
    """The background, and where each frame lies in it.

    picture     uint8 (h, w, 3) RGB; pixels never seen are filled from around
    confidence  float32 (h, w)   0 never seen, 1 seen without the person in TRUSTED frames or more
    transforms  float64 (F, 3, 3) frame px -> plate px; NaN for a frame that was not located
    numbers     int64 (F,)       the frames' numbers in the video, increasing
    size        (W, H) of a frame
    bars        uint8 (H, W, 4)  RGB of the bars of a letterbox, which do not move with the scene,
                and 255 where they are
    """
    picture: np.ndarray
    confidence: np.ndarray
    transforms: np.ndarray
    numbers: np.ndarray
    size: tuple[int, int]
    bars: np.ndarray

    @property
    def still(self) -> bool:
        """Whether the camera stands."""
        return bool((self.transforms == np.eye(3)).all())

    def at(self, transform: np.ndarray, size: tuple[int, int] | None = None
           ) -> tuple[np.ndarray, np.ndarray]:
        """The background as a camera of that transform sees it, uint8 (H, W, 3), and its
        confidence, float32 (H, W). size: (W, H), by default a frame's."""
        size = size or self.size
        picture, confidence = self.scene_at(transform, size)
        if self.bars.any():
            bars, there = self.bars_at(size)
            picture = np.where(there[..., None], bars, picture)
            confidence = np.where(there, np.float32(1), confidence)
        return picture, confidence

    def scene_at(self, transform: np.ndarray, size: tuple[int, int]
                 ) -> tuple[np.ndarray, np.ndarray]:
        """`at` without the bars of a letterbox, for any part of a picture."""
        picture, confidence = self._cut(transform, size, cv2.INTER_CUBIC, cv2.BORDER_REFLECT_101)
        seen = confidence > 0
        if not self.still and not seen.all():
            unseen = (~seen).astype(np.uint8)
            picture = cv2.copyTo(_mirrored(picture, seen), unseen, picture)
        return picture, confidence

    def bars_at(self, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """The bars of a letterbox in a picture of that (width, height): uint8 (H, W, 3), and bool
        (H, W): where they are. Nothing is ever in front of them."""
        shown = cv2.resize(self.bars, size, interpolation=cv2.INTER_NEAREST)
        return shown[..., :3], shown[..., 3] > 0

    def _cut(self, transform: np.ndarray, size: tuple[int, int], interpolation: int, border: int
             ) -> tuple[np.ndarray, np.ndarray]:
        matrix = np.asarray(transform, np.float64)[:2]
        picture = cv2.warpAffine(self.picture, matrix, size, borderMode=border,
                                 flags=interpolation | cv2.WARP_INVERSE_MAP)
        confidence = cv2.warpAffine(self.confidence, matrix, size,
                                    flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        return picture, confidence

    def camera(self, number: int) -> np.ndarray:
        """The transform of the located frame nearest in time to the frame of that number."""
        known = np.flatnonzero(np.isfinite(self.transforms[:, 0, 0]))
        return self.transforms[known[np.abs(self.numbers[known] - number).argmin()]]

    def is_located(self, number: int) -> bool:
        """Whether the place of the frame of that number is known."""
        return bool(np.isfinite(self.transforms[self.numbers == number, 0, 0]).any())

    def locked(self) -> np.ndarray:
        """The transform of a still camera with the moving one's median view."""
        return np.nanmedian(self.transforms, 0)

    def locate(self, frame: np.ndarray, mask: np.ndarray,
               near: np.ndarray | None = None) -> np.ndarray | None:
        """The transform of a frame from its picture; None where it cannot be located.

        mask  must also cover `bars` and their edges, which do not move with the scene
        near  a transform to start from; without one the frame is searched for in the whole plate
        """
        shown = View(frame, mask)
        if near is None:
            working_size = WORKING_SIZE * max(self.confidence.shape) / max(self.size)
            near = match_features(shown, View(self.picture, self.confidence == 0, working_size))
        if near is None:
            return None
        picture, confidence = self._cut(near, self.size, cv2.INTER_LINEAR, cv2.BORDER_REPLICATE)
        moved = aligned(shown, View(picture, confidence == 0))
        return None if moved is None else near @ moved

    def locate_film(self, frames: Sequence[np.ndarray], masks: Sequence[np.ndarray], number: int
                    ) -> np.ndarray:
        """float64 (F, 3, 3): the transforms of consecutive frames, the first of them of that
        number; NaN for a frame that cannot be located.

        Following gives the path from frame to frame even where the plate does not show what the
        camera sees. The path lies in the plate where the median of the located frames around puts
        it, so that a frame located in a wrong place changes nothing.
        """
        masks = Masks(masks, around_bars(self.bars))
        path = follow(progress(frames, 'following the camera', len(frames)), masks)
        placed = np.full_like(path, np.nan)
        anchors = placed.copy()                         # px of the path -> of the plate
        last: np.ndarray | None = None
        for f in progress(range(len(frames)), 'finding its places', len(frames)):
            followed = np.isfinite(path[f]).all()
            found = None
            if followed:
                near = self.camera(number) if last is None else last @ path[f]
                found = self.locate(frames[f], masks[f], near)
            if found is None and (last is None or not followed):
                found = self.locate(frames[f], masks[f])
            if found is not None and followed:
                last = anchors[f] = found @ np.linalg.inv(path[f])
            elif found is not None:
                placed[f] = found
        known = np.flatnonzero(np.isfinite(anchors[:, 0, 0]))
        if len(known):
            around = np.abs(known - np.arange(len(path))[:, None]).argsort(1, kind='stable')
            anchored = np.median(anchors[known[around[:, :ANCHORS]]], 1) @ path
            placed = np.where(np.isfinite(path), anchored, placed)
        return placed

    def save(self, folder: Path) -> None:
        """Write plate.png and plate.npz into a new folder that takes the place of `folder`."""
        with folder_in_place_of(folder, r'plate\.(png|npz)') as part:
            write_image(part / 'plate.png', self.picture)
            np.savez_compressed(part / 'plate.npz', confidence=self.confidence, size=self.size,
                                transforms=self.transforms, numbers=self.numbers, bars=self.bars)

    @classmethod
    def load(cls, folder: Path) -> 'Plate':
        """Read what `save` wrote; UserError for any other folder."""
        try:
            picture = read_image(folder / 'plate.png')
            if picture is None:
                raise ValueError('plate.png is no picture')
            with np.load(folder / 'plate.npz', allow_pickle=False) as file:
                width, height = file['size'].tolist()
                return cls(picture, file['confidence'], file['transforms'], file['numbers'],
                           (width, height), file['bars'])
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise UserError(f'{folder}: no background plate ({error}). Delete it and train '
                            f'again.') from error


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


class Masks(Sequence[np.ndarray]):
    """Masks that also cover what is hidden in every frame, grown by that many px."""

    def __init__(self, masks: Sequence[np.ndarray], hidden: np.ndarray | None = None,
                 grow: int = 0):
        self.masks = masks
        self.hidden = masks[0] & False if hidden is None else hidden
        self.disc = disc(grow)

    def __len__(self) -> int:
        return len(self.masks)

    def __getitem__(self, f: Any) -> Any:
        grown = cv2.dilate(self.masks[f].astype(np.uint8), self.disc) > 0
        return grown | self.hidden


def around_bars(bars: np.ndarray) -> np.ndarray:
    """bool (H, W): Plate.bars and the pixels at their edges, which mix them with the scene."""
    return cv2.dilate(bars[..., 3], np.ones((5, 5), np.uint8)) > 0


def _mirrored(picture: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """The picture, mirrored beyond the rows and columns seen (H, W): what is there is not known,
    and a mirror image looks more like wall and floor than streaks do."""
    down = np.flatnonzero(seen.any(1))
    across = np.flatnonzero(seen[down].mean(0) > MOSTLY) if len(down) else down
    if not len(across):
        return picture
    top, bottom = down[0], down[-1] + 1
    left, right = across[0], across[-1] + 1
    return cv2.copyMakeBorder(picture[top:bottom, left:right], top, len(picture) - bottom, left,
                              picture.shape[1] - right, cv2.BORDER_REFLECT_101)


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
