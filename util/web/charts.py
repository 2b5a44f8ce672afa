"""Charts as SVG to put into a page (`dominate.util.raw`): axes, their labels, and curves.

frame_charts.py and report_charts.py draw on the same Axis. Colours come from page.css, light and
dark. A chart's y in px points down, so the px of a vertical axis fall where its values rise.
"""
import html
import math
from collections.abc import Iterable, Mapping, Sequence

Point = tuple[float, float]

DIGIT = 7.0                             # px: the widest digit of a label
WIDTH, HEIGHT, RIGHT, BOTTOM = 250, 130, 245, 106       # px, of the chart of curves_svg
LONG = 20                               # points; a longer curve is drawn smoothed


class Axis:
    """Data values to px along one side of a chart.

    low, high     the values at the two ends, not equal
    start, end    px at which they lie
    """

    def __init__(self, low: float, high: float, start: float, end: float):
        self.low, self.high = low, high
        self.start, self.end = start, end

    def px(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self, about: int = 3) -> list[float]:
        """Round values on the axis, about `about` of them."""
        return ticks(self.low, self.high, about)


def grid(axis: Axis, left: float, right: float, gap: float) -> list[str]:
    """A horizontal line at each round value of a vertical axis, labelled `gap` px left of it."""
    lines = []
    for tick in axis.ticks():
        y = axis.px(tick)
        lines.append(f'<path class="grid" d="M{left} {y:.1f}H{right}"/>'
                     f'<text x="{left - gap}" y="{y + 4:.1f}" text-anchor="end">{short(tick)}'
                     f'</text>')
    return lines


def label(x: float, y: float, text: str) -> str:
    """A label below a horizontal axis, centred at x px, its baseline at y px."""
    return f'<text x="{x:.1f}" y="{y}" text-anchor="middle">{text}</text>'


def polyline(points: Iterable[Point], kind: str) -> str:
    """A line through points in px; `kind` is its CSS class."""
    return f'<polyline class="{kind}" points="{_joined(points)}"/>'


def colour_key(names: Iterable[str], left: float, y: float, gap: float) -> str:
    """The names side by side from x = left px, `gap` px apart, each in its curve's colour."""
    spans = [f'<tspan dx="{gap if number else 0}" class="k{number % 4}">{html.escape(name)}</tspan>'
             for number, name in enumerate(names)]
    return f'<text x="{left}" y="{y}">{"".join(spans)}</text>'


def svg(width: float, height: float, says: str, parts: Iterable[str], attributes: str = '') -> str:
    """The chart made of `parts`; `says` is what a screen reader reads out."""
    says = html.escape(says)
    return (f'<svg{attributes} viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{says}">'
            f'<title>{says}</title>{"".join(parts)}</svg>')


def curves_svg(series: Mapping[str, Sequence[Point]], x_label: str = '',
               legend: bool = True) -> str:
    """Curves on common axes.

    series    {name: [(x, y), ...]} with x increasing; skips y that are not finite. A long series
              is drawn pale, with a smoothed line on top; rare peaks are cut at the edge
    legend    whether the names of several series stand above them
    """
    legend = legend and len(series) > 1
    finite = {name: _finite(points) for name, points in series.items()}
    every = [point for points in finite.values() for point in points]
    if not every:
        return '<p class="soft">nothing yet</p>'
    x_low, x_high = extent([x for x, _ in every])
    y_low, y_high = extent([y for _, y in every], cut=0.02)
    y_axis = Axis(y_low, y_high, BOTTOM, 24 if legend else 10)
    x_axis = Axis(x_low, x_high, _left_of(y_axis), RIGHT)
    parts = grid(y_axis, x_axis.start, RIGHT, gap=5)
    parts += _x_labels(x_axis)
    for number, points in enumerate(finite.values()):
        parts += _curve(points, number, x_axis, y_axis)
    if legend:
        parts.append(colour_key(finite, x_axis.start, 11, gap=8))
    return svg(WIDTH, HEIGHT, f'{", ".join(series)} over {x_label or "time"}', parts)


def _finite(points: Sequence[Point]) -> list[Point]:
    return [point for point in points if math.isfinite(point[1])]


def _left_of(y_axis: Axis) -> float:
    """x in px of the left edge: the labels of the vertical axis need room."""
    longest = max((len(short(tick)) for tick in y_axis.ticks()), default=0)
    return max(38, 8 + DIGIT * longest)


def _x_labels(axis: Axis) -> list[str]:
    """Labels at the round values, none of which leaves the chart at the right."""
    labels = []
    for tick in axis.ticks():
        text = short(tick)
        x = min(axis.px(tick), WIDTH - DIGIT * len(text) / 2)
        labels.append(label(x, HEIGHT - 6, text))
    return labels


def _curve(points: Sequence[Point], number: int, x_axis: Axis, y_axis: Axis) -> list[str]:
    """One series: its line, smoothed if it is long, and a dot at its end."""
    def place(x: float, y: float) -> Point:
        return x_axis.px(x), y_axis.px(min(max(y, y_axis.low), y_axis.high))

    if not points:
        return []
    colour = f'k{number % 4}{" dash" if number // 4 % 2 else ""}'
    parts = []
    if len(points) > LONG:
        parts.append(polyline([place(x, y) for x, y in points], f'raw {colour}'))
        points = smoothed(points)
    spots = [place(x, y) for x, y in points]
    parts.append(polyline(spots, colour))
    parts.append(f'<path class="dot {colour}" d="M{_joined(spots[-1:])}h0"/>')
    return parts


def _joined(points: Iterable[Point]) -> str:
    return ' '.join(f'{x:.1f},{y:.1f}' for x, y in points)


def extent(values: Sequence[float], cut: float = 0.0) -> tuple[float, float]:
    """The lowest and the highest value, without the fraction `cut` at either end; never equal."""
    values = sorted(values)
    rare = int(len(values) * cut)
    low, high = values[rare], values[-1 - rare]
    if low == high:
        low, high = low - (abs(low) or 1) * 0.1, high + (abs(high) or 1) * 0.1
    return low, high


def ticks(low: float, high: float, about: int = 3) -> list[float]:
    """Round numbers between `low` and `high`, about `about` of them."""
    rough = (high - low) / about
    unit = 10 ** math.floor(math.log10(rough))
    step = unit * min((1, 2, 5, 10), key=lambda times: abs(times * unit - rough))
    return [k * step for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def short(value: float) -> str:
    """12000 -> 12k, 0.25 -> 0.25."""
    for size, letter in ((1e6, 'M'), (1e3, 'k')):
        if abs(value) >= size:
            return f'{value / size:.4g}{letter}'
    return f'{value:.3g}'


def smoothed(points: Sequence[Point]) -> list[Point]:
    """A running mean with a memory of about a fifteenth of the points."""
    out: list[Point] = []
    for count, (x, y) in enumerate(points, start=1):
        weight = max(1 / count, min(1.0, 30 / (len(points) + 15)))
        mean = out[-1][1] if out else y
        out.append((x, mean + weight * (y - mean)))
    return out
