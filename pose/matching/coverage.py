"""How well the poses of one track cover those of another: what a generator has never seen.

Poses are compared by shape alone, never by place or size in the picture: each limb relative to its
root joint, in % of the body height (pose.body). Left and right are distinct, so a back view differs
from a front view; shoulders and hips also give how far the body is turned. Each limb has the same
weight, however many joints it has.

Shape letters: F frames of the source, T of the training video, K joints, J joints compared,
P parts. Distances are in % of the body height.
"""
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pose.body import (
    ARM_JOINTS,
    LEG_JOINTS,
    TRUNK_CORNERS,
    WIDTHS,
    across,
    both_sides,
    heights,
    joint_at,
    sided,
)
from pose.skeleton import Skeleton
from util.sampling import evenly_spaced


@dataclass(frozen=True)
class Limb:
    """Joints measured from `root`; a joint that only one of two poses shows counts as `missing`
    %."""
    joints: tuple[str, ...]
    root: str
    missing: float

    @classmethod
    def of(cls, chain: tuple[str, ...], side: str, missing: float) -> 'Limb':
        """An arm or a leg: its joints measured from the first one."""
        root, *joints = sided(chain, side)
        return cls(tuple(joints), root, missing)


LIMBS = {
    'right arm': Limb.of(ARM_JOINTS, 'R', 15.0),
    'left arm': Limb.of(ARM_JOINTS, 'L', 15.0),
    'right leg': Limb.of(LEG_JOINTS, 'R', 15.0),
    'left leg': Limb.of(LEG_JOINTS, 'L', 15.0),
    'head': Limb(('Nose', *both_sides('Eye', 'Ear')), 'Neck', 6.0),
    'body': Limb(('Neck', *TRUNK_CORNERS), 'MidHip', 10.0)}
JOINTS = tuple(joint for limb in LIMBS.values() for joint in limb.joints)
# What a report names: the limbs of each part, and its smallest limit in %; the last is how far the
# body is turned.
PARTS = {'arms': (('right arm', 'left arm'), 6.0), 'legs': (('right leg', 'left leg'), 6.0),
         'head': (('head',), 3.0), 'body': (('body',), 4.0), 'turn': ((), 8.0)}

TURN = 15.0                   # % for a quarter turn; front against back is twice that

APART = 1.5                   # seconds after which frames of a video are no longer near copies
QUERIES = 1000                # training poses that the usual distance is measured on
FLOOR, CEILING = 3.0, 8.0     # %: bounds of the limit of the whole pose
JOIN = 0.5                    # seconds of covered poses that do not end a span
SHORTEST = 0.2                # seconds; shorter blurs are reported only where none is longer
CHUNK = 20_000_000            # distances held in memory at a time


@dataclass(frozen=True)
class Nearest:
    """The training pose nearest to each source pose.

    rows      int64 (F,)       its row, -1 where the source or all of the training shows no torso
    distance  float64 (F,)     %, NaN there
    parts     float64 (F, P)   % part by part, in the order of PARTS, NaN there
    """
    rows: np.ndarray
    distance: np.ndarray
    parts: np.ndarray


@dataclass(frozen=True)
class Limit:
    """The distance beyond which no training pose resembles a pose: `distance` %, and `parts`
    float (P,) %."""
    distance: float
    parts: np.ndarray


@dataclass(frozen=True)
class Shapes:
    """The shapes by which poses are compared.

    points   float32 (F, J, 2)   % of the body height from the limb's root; 0 where not seen
    there    float32 (F, J)      1 = seen, and the root too
    turn     float32 (F,)        +1 facing the camera, 0 sideways, -1 turned away
    size     float (F,) px       `heights`
    seen     bool (F,)           shows a torso; the others are all zero
    """
    points: np.ndarray
    there: np.ndarray
    turn: np.ndarray
    size: np.ndarray
    seen: np.ndarray

    def __getitem__(self, rows: np.ndarray | slice) -> 'Shapes':
        return Shapes(self.points[rows], self.there[rows], self.turn[rows], self.size[rows],
                      self.seen[rows])


