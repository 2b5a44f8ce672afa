"""--model body2body: real frames bent into the pose, over the background, and what refines them."""
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import SMALL, fitting, make_pairs
from PIL import Image

import test as painting
import train as training
from data.aligned_dataset import AlignedDataset
from data.joints import PictureJoints
from data.loader import Loader
from models import body2body_model
from models.body2body_model import KEPT
from models.engine import choose_engine
from models.networks.refiner import Refiner
from models.warping import blending, frame_index
from models.warping.blending import Masked, blend_weights, person_region, window
from models.warping.bones import MISSING, Bones, areas
from models.warping.frame_index import FrameIndex
from models.warping.selection import FACING, choose, strain_left
from models.warping.settings import (
    BlendSettings,
    Body2BodySettings,
    SelectionSettings,
    from_record,
    recorded,
)
from options.train_options import TrainOptions
from pose.matching.coverage import APART
from pose.silhouette import person_mask
from pose.skeleton import BODY_25
from pose.track import PoseTrack
from scene.background import make_plate
from scene.matte import NEAR
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
    model.index.cutout = lambda row, channels: rows.append(row) or cutout(row, channels)
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


def test_a_refiner_has_nothing_to_say_at_first_and_few_weights():
    refiner = Refiner(15, sharp=7, smooth=4)
    said = refiner(torch.rand(1, 15, 32, 24))
    assert said.shape == (1, 11, 64, 48) and said.abs().max() < 0.1
    assert sum(weights.numel() for weights in refiner.parameters()) < 8e6


def test_a_still_camera_shows_its_background_once(run, tmp_path):
    opt = TrainOptions().parse(['--dataroot', str(run.root), *run.flags])
    dataset = AlignedDataset(opt, 'train')
    model = body2body_model.Body2BodyModel(opt, choose_engine('cpu'))
    model.on_train_start(dataset, tmp_path)
    batch = model.engine.to_batch(Loader(dataset).batch([3]))
    first, again = model.background(batch), model.background(batch)
    assert torch.equal(first.packed, again.packed)
    assert model.plate_view.cache_info()[:2] == (1, 1)
    path = batch['A_paths'][0]
    model.shots[path] = model.shots[path]._replace(camera=np.diag([1.5, 1.5, 1]))
    assert not torch.equal(model.background(batch).packed, first.packed)


def test_what_is_smooth_changes_slowly_and_what_is_sharp_need_not():
    refiner = Refiner(3, sharp=1, smooth=1, ngf=8)
    for head in (refiner.sharp, refiner.smooth):
        torch.nn.init.normal_(head.weight)
    said = refiner(torch.rand(1, 3, 64, 64))[0].detach()
    roughness = (said[:, 1:] - said[:, :-1]).abs().mean((1, 2)) / said.std((1, 2))
    assert roughness[1] < roughness[0] / 2


def filled(*values):
    """(1, N, 4, 4): each value all over its picture."""
    return torch.tensor(values)[None, :, None, None].expand(1, -1, 4, 4).clone()


def test_a_limb_is_shown_by_the_frame_that_strains_it_least():
    strain, said = filled(0.1, 0.1), torch.zeros(1, 4, 4, 4)
    strain[0, 0, :2] = 0.4
    share = blend_weights(said, filled(1.0, 1.0), strain)
    assert torch.allclose(share.sum(1), torch.ones(1, 4, 4))
    assert (share[0, 1, :2] > 0.98).all() and (share[0, 0, 2:] > 0.7).all()


def test_the_background_is_where_the_frame_that_is_shown_has_no_person():
    strain, said = filled(0.0, 0.2), torch.zeros(1, 4, 4, 4)
    for first, second, behind in ((-1.0, 1.0, True), (1.0, -1.0, False), (-1.0, -1.0, True)):
        share = blend_weights(said, filled(first, second), strain)
        assert (share[0, 2] > 0.9).all() == behind and (share[0, 0] > 0.9).all() == (not behind)


def test_what_g_says_is_bounded_and_comes_back_from_anywhere():
    said = torch.full((1, 4, 4, 4), 0.0)
    said[0, 3] = 500.0
    said.requires_grad_()
    share = blend_weights(said, filled(1.0, 1.0), filled(0.1, 0.1))
    assert share[0, 3].max() < 0.99
    share[0, 3].sum().backward()
    assert (said.grad[0, 3] > 0).all()


def test_the_mattes_are_kept_and_their_frames_person_stands_out(trained):
    index = FrameIndex(trained.folder / 'index')
    blue = np.array([20, 60, 230])
    for row in (3, 40, 83):                 # 83: a mirrored one
        person = np.abs(index.frame(row).astype(int) - blue).sum(-1) < 60
        matte = index.cutout(row)[..., 3] > 127
        assert (matte & person).sum() > 0.4 * person.sum() and matte[~person].mean() < 0.05


