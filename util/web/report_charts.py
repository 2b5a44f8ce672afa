"""Charts over a video's time, as SVG to put into a page of util/page: curves, a heat map, bars.

Wide charts share one time axis from left to right, so that what lies below one another happened at
the same time. Colours come from the page, light and dark.
"""
import html
from collections.abc import Mapping, Sequence

import numpy as np

from util.web.page import extent, short, ticks
from util.words import clock

WIDTH, LEFT, RIGHT = 920, 92, 908     # of a wide chart, and where its time axis lies
COLUMNS = 400                         # steps of time in a heat map
ROW = 13                              # height of its rows

STYLE = f"""
.wide {{ overflow-x: auto; }}
.wide svg {{ min-width: 42rem; }}
.wide svg text {{ font-size: 11px; }}
.wide svg rect.shade {{ fill: var(--c1); opacity: .16; }}
.wide svg path.limit {{ stroke: var(--soft); stroke-dasharray: 5 4; }}
.wide svg path.cut {{ stroke: var(--ink); opacity: .55; stroke-dasharray: 2 3; }}
.heat path {{ stroke-width: {ROW - 2}; fill: none; }}
.heat path.cut {{ stroke-width: 1; }}
.h1, .h2, .h3, .h4 {{ stroke: var(--c0); }} .h1 {{ opacity: .22; }} .h2 {{ opacity: .45; }}
.h3 {{ opacity: .7; }} .h5 {{ stroke: var(--c1); }} .h6 {{ stroke: var(--c3); }}
.h7 {{ stroke: var(--c2); }}
.key i {{ display: inline-block; width: .9em; height: .9em; margin: 0 .35em 0 1em;
  border-radius: 3px; vertical-align: -.08em; background: var(--c0); }}
.key i:first-child {{ margin-left: 0; }}
.key .h1, .key .h2, .key .h3, .key .h4, .key .h5, .key .h6, .key .h7 {{ stroke: none; }}
.key .h5 {{ background: var(--c1); }} .key .h6 {{ background: var(--c3); }}
.key .h7 {{ background: var(--c2); }}
.key .h0 {{ background: none; border: 1px solid var(--line); }}
.bars {{ display: grid; grid-template-columns: max-content 1fr max-content; gap: .3rem .8rem;
  align-items: center; margin-top: .9rem; font-size: .87rem; }}
.bars b {{ font-variant-numeric: tabular-nums; text-align: right; font-weight: 600; }}
.bars span {{ color: var(--soft); }}
.bars div {{ height: .6rem; border-radius: 9px; background: var(--line); overflow: hidden; }}
.bars div i {{ display: block; height: 100%; border-radius: 9px; background: var(--c0); }}
"""
# What a cell of the heat map can say; the class of its colour is h and the number.
UNSEEN, FAINT, DOUBTFUL, FAIR, SURE, FILLED, SWAPPED, KEPT = range(8)


class Clock:
    """The time axis of a wide chart: seconds to px."""

    def __init__(self, times: np.ndarray):
        self.start, end = float(times[0]), float(times[-1])
        self.length = max(end - self.start, 1e-3)

    def x(self, seconds: float) -> float:
        return LEFT + (seconds - self.start) / self.length * (RIGHT - LEFT)

    def marks(self, bottom: float) -> str:
        """m:ss where the seconds are round."""
        steps = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)
        step = next((s for s in steps if self.length / s <= 12), 7200)
        first = int(np.ceil(self.start / step)) * step
        return ''.join(f'<text x="{self.x(s):.1f}" y="{bottom + 14}" text-anchor="middle">'
                       f'{clock(s)}</text>'
                       for s in range(first, int(self.start + self.length) + 1, step))


