"""How well the poses of one track cover those of another: what a generator has never been shown.

A pose is compared by its shape alone, never by its place or size in the picture: each limb from
where it hangs on the body, in % of the body height (nose, neck, hips and ankle laid end to end).
Left and right are told apart, so a back is no front; shoulders and hips say besides how far the
body is turned. Each limb counts the same, however many joints it has.

Shape letters: F frames of the source, T of the training video, K joints, J joints compared,
P parts. Distances are in % of the body height.
"""
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pose.body import LEG, WIDTHS, across, heights, joint_at
from pose.skeleton import Skeleton
from util.words import clock


@dataclass(frozen=True)
class Limb:
    """Joints that are measured from where they hang, `root`; what one pose shows of them and the
    other does not counts as `missing` %."""
    joints: tuple[str, ...]
    root: str
    missing: float


LIMBS = {
    'right arm': Limb(('RElbow', 'RWrist'), 'RShoulder', 15.0),
    'left arm': Limb(('LElbow', 'LWrist'), 'LShoulder', 15.0),
    'right leg': Limb(('RKnee', 'RAnkle'), 'RHip', 15.0),
    'left leg': Limb(('LKnee', 'LAnkle'), 'LHip', 15.0),
    'head': Limb(('Nose', 'REye', 'LEye', 'REar', 'LEar'), 'Neck', 6.0),
    'body': Limb(('Neck', 'RShoulder', 'LShoulder', 'RHip', 'LHip'), 'MidHip', 10.0)}
JOINTS = tuple(joint for limb in LIMBS.values() for joint in limb.joints)
# What a reader is told of: the limbs of each, and the least limit in %; at last which way the
# body is turned.
PARTS = {'arms': (('right arm', 'left arm'), 6.0), 'legs': (('right leg', 'left leg'), 6.0),
         'head': (('head',), 3.0), 'body': (('body',), 4.0), 'turn': ((), 8.0)}

TURN = 15.0                   # % for a quarter turn; front against back is twice that

APART = 1.5                   # seconds after which a video's frames are no longer near copies
QUERIES = 1000                # training poses that the usual distance is taken from
FLOOR, CEILING = 3.0, 8.0     # % that the limit of the whole pose keeps within
JOIN = 0.5                    # seconds of something familiar that do not end a span
SHORTEST = 0.2                # seconds; shorter blurs are not announced where there are longer ones
CHUNK = 20_000_000            # distances held in memory at a time


@dataclass(frozen=True)
class Nearest:
    """The training pose nearest to each source pose.

    rows      int64 (F,)       which, -1 where the source or the whole training shows no torso
    distance  float64 (F,)     %, NaN there
    parts     float64 (F, P)   % part by part, in the order of PARTS, NaN there
    """
    rows: np.ndarray
    distance: np.ndarray
    parts: np.ndarray


@dataclass(frozen=True)
class Limit:
    """Beyond which distance a pose has nothing like it in the training video: `distance` %, and
    `parts` float (P,) %."""
    distance: float
    parts: np.ndarray


