"""Charts of the scores of single frames over time, and a viewer for the frame under the cursor.

Each score is a small chart, drawn as SVG. frame_charts.js connects them: pointing at a chart,
moving the slider or playing the video moves one line through all charts, and shows that frame's
scores and images. Without scripts the charts are still there.
"""
import html
import json
from collections.abc import Mapping, Sequence
from itertools import pairwise

from dominate import tags
from dominate.util import raw

from util.web.charts import Axis, extent, grid, label, polyline, short, ticks
from util.web.page import script

Series = Sequence[float | None]         # a score of each frame, None where it is unknown
Point = tuple[int, float]               # a frame's number, and its score

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 460, 128, 44, 452, 6, 106     # of a chart, in px
MOST = 600                              # points to which a line is thinned out


def frame_chart(key: str, times: Sequence[float], values: Series, says: str,
                marked: Sequence[int] = ()) -> str:
    """One score over time, as SVG; '' where it is unknown for all frames.

    key       the name of the score in frame_charts.js
    times     (F,) s, increasing;  values  (F,)
    says      what it shows, for screen readers
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
    """The images of the selected frame, and a slider over all `count` frames.

    name, pictures    of frame number `first`, which is selected at first
    """
    return [tags.div(pictures, id='chosen'),
            tags.input_(type='range', id='frame', min=0, max=count - 1, value=first,
                        aria_label='frame', autocomplete='off'),
            tags.p('Frame ', tags.a(name, id='frame-name', href=f'#frame-{first + 1}'))]


def viewer_script(names: Sequence[str], times: Sequence[float], scores: Mapping[str, Series],
                  digits: Mapping[str, int]) -> list[tags.html_tag]:
    """The script that connects charts, viewer and videos, and its data; for the end of the page.

    The page needs, for each frame in order, an element of class `frame` with an id and the frame's
    images; and the parent of each chart needs a `b` for the value.
    digits    the decimals of each score
    """
    rounded = {key: _rounded(values) for key, values in scores.items()}
    seconds = [round(time, 4) for time in times]
    data = {'names': names, 'times': seconds, 'scores': rounded,
            'digits': digits, 'width': WIDTH, 'left': LEFT, 'right': RIGHT}
    text = json.dumps(data, separators=(',', ':')).replace('<', '\\u003c')
    return [tags.script(raw(text), type='application/json', id='frame-scores'),
            script('frame_charts.js')]


def _rounded(values: Series) -> list[float | None]:
    """Five significant digits are enough for a page."""
    return [None if value is None else float(f'{value:.5g}') for value in values]
