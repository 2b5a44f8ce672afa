"""Several processes of torchrun train as one, stop as one, and resume exactly."""
import os
import shutil
import signal
from functools import partial
from pathlib import Path

import pytest
import torch
from conftest import SMALL, fitting, make_pairs

import train as training_entry
from data.loader import Loader
from models import models
from models.engine import choose_engine
from models.warping.settings import Body2BodySettings
from options.train_options import TrainOptions
from tests.saved import equal, weights
from tests.together import entry, together
from training import loop, pace
from util.errors import UserError
from util.ranks import ALONE, Ranks, joined
from util.runs import RunFolder

MODELS = [name for name, kind in models.importable().items() if kind.TRAINS]
FP32 = ['--precision', 'fp32']
EDN = 'everybody_dance_now'
# the part of a run that is over, and how many images a step has. Frame 0 shows no head: of two
# images one rank has none to learn, of four it has one and the other rank two
STAGES = {f'{EDN}, global': 0.0, f'{EDN}, local': 0.5, f'{EDN}, face': 0.99,
          f'{EDN}, faces': 0.99}
IMAGES = {f'{EDN}, faces': 4}
LOCAL = ['--netG', 'local', '--n_downsample_global', '1', '--n_blocks_global', '1',
         '--n_blocks_local', '1']
CASES = [*(name for name in MODELS if name != EDN), *STAGES]
SAID = 'one of the 2 processes has ended, and the others end with it. The run is as it was saved'


# -- one step -------------------------------------------------------------------------------------

def flags_of(case: str, root: Path) -> list[str]:
    """Of train.py, for a model or one of its stages, without dropout."""
    name = case.partition(',')[0]
    return ['--dataroot', str(root), '--model', name, '--batch_size', '2', '--no_dropout', *FP32,
            *fitting(name, *SMALL), *(LOCAL if case.endswith('al') else [])]


def first_step(case: str, root: Path, folder: Path, ranks: Ranks) -> dict[str, torch.Tensor]:
    """The gradients of a model's first step, and the statistics that its batch norms count; its
    optimizers do not move."""
    opt = TrainOptions().parse(flags_of(case, root))
    engine = choose_engine('cpu', None, 'fp32', True, ranks)
    with ranks.in_turn():
        dataset = training_entry.open_dataset(opt, RunFolder(str(folder), case, ()))
    torch.manual_seed(0)
    still = {'settings': Body2BodySettings(joint_noise=0, wrong_frames=0)}
    model = training_entry.make_model(opt, engine, dataset,
                                      **(still if case == 'body2body' else {}))
    model.on_train_start(dataset, folder / case)
    model.on_step_start(STAGES.get(case, 0.0))
    found: dict[str, torch.Tensor] = {}

    def keep(network: str) -> None:
        for name, weight in model.networks[network].named_parameters():
            if weight.grad is not None:
                found[f'{network}.{name}'] = weight.grad.clone()
    for network, optimizer in model.optimizers.items():
        optimizer.step = partial(keep, network)     # type: ignore[method-assign]
    batch = next(Loader(dataset, IMAGES.get(case, 2), ranks=ranks).epoch())
    if 'face' in case:
        for joints, path in zip(batch['joints'], batch['A_paths']):
            joints *= path != str(dataset.path(0))
    model.step(engine.to_batch(batch))
    for network in model.networks.values():
        found |= {name: value for name, value in network.named_buffers() if 'running' in name}
    return found


def first_steps(root: Path, folder: Path) -> None:
    with joined('') as ranks:
        for case in CASES:
            torch.save(first_step(case, root, folder, ranks), folder / f'{case}.{ranks.rank}')


@pytest.fixture(scope='module')
def steps(small_vgg, tmp_path_factory):
    """The folder of the first steps of two ranks, and their dataset."""
    place = tmp_path_factory.mktemp('steps')
    root = make_pairs(place / 'toy')
    for rank in together(first_steps, place / 'two', root, place / 'two'):
        assert rank.status == 0, rank.out
    return place / 'two', root


@pytest.mark.parametrize('case', CASES)
def test_two_ranks_on_half_a_batch_each_learn_what_one_learns_of_the_whole(case, steps, tmp_path):
    folder, root = steps
    alone = first_step(case, root, tmp_path, ALONE)
    first, second = (torch.load(folder / f'{case}.{rank}') for rank in range(2))
    assert alone and alone.keys() == first.keys() == second.keys()
    most: dict[str, float] = {}         # of each network
    for name, expected in alone.items():
        network = name.partition('.')[0]
        most[network] = max(most.get(network, 0.0), float(expected.abs().max()))
    for name, expected in alone.items():
        assert torch.equal(first[name], second[name]), name
        allowed = 1e-5 * most[name.partition('.')[0]]
        assert (first[name] - expected).abs().max() <= allowed, name
    assert all(most.values())