@dataclass(frozen=True)
class Shapes:
    """What poses are compared by.

    points   float32 (F, J, 2)   % of the body height from the limb's root; 0 where not seen
    there    float32 (F, J)      1 = seen
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
    roots = np.stack([joint_at(poses, skeleton, limb.root)
                      for limb in LIMBS.values() for _ in limb.joints], 1)
    size = heights(poses, skeleton)
    seen = size > 0
    there = (joints[..., 2] > 0) & (roots[..., 2] > 0) & seen[:, None]
    points = 100 * (joints - roots)[..., :2] / np.where(seen, size, 1)[:, None, None]
    widths = np.zeros((len(poses), 2))
    for joint in ('Shoulder', 'Hip'):
        left, right = (joint_at(poses, skeleton, side + joint) for side in 'LR')
        widths += (left - right)[:, :2] * ((left[:, 2] > 0) & (right[:, 2] > 0))[:, None]
    turn = across(widths, poses, skeleton) / (WIDTHS * np.where(seen, size, 1))
    turn = np.clip(turn, -1, 1) * seen
    return Shapes((points * there[..., None]).astype(np.float32), there.astype(np.float32),
                  turn.astype(np.float32), size, seen)


_OF_LIMB = np.array([number for number, limb in enumerate(LIMBS.values()) for _ in limb.joints])
SHARE = (1 / np.bincount(_OF_LIMB))[_OF_LIMB].astype(np.float32)    # of a joint in its limb
_TOTAL = len(LIMBS) + 1                                             # limbs, and the turn
_LONE = np.array([limb.missing for limb in LIMBS.values()], np.float32)[_OF_LIMB] ** 2


def factors(pose: Shapes, source: bool, share: np.ndarray = SHARE) -> np.ndarray:
    """float32 (F, C): rows whose products are squared distances, so that one matrix product finds
    them all: each source's with each other's, the sum over joints and the turn.

    share  float32 (J,): how much each joint counts

    With m = 1 where a joint is seen, the square of a joint is m m' |p - p'|^2 where both see it and
    (m + m' - 2 m m') missing^2 where one does: a sum of products of what each side knows alone.
    """
    weight, seen = share if source else np.ones_like(share), pose.there
    square = seen * (pose.points ** 2).sum(-1)
    turn, one = TURN * pose.turn[:, None], np.ones((len(pose.turn), 1), np.float32)
    along = pose.points * (weight[:, None] * -2 if source else 1)
    lone = (seen * _LONE) @ share[:, None]              # as if the other saw none of it
    if source:
        columns = [weight * (square - 2 * _LONE * seen), weight * seen, lone + turn ** 2, one,
                   -2 * turn]
    else:
        columns = [seen, square, one, lone + turn ** 2, turn]
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

    What a generator paints well enough between poses is about as far from the nearest one as the
    video's own poses are from each other, once near copies are left out: 95 % of them have
    another so near that is more than APART seconds away. A video that never repeats a pose would
    call nothing unknown by that, one that stands still everything: hence CEILING and FLOOR.
    """
    least = np.array([limit for _, limit in PARTS.values()])
    there = shapes(training, skeleton)
    asked = np.flatnonzero(there.seen)
    asked = asked[np.unique(np.linspace(0, len(asked) - 1, min(QUERIES, len(asked))).astype(int))]
    mine = there[asked]
    rows = _nearest_rows(mine, there, lambda part: (
        np.abs(times[asked][part, None] - times[None]) > APART))
    distance, parts = _distances(mine, there, rows)
    if np.isnan(distance).all():            # shorter than APART
        return Limit(FLOOR, least)
    found = float(np.nanpercentile(distance, 95))
    limit = min(max(found, FLOOR), CEILING)
    shrunk = min(1.0, limit / found) if found else 1.0
    return Limit(limit, np.maximum(shrunk * np.nanpercentile(parts, 95, axis=0), least))


