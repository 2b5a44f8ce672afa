"""A run can be stopped anywhere, resumed exactly, and says when it is done. For every model."""
import copy
import ctypes
import json
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
from conftest import fitting
from filelock import FileLock
from PIL import Image

import test as painting_entry
import train as training_entry
from data.aligned_dataset import AlignedDataset
from data.loader import Loader
from models import models
from models.engine import Engine, choose_engine, to_image
from options.train_options import TrainOptions
from util import checkpoints
from util.errors import UserError
from util.run_record import read_record

ROOT = Path(__file__).parents[2]
MODELS = [name for name in models.names() if models.find(name).TRAINS]


@pytest.fixture
def run(pairs, small, tmp_path):
    """run('--model', 'x', ...) trains into checkpoints/me; run.folder is that folder."""
    root = pairs()

    def call(*flags, dataroot=root):
        if '--model' in flags:
            flags = fitting(flags[flags.index('--model') + 1], *small, *flags)
        else:
            flags = (*small, *flags)
        return training_entry.main(['--dataroot', str(dataroot), '--name', 'me',
                                    '--checkpoints_dir', str(tmp_path / 'ck'), '--no_html',
                                    *flags])
    call.folder, call.root, call.checkpoints = tmp_path / 'ck' / 'me', root, tmp_path / 'ck'
    return call


def weights(folder):
    return {p.name: torch.load(p, weights_only=True)
            for p in sorted(folder.glob('latest_net_*.pth'))}


def losses_of(folder):
    lines = (folder / 'loss_log.txt').read_text().splitlines()
    return [line.partition(') ')[2] for line in lines if line.startswith('(')]


@pytest.fixture
def begun(pairs, small, tmp_path):
    """begun(name, engine) is a model that may take steps on begun.batch: a pair of noise, with the
    joints and the path of a real one."""
    root = pairs(128, 128)

    def call(name, engine):
        opt = TrainOptions().parse(['--dataroot', str(root), '--model', name,
                                    *fitting(name, *small), '--no_dropout'])
        dataset = AlignedDataset(opt, 'train')
        call.batch = {**engine.to_batch(Loader(dataset).batch([0])), 'A': x, 'B': y}
        torch.manual_seed(0)
        model = models.find(name)(opt, engine)
        model.on_train_start(dataset, tmp_path / name)
        model.set_rate(opt.lr)
        # what a hinge tells G passes zero, where a part of it means nothing: 0.004 of it before its
        # weight is noise
        call.noise = 4e-3 * opt.lambda_GAN if getattr(opt, 'gan_mode', '') == 'hinge' else None
        return model
    torch.manual_seed(0)
    x, y = torch.rand(2, 1, 3, 128, 128) * 2 - 1
    return call


def equal(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[f][k], b[f][k]) for f in a for k in a[f])


@pytest.mark.parametrize('precision', ['auto', 'fp32'])
@pytest.mark.parametrize('name', MODELS)
def test_every_model_resumes_exactly_where_it_stopped(name, precision, run):
    """Stopped in the middle of an epoch, with all that remembers turned on."""
    flags = ['--model', name, '--precision', precision, '--n_epochs', '2', '--n_epochs_decay', '1',
             '--pool_size', '3', '--preprocess', 'resize_and_crop', '--load_size', '40',
             '--crop_size', '32']
    flags += ['--max_dataset_size', '5', '--print_freq', '1']
    run(*flags, '--max_steps', '13')
    straight, log = weights(run.folder), losses_of(run.folder)
    run(*flags, '--max_steps', '8', '--overwrite')
    assert not equal(weights(run.folder), straight)
    # nothing but the name: the rest is the run's own record
    training_entry.main(['--name', 'me', '--checkpoints_dir', str(run.checkpoints), '--device',
                         'cpu', '--continue_train', '--max_steps', '13'])
    assert equal(weights(run.folder), straight)
    assert losses_of(run.folder) == log and len(log) == 13


@pytest.mark.parametrize('name', MODELS)
def test_every_model_learns_one_pair(name, pairs, small, tmp_path):
    root = pairs(64, 64, train=1, val=1)
    # L1 by itself may never leave the commonest colour, which most of a pair is: from one seed
    # in three vanilla paints that for ever, and which those are depends on the processor
    training_entry.main(['--dataroot', str(root), '--name', 'me', '--checkpoints_dir',
                         str(tmp_path), '--model', name, '--n_epochs', '150', '--n_epochs_decay',
                         '50', '--no_html', '--no_dropout', '--lr', '2e-3',
                         *fitting(name, *small, '--loss', 'L2'), '--ngf', '8'])
    page = painting_entry.main(['--name', 'me', '--checkpoints_dir', str(tmp_path), '--phase',
                                'train', '--results_dir', str(tmp_path / 'r'), '--no_video'])
    read = lambda label: np.asarray(Image.open(
        page.parent / 'images' / f'000001_{label}.png')).astype(float)
    painted, real = read('fake_B'), read('real_B')
    mean = np.abs(real - real.mean((0, 1))).mean()
    assert np.abs(painted - real).mean() < mean / 4


