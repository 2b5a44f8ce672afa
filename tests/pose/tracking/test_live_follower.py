"""The person chosen first stays the one, frame after frame."""
import numpy as np
import pytest

from pose.tracking.following import LiveFollower
from scripts.demo.body import TARGET
from tests.pose.tracking.dancers import CAMERA, FULL, GREEN, RED, crossing, dancing, film

FPS = 25


def followed(joints: np.ndarray, wear=(RED, GREEN), lost: float = 0.05) -> list[int]:
    """Who of the true people is followed, frame by frame; -1 for nobody."""
    people, looks, truth = film(joints, wear, lost=lost)
    follower = LiveFollower('BODY_25', 3.0)
    shown = []
    for f, (here, seen) in enumerate(zip(people, looks, strict=True)):
        row, _ = follower(here, seen, f / FPS)
        shown.append(truth[f][row] if row >= 0 else -1)
    return shown


def pair(frames: slice) -> np.ndarray:
    """Joints (F, 2, 25, 3): one who dances all the time, and a larger one who comes in `frames`."""
    first = dancing(x=-0.5, camera=CAMERA)
    second = np.zeros_like(first)
    second[frames] = dancing(TARGET, camera=FULL, x=0.5)[frames]
    return np.stack([first, second], 1)


def test_the_first_one_stays_when_a_larger_one_comes():
    assert set(followed(pair(slice(30, 100)))) <= {0, -1}


def test_the_first_one_is_waited_for_while_the_other_one_stays():
    joints = pair(slice(20, 100))
    joints[40:70, 0] = 0
    shown = followed(joints, lost=0)
    assert set(shown[40:70]) == {-1} and set(shown[70:]) == {0}


def test_who_is_gone_for_longer_than_the_window_is_followed_by_another():
    joints = np.concatenate([pair(slice(20, 100))] * 2)
    joints[40:, 0] = 0
    joints[100:120, 1] = joints[99, 1]
    people, looks, _ = film(joints, (RED, GREEN), lost=0)
    follower = LiveFollower('BODY_25', 3.0)
    new = [f for f in range(len(people)) if follower(people[f], looks[f], f / FPS)[1]]
    assert new == [0, 39 + 3 * FPS + 1]


def test_alone_somebody_is_followed_wherever_it_appears():
    joints = dancing()[:, None].copy()
    joints[50:, :, :, 0] += 60
    assert set(followed(joints, (RED,), lost=0)) == {0}


@pytest.mark.parametrize('turn_back', [False, True])
def test_two_who_meet_are_not_taken_for_each_other(turn_back):
    shown = [who for who in followed(crossing(FPS, turn_back)) if who >= 0]
    first = shown[0]
    assert np.mean(np.array(shown) == first) > 0.95


def test_parts_of_one_body_found_twice_are_nobody_else():
    people, looks, _ = film(dancing()[:, None], (RED,), lost=0)
    follower = LiveFollower('BODY_25', 3.0)
    rows = []
    for f, (here, seen) in enumerate(zip(people, looks, strict=True)):
        if 20 <= f < 60:                # its upper half is found again, as a body of its own
            half = here.copy()
            half[..., 1] = here[0, 1, 1] + 0.4 * (here[..., 1] - here[0, 1, 1])
            here, seen = np.concatenate([half, here]), np.concatenate([seen, seen])
        if f == 40:                     # and the body itself is missed once
            here, seen = here[:1], seen[:1]
        rows.append(follower(here, seen, f / FPS)[0])
    assert rows[60:] == [0] * 40 and rows[25:39] == [1] * 14 and rows[40] == 0