def shapes(poses: np.ndarray, skeleton: Skeleton) -> Shapes:
    """The shapes of poses float (F, K, 3). Any skeleton: only named body joints are used."""
    joints = np.stack([joint_at(poses, skeleton, joint) for joint in JOINTS], 1)
    roots = np.stack([joint_at(poses, skeleton, root) for root in _ROOTS], 1)
    size = heights(poses, skeleton)
    seen = size > 0
    there = (joints[..., 2] > 0) & (roots[..., 2] > 0) & seen[:, None]
    points = 100 * (joints - roots)[..., :2] / np.where(seen, size, 1)[:, None, None]
    turn = turns(poses, skeleton, size)
    return Shapes((points * there[..., None]).astype(np.float32), there.astype(np.float32),
                  turn.astype(np.float32), size, seen)


def turns(poses: np.ndarray, skeleton: Skeleton, size: np.ndarray) -> np.ndarray:
    """float (F,): how far bodies of that size px (F,) are turned, as in Shapes."""
    seen = size > 0
    widths = np.zeros((len(poses), 2))
    for joint in ('Shoulder', 'Hip'):
        left, right = (joint_at(poses, skeleton, side + joint) for side in 'LR')
        widths += (left - right)[:, :2] * ((left[:, 2] > 0) & (right[:, 2] > 0))[:, None]
    turn = across(widths, poses, skeleton) / (WIDTHS * np.where(seen, size, 1))
    return np.clip(turn, -1, 1) * seen


_OF_LIMB = np.array([number for number, limb in enumerate(LIMBS.values()) for _ in limb.joints])
_ROOTS = tuple(limb.root for limb in LIMBS.values() for _ in limb.joints)
SHARE = (1 / np.bincount(_OF_LIMB))[_OF_LIMB].astype(np.float32)    # weight of a joint in its limb
_TOTAL = len(LIMBS) + 1                                             # limbs, and the turn
_MISSING = np.array([limb.missing for limb in LIMBS.values()], np.float32)[_OF_LIMB] ** 2


def factors(pose: Shapes, source: bool, share: np.ndarray = SHARE,
            joints: slice = slice(None)) -> np.ndarray:
    """float32 (F, C): rows whose products with the other side's rows are squared distances, summed
    over joints and the turn, so that one matrix product gives all of them.

    share   float32 (J,): the weight of each joint
    joints  which of JOINTS are summed over

    With m = 1 where a joint is seen, the square of a joint is m m' |p - p'|^2 where both see it and
    (m + m' - 2 m m') missing^2 where one does: a sum of products of what each side knows alone.
    """
    share = share[joints]
    missing = _MISSING[joints]
    weight = share if source else np.ones_like(share)
    seen = pose.there[:, joints]
    points = pose.points[:, joints]
    square = seen * (points ** 2).sum(-1)
    turn = TURN * pose.turn[:, None]
    one = np.ones((len(pose.turn), 1), np.float32)
    along = points * (weight[:, None] * -2 if source else 1)
    alone = (seen * missing) @ share[:, None]           # as if the other saw none of it
    if source:
        columns = [weight * (square - 2 * missing * seen), weight * seen, alone + turn ** 2, one,
                   -2 * turn]
    else:
        columns = [seen, square, one, alone + turn ** 2, turn]
    return np.hstack([along.reshape(len(turn), -1), *columns]).astype(np.float32)


def nearest(source: np.ndarray, training: np.ndarray, skeleton: Skeleton) -> Nearest:
    """The nearest training pose to each source pose; 100,000 training poses take seconds.

    source    float (F, K, 3)
    training  float (T, K, 3)
    """
    mine, theirs = shapes(source, skeleton), shapes(training, skeleton)
    rows = _nearest_rows(mine, theirs)
    return Nearest(rows, *_distances(mine, theirs, rows))


def usual(training: np.ndarray, times: np.ndarray, skeleton: Skeleton) -> Limit:
    """The limit that a training video sets by itself.

    training  float (T, K, 3)
    times     float (T,) s

    A generator interpolates well about as far as the video's own poses are from each other once
    near copies are left out: 95 % of them have another one within that distance, more than APART
    seconds away. By that alone a video that never repeats a pose would cover everything, and one
    that stands still nothing: hence CEILING and FLOOR.
    """
    least = np.array([limit for _, limit in PARTS.values()])
    there = shapes(training, skeleton)
    query = np.flatnonzero(there.seen)
    query = query[evenly_spaced(len(query), QUERIES)]
    mine = there[query]

    def no_near_copy(rows: slice) -> np.ndarray:
        return np.abs(times[query][rows, None] - times[None]) > APART
    nearest_rows = _nearest_rows(mine, there, no_near_copy)
    distance, parts = _distances(mine, there, nearest_rows)
    if np.isnan(distance).all():            # shorter than APART
        return Limit(FLOOR, least)
    found = float(np.nanpercentile(distance, 95))
    limit = min(max(found, FLOOR), CEILING)
    shrunk = min(1.0, limit / found) if found else 1.0
    return Limit(limit, np.maximum(shrunk * np.nanpercentile(parts, 95, axis=0), least))


