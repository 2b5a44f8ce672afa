"""The background plate of a run: its picture, and where each frame lies in it.

Frames are uint8 (H, W, 3), masks bool (H, W): True where the person is; h w px of the plate. A
transform is float64 (3, 3), a similarity: px of a frame -> px of the plate.
"""
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from pose.silhouette import disc
from scene.camera import WORKING_SIZE, View, aligned, follow, match_features
from util.errors import UserError
from util.files import write_npz
from util.images import read_image, write_image
from util.npz import read_npz
from util.owned import folder_in_place_of
from util.progress import progress

MOSTLY = 0.8                  # of a column that must be seen for it to be mirrored
ANCHORS = 15                  # located frames around a frame whose median decides its place
# of plate.npz: the kinds of its arrays, as dtype.kind, and the bytes for each of the picture's px
KINDS = {'confidence': 'f', 'transforms': 'f', 'numbers': 'iu', 'size': 'iu', 'bars': 'u'}
MOST_EACH, LEAST_ROOM = 8, 64e6
FAR = 1e6                     # px, and times larger or smaller: no frame lies so far from another


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
            self.write(part)

    def write(self, folder: Path) -> None:
        """Write both files into a folder that is new."""
        write_image(folder / 'plate.png', self.picture)
        write_npz(folder / 'plate.npz', confidence=self.confidence, size=np.array(self.size),
                  transforms=self.transforms, numbers=self.numbers, bars=self.bars)

    @classmethod
    def load(cls, folder: Path, then: str = 'Train the run again: train.py --overwrite.'
             ) -> 'Plate':
        """Read what `save` wrote; UserError, with `then`, what to type, for any other folder."""
        picture = read_image(folder / 'plate.png') if (folder / 'plate.png').is_file() else None
        if picture is None:
            raise UserError(f'{folder}: no background plate (plate.png is no picture). {then}')
        file = folder / 'plate.npz'
        found = read_npz(file, KINDS, then, most=LEAST_ROOM + MOST_EACH * picture[..., 0].size)
        try:
            width, height = found.pop('size').tolist()
            plate = cls(picture, size=(width, height), **found)
            check_plate(plate)
        except (ValueError, TypeError) as error:
            raise UserError(f'{file}: no background plate ({error}). {then}') from error
        return plate


def check_plate(plate: Plate) -> None:
    """ValueError for values that no background has; a file of somebody else's may hold any."""
    frames = len(plate.numbers)
    expected = {'confidence': plate.picture.shape[:2], 'transforms': (frames, 3, 3),
                'numbers': (frames,), 'bars': (*plate.size[::-1], 4)}
    for name, shape in expected.items():
        if getattr(plate, name).shape != shape:
            raise ValueError(f'{name} is {getattr(plate, name).shape} and not {shape}')
    if not ((plate.confidence >= 0) & (plate.confidence <= 1)).all():
        raise ValueError('confidence is not from 0 to 1')
    known = plate.transforms[np.isfinite(plate.transforms[:, 0, 0])]
    sizes = np.linalg.det(known[:, :2, :2]) if np.isfinite(known).all() else np.zeros(1)
    if not len(known) or not (abs(known) < FAR).all() or not (sizes > 1 / FAR).all():
        raise ValueError('transforms place no frame')


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
