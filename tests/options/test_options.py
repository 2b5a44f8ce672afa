"""Flags: today's, yesterday's, misspelt; and which value wins."""
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

import data
from models import artefacts, models
from options.parser import Parser
from options.preprocess_options import PreprocessOptions
from options.record import recorded_value
from options.test_options import TestOptions
from options.train_options import TrainOptions
from options.transfer_options import TransferOptions
from options.webcam_options import WebcamOptions
from util.errors import UserError
from util.runs import write_record

ROOT = Path(__file__).parents[2]
ENTRIES = ['train.py', 'test.py', 'preprocess.py', 'transfer.py', 'webcam.py']
TRAIN = ['--dataroot', 'datasets/me']


def train(*flags):
    return TrainOptions().parse([*TRAIN, *flags])


@pytest.mark.parametrize('old, new, value', [
    ('--which_model_netG unet_128', 'netG', 'unet_128'),
    ('--which_model_netD pixel', 'netD', 'pixel'),
    ('--which_direction BtoA', 'direction', 'BtoA'), ('--batchSize 4', 'batch_size', 4),
    ('--nThreads 3', 'num_threads', 3), ('--loadSize 286', 'load_size', 286),
    ('--fineSize 256', 'crop_size', 256), ('--resize_or_crop crop', 'preprocess', 'crop'),
    ('--which_epoch 5', 'epoch', '5'), ('--niter 7', 'n_epochs', 7),
    ('--niter_decay 8', 'n_epochs_decay', 8), ('--no_lsgan', 'gan_mode', 'vanilla'),
    ('--lambda_A 10', 'lambda_L1', 10.0), ('--display_single_pane_ncols 2', 'display_ncols', 2),
    ('--lr_policy lambda', 'lr_policy', 'linear'), ('--lr_policy=lambda', 'lr_policy', 'linear')])
def test_every_older_spelling_means_todays_flag(old, new, value):
    assert getattr(train(*old.split()), new) == value


def test_older_spellings_hold_in_test_py_too():
    opt = TestOptions().parse(['--dataroot', 'x', '--how_many', '9', '--which_epoch', '3',
                               '--which_model_netG', 'unet_128'])
    assert (opt.num_test, opt.epoch, opt.netG) == (9, '3', 'unet_128')


def test_a_flag_without_meaning_today_is_dropped_with_a_word(capsys):
    assert train('--identity', '0.5').netG == 'unet_256'
    assert '--identity has no effect' in capsys.readouterr().err


@pytest.mark.parametrize('options, flag, nearest', [
    (TrainOptions, '--batch_sise', '--batch_size'), (TestOptions, '--num_tset', '--num_test'),
    (PreprocessOptions, '--dataroots', '--dataroot'), (TransferOptions, '--sourc', '--source'),
    (WebcamOptions, '--camara', '--camera')])
def test_a_misspelt_flag_names_the_nearest(options, flag, nearest):
    with pytest.raises(UserError, match=f'Did you mean {nearest}'):
        options().parse([flag, '4'])


def test_flags_are_never_guessed_from_their_beginning():
    with pytest.raises(UserError, match='--netG'):
        train('--net', 'unet_128')


def test_what_follows_two_dashes_is_a_name_whatever_it_begins_with():
    parser = Parser('')
    parser.add_argument('names', nargs='+')
    parser.add_argument('--model')
    read = parser.read(['--model', 'nearest', '--', '-me', '--niter'])
    assert read.names == ['-me', '--niter'] and read.model == 'nearest'


def test_a_value_of_the_wrong_type_is_one_sentence():
    with pytest.raises(UserError, match='--batch_size.*four'):
        train('--batch_size', 'four')


def test_options_are_frozen_and_typed():
    opt = train('--lr', '1')
    assert opt.lr == 1.0 and isinstance(opt.lr, float)
    with pytest.raises(AttributeError, match='frozen'):
        opt.lr = 2


@pytest.mark.parametrize('name', ['../me', 'a/b', '..', 'a\\b'])
def test_a_name_with_a_path_in_it_is_refused(name):
    with pytest.raises(UserError, match='--checkpoints_dir'):
        train('--name', name)


