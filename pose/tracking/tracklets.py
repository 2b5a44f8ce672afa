"""Who is who from frame to frame: bodies are followed, and what was lost is found again.

In two steps, as Huang, Wu, Nevatia, "Robust object tracking by hierarchical association of
detection responses", ECCV 2008, does for pedestrians: `follow` links frame to frame, as long as
somebody goes on as before; `join` makes persons of these tracklets, where the clothes and the way
before and after a gap are known. Both minimise a sum of squared surprises, each in units of what
is usual, by the Hungarian method.

Lengths are in body sizes, so that the near and the far count alike.
Shape letters: F frames, B bodies (everybody in every frame), K body joints, L numbers of a look,
T tracklets.
"""
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pose.body import body_parts
from pose.shots import body_jumps
from pose.skeleton import Skeleton

# Head, torso and leg as parts of a body: what is hidden is thought to be as long as usual.
SHARES = np.array((0.15, 0.33, 0.52))
TORSO = ('RShoulder', 'LShoulder', 'RHip', 'LHip')
DOUBLE = 0.06      # two finds whose joints lie nearer than that are one body: half a head's width

# Following. A frame after, joints lie on average 0.007 from where their common motion puts them,
# in 98 % of the frames below 0.02 (taichi2, 30 frames/s) and 0.1 (karate1, 25); the torso's pace
# is 0.6 sizes a second in a tenth of karate1's frames.
LOST = 1.0         # seconds that somebody unseen is waited for
STRAY, PACE = 0.08, 1.0         # sizes, and sizes a second, that a joint is usually off
REFUSED = 9.0      # three times what is usual: the cost at which nobody is followed
FRESH = 0.4        # how far a new frame moves what is known of a pace ...
WORN = 0.05        # ... and of clothes: so little that a find which slides to another body shows
AHEAD = 0.5        # seconds: after that nobody is thought to go on as before
HIDING = 0.3       # of the smaller box that another covers: one may be behind the other
MISSED = 0.15      # seconds: a detector that misses somebody for less has only blinked

# Joining.
PLACE_STRAY, PLACE_PACE = 0.15, 0.8     # as above, for the body's middle
TURN = 1.0         # sizes a second that a pace usually changes
GROWTH = 0.2       # logarithm of how much a size usually changes
LOOK_WEIGHT = 3.0  # clothes that differ outweigh a way that would be smoother
UNKNOWN = 1.5      # how unlike a look is that nobody can tell
UNLIKE = 5.0       # looks so unlike are two persons, however smooth the way (see unlike)
MIXTURE = 3.0      # a mixture of two bodies is so unlike either
ALIKE = 2.0        # and only below this is somebody recognised by the look alone
REJOINED = 14.0    # the cost up to which two tracklets may be one person
WAITS = (1.0, 4.0)  # seconds of a gap, tried one after the other: the sure ones first
PROPER = 0.2       # seconds seen alone that a tracklet needs to have a look of its own
RECOGNISED = 300   # the longest stretches, which alone are compared by look with all others


@dataclass(frozen=True)
class Bodies:
    """Everybody in every frame, one after the other.

    frame, row  int64 (B,)        the frame, and which of its people
    time        float (B,)        s
    joints      float (B, K, 2)   px, 0 where not seen
    seen        bool (B, K)
    centre      float (B, 2)      px, of the torso
    size        float (B,)        px, of the whole body, from the parts that are seen
    box         float (B, 4)      px: left, top, right, bottom
    look        float (B, L)      see pose.tracking.people.look
    alone       float (B,)        0..1, how much of the box nobody else is in, squared
    """
    frame: np.ndarray
    row: np.ndarray
    time: np.ndarray
    joints: np.ndarray
    seen: np.ndarray
    centre: np.ndarray
    size: np.ndarray
    box: np.ndarray
    look: np.ndarray
    alone: np.ndarray

    def __len__(self) -> int:
        return len(self.frame)


