"""Undoes swaps of left and right by the detector. Shapes as in pose/track.

When a body turns, its two sides pass each other gradually; when a detector confuses them, joints
trade places between one frame and the next. So for each group of joints that can be swapped
together, and each shot, the cheapest path through the states "as found" and "swapped" is taken:
Viterbi, "Error bounds for convolutional codes", IEEE Transactions on Information Theory 13(2),
1967, of second order, since each move is compared with the move before it.

Costs are in nats, the negative logarithm of a likelihood: of how far the joints move (Student's
density with one degree of freedom: a detector errs far more often than a Gaussian allows), and of
bones that come out longer than the person's own.

A body that a detector exchanged for a few frames is put right by pose.cleaning.brief_turns.

Shape letters: F frames, S states of a group, P its pairs of joints.
"""
from dataclasses import dataclass, replace

import numpy as np

from pose.body import ARM_JOINTS, LEG_JOINTS
from pose.cleaning.bone_lengths import proportions
from pose.cleaning.brief_turns import LiveBriefTurns, brief_turns
from pose.cleaning.swap_costs import (
    FLOOR,
    LONGEST_STEP,
    bone_costs,
    likeliest,
    move_costs,
    pair_of,
    path_costs,
    places,
    strayed,
)
from pose.skeleton import Skeleton, skeleton_of
from pose.stretches import shot_slices
from pose.track import PoseTrack
from util.arrays import nan_quantile

DOUBT = 0.3             # -1 to 1: the least agreement at which the face decides
# Live: nats that a frame costs whose face does not fit the shoulders, and how many times as much a
# change of state costs, and a second of an exchanged limb: what comes puts nothing right here. With
# these no pair of six real clips is exchanged for more than 3 frames in a row.
FACE, DEARER, LIMB_DEARER = 3.0, 3.0, 2.0


@dataclass(frozen=True)
class Prior:
    """What is assumed of the swaps of a group.

    switch    nats that a change of state costs
    swapped   nats that a second of being swapped costs
    momentum  the share of its last move that a joint is expected to repeat
    deep      what a px of depth counts, in px of the picture
    """
    switch: float
    swapped: float
    momentum: float
    deep: float


# A body turns on, while a limb that a detector sees badly goes to and fro. A body swapped at once
# and as a whole may stay so for long; weaker signs are believed only for a moment.
# Sides that pass each other lie one behind the other meanwhile; where they do not, a detector
# traded them. Of a woman who turns her back nearly always, 40 of 335 frames had the wrong side
# without depth, 24 with 0.28 (as deep as wide, for MediaPipe), 19 with 0.5. The depth of a foot is
# a guess: with 0.5, legs that a detector traded stay so for four frames of a tai chi film.
BODY, BODY_FOR_LONG = Prior(3.0, 15.0, 0.5, 0.5), Prior(30.0, 0.3, 0.5, 0.5)
LIMB = Prior(3.0, 15.0, 0.0, 0.28)


@dataclass(frozen=True)
class Group:
    """Pairs of joints that a detector swaps together.

    pairs   their names without a side, from the trunk outwards
    swaps   which of them are swapped, '1' a pair; the first pair of a limb stays: it only says
            where the limb's bones start
    """
    pairs: tuple[str, ...]
    swaps: tuple[str, ...]
    prior: Prior


# Later groups take back what the first one overdoes.
WHOLE = (*ARM_JOINTS, *LEG_JOINTS, 'Heel', 'BigToe', 'Eye', 'Ear')
GROUPS = (
    Group(WHOLE, ('1111111111',), BODY),
    Group(WHOLE, ('1111111111',), BODY_FOR_LONG),
    Group(ARM_JOINTS, ('011', '001', '010'), LIMB),
    Group((*LEG_JOINTS, 'Heel', 'BigToe'), ('01111', '00111', '01000'), LIMB),
    Group(('Eye', 'Ear'), ('11', '10', '01'), LIMB),
    Group(('Hand0', 'Hand9'), ('11',), LIMB),
    Group(('Face0', 'Face36', 'Face48'), ('111',), LIMB))
