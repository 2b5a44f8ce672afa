"""Facing: a body is shown only the ways the target was filmed."""
import json
from dataclasses import replace

import numpy as np
import pytest

from pose.matching.coverage import shapes
from pose.retargeting.facing import face, turned_away
from pose.retargeting.filmed_ways import Facing, measure_facing
from pose.skeleton import BODY_25
from pose.stretches import runs
from tests.pose.retargeting.turning import FPS, half_turns, turning

NEVER_TURNED = measure_facing(turning(np.linspace(-10, 10, 100)))
TURNED = measure_facing(turning(half_turns(to=-180)))
ONLY_BACK = measure_facing(turning(np.full(50, 180.0)))
HEAD = [BODY_25.index(joint) for joint in ('Nose', 'REye', 'LEye', 'REar', 'LEar')]


def turn(track):
    return shapes(track.poses, track.joints).turn


def places(pose, joints=range(25)):
    """The places of a pose's joints, whatever side they are of."""
    return sorted(tuple(np.round(pose[k, :2], 2)) for k in joints)


def test_what_was_filmed_is_said_in_seconds_trunk_and_head_apart():
    looks_back = measure_facing(turning(np.zeros(50), head=np.full(50, 170.0)))
    assert looks_back.trunk == {'front': 2.0, 'back': 0, 'left': 0, 'right': 0}
    both = measure_facing(turning([0.0] * 50 + [90.0] * 25, head=np.array([0.0] * 50 + [0.0] * 25)))
    assert both.trunk == {'front': 2.0, 'back': 0, 'left': 0, 'right': 1.0}
    assert both.head['front'] == 3.0
    assert Facing.from_dict(json.loads(json.dumps(both.to_dict()))) == both


def test_a_turned_back_that_was_never_filmed_is_shown_from_the_front():
    dancer = turning(half_turns())
    fitted, faced = face(dancer, NEVER_TURNED)
    assert (turn(dancer) < -0.9).any() and (turn(fitted) > 0.3).all()
    assert faced.switches == 2 and faced.exchanged.any()
    back = np.flatnonzero(turn(dancer) < -0.95)[5:-5]
    body = [k for k in range(25) if k not in HEAD]
    for row in back:                        # the outline stays where it was
        assert places(fitted.poses[row], body) == places(dancer.poses[row], body)
    right = BODY_25.index('RWrist')
    assert fitted.poses[back[0], right, 0] == dancer.poses[back[0], BODY_25.index('LWrist'), 0]
    assert fitted.depth[back[0], right] == -dancer.depth[back[0], BODY_25.index('LWrist')]
    assert 'left and right exchanged' in faced.sentence


def test_a_head_from_behind_becomes_a_face():
    dancer = turning(half_turns())
    fitted, faced = face(dancer, NEVER_TURNED)
    for row in np.flatnonzero(faced.exchanged & (turn(dancer) < -0.8)):
        nose, right_eye, left_eye, right_ear, left_ear = fitted.poses[row, HEAD, 0]
        assert right_eye < left_eye and right_ear < left_ear
        assert right_ear < nose < left_ear + 1
        assert left_ear - right_ear < 13 and (fitted.poses[row, HEAD, 2] > 0).all()


def test_sides_are_exchanged_in_profile_and_nothing_jumps_there():
    dancer = turning(half_turns())
    fitted, faced = face(dancer, NEVER_TURNED)
    for run in runs(faced.exchanged):
        for row in (run.start, run.stop - 1):
            assert abs(turn(dancer)[row]) < 0.15
    moved = np.abs(np.diff([places(pose, range(25)) for pose in fitted.poses], axis=0)).max()
    before = np.abs(np.diff([places(pose, range(25)) for pose in dancer.poses], axis=0)).max()
    assert moved < 2.5 * before


@pytest.mark.parametrize('frames', [1, 4, 7])
def test_no_stretch_is_shorter_than_a_third_of_a_second(frames):
    degrees = np.zeros(100)
    degrees[50:50 + frames] = 180
    degrees[70:84] = np.linspace(85, 95, 14)        # a profile that wavers
    assert not turned_away(turning(degrees)).any()
    noisy = 90 + np.random.default_rng(0).normal(0, 25, 300)
    lengths = [run.stop - run.start for side in (True, False)
               for run in runs(turned_away(turning(noisy)) == side)]
    assert min(lengths) >= 0.3 * FPS or len(lengths) == 1


