"""Following: links bodies from frame to frame, as long as each goes on as before.

The first of two steps, as in Huang, Wu, Nevatia, "Robust object tracking by hierarchical
association of detection responses", ECCV 2008, for pedestrians; pose/tracking/joining.py is the
second. LiveFollower takes the first one frame after another, for one person. All minimise a sum of
squared costs, each in units of its usual size, by the Hungarian method.

Lengths are in body sizes, so that near and far people count alike.
Shape letters: F frames, B bodies, T tracks, N bodies of one frame, L numbers of an appearance.
"""
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from pose.shots import body_jumps
from pose.skeleton import skeleton_of
from pose.tracking.appearance import unlike
from pose.tracking.bodies import Bodies, all_bodies, bodies_by_frame, groups_of, overlap_areas

# From one frame to the next, joints lie on average 0.007 from where their common motion puts them,
# in 98 % of the frames below 0.02 (taichi2, 30 frames/s) and 0.1 (karate1, 25); the pace of the
# torso is 0.6 sizes a second in a tenth of karate1's frames.
LOST = 1.0         # seconds without a find after which a track ends
STRAY, PACE = 0.08, 1.0         # sizes, and sizes a second, that a joint is usually off
REFUSED = 9.0      # three times the usual deviation: the cost from which no link is made
NEW_PACE = 0.4     # weight of a new frame in the pace of a track ...
NEW_APPEARANCE = 0.05   # ... and in its appearance: so small that a find that slides to another
                        # body shows
AHEAD = 0.5        # seconds for which the pace is extrapolated
UNKNOWN = 1.5      # how unlike an unknown appearance counts
HIDING = 0.3       # of the smaller box that another covers: one may be behind the other
NEAR = 0.4         # seconds from which a pace is taken at the end of a track
MISSED = 0.15      # seconds: a shorter gap is a miss of the detector
LONG = 0.2         # seconds that a long tracklet lasts at least; a shorter one is a fragment


@dataclass
class Track:
    """A person being followed.

    tracklet    its number
    last        the number of the body last seen
    pace        float (2,) px/s
    appearance  float (L,), a mean over the frames seen
    watched     how many frames that mean holds, each weighted by `unoccluded`
    """
    tracklet: int
    last: int
    pace: np.ndarray
    appearance: np.ndarray
    watched: float

    @classmethod
    def start(cls, bodies: Bodies, body: int, tracklet: int) -> 'Track':
        return cls(tracklet, body, np.zeros(2), bodies.appearance[body], bodies.unoccluded[body])

    def update(self, bodies: Bodies, body: int) -> None:
        """Go on with that body."""
        seconds = max(bodies.time[body] - bodies.time[self.last], 1e-6)
        pace = (bodies.centre[body] - bodies.centre[self.last]) / seconds
        self.pace = self.pace + (pace - self.pace) * NEW_PACE
        new, old = bodies.appearance[body], self.appearance
        unoccluded = bodies.unoccluded[body]
        self.watched += unoccluded
        # A plain mean at first: the first frame may have shown another person's clothes too.
        weight = max(NEW_APPEARANCE * unoccluded, unoccluded / max(self.watched, 1e-6))
        mixed = np.where(np.isnan(old), new, old + (new - old) * weight)
        self.appearance = np.where(np.isnan(new), old, mixed)
        self.last = body


def follow(bodies: Bodies, times: np.ndarray, jumps: np.ndarray, skeleton: str
           ) -> tuple[np.ndarray, np.ndarray]:
    """Link bodies from frame to frame.

    times  float (F,) s;  jumps  bool (F,): the picture jumps there
    Returns  int64 (B,) the tracklet of each body; int64 (F,) the shots: a jump of the picture in
             which everybody jumps is a cut, and nobody is followed across it
    """
    tracklet = np.full(len(bodies), -1)
    shots = np.zeros(len(times), np.int64)
    tracks: list[Track] = []
    count = 0
    jumped = False
    for f, here in enumerate(bodies_by_frame(bodies, len(times))):
        jumped |= bool(jumps[f])
        if not len(here):
            continue
        tracks = [track for track in tracks if times[f] - bodies.time[track.last] <= LOST]
        if jumped and _everybody_jumps(bodies, tracks, here, skeleton):
            shots[f] = 1
            tracks = []
        jumped = False
        new = set(range(len(here)))
        for t, n in _links(_costs(bodies, tracks, here, times[f])):
            tracklet[here[n]] = tracks[t].tracklet
            tracks[t].update(bodies, here[n])
            new.remove(n)
        for n in sorted(new):
            tracklet[here[n]] = count
            tracks.append(Track.start(bodies, here[n], count))
            count += 1
    return tracklet, np.cumsum(shots)


