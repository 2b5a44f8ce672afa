"""Repair: sides put back, guesses and the impossible dropped, gaps closed, jitter smoothed away."""
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from pose.cleaning.repair import (
    drop_beyond_limits,
    drop_guesses,
    fill,
    repair,
    undo_swaps,
    without_flyers,
)
from pose.cleaning.smoothing import jitter, lag, smooth
from pose.shots import find_cuts
from pose.skeleton import BODY_25, COCO_18, convert, skeleton_of
from pose.track import PoseTrack
from scripts.demo.body import TARGET, body_25, stand_up, turned
from scripts.demo.dance import TARGET_DANCE, Dance, choreograph

HEIGHT = 300.0                                  # px, of the dancer
FPS = 30.0
WRIST, ELBOW, KNEE = (BODY_25.index(joint) for joint in ('RWrist', 'RElbow', 'RKnee'))
SWAPS = {'whole': 'Shoulder Elbow Wrist Hip Knee Ankle Eye Ear BigToe SmallToe Heel',
         'arm': 'Elbow Wrist', 'leg': 'Knee Ankle BigToe SmallToe Heel', 'wrist': 'Wrist',
         'ankle': 'Ankle BigToe SmallToe Heel', 'eyes and ears': 'Eye Ear'}


@cache
def _danced(turning):
    """Joints (F, 25, 3) and depth (F, 25) px of the demo's dance, turned by so many degrees/s."""
    dance, places = choreograph(TARGET_DANCE, 12), []
    for time in np.arange(0, 12, 1 / FPS):
        places.append(body_25(TARGET, stand_up(TARGET, dance.at(time))) @ turned(
            turning * time).T)
    places = np.array(places) * HEIGHT / TARGET.height
    poses = np.concatenate([places[..., :2] * (1, -1) + (240, 400),
                            np.ones((*places.shape[:2], 1))], -1)
    return poses.astype(np.float32), -places[..., 2]


def dancing(noise=0.0, turning=0.0, seed=0):
    """The demo's dance as a detector that is `noise` of the body's height off would find it."""
    poses, depth = _danced(turning)
    rng = np.random.default_rng(seed)
    poses = poses + rng.normal(0, noise * HEIGHT, poses.shape) * (1, 1, 0)
    return track_of(poses, FPS, depth=depth)


def standing(x=100.0, y=150.0, size=1.0):
    """One body (25, 3), 100 px tall at size 1, its feet at x, y."""
    places = body_25(TARGET, stand_up(TARGET, Dance.STAND))[:, :2] * (1, -1) * 100 / TARGET.height
    return np.float32(np.concatenate([places * size + (x, y), np.ones((25, 1))], 1))


def track_of(poses, fps=25.0, **more):
    return PoseTrack(np.stack(poses), np.arange(len(poses)) / fps, np.arange(len(poses)),
                     'BODY_25', (480, 480), **more)


def swapped(track, joints, rows):
    """The track with left and right of these joints exchanged in those frames."""
    one = [track.joints.index('R' + joint) for joint in joints.split()]
    other = [track.joints.partners[k] for k in one]
    poses, rows = track.poses.copy(), np.asarray(rows)[:, None]
    poses[rows, one + other] = poses[rows, other + one]
    depth = None if track.depth is None else track.depth.copy()
    if depth is not None:
        depth[rows, one + other] = depth[rows, other + one]
    return replace(track, poses=poses, depth=depth)


def differ(a, b):
    """Numbers of the frames whose poses differ."""
    return np.flatnonzero((a.poses != b.poses).any((1, 2))).tolist()


def pck(track, truth):
    """Part of the joints within 5 % of the height of where they are."""
    off = np.linalg.norm(track.poses[..., :2] - truth.poses[..., :2], axis=-1)
    return ((off < 0.05 * HEIGHT) & (track.poses[..., 2] > 0)).mean()


# Swaps

@pytest.mark.parametrize('joints', SWAPS.values(), ids=SWAPS)
def test_sides_exchanged_for_a_moment_are_put_back_and_nothing_else_is_touched(joints):
    found = dancing(0.005)
    rows = [row for k in range(10) for row in range(15 + 33 * k, 16 + 34 * k)]
    wrong = swapped(found, joints, rows)
    mended = undo_swaps(wrong)
    assert len(differ(mended, found)) <= 0.02 * len(rows)
    assert set(differ(mended, wrong)) <= set(rows)


@pytest.mark.parametrize('turning', [0, 36, 180, 360])
def test_a_body_that_turns_round_is_left_as_it_is(turning):
    found = dancing(0.005, turning)
    assert differ(undo_swaps(found), found) == []


