"""The person of every frame of a run, cut out at film size: what painting samples.

RUN/cutouts/000001.jpg is the frame of that number around the person, as large as the film, and
000001.png how much of each of its pixels is the person. RUN/cutouts/cutouts.npz says where in the
frame each lies. A run whose dataset has no frames of film size has none of these: its own small
frames are then what is sampled.
"""
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, Protocol

import cv2
import numpy as np

from data.base_dataset import BaseDataset
from models.warping.frame_index import AGAIN, LOOSE, TIGHT, FrameIndex
from models.warping.remembered import Remembered
from pose.skeleton import moved
from pose.track import PoseTrack
from scene.matte import matte
from scene.plate import Plate, around_bars
from util.errors import UserError
from util.files import write_npz
from util.images import scaling, shrunk, write_image
from util.npz import read_npz
from util.owned import folder_in_place_of
from util.progress import progress

REMEMBERED = 100e6          # bytes of cutouts of each kind kept in memory
MARGIN = 3                  # small px around the person: the edge of a matte, and what bends in
QUALITY = 95                # of JPEG
PAST = 0.015                # of the frame's longer side: how far beyond its edge a person goes on
FILE = 'cutouts.npz'


class Cutout(NamedTuple):
    """A person cut out of a frame.

    image   uint8 (h, w, 4): RGB and how much of each pixel is the person
    left, top   px of the frame where it lies
    """
    image: np.ndarray
    left: int
    top: int


class TightCutouts(Protocol):
    """The person alone in the frames of an index, of which a row is one.

    size   (W, H) of a frame
    """
    size: tuple[int, int]

    @property
    def cutout(self) -> Callable[[int], Cutout]: ...


class Cutouts(TightCutouts, Protocol):
    """The cutouts of the frames of an index; a row is one of index.both.

    at     the same at another (W, H), no larger than the film and no smaller than training's frames
    loose  with the shadow on the wall too, and what else lies close around
    """

    @property
    def cutout(self) -> Remembered[Cutout]: ...

    @property
    def loose(self) -> Remembered[Cutout]: ...

    def at(self, size: tuple[int, int]) -> 'Cutouts': ...


class SmallCutouts:
    """The frames of the index themselves."""

    def __init__(self, index: FrameIndex):
        self.size = index.track.size
        self.index = index
        self.cutout = Remembered(self.read_tight, bytes_of, REMEMBERED)
        self.loose = Remembered(self.read_loose, bytes_of, REMEMBERED)

    def at(self, size: tuple[int, int]) -> 'SmallCutouts':
        return self

    def read_tight(self, row: int) -> Cutout:
        return self.around(self.index.cutout(row))

    def read_loose(self, row: int) -> Cutout:
        cutout = self.around(self.index.cut(LOOSE, row))
        return cutout._replace(image=cutout.image.copy())       # not the whole frame with it

    def around(self, frame: np.ndarray) -> Cutout:
        """The person of a frame, uint8 (H, W, 4)."""
        rows, columns = occupied(frame[..., 3] > 0) or (slice(0, 1), slice(0, 1))
        return gone_on(Cutout(frame[rows, columns], columns.start, rows.start), self.size)


class SmallMattes:
    """How much of each pixel of the frames of the index is the person, without any colours: enough
    to measure the person, and read in a tenth of the time."""

    def __init__(self, index: FrameIndex):
        self.size = index.track.size
        self.index = index

    def cutout(self, row: int) -> Cutout:
        """Of a row of the track."""
        return Cutout(self.index.matte(row, TIGHT)[..., None], 0, 0)


