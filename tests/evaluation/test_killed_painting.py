"""test.py is killed before any change of a file, and the same command then makes the same."""
import pytest

import test as test_entry
from tests.conftest import slow_but
from tests.killed import differing_after_kills

# the change to begin with, and every how many-th
EVERY = slow_but([(5, 14)], [(5, 14), (1, 2), (2, 2)])


@pytest.mark.parametrize('first, step', EVERY)
@pytest.mark.parametrize('earlier', [False, True])
def test_after_a_kill_the_same_command_makes_the_same_results(earlier, first, step, run, tmp_path):
    run('--max_steps', '1')
    results = tmp_path / 'res'
    argv = ['--dataroot', str(run.root), '--name', 'me', '--checkpoints_dir', str(run.checkpoints),
            '--results_dir', str(results), '--device', 'cpu', '--metrics', 'none']
    if earlier:
        test_entry.main([*argv, '--num_test', '2', '--metrics', 'fast'])
        (results / 'me/latest_val/notes.txt').write_text('mine')
    assert differing_after_kills('test', argv, results, first, step) == {}
