"""test.py scores what it painted in metrics.json, against baselines that need no training."""
import json
import math
import shutil
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

import test as painting
import train as training
from evaluation import evaluate
from evaluation.baselines import median_image
from evaluation.evaluators import (
    FrameSet,
    ImageEvaluator,
    LpipsEvaluator,
    MotionEvaluator,
    PoseEvaluator,
)
from evaluation.verdict import NONE_BEATEN, summary, verdict
from options.test_options import TestOptions
from pose.detect.base import Detector
from pose.silhouette import person_box
from tests.conftest import joints, picture
from util.images import resized
from util.metrics import names
from util.metrics.lpips import FETCH, Features, lpips_weights
from util.metrics.pictures import l1, psnr


@pytest.fixture(autouse=True)
def no_weights(monkeypatch, tmp_path):
    """LPIPS is not measured, unless a test asks for it."""
    monkeypatch.setenv('BODY2BODY_WEIGHTS', str(tmp_path / 'nothing'))


@pytest.fixture
def run(pairs, tmp_path):
    """run.learn() and run.paint('--flag', ...) -> metrics.json, of a run named me."""
    class Run:
        root = pairs()
        places = ['--name', 'me', '--checkpoints_dir', str(tmp_path / 'ck')]
        folder = tmp_path / 're' / 'me' / 'latest_val'

        def learn(self, *flags):
            training.main(['--dataroot', str(self.root), *self.places, '--display_id', '0',
                           '--device', 'cpu', '--no_html', *flags])

        def paint(self, *flags):
            page = painting.main([*self.places, '--results_dir', str(tmp_path / 're'),
                                  '--no_video', *map(str, flags)])
            return json.loads((page.parent / 'metrics.json').read_text())
    made = Run()
    made.learn('--model', 'nearest', '--align', 'none')
    return made


class Shifted(Detector):
    """Finds the body of the red square's picture one px too far to the right, and a giant."""

    def __init__(self):
        self.resets = self.frames = 0

    def __call__(self, image, index):
        pose = np.zeros((2, 25, 4), np.float32)
        pose[..., :3] = joints(self.frames % 3)
        pose[0] *= (3, 3, 1, 0)
        pose[1, pose[1, :, 2] > 0, 0] += 1
        self.frames += 1
        return pose

    def reset(self):
        self.resets += 1


def test_metrics_json_says_of_every_frame_and_film_how_good_it_is(run):
    metrics = run.paint()
    assert [metrics[key] for key in ('format', 'run', 'epoch', 'frames')] == [1, 'me', 'latest', 3]
    assert metrics['names'] == ['000001', '000002', '000003']
    assert metrics['times'] == [0, 0.04, 0.08]
    assert list(metrics['scores']) == list(names.METHODS)
    painted, median = metrics['scores']['painted'], metrics['scores']['median']
    assert painted['l1'] == painted['box_l1'] == 0 and painted['ssim'] == 1 == painted['ms_ssim']
    assert painted['psnr'] is None, 'JSON has no infinity'
    assert median['l1'] > 0 and 0 < median['box_psnr'] < median['psnr']
    assert all(len(values) == 3 for values in metrics['frames_scores'].values())
    assert metrics['frames_scores']['flicker'][0] is None
    assert all(names.score_of(key) for scores in metrics['scores'].values() for key in scores)


def test_scores_are_of_the_picture_and_of_the_box_about_the_joints():
    real = picture(0)[:, 32:]
    box = person_box(joints(0), (32, 32))
    painted = real.copy()
    painted[box] = 255 - painted[box]
    evaluator = ImageEvaluator(thorough=False)
    evaluator.process(FrameSet({'painted': painted}, real, joints(0), box, False))
    evaluator.process(FrameSet({'painted': real}, real, joints(0), None, False))
    first = {key: values[0] for key, values in evaluator.frames['painted'].items()}
    assert first['l1'] == l1(painted, real) and first['box_l1'] == l1(painted[box], real[box])
    assert first['box_psnr'] == psnr(painted[box], real[box])
    assert first['box_ssim'] < first['ssim'] < 1
    means = evaluator.scores()['painted']
    assert means['l1'] == first['l1'] / 2 and means['box_l1'] == first['box_l1']


