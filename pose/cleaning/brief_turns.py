"""Finds turns of the body that are too brief for anybody: a detector exchanged its sides.

Frame by frame, such an exchange may look like a turn: next to it the detector often folds arms and
shoulders to a point, from where either side is as near. So each brief stretch that shows the body
from the other way round is compared with the frames around it, by its places in the picture only:
with the sides, the detector exchanges what is near and what is far.

`brief_turns` looks at a whole shot, LiveBriefTurns at what came so far.

Shapes as in pose/track.
"""
from collections import deque

import numpy as np

from pose.body import ARM_JOINTS, LEG_JOINTS
from pose.cleaning.swap_costs import pair_of
from pose.skeleton import Skeleton
from pose.stretches import runs

# Seconds. A dancer who spins twice a second, which is fast, shows each side for 0.25 s.
BRIEFEST = 0.21
AROUND = 0.5            # seconds to either side that say which way the body faces
WIDE = 0.5              # of the usual width: shoulders and hips that are nearer are folded
SPREAD = 0.1            # of the longest bone: places that are nearer to each other are the same
TRUNK = ('Shoulder', 'Hip')
# In how many seconds a body turns round for which a detector exchanges its sides: one that turns by
# 350 degrees a second may do so. Live also: how far shoulders and hips move across meanwhile, in
# their mean width before; and the share of the frames before that show the body from one side: of
# one that spins fewer do.
ACROSS, AT_ONCE = 1.0, 0.13
MOSTLY = 0.9


def brief_turns(poses: np.ndarray, times: np.ndarray, table: Skeleton, longest: float,
                doubt: float) -> np.ndarray:
    """bool (F,): the frames of one shot in which the body turns and turns back too soon, and lies
    nearer to the frames around with its sides exchanged.

    longest  px: the body's longest bone
    doubt    nats by which the exchanged sides have to be likelier, in each stretch
    """
    exchanged = np.zeros(len(poses), bool)
    pairs = _pairs(table)
    step = float(np.median(np.diff(times))) if len(times) > 1 else 1.0
    width = _widths(poses, table)
    reach = max(1, round(AROUND / step))
    usual = _mean_around(width, reach)
    wide = np.abs(width) > WIDE * _mean_around(np.abs(width), reach)
    good = np.flatnonzero(wide & (width * usual > 0))
    other = wide & (width * usual < 0)
    for run in runs(width * usual < 0):
        inside = np.arange(run.start, run.stop)
        if times[inside[-1]] - times[inside[0]] + step > BRIEFEST:
            continue
        ends = _ends(good, inside[other[inside]], run, times)
        if len(ends):
            gain = _gain(poses[inside][:, pairs], poses[ends][:, pairs], times[inside],
                         times[ends], SPREAD * longest)
            exchanged[run] = (gain > 0) & (gain.clip(0).sum() > doubt)
    return exchanged


def _pairs(table: Skeleton) -> np.ndarray:
    """The numbers (P, 2) of right and left joints of the limbs."""
    named = [pair_of(table, name) for name in (*ARM_JOINTS, *LEG_JOINTS)]
    return np.array([pair for pair in named if pair])


def _widths(poses: np.ndarray, table: Skeleton) -> np.ndarray:
    """px (F,): how far right shoulder and hip lie to the right of the left ones, together; 0 where
    one is not seen."""
    width = np.zeros(len(poses))
    for name in TRUNK:
        right, left = table.index(f'R{name}'), table.index(f'L{name}')
        seen = (poses[:, [right, left], 2] > 0).all(1)
        width += np.where(seen, poses[:, right, 0] - poses[:, left, 0], 0)
    return width


