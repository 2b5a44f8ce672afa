"""Charts over the time of a video, as SVG: curves and a heat map.

Wide charts share one time axis, so that points below one another are simultaneous. The styles are
in wide_charts.css; colours come from page.css, light and dark.
"""
import html
from collections.abc import Mapping, Sequence
from itertools import chain

import numpy as np

from util.sampling import evenly_spaced
from util.web.charts import Axis, colour_key, extent, grid, label, polyline, svg
from util.words import clock

WIDTH, LEFT, RIGHT = 920, 92, 908     # px, of a wide chart and the ends of its time axis
COLUMNS = 400                         # time steps of a heat map
ROW = 13                              # px, the height of its rows

# The states of a heat map cell; its CSS class is h and the number.
UNSEEN, FAINT, DOUBTFUL, FAIR, SURE, FILLED, SWAPPED, KEPT = range(8)


class TimeAxis(Axis):
    """The horizontal axis of a wide chart, in seconds.

    times    float (F,) s, increasing
    """

    def __init__(self, times: np.ndarray):
        start, end = float(times[0]), float(times[-1])
        super().__init__(start, max(end, start + 1e-3), LEFT, RIGHT)

    def labels(self, bottom: float) -> list[str]:
        """m:ss where the seconds are round."""
        length = self.high - self.low
        steps = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)
        step = next((s for s in steps if length / s <= 12), 7200)
        first = int(np.ceil(self.low / step)) * step
        return [label(self.px(s), bottom + 14, clock(s))
                for s in range(first, int(self.low + length) + 1, step)]


def time_chart(times: np.ndarray, series: Mapping[str, np.ndarray], says: str,
               limit: float | None = None, shaded: Sequence[tuple[float, float]] = (),
               zero: bool = False) -> str:
    """Curves over time.

    times    float (F,) s
    series   {name: float (F,)}, NaN where there is nothing
    says     what it shows, for screen readers
    limit    a dashed line at this value
    shaded   (start, end) in seconds, marked
    zero     whether the vertical axis starts at 0
    """
    top = 26 if len(series) > 1 else 8
    bottom = 150
    x_axis = TimeAxis(times)
    thin = {name: thinned(times, values) for name, values in series.items()}
    known = [curve[np.isfinite(curve)].tolist() for _, curve in thin.values()]
    values = list(chain.from_iterable(known))
    if not values:
        return '<p class="soft">nothing to show</p>'
    if limit is not None:
        values.append(limit)
    if zero:
        values.append(0.0)
    y_axis = Axis(*extent(values), bottom, top)
    parts = [_shade(x_axis.px(start), x_axis.px(end), top, bottom) for start, end in shaded]
    parts += grid(y_axis, LEFT, RIGHT, gap=8)
    parts += x_axis.labels(bottom)
    if limit is not None:
        parts.append(f'<path class="limit" d="M{LEFT} {y_axis.px(limit):.1f}H{RIGHT}"/>')
    for number, (seconds, curve) in enumerate(thin.values()):
        for run in np.split(np.arange(len(curve)), np.flatnonzero(~np.isfinite(curve))):
            run = run[np.isfinite(curve[run])]
            spots = [(x_axis.px(seconds[k]), y_axis.px(curve[k])) for k in run]
            parts.append(polyline(spots, f'k{number % 4}'))
    if len(series) > 1:
        parts.append(colour_key(series, LEFT, 14, gap=14))
    return _wide(bottom + 20, says, parts)


def _shade(left: float, right: float, top: float, bottom: float) -> str:
    """A marked span, from `left` to `right` px, wide enough to be seen."""
    return (f'<rect class="shade" x="{left:.1f}" y="{top}" width="{max(right - left, 2):.1f}" '
            f'height="{bottom - top}"/>')


def heat_map(times: np.ndarray, rows: Mapping[str, np.ndarray], cuts: Sequence[float],
             says: str) -> str:
    """Rows down, time across.

    times  float (C + 1,) s: the start of each column, then the end of the last
    rows   {name: int (C,)} what each cell says: UNSEEN, FAINT, ...
    cuts   seconds at which a dashed line stands
    """
    axis = TimeAxis(times)
    bottom = 6 + ROW * len(rows)
    strokes: dict[int, list[str]] = {}
    parts = []
    for number, (name, cells) in enumerate(rows.items()):
        y = 6 + ROW * number + ROW / 2
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:g}" text-anchor="end">'
                     f'{html.escape(name)}</text>')
        edges = [0, *(np.flatnonzero(np.diff(cells)) + 1).tolist(), len(cells)]
        for a, b in zip(edges[:-1], edges[1:]):
            start, end = axis.px(times[a]), axis.px(times[b])
            strokes.setdefault(int(cells[a]), []).append(f'M{start:.1f} {y:g}H{end:.1f}')
    parts += [f'<path class="h{cell}" d="{"".join(lines)}"/>'
              for cell, lines in sorted(strokes.items()) if cell != UNSEEN]
    for k, cut in enumerate(cuts):
        if not k or axis.px(cut) - axis.px(cuts[k - 1]) > 4:      # a dissolve is many cuts
            parts.append(f'<path class="cut" d="M{axis.px(cut):.1f} 2V{bottom}"/>')
    parts += axis.labels(bottom)
    return _wide(bottom + 20, says, parts, 'heat')


def thinned(times: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(times, values) of at most 2 * COLUMNS points, each a span's mean; NaN without values."""
    edges = evenly_spaced(len(times) + 1, 2 * COLUMNS + 1)
    there = np.isfinite(values)
    count = np.add.reduceat(there.astype(int), edges[:-1])
    total = np.add.reduceat(np.where(there, values, 0.0), edges[:-1])
    return times[edges[:-1]], np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _wide(height: float, says: str, parts: Sequence[str], kind: str = '') -> str:
    chart = svg(WIDTH, height, says, parts, f' class="{kind}"')
    return f'<div class="wide">{chart}</div>'
