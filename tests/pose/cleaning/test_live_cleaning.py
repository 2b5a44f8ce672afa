"""Cleaning one frame after another: near to what cleaning the whole track gives, without knowing
what comes."""
from dataclasses import replace

import numpy as np
import pytest

from pose.body import heights
from pose.cleaning.bone_lengths import LiveProportions, proportions
from pose.cleaning.repair import DOUBTED, HELD, LEARNING, LiveRepair, repair
from pose.cleaning.smoothing import LiveSmoothing, jitter, lag
from pose.cleaning.swaps import LiveSwaps
from pose.one_euro import OneEuro, OneEuroFilter
from pose.skeleton import BODY_25
from pose.track import PoseTrack
from tests.pose.cleaning.tracks import ELBOW, FPS, HEIGHT, KNEE, SWAPS, WRIST, dancing, swapped

AFTER = round(LEARNING * FPS) + 1


def joints_of(track: PoseTrack) -> np.ndarray:
    """float32 (F, K, 4), as a detector gives them."""
    assert track.depth is not None
    return np.concatenate([track.poses, track.depth[..., None]], -1).astype(np.float32)


def cleaned(track: PoseTrack) -> PoseTrack:
    """The track, cleaned frame by frame; frames that are not believed are empty."""
    live = LiveRepair(track.skeleton, track.size)
    poses = []
    for found, time in zip(joints_of(track), track.times.tolist(), strict=True):
        clean = live(found, time)
        poses.append(np.zeros_like(found) if clean is None else clean)
    return replace(track, poses=np.array(poses)[..., :3], depth=np.array(poses)[..., 3])


def far(a: PoseTrack, b: PoseTrack) -> np.ndarray:
    """% of the body's height (N,) between joints that both see."""
    both = (a.poses[..., 2] > 0) & (b.poses[..., 2] > 0)
    height = float(np.median(heights(b.poses, b.joints)))
    return 100 / height * np.linalg.norm((a.poses - b.poses)[..., :2], axis=-1)[both]


def test_live_joints_lie_near_the_offline_ones_and_hardly_late():
    track = dancing(noise=0.004)
    offline, _ = repair(track)
    live = cleaned(track)
    assert np.percentile(far(live, offline), 95) < 1.5
    assert 0 <= lag(offline, live) / FPS < 0.04
    assert jitter(live) < 0.6 * jitter(track)


def test_one_euro_holds_a_point_at_rest_and_follows_a_fast_one():
    rng = np.random.default_rng(0)
    still = rng.normal(0, 1.0, (60, 1, 2))
    smooth = OneEuroFilter(still[0], OneEuro(1.0, 0.05))
    calm = np.array([smooth(points, 1.0, 30.0) for points in still])
    assert calm[20:].std() < 0.6 * still[20:].std()
    fast = np.arange(60.0)[:, None, None] * np.ones((1, 2)) * 30
    smooth = OneEuroFilter(fast[0], OneEuro(1.0, 0.05))
    last = [smooth(points, 1.0, 30.0) for points in fast][-1]
    assert np.abs(last - fast[-1]).max() < 0.5 * 30         # half a frame


def test_after_a_pause_joints_are_where_they_are_found():
    smooth = LiveSmoothing()
    track = joints_of(dancing())
    smooth(track[0], HEIGHT, 0.0)
    assert np.array_equal(smooth(track[200], HEIGHT, 2.0), track[200])


def test_a_joint_goes_on_as_it_was_found_to_move_and_not_after_it_came_to_rest():
    smooth, joints = LiveSmoothing(), joints_of(dancing())[0]
    for f in range(8):
        moved = joints.copy()
        moved[WRIST, 0] += 4 * min(f, 4) ** 2           # gains speed, then stops
        smooth(moved, HEIGHT, f / 10)
        if f == 4:
            assert 200 < smooth.speed[WRIST, 0] < 320       # px a second; 280 over the last frame
    assert not smooth.speed.any()


def test_a_guess_is_dropped_and_a_lost_joint_is_held_for_five_frames():
    track = dancing()
    poses = track.poses.copy()
    poses[AFTER:AFTER + 10, KNEE, 2] = 0.1
    live = cleaned(replace(track, poses=poses))
    shown = live.poses[AFTER:AFTER + 10, KNEE, 2] > 0
    assert shown.tolist() == [True] * HELD + [False] * (10 - HELD)


