"""--model body2body: real frames bent into the pose, over the background, and what refines them."""
import json
import shutil

import numpy as np
import pytest
import torch
from conftest import SMALL, fitting, make_pairs
from PIL import Image

import test as painting
import train as training
from data.aligned_dataset import AlignedDataset
from data.loader import Loader
from models import body2body_model
from models.engine import choose_engine
from models.warping import canvas, frame_index, painter
from models.warping.canvas import Canvas
from models.warping.frame_index import FrameIndex
from models.warping.kept import NEEDED
from models.warping.selection import choose
from models.warping.settings import (
    BlendSettings,
    Body2BodySettings,
)
from options.train_options import TrainOptions
from pose.matching.coverage import APART
from pose.silhouette import person_mask
from scene.background import make_plate
from util.errors import UserError


class Run:
    """train('--flag', ...) and paint('--flag', ...) -> frames, of a run named me in a folder."""
    flags = ('--model', 'body2body', *fitting('body2body', *SMALL), '--no_html')

    def __init__(self, place, root):
        self.place, self.root, self.folder = place, root, place / 'ck' / 'me'
        self.named = ['--name', 'me', '--checkpoints_dir', str(place / 'ck')]

    def train(self, *flags):
        return training.main(['--dataroot', str(self.root), *self.named, *self.flags, *flags])

    def paint(self, *flags):
        page = painting.main([*self.named, '--results_dir', str(self.place / 'r'), '--no_video',
                              '--metrics', 'none', *map(str, flags)])
        return [np.asarray(Image.open(p)).astype(float) for p in sorted(
            (page.parent / 'images').glob('*_fake_B.png'))]


@pytest.fixture
def run(pairs, small_vgg, tmp_path):
    """A run that is not yet trained, with a dataset of its own."""
    return Run(tmp_path, pairs(64, 64, train=80, val=5))


@pytest.fixture(scope='module')
def one_step(small_vgg, tmp_path_factory):
    """A run that was trained for one step; neither it nor its dataset is to be changed."""
    place = tmp_path_factory.mktemp('one_step')
    run = Run(place, make_pairs(place / 'toy', 64, 64, train=80, val=5))
    run.train('--max_steps', '1')
    return run


@pytest.fixture
def trained(one_step, tmp_path):
    """A copy of that run, which may be changed, and the dataset it learnt from, which may not."""
    shutil.copytree(one_step.folder, tmp_path / 'ck' / 'me')
    return Run(tmp_path, one_step.root)


def real(root, phase='val'):
    return [np.asarray(Image.open(p)).astype(float)[:, 64:] for p in sorted(
        (root / phase).glob('*.png'))]


def test_before_it_has_learnt_anything_it_shows_real_pixels(run):
    run.train('--max_steps', '1', '--lr', '1e-9')
    for ours, true in zip(run.paint(), real(run.root), strict=True):
        assert np.abs(ours - true).mean() < np.abs(true - true.mean((0, 1))).mean() / 2


def test_the_dataset_it_learnt_from_is_not_needed_to_paint(run, pairs):
    run.train('--max_steps', '2')
    other = pairs(64, 64, name='other')
    before = run.paint('--dataroot', other)
    shutil.rmtree(run.root)
    assert all(map(np.array_equal, before, run.paint('--dataroot', other)))


def test_while_training_no_near_copy_of_a_frame_may_help_to_paint_it(trained):
    index = FrameIndex(trained.folder / 'index')
    dataset = AlignedDataset(TrainOptions().parse(['--dataroot', str(trained.root)]), 'train')
    chosen = choose(index, dataset, 2, fitted=True, mirrored=True)
    for i in range(len(dataset)):
        rows = chosen[str(dataset.path(i))]
        times = index.both.times[rows]
        assert np.abs(times - index.track.times[i]).min() > APART


@pytest.mark.parametrize('wrong', [0.0, 1.0])
def test_wrong_frames_are_shown_while_training_but_no_near_copies(run, wrong, tmp_path):
    opt = TrainOptions().parse(['--dataroot', str(run.root), *run.flags])
    dataset = AlignedDataset(opt, 'train')
    model = body2body_model.Body2BodyModel(opt, choose_engine('cpu'))
    model.on_train_start(dataset, tmp_path)
    torch.manual_seed(0)
    cutout, times = model.index.cutout, model.index.both.times
    rows = []
    model.index.loose_cutout = lambda row, channels: rows.append(row) or cutout(row, channels)
    for i in (0, 40, 79):
        rows.clear()
        for _ in range(6):
            model.retrieve(model.engine.to_batch(Loader(dataset).batch([i])), wrong)
        assert (np.abs(times[rows] - times[i]) > APART).all()
        assert (len(set(rows)) > 2) == bool(wrong)


