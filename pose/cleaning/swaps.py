"""Undoes swaps of left and right by the detector. Shapes as in pose/track.

When a body turns, its two sides pass each other gradually; when a detector confuses them, joints
trade places between one frame and the next. So for each group of joints that can be swapped
together, and each shot, the cheapest path through the states "as found" and "swapped" is taken:
Viterbi, "Error bounds for convolutional codes", IEEE Transactions on Information Theory 13(2),
1967, of second order, since each move is compared with the move before it.

Costs are in nats, the negative logarithm of a likelihood: of how far the joints move (Student's
density with one degree of freedom: a detector errs far more often than a Gaussian allows), and of
bones that come out longer than the person's own.

Shape letters: F frames, S states of a group, P its pairs of joints.
"""
from dataclasses import dataclass, replace

import numpy as np

from pose.body import ARM_JOINTS, BONES, LEG_JOINTS, LIMB_BONES
from pose.cleaning.bone_lengths import proportions
from pose.skeleton import Skeleton
from pose.stretches import shot_slices
from pose.track import PoseTrack

LONGEST_STEP = 0.3      # seconds; frames further apart say nothing about each other
FLOOR = 0.01            # of the longest bone: no detector is more exact
LONG, STRETCH = 1.1, 0.05   # the most, in its own lengths, that a bone may look; and the scale of
                            # the cost beyond that
DOUBT = 0.3             # -1 to 1: the least agreement at which the face decides


@dataclass(frozen=True)
class Prior:
    """What is assumed of the swaps of a group.

    switch    nats that a change of state costs
    swapped   nats that a second of being swapped costs
    momentum  the share of its last move that a joint is expected to repeat
    """
    switch: float
    swapped: float
    momentum: float


# A body turns on, while a limb that a detector sees badly goes to and fro. A body swapped at once
# and as a whole may stay so for long; weaker signs are believed only for a moment.
BODY, BODY_FOR_LONG, LIMB = Prior(3.0, 15.0, 0.5), Prior(30.0, 0.3, 0.5), Prior(3.0, 15.0, 0.0)


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
        known = [n for n, name in enumerate(group.pairs) if _pair(table, name)]
        if not known:
            continue
        names = tuple(group.pairs[n] for n in known)
        as_found = '0' * len(group.pairs)
        swaps = np.array([list(swap) for swap in (as_found, *group.swaps)])
        states = swaps[:, known] == '1'
        for frames in shot_slices(track.shots):
            state = _states_in(poses[frames], depth[frames], track.times[frames], table, names,
                               states, group.prior, lengths, scale[frames])
            for n, name in enumerate(names):
                rows = frames.start + np.flatnonzero(states[state, n])[:, None]
                one, other = _moved_with(table, name)
                for values in (poses, depth):
                    values[rows, one + other] = values[rows, other + one]
    return replace(track, poses=poses, depth=None if track.depth is None else depth)


def _states_in(poses: np.ndarray, depth: np.ndarray, times: np.ndarray, table: Skeleton,
               names: tuple[str, ...], states: np.ndarray, prior: Prior, lengths: np.ndarray,
               scale: np.ndarray) -> np.ndarray:
    """int64 (F,): the state, a row of `states` (bool (S, P)), of each frame of one shot."""
    pairs = [_pair(table, name) for name in names]
    sizes = (scale[:, None] * lengths[table.part('body')]).ravel()
    least = FLOOR * float(np.nan_to_num(sizes).max())
    seen = np.stack([(poses[:, pair, 2] > 0).all(1) for pair in pairs], 1)
    moves = [_move_costs(poses[:, pair], times, least, prior.momentum) for pair in pairs]
    bones = _bone_costs(poses, names, table, lengths, scale)
    step = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    state = _likeliest(np.stack(moves, 1), seen, bones, states, prior.switch,
                       prior.swapped * step)
    if names[:1] == WHOLE[:1] and len(states) == 2 and _face_contradicts(
            poses, depth, state > 0, table):
        return 1 - state
    return state


def _pair(table: Skeleton, name: str) -> tuple[int, int] | None:
    """The numbers of the right and the left joint of that name; None where the table has none."""
    for joint in (f'R{name}', name):
        if joint in table.joints:
            right = table.index(joint)
            return right, table.partners[right]
    return None


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


