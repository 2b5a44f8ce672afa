"""Scores as a table for people: a row for each score, a column for each way of painting."""
from collections.abc import Iterable, Mapping
from functools import reduce

from dominate import tags

from util.metrics.names import Score, is_better, order, score_of, written

Scores = Mapping[str, float | None]     # by key; None where it was not measured


def described(keys: Iterable[str]) -> dict[str, Score]:
    """Those of the scores that there are words for, in the order they are shown."""
    return {key: score for key in order(keys) if (score := score_of(key))}


def measured(columns: Mapping[str, Scores]) -> dict[str, Score]:
    """The scores that are known of at least one column."""
    return described({key for scores in columns.values() for key, value in scores.items()
                      if value is not None})


def heading(score: Score) -> str:
    return f'{score.name}, {score.unit}' if score.unit else score.name


def best_of(key: str, columns: Mapping[str, Scores]) -> str:
    """The best number of a row as it is written; '' where there is nothing to choose from."""
    values = [value for scores in columns.values() if (value := scores.get(key)) is not None]
    if len({written(key, value) for value in values}) < 2:
        return ''
    return written(key, reduce(lambda a, b: b if is_better(key, b, a) else a, values))


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
        table.add(tags.tr(tags.th(f'{heading(score)}\u00a0{arrow}', title=score.says),
                          (tags.td(tags.b(text) if text == best else text) for text in texts)))
    return tags.div(table, cls='scroll')


def explanation(scores: Iterable[Score]) -> tags.html_tag:
    """What each of these scores is, behind a fold."""
    told = tags.dl()
    for score in scores:
        told.add(tags.dt(score.name), tags.dd(score.says))
    return tags.details(tags.summary('What these numbers are'),
                        tags.p('↓: less is better. ↑: more is better. Bold: the best.'), told,
                        cls='explained')


def markdown_table(columns: Mapping[str, Scores]) -> str:
    """The same for the terminal and for a Markdown file; the best between asterisks."""
    rows = [['score', *columns], ['---', *('---:' for _ in columns)]]
    for key, score in measured(columns).items():
        best = best_of(key, columns)
        texts = [written(key, scores.get(key)) for scores in columns.values()]
        rows.append([heading(score),
                     *(f'**{text}**' if text == best else text for text in texts)])
    widths = [max(map(len, column)) for column in zip(*rows)]
    return '\n'.join('| ' + ' | '.join(
        text.ljust(width) if n == 0 else text.rjust(width)
        for n, (text, width) in enumerate(zip(row, widths))) + ' |' for row in rows)