# Joints whose names start like this are swapped with that joint.
FOLLOWERS = {'BigToe': ('SmallToe',), 'Wrist': ('Hand',), 'Eye': ('Face',),
             'Hand0': ('Hand',), 'Face0': ('Face',)}


def undo_swaps(track: PoseTrack) -> PoseTrack:
    """Swap left and right back where the detector swapped them: whole body, limbs, or parts.

    Sides that trade places and never trade back leave open which part of the shot is wrong: the
    face decides where it can, else the shorter part is wrong.
    """
    table = track.joints
    poses = track.poses.copy()
    depth = np.full(poses.shape[:2], np.nan) if track.depth is None else track.depth.copy()
    lengths, scale = proportions(track)
    for group in GROUPS:
        known = [n for n, name in enumerate(group.pairs) if pair_of(table, name)]
        if not known:
            continue
        names = tuple(group.pairs[n] for n in known)
        as_found = '0' * len(group.pairs)
        swaps = np.array([list(swap) for swap in (as_found, *group.swaps)])
        states = swaps[:, known] == '1'
        for frames in shot_slices(track.shots):
            here = poses[frames], depth[frames]         # views: written to below
            times = track.times[frames]
            state = _states_in(*here, times, table, names, states, group.prior, lengths,
                               scale[frames])
            for n, name in enumerate(names):
                _exchange(*here, states[state, n], table, (name,))
            if group.prior is BODY_FOR_LONG:
                longest = _longest(lengths, scale[frames], table)
                brief = brief_turns(here[0], times, table, longest, 2 * BODY.switch)
                _exchange(*here, brief, table, names)
                _bridge(here[1], brief, times)
    return replace(track, poses=poses, depth=None if track.depth is None else depth)


def _exchange(poses: np.ndarray, depth: np.ndarray, mask: np.ndarray, table: Skeleton,
              names: tuple[str, ...]) -> None:
    """Exchange the sides of those pairs, and of what moves with them, in the frames of a bool (F,)
    mask of poses (F, K, 3) and their depth (F, K), in place."""
    rows = np.flatnonzero(mask)[:, None]
    for name in names:
        one, other = _moved_with(table, name)
        for values in (poses, depth):
            values[rows, one + other] = values[rows, other + one]


def _bridge(depth: np.ndarray, mask: np.ndarray, times: np.ndarray) -> None:
    """Draw the depth (F, K) in the frames of a bool (F,) mask from the frames around, in place: the
    detector guessed it for a body that is turned the other way."""
    for joint in depth.T:
        given = np.isfinite(joint)
        known, drawn = given & ~mask, given & mask
        if known.any():
            joint[drawn] = np.interp(times[drawn], times[known], joint[known])


def _longest(lengths: np.ndarray, scale: np.ndarray, table: Skeleton) -> float:
    """px: the longest bone of the body in the frames of that scale."""
    sizes = (scale[:, None] * lengths[table.part('body')]).ravel()
    return float(np.nan_to_num(sizes).max())


def _states_in(poses: np.ndarray, depth: np.ndarray, times: np.ndarray, table: Skeleton,
               names: tuple[str, ...], states: np.ndarray, prior: Prior, lengths: np.ndarray,
               scale: np.ndarray) -> np.ndarray:
    """int64 (F,): the state, a row of `states` (bool (S, P)), of each frame of one shot."""
    pairs = [pair_of(table, name) for name in names]
    least = FLOOR * _longest(lengths, scale, table)
    seen = np.stack([(poses[:, pair, 2] > 0).all(1) for pair in pairs], 1)
    moves = [move_costs(poses[:, pair], depth[:, pair], times, least, prior.momentum,
                        prior.deep)
             for pair in pairs]
    bones = bone_costs(poses, names, table, lengths, scale)
    step = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    state = likeliest(np.stack(moves, 1), seen, bones, states, prior.switch,
                       prior.swapped * step)
    if names[:1] == WHOLE[:1] and len(states) == 2 and _face_contradicts(
            poses, depth, state > 0, table):
        return 1 - state
    return state