def test_a_cut_may_switch_at_once():
    cut = turning([0.0] * 20 + [180.0] * 20, shots=np.repeat([0, 1], 20))
    fitted, faced = face(cut, NEVER_TURNED)
    assert faced.exchanged.tolist() == [False] * 20 + [True] * 20 and faced.switches == 0
    assert (turn(fitted) > 0.9).all()


def test_who_was_filmed_turning_is_shown_turning():
    dancer = turning(half_turns(to=-180))
    fitted, faced = face(dancer, TURNED)
    assert np.array_equal(fitted.poses, dancer.poses) and faced.sentence == ''


def test_who_faces_as_the_target_did_stays_exactly_as_he_is():
    dancer = turning(np.linspace(-30, 25, 80))
    fitted, faced = face(dancer, NEVER_TURNED)
    assert np.array_equal(fitted.poses, dancer.poses)
    assert np.array_equal(fitted.depth, dancer.depth, equal_nan=True) and faced.sentence == ''


@pytest.mark.parametrize('degrees', [75.0, 90.0, -80.0])
def test_a_profile_that_was_never_filmed_is_shown_less_turned(degrees):
    dancer = turning(np.full(50, degrees))
    fitted, faced = face(dancer, NEVER_TURNED)
    assert faced.widened.all() and not faced.exchanged.any()
    assert (turn(fitted) > np.cos(np.radians(60))).all() and (turn(dancer) < 0.3).all()
    feet = [BODY_25.index(joint) for joint in ('RAnkle', 'LAnkle', 'RBigToe', 'LBigToe')]
    assert np.array_equal(fitted.poses[:, feet], dancer.poses[:, feet])
    arm = [BODY_25.index('RShoulder'), BODY_25.index('RWrist')]
    assert np.allclose(np.diff(fitted.poses[:, arm], axis=1), np.diff(dancer.poses[:, arm], axis=1),
                       atol=1e-3)


def test_a_profile_that_was_filmed_stays():
    dancer = turning(np.full(50, 80.0))
    filmed = measure_facing(turning(np.linspace(0, 85, 100)))
    fitted, _ = face(dancer, filmed)
    assert np.array_equal(fitted.poses, dancer.poses)


def test_a_head_turned_away_comes_back_to_the_front_on_a_body_that_stays():
    dancer = turning(np.zeros(60), head=np.repeat([0.0, 150.0, 0.0], 20))
    fitted, faced = face(dancer, NEVER_TURNED)
    rest = [k for k in range(25) if k not in HEAD]
    assert np.array_equal(fitted.poses[:, rest], dancer.poses[:, rest])
    ears = fitted.poses[25:35, HEAD[4], 0] - fitted.poses[25:35, HEAD[3], 0]
    assert (ears > 9).all() and faced.heads[20:40].all() and not faced.heads[:10].any()


def test_who_was_filmed_from_behind_only_is_shown_from_behind():
    fitted, faced = face(turning(np.zeros(50)), ONLY_BACK)
    assert faced.exchanged.all() and (turn(fitted) < -0.9).all()
    assert 'from behind' in faced.sentence


def test_as_is_changes_nothing_and_front_never_shows_a_back():
    dancer = turning(half_turns())
    for facing, how in ((NEVER_TURNED, 'as_is'), (None, 'auto'), (None, 'front')):
        assert face(dancer, facing, how)[0] is dancer
    assert (turn(face(dancer, TURNED, 'front')[0]) > 0.3).all()


def test_frames_that_show_nobody_are_left_alone():
    dancer = turning(half_turns())
    poses, depth = dancer.poses.copy(), dancer.depth.copy()
    poses[40:50], depth[40:50] = 0, np.nan
    fitted, _ = face(replace(dancer, poses=poses, depth=depth), NEVER_TURNED)
    assert not fitted.poses[40:50].any()
    assert not face(replace(dancer, poses=0 * poses), NEVER_TURNED)[0].poses.any()
