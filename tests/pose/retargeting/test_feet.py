"""Feet stand where the source's stand, and sliding and contacts are measured."""
from dataclasses import replace

import numpy as np
import pytest

from pose.body import body_sizes
from pose.retargeting.feet import contacts, foot_joints, plant, slide
from pose.retargeting.ground import measure_ground
from pose.retargeting.retarget import retarget
from pose.skeleton import BODY_25
from pose.track import PoseTrack
from scripts.demo import camera as cameras
from scripts.demo import dance
from tests.pose.retargeting.drawn import (
    ANKLES,
    CHILD,
    HIP,
    film,
    moved,
    stands,
    still_body,
    target_film,
)
from tests.pose.test_track import standing


def test_noise_does_not_break_planting_nor_grow():
    source, still = film(noise=0.005)
    target = measure_ground(target_film())
    fitted = retarget(source, None, target, how='limbs')
    for foot, run in stands(still):
        places = fitted.poses[run, ANKLES[foot], :2]
        half = len(places) // 2
        away = np.linalg.norm(places[:half].mean(0) - places[half:].mean(0))
        assert away < 0.01 * target.height_near
    jitter, was = (np.abs(np.diff(track.poses[:, HIP, :2], 2, axis=0)).mean()
                   for track in (fitted, retarget(source, None, target)))
    assert jitter < 1.05 * was


def swaying_on_shins():
    """A body that sways on its shins, thighs upright and feet still."""
    poses = np.stack([standing(160, 200)] * 120)
    sway = 10 * np.sin(np.arange(120) / 8)[:, None]
    feet = [k for k, joint in enumerate(BODY_25.joints)
            if joint.endswith(('Ankle', 'Toe', 'Heel'))]
    up = [k for k in range(25) if k not in feet and poses[0, k, 2] > 0]
    poses[:, up, 0] += sway
    return PoseTrack(poses, np.arange(120) / 25, np.arange(120), 'BODY_25', (320, 240))


def other_thighs(target):
    return replace(target, bones=dict(target.bones) | {'thigh': 1.3 * target.bones['thigh'],
                                                       'shin': 0.8 * target.bones['shin']})


def test_feet_stand_though_thigh_and_shin_are_not_alike():
    source = swaying_on_shins()
    target = other_thighs(measure_ground(source))
    fitted, whole = (retarget(source, None, target, how) for how in ('limbs', 'global'))
    still = np.ones((120, 2), bool)
    assert moved(source, still) == moved(whole, still) == 0
    assert moved(fitted, still) < 0.2
    hips, as_before = (np.ptp(track.poses[:, HIP, 0]) for track in (fitted, whole))
    assert hips == pytest.approx(0.8 * as_before, rel=0.05)


def test_a_hidden_knee_lengthens_the_leg_by_what_thigh_and_shin_do_together():
    source = swaying_on_shins()
    target = other_thighs(measure_ground(source))
    hidden = source.poses.copy()
    hidden[:, [BODY_25.index('RKnee'), BODY_25.index('LKnee')]] = 0
    spans = [track.poses[:, ANKLES[0], 1] - track.poses[:, BODY_25.index('RHip'), 1] for track in (
        retarget(replace(source, poses=poses), measure_ground(source), target, how='limbs')
        for poses in (source.poses, hidden))]
    assert spans[1] == pytest.approx(spans[0], rel=0.03)


def test_a_jump_stays_a_jump():
    poses = film()[0].poses.copy()
    poses[:] = poses[10]
    poses[100:112, :, 1] -= 30 * np.sin(np.linspace(0, np.pi, 12))[:, None]
    source = replace(film()[0], poses=poses)
    target = measure_ground(target_film())
    fitted, whole = (retarget(source, None, target, how) for how in ('limbs', 'global'))
    assert not contacts(source)[103:109].any() and contacts(source)[:95].all()
    high, as_high = (track.poses[:98, ANKLES, 1].mean() - track.poses[100:112, ANKLES, 1].min()
                     for track in (fitted, whole))
    assert high == pytest.approx(as_high, rel=0.1)
    assert fitted.poses[130, ANKLES, 1] == pytest.approx(fitted.poses[90, ANKLES, 1], abs=1)


def test_shorter_legs_make_a_long_walk_shorter_and_do_not_slide():
    source, still = film(moves=(('walk_side', 1),) * 12, seconds=26.0, size=(1400, 480),
                         camera=replace(cameras.SOURCE_CAMERA, tall=0.3, centre=0.0))
    child = measure_ground(film(CHILD, cameras.TARGET_CAMERA, dance.TARGET_DANCE, seconds=21.0)[0])
    wide = replace(child, size=(3200, 480), centre=1600, left=500, right=2700)
    assert moved(retarget(source, None, wide, how='limbs'), still) < 0.3


def test_sliding_is_measured():
    still = still_body()
    assert contacts(still)[:, [foot_joints(BODY_25).index(k) for k in ANKLES]].all()
    assert slide(still) == 0
    height = body_sizes(still.poses, BODY_25)[0]
    # 90 of the frames count, the middle one of which is where it stands
    assert slide(still_body(by=0.1), contacts(still)) == pytest.approx(
        100 * 0.1 * 44.5 / height, rel=0.05)
    assert slide(still_body(by=4)) == 0, 'who runs does not stand'
    assert slide(replace(still, poses=np.zeros_like(still.poses))) == 0


def test_a_raised_foot_does_not_stand():
    track = still_body()
    poses = track.poses.copy()
    poses[:, ANKLES[0], 1] -= 30
    assert not contacts(replace(track, poses=poses))[:, 0].any()


def test_support_changes_from_foot_to_foot_without_a_jump():
    """Two feet of a body whose legs are longer than the source's: neither slides, nothing jumps."""
    body_ = np.zeros((80, 2, 2))
    body_[:, 0, 0], body_[:, 1, 0] = np.linspace(10, -10, 80), np.linspace(-10, 10, 80)
    moves = np.zeros((79, 2, 2))
    weights = np.stack([np.clip((45 - np.arange(80)) / 10, 0, 1),
                        np.clip((np.arange(80) - 35) / 10, 0, 1)], 1)
    path = plant(body_, moves, weights, np.zeros((80, 2)), 1e4, False)
    assert np.ptp((path + body_[:, 0])[:34], axis=0).max() < 0.01
    assert np.ptp((path + body_[:, 1])[46:], axis=0).max() < 0.01
    assert np.abs(np.diff(path, 2, axis=0)).max() < 0.06