@pytest.mark.parametrize('part', KEPT)
def test_a_run_that_lacks_a_part_says_which_and_how_to_get_it(trained, part):
    lost = trained.folder / part
    shutil.rmtree(lost) if lost.is_dir() else lost.unlink()
    with pytest.raises(UserError, match=f'{part} is missing.*--overwrite'):
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


def test_only_where_the_person_may_be_anything_is_painted():
    pose = np.zeros((25, 3), np.float32)
    pose[[1, 8, 10, 11], :] = [[60, 40, 1], [60, 80, 1], [62, 100, 1], [60, 120, 1]]
    part = person_region(pose[None], BODY_25, (200, 160))
    rows, columns = part[1:]
    assert rows.start % 16 == columns.start % 16 == 0
    inside = person_mask(pose, BODY_25, (160, 200), NEAR)
    inside[part] = False
    assert not inside.any() and (columns.stop - columns.start) * (rows.stop - rows.start) < 15_000
    everybody = person_region(np.stack([pose, pose + [[90, 70, 0]]]), BODY_25, (200, 160))
    assert everybody[1].stop == 200 and everybody[2].stop == 160
    nobody = person_region(np.zeros((1, 25, 3)), BODY_25, (90, 70))
    assert nobody[1:] == (slice(0, 90), slice(0, 70))


def test_beside_the_person_stands_the_background_as_it_is(trained, monkeypatch):
    corner = ..., slice(0, 32), slice(16, 48)
    monkeypatch.setattr(blending, 'person_region', lambda *given: corner)
    monkeypatch.setattr(body2body_model.Body2BodyModel, 'paint_region',
                        lambda self, x, *given: torch.ones_like(x[corner]))
    behind = FrameIndex(trained.folder / 'index').plate().picture
    for painted in trained.paint():
        assert (painted[:32, 16:48] == 255).all()
        painted[:32, 16:48] = behind[:32, 16:48]
        assert np.abs(painted - behind).max() <= 1


