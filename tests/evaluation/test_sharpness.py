"""Is the painted person as sharp as filmed?"""
import cv2
import numpy as np
import pytest

from evaluation.frame_sets import FrameSet
from evaluation.sharpness import SharpnessEvaluator, target_gradient
from evaluation.target import Target
from pose.skeleton import BODY_25
from pose.track import PoseTrack
from tests.evaluation.test_silhouettes import SIZE, pose_at
from util.errors import UserError
from util.images import resized
from util.metrics.sharpness import mean_gradient

LARGE = SIZE[0] * 2, SIZE[1] * 2
BOX = slice(0, 230), slice(0, 220)


def filmed(seed: int = 0, size: tuple[int, int] = LARGE) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3), np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 0.7)


def frame(painted: np.ndarray, real: np.ndarray | None) -> FrameSet:
    """Measured small, with the large ones kept."""
    large = {'painted': painted}
    if real is not None:
        large['real'] = real
    small = {name: resized(image, SIZE) for name, image in large.items()}
    return FrameSet({'painted': small['painted']}, small.get('real'), pose_at(0), BOX, False, large)


def sharpness(*frames: FrameSet, reference: float | None = None) -> float:
    evaluator = SharpnessEvaluator(BODY_25, reference)
    for one in frames:
        evaluator.process(one)
    return evaluator.scores()['painted']['sharpness']


def test_the_gradient_of_a_ramp_is_its_slope():
    ramp = np.tile(np.arange(0, 200, 4, dtype=np.uint8), (9, 1))
    mask = np.ones(ramp.shape, bool)
    assert mean_gradient(np.dstack([ramp] * 3), mask) == pytest.approx(4 / 2 ** 0.5)
    assert np.isnan(mean_gradient(np.dstack([ramp] * 3), ~mask))


def test_a_film_painted_small_and_enlarged_is_less_sharp_than_the_real_one():
    real = filmed()
    small = cv2.resize(resized(real, SIZE), LARGE, interpolation=cv2.INTER_CUBIC)
    assert sharpness(frame(real, real)) == 1
    assert sharpness(frame(small, real)) < 0.7, 'the frames at measured size are equal'


def test_only_the_person_counts():
    real = filmed()
    painted = real.copy()
    painted[:, 500:] = 0
    painted[:60, :100] = 0          # a corner of the box
    assert sharpness(frame(painted, real)) == 1


def target(large: np.ndarray | None) -> Target:
    poses = np.stack([pose_at(0)] * 3)
    numbers = np.arange(3)
    track = PoseTrack(poses, numbers / 25, numbers, 'BODY_25', SIZE)
    small = resized(filmed(), SIZE)
    return Target(track, lambda row: (small, poses[row]), lambda row: large)


def test_without_truth_the_targets_own_frames_at_film_size_are_the_reference():
    reference = target_gradient(target(filmed(1)), 'BODY_25', LARGE)
    assert sharpness(frame(filmed(), None), reference=reference) == pytest.approx(1, rel=0.02)
    blurred = cv2.GaussianBlur(filmed(), (0, 0), 2)
    assert sharpness(frame(blurred, None), reference=reference) < 0.5


def test_frames_of_another_size_are_no_reference():
    with pytest.raises(UserError, match='kept at 240 px, the film has 480'):
        target_gradient(target(None), 'BODY_25', LARGE)
    assert target_gradient(target(None), 'BODY_25', (SIZE[0] + 2, SIZE[1])) > 0


def test_a_frame_without_anybody_has_no_sharpness():
    nobody = FrameSet({'painted': filmed()}, filmed(), pose_at(0), None, False)
    assert np.isnan(sharpness(nobody))
    assert sharpness(nobody, frame(filmed(), filmed())) == 1
