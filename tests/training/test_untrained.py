"""A run of no minutes paints as it is, trains on later, and differs from one that was stopped."""
import os

import pytest
import torch
from conftest import fitting
from killed import kill_before

import test as painting
import train as training
from models import models, perceptual
from tests.saved import equal, weights
from util import checkpoints
from util.errors import UserError
from util.runs import read_record

ABLE = sorted(name for name in models.names() if models.find(name).PAINTS_UNTRAINED)
UNABLE = sorted(set(models.names()) - set(ABLE))


@pytest.fixture
def train(pairs, small, tmp_path):
    """train(name, model, *flags) trains into checkpoints/NAME on 12 frames of 64 px."""
    root = pairs(64, 64, train=12, val=3)

    def call(name, model, *flags):
        return training.main([*arguments(model), '--name', name, *flags])

    def arguments(model):
        return ['--dataroot', str(root), '--checkpoints_dir', str(tmp_path / 'ck'), '--model',
                model, *fitting(model, *small, '--no_vgg_loss')]
    call.arguments = arguments
    return call


def paint(name, model, train, tmp_path):
    return painting.main([*train.arguments(model)[:4], '--name', name, '--no_video', '--metrics',
                          'none', '--results_dir', str(tmp_path / 'r'), '--device', 'cpu'])


@pytest.mark.parametrize('model', ABLE)
def test_every_model_that_paints_untrained_does_so_after_no_minutes(model, train, tmp_path,
                                                                    capsys):
    assert train('me', model, '--max_minutes', '0') is True
    assert not models.find(model).TRAINS or 'no training: me' in capsys.readouterr().out
    page = (tmp_path / 'ck' / 'me' / 'web' / 'index.html').read_text()
    assert '>finished<' in page and 'heldout_fake_B.png' in page
    assert read_record(tmp_path / 'ck' / 'me')['options']['max_minutes'] == 0
    assert paint('me', model, train, tmp_path).is_file()
    assert len(list((tmp_path / 'r/me/latest_val/images').glob('*_fake_B.png'))) == 3


@pytest.mark.parametrize('model', UNABLE)
def test_every_other_model_refuses_no_minutes_and_says_what_to_type(model, train, tmp_path):
    with pytest.raises(UserError, match=f'--model {model} cannot paint without training.*'
                                        f'--max_minutes 20.*--minutes 20.*{", ".join(ABLE)}'):
        train('me', model, '--max_minutes', '0')
    assert not (tmp_path / 'ck').exists()


def test_training_goes_on_from_no_minutes_as_if_it_had_just_begun(train, tmp_path, capsys):
    """The index, the background and the mattes are those of the start, and so are the weights."""
    train('me', 'body2body', '--max_minutes', '0')
    index = tmp_path / 'ck' / 'me' / 'index' / 'poses.npz'
    made = index.stat().st_mtime_ns
    train('straight', 'body2body', '--max_minutes', '5', '--max_steps', '2')
    train('me', 'body2body', '--continue_train', '--max_minutes', '5', '--max_steps', '2')
    assert equal(weights(tmp_path / 'ck' / 'me'), weights(tmp_path / 'ck' / 'straight'))
    assert index.stat().st_mtime_ns == made
    assert checkpoints.read_state(tmp_path / 'ck' / 'me')['steps'] == 2


def test_the_same_command_again_has_nothing_to_do_and_names_the_flag_that_trains(train, capsys):
    train('me', 'body2body', '--max_minutes', '0')
    assert train('me', 'body2body', '--max_minutes', '0', '--continue_train') is True
    assert 'me is finished: it paints without training. To train it: --continue_train ' \
           '--max_minutes 10' in capsys.readouterr().out


def test_no_minutes_are_no_training_without_heldout_frames_too(train, tmp_path):
    train('me', 'body2body', '--max_minutes', '0', '--val_phase', 'none_is_there')
    page = (tmp_path / 'ck' / 'me' / 'web' / 'index.html').read_text()
    assert 'epoch001_fake_B.png' in page and 'heldout' not in page


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='kills processes that it forks')
def test_one_killed_before_it_was_prepared_is_prepared_by_the_same_command(train, tmp_path):
    argv = [*train.arguments('body2body'), '--max_minutes', '0', '--no_html']
    points = {'index': ('index', 1), 'mattes': ('mattes', 1), 'saved': ('plan.json', 2)}
    kill_before(points, argv)
    for name in points:
        folder = tmp_path / 'ck' / name
        assert checkpoints.is_unstarted(checkpoints.read_state(folder))
        assert training.main([*argv, '--name', name, '--continue_train']) is True
        assert not checkpoints.is_unstarted(checkpoints.read_state(folder))
        assert paint(name, 'body2body', train, tmp_path).is_file()


