"""Everybody in a video, and which of them is the dancer. Shapes as in pose/track.

    detector -> people, looks -> pick_person -> rows -> PoseTrack

tracklets.py tells who is who; here is what they wear, and who of them is chosen. What hangs
on the wall, a shadow or a mirror's image is known by how it moves and what it wears, and comes
after everybody alive, however large or clear it is.
"""
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from pose.shots import picture_jumps
from pose.skeleton import Skeleton, skeleton_of
from pose.tracking.tracklets import Bodies, all_bodies, follow, join, part
from util.errors import UserError

# Where clothes are looked at: along these bones, from so far to so far, both sides together, so
# that left and right may be mistaken; and on the torso, in parts of its width and height.
BONES = {'upper arm': ('Shoulder', 'Elbow', 0.25, 0.85), 'forearm': ('Elbow', 'Wrist', 0.1, 0.8),
         'thigh': ('Hip', 'Knee', 0.25, 0.9), 'shin': ('Knee', 'Ankle', 0.1, 0.8)}
CHEST, BELLY = (0.10, 0.45), (0.55, 0.90)
SAMPLES = 16                  # per part, whose median is taken
DIM = 16.0                    # added to a channel, 0..255: in the dark colours are mostly noise
# How much one cloth varies, in natural logarithms: its brightness with the light and its folds
# (a lamp of twice the power adds 0.3 to a video's pixels), its hue far less.
BRIGHTNESS, HUE = 0.40, 0.15

LEAST = 0.25                  # seconds somebody is seen to be listed: pose.shots.SHORTEST_SHOT
BLOCK = 0.5                   # seconds whose median pose is taken, which takes the noise away
STILL = 0.02                  # sizes that a picture's joints seem to move between blocks, at most
FLAT = 0.7                    # how far a shadow's parts differ, in units of one cloth
DARK = 110                    # grey value, 0..255, that a shadow does not reach
MIRRORED = 0.75               # correlation of joints' motion with a mirrored other's
LIMBS = ('Elbow', 'Wrist', 'Knee', 'Ankle')
RULES = {'largest': 'the largest who moves', 'center': 'nearest to the middle',
         'longest': 'seen in most frames'}