def _costs(bodies: Bodies, tracks: Sequence[Track], here: np.ndarray, time: float) -> np.ndarray:
    """float (T, N): the cost of each track going on with each body of a frame."""
    if not tracks:
        return np.zeros((0, len(here)))
    last = np.array([track.last for track in tracks])
    pace = np.stack([track.pace for track in tracks])
    appearance = np.stack([track.appearance for track in tracks])
    seconds = (time - bodies.time[last])[:, None]
    moved = pace * np.minimum(seconds, AHEAD)
    both = bodies.seen[last][:, None] & bodies.seen[here][None]
    away = (bodies.joints[last] + moved[:, None])[:, None] - bodies.joints[here][None]
    away = np.sqrt((away * away).sum(-1)) * both
    size = np.maximum(bodies.size[last][:, None], bodies.size[here][None])
    away = away.sum(-1) / np.maximum(both.sum(-1), 1) / size
    way = np.where(both.any(-1), away / (STRAY + PACE * seconds), 9) ** 2
    apart = 1 - _intersection_over_union(bodies.box[last] + np.tile(moved, 2), bodies.box[here])
    differs = unlike(appearance[:, None], bodies.appearance[here][None])
    # A flash must not end a track that goes on as before, so clothes alone refuse no link.
    clothes = np.minimum(np.nan_to_num(differs, nan=UNKNOWN), 5)
    return way + apart + clothes * bodies.unoccluded[here]


