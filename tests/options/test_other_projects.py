"""Commands and flags of the projects that users come from: taken, or answered with what is true.

The commands are those of the READMEs and docs of junyanz/pytorch-CycleGAN-and-pix2pix,
NVIDIA/pix2pixHD and carolineec/EverybodyDanceNow.
"""
import re
import subprocess
import sys
from pathlib import Path

import pytest

from options.parser import Parser
from options.test_options import TestOptions
from options.train_options import TrainOptions
from options.transfer_options import TransferOptions
from util.errors import UserError

ROOT = Path(__file__).parents[2]
ENTRIES = {'train': TrainOptions, 'test': TestOptions, 'transfer': TransferOptions}


@pytest.fixture
def parsed(tmp_path, monkeypatch):
    """parsed('train --name x') gives the options of that command."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'd').mkdir()
    (tmp_path / 'd/poses.npz').touch()      # the face stage asks whether there is one

    def call(command):
        entry, *words = command.split()
        return ENTRIES[entry]().parse(words)
    return call


@pytest.mark.parametrize('command, taken', [
    ('train --dataroot d --max_dataset_size inf', {'max_dataset_size': None}),
    ('train --dataroot d --max_dataset_size 7', {'max_dataset_size': 7}),
    ('train --dataroot d --load_iter 0', {'epoch': 'latest'}),
    ('test --dataroot d --load_iter 500', {'epoch': 'iter_500'}),
    ('test --dataroot d --load_iter=500', {'epoch': 'iter_500'}),
    ('train --dataroot d --name x --suffix small', {'name': 'x_small'}),
    ('train --dataroot d --name x --load_size 286 --suffix {model}_{netG}_size{load_size}',
     {'name': 'x_pix2pix_unet_256_size286'}),
    ('test --dataroot d --name x --model pix2pixHD --suffix {netG}', {'name': 'x_global'}),
    ('train --dataroot d --gpu_ids -1', {'gpu_ids': '-1'}),
    ('train --dataroot d --gpu_ids 0,1,2', {'gpu_ids': '0,1,2'}),
    ('train --dataroot ./datasets/facades --name facades_pix2pix --model pix2pix --direction BtoA '
     '--use_wandb', {'direction': 'BtoA', 'use_wandb': True}),
    ('test --dataroot ./datasets/facades --name facades_pix2pix --model pix2pix --direction BtoA',
     {'direction': 'BtoA'}),
    ('train --dataroot d --preprocess scale_width_and_crop --load_size 1024 --crop_size 360',
     {'preprocess': 'scale_width_and_crop', 'crop_size': 360}),
    ('train --dataroot d --resize_or_crop scale_width --fineSize 1024',
     {'preprocess': 'scale_width', 'crop_size': 1024}),
    ('test --dataroot d --num_test 50 --eval', {'num_test': 50, 'eval': True}),
    ('test --dataroot d --how_many 10000', {'num_test': 10000}),
    ('train --dataroot d --display_id -1', {'display_id': -1}),
    ('train --dataroot d --lr_policy step --lr_decay_iters 20', {'lr_policy': 'step'}),
    ('train --dataroot d --norm sync_batch', {'norm': 'syncbatch'}),
    ('train --dataroot d --norm sync_instance', {'norm': 'instance'}),
    ('train --dataroot d --netD n_layers --n_layers_D 2 --gan_mode wgangp --pool_size 50',
     {'n_layers_D': 2, 'gan_mode': 'wgangp', 'pool_size': 50}),
    ('test --dataroot d/testA --name horse2zebra_pretrained --model test --no_dropout',
     {'model': 'pix2pix', 'dataset_mode': 'single', 'no_dropout': True}),
    ('test --dataroot d --name facades --model test --netG unet_256 --direction BtoA '
     '--dataset_mode single --norm batch', {'model': 'pix2pix', 'dataset_mode': 'single'}),
    ('train --dataroot d --name label2city_512p --model pix2pixHD --label_nc 0 --no_instance '
     '--resize_or_crop none', {'label_nc': 0, 'no_instance': True, 'preprocess': 'none'}),
    ('train --dataroot d --name l --model pix2pixHD --netG local --ngf 32 --num_D 3 '
     '--load_pretrain checkpoints/label2city_512p/ --niter 50 --niter_decay 50 '
     '--niter_fix_global 10 --resize_or_crop none', {'num_D': 3, 'n_epochs_decay': 50}),
    ('train --dataroot d --name g --model everybody_dance_now --loadSize 512 --no_instance '
     '--no_flip --tf_log --label_nc 6 --resize_or_crop none', {'label_nc': 6, 'tensorboard': True}),
    ('train --dataroot d --name f --model everybody_dance_now --load_pretrain l --face_discrim '
     '--face_generator --faceGtype global --niter_fix_main 10 --netG local --ngf 32 --num_D 3 '
     '--resize_or_crop none --no_instance --no_flip --tf_log --label_nc 6', {'ngf': 32})])
def test_their_commands_are_taken(command, taken, parsed):
    opt = vars(parsed(command))
    assert {flag: opt[flag] for flag in taken} == taken


@pytest.mark.parametrize('command, said', [
    ('train --dataroot d --fp16 --local_rank=0', '--fp16 has no effect.*--precision auto'),
    ('train --dataroot d --local-rank=0', '--local-rank has no effect'),
    ('train --dataroot d --no_instance', '--no_instance has no effect.*--model pix2pixHD'),
    ('train --dataroot d --use_dropout', '--use_dropout has no effect.*--no_dropout'),
    ('test --dataroot d --no_flip --serial_batches --ndf 64 --netD basic --n_layers_D 3 '
     '--display_winsize 256', '--no_flip, --serial_batches, --ndf.* have no effect.*training'),
    ('test --dataroot d --use_wandb', '--use_wandb has no effect.*training'),
    ('test --dataroot d --tf_log', '--tf_log has no effect.*training'),
    ('test --dataroot d --ntest inf --aspect_ratio 1.0 --data_type 16',
     '--ntest, --aspect_ratio, --data_type have no effect')])
def test_their_flags_that_change_nothing_here_are_left_out_with_one_line(command, said, parsed,
                                                                         capsys):
    parsed(command)
    assert re.search(said, capsys.readouterr().err)


@pytest.mark.parametrize('command, said', [
    ('train --dataroot d --name maps_cyclegan --model cycle_gan --use_wandb',
     'CycleGAN.*not part.*--model pix2pix'),
    ('test --dataroot d --name maps_cyclegan --model cycle_gan', 'latest_net_G_A.pth'),
    ('train --dataroot d --dataset_mode unaligned', '--dataset_mode aligned'),
    ('train --dataroot d --model colorization --dataset_mode colorization', 'not part'),
    ('train --dataroot d --model test', 'is for test.py'),
    ('train --dataroot d --lambda_B 10', 'belongs to CycleGAN'),
    ('test --dataroot d --model test --model_suffix _A', 'Copy latest_net_G_A.pth'),
    ('test --dataroot d --engine x', 'neither reads nor writes ONNX'),
    ('test --dataroot d --onnx x', 'neither reads nor writes ONNX'),
    ('test --dataroot d --export_onnx x', 'neither reads nor writes ONNX'),
    ('train --name label2city_512p', '--dataroot is missing'),
    ('train --dataroot d --name l --label_nc 0 --no_instance --resize_or_crop none',
     'belongs to --model pix2pixHD or everybody_dance_now.*--model pix2pix.*Add --model pix2pixHD'),
    ('train --dataroot d --model vanilla --num_D 3', 'belongs to --model pix2pixHD.*vanilla'),
    ('test --dataroot d --use_encoded_image', 'belongs to --model pix2pixHD,'),
    ('train --dataroot d --face_discrim', 'Add --model everybody_dance_now'),
    ('train --dataroot d --num_test 3', 'is a flag of test.py'),
    ('test --dataroot d --max_minutes 3', 'is a flag of train.py'),
    ('train --dataroot d --crop auto', 'is a flag of preprocess.py'),
    ('transfer --target a --source b --end 3', 'in quotes with --target_args or --source'),
    ('transfer --target a --source b --num_test 3', 'with --test_args, as in --test_args "--num_'),
    ('train --dataroot d --results_dir r', 'is a flag of test.py(, [a-z]+.py)* and [a-z]+.py. Le'),
    ('train --dataroot d --suffix {nothing}', '{nothing} is no flag'),
    ('train --dataroot d --suffix a/b', 'plain name')])
def test_what_is_not_here_is_answered_with_what_is(command, said, parsed, capsys):
    with pytest.raises(UserError, match=said) as refused:
        parsed(command)
    assert '\n' not in str(refused.value) and capsys.readouterr().err == ''


@pytest.mark.parametrize('typed, said', [
    ('inf', 'inf is no whole number'), ('1e9', 'no whole number'), ('2.5', 'no whole number'),
    ('', 'nothing is no whole number'), ('nan', 'no whole number'), ('9' * 30, 'too large'),
    ('-1', '--batch_size -1: give 1 or more'), ('0', 'give 1 or more')])
def test_a_number_that_a_flag_does_not_take_is_one_sentence(typed, said):
    with pytest.raises(UserError, match=said) as refused:
        TrainOptions().parse(['--dataroot', 'd', f'--batch_size={typed}'])
    assert '--batch_size' in str(refused.value) and '\n' not in str(refused.value)


def test_a_value_may_begin_with_a_dash_and_a_missing_one_is_said(parsed):
    opt = parsed('train --dataroot -me --name -x')
    assert (opt.dataroot, opt.name) == ('-me', '-x')
    with pytest.raises(UserError, match='--name: a value is missing.*--name=VALUE'):
        parsed('train --dataroot d --name --continue_train')


def test_the_script_that_is_named_is_the_one_with_the_flag():
    """Whoever calls it: inside transfer.py a flag of train.py is listed by train.py --help."""
    with pytest.raises(UserError, match='train.py --help lists every flag'):
        TrainOptions().parse(['--dataroot', 'd', '--netq', 'x'])
    assert Parser('').prog != 'train.py'


@pytest.mark.parametrize('words, said', [
    (['compare.py', 'me', '--phse', 'val'], 'Did you mean --phase'),
    (['gallery.py', '--dataroot', 'd', '--train_args', '"x'], 'quotation mark'),
    (['gallery.py', '--dataroot', 'd', '--minutes', 'nan'], 'give more than 0'),
    (['suite.py', 'p.json', '--out', 'x', '--size', 'inf'], 'inf is no whole number'),
    (['take_frames.py', 'a', '-b', 'c'], '-b: no such flag.*./-b'),
    (['get_models.py', '--lst'], 'Did you mean --list'),
    (['make_demo_videos.py'], '--out. make_demo_videos.py --help')])
def test_a_script_refuses_in_one_sentence_too(words, said, tmp_path):
    (tmp_path / 'd/val').mkdir(parents=True)
    script = ROOT / 'scripts' / words[0]
    out = subprocess.run([sys.executable, script, *words[1:]], cwd=tmp_path, capture_output=True,
                         text=True)
    assert out.returncode == 1 and out.stderr.startswith('error: ') and out.stderr.count('\n') == 1
    assert re.search(said, out.stderr)
