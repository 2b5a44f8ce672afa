"""Spill and gaps see a third arm and a missing one, on drawn figures with known masks."""
from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from evaluation.evaluators import FrameSet, PoseEvaluator
from evaluation.silhouettes import Silhouettes, silhouettes_of
from evaluation.target import Target
from pose.detect.base import Detector
from pose.silhouette import person_mask
from pose.skeleton import BODY_25
from pose.track import PoseTrack
from tests.conftest import joints
from util.errors import UserError

SIZE = 320, 240                     # width, height
PERSON, OTHER, WALL = (250, 40, 40), (40, 250, 40), (120, 120, 130)
ARM = 'RShoulder', 'RElbow', 'RWrist'
PLACES = 0, 40, 80, 120, 160, 200   # px: where the target stands in its own frames


def pose_at(x: int) -> np.ndarray:
    """float32 (25, 3): a body 160 px tall, arms spread, `x` px to the right."""
    pose = joints(0) * np.float32([20, 18, 1])
    for side, way in (('R', -1), ('L', 1)):
        shoulder = pose[BODY_25.index(f'{side}Shoulder'), :2]
        for joint, far in (('Elbow', 20), ('Wrist', 40)):
            pose[BODY_25.index(side + joint), :2] = shoulder + (way * far, 18 * far / 20)
    pose[:, :2] += (pose[:, 2:] > 0) * np.float32([x, -140])
    return pose


def drawn(pose: np.ndarray, colour: tuple[int, ...] = PERSON, grow: float = 0.035,
          on: np.ndarray | None = None) -> np.ndarray:
    """uint8 (H, W, 3): a body in wide clothes before the wall."""
    image = np.full((*SIZE[::-1], 3), WALL, np.uint8) if on is None else on.copy()
    image[person_mask(pose, BODY_25, SIZE, grow)] = colour
    return image


def arm_of(pose: np.ndarray, turn: float) -> np.ndarray:
    """bool (H, W): its right arm, turned about the shoulder by that angle in degrees."""
    mask = np.zeros(SIZE[::-1], np.uint8)
    points = [pose[BODY_25.index(joint), :2] for joint in ARM]
    points.append(points[-1] + 0.35 * (points[-1] - points[-2]))
    cv2.polylines(mask, [np.int32(points)], False, (1,), 24)
    shoulder = [float(value) for value in points[0]]
    turned = cv2.warpAffine(mask, cv2.getRotationMatrix2D(shoulder, turn, 1), SIZE)
    return np.asarray(turned > 0)


@dataclass
class Mask:
    shares: np.ndarray

    def drawn(self, size: tuple[int, int]) -> np.ndarray:
        assert size == SIZE
        return 255 * self.shares.astype(np.uint8)


class Seer(Detector):
    """Finds whoever is painted in the colours of PERSON and OTHER, with a mask of just that."""

    def __init__(self, pose: np.ndarray | None = None):
        self.pose = pose_at(0) if pose is None else pose
        self.found: list[Mask] = []

    def __call__(self, image: np.ndarray, index: int) -> np.ndarray:
        self.found = [Mask(seen) for colour in (OTHER, PERSON)
                      if (seen := (image == colour).all(-1)).any()]
        people = np.zeros((len(self.found), 25, 4), np.float32)
        for person, mask in zip(people, self.found):
            rows, columns = np.nonzero(mask.shares)
            person[:, :3] = self.pose
            person[:, 0] += columns.mean() - self.pose[BODY_25.index('Neck'), 0]
        return people

    def masks(self) -> list[Mask]:
        return self.found


def target(frames: list[np.ndarray], places: tuple[int, ...] = PLACES) -> Target:
    poses = np.stack([pose_at(x) for x in places])
    numbers = np.arange(len(places))
    track = PoseTrack(poses, numbers / 25, numbers, 'BODY_25', SIZE)
    return Target(track, lambda row: (frames[row], poses[row]))


@pytest.fixture
def measured() -> Silhouettes:
    own = target([drawn(pose_at(x)) for x in PLACES])
    return silhouettes_of(own, Seer(), BODY_25, SIZE)


def ratios(measured: Silhouettes, image: np.ndarray, pose: np.ndarray) -> tuple[float, float]:
    detector = Seer()
    detector(image, 0)
    masks = [mask.drawn(SIZE) for mask in detector.masks()]
    shares = measured.measure(image, masks, pose)
    assert shares is not None
    found = measured.ratios(shares)
    return found.spill, found.gaps


def test_a_body_painted_where_it_is_asked_for_has_the_targets_own_spill_and_gaps(measured):
    assert measured.reference.spill > 0.03, 'wide clothes'
    assert ratios(measured, drawn(pose_at(100)), pose_at(100)) == pytest.approx((1, 1), rel=0.1)


