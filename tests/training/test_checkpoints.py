"""What a run leaves in its folder can be read again, whatever stops the run or damages a file."""
import errno
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from filelock import FileLock

import test as painting_entry
from tests.saved import equal, weights
from util import checkpoints
from util.errors import UserError
from util.runs import missing, read_record

ROOT = Path(__file__).parents[2]


def test_a_finished_run_says_so_and_names_the_flag_that_extends_it(run, capsys):
    assert run('--n_epochs', '1', '--n_epochs_decay', '0') is True
    before = weights(run.folder)
    assert run('--continue_train') is True
    assert '--continue_train --n_epochs_decay' in capsys.readouterr().out
    assert equal(before, weights(run.folder))
    run('--continue_train', '--n_epochs_decay', '1')
    assert not equal(before, weights(run.folder))


def test_a_dataset_that_shrank_does_not_hold_up_a_run(run):
    run('--max_steps', '5')
    run('--continue_train', '--max_steps', '7', '--max_dataset_size', '2')
    state = torch.load(run.folder / 'latest_state.pth', weights_only=True)
    assert state['steps'] == 7 and state['epoch'] >= 2


def test_starting_anew_removes_the_run_and_nothing_else(run):
    run('--max_steps', '1')
    (run.folder / 'notes.txt').write_text('mine')
    (run.folder / '7_net_G.pth').write_bytes(b'old')
    run('--max_steps', '1', '--overwrite')
    assert (run.folder / 'notes.txt').is_file() and not (run.folder / '7_net_G.pth').exists()
    with pytest.raises(UserError, match='contradict'):
        run('--overwrite', '--continue_train')


def test_a_run_by_the_clock_goes_on_by_epochs_when_epochs_are_typed(run):
    run('--max_minutes', '0.01')
    state = torch.load(run.folder / 'latest_state.pth', weights_only=True)
    run('--continue_train', '--n_epochs', str(state['epoch'] + 1), '--n_epochs_decay', '0')
    assert read_record(run.folder)['options']['max_minutes'] is None


def test_a_trained_run_is_not_trained_over(run):
    run('--max_steps', '1')
    with pytest.raises(UserError, match='--continue_train.*--overwrite'):
        run('--max_steps', '1')
    run('--max_steps', '1', '--overwrite')


def test_two_trainings_into_one_name_at_once_are_refused(run):
    run.folder.mkdir(parents=True)
    with FileLock(run.folder / '.lock'), pytest.raises(UserError, match='another training'):
        run('--max_steps', '1')
    run('--max_steps', '1')


def command(run, small, *flags):
    return [sys.executable, 'train.py', '--dataroot', str(run.root), '--name', 'me',
            '--checkpoints_dir', str(run.checkpoints), '--no_html', *small, '--n_epochs', '9999',
            *flags]


def wait_for(condition, seconds=300):
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, 'waited in vain'
        time.sleep(0.05)