@pytest.mark.parametrize('flag, nearest', [('--model pix2pics', 'pix2pix'),
                                           ('--dataset_mode alined', 'aligned')])
def test_an_unknown_choice_names_the_nearest_and_the_file_to_write(flag, nearest):
    with pytest.raises(UserError, match=f'Did you mean {nearest}.*write'):
        train(*flag.split())


def test_who_wins(tmp_path):
    """Flag default < model's DEFAULTS < run.json < typed."""
    run = ['--checkpoints_dir', str(tmp_path), '--name', 'me']
    assert train(*run).netG == 'unet_256'
    write_record(tmp_path / 'me', {'netG': 'unet_128', 'ngf': 8, 'dataroot': 'd', 'batch_size': 2,
                                   'device': 'cuda', 'model': 'pix2pix'}, {})
    assert train(*run).netG == 'unet_256', 'a new run does not take over an old record'
    opt = TestOptions().parse([*run, '--ngf', '16'])
    assert (opt.netG, opt.ngf, opt.dataroot, opt.device) == ('unet_128', 16, 'd', 'auto')
    assert train(*run, '--continue_train').batch_size == 2


def test_a_contradicting_direction_is_answered_once_and_the_trained_one_used(tmp_path, capsys):
    write_record(tmp_path / 'me', {'direction': 'AtoB', 'model': 'pix2pix'}, {})
    opt = TestOptions().parse(['--dataroot', 'x', '--name', 'me', '--which_direction', 'BtoA',
                               '--checkpoints_dir', str(tmp_path)])
    assert opt.direction == 'AtoB'
    assert capsys.readouterr().err.count('was trained with AtoB') == 1


@pytest.mark.parametrize('file, text', [
    ('train_opt.txt', '----------------- Options ---------------\n'
     '               batch_size: 2                             \t[default: 1]\n'
     '               no_dropout: True                          \t[default: False]\n'
     '                load_size: 286                           \n'
     '                     netG: resnet_9blocks                \t[default: unet_256]\n'
     '                     norm: instance                      \n'
     '         max_dataset_size: inf                           \n'
     '----------------- End -------------------\n'),
    ('opt.txt', '------------ Options -------------\nbatchSize: 2\nno_dropout: True\n'
     'loadSize: 286\nno_lsgan: True\nwhich_model_netG: resnet_9blocks\nnorm: instance\n'
     '-------------- End ----------------\n')])
def test_upstreams_own_record_is_read(tmp_path, file, text):
    (tmp_path / 'me').mkdir()
    (tmp_path / 'me' / file).write_text(text)
    opt = TestOptions().parse(['--dataroot', 'x', '--name', 'me', '--checkpoints_dir',
                               str(tmp_path)])
    assert (opt.netG, opt.norm, opt.no_dropout, opt.load_size, opt.batch_size) == \
        ('resnet_9blocks', 'instance', True, 286, 2)


def test_a_record_keeps_every_option_with_its_type(tmp_path):
    opt = train('--lr', '3e-4', '--load_size', '286')
    write_record(tmp_path, opt.facts(), {'size': [256, 256]})
    record = json.loads((tmp_path / 'run.json').read_text())
    assert record['options'] == opt.facts() and record['dataset'] == {'size': [256, 256]}
    assert 'python' in record['versions']
    assert 'lr: 0.0003' in (tmp_path / 'train_opt.txt').read_text()


