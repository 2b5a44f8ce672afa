"""What got worse and what got better from one suite to another, in words.

Scores are those of suite.json: {'pairs': {NAME: {'scores': {key: value}}}, 'held_out': {...}}.
"""
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from util.metrics.names import is_better, score_of, written

PARTS = {'pairs': '', 'held_out': ', held out'}     # of suite.json, and how their names go on


@dataclass(frozen=True)
class Noise:
    """The difference that says nothing: what is not above both is left out.

    share    of the old value: one program, trained twice for 12 s on a busy machine, differed by
             up to 4.9 % (the pose error of held-out frames), in most scores by less than 1 %
    digits   units of the last digit that a table shows: 0.16 % of joints missed were 0.11 % the
             second time, a third less
    """
    share: float = 0.05
    digits: int = 5

    def least(self, key: str, before: float) -> float:
        """The greatest difference from `before` that is still noise."""
        score = score_of(key)
        assert score is not None
        unit = 0.01 if score.unit == '%' else 1.0
        return max(self.share * abs(before), self.digits * unit * 10.0 ** -score.digits)


@dataclass
class Changes:
    """Sentences, one for each pair and each target held out.

    worse, better  what it says of the scores
    notes          why the two suites cannot be compared directly
    """
    worse: list[str] = field(default_factory=list)
    better: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def lines(self, old: str) -> list[str]:
        """All of it, what got worse first."""
        lines = [f'Worse than {old}:' if self.worse else f'Nothing is worse than {old}.']
        lines += [f'  {sentence}' for sentence in self.worse]
        if self.better:
            lines += ['Better:', *(f'  {sentence}' for sentence in self.better)]
        return lines + [f'Note: {note}' for note in self.notes]


def compared(old: Mapping[str, Any], new: Mapping[str, Any], noise: Noise) -> Changes:
    """What changed from the suite.json `old` to `new`, beyond `noise`."""
    changes = Changes()
    for part, of in PARTS.items():
        before, now = old.get(part, {}), new.get(part, {})
        for name in now:
            if name in before:
                compare_rows(f'{name}{of}', before[name], now[name], noise, changes)
        apart = sorted(set(before) ^ set(now))
        if apart:
            changes.notes.append(f'only in one of the two{of}: {", ".join(apart)}.')
    changes.notes += settings_that_differ(old, new)
    return changes


def compare_rows(name: str, before: Mapping[str, Any], now: Mapping[str, Any], noise: Noise,
                 changes: Changes) -> None:
    """Add what one pair, or one target held out, says."""
    if 'error' in now:
        if 'error' not in before:
            changes.worse.append(f'{name} fails: {now["error"]}')
        return
    if 'error' in before:
        changes.better.append(f'{name} fails no more.')
        return
    worse: list[str] = []
    better: list[str] = []
    for key, was, value in known_scores(before, now):
        score = score_of(key)
        assert score is not None
        unit = f' {score.unit}' if score.unit else ''
        text = f'{score.name} {written(key, value)}{unit}, was {written(key, was)}'
        if value is None:
            worse.append(text)
        elif abs(value - was) > noise.least(key, was):
            (better if is_better(key, value, was) else worse).append(text)
    for texts, sentences in ((worse, changes.worse), (better, changes.better)):
        if texts:
            sentences.append(f'{name}: {"; ".join(texts)}.')


def known_scores(before: Mapping[str, Any],
                 now: Mapping[str, Any]) -> Iterator[tuple[str, float, float | None]]:
    """(key, old value, new value) of each score that was known; the new one is None where it was
    measured and nothing was found, so that there is no number."""
    scores = now['scores']
    for key, was in before['scores'].items():
        if was is not None and key in scores and score_of(key):
            yield key, was, scores[key]


def settings_that_differ(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Sentences on training time and machine."""
    notes = []
    if old.get('minutes') != new.get('minutes'):
        notes.append(f'{new.get("minutes"):g} minutes of training, {old.get("minutes"):g} before.')
    machines = [suite.get('machine', {}) for suite in (new, old)]
    now, before = [f'{machine.get("cores")} cores, {machine.get("processor")}'
                   for machine in machines]
    if now != before:
        notes.append(f'another machine: {now}; {before} before.')
    return notes