def spans(times: np.ndarray, mask: np.ndarray, step: float = 0.0) -> list[tuple[float, float]]:
    """The spans of time in which `mask` is true: (start, end) in seconds.

    times  float (F,) s, increasing
    mask   bool (F,)
    step   seconds that a frame lasts

    False for no longer than JOIN seconds does not end a span.
    """
    found: list[tuple[float, float]] = []
    for time in np.asarray(times)[mask].tolist():
        if found and time - found[-1][1] <= JOIN + 1e-9:
            found[-1] = found[-1][0], time + step
        else:
            found.append((time, time + step))
    return found


def expected(times: np.ndarray, near: Nearest, limit: Limit,
             step: float = 0.0) -> dict[str, list[tuple[float, float]]]:
    """What will be painted badly, and when: {part: spans}, the part with the longest spans first.

    times  float (F,) s, increasing
    """
    far = near.distance > limit.distance                # false for NaN
    part = far_part(times, near, limit)
    found, long = {}, {}
    for number, name in enumerate(PARTS):
        found[name] = spans(times, far & (part == number), step)
        long[name] = [(a, b) for a, b in found[name] if b - a >= SHORTEST]
    found = long if any(long.values()) else found
    order = sorted(found, key=lambda name: -sum(b - a for a, b in found[name]))
    return {name: found[name] for name in order if found[name]}


def far_part(times: np.ndarray, near: Nearest, limit: Limit) -> np.ndarray:
    """int (F,): the number of the part that exceeds its own limit most, over the JOIN seconds
    around: the worst part of a pose does not change from frame to frame."""
    excess = np.nan_to_num(near.parts ** 2 - limit.parts ** 2)
    sums = np.concatenate([np.zeros((1, len(PARTS))), np.cumsum(excess, 0)])
    first = np.searchsorted(times, times - JOIN / 2, 'left')
    last = np.searchsorted(times, times + JOIN / 2, 'right')
    return (sums[last] - sums[first]).argmax(1)


def _nearest_rows(mine: Shapes, theirs: Shapes,
                  allowed: Callable[[slice], np.ndarray] | None = None) -> np.ndarray:
    """int64 (F,): the nearest row of `theirs`, -1 for none; `allowed` gives bool (f, T)."""
    nearest_rows = np.full(len(mine.seen), -1, np.int64)
    if not theirs.seen.any():
        return nearest_rows
    left = factors(mine, True)
    right = factors(theirs, False).T.copy()
    size = max(1, CHUNK // len(theirs.seen))
    for start in range(0, len(nearest_rows), size):
        rows = slice(start, start + size)
        squares = left[rows] @ right
        squares[:, ~theirs.seen] = np.inf
        if allowed:
            squares[~allowed(rows)] = np.inf
        best = squares.argmin(1)
        there = np.isfinite(squares[np.arange(len(best)), best]) & mine.seen[rows]
        nearest_rows[rows] = np.where(there, best, -1)
    return nearest_rows


def _distances(mine: Shapes, theirs: Shapes,
               rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distances (F,) and part by part (F, P), %, to those rows; NaN for row -1."""
    other = theirs[np.maximum(rows, 0)] if len(theirs.seen) else mine
    both = mine.there * other.there
    only_one = np.abs(mine.there - other.there)
    squares = both * ((mine.points - other.points) ** 2).sum(-1) + only_one * _MISSING
    limbs = np.stack([(squares * SHARE)[:, k == _OF_LIMB].sum(1) for k in range(len(LIMBS))], 1)
    turn = (TURN * (mine.turn - other.turn)) ** 2
    names = list(LIMBS)
    parts = []
    for limbs_of_part, _ in PARTS.values():
        numbers = [names.index(limb) for limb in limbs_of_part]
        parts.append(limbs[:, numbers].max(1) if numbers else turn)
    nothing = np.where(rows < 0, np.nan, 0.0)
    return (np.sqrt((limbs.sum(1) + turn) / _TOTAL) + nothing,
            np.sqrt(np.stack(parts, 1)) + nothing[:, None])
