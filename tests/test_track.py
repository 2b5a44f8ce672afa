"""PoseTrack: cuts, gaps, jitter, and the files it reads and writes."""
import json

import numpy as np
import pytest

from pose.skeleton import BODY_25
from pose.track import PictureWatch, PoseTrack, fill, find_cuts, jitter, smooth
from util.errors import UserError

WRIST, NECK = BODY_25.index('RWrist'), BODY_25.index('Neck')
BODY = np.zeros((25, 3), np.float32)
for name, x, y in [('Nose', 0, -95), ('Neck', 0, -80), ('RShoulder', -12, -80),
                   ('RElbow', -16, -65), ('RWrist', -18, -50), ('LShoulder', 12, -80),
                   ('LElbow', 16, -65), ('LWrist', 18, -50), ('MidHip', 0, -50),
                   ('RHip', -6, -50), ('RKnee', -7, -25),
                   ('RAnkle', -8, 0), ('LHip', 6, -50), ('LKnee', 7, -25), ('LAnkle', 8, 0)]:
    BODY[BODY_25.index(name)] = x, y, 1


def standing(x=100.0, y=150.0, size=1.0):
    """One body (25, 3), 95 px from nose to ankle at size 1, its feet at x, y."""
    pose = BODY * np.float32([size, size, 1])
    pose[pose[:, 2] > 0, :2] += x, y
    return pose


def track_of(poses, fps=25.0, **more):
    poses = np.stack(poses)
    return PoseTrack(poses, np.arange(len(poses)) / fps, np.arange(len(poses)), 'BODY_25',
                     (320, 240), **more)


def cuts_of(poses, jumps=(), fps=25.0):
    difference = np.full(len(poses), 0.5)
    difference[list(jumps)] = 40
    shots = find_cuts(np.stack(poses), np.arange(len(poses)) / fps, difference)
    return np.flatnonzero(np.diff(shots)).tolist()


# Cuts

def test_a_cut_to_a_closer_view_starts_a_shot():
    assert cuts_of([standing()] * 20 + [standing(size=1.6)] * 20, jumps=[20]) == [19]


def test_another_person_far_away_is_a_cut_even_in_the_same_picture():
    assert cuts_of([standing(60)] * 20 + [standing(250)] * 20) == [19]


def test_a_leap_across_the_stage_is_no_cut():
    assert cuts_of([standing(60 + 12 * f) for f in range(20)]) == []


def test_a_flash_round_a_body_that_goes_on_is_no_cut():
    assert cuts_of([standing(60 + f) for f in range(40)], jumps=[20, 21]) == []


def test_a_gap_without_a_change_of_place_or_size_is_no_cut():
    nobody = [np.zeros((25, 3), np.float32)] * 60
    assert cuts_of([standing()] * 20 + nobody + [standing(110)] * 20) == []


def test_a_cut_within_a_gap_lies_where_the_picture_jumps():
    nobody = [np.zeros((25, 3), np.float32)] * 10
    assert cuts_of([standing()] * 20 + nobody + [standing(size=1.5)] * 20, jumps=[24]) == [23]


def test_the_frames_of_a_dissolve_are_shots_of_their_own():
    assert cuts_of([standing()] * 20 + [standing(size=1.6)] * 20, jumps=[19, 20, 21]) == [
        18, 19, 20]


def test_the_picture_watch_sees_a_cut_and_no_pan():
    watch = PictureWatch()
    ramp = np.tile(np.linspace(0, 255, 640).astype(np.uint8)[None, :, None], (36, 1, 3))
    pan = []
    for f in range(30):
        watch(np.roll(ramp[:, ::2], f, axis=1)[:, :160])
        pan.append(watch.jumped)
    watch(255 - ramp[:, :320])
    assert not any(pan) and watch.jumped


# Gaps

def test_a_short_gap_is_a_straight_line_in_time():
    poses = [standing(100 + 2 * f) for f in range(30)]
    track = track_of(poses)
    track.poses[10:15, WRIST] = 0
    filled = fill(track)
    assert np.allclose(filled.poses[10:15], np.stack(poses)[10:15], atol=1e-3)
    assert filled.kept.all() and filled.dropped() == []


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
    filled = fill(track_of(poses, shots=shots))
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


def test_smoothing_keeps_a_fast_moves_reach():
    track, y = moving_wrist(3.0)
    smoothed = smooth(track).poses[20:-20, WRIST, 1]
    assert np.ptp(smoothed) > 0.96 * np.ptp(y)


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


# Files

def odd_track():
    track = track_of([standing(100 + f) for f in range(6)], shots=np.repeat([0, 1], 3))
    track.poses[2] = 0
    return track.drop(np.arange(6) == 2, 'nobody found for 1 frames').select(np.arange(6) > 0)


def test_a_saved_track_comes_back_whole(tmp_path):
    track = odd_track()
    track.save(tmp_path / 'poses.npz')
    back = PoseTrack.load(tmp_path / 'poses.npz')
    for name, value in vars(track).items():
        assert np.array_equal(getattr(back, name), value), name
        assert type(getattr(back, name)) is type(value), name
    assert [f.name for f in tmp_path.iterdir()] == ['poses.npz']


@pytest.mark.parametrize('content', [b'', b'no zip', b'PK\x03\x04half'])
def test_a_file_that_is_no_track_is_named(tmp_path, content):
    (tmp_path / 'poses.npz').write_bytes(content)
    with pytest.raises(UserError, match='poses.npz'):
        PoseTrack.load(tmp_path / 'poses.npz')
    with pytest.raises(UserError, match='no such file'):
        PoseTrack.load(tmp_path / 'none.npz')


def test_a_track_survives_openposes_json(tmp_path):
    track = odd_track()
    track.to_openpose_json(tmp_path)
    back = PoseTrack.from_openpose_json(tmp_path, (320, 240), 25.0)
    assert np.allclose(back.poses, track.poses, atol=1e-3)
    assert np.array_equal(back.index, track.index) and np.allclose(back.times, track.times)
    assert (back.skeleton, back.size) == (track.skeleton, track.size)
    first = json.loads((tmp_path / '000000000001_keypoints.json').read_text())
    assert len(first['people'][0]['pose_keypoints_2d']) == 75
    assert json.loads((tmp_path / '000000000002_keypoints.json').read_text())['people'] == []


def test_of_several_people_in_openposes_json_the_largest_is_taken(tmp_path):
    people = [{'pose_keypoints_2d': standing(size=s)[:18].ravel().tolist()} for s in (0.5, 1, 0.3)]
    (tmp_path / 'a.json').write_text(json.dumps({'people': people}))
    track = PoseTrack.from_openpose_json(tmp_path, (320, 240), 25.0)
    assert track.skeleton == 'COCO_18' and np.allclose(track.poses[0], standing()[:18])


@pytest.mark.parametrize('text', ['{}', 'no json', '{"people": [{"pose_keypoints_2d": [1, 2]}]}',
                                  '{"people": [{"pose_keypoints_2d": [1, 2, 3]}]}'])
def test_json_that_openpose_did_not_write_is_named(tmp_path, text):
    (tmp_path / 'a.json').write_text(text)
    with pytest.raises(UserError, match=str(tmp_path)):
        PoseTrack.from_openpose_json(tmp_path, (320, 240), 25.0)
