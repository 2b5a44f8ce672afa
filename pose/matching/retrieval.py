"""Which of a video's frames to show for each pose of a film: near in pose, and without jumps.

Poses are compared as coverage does, by shape and by which way the body faces, with two
differences. To the left is not to the right: of who stands sideways the joints alone say little of
that, so the side is a measure of its own. And what a frame is chosen for is to be bent into the
pose, which puts right the end of a limb sooner than its middle, but not how the trunk and the head
are turned: WEIGHTS.

Shape letters: F poses of the film, T frames to choose from, N candidates, K joints. Costs are
squared distances, in % of the body height, squared.
"""
from collections.abc import Callable

import numpy as np

from pose.body import WIDTHS, across, heights, joint_at
from pose.matching.coverage import APART, CHUNK, JOINTS, LIMBS, Shapes, factors, shapes
from pose.skeleton import Skeleton
from pose.track import PoseTrack

CANDIDATES = 64     # of each pose: nearly all are neighbours in time of the few best
JUMP = 8.0          # %: how much farther a pose may be, for one frame, to save a jump
FLOWS = 0.1         # seconds that a film may go on or back from frame to frame without a jump
BLOCKS = 1024       # that costs are parted into to find the least of them
SIDE = 26.0         # % between facing the camera and facing left or right; less, and a man who
                    # faced left in profile was given a woman who faces right
NOSE = 2.0          # % of the body height that the nose is beside the ears of who looks sideways

# How much each joint counts, right and left alike. Bent into 320 poses of a filmed tai chi form,
# the frames chosen so were 1 % nearer the truth (LPIPS) than with all joints of a limb alike.
WEIGHTS = {'Elbow': 0.5, 'Wrist': 0.25, 'Knee': 0.5, 'Ankle': 0.25, 'Shoulder': 0.6, 'Hip': 0.6,
           'Neck': 0.6, 'Nose': 0.5, 'Eye': 0.5, 'Ear': 0.5}
SHARE = np.array([WEIGHTS.get(joint) or WEIGHTS[joint[1:]] for joint in JOINTS], np.float32)
TOTAL = len(LIMBS) + 1       # as in pose.matching.coverage, so that costs are about as large


