"""The whole job on real people: ../shared/data, where it is there. Slow."""
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

import preprocess
import transfer
from pose.body import body_sizes
from pose.detect import make_detector
from pose.retargeting.ground import Ground, measure_grounds
from pose.silhouette import person_mask
from pose.track import PoseTrack
from util.images import read_image
from util.video import probe, read_frames

DATA = Path(__file__).parents[2] / 'shared' / 'data'
TARGET, SOURCE = DATA / 'taichi2.mp4', DATA / 'karate1.mp4'
pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.skipif(
    not TARGET.is_file(), reason=f'no real videos here: {DATA} is absent')]


@pytest.fixture(scope='module')
def target(tmp_path_factory):
    root = tmp_path_factory.mktemp('real') / 'datasets' / 'taichi2'
    preprocess.main(['--video', str(TARGET), '--dataroot', str(root), '--size', '256'])
    return root


def test_the_target_is_found_in_every_frame_and_never_cut(target):
    track = PoseTrack.load(target / 'poses.npz')
    facts = json.loads((target / 'dataset.json').read_text())
    assert len(track) == 901 and track.kept.all() and facts['shots'] == 1
    x, y, w, h = facts['crop']
    assert w == h and x >= 0 and y >= 0 and x + w <= 960 and y + h <= 720


def test_her_mask_lies_on_her_in_every_written_frame(target):
    """Sleeves and hair reach beyond the joints, and the crossed arms confuse these."""
    track = PoseTrack.load(target / 'poses.npz')
    facts = json.loads((target / 'dataset.json').read_text())
    masks = sorted((target / 'masks').glob('*.png'))
    assert facts['masks'] and len(masks) == sum(facts['split'].values())
    covered, inside = [], []
    for path in masks[::20]:
        mask = read_image(path)
        shown, pose = mask[..., 0] > 127, track.poses[int(path.stem) - 1]
        thin = person_mask(pose, track.joints, track.size, -0.03)
        fat = person_mask(pose, track.joints, track.size, 0.06)
        covered.append((shown & thin).sum() / thin.sum())
        inside.append((shown & fat).sum() / shown.sum())
        assert (mask[..., 1] > 127).mean() < 0.01, 'nobody else is there'
    assert np.median(covered) > 0.9 and min(covered) > 0.6
    assert np.median(inside) > 0.9 and min(inside) > 0.7


def test_no_leg_is_exchanged_where_she_turns_her_back(target):
    """From 0:25 on her right foot stays behind, which is the picture's left."""
    track = PoseTrack.load(target / 'poses.npz')
    right, left = (track.poses[:, track.joints.index(j)] for j in ('RAnkle', 'LAnkle'))
    behind = (right[:, 0] < left[:, 0]) | (right[:, 2] == 0) | (left[:, 2] == 0)
    assert (~behind[750:]).sum() <= 1
    facts = json.loads((target / 'dataset.json').read_text())
    assert [one['frames'] for one in facts['people']] == [901], 'and nobody else is there'


def test_a_cut_a_split_screen_and_another_size_do_not_throw_the_fit(target, tmp_path):
    root = tmp_path / 'karate'
    preprocess.main(['--video', str(SOURCE), '--dataroot', str(root), '--poses_only',
                     '--retarget_to', str(target)])
    track = PoseTrack.load(root / 'poses.npz')
    ground = Ground.from_dict(json.loads((target / 'dataset.json').read_text())['stage'])
    lost = track.index[~track.kept]
    assert 20 <= len(lost) <= 30 and lost.min() >= 120 and lost.max() <= 156, 'the split screen'
    fitted = measure_grounds(track.select(track.kept))
    assert len(fitted) == 2, 'before and after it'
    for shot in fitted.values():
        assert 0.85 * ground.height_far < shot.height_near < 1.1 * ground.height_near
        assert ground.far - 12 < shot.near < ground.near + 12
    sizes = body_sizes(track.poses, track.joints)[track.kept]
    roots = track.poses[track.kept, 8, :2]
    assert 0.6 * ground.height_far < np.percentile(sizes, 1)
    assert np.percentile(sizes, 99) < 1.25 * ground.height_near, 'no giant'
    steps = np.linalg.norm(np.diff(roots, axis=0), axis=1)
    assert steps.max() < 0.1 * ground.height_near, 'no jump, not even at the cut'


def test_one_command_paints_her_with_his_moves_and_his_sound(target, tmp_path, monkeypatch):
    """Two minutes of training: a body in the right place is all that is asked of the picture."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'datasets').mkdir()
    (tmp_path / 'datasets' / 'taichi2').symlink_to(target)
    output = transfer.main(['--target', str(TARGET), '--source', str(SOURCE), '--minutes', '2',
                            '--output', 'out.mp4', '--train_args', '--display_id 0'])
    film, source = probe(output), probe(SOURCE)
    side = json.loads((target / 'dataset.json').read_text())['film_size'][0]
    assert side > 256 and film.size == (side, side) and film.sound
    assert film.duration == pytest.approx(source.duration, abs=0.1)
    beside = probe('out_side_by_side.mp4')
    assert beside.size[1] == side and beside.size[0] > 3.5 * side and beside.sound

    # where the fitted pose is, a body is painted: there the film differs from its own median
    frames = np.stack([cv2.resize(f.image, (256, 256), interpolation=cv2.INTER_AREA)
                       for f in read_frames(output)]).astype(np.int16)
    still = np.median(frames[::4], axis=0)
    poses = [p for p in sorted(Path('datasets/karate1_as_taichi2/val').glob('*.png'))]
    assert len(frames) == len(poses)
    track = PoseTrack.load('datasets/karate1_as_taichi2/poses.npz')
    moved = np.abs(frames - still).mean(3)
    for k in range(0, len(frames), 10):
        joints = track.poses[track.kept][k][[1, 8, 9, 12]]
        x, y = joints[:, 0].astype(int).clip(8, 247), joints[:, 1].astype(int).clip(8, 247)
        body = np.mean([moved[k, b - 6:b + 6, a - 6:a + 6].mean() for a, b in zip(x, y)])
        assert body > 0.8 * np.median(moved[k]), f'frame {k}'


def test_the_drawn_dancers_are_found_at_full_length(tmp_path):
    from scripts.make_demo_videos import make_demo_videos
    for video in make_demo_videos(tmp_path):
        detector = make_detector('mediapipe')
        found = [len(detector(frame.image, frame.index)) for frame in read_frames(video)]
        detector.close()
        assert np.mean(np.array(found) == 1) >= 0.98
