"""Joining: makes persons of tracklets, by appearance and by the motion before and after a gap.

The second step after pose/tracking/following.py, which names the source. Long tracklets, which
have an appearance of their own, are chained within a shot; fragments are then fitted between them;
at last, persons with the same appearance are joined across cuts.

Lengths are in body sizes, so that near and far people count alike.
"""
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pose.tracking.appearance import unlike
from pose.tracking.bodies import Bodies, groups_of
from pose.tracking.following import AHEAD, LONG, LOST, UNKNOWN

PLACE_STRAY, PLACE_PACE = 0.15, 0.8     # sizes, and sizes a second, that a centre is usually off
TURN = 1.0         # sizes a second that a pace usually changes
GROWTH = 0.2       # logarithm of the usual change of a size
APPEARANCE_WEIGHT = 3.0     # different clothes outweigh a smoother path
UNLIKE = 5.0       # appearances so unlike are two persons, however smooth the path (see unlike)
MIXTURE = 3.0      # a find that mixes two bodies is so unlike either
ALIKE = 2.0        # only below this are persons joined by appearance alone
REJOINED = 14.0    # the cost up to which two tracklets may be one person
WAITS = (1.0, 4.0)  # seconds of a gap, tried one after the other: the sure ones first
MOST_COMPARED = 300     # persons, the longest ones, whose appearances are compared with all others


@dataclass(frozen=True)
class End:
    """One end of a segment: s, (2,) px, (2,) px/s, px."""
    time: float
    place: np.ndarray
    pace: np.ndarray
    size: float


@dataclass(frozen=True)
class Segment:
    """One person for some time.

    rows          the numbers of its bodies, in order
    first_shot, last_shot    the shots of its first and its last body
    start, end    its two ends
    appearance    float (L,), a mean weighted by `unoccluded`
    unoccluded    seconds seen with nobody in front or behind, which decide the appearance
    """
    rows: np.ndarray
    first_shot: int
    last_shot: int
    start: End
    end: End
    appearance: np.ndarray
    unoccluded: float


def join(bodies: Bodies, tracklet: np.ndarray, shots: np.ndarray) -> np.ndarray:
    """Make persons of tracklets that are never seen at the same time.

    Returns  int64 (B,) the person of each body
    """
    segments = [_segment(bodies, shots, rows) for rows in groups_of(tracklet)]
    long = [segment for segment in segments if segment.unoccluded >= LONG]
    fragments = [segment for segment in segments if segment.unoccluded < LONG]
    for wait in WAITS:
        long = _chained(bodies, shots, long, wait)
    persons = _with_fragments(bodies, shots, long, fragments)
    person = np.zeros(len(bodies), np.int64)
    for number, segment in enumerate(_joined_by_appearance(bodies, shots, persons)):
        person[segment.rows] = number
    return person


def _segment(bodies: Bodies, shots: np.ndarray, rows: np.ndarray) -> Segment:
    rows = np.sort(rows)
    appearance = bodies.appearance[rows]
    weight = bodies.unoccluded[rows][:, None] * np.isfinite(appearance)
    total = weight.sum(0)
    mean = (np.nan_to_num(appearance) * weight).sum(0) / np.maximum(total, 1e-9)
    steps = np.diff(bodies.time[rows]).clip(max=0.2)
    first, last = (int(shots[bodies.frame[row]]) for row in rows[[0, -1]])
    return Segment(rows, first, last, _end(bodies, rows, rows[0]), _end(bodies, rows, rows[-1]),
                   np.where(total > 0.1, mean, np.nan),
                   float((bodies.unoccluded[rows[1:]] * steps).sum()))


def _merged(bodies: Bodies, shots: np.ndarray, segments: Sequence[Segment]) -> Segment:
    if len(segments) == 1:
        return segments[0]
    return _segment(bodies, shots, np.concatenate([segment.rows for segment in segments]))