def test_the_background_is_made_of_frames_read_one_at_a_time(trained, monkeypatch):
    monkeypatch.setattr(frame_index, 'REMEMBERED', 1)
    index = FrameIndex(trained.folder / 'index')
    held = []
    monkeypatch.setattr(frame_index, 'make_plate', lambda frames, masks, numbers: held.append(
        (frames, masks)) or make_plate(frames, masks, numbers))
    plate = index.plate()
    (frames, masks), = held
    assert not isinstance(frames, list) and len(list(zip(frames, masks))) == len(index.track)
    assert index.frame.cache_info().currsize <= 1
    at_once = make_plate(list(frames), list(masks), index.track.index)
    assert np.array_equal(plate.picture, at_once.picture)
    with pytest.raises(IndexError):
        frames[len(frames)]


def test_a_still_camera_shows_its_background_once(run, tmp_path):
    opt = TrainOptions().parse(['--dataroot', str(run.root), *run.flags])
    dataset = AlignedDataset(opt, 'train')
    model = body2body_model.Body2BodyModel(opt, choose_engine('cpu'))
    model.on_train_start(dataset, tmp_path)
    batch = model.engine.to_batch(Loader(dataset).batch([3]))
    first, again = model.background(batch), model.background(batch)
    assert torch.equal(first.packed, again.packed)
    assert model.backdrop.view.cache_info()[:2] == (1, 1)
    path = batch['A_paths'][0]
    model.shots[path] = model.shots[path]._replace(camera=np.diag([1.5, 1.5, 1]))
    assert not torch.equal(model.background(batch).packed, first.packed)


def test_the_mattes_are_kept_and_their_frames_person_stands_out(trained):
    index = FrameIndex(trained.folder / 'index')
    blue = np.array([20, 60, 230])
    for row in (3, 40, 83):                 # 83: a mirrored one
        person = np.abs(index.frame(row).astype(int) - blue).sum(-1) < 60
        matte = index.cutout(row)[..., 3] > 127
        assert (matte & person).sum() > 0.4 * person.sum() and matte[~person].mean() < 0.05


@pytest.mark.parametrize('part', NEEDED)
def test_a_run_that_lacks_a_part_says_which_and_how_to_get_it(trained, part):
    lost = trained.folder / part
    shutil.rmtree(lost) if lost.is_dir() else lost.unlink()
    with pytest.raises(UserError, match=f'{part} is missing.*--overwrite'):
        trained.paint()


def test_a_damaged_state_of_the_latest_epoch_stops_no_other_one(trained):
    (trained.folder / 'latest_state.pth').write_bytes(b'damaged')
    for file in list(trained.folder.glob('latest_net_G*.pth')):
        shutil.copy(file, file.with_name(file.name.replace('latest', '50')))
    assert trained.paint('--epoch', '50')
    with pytest.raises(UserError, match='latest_state'):
        trained.paint()


def test_weights_of_another_version_are_told_to_be_trained_anew(trained):
    for file in trained.folder.glob('latest_net_G*.pth'):
        weights = torch.load(file)
        weights['smooth.weight'] = weights['smooth.weight'][:, :1]
        torch.save(weights, file)
    with pytest.raises(UserError, match='that --model body2body selects .*Train again') as told:
        trained.paint()
    assert '--net' not in str(told.value)


