"""The scene of a source video without its dancer: what `--background source` paints into.

DATASET/scene/film.mp4     the video without the dancer, one frame for each pose
DATASET/scene/poses.npz    the dancer, in px of that film
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np

from pose.silhouette import disc
from pose.track import PoseTrack
from util.errors import UserError
from util.images import size_of
from util.video import Frame, probe, read_frames
from util.video_writer import VideoWriter

FOLDER = 'scene'
FILM, POSES = 'film.mp4', 'poses.npz'
THEN = 'Make it again with preprocess.py --keep_scene --overwrite and its other flags.'
CRF = 14            # of H.264: 0.3 MB a second of 640x360, and no worse than the film painted on it
GROWN = 0.012       # of the longer side: how far beyond the mask of a person nothing is believed
RING = 0.03         # of the longer side: around that, where frame and background are compared
MOST_GAIN = 1.25    # how much brighter or darker the background is made to match a frame


def has_scene(root: Path) -> bool:
    """Whether a dataset keeps the scene of its video."""
    return (root / FOLDER / POSES).is_file() and (root / FOLDER / FILM).is_file()


class SourceScene:
    """scene(number) is what the source's camera saw in that frame, without the dancer.

    track   the dancer, in px of its pictures
    size    (W, H) of each picture

    Frames are read in their order: going back reads from the start again.
    """

    def __init__(self, root: Path):
        """Of a dataset; UserError where it keeps none."""
        if not has_scene(root):
            raise UserError(f'{root} does not keep the scene that the dancer was filmed in. {THEN}')
        self.path = root / FOLDER / FILM
        self.track = PoseTrack.load(root / FOLDER / POSES, THEN)
        self.size = self.track.size
        info = probe(self.path)
        numbers = self.track.index[self.track.kept].tolist()
        if info.size != self.size or info.frames != len(numbers):
            there, known = ('{}x{} px'.format(*size) for size in (info.size, self.size))
            raise UserError(f'{self.path} has {info.frames} frames of {there}, and {POSES} next to '
                            f'it is for {len(numbers)} of {known}. A film mended by hand keeps '
                            f'both. {THEN}')
        self.places = {number: place for place, number in enumerate(numbers)}
        self.shots = dict(zip(self.track.index.tolist(), self.track.shots.tolist()))
        self.frames: Iterator[Frame] = iter(())
        self.now: Frame | None = None

    def __call__(self, number: int) -> np.ndarray:
        """uint8 (H, W, 3) of the source's frame of that number from 0."""
        known = number if number in self.places else self.nearest(number)
        place = self.places[known]
        if self.now is None or self.now.index > place:
            self.frames = read_frames(self.path)
            self.now = next(self.frames)
        while self.now.index < place:
            self.now = next(self.frames, self.now._replace(index=place))
        return self.now.image

    def nearest(self, number: int) -> int:
        """The frame that stands for one that could not be read."""
        return min(self.places, key=lambda known: abs(known - number))


def save(folder: Path, track: PoseTrack, pictures: Iterable[tuple[float, np.ndarray]]) -> None:
    """Write a scene into a new dataset.

    track     of the dancer, in px of the pictures
    pictures  the time, s, and uint8 (H, W, 3), of each of the frames that it keeps
    """
    (folder / FOLDER).mkdir()
    track.save(folder / FOLDER / POSES)
    with VideoWriter(folder / FOLDER / FILM, crf=CRF) as film:
        for time, picture in pictures:
            film.write(picture, time)


def without(frame: np.ndarray, person: np.ndarray, background: np.ndarray) -> np.ndarray:
    """A frame, uint8 (H, W, 3), in which the background takes the place of a person.

    person      bool (h, w): the mask, of any size
    background  uint8 (H, W, 3), made as bright as the frame is around the person
    """
    size = size_of(frame)
    mask = cv2.resize(person.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    if not mask.any():
        return frame
    grown = max(1, round(GROWN * max(size)))
    covered = cv2.dilate(mask, disc(2 * grown))
    ring = (cv2.dilate(covered, disc(round(RING * max(size)))) > 0) & (covered == 0)
    matched = as_bright(background, frame, ring)
    share = cv2.GaussianBlur(covered.astype(np.float32), (0, 0), grown / 2)
    return cv2.blendLinear(matched, frame, share, 1 - share)


def as_bright(background: np.ndarray, frame: np.ndarray, where: np.ndarray) -> np.ndarray:
    """The background with the exposure of a frame, by the pixels `where`, bool (H, W)."""
    if not where.any():
        return background
    shown, known = (np.median(image[where], 0) + 1 for image in (frame, background))
    gain = np.clip(shown / known, 1 / MOST_GAIN, MOST_GAIN)
    table = np.rint(np.arange(256)[:, None] * gain).clip(0, 255).astype(np.uint8)
    return cv2.LUT(background, table[None])
