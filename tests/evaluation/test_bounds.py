"""Measuring costs the same whatever the size and length of a film, and finds the same."""
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from evaluation import bounds, evaluate
from evaluation.bounds import measured_size, scaled_box, stretches
from evaluation.evaluators import FramedEvaluator, LpipsEvaluator, PoseEvaluator
from evaluation.frame_sets import MeasuredFrames
from evaluation.results import Results
from evaluation.silhouettes import silhouettes_of
from pose.skeleton import BODY_25, moved
from tests.evaluation.test_silhouettes import (
    PLACES,
    SIZE,
    WALL,
    Seer,
    arm_of,
    drawn,
    pose_at,
    target,
)
from util.images import scaling, size_of, write_image
from util.metrics.lpips import Features


class Poses:
    """A dataset of the poses alone, small."""
    root = Path('poses')
    facts: dict[str, object] = {}

    def __init__(self, poses: list[np.ndarray]):
        self.poses = poses

    def item(self, k: int) -> dict[str, np.ndarray]:
        return {'A': np.zeros((*SIZE[::-1], 3), np.uint8), 'joints': self.poses[k]}

    def follows(self, k: int) -> bool:
        return k > 0


def film(folder: Path, images: list[np.ndarray], times: int, real: bool = False) -> Results:
    """The images as painted frames, `times` times as large."""
    (folder / 'images').mkdir(parents=True)
    results = Results(folder, Poses([]), {})
    for k, image in enumerate(images):
        large = image.repeat(times, 0).repeat(times, 1)
        write_image(folder / 'images' / f'{k}_fake_B.png', large)
        results.frames.append({'fake_B': f'images/{k}_fake_B.png'})
        if real:
            results.frames[-1]['real_B'] = f'images/{k}_fake_B.png'
    return results


def no_arm(pose: np.ndarray) -> np.ndarray:
    image = drawn(pose)
    image[arm_of(pose, turn=0)] = WALL
    return image


def scores_of(frames: MeasuredFrames) -> dict[str, float]:
    own = target([drawn(pose_at(x)) for x in PLACES])
    seer = Seer()
    measured = silhouettes_of(own, seer, BODY_25, frames.size)
    assert measured.background is not None
    evaluators = PoseEvaluator({'painted': seer}, 'BODY_25', 0.1, measured), \
        FramedEvaluator(BODY_25, None)
    scores: dict[str, float] = {}
    for frame_set in frames:
        for evaluator in evaluators:
            evaluator.process(frame_set)
    for evaluator in evaluators:
        scores |= evaluator.scores()['painted']
    return scores


@pytest.mark.parametrize('times', [2, 3])
def test_a_film_larger_than_its_poses_has_the_scores_of_a_small_one(times, tmp_path, monkeypatch):
    monkeypatch.setattr(bounds, 'SIDE', SIZE[1])
    poses = [pose_at(20), pose_at(100), pose_at(180), pose_at(-60)]
    images = [drawn(poses[0]), no_arm(poses[1]), drawn(pose_at(170)), drawn(poses[3])]
    found = []
    for folder, scale in (('small', 1), ('large', times)):
        painted = film(tmp_path / folder, images, scale)
        found.append(scores_of(MeasuredFrames(painted, Poses(poses), None)))
    small, large = found
    assert small['pose_error'] > 1 and small['gaps'] > 1.5 and small['framed'] == 0.5
    assert large == pytest.approx(small, rel=0.01)


def test_a_film_whose_aspect_differs_by_rounding_is_held_against_the_background():
    own = target([drawn(pose_at(x)) for x in PLACES])
    measured = silhouettes_of(own, Seer(), BODY_25, (322, 240))
    assert measured.background is not None
    image = cv2.resize(drawn(pose_at(100)), (322, 240), interpolation=cv2.INTER_NEAREST)
    image[20:60, 250:290] = (20, 20, 200)
    pose = moved(pose_at(100), scaling(SIZE, (322, 240)))
    seer = Seer()
    seer(image, 0)
    shares = measured.measure(image, [255 * mask.shares.astype(np.uint8) for mask in seer.found],
                              pose)
    assert shares is not None and measured.ratios(shares).spill > 1.5