def spans(times: np.ndarray, mask: np.ndarray, step: float = 0.0) -> list[tuple[float, float]]:
    """From when to when `mask` is true: (start, end) in seconds.

    times  float (F,) s, increasing
    mask   bool (F,)
    step   seconds that a frame lasts

    What is false for no longer than JOIN seconds does not end a span.
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
    """What will be painted badly, and when: {part: spans}, the longest trouble first.

    times  float (F,) s, increasing
    """
    far = near.distance > limit.distance                # NaN is not
    part = far_part(times, near, limit)
    found = {name: spans(times, far & (part == number), step) for number, name in enumerate(PARTS)}
    long = {name: [(a, b) for a, b in every if b - a >= SHORTEST] for name, every in found.items()}
    found = long if any(long.values()) else found
    order = sorted(found, key=lambda name: -sum(b - a for a, b in found[name]))
    return {name: found[name] for name in order if found[name]}


def far_part(times: np.ndarray, near: Nearest, limit: Limit) -> np.ndarray:
    """int (F,): the number of the part that exceeds its own limit most, over the JOIN seconds
    around: what is wrong with a pose does not change from frame to frame."""
    excess = np.nan_to_num(near.parts ** 2 - limit.parts ** 2)
    sums = np.concatenate([np.zeros((1, len(PARTS))), np.cumsum(excess, 0)])
    first = np.searchsorted(times, times - JOIN / 2, 'left')
    last = np.searchsorted(times, times + JOIN / 2, 'right')
    return (sums[last] - sums[first]).argmax(1)


TROUBLE = {'arms': 'the arms to blur', 'legs': 'the legs to blur', 'head': 'the head to blur',
           'body': 'the whole body to blur', 'turn': 'the body to face the wrong way'}


def sentence(share: float, trouble: Mapping[str, Sequence[tuple[float, float]]],
             parts: int = 3, times: int = 3) -> str:
    """One sentence in plain words.

    share         of the poses that have nothing like them, 0..1
    trouble       as `expected` gives
    parts, times  how many parts, and spans of a part, are named at most
    """
    if not share:
        return 'Each of these poses has one like it in the training video.'
    rounded = f'{100 * share:.0f} %' if share >= 0.01 else 'Fewer than 1 %'
    said = f'{rounded} of these poses have nothing like them in the training video'
    what = [f'{TROUBLE[part]} at {_listed(when, times)}'
            for part, when in list(trouble.items())[:parts]]
    return f'{said}; expect {_joined(what)}.' if what else f'{said}.'


VARIETY = {
    'facing the camera': 'facing the camera', 'sideways': 'turned sideways',
    'away': 'turned away', 'hand up': 'with a hand above the head',
    'arms out': 'with an arm stretched out to the side', 'legs apart': 'with the legs wide apart',
    'foot up': 'with a foot off the ground', 'crouching': 'crouching or in a deep stance'}


def variety(poses: np.ndarray, skeleton: Skeleton) -> dict[str, float]:
    """Which share (0..1) of the poses with a torso is facing the camera, has a hand up, ...

    poses  float (F, K, 3). The keys are those of VARIETY; {} where no pose shows a torso.
    """
    body = shapes(poses, skeleton)
    body = body[body.seen]
    if not len(body.turn):
        return {}

    def at(joint: str, axis: int) -> np.ndarray:
        number = JOINTS.index(joint)
        return np.where(body.there[:, number] > 0, body.points[:, number, axis], np.nan)

    def hand(side: str, axis: int) -> np.ndarray:               # from the neck
        return (at(f'{side}Wrist', axis) + at(f'{side}Shoulder', axis) - at('Neck', axis))

    # No comparison with a joint that is not seen (NaN) is true.
    right, left = (np.stack([at(f'{side}Ankle', axis) + at(f'{side}Hip', axis) for axis in (0, 1)])
                   for side in 'RL')
    shares = {
        'facing the camera': body.turn > 0.4, 'sideways': np.abs(body.turn) <= 0.4,
        'away': body.turn < -0.4,
        'hand up': np.fmin(hand('R', 1), hand('L', 1)) < at('Nose', 1) - 4,
        'arms out': np.fmax(*(np.abs(hand(side, 0)) for side in 'RL')) > 28,
        'legs apart': np.abs(right[0] - left[0]) > 32,
        'foot up': np.abs(right[1] - left[1]) > 14,
        'crouching': np.fmax(right[1], left[1]) < 0.6 * 100 * LEG}
    return {name: float(mask.mean()) for name, mask in shares.items()}


def variety_sentence(shares: dict[str, float], rare: float = 0.02) -> str:
    """What a training video hardly shows (in less than `rare` of its poses), in plain words."""
    seldom = [VARIETY[name] for name, share in shares.items() if share < rare]
    if not seldom:
        return 'Each of these kinds of pose is there.'
    return (f'The person is never or hardly seen {_joined(seldom, "or")}: a dancer who does that '
            f'will be painted badly there, unless you film it too.')


def _listed(when: Sequence[tuple[float, float]], most: int) -> str:
    longest = sorted(sorted(when, key=lambda span: span[0] - span[1])[:most])
    named: list[list[int]] = []
    for start, end in longest:
        first, last = int(start), max(int(start) + 1, int(np.ceil(end - 1e-6)))
        if named and first <= named[-1][1]:             # the same second said twice
            named[-1][1] = max(last, named[-1][1])
        else:
            named.append([first, last])
    words = [f'{clock(a)}-{clock(b)}' for a, b in named]
    left = len(when) - len(longest)
    return _joined([*words, f'{left} more {"time" if left == 1 else "times"}'] if left else words)


def _joined(words: Sequence[str], last: str = 'and') -> str:
    return f' {last} '.join(filter(None, [', '.join(words[:-1]), words[-1]])) if words else ''


def _nearest_rows(mine: Shapes, theirs: Shapes,
                  allowed: Callable[[slice], np.ndarray] | None = None) -> np.ndarray:
    """int64 (F,): the nearest row of `theirs`, -1 for none; `allowed` gives bool (f, T)."""
    rows = np.full(len(mine.seen), -1, np.int64)
    if not theirs.seen.any():
        return rows
    left, right = factors(mine, True), factors(theirs, False).T.copy()
    size = max(1, CHUNK // len(theirs.seen))
    for start in range(0, len(rows), size):
        part = slice(start, start + size)
        squares = left[part] @ right
        squares[:, ~theirs.seen] = np.inf
        if allowed:
            squares[~allowed(part)] = np.inf
        best = squares.argmin(1)
        there = np.isfinite(squares[np.arange(len(best)), best]) & mine.seen[part]
        rows[part] = np.where(there, best, -1)
    return rows


def _distances(mine: Shapes, theirs: Shapes,
               rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distances (F,) and part by part (F, P), %, to those rows; NaN for row -1."""
    other = theirs[np.maximum(rows, 0)] if len(theirs.seen) else mine
    both, one = mine.there * other.there, np.abs(mine.there - other.there)
    squares = both * ((mine.points - other.points) ** 2).sum(-1) + one * _LONE
    limbs = np.stack([(squares * SHARE)[:, k == _OF_LIMB].sum(1) for k in range(len(LIMBS))], 1)
    turn = (TURN * (mine.turn - other.turn)) ** 2
    names = list(LIMBS)
    parts = [limbs[:, [names.index(limb) for limb in of]].max(1) if of else turn
             for of, _ in PARTS.values()]
    nothing = np.where(rows < 0, np.nan, 0.0)
    return (np.sqrt((limbs.sum(1) + turn) / _TOTAL) + nothing,
            np.sqrt(np.stack(parts, 1)) + nothing[:, None])