def test_the_box_holds_the_joints_in_sight_with_a_margin():
    rows, columns = person_box(joints(0), (32, 32))
    assert (rows.start, rows.stop, columns.start, columns.stop) == (8, 19, 2, 11)
    assert person_box(np.zeros((25, 3)), (32, 32)) is None
    assert person_box(joints(0) + np.float32([100, 0, 0]), (32, 32)) is None


def test_less_is_measured_where_less_is_asked_for(run):
    metrics = run.paint('--metrics', 'fast')
    assert {key.removeprefix('box_') for key in metrics['scores']['painted']} == {
        'l1', 'psnr', 'ssim', 'flicker', 'framed', 'sharpness'}
    page = painting.main([*run.places, '--results_dir', str(run.folder.parents[1]), '--no_video',
                          '--metrics', 'none'])
    assert page.is_file() and not (run.folder / 'metrics.json').exists()
    assert TestOptions().parse([*run.places, '--dataroot', 'x']).metrics == 'all'


def test_what_cannot_be_measured_is_listed_with_what_to_type(run, capsys):
    metrics = run.paint()
    assert 'get_models.py lpips' in metrics['not_measured']['lpips_alex']
    assert 'no detector is known' in metrics['not_measured']['pose_error']
    assert 'lpips_alex' not in metrics['scores']['painted']
    said = capsys.readouterr().out
    assert 'not measured: LPIPS, VGG, VGG16 Fréchet distance, LPIPS, AlexNet Fréchet distance, ' \
        'person (no weights' in said


def test_the_detector_of_the_dataset_looks_for_the_pose_in_what_was_painted(run, monkeypatch):
    (run.root / 'dataset.json').write_text(json.dumps(
        {'detector': 'openpose', 'settings': {'openpose_size': 99, 'min_confidence': 0.3}}))
    asked = []
    monkeypatch.setattr(evaluate, 'declared', lambda kind: {'openpose_size': 1})
    monkeypatch.setattr(evaluate, 'make_detector',
                        lambda *name, **flags: asked.append((name, flags)) or Shifted())
    metrics = run.paint()
    assert asked == [(('openpose',), {'openpose_size': 99})], 'for the painted film alone'
    # the body is 0.33 of its height from neck to hips, here 3 px
    assert metrics['scores']['painted']['pose_error'] == pytest.approx(100 / (3 / 0.33), rel=1e-3)
    assert metrics['scores']['painted']['missed_joints'] == 0
    assert len(metrics['frames_scores']['pose_error']) == 3


def test_poses_that_were_read_from_files_cannot_be_found_again():
    missing: dict[str, str] = {}
    read = SimpleNamespace(root='datasets/me', facts={'detector': 'keypoints'}, joints=object())
    assert evaluate.pose_evaluators(read, ['painted'], missing) == []
    assert 'no detector is known' in missing['pose_error']


def test_poses_that_were_never_filmed_are_scored_by_what_needs_no_truth(run, tmp_path):
    alone = tmp_path / 'alone'
    alone.mkdir()
    shutil.copy(run.root / 'poses.npz', alone)
    for k in (1, 2, 3):
        cv2.imwrite(str(alone / f'{k:06d}.png'), picture(k)[:, :32])
    metrics = run.paint('--dataroot', alone, '--dataset_mode', 'single')
    assert list(metrics['scores']) == ['painted']
    assert list(metrics['scores']['painted']) == ['sharpness', 'framed', 'own_warp_error']
    assert 'no truth' in metrics['not_measured']['ssim'] and metrics['verdict'] == []


