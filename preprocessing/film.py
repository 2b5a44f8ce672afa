"""The frames of a dataset as large as they were filmed. No torch.

frames/000001.jpg belongs to the frame of that number and shows the same region of the video.
Pairs are as large as a network needs; a film is painted from these.
"""
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from math import isclose
from pathlib import Path

import cv2
import numpy as np

from data.film import FOLDER
from pose.track import PoseTrack
from preprocessing.crop import Box, even_size, whole_box
from util.errors import UserError
from util.images import fitted, read_image, write_image
from util.video import Frame

# of JPEG. Of a phone's video with grain of 3 levels, 1080x1898: 359 kB a frame, 0.65 GB a minute;
# 95 takes 1.14 GB. At 720x1264 without it: 83 kB, 46.8 dB, read in 2.5 ms.
QUALITY = 90


def film_size(box: Box, size: tuple[int, int], side: int) -> tuple[int, int] | None:
    """(W, H) of the large frames, both even: in the aspect of the box, or of the pairs where these
    squeeze it. None where it is no larger than the pairs.

    box    the part of the video that becomes a frame; W and H are never larger
    size   (width, height) of the frames in the pairs
    side   the most that the shorter side may have; 0: no large frames
    """
    width, height = box[2:]
    rounding = 2 / min(size)
    squeezed = not isclose(width / size[0], height / size[1], rel_tol=rounding)
    aspect = size if squeezed else (width, height)
    filmed = min(width / aspect[0], height / aspect[1]) * min(aspect)       # px, shorter side
    W, H = even_size(aspect, min(side, filmed)) if side else (0, 0)
    W = min(W, width // 2 * 2)
    H = min(H, height // 2 * 2)
    return (W, H) if min(W, H) > min(size) else None


@dataclass(frozen=True)
class FilmAhead:
    """Writes the large frames while people are still being found, where a frame is the whole
    picture: the video is then decoded once, and the pairs are made from the large frames.

    Decoding 1080x1920 takes 15 ms of a core, more than any other step but finding people. Pairs
    made this way lie 46 to 48 dB from those made from the video.

    folder        of the dataset, with `FOLDER` in it
    size          (W, H) of the large frames
    small_size    (w, h) of the frames in the pairs
    """
    folder: Path
    size: tuple[int, int]
    small_size: tuple[int, int]

    def path(self, index: int) -> Path:
        """Of the frame of that number from 0."""
        return self.folder / FOLDER / f'{index + 1:06d}.jpg'

    def write(self, frame: Frame) -> None:
        """Write a frame of the video; not one that was fitted into the size of the first: whoever
        reads all frames once more says how many these are."""
        if not frame.is_fitted:
            height, width = frame.image.shape[:2]
            write_film_frame(self.folder, frame.index, frame.image, (0, 0, width, height),
                             self.size)

    def has(self, numbers: Sequence[int], count: int) -> bool:
        """Whether it wrote the frames of these numbers, and these are all of `count`."""
        return len(numbers) == count and all(self.path(index).is_file() for index in numbers)

    def frames(self, track: PoseTrack) -> Iterator[Frame]:
        """The frames of the track, which show what the video does, in fewer pixels."""
        for index, time in zip(track.index.tolist(), track.times.tolist(), strict=True):
            yield Frame(index, time, read_back(self.path(index), self.small_size))

    def keep_only(self, numbers: Collection[int]) -> None:
        """Remove the frames of all other numbers."""
        kept = {self.path(index).name for index in numbers}
        for path in (self.folder / FOLDER).iterdir():
            if path.name not in kept:
                path.unlink()


def read_back(path: Path, least: tuple[int, int] | None = None) -> np.ndarray:
    """A picture that was written a moment ago, as util.images.read_image gives it."""
    image = read_image(path, least)
    if image is None:
        raise UserError(f'{path} cannot be read back. Is the disk full or failing? Run the same '
                        f'command again.')
    return image


def write_film_frame(folder: Path, index: int, image: np.ndarray, box: Box,
                     size: tuple[int, int]) -> None:
    """Write the box of a video's frame at `size` (W, H).

    folder   of the dataset;  index  of the frame, from 0;  image  uint8 (height, width, 3)
    """
    frame = whole_box(image, box)
    if size[0] < frame.shape[1] < 2 * size[0]:
        # 1080x1920 to 720x1280 in 1.9 ms; means of areas take 8.2 and are 53 dB from it
        frame = cv2.resize(frame, size, interpolation=cv2.INTER_LINEAR)
    write_image(folder / FOLDER / f'{index + 1:06d}.jpg', fitted(frame, size), QUALITY)