def look(image: np.ndarray, pose: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """What somebody wears: the median colour of head, chest, belly, arms and legs.

    image    uint8 (H, W, 3) RGB
    pose     float (K, 3) in its px
    Returns  float32 (21,): brightness, red-green, blue-yellow of each of the seven parts, as
             logarithms and in units of what one cloth varies by; NaN for a part that is not seen

    Hues are ratios of channels, which more or less light leaves as they are.
    """
    weights, needs = _samples(skeleton)
    spots = np.rint(weights @ pose[:skeleton.body, :2]).astype(int)
    height, width = image.shape[:2]
    good = ~(needs & (pose[:skeleton.body, 2] <= 0)).any(1)
    good &= ((spots >= 0) & (spots < (width, height))).all(1)
    x, y = (spots * good[:, None]).T
    red, green, blue = np.log(image[y, x].astype(np.float32) + DIM).T
    colour = np.stack([(red + green + blue) / 3 / BRIGHTNESS, (red - green) / HUE,
                       (blue - (red + green) / 2) / HUE], -1)
    colour[~good] = np.nan
    median = _middle(colour.reshape(-1, SAMPLES, 3).swapaxes(0, 1))
    enough = good.reshape(-1, SAMPLES).sum(1) >= SAMPLES // 4
    return np.where(enough[:, None], median, np.nan).astype(np.float32).ravel()


def _middle(values: np.ndarray) -> np.ndarray:
    """The median along the first axis; NaN does not count, and is what only NaN gives."""
    count = np.isfinite(values).sum(0, keepdims=True)
    ordered = np.sort(values, 0)                # NaN comes last
    return np.take_along_axis(ordered, np.maximum(count - 1, 0) // 2, 0)[0]


@lru_cache(maxsize=8)
def _samples(skeleton: Skeleton) -> tuple[np.ndarray, np.ndarray]:
    """Where look looks: weights (7 SAMPLES, body) of the joints, and which joints must be seen."""
    def spot(**weights: float) -> np.ndarray:
        row = np.zeros(skeleton.body)
        for joint, share in weights.items():
            row[skeleton.index(joint)] = share
        return row

    # From between the eyes past the nose, and a little up: skin and hair.
    rows = [spot(Nose=1 + u, Neck=-u) for u in np.linspace(-0.2, 0.5, SAMPLES)]
    for top, bottom in (CHEST, BELLY):
        rows += [spot(RShoulder=(1 - u) * (1 - v), LShoulder=u * (1 - v),
                      RHip=(1 - u) * v, LHip=u * v)
                 for u in np.linspace(0.2, 0.8, 4) for v in np.linspace(top, bottom, SAMPLES // 4)]
    for near, far, start, end in BONES.values():
        rows += [spot(**{side + near: 1 - u, side + far: u})
                 for side in 'RL' for u in np.linspace(start, end, SAMPLES // 2)]
    weights = np.array(rows)
    return weights, weights != 0


@dataclass(frozen=True)
class Picked:
    """Who was chosen.

    rows    int64 (F,)   which of each frame's people it is, -1 where it is not seen
    people  everybody seen for long enough, the most important first, as facts for a report:
            number  1, 2, ...;  frames  in how many;  size  median px of the whole body
            place   [x, y] median px of the torso;  first  seconds when first seen
            moves   how far limbs move against the torso, in body sizes
            chosen  bool;  why  what speaks for the chosen and against the others, '' for nothing
            shown   {'frame': number in the list, 'box': [left, top, right, bottom] px}: where it
                    is seen well
    """
    rows: np.ndarray
    people: list[dict[str, Any]]


def check_person(text: str) -> str | int | tuple[float, float]:
    """What --person says: a rule's name, a number from 1, or a place x, y; UserError otherwise."""
    text = str(text).strip().lower()
    if text in RULES:
        return text
    if re.fullmatch(r'0*[1-9]\d*', text):
        return int(text)
    if place := re.fullmatch(r'(\d+(?:\.\d*)?)\s*,\s*(\d+(?:\.\d*)?)', text):
        return float(place[1]), float(place[2])
    raise UserError(f'--person {text}: no such choice. There is {", ".join(RULES)}, a number from '
                    f'1 as report.html lists them, and a place in the video in px, as in 320,240.')


def pick_person(people: Sequence[np.ndarray], looks: Sequence[np.ndarray], times: np.ndarray,
                difference: np.ndarray, skeleton: str, size: tuple[int, int],
                person: str = 'largest') -> Picked:
    """Follow everybody and choose one.

    people      float (N_f, K, 4) per frame, as a detector gives them
    looks       float (N_f, L) per frame, as `look` gives them
    times       float (F,) s;  difference  float (F,) as pose.shots.PictureWatch gives
    size        (width, height) px
    person      largest: the greatest size x root of the time seen; center; longest; the N-th of
                the list; x,y: who is first seen there, px

    The chosen is recognised in other shots by clothes. In a shot where nobody looks like that,
    the rule chooses again; a person chosen by number or place is nobody there. Where no frame
    shows two, everybody found is taken. UserError where the number or the place is nobody's.
    """
    wanted, table = check_person(person), skeleton_of(skeleton)
    bodies = all_bodies(people, looks, times, table)
    times, shots = np.asarray(times, float), np.zeros(len(times), np.int64)
    who = np.zeros(len(bodies), np.int64)
    if max(map(len, people), default=0) > 1:
        tracklet, shots = follow(bodies, times, picture_jumps(difference), skeleton)
        who = join(bodies, part(bodies, tracklet), shots)
    listed = _listed(bodies, who, times, table)
    rows = np.full(len(times), -1)
    if not listed:
        return Picked(rows, [])
    chosen = {_choose(wanted, listed, bodies, size): _reason(wanted)}
    mine = listed[next(iter(chosen))].bodies
    taken = [mine]
    for shot in sorted(set(shots.tolist()) - set(shots[bodies.frame[mine]].tolist())):
        if not isinstance(wanted, str):
            break
        there = _listed(bodies, np.where(shots[bodies.frame] == shot, who, -1), times, table)
        if there:
            best = there[_choose(wanted, there, bodies, size)].bodies
            taken.append(best)
            again = next((k for k, one in enumerate(listed) if who[one.bodies[0]] == who[best[0]]),
                         None)
            if again is not None:
                chosen.setdefault(again, f'chosen anew at {bodies.time[best[0]]:.1f} s')
    for mine in taken:
        rows[bodies.frame[mine]] = bodies.row[mine]
    return Picked(rows, [one.facts(bodies) | {
        'number': k + 1, 'chosen': k in chosen, 'why': chosen.get(k, one.unreal)}
        for k, one in enumerate(listed)])


@dataclass(frozen=True)
class _Person:
    """Somebody's bodies in their order, what is measured on them, and why it is not alive."""
    bodies: np.ndarray
    size: float
    place: np.ndarray
    moves: float
    unreal: str

    def facts(self, bodies: Bodies) -> dict[str, Any]:
        mine = self.bodies
        usual = np.abs(np.log(bodies.size[mine] / self.size))
        shown = mine[np.argmax(bodies.alone[mine] + bodies.seen[mine].mean(1) - usual)]
        return {'frames': len(mine), 'size': round(self.size, 1),
                'place': [round(float(v), 1) for v in self.place],
                'first': round(float(bodies.time[mine[0]]), 3), 'moves': round(self.moves, 4),
                'shown': {'frame': int(bodies.frame[shown]),
                          'box': [round(float(v), 1) for v in bodies.box[shown]]}}

    @property
    def weight(self) -> float:
        # Square root: who passes by near the camera for a moment must not win by size alone,
        # nor who stands small at the back all the time by patience alone.
        return self.size * len(self.bodies) ** 0.5


def _listed(bodies: Bodies, who: np.ndarray, times: np.ndarray, skeleton: Skeleton
            ) -> list[_Person]:
    """Who is seen for LEAST seconds, or at all where nobody is; -1 is nobody. Living first."""
    groups = [np.flatnonzero(who == k) for k in np.unique(who[who >= 0])]
    step = float(np.median(np.diff(times))) if len(times) > 1 else 1.0
    least = min(LEAST / max(step, 1e-6), max(map(len, groups), default=0))
    persons = [_measured(bodies, group, skeleton) for group in groups if len(group) >= least]
    persons.sort(key=lambda p: -p.weight)
    persons = [_Person(p.bodies, p.size, p.place, p.moves,
                       p.unreal or _mirrors(bodies, p, persons, skeleton)) for p in persons]
    return sorted(persons, key=lambda p: bool(p.unreal))


def _measured(bodies: Bodies, mine: np.ndarray, skeleton: Skeleton) -> _Person:
    moves = _moves(bodies, mine, skeleton)
    unreal = 'never changes its pose, as a picture' if moves < STILL else (
        'dark and flat, as a shadow' if _is_flat(bodies, mine) else '')
    return _Person(mine, float(np.median(bodies.size[mine])),
                   np.median(bodies.centre[mine], 0), moves, unreal)


def _moves(bodies: Bodies, mine: np.ndarray, skeleton: Skeleton) -> float:
    """How far limbs move within the body, body sizes, however the camera moves, zooms or rolls."""
    x, y = np.moveaxis(np.where(bodies.seen[mine][..., None], bodies.joints[mine]
                                - bodies.centre[mine][:, None], np.nan), -1, 0)
    block = ((bodies.time[mine] - bodies.time[mine[0]]) / BLOCK).astype(int)
    shapes = np.array([(_middle(x[block == k]) + 1j * _middle(y[block == k]))
                       / np.median(bodies.size[mine][block == k]) for k in np.unique(block)])
    usual = _middle(shapes.real) + 1j * _middle(shapes.imag)
    laid = np.array([_laid_on(shape, usual) for shape in shapes])
    reach = []
    for limb in (skeleton.index(side + joint) for joint in LIMBS for side in 'RL'):
        places = laid[np.isfinite(laid[:, limb]), limb]
        if len(places) >= len(laid) / 2:
            low, high = np.percentile([places.real, places.imag], (10, 90), axis=1)
            reach.append(float(np.linalg.norm(high - low)))
    return float(np.percentile(reach, 75)) if reach else 0.0


def _laid_on(shape: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Complex (K,) points moved, turned and scaled to lie as near to others as they can."""
    both = np.isfinite(shape) & np.isfinite(other)
    if both.sum() < 3:
        return np.full_like(shape, np.nan)
    middle, wanted = shape[both].mean(), other[both].mean()
    a, b = shape[both] - middle, other[both] - wanted
    return (shape - middle) * np.vdot(a, b) / np.vdot(a, a).real + wanted


def _is_flat(bodies: Bodies, mine: np.ndarray) -> bool:
    """Whether head, clothes and limbs have one dark colour."""
    if not bodies.look.shape[1]:
        return False
    weight = bodies.alone[mine][:, None] * np.isfinite(bodies.look[mine])
    parts = ((np.nan_to_num(bodies.look[mine]) * weight).sum(0)
             / np.where(weight.sum(0) > 0, weight.sum(0), np.nan)).reshape(-1, 3)
    parts = parts[np.isfinite(parts).all(1)]
    return bool(len(parts) >= 4 and np.median(parts[:, 0]) < np.log(DARK + DIM) / BRIGHTNESS
                and parts.std(0).max() < FLAT)


def _mirrors(bodies: Bodies, one: _Person, persons: list[_Person], skeleton: Skeleton) -> str:
    """Why `one` is a mirror's image: it moves as a larger one does, left and right exchanged."""
    for other in persons:
        if other is one or other.unreal or other.size * 0.95 < one.size:
            continue
        _, a, b = np.intersect1d(bodies.frame[one.bodies], bodies.frame[other.bodies],
                                 return_indices=True)
        a, b = one.bodies[a], other.bodies[b]
        if len(a) < 10 or np.ptp(bodies.time[a]) < 2 * BLOCK:
            continue
        same = _correlation(bodies, a, b, list(range(skeleton.body)), 1)
        swapped = max(_correlation(bodies, a, b, list(skeleton.partners[:skeleton.body]), way)
                      for way in (1, -1))       # -1: at the side of the room, 1: at its back
        if swapped > max(MIRRORED, same + 0.1):
            return f'moves as the one at {other.place[0]:.0f},{other.place[1]:.0f} does, mirrored'
    return ''


def _correlation(bodies: Bodies, a: np.ndarray, b: np.ndarray, partners: list[int], way: int
                 ) -> float:
    """How alike bodies a and b move over time, -1 to 1; b's joints renumbered, its x times way."""
    both = (bodies.seen[a] & bodies.seen[b][:, partners])[..., None]
    moved = []
    for mine, order in ((a, slice(None)), (b, partners)):
        shape = (bodies.joints[mine] - bodies.centre[mine][:, None])[:, order]
        shape = shape / bodies.size[mine][:, None, None] * both
        moved.append((shape - shape.sum(0) / np.maximum(both.sum(0), 1)) * both)
    x, y = moved[0], moved[1] * (way, 1)
    return float((x * y).sum() / max(np.sqrt((x * x).sum() * (y * y).sum()), 1e-9))


def _choose(wanted: str | int | tuple[float, float], listed: list[_Person], bodies: Bodies,
            size: tuple[int, int]) -> int:
    """Which of the list is wanted; UserError when nobody is."""
    if isinstance(wanted, int):
        if wanted > len(listed):
            raise UserError(f'--person {wanted}: there {_are(listed, bodies)}')
        return wanted - 1
    if isinstance(wanted, tuple):
        return _at(wanted, listed, bodies)
    alive = [k for k, one in enumerate(listed) if not one.unreal] or list(range(len(listed)))
    if wanted == 'center':
        # Who is there for a moment only is not the one the camera was set up for.
        most = max(len(listed[k].bodies) for k in alive)
        alive = [k for k in alive if len(listed[k].bodies) >= 0.2 * most]
        middle = (np.array(size) - 1) / 2
        return min(alive, key=lambda k: float(np.linalg.norm(listed[k].place - middle)))
    if wanted == 'longest':
        return max(alive, key=lambda k: len(listed[k].bodies))
    return alive[0]


def _at(place: tuple[float, float], listed: list[_Person], bodies: Bodies) -> int:
    """Who is at that place when first anybody is: within the box, grown by a tenth of the size."""
    rows = np.concatenate([one.bodies for one in listed])
    who = np.repeat(np.arange(len(listed)), [len(one.bodies) for one in listed])
    margin = 0.1 * bodies.size[rows, None]
    box = bodies.box[rows]
    there = ((place >= box[:, :2] - margin) & (place <= box[:, 2:] + margin)).all(1)
    if not there.any():
        raise UserError(f'--person {place[0]:g},{place[1]:g}: nobody is ever there. There '
                        f'{_are(listed, bodies)}')
    first = there & (bodies.frame[rows] == bodies.frame[rows[there]].min())
    away = np.linalg.norm(bodies.centre[rows] - place, axis=1)
    return int(who[np.argmin(np.where(first, away, np.inf))])


def _are(listed: list[_Person], bodies: Bodies) -> str:
    """The list in words, for an error: number, when first seen, where, how large."""
    people = '; '.join(
        f'{k}: from {bodies.time[p.bodies[0]]:.1f} s, at {p.place[0]:.0f},{p.place[1]:.0f}, '
        f'{p.size:.0f} px tall, in {len(p.bodies)} frames' for k, p in enumerate(listed[:9], 1))
    more = f'; and {len(listed) - 9} more' if len(listed) > 9 else ''
    return f'{"is" if len(listed) == 1 else "are"} {people}{more}. Type one of these numbers.'


def _reason(wanted: str | int | tuple[float, float]) -> str:
    if isinstance(wanted, str):
        return RULES[wanted]
    return f'number {wanted}' if isinstance(wanted, int) else f'at {wanted[0]:g},{wanted[1]:g}'
