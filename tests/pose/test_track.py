"""PoseTrack: where shots begin, and the files it reads and writes."""
import cv2
import numpy as np
import pytest

from pose.shots import PictureWatch, choose_shots, find_cuts
from pose.skeleton import BODY_25
from pose.track import PoseTrack
from util.errors import UserError

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


def test_a_large_picture_is_watched_as_a_small_one():
    random = np.random.default_rng(0)
    small, large = PictureWatch(), PictureWatch()
    for _ in range(4):
        picture = cv2.resize(random.integers(0, 255, (12, 8, 3), np.uint8), (256, 384))
        difference = small(picture)
        assert large(cv2.resize(picture, (1024, 1536))) == pytest.approx(difference, abs=0.5)
        assert large.jumped == small.jumped


def three_shots():
    """Shots of 30, 60 and 20 frames."""
    return track_of([standing()] * 110, shots=np.repeat([0, 1, 2], [30, 60, 20]))


@pytest.mark.parametrize('which, left', [('keep', [0, 1, 2]), ('longest', [1]), ('1,3', [0, 2])])
def test_of_several_shots_those_asked_for_are_kept_and_the_rest_says_why(which, left):
    track = choose_shots(three_shots(), which)
    assert np.unique(track.shots[track.kept]).tolist() == left
    assert set(track.reasons[~track.kept]) <= {f'not among --shots {which}'}


def test_a_shot_that_is_not_there_is_answered_with_how_many_there_are():
    with pytest.raises(UserError, match='no shot 4, the video has 3'):
        choose_shots(three_shots(), '1,4')


def test_the_longest_shot_is_the_one_that_shows_the_body_longest():
    track = three_shots()
    track.poses[30:90] = 0
    chosen = choose_shots(track, 'longest')
    assert set(chosen.shots[chosen.kept]) == {0}


# Depth, and other numberings

def test_depth_goes_where_its_frames_go():
    track = track_of([standing()] * 4, depth=np.arange(100.0).reshape(4, 25))
    assert np.array_equal(track.select(np.array([3, 1])).depth, track.depth[[3, 1]])


def test_a_track_in_another_numbering_keeps_what_both_know(tmp_path):
    track = track_of([standing()] * 3, depth=np.arange(75.0).reshape(3, 25))
    coco = track.numbered('COCO_18')
    knee = coco.joints.index('RKnee')
    assert np.array_equal(coco.poses[:, knee], track.poses[:, BODY_25.index('RKnee')])
    assert np.array_equal(coco.depth[:, knee], track.depth[:, BODY_25.index('RKnee')])
    there = coco.numbered('BODY_25+hands')
    assert there.poses.shape == (3, 67, 3) and not there.poses[:, 25:].any()
    assert np.isnan(there.depth[:, 25:]).all()
    there.save(tmp_path / 'poses.npz')
    assert np.array_equal(PoseTrack.load(tmp_path / 'poses.npz').depth, there.depth, equal_nan=True)


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
