"""A run stopped before its first step is started again by the command that goes on with it."""
import os

import pytest
import torch
from conftest import fitting
from killed import kill_before

import test as painting
import train as training
import transfer
from data.aligned_dataset import AlignedDataset
from models import artefacts
from models.body2body_model import Body2BodyModel
from models.engine import choose_engine
from models.warping.frame_index import FrameIndex
from options.train_options import TrainOptions
from util import checkpoints
from util.errors import UserError
from util.noted import state_of
from util.runs import RunFolder

pytestmark = pytest.mark.skipif(not hasattr(os, 'fork'), reason='kills processes that it forks')

STARTS = {'record': ('run.json', 1), 'state': ('latest_state.pth', 1),
          'G': ('latest_net_G.pth', 1), 'D': ('latest_net_D.pth', 1), 'index': ('index', 1),
          'plate': ('plate', 1), 'mattes': ('mattes', 1), 'step': ('latest_net_G.pth', 2)}


@pytest.fixture
def command(pairs, small, tmp_path):
    """command(model) is the argv of a quiet run of one step, but for its name."""
    root = pairs(64, 64, train=12, val=3)

    def call(model):
        return ['--dataroot', str(root), '--checkpoints_dir', str(tmp_path / 'ck'), '--model',
                model, *fitting(model, *small, '--no_vgg_loss'), '--max_steps', '1', '--no_html']
    return call


def again(command, name, checkpoints):
    """The same command once more, as transfer.py gives it."""
    run = RunFolder(str(checkpoints), name, artefacts())
    return training.main(['--name', name, *command,
                          *(['--continue_train'] if run.has_weights else [])])


def paint(name, model, command, tmp_path):
    return painting.main([*command[:4], '--name', name, '--model', model, '--no_video',
                          '--results_dir', str(tmp_path / 'r'), '--metrics', 'none'])


def files(folder):
    """What a run learnt: its weights and, of what it keeps besides, the bytes."""
    kept = {str(path.relative_to(folder)): path.read_bytes()
            for part in ('index', 'mattes') for path in (folder / part).glob('*.png')}
    weights = {path.name: torch.load(path) for path in folder.glob('latest_net_*.pth')}
    return kept, weights


@pytest.mark.parametrize('names', [('plate', 'step'),
                                   pytest.param(tuple(STARTS), marks=pytest.mark.slow)])
def test_a_run_killed_at_any_moment_before_its_first_step_goes_on_as_if_it_was_not(names, command,
                                                                                  tmp_path):
    argv, checkpoints = command('body2body'), tmp_path / 'ck'
    training.main(['--name', 'straight', *argv])
    kept, weights = files(checkpoints / 'straight')
    kill_before({name: STARTS[name] for name in names}, argv)
    for name in names:
        if name != 'step':
            with pytest.raises(UserError, match='Go on with it|no such checkpoint'):
                paint(name, 'body2body', argv, tmp_path)
        again(argv, name, checkpoints)
        kept_there, weights_there = files(checkpoints / name)
        assert kept_there == kept, name
        assert weights_there.keys() == weights.keys()
        assert all(torch.equal(weights_there[file][key], weights[file][key])
                   for file in weights for key in weights[file]), name
        assert paint(name, 'body2body', argv, tmp_path).is_file()


def test_the_model_that_does_not_train_goes_on_too(command, tmp_path):
    argv, checkpoints = command('nearest'), tmp_path / 'ck'
    argv = argv[:argv.index('--max_steps')]
    points = {'state': ('latest_state.pth', 1), 'index': ('index', 1),
              'learnt': ('latest_state.pth', 2)}
    kill_before(points, argv)
    for name in points:
        if name != 'learnt':            # all was decided, and counts as done
            with pytest.raises(UserError, match='Go on with it, unless it is running'):
                paint(name, 'nearest', argv, tmp_path)
        assert again(argv, name, checkpoints) is True
        assert paint(name, 'nearest', argv, tmp_path).is_file()
    kill_before({'typed': ('index', 1)}, argv)
    assert training.main(['--name', 'typed', *argv, '--continue_train']) is True


