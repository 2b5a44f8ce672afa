"""What exchanging left and right costs: the arithmetic of pose.cleaning.swaps, which explains it.

Costs are in nats. Shape letters: F frames, S states of a group, P its pairs of joints.
"""
from functools import cache

import numpy as np

from pose.body import BONES, LIMB_BONES
from pose.skeleton import Skeleton

LONGEST_STEP = 0.3      # seconds; frames further apart say nothing about each other
FLOOR = 0.01            # of the longest bone: no detector is more exact
LONG, STRETCH = 1.1, 0.05   # the most, in its own lengths, that a bone may look; and the scale of
                            # the cost beyond that


def pair_of(table: Skeleton, name: str) -> tuple[int, int] | None:
    """The numbers of the right and the left joint of that name; None where the table has none."""
    for joint in (f'R{name}', name):
        if joint in table.joints:
            right = table.index(joint)
            return right, table.partners[right]
    return None


def places(joints: np.ndarray, depth: np.ndarray, deep: float) -> np.ndarray:
    """float (..., 3): x, y and deep x depth of joints (..., 2 or more), px; 0 where no depth is
    known of them all. depth: float (...); deep: as in Prior."""
    far = deep * depth if np.isfinite(depth).all() else np.zeros(joints.shape[:-1])
    return np.concatenate([joints[..., :2].astype(float), far[..., None]], -1)


def move_costs(pair: np.ndarray, depth: np.ndarray, times: np.ndarray, least: float,
               momentum: float, deep: float) -> np.ndarray:
    """The cost of a pair's (F, 2, 3) moves to each frame, nats: float (F, 2, 2).

    [f, a, b] when the pair is swapped (1) or not (0) two frames before (a) and one before (b),
    both relative to frame f. It is 0 where one of the two is not seen.

    depth     float (F, 2) px;  least  px: the accuracy of a move at best
    momentum, deep  as in Prior
    """
    costs = np.zeros((len(pair), 2, 2))
    rows = np.flatnonzero((pair[..., 2] > 0).all(1))
    step = np.diff(times[rows])
    near = step < LONGEST_STEP
    if not near.any():
        return costs
    usual = float(np.median(np.diff(times)))
    now = places(pair[rows], depth[rows], deep)
    older = now[np.r_[0, :len(now) - 2]]
    # The first move has no move before it, and one after a pause has none that still counts.
    before = np.r_[np.inf, np.where(near, step, np.inf)[:-1]]
    off = strayed(now[1:], now[:-1], older, momentum * np.minimum(step / before, 1),
                   np.minimum(usual / step, 1))
    spread = max(float(np.median(off[near, 0, 0])), least)
    costs[rows[1:]] = np.log1p((off / spread) ** 2).sum(-1) * near[:, None, None]
    return costs


def strayed(now: np.ndarray, last: np.ndarray, older: np.ndarray, again: np.ndarray,
             share: np.ndarray) -> np.ndarray:
    """float (N, 2, 2, 2): how far two joints lie from where they were expected, in the states of
    move_costs.

    now, last, older   float (N, 2, 3) px: a pair's `places` in a frame, one and two frames before
    again   float (N,): how much of the last move is repeated;  share  float (N,): a factor
    """
    places = np.stack([last, last[:, ::-1]], 1)[:, None]            # (N, 1, b, 2, 3)
    earlier = np.stack([older, older[:, ::-1]], 1)[:, :, None]      # (N, a, 1, 2, 3)
    off = now[:, None, None] - places - again[:, None, None, None, None] * (places - earlier)
    return np.sqrt((off ** 2).sum(-1)) * share[:, None, None, None]


def bone_costs(poses: np.ndarray, names: tuple[str, ...], table: Skeleton, lengths: np.ndarray,
                scale: np.ndarray) -> dict[tuple[int, int], np.ndarray]:
    """The cost of the lengths of bones, nats, by the numbers of the group's pairs that they join.

    float (F, 2) each: when both pairs are in the same state, and when only one is swapped.
    """
    numbers, starts, ends = _bones_of(names, table)
    if not numbers:
        return {}
    ways = poses[:, starts, :2] - poses[:, ends, :2]                # (F, B, 2 crossed, 2 sides, 2)
    over = np.sqrt((ways ** 2).sum(-1)) / (lengths[ends] * scale[:, None, None, None]) - LONG
    cost = np.log1p((np.nan_to_num(over).clip(0) / STRETCH) ** 2).sum(-1)
    seen = (poses[:, starts[:, 0], 2] > 0).all(-1) & (poses[:, ends[:, 0], 2] > 0).all(-1)
    cost *= seen[..., None]
    return {number: cost[:, n] for n, number in enumerate(numbers)}


@cache
def _bones_of(names: tuple[str, ...], table: Skeleton
              ) -> tuple[list[tuple[int, int]], np.ndarray, np.ndarray]:
    """The B bones between pairs of these names: the numbers of both pairs, and the joints at their
    starts and ends, int64 (B, 2, 2): as found and crossed, right and left."""
    found = [(near, far) for near, far in (BONES[bone] for bone in LIMB_BONES)
             if near in names and far in names]
    numbers = [(names.index(near), names.index(far)) for near, far in found]
    pairs = np.array([(pair_of(table, near), pair_of(table, far)) for near, far in found], int)
    pairs = pairs.reshape(-1, 2, 2)
    return (numbers, np.stack([pairs[:, 0], pairs[:, 0]], 1),
            np.stack([pairs[:, 1], pairs[:, 1, ::-1]], 1))


def path_costs(moves: np.ndarray, seen: np.ndarray, bones: dict[tuple[int, int], np.ndarray],
                states: np.ndarray, switch: float, swapped: float
                ) -> tuple[np.ndarray, np.ndarray]:
    """What a path pays: float (F, S) in each state, and float (F, S, S, S) from the state two
    frames before (first axis of states) and one before (second) to this one (third).

    moves    float (F, P, 2, 2) as move_costs gives
    seen     bool (F, P): both of the pair;  bones  as bone_costs gives
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
    # Which of a pair's four costs a path pays: one product with ones and zeros adds them up.
    kinds = (2 * trades[:, None] + trades).transpose(3, 0, 1, 2)            # (P, S, S, S)
    paid = (kinds[:, None] == np.arange(4)[:, None, None, None]).astype(float)
    cost = moves.reshape(frames, -1) @ paid.reshape(4 * pairs, -1)
    return own, change[:, None] + cost.reshape(frames, *kinds.shape[1:])


def likeliest(moves: np.ndarray, seen: np.ndarray, bones: dict[tuple[int, int], np.ndarray],
               states: np.ndarray, switch: float, swapped: float) -> np.ndarray:
    """int64 (F,): the state of every frame on the cheapest path through all of them; arguments as
    path_costs takes them."""
    frames = len(seen)
    own, cost = path_costs(moves, seen, bones, states, switch, swapped)
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