def test_where_no_vgg_is_at_hand_it_says_so_and_trains(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    monkeypatch.setenv('BODY2BODY_WEIGHTS', str(tmp_path))
    run.train('--max_steps', '1')
    assert 'without the perceptual loss' in capsys.readouterr().err
    with pytest.raises(UserError, match='vgg_weights'):
        run.train('--max_steps', '1', '--overwrite', '--vgg_weights', 'none.pth')


def test_it_learns_by_lpips_where_that_is_at_hand_and_says_so(run, tmp_path, monkeypatch, capsys):
    from models import perceptual

    class Told(torch.nn.Module):
        name = 'LPIPS of the test'

        def forward(self, fake, real):
            return (fake - real).abs().mean()
    monkeypatch.setattr(perceptual, 'find_lpips_loss', Told)
    run.train('--max_steps', '1')
    assert Told.name in capsys.readouterr().out
    facts = json.loads((run.folder / 'run.json').read_text())['model']
    assert facts['perceptual_loss'] == Told.name
    run.train('--max_steps', '1', '--overwrite', '--no_vgg_loss')
    assert Told.name not in capsys.readouterr().out


def test_beside_the_person_stands_the_background_as_it_is(trained, monkeypatch):
    corner = ..., slice(0, 32), slice(16, 48)
    monkeypatch.setattr(painter, 'person_region', lambda *given: corner)

    def white(cutout, x, y, large, into_frame):
        return np.full((*large.size[::-1], 4), 255, np.uint8)
    monkeypatch.setattr(canvas, 'sampled', white)
    behind = FrameIndex(trained.folder / 'index').plate().picture
    for painted in trained.paint():
        assert (painted[:32, 16:48] > 250).all()
        painted[:32, 16:48] = behind[:32, 16:48]
        assert np.abs(painted - behind).max() <= 1


def test_the_person_of_the_frame_before_is_carried_on_bent_and_the_background_is_not(run, tmp_path):
    """Before a grey wall a red person stood in one pose and is a blue one in the next."""
    opt = TrainOptions().parse(['--dataroot', str(run.root), *run.flags])
    dataset = AlignedDataset(opt, 'train')
    model = body2body_model.Body2BodyModel(opt, choose_engine('cpu'))
    model.on_train_start(dataset, tmp_path)
    before, batch = (model.engine.to_batch(Loader(dataset).batch([i])) for i in (3, 4))
    masks = [person_mask(each['joints'][0].numpy(), model.index.track.joints, (64, 64), 0.0)
             for each in (before, batch)]

    def standing(mask, colour):
        picture = np.full((64, 64, 3), 128, np.uint8)
        picture[mask] = colour
        return model.shown([Canvas(picture, np.where(mask, 255, 0).astype(np.uint8))])
    red, blue = standing(masks[0], (255, 0, 0)), standing(masks[1], (0, 0, 255))
    shown = model.blend_previous(batch, blue, before, red).pictures[0].astype(float)
    assert (shown[~(masks[0] | masks[1])] == 128).all() and (shown[~masks[1]] == 128).all()
    inside, share = shown[masks[1]] / 255, model.settings.previous_frame
    assert np.median(inside[:, 0]) == pytest.approx(share, abs=0.01)
    assert np.median(inside[:, 2]) == pytest.approx(1 - share, abs=0.01)
    assert (blue.pictures[0][masks[1]] == (0, 0, 255)).all(), 'what was given stays'
    nobody = standing(np.zeros((64, 64), bool), (255, 0, 0))
    unchanged = model.blend_previous(batch, blue, before, nobody)
    assert np.array_equal(unchanged.pictures, blue.pictures)


def test_the_second_frame_is_no_near_copy_of_the_first(trained):
    index = FrameIndex(trained.folder / 'index')
    dataset = AlignedDataset(TrainOptions().parse(['--dataroot', str(trained.root)]), 'val')
    first, second = np.stack(list(choose(index, dataset, 2).values())).T
    assert (np.abs(index.track.times[first] - index.track.times[second]) >= APART).all()
    assert np.array_equal(first, np.stack(list(choose(index, dataset).values()))[:, 0])


def test_the_settings_are_recorded_and_old_weights_keep_theirs(run, tmp_path):
    training.main(['--dataroot', str(run.root), '--name', 'me', '--checkpoints_dir',
                   str(tmp_path / 'ck'), *run.flags, '--max_steps', '1'],
                  settings=Body2BodySettings(light=0.25, blend=BlendSettings(strain=9.0)))
    kept = json.loads((run.folder / 'run.json').read_text())['model']['settings']
    assert kept['light'] == 0.25 and kept['blend']['strain'] == 9.0
    opt = TrainOptions().parse(['--dataroot', str(run.root), '--name', 'me', '--checkpoints_dir',
                                str(tmp_path / 'ck'), *run.flags])
    for load in (body2body_model.Body2BodyModel.load_weights,
                 body2body_model.Body2BodyModel.load_networks):     # of a run before its first step
        model = body2body_model.Body2BodyModel(opt, choose_engine('cpu'))
        load(model, run.folder, 'latest')
        assert model.settings.light == 0.25 and model.settings.blend.strain == 9.0


def test_the_bars_of_a_letterbox_lie_over_the_person(trained):
    file = trained.folder / 'plate' / 'plate.npz'
    with np.load(file) as kept:
        plate = dict(kept)
    plate['bars'] = np.zeros((64, 64, 4), np.uint8)
    plate['bars'][20:40] = 9, 9, 9, 255
    np.savez_compressed(file, **plate)
    frames = trained.paint('--dataroot', trained.root)
    assert all((frame[20:40] == 9).all() for frame in frames)
    assert not (frames[0][:20] == 9).all()
