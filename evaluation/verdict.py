"""What metrics.json's numbers say, in words: is the painted film worth its training?"""
import math
from collections.abc import Mapping, Sequence
from typing import Any

from util.metrics.names import BOX, HEADLINE_SCORES, METHODS, in_words, is_better, score_of, written

NONE_BEATEN = ('It beats nothing of what costs no training at all: look at the film and at the '
               'poses, train for longer, or use --model nearest.')


def verdict(scores: Mapping[str, Mapping[str, float]],
            frames: Mapping[str, Mapping[str, Sequence[float]]]) -> list[str]:
    """Sentences about the painted film against each other one, by the first of
    HEADLINE_SCORES that is known; without others, about the pose it shows.

    scores   {film: {key: value}}, NaN where unknown
    frames   {film: {key: one value for each frame}}
    """
    painted = scores.get('painted', {})
    key = next((key for key in HEADLINE_SCORES if math.isfinite(painted.get(key, math.nan))), None)
    rivals = [film for film in scores if film != 'painted' and key in scores[film]]
    if not rivals:
        return in_pose(painted) if key in (None, 'pose_error') else []
    if key is None:
        return []
    said = [against(key, film, scores, frames) for film in rivals]
    if not any(line.startswith('Better') for line in said):
        said.insert(0, NONE_BEATEN)
    return said


def against(key: str, film: str, scores: Mapping[str, Mapping[str, float]],
            frames: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """One sentence; what is written alike is no better."""
    score = score_of(key)
    assert score is not None
    a, b = (written(key, scores[which][key]) for which in ('painted', film))
    better = 'Better' if is_better(key, float(a), float(b)) else 'No better'
    wins = [is_better(key, x, y) for x, y in zip(frames['painted'][key], frames[film][key])
            if not math.isnan(x)]
    return (f'{better} than the {METHODS[film]}: {score.name} {a} against {b} '
            f'({"higher" if score.greater else "lower"} is better), better in {sum(wins)} of '
            f'{len(wins)} frames.')


def in_pose(painted: Mapping[str, float]) -> list[str]:
    """What can be said where there is no truth; nothing where no detector has looked."""
    if math.isnan(painted.get('missed_people', math.nan)):
        return []
    error, joints, people = (painted[key] for key in (
        'pose_error', 'missed_joints', 'missed_people'))
    if math.isnan(error):
        return ['The detector finds nobody in any painted frame.']
    return [f'The joints found in it lie {written("pose_error", error)} % of the body height from '
            f'those asked for; {written("missed_joints", joints)} % of the joints are not found, '
            f'and nobody is in {written("missed_people", people)} % of the frames.']


def in_lines(told: Mapping[str, Any]) -> list[str]:
    """What the terminal says of a metrics.json: the painted film's scores, the person's before
    the whole frame's, the verdict, and what was not measured."""
    painted = told['scores'].get('painted', {})
    known = {key: value for key, value in painted.items()
             if value is not None and painted.get(BOX + key) is None}
    units = {key: score.unit for key in known if (score := score_of(key))}
    parts = [f'{in_words(key)} {written(key, known[key])} {unit}'.rstrip()
             for key, unit in units.items()]
    lines = [f'scores: {", ".join(parts)}'] if parts else []
    reasons: dict[str, list[str]] = {}
    for key, why in told['not_measured'].items():
        reasons.setdefault(why, []).append(in_words(key))
    return [*lines, *told['verdict'],
            *(f'not measured: {", ".join(what)} ({why})' for why, what in reasons.items())]
