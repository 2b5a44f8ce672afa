"""How the learning rate falls, by epochs and by the clock."""
import pytest

from models.lr_schedule import Schedule


def test_linear_is_upstreams_rule():
    rates = [Schedule(1.0, 'linear', 3, 2).rate(epoch, 0) for epoch in range(1, 6)]
    assert rates == pytest.approx([1, 1, 1, 2 / 3, 1 / 3])


def test_step_falls_to_a_tenth_every_so_many_epochs():
    schedule = Schedule(1.0, 'step', 10, 10, lr_decay_iters=2)
    assert [schedule.rate(e, 0) for e in (1, 2, 3, 5)] == pytest.approx([1, 1, .1, .01])


@pytest.mark.parametrize('policy', ['linear', 'step', 'cosine', 'plateau'])
def test_by_the_clock_the_rate_starts_full_and_never_rises(policy):
    schedule = Schedule(1.0, policy, max_minutes=10)
    rates = [schedule.rate(1, s) for s in range(0, 601, 30)]
    assert rates[0] == 1 and rates == sorted(rates, reverse=True)
    assert schedule.done(1, 600) and not schedule.done(99, 599)
    assert rates[-1] == 0


def test_plateau_cuts_the_rate_when_the_heldout_loss_stands_still():
    schedule = Schedule(1.0, 'plateau')
    for _ in range(7):
        schedule.heldout(0.5)
    assert schedule.rate(8, 0) == pytest.approx(0.2)
    schedule.heldout(0.1)
    assert schedule.rate(9, 0) == pytest.approx(0.2)


def test_a_run_is_done_after_its_last_epoch():
    schedule = Schedule(1.0, 'linear', 2, 1)
    assert not schedule.done(3, 0) and schedule.done(4, 0)