@pytest.mark.parametrize('shape', [(512, 1024), (256, 256), (96, 64)])
def test_a_step_looks_at_a_window_of_one_size_about_a_joint(shape):
    torch.manual_seed(0)
    wanted = torch.rand(1, 25, 3) * torch.tensor([shape[1], shape[0], 1.0])
    wanted[0, 5:, 2] = 0
    seen = set()
    for _ in range(60):
        part = window(wanted, shape)
        shown = torch.zeros(shape)
        shown[part] = 1
        sides = int(shown.amax(1).sum()), int(shown.amax(0).sum())
        assert sides == (min(BlendSettings().window, *shape) // 16 * 16,) * 2
        x, y = wanted[0, :5, :2].long().unbind(-1)
        seen |= set(torch.nonzero(shown[y, x]).flatten().tolist())
    assert seen == set(range(5))


def test_a_pose_without_joints_is_looked_at_in_the_middle():
    part = window(torch.zeros(1, 25, 3), (512, 512))
    assert part[1] == part[2] == slice(192, 320)


def test_the_person_of_the_frame_before_is_carried_on_bent_and_the_background_is_not(run, tmp_path):
    """Before a grey wall a red person stood in one pose and is a blue one in the next."""
    opt = TrainOptions().parse(['--dataroot', str(run.root), *run.flags])
    dataset = AlignedDataset(opt, 'train')
    model = body2body_model.Body2BodyModel(opt, choose_engine('cpu'))
    model.on_train_start(dataset, tmp_path)
    before, batch = (model.engine.to_batch(Loader(dataset).batch([i])) for i in (3, 4))
    model.background = lambda batch: Masked(torch.zeros(1, 4, 64, 64))
    masks = [torch.from_numpy(person_mask(each['joints'][0].numpy(), model.index.track.joints,
                                          (64, 64), 0.0)) for each in (before, batch)]
    red, blue = (torch.zeros(1, 3, 64, 64) for _ in range(2))
    red[:, 0, masks[0]], blue[:, 2, masks[1]] = 1.0, 1.0
    wall = ~(masks[0] | masks[1])
    shown = model.blend_previous(batch, blue, before, red)
    assert (shown[..., wall] == 0).all() and (shown[:, 0, ~masks[1]] == 0).all()
    inside = shown[0, :, masks[1]]
    share = model.settings.previous_frame
    assert inside[0].median() == pytest.approx(share, abs=0.01)
    assert inside[2].median() == pytest.approx(1 - share, abs=0.01)
    assert (blue[:, 2, masks[1]] == 1).all(), 'what was given stays'
    nobody = torch.zeros_like(red)
    assert torch.equal(model.blend_previous(batch, blue, before, nobody), blue)


STANDING = np.zeros((25, 3), np.float32)
STANDING[:15] = [[50, 10, 1], [50, 20, 1], [42, 20, 1], [38, 32, 1], [36, 44, 1], [58, 20, 1],
                 [62, 32, 1], [64, 44, 1], [50, 50, 1], [45, 50, 1], [44, 70, 1], [43, 90, 1],
                 [55, 50, 1], [56, 70, 1], [57, 90, 1]]


def test_a_further_frame_is_asked_for_what_the_first_would_have_to_strain():
    """One arm is raised: what is left of that is nothing where a frame shows the arm so, though
    its legs are elsewhere, and all of it where it does not."""
    generator = np.random.default_rng(0)
    raised, sitting = STANDING.copy(), STANDING.copy()
    raised[3:5, 1] = 8, -4
    sitting[[10, 11, 13, 14], :2] = [[30, 52], [28, 70], [72, 52], [74, 70]]
    both = sitting.copy()
    both[3:5] = raised[3:5]
    frames = torch.from_numpy(np.stack([STANDING, sitting, both]))
    poses = torch.from_numpy(raised)[None]
    least = Bones.of(frames[:1], poses, BODY_25).strains(FACING)
    rows = np.array([[0, 1, 2]])
    same, arm_down, arm_up = strain_left(frames, rows, poses, least, BODY_25)[0]
    assert same == arm_down > 0.02 and arm_up < same / 4
    crowd = torch.from_numpy(generator.normal(50, 20, (40, 25, 3)).astype(np.float32)).abs()
    rows = generator.integers(0, 40, (9, 30))
    least = torch.full((9, 1), MISSING)
    together = strain_left(crowd, rows, crowd[:9], least, BODY_25)
    for f in range(9):
        alone = strain_left(crowd, rows[f:f + 1], crowd[f:f + 1], least[:1], BODY_25)[0]
        assert np.allclose(together[f], alone)


def limbs_moved(random):
    """STANDING with its elbows, wrists, knees and ankles elsewhere."""
    pose = STANDING.copy()
    ends = [3, 4, 6, 7, 10, 11, 13, 14]
    pose[ends, :2] += random.normal(0, 8, (len(ends), 2))
    return pose


def test_the_frames_chosen_leave_less_strain_together_than_the_nearest_ones(tmp_path):
    random = np.random.default_rng(0)

    def track(count, apart):
        poses = np.stack([limbs_moved(random) for _ in range(count)])
        return PoseTrack(poses, np.arange(count) * apart, np.arange(count), 'BODY_25', (100, 100))
    (tmp_path / 'index').mkdir()
    track(80, 2 * APART).save(tmp_path / 'index' / 'poses.npz')
    asked = track(6, 0.04)
    paths = [Path(f'{number + 1:06d}.png') for number in asked.index]
    dataset = SimpleNamespace(joints=PictureJoints(asked), root=tmp_path,
                              pictures=SimpleNamespace(rows=[(path,) for path in paths]))

    def left(settings):
        index = FrameIndex(tmp_path / 'index', settings)
        chosen = np.stack(list(choose(index, dataset, 3, smooth_path=0, mirrored=True).values()))
        frames, poses = (torch.from_numpy(each.poses) for each in (index.both, asked))
        strains = [Bones.of(frames[rows], poses, BODY_25).strains(FACING) for rows in chosen.T]
        least = torch.stack(strains).amin(0).clamp(max=1)
        return chosen[:, 0], float((least * areas(poses, BODY_25)).sum(1).mean())
    first, together = left(SelectionSettings())
    nearest, apart = left(SelectionSettings(strain=0.0, whole=1.0))
    assert np.array_equal(first, nearest) and together < 0.9 * apart


def test_a_wrong_depth_does_not_outweigh_the_joints_where_frames_may_be_mirrored(tmp_path):
    """Two frames in profile: one as asked for, if it were not for what the depth says, the other
    with its arm elsewhere."""
    profile = STANDING.copy()
    profile[[2, 5, 9, 12], 0] = 50
    profile[[4, 7], 0] = 70                             # both hands before him
    other = profile.copy()
    other[3:5, :2] += 12
    facing_right, facing_left = (np.array([20.0 * (joint[0] == far) for joint in BODY_25.joints])
                                 for far in 'LR')
    (tmp_path / 'index').mkdir()
    PoseTrack(np.stack([profile, other]), np.arange(2.0), np.arange(2), 'BODY_25', (100, 100),
              depth=np.stack([facing_right, facing_left])).save(tmp_path / 'index' / 'poses.npz')
    index = FrameIndex(tmp_path / 'index')
    assert index.poses.nearest(profile, depth=facing_left)[0] == 1
    assert index.poses_of_both.nearest(profile, depth=facing_left)[0] == 0


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
    model = body2body_model.Body2BodyModel(opt, choose_engine('cpu'))
    model.load_weights(run.folder, 'latest')
    assert model.settings.light == 0.25 and model.settings.blend.strain == 9.0


def test_a_record_sets_nothing_but_numbers_of_known_names():
    today = Body2BodySettings()
    assert from_record(today, recorded(today)) == today
    strange = {'light': 'much', 'blend': {'strain': [1]}, 'warp': 3, 'results_dir': 1, 'lpips': 0}
    assert from_record(today, strange) == Body2BodySettings(lpips=False)
    assert from_record(today, None) == from_record(today, ['light']) == today
