"""Charts lie where their numbers say, within their picture, whatever the numbers are."""
import math
import re

import pytest

from util.web.charts import DIGIT, Axis, curves_svg, ticks


@pytest.mark.parametrize('start, end', [(40, 245), (106, 24)])
def test_an_axis_puts_its_ends_and_its_middle_where_they_belong(start: int, end: int) -> None:
    axis = Axis(-2.0, 6.0, start, end)
    assert [axis.px(value) for value in (-2, 2, 6)] == [start, (start + end) / 2, end]
    assert axis.ticks() == ticks(-2.0, 6.0)


def test_a_curve_lies_where_its_numbers_say() -> None:
    svg = curves_svg({'loss': [(0, 0), (50, 10), (100, 5)]}, 'images seen')
    spots = re.search(r'<polyline class="k0" points="([^"]*)"', svg)[1]         # type: ignore
    (x0, y0), (x1, y1), (x2, y2) = (map(float, spot.split(',')) for spot in spots.split())
    assert x1 - x0 == x2 - x1 > 0
    assert y0 > y2 > y1 and math.isclose(y0 - y2, y2 - y1, abs_tol=0.2)
    assert 'aria-label="loss over images seen"' in svg


@pytest.mark.parametrize('points', [
    [(0, 0.0451), (319, 0.0455)], [(80, -0.631), (300, 0.0)], [(0, 12_340.0), (12e5, 12_380.0)]])
def test_the_labels_of_a_curve_lie_in_its_picture(points: list[tuple[float, float]]) -> None:
    svg = curves_svg({'loss': points})
    labels = re.findall(r'<text x="([\d.]+)" y="[\d.]+" text-anchor="(\w+)">([^<]+)<', svg)
    assert {anchor for _, anchor, _ in labels} == {'end', 'middle'}
    for x, anchor, text in labels:
        wide = len(text) * DIGIT * (1 if anchor == 'end' else 0.5)
        assert float(x) >= wide and (anchor == 'end' or float(x) + wide <= 250)


@pytest.mark.parametrize('points', [
    [], [(1, 2.0)], [(1, 0.0), (2, 0.0)], [(1, float('nan'))], [(1, float('inf')), (2, 1.0)],
    [(k, -1e-9 * k) for k in range(50)], [(k, 1e12) for k in range(500)]])
def test_no_numbers_are_too_odd_to_draw(points: list[tuple[float, float]]) -> None:
    drawn = curves_svg({'loss': points})
    assert 'nan' not in drawn and 'inf' not in drawn
    assert ('<svg' in drawn) == any(math.isfinite(y) for _, y in points)


def test_axes_are_marked_with_round_numbers_inside_them() -> None:
    assert ticks(0, 10) == [0, 2, 4, 6, 8, 10]
    for low, high in ((0.013, 0.0147), (-3, 8), (1200, 98_000), (5, 5.0001)):
        marks = ticks(low, high)
        assert 2 <= len(marks) <= 6 and low <= marks[0] and marks[-1] <= high * (1 + 1e-9)
