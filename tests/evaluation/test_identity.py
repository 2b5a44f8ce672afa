"""Is the painted face the target's?"""
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from data.joints import PictureJoints
from evaluation import identity
from evaluation.frame_sets import FrameSet
from evaluation.identity import IdentityEvaluator, identity_evaluators, own_faces
from evaluation.target import Target
from pose.skeleton import BODY_25
from pose.track import PoseTrack
from util.errors import UserError
from util.metrics.mobilefacenet import FETCH

SIZE, LARGE = (60, 80), (180, 240)
FACE = {'REye': (27, 20), 'LEye': (33, 20), 'Nose': (30, 23.4), 'REar': (24, 21), 'LEar': (36, 21)}
TRUNK = {'Neck': (30, 35), 'MidHip': (30, 60), 'RHip': (26, 60), 'LHip': (34, 60)}
PROFILE = FACE | {'Nose': (34, 23.4)}
RED, BLUE, NOTHING = (200, 20, 20), (20, 20, 200), (0, 0, 0)


def pose(face: dict[str, tuple[float, float]] = FACE) -> np.ndarray:
    """float32 (25, 3) in px of SIZE; the eyes are 6 px apart, at LARGE 18."""
    joints = np.zeros((25, 3), np.float32)
    for joint, place in (TRUNK | face).items():
        joints[BODY_25.index(joint)] = *place, 1
    return joints


def filled(colour: tuple[int, int, int], size: tuple[int, int] = LARGE) -> np.ndarray:
    return np.full((*size[::-1], 3), colour, np.uint8)


def colours(faces: np.ndarray) -> np.ndarray:
    """In place of a network: the colour of each face, as a vector of length 1."""
    means = faces.reshape(len(faces), -1, 3).mean(1)
    return (means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float32)


class Finder:
    """In place of the face mesh: a face lies where the pose has it, unless the picture is black."""

    def __call__(self, image: np.ndarray, face: np.ndarray) -> np.ndarray | None:
        mouth = face[:2] + 2 * (face[2] - face[:2].mean(0))
        return np.concatenate([face[:3], mouth]) if image.any() else None

    def close(self) -> None:
        pass


def frame(painted: tuple[int, int, int], real: tuple[int, int, int] | None,
          requested: np.ndarray | None = None, large: tuple[int, int] = LARGE) -> FrameSet:
    """Measured at SIZE, filmed at `large`."""
    colour = {'painted': painted} | ({'real': real} if real else {})
    small = {name: filled((0, 0, 0), SIZE) for name in colour}
    films = {name: filled(value, large) for name, value in colour.items()}
    requested = pose() if requested is None else requested
    return FrameSet({'painted': small['painted']}, small.get('real'), requested, None, False, films)


def test_the_face_is_held_against_the_real_one_at_film_size():
    evaluator = IdentityEvaluator(Finder(), colours, BODY_25)
    evaluator.process(frame(RED, RED))
    evaluator.process(frame(BLUE, RED))
    same, other = evaluator.frames['painted']['identity']
    assert same == pytest.approx(1) and other == pytest.approx(0.21, abs=0.01)
    assert evaluator.scores()['painted']['identity'] == pytest.approx((same + other) / 2)


@pytest.mark.parametrize('one', [
    pytest.param(frame(RED, RED, pose(PROFILE)), id='in profile'),
    pytest.param(frame(RED, RED, np.zeros((25, 3), np.float32)), id='nobody'),
    pytest.param(frame(RED, RED, large=(90, 120)), id='9 px from eye to eye')])
def test_what_is_no_frontal_face_has_no_value(one):
    evaluator = IdentityEvaluator(Finder(), colours, BODY_25)
    evaluator.process(one)
    evaluator.process(frame(RED, RED))
    assert np.isnan(evaluator.frames['painted']['identity'][0])
    assert evaluator.scores()['painted']['identity'] == pytest.approx(1)


def test_a_face_that_is_not_painted_is_nobodys():
    evaluator = IdentityEvaluator(Finder(), colours, BODY_25)
    evaluator.process(frame(NOTHING, RED))
    evaluator.process(frame(RED, NOTHING))
    first, second = evaluator.frames['painted']['identity']
    assert first == 0 and np.isnan(second), 'the real frame shows none either'


