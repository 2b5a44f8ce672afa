"""Time is booked without gaps, and steps are compiled where that pays and works."""
from types import SimpleNamespace

import pytest
import torch

from models.lr_schedule import Schedule
from training import pace
from training.loop import Training
from training.pace import SETUP_STEPS, WARM_UP_STEPS, Compilation, Pace, Stopwatch
from training.state import Position
from training.validation import Validation


@pytest.fixture
def now(monkeypatch):
    """The time, in seconds, that a test sets."""
    time = SimpleNamespace(monotonic=lambda: time.now, now=0.0)
    monkeypatch.setattr(pace, 'time', time)
    return time


@pytest.fixture
def compiled(monkeypatch):
    """Every list of networks that was compiled; none really is."""
    calls = []
    monkeypatch.setattr(pace, 'compile_in_place', lambda networks: calls.append(networks) or True)
    return calls


def compilation(may_compile=True, step=None):
    engine = SimpleNamespace(may_compile=may_compile, device=torch.device('cpu'))
    return Compilation(SimpleNamespace(engine=engine, networks={'G': torch.nn.Identity()},
                                       step=step))


def test_laps_leave_out_no_time(now):
    stopwatch = Stopwatch()
    laps = []
    for now.now in (1.0, 1.5, 7.0):
        laps.append(stopwatch.lap())
    assert laps == [1.0, 0.5, 5.5]


@pytest.mark.parametrize('seconds_a_step, may_compile, compiles', [
    (1.0, True, True), (1.0, False, False), (0.001, True, False)])
def test_steps_are_compiled_where_the_rest_of_the_run_repays_it(seconds_a_step, may_compile,
                                                                compiles, compiled):
    """After the warm-up; what the first steps take does not count."""
    opt = SimpleNamespace(name='me', max_minutes=None, batch_size=1)
    made = Pace(opt, Schedule(2e-4, n_epochs=20, n_epochs_decay=0), Position(), 100,
                compilation(may_compile))
    end = 1e6                       # a clock starts anywhere
    for step in range(WARM_UP_STEPS):
        assert not compiled
        end += seconds_a_step if step >= SETUP_STEPS else 100.0
        made.measure(end)
    assert bool(compiled) is compiles


def test_a_run_that_was_compiled_is_compiled_when_it_goes_on_where_the_machine_may(compiled):
    first = compilation()
    assert first.state() is False
    first.start()
    for may_compile, calls in ((True, 2), (False, 2)):
        compilation(may_compile).load_state(first.state())
        assert len(compiled) == calls


def test_a_compiler_that_fails_is_given_up_but_a_later_failure_is_a_real_one(compiled, capsys):
    outcomes = [RuntimeError('no compiler'), {'L1': 1}, {'L1': 2}]

    def step(batch):
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome
    failing = compilation(step=step)
    failing.start()
    training = SimpleNamespace(model=failing.model, compilation=failing)
    assert Training.train_step(training, {}) == {'L1': 1} and failing.on is False
    assert 'going on without it' in capsys.readouterr().err

    failing.start()
    assert Training.train_step(training, {}) == {'L1': 2} and failing.proven
    outcomes.append(RuntimeError('a real one'))
    with pytest.raises(RuntimeError, match='a real one'):
        Training.train_step(training, {})


def test_the_best_by_another_score_is_not_compared_with():
    validation = Validation(SimpleNamespace(), SimpleNamespace(), 'PSNR')
    validation.load_state({'by': 'L1', 'score': 99.0})
    assert validation.is_best({'L1': 0.1, 'PSNR': 20.0})
    validation.load_state({'by': 'PSNR', 'score': 21.0})
    assert not validation.is_best({'L1': 0.1, 'PSNR': 20.0})
    assert validation.state() == {'by': 'PSNR', 'score': 21.0}
