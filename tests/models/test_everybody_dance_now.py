"""Everybody Dance Now: frames from the frame before, stages, faces."""
import numpy as np
import pytest
import torch
from PIL import Image
from torch.testing import assert_close

import test as painting_entry
import train as training_entry
from models import models
from models.engine import Engine
from models.faces import head_squares
from options.train_options import TrainOptions
from pose.skeleton import BODY_25
from tests.conftest import make_pairs
from util import checkpoints
from util.errors import UserError

SMALL = ['--model', 'everybody_dance_now', '--ngf', '4', '--ndf', '4', '--n_downsample_global', '2',
         '--n_blocks_global', '1', '--n_blocks_local', '1', '--n_layers_D', '1']
QUIET = ['--no_html', '--display_id', '0', '--no_compile', '--device', 'cpu']


@pytest.fixture
def built(pairs, small_vgg):
    """built('--stage', ...): a model that trains on 48x48."""
    root = pairs(48, 48)

    def make(*flags):
        opt = TrainOptions().parse(['--dataroot', str(root), *SMALL, *flags])
        torch.manual_seed(0)
        return models.find('everybody_dance_now')(opt, Engine(torch.device('cpu')))
    return make


@pytest.fixture
def run(pairs, small_vgg, tmp_path):
    """run('--name', ...) trains into checkpoints/NAME."""
    root = pairs(48, 48)

    def call(*flags):
        return training_entry.main(['--dataroot', str(root), '--checkpoints_dir', str(tmp_path),
                                    *SMALL, *QUIET, *flags])
    call.root, call.checkpoints = root, tmp_path
    return call


def consecutive(size=48, follows=1.0, heads=True):
    """A batch of one frame and the one before it, with its head in the middle."""
    A, B, before_A, before_B = torch.rand(4, 1, 3, size, size) * 2 - 1
    joints = torch.zeros(1, 25, 3)
    if heads:
        joints[0, BODY_25.index('Nose')] = torch.tensor([size / 2, size / 2, 1])
    return {'A': A, 'B': B, 'before_A': before_A, 'before_B': before_B, 'joints': joints,
            'before_joints': joints, 'follows': torch.tensor([[follows]])}


def watched(model, name):
    """What model.NAME is called with, and gives, from now on."""
    calls, real = [], getattr(model, name)

    def spy(*args):
        calls.append((*args, out := real(*args)))
        return out
    setattr(model, name, spy)
    return calls


def weights(model):
    return {name: {k: v.clone() for k, v in network.state_dict().items()}
            for name, network in model.networks.items()}


def changed(before, after):
    return {name for name in before for k in before[name]
            if k != 'in_use' and not torch.equal(before[name][k], after[name][k])}


def at(model, over):
    """The model as it trains when that part of the run is over."""
    model.on_step_start(over)
    model.set_rate(model.opt.lr)
    return model


def test_G_is_shown_nothing_first_and_then_what_it_painted_itself(built):
    model, batch = at(built(), 0.6), consecutive()
    calls = watched(model, 'frames')
    model.step(batch)
    (x0, nothing, (first,)), (x1, shown, _) = calls
    assert torch.equal(x0, batch['before_A']) and torch.equal(x1, batch['A'])
    assert not nothing.any() and torch.equal(shown, first) and shown.requires_grad


def test_D_judges_two_consecutive_pairs(built):
    model, batch = at(built(), 0.6), consecutive()
    frames, calls = watched(model, 'frames'), watched(model, 'discriminate')
    model.step(batch)
    poses = torch.cat([batch['before_A'], batch['A']], 1)
    (real, fake, _), (first, second) = calls[0], (frame[-1][-1] for frame in frames)
    assert torch.equal(real, torch.cat([poses, batch['before_B'], batch['B']], 1))
    assert torch.equal(fake, torch.cat([poses, first, second], 1).detach())


