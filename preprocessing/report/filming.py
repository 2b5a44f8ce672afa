"""Which movements a target's video shows, and which of a dancer's it lacks. No torch.

The movements are those of pose.matching.movements, which docs/filming.md has as a script to film.
"""
from collections.abc import Iterator, Sequence

import numpy as np

from pose.body import body_sizes
from pose.cleaning.repair import repair
from pose.matching.movements import DONE, ENOUGH, Bodies, Filmed, measure_movements
from preprocessing.report.against_target import Reference
from preprocessing.report.dataset import Prepared
from preprocessing.report.schema import MovementNumbers, SideNumbers
from util.words import clock

SHORT = 60.0                # seconds: the script of docs/filming.md takes two minutes
FAR = 0.45                  # of the picture's height, nose to ankle: less is half of it with hair
                            # and feet, where a face of a film of 720 px is some 30 px wide
FEET = 0.1                  # of the frames: in fewer, the video shows no feet to paint
HIDDEN = 0.15               # of the frames: a turned body hides a hand for less


def filmed_by(target: Prepared) -> list[Filmed]:
    """What the frames show that a target is painted from."""
    return measure_movements(target.track, target.trained)


def danced_by(dancer: Prepared) -> list[Filmed]:
    """What a dancer does: of the poses as they were found, since fitted ones turn less."""
    if dancer.found is None:
        return measure_movements(dancer.track)
    return measure_movements(repair(dancer.found)[0], dancer.track.kept)


def movement_numbers(dataset: Prepared, reference: Reference | None) -> list[MovementNumbers]:
    """Each movement: how long the target was filmed doing it, and how long the dancer does it.

    reference   the target of a dataset that holds a dancer's poses alone
    """
    is_target = dataset.facts['layout'] != 'poses'
    target = dataset if is_target and reference is None else reference and reference.dataset
    filmed = filmed_by(target) if target else None
    danced = None if target is dataset else danced_by(dataset)
    numbers: list[MovementNumbers] = []
    for row, known in enumerate(filmed or danced or ()):
        movement = known.movement
        sides: dict[str, SideNumbers] = {}
        for side in known.spans:
            sides[side] = {'filmed': _seconds(filmed, row, side), 'at': _longest(filmed, row, side),
                           'danced': _seconds(danced, row, side),
                           'danced_at': _longest(danced, row, side)}
        numbers.append({'name': movement.name, 'do': movement.do, 'film': movement.seconds,
                        'seen': known.seen, 'sides': sides})
    return numbers


def _seconds(found: Sequence[Filmed] | None, row: int, side: str) -> float | None:
    return None if found is None else round(found[row].seconds(side), 2)


def _longest(found: Sequence[Filmed] | None, row: int, side: str) -> list[float] | None:
    spans = found[row].spans[side] if found else ()
    return [round(spans[0][0], 2), round(spans[0][1], 2)] if spans else None


def remarks(dataset: Prepared) -> list[str]:
    """What else a target's video lacks: length, size, feet, hands. Nothing of a dancer's poses."""
    if dataset.facts['layout'] == 'poses':
        return []
    track = dataset.track.select(dataset.track.shown())
    said = []
    seconds = float(dataset.trained.sum()) / dataset.track.fps
    if seconds < SHORT:
        said.append(f'Only {seconds:.0f} s are painted from. Film two minutes.')
    sizes = body_sizes(track.poses, track.joints)
    share = float(np.median(sizes[sizes > 0])) / track.size[1] if (sizes > 0).any() else 1.0
    if share < FAR:
        said.append(f'From nose to ankle you fill {100 * share:.0f} % of the picture\'s height. '
                    f'Stand nearer: at 55 to 65 % face and hands are sharper.')
    body = Bodies(track)
    if len(track) and (body.visible('RAnkle') | body.visible('LAnkle')).mean() < FEET:
        said.append('No feet are in the picture, so none are painted, and in another scene the '
                    'legs end in the air. Film the whole body.')
    for side, wrist in (('left', 'LWrist'), ('right', 'RWrist')):
        hidden = 1 - float(body.visible(wrist).mean()) if len(track) else 0.0
        if hidden > HIDDEN:
            said.append(f'The {side} hand is hidden or out of the picture in {100 * hidden:.0f} % '
                        f'of the frames.')
    return said


def missing_sides(movement: MovementNumbers) -> list[str]:
    """The sides of a movement that the target was not filmed doing for long enough."""
    return [side for side, numbers in movement['sides'].items()
            if movement['seen'] and numbers['filmed'] is not None and numbers['filmed'] < ENOUGH]


def asked_sides(movement: MovementNumbers) -> list[str]:
    """The missing sides that the dancer does."""
    return [side for side in missing_sides(movement)
            if (movement['sides'][side]['danced'] or 0) >= DONE]


def compared(movement: MovementNumbers) -> bool:
    """Whether it is known what the target was filmed doing."""
    sides = movement['sides'].values()
    return bool(sides) and all(side['filmed'] is not None for side in sides)


def danced(movement: MovementNumbers) -> bool:
    """Whether it is known what a dancer does."""
    return any(side['danced'] is not None for side in movement['sides'].values())


def named(movement: MovementNumbers, sides: Sequence[str]) -> str:
    """'arms up (left)'; a movement of which every side is meant is named alone."""
    which = '' if len(sides) == len(movement['sides']) else ' and '.join(filter(None, sides))
    return f'{movement["name"]} ({which})' if which else movement['name']


def to_film(movement: MovementNumbers) -> str:
    """What to do, and for how long."""
    return f'{movement["do"]}; {movement["film"]} s'


def summary(movements: Sequence[MovementNumbers]) -> str:
    """One sentence: how many of the movements are filmed; '' without a target."""
    known = list(filter(compared, movements))
    if not known:
        return ''
    visible = [one for one in known if one['seen']]
    whole = [one for one in visible if not missing_sides(one)]
    text = f'{len(whole)} of {len(visible)} movements are filmed.'
    hidden = [one['name'] for one in known if not one['seen']]
    if hidden:
        text += f' Not in the picture, so not asked for: {", ".join(hidden)}.'
    return text


def advice(movements: Sequence[MovementNumbers]) -> Iterator[str]:
    """Lines for the terminal: each missing movement, what to film and how long; those of the
    dancer first."""
    asked = [one for one in movements if asked_sides(one)]
    if asked:
        yield 'The dancer does what the target was not filmed doing. Film it:'
        for one in asked:
            yield f'  {named(one, asked_sides(one))}{_when(one)}: {to_film(one)}'
    with_dancer = any(map(danced, movements))
    others = [one for one in movements if missing_sides(one) and one not in asked]
    if others and with_dancer:
        names = ', '.join(named(one, missing_sides(one)) for one in others)
        yield f'Not filmed either, and not in this dance: {names}.'
    elif others:
        yield 'Still to be filmed; where a dancer does it, you are painted badly until then:'
        for one in others:
            yield f'  {named(one, missing_sides(one))}: {to_film(one)}'


def _when(movement: MovementNumbers) -> str:
    """' at 0:03, 0:14': where the dancer does what is missing, longest."""
    spans = [movement['sides'][side]['danced_at'] for side in asked_sides(movement)]
    times = sorted({clock(span[0]) for span in spans if span})
    return f' at {" and ".join(times)}'