def time_chart(times: np.ndarray, series: Mapping[str, np.ndarray], says: str,
               limit: float | None = None, shaded: Sequence[tuple[float, float]] = (),
               zero: bool = False) -> str:
    """Curves over time.

    times    float (F,) s
    series   {name: float (F,)}, NaN where there is nothing
    says     what it shows, for those who hear the page
    limit    a dashed line at this value
    shaded   (start, end) seconds that are marked
    zero     whether the axis begins at 0
    """
    top, bottom = (26 if len(series) > 1 else 8), 150
    axis = Clock(times)
    thin = {name: thinned(times, values) for name, values in series.items()}
    values = [float(v) for _, curve in thin.values() for v in curve[np.isfinite(curve)]]
    if not values:
        return '<p class="soft">nothing to show</p>'
    low, high = extent([*values, *([limit] if limit is not None else []), *([0.0] if zero else [])])

    def y(value: float) -> float:
        return bottom - (value - low) / (high - low) * (bottom - top)
    parts = [f'<rect class="shade" x="{axis.x(a):.1f}" y="{top}" '
             f'width="{max(axis.x(b) - axis.x(a), 2):.1f}" height="{bottom - top}"/>'
             for a, b in shaded]
    parts += [f'<path class="grid" d="M{LEFT} {y(t):.1f}H{RIGHT}"/>'
              f'<text x="{LEFT - 8}" y="{y(t) + 4:.1f}" text-anchor="end">{short(t)}</text>'
              for t in ticks(low, high)]
    parts.append(axis.marks(bottom))
    if limit is not None:
        parts.append(f'<path class="limit" d="M{LEFT} {y(limit):.1f}H{RIGHT}"/>')
    for number, (seconds, curve) in enumerate(thin.values()):
        for run in np.split(np.arange(len(curve)), np.flatnonzero(~np.isfinite(curve))):
            run = run[np.isfinite(curve[run])]
            points = ' '.join(f'{axis.x(seconds[k]):.1f},{y(curve[k]):.1f}' for k in run)
            parts.append(f'<polyline class="k{number % 4}" points="{points}"/>')
    if len(series) > 1:
        names = ''.join(f'<tspan dx="{14 if number else 0}" class="k{number % 4}">'
                        f'{html.escape(name)}</tspan>' for number, name in enumerate(series))
        parts.append(f'<text x="{LEFT}" y="14">{names}</text>')
    return _svg(bottom + 20, says, parts)


def heat_map(times: np.ndarray, rows: Mapping[str, np.ndarray], cuts: Sequence[float],
             says: str) -> str:
    """Rows down, time across.

    times  float (C,) s at which a column begins, then the end: C + 1
    rows   {name: int (C,)} what each cell says: UNSEEN, FAINT, ...
    cuts   seconds at which a dashed line stands
    """
    axis, bottom = Clock(times), 6 + ROW * len(rows)
    strokes: dict[int, list[str]] = {}
    parts = []
    for number, (name, cells) in enumerate(rows.items()):
        y = 6 + ROW * number + ROW / 2
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:g}" text-anchor="end">'
                     f'{html.escape(name)}</text>')
        edges = [0, *(np.flatnonzero(np.diff(cells)) + 1).tolist(), len(cells)]
        for a, b in zip(edges[:-1], edges[1:]):
            start, end = axis.x(times[a]), axis.x(times[b])
            strokes.setdefault(int(cells[a]), []).append(f'M{start:.1f} {y:g}H{end:.1f}')
    parts += [f'<path class="h{cell}" d="{"".join(lines)}"/>'
              for cell, lines in sorted(strokes.items()) if cell != UNSEEN]
    apart = [cut for k, cut in enumerate(cuts)
             if not k or axis.x(cut) - axis.x(cuts[k - 1]) > 4]      # a dissolve is many cuts
    parts += [f'<path class="cut" d="M{axis.x(cut):.1f} 2V{bottom}"/>' for cut in apart]
    parts.append(axis.marks(bottom))
    return _svg(bottom + 20, says, parts, 'heat')


def bars(shares: Mapping[str, float]) -> str:
    """A bar of its share (0..1) for each name."""
    return '<div class="bars">' + ''.join(
        f'<span>{html.escape(name)}</span><div><i style="width: {100 * share:.1f}%"></i></div>'
        f'<b>{100 * share:.0f} %</b>' for name, share in shares.items()) + '</div>'


def thinned(times: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """At most 2 * COLUMNS points, each the mean of its stretch; NaN where that shows nothing."""
    edges = np.unique(np.linspace(0, len(times), min(len(times), 2 * COLUMNS) + 1).astype(int))
    there = np.isfinite(values)
    count = np.add.reduceat(there.astype(int), edges[:-1])
    total = np.add.reduceat(np.where(there, values, 0.0), edges[:-1])
    return times[edges[:-1]], np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _svg(height: float, says: str, parts: Sequence[str], kind: str = '') -> str:
    says = html.escape(says)
    return (f'<div class="wide"><svg class="{kind}" viewBox="0 0 {WIDTH} {height:g}" role="img" '
            f'aria-label="{says}"><title>{says}</title>{"".join(parts)}</svg></div>')
