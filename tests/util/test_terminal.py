"""What a terminal shows while a run trains: one bar, and a line for each epoch."""
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import train
from training.pace import Pace
from util.sinks import terminal_sink
from util.sinks.base_sink import RunFacts
from util.sinks.terminal_sink import TerminalSink, bar_words, memory_taken


def sink_of(folder: Path, **options: Any) -> TerminalSink:
    return TerminalSink(RunFacts('me', folder, {'n_epochs': 20, 'n_epochs_decay': 10, **options},
                                 {}))


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Any:
    return lambda: capsys.readouterr().out.splitlines()


def test_an_epoch_is_a_line_with_its_score_and_its_mean_losses(tmp_path: Path, lines: Any) -> None:
    sink = sink_of(tmp_path)
    for epoch, score in ((1, 0.125), (2, 0.0625)):
        sink.losses(1, epoch, {'G_GAN': 1.0, 'G_L1': 4.0 / epoch}, 0.1, 0.0)
        sink.losses(2, epoch, {'G_GAN': 2.0, 'G_L1': 2.0 / epoch}, 0.1, 0.0)
        sink.heldout(epoch, 2, {}, score)
        sink.epoch(epoch, 41.26)
    assert lines() == [
        'epoch 1 of 30, 41.3 s: held-out score 0.125; G_GAN 1.50 G_L1 3.00',
        'epoch 2 of 30, 41.3 s: held-out score 0.0625 (0.125 before); G_GAN 1.50 G_L1 1.50']


def test_a_run_by_the_clock_does_not_count_epochs_it_may_not_reach(tmp_path: Path,
                                                                   lines: Any) -> None:
    sink = sink_of(tmp_path, max_minutes=5.0)
    sink.heldout(3, 2, {}, 0.5)
    sink.epoch(3, 2.0)
    assert lines() == ['epoch 3, 2.0 s: held-out score 0.5']


def test_short_epochs_share_a_line_unless_they_were_scored(
        tmp_path: Path, lines: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(terminal_sink.time, 'monotonic', lambda: now[0])
    sink = sink_of(tmp_path)
    for epoch in range(1, 46):
        now[0] += 1.0
        if epoch == 5:
            sink.heldout(epoch, 2, {}, 0.5)
        sink.epoch(epoch, 1.0)
    assert [re.match(r'epoch (\d+)', line)[1] for line in lines()] == ['5', '25', '45']


def test_the_bar_says_epoch_pace_memory_and_losses() -> None:
    losses = {'G_GAN': 0.666, 'G_L1': 12.0}
    assert bar_words('3/200', 4.04, 1.26e9, losses) == \
        'epoch 3/200 4.0 images/s 1.3 GB G_GAN 0.67 G_L1 12.00'
    assert bar_words('3/200', 4.04, 0, {}) == 'epoch 3/200 4.0 images/s '


def test_memory_is_that_of_the_processor_or_of_the_graphics_card(
        monkeypatch: pytest.MonkeyPatch) -> None:
    held = memory_taken(torch.device('cpu'))
    assert 50e6 < held < 100e9                  # torch alone is more than the former
    monkeypatch.setattr(torch.cuda, 'max_memory_reserved', lambda device: device.index + 5)
    assert memory_taken(torch.device('cuda', 2)) == 7
    monkeypatch.setitem(sys.modules, 'resource', None)
    assert memory_taken(torch.device('cpu')) == 0


def test_a_run_draws_one_bar_and_a_line_an_epoch(
        pairs: Any, small: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    bars: list[str] = []
    draw = Pace.bar
    monkeypatch.setattr(Pace, 'bar', lambda self: bars.append(self.opt.name) or draw(self))
    words: list[str] = []
    monkeypatch.setattr('training.pace.bar_words',
                        lambda *args: words.append(bar_words(*args)) or words[-1])
    train.main(['--dataroot', str(pairs()), '--name', 'me', '--checkpoints_dir', str(tmp_path),
                *small, '--n_epochs', '2', '--n_epochs_decay', '0', '--no_html',
                '--display_freq', '6', '--print_freq', '3'])
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith('epoch ')]
    assert bars == ['me']
    assert re.fullmatch(r'epoch 1/2 [\d.]+ images/s [\d.]+ GB .*G_L1 [\d.]+.*', words[0])
    assert [re.fullmatch(r'epoch (\d) of 2, [\d.]+ s: held-out score [\d.]+.*G_L1 [\d.]+.*',
                         line)[1] for line in told] == ['1', '2']