def _end(bodies: Bodies, rows: np.ndarray, at: int) -> End:
    """The end of a segment at its first or last body, from the bodies within 0.4 s."""
    near = rows[np.abs(bodies.time[rows] - bodies.time[at]) <= 0.4]
    time = bodies.time[near] - bodies.time[at]
    spread = time - time.mean()
    pace = (spread[:, None] * bodies.centre[near]).sum(0) / max((spread ** 2).sum(), 0.005)
    return End(bodies.time[at], bodies.centre[at], pace, np.median(bodies.size[near]))


def _chained(bodies: Bodies, shots: np.ndarray, segments: list[Segment], wait: float
             ) -> list[Segment]:
    """Chain each segment with the one that most likely continues it, within `wait` seconds."""
    follower = _followers(segments, wait)
    chains = []
    for i in sorted(set(range(len(segments))) - set(follower.values())):
        chain = [i]
        while chain[-1] in follower:
            chain.append(follower[chain[-1]])
        chains.append(_merged(bodies, shots, [segments[k] for k in chain]))
    return chains


def _followers(segments: list[Segment], wait: float) -> dict[int, int]:
    """{number of a segment: number of the one that continues it}, the cheapest as a whole."""
    from scipy.optimize import linear_sum_assignment
    costs = _continuation_costs(segments, wait)
    if not costs:
        return {}
    pairs = np.array(list(costs))
    follower: dict[int, int] = {}
    for group in groups_of(_competing(pairs, len(segments))):
        i, row = np.unique(pairs[group, 0], return_inverse=True)
        j, column = np.unique(pairs[group, 1], return_inverse=True)
        table = np.full((len(i), len(j)), REJOINED)
        table[row, column] = [costs[int(a), int(b)] for a, b in pairs[group]]
        for r, c in zip(*linear_sum_assignment(table)):
            if table[r, c] < REJOINED:
                follower[int(i[r])] = int(j[c])
    return follower


def _continuation_costs(segments: list[Segment], wait: float) -> dict[tuple[int, int], float]:
    """{(i, j): cost of segment j continuing segment i}, of those within `wait` seconds."""
    starts = np.array([segment.start.time for segment in segments])
    order = np.argsort(starts)
    costs = {}
    for i, segment in enumerate(segments):
        window = segment.end.time + 1e-6, segment.end.time + wait + 1e-6
        first, last = np.searchsorted(starts[order], window)
        for j in order[first:last]:
            cost = _continuation_cost(segment, segments[j])
            if cost < REJOINED:
                costs[i, int(j)] = cost
    return costs


