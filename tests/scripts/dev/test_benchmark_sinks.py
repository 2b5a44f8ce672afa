"""What a benchmark compares takes turns: one works at a time, and its time is its own."""
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Barrier

import pytest

from scripts.dev.benchmark_sinks import Turns


def test_two_runs_take_turns_and_each_turn_is_timed():
    turns, log, both = Turns(), [], Barrier(2)

    def work(name, pause):
        both.wait(60)
        with turns.taken(name):
            for _ in range(4):
                log.append(name)
                time.sleep(pause)
                log.append(name)
                turns.hand_over(name)
    with ThreadPoolExecutor(2) as pool:
        for run in [pool.submit(work, 'quick', 0.01), pool.submit(work, 'slow', 0.1)]:
            run.result(60)
    # who comes first may be done with its first turn before the other comes at all
    pairs = log[::2]
    assert pairs == log[1::2] and [a != b for a, b in pairwise(pairs)].count(False) <= 1
    assert min(turns.seconds['slow']) > max(0.09, sorted(turns.seconds['quick'])[1])


def test_a_run_that_fails_does_not_keep_the_other_waiting():
    turns = Turns()

    def fail():
        with turns.taken('one'):
            raise ValueError
    with pytest.raises(ValueError):
        fail()
    with turns.taken('other'):
        turns.hand_over('other')
    assert len(turns.seconds['other']) == 1