def _intersection_over_union(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """float (T, N), of boxes (T, 4) and (N, 4)."""
    common = overlap_areas(a, b)
    first, second = (np.prod(box[:, 2:] - box[:, :2], 1) for box in (a, b))
    return common / np.maximum(first[:, None] + second[None] - common, 1e-6)


def _links(cost: np.ndarray) -> list[tuple[int, int]]:
    """The cheapest way to go on with everybody: (track, body) numbers."""
    from scipy.optimize import linear_sum_assignment
    if cost.shape == (1, 1):
        links = [(0, 0)]
    else:
        links = list(zip(*linear_sum_assignment(np.minimum(cost, REFUSED))))
    return [(int(t), int(n)) for t, n in links if cost[t, n] < REFUSED]


def _everybody_jumps(bodies: Bodies, tracks: Sequence[Track], here: np.ndarray, skeleton: str
                     ) -> bool:
    """Whether no body of this frame goes on where any track was last seen."""
    def pose(body: int) -> np.ndarray:
        return np.column_stack([bodies.joints[body], bodies.seen[body]])
    for before in (track.last for track in tracks):
        for after in here:
            if not (bodies.seen[before] & bodies.seen[after]).any():
                continue
            seconds = bodies.time[after] - bodies.time[before]
            if not body_jumps(pose(before), pose(after), seconds, True, skeleton):
                return False
    return True


def split_at_occlusions(bodies: Bodies, tracklet: np.ndarray) -> np.ndarray:
    """Cut tracklets, int64 (B,), where a person goes behind another or comes out again.

    Which of two people stays visible, and which one comes out, cannot be decided from one frame to
    the next: both start a new tracklet there, and `join` compares before and after.
    """
    first = np.zeros(len(bodies), bool)
    after = np.full(len(bodies), -1)
    groups = groups_of(tracklet)
    for rows in groups:
        first[rows[0]] = True
        after[rows[:-1]] = rows[1:]
    frames = bodies_by_frame(bodies, int(bodies.frame.max(initial=0)) + 1)
    for rows in groups:
        if bodies.time[rows[-1]] - bodies.time[rows[0]] < LONG:
            continue                            # a false find of a moment must not cut anybody
        gaps = np.flatnonzero(np.diff(bodies.time[rows]) > MISSED)
        for gone in (*rows[gaps], rows[-1]):
            near = _in_front_or_behind(bodies, frames, gone)
            if near:
                following = after[[gone, *near]]
                first[following[following >= 0]] = True
        for back in (rows[0], *rows[gaps + 1]):
            near = _in_front_or_behind(bodies, frames, back)
            if near:
                first[[back, *near]] = True
        for gone, back in zip(rows[gaps], rows[gaps + 1]):
            met = _met_while_gone(bodies, frames, rows, gone, back)
            if len(met):
                first[back] = True
            for other in np.unique(tracklet[met]):
                passing = met[tracklet[met] == other]
                first[passing[0]] = True
                first[after[passing[-1:]][after[passing[-1:]] >= 0]] = True
    order = np.argsort(tracklet, kind='stable')
    split = np.empty_like(tracklet)
    split[order] = np.cumsum(first[order]) - 1
    return split


def _in_front_or_behind(bodies: Bodies, frames: list[np.ndarray], body: int) -> list[int]:
    """The bodies whose box covers this one's, or the other way round."""
    others = frames[bodies.frame[body]]
    areas = np.prod(bodies.box[others, 2:] - bodies.box[others, :2], 1)
    common = overlap_areas(bodies.box[body][None], bodies.box[others])[0]
    covered = common > HIDING * np.minimum(areas, areas[others == body])
    return [int(other) for other in others[covered] if other != body]


def _met_while_gone(bodies: Bodies, frames: list[np.ndarray], rows: np.ndarray, gone: int,
                    back: int) -> np.ndarray:
    """The bodies of others, in order, whose boxes cover the place where a person is between two
    finds, going on as before the first one, or as it comes from before the second one.

    A detector may lose one of two who pass each other before their boxes overlap much. Where the
    other find then slides to the wrong one, both go on as each other.
    """
    met: list[int] = []
    for at, way in ((gone, -1), (back, 1)):
        near = rows[(np.abs(bodies.time[rows] - bodies.time[at]) <= NEAR)
                    & (way * (rows - at) >= 0)]
        time = bodies.time[near] - bodies.time[at]
        pace = (time[:, None] * (bodies.centre[near] - bodies.centre[at])).sum(0)
        pace = pace / max((time ** 2).sum(), 1e-6)
        for f in range(bodies.frame[gone] + 1, bodies.frame[back]):
            for other in frames[f]:
                seconds = np.clip(bodies.time[other] - bodies.time[at], -AHEAD, AHEAD)
                box = bodies.box[at] + np.tile(pace * seconds, 2)
                if _covers(box, bodies.box[other]):
                    met.append(int(other))
    return np.unique(met).astype(int)


def _covers(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether of two boxes one may be behind the other."""
    areas = [np.prod(box[2:] - box[:2]) for box in (one, other)]
    return bool(overlap_areas(one[None], other[None])[0, 0] > HIDING * min(areas))


class LiveFollower:
    """Follows one person frame after another: the largest at first, the same as long as it is seen
    again within `window` seconds. Those once seen apart from it are followed as well, so that they
    are never taken for it; anybody else is who comes while it is not seen.

    tracks   of the person first, and of the others
    seen     s: when the person was
    """

    def __init__(self, skeleton: str, window: float):
        self.table = skeleton_of(skeleton)
        self.window = window
        self.tracks: list[Track] = []
        self.bodies: Bodies | None = None           # the last of each track, in their order
        self.alone: tuple[np.ndarray, np.ndarray, float] | None = None      # the last ones, if so
        self.seen = -np.inf

    def __call__(self, people: np.ndarray, appearances: np.ndarray,
                 time: float) -> tuple[int, bool]:
        """The row of the person, -1 where it is not seen, and whether it is a new one.

        people  float (N, K, 4);  appearances  float (N, L);  time  s
        """
        if len(people) == 1 and len(self.tracks) <= 1:      # it is the person, wherever it stands
            is_new = time - self.seen > self.window
            self.alone = people, appearances, time
            self.seen = time
            return 0, is_new
        if self.alone:                                      # measured only now that others came
            self.tracks, self.bodies = [], None
            alone, self.alone = self.alone, None
            self._follow(*alone)
        return self._follow(people, appearances, time)

    def _follow(self, people: np.ndarray, appearances: np.ndarray,
                time: float) -> tuple[int, bool]:
        """The same by measuring everybody."""
        now = all_bodies([people], [appearances], np.array([time]), self.table)
        bodies = now if self.bodies is None else _joined(self.bodies, now)
        here = np.arange(len(bodies) - len(now), len(bodies))
        if time - self.seen > self.window:
            self.tracks = []
        others = [track for track in self.tracks[1:] if time - bodies.time[track.last] <= LOST]
        self.tracks = self.tracks[:1] + others
        linked = dict(_links(_costs(bodies, self.tracks, here, time)))
        for t, n in linked.items():
            self.tracks[t].update(bodies, int(here[n]))
        free = [int(body) for n, body in enumerate(here) if n not in linked.values()]
        is_new = not self.tracks
        if 0 not in linked and free:
            first = max(free, key=lambda body: float(bodies.size[body]))
            free.remove(first)
            self.tracks[:1] = [Track.start(bodies, first, 0)]
        if self.tracks and self.tracks[0].last in here:
            self.seen = time
            self.tracks += [Track.start(bodies, body, 1) for body in free
                            if not self._covers(bodies, self.tracks[0].last, body)]
        row = int(bodies.row[self.tracks[0].last]) if self.seen == time else -1
        self.bodies = bodies.select(np.array([track.last for track in self.tracks], int))
        self.tracks = [replace(track, last=k) for k, track in enumerate(self.tracks)]
        return row, is_new and row >= 0

    def _covers(self, bodies: Bodies, one: int, other: int) -> bool:
        """Whether two bodies of a frame hide each other, or are one body found twice."""
        both = [one, other]
        area = float(overlap_areas(bodies.box[one:one + 1], bodies.box[other:other + 1])[0, 0])
        return area > HIDING * float(np.prod(bodies.box[both, 2:] - bodies.box[both, :2], 1).min())


def _joined(a: Bodies, b: Bodies) -> Bodies:
    """The bodies of both."""
    names = [field.name for field in fields(Bodies)]
    if not len(a):
        return b
    if not len(b):
        return a
    return Bodies(**{name: np.concatenate([getattr(a, name), getattr(b, name)])
                     for name in names})
