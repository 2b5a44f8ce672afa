"""Picks the dancer among everybody in a video. Shapes as in pose/track.

    detector -> people, appearances -> pick_person -> rows -> PoseTrack

following.py and joining.py identify the persons; here one of them is chosen. Decoys (pictures on
the wall, shadows, mirror images) come after every living person, however large or clear.
"""
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pose.shots import SHORTEST_SHOT, picture_jumps
from pose.skeleton import Skeleton, skeleton_of
from pose.tracking.bodies import Bodies, all_bodies
from pose.tracking.decoys import Person, measured_person, mirrored_from
from pose.tracking.following import follow, split_at_occlusions
from pose.tracking.joining import join
from util.errors import UserError

RULES = {'largest': 'the largest who moves', 'center': 'nearest to the middle',
         'longest': 'seen in most frames'}
Choice = str | int | tuple[float, float]        # as check_person gives it


@dataclass(frozen=True)
class Picked:
    """The person chosen.

    rows    int64 (F,)   its row among each frame's people, -1 where it is not seen
    people  everybody seen for long enough, the most important first, as facts for a report:
            number  1, 2, ...;  frames  how many show it;  size  median px of the whole body
            place   [x, y] median px of the torso;  first  seconds when first seen
            moves   how far the limbs move against the torso, in body sizes
            chosen  bool;  why  what speaks for the chosen and against the others, '' for nothing
            shown   {'frame': number in the list, 'box': [left, top, right, bottom] px}: where it
                    is seen well
    """
    rows: np.ndarray
    people: list[dict[str, Any]]


def check_person(text: str, size: tuple[int, int] | None = None) -> Choice:
    """The meaning of --person: a rule's name, a number from 1, or a place x, y within pictures of
    that (width, height), where it is known; UserError else."""
    text = str(text).strip().lower()
    if text in RULES:
        return text
    if re.fullmatch(r'0*[1-9]\d*', text):
        return int(text)
    place = re.fullmatch(r'(\d+(?:\.\d*)?)\s*,\s*(\d+(?:\.\d*)?)', text)
    if place:
        x, y = float(place[1]), float(place[2])
        if size and (x >= size[0] or y >= size[1]):
            raise UserError(f'--person {text}: the picture is {size[0]}x{size[1]} px, and that '
                            f'place is outside of it. Give x,y as they are in this video.')
        return x, y
    raise UserError(f'--person {text}: no such choice. There is {", ".join(RULES)}, a number from '
                    f'1 as report.html lists them, and a place in the video in px, as in 320,240.')


def pick_person(people: Sequence[np.ndarray], appearances: Sequence[np.ndarray],
                times: np.ndarray, difference: np.ndarray, skeleton: str, size: tuple[int, int],
                person: str = 'largest') -> Picked:
    """Follow everybody and choose one.

    people       float (N_f, K, 4) per frame, as a detector gives them
    appearances  float (N_f, L) per frame, as `appearance_of` gives them
    times        float (F,) s;  difference  float (F,) as pose.shots.PictureWatch gives
    size         (width, height) px
    person       largest: the greatest size x root of the time seen; center; longest; the N-th of
                 the list; x,y: the person first seen there, px

    The chosen person is recognised in other shots by the clothes. In a shot without a match the
    rule chooses again; a choice by number or place finds nobody in that shot. Where no frame
    shows two people, everybody found is taken. UserError where the number or the place is nobody's.
    """
    choice = check_person(person)
    table = skeleton_of(skeleton)
    bodies = all_bodies(people, appearances, times, table)
    times = np.asarray(times, float)
    shots = np.zeros(len(times), np.int64)
    who = np.zeros(len(bodies), np.int64)
    if max(map(len, people), default=0) > 1:
        tracklet, shots = follow(bodies, times, picture_jumps(difference), skeleton)
        who = join(bodies, split_at_occlusions(bodies, tracklet), shots)
    listed = _listed(bodies, who, times, table)
    rows = np.full(len(times), -1)
    if not listed:
        return Picked(rows, [])
    first = _choose(choice, listed, bodies, size)
    reasons = {first: _reason(choice)}
    taken = [listed[first].bodies]
    if isinstance(choice, str):
        body_shots = shots[bodies.frame]
        for shot in sorted(set(shots.tolist()) - set(body_shots[taken[0]].tolist())):
            there = _listed(bodies, np.where(body_shots == shot, who, -1), times, table)
            if there:
                again = there[_choose(choice, there, bodies, size)].bodies
                taken.append(again)
                _add_reason(reasons, listed, who, again, bodies)
    for mine in taken:
        rows[bodies.frame[mine]] = bodies.row[mine]
    facts = []
    for k, one in enumerate(listed):
        choice_of_one = {'number': k + 1, 'chosen': k in reasons, 'why': reasons.get(k, one.decoy)}
        facts.append(_facts(one, bodies) | choice_of_one)
    return Picked(rows, facts)