@pytest.mark.parametrize('name', MODELS)
@pytest.mark.parametrize('size', [(32, 32), (50, 34), (37, 61), (130, 40)])
def test_every_model_takes_any_size_and_gives_it_back(name, size, pairs, run, tmp_path):
    root = pairs(*size, train=2, val=2, name='odd')
    run('--model', name, '--max_steps', '2', dataroot=root)
    page = painting_entry.main(['--dataroot', str(root), '--name', 'me', '--checkpoints_dir',
                                str(run.checkpoints), '--results_dir', str(tmp_path / 'r')])
    painted = sorted((page.parent / 'images').glob('*_fake_B.png'))
    assert [Image.open(p).size for p in painted] == [size] * 2


@pytest.mark.parametrize('name', MODELS)
def test_every_model_paints_beside_itself_what_it_paints_alone(name, run, tmp_path):
    run('--model', name, '--max_steps', '2')
    threads, films = torch.get_num_threads(), []
    for count in (1, 2):
        torch.set_num_threads(count)        # as many pictures are painted at once
        try:
            page = painting_entry.main(['--name', 'me', '--checkpoints_dir', str(run.checkpoints),
                                        '--phase', 'train', '--metrics', 'none', '--no_video',
                                        '--results_dir', str(tmp_path / f'r{count}')])
        finally:
            torch.set_num_threads(threads)
        films.append(np.stack([np.asarray(Image.open(picture), float) for picture in sorted(
            (page.parent / 'images').glob('*_fake_B.png'))]))
    assert len(films[0]) == 6 and np.abs(films[0] - films[1]).max() <= 1


@pytest.mark.parametrize('name', MODELS)
def test_every_model_steps_in_bf16_near_fp32(name, begun):
    losses = []
    for bf16 in (False, True):
        model = begun(name, Engine(torch.device('cpu'), bf16=bf16))
        losses.append({k: float(v) for k, v in model.step(begun.batch).items()})
    assert losses[1] == pytest.approx(losses[0], rel=0.05, abs=0.02)


@pytest.mark.parametrize('name', MODELS)
def test_the_fast_path_learns_what_the_plain_one_does(name, begun):
    histories = []
    for engine in (Engine(torch.device('cpu'), plain=True), Engine(torch.device('cpu'))):
        model = begun(name, engine)
        histories.append([float(v) for _ in range(3) for v in model.step(begun.batch).values()])
    assert histories[0] == pytest.approx(histories[1], rel=2e-3, abs=begun.noise)


@pytest.mark.skipif(not hasattr(os, 'sched_setaffinity'), reason='this system binds no process')
def test_every_model_trains_in_a_process_that_sees_one_core(run, small):
    code = ('import os, sys, json; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n'
            'import torch; assert torch.get_num_threads() == 1\n'
            'sys.path.insert(0, "."); import train\n'
            'for argv in json.loads(sys.argv[1]): train.main(argv)')
    calls = [['--dataroot', str(run.root), '--name', name, '--checkpoints_dir',
              str(run.checkpoints), '--model', name, '--max_steps', '2', *fitting(name, *small)]
             for name in MODELS]
    free = {k: v for k, v in os.environ.items() if k != 'OMP_NUM_THREADS'}
    out = subprocess.run([sys.executable, '-c', code, json.dumps(calls)], cwd=ROOT, env=free,
                         capture_output=True, text=True, timeout=300)
    assert out.returncode == 0, out.stderr[-2000:]
    assert {name: steps_of(run.checkpoints / name) for name in MODELS} == dict.fromkeys(MODELS, 2)


def steps_of(folder):
    return torch.load(folder / 'latest_state.pth', weights_only=True)['steps']


@pytest.mark.parametrize('mode', ['vanilla', 'lsgan', 'hinge', 'wgangp'])
@pytest.mark.parametrize('netD', ['basic', 'n_layers', 'pixel'])
def test_every_adversary_trains(mode, netD, run):
    run('--gan_mode', mode, '--netD', netD, '--max_steps', '3', '--n_layers_D', '2', '--norm',
        'instance' if mode == 'wgangp' else 'batch')
    for state in weights(run.folder).values():
        assert all(torch.isfinite(v).all() for v in state.values())


def test_a_frame_survives_the_trip_through_a_tensor():
    image = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=3)
    assert np.array_equal(to_image(choose_engine('cpu').to_tensor(image)), image)


