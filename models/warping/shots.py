"""The shot of each pose to paint: the frames that show it, and the camera's transform."""
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from data.base_dataset import BaseDataset
from models.warping.frame_index import FrameIndex, LazySequence, track_of
from models.warping.selection import choose
from pose.silhouette import person_mask
from pose.track import PoseTrack
from scene.background import Plate
from util.images import size_of


class Shot(NamedTuple):
    """What is known of a pose to paint.

    rows    int64 (N,) of index.both: the frames that are shown, the best first
    camera  float64 (3, 3): px of the dataset's picture -> px of the background plate
    pose    float32 (K, 3), in px of the dataset's picture
    time    s
    """
    rows: np.ndarray
    camera: np.ndarray
    pose: np.ndarray
    time: float


def find_shots(index: FrameIndex, plate: Plate, dataset: BaseDataset, count: int, fitted: bool,
               facing: float) -> dict[str, Shot]:
    """{path: shot} of every pose. The camera is that of the dataset's own frame where it shows the
    plate's place, else that of the last such frame, and before the first one the plate's median.

    count, fitted, facing   as of selection.choose
    """
    chosen = choose(index, dataset, count, fitted, mirrored=True, facing=facing)
    track = track_of(dataset)
    known = known_cameras(index, plate, dataset, track)
    scale = np.diag([*np.divide(plate.size, track.size), 1])
    camera: np.ndarray | None = None
    shots = {}
    for i in range(len(dataset)):
        found = known.get(int(track.index[i]))
        if found is not None and np.isfinite(found).all():
            camera = found
        here = plate.locked() if camera is None else camera
        path = str(dataset.path(i))
        shots[path] = Shot(chosen[path], here @ scale, track.poses[i], float(track.times[i]))
    return shots


def known_cameras(index: FrameIndex, plate: Plate, dataset: BaseDataset,
                  track: PoseTrack) -> Mapping[int, np.ndarray]:
    """{number of a frame: px of it -> px of the plate, float64 (3, 3), NaN where not found} of the
    dataset's frames, if they show the place that the plate shows."""
    if index.is_of(dataset):
        return dict(zip(plate.numbers.tolist(), plate.transforms))
    first = {} if plate.still else dataset.item(0)
    if 'B' not in first or size_of(first['B']) != plate.size:
        return {}

    def frame(row: int) -> np.ndarray:
        picture: np.ndarray = dataset.item(row)['B']
        return picture

    def mask(row: int) -> np.ndarray:
        return person_mask(track.poses[row], track.joints, track.size)
    frames = LazySequence(len(dataset), frame)
    masks = LazySequence(len(dataset), mask)
    found = plate.locate_film(frames, masks, int(track.index[0]))
    return dict(zip(track.index.tolist(), found))
