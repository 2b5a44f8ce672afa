"""Which movements a video shows: plain rules on joints, and what of them is missing."""
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pose.matching.movements import ENOUGH, MOVEMENTS, measure_movements
from pose.skeleton import BODY_25
from pose.track import PoseTrack
from preprocessing.report.figures import joints_of
from scripts.demo.body import TARGET
from scripts.demo.camera import TARGET_CAMERA
from scripts.demo.dance import Dance
from scripts.demo.scene import joints_of as drawn_joints
from scripts.dev.filming_pictures import POSES

NAMES = [movement.name for movement in MOVEMENTS]
SIZE = 400, 400
FPS = 25
GUIDE = (Path(__file__).parents[3] / 'docs' / 'filming.md').read_text()


def pose_of(figure):
    """float32 (25, 3): the joints of a report's figure, 200 px high."""
    pose = np.zeros((25, 3), np.float32)
    for joint, (x, y) in joints_of(figure).items():
        pose[BODY_25.index(joint)] = 200 + 2 * x, 200 + 2 * y, 1
    return pose


STANDING = pose_of('facing the camera')


def track_of(poses):
    return PoseTrack(np.stack(poses), np.arange(len(poses)) / FPS, np.arange(len(poses)),
                     'BODY_25', SIZE)


def held(pose, seconds=1.0):
    """Somebody who stands for a second, and then does that for so long."""
    return track_of([STANDING] * FPS + [pose] * round(seconds * FPS))


def shown(track, counted=None):
    """{movement: the sides that are not missing}."""
    found = measure_movements(track, counted)
    return {one.movement.name: sorted(set(one.spans) - set(one.missing())) for one in found
            if one.seen and set(one.spans) - set(one.missing())}


@pytest.mark.parametrize('name', NAMES)
def test_the_figure_of_a_report_does_its_movement(name):
    assert name in shown(held(pose_of(name)))


def drawn(**changes):
    return drawn_joints(TARGET, Dance.STAND | changes, TARGET_CAMERA, SIZE[0])


@pytest.mark.parametrize('name', NAMES)
def test_the_drawn_dancer_of_the_guide_does_the_movement(name):
    track = track_of([drawn()] * FPS + [drawn(**POSES[name])] * FPS)
    assert name in shown(track)


def test_who_stands_does_nothing_else():
    assert shown(track_of([STANDING] * FPS)) == {'facing the camera': ['']}
    assert shown(track_of([drawn()] * FPS)) == {'facing the camera': ['']}


def test_a_movement_of_one_side_is_not_one_of_the_other():
    up = STANDING.copy()
    for joint in ('LElbow', 'LWrist'):
        up[BODY_25.index(joint)] = pose_of('arms up')[BODY_25.index(joint)]
    assert shown(held(up))['arms up'] == ['left']
    assert shown(held(pose_of('sideways')))['sideways'] == ['left']
    assert shown(held(pose_of('leaning')))['leaning'] == ['left']
    assert shown(held(pose_of('head turned')))['head turned'] == ['left']
    assert shown(held(pose_of('foot up')))['foot up'] == ['left']


def test_one_arm_before_the_other_half_of_the_chest_is_not_both():
    one = pose_of('arms crossed')
    for joint in ('RElbow', 'RWrist'):
        one[BODY_25.index(joint)] = pose_of('hands before the chest')[BODY_25.index(joint)]
    assert 'arms crossed' not in shown(held(one))
    assert 'hands before the chest' in shown(held(one))


def test_what_lasts_a_moment_is_not_filmed():
    short = held(pose_of('arms up'), ENOUGH / 2)
    assert 'arms up' not in shown(short)
    arms = measure_movements(short)[NAMES.index('arms up')]
    assert arms.missing() == ['left', 'right'] and arms.seconds('left') == pytest.approx(0.24)


def test_frames_that_are_held_out_do_not_count():
    track = held(pose_of('arms up'))
    counted = np.arange(len(track)) < FPS
    assert 'arms up' in shown(track) and 'arms up' not in shown(track, counted)


def test_the_moment_is_said_in_seconds_of_the_video_the_longest_first():
    up = pose_of('arms up')
    track = track_of([STANDING] * 10 + [up] * 10 + [STANDING] * 5 + [up] * 20)
    arms = measure_movements(track)[NAMES.index('arms up')]
    assert arms.spans['left'] == [pytest.approx((1.0, 1.8)), pytest.approx((0.4, 0.8))]


@pytest.mark.parametrize('shots', [[0] * 40, [0] * 20 + [1] * 20])
def test_frames_that_are_missing_and_cuts_end_a_moment(shots):
    track = track_of([pose_of('arms up')] * 40)
    later = np.arange(40) >= 20
    track = replace(track, shots=np.array(shots), times=track.times + later * 3 * (1 - shots[-1]))
    arms = measure_movements(track)[NAMES.index('arms up')]
    assert [end - start for start, end in arms.spans['left']] == pytest.approx([0.8, 0.8])


def test_what_is_not_in_the_picture_is_not_asked_for():
    """Filmed to the knees: ankles are guessed below the picture's edge."""
    track = held(pose_of('arms up'))
    cut = replace(track, size=(400, 280))
    found = {one.movement.name: one for one in measure_movements(cut)}
    for name in ('crouching', 'wide step', 'foot up'):
        assert not found[name].seen and found[name].missing() == []
    assert found['arms up'].seen and found['arms crossed'].missing() == ['']


def test_nobody_has_done_nothing():
    nobody = track_of([np.zeros((25, 3), np.float32)] * 3)
    assert shown(nobody) == {} and len(measure_movements(nobody)) == len(MOVEMENTS)


def test_the_guide_has_the_movements_as_a_script_with_their_times():
    rows = re.findall(r'^\| (\d+) \| (\d+):(\d\d) \| (.+?) \| (.+?) \| (\d+) s \|$', GUIDE, re.M)
    start = 0
    for (number, minutes, seconds, name, do, long), movement in zip(rows, MOVEMENTS, strict=True):
        assert int(number) == MOVEMENTS.index(movement) + 1
        assert (name, do, int(long)) == (movement.name, movement.do, movement.seconds)
        assert 60 * int(minutes) + int(seconds) == start
        start += movement.seconds
    assert f'| {start // 60}:{start % 60:02d} | your own dance |' in GUIDE