def _moved_with(table: Skeleton, name: str) -> tuple[list[int], list[int]]:
    """The joints that are swapped with that pair, and their partners in the same order."""
    prefixes = tuple(side + follower for follower in FOLLOWERS.get(name, ()) for side in ('R', ''))
    one = []
    for k, joint in enumerate(table.joints):
        # Points of a face have no side in their name.
        second_of_face = joint.startswith('Face') and k >= table.partners[k]
        follows = bool(prefixes) and joint.startswith(prefixes)
        if (joint in (f'R{name}', name) or follows) and not second_of_face:
            one.append(k)
    return one, [table.partners[k] for k in one]


def _face_contradicts(poses: np.ndarray, depth: np.ndarray, swapped: np.ndarray,
                      table: Skeleton) -> bool:
    """Whether the face says that exactly the other frames are the swapped ones.

    A person who shows the face has the right shoulder at the left of the picture, one seen from
    behind at the right.
    """
    if swapped.all() or not swapped.any():
        return False
    agrees = _face_agrees(poses, depth, table)
    return bool(agrees[~swapped].mean() < -DOUBT and agrees[swapped].mean() > DOUBT)


def _face_agrees(poses: np.ndarray, depth: np.ndarray, table: Skeleton) -> np.ndarray:
    """float (F,): 1 where face and shoulders fit each other, -1 where not, 0 where unknown."""
    ears, eyes, shoulders = ([table.index(f'R{name}'), table.index(f'L{name}')]
                             for name in ('Ear', 'Eye', 'Shoulder'))
    nose = table.index('Nose')
    seen = poses[..., 2] > 0
    # The nose is nearer than the ears; without depth, a face that is seen faces the camera.
    shows = np.where(seen[:, [nose, *eyes]].all(1), 1.0, 0.0)
    shows[seen[:, ears].any(1) & ~seen[:, [nose, *eyes]].any(1)] = -1
    nearer = np.nan_to_num(depth[:, ears].mean(1) - depth[:, nose])
    shows = np.where(nearer != 0, np.sign(nearer), shows)
    x = poses[:, shoulders, 0]
    return shows * np.sign(x[:, 1] - x[:, 0]) * seen[:, shoulders].all(1)


class LiveSwaps:
    """`undo_swaps`, of one frame after another: each is in the state in which the cheapest path so
    far ends."""

    def __init__(self, skeleton: str):
        self.table = skeleton_of(skeleton)
        self.groups = [_LiveGroup(self.table, group) for group in GROUPS
                       if group.prior is not BODY_FOR_LONG      # the face decides instead
                       and any(pair_of(self.table, name) for name in group.pairs)]
        self.brief = LiveBriefTurns(self.table)

    def __call__(self, joints: np.ndarray, time: float, lengths: np.ndarray,
                 scale: float) -> np.ndarray:
        """The joints float (K, 4) of a detector, with left and right as before.

        lengths, scale   as LiveProportions has them
        """
        longest = _longest(lengths, np.array([scale]), self.table)
        for group in self.groups:
            order = group.order(joints, time, lengths, scale)
            joints = joints if order is None else joints[order]
            if group.whole and self.brief(joints, time, longest, 2 * BODY.switch):
                joints = joints[group.orders[1]]
                joints[:, 3] = self.brief.depth
        return joints


