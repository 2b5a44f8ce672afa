"""What a run knows of its target's own video, and the scores that are held against it alone."""
import json
from pathlib import Path

import numpy as np
import pytest

from data.target import filmed
from evaluation.evaluators import BoxFrechetEvaluator, FramedEvaluator, FrameSet
from evaluation.target import target_of, target_room
from options.test_options import TestOptions
from pose.retargeting.room import Room
from pose.skeleton import BODY_25
from pose.track import PoseTrack
from tests.conftest import joints
from util.errors import UserError
from util.metrics.lpips import Features
from util.options import Options

WRIST = BODY_25.index('LWrist')


def run_of(tmp_path: Path, dataroot: object) -> Options:
    """The options of painting with a run that was trained on that dataset."""
    run = tmp_path / 'ck' / 'me'
    run.mkdir(parents=True)
    options = {'dataroot': str(dataroot), 'phase': 'train', 'dataset_mode': 'aligned'}
    (run / 'run.json').write_text(json.dumps({'options': options, 'dataset': {}}))
    return TestOptions().parse(['--dataroot', str(dataroot), '--name', 'me', '--model', 'nearest',
                                '--checkpoints_dir', str(tmp_path / 'ck')])


def framed(*poses: np.ndarray, room: Room | None = None) -> FramedEvaluator:
    evaluator = FramedEvaluator(BODY_25, room)
    for pose in poses:
        painted = np.zeros((32, 32, 3), np.uint8)
        evaluator.process(FrameSet({'painted': painted}, None, pose, None, False))
    return evaluator


def test_framed_is_the_share_of_frames_with_all_their_joints_in_the_picture():
    outside = joints(0)
    outside[WRIST, :2] = 40, 10
    evaluator = framed(joints(0), joints(1), outside, joints(2))
    assert evaluator.scores()['painted']['framed'] == 0.75
    assert evaluator.frames['painted']['framed'] == [1, 1, 0, 1]


def test_joints_that_are_not_asked_for_may_lie_anywhere():
    unseen = joints(0)
    unseen[WRIST] = 40, 10, 0
    assert framed(unseen).scores()['painted']['framed'] == 1
    nobody = framed(np.zeros((25, 3), np.float32)).scores()
    assert np.isnan(nobody['painted']['framed'])


def reaching(x: float) -> np.ndarray:
    """A pose with a hand at that x, px."""
    pose = joints(0)
    pose[WRIST] = x, 10, 1
    return pose


def test_what_the_targets_own_frames_show_outside_may_lie_there(pairs, tmp_path):
    """And no farther; legs that they never show do not count."""
    root = pairs()
    legs = [BODY_25.index(side + joint) for side in 'RL' for joint in ('Knee', 'Ankle')]
    poses = np.stack([reaching(36)] * 6)
    poses[:, legs, 1] += 20
    numbers = np.arange(6)
    PoseTrack(poses, numbers / 25, numbers, 'BODY_25', (32, 32)).save(root / 'poses.npz')
    room = target_room(run_of(tmp_path, root))
    evaluator = framed(reaching(36), reaching(20), reaching(60), poses[0], room=room)
    assert evaluator.frames['painted']['framed'] == [1, 1, 0, 1]
    assert framed(reaching(36), poses[0]).frames['painted']['framed'] == [0, 0]


def test_the_room_of_a_run_whose_poses_are_damaged_is_that_of_its_dataset(pairs, tmp_path):
    root = pairs()
    numbers = np.arange(6)
    track = PoseTrack(np.stack([reaching(20)] * 6), numbers / 25, numbers, 'BODY_25', (32, 32))
    track.save(root / 'poses.npz')
    opt = run_of(tmp_path, root)
    whole = target_room(opt)
    index = tmp_path / 'ck' / 'me' / 'index'
    index.mkdir(exist_ok=True)
    (index / 'poses.npz').write_bytes(b'damaged')
    assert whole is not None and target_room(opt) == whole


