"""The numbers of metrics.json in words: is the painted video worth its training?"""
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from util.metrics.names import BOX, HEADLINE_SCORES, METHODS, in_words, is_better, score_of, written

Scores = Mapping[str, Mapping[str, float]]                  # {method: {key: value}}, NaN: unknown
FrameScores = Mapping[str, Mapping[str, Sequence[float]]]   # {method: {key: a value a frame}}

NONE_BEATEN = ('It scores no better than any baseline that needs no training: look at the video '
               'and at the poses, train for longer, or use --model nearest.')


def verdict(scores: Scores, frames: FrameScores) -> list[str]:
    """Sentences that compare the painted video with each baseline, by the first known score of
    HEADLINE_SCORES; without baselines, about the pose error and the silhouette."""
    painted = scores.get('painted', {})
    key = headline_of(painted)
    baselines = [method for method in scores if method != 'painted' and key in scores[method]]
    if not baselines:
        if key not in (None, 'pose_error'):
            return []
        return pose_sentences(painted) + silhouette_sentences(painted)
    if key is None:
        return []
    sentences = [comparison(key, baseline, scores, frames) for baseline in baselines]
    if not any(sentence.startswith('Better') for sentence in sentences):
        sentences.insert(0, NONE_BEATEN)
    return sentences


def headline_of(painted: Mapping[str, float]) -> str | None:
    """The first of HEADLINE_SCORES that is known; None where none is."""
    for key in HEADLINE_SCORES:
        if math.isfinite(painted.get(key, math.nan)):
            return key
    return None


def comparison(key: str, baseline: str, scores: Scores, frames: FrameScores) -> str:
    """One sentence. Values that are written alike are not better."""
    score = score_of(key)
    assert score is not None
    ours = written(key, scores['painted'][key])
    theirs = written(key, scores[baseline][key])
    better = 'Better' if is_better(key, float(ours), float(theirs)) else 'No better'
    wins = [is_better(key, a, b) for a, b in zip(frames['painted'][key], frames[baseline][key])
            if not math.isnan(a) and not math.isnan(b)]
    return (f'{better} than the {METHODS[baseline]}: {score.name} {ours} against {theirs} '
            f'({"higher" if score.greater else "lower"} is better), better in {sum(wins)} of '
            f'{len(wins)} frames.')


def pose_sentences(painted: Mapping[str, float]) -> list[str]:
    """The pose error, for poses without real frames; nothing where no detector was run."""
    if math.isnan(painted.get('missed_people', math.nan)):
        return []
    error = painted['pose_error']
    if math.isnan(error):
        return ['The detector finds nobody in any painted frame.']
    joints = written('missed_joints', painted['missed_joints'])
    people = written('missed_people', painted['missed_people'])
    return [f'The joints found in the painted frames lie {written("pose_error", error)} % of the '
            f'body height from the requested ones; {joints} % of the joints are not found, and '
            f'nobody is found in {people} % of the frames.']


def silhouette_sentences(painted: Mapping[str, float]) -> list[str]:
    """Spill and gaps, for poses without real frames; nothing where they were not measured."""
    spill = painted.get('spill', math.nan)
    gaps = painted.get('gaps', math.nan)
    if math.isnan(spill) or math.isnan(gaps):
        return []
    return [f'Next to the target\'s own video, {written("spill", spill)} times as much is painted '
            f'where no body should be, and {written("gaps", gaps)} times as much of the body is '
            f'missing.']


def summary(metrics: Mapping[str, Any]) -> list[str]:
    """The lines that the terminal shows of metrics.json: the painted video's scores, those of the
    person's box instead of the whole frame's, the verdict, and what was not measured."""
    painted = metrics['scores'].get('painted', {})
    parts = []
    for key, value in painted.items():
        score = score_of(key)
        if score and value is not None and painted.get(BOX + key) is None:
            parts.append(f'{in_words(key)} {written(key, value)} {score.unit}'.rstrip())
    lines = [f'scores: {", ".join(parts)}'] if parts else []
    lines += metrics['verdict']
    for why, names in names_by_reason(metrics).items():
        lines.append(f'not measured: {", ".join(names)} ({why})')
    return lines


def names_by_reason(metrics: Mapping[str, Any]) -> dict[str, list[str]]:
    """{reason: names of the scores and baselines that were not measured for that reason}."""
    names: dict[str, list[str]] = defaultdict(list)
    for key, why in metrics.get('not_measured', {}).items():
        names[why].append(in_words(key))
    return names