class PoseIndex:
    """The poses of a video, to be searched: 100,000 for one pose in a millisecond or two.

    poses     float (T, K, 3), one of them at least with a torso
    skeleton  what the K joints are
    depth     float (T, K) px as a PoseTrack has it; without it the face tells the side
    side      % between facing the camera and facing left or right

    All that a cost is a sum of is a product of what each of the two poses knows alone, so that one
    matrix product gives the costs of all frames. float32 keeps them within 0.01 %^2 and a
    100,000th of the exact ones.
    """

    def __init__(self, poses: np.ndarray, skeleton: Skeleton, depth: np.ndarray | None = None,
                 side: float = SIDE):
        self.skeleton, self.side = skeleton, side
        body = shapes(poses, skeleton)
        stance = stances(poses, body, skeleton)
        self.unseen = np.flatnonzero(~body.seen)
        self.most = int(body.seen.sum())
        self.middle = np.median(stance[body.seen], axis=0)
        self.columns = np.hstack([
            factors(body, False, SHARE),
            side_factors(side * sides(poses, body, skeleton, depth), False),
            stance_factors(stance - self.middle)], dtype=np.float32).T.copy()

    def costs(self, source: np.ndarray, place: float = 0.0,
              depth: np.ndarray | None = None) -> np.ndarray:
        """float32 (F, T): how unlike each frame is each pose (F, K, 3), depth (F, K) or None; inf
        where the frame shows no torso, of no meaning where the pose shows none.

        place  how much it counts where the body stands and how large it is: 1 as much as its
               shape, 0 not at all
        """
        body = shapes(source, self.skeleton)
        rows = [factors(body, True, SHARE),
                side_factors(self.side * sides(source, body, self.skeleton, depth), True)]
        if place:
            stance = stances(source, body, self.skeleton)
            rows.append(place * TOTAL * stance_factors(stance - self.middle, np.exp(stance[:, 2])))
        row = np.hstack(rows, dtype=np.float32) / np.float32(TOTAL)
        found = row @ self.columns[:row.shape[1]]
        np.maximum(found, 0, out=found)
        found[:, self.unseen] = np.inf
        return found

    def candidates(self, source: np.ndarray, count: int = CANDIDATES, place: float = 0.0,
                   allowed: Callable[[slice], np.ndarray] | None = None,
                   depth: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The `count` frames nearest to each pose, the nearest first, or all where there are fewer.

        source, place, depth   as in `costs`
        allowed                gives bool (f, T) for a slice of source: which may be chosen. Where
                               that leaves a pose nothing, all may
        Returns                rows int64 (F, N), and their costs float32 (F, N), inf for what may
                               not be chosen. A pose without a torso has those of the pose with one
                               that is nearest in the film
        """
        count = min(count, self.most)
        rows = np.zeros((len(source), count), np.int64)
        costs = np.zeros((len(source), count), np.float32)
        size = max(1, CHUNK // self.columns.shape[1])
        for start in range(0, len(source), size):
            part = slice(start, start + size)
            every = self.costs(source[part], place, None if depth is None else depth[part])
            if allowed:
                may = allowed(part)
                every[~may & (may & np.isfinite(every)).any(1, keepdims=True)] = np.inf
            rows[part] = [least(cost, count) for cost in every]
            costs[part] = np.take_along_axis(every, rows[part], 1)
        stand_in = nearest_true(heights(source, self.skeleton) > 0)
        return rows[stand_in], costs[stand_in]

    def nearest(self, pose: np.ndarray, place: float = 0.0,
                depth: np.ndarray | None = None) -> tuple[int, float]:
        """The row of the frame nearest to one pose (K, 3), and its cost; -1 and inf where the pose
        shows no torso. place, depth (K,): as in `costs`."""
        cost = self.costs_of_one(pose, place, depth)
        row = -1 if cost is None else int(cost.argmin())
        return row, np.inf if cost is None else float(cost[row])

    def costs_of_one(self, pose: np.ndarray, place: float,
                     depth: np.ndarray | None) -> np.ndarray | None:
        """float32 (T,): `costs` of one pose (K, 3), depth (K,); None where it shows no torso."""
        if not heights(pose[None], self.skeleton)[0]:
            return None
        return self.costs(pose[None], place, None if depth is None else depth[None])[0]


def least(costs: np.ndarray, count: int) -> np.ndarray:
    """int64 (count,): where the least of costs (T,) are, the least first.

    Of as many blocks as are asked for, each one's least is no less than what is looked for: the
    rest is left out unsorted.
    """
    blocks = max(count, BLOCKS)
    whole = len(costs) // blocks * blocks
    if not whole:
        return costs.argsort(kind='stable')[:count]
    bound = np.partition(costs[:whole].reshape(-1, blocks).min(0), count - 1)[count - 1]
    rows = np.flatnonzero(costs <= bound)
    return rows[costs[rows].argsort(kind='stable')[:count]]


def sides(poses: np.ndarray, body: Shapes, skeleton: Skeleton,
          depth: np.ndarray | None = None) -> np.ndarray:
    """float (F,): 1 for a body that faces the picture's right, -1 its left, 0 where it faces the
    camera or turns its back on it; NaN where nothing tells.

    Whose right shoulder and hip are the nearer ones faces right. Without depth, whose nose is to
    the right of the ears, or who shows no more of the face than the right ear.
    `body` are the poses' own shapes.
    """
    size = np.where(body.seen, body.size, np.nan)
    nose, right, left = (joint_at(poses, skeleton, joint) for joint in ('Nose', 'REar', 'LEar'))
    ears = (right[:, 2] > 0).astype(float), (left[:, 2] > 0).astype(float)
    count = np.where(ears[0] + ears[1] > 0, ears[0] + ears[1], np.nan)
    between = (right[:, :2] * ears[0][:, None] + left[:, :2] * ears[1][:, None]) / count[:, None]
    looks = 100 / NOSE * across(nose[:, :2] - between, poses, skeleton) / size
    lone = np.where(count == 1, ears[0] - ears[1], np.nan)
    way = np.where(nose[:, 2] > 0, looks, lone)
    if depth is not None:
        nearer = sum(depth[:, skeleton.index(f'L{joint}')] - depth[:, skeleton.index(f'R{joint}')]
                     for joint in ('Shoulder', 'Hip')) / (WIDTHS * size)
        way = np.where(np.isfinite(nearer), nearer, way)
    return np.sqrt(1 - body.turn ** 2) * np.tanh(way)


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
    one, (x, y, log) = np.ones(len(stance)), stance.T
    far = x ** 2 + y ** 2
    if size is None:
        return np.stack([one, far, x, y, log ** 2, log], 1)
    per = 1 / size ** 2
    return 100 ** 2 * np.stack(
        [far * per + log ** 2, per, -2 * x * per, -2 * y * per, one, -2 * log], 1)


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

    rows, costs   as PoseIndex.candidates gives them
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
    or to a frame that is no longer a near copy (pose.matching.coverage.APART).
    """
    gap = np.abs(training.times[before][:, None] - training.times[after][None])
    jump = np.clip((gap - FLOWS) / (APART - FLOWS), 0, 1)
    return np.where(training.shots[before][:, None] != training.shots[after][None], 1.0, jump)


class OnlinePath:
    """Chooses a frame for one live pose after another, knowing none of those to come.

    index, training   the poses searched, and their track
    place             as in PoseIndex.costs
    weight            as in best_path

    It flows on from the frame shown until by that it has lost, pose by pose, as much as a jump
    costs. So does who rents skis, not knowing for how long, until the rent has come to their price.
    """

    def __init__(self, index: PoseIndex, training: PoseTrack, place: float = 0.0,
                 weight: float = 1.0):
        self.index, self.training, self.place, self.weight = index, training, place, weight
        self.shown, self.lost = -1, 0.0

    def next(self, pose: np.ndarray, depth: np.ndarray | None = None) -> int:
        """The row for a pose (K, 3); for one without a torso that of the pose before it, -1 where
        there was none."""
        cost = self.index.costs_of_one(pose, self.place, depth)
        if cost is None:
            return self.shown
        jumps = np.zeros(len(cost))
        if self.shown >= 0:
            jumps = leap(self.training, np.array([self.shown]), np.arange(len(cost)))[0]
        price = max(self.weight * JUMP ** 2 - self.lost, 0)
        self.shown = int((cost + price * jumps).argmin())
        self.lost = (1 - jumps[self.shown]) * (self.lost + cost[self.shown] - cost.min())
        return self.shown