def test_every_stack_of_hourglasses_is_taught_on_both_frames(built):
    """Newell et al. 2016, Sec. 3.3: the first stack's pictures too are compared with the frames,
    two at a time, and the second frame is painted from the last stack's picture of the first."""
    model, batch = built('--netG', 'stacked_hourglass', '--n_stacks', '2', '--ngf', '2'), \
        consecutive()
    frames, taught = watched(model, 'frames'), watched(model, 'reconstruction')
    losses = model.step(batch)
    (_, _, (early0, fake0)), (_, shown, (early1, fake1)) = frames
    (pair, early, x, _, loss), = taught
    assert torch.equal(shown, fake0) and not torch.equal(early1, fake1)
    assert torch.equal(pair, torch.cat([batch['before_A'], batch['A'], early0, early1], 1))
    assert torch.equal(early, torch.cat([early0, early1]))
    assert torch.equal(x, torch.cat([batch['before_B'], batch['B']]))
    assert losses['G_stack1'] == loss.detach() > 0 and 'G_stack2' not in losses
    assert torch.equal(model.frame(batch['A'], fake0), model.frames(batch['A'], fake0)[-1])


def test_painting_goes_on_from_the_frame_before_or_from_nothing(built):
    model = at(built(), 0.6)
    batch, before = consecutive(follows=0.0), torch.rand(1, 3, 48, 48)
    calls = watched(model, 'frame')
    model.paint(batch, before)
    model.paint(batch, None)
    assert torch.equal(calls[0][1], before) and not calls[1][1].any() and len(calls) == 2


def test_a_single_picture_looks_as_within_its_film(built):
    """Training's pages and scores: the frame before is painted first, from nothing."""
    model, batch = at(built(), 0.6), consecutive()
    first = model.paint({'A': batch['before_A']}, None)
    assert_close(model.paint(batch, None), model.paint({'A': batch['A']}, first))


def test_each_stage_trains_what_belongs_to_it(built):
    model, batch = built(), consecutive()
    for over, stage, trained in ((0.0, 'global', {'G', 'Gcoarse', 'D'}),
                                 (0.5, 'local', {'G', 'D'}), (0.9, 'face', {'Gface', 'Dface'})):
        before = weights(at(model, over))
        model.step(batch)
        assert model.plan.stage == stage and changed(before, weights(model)) == trained
        if stage == 'global':
            moved = {k.partition('.')[0] for k, v in model.networks['G'].state_dict().items()
                     if not torch.equal(v, before['G'][k])}
            assert moved == {'model'}, 'an enhancer was trained in the global stage'


def test_the_global_stage_works_at_half_size_with_the_scales_that_it_will_have_later(built):
    model, batch = built(), consecutive()
    calls = watched(model, 'discriminate')
    at(model, 0.0).step(batch)
    at(model, 0.5).step(batch)
    (coarse, _, said_coarse), (fine, _, said_fine) = ((c[0], c[1], c[2][0]) for c in calls)
    assert coarse.shape[-1] == 24 and fine.shape[-1] == 48
    assert (len(said_coarse), len(said_fine)) == (2, 3)
    assert [s[-1].shape for s in said_coarse] == [s[-1].shape for s in said_fine[1:]]
    assert model.paint(batch).shape == batch['A'].shape


def test_each_stage_has_a_course_of_its_own(built):
    model = built()
    rates = [at(model, over).optimizers['G'].param_groups[0]['lr'] / model.opt.lr
             for over in (0.0, 0.449, 0.451, 0.849, 0.851, 1.0)]
    assert rates == pytest.approx([1, 0, 1, 0, 1, 0], abs=0.01)


def test_a_longer_run_never_trains_half_of_a_whole_generator_again(built):
    model = built()
    assert [at(model, over).plan.stage for over in (0.1, 0.5, 0.9, 0.3, 0.5, 0.9)] == [
        'global', 'local', 'face', 'local', 'local', 'face']


