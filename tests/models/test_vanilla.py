"""--model vanilla and vanilla_gan: 13 joints as 26 numbers, and the joints that datasets give."""
import json

import numpy as np
import pytest
import torch
from conftest import fitting
from torch import nn

import test as painting_entry
import train as training_entry
from data import datasets
from models import models
from models.engine import Engine
from models.networks.deconv import DeconvGenerator, PictureDiscriminator
from models.vanilla_model import JOINTS, vector
from options.train_options import TrainOptions
from pose.draw import draw_pose
from pose.skeleton import BODY_25, COCO_18, MEDIAPIPE, convert, mirror
from pose.track import PoseTrack
from tests.pose.test_draw import figure
from tests.preprocessing.test_redraw import SIZE, dataset
from util.errors import UserError

MOVED = ['--flip', '--rotate', '15', '--scale', '0.1', '--shift', '0.05']


def opened(root, *flags, mode='aligned', phase='train'):
    opt = TrainOptions().parse(['--dataroot', str(root), *flags])
    return datasets.find(mode)(opt, phase)


def made(*flags, model='vanilla', ngf='2'):
    torch.manual_seed(0)
    opt = TrainOptions().parse(['--dataroot', 'x', '--model', model, '--ngf', ngf,
                                *fitting(model, '--ndf', '4'), *flags])
    return models.find(model)(opt, Engine(torch.device('cpu')))


def batch(size=(40, 24)):
    torch.manual_seed(1)
    width, height = size
    A, B = torch.rand(2, 2, 3, height, width) * 2 - 1
    place = torch.rand(2, 25, 2) * torch.tensor([width - 1, height - 1])
    return {'A': A, 'B': B, 'joints': torch.cat([place, torch.ones(2, 25, 1)], 2)}


def widths(network, kind):
    return [layer.out_channels for layer in network.modules() if isinstance(layer, kind)]


def test_the_vector_is_13_joints_from_edge_to_edge_and_0_for_what_is_not_seen():
    pose = torch.zeros(1, 25, 3)
    pose[0, BODY_25.index('Nose')] = torch.tensor([-0.5, 9.5, 0.9])     # left edge, half way down
    pose[0, BODY_25.index('RAnkle')] = torch.tensor([29.5, 19.5, 0.3])  # the lower right corner
    numbers = vector(pose, 30, 20)
    assert numbers.shape == (1, 26, 1, 1)
    wanted = torch.zeros(26)
    wanted[1], wanted[-2], wanted[-1] = 0.5, 1, 1
    assert torch.equal(numbers.flatten(), wanted)


def test_the_joints_are_those_of_the_course_in_its_order():
    """Its reduced skeleton names them by MediaPipe's landmarks."""
    assert [MEDIAPIPE[joint] for joint in JOINTS] == [0, *range(11, 17), *range(23, 29)]


def test_the_vector_is_the_same_in_either_numbering_and_at_any_size():
    pose = figure(0.9)
    coco = convert(pose, BODY_25, COCO_18)
    larger = pose.copy()
    larger[:, :2] = (pose[:, :2] + 0.5) * 3 - 0.5
    numbers = vector(torch.tensor(pose)[None], *SIZE)
    assert torch.equal(numbers, vector(torch.tensor(coco, dtype=torch.float32)[None], *SIZE))
    assert torch.allclose(numbers, vector(torch.tensor(larger)[None], *(3 * s for s in SIZE)),
                          atol=1e-6)


@pytest.mark.parametrize('side, wanted', [
    (64, [128, 64, 32, 16, 3]), (128, [256, 128, 64, 32, 16, 3]),
    (256, [512, 256, 128, 64, 32, 16, 3])])
def test_a_larger_picture_has_more_layers(side, wanted):
    network = DeconvGenerator(26, 3, side)
    assert widths(network, nn.ConvTranspose2d) == wanted
    assert network(torch.rand(2, 26, 1, 1)).shape == (2, 3, side, side)
    encoder = DeconvGenerator(3, 3, side, ngf=2, encode=True)
    assert encoder(torch.rand(2, 3, side, side)).shape == (2, 3, side, side)


