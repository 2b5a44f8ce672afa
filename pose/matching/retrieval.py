"""Chooses the frame of a video to show for each pose of a sequence: near in pose, without jumps.

Poses are compared as in coverage.py, by shape and by how far the body is turned, with two
differences. Facing left differs from facing right: of a person seen sideways the joints alone say
little about that, so the side is a measure of its own. And the chosen frame is warped into the
pose, which corrects the end of a limb more easily than its middle, but not how trunk and head are
turned: WEIGHTS.

Shape letters: F poses of the sequence, T frames to choose from, N candidates, K joints. Costs are
squared distances, in % of the body height, squared.
"""
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from pose.body import WIDTHS, across, heights, joint_at
from pose.matching.coverage import APART, CHUNK, JOINTS, LIMBS, Shapes, factors, shapes
from pose.skeleton import Skeleton
from pose.track import PoseTrack


@dataclass(frozen=True)
class RetrievalSettings:
    """What an experiment may change about the choice of frames.

    candidates   frames considered for each pose; nearly all are neighbours in time of the best few
    jump         %: how much farther a pose may be, for one frame, to avoid a jump
    flow         seconds that one frame may go on or back from the last without a jump
    side         % between facing the camera and facing left or right; a smaller value matched a
                 left-facing profile to a right-facing frame
    nose         % of the body height between the nose and the ears of a person seen sideways
    """
    candidates: int = 64
    jump: float = 8.0
    flow: float = 0.1
    side: float = 26.0
    nose: float = 2.0


SETTINGS = RetrievalSettings()
BLOCKS = 1024       # into which costs are divided to find the least of them
ROUNDING = 0.05     # %^2: more than float32 changes a cost by
# The costs of arms and legs tell most poses apart. Of 100,000 made-up poses the best STARTS leave
# 450 to compare further, and 2,000 in one of twenty searches; the best one alone leaves 2,000 and
# 23,000.
STARTS = 64
FIRST = slice(0, sum(len(LIMBS[f'{side} {limb}'].joints)
                     for limb in ('arm', 'leg') for side in ('right', 'left')))
THEN = slice(FIRST.stop, None)

# The weight of each joint, right and left alike. Warped into 320 poses of a filmed tai chi form,
# the frames chosen with these were 1 % nearer to the truth (LPIPS) than with equal weights within
# a limb.
WEIGHTS = {'Elbow': 0.5, 'Wrist': 0.25, 'Knee': 0.5, 'Ankle': 0.25, 'Shoulder': 0.6, 'Hip': 0.6,
           'Neck': 0.6, 'Nose': 0.5, 'Eye': 0.5, 'Ear': 0.5}
SHARE = np.array([WEIGHTS.get(joint) or WEIGHTS[joint[1:]] for joint in JOINTS], np.float32)
TOTAL = len(LIMBS) + 1       # as in pose.matching.coverage, so that costs are about as large