def all_bodies(people: Sequence[np.ndarray], looks: Sequence[np.ndarray], times: np.ndarray,
               skeleton: Skeleton) -> Bodies:
    """Measure everybody; of several finds of one body the surest stays, the others are left out.

    people  (N, K, 4) per frame;  looks  (N, L) per frame;  times  (F,) s
    """
    body = skeleton.part('body')
    width = max((look.shape[1] for look in looks), default=0)
    frame = np.repeat(np.arange(len(people)), [len(p) for p in people])
    row = np.concatenate([np.zeros(0, np.int64), *(np.arange(len(p)) for p in people)])
    poses = np.concatenate([np.zeros((0, skeleton.body, 3)), *(p[:, body, :3] for p in people)])
    look = np.concatenate([np.zeros((0, width)), *(np.reshape(v, (len(v), width)) for v in looks)])
    there = (poses[..., 2] > 0).any(1)
    frame, row, poses, look = (v[there] for v in (frame, row, poses, look))

    seen = poses[..., 2] > 0
    joints = poses[..., :2] * seen[..., None]
    box = np.concatenate([np.where(seen[..., None], joints, np.inf).min(1),
                          np.where(seen[..., None], joints, -np.inf).max(1)], 1)
    torso = np.zeros_like(seen)
    torso[:, [skeleton.index(joint) for joint in TORSO]] = True
    torso &= seen
    counted = np.where(torso.any(1)[:, None], torso, seen)[..., None]
    centre = (joints * counted).sum(1) / counted.sum(1)
    parts = body_parts(poses, skeleton)
    shares = ((parts > 0) * SHARES).sum(1)
    size = np.where(shares > 0, parts.sum(1) / np.maximum(shares, 1e-6), 0)
    size = np.maximum(size, 0.6 * (box[:, 2:] - box[:, :2]).max(1, initial=1))

    bodies = Bodies(frame, row, np.asarray(times, float)[frame], joints, seen, centre, size, box,
                    look, np.ones(len(frame)))
    double = np.zeros(len(frame), bool)
    for here in _frames(frame, len(people)):
        if len(here) > 1:
            double[here] = _doubles(bodies, here, poses[here, :, 2].mean(1))
    bodies = Bodies(*(v[~double] for v in vars(bodies).values()))
    for here in _frames(bodies.frame, len(people)):
        if len(here) > 1:
            bodies.alone[here] = (1 - _overlap(bodies.box[here]).max(1)) ** 2
    return bodies


