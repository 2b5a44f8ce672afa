"""Advice names flags of the command that was typed, where a step of it speaks."""
import shlex

import pytest

import train
import transfer
from options.transfer_options import TransferOptions
from util.errors import UserError


@pytest.mark.parametrize('step, said, more', [
    ('person', 'd has other settings. Add --overwrite to make it again, or another --dataroot.',
     'In place of --dataroot, give another --name. Flags of preprocess.py go into --target_args '
     '"--overwrite" here.'),
    ('moves', 'Add --overwrite.',
     'Flags of preprocess.py go into --source_args "--overwrite" here.'),
    ('moves', 'The person lacks joints. Make it again with preprocess.py --overwrite.',
     'Flags of preprocess.py go into --target_args "--overwrite" here.'),
    ('person', 'Take another part of it with --start and --end.',
     'Flags of preprocess.py go into --target_args "..." here.'),
    ('moves', '--video a b.mp4: no such file.', 'In place of --video, give --source.'),
    ('training', 'Make room, then add --continue_train.',
     'In place of --continue_train, give the same command again.'),
    ('painting', 'Choose another --name, or give --model nearest.', ''),
    ('painting', '--size 9000: give 16 to 8192.', ''),
    ('painting', 'Leave --train_args "--netG x" out.', ''),
    ('painting', 'Type: python scripts/get_models.py lpips --force', ''),
    ('person', 'For a single pose add --poses_only.', '')])
def test_an_error_of_a_step_says_how_its_flags_are_given_here(step, said, more):
    with pytest.raises(UserError) as refused, transfer.own_flags(step):
        raise UserError(said)
    assert str(refused.value) == f'{said} {more}'.rstrip()


@pytest.mark.parametrize('flags, told', [
    (['--target_args', '--crop x'], '--crop x: give auto.*--target_args "--crop" here'),
    (['--train_args', '--netq x'], 'Did you mean --netG. train.py --help.*--train_args'),
    (['--size', '9000'], 'In place of --film_size, give --size'),
    (['--minutes', '0', '--model', 'pix2pix'], 'transfer.py --minutes 20'),
    (['--model', 'cycle_gan'], 'CycleGAN')])
def test_a_flag_that_is_refused_says_where_it_was_typed(flags, told, tmp_path):
    with pytest.raises(UserError, match=told):
        opt = TransferOptions().parse(['--target', __file__, '--source', __file__, '--output',
                                       str(tmp_path / 'out.mp4'), *flags])
        transfer.Steps(opt, 'me', tmp_path / 'me', tmp_path / 'moves').check()


def test_a_training_that_ends_early_says_how_to_go_on_in_words_of_who_called_it(pairs, small,
                                                                               tmp_path, capsys):
    run = ['--dataroot', str(pairs()), '--name', "Ann's run", '--no_html', '--checkpoints_dir',
           str(tmp_path), *small]
    train.main([*run, '--max_steps', '1'])
    line = capsys.readouterr().out.splitlines()[-1]
    assert shlex.split(line.partition('To go on: ')[2]) == [
        'python', 'train.py', '--name', "Ann's run", '--checkpoints_dir', str(tmp_path),
        '--continue_train']
    train.main([*run, '--continue_train', '--max_minutes', '60', '--max_steps', '2'],
               transfer.ADVICE)
    assert capsys.readouterr().out.endswith('To go on: give the same command again\n')
    train.main([*run, '--continue_train', '--max_minutes', '0.000001'], transfer.ADVICE)
    assert 'To go on: --minutes 1.' in capsys.readouterr().out