# -- whole runs -----------------------------------------------------------------------------------

def argv(root: Path, *flags: str) -> list[str]:
    """Of train.py, for a small pix2pix whose every random choice matters."""
    return ['--dataroot', str(root), '--checkpoints_dir', str(root.parent / 'ck'), '--no_html',
            *SMALL, *FP32, '--batch_size', '2', '--pool_size', '3', '--save_best', 'PSNR',
            '--update_html_freq', '4', *flags]


def straight_and_resumed(root: Path) -> None:
    """One run of seven steps, one that stops after the fourth, in the middle of an epoch, and one
    that ends by the clock, which stands still in rank 1."""
    entry(training_entry.main, argv(root, '--name', 'straight', '--max_steps', '7'))
    entry(training_entry.main, argv(root, '--name', 'resumed', '--max_steps', '4'))
    entry(training_entry.main, ['--name', 'resumed', '--checkpoints_dir', str(root.parent / 'ck'),
                                '--continue_train', '--max_steps', '7', '--device', 'cpu'])
    if os.environ['RANK'] == '1':
        pace.time = type('Standing', (), {'monotonic': lambda: 0.0})        # type: ignore
    entry(training_entry.main, argv(root, '--name', 'clock', '--max_minutes', '0.02'))
    entry(training_entry.main, argv(root, '--name', 'plateau', '--lr_policy', 'plateau',
                                    '--max_steps', '4'))


@pytest.fixture(scope='module')
def runs(small_vgg, tmp_path_factory):
    """The folder of these two runs, and how the ranks ended; not to be changed."""
    place = tmp_path_factory.mktemp('runs')
    root = make_pairs(place / 'toy', train=7)
    return place / 'ck', together(straight_and_resumed, place / 'out', root)


def test_a_run_of_two_ranks_resumes_exactly_where_it_stopped(runs):
    checkpoints, ranks = runs
    assert [rank.status for rank in ranks] == [0, 0], ranks[0].out + ranks[1].out
    assert equal(weights(checkpoints / 'straight'), weights(checkpoints / 'resumed'))
    own = torch.load(checkpoints / 'straight' / 'latest_state.pth')
    other, = own['other_ranks']
    assert not torch.equal(own['random']['cpu'], other['random']['cpu'])
    assert len(own['model']['pool']) == len(other['model']['pool']) == 3
    assert not torch.equal(own['model']['pool'][0], other['model']['pool'][0])


def test_the_clock_and_the_scores_of_the_first_rank_decide_for_all(runs):
    checkpoints, ranks = runs
    assert [rank.status for rank in ranks] == [0, 0], ranks[0].out + ranks[1].out
    assert torch.load(checkpoints / 'clock' / 'latest_state.pth')['seconds'] >= 1.2
    assert torch.load(checkpoints / 'plateau' / 'latest_state.pth')['epoch'] == 2
    assert (checkpoints / 'straight' / 'best_net_G.pth').is_file()


def test_the_first_rank_speaks_for_all(runs):
    _, (first, second) = runs
    assert 'straight: pix2pix on 2 processes, each on CPU' in first.out
    assert 'torchrun --nproc_per_node 2 train.py --name straight' in first.out
    assert second.out == ''


def test_another_number_of_processes_goes_on_and_says_so(runs, tmp_path, capsys):
    shutil.copytree(runs[0].parent, tmp_path / 'all')
    root = tmp_path / 'all' / 'toy'
    assert not training_entry.main(argv(root, '--name', 'straight', '--continue_train',
                                        '--max_steps', '8'))
    assert 'was saved by 2 processes, and 1 are here' in capsys.readouterr().err


def train_until(root: Path, number: int) -> None:
    """Train; rank 1 gets a signal after its third step."""
    real = loop.Training.report

    def report(training, *given):
        real(training, *given)
        if training.position.steps == 3 and training.ranks.rank == 1:
            os.kill(os.getpid(), number)
    loop.Training.report = report       # type: ignore[method-assign]
    training_entry.main(argv(root, '--name', 'me', '--max_steps', '30', '--save_latest_freq', '4'))


def steps_of(root: Path) -> int:
    return torch.load(root.parent / 'ck' / 'me' / 'latest_state.pth')['steps']


def test_a_killed_rank_ends_the_other_with_a_sentence_and_the_last_save_is_whole(tmp_path):
    root = make_pairs(tmp_path / 'toy')
    first, second = together(train_until, tmp_path / 'out', root, signal.SIGKILL)
    assert second.status == -signal.SIGKILL and first.status == 1
    assert first.out.count('error: ') == 1 and SAID in first.out and 'Traceback' not in first.out
    assert steps_of(root) == 2          # saved every 4 images
    assert not training_entry.main(argv(root, '--name', 'me', '--continue_train', '--max_steps',
                                        '3'))


