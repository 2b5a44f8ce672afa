"""Fitting one pose after another: from the first one on, and soon as the whole track is fitted."""
from dataclasses import replace

import numpy as np
import pytest

from pose.body import heights, joint_at
from pose.retargeting.easing import Eased
from pose.retargeting.facing import LiveFacing, face
from pose.retargeting.filmed_ways import measure_facing
from pose.retargeting.ground import LiveGround, measure_ground, measure_grounds, measure_standing
from pose.retargeting.inside import LiveRoom, fit_room
from pose.retargeting.retarget import LiveFit, retarget
from pose.retargeting.room import is_framed, measure_room
from pose.skeleton import BODY_25
from pose.track import PoseTrack
from tests.pose.retargeting.drawn import CHILD, film, still_body, target_film
from tests.pose.retargeting.turning import half_turns, turning

HIP = BODY_25.index('MidHip')
SHOULDERS = [BODY_25.index(side + 'Shoulder') for side in 'RL']


def fitted(track: PoseTrack, target: PoseTrack, fit: str = 'continuous') -> list[np.ndarray]:
    """Poses (K, 3) of the track in the target's picture, one after another."""
    live = LiveFit(measure_ground(target), 'BODY_25', track.size, fit)
    return [live(pose, time)[0] for pose, time in zip(track.poses, track.times.tolist())]


def faced(track: PoseTrack, target: PoseTrack, how: str = 'auto') -> PoseTrack:
    live = LiveFacing(measure_facing(target), how)
    frames = [live(track.select(np.array([f])), float(track.times[f])) for f in range(len(track))]
    return replace(track, poses=np.concatenate([frame.poses for frame in frames]),
                   depth=np.concatenate([frame.depth for frame in frames]))


def test_a_steady_body_is_fitted_as_the_whole_track_is():
    source, target = still_body(frames=150), target_film()
    ground = measure_ground(target)
    live = fitted(source, target)
    for how, rows in (('global', (0, 50)), ('limbs', (149,))):
        whole = retarget(source, measure_grounds(source), ground, how)
        for f in rows:
            apart = np.linalg.norm((live[f] - whole.poses[f])[:, :2], axis=1)
            assert apart.max() < 0.015 * ground.height_near, f


def test_a_dance_is_as_large_and_where_the_whole_track_is_after_three_seconds():
    source, target = film()[0], target_film()
    ground = measure_ground(target)
    whole = retarget(source, measure_grounds(source), ground)
    live = np.array(fitted(source, target))
    late = source.times > 3.0
    tall = (heights(live, BODY_25) / heights(whole.poses, BODY_25))[late]
    assert abs(np.median(tall) - 1) < 0.05
    floor = np.percentile(live[late][:, :, 1].max(1), 90)
    assert abs(floor - np.percentile(whole.poses[late][:, :, 1].max(1), 90)) < 0.05 * 400


def test_who_moves_to_another_place_and_comes_nearer_is_as_large_and_central_again():
    source, target = still_body(frames=250), still_body(frames=60)
    poses = source.poses.copy()
    poses[100:, :, :2] = (poses[100:, :, :2] - (100, 150)) * 1.5 + (220, 180)
    live = fitted(replace(source, poses=poses), target)
    before, after = live[90], live[249]
    assert np.abs(after - before)[:, :2].max() < 2
    once = fitted(replace(source, poses=poses), target, 'once')
    assert heights(once[249][None], BODY_25)[0] > 1.4 * heights(once[60][None], BODY_25)[0]


def test_who_steps_aside_and_comes_back_stands_where_he_stood():
    """Four seconds aside: the place is not that of the last three seconds."""
    source, target = still_body(frames=250), still_body(frames=60)
    poses = source.poses.copy()
    poses[125:225, :, 0] += 60
    live = fitted(replace(source, poses=poses), target)
    assert np.abs(live[249] - live[110])[:, 0].max() < 2
    assert (live[220] - live[110])[HIP, 0] > 30


def test_off_lays_the_cameras_picture_over_the_targets():
    source, target = still_body(frames=2), target_film()
    pose = fitted(source, target, 'off')[0]
    scale = min(target.size[0] / source.size[0], target.size[1] / source.size[1])
    assert np.allclose(pose[:, 1].max(), target.size[1] - scale * (source.size[1]
                                                                   - source.poses[0, :, 1].max()))


def test_a_jump_moves_no_floor():
    track = still_body(frames=60)
    poses = track.poses.copy()
    poses[40:46, :, 1] -= 30
    jumping = replace(track, poses=poses)
    assert measure_standing(jumping).near == measure_standing(track).near


