"""What a pool does ahead comes in order, few at a time, and ends with who asked for it."""
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest

from util.errors import UserError
from util.parallel import in_order, merged, prefetch


def test_in_order_whatever_takes_longest():
    def slow(n, most):
        time.sleep(0.01 * (most - n))
        return n
    with ThreadPoolExecutor(3) as pool:
        assert list(in_order(pool, slow, ((n, 5) for n in range(5)), 2)) == [0, 1, 2, 3, 4]


def test_few_are_begun_before_they_are_asked_for():
    begun = []
    with ThreadPoolExecutor(1) as pool:
        every = in_order(pool, begun.append, ((n,) for n in range(9)), 3)
        next(every)
        every.close()
    assert 1 <= len(begun) <= 4


def test_who_stops_early_leaves_nothing_to_be_done():
    free, done = threading.Event(), []

    def wait(n):
        assert n == 0 or free.wait(30)
        done.append(n)
    with ThreadPoolExecutor(1) as pool:
        every = in_order(pool, wait, ((n,) for n in range(9)), 3)
        next(every)
        every.close()
        free.set()
    assert len(done) <= 2               # the one that had begun is not broken off


def test_what_one_raises_comes_in_its_turn():
    def inverse(n):
        return 1 / n
    with ThreadPoolExecutor(2) as pool:
        every = in_order(pool, inverse, [(1,), (0,), (2,)], 2)
        assert next(every) == 1
        with pytest.raises(ZeroDivisionError):
            next(every)


def test_prefetch_gives_the_same_and_runs_ahead():
    made = []

    def source():
        for k in range(20):
            made.append(k)
            yield k
    ahead = prefetch(source(), n=4)
    first = next(ahead)
    deadline = time.monotonic() + 5
    while len(made) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert 5 <= len(made) <= 7
    assert [first, *ahead] == list(range(20))


def test_prefetch_hands_on_errors_and_stops_when_left():
    closed = []

    def source():
        try:
            yield 1
            raise UserError('broken')
        finally:
            closed.append(True)
    ahead = prefetch(source())
    assert next(ahead) == 1
    with pytest.raises(UserError, match='broken'):
        next(ahead)

    def endless():
        try:
            while True:
                yield 0
        finally:
            closed.append(True)
    ahead = prefetch(endless())
    next(ahead)
    ahead.close()
    assert closed == [True, True]


def test_merged_runs_all_at_once_and_keeps_the_order_of_each():
    together = Barrier(3, timeout=30)       # broken unless three threads arrive

    def source(name):
        together.wait()
        for k in range(20):
            yield name, k
    given = list(merged([source(name) for name in 'abc'], 4))
    assert len(given) == 60
    for name in 'abc':
        assert [k for each, k in given if each == name] == list(range(20))


def test_merged_hands_on_the_error_of_any_and_stops_the_others():
    closed = Event()

    def endless():
        try:
            while True:
                yield 0
        finally:
            closed.set()

    def broken():
        yield 1
        raise UserError('broken')
    with pytest.raises(UserError, match='broken'):
        list(merged([endless(), broken()], 4))
    assert closed.is_set()


def test_merged_leaves_no_thread_where_one_cannot_start(monkeypatch):
    class Scarce(threading.Thread):
        started = 0

        def start(self):
            Scarce.started += 1
            if Scarce.started == 2:
                raise RuntimeError("can't start new thread")
            super().start()
    monkeypatch.setattr('util.parallel.Thread', Scarce)
    before = threading.active_count()
    with pytest.raises(RuntimeError, match='new thread') as error:
        list(merged([iter(range(100)), iter(range(100))], 4))
    assert error.tb is not None and threading.active_count() == before