class PoseIndex:
    """The poses of a video, ready for searching: 100,000 for one pose in a millisecond.

    poses     float (T, K, 3), at least one of them with a torso
    skeleton  the numbering of the K joints
    depth     float (T, K) px as a PoseTrack has it; without it the face gives the side

    A cost is a sum of products of what each of the two poses knows alone, so that a matrix product
    gives the costs of all frames. float32 keeps them within 0.01 %^2 and a 100,000th of the exact
    ones.

    first     float32 (C, T): the factors of arms and legs, of how the body is turned, and of place
    then      float32 (T, D): those of head and trunk, which add to the cost
    """

    def __init__(self, poses: np.ndarray, skeleton: Skeleton, depth: np.ndarray | None = None,
                 settings: RetrievalSettings = SETTINGS):
        self.skeleton = skeleton
        self.settings = settings
        body = shapes(poses, skeleton)
        stance = stances(poses, body, skeleton)
        self.unseen = np.flatnonzero(~body.seen)
        self.most = int(body.seen.sum())
        self.middle = np.median(stance[body.seen], axis=0)
        self.first = np.hstack([
            factors(body, False, SHARE, FIRST),
            side_factors(self._sides(poses, body, depth), False),
            stance_factors(stance - self.middle)], dtype=np.float32).T.copy()
        self.then = factors(unturned(body), False, SHARE, THEN)

    def _sides(self, poses: np.ndarray, body: Shapes, depth: np.ndarray | None) -> np.ndarray:
        """float (F,) %: `sides`, weighted."""
        way = sides(poses, body, self.skeleton, depth, self.settings.nose)
        return self.settings.side * way

    def costs(self, source: np.ndarray, place: float = 0.0,
              depth: np.ndarray | None = None) -> np.ndarray:
        """float32 (F, T): how unlike each frame is each pose (F, K, 3), depth (F, K) or None; inf
        where the frame shows no torso, of no meaning where the pose shows none.

        place  weight of the body's place and size in the picture: 1 as much as its shape, 0 none
        """
        first, then = self._rows(source, shapes(source, self.skeleton), place, depth)
        found = first @ self.first[:first.shape[1]]
        found += then @ self.then.T
        np.maximum(found, 0, out=found)
        found[:, self.unseen] = np.inf
        return found

    def _rows(self, source: np.ndarray, body: Shapes, place: float,
              depth: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """float32 (F, C or fewer) and (F, D): what `first` and `then` are multiplied by. body: the
        shapes of source."""
        rows = [factors(body, True, SHARE, FIRST),
                side_factors(self._sides(source, body, depth), True)]
        if place:
            stance = stances(source, body, self.skeleton)
            rows.append(place * TOTAL * stance_factors(stance - self.middle, np.exp(stance[:, 2])))
        then = factors(unturned(body), True, SHARE, THEN)
        return np.hstack(rows, dtype=np.float32) / np.float32(TOTAL), then / np.float32(TOTAL)

    def candidates(self, source: np.ndarray, count: int | None = None, place: float = 0.0,
                   allowed: Callable[[slice], np.ndarray] | None = None,
                   depth: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The `count` frames nearest to each pose, the nearest first, or all where there are fewer.

        count                  None takes that of the settings
        source, place, depth   as in `costs`
        allowed                gives bool (f, T) for a slice of source: which may be chosen. A pose
                               for which none may be chosen may choose any
        Returns                rows int64 (F, N), and their costs float32 (F, N), inf for frames
                               that may not be chosen. A pose without a torso has those of the
                               nearest pose in the sequence that shows one
        """
        count = min(count or self.settings.candidates, self.most)
        found = np.zeros((len(source), count), np.int64)
        costs = np.zeros((len(source), count), np.float32)
        size = max(1, CHUNK // len(self.then))
        for start in range(0, len(source), size):
            rows = slice(start, start + size)
            every = self.costs(source[rows], place, None if depth is None else depth[rows])
            if allowed:
                may = allowed(rows)
                every[~may & (may & np.isfinite(every)).any(1, keepdims=True)] = np.inf
            found[rows] = [least(cost, count) for cost in every]
            costs[rows] = np.take_along_axis(every, found[rows], 1)
        stand_in = nearest_true(heights(source, self.skeleton) > 0)
        return found[stand_in], costs[stand_in]

    def nearest(self, pose: np.ndarray, place: float = 0.0,
                depth: np.ndarray | None = None) -> tuple[int, float]:
        """The row of the frame nearest to one pose (K, 3), and its cost; -1 and inf where the pose
        shows no torso. place, depth (K,): as in `costs`."""
        search = self.search(pose, place, depth)
        return search.nearest() if search else (-1, np.inf)

    def search(self, pose: np.ndarray, place: float = 0.0, depth: np.ndarray | None = None,
               price: np.ndarray | None = None) -> 'Search | None':
        """The costs of one pose (K, 3), depth (K,), found where they are asked for; None where it
        shows no torso. price: float32 (T,), 0 or more, added to each."""
        body = shapes(pose[None], self.skeleton)
        if not body.seen[0]:
            return None
        first, then = self._rows(pose[None], body, place, None if depth is None else depth[None])
        return Search(self, first[0], then[0], price)


class Search:
    """One pose compared with those of an index: a part of every cost at once, the rest where it
    can matter.

    least   float32 (T,): no cost is below these; inf for frames without a torso
    """

    def __init__(self, index: PoseIndex, first: np.ndarray, then: np.ndarray,
                 price: np.ndarray | None = None):
        self.index = index
        self.then = then
        self.least = first @ index.first[:len(first)]
        if price is not None:
            self.least += price
        self.least[index.unseen] = np.inf

    def costs(self, rows: np.ndarray) -> np.ndarray:
        """float32 (N,): the costs of these rows, as PoseIndex.costs."""
        return np.maximum(self.least[rows] + self.index.then[rows] @ self.then, 0)

    def nearest(self) -> tuple[int, float]:
        """The row of the frame with the least cost, and that cost."""
        bound = self.costs(least(self.least, STARTS)).min()
        rows = np.flatnonzero(self.least <= bound + ROUNDING)
        costs = self.costs(rows)
        best = costs.argmin()
        return int(rows[best]), float(costs[best])


def unturned(body: Shapes) -> Shapes:
    """The shapes of bodies that are all turned alike."""
    return replace(body, turn=np.zeros_like(body.turn))


def least(costs: np.ndarray, count: int) -> np.ndarray:
    """int64 (count,): where the least of costs (T,) are, the least first.

    Costs are divided into at least `count` blocks. The count-th least of the blocks' minima bounds
    the costs searched for; everything above it is left out unsorted.
    """
    blocks = max(count, BLOCKS)
    whole = len(costs) // blocks * blocks
    if not whole:
        return costs.argsort(kind='stable')[:count]
    bound = np.partition(costs[:whole].reshape(-1, blocks).min(0), count - 1)[count - 1]
    rows = np.flatnonzero(costs <= bound)
    return rows[costs[rows].argsort(kind='stable')[:count]]


def sides(poses: np.ndarray, body: Shapes, skeleton: Skeleton, depth: np.ndarray | None = None,
          nose: float = SETTINGS.nose) -> np.ndarray:
    """float (F,): 1 for a body that faces the right of the picture, -1 the left, 0 for one that
    faces the camera or turns its back on it; NaN where nothing tells.

    A body whose right shoulder and hip are the nearer ones faces right. So does, without depth, one
    whose nose is to the right of the ears, or that shows no more of the face than the right ear.

    body  the shapes of the poses
    nose  as in RetrievalSettings
    """
    return sides_of(poses, body.size, body.turn, skeleton, depth, nose)


def sides_of(poses: np.ndarray, size: np.ndarray, turn: np.ndarray, skeleton: Skeleton,
             depth: np.ndarray | None, nose: float = SETTINGS.nose) -> np.ndarray:
    """`sides`, by the size px (F,), 0 where no body is seen, and the turn (F,) of the shapes."""
    size = np.where(size > 0, size, np.nan)
    tip, right, left = (joint_at(poses, skeleton, joint) for joint in ('Nose', 'REar', 'LEar'))
    right_seen, left_seen = ((ear[:, 2] > 0).astype(float) for ear in (right, left))
    count = np.where(right_seen + left_seen > 0, right_seen + left_seen, np.nan)
    ears = right[:, :2] * right_seen[:, None] + left[:, :2] * left_seen[:, None]
    ears = ears / count[:, None]
    by_nose = 100 / nose * across(tip[:, :2] - ears, poses, skeleton) / size
    by_ear = np.where(count == 1, right_seen - left_seen, np.nan)
    way = np.where(tip[:, 2] > 0, by_nose, by_ear)
    if depth is not None:
        nearer = sum(depth[:, skeleton.index(f'L{joint}')] - depth[:, skeleton.index(f'R{joint}')]
                     for joint in ('Shoulder', 'Hip')) / (WIDTHS * size)
        way = np.where(np.isfinite(nearer), nearer, way)
    return np.sqrt(1 - turn ** 2) * np.tanh(way)


def side_factors(side: np.ndarray, source: bool) -> np.ndarray:
    """(F, 3): rows whose products are (s - s')^2 where both are known, else 0."""
    known = np.isfinite(side)
    side = np.where(known, side, 0)
    square = side ** 2
    return np.stack([square, known, -2 * side] if source else [known, square, side], 1)


def stances(poses: np.ndarray, body: Shapes, skeleton: Skeleton) -> np.ndarray:
    """float (F, 3): where the hips are, px, and the logarithm of the body height."""
    size = np.maximum(body.size, 1e-6)
    return np.column_stack([joint_at(poses, skeleton, 'MidHip')[:, :2], np.log(size)])


def stance_factors(stance: np.ndarray, size: np.ndarray | None = None) -> np.ndarray:
    """(F, 6): rows whose products are how far apart the hips are and how much the sizes differ, in
    % of the source's body height, squared.

    size  float (F,) px: the source's heights, None for the frames to choose from
    """
    one = np.ones(len(stance))
    x, y, log = stance.T
    far = x ** 2 + y ** 2
    if size is None:
        return np.stack([one, far, x, y, log ** 2, log], 1)
    per = 1 / size ** 2
    return 100 ** 2 * np.stack(
        [far * per + log ** 2, per, -2 * x * per, -2 * y * per, one, -2 * log], 1)


def nearest_true(mask: np.ndarray) -> np.ndarray:
    """int64 (F,): for each place the nearest one where `mask` is true; itself where none is."""
    places = np.arange(len(mask))
    there = np.flatnonzero(mask)
    if not len(there):
        return places
    after = np.searchsorted(there, places).clip(0, len(there) - 1)
    before = (after - 1).clip(0)
    nearer = np.abs(there[before] - places) <= np.abs(there[after] - places)
    return np.where(nearer, there[before], there[after])


def best_path(rows: np.ndarray, costs: np.ndarray, training: PoseTrack, shots: np.ndarray,
              weight: float = 1.0, settings: RetrievalSettings = SETTINGS) -> np.ndarray:
    """int64 (F,): of each pose's candidates the one that makes the best sequence as a whole.

    rows, costs   as PoseIndex.candidates gives them
    training      times and shots of the T frames
    shots         int (F,): the sequence's own; from one to the next a jump costs nothing
    weight        of the jumps against the poses; 0 takes the nearest frame each time

    The path with the least sum of costs and of `weight` jump^2 `leap`, by dynamic programming
    (Viterbi 1967).
    """
    total = costs[0].astype(float)
    came_from = np.zeros(rows.shape, np.int64)
    for f in range(1, len(rows)):
        price = weight * settings.jump ** 2 * float(shots[f] == shots[f - 1])
        through = total[:, None] + price * leap(training, rows[f - 1], rows[f], settings)
        came_from[f] = through.argmin(0)
        total = through[came_from[f], np.arange(rows.shape[1])] + costs[f]
    best = np.empty(len(rows), np.int64)
    best[-1] = total.argmin()
    for f in range(len(rows) - 1, 0, -1):
        best[f - 1] = came_from[f, best[f]]
    return rows[np.arange(len(rows)), best]


def leap(training: PoseTrack, before: np.ndarray, after: np.ndarray,
         settings: RetrievalSettings = SETTINGS) -> np.ndarray:
    """float (N, N), 0..1: how much of a jump it is from each frame of `before` to each of `after`.

    0 to a frame at most `flow` seconds away, in either direction; 1 into another shot or to a
    frame that is no longer a near copy (pose.matching.coverage.APART).
    """
    gap = np.abs(training.times[before][:, None] - training.times[after][None])
    jump = np.clip((gap - settings.flow) / (APART - settings.flow), 0, 1)
    return np.where(training.shots[before][:, None] != training.shots[after][None], 1.0, jump)