@pytest.mark.parametrize('number, status', [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_saves_then_leaves(number, status, run, small):
    process = subprocess.Popen(command(run, small), cwd=ROOT, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: (run.folder / 'loss_log.txt').is_file() and
             'epoch: 1,' in (run.folder / 'loss_log.txt').read_text())
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == status and 'saved' in err and 'Traceback' not in err
    state = torch.load(run.folder / 'latest_state.pth', weights_only=True)
    assert state['steps'] > 0
    run('--continue_train', '--max_steps', str(state['steps'] + 1))


@pytest.mark.parametrize('kills', [1, pytest.param(3, marks=pytest.mark.slow)])
def test_kill_9_at_any_moment_leaves_a_loadable_run(kills, run, small):
    """Killed while it saves after every step, at moments spread over a save."""
    flags = ['--save_latest_freq', '1']
    for k in range(kills):
        process = subprocess.Popen(command(run, small, *flags, *(
            ['--continue_train'] if k else [])), cwd=ROOT, stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL)
        wait_for(lambda: (run.folder / 'latest_state.pth').is_file())
        before = (run.folder / 'latest_state.pth').stat().st_mtime_ns
        wait_for(lambda b=before: (run.folder / 'latest_state.pth').stat().st_mtime_ns != b)
        time.sleep(0.013 * k)
        process.send_signal(signal.SIGKILL)
        process.wait()
        for file in run.folder.glob('latest_*.pth'):
            torch.load(file, weights_only=True)
    run('--continue_train', '--max_steps', '1')


def test_a_full_disk_while_saving_leaves_the_checkpoint_before_whole(run, small):
    run('--max_steps', '1')
    before = weights(run.folder)
    code = ('import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n'
            'resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))\n'
            'sys.path.insert(0, "."); import train; from util.errors import run_main\n'
            'sys.argv[0] = "train.py"; run_main(train.main)')
    argv = command(run, small, '--continue_train', '--max_steps', '3')[2:]
    out = subprocess.run([sys.executable, '-c', code, *argv], cwd=ROOT, capture_output=True,
                         text=True)
    assert out.returncode == 1 and 'Traceback' not in out.stderr, out.stderr
    assert 'make room' in out.stderr
    assert equal(before, weights(run.folder))
    assert not list(run.folder.glob('.*.part*'))
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 300_000


@pytest.mark.parametrize('error', [
    OSError(errno.ENOSPC, 'No space left on device'), RuntimeError('unexpected pos 64 vs 0')])
def test_a_full_disk_says_how_to_go_on_and_only_where_something_was_saved(
        error, tmp_path, monkeypatch):
    def full(value, file):
        raise error
    files = {tmp_path / 'latest_state.pth': {'steps': 3}, tmp_path / 'latest_net_G.pth': {}}
    with monkeypatch.context() as patch:
        patch.setattr(torch, 'save', full)
        with pytest.raises(UserError, match='Make room, then give the same command again'):
            checkpoints.save(files)
    checkpoints.save(files)
    monkeypatch.setattr(torch, 'save', full)
    with pytest.raises(UserError, match='make room, then add --continue_train'):
        checkpoints.save(files)
    # of a session that has done nothing yet, maybe of --overwrite
    with pytest.raises(UserError, match='untouched; make room, then give the same command again'):
        checkpoints.save(files, write=lambda place: None)
    assert checkpoints.read(tmp_path / 'latest_state.pth') == {'steps': 3}


def test_a_disk_that_is_full_before_the_first_byte_is_one_sentence_too(tmp_path, monkeypatch):
    def full(*given, **more):
        raise OSError(errno.ENOSPC, 'No space left on device')
    monkeypatch.setattr(checkpoints, 'replacing', full)
    with pytest.raises(UserError, match='latest_state.pth could not be written.*Make room'):
        checkpoints.save({tmp_path / 'latest_state.pth': {}})


def test_a_checkpoint_of_another_architecture_says_what_it_fits(trained):
    with pytest.raises(UserError, match='--netG unet_128.*--ngf 4'):
        painting_entry.main(['--dataroot', str(trained.root), '--name', 'me', '--checkpoints_dir',
                             str(trained.checkpoints), '--netG', 'resnet_6blocks'])


@pytest.mark.parametrize('content, said', [
    (b'not a checkpoint', 'no PyTorch checkpoint'), (b'', 'no PyTorch checkpoint'),
    ('code', 'carries code'), ('list', 'no PyTorch checkpoint')])
def test_a_file_that_is_no_checkpoint_is_refused(content, said, trained, tmp_path):
    path = trained.folder / 'latest_net_G.pth'
    if content == 'code':
        torch.save({'f': os.system}, path)
    elif content == 'list':
        torch.save([1, 2], path)
    else:
        path.write_bytes(content)
    with pytest.raises(UserError, match=said):
        painting_entry.main(['--dataroot', str(trained.root), '--name', 'me', '--checkpoints_dir',
                             str(trained.checkpoints)])


def test_a_missing_epoch_names_the_ones_there_are(trained):
    with pytest.raises(UserError, match='--epoch can be latest'):
        painting_entry.main(['--dataroot', str(trained.root), '--name', 'me', '--checkpoints_dir',
                             str(trained.checkpoints), '--epoch', '7'])


def test_what_macos_keeps_next_to_weights_is_no_epoch(tmp_path):
    for name in ('latest_net_G.pth', '._latest_net_G.pth'):
        (tmp_path / name).write_bytes(b'')
    (tmp_path / '5_net_G.pth').mkdir()
    assert '--epoch can be latest.' in str(missing(tmp_path / '7_net_G.pth'))


def test_upstreams_checkpoint_paints_without_a_record(trained, tmp_path):
    """No run.json, no option file; wrapped keys: the weights alone say what the network is."""
    state = torch.load(trained.folder / 'latest_net_G.pth', weights_only=True)
    old = tmp_path / 'old' / 'foreign'
    old.mkdir(parents=True)
    torch.save({f'module.{k}': v for k, v in state.items()
                if not k.endswith('num_batches_tracked')}, old / 'latest_net_G.pth')
    pages = [painting_entry.main(['--dataroot', str(trained.root), '--name', name,
                                  '--checkpoints_dir', str(folder), '--results_dir',
                                  str(tmp_path / name), '--no_video', '--metrics', 'fast'])
             for name, folder in (('foreign', old.parent), ('me', trained.checkpoints))]
    a, b = (sorted((p.parent / 'images').glob('*_fake_B.png')) for p in pages)
    assert [p.read_bytes() for p in a] == [p.read_bytes() for p in b] and a


def test_epochs_are_kept_by_number(run):
    run('--n_epochs', '2', '--n_epochs_decay', '0', '--save_epoch_freq', '1')
    assert {p.name for p in run.folder.glob('*_net_G.pth')} == {
        'latest_net_G.pth', '1_net_G.pth', '2_net_G.pth'}


def test_no_damage_to_a_checkpoint_is_a_traceback(trained, tmp_path):
    whole = (trained.folder / 'latest_net_D.pth').read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(200):
        hurt = bytearray(whole[:int(rng.integers(1, len(whole)))])
        for place in rng.integers(0, len(hurt), 20):
            hurt[place] = int(rng.integers(256))
        (tmp_path / 'hurt.pth').write_bytes(hurt)
        with pytest.raises(UserError):
            checkpoints.read(tmp_path / 'hurt.pth')


def test_reading_a_checkpoint_never_imports_what_it_names(tmp_path):
    torch.save(checkpoints.read, tmp_path / 'x.pth')
    with pytest.raises(UserError, match='carries code'):
        checkpoints.read(tmp_path / 'x.pth')


def test_a_signal_in_the_middle_of_a_save_is_no_full_disk(tmp_path, monkeypatch):
    """torch ends its file with a RuntimeError of its own, whose context is the signal."""
    def stopped(value, file):
        try:
            raise KeyboardInterrupt
        finally:
            raise RuntimeError('unexpected pos')
    monkeypatch.setattr(torch, 'save', stopped)
    with pytest.raises(KeyboardInterrupt):
        checkpoints.save({tmp_path / 'me' / 'latest_net_G.pth': {}})


def test_a_full_disk_while_a_stopped_run_is_saved_is_said(tmp_path, monkeypatch):
    def full(value, file):
        raise OSError(errno.ENOSPC, 'No space left on device')
    monkeypatch.setattr(torch, 'save', full)
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt:
        with pytest.raises(UserError, match='could not be written completely'):
            checkpoints.save({tmp_path / 'latest_net_G.pth': {}})
