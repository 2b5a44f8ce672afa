"""Stages of everybody_dance_now: which there are, and which is due."""
import pytest

from models.lr_schedule import Schedule
from models.stage_plan import StagePlan


@pytest.mark.parametrize('stage, local, face, ends', [
    ('auto', True, True, {'global': 0.45, 'local': 0.85, 'face': 1.0}),
    ('auto', True, False, {'global': 0.45 / 0.85, 'local': 1.0}),
    ('auto', False, True, {'global': 0.75, 'face': 1.0}),
    ('face', True, True, {'face': 1.0})])
def test_stages_share_the_run_in_order(stage, local, face, ends):
    plan = StagePlan.of(stage, local, face)
    assert list(plan.ends) == list(ends) and plan.stage == next(iter(ends))
    assert list(plan.ends.values()) == pytest.approx(list(ends.values()))


def test_a_stage_is_due_until_its_end_and_the_last_one_after_the_run():
    plan = StagePlan.of('auto', local=True, face=True)
    due = [plan.due(over) for over in (0.0, 0.44, 0.45, 0.86, 1.0, 1.2)]
    assert due == ['global', 'global', 'local', 'face', 'face', 'face']
    assert plan.due(0.1, no_global=True) == 'local'


def test_each_stage_runs_the_whole_course_of_the_policy():
    plan = StagePlan.of('auto', local=True, face=True)
    plan.enter('local')
    for over, course in ((0.45, 0.0), (0.65, 0.5), (0.85, 1.0), (0.95, 1.0)):
        plan.advance(over)
        assert plan.course == pytest.approx(course)
        whole = Schedule(2e-4, 'cosine', max_minutes=1).rate(1, 60 * course)
        assert plan.rate(2e-4, 'cosine') == pytest.approx(whole)
