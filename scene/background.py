"""The background without the person: one picture for a still camera, a mosaic for a moving one.

Each frame shows what lies beside the person; the median of what the frames show at a place is the
background there (Szeliski, "Image Alignment and Stitching: A Tutorial", 2006, section 6.2).

Frames are uint8 (H, W, 3), masks bool (H, W): True where the person is; h w px of the plate. A
transform is float64 (3, 3), a similarity: px of a frame -> px of the plate.
"""
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import cv2
import numpy as np

from pose.silhouette import disc
from scene.camera import LOOK, View, aligned, corners_of, evenly, follow, is_still, recognised
from util.errors import UserError
from util.files import folder_in_place_of
from util.images import read_image, write_image
from util.progress import progress

FRAMES = 72                   # that the median is taken of, at most
AWAY = 0.04                   # of the picture's height: so near a mask, clothes may still hang
DARK = 48                     # 0..255 that a black bar stays below, a video's noise included
TRUSTED = 8                   # frames that show a place before it is trusted altogether
LARGEST = 5                   # frames across and down that a mosaic may be
FINEST, ZOOMED = 2.0, 0.95    # how much finer than the median frame it may be; and how much
                              # smaller than another a frame is whose camera has zoomed
MOSTLY = 0.8                  # of a column: with less of it seen it is no place for a mirror
STEADY = 15                   # frames whose places in the plate settle that of one between them
CHUNK = 16_000_000            # samples held in memory at a time
UNSEEN = 999                  # stands for no colour; greater than every colour