def unlike(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """How different looks are: the mean square, in units of what one cloth varies by.

    a, b     float (..., L), broadcast;  Returns  float (...): NaN where they share too little

    Measured: seconds of one person are 0.3 apart, at most 2.5 while he turns round (taichi2); two
    in other trousers and shirts 6 to 8, in other shirts alone 3.
    """
    square = np.minimum((a - b) ** 2, 16)       # one part quite different says enough
    known = np.isfinite(square)
    count = known.sum(-1)
    mean = np.where(known, square, 0).sum(-1) / np.maximum(count, 1)
    return np.where(count >= 6, mean, np.nan)   # two parts of three numbers each


def follow(bodies: Bodies, times: np.ndarray, jumps: np.ndarray, skeleton: str
           ) -> tuple[np.ndarray, np.ndarray]:
    """Link bodies from frame to frame, as long as they go on as before.

    times  float (F,) s;  jumps  bool (F,): the picture jumps there
    Returns  int64 (B,) the tracklet of each body; int64 (F,) the shots: a picture's jump in which
             everybody jumps is a cut, and nobody is followed across it
    """
    tracklet, shots = np.full(len(bodies), -1), np.zeros(len(times), np.int64)
    known = _Known(bodies)
    count, jumped = 0, False
    for f, here in enumerate(_frames(bodies.frame, len(times))):
        jumped |= bool(jumps[f])
        if not len(here):
            continue
        known.keep(times[f] - bodies.time[known.last] <= LOST)
        if jumped and _everybody_jumps(bodies, known.last, here, skeleton):
            shots[f] = 1
            known.keep(np.zeros(len(known.last), bool))
        jumped = False
        cost = known.cost(here, times[f])
        new = np.ones(len(here), bool)
        for t, d in _links(cost):
            tracklet[here[d]], new[d] = tracklet[known.last[t]], False
            known.see(t, here[d])
        tracklet[here[new]] = count + np.arange(new.sum())
        count += int(new.sum())
        known.begin(here[new])
    return tracklet, np.cumsum(shots)


class _Known:
    """Who is being followed: the body last seen, its pace (px/s), its clothes and in how many
    frames they were seen well."""

    def __init__(self, bodies: Bodies):
        self.bodies = bodies
        self.last = np.zeros(0, np.int64)
        self.pace = np.zeros((0, 2))
        self.look = np.zeros((0, bodies.look.shape[1]))
        self.watched = np.zeros(0)

    def keep(self, mask: np.ndarray) -> None:
        if not mask.all():
            self.last, self.pace = self.last[mask], self.pace[mask]
            self.look, self.watched = self.look[mask], self.watched[mask]

    def begin(self, here: np.ndarray) -> None:
        if len(here):
            self.last = np.concatenate([self.last, here])
            self.pace = np.concatenate([self.pace, np.zeros((len(here), 2))])
            self.look = np.concatenate([self.look, self.bodies.look[here]])
            self.watched = np.concatenate([self.watched, self.bodies.alone[here]])

    def see(self, t: int, body: int) -> None:
        bodies, before = self.bodies, self.last[t]
        seconds = max(bodies.time[body] - bodies.time[before], 1e-6)
        pace = (bodies.centre[body] - bodies.centre[before]) / seconds
        self.pace[t] += (pace - self.pace[t]) * FRESH
        new, old, alone = bodies.look[body], self.look[t], bodies.alone[body]
        self.watched[t] += alone
        # A mean at first, as the frame it began with may have shown another's clothes too.
        mixed = old + (new - old) * max(WORN * alone, alone / max(self.watched[t], 1e-6))
        mixed = np.where(np.isnan(old), new, mixed)
        self.look[t] = np.where(np.isnan(new), old, mixed)
        self.last[t] = body

    def cost(self, here: np.ndarray, time: float) -> np.ndarray:
        """How surprising it would be, (T, N), if each were that body."""
        bodies, last = self.bodies, self.last
        seconds = (time - bodies.time[last])[:, None]
        moved = self.pace * np.minimum(seconds, AHEAD)
        both = bodies.seen[last][:, None] & bodies.seen[here][None]
        away = (bodies.joints[last] + moved[:, None])[:, None] - bodies.joints[here][None]
        away = np.sqrt((away * away).sum(-1)) * both
        size = np.maximum(bodies.size[last][:, None], bodies.size[here][None])
        away = away.sum(-1) / np.maximum(both.sum(-1), 1) / size
        way = np.where(both.any(-1), away / (STRAY + PACE * seconds), 9) ** 2
        apart = 1 - _shared(bodies.box[last] + np.tile(moved, 2), bodies.box[here])
        look = np.nan_to_num(unlike(self.look[:, None], bodies.look[here][None]), nan=UNKNOWN)
        # A flash must not lose who goes on as before, so clothes alone refuse nobody.
        return way + apart + np.minimum(look, 5) * bodies.alone[here]


def _links(cost: np.ndarray) -> list[tuple[int, int]]:
    """The cheapest way to follow everybody: (known, body)."""
    from scipy.optimize import linear_sum_assignment
    links = [(0, 0)] if cost.shape == (1, 1) else zip(
        *linear_sum_assignment(np.minimum(cost, REFUSED)))
    return [(int(t), int(d)) for t, d in links if cost[t, d] < REFUSED]


def _everybody_jumps(bodies: Bodies, last: np.ndarray, here: np.ndarray, skeleton: str) -> bool:
    def pose(body: int) -> np.ndarray:
        return np.column_stack([bodies.joints[body], bodies.seen[body]])
    return all(body_jumps(pose(a), pose(b), bodies.time[b] - bodies.time[a], True, skeleton)
               for a in last for b in here if (bodies.seen[a] & bodies.seen[b]).any())


def part(bodies: Bodies, tracklet: np.ndarray) -> np.ndarray:
    """Cut tracklets, int64 (B,), where somebody goes behind somebody, or comes out again.

    Which of two is seen while only one is, and which of two comes out, nobody can tell from one
    frame to the next: both begin anew there, and `join` compares before and after.
    """
    first = np.zeros(len(bodies), bool)
    after = np.full(len(bodies), -1)
    groups = _groups(tracklet)
    for rows in groups:
        first[rows[0]] = True
        after[rows[:-1]] = rows[1:]
    frames = _frames(bodies.frame, int(bodies.frame.max(initial=0)) + 1)
    for rows in groups:
        if bodies.time[rows[-1]] - bodies.time[rows[0]] < PROPER:
            continue                            # a ghost of a moment must not part anybody
        gaps = np.flatnonzero(np.diff(bodies.time[rows]) > MISSED)
        for gone in (*rows[gaps], rows[-1]):
            near = _near(bodies, frames, gone)
            first[[other for other in after[[gone, *near]] if other >= 0 and len(near)]] = True
        for back in (rows[0], *rows[gaps + 1]):
            near = _near(bodies, frames, back)
            first[[back, *near] if near else []] = True
    order = np.argsort(tracklet, kind='stable')
    parted = np.empty_like(tracklet)
    parted[order] = np.cumsum(first[order]) - 1
    return parted


def _near(bodies: Bodies, frames: list[np.ndarray], body: int) -> list[int]:
    """Who stands in front of a body or behind it."""
    others = frames[bodies.frame[body]]
    areas = np.prod(bodies.box[others, 2:] - bodies.box[others, :2], 1)
    common = _common(bodies.box[body][None], bodies.box[others])[0]
    covered = common > HIDING * np.minimum(areas, areas[others == body])
    return [int(other) for other in others[covered] if other != body]


def join(bodies: Bodies, tracklet: np.ndarray, shots: np.ndarray) -> np.ndarray:
    """Make persons of tracklets that are never seen at the same time.

    Returns  int64 (B,) the person of each body

    First those with clothes of their own, within a shot and by way and look; then the scraps
    between them; at last, also across cuts, what looks alike.
    """
    stretches = [_stretch(bodies, shots, rows) for rows in _groups(tracklet)]
    proper = [s for s in stretches if s.alone >= PROPER]
    scraps = [s for s in stretches if s.alone < PROPER]
    for wait in WAITS:
        proper = _chained(bodies, shots, proper, wait)
    persons = _recognised(bodies, shots, _with_scraps(bodies, shots, proper, scraps))
    person = np.zeros(len(bodies), np.int64)
    for number, stretch in enumerate(persons):
        person[stretch.rows] = number
    return person


@dataclass(frozen=True)
class _Stretch:
    """One person for some time: the numbers of its bodies in order, and what is known of it.

    shot   that of (its first, its last) body;  ends  time, x, y, pace x, pace y, size at both
    alone  seconds seen with nobody in front or behind, which decide the look
    """
    rows: np.ndarray
    shot: tuple[int, int]
    ends: tuple[np.ndarray, np.ndarray]
    look: np.ndarray
    alone: float


def _stretch(bodies: Bodies, shots: np.ndarray, rows: np.ndarray) -> _Stretch:
    rows = np.sort(rows)
    look, weight = bodies.look[rows], bodies.alone[rows][:, None] * np.isfinite(bodies.look[rows])
    total = weight.sum(0)
    mean = (np.nan_to_num(look) * weight).sum(0) / np.maximum(total, 1e-9)
    steps = np.diff(bodies.time[rows]).clip(max=0.2)
    alone = float((bodies.alone[rows[1:]] * steps).sum())
    return _Stretch(rows, (int(shots[bodies.frame[rows[0]]]), int(shots[bodies.frame[rows[-1]]])),
                    (_end(bodies, rows, 0), _end(bodies, rows, -1)),
                    np.where(total > 0.1, mean, np.nan), alone)


def _end(bodies: Bodies, rows: np.ndarray, end: int) -> np.ndarray:
    """time, x, y, pace x, pace y, size at the first (0) or last (-1) body of a stretch."""
    at = rows[end]
    near = rows[np.abs(bodies.time[rows] - bodies.time[at]) <= 0.4]
    time = bodies.time[near] - bodies.time[at]
    spread = time - time.mean()
    pace = (spread[:, None] * bodies.centre[near]).sum(0) / max((spread ** 2).sum(), 0.005)
    return np.array([bodies.time[at], *bodies.centre[at], *pace, np.median(bodies.size[near])])


def _chained(bodies: Bodies, shots: np.ndarray, stretches: list[_Stretch], wait: float
             ) -> list[_Stretch]:
    """Let each be followed by the one it most likely becomes, within `wait` seconds."""
    from scipy.optimize import linear_sum_assignment
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components
    begins = np.array([s.ends[0][0] for s in stretches])
    order = np.argsort(begins)
    costs: dict[tuple[int, int], float] = {}
    for i, stretch in enumerate(stretches):
        end = stretch.ends[1][0]
        first, last = np.searchsorted(begins[order], (end + 1e-6, end + wait + 1e-6))
        costs |= {(i, int(j)): cost for j in order[first:last]
                  if (cost := _surprise(stretch, stretches[j])) < REJOINED}
    if not costs:
        return stretches
    pairs, count = np.array(list(costs)), len(stretches)
    # Those who never compete are told apart first: one table for all of a long video is too big.
    links = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1] + count)), (2 * count,) * 2)
    part = connected_components(links, directed=False)[1][pairs[:, 0]]
    follower: dict[int, int] = {}
    for group in _groups(part):
        i, row = np.unique(pairs[group, 0], return_inverse=True)
        j, column = np.unique(pairs[group, 1], return_inverse=True)
        table = np.full((len(i), len(j)), REJOINED)
        table[row, column] = [costs[int(a), int(b)] for a, b in pairs[group]]
        follower |= {int(i[r]): int(j[c]) for r, c in zip(*linear_sum_assignment(table))
                     if table[r, c] < REJOINED}
    chains = []
    for i in sorted(set(range(count)) - set(follower.values())):
        chain = [i]
        while chain[-1] in follower:
            chain.append(follower[chain[-1]])
        chains.append(_together(bodies, shots, [stretches[k] for k in chain]))
    return chains