def test_without_truth_it_is_the_mean_over_the_targets_own_faces():
    own = colours(np.stack([filled(RED), filled(BLUE)]))
    evaluator = IdentityEvaluator(Finder(), colours, BODY_25, own)
    evaluator.process(frame(RED, None))
    assert evaluator.scores()['painted']['identity'] == pytest.approx((1 + 0.21) / 2, abs=0.01)


def target(*faces: dict[str, tuple[float, float]], large: bool = True) -> Target:
    poses = np.stack([pose(face) for face in faces])
    numbers = np.arange(len(poses))
    track = PoseTrack(poses, numbers / 25, numbers, 'BODY_25', SIZE)

    def film(row: int) -> np.ndarray | None:
        return filled((row + 1,) * 3) if large else None
    return Target(track, lambda row: (filled((row + 1,) * 3, SIZE), poses[row]), film)


def test_the_targets_own_faces_are_its_frontal_ones_evenly_spaced():
    found = own_faces(target(PROFILE, FACE, PROFILE, PROFILE, FACE, FACE, FACE), 3, Finder())
    assert [int(face[0, 0, 0]) for face in found] == [2, 5, 7]
    assert found.shape == (3, 112, 112, 3)


@pytest.mark.parametrize('one', [target(PROFILE, PROFILE), target(FACE, large=False)])
def test_a_target_without_frontal_faces_that_are_large_enough_is_no_reference(one):
    with pytest.raises(UserError, match='no frame of the target shows a frontal face with at '
                                        'least 12 px'):
        own_faces(one, 3, Finder())


def film(*faces: dict[str, tuple[float, float]], film_size: tuple[int, int] = LARGE):
    """What identity_evaluators asks of the measured frames."""
    joints = PictureJoints(target(*faces).track)
    dataset = SimpleNamespace(root=Path('datasets/me'), joints=joints,
                              path=lambda k: Path(f'{k + 1:06}.png'))
    return SimpleNamespace(dataset=dataset, chosen=np.arange(len(faces)), film_size=film_size)


@pytest.fixture
def weights(monkeypatch):
    """As if they were fetched."""
    monkeypatch.setattr(identity, 'why_no_weights', lambda: '')
    monkeypatch.setattr(identity, 'MobileFaceNet', lambda device: colours)
    monkeypatch.setattr(identity, 'FaceFinder', Finder)


ENGINE = SimpleNamespace(device='cpu')


def reason(*arguments) -> str:
    missing: dict[str, str] = {}
    assert identity_evaluators(*arguments, ENGINE, missing) == []
    return missing['identity']


def test_why_it_is_not_measured_is_said(weights, monkeypatch):
    no_face = 'no pose shows a frontal face with at least 12 px from eye to eye in the film'
    assert reason(film(PROFILE), '', True) == no_face
    assert reason(film(FACE, film_size=SIZE), '', True) == no_face
    assert reason(film(FACE), 'the run is gone', False) == 'the run is gone'
    assert 'no frame of the target' in reason(film(FACE), target(PROFILE), False)
    drawn = film(FACE)
    drawn.dataset.joints = None
    assert reason(drawn, '', True) == 'datasets/me has no joints of its frames'
    monkeypatch.setattr(identity, 'why_no_weights', lambda: f'no weights here yet: {FETCH}')
    assert FETCH in reason(film(FACE), '', True)


def test_what_finds_faces_is_closed_where_it_comes_to_nothing(weights, monkeypatch):
    closed = []
    monkeypatch.setattr(Finder, 'close', lambda finder: closed.append(finder))
    reason(film(FACE), target(PROFILE), False)
    assert len(closed) == 1
    identity_evaluators(film(FACE), target(FACE), False, ENGINE, {})
    assert len(closed) == 1, 'one that is used stays open'


def test_it_is_measured_with_truth_and_without(weights):
    (truth,) = identity_evaluators(film(PROFILE, FACE), '', True, ENGINE, {})
    (own,) = identity_evaluators(film(FACE), target(FACE), False, ENGINE, {})
    assert truth.own is None and own.own.shape == (1, 3)
