"""Scores as a table for people: a row for each score, a column for each method."""
from collections.abc import Iterable, Mapping

from dominate import tags

from util.metrics.names import Score, is_better, order, score_of, written

Scores = Mapping[str, float | None]     # by key; None where it was not measured


def described(keys: Iterable[str]) -> dict[str, Score]:
    """The scores that util.metrics.names knows, in the order of a table."""
    scores = {key: score_of(key) for key in order(keys)}
    return {key: score for key, score in scores.items() if score}


def measured(columns: Mapping[str, Scores]) -> dict[str, Score]:
    """The scores that at least one column has a value of."""
    keys: set[str] = set()
    for scores in columns.values():
        keys.update(key for key, value in scores.items() if value is not None)
    return described(keys)


def heading(score: Score) -> str:
    """Name and unit."""
    return f'{score.name}, {score.unit}' if score.unit else score.name


def best_of(key: str, columns: Mapping[str, Scores]) -> str:
    """The best value of a row as it is written; '' where all are written alike."""
    row = [scores.get(key) for scores in columns.values()]
    values = [value for value in row if value is not None]
    if len({written(key, value) for value in values}) < 2:
        return ''
    best = values[0]
    for value in values:
        if is_better(key, value, best):
            best = value
    return written(key, best)


def score_table(columns: Mapping[str, Scores]) -> tags.html_tag:
    """The scores, the best of each row in bold.

    columns    {heading: {key: value}}
    """
    table = tags.table(tags.tr(tags.th('score'), (tags.th(name) for name in columns)),
                       cls='scores')
    for key, score in measured(columns).items():
        best = best_of(key, columns)
        texts = [written(key, scores.get(key)) for scores in columns.values()]
        arrow = '↑' if score.greater else '↓'
        row = table.add(tags.tr(tags.th(f'{heading(score)}\u00a0{arrow}', title=score.says)))
        for text in texts:
            row.add(tags.td(tags.b(text) if text == best else text))
    return tags.div(table, cls='scroll')


def explanation(scores: Iterable[Score]) -> tags.html_tag:
    """What each of these scores means, behind a fold."""
    meanings = tags.dl()
    for score in scores:
        meanings.add(tags.dt(score.name), tags.dd(score.says))
    return tags.details(tags.summary('What these scores mean'),
                        tags.p('↓: lower is better. ↑: higher is better. Bold: the best.'),
                        meanings, cls='explained')


def markdown_table(columns: Mapping[str, Scores]) -> str:
    """The same for the terminal and for a Markdown file; the best between asterisks."""
    rows = [['score', *columns], ['---', *['---:'] * len(columns)]]
    for key, score in measured(columns).items():
        best = best_of(key, columns)
        texts = [written(key, scores.get(key)) for scores in columns.values()]
        rows.append([heading(score), *(f'**{text}**' if text == best else text for text in texts)])
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = []
    for first, *others in rows:
        cells = [first.ljust(widths[0])]
        cells += [text.rjust(width) for text, width in zip(others, widths[1:])]
        lines.append(f'| {" | ".join(cells)} |')
    return '\n'.join(lines)