@pytest.mark.parametrize('entry', ENTRIES)
def test_help_is_quick_and_imports_nothing_heavy(entry):
    code = (f'import sys, runpy; sys.argv = ["{entry}", "--help"]\n'
            'try: runpy.run_path(sys.argv[0], run_name="__main__")\n'
            'except SystemExit: pass\n'
            'print(sorted({"torch", "torchvision", "mediapipe", "scipy", "av", "visdom"} '
            '& set(sys.modules)))')
    out = subprocess.run([sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True)
    assert out.stdout.strip().endswith('[]'), out.stdout[-300:] + out.stderr
    assert '--' in out.stdout


@pytest.mark.parametrize('argv, fix', [
    (['preprocess.py'], '--video FILE'),
    (['preprocess.py', '--video', 'a', '--images', 'b'], 'one source'),
    (['preprocess.py', '--video', 'no.mp4', '--dataroot', 'nowhere/me'], 'no.mp4'),
    (['train.py'], '--dataroot'), (['train.py', '--dataroot', 'datasets/none'], 'preprocess.py'),
    (['test.py', '--dataroot', 'x', '--name', 'none'], 'train.py'),
    (['transfer.py', '--target', 'no.mp4', '--source', 'no.mp4'], 'no such file')])
def test_bad_input_is_one_sentence_with_the_fix_and_status_1(argv, fix):
    out = subprocess.run([sys.executable, *argv], cwd=ROOT, capture_output=True, text=True)
    assert out.returncode == 1 and 'Traceback' not in out.stderr
    assert out.stderr.startswith('error: ') and fix in out.stderr
    assert out.stderr.count('\n') == 1




@pytest.mark.parametrize('folders, facts, train_mode, test_mode', [
    ('train val', {}, 'aligned', 'aligned'),
    ('train_A train_B val_A val_B', {}, 'aligned', 'aligned'),
    ('train_A val_A', {}, 'aligned', 'single'),
    ('train_A train_inst val_A val_inst', {}, 'labelled', 'labelled'),
    ('train_label val_label', {}, 'labelled', 'labelled'),
    ('train_label val_label', {'layout': 'poses'}, 'labelled', 'single'),
    ('val', {'layout': 'poses'}, 'aligned', 'single')])
def test_a_folder_is_read_by_the_dataset_that_recognises_it(folders, facts, train_mode, test_mode,
                                                            tmp_path):
    for folder in folders.split():
        (tmp_path / folder).mkdir()
    (tmp_path / 'dataset.json').write_text(json.dumps(facts))
    root = ['--dataroot', str(tmp_path), '--checkpoints_dir', str(tmp_path / 'none')]
    assert TrainOptions().parse(root).dataset_mode == train_mode
    assert TestOptions().parse(root).dataset_mode == test_mode
    assert TrainOptions().parse([*root, '--dataset_mode', 'sequence']).dataset_mode == 'sequence'


def test_a_new_dataset_is_one_file_and_recognised(tmp_path, monkeypatch):
    (tmp_path / 'scan_dataset.py').write_text(
        'from data.base_dataset import BaseDataset\n'
        'class ScanDataset(BaseDataset):\n'
        '    @classmethod\n'
        '    def recognises(cls, root, phase):\n'
        '        return (root / "scan.bin").is_file()\n')
    monkeypatch.setattr('data.__path__', [*data.__path__, str(tmp_path)])
    (tmp_path / 'me').mkdir()
    assert train('--dataroot', str(tmp_path / 'me')).dataset_mode == 'aligned'
    (tmp_path / 'me' / 'scan.bin').touch()
    assert train('--dataroot', str(tmp_path / 'me')).dataset_mode == 'scan'


@pytest.mark.parametrize('package', ['models', 'data'])
def test_an_unfinished_file_ends_no_call_that_does_not_ask_for_it(package, tmp_path, monkeypatch,
                                                                  capsys):
    suffix = {'models': '_model', 'data': '_dataset'}[package]
    (tmp_path / f'half{suffix}.py').write_text('import a_package_that_is_not_there')
    monkeypatch.setattr(f'{package}.__path__', [*importlib.import_module(package).__path__,
                                                str(tmp_path)])
    (tmp_path / 'me').mkdir()
    assert train('--dataroot', str(tmp_path / 'me')).model == 'pix2pix'
    assert artefacts()
    assert f'{package}.half{suffix} cannot be imported' in capsys.readouterr().err


@pytest.mark.parametrize('flags', [('--fps', 'nan'), ('--fps', 'inf'), ('--start', 'nan'),
                                   ('--smooth', 'nan'), ('--line_width', 'nan')])
def test_what_is_no_number_is_refused(flags):
    with pytest.raises(UserError, match=f'{flags[0]} {flags[1]}: give'):
        PreprocessOptions().parse(['--video', __file__, '--dataroot', 'x', *flags])
    with pytest.raises(UserError, match=f'--lr {flags[1]}: give more than 0'):
        train('--lr', flags[1])


def test_a_number_that_no_record_could_hold_is_refused(tmp_path):
    with pytest.raises(UserError, match=r'--lambda_L1 1e\+39: give a number of at most 1e'):
        train('--dataroot', str(tmp_path), '--lambda_L1', '1e39')


@pytest.mark.parametrize('flags, said', [
    ('--fps 1e9', 'give 1000 or less'), ('--smooth 1e9', 'give 100 or less'),
    ('--line_width 1e9', 'give 1000 or less'), ('--end -1', 'give a second after --start 0'),
    ('--end nan', 'give a second after'), ('--start 3 --end 2', 'after --start 3'),
    ('--crop 0,0,99999,5', 'below 10000'), ('--num_workers 1000000000', 'give 256 or less')])
def test_a_number_of_another_order_is_refused_before_any_work(flags, said):
    with pytest.raises(UserError, match=said):
        PreprocessOptions().parse(['--video', __file__, '--dataroot', 'x', *flags.split()])


@pytest.mark.parametrize('flag', ['ngf', 'ndf', 'load_size', 'crop_size', 'n_layers_D'])
def test_a_network_or_picture_that_no_memory_holds_is_refused(flag):
    with pytest.raises(UserError, match=f'--{flag} 1000000000: give [0-9]+ or less'):
        train(f'--{flag}', '1000000000')


@pytest.mark.parametrize('options, base, model', [
    (PreprocessOptions, ['--video', __file__, '--dataroot', 'x'], None),
    (TransferOptions, ['--target', __file__, '--source', __file__], None),
    *[(TrainOptions, TRAIN, name) for name in models.names()]])
def test_no_flag_takes_nan_for_a_number(options, base, model):
    """A weight of a loss that is none would train a network of NaN for hours."""
    parser = Parser('')
    options().declare(parser)
    more = []
    if model:
        models.find(model).declare_options(parser, 'train')
        vgg = ['--no_vgg_loss'] if 'no_vgg_loss' in parser.flags() else []
        more = ['--model', model, *vgg]
    flags = [flag for flag, known in parser.declared.items()
             if known.type is float and known.nargs is None]
    assert flags
    for flag in flags:
        with pytest.raises(UserError, match=rf'^--{flag} nan'):
            options().parse([*base, *more, f'--{flag}=nan'])


@pytest.mark.parametrize('flag, values', [
    ('beta1', ['nan', '-1', '1', '1e300']), ('init_gain', ['nan', '-1', 'inf', '1e300']),
    ('lr', ['1e300', '-1'])])
def test_a_number_that_torch_does_not_take_is_refused_by_its_flag(flag, values):
    for value in values:
        with pytest.raises(UserError, match=f'--{flag} .*: give'):
            train(f'--{flag}={value}')


def test_a_value_from_a_record_gets_the_type_of_its_flag_or_is_refused():
    parser = Parser('')
    group = parser.add_argument_group('some', describes=True)
    group.add_argument('--size', type=int, default=7)
    group.add_argument('--most', type=int)
    group.add_argument('--share', type=float, default=0.5)
    group.add_argument('--off', action='store_true')
    group.add_argument('--how', choices=['well', 'badly'], default='well')
    parser.add_argument('--word')
    values = [('size', '3', 3), ('size', 'None', 7), ('size', None, 7), ('most', 'inf', None),
              ('most', None, None), ('share', '2', 2.0), ('share', 2, 2.0), ('off', 'True', True),
              ('off', 'False', False), ('off', True, True), ('word', '3', '3'),
              ('how', 'badly', 'badly')]
    for flag, value, right in values:
        found = recorded_value(parser.declared[flag], value)
        assert found == right and type(found) is type(right)
    wrong = [('size', 'x'), ('size', 2.5), ('size', True), ('size', [1]), ('size', 1e30),
             ('share', 'nan'), ('share', float('inf')), ('off', 1), ('off', 'maybe'),
             ('how', 'so so'), ('word', '../up'), ('word', 3), ('word', 'a\nb'), ('word', {})]
    for flag, value in wrong:
        with pytest.raises(ValueError):
            recorded_value(parser.declared[flag], value)
    assert parser.flags() == {'help', 'size', 'most', 'share', 'off', 'how', 'word'}
    assert parser.describing == {'size', 'most', 'share', 'off', 'how'}