def test_the_adversary_gives_one_logit_for_a_picture():
    assert widths(PictureDiscriminator(3), nn.Conv2d) == [64, 128, 256, 512, 1]
    for side in (64, 128, 256):
        assert PictureDiscriminator(3, side, 2)(torch.rand(2, 3, side, side)).numel() == 2


@pytest.mark.parametrize('model', ['vanilla', 'vanilla_gan'])
def test_the_vector_is_all_that_a_vector_generator_sees(model):
    model, poses = made(model=model), batch()
    painted = model.paint(poses)
    assert painted.shape == poses['A'].shape
    assert torch.equal(model.paint(poses | {'A': -poses['A']}), painted)
    elsewhere = poses['joints'] * torch.tensor([0.5, 1, 1])
    assert not torch.equal(model.paint(poses | {'joints': elsewhere}), painted)


@pytest.mark.parametrize('model', ['vanilla', 'vanilla_gan'])
def test_the_drawn_pose_is_all_that_an_image_generator_sees(model):
    model, poses = made('--skeleton_input', 'image', model=model), batch()
    painted = model.paint({'A': poses['A']})
    assert painted.shape == poses['A'].shape
    assert not torch.equal(model.paint({'A': -poses['A']}), painted)
    assert torch.isfinite(torch.stack(list(model.step({k: poses[k] for k in 'AB'}).values()))).all()


def test_the_loss_is_the_one_asked_for_at_the_generators_size():
    pair, losses = batch((64, 64)), {}
    for loss in ('L1', 'L2'):
        model = made('--loss', loss)
        fake = model.painted(pair).detach()
        losses |= {name: (float(value), fake) for name, value in model.step(pair).items()}
    (l1, fake), (l2, _) = losses['G_L1'], losses['G_L2']
    assert l1 == pytest.approx(float((fake - pair['B']).abs().mean()))
    assert l2 == pytest.approx(float(((fake - pair['B']) ** 2).mean()))


def test_without_its_adversary_vanilla_gan_is_vanilla():
    pair = batch()
    alone, two = made(), made('--lambda_GAN', '0', '--lambda_distance', '1', model='vanilla_gan')
    for _ in range(3):
        distance = float(alone.step(pair)['G_L1'])
        assert float(two.step(pair)['G_L1']) == pytest.approx(distance, rel=1e-4)
    moved = made('--lambda_distance', '1', model='vanilla_gan')
    losses = moved.step(pair)
    assert set(losses) == {'G_GAN', 'G_L1', 'D_real', 'D_fake'}
    same = [torch.allclose(a, b, atol=1e-5) for a, b in zip(
        made('--lambda_GAN', '0', '--lambda_distance', '1', model='vanilla_gan')
        .networks['G'].parameters(), moved.networks['G'].parameters())]
    assert not all(same), 'what D says moves G'


def test_the_adversary_learns_to_tell_painted_from_true():
    model, pair = made(model='vanilla_gan'), batch()
    model.set_rate(2e-3)
    first, *_, last = [sum(float(v) for k, v in model.step(pair).items() if k[0] == 'D')
                       for _ in range(20)]
    assert last < first / 2


def test_a_dataset_without_joints_is_refused_with_the_fix(pairs, tmp_path):
    root = pairs(train=2, val=1)
    flags = ['--dataroot', str(root), '--name', 'me', '--checkpoints_dir', str(tmp_path / 'ck'),
             '--no_html', '--display_id', '0', '--device', 'cpu', '--ngf', '2', '--max_steps', '2']
    (root / 'poses.npz').rename(tmp_path / 'kept')
    with pytest.raises(UserError, match='no poses.npz.*--skeleton_input image.*preprocess.py'):
        training_entry.main([*flags, '--model', 'vanilla'])
    assert not (tmp_path / 'ck' / 'me' / 'run.json').exists()
    training_entry.main([*flags, '--model', 'vanilla', '--skeleton_input', 'image'])
    painting_entry.main([*flags[:6], '--results_dir', str(tmp_path / 'r'), '--no_video',
                         '--metrics', 'fast'])
    (tmp_path / 'kept').rename(root / 'poses.npz')
    (root / 'train' / '000002.png').rename(root / 'train' / 'mine.png')
    with pytest.raises(UserError, match='knows the joints of each of its images'):
        training_entry.main([*flags, '--overwrite', '--model', 'vanilla'])