@pytest.mark.parametrize('model', ['pix2pix', *(pytest.param(name, marks=pytest.mark.slow)
                                               for name in UNABLE if name != 'pix2pix')])
def test_a_run_that_has_not_trained_a_step_says_so_when_it_paints(model, train, tmp_path, capsys,
                                                                  monkeypatch):
    """Its pictures are noise, unless it began with weights of another run."""
    def stopped(*given):
        raise KeyboardInterrupt
    with monkeypatch.context() as patch:
        patch.setattr(models.find(model), 'on_train_start', stopped)
        with pytest.raises(KeyboardInterrupt):
            train('my run', model)
    folder = tmp_path / 'ck' / 'my run'
    assert paint('my run', model, train, tmp_path).is_file()
    told = ' '.join(capsys.readouterr().err.split())
    assert 'my run: no training step is saved yet, so that the pictures may be noise.' in told
    assert "python train.py --name 'my run'" in told and '--continue_train' in told
    state = (folder / 'latest_state.pth').read_bytes()
    (folder / 'latest_state.pth').write_bytes(state[:len(state) // 2])      # painting needs none
    paint('my run', model, train, tmp_path)
    (folder / 'latest_state.pth').write_bytes(state)
    train('my run', model, '--continue_train', '--max_steps', '1')
    paint('my run', model, train, tmp_path)
    assert 'no training step' not in capsys.readouterr().err


def test_a_state_of_an_earlier_version_says_by_its_steps_whether_it_was_started():
    assert checkpoints.is_unstarted({'steps': 0}) and not checkpoints.is_unstarted({'steps': 1})


def test_untrained_weights_leave_the_nearest_frames_as_they_are_bent(train, tmp_path):
    """The refiner's first answer is no answer: all its outputs are near 0."""
    train('me', 'body2body', '--max_minutes', '0')
    saved = weights(tmp_path / 'ck' / 'me')['latest_net_G.pth']
    assert all(saved[f'{head}.weight'].abs().max() < 0.01 for head in ('sharp', 'smooth'))
    assert not torch.count_nonzero(saved['sharp.bias'])


@pytest.mark.parametrize('minutes', ['0', '1'])
def test_who_does_not_train_is_not_warned_of_what_training_lacks(minutes, pairs, small, tmp_path,
                                                                  monkeypatch, capsys):
    def none(*_):
        raise UserError('none is installed')
    monkeypatch.setattr('models.perceptual.find_lpips_loss', lambda: None)
    monkeypatch.setattr('models.perceptual.find_perceptual_loss', none)
    training.main(['--dataroot', str(pairs(64, 64, train=12, val=3)), '--checkpoints_dir',
                   str(tmp_path), '--model', 'body2body', '--max_minutes', minutes, '--max_steps',
                   '1', *fitting('body2body', *small)])
    assert ('images stay softer' in capsys.readouterr().err) == (minutes == '1')


def test_who_does_not_train_loads_no_perceptual_loss_and_later_training_does(
        pairs, small, tmp_path, monkeypatch, capsys):
    """It takes 0.1 GB, and is named only where it was used."""
    flags = ['--dataroot', str(pairs(64, 64, train=12, val=3)), '--checkpoints_dir',
             str(tmp_path), '--name', 'me', '--model', 'body2body', *fitting('body2body', *small)]
    loaded = []
    load = perceptual.read_perceptual_loss
    monkeypatch.setattr(perceptual, 'read_perceptual_loss',
                        lambda path: loaded.append(path) or load(path))

    def said():
        return read_record(tmp_path / 'me')['model']['perceptual_loss']
    training.main([*flags, '--max_minutes', '0'])
    assert not loaded and said() == ''
    training.main([*flags, '--max_minutes', '1', '--max_steps', '1', '--continue_train'])
    assert len(loaded) == 1 and said().startswith('VGG19')
    assert 'the perceptual loss was' not in capsys.readouterr().err
    training.main([*flags, '--max_minutes', '1', '--max_steps', '2', '--continue_train',
                   '--no_vgg_loss'])
    assert 'the perceptual loss was VGG19' in capsys.readouterr().err
