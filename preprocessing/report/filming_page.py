"""The movements on a dataset's page: a figure of each, and when it was filmed."""
from collections.abc import Sequence

from dominate import tags
from dominate.util import raw

from preprocessing.report.figures import figure_svg
from preprocessing.report.filming import (
    asked_sides,
    danced,
    missing_sides,
    named,
    summary,
    to_film,
)
from preprocessing.report.schema import MovementNumbers, SideNumbers
from util.words import clock


def movements_section(movements: Sequence[MovementNumbers], remarks: Sequence[str] = ()) -> None:
    """What a dancer asks for and was not filmed comes first, then what was not filmed."""
    if not movements:
        return
    dance = any(map(danced, movements))
    with tags.section(tags.h2('Movements'), cls='card'):
        said = summary(movements)
        if said:
            tags.p(said)
        for remark in remarks:
            tags.p(remark)
        tags.p(_explained(dance, bool(said)), cls='soft')
        with tags.div(cls='moves'):
            for one in sorted(movements, key=_order):
                card(one)


def _explained(dance: bool, target: bool) -> str:
    text = 'The seconds in which each movement is seen, and where it is seen longest.'
    if not target:
        return f'{text} No target is known to compare them with.'
    if dance:
        return f'{text} What the dancer does and the target was not filmed doing comes first.'
    return (f'{text} Only frames that are trained on count, not the end that is held out. '
            f'docs/filming.md has the movements as a script to film.')


def _order(movement: MovementNumbers) -> int:
    return (0 if asked_sides(movement) else 1 if missing_sides(movement)
            else 2 if movement['seen'] else 3)


def card(movement: MovementNumbers) -> None:
    """One movement: figure, name, what is known of each side, and what to film."""
    missing = missing_sides(movement)
    asked = asked_sides(movement)
    needed = asked or (missing and not danced(movement))
    kind = 'asked' if asked else 'missing' if needed else ''
    with tags.div(cls=f'move {kind}'):
        raw(figure_svg(movement['name']))
        tags.b(named(movement, missing) if missing else movement['name'])
        if not movement['seen']:
            tags.span('not in the picture')
            return
        for side, numbers in movement['sides'].items():
            tags.span(side_line(side, numbers, side in missing))
        if needed:
            tags.span(f'Film: {to_film(movement)}.', cls='do')


def side_line(side: str, numbers: SideNumbers, missing: bool) -> str:
    """'✓ left: filmed 3.2 s, at 0:14'."""
    said = []
    if numbers['filmed'] is not None:
        verb = 'only filmed' if missing and numbers['at'] else 'filmed'
        said.append(_seen(verb, numbers['filmed'], numbers['at']))
    if numbers['danced'] is not None:
        said.append(_seen('danced', numbers['danced'], numbers['danced_at']))
    mark = '' if numbers['filmed'] is None else '✗ ' if missing else '✓ '
    return f'{mark}{f"{side}: " if side else ""}{"; ".join(said)}'


def _seen(verb: str, seconds: float, at: list[float] | None) -> str:
    return f'{verb} {seconds:.1f} s, at {clock(at[0])}' if at else f'not {verb}'
