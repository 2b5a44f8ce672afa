"""What --use_wandb sends, to a stand-in for the package."""
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from options.train_options import TrainOptions
from util.sinks.base_sink import RunFacts
from util.sinks.wandb_sink import WandbSink
from util.visualizer import Visualizer

LOSSES = {'G_GAN': 0.75, 'G_L1': 12.5}


class StandIn(ModuleType):
    """Takes what the package takes, and keeps it."""

    def __init__(self) -> None:
        super().__init__('wandb')
        self.begun: list[dict[str, Any]] = []
        self.logged: list[dict[str, Any]] = []
        self.metrics: list[tuple[str, str | None]] = []
        self.finished = 0

    def init(self, **how: Any) -> 'StandIn':
        self.begun.append(how)
        return self

    def Settings(self, **settings: Any) -> dict[str, Any]:
        return settings

    def Image(self, picture: np.ndarray, caption: str) -> tuple[int, str]:
        return int(picture[0, 0, 0]), caption

    def define_metric(self, name: str, step_metric: str | None = None) -> None:
        self.metrics.append((name, step_metric))

    def log(self, values: dict[str, Any]) -> None:
        self.logged.append(values)

    def finish(self) -> None:
        self.finished += 1


@pytest.fixture
def wandb(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    module = StandIn()
    monkeypatch.setitem(sys.modules, 'wandb', module)
    return module


def run_facts(folder: Path, continued: bool = False) -> RunFacts:
    return RunFacts('me', folder / 'me', {
        'display_id': 0, 'no_html': True, 'use_wandb': True, 'wandb_project_name': 'dance',
        'lr': 0.5}, {'fps': 30}, continued)


def test_upstreams_flags_ask_for_it_and_name_its_project() -> None:
    for flags, wanted, project in (([], False, 'body2body'), (
            ['--use_wandb', '--wandb_project_name', 'dance'], True, 'dance')):
        options = TrainOptions().parse(['--dataroot', 'x', *flags]).facts()
        assert WandbSink.WHEN(RunFacts('me', Path('x'), options, {})) is wanted
        assert options['wandb_project_name'] == project


def test_a_run_is_sent_with_its_options_losses_pictures_and_score(tmp_path: Path,
                                                                  wandb: StandIn) -> None:
    show = Visualizer(run_facts(tmp_path))
    show.losses(100, 1, LOSSES, 0.1, 0.0)
    show.pictures(1, 100, {'fake_B': np.full((2, 2, 3), 7, np.uint8)})
    show.heldout(2, 200, {'real_A': np.full((2, 2, 3), 9, np.uint8)}, 0.5)
    show.close(finished=True)
    begun, = wandb.begun
    assert (begun['project'], begun['name']) == ('dance', 'me')
    assert begun['config']['lr'] == 0.5 and begun['config']['dataset'] == {'fps': 30}
    assert wandb.logged == [
        {'images': 100, 'epoch': 1, 'losses/G_GAN': 0.75, 'losses/G_L1': 12.5},
        {'images': 100, 'epoch': 1, 'training part/painted': (7, 'epoch 1')},
        {'images': 200, 'epoch': 2, 'held out/score': 0.5, 'held out/pose': (9, 'epoch 2')}]
    assert ('*', 'images') in wandb.metrics and wandb.finished == 1


def test_a_continued_run_goes_on_in_the_same_one_and_a_new_run_begins_another(
        tmp_path: Path, wandb: StandIn) -> None:
    for continued in (False, True, False):
        Visualizer(run_facts(tmp_path, continued)).close(finished=False)
    first, same, other = [begun['id'] for begun in wandb.begun]
    assert first == same != other
    assert all(begun['resume'] == 'allow' for begun in wandb.begun)


def test_without_the_package_one_line_says_how_to_get_it(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, 'wandb', None)
    show = Visualizer(run_facts(tmp_path))
    show.losses(1, 1, LOSSES, 0.1, 0.0)
    show.close(finished=True)
    told = capsys.readouterr()
    assert len(told.out.splitlines()) == 1 and 'pip install wandb' in told.out
    assert told.err == '' and 'G_L1' in (tmp_path / 'me/loss_log.txt').read_text()


def test_a_log_in_that_fails_is_one_line_and_the_run_goes_on(
        tmp_path: Path, wandb: StandIn, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(**_: Any) -> None:
        raise RuntimeError('no key is known\nmore about it')

    monkeypatch.setattr(wandb, 'init', refuse)
    show = Visualizer(run_facts(tmp_path))
    show.losses(1, 1, LOSSES, 0.1, 0.0)
    show.close(finished=True)
    assert capsys.readouterr().err == ('warning: wandb: not used, the run continues without it '
                                       '(no key is known)\n')
    assert 'G_L1' in (tmp_path / 'me/loss_log.txt').read_text()