def test_depth_and_confidence_go_with_a_swapped_joint():
    found = dancing(0.005)
    found.poses[..., 2] = np.random.default_rng(0).uniform(0.3, 1, found.poses.shape[:2])
    wrong = swapped(found, SWAPS['leg'], range(50, 56))
    mended = undo_swaps(wrong)
    assert np.array_equal(mended.poses, found.poses) and np.array_equal(mended.depth, found.depth)


@pytest.mark.parametrize('rows', [range(330, 360), range(100, 360)])
def test_sides_that_stay_exchanged_to_the_end_are_told_by_the_face(rows):
    found = dancing(0.005)
    assert differ(undo_swaps(swapped(found, SWAPS['whole'], rows)), found) == []


def test_sides_exchanged_for_good_are_put_back_however_long_the_shot_is():
    poses = np.tile(standing(), (900, 1, 1))
    poses[..., :2] += np.random.default_rng(0).normal(0, 0.5, (900, 25, 2))
    found = track_of(poses, FPS)
    assert differ(undo_swaps(swapped(found, SWAPS['whole'], range(500, 900))), found) == []


def test_hands_and_face_go_with_the_body():
    name = 'COCO_18+face+hands'
    table, rng = skeleton_of(name), np.random.default_rng(0)
    poses = np.zeros((100, len(table.joints), 3), np.float32)
    poses[:, :18] = convert(dancing(0.005).poses[:100], BODY_25, COCO_18)
    for part, joint in (('left_hand', 'LWrist'), ('right_hand', 'RWrist'), ('face', 'Nose')):
        where = table.part(part)
        offset = rng.uniform(-20, 20, (where.stop - where.start, 2))
        poses[:, where, :2] = poses[:, [table.index(joint)], :2] + offset
        poses[:, where, 2] = 1
    found = PoseTrack(poses, np.arange(100) / FPS, np.arange(100), name, (480, 480))
    wrong = replace(found, poses=poses.copy())
    wrong.poses[40:45] = wrong.poses[40:45][:, list(table.partners)]
    assert differ(undo_swaps(wrong), found) == []


def test_a_swap_beside_a_gap_or_a_cut_takes_nothing_else_with_it():
    found = dancing(0.005)
    found = replace(found, shots=(np.arange(len(found)) > 200).astype(int))
    found.poses[100:130] = 0
    found.poses[150:250, BODY_25.index('LElbow')] = 0
    wrong = swapped(found, SWAPS['leg'], [*range(130, 134), *range(197, 201)])
    assert differ(undo_swaps(wrong), found) == []


# Guesses and limits

def test_what_the_detector_guesses_is_dropped_and_the_trunk_never_vanishes():
    track = track_of([standing()] * 3)
    track.poses[1, :, 2] = 0.05
    dropped = drop_guesses(track, 0.1)
    assert dropped.poses[1, :, 2].nonzero()[0].tolist() == [1, 8] and dropped.seen().all()
    assert np.array_equal(dropped.poses[[0, 2]], track.poses[[0, 2]])


def test_a_joint_out_of_the_bones_reach_is_dropped_and_its_depth_too():
    found = dancing(0.005)
    found.poses[50, WRIST, 0] += 100
    found.poses[60, KNEE, 0] -= 100
    dropped = drop_beyond_limits(found)
    gone = np.argwhere((found.poses[..., 2] > 0) & (dropped.poses[..., 2] == 0))
    assert gone.tolist() == [[50, WRIST], [60, KNEE]]
    assert np.isnan(dropped.depth[50, WRIST]) and dropped.depth[50, ELBOW] == found.depth[50, ELBOW]


def test_a_hand_far_from_its_wrist_is_dropped_though_the_elbow_is_not_seen():
    found = dancing()
    found.poses[:, ELBOW] = 0
    found.poses[50, WRIST] = (440, 40, 1)
    assert drop_beyond_limits(found).poses[50, WRIST, 2] == 0


@pytest.mark.parametrize('turning', [0, 180])
def test_nothing_possible_is_dropped_however_near_the_body_comes(turning):
    found = dancing(0.005, turning)
    closer = np.linspace(1, 3, len(found))[:, None, None]
    found = replace(found, poses=found.poses * np.concatenate([closer, closer, closer ** 0], -1))
    assert differ(drop_beyond_limits(found), found) == []
    found.poses[10, WRIST, 0] += 150
    assert differ(drop_beyond_limits(found), found) == [10]


# All together

