"""Chooses frames for live poses, one after another, without knowing the poses to come."""
from collections.abc import Callable

import numpy as np

from pose.matching.coverage import APART
from pose.matching.retrieval import PoseIndex, RetrievalSettings, leap
from pose.track import PoseTrack


class OnlinePath:
    """Chooses a frame for one live pose after another.

    index, training   the poses searched, and their track
    place             as in PoseIndex.costs
    weight            as in pose.matching.retrieval.best_path
    price             float32 (T,), 0 or more: added to the cost of each frame; None adds nothing
    """

    def __init__(self, index: PoseIndex, training: PoseTrack, place: float = 0.0,
                 weight: float = 1.0, price: np.ndarray | None = None):
        self.index = index
        self.place = place
        self.price = price
        self.follower = Follower(training, index.settings, weight)

    @property
    def shown(self) -> int:
        """The row chosen last, -1 where there was none."""
        return self.follower.shown

    def next(self, pose: np.ndarray, depth: np.ndarray | None = None) -> int:
        """The row for a pose (K, 3); for one without a torso that of the pose before it, -1 where
        there was none."""
        search = self.index.search(pose, self.place, depth, self.price)
        if search is None:
            return self.shown
        return self.follower.next(*search.nearest(), search.costs)


class Follower:
    """Goes on near the frame that was chosen last, or jumps to another.

    training   the frames
    weight     of a jump

    This is the ski-rental rule: jump once the accumulated extra cost of going on equals the cost of
    a jump.
    """

    def __init__(self, training: PoseTrack, settings: RetrievalSettings, weight: float = 1.0):
        self.training = training
        self.settings = settings
        self.jump = weight * settings.jump ** 2
        self.shown = -1
        self.extra = 0.0
        self.order = np.lexsort((training.times, training.shots))      # shot by shot, in time
        self.shots = training.shots[self.order]
        self.times = training.times[self.order]

    def next(self, row: int, least: float, costs: Callable[[np.ndarray], np.ndarray]) -> int:
        """The row to show.

        row, least   the frame of the least cost, and that cost
        costs        gives those of any rows
        """
        if self.shown < 0:
            self.shown = row
            return row
        price = max(self.jump - self.extra, 0)
        near = self.near(self.shown)
        nearby = costs(near)
        jumps = leap(self.training, np.array([self.shown]), near, self.settings)[0]
        total = nearby + price * jumps
        best = total.argmin()
        if (total[best], near[best]) <= (least + price, row):
            self.shown = int(near[best])
            self.extra = (1 - jumps[best]) * (self.extra + nearby[best] - least)
        else:               # a whole jump, to the nearest frame of all
            self.shown = row
            self.extra = 0.0
        return self.shown

    def near(self, row: int) -> np.ndarray:
        """int64 (N,), ascending: the frames to which it is less than a whole jump from `row`."""
        shot = self.training.shots[row]
        time = self.training.times[row]
        start, end = np.searchsorted(self.shots, [shot, shot + 1])
        times = self.times[start:end]
        first = start + np.searchsorted(times, time - APART, 'left')
        last = start + np.searchsorted(times, time + APART, 'right')
        return np.sort(self.order[first:last])