def test_a_finished_run_says_so_and_names_the_flag_that_extends_it(run, capsys):
    assert run('--n_epochs', '1', '--n_epochs_decay', '0') is True
    before = weights(run.folder)
    assert run('--continue_train') is True
    assert '--continue_train --n_epochs_decay' in capsys.readouterr().out
    assert equal(before, weights(run.folder))
    run('--continue_train', '--n_epochs_decay', '1')
    assert not equal(before, weights(run.folder))


def test_an_optimizer_goes_on_by_another_path_than_it_began(small):
    """Begun in bf16 and channels_last on one machine, gone on with in fp32 on another."""
    opt = TrainOptions().parse(['--dataroot', 'x', *small])
    begun, fused, plain = (models.find('pix2pix')(opt, Engine(torch.device('cpu'), **how))
                           for how in ({'bf16': True}, {}, {'plain': True}))
    batch = dict(zip('AB', torch.rand(2, 1, 3, 128, 128) * 2 - 1))
    begun.step(batch)
    for model in (fused, plain):
        for name, network in model.networks.items():
            network.load_state_dict(begun.networks[name].state_dict())
        model.load_state(copy.deepcopy(begun.state()))
        torch.manual_seed(1)
        model.step(batch)
    assert plain.optimizers['G'].param_groups[0]['fused'] is False
    far = [float((a - b).abs().mean()) for a, b in zip(fused.networks['D'].parameters(),
                                                       plain.networks['D'].parameters())]
    assert max(far) < 1e-6, 'moments laid out for another path were taken for these'


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


@pytest.mark.parametrize('flags', [
    '--seed -1', '--lr_decay_iters 0', '--pool_size -1', '--n_layers_D 0', '--input_nc 2',
    '--crop_size -4', '--max_dataset_size -1', '--batch_size 0', '--lr 0', '--max_minutes -1'])
def test_numbers_that_make_no_sense_are_one_sentence(flags, run):
    with pytest.raises(UserError, match=flags.split()[0]):
        run(*flags.split())


def test_max_minutes_ends_in_time_with_the_rate_at_zero(run, capsys):
    began = time.monotonic()
    assert run('--max_minutes', '0.1') is True
    assert 5.5 < time.monotonic() - began < 60
    state = torch.load(run.folder / 'latest_state.pth', weights_only=True)
    assert state['model']['optimizers']['G']['param_groups'][0]['lr'] < 2e-5
    assert 'epochs fit into 0.1 minutes' in capsys.readouterr().out


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


def test_a_run_without_a_heldout_part_trains(run, pairs, capsys):
    import shutil
    shutil.rmtree(run.root / 'val')
    run('--max_steps', '2')
    assert 'has no val split; progress is measured on training frames' in capsys.readouterr().out
    with pytest.raises(UserError, match='There is train: use --phase train'):
        painting_entry.main(['--dataroot', str(run.root), '--name', 'me', '--checkpoints_dir',
                             str(run.checkpoints)])


def test_pictures_too_small_for_the_discriminator_are_refused_with_the_sizes_that_work(run, pairs):
    root = pairs(20, 20, name='tiny')
    with pytest.raises(UserError, match='20x20.*24 or more'):
        run('--max_steps', '1', dataroot=root)
    run('--max_steps', '1', '--netD', 'pixel', dataroot=root)


def command(run, small, *flags):
    return [sys.executable, 'train.py', '--dataroot', str(run.root), '--name', 'me',
            '--checkpoints_dir', str(run.checkpoints), '--no_html', *small, '--n_epochs', '9999',
            *flags]


def wait_for(condition, seconds=60):
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


def test_kill_9_at_any_moment_leaves_a_loadable_run(run, small):
    """Killed while it saves after every step, at moments spread over a save."""
    flags = ['--save_latest_freq', '1']
    for k in range(3):
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


def test_a_checkpoint_of_another_architecture_says_what_it_fits(run):
    run('--max_steps', '1')
    with pytest.raises(UserError, match='--netG unet_128.*--ngf 4'):
        painting_entry.main(['--dataroot', str(run.root), '--name', 'me', '--checkpoints_dir',
                             str(run.checkpoints), '--netG', 'resnet_6blocks'])


@pytest.mark.parametrize('content, said', [
    (b'not a checkpoint', 'no PyTorch checkpoint'), (b'', 'no PyTorch checkpoint'),
    ('code', 'carries code'), ('list', 'no PyTorch checkpoint')])
def test_a_file_that_is_no_checkpoint_is_refused(content, said, run, tmp_path):
    run('--max_steps', '1')
    path = run.folder / 'latest_net_G.pth'
    if content == 'code':
        torch.save({'f': os.system}, path)
    elif content == 'list':
        torch.save([1, 2], path)
    else:
        path.write_bytes(content)
    with pytest.raises(UserError, match=said):
        painting_entry.main(['--dataroot', str(run.root), '--name', 'me', '--checkpoints_dir',
                             str(run.checkpoints)])


