"""Which of a video's frames to show for each pose of a film: near in pose, and without jumps.

Poses are compared as pose.coverage does, by shape and by which way the body faces.

Shape letters: F poses of the film, T frames to choose from, N candidates, K joints. Costs are
squared distances, in % of the body height, squared.
"""
from collections.abc import Callable

import numpy as np

from pose.coverage import APART, CHUNK, all_distances, heights, shapes
from pose.measures import joint_at
from pose.skeleton import Skeleton
from pose.track import PoseTrack

CANDIDATES = 64     # of each pose: nearly all are neighbours in time of the few best
JUMP = 8.0          # %: how much farther a pose may be, for one frame, to save a jump
FLOWS = 0.1         # seconds that a film may go on or back from frame to frame without a jump


def candidates(source: np.ndarray, training: np.ndarray, skeleton: Skeleton,
               count: int = CANDIDATES, place: float = 0.0,
               allowed: Callable[[slice], np.ndarray] | None = None
               ) -> tuple[np.ndarray, np.ndarray]:
    """The `count` frames nearest to each pose, the nearest first, or all where there are fewer.

    source, training   float (F, K, 3) and (T, K, 3), one of T at least with a torso
    place              how much it counts where the body stands and how large it is: 1 as much as
                       its shape, 0 not at all
    allowed            gives bool (f, T) for a slice of source: which may be chosen. Where that
                       leaves a pose nothing, all may
    Returns            rows int64 (F, N), and their costs float32 (F, N), inf for what may not be
                       chosen. A pose without a torso has those of the pose with one that is
                       nearest in the film
    """
    mine, theirs = shapes(source, skeleton), shapes(training, skeleton)
    count = min(count, int(theirs.seen.sum()))
    rows = np.zeros((len(source), count), np.int64)
    costs = np.zeros((len(source), count), np.float32)
    size = max(1, CHUNK // len(training))
    for start in range(0, len(source), size):
        part = slice(start, start + size)
        cost = all_distances(mine[part], theirs) ** 2
        if place:
            cost = cost + place * places(source[part], training, skeleton)
        if allowed:
            may = allowed(part)
            cost[~may & (may & theirs.seen).any(1, keepdims=True)] = np.inf
        best = np.argpartition(cost, count - 1, axis=1)[:, :count]
        found = np.take_along_axis(cost, best, 1)
        order = found.argsort(1, kind='stable')
        rows[part] = np.take_along_axis(best, order, 1)
        costs[part] = np.take_along_axis(found, order, 1)
    stand_in = nearest_true(mine.seen)
    return rows[stand_in], costs[stand_in]


def places(source: np.ndarray, training: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """float (F, T): how far apart the hips are, and how much the sizes differ, %, squared."""
    mine, theirs = heights(source, skeleton), heights(training, skeleton)
    hips, hips_ = (joint_at(poses, skeleton, 'MidHip')[:, :2] for poses in (source, training))
    size = np.maximum(mine, 1e-6)[:, None]
    apart = np.linalg.norm(hips[:, None] - hips_[None], axis=-1) / size
    larger = np.log(size / np.maximum(theirs, 1e-6))
    return 100 ** 2 * (apart ** 2 + larger ** 2)


def nearest_true(mask: np.ndarray) -> np.ndarray:
    """int64 (F,): for each place the nearest one where `mask` is true; itself where none is."""
    there = np.flatnonzero(mask)
    if not len(there):
        return np.arange(len(mask))
    after = np.searchsorted(there, np.arange(len(mask))).clip(0, len(there) - 1)
    before = (after - 1).clip(0)
    asked = np.arange(len(mask))
    nearer = np.abs(there[before] - asked) <= np.abs(there[after] - asked)
    return np.where(nearer, there[before], there[after])


def best_path(rows: np.ndarray, costs: np.ndarray, training: PoseTrack, shots: np.ndarray,
              weight: float = 1.0) -> np.ndarray:
    """int64 (F,): of each pose's candidates the one that makes the film good as a whole.

    rows, costs   as `candidates` gives them
    training      times and shots of the T frames
    shots         int (F,): the film's own; from one to the next a jump costs nothing
    weight        of the jumps against the poses; 0 takes the nearest frame each time

    The path with the least sum of costs and of `weight` JUMP^2 `leap`, by dynamic programming
    (Viterbi 1967).
    """
    total, came = costs[0].astype(float), np.zeros(rows.shape, np.int64)
    for f in range(1, len(rows)):
        counts = weight * JUMP ** 2 * float(shots[f] == shots[f - 1])
        through = total[:, None] + counts * leap(training, rows[f - 1], rows[f])
        came[f] = through.argmin(0)
        total = through[came[f], np.arange(rows.shape[1])] + costs[f]
    best = np.empty(len(rows), np.int64)
    best[-1] = total.argmin()
    for f in range(len(rows) - 1, 0, -1):
        best[f - 1] = came[f, best[f]]
    return rows[np.arange(len(rows)), best]


def leap(training: PoseTrack, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """float (N, N), 0..1: how much of a jump it is from each frame of `before` to each of `after`.

    None to a frame FLOWS seconds away at most, in either direction; a whole one into another shot
    or to a frame that is no longer a near copy (pose.coverage.APART).
    """
    gap = np.abs(training.times[before][:, None] - training.times[after][None])
    jump = np.clip((gap - FLOWS) / (APART - FLOWS), 0, 1)
    return np.where(training.shots[before][:, None] != training.shots[after][None], 1.0, jump)