def test_a_third_arm_raises_spill_alone(measured):
    image = drawn(pose_at(100))
    image[arm_of(pose_at(100), turn=-110)] = PERSON
    spill, gaps = ratios(measured, image, pose_at(100))
    assert spill > 2 and gaps == pytest.approx(1, rel=0.1)


def test_a_missing_arm_raises_gaps_alone(measured):
    image = drawn(pose_at(100))
    image[arm_of(pose_at(100), turn=0)] = WALL
    spill, gaps = ratios(measured, image, pose_at(100))
    assert gaps > 4 and spill <= 1.1


def test_what_the_detector_takes_for_nobody_is_spilt_where_it_hides_the_background(measured):
    image = drawn(pose_at(100))
    image[20:60, 250:290] = (20, 20, 200)
    assert ratios(measured, image, pose_at(100))[0] > 2
    image[20:60, 250:290] = np.add(WALL, 12)
    assert ratios(measured, image, pose_at(100))[0] < 1.1, 'a shadow is none'


def test_a_place_that_the_target_always_hides_has_no_background_to_compare_with():
    own = target([drawn(pose_at(0))] * 6, (0,) * 6)
    measured = silhouettes_of(own, Seer(), BODY_25, SIZE)
    assert measured.background is not None
    hidden = np.isinf(measured.background.tolerance)
    assert 0.1 < hidden.mean() < 0.5
    assert not measured.background.is_left_by(np.zeros((*hidden.shape, 3), np.uint8))[hidden].any()


def test_what_moves_behind_the_target_is_no_spill():
    random = np.random.default_rng(0)
    frames = []
    for x in PLACES:
        image = np.full((*SIZE[::-1], 3), WALL, np.uint8)
        image[:120] = random.integers(0, 256, 3)           # the sky
        frames.append(drawn(pose_at(x), on=image))
    measured = silhouettes_of(target(frames), Seer(), BODY_25, SIZE)
    still = silhouettes_of(target([drawn(pose_at(x)) for x in PLACES]), Seer(), BODY_25, SIZE)
    assert measured.reference.spill == pytest.approx(still.reference.spill, abs=0.02)
    pose = pose_at(PLACES[2])
    assert ratios(measured, frames[2], pose)[0] < 2 < ratios(still, frames[2], pose)[0]


def test_others_in_the_targets_video_are_not_the_targets_own_spill(measured):
    frames = [drawn(pose_at(x), OTHER, on=drawn(pose_at(200 - x))) for x in PLACES]
    crowd = silhouettes_of(target(frames, PLACES[::-1]), Seer(), BODY_25, SIZE)
    assert crowd.reference.spill <= measured.reference.spill
    assert ratios(crowd, frames[0], pose_at(200))[0] > 5, 'but nobody else was to be painted'


def test_where_nobody_is_painted_the_whole_body_is_missing(measured):
    spill, gaps = ratios(measured, np.full((*SIZE[::-1], 3), WALL, np.uint8), pose_at(100))
    assert gaps == pytest.approx(1 / max(measured.reference.gaps, measured.settings.least))
    assert spill < 1


def test_a_frame_of_another_shape_is_measured_by_its_people_alone():
    own = target([drawn(pose_at(x)) for x in PLACES])
    assert silhouettes_of(own, Seer(), BODY_25, (240, 320)).background is None
    assert silhouettes_of(own, Seer(), BODY_25, (640, 480)).background is not None


def test_without_masks_or_people_the_reason_is_said():
    own = target([drawn(pose_at(x)) for x in PLACES])
    with pytest.raises(UserError, match='no person masks'):
        silhouettes_of(own, Detector.__new__(Detector), BODY_25, SIZE)
    empty = target([np.zeros((*SIZE[::-1], 3), np.uint8)] * 6)
    with pytest.raises(UserError, match='finds nobody'):
        silhouettes_of(empty, Seer(), BODY_25, SIZE)


def test_one_run_of_the_detector_gives_the_pose_error_and_the_silhouette(measured):
    evaluator = PoseEvaluator({'painted': Seer()}, 'BODY_25', 0.1, measured)
    good = drawn(pose_at(100))
    bad = good.copy()
    bad[arm_of(pose_at(100), turn=0)] = WALL
    for k, (image, pose) in enumerate([(good, pose_at(100)), (bad, pose_at(100)),
                                       (good, np.zeros((25, 3), np.float32))]):
        evaluator.process(FrameSet({'painted': image}, None, pose, None, k > 0))
    scores = evaluator.scores()['painted']
    frames = evaluator.frames['painted']
    assert list(scores) == ['pose_error', 'missed_joints', 'missed_people', 'spill', 'gaps']
    assert frames['gaps'][1] > 3 * frames['gaps'][0] and np.isnan(frames['gaps'][2])
    assert frames['gaps'][0] < scores['gaps'] < frames['gaps'][1]