def _add_reason(reasons: dict[int, str], listed: list[Person], who: np.ndarray, again: np.ndarray,
                bodies: Bodies) -> None:
    """Note who of the list was chosen in a later shot, by the bodies chosen there."""
    for k, one in enumerate(listed):
        if who[one.bodies[0]] == who[again[0]]:
            reasons.setdefault(k, f'chosen again at {bodies.time[again[0]]:.1f} s')
            return


def _facts(one: Person, bodies: Bodies) -> dict[str, Any]:
    """What a report says of a person; see Picked."""
    mine = one.bodies
    unusual = np.abs(np.log(bodies.size[mine] / one.size))
    shown = mine[np.argmax(bodies.unoccluded[mine] + bodies.seen[mine].mean(1) - unusual)]
    return {'frames': len(mine), 'size': round(one.size, 1),
            'place': [round(float(v), 1) for v in one.place],
            'first': round(float(bodies.time[mine[0]]), 3), 'moves': round(one.moves, 4),
            'shown': {'frame': int(bodies.frame[shown]),
                      'box': [round(float(v), 1) for v in bodies.box[shown]]}}


def _listed(bodies: Bodies, who: np.ndarray, times: np.ndarray, skeleton: Skeleton
            ) -> list[Person]:
    """The persons seen for SHORTEST_SHOT seconds, or at all where nobody is, the living first.

    who  int64 (B,): the person of each body, -1 for nobody
    """
    groups = [np.flatnonzero(who == k) for k in np.unique(who[who >= 0])]
    step = float(np.median(np.diff(times))) if len(times) > 1 else 1.0
    least = min(SHORTEST_SHOT / max(step, 1e-6), max(map(len, groups), default=0))
    persons = [measured_person(bodies, group, skeleton) for group in groups if len(group) >= least]
    persons.sort(key=lambda one: -one.weight)
    listed = []
    for one in persons:
        decoy = one.decoy or mirrored_from(bodies, one, persons, skeleton)
        listed.append(replace(one, decoy=decoy))
    return sorted(listed, key=lambda one: bool(one.decoy))


def _choose(choice: Choice, listed: list[Person], bodies: Bodies, size: tuple[int, int]) -> int:
    """The place in the list of the person chosen; UserError when it is nobody's."""
    if isinstance(choice, int):
        if choice > len(listed):
            raise UserError(f'--person {choice}: there {_are(listed, bodies)}')
        return choice - 1
    if isinstance(choice, tuple):
        return _at(choice, listed, bodies)
    alive = [k for k, one in enumerate(listed) if not one.decoy] or list(range(len(listed)))
    if choice == 'center':
        # The camera was not set up for a person who appears only briefly.
        most = max(len(listed[k].bodies) for k in alive)
        alive = [k for k in alive if len(listed[k].bodies) >= 0.2 * most]
        middle = (np.array(size) - 1) / 2
        return min(alive, key=lambda k: float(np.linalg.norm(listed[k].place - middle)))
    if choice == 'longest':
        return max(alive, key=lambda k: len(listed[k].bodies))
    return alive[0]


def _at(place: tuple[float, float], listed: list[Person], bodies: Bodies) -> int:
    """The person first seen at that place: within the box, grown by a tenth of the size."""
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


def _are(listed: list[Person], bodies: Bodies) -> str:
    """The list in words, for an error: number, when first seen, where, how large."""
    people = '; '.join(
        f'{k}: from {bodies.time[p.bodies[0]]:.1f} s, at {p.place[0]:.0f},{p.place[1]:.0f}, '
        f'{p.size:.0f} px tall, in {len(p.bodies)} frames' for k, p in enumerate(listed[:9], 1))
    more = f'; and {len(listed) - 9} more' if len(listed) > 9 else ''
    return f'{"is" if len(listed) == 1 else "are"} {people}{more}. Type one of these numbers.'


def _reason(choice: Choice) -> str:
    if isinstance(choice, str):
        return RULES[choice]
    return f'number {choice}' if isinstance(choice, int) else f'at {choice[0]:g},{choice[1]:g}'