def _together(bodies: Bodies, shots: np.ndarray, parts: list[_Stretch]) -> _Stretch:
    return parts[0] if len(parts) == 1 else _stretch(
        bodies, shots, np.concatenate([part.rows for part in parts]))


def _surprise(before: _Stretch, after: _Stretch) -> float:
    """The cost of one person being first this, then that; infinite across a cut."""
    if before.shot[1] != after.shot[0]:
        return np.inf
    look = float(unlike(before.look, after.look))
    return np.inf if look > UNLIKE else LOOK_WEIGHT * (
        UNKNOWN if np.isnan(look) else look) + _leap(before.ends[1], after.ends[0])


def _leap(a: np.ndarray, b: np.ndarray) -> float:
    """How surprising a way from the end a to the end b is: place, other pace, other size."""
    seconds, size = b[0] - a[0], max(a[5], b[5])
    ahead = min(seconds, AHEAD)
    away = (np.linalg.norm(a[1:3] + a[3:5] * ahead - b[1:3])
            + np.linalg.norm(b[1:3] - b[3:5] * ahead - a[1:3])) / 2 / size
    place = (away / (PLACE_STRAY + PLACE_PACE * seconds)) ** 2
    turn = (np.linalg.norm(b[3:5] - a[3:5]) / size / TURN) ** 2
    growth = (np.log(b[5] / a[5]) / GROWTH) ** 2
    fading = np.exp(-seconds)       # the longer ago, the less a pace or a size says
    return float(place + min(turn, 4) * fading + min(growth, 9) * fading)