@pytest.mark.parametrize('kept', ['run.json', 'dataset.json'])
def test_no_joint_is_framed_over_the_bars_of_a_letterbox(pairs, tmp_path, kept):
    """They end the picture, although it goes on there. Only the facts of a dataset know them."""
    root = pairs()
    poses = np.stack([reaching(20)] * 6)
    numbers = np.arange(6)
    track = PoseTrack(poses, numbers / 25, numbers, 'BODY_25', (32, 32))
    track.save(root / 'poses.npz')
    opt = run_of(tmp_path, root)
    file = tmp_path / 'ck' / 'me' / kept if kept == 'run.json' else root / kept
    facts = filmed(track, bars=(0, 0, 6, 0))
    record = json.loads(file.read_text()) if file.is_file() else {}
    file.write_text(json.dumps(record | ({'dataset': facts} if kept == 'run.json' else facts)))
    evaluator = framed(reaching(20), reaching(28), room=target_room(opt))
    assert evaluator.frames['painted']['framed'] == [1, 0]
    assert framed(reaching(28)).frames['painted']['framed'] == [1]


def test_without_the_runs_poses_nothing_is_known_of_its_room(pairs, tmp_path):
    root = pairs()
    (root / 'poses.npz').unlink()
    assert target_room(run_of(tmp_path, root)) is None


def test_the_target_is_known_by_its_dataset_until_the_run_keeps_frames_of_its_own(pairs, tmp_path):
    from data import datasets
    root = pairs()
    opt = run_of(tmp_path, root)
    dataset = datasets.find('aligned')(opt, 'val')
    target = target_of(opt, dataset)
    assert len(target.track) == 6
    image, pose = next(target.some(1))
    assert image.shape == (32, 32, 3) and np.array_equal(pose, joints(0))
    assert [box.shape for box in target.boxes(2)] == [(11, 9, 3)] * 2
    (root / 'poses.npz').unlink()
    with pytest.raises(UserError, match='joints'):
        target_of(opt, datasets.find('aligned')(opt, 'val'))


class Colours:
    """As a network whose last layer is the mean colour."""

    def features(self, images: np.ndarray) -> Features:
        assert max(images.shape[1:3]) == 224
        return Features(images.shape[1:3], [], images.mean((1, 2)))


def frechet(real: list[np.ndarray], painted: list[np.ndarray]) -> dict[str, dict[str, float]]:
    evaluator = BoxFrechetEvaluator(Colours(), 'alex_frechet', real, len(painted))
    box = slice(0, 40), slice(10, 40)
    for image in painted:
        evaluator.process(FrameSet({'painted': image}, None, None, box, False))
    return evaluator.scores()


def test_the_frechet_distance_of_the_box_is_0_for_the_same_pictures_and_greater_for_others():
    painted = list(np.random.default_rng(0).integers(0, 256, (6, 48, 48, 3), np.uint8))
    boxes = [image[:40, 10:40] for image in painted]
    same = frechet(boxes, painted)['painted']['box_alex_frechet']
    other = frechet(boxes, [image // 2 for image in painted])['painted']['box_alex_frechet']
    assert same == pytest.approx(0, abs=1e-6) and other > 100


def test_as_many_painted_boxes_as_real_ones_are_compared():
    random = np.random.default_rng(0)
    boxes = list(random.integers(0, 256, (4, 40, 30, 3), np.uint8))
    evaluator = BoxFrechetEvaluator(Colours(), 'alex_frechet', boxes, 40)
    assert sorted(evaluator.chosen) == [0, 13, 26, 39]
    painted = list(random.integers(0, 256, (2, 48, 48, 3), np.uint8))
    ends = frechet([boxes[0], boxes[3]], painted)
    assert frechet(boxes, painted) == ends
    assert frechet(boxes, painted[:1]) == {}, 'one box has no spread'
