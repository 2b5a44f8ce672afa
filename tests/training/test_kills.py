"""A run that is killed before any change of any file, and goes on, learns what it would have."""
import os
import shutil
import signal
import time
from pathlib import Path

import pytest
import torch
from conftest import fitting, slow_but
from killed import die_at, in_child, resumed_after_every_kill

from models import models
from tests.saved import equal, weights
from training.state import RunFiles
from util import checkpoints
from util.owned import finish, placed
from util.runs import write_record
from util.sinks.html_sink import HtmlSink

pytestmark = pytest.mark.skipif(not hasattr(os, 'fork'), reason='kills processes that it forks')

OLD = {'latest_net_G.pth': 1, 'latest_net_G_ema.pth': 1, 'latest_state.pth': 1, 'run.json': 1,
       'index/poses.npz': 1}
NEW = {'latest_net_G.pth': 2, 'latest_net_D.pth': 2, 'latest_state.pth': 2, 'run.json': 2}
EMA = ['--ema', '0.9']
EVERY = 17                      # of the changes; a prime, so that all kinds of them are met


def save(folder: Path, which: dict[str, int], gone: list[str]) -> None:
    files = {folder / name: torch.tensor(value) for name, value in which.items()
             if name.startswith('latest')}

    def record(place: Path) -> None:
        write_record(place, {'ngf': which['run.json']}, {})
    checkpoints.save(files, gone, record)


def seen(folder: Path) -> dict[str, int]:
    """What a reader finds there, in the middle of a save that was killed too."""
    from util.runs import read_record
    found = {name: int(checkpoints.read(folder / name)) for name in OLD | NEW
             if name.startswith('latest') and placed(folder / name)}
    record = read_record(folder)
    if record:
        found['run.json'] = record['options']['ngf']
    if (folder / 'index/poses.npz').exists():
        found['index/poses.npz'] = 1
    return found


def test_a_save_killed_before_any_change_is_the_old_one_or_the_new_one(tmp_path):
    start = tmp_path / 'start'
    save(start, OLD, [])
    (start / 'index').mkdir()
    (start / 'index/poses.npz').write_text('')
    gone = ['latest_net_G_ema.pth', 'index/poses.npz']
    views = []
    for number in range(1, 100):
        run = tmp_path / str(number)
        shutil.copytree(start, run)

        def work(run=run, number=number):
            die_at(number, run)
            save(run, NEW, gone)
        status = in_child(work, tmp_path / 'log.txt')
        if status == 0:
            break
        assert status == -signal.SIGKILL, (tmp_path / 'log.txt').read_text()
        at_first = seen(run)
        finish(run)
        at_last = seen(run)
        assert at_last in (OLD, NEW), number
        # what is kept apart from weights and records is not read through `placed`
        assert {**at_first, 'index/poses.npz': 1} == {**at_last, 'index/poses.npz': 1}, number
        views.append(at_last)
        save(run, NEW, gone)
        assert seen(run) == NEW and not (run / '.making').exists(), number
    assert OLD in views and NEW in views and len(views) > 15


@pytest.fixture
def argv(pairs, small, tmp_path):
    """argv(model, *flags) of a quiet run of two steps, which saves after each."""
    root = pairs(64, 64, train=3, val=1)

    def call(model, *flags):
        steps = ['--max_steps', '2'] if models.find(model).TRAINS else []
        return ['--dataroot', str(root), '--checkpoints_dir', str(tmp_path / 'ck'), '--model',
                model, *fitting(model, *small, *EMA, '--no_vgg_loss', '--save_latest_freq', '1',
                                '--no_html'), *steps, *flags]
    return call


def learnt(folder: Path) -> dict[str, bytes]:
    """What a run keeps apart from weights, and the names of all that it wrote."""
    kept = {path.relative_to(folder).as_posix(): path.read_bytes()
            for part in ('index', 'mattes', 'plate') for path in (folder / part).glob('*.png')}
    names = {path.relative_to(folder).as_posix() for path in folder.rglob('*')
             if path.is_file() and path.name != '.lock'}
    return kept | dict.fromkeys(names - kept.keys(), b'')


@pytest.mark.parametrize('model, every', slow_but(
    [('pix2pix', 41)], [(name, 13) for name in models.names()]))
def test_a_run_killed_before_any_change_goes_on_as_if_it_was_not(model, every, argv, tmp_path):
    place = tmp_path / 'ck'
    failed = resumed_after_every_kill(argv(model), place, every=every)
    changes = int(failed.pop('changes'))
    assert not failed and changes > 20
    straight, kept = weights(place / 'straight'), learnt(place / 'straight')
    for number in range(1, changes + 1, every):
        assert equal(weights(place / str(number)), straight), number
        assert learnt(place / str(number)) == kept, number


@pytest.mark.slow
def test_an_overwritten_run_leaves_nothing_of_itself_wherever_it_is_killed(argv, tmp_path, pairs):
    import train
    other = pairs(64, 64, train=5, val=1, name='other')
    train.main([*argv('body2body'), '--name', 'before', '--dataroot', str(other)])
    place = tmp_path / 'ck'
    failed = resumed_after_every_kill(argv('body2body', '--overwrite'), place, 'before', EVERY)
    changes = int(failed.pop('changes'))
    assert not failed
    straight, kept = weights(place / 'straight'), learnt(place / 'straight')
    assert not any('000005' in name for name in kept)
    for number in range(1, changes + 1, EVERY):
        assert equal(weights(place / str(number)), straight), number
        assert learnt(place / str(number)) == kept, number


@pytest.mark.parametrize('model, flags', [('pix2pix', ('--max_steps', '3')),
                                          ('body2body', ('--max_minutes', '0')),
                                          ('nearest', ())])
def test_what_is_saved_as_done_is_on_the_page(model, flags, run, monkeypatch):
    """Whoever is killed just after the save has nothing left to do: the last pictures would be
    missing for good."""
    happened = []
    pictures, heldout, write = HtmlSink.pictures, HtmlSink.heldout, RunFiles.write

    def slowly(shows):
        def show(*given):
            time.sleep(0.3)
            happened.append('shown')
            return shows(*given)
        return show

    def saved(files, *given):
        happened.append(('saved', files.position.steps))
        return write(files, *given)
    monkeypatch.setattr(HtmlSink, 'WHEN', staticmethod(lambda run: True))
    monkeypatch.setattr(HtmlSink, 'pictures', slowly(pictures))
    monkeypatch.setattr(HtmlSink, 'heldout', slowly(heldout))
    monkeypatch.setattr(RunFiles, 'write', saved)
    run('--model', model, *fitting(model, '--save_latest_freq', '1', *flags))
    done = happened[-1]
    first = happened.index(done, 1 if model == 'body2body' else 0)
    assert done[0] == 'saved' and 'shown' not in happened[first:] and 'shown' in happened
