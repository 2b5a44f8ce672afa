"""One value between two threads: the newest wins, and what gave way is counted."""
from fakes import FakeClock

from live.mailbox import Mailbox


def test_the_newest_value_wins_and_the_one_before_is_counted():
    box = Mailbox(FakeClock())
    for value in (1, 2, 3):
        box.put(value)
    assert box.take() == 3 and box.dropped == 2
    assert box.take() is None


def test_a_value_that_was_taken_is_no_drop():
    box = Mailbox(FakeClock())
    for value in (1, 2, 3):
        box.put(value)
        assert box.get() == value
    assert box.dropped == 0


def test_waiting_ends_at_its_time():
    clock = FakeClock()
    assert Mailbox(clock).get(until=2.5) is None and clock.now() == 2.5


def test_the_last_value_of_a_closed_box_can_still_be_taken():
    box = Mailbox(FakeClock())
    box.put(1)
    box.close()
    assert not box.is_over and box.get() == 1
    assert box.is_over and box.get() is None
