"""The shot of each pose to paint: the frames that show it, and the camera's transform."""
from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import numpy as np

from data.base_dataset import BaseDataset
from data.transforms import affine_between
from models.live import LivePose
from models.warping.frame_index import TIGHT, FrameIndex, rescaled, track_of
from models.warping.part_choice import WHOLE, LiveParts, PartsShown, choose_parts
from models.warping.selection import LiveChoice, choose
from models.warping.settings import Body2BodySettings
from pose.skeleton import skeleton_with
from pose.track import PoseTrack
from scene.matte import covered
from scene.plate import Plate
from util.arrays import LazySequence
from util.images import size_of


class Shot(NamedTuple):
    """What is known of a pose to paint.

    rows    int64 (N,) of index.both: the frames that are shown, the best first
    camera  float64 (3, 3): px of the dataset's picture -> px of the background plate
    pose    float32 (K, 3), in px of the dataset's picture
    time    s
    parts   how it is painted part by part, and whether it is
    """
    rows: np.ndarray
    camera: np.ndarray
    pose: np.ndarray
    time: float
    parts: PartsShown = WHOLE

    def camera_of(self, joints: np.ndarray) -> np.ndarray:
        """`camera` of an item, which may be augmented, for its joints (K, 3) in px of it."""
        augmented = affine_between(self.pose, joints, skeleton_with(len(joints)))
        camera: np.ndarray = self.camera @ np.linalg.inv(augmented)
        return camera


def find_shots(index: FrameIndex, plate: Plate, dataset: BaseDataset, count: int, fitted: bool,
               settings: Body2BodySettings) -> dict[str, Shot]:
    """{path: shot} of every pose. The camera is that of the dataset's own frame where it shows the
    plate's place, else that of the last such frame, and before the first one the plate's median.

    count, fitted   as of selection.choose
    """
    facing = settings.warp.facing
    chosen = choose(index, dataset, count, fitted, mirrored=True, facing=facing)
    track = track_of(dataset)
    paths = [str(dataset.path(i)) for i in range(len(dataset))]
    parts = [WHOLE] * len(dataset)
    if not fitted:
        rows = np.stack([chosen[path] for path in paths])
        parts = choose_parts(index, dataset, rows, settings.parts, facing)
    known = known_cameras(index, plate, dataset, track)
    scale = np.diag([*np.divide(plate.size, track.size), 1])
    camera = plate.locked()
    shots = {}
    for i, path in enumerate(paths):
        found = known.get(int(track.index[i]))
        if found is not None and np.isfinite(found).all():
            camera = found
        shots[path] = Shot(chosen[path], camera @ scale, track.poses[i], float(track.times[i]),
                           parts[i])
    return shots


class LiveShots:
    """The shot of one live pose after another: find_shots for those who do not know what comes.

    The camera stands where the plate's median camera stood.

    count    of frames for each pose
    """

    def __init__(self, index: FrameIndex, plate: Plate, count: int, settings: Body2BodySettings,
                 before: 'LiveShots | None' = None):
        """before: the one so far; if it is of the same run, its parts are searched already."""
        facing = settings.warp.facing
        self.index = index
        self.plate = plate
        self.choice = LiveChoice(index, count, mirrored=True, facing=facing)
        if before is not None and before.index is index:
            self.parts: LiveParts = before.parts
        else:
            self.parts = LiveParts(index.both, settings.parts, index.settings.retrieval,
                                   partial(index.cut, TIGHT), index.parts)
        self.last: Shot | None = None

    def next(self, pose: LivePose) -> Shot | None:
        """None where no pose so far has shown a torso."""
        if not pose.follows:
            self.choice.restart()
            self.parts.restart()
        known = self.index.both
        track = rescaled(pose.track.numbered(known.skeleton), known.size)
        chosen = self.choice.next(track, partial(self.parts.goes_on, track))
        if chosen is None:
            return None
        parts = self.parts.next(track, chosen.strains, pose.elapsed)
        scale = np.diag([*np.divide(self.plate.size, pose.track.size), 1])
        self.last = Shot(chosen.rows, self.plate.locked() @ scale, pose.track.poses[0],
                         float(pose.track.times[0]), parts)
        return self.last

    def likely(self) -> tuple[list[int], dict[str, np.ndarray]]:
        """Rows of whole frames, and {layer: rows} of parts, that the next pose may show; none that
        the last one would not have shown."""
        if self.last is None:
            return [], {}
        far, count = self.last.parts.far, len(self.index.both)
        near = [int(row) + step for step in (0, 1, -1, 2, -2) for row in self.last.rows]
        whole = [row for row in near if 0 <= row < count] if far < 1 else []
        return whole, self.parts.likely if far else {}


def known_cameras(index: FrameIndex, plate: Plate, dataset: BaseDataset,
                  track: PoseTrack) -> Mapping[int, np.ndarray]:
    """{number of a frame: px of it -> px of the plate, float64 (3, 3), NaN where not found} of the
    dataset's frames, if they show the place that the plate shows."""
    if index.is_of(dataset):
        return dict(zip(plate.numbers.tolist(), plate.transforms))
    first = {} if plate.still else dataset.item(0)
    if 'B' not in first or size_of(first['B']) != plate.size:
        return {}
    track = rescaled(track, plate.size)

    def frame(row: int) -> np.ndarray:
        picture: np.ndarray = dataset.item(row)['B']
        return picture

    def people(row: int) -> np.ndarray:
        return covered(track.poses[row], track.joints, track.size, dataset.mask(row))
    frames = LazySequence(len(dataset), frame)
    masks = LazySequence(len(dataset), people)
    found = plate.locate_film(frames, masks, int(track.index[0]))
    return dict(zip(track.index.tolist(), found))
