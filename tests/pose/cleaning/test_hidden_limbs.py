"""Arms hidden by a dancer's body and legs below the picture, on drawn dancers with known joints."""
from dataclasses import replace

import numpy as np
import pytest

from pose.cleaning.hidden_limbs import (
    legs_below,
    with_hidden_arms,
    with_legs_below,
    without_arms_behind,
)
from pose.cleaning.repair import LiveRepair, repair
from pose.skeleton import BODY_25
from pose.track import PoseTrack
from tests.pose.cleaning.tracks import (
    ELBOW,
    FPS,
    HEIGHT,
    KNEE,
    WRIST,
    dancing,
    standing,
    track_of,
)

ANKLE = BODY_25.index('RAnkle')
FEET = [BODY_25.index(side + joint) for side in 'RL' for joint in ('Ankle', 'BigToe', 'Heel')]
GUESS = 0.04                    # what MediaPipe gives for an arm behind the body
HIDDEN = slice(100, 200)        # longer than any gap that is filled in


def guessing() -> PoseTrack:
    """The dancer with one arm hidden for three seconds, where the detector guesses it."""
    found = dancing(0.003)
    found.poses[HIDDEN, [[ELBOW], [WRIST]], 2] = GUESS
    return found


def arm_seen(track: PoseTrack) -> np.ndarray:
    return (track.poses[:, [ELBOW, WRIST], 2] > 0).all(1)


def test_a_dancer_keeps_an_arm_that_the_body_hides():
    kept, _ = repair(guessing(), hidden_arms=True)
    assert arm_seen(kept).all()
    off = np.hypot(*(kept.poses - dancing().poses)[HIDDEN, WRIST, :2].T)
    assert np.quantile(off, 0.95) < 0.02 * HEIGHT
    assert np.isfinite(kept.depth[HIDDEN, WRIST]).all()


def test_of_who_is_painted_a_hidden_arm_is_not_believed():
    cleaned, _ = repair(guessing())
    assert not arm_seen(cleaned)[HIDDEN].any()


def test_an_arm_that_the_painted_body_hides_is_left_out_and_one_that_was_found_is_not():
    kept, _ = repair(guessing(), hidden_arms=True)
    shown = without_arms_behind(kept, np.zeros(len(kept), bool))
    assert not arm_seen(shown)[HIDDEN].any() and arm_seen(shown)[:HIDDEN.start].all()
    kept.poses[:HIDDEN.start, [ELBOW, WRIST], 2] = GUESS        # found, but hardly
    shown = without_arms_behind(kept, np.zeros(len(kept), bool))
    assert arm_seen(shown)[:HIDDEN.start].all()


def test_a_live_dancer_keeps_it_too():
    found = guessing()
    live = LiveRepair(found.skeleton, found.size)
    joints = np.dstack([found.poses, found.depth])
    cleaned = np.array([live(each, time) for each, time in zip(joints, found.times.tolist())])
    assert (cleaned[HIDDEN, [[ELBOW], [WRIST]], 2] > 0).all()
    off = np.hypot(*(cleaned[HIDDEN, WRIST, :2] - dancing().poses[HIDDEN, WRIST, :2]).T)
    assert np.quantile(off, 0.9) < 0.05 * HEIGHT


@pytest.mark.parametrize('joint', [ELBOW, WRIST])
def test_an_arm_longer_than_the_dancers_is_not_kept(joint):
    found = guessing()
    found.poses[HIDDEN, joint, 0] += 0.6 * HEIGHT
    kept, _ = repair(found, hidden_arms=True)
    assert not arm_seen(kept)[HIDDEN].any()
    assert kept.kept.all()


def test_what_was_found_and_filled_in_stays_and_no_joint_is_made_up():
    found = guessing()
    before, _ = repair(found, smooth=0)
    nothing = replace(found, poses=np.zeros_like(found.poses))
    assert np.array_equal(with_hidden_arms(before, nothing).poses, before.poses)
    after = with_hidden_arms(before, found)
    seen = before.poses[..., 2] > 0
    assert np.array_equal(after.poses[seen], before.poses[seen])


# Legs below the picture

def cut_off(raised: bool = False) -> PoseTrack:
    """A dancer of 300 px who sways and bobs, filmed to the knees: below the picture nothing is
    found, but for a guess of an ankle squeezed into it once in a while."""
    body = standing(y=400, size=3.0)
    poses = np.tile(body, (120, 1, 1))
    at = np.arange(120)
    poses[..., 0] += 6 * np.sin(at / 9)[:, None]
    poses[..., 1] += 5 * np.sin(at / 5)[:, None]
    if raised:
        poses[50:70, KNEE, 1] -= 60
    low = body[KNEE, 1] + 30
    poses[poses[..., 1] > low] = 0
    poses[::10, ANKLE] = [body[KNEE, 0], low - 5, 0.3]
    return replace(track_of(poses, FPS), size=(480, int(low)))


def test_a_dancer_filmed_to_the_knees_stands_on_legs():
    legs = with_legs_below(cut_off())
    true = standing(y=400, size=3.0)
    for joint in FEET:
        assert (legs.poses[:, joint, 2] > 0).all()
        assert legs.poses[:, joint, 1] == pytest.approx(true[joint, 1], abs=0.06 * HEIGHT)
    ankle = legs.poses[:, ANKLE, :2]
    assert ankle[:, 1].max() - ankle[:, 1].min() < 3            # while the hips move by 10
    assert np.hypot(*np.diff(ankle, axis=0).T).max() < 2
    found = cut_off().poses
    knees = found[:, KNEE, 2] > 0
    assert legs.poses[knees, KNEE] == pytest.approx(found[knees, KNEE], abs=1)


def test_no_toe_stays_where_the_detector_guessed_it_in_the_picture():
    found = cut_off()
    toe = BODY_25.index('RSmallToe')
    found.poses[::10, toe] = [100, 20, 0.3]
    legs = with_legs_below(found)
    assert not legs.poses[:, toe].any()


def test_a_raised_knee_lifts_its_foot():
    lifted, resting = (with_legs_below(cut_off(raised)).poses for raised in (True, False))
    higher = resting[:, ANKLE, 1] - lifted[:, ANKLE, 1]
    assert higher[52:68].min() > 30 and np.abs(higher[80:]).max() < 1
    other = BODY_25.index('LAnkle')
    assert lifted[:, other] == pytest.approx(resting[:, other], abs=1)


def test_legs_that_a_picture_has_room_for_are_not_made_up():
    behind_a_table = cut_off()
    behind_a_table = replace(behind_a_table, size=(480, 700))
    assert not legs_below(behind_a_table).any()
    assert with_legs_below(behind_a_table) is behind_a_table
    whole = dancing()
    assert with_legs_below(whole) is whole


def test_only_the_shot_that_ends_above_the_feet_gets_legs():
    close = cut_off()
    whole = np.tile(standing(y=300, size=1.5), (60, 1, 1))
    poses = np.concatenate([close.poses, whole])
    both = replace(track_of(poses, FPS, shots=np.repeat([0, 1], (120, 60))), size=close.size)
    assert legs_below(both).tolist() == [True] * 120 + [False] * 60
    assert np.array_equal(with_legs_below(both).poses[120:], both.poses[120:])