@pytest.mark.parametrize('harm', ['none', 'swaps', 'outliers', 'lost'])
def test_repair_brings_joints_nearer_to_where_they_are(harm):
    truth, found = dancing(), dancing(0.01)
    rng = np.random.default_rng(0)
    if harm == 'swaps':
        found = swapped(found, SWAPS['whole'], [*range(50, 57), *range(200, 203)])
        found = swapped(found, SWAPS['leg'], range(120, 130))
    elif harm == 'outliers':
        for frame in range(10, 350, 10):
            found.poses[frame, rng.integers(2, 25), :2] += rng.choice((-120, 120), 2)
    elif harm == 'lost':
        for frame in range(10, 350, 20):
            found.poses[frame:frame + 6, rng.integers(2, 25)] = 0
    clean, counts = repair(found)
    off = [np.linalg.norm((track.poses - truth.poses)[..., :2], axis=-1).mean()
           for track in (found, clean)]
    assert clean.kept.all() and off[1] < 0.75 * off[0]
    assert pck(clean, truth) > max(pck(found, truth), 0.999) - 1e-9
    assert abs(lag(found, clean)) < 0.1
    assert counts['swaps'] == (20 if harm == 'swaps' else 0)
    assert (counts['beyond_limits'] > 0) == (harm == 'outliers')


def test_every_step_can_be_left_out():
    found = swapped(dancing(0.005), SWAPS['whole'], range(50, 55))
    found.poses[100, WRIST, :2] += 150
    found.poses[200:205, WRIST] = 0
    found.poses[210:215, WRIST, 2] = 0.01
    found = replace(found, shots=np.repeat([0, 1, 2], (250, 2, 108)))
    off = {'no_swaps': True, 'no_limits': True, 'min_confidence': 0, 'max_gap': 0, 'smooth': 0}
    untouched, counts = repair(found, **off)
    assert np.array_equal(untouched.poses, found.poses) and not any(counts.values())
    does = {'no_swaps': ['swaps'], 'no_limits': ['beyond_limits'], 'min_confidence': ['guesses'],
            'max_gap': ['flyers', 'filled']}
    for switch, names in does.items():
        counts = repair(found, **{k: v for k, v in off.items() if k != switch})[1]
        assert [k for k, count in counts.items() if count] == names


# Gaps

def test_a_short_gap_is_a_straight_line_in_time():
    poses = [standing(100 + 2 * f) for f in range(30)]
    track = track_of(poses)
    track.poses[10:15, WRIST] = 0
    filled = fill(track)
    assert np.allclose(filled.poses[10:15], np.stack(poses)[10:15], atol=1e-3)
    assert filled.kept.all() and filled.dropped() == []


def test_a_gap_is_filled_along_the_curve_of_a_swinging_wrist():
    truth = dancing()
    found = replace(truth, poses=truth.poses.copy(), depth=truth.depth.copy())
    for frame in range(10, 340, 12):
        found.poses[frame:frame + 4, WRIST] = 0
        found.depth[frame:frame + 4, WRIST] = np.nan
    filled = fill(found)
    straight = np.stack([np.interp(np.arange(360), np.flatnonzero(found.poses[:, WRIST, 2]), values)
                         for values in found.poses[found.poses[:, WRIST, 2] > 0, WRIST, :2].T], 1)
    off, usual = (np.linalg.norm(way - truth.poses[:, WRIST, :2], axis=1).mean()
                  for way in (filled.poses[:, WRIST, :2], straight))
    assert off < 0.7 * usual
    assert np.isfinite(filled.depth[:, WRIST]).all()


def test_a_limb_missing_long_stays_missing_and_the_frame_is_kept():
    track = track_of([standing()] * 40)
    track.poses[10:30, WRIST] = 0
    filled = fill(track, max_gap=12)
    assert not filled.poses[10:30, WRIST].any() and filled.kept.all()


def test_a_long_gap_is_not_kept_and_says_why():
    track = track_of([standing()] * 40)
    track.poses[10:30] = 0
    filled = fill(track, max_gap=12)
    assert np.flatnonzero(~filled.kept).tolist() == list(range(10, 30))
    assert filled.dropped()[0] == (10, 0.4, 'nobody found for 20 frames')


def test_nothing_is_filled_across_a_cut():
    poses = [standing()] * 20 + [standing(size=2)] * 20
    track = track_of(poses, shots=np.repeat([0, 1], 20))
    track.poses[18:22] = 0
    assert np.flatnonzero(~fill(track).kept).tolist() == [18, 19, 20, 21]


