"""A run's record, which may be a stranger's: what it sets, and what it never sets."""
import json

import pytest

from options.test_options import TestOptions
from options.train_options import TrainOptions
from util.errors import UserError


def written(folder, name, options):
    """A record of those options, as run.json or as text, in folder/me; the flags that name it."""
    (folder / 'me').mkdir(exist_ok=True)
    text = '\n'.join(f'{flag}: {value}' for flag, value in options.items())
    if name == 'run.json':
        text = json.dumps({'options': options})
    (folder / 'me' / name).write_text(text)
    return ['--name', 'me', '--checkpoints_dir', str(folder)]


@pytest.mark.parametrize('name', ['run.json', 'train_opt.txt', 'opt.txt'])
def test_a_record_sets_nothing_but_what_describes_network_and_data(name, tmp_path, capsys):
    evil = {'results_dir': '/elsewhere', 'checkpoints_dir': '/elsewhere', 'name': 'other',
            'device': 'cuda', 'gpu_ids': '0', 'num_threads': 64, 'epoch': '7', 'phase': 'val',
            'metrics': 'none', 'video_from': '/dev/video0', 'num_test': 1, 'verbose': True,
            'use_wandb': True, 'display_server': 'http://example.com', 'display_port': 1,
            'wandb_project_name': 'theirs', 'load_pretrain': '/elsewhere', 'overwrite': True,
            'max_steps': 3, 'continue_train': False, 'eval': True, 'no_ema': True}
    good = {'model': 'pix2pix', 'dataroot': 'some/folder', 'netG': 'unet_128', 'ngf': 8,
            'direction': 'AtoB', 'norm': 'instance', 'lr': 0.001, 'n_epochs': 3, 'seed': 4}
    run = written(tmp_path, name, evil | good)
    for kind, flags in ((TestOptions, []), (TrainOptions, ['--continue_train'])):
        usual = kind().parse(['--name', 'none', '--checkpoints_dir', str(tmp_path), *flags,
                              '--dataroot', 'some/folder'])
        opt = kind().parse([*run, *flags])
        for flag in evil.keys() & vars(opt).keys() - {'name', 'checkpoints_dir', 'phase'}:
            assert getattr(opt, flag) == getattr(usual, flag), flag
        assert (opt.name, opt.checkpoints_dir) == ('me', str(tmp_path))
        for flag in good.keys() & vars(opt).keys():
            assert getattr(opt, flag) == good[flag], flag
    assert 'display_server' in capsys.readouterr().err, 'who wants it again is told'


@pytest.mark.parametrize('flag, value', [
    ('ngf', 100000), ('ngf', -1), ('ngf', '16 x'), ('ngf', [8]), ('batch_size', 10**9),
    ('lr', 'x'), ('no_dropout', 3), ('norm', 'none at all'), ('netG', '../unet_256'),
    ('direction', 'BtoC'), ('model', 5), ('dataset_mode', ['aligned']), ('val_phase', '../../me'),
    ('load_size', 10**8), ('lr', float('nan'))])
@pytest.mark.parametrize('name', ['run.json', 'train_opt.txt'])
def test_a_value_that_a_flag_does_not_take_is_refused_with_the_files_name(name, flag, value,
                                                                          tmp_path):
    run = written(tmp_path, name, {'model': 'pix2pix', 'dataroot': 'd', flag: value})
    typed = [] if flag == 'dataset_mode' else ['--dataset_mode', 'aligned']
    with pytest.raises(UserError, match=flag):
        TrainOptions().parse([*run, '--continue_train', *typed])


def test_what_is_typed_wins_over_a_value_that_is_refused(tmp_path):
    run = written(tmp_path, 'run.json', {'ngf': 100000, 'dataroot': 'd'})
    with pytest.raises(UserError, match=r'run\.json: ngf is 100000, but --ngf takes at most 1024'):
        TestOptions().parse(run)
    assert TestOptions().parse([*run, '--ngf', '16']).ngf == 16


def test_weights_of_the_loss_are_typed_again_to_resume(tmp_path):
    run = written(tmp_path, 'run.json', {'model': 'pix2pixHD', 'dataroot': str(tmp_path),
                                         'vgg_weights': 'hub'})
    with pytest.raises(UserError, match='--vgg_weights hub, which is never taken from a file'):
        TrainOptions().parse([*run, '--continue_train'])
    typed = [*run, '--continue_train', '--vgg_weights', 'mine.pth']
    assert TrainOptions().parse(typed).vgg_weights == 'mine.pth'


@pytest.mark.parametrize('text', ['[]', '3', '{"options": []}', '{"options": {"ngf": {}}}',
                                  '{"dataset": 7}', '{"options"', '[' * 10**5, '\0' * 9])
def test_a_record_of_another_shape_is_one_sentence(text, tmp_path):
    (tmp_path / 'me').mkdir()
    (tmp_path / 'me' / 'run.json').write_text(text)
    with pytest.raises(UserError, match=r'run\.json: '):
        TestOptions().parse(['--name', 'me', '--checkpoints_dir', str(tmp_path)])


def test_what_is_shown_goes_on_as_it_was_and_a_lost_project_is_told(tmp_path, capsys):
    shown = {'display_id': 0, 'display_winsize': 99, 'display_ncols': 2}
    run = written(tmp_path, 'run.json', {'dataroot': 'd', 'wandb_project_name': 'mine', **shown})
    opt = TrainOptions().parse([*run, '--continue_train'])
    assert {flag: getattr(opt, flag) for flag in shown} == shown
    assert '--wandb_project_name mine, which is never taken' in capsys.readouterr().err