def _mean_around(values: np.ndarray, reach: int) -> np.ndarray:
    """float (F,): the mean of values (F,) of that many frames to either side."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    frames = np.arange(len(values))
    first = np.maximum(frames - reach, 0)
    stop = np.minimum(frames + reach + 1, len(values))
    return np.asarray((total[stop] - total[first]) / (stop - first))


def _ends(good: np.ndarray, clear: np.ndarray, run: slice, times: np.ndarray) -> np.ndarray:
    """The nearest of the `good` frames to either side of a run, near enough to say where the body
    is in it: two, one at an end of the shot, or none.

    clear   those frames of the run that show the body from its other side, and not from an edge: of
            a body that turns they come some frames later
    """
    before = good[good < run.start][-1:]
    after = good[good >= run.stop][:1]
    if not len(clear):
        return before[:0]
    before = before[times[clear[0]] - times[before] < AT_ONCE]
    after = after[times[after] - times[clear[-1]] < AT_ONCE]
    enough = (len(before) or run.start == 0) and (len(after) or run.stop == len(times))
    return np.concatenate([before, after]) if enough else before[:0]


def _gain(inside: np.ndarray, ends: np.ndarray, times: np.ndarray, end_times: np.ndarray,
          spread: float) -> np.ndarray:
    """float (N,): nats by which each frame of a stretch is likelier with its sides exchanged, as
    the body moves from one end to the other.

    inside, ends       px (N, P, 2, 3) of right and left joints
    times, end_times   s (N,)
    spread             px
    """
    share = np.zeros(len(times))
    if len(ends) > 1:
        share = (times - end_times[0]) / (end_times[1] - end_times[0])
    start, way = ends[0, ..., :2], ends[-1, ..., :2] - ends[0, ..., :2]
    expected = start + share[:, None, None, None] * way
    seen = (inside[..., 2] > 0).all(-1) & (ends[..., 2] > 0).all((0, -1))
    as_found, exchanged = (
        (np.log1p(((places - expected) ** 2).sum(-1) / spread ** 2).sum(-1) * seen).sum(-1)
        for places in (inside[..., :2], inside[..., ::-1, :2]))
    return np.asarray(as_found - exchanged)


class LiveBriefTurns:
    """`brief_turns`, of one frame after another: a body that turns round at once is exchanged, for
    no longer than BRIEFEST.

    depth   float (K,) px: of the last frame that was as before
    """

    def __init__(self, table: Skeleton):
        self.table = table
        self.pairs = _pairs(table)
        # time, width and places of the limbs of the frames so far, as they were put right
        self.past: deque[tuple[float, float, np.ndarray]] = deque()
        self.depth = np.full(len(table.joints), np.nan)
        self.since = np.inf             # when the first of the frames was that are exchanged

    def __call__(self, joints: np.ndarray, time: float, longest: float, doubt: float) -> bool:
        """Whether the joints (K, 4) are the person's own with the sides exchanged."""
        while self.past and self.past[0][0] < time - 1.2 * AROUND:
            self.past.popleft()
        limbs = joints[self.pairs]
        width = float(_widths(joints[None, :, :3], self.table)[0])
        exchanged = self._exchanged(limbs, width, time, longest, doubt)
        if exchanged:
            self.since = min(self.since, time)
            if time - self.since >= BRIEFEST:       # it did turn
                self.past.clear()
                exchanged = False
        if not exchanged:
            self.since = np.inf
            self.depth = joints[:, 3]
        self.past.append((time, -width if exchanged else width,
                          limbs[:, ::-1] if exchanged else limbs))
        return exchanged

    def _exchanged(self, limbs: np.ndarray, width: float, time: float, longest: float,
                   doubt: float) -> bool:
        """Whether the limbs (P, 2, 4) lie nearer to where they were with their sides exchanged."""
        widths = np.array([past for _, past, _ in self.past])
        if not self.past or time - self.past[0][0] < AROUND:
            return False
        agree = widths * width < 0
        if agree.mean() < MOSTLY:
            return False
        mean = np.abs(widths).mean()
        clear = (np.abs(widths) > WIDE * mean) & (np.abs(widths - width) > ACROSS * mean)
        last = np.flatnonzero(agree & clear)[-1:]
        if not len(last) or time - self.past[last[0]][0] >= AT_ONCE:
            return False
        before = self.past[last[0]][2]
        gain = _gain(limbs[None, ..., :3], before[None, ..., :3], np.array([time]),
                     np.array([time]), SPREAD * longest)
        return bool(gain[0] > (doubt if np.isinf(self.since) else 0))