def _with_scraps(bodies: Bodies, shots: np.ndarray, persons: list[_Stretch],
                 scraps: list[_Stretch]) -> list[_Stretch]:
    """Give the scraps, the least surprising first, to who is not seen then; or let them be."""
    frames = [set(bodies.frame[p.rows].tolist()) for p in persons]
    parts = [[p] for p in persons]
    fits = sorted(((cost, k, p) for k, scrap in enumerate(scraps)
                   for p, person in enumerate(persons)
                   if (cost := _misfit(bodies, shots, scrap, person)) < REJOINED),
                  key=lambda fit: fit[0])
    used = set()
    for _, k, p in fits:
        mine = set(bodies.frame[scraps[k].rows].tolist())
        if k not in used and not mine & frames[p]:
            used.add(k)
            frames[p] |= mine
            parts[p].append(scraps[k])
    return [_together(bodies, shots, p) for p in parts] + [
        scrap for k, scrap in enumerate(scraps) if k not in used]


def _misfit(bodies: Bodies, shots: np.ndarray, scrap: _Stretch, person: _Stretch) -> float:
    """How surprising a scrap is between what is seen of a person before and after it."""
    at = np.searchsorted(person.rows, scrap.rows[0])
    sides = []
    for body, end in ((at - 1, -1), (at, 0)):
        if not 0 <= body < len(person.rows):
            continue
        inner, outer = scrap.ends[0 if end else 1], person.rows[:at] if end else person.rows[at:]
        seconds = abs(bodies.time[outer[end]] - inner[0])
        if seconds <= LOST and shots[bodies.frame[outer[end]]] == scrap.shot[0]:
            here = _end(bodies, outer, end)
            sides.append(_leap(here, inner) if end else _leap(inner, here))
    look = float(unlike(scrap.look, person.look))
    # With another find in front of it a look is half that one's. Half another's without one is a
    # detector's mixture of two bodies, and better left out.
    most = 2 * UNLIKE if bodies.alone[scrap.rows].mean() < 0.5 else MIXTURE
    if not sides or look > most:
        return np.inf
    return float(np.mean(sides)) + (UNKNOWN if np.isnan(look) else look)


