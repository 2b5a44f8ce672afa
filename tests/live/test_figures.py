"""Rates, delay and drops of a session, in memory that does not grow."""
import json

import pytest
from fakes import FakeClock

from live.figures import LONGEST, Durations, Figures, line


def test_quantiles_are_those_of_the_durations():
    durations = Durations()
    for ms in range(1, 101):
        durations.add(ms / 1e3)
    assert [durations.ms(share) for share in (0.5, 0.95, 1.0)] == [50, 95, 100]


def test_without_a_duration_there_is_no_figure():
    assert Durations().ms(0.5) is None


def test_a_duration_beyond_all_bounds_takes_no_memory():
    durations = Durations()
    before = durations.seen.nbytes
    durations.add(1e9)
    durations.add(-1.0)
    assert durations.ms(1.0) == LONGEST * 1e3 and durations.seen.nbytes == before


def test_rates_are_of_the_second_and_of_the_whole():
    clock = FakeClock()
    figures = Figures(clock)
    for pictures in (10, 20):
        for _ in range(pictures):
            figures.count('in')
        clock.sleep(1)
        assert figures.every_second()['fps']['in'] == pictures
    assert figures.total()['fps']['in'] == 15


def test_what_happened_before_the_start_does_not_count():
    clock = FakeClock()
    figures = Figures(clock)
    drops = 5
    figures.watch('pose', lambda: drops)
    figures.count('in')
    drops = 6
    figures.start()
    drops = 7
    clock.sleep(2)
    total = figures.total()
    assert total['fps']['in'] == 0 and total['drops'] == {'pose': 1} and total['seconds'] == 2


def test_figures_are_json_and_one_line():
    clock = FakeClock()
    figures = Figures(clock)
    clock.sleep(1)
    assert json.loads(json.dumps(figures.total()))['latency_ms']['p95'] is None
    figures.delayed(0.12)
    assert 'delay 120 ms' in line({**figures.total()})
    assert figures.total()['latency_ms']['max'] == pytest.approx(120)