@pytest.mark.parametrize('model', ['nearest', 'body2body'])
def test_a_painting_that_a_training_overtakes_says_so_and_keeps_the_pictures_before(
        model, command, tmp_path, monkeypatch):
    """The training comes to its end while a frame is read, or is stopped as it removes frames."""
    argv = command(model)
    argv = [*argv[:argv.index('--max_steps')], '--name', 'me']
    argv += ['--max_minutes', '0'] if model == 'body2body' else []
    training.main(argv)
    page = paint('me', model, argv, tmp_path)
    before = {path.name: path.read_bytes() for path in page.parent.rglob('*.png')}
    read = FrameIndex.read

    def overtaken(index, row):
        patch.setattr(FrameIndex, 'read', read)
        training.main([*argv, '--overwrite'])
        return read(index, row)

    def stopped_at_poses(path):         # the frames are gone by then
        if path.name == 'poses.npz':
            raise KeyboardInterrupt
        return state_of(path)

    def stopped_within(index, row):
        patch.setattr(FrameIndex, 'read', read)
        patch.setattr('util.owned.state_of', stopped_at_poses)
        with pytest.raises(KeyboardInterrupt):
            training.main([*argv, '--overwrite'])
        return read(index, row)
    for happens in (overtaken, stopped_within):
        with monkeypatch.context() as patch:
            patch.setattr(FrameIndex, 'read', happens)
            with pytest.raises(UserError, match='another training replaces this run'):
                paint('me', model, argv, tmp_path)
        assert {path.name: path.read_bytes() for path in page.parent.rglob('*.png')} == before


def test_a_start_leaves_nothing_of_another_person_beside_its_index(command, tmp_path,
                                                                  monkeypatch):
    """Its background and its mattes go before the new index comes; what nobody here wrote stays."""
    old = ['mattes/999999.png', 'plate/plate.npz', 'plate/plate.png', 'index/999999.png']
    for name in [*old, 'mattes/notes.txt']:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text('')
    opt = TrainOptions().parse(command('body2body'))
    model = Body2BodyModel(opt, choose_engine('cpu'))
    monkeypatch.setattr(FrameIndex, 'plate', stopped)
    with pytest.raises(KeyboardInterrupt):
        model.on_train_start(AlignedDataset(opt, 'train'), tmp_path)
    assert (tmp_path / 'index' / 'poses.npz').is_file()
    assert not [name for name in old if (tmp_path / name).exists()]
    assert (tmp_path / 'mattes' / 'notes.txt').exists()


def test_weights_of_another_run_are_not_lost_where_the_first_step_was_not_made(command, tmp_path,
                                                                              monkeypatch):
    argv, folder = command('pix2pix'), tmp_path / 'ck' / 'me'
    training.main(['--name', 'me', *argv])
    (folder / 'latest_state.pth').unlink()
    learnt = torch.load(folder / 'latest_net_G.pth')
    with monkeypatch.context() as patch:
        patch.setattr('models.pix2pix_model.Pix2PixModel.on_train_start', stopped)
        with pytest.raises(KeyboardInterrupt):
            training.main(['--name', 'me', *argv, '--continue_train'])
    training.main(['--name', 'me', *argv, '--continue_train', '--lr', '1e-12'])
    after = torch.load(folder / 'latest_net_G.pth')
    assert all(torch.allclose(after[key], learnt[key], atol=1e-6) for key in learnt
               if key.endswith('weight'))


def test_a_first_save_on_a_full_disk_advises_what_works(tmp_path, monkeypatch):
    file = tmp_path / 'latest_net_G.pth'
    with monkeypatch.context() as patch:
        patch.setattr(torch, 'save', no_room)
        with pytest.raises(UserError, match='give the same command again') as told:
            checkpoints.save({file: {}})
    assert '--continue_train' not in str(told.value)
    checkpoints.save({file: {}})
    monkeypatch.setattr(torch, 'save', no_room)
    with pytest.raises(UserError, match='untouched.*--continue_train'):
        checkpoints.save({file: {}})


def no_room(*given):
    raise RuntimeError('unexpected pos 64 vs 0')


def stopped(*given):
    raise KeyboardInterrupt


def test_the_same_transfer_command_goes_on(prepared, demo_videos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    argv = ['--target', str(demo_videos[0]), '--source', str(demo_videos[1]), '--name', 'me',
            '--datasets_dir', str(prepared.parent), '--minutes', '0.02',
            '--train_args', '--ngf 4 --ndf 4 --display_id 0 --no_compile --device cpu '
            '--no_vgg_loss --max_dataset_size 12', '--test_args', '--metrics none --num_test 3']
    with monkeypatch.context() as patch:
        patch.setattr(Body2BodyModel, 'on_train_start', stopped)
        with pytest.raises(KeyboardInterrupt):
            transfer.main(argv)
    assert transfer.main(argv).is_file()