def test_bones_are_fitted_once_they_are_known_and_ever_better():
    child, target = film(CHILD)[0], target_film()
    whole = measure_ground(child).bones
    live = LiveFit(measure_ground(target), 'BODY_25', child.size)
    off, hows = [], []
    for pose, time in zip(child.poses, child.times.tolist()):
        live(pose, time)
        hows.append(live.how)
        known = live.source.bones
        off.append(max((abs(known[bone] / whole[bone] - 1) for bone in known), default=1.0))
    assert hows[20] == 'global' and hows[70:] == ['limbs'] * len(hows[70:])
    assert off[-1] < 0.05 and off[-1] <= off[70]
    live.measure_again()
    assert live.how == 'global' and not live.ratios


def test_a_ground_remembers_three_seconds():
    ground = LiveGround('BODY_25', (320, 240))
    track = still_body(frames=200)
    for pose, time in zip(track.poses[:100], track.times[:100].tolist()):
        ground(pose, time)
    assert ground.settled and len(ground.past) <= 31
    assert ground.ground and ground.ground.frames == len(ground.past)


def test_a_back_that_was_never_filmed_is_shown_from_the_front():
    dancer = turning(half_turns())
    live = faced(dancer, turning(np.zeros(50)))
    right, left = live.poses[:, SHOULDERS, 0].T
    assert (right < left).all()
    whole, _ = face(dancer, measure_facing(turning(np.zeros(50))))
    settled = [10, 65, 120]
    assert np.abs(live.poses[settled, :, :2] - whole.poses[settled, :, :2]).max() < 5


def test_a_profile_that_wavers_is_not_exchanged_to_and_fro():
    wavers = 90 + 8 * np.sin(np.arange(100))
    live = LiveFacing(measure_facing(turning(np.zeros(50))))
    track = turning(wavers)
    shown = []
    for f in range(100):
        live(track.select(np.array([f])), float(track.times[f]))
        shown.append(live.away)
    assert len(set(shown)) == 1


def test_as_is_changes_nothing():
    dancer = turning(half_turns())
    assert np.array_equal(faced(dancer, turning(np.zeros(50)), 'as_is').poses, dancer.poses)


def test_nobody_leaves_the_picture_and_who_is_inside_stays_as_it_is():
    target = still_body(frames=60)
    room = measure_room(target)
    live = LiveRoom(room)
    dancer = still_body(frames=120, by=2.0)         # walks out of the picture at the right
    for f in range(120):
        shown, matrix = live(dancer.select(np.array([f])), float(dancer.times[f]))
        assert is_framed(shown.poses[0], BODY_25, room.size, room), f
        hip = matrix @ [*dancer.poses[f, HIP, :2], 1]
        assert np.abs(hip[:2] - shown.poses[0, HIP, :2]).max() < 0.1
        if f < 20:
            assert np.abs(shown.poses[0] - dancer.poses[f]).max() < 1


def test_an_arm_that_leaves_the_picture_is_gathered_until_the_body_has_moved():
    target = still_body(frames=60)
    live = LiveRoom(measure_room(target))
    poses = np.repeat(target.poses[:1], 120, 0)
    arm = [BODY_25.index(joint) for joint in ('RShoulder', 'RElbow', 'RWrist')]
    poses[:, arm, :2] = poses[:, arm[:1], :2] - [[0, 0], [15, 0], [30, 0]]
    poses[10:, :, 0] -= poses[0, arm[2], 0] + 6
    dancer = PoseTrack(poses, np.arange(120) / 25, np.arange(120), 'BODY_25', target.size)
    shown = [live(dancer.select(np.array([f])), f / 25)[0].poses[0] for f in range(120)]
    reach = [np.ptp(pose[arm, 0]) for pose in shown]
    assert reach[10] < 0.9 * reach[0] and abs(reach[119] / reach[0] - 1) < 0.02
    steps = np.abs(np.diff([pose[HIP, 0] for pose in shown[10:]]))
    assert steps.max() < 2                          # px a frame: it glides


def test_a_target_filmed_to_the_knees_shows_no_feet_live():
    whole = target_film()
    cut = replace(whole, size=(whole.size[0], round(whole.size[1] * 0.75)))
    room = measure_room(cut)
    assert 'RAnkle' in room.hidden
    dancer = still_body(frames=60)
    shown = LiveRoom(room)(dancer.select(np.array([0])), 0.0)[0]
    assert not shown.poses[0, BODY_25.index('RAnkle'), 2]
    whole_track = fit_room(dancer, room)
    hips = joint_at(whole_track.poses, BODY_25, 'MidHip')[0, 1]
    assert abs(shown.poses[0, HIP, 1] - hips) < 5


@pytest.mark.parametrize('fps', [10, 30])
def test_an_eased_value_takes_the_same_time_at_any_rate(fps):
    eased = Eased()
    for f in range(fps + 1):
        value = eased('x', np.array([0.0 if f == 0 else 1.0]), f / fps, 1.0)
    assert abs(value[0] - (1 - np.exp(-1))) < 0.01