@dataclass(frozen=True)
class Plate:
    """The background, and where each frame lies in it.

    picture     uint8 (h, w, 3) RGB; what was never seen is filled from around
    confidence  float32 (h, w)   0 never seen, 1 seen beside the person in TRUSTED frames or more
    transforms  float64 (F, 3, 3) frame px -> plate px; NaN for a frame that was not recognised
    numbers     int64 (F,)       the frames' numbers in the video, increasing
    size        (W, H) of a frame
    bars        uint8 (H, W, 4)  what a moving camera's frames show in place of the scene, black
                bars above and below it, and 255 where that is
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
        """What a picture of that transform and size, by default a frame's, shows: uint8 (H, W, 3),
        and how sure, float32 (H, W)."""
        size = size or self.size
        picture, confidence = self._cut(transform, size, cv2.INTER_CUBIC, cv2.BORDER_REFLECT_101)
        seen = confidence > 0
        if not self.still and not seen.all():
            picture = np.where(seen[..., None], picture, _mirrored(picture, seen))
        if self.bars.any():
            bars = cv2.resize(self.bars, size, interpolation=cv2.INTER_NEAREST)
            there = bars[..., 3] > 0
            picture = np.where(there[..., None], bars[..., :3], picture)
            confidence = np.where(there, np.float32(1), confidence)
        return picture, confidence

    def _cut(self, transform: np.ndarray, size: tuple[int, int], finely: int, beyond: int
             ) -> tuple[np.ndarray, np.ndarray]:
        matrix = np.asarray(transform, np.float64)[:2]
        return (cv2.warpAffine(self.picture, matrix, size, borderMode=beyond,
                               flags=finely | cv2.WARP_INVERSE_MAP),
                cv2.warpAffine(self.confidence, matrix, size,
                               flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP))

    def camera(self, number: int) -> np.ndarray:
        """The transform of the recognised frame nearest in time to the frame of that number."""
        known = np.flatnonzero(np.isfinite(self.transforms[:, 0, 0]))
        return self.transforms[known[np.abs(self.numbers[known] - number).argmin()]]

    def recognised(self, number: int) -> bool:
        """Whether it is known where the frame of that number lies."""
        return bool(np.isfinite(self.transforms[self.numbers == number, 0, 0]).any())

    def locked(self) -> np.ndarray:
        """The transform of a camera that stands where the moving one looked most."""
        return np.nanmedian(self.transforms, 0)

    def locate(self, frame: np.ndarray, mask: np.ndarray,
               near: np.ndarray | None = None) -> np.ndarray | None:
        """The transform of a frame from its picture; None where it is not recognised.

        mask  also what lies about `bars`: that moves along with the camera
        near  a transform to begin from; without one the frame is looked for in the whole plate
        """
        shown = View(frame, mask)
        if near is None:
            look = LOOK * max(self.confidence.shape) / max(self.size)
            near = recognised(shown, View(self.picture, self.confidence == 0, look))
        if near is None:
            return None
        picture, confidence = self._cut(near, self.size, cv2.INTER_LINEAR, cv2.BORDER_REPLICATE)
        moved = aligned(shown, View(picture, confidence == 0))
        return None if moved is None else near @ moved

    def locate_film(self, frames: Sequence[np.ndarray], masks: Sequence[np.ndarray], number: int
                    ) -> np.ndarray:
        """float64 (F, 3, 3): the transforms of frames that follow each other, the first of them of
        that number; NaN for one that is not recognised.

        From frame to frame the camera is known even where it looks on what no plate shows. Where
        all that lies in the plate is told by the median of what the frames around it say, so that
        one that is taken for another place moves nothing.
        """
        masks = _Masks(masks, around_bars(self.bars))
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
            steady = np.median(anchors[known[around[:, :STEADY]]], 1) @ path
            placed = np.where(np.isfinite(path), steady, placed)
        return placed

    def save(self, folder: Path) -> None:
        """Write plate.png and plate.npz into a folder of its own, which takes `folder`'s place."""
        with folder_in_place_of(folder, r'plate\.(png|npz)') as part:
            write_image(part / 'plate.png', self.picture)
            np.savez_compressed(part / 'plate.npz', confidence=self.confidence, size=self.size,
                                transforms=self.transforms, numbers=self.numbers, bars=self.bars)

    @classmethod
    def load(cls, folder: Path) -> 'Plate':
        """Read what `save` wrote; UserError for a folder of something else."""
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
    numbers        int (F,) of the frames in the video; 0, 1, 2 ... where none are given
    still          whether the camera stands; None looks
    UserError where there is no frame.
    """
    if not len(frames):
        raise UserError('a background needs frames, and there is none. Give a training part that '
                        'holds some.')
    height, width = masks[0].shape
    numbers = np.arange(len(frames)) if numbers is None else np.asarray(numbers, np.int64)
    bars = np.zeros((height, width, 4), np.uint8)
    if is_still(frames, masks) if still is None else still:
        transforms = np.tile(np.eye(3), (len(frames), 1, 1))
    else:
        bars = _bars(frames)
        masks = _Masks(masks, around_bars(bars))
        plate = _mosaic(frames, masks, follow(frames, masks), numbers)
        transforms = _settled(plate, frames, masks)
    plate = _mosaic(frames, masks, transforms, numbers)
    far = _mosaic(frames, _Masks(masks, grow=round(AWAY * height)), transforms, numbers)
    picture = np.where((far.confidence == 1)[..., None], far.picture, plate.picture)
    return replace(plate, picture=_filled(picture, plate.confidence == 0), bars=bars)


class _Masks(Sequence[np.ndarray]):
    """The masks with what is hidden in every frame besides, and so many px wider."""

    def __init__(self, masks: Sequence[np.ndarray], hidden: np.ndarray | None = None,
                 grow: int = 0):
        self.masks, self.hidden = masks, masks[0] & False if hidden is None else hidden
        self.disc = disc(grow)

    def __len__(self) -> int:
        return len(self.masks)

    def __getitem__(self, f: Any) -> Any:
        grown = cv2.dilate(self.masks[f].astype(np.uint8), self.disc) > 0
        return grown | self.hidden


def _bars(frames: Sequence[np.ndarray]) -> np.ndarray:
    """As Plate.bars: what is dark in every frame while the camera moves, so is no background."""
    some = evenly(len(frames), FRAMES)
    brightest = np.zeros(frames[0].shape[:2], np.uint8)
    for f in some:                          # one in memory at a time
        np.maximum(brightest, frames[f].max(-1), out=brightest)
    dark = brightest < DARK
    bars = np.zeros((*dark.shape, 4), np.uint8)
    if dark.any():
        bars[dark, :3] = np.median([frames[f][dark] for f in some], 0)
        bars[dark, 3] = 255
    return bars


def around_bars(bars: np.ndarray) -> np.ndarray:
    """bool (H, W): where Plate.bars are and, as they are mixed with what is beside them, nearly."""
    return cv2.dilate(bars[..., 3], np.ones((5, 5), np.uint8)) > 0


def _mirrored(picture: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """The picture with what lies beyond the columns and rows seen (H, W) as a mirror: it is not
    known, and looks more like the wall and the floor beside it than streaks do."""
    down = np.flatnonzero(seen.any(1))
    across = np.flatnonzero(seen[down].mean(0) > MOSTLY) if len(down) else down
    if not len(across):
        return picture
    (top, bottom), (left, right) = ((side[0], side[-1] + 1) for side in (down, across))
    return cv2.copyMakeBorder(picture[top:bottom, left:right], top, len(picture) - bottom, left,
                              picture.shape[1] - right, cv2.BORDER_REFLECT_101)


def _settled(plate: Plate, frames: Sequence[np.ndarray], masks: Sequence[np.ndarray]) -> np.ndarray:
    """float (F, 3, 3): each frame placed anew, by the whole mosaic: errors no longer add up."""
    placed = replace(plate, transforms=plate.transforms.copy())
    known = np.isfinite(plate.transforms[:, 0, 0])
    for f in (*np.flatnonzero(known), *np.flatnonzero(~known), *np.flatnonzero(~known)[::-1]):
        near = placed.camera(int(plate.numbers[f]))
        found = plate.locate(frames[f], masks[f], near)
        if found is None and not known[f]:
            found = plate.locate(frames[f], masks[f])
        if found is not None:
            placed.transforms[f] = found
    return placed.transforms


def _mosaic(frames: Sequence[np.ndarray], masks: Sequence[np.ndarray], transforms: np.ndarray,
            numbers: np.ndarray) -> Plate:
    """The plate of frames whose transforms, to any origin, are known; holes are black."""
    height, width = masks[0].shape
    known = np.flatnonzero(np.isfinite(transforms[:, 0, 0]))
    reach = (transforms[known] @ corners_of((height, width)))[:, :2]
    most = (LARGEST - 1) // 2 * np.array([width, height])
    # what a rounding error puts outside is no row of its own
    low = np.maximum(np.floor(reach.min((0, 2)) + 1e-6), -most)
    high = np.minimum(np.ceil(reach.max((0, 2)) - 1e-6), most + (width, height))
    # as fine as the frame that shows the scene largest
    zoom = np.sqrt(np.linalg.det(transforms[known, :2, :2])).min()
    fine = min(1 / zoom, FINEST) if zoom < ZOOMED else 1.0
    origin = np.diag([fine, fine, 1]) @ [[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1]]
    across, down = np.ceil(fine * (high - low) - 1e-6).astype(int) + 1
    transforms = origin @ transforms
    chosen = known[evenly(len(known), FRAMES)]
    rows = max(1, CHUNK // (3 * across * len(chosen)))
    strips = [_median(frames, masks, transforms, chosen, slice(top, min(top + rows, down)), across)
              for top in range(0, down, rows)]
    picture, seen = (np.concatenate(part) for part in zip(*strips))
    return Plate(picture, np.minimum(seen / TRUSTED, 1).astype(np.float32), transforms, numbers,
                 (width, height), np.zeros((height, width, 4), np.uint8))


def _median(frames: Sequence[np.ndarray], masks: Sequence[np.ndarray], transforms: np.ndarray,
            chosen: np.ndarray, rows: slice, across: int) -> tuple[np.ndarray, np.ndarray]:
    """Some rows of the mosaic: the median of the chosen frames, uint8 (h, w, 3), and how many of
    them show each pixel, int (h, w)."""
    size = across, rows.stop - rows.start
    samples = np.empty((size[1], size[0], 3, len(chosen)), np.uint16)
    for n, f in enumerate(chosen):
        matrix = transforms[f][:2] - [[0, 0, 0], [0, 0, rows.start]]
        free = cv2.warpAffine(np.where(masks[f], 0, 255).astype(np.uint8), matrix, size)
        samples[..., n] = np.where((free == 255)[..., None],
                                   cv2.warpAffine(frames[f], matrix, size), UNSEEN)
    samples.sort(-1)
    seen = (samples[..., 0, :] < UNSEEN).sum(-1)
    below, above = (np.take_along_axis(samples, middle[..., None, None], -1)[..., 0]
                    for middle in (np.maximum(seen - 1, 0) // 2, seen // 2 % len(chosen)))
    middle = (below + above + 1) // 2 * (seen > 0)[..., None]
    return middle.astype(np.uint8), seen


def _filled(picture: np.ndarray, holes: np.ndarray) -> np.ndarray:
    """The picture with its holes filled from around (Telea 2004), coarsely: nobody saw them."""
    if not holes.any() or holes.all():
        return picture
    size = max(1, picture.shape[1] // 4), max(1, picture.shape[0] // 4)
    few = cv2.resize(holes.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    small = cv2.inpaint(small, few.astype(np.uint8), 3, cv2.INPAINT_TELEA)
    return np.where(holes[..., None], cv2.resize(small, picture.shape[1::-1]), picture)