def test_the_face_is_trained_on_the_averaged_generator(built):
    model, batch = built('--ema', '0.9'), consecutive()
    for over in (0.0, 0.5, 0.6):
        at(model, over).step(batch)
        model.on_step_end()
    equal = lambda: all(torch.equal(a, b) for a, b in zip(
        model.networks['G'].parameters(), model.ema.networks['G'].parameters()))
    assert model.ema.updates == 2 and not equal()
    assert at(model, 0.9).ema.updates == 0 and equal()
    assert not model.coarse and not model.ema.networks['Gcoarse'].in_use


def test_faces_begin_as_they_were_and_change_within_their_square_only(built):
    model, batch = at(built(), 0.9), consecutive(follows=0.0)
    whole = model.paint(batch | {'joints': consecutive(heads=False)['joints']})
    assert torch.equal(model.paint(batch), whole)
    for _ in range(2):
        model.step(batch)
    differs = (model.paint(batch) != whole).any(1)[0]
    rows, columns = differs.nonzero().T
    assert differs.any() and (rows.min(), columns.min()) >= (16, 16)
    assert max(rows.max(), columns.max()) < 32


def test_a_frame_without_a_head_teaches_the_face_nothing(built):
    model = at(built(), 0.9)
    before = weights(model)
    losses = model.step(consecutive(heads=False))
    assert not changed(before, weights(model))
    assert losses.keys() == model.step(consecutive()).keys()


def test_a_heads_square_lies_about_it_and_within_the_picture():
    joints = torch.zeros(4, 25, 3)
    joints[0, BODY_25.index('Nose')] = torch.tensor([50.0, 40, 1])
    joints[1, BODY_25.index('REar')] = torch.tensor([1.0, 2, 0.1])
    joints[2, BODY_25.index('LAnkle')] = torch.tensor([50.0, 40, 1])
    joints[3, [BODY_25.index('REye'), BODY_25.index('LEye')]] = torch.tensor(
        [[90.0, 70, 1], [98, 70, 1]])
    squares = [(b.start, y.start, y.stop, x.start, x.stop)
               for b, _, y, x in head_squares(joints, 100, 80, 20)]
    assert squares == [(0, 30, 50, 40, 60), (1, 0, 20, 0, 20), (3, 60, 80, 80, 100)]


def test_the_square_is_the_papers_part_of_the_picture(built):
    model = built()
    joints = consecutive()['joints']
    sides = [model.squares(joints, torch.zeros(1, 3, side, side))[0][2] for side in (512, 256, 24)]
    assert [square.stop - square.start for square in sides] == [128, 64, 16]


EIGHTEEN = ['--n_epochs', '2', '--n_epochs_decay', '1', '--pool_size', '2', '--name']


@pytest.fixture(scope='module')
def straight(small_vgg, tmp_path_factory):
    """The folder of a run of 18 steps that nothing stopped."""
    folder = tmp_path_factory.mktemp('straight')
    training_entry.main(['--dataroot', str(make_pairs(folder / 'toy', 48, 48)), '--checkpoints_dir',
                         str(folder), *SMALL, *QUIET, *EIGHTEEN, 'straight'])
    return folder / 'straight'


@pytest.mark.parametrize('stop, stage', [(4, 'global'), (12, 'local'), (17, 'face')])
def test_a_run_goes_on_exactly_in_every_stage(stop, stage, run, straight):
    """Of 18 steps 9 are global, 7 local and 2 the face's."""
    run(*EIGHTEEN, 'stopped', '--max_steps', str(stop))
    folders = [straight, run.checkpoints / 'stopped']
    assert checkpoints.read(folders[1] / 'latest_state.pth')['model']['stage'] == stage
    training_entry.main(['--name', 'stopped', '--checkpoints_dir', str(run.checkpoints),
                         '--device', 'cpu', '--continue_train'])
    files = [sorted(folder.glob('latest_net_*.pth')) for folder in folders]
    assert [p.name[11:-4] for p in files[0]] == ['D', 'Dface', 'G', 'Gcoarse', 'Gface']
    for pair in zip(*files, strict=True):
        a, b = (torch.load(path, weights_only=True) for path in pair)
        assert all(torch.equal(a[k], b[k]) for k in a)


