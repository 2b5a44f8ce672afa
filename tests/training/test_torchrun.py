"""The commands of docs/machines.md, through torchrun itself."""
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from conftest import SMALL, make_pairs

from tests.saved import equal, weights
from tests.together import free_port

pytestmark = [pytest.mark.slow, pytest.mark.e2e,
              pytest.mark.skipif(os.name == 'nt', reason='ends processes by signals')]

ROOT = Path(__file__).parents[2]
PATIENCE = 240      # s


def torchrun(*words: str) -> 'subprocess.Popen[str]':
    """torchrun --nproc_per_node 2 WORDS."""
    return subprocess.Popen(
        [sys.executable, '-m', 'torch.distributed.run', '--nproc_per_node', '2', '--master_port',
         str(free_port()), *words], cwd=ROOT, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, start_new_session=True)


def output(started: 'subprocess.Popen[str]') -> str:
    """All that it prints until it ends; where it hangs, it is killed and the test fails."""
    try:
        return started.communicate(timeout=PATIENCE)[0]
    finally:
        if started.poll() is None:
            os.killpg(started.pid, signal.SIGKILL)


@pytest.fixture
def train(tmp_path):
    """train('--name', ...) starts train.py in two processes; a run in tmp_path/ck."""
    root = make_pairs(tmp_path / 'toy')

    def call(*flags):
        return torchrun('train.py', '--dataroot', str(root), '--checkpoints_dir',
                        str(tmp_path / 'ck'), '--batch_size', '2', '--precision', 'fp32', *SMALL,
                        *flags)
    call.root, call.checkpoints = root, tmp_path / 'ck'
    return call


def wait_for_steps(folder: Path) -> None:
    """Until the run of that folder has saved a step."""
    until = time.monotonic() + PATIENCE
    state = folder / 'latest_state.pth'
    while not state.is_file() or not torch.load(state)['steps']:
        assert time.monotonic() < until, 'it never came to a step'
        time.sleep(0.2)


def test_torchrun_trains_stops_by_ctrl_c_goes_on_and_paints(train, tmp_path):
    stopped = train('--name', 'me', '--save_latest_freq', '2')
    wait_for_steps(train.checkpoints / 'me')
    stopped.send_signal(signal.SIGINT)
    said = output(stopped)
    assert said.count('me: stopped at epoch') == 1 and 'error: ' not in said

    steps = torch.load(train.checkpoints / 'me' / 'latest_state.pth')['steps']
    more = str(steps + 2)
    assert output(train('--name', 'me', '--continue_train', '--max_steps', more)).count(
        'me: stopped at epoch') == 1
    straight = train('--name', 'straight', '--max_steps', more)
    assert f'step {more}. To go on: torchrun' in output(straight) and straight.returncode == 0
    assert equal(weights(train.checkpoints / 'me'), weights(train.checkpoints / 'straight'))

    painted = torchrun('test.py', '--dataroot', str(train.root), '--name', 'me', '--device', 'cpu',
                       '--checkpoints_dir', str(train.checkpoints), '--results_dir',
                       str(tmp_path / 'r'), '--metrics', 'fast')
    said = output(painted)
    assert painted.returncode == 0 and said.count('page: ') == 1, said
    results = tmp_path / 'r' / 'me' / 'latest_val'
    assert len(list((results / 'images').glob('*_fake_B.png'))) == 3
    assert (results / 'fake_B.mp4').is_file() and (results / 'metrics.json').is_file()


@pytest.mark.skipif(not Path('/proc').is_dir(), reason='finds processes in /proc')
@pytest.mark.parametrize('rank', [0, 1])
def test_a_rank_that_is_killed_ends_torchrun_with_one_sentence(rank, train):
    started = train('--name', 'me', '--save_latest_freq', '2')
    wait_for_steps(train.checkpoints / 'me')
    children = Path(f'/proc/{started.pid}/task/{started.pid}/children').read_text().split()
    os.kill(int(children[rank]), signal.SIGKILL)
    said = output(started)
    assert said.count('error: one of the 2 processes has ended') == 1, said
    assert torch.load(train.checkpoints / 'me' / 'latest_state.pth')['steps'] > 0


def test_what_is_refused_is_one_sentence_of_all_processes(train):
    said = output(train('--name', 'me', '--batch_size', '3'))
    assert said.count('error: --batch_size 3') == 1 and said.count('error: ') == 1, said
    assert not (train.checkpoints / 'me' / 'run.json').exists()
