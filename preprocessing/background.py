"""The whole picture of a video without anybody, for models that paint a part of it. No torch.

background.jpg is at film size, up to MOST_SIDE: before it lies what such a model paints
(evaluation.whole_frame).
"""
from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from data.film import BACKGROUND, shows_all
from pose.track import PoseTrack
from preprocessing.crop import Box
from preprocessing.film import film_size
from preprocessing.masks import FrameMasks
from preprocessing.placement import Placement, cropped
from preprocessing.sources import Source
from scene.background import make_plate
from scene.film_plate import film_plate
from scene.matte import covered
from util.arrays import LazySequence
from util.images import resized, write_image
from util.options import Options
from util.sampling import evenly_spaced

# of the video that are looked at: 66 MB of 720x1280, and 1.3 to 1.9 s of one core for a still
# camera, 3.3 to 4 for a moving one, for which a busy machine took 6.4 to 12 s. The person stands in
# the part that is painted, so that nearly every frame shows the rest.
FRAMES = 24
SIDE = 720          # px, shorter side at most, where --film_size is 0
MOST_SIDE = 1080    # px, shorter side at most: 24 of 1080x1920 take 149 MB and 5.8 s of one core
SMALL = 256         # px, shorter side at which the camera is followed


class Background:
    """Takes some frames of a video while they pass, then writes the background that they show.

    placement  of the whole picture, as small as the camera is followed
    masks      of everybody in each frame, if there are any
    side       the most that the shorter side of the background may have
    """

    def __init__(self, placement: Placement, masks: FrameMasks | None, side: int):
        box = placement.box
        assert box is not None
        self.placement = placement
        self.masks = masks
        self.size = film_size(box, placement.size, side) or placement.size
        track = placement.drawn
        rows = np.flatnonzero(track.kept)
        shots = track.shots[rows]
        rows = rows[shots == np.bincount(shots).argmax()]       # two scenes have no median
        chosen = rows[evenly_spaced(len(rows), FRAMES, nearest=True)]
        self.rows = {int(track.index[row]): row for row in chosen.tolist()}
        self.frames: dict[int, np.ndarray] = {}

    def see(self, index: int, image: np.ndarray) -> None:
        """Keep the frame of that number from 0, uint8 (H, W, 3), if it is one of those."""
        if index in self.rows:
            self.frames[index] = resized(image, self.size)

    def write(self, folder: Path) -> dict[str, Any]:
        """Write `folder`/background.jpg. Returns `background` of dataset.json: its size, and
        whether the camera stood still."""
        numbers = sorted(self.frames)
        frames = [self.frames[number] for number in numbers]
        small = [resized(frame, self.placement.size) for frame in frames]
        people = LazySequence(len(numbers), lambda k: self.people(numbers[k]))
        plate = make_plate(small, people, np.array(numbers))
        if self.size != self.placement.size:
            plate = film_plate(plate, frames, people, self.size)
        write_image(folder / BACKGROUND, plate.at(plate.locked())[0])
        return {'size': list(self.size), 'still': plate.still}

    def people(self, number: int) -> np.ndarray:
        """bool (h, w): where anybody may be in the small frame of that number."""
        row, track = self.rows[number], self.placement.drawn
        mask = self.masks.picture(row, self.placement) if self.masks else None
        return covered(track.poses[row], track.joints, self.placement.size, mask)


def background_of(opt: Options, source: Source, track: PoseTrack, box: Box | None,
                  masks: FrameMasks | None) -> Background | None:
    """The background of the source; None where no frame is written or each shows all of it.

    track  in px of the video
    box    the part of the video that becomes a frame
    """
    if opt.poses_only or box is None or shows_all(box, source.size):
        return None
    side = min(opt.film_size or SIDE, MOST_SIDE)
    small = min(SMALL, side, *source.size)
    whole = cropped(opt.but(crop='none', aspect='keep', size=small), source, track)
    return Background(whole, masks, side)
