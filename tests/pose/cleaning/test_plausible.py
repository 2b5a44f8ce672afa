"""Poses no body has are mended where short and dropped where long."""
from dataclasses import replace

import numpy as np
import pytest

from pose.body import BONES, chain_length
from pose.cleaning.plausible import ASTRAY, REASON, astray, impossible
from pose.cleaning.repair import MAX_GAP, repair
from pose.skeleton import BODY_25
from pose.track import PoseTrack
from tests.pose.cleaning.tracks import FPS, HEIGHT, WRIST, dancing
from tests.pose.retargeting.turning import half_turns, turning

HIPS = [BODY_25.index(joint) for joint in ('MidHip', 'RHip', 'LHip')]


def still(frames=150):
    return turning(np.zeros(frames))


def harmed(track, rows, change):
    """The track with `change` applied to the poses (n, K, 3) of those frames."""
    poses = track.poses.copy()
    poses[rows] = change(poses[rows].copy())
    return replace(track, poses=poses)


def long_torso(poses):
    poses[:, HIPS, 1] += 16
    return poses


def tiny(poses):
    poses[..., :2] = (150, 150) + (poses[..., :2] - (150, 150)) * 0.4
    return poses


def beyond_the_edge(poses):
    poses[..., 0] += 165 * (poses[..., 2] > 0)
    return poses


def half_beyond_the_side(poses):
    poses[..., 0] += 155 * (poses[..., 2] > 0)
    return poses


def long_shin(poses):
    poses[:, BODY_25.index('RAnkle'), 1] += 60
    return poses


@pytest.mark.parametrize('change', [long_torso, tiny, beyond_the_edge, half_beyond_the_side,
                                    long_shin])
def test_what_no_body_has_is_found_and_nothing_else(change):
    rows = slice(70, 76)
    found = impossible(harmed(still(), rows, change))
    assert found[rows].all() and not found[:70].any() and not found[76:].any()


@pytest.mark.parametrize('track', [
    still(), turning(half_turns()),
    harmed(still(), slice(60, 90), lambda p: p * (1, 1, 1) - (0, 20, 0) * (p[..., 2:] > 0)),
    harmed(still(), slice(70, 76), lambda p: p + (145, 0, 0) * (p[..., 2:] > 0)),
    harmed(still(), slice(10, 150), half_beyond_the_side)],
    ids=['still', 'turning', 'jumping', 'at the edge', 'half in the picture all the time'])
def test_what_bodies_do_is_left_alone(track):
    assert not impossible(track).any()


def test_a_bow_and_a_crouch_are_no_false_finds():
    def bow(poses):
        upper = [k for k in range(25) if poses[0, k, 2] and poses[0, k, 1] < 131]
        poses[:, upper, 1] = 131 + (poses[:, upper, 1] - 131) * 0.4
        return poses
    assert not impossible(harmed(still(), slice(60, 80), bow)).any()
    # Bowed nearly all the time, upright for a moment: longer than usual, but not than itself.
    rows = np.r_[0:80, 95:150]
    assert not impossible(harmed(still(), rows, bow)).any()


def test_a_short_one_is_filled_in_and_a_long_one_dropped_with_its_reason():
    short, counts = repair(harmed(still(), slice(70, 76), long_torso))
    assert counts['impossible'] == 6 and short.kept.all()
    assert chain_length(short.poses, BODY_25, BONES['spine']) == pytest.approx(31, abs=0.5)
    long = slice(70, 70 + MAX_GAP + 3)
    dropped, _ = repair(harmed(still(400), long, long_torso))
    assert not dropped.kept[long].any() and set(dropped.reasons[long]) == {REASON}
    assert dropped.kept.sum() == 400 - MAX_GAP - 3
    kept, counts = repair(harmed(still(400), long, long_torso), no_limits=True)
    assert kept.kept.all() and counts['impossible'] == 0


def test_a_wrist_that_is_elsewhere_for_one_frame_is_put_back():
    true = dancing()
    found = dancing()
    found.poses[[60, 150, 152], WRIST, 0] += 0.2 * HEIGHT
    clean, counts = repair(found)
    off = np.linalg.norm((clean.poses - true.poses)[:, WRIST, :2], axis=1)
    assert off[[60, 150, 152]].max() < 0.03 * HEIGHT
    assert counts['astray'] == 3 == counts['filled']


def test_a_wrist_that_stays_elsewhere_or_swings_fast_is_left():
    found = dancing()
    found.poses[60:62, WRIST, 0] += 0.2 * HEIGHT
    since = np.maximum(found.times - found.times[100], 0)
    found.poses[:, WRIST, 0] += 0.2 * HEIGHT * np.sin(2 * np.pi * 4 * since)    # as fast as can be
    assert not astray(found).any()


def test_of_two_joints_in_a_row_only_the_one_farther_away_is_astray():
    found = dancing()
    found.poses[60, WRIST, 0] += 3 * ASTRAY * HEIGHT
    found.poses[61, WRIST, 0] -= ASTRAY * HEIGHT / 2
    assert np.argwhere(astray(found)).tolist() == [[60, WRIST]]


def test_in_a_slow_video_a_joint_may_go_and_come_back_from_frame_to_frame():
    found = dancing()
    found.poses[60, WRIST, 0] += 0.3 * HEIGHT
    assert astray(found)[60, WRIST]
    assert not astray(replace(found, times=found.times * FPS / 15)).any()


def test_of_shots_of_different_size_each_is_measured_by_itself():
    small, large = dancing(0.01).select(range(200)), dancing(0.01).select(range(160))
    small.poses[..., :2] *= 0.25
    both = PoseTrack(np.concatenate([small.poses, large.poses]), np.arange(360) / FPS,
                     np.arange(360), 'BODY_25', small.size,
                     shots=np.repeat([0, 1], [200, 160]))
    assert not astray(both).any()
    both.poses[60, WRIST, 0] += 0.05 * HEIGHT           # 0.2 of the height that it has there
    assert np.argwhere(astray(both)).tolist() == [[60, WRIST]]