class Baselines:
    """Counts what it is asked to paint."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def outputs(self, k: int) -> dict[str, np.ndarray]:
        self.asked.append(k)
        return {'median': np.zeros((*SIZE[::-1], 3), np.uint8)}


def test_of_a_long_large_film_a_bounded_number_of_small_frames_is_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(bounds, 'SIDE', 60)
    results = film(tmp_path, [drawn(pose_at(0))], 2, real=True)
    results.frames *= 1000
    baselines = Baselines()
    frames = MeasuredFrames(results, Poses([pose_at(0)] * 1000), baselines)     # type: ignore
    seen = []
    for frame_set in frames:
        assert frame_set.real is not None and size_of(frame_set.real) == (80, 60)
        assert all(size_of(image) == (80, 60) for image in frame_set.methods.values())
        assert size_of(frame_set.person('real')) == bounds.PERSON_SIZE
        assert frame_set.pose is not None
        assert np.allclose(frame_set.pose, moved(pose_at(0), scaling(SIZE, (80, 60))))
        seen.append(frame_set.follows)
    assert len(frames) == len(seen) == bounds.FRAMES
    assert sum(seen) == bounds.FRAMES - bounds.FRAMES // bounds.STRETCH, 'stretches'
    assert len(baselines.asked) == bounds.BASELINE_FRAMES
    assert frames.chosen[0] == 0 and frames.chosen[-1] == 999


def test_a_network_sees_one_image_at_a_time_and_people_of_one_size(tmp_path, monkeypatch):
    class Network:
        seen: list[tuple[int, ...]] = []

        def features(self, images: np.ndarray) -> Features:
            self.seen.append(images.shape)
            return Features(images.shape[1:3], [], np.zeros((1, 2)))

        def distance(self, a: Features, b: Features) -> np.ndarray:
            return np.zeros(1)
    monkeypatch.setattr(bounds, 'SIDE', 120)
    results = film(tmp_path, [drawn(pose_at(0))], 2, real=True)
    network = Network()
    evaluator = LpipsEvaluator(network, 'lpips_alex', [0])              # type: ignore[arg-type]
    for frame_set in MeasuredFrames(results, Poses([pose_at(0)]), None):
        evaluator.process(frame_set)
    assert network.seen == 2 * [(1, 120, 160, 3)] + 2 * [(1, 192, 128, 3)]


def test_frames_are_measured_as_they_are_up_to_the_bound():
    assert measured_size((256, 454)) == (256, 454) and measured_size((128, 64)) == (128, 64)
    assert measured_size((720, 1264)) == (256, 449)


def test_short_films_are_measured_whole_and_long_ones_in_stretches():
    assert stretches(5, 8, 4).tolist() == [0, 1, 2, 3, 4]
    assert stretches(20, 8, 4).tolist() == [0, 1, 2, 3, 16, 17, 18, 19]
    assert stretches(9, 8, 4).tolist() == [0, 1, 2, 3, 5, 6, 7, 8]


def test_a_pose_and_a_box_lie_at_the_same_place_in_a_larger_picture():
    pose = np.float32([[-0.5, 1.5, 0.9], [0, 0, 0]])
    there = moved(pose, scaling((4, 4), (12, 8)))
    assert np.array_equal(there, np.float32([[-0.5, 3.5, 0.9], [0, 0, 0]]))
    assert scaled_box((slice(1, 3), slice(0, 2)), (4, 4), (12, 8)) == (slice(2, 6), slice(0, 6))


def test_scores_of_measured_frames_are_listed_at_their_places(tmp_path):
    results = film(tmp_path, [drawn(pose_at(0))], 1)
    results.frames *= 200
    frames = MeasuredFrames(results, Poses([]), None)
    spread = frames.spread({'l1': [1.0] * 10})['l1']
    assert len(spread) == 200
    assert np.flatnonzero(np.isfinite(spread)).tolist() == frames.chosen[:10].tolist()


def test_a_short_film_costs_no_more_in_proportion_than_a_long_one(monkeypatch):
    assert [evaluate.vgg_frames(count) for count in (1, 34, 96, 1000)] == [2, 3, 8, 8]
    asked = []
    monkeypatch.setattr(evaluate, 'silhouettes_of', lambda *given: asked.append(given[-1].frames))
    for count in (1, 34, 60, 1000):
        evaluate.silhouettes_or_none(target([]), Seer(), 'BODY_25', SIZE, count, {})
    assert asked == [12, 17, 30, 30]


def test_no_more_of_the_targets_own_boxes_are_seen_than_are_compared(monkeypatch):
    class Seen:
        def boxes(self, most):
            asked.append(most)
            return []
    asked: list[int] = []
    monkeypatch.setattr(evaluate, 'lpips_weights', lambda net: 'there')
    monkeypatch.setattr(evaluate, 'Lpips', lambda *given: None)
    engine = SimpleNamespace(device='cpu', bf16=False)
    for count in (10, 1000):
        evaluate.frechet_evaluators(Seen(), count, engine, {})
    assert asked == [10, evaluate.FRECHET_FRAMES]