def test_a_missing_epoch_names_the_ones_there_are(run):
    run('--max_steps', '1')
    with pytest.raises(UserError, match='--epoch can be latest'):
        painting_entry.main(['--dataroot', str(run.root), '--name', 'me', '--checkpoints_dir',
                             str(run.checkpoints), '--epoch', '7'])


def test_upstreams_checkpoint_paints_without_a_record(run, tmp_path):
    """No run.json, no option file; wrapped keys: the weights alone say what the network is."""
    run('--max_steps', '1')
    state = torch.load(run.folder / 'latest_net_G.pth', weights_only=True)
    old = tmp_path / 'old' / 'foreign'
    old.mkdir(parents=True)
    torch.save({f'module.{k}': v for k, v in state.items()
                if not k.endswith('num_batches_tracked')}, old / 'latest_net_G.pth')
    pages = [painting_entry.main(['--dataroot', str(run.root), '--name', name, '--checkpoints_dir',
                                  str(folder), '--results_dir', str(tmp_path / name), '--no_video'])
             for name, folder in (('foreign', old.parent), ('me', run.checkpoints))]
    a, b = (sorted((p.parent / 'images').glob('*_fake_B.png')) for p in pages)
    assert [p.read_bytes() for p in a] == [p.read_bytes() for p in b] and a


def test_a_run_says_what_it_is(run):
    run('--max_steps', '2', '--lambda_L1', '50')
    record = read_record(run.folder)
    assert record['options']['lambda_L1'] == 50.0 and record['dataset']['size'] == [32, 32]
    assert 'netG: unet_128' in (run.folder / 'train_opt.txt').read_text()
    log = (run.folder / 'loss_log.txt').read_text()
    import re
    assert re.search(r'^\(epoch: 1, iters: 1, time: \d+\.\d{3}, data: \d+\.\d{3}\) '
                     r'G_GAN: \d+\.\d{3} G_L1: \d+\.\d{3} D_real: \d+\.\d{3} D_fake: \d+\.\d{3}',
                     log, re.M)


def test_epochs_are_kept_by_number(run):
    run('--n_epochs', '2', '--n_epochs_decay', '0', '--save_epoch_freq', '1')
    assert {p.name for p in run.folder.glob('*_net_G.pth')} == {
        'latest_net_G.pth', '1_net_G.pth', '2_net_G.pth'}


def test_the_seed_decides_everything(run):
    flags = ['--max_steps', '3', '--overwrite']
    run(*flags, '--seed', '1')
    first = weights(run.folder)
    run(*flags, '--seed', '1')
    assert equal(first, weights(run.folder))
    run(*flags, '--seed', '2')
    assert not equal(first, weights(run.folder))


def test_plateau_watches_the_heldout_loss(run):
    run('--lr_policy', 'plateau', '--n_epochs', '2', '--n_epochs_decay', '0')
    state = torch.load(run.folder / 'latest_state.pth', weights_only=True)
    assert 0 < state['schedule']['best'] < 2


@pytest.mark.parametrize('flags, said', [
    (['--gpu_ids', 'x'], 'numbers like 0'), (['--device', 'cuda'], 'no CUDA device')])
def test_a_device_that_is_not_there_is_one_sentence(flags, said, run):
    if torch.cuda.is_available():
        pytest.skip('this machine has a CUDA device')
    with pytest.raises(UserError, match=said):
        run('--max_steps', '1', '--device', 'auto', *flags)


def test_gpu_ids_minus_one_is_the_cpu():
    assert choose_engine(gpu_ids='-1').device.type == 'cpu'


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), 'mallinfo2'), reason='glibc alone can be asked')
def test_memory_once_freed_is_kept():
    code = ('import ctypes, sys, torch; sys.path.insert(0, ".")\n'
            'from models.engine import choose_engine\n'
            'class Heap(ctypes.Structure): _fields_ = [(name, ctypes.c_size_t) for name in "arena '
            'ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()]\n'
            'asked = ctypes.CDLL(None).mallinfo2; asked.restype = Heap\n'
            'choose_engine("cpu"); held = [torch.ones(1_000_000) for _ in range(10)]; del held\n'
            'print(asked().fordblks)')
    out = subprocess.run([sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True)
    assert int(out.stdout) > 39e6, out.stderr


def test_no_damage_to_a_checkpoint_is_a_traceback(run, tmp_path):
    run('--max_steps', '1')
    whole = (run.folder / 'latest_net_D.pth').read_bytes()
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