def _competing(pairs: np.ndarray, count: int) -> np.ndarray:
    """int (N,): a label per pair (N, 2), alike for pairs that compete for the same segments.

    Each group gets a table of its own: one for all of a long video would be too large.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components
    links = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1] + count)), (2 * count,) * 2)
    labels = connected_components(links, directed=False)[1]
    return labels[pairs[:, 0]]


def _continuation_cost(before: Segment, after: Segment) -> float:
    """The cost of two segments being one person; infinite across a cut."""
    if before.last_shot != after.first_shot:
        return np.inf
    differs = float(unlike(before.appearance, after.appearance))
    if differs > UNLIKE:
        return np.inf
    clothes = UNKNOWN if np.isnan(differs) else differs
    return APPEARANCE_WEIGHT * clothes + _motion_cost(before.end, after.start)


def _motion_cost(a: End, b: End) -> float:
    """The cost of the way from the end a to the later end b: place, change of pace and size."""
    seconds = b.time - a.time
    size = max(a.size, b.size)
    ahead = min(seconds, AHEAD)
    away = (np.linalg.norm(a.place + a.pace * ahead - b.place)
            + np.linalg.norm(b.place - b.pace * ahead - a.place)) / 2 / size
    place = (away / (PLACE_STRAY + PLACE_PACE * seconds)) ** 2
    turn = (np.linalg.norm(b.pace - a.pace) / size / TURN) ** 2
    growth = (np.log(b.size / a.size) / GROWTH) ** 2
    fading = np.exp(-seconds)       # the longer ago, the less a pace or a size says
    return float(place + min(turn, 4) * fading + min(growth, 9) * fading)


def _with_fragments(bodies: Bodies, shots: np.ndarray, persons: list[Segment],
                    fragments: list[Segment]) -> list[Segment]:
    """Give each fragment, the cheapest first, to a person not seen at that time.

    Returns  the persons, then the fragments that nobody takes
    """
    fits = []
    for k, fragment in enumerate(fragments):
        for p, person in enumerate(persons):
            cost = _fragment_cost(bodies, shots, fragment, person)
            if cost < REJOINED:
                fits.append((cost, k, p))
    fits.sort(key=lambda fit: fit[0])

    frames = [set(bodies.frame[person.rows].tolist()) for person in persons]
    segments = [[person] for person in persons]
    taken = set()
    for _, k, p in fits:
        mine = set(bodies.frame[fragments[k].rows].tolist())
        if k not in taken and not mine & frames[p]:
            taken.add(k)
            frames[p] |= mine
            segments[p].append(fragments[k])
    joined = [_merged(bodies, shots, each) for each in segments]
    return joined + [fragment for k, fragment in enumerate(fragments) if k not in taken]


def _fragment_cost(bodies: Bodies, shots: np.ndarray, fragment: Segment, person: Segment) -> float:
    """The cost of a fragment between what is seen of a person before and after it."""
    at = np.searchsorted(person.rows, fragment.rows[0])
    before, after = person.rows[:at], person.rows[at:]
    costs = []
    if len(before) and _within_reach(bodies, shots, before[-1], fragment, fragment.start):
        costs.append(_motion_cost(_end(bodies, before, before[-1]), fragment.start))
    if len(after) and _within_reach(bodies, shots, after[0], fragment, fragment.end):
        costs.append(_motion_cost(fragment.end, _end(bodies, after, after[0])))
    differs = float(unlike(fragment.appearance, person.appearance))
    # With another find in front of it an appearance is half that one's. Without one, an appearance
    # half another's is a detector's mixture of two bodies, and better left out.
    occluded = bodies.unoccluded[fragment.rows].mean() < 0.5
    most = 2 * UNLIKE if occluded else MIXTURE
    if not costs or differs > most:
        return np.inf
    return float(np.mean(costs)) + (UNKNOWN if np.isnan(differs) else differs)


def _within_reach(bodies: Bodies, shots: np.ndarray, body: int, fragment: Segment, end: End
                  ) -> bool:
    """Whether a body is seen in the fragment's shot within LOST seconds of that end of it."""
    seconds = abs(bodies.time[body] - end.time)
    return bool(seconds <= LOST and shots[bodies.frame[body]] == fragment.first_shot)


def _joined_by_appearance(bodies: Bodies, shots: np.ndarray, persons: list[Segment]
                          ) -> list[Segment]:
    """Join persons never seen together who look the same, the most alike first."""
    persons = sorted(persons, key=lambda person: -len(person.rows))
    persons, rest = persons[:MOST_COMPARED], persons[MOST_COMPARED:]
    frames = [set(bodies.frame[person.rows].tolist()) for person in persons]
    appearances = np.array([person.appearance for person in persons]).reshape(len(persons), -1)
    table = np.nan_to_num(unlike(appearances[:, None], appearances[None]), nan=np.inf)
    table[np.tril_indices(len(persons))] = np.inf
    gone = set()
    while table.size and table.min() < ALIKE:
        i, j = divmod(int(table.argmin()), len(persons))
        table[i, j] = np.inf
        if frames[i] & frames[j]:
            continue
        persons[i] = _merged(bodies, shots, [persons[i], persons[j]])
        frames[i] |= frames[j]
        gone.add(j)
        appearances[i], appearances[j] = persons[i].appearance, np.nan
        changed = np.nan_to_num(unlike(appearances[i], appearances), nan=np.inf)
        table[j, :], table[:, j] = np.inf, np.inf
        table[i, i + 1:], table[:i, i] = changed[i + 1:], changed[:i]
    return [person for k, person in enumerate(persons) if k not in gone] + rest