def test_a_held_wrist_goes_with_its_elbow():
    track = dancing()
    poses = np.repeat(track.poses[:1], 80, 0)
    poses[..., 0] += 3 * np.arange(80)[:, None]
    moving = PoseTrack(poses, track.times[:80], track.index[:80], 'BODY_25', track.size,
                       depth=track.depth[:80])
    poses = moving.poses.copy()
    poses[60:63, WRIST] = 0
    live = cleaned(replace(moving, poses=poses))
    apart = live.poses[55:63, WRIST, :2] - live.poses[55:63, ELBOW, :2]
    assert np.abs(apart - apart[0]).max() < 1.0


def test_a_wrist_that_is_lost_as_its_elbow_comes_back_stays_where_it_was():
    track = dancing()
    poses = np.repeat(track.poses[:1], 80, 0)
    poses[50:60, ELBOW] = 0
    poses[60:63, WRIST] = 0
    live = cleaned(PoseTrack(poses, track.times[:80], track.index[:80], 'BODY_25', track.size,
                             depth=track.depth[:80]))
    assert np.abs(live.poses[60:63, WRIST, :2] - live.poses[59, WRIST, :2]).max() < 1.0


def test_a_wrist_beyond_its_bones_is_not_believed():
    track = dancing()
    poses = track.poses.copy()
    poses[AFTER + 20:AFTER + 24, WRIST, 0] += HEIGHT
    live = cleaned(replace(track, poses=poses))
    away = np.linalg.norm(live.poses[AFTER + 15:AFTER + 30, WRIST, :2]
                          - track.poses[AFTER + 15:AFTER + 30, WRIST, :2], axis=1)
    assert away.max() < 0.1 * HEIGHT


@pytest.mark.parametrize('rate', [15, 30])
def test_a_pose_that_no_body_has_is_not_believed_for_a_moment_at_any_rate(rate):
    track = dancing()
    poses = track.poses.copy()
    poses[AFTER + 40:, :, :2] = 240 + 0.2 * (poses[AFTER + 40:, :, :2] - 240)
    live = cleaned(replace(track, poses=poses, times=track.times * FPS / rate))
    seen = live.seen()[AFTER + 38:AFTER + 60]
    assert seen[:2].all() and seen[-4:].all()
    assert abs((~seen).sum() - DOUBTED * rate) <= 1 and not seen[2:1 + round(DOUBTED * rate)].any()


@pytest.mark.parametrize('joints', ['whole', 'arm', 'leg'])
def test_sides_exchanged_for_a_moment_are_put_back_at_once(joints):
    track = dancing()
    rows = range(90, 93)
    harmed = swapped(track, SWAPS[joints], rows)
    swaps, own = LiveSwaps('BODY_25'), LiveProportions('BODY_25')
    for f, (found, true) in enumerate(zip(joints_of(harmed), joints_of(track), strict=True)):
        own(found[:, :3], track.times[f])
        put_back = swaps(found, track.times[f], own.lengths, own.scale)
        if f > 30:
            pair = [BODY_25.index(side + 'Ankle') for side in 'RL']
            apart = np.linalg.norm(true[pair[0], :2] - true[pair[1], :2])
            wrong = np.abs(put_back - true)[:, :2].max()
            assert wrong == 0 or f in rows and apart < 0.05 * HEIGHT, f


def test_a_body_that_turns_keeps_its_sides():
    track = dancing(turning=90.0)
    swaps, own = LiveSwaps('BODY_25'), LiveProportions('BODY_25')
    wrong = 0
    for f, found in enumerate(joints_of(track)):
        own(found[:, :3], track.times[f])
        wrong += not np.array_equal(swaps(found, track.times[f], own.lengths, own.scale), found)
    assert wrong <= 5


def test_the_lengths_of_bones_become_those_of_the_whole_track():
    track = dancing()
    own = LiveProportions('BODY_25')
    for pose, time in zip(track.poses, track.times.tolist(), strict=True):
        own(pose, time)
    lengths, scale = proportions(track)
    known = np.isfinite(lengths) & (lengths > 0.05 * HEIGHT)
    assert np.abs(own.lengths * own.scale / (lengths * scale[-1]) - 1)[known].max() < 0.12