class _LiveGroup:
    """The cheapest ways so far to each state of a group.

    ways    float (S, S): to the state one frame before, and this one
    last, older, before   of each pair when it was last seen: its place, that one frame earlier,
                          px (P, 2, 3) with its depth, and the seconds between the two
    off     float (P, N, 2) px: how far it strayed, in the last N frames
    """
    FRAMES, OFTEN = 64, 2   # whose median is how far a pair usually strays; taken every so often

    def __init__(self, table: Skeleton, group: Group):
        known = [n for n, name in enumerate(group.pairs) if pair_of(table, name)]
        self.table = table
        longer = LIMB_DEARER if group.prior is LIMB else 1.0
        self.prior = replace(group.prior, switch=DEARER * group.prior.switch,
                             swapped=longer * group.prior.swapped)
        self.names = tuple(group.pairs[n] for n in known)
        self.pairs = np.array([pair_of(table, name) for name in self.names])
        swaps = np.array([list(swap) for swap in ('0' * len(group.pairs), *group.swaps)])
        self.states = swaps[:, known] == '1'
        self.whole = self.names[:1] == WHOLE[:1] and len(self.states) == 2
        self.crosses = bool((self.states != self.states[:, :1]).any())
        self.orders = [self._order(state) for state in self.states]
        pairs = len(known)
        self.ways: np.ndarray | None = None
        self.last = self.older = np.zeros((pairs, 2, 3))
        self.seen_at = np.full(pairs, -np.inf)
        self.before = np.full(pairs, np.inf)
        self.off = np.full((pairs, self.FRAMES, 2), np.nan)
        self.spread = np.full(pairs, np.nan)
        self.time = -np.inf
        self.step = 0.04
        self.frame = 0

    def _order(self, state: np.ndarray) -> np.ndarray:
        """int64 (K,): the joints with the pairs of that state swapped."""
        order = np.arange(len(self.table.joints))
        for name in np.array(self.names)[state]:
            one, other = _moved_with(self.table, name)
            order[one + other] = order[other + one]
        return order

    def order(self, joints: np.ndarray, time: float, lengths: np.ndarray,
              scale: float) -> np.ndarray | None:
        """The order in which the joints (K, 4) are the person's own; None: as found."""
        seen = (joints[self.pairs, 2] > 0).all(1)
        moves = self._moves(self._places(joints), seen, time, lengths, scale)
        bones: dict[tuple[int, int], np.ndarray] = {}
        if self.crosses:
            bones = bone_costs(joints[None, :, :3], self.names, self.table, lengths,
                                np.array([scale]))
        if 0 < time - self.time < LONGEST_STEP:
            self.step += 0.1 * (time - self.time - self.step)
        self.time = time
        own, cost = path_costs(moves[None], seen[None], bones, self.states, self.prior.switch,
                                self.prior.swapped * self.step)
        if self.whole:
            agrees = _face_agrees(joints[None, :, :3], joints[None, :, 3], self.table)[0]
            own[0] += FACE * np.maximum(np.where(self.states.any(1), agrees, -agrees), 0)
        if self.ways is None:
            self.ways = np.tile(own[0] + self.prior.switch * self.states.any(1),
                                (len(self.states), 1))
        else:
            self.ways = (self.ways[:, :, None] + cost[0]).min(0) + own[0]
        self.ways -= self.ways.min()
        state = int(self.ways.min(0).argmin())
        return self.orders[state] if state else None

    def _places(self, joints: np.ndarray) -> np.ndarray:
        """float (P, 2, 3): where the pairs of joints (K, 4) are."""
        return np.stack([places(joints[pair], joints[pair, 3], self.prior.deep)
                         for pair in self.pairs])

    def _moves(self, now: np.ndarray, seen: np.ndarray, time: float, lengths: np.ndarray,
               scale: float) -> np.ndarray:
        """float (P, 2, 2): the costs of the moves to this frame, as move_costs gives them."""
        step = np.clip(time - self.seen_at, 1e-3, 1e3)
        near = seen & (step < LONGEST_STEP)
        off = strayed(now, self.last, self.older,
                       self.prior.momentum * np.minimum(step / self.before, 1),
                       np.minimum(self.step / step, 1))
        self.off[:, self.frame % self.FRAMES] = np.where(near[:, None], off[:, 0, 0], np.nan)
        self.frame += 1
        least = FLOOR * _longest(lengths, np.array([scale]), self.table)
        if self.frame % self.OFTEN == 1:
            self.spread = nan_quantile(self.off.reshape(len(now), -1), 0.5, axis=1)
        spread = np.fmax(self.spread, max(least, 1e-6))
        costs = np.log1p((off / spread[:, None, None, None]) ** 2).sum(-1) * near[:, None, None]
        self.older = np.where(seen[:, None, None], self.last, self.older)
        self.last = np.where(seen[:, None, None], now, self.last)
        self.before = np.where(seen, np.where(near, step, np.inf), self.before)
        self.seen_at = np.where(seen, time, self.seen_at)
        return np.asarray(costs)