def test_a_moments_find_elsewhere_is_taken_back():
    poses = [standing(100 + f) for f in range(40)]
    poses[20] = poses[21] = standing(280, size=0.4)
    shots = find_cuts(np.stack(poses), np.arange(40) / 25, np.zeros(40))
    assert shots.max() == 2
    filled = fill(without_flyers(track_of(poses, shots=shots)))
    assert filled.shots.max() == 0 and filled.kept.all()
    assert np.allclose(filled.poses[20], standing(120), atol=1e-3)


def test_a_shot_too_short_to_measure_is_not_kept():
    poses = [standing()] * 20 + [standing(size=.3)] * 3 + [standing(200, size=2)] * 20
    filled = fill(track_of(poses, shots=np.repeat([0, 1, 2], (20, 3, 20))))
    assert [d[0] for d in filled.dropped()] == [20, 21, 22]
    assert 'shows 0.12 s' in filled.dropped()[0][2]


@pytest.mark.parametrize('frames', [1, 2, 3])
def test_a_track_of_very_few_frames_passes(frames):
    track = smooth(fill(track_of([standing()] * frames)))
    assert track.kept.all() and np.allclose(track.poses, standing())
    assert jitter(track) == 0


# Jitter

def moving_wrist(hertz, height=30.0, frames=150, fps=30.0):
    """A wrist that goes up and down; the track and the wrist's y."""
    y = height * np.sin(2 * np.pi * hertz * np.arange(frames) / fps)
    track = track_of([standing()] * frames, fps)
    track.poses[:, WRIST, 1] += y
    return track, y


def test_smoothing_comes_neither_late_nor_early():
    track, y = moving_wrist(1.0)                    # 30 frames a turn: 30 to 120 is whole turns
    smoothed = smooth(track).poses[:, WRIST, 1] - standing()[WRIST, 1]
    match = {lag: np.dot(y[30:120], smoothed[30 + lag:120 + lag]) for lag in range(-5, 6)}
    assert max(match, key=match.get) == 0
    assert match[-1] == pytest.approx(match[1], rel=1e-4)


@pytest.mark.parametrize('fps', [24, 25, 29.97, 30, 50, 60])
def test_smoothing_keeps_a_fast_moves_reach(fps):
    track, y = moving_wrist(3.0, frames=int(5 * fps), fps=fps)
    smoothed = smooth(track).poses[20:-20, WRIST, 1]
    assert np.ptp(smoothed) > 0.97 * np.ptp(y[20:-20])


def test_smoothing_bends_nothing_where_frames_are_missing_or_come_unevenly():
    track, _ = moving_wrist(1.0)
    uneven = track.select(np.random.default_rng(0).random(len(track)) < 0.75)
    uneven.poses[40:42, WRIST] = 0
    off = np.abs(smooth(uneven).poses - uneven.poses)
    assert off.max() < 0.01 * np.ptp(track.poses[:, WRIST, 1])


def test_lag_is_measured_in_frames():
    found = dancing(0.005)
    assert abs(lag(found, smooth(found))) < 0.05
    for late in (2, -3):
        moved = replace(found, poses=np.roll(found.poses, late, axis=0))
        assert lag(found, moved) == pytest.approx(late, abs=0.05)
    assert lag(track_of([standing()] * 5), track_of([standing()] * 5)) == 0


def test_jitter_is_of_the_body_alone():
    name = 'BODY_25+hands'
    poses = np.ones((50, 67, 3), np.float32)
    poses[:, :25] = standing()
    poses[:, 25:, :2] = np.random.default_rng(0).uniform(0, 50, (50, 42, 2))
    track = PoseTrack(poses, np.arange(50) / FPS, np.arange(50), name, (480, 480))
    assert jitter(track) == 0 and jitter(dancing(0.005)) > 0.3


def test_smoothing_takes_most_of_the_jitter():
    noise = np.random.default_rng(0).normal(0, 1, (100, 25, 2))
    track = track_of([standing()] * 100)
    track.poses[..., :2] += noise * (track.poses[..., 2:] > 0)
    smoothed = smooth(track)
    assert jitter(smoothed) < 0.3 * jitter(track)
    assert (smoothed.poses - standing()).std() < 0.7 * (track.poses - standing()).std()


def test_smoothing_of_strength_0_changes_nothing():
    track, _ = moving_wrist(3.0)
    assert np.array_equal(smooth(track, 0).poses, track.poses)


def test_smoothing_stops_at_a_cut_and_at_the_unseen():
    poses = [standing()] * 20 + [standing(size=2)] * 20
    track = track_of(poses, shots=np.repeat([0, 1], 20))
    track.poses[5:8, WRIST] = 0
    assert np.allclose(smooth(track).poses, track.poses, atol=1e-3)