def test_poses_of_a_stranger_are_held_against_the_targets_own_frames(run, tmp_path, monkeypatch):
    class Blue(Shifted):
        """With a mask of the blue square, which is the person."""

        def __call__(self, image, index):
            self.image = image
            return super().__call__(image, index)[1:]

        def masks(self):
            blue = np.where(self.image[..., 2] > 200, 255, 0).astype(np.uint8)
            return [SimpleNamespace(drawn=lambda size: blue)]
    alone = tmp_path / 'alone'
    alone.mkdir()
    shutil.copy(run.root / 'poses.npz', alone)
    for k in (1, 2, 3):
        cv2.imwrite(str(alone / f'{k:06d}.png'), picture(k)[:, :32])
    (alone / 'dataset.json').write_text(json.dumps({'detector': 'openpose'}))
    monkeypatch.setattr(evaluate, 'make_detector', lambda *name, **flags: Blue())
    shutil.rmtree(run.root)
    metrics = run.paint('--dataroot', alone, '--dataset_mode', 'single')
    painted = metrics['scores']['painted']
    assert painted['framed'] == 1 and 0.5 < painted['spill'] < 2 and 0.5 < painted['gaps'] < 2
    assert painted['pose_error'] > 0 and painted['missed_people'] == 0
    assert [len(metrics['frames_scores'][key]) for key in ('spill', 'gaps')] == [3, 3]
    assert 'where no body should be' in metrics['verdict'][-1]
    assert 'no weights' in metrics['not_measured']['box_alex_frechet']


def test_without_the_training_part_there_is_nothing_to_compare_with(run, pairs):
    other = pairs(name='other')
    shutil.rmtree(run.root)
    metrics = run.paint('--dataroot', other)
    assert list(metrics['scores']) == ['painted'] and metrics['verdict'] == []
    assert 'is not there' in metrics['not_measured']['nearest']


def test_the_nearest_frame_is_never_the_one_that_is_painted(run, pairs):
    assert run.paint()['scores']['nearest']['l1'] == 0, 'the toy was trained on what is held out'
    run.root = pairs(320, 32, train=100, val=1, name='long')        # four seconds
    run.learn('--model', 'nearest', '--align', 'none', '--overwrite')
    metrics = run.paint('--phase', 'train', '--num_test', 2, '--metrics', 'fast')
    assert metrics['scores']['painted']['l1'] == 0 < metrics['scores']['nearest']['l1']


def test_the_median_image_is_the_median_of_each_pixel():
    frames = np.random.default_rng(0).integers(0, 256, (51, 4, 5, 3), np.uint8)

    class Frames:
        root = 'x'
        __len__ = lambda self: len(frames)
        item = lambda self, k: {'B': frames[k]}
    assert np.array_equal(median_image(Frames()), np.median(frames, axis=0).astype(np.uint8))


def test_a_network_sees_the_chosen_frames_and_their_boxes():
    class Brightness:
        """As far apart as the pictures' means."""

        def features(self, images):
            means = images.mean((1, 2, 3))
            return Features(images.shape[1:3], [means], np.stack([means, images.std((1, 2, 3))], 1))

        def distance(self, a, b):
            return b.layers[0] - a.layers[0]
    evaluator = LpipsEvaluator(Brightness(), 'lpips_alex', [0, 2], 'vgg_frechet')
    real, box = np.zeros((64, 64, 3), np.uint8), (slice(0, 32), slice(0, 64))
    for k, person in enumerate([box, box, (slice(0, 31), slice(0, 64)), None]):
        painted = real.copy()
        painted[:32] = 10 * (k + 1)
        evaluator.process(FrameSet({'painted': painted, 'median': real}, real, None, person, k > 0))
    frames = evaluator.frames['painted']
    assert np.array_equal(frames['lpips_alex'], [5, math.nan, 15, math.nan], equal_nan=True)
    assert np.array_equal(frames['box_lpips_alex'], [10, *3 * [math.nan]], equal_nan=True)
    scores = evaluator.scores()
    assert scores['painted']['lpips_alex'] == 10 and scores['median']['lpips_alex'] == 0
    assert scores['painted']['vgg_frechet'] > 100 > scores['median']['vgg_frechet'] == 0


@pytest.mark.parametrize('net', ['alex', 'vgg'])
def test_lpips_is_measured_where_its_weights_are(net, monkeypatch):
    monkeypatch.undo()
    if lpips_weights(net) is None:
        pytest.skip(f'no LPIPS weights here; to have them: {FETCH}')
    from util.metrics.lpips import Lpips
    real, painted = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    person = [resized(image[8:44, 4:40], (128, 192)) for image in (real, painted)]
    box, lpips = (slice(8, 44), slice(4, 40)), Lpips(net)
    evaluator = LpipsEvaluator(lpips, 'lpips', [0])
    evaluator.process(FrameSet({'nearest': real, 'painted': painted}, real, None, box, False))
    scores = evaluator.scores()
    assert scores['painted']['lpips'] == pytest.approx(lpips.between(real, painted), abs=1e-5)
    assert scores['painted']['box_lpips'] == pytest.approx(
        lpips.between(*person), abs=1e-5)
    assert scores['nearest']['lpips'] == scores['nearest']['box_lpips'] == 0