def test_a_rank_that_is_asked_to_stop_stops_all_which_save_together(tmp_path):
    root = make_pairs(tmp_path / 'toy')
    ranks = together(train_until, tmp_path / 'out', root, signal.SIGTERM)
    assert [rank.status for rank in ranks] == [143, 143], ranks[0].out + ranks[1].out
    assert 'me: stopped at epoch 2, step 3. To go on: torchrun' in ranks[0].out
    assert steps_of(root) == 3 and ranks[1].out == ''


# -- what is shared, and what cannot be -----------------------------------------------------------

class Numbers:
    """A dataset of `count` items, each its own number."""

    def __init__(self, count: int):
        self.count = count

    def __len__(self) -> int:
        return self.count

    def item(self, i, rng=None):
        return {'number': i}


@pytest.mark.parametrize('items, batch, count', [(12, 4, 2), (7, 2, 2), (11, 6, 3), (5, 4, 4)])
def test_every_item_of_an_epoch_is_seen_once_by_one_rank(items, batch, count):
    """But for fewer items than there are ranks, others in each epoch; all take as many steps."""
    left_out = set()
    for epoch in (1, 2):
        seen: list[list[int]] = []
        for rank in range(count):
            loader = Loader(Numbers(items), batch, shuffle=True, seed=0, ranks=Ranks(rank, count))
            batches = [found['number'] for found in loader.epoch(epoch)]
            assert len(batches) == len(loader)
            seen.append([number for found in batches for number in found])
            sizes = [len(found) for found in batches]
            assert sizes == [batch // count] * (items // batch) + sizes[items // batch:]
        assert len({len(numbers) for numbers in seen}) == 1
        every = [number for numbers in seen for number in numbers]
        assert len(every) == len(set(every)) == items // count * count
        left_out |= {frozenset(range(items)) - set(every)}
    assert items % count == 0 or len(left_out) == 2


def test_the_ranks_of_a_step_hold_what_one_process_would():
    alone = Loader(Numbers(8), 4, shuffle=True, seed=0).epoch(1)
    shared = [Loader(Numbers(8), 4, shuffle=True, seed=0, ranks=Ranks(rank, 2)).epoch(1)
              for rank in range(2)]
    for whole, *parts in zip(alone, *shared):
        assert sorted(whole['number']) == sorted(parts[0]['number'] + parts[1]['number'])


@pytest.mark.parametrize('flags, frames, said', [
    ([], 8, '--batch_size 1: .* shared among 4 processes. Give --batch_size 4'),
    (['--batch_size', '6'], 8, 'Give --batch_size 8, or another multiple of 4'),
    (['--batch_size', '4'], 3, 'd has 3 frames to train on. Give --nproc_per_node 3 or less'),
    (['--model', 'nearest'], 8, 'no steps to share. Type python train.py'),
    (['--model', 'body2body', '--max_minutes', '0'], 8, 'no steps to share')])
def test_what_ranks_cannot_share_is_one_sentence(flags, frames, said):
    opt = TrainOptions().parse(['--dataroot', 'd', *flags])
    with pytest.raises(UserError, match=said) as refused:
        training_entry.check_shared(opt, frames, Ranks(0, 4))
    assert '\n' not in str(refused.value)
    training_entry.check_shared(opt, frames, ALONE)


@pytest.mark.parametrize('device, gpu_ids, said', [
    ('cuda', None, 'started 4 processes, but this machine has 2 GPU.* --nproc_per_node 2'),
    ('cuda', '0,1', 'has a GPU of its own. Leave that flag out'),
    ('mps', None, 'one Apple GPU in one process. .* add --device cpu')])
def test_processes_without_a_device_each_are_refused(device, gpu_ids, said, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 2)
    monkeypatch.setattr(torch.backends.mps, 'is_available', lambda: True)
    with pytest.raises(UserError, match=said):
        choose_engine(device, gpu_ids, ranks=Ranks(0, 4, 0, 4))


@pytest.mark.parametrize('name', ['transfer', 'preprocess', 'webcam'])
def test_what_works_in_one_process_is_refused_in_several(name, monkeypatch):
    import importlib
    monkeypatch.setenv('WORLD_SIZE', '4')
    with pytest.raises(UserError, match=f'started 4 processes.*python {name}.py instead'):
        importlib.import_module(name).main(['--target', 'me.mp4'])


def test_WORLD_SIZE_alone_is_not_torchrun(monkeypatch):
    monkeypatch.setenv('WORLD_SIZE', '4')
    with pytest.raises(UserError, match='WORLD_SIZE is 4, but RANK is not set'), joined(''):
        pass