def _move_costs(pair: np.ndarray, times: np.ndarray, least: float, momentum: float) -> np.ndarray:
    """The cost of a pair's (F, 2, 3) moves to each frame, nats: float (F, 2, 2).

    [f, a, b] when the pair is swapped (1) or not (0) two frames before (a) and one before (b),
    both relative to frame f. It is 0 where one of the two is not seen.

    least     px: the accuracy of a move at best
    momentum  as in Prior
    """
    costs = np.zeros((len(pair), 2, 2))
    rows = np.flatnonzero((pair[..., 2] > 0).all(1))
    step = np.diff(times[rows])
    near = step < LONGEST_STEP
    if not near.any():
        return costs
    usual = float(np.median(np.diff(times)))
    now = pair[rows, :, :2].astype(float)
    last = now[:-1]
    older = now[np.r_[0, :len(now) - 2]]
    # The first move has no move before it, and one after a pause has none that still counts.
    before = np.r_[np.inf, np.where(near, step, np.inf)[:-1]]
    again = momentum * np.minimum(step / before, 1)[:, None, None]
    off = np.empty((len(step), 2, 2, 2))
    for a in (0, 1):
        for b in (0, 1):
            here = last[:, ::1 - 2 * b]
            off[:, a, b] = np.linalg.norm(
                now[1:] - here - again * (here - older[:, ::1 - 2 * a]), axis=-1)
    off *= np.minimum(usual / step, 1)[:, None, None, None]
    spread = max(float(np.median(off[near, 0, 0])), least)
    costs[rows[1:]] = np.log1p((off / spread) ** 2).sum(-1) * near[:, None, None]
    return costs


def _bone_costs(poses: np.ndarray, names: tuple[str, ...], table: Skeleton, lengths: np.ndarray,
                scale: np.ndarray) -> dict[tuple[int, int], np.ndarray]:
    """The cost of the lengths of bones, nats, by the numbers of the group's pairs that they join.

    float (F, 2) each: when both pairs are in the same state, and when only one is swapped.
    """
    costs = {}
    for near, far in (BONES[bone] for bone in LIMB_BONES):
        if near in names and far in names:
            a, b = _pair(table, near), _pair(table, far)
            assert a and b
            cost = np.zeros((len(poses), 2))
            for crossed in (0, 1):
                for start, end in zip(a, b[::1 - 2 * crossed], strict=True):
                    long = np.linalg.norm(poses[:, start, :2] - poses[:, end, :2], axis=1)
                    over = np.nan_to_num(long / (lengths[end] * scale) - LONG).clip(0)
                    cost[:, crossed] += np.log1p((over / STRETCH) ** 2)
            cost *= (poses[:, [*a, *b], 2] > 0).all(1)[:, None]
            costs[names.index(near), names.index(far)] = cost
    return costs


def _likeliest(moves: np.ndarray, seen: np.ndarray, bones: dict[tuple[int, int], np.ndarray],
               states: np.ndarray, switch: float, swapped: float) -> np.ndarray:
    """int64 (F,): the state of every frame on the cheapest path through all of them.

    moves    float (F, P, 2, 2) as _move_costs gives
    seen     bool (F, P): both of the pair;  bones  as _bone_costs gives
    states   bool (S, P): which pairs are swapped; the first is as found
    switch   nats that a change of state costs;  swapped  nats that a swapped frame costs
    """
    frames, pairs = seen.shape
    own = np.tile(swapped * states.any(1), (frames, 1))
    for (a, b), cost in bones.items():
        own += cost[:, (states[:, a] ^ states[:, b]).astype(int)]
    trades = (states[:, None] ^ states).astype(int)                         # (S, S, P)
    # A pair found again after a long gap may have any state.
    bound = switch * ((moves > 0).any((1, 2, 3)) | ~seen.any(1))
    change = np.where(states.any(1), switch, bound[:, None])[:, None] * trades.any(-1)
    # From the state two before (first axis) and one before (second) to this one (third).
    cost = change[:, None] + sum(moves[:, n, trades[:, None, :, n], trades[None, :, :, n]]
                                 for n in range(pairs))
    ways = np.tile(own[0] + switch * states.any(1), (len(states), 1))
    came_from = np.zeros(cost.shape[:1] + ways.shape, np.int64)
    for f in range(1, frames):
        through = ways[:, :, None] + cost[f]
        came_from[f] = through.argmin(0)
        ways = through.min(0) + own[f]
    state = np.zeros(frames, np.int64)
    before, state[-1] = np.unravel_index(ways.argmin(), ways.shape)
    for f in range(frames - 1, 0, -1):
        state[f - 1], before = before, came_from[f, before, state[f]]
    return state


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