def test_of_several_people_the_nearest_counts_and_the_detector_is_reset_at_cuts():
    detector = Shifted()
    evaluator = PoseEvaluator({'painted': detector}, 'BODY_25', 0.1)
    frame = picture(0)[:, 32:]
    for k, follows in enumerate([False, True, False]):
        evaluator.process(FrameSet({'painted': frame}, frame, joints(k), None, follows))
    assert detector.resets == 2
    assert evaluator.scores()['painted']['pose_error'] == pytest.approx(
        100 / (3 / 0.33), rel=1e-3), 'the giant stands far off'


def test_images_of_different_sizes_have_no_motion_between_them():
    evaluator = MotionEvaluator(has_truth=False, with_flow=True)
    for side in (32, 48, 48, 8, 8):
        painted = np.full((side, side, 3), side, np.uint8)
        evaluator.process(FrameSet({'painted': painted}, None, None, None, True))
    assert evaluator.scores()['painted']['own_warp_error'] == 0


# -- in words ------------------------------------------------------------------------------------

def verdict_of(painted, nearest, key='box_lpips_alex'):
    methods = {'painted': painted, 'nearest': nearest}
    return verdict({name: {key: float(np.mean(values))} for name, values in methods.items()},
                   {name: {key: values} for name, values in methods.items()})


def test_the_verdict_says_by_how_much_and_how_often_it_is_better():
    assert verdict_of([0.1, 0.2, 0.3], [0.2, 0.3, 0.25]) == [
        'Better than the nearest pose: LPIPS, person 0.200 against 0.250 (lower is better), better '
        'in 2 of 3 frames.']
    first, *_ = verdict_of([0.5], [0.4], 'ssim')
    assert first.startswith('Better than the nearest pose: SSIM 0.500')


def test_beating_no_baseline_is_said_first():
    first, line = verdict_of([0.3], [0.29999])
    assert first == NONE_BEATEN and 'any baseline that needs no training' in first
    assert line.startswith('No better than the nearest pose')


def test_without_baselines_the_verdict_is_about_the_pose():
    scores = {'pose_error': 3.21, 'missed_joints': 0.05, 'missed_people': 0.0}
    (line,) = verdict({'painted': scores}, {})
    assert '3.21 %' in line and '5.0 % of the joints' in line and '0.0 % of the frames' in line
    nobody = {'pose_error': math.nan, 'missed_joints': 1.0, 'missed_people': 1.0}
    assert verdict({'painted': nobody}, {}) == ['The detector finds nobody in any painted frame.']
    assert verdict({'painted': {'own_warp_error': 2.0}}, {}) == []
    *_, line = verdict({'painted': scores | {'spill': 3.2, 'gaps': 1.0}}, {})
    assert '3.20 times as much is painted where no body should be' in line


def test_the_terminal_shows_each_score_once():
    lines = summary({'scores': {'painted': {'box_ssim': 0.5, 'ssim': 0.9, 'pose_error': 2.0}},
                      'verdict': ['Better.'], 'not_measured': {'median': 'x', 'l1': 'x'}})
    assert lines == ['scores: SSIM, person 0.500, pose error 2.00 % of body height', 'Better.',
                     'not measured: median picture, L1 (x)']


def test_the_persons_box_comes_before_the_whole_frame_and_parts_of_one_are_percent():
    assert names.order(['l1', 'new', 'ssim', 'box_ssim', 'lpips_alex']) == [
        'lpips_alex', 'box_ssim', 'ssim', 'l1', 'new']
    assert names.written('missed_joints', 0.125) == '12.5' and names.written('l1', None) == '–'
    assert names.is_better('box_psnr', 2, 1) and names.is_better('l1', 1, 2)
