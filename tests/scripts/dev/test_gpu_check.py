"""A GPU is held against the CPU by one command, which needs neither mediapipe nor PyAV."""
import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from models import models
from scripts.dev import gpu_check, gpu_checks
from util.errors import UserError

ROOT = Path(__file__).parents[3]
# what a machine for training may lack
ABSENT = 'av', 'mediapipe', 'imageio_ffmpeg', 'visdom', 'tensorboard'
WITHOUT = f'''
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in {ABSENT}:
            raise ImportError(name)
sys.meta_path.insert(0, Absent())
from scripts.dev.gpu_check import main
main(sys.argv[1:])
'''


def check_cpu(root, tmp_path, *flags):
    """{check: line} of gpu_check.py with the CPU in the GPU's place, where ABSENT is missing."""
    out = tmp_path / 'found.json'
    subprocess.run([sys.executable, '-c', WITHOUT, '--dataroot', str(root), '--device', 'cpu',
                    '--sizes', '32x32', '48x64', '--side', '32', '--batch', '2', '--seconds', '900',
                    '--no_compile', '--out', str(out), *flags], cwd=ROOT, check=True)
    return {line['check']: line for line in json.loads(out.read_text())['checks']}


def test_a_model_is_checked_without_mediapipe_and_pyav(pairs, tmp_path):
    lines = check_cpu(pairs(64, 64, train=30, val=4), tmp_path, '--models', 'template', 'nearest')
    results = {name: line['result'] for name, line in lines.items()}
    assert results == {'nearest: step': 'skipped', 'nearest: paint': 'ok',
                       'nearest: resume': 'skipped', 'template: step': 'ok',
                       'template: paint': 'ok', 'template: resume': 'ok'}
    assert lines['nearest: step']['says'] == 'it does not train'
    assert lines['template: resume']['apart'] == 0


@pytest.mark.slow
def test_every_model_is_checked_and_timed(pairs, tmp_path):
    lines = check_cpu(pairs(64, 64, train=60, val=8), tmp_path)
    assert {name.partition(':')[0] for name in lines} == set(models.names())
    assert not [line for line in lines.values() if line['result'] == 'FAILED']
    assert {'body2body: painting 48x64', 'pix2pix: training, batch 2'} < set(lines)
    assert lines['pix2pix: training, batch 1']['images_a_second']['plain'] > 0
    assert all(line['memory_MB'] > 0 for line in lines.values())


@pytest.fixture
def bench(pairs, tmp_path):
    from models.engine import choose_engine
    engine = choose_engine('cpu', precision='fp32', no_compile=True)
    return gpu_checks.Bench(engine, pairs(), tmp_path / 'checks', 32)


def test_other_losses_or_pictures_than_the_cpus_fail(bench, monkeypatch):
    answers = iter([{'G_L1': 1.0}, {'G_L1': 1.1}])
    monkeypatch.setattr(gpu_checks, 'losses_of', lambda *given: next(answers))
    with pytest.raises(gpu_checks.Failed, match='G_L1'):
        gpu_checks.step(bench, 'template')
    painted = iter([np.zeros((1, 8, 8, 3), np.uint8), np.full((1, 8, 8, 3), 2, np.uint8)])
    monkeypatch.setattr(gpu_checks, 'pictures', lambda *given: next(painted))
    monkeypatch.setattr(gpu_checks.Bench, 'run', lambda *given: None)
    with pytest.raises(gpu_checks.Failed, match='differ by 2'):
        gpu_checks.paint(bench, 'template')


def test_a_check_that_breaks_ends_no_other_one(bench, tmp_path, monkeypatch, capsys):
    def lacks():
        raise gpu_checks.Lacking('it has no bf16')

    def works():
        return gpu_checks.Found('well', {'apart': 0.0})
    every = [gpu_check.Check('broken', lambda: 1 / 0), gpu_check.Check('lacking', lacks),
             gpu_check.Check('working', works), gpu_check.Check('long', works, 1e9)]
    monkeypatch.setattr(gpu_check, 'checks', lambda *given: every)
    out = tmp_path / 'found.json'
    with pytest.raises(UserError, match='broken'):
        gpu_check.main(['--dataroot', str(bench.dataroot), '--device', 'cpu', '--out', str(out)])
    lines = json.loads(out.read_text())['checks']
    assert [line['result'] for line in lines] == ['FAILED', 'skipped', 'ok', 'skipped']
    assert 'no bf16' in lines[1]['says'] and 'no time' in lines[3]['says']
    assert 'ZeroDivisionError' in capsys.readouterr().out


def test_random_numbers_are_those_of_a_cpu():
    import torch
    with gpu_checks.SameRandomNumbers():
        torch.manual_seed(0)
        moved = torch.randn(2, 3, device='meta')
        after = torch.randn(3)
    torch.manual_seed(0)
    torch.randn(2, 3)
    assert moved.device.type == 'meta' and torch.equal(after, torch.randn(3))


def test_small_flags_are_those_that_a_model_has():
    words = gpu_checks.known('template', {'--ngf': '8', '--num_D': '1', '--no_vgg_loss': None})
    assert words == ['--ngf', '8']
    assert isinstance(gpu_check.parser(), argparse.ArgumentParser)
