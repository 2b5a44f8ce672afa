"""Scores of single frames over a film's time, and the frame that one points at.

Each score is a small chart drawn as SVG. A script within the page joins them: pointing at a chart,
moving the slider, or letting the film run moves one line through all charts, and shows
that frame's numbers and pictures. Without a script the charts are there all the same.
"""
import html
import json
from collections.abc import Mapping, Sequence
from itertools import pairwise

from dominate import tags
from dominate.util import raw

from util.web.charts import Axis, extent, grid, label, polyline, short, ticks
from util.web.page import script

Series = Sequence[float | None]         # a score of each frame, None where it is not known
Point = tuple[int, float]               # a frame's number, and its score

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 460, 128, 44, 452, 6, 106     # of a chart, in px
MOST = 600                              # points to which a line is thinned out


def frame_chart(key: str, times: Sequence[float], values: Series, says: str,
                marked: Sequence[int] = ()) -> str:
    """One score over the film's time, as SVG; '' where it is known of no frame.

    key       by which the page's script knows the score
    times     (F,) s, increasing;  values  (F,)
    says      what it shows, for those who hear the page
    marked    numbers of frames that get a dot
    """
    known = [value for value in values if value is not None]
    if not known:
        return ''
    low, high = extent(known)
    first = times[0]
    length = (times[-1] - first) or 1.0
    x_axis = Axis(first, first + length, LEFT, RIGHT)
    y_axis = Axis(low, high, BOTTOM, TOP)
    parts = grid(y_axis, LEFT, RIGHT, gap=6)
    parts += [label(x_axis.px(first + tick), HEIGHT - 5, f'{short(tick)} s')
              for tick in ticks(0, length, about=5)]
    for run in connected(values):
        kept = with_extremes(run, 2 * len(known) // MOST)
        parts.append(polyline([(x_axis.px(times[k]), y_axis.px(value)) for k, value in kept], 'k0'))
    dots = ''
    for k in marked:
        value = values[k]
        if value is not None:
            dots += f'M{x_axis.px(times[k]):.1f} {y_axis.px(value):.1f}h0'
    if dots:
        parts.append(f'<path class="marked" d="{dots}"/>')
    parts.append(f'<path class="cursor" d="M0 {TOP}V{BOTTOM}"/>')
    says = html.escape(f'{says} over time')
    return (f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" data-score="{html.escape(key)}" '
            f'aria-label="{says}">{"".join(parts)}</svg>')


def connected(values: Series) -> list[list[Point]]:
    """The runs of (frame, value) that a line joins.

    A gap wider than nine in ten splits the line, so that a score known for every fourth frame has
    no gap between them.
    """
    known = [(k, value) for k, value in enumerate(values) if value is not None]
    distances = [after - before for (before, _), (after, _) in pairwise(known)]
    usual = sorted(distances)[9 * len(distances) // 10] if distances else 1
    found = [known[:1]]
    for point, distance in zip(known[1:], distances):
        if distance > usual:
            found.append([])
        found[-1].append(point)
    return found


def with_extremes(points: Sequence[Point], step: int) -> list[Point]:
    """The lowest and the highest of every `step` points, so that no peak is lost."""
    if step <= 2:
        return list(points)
    kept: list[Point] = []
    for start in range(0, len(points), step):
        some = points[start:start + step]
        ends = (min(some, key=lambda point: point[1]), max(some, key=lambda point: point[1]))
        kept += sorted(set(ends))
    return kept


def viewer(name: str, count: int, pictures: tags.html_tag, first: int) -> list[tags.html_tag]:
    """The chosen frame's pictures, and the slider that goes through all `count`.

    name, pictures    of frame number `first`, which is shown at the beginning
    """
    return [tags.div(pictures, id='chosen'),
            tags.input_(type='range', id='frame', min=0, max=count - 1, value=first,
                        aria_label='frame', autocomplete='off'),
            tags.p('Frame ', tags.a(name, id='frame-name', href=f'#frame-{first + 1}'))]


def viewer_script(names: Sequence[str], times: Sequence[float], scores: Mapping[str, Series],
                  digits: Mapping[str, int]) -> list[tags.html_tag]:
    """What joins charts, viewer and films; for the end of the page.

    The page must hold an element of class `frame`, with an id and that frame's pictures, for
    each frame in order, and each chart's parent a `b` for its number.
    digits    how many decimals a score is shown with
    """
    told = json.dumps({'names': names, 'times': [round(time, 4) for time in times],
                       'scores': {key: [None if value is None else float(f'{value:.5g}')
                                        for value in values] for key, values in scores.items()},
                       'digits': digits, 'width': WIDTH, 'left': LEFT, 'right': RIGHT},
                      separators=(',', ':'))
    return [tags.script(raw(told.replace('<', '\\u003c')), type='application/json',
                        id='frame-scores'), script('frame_charts.js')]