def test_another_netG_is_said_to_have_no_effect(capsys):
    assert made('--netG', 'unet_128').opt.netG == 'deconv'
    assert '--netG unet_128 has no effect' in capsys.readouterr().err
    made()
    assert not capsys.readouterr().err


# -- the joints that a dataset gives -----------------------------------------------------------

@pytest.mark.parametrize('direction', ['AtoB', 'BtoA'])
@pytest.mark.parametrize('layout', ['pairs', 'folders'])
def test_the_joints_are_moved_with_the_pose(layout, direction, tmp_path):
    items = opened(dataset(tmp_path / 'me', layout), *MOVED, '--drop_limb', '0.2', '--direction',
                   direction)
    half = 'A' if direction == 'AtoB' else 'B'
    for k in range(12):
        item = items.item(k % 3, np.random.default_rng(k))
        assert item['joints'].dtype == np.float32
        assert np.array_equal(draw_pose(item['joints'], SIZE, line_width=2.0), item[half])


@pytest.mark.parametrize('flags', [
    ['--load_size', '200', '--crop_size', '180'], ['--load_size', '60', *MOVED],
    ['--preprocess', 'crop', '--crop_size', '90', *MOVED]])
def test_the_joints_are_resized_and_cropped_with_the_pose(flags, tmp_path):
    items = opened(dataset(tmp_path / 'me', line_width=6.0), *flags)
    for k in range(12):
        item = items.item(k % 3, np.random.default_rng(k))
        side = len(item['A'])
        places = item['joints'][item['joints'][:, 2] > 0, :2].round().astype(int)
        inside = places[((places >= 0) & (places < side)).all(1)]
        assert len(inside) > 8 and item['A'][inside[:, 1], inside[:, 0]].any(-1).all()
    whole = items.item(0)['joints']
    assert not whole[whole[:, 2] == 0].any(), 'what is not seen stays 0, 0, 0'


def test_joints_of_mirrored_pixels_are_mirrored(tmp_path):
    """A dataset that does not say how its poses are drawn: only its pixels can be mirrored."""
    root = dataset(tmp_path / 'me')
    (root / 'dataset.json').write_text(json.dumps({'layout': 'pairs', 'size': list(SIZE)}))
    items = opened(root, '--flip')
    straight = items.item(0)
    both = [items.item(0, np.random.default_rng(k)) for k in range(8)]
    for item in both:
        flipped = not np.array_equal(item['B'], straight['B'])
        wanted = mirror(straight['joints'], BODY_25, SIZE[0]) if flipped else straight['joints']
        assert np.allclose(item['joints'], wanted)
    assert len({item['joints'].tobytes() for item in both}) == 2


@pytest.mark.parametrize('layout', ['pairs', 'folders', 'poses'])
def test_poses_alone_have_the_joints_of_pairs(layout, tmp_path):
    root = dataset(tmp_path / 'me', layout)
    track = PoseTrack.load(root / 'poses.npz')
    for flags, scale in (([], 1), (['--preprocess', 'scale_width', '--load_size',
                                    str(2 * SIZE[0])], 2)):
        item = opened(root, *flags, mode='single', phase='val').item(0)
        row = int(item['A_paths'][-10:-4]) - 1 - track.index[0]
        seen = track.poses[row, :, 2] > 0
        assert np.allclose((item['joints'][seen, :2] + 0.5) / scale,
                           track.poses[row, seen, :2] + 0.5)


def test_joints_of_other_pictures_are_not_taken_for_these(tmp_path):
    root = dataset(tmp_path / 'me')
    assert 'joints' in opened(root).item(0)
    track = PoseTrack.load(root / 'poses.npz')
    PoseTrack(track.poses, track.times, track.index, track.skeleton, (64, 64)).save(
        root / 'poses.npz')
    assert 'joints' not in opened(root).item(0)
    assert 'joints' not in opened(root, mode='single').item(0)