def painted(run, name, *flags):
    page = painting_entry.main(['--name', name, '--checkpoints_dir', str(run.checkpoints),
                                '--results_dir', str(run.checkpoints / 'r'), '--no_video',
                                '--device', 'cpu', '--metrics', 'fast', *flags])
    return [np.asarray(Image.open(p))
            for p in sorted((page.parent / 'images').glob('*_fake_B.png'))]


def test_weights_kept_in_an_earlier_stage_paint_as_they_did(run):
    """Epoch 1 of 4 is global: its pictures are those of half the size."""
    run('--name', 'me', '--n_epochs', '3', '--n_epochs_decay', '1', '--save_epoch_freq', '1')
    folder = run.checkpoints / 'me'
    use = [bool(checkpoints.read(folder / f'{epoch}_net_Gcoarse.pth')['in_use'])
           for epoch in (1, 4)]
    assert use == [True, False]
    assert not np.array_equal(painted(run, 'me', '--epoch', '1')[1],
                              painted(run, 'me', '--epoch', '4')[1])


def test_poses_alone_are_painted_in_order_too(run):
    """The dataset of a transfer: what follows is painted from the frame before, faces too."""
    run('--name', 'me', '--n_epochs', '1', '--n_epochs_decay', '0')
    pairs, poses = (painted(run, 'me', '--dataset_mode', mode) for mode in ('sequence', 'single'))
    assert all(np.array_equal(a, b) for a, b in zip(pairs, poses)) and len(poses) == 3


def test_stages_one_at_a_time_go_on_from_one_another(run, capsys):
    once = ['--n_epochs', '1', '--n_epochs_decay', '0', '--name']
    run(*once, 'g', '--stage', 'global', '--ngf', '8')
    run(*once, 'l', '--stage', 'local', '--load_pretrain', 'g')
    run(*once, 'f', '--stage', 'face', '--load_pretrain', 'l')
    state = lambda name: checkpoints.read(run.checkpoints / name / 'latest_net_G.pth')
    assert all(torch.equal(v, state('f')[k]) for k, v in state('l').items())
    assert {p.name for p in (run.checkpoints / 'g').glob('latest_net_*')} == {
        'latest_net_D.pth', 'latest_net_G.pth'}
    assert len(painted(run, 'f')) == 3 and len(painted(run, 'g')) == 3
    assert 'taken over' in capsys.readouterr().out


@pytest.mark.parametrize('flags, said', [
    ('--stage face', '--load_pretrain'), ('--dataset_mode aligned', '--dataset_mode sequence'),
    ('--stage local --netG global', 'no enhancer'), ('--face_discrim', '--face_generator'),
    ('--stage global --face_generator', 'trains no face'), ('--face_size 0', 'give 1 or more'),
    ('--niter_fix_global 2', '--stage local'), ('--lr_policy plateau', 'linear or cosine')])
def test_what_makes_no_sense_is_one_sentence(flags, said, run):
    with pytest.raises(UserError, match=said):
        run('--name', 'me', *flags.split())


def test_without_joints_the_face_stage_is_refused_and_auto_says_so(run, capsys):
    (run.root / 'poses.npz').unlink()
    with pytest.raises(UserError, match='preprocess.py --video'):
        run('--name', 'me', '--stage', 'face', '--load_pretrain', 'x')
    run('--name', 'me', '--max_steps', '1')
    assert 'no face stage' in capsys.readouterr().out
    assert not list(run.checkpoints.glob('me/*face*'))


def test_painting_without_joints_says_that_faces_stay(run, capsys):
    run('--name', 'me', '--n_epochs', '1', '--n_epochs_decay', '0')
    (run.root / 'poses.npz').unlink()
    assert len(painted(run, 'me')) == 3
    assert 'faces stay' in capsys.readouterr().err