def _recognised(bodies: Bodies, shots: np.ndarray, persons: list[_Stretch]) -> list[_Stretch]:
    """Join, the most alike first, who is never seen together and looks the same."""
    persons = sorted(persons, key=lambda p: -len(p.rows))
    persons, rest = persons[:RECOGNISED], persons[RECOGNISED:]
    frames = [set(bodies.frame[p.rows].tolist()) for p in persons]
    looks = np.array([p.look for p in persons]).reshape(len(persons), -1)
    table = np.nan_to_num(unlike(looks[:, None], looks[None]), nan=np.inf)
    table[np.tril_indices(len(persons))] = np.inf
    gone = set()
    while table.size and table.min() < ALIKE:
        i, j = divmod(int(table.argmin()), len(persons))
        table[i, j] = np.inf
        if frames[i] & frames[j]:
            continue
        persons[i] = _together(bodies, shots, [persons[i], persons[j]])
        frames[i] |= frames[j]
        gone.add(j)
        looks[i], looks[j] = persons[i].look, np.nan
        fresh = np.nan_to_num(unlike(looks[i], looks), nan=np.inf)
        table[j, :], table[:, j] = np.inf, np.inf
        table[i, i + 1:], table[:i, i] = fresh[i + 1:], fresh[:i]
    return [p for k, p in enumerate(persons) if k not in gone] + rest


def _doubles(bodies: Bodies, here: np.ndarray, sure: np.ndarray) -> np.ndarray:
    """bool (N,): another find in this frame is the same body and surer."""
    both = bodies.seen[here][:, None] & bodies.seen[here][None]
    away = np.linalg.norm(bodies.joints[here][:, None] - bodies.joints[here][None], axis=-1) * both
    size = np.maximum(bodies.size[here][:, None], bodies.size[here][None])
    same = away.sum(-1) / np.maximum(both.sum(-1), 1) < DOUBLE * size
    same &= both.sum(-1) >= 4
    rank = np.argsort(np.argsort(-sure, kind='stable'))
    return (same & (rank[None] < rank[:, None])).any(1)


def _overlap(box: np.ndarray) -> np.ndarray:
    """float (N, N): the part of each box that the other covers; 0 for itself."""
    part = _common(box, box) / np.maximum(np.prod(box[:, 2:] - box[:, :2], 1), 1)[:, None]
    np.fill_diagonal(part, 0)
    return np.minimum(part, 1)


def _shared(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """float (T, N): intersection over union of boxes."""
    common = _common(a, b)
    areas = (np.prod(v[:, 2:] - v[:, :2], 1) for v in (a, b))
    first, second = areas
    return common / np.maximum(first[:, None] + second[None] - common, 1e-6)


def _common(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    sides = (np.minimum(a[:, None, 2:], b[None, :, 2:])
             - np.maximum(a[:, None, :2], b[None, :, :2]))
    return np.prod(np.maximum(sides, 0), -1)


def _frames(frame: np.ndarray, count: int) -> list[np.ndarray]:
    """Per frame the numbers of its bodies."""
    return np.split(np.arange(len(frame)), np.searchsorted(frame, np.arange(1, count)))


def _groups(labels: np.ndarray) -> list[np.ndarray]:
    """Per label, in order, where it stands."""
    order = np.argsort(labels, kind='stable')
    return np.split(order, np.flatnonzero(np.diff(labels[order])) + 1) if len(labels) else []
