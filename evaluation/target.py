"""The target's own video as a run knows it: what a painted film is held against where nobody
filmed the poses it shows.

Shape letters: K joints, H W pixels.
"""
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.base_dataset import BaseDataset
from data.facts import read_facts, trained_facts
from data.target import shown_by
from evaluation.baselines import training_frames
from models.warping.frame_index import FrameIndex, track_of
from pose.retargeting.room import Room
from pose.silhouette import person_box
from pose.skeleton import moved
from pose.track import PoseTrack
from util.errors import UserError
from util.images import in_colour, scaling, size_of
from util.options import Options
from util.runs import read_record
from util.sampling import evenly_spaced


@dataclass(frozen=True)
class Target:
    """Real frames of the target, with their poses.

    track  a row for each frame
    read   gives for a row its frame, uint8 (H, W, 3), and the pose in px of it, float32 (K, 3)
    film   gives for a row its frame as large as filmed; None where only the small ones are kept
    """
    track: PoseTrack
    read: Callable[[int], tuple[np.ndarray, np.ndarray]]
    film: Callable[[int], np.ndarray | None] = lambda row: None

    def rows(self, most: int) -> list[int]:
        """At most that many rows of frames that show the person, evenly spaced."""
        rows = np.flatnonzero(self.track.shown())
        return rows[evenly_spaced(len(rows), most)].tolist() if len(rows) else []

    def some(self, most: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """At most that many frames that show the person, evenly spaced, and their poses."""
        for row in self.rows(most):
            yield self.read(row)

    def some_large(self, most: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The same as `large` gives them."""
        for row in self.rows(most):
            yield self.large(row)

    def large(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        """One frame as large as filmed, or as there is, and its pose in px of it."""
        image, pose = self.read(row)
        film = self.film(row)
        if film is None:
            return image, pose
        return film, moved(pose, scaling(size_of(image), size_of(film)))

    def boxes(self, most: int) -> Iterator[np.ndarray]:
        """What the box around the person shows in at most that many frames: uint8 (H, W, 3)."""
        for image, pose in self.some(most):
            box = person_box(pose, size_of(image))
            if box:
                yield image[box]


def target_of(opt: Options, dataset: BaseDataset) -> Target:
    """The frames that the run was trained on: those it keeps itself, else its dataset's.

    dataset  the painted one
    UserError where there are none, or none with joints.
    """
    own = Path(opt.checkpoints_dir) / opt.name / 'index'
    if (own / 'poses.npz').is_file():
        index = FrameIndex(own)
        return Target(index.track,
                      lambda row: (in_colour(index.read(row)), index.track.poses[row]),
                      film_frames(opt, dataset, index))
    training = training_frames(opt, dataset)
    if not training.HAS_FRAMES:
        raise UserError(f'{training.root} has poses but no frames')

    def read(row: int) -> tuple[np.ndarray, np.ndarray]:
        item = training.item(row)
        return in_colour(item['B']), item['joints']
    return Target(track_of(training), read, training.film_frame)


def film_frames(opt: Options, dataset: BaseDataset,
                index: FrameIndex) -> Callable[[int], np.ndarray | None]:
    """The frames of the index as large as filmed, by their rows: those of the dataset that it was
    made from, while that is there."""
    try:
        training = training_frames(opt, dataset)
        return training.film_frame if index.is_of(training) else lambda row: None
    except UserError:
        return lambda row: None


def target_room(opt: Options) -> Room | None:
    """What of the body the target's own frames show, and how far beyond the picture's edges it
    reaches in them; None where the run's poses are not known. Reads no frame."""
    run = Path(opt.checkpoints_dir) / opt.name
    trained_on = read_record(run).get('options', {}).get('dataroot')
    places = [(run, trained_facts), (Path(trained_on), read_facts)] if trained_on else \
        [(run, trained_facts)]
    for folder, facts_of in places:
        with suppress(UserError):
            _, room = shown_by(folder, facts_of(folder))
            if room is not None:
                return room
    return None