class FilmCutouts:
    """The files of RUN/cutouts, as large as the film or smaller."""

    def __init__(self, folder: Path, index: FrameIndex, size: tuple[int, int] | None = None):
        """UserError where the folder holds none. size: (W, H) of a frame, None takes the film's."""
        self.folder = folder
        self.index = index
        found = read_npz(folder / FILE, {'boxes': 'iu', 'size': 'iu'}, AGAIN)
        self.boxes = found['boxes'].astype(int)
        if found['size'].shape != (2,) or self.boxes.shape != (len(index.track), 4):
            raise UserError(f'{folder / FILE}: its boxes are of other frames. {AGAIN}')
        width, height = found['size'].tolist()
        left_top, right_bottom = self.boxes[:, :2], self.boxes[:, 2:]
        if (left_top < 0).any() or (right_bottom <= left_top).any() or \
                (right_bottom > (width, height)).any():
            raise UserError(f'{folder / FILE}: its boxes lie outside of the film. {AGAIN}')
        self.filmed = width, height
        self.size = size or self.filmed
        self.cutout = Remembered(self.placed, bytes_of, REMEMBERED)
        self.loose = Remembered(self.read_loose, bytes_of, REMEMBERED)

    def at(self, size: tuple[int, int]) -> 'FilmCutouts':
        return FilmCutouts(self.folder, self.index, size)

    def read_loose(self, row: int) -> Cutout:
        """With the small matte, enlarged, where that is more."""
        return self.placed(row, loose=True)

    def placed(self, row: int, loose: bool = False) -> Cutout:
        """The person of a row, mirrored where the row is."""
        one = row % len(self.index.track)
        (left, top, right, bottom), colours, matte = self.read(one)
        if loose:
            into = scaling(self.index.track.size, self.size)
            into[:2, 2] -= left, top
            small = self.index.matte(one, LOOSE)
            around = cv2.warpAffine(small, into[:2], (right - left, bottom - top),
                                    flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            matte = np.maximum(matte, around)
        image = np.dstack([colours, matte])
        cutout = Cutout(image, left, top)
        if row >= len(self.index.track):
            mirrored = np.ascontiguousarray(image[:, ::-1])
            cutout = Cutout(mirrored, self.size[0] - right, top)
        return gone_on(cutout, self.size)

    def read(self, one: int) -> tuple[list[int], np.ndarray, np.ndarray]:
        """Of a row of the track: left, top, right and bottom px of its box, and there the colours,
        uint8 (h, w, 3), and the matte, uint8 (h, w)."""
        name = self.index.file(one)
        file = self.folder / Path(name).with_suffix('.jpg')
        times = min(np.divide(self.filmed, self.size))
        shrink = max(factor for factor in (1, 2, 4, 8) if factor <= max(times, 1))
        colours = self.index.read_file(file, shrink)
        matte = self.index.read_file(self.folder / name)[..., 0]
        box: list[int] = self.boxes[one].tolist()
        shape = box[3] - box[1], box[2] - box[0]
        if matte.shape != shape or colours.shape[:2] != tuple(-(-side // shrink) for side in shape):
            raise UserError(f'{file}: is not as large as its matte or as {FILE} says. Train the '
                            f'run again: train.py --overwrite.')
        if self.size == self.filmed:
            return box, colours, matte
        # whole px of the smaller frame that hold the box, and where their edges lie in the film
        across, down = np.divide(self.size, self.filmed)
        left, top = math.floor(box[0] * across), math.floor(box[1] * down)
        right, bottom = math.ceil(box[2] * across), math.ceil(box[3] * down)
        size = right - left, bottom - top
        edges = (left / across - box[0], top / down - box[1], right / across - box[0],
                 bottom / down - box[1])
        fine = tuple(edge / shrink for edge in edges)
        return [left, top, right, bottom], shrunk(colours, fine, size), shrunk(matte, edges, size)


def bytes_of(cutout: Cutout) -> int:
    return cutout.image.nbytes


def gone_on(cutout: Cutout, size: tuple[int, int]) -> Cutout:
    """A cutout of a frame of that (width, height) that goes on a little beyond the frame's edge,
    where that cuts off the person."""
    height, width = cutout.image.shape[:2]
    past = round(PAST * max(size))
    left, top = past * (cutout.left == 0), past * (cutout.top == 0)
    right = past * (cutout.left + width == size[0])
    bottom = past * (cutout.top + height == size[1])
    if not (left or top or right or bottom):
        return cutout
    image = cv2.copyMakeBorder(cutout.image, top, bottom, left, right, cv2.BORDER_REPLICATE)
    return Cutout(image, cutout.left - left, cutout.top - top)


def make_cutouts(folder: Path, index: FrameIndex, plate: Plate, dataset: BaseDataset,
                 threads: int, darkest_shadow: float) -> FilmCutouts:
    """Cut the person out of every frame of a dataset at film size, into `folder`.

    plate   the background at film size
    darkest_shadow   as of scene.matte.matte
    """
    track, size = index.track, plate.size
    into = scaling(track.size, size)
    boxes = np.zeros((len(track), 4), np.int64)
    with folder_in_place_of(folder, r'\d+\.(jpg|png)|cutouts\.npz') as part, \
            ThreadPoolExecutor(max(1, threads)) as pool:
        def cut(row: int) -> None:
            frame = dataset.film_frame(row)
            assert frame is not None, 'a dataset with a film size has every frame'
            box = person_box(index.matte(row, LOOSE), into, size)
            image, alpha = cut_one(frame, box, index, plate, row, into, darkest_shadow)
            boxes[row] = box
            name = index.file(row)
            write_image(part / Path(name).with_suffix('.jpg'), image, QUALITY)
            write_image(part / name, alpha)
        list(progress(pool.map(cut, range(len(track))), 'cutting out at film size', len(track)))
        write_npz(part / FILE, boxes=boxes, size=np.array(size))
    return FilmCutouts(folder, index)


def person_box(matte: np.ndarray, into: np.ndarray, size: tuple[int, int]
               ) -> tuple[int, int, int, int]:
    """Left, top, right and bottom px of the film-size frame that hold a small matte, uint8 (h, w),
    with a margin; a few px where it is empty.

    into   float (3, 3): small px -> px of the frame, which has that (width, height)
    """
    there = np.argwhere(matte > 0)
    if not len(there):
        return 0, 0, min(8, size[0]), min(8, size[1])
    low, high = there.min(0) - MARGIN, there.max(0) + 1 + MARGIN
    left, top = (into[:2, :2] @ (low[::-1] - 0.5) + into[:2, 2] + 0.5).round().astype(int)
    right, bottom = (into[:2, :2] @ (high[::-1] - 0.5) + into[:2, 2] + 0.5).round().astype(int)
    return max(left, 0), max(top, 0), min(right, size[0]), min(bottom, size[1])


def cut_one(frame: np.ndarray, box: tuple[int, int, int, int], index: FrameIndex, plate: Plate,
            row: int, into: np.ndarray, darkest_shadow: float) -> tuple[np.ndarray, np.ndarray]:
    """The frame, uint8 (H, W, 3), within a box, and its matte there, uint8 (h, w, 1)."""
    left, top, right, bottom = box
    size = right - left, bottom - top
    image = np.ascontiguousarray(frame[top:bottom, left:right])
    track: PoseTrack = index.track
    number = int(track.index[row])
    shift = np.array([[1, 0, left], [0, 1, top], [0, 0, 1.0]])
    behind, sure = plate.scene_at(plate.camera(number) @ shift, size)
    if not plate.is_located(number):
        sure = np.zeros_like(sure)
    here = np.linalg.inv(shift) @ into
    pose = moved(track.poses[row], here)
    small = index.mask(row)
    mask = None
    if small is not None:
        mask = cv2.warpAffine(small, here[:2], size, flags=cv2.INTER_CUBIC,
                              borderMode=cv2.BORDER_REPLICATE)
    alpha = matte(image, behind, sure, pose, track.joints, darkest_shadow, mask)
    alpha[around_bars(plate.bars)[top:bottom, left:right]] = 0      # nobody is in a bar
    return image, alpha


def occupied(mask: np.ndarray) -> tuple[slice, slice] | None:
    """The rows and columns of a mask (h, w) from the first to the last that is not empty."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
