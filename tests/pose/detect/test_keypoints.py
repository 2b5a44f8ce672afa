"""--detector keypoints: joints that were found elsewhere."""
import json

import numpy as np
import pytest

from pose.detect import check_source, make_detector
from pose.formats import write_openpose_json
from pose.skeleton import BODY_25
from pose.track import PoseTrack
from util.errors import UserError
from util.options import Options

PICTURE = np.zeros((240, 320, 3), np.uint8)


def track_of(frames=3, skeleton='BODY_25+face+hands', joints=137, index=None, **more):
    """A track in which every joint of every frame is somewhere else."""
    poses = np.random.default_rng(0).uniform((1, 1, 0.1), (319, 239, 1), (frames, joints, 3))
    index = np.arange(frames) if index is None else np.array(index)
    return PoseTrack(poses, index / 25, index, skeleton, (320, 240), **more)


def write_bodies(path, *bodies):
    path.write_text(json.dumps({'people': [
        {'pose_keypoints_2d': np.ravel(body).tolist()} for body in bodies]}))


@pytest.mark.parametrize(('parts', 'joints'), [(('body',), 25), (('hands',), 67), (('face',), 95),
                                               (('hands', 'face'), 137)])
def test_parts_decides_what_is_passed_on(tmp_path, parts, joints):
    track = track_of()
    write_openpose_json(track, tmp_path)
    detector = make_detector('keypoints', parts, keypoints=str(tmp_path))
    people = detector(PICTURE, 1)
    assert people.shape == (1, joints, 4) and people.dtype == np.float32
    assert np.allclose(people[0, :25, :3], track.poses[1, :25], atol=1e-4)
    if 'hands' in parts:
        assert np.allclose(people[0, -42:, :3], track.poses[1, -42:], atol=1e-4)


def test_a_frame_without_a_file_or_a_person_shows_nobody(tmp_path):
    track = track_of(4, 'BODY_25', 25, index=[0, 1, 2, 5])
    track.poses[1] = 0
    write_openpose_json(track, tmp_path)
    track.save(tmp_path / 'found.npz')
    for path in (tmp_path, tmp_path / 'found.npz'):
        detector = make_detector('keypoints', keypoints=str(path))
        assert [len(detector(PICTURE, index)) for index in range(7)] == [1, 0, 1, 0, 0, 1, 0]
        assert detector(PICTURE, 6).shape == (0, 25, 4)


def test_everybody_in_a_frame_comes_through(tmp_path):
    bodies = track_of(3, 'BODY_25', 25).poses
    write_bodies(tmp_path / '000000000000_keypoints.json', *bodies)
    people = make_detector('keypoints', keypoints=str(tmp_path))(PICTURE, 0)
    assert np.allclose(people[..., :3], bodies)


def test_openposes_0_to_1_becomes_pixels_of_the_picture(tmp_path):
    body = track_of(1, 'BODY_25', 25).poses[0]
    write_bodies(tmp_path / '000000000000_keypoints.json', body / [319, 239, 1])
    people = make_detector('keypoints', keypoints=str(tmp_path))(PICTURE, 0)
    assert np.allclose(people[0, :, :3], body, atol=1e-3)


def test_our_own_track_comes_back_with_its_depth(tmp_path):
    depth = np.arange(3 * 25).reshape(3, 25) - 30.0
    track = track_of(3, 'BODY_25', 25, depth=depth)
    track.poses[2, 4] = 0
    track.save(tmp_path / 'found.npz')
    detector = make_detector('keypoints', keypoints=str(tmp_path / 'found.npz'))
    assert np.allclose(detector(PICTURE, 1)[0], np.hstack([track.poses[1], depth[1, :, None]]))
    assert np.array_equal(detector(PICTURE, 2)[0, 4], [0, 0, 0, np.nan], equal_nan=True)


def test_our_own_track_of_18_joints_becomes_25(tmp_path):
    track_of(1, 'COCO_18', 18).save(tmp_path / 'found.npz')
    people = make_detector('keypoints', keypoints=str(tmp_path / 'found.npz'))(PICTURE, 0)
    assert people.shape == (1, 25, 4) and people[0, BODY_25.index('MidHip'), 2] > 0
    assert np.isnan(people[..., 3]).all()


def test_joints_of_another_picture_are_refused(tmp_path):
    track_of(1).save(tmp_path / 'poses.npz')
    detector = make_detector('keypoints', keypoints=str(tmp_path / 'poses.npz'))
    with pytest.raises(UserError, match='320x240.*256x256.*found.npz'):
        detector(np.zeros((256, 256, 3), np.uint8), 0)


@pytest.mark.parametrize(('path', 'says'), [
    (None, '--keypoints PATH'), ('nowhere', 'nowhere: no such folder'), ('a.npz', 'no such file'),
    ('.', 'no .json or _pose.yml')])
def test_keypoints_that_are_not_there_are_asked_for(tmp_path, monkeypatch, path, says):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=says):
        make_detector('keypoints', keypoints=path)


def test_a_part_that_no_file_has_is_refused_before_any_work(tmp_path):
    track = track_of(1, 'BODY_25+face', 95)
    write_openpose_json(track, tmp_path)
    track.save(tmp_path / 'found.npz')
    make_detector('keypoints', ['face'], keypoints=str(tmp_path))
    for path in (tmp_path, tmp_path / 'found.npz'):
        with pytest.raises(UserError, match='no hands.*--face --hand'):
            make_detector('keypoints', ['face', 'hands'], keypoints=str(path))


def test_a_folder_of_18_and_25_joints_is_refused(tmp_path):
    write_bodies(tmp_path / '1.json', track_of(1, 'COCO_18', 18).poses[0])
    write_bodies(tmp_path / '2.json', track_of(1, 'BODY_25', 25).poses[0])
    with pytest.raises(UserError, match=r'18 joints \(1.json\) and of 25 \(2.json\)'):
        make_detector('keypoints', keypoints=str(tmp_path))


def test_coordinates_of_minus_1_to_1_are_refused(tmp_path):
    body = track_of(1, 'BODY_25', 25).poses[0]
    write_bodies(tmp_path / '1.json', body / [160, 120, 1] - [1, 1, 0])
    with pytest.raises(UserError, match='--keypoint_scale'):
        make_detector('keypoints', keypoints=str(tmp_path))


def test_a_broken_file_is_found_before_any_work(tmp_path):
    write_openpose_json(track_of(3), tmp_path)
    (tmp_path / '000000000002_keypoints.json').write_text('{"people": [')
    with pytest.raises(UserError, match='000000000002_keypoints.json'):
        make_detector('keypoints', keypoints=str(tmp_path))


# Held against the source

def fits(path, size=(320, 240), frames=3):
    check_source(Options(detector='keypoints', keypoints=str(path)), size, frames)


def scaled(track, factor):
    return PoseTrack(track.poses * [factor, factor, 1], track.times, track.index, track.skeleton,
                     track.size)


def write_ymls(track, folder):
    for index, pose in zip(track.index, track.poses):
        numbers = ', '.join(f'{value:.4e}' for value in pose.ravel())
        (folder / f'v_{index:012d}_pose.yml').write_text(
            f'%YAML:1.0\npose_0: !!opencv-nd-matrix\n   sizes: [ 1, 25, 3 ]\n   dt: f\n'
            f'   data: [ {numbers} ]\n')


@pytest.mark.parametrize('write', [write_openpose_json, write_ymls])
def test_joints_found_in_a_larger_picture_are_refused_with_both_sizes(tmp_path, capsys, write):
    write(track_of(3, 'BODY_25', 25), tmp_path)
    fits(tmp_path)
    assert not capsys.readouterr().err
    for factor in (4 / 3, 8 / 3):
        write(scaled(track_of(3, 'BODY_25', 25), factor), tmp_path)
        with pytest.raises(UserError, match=r'reach to x \d+, y \d+, .*320x240'):
            fits(tmp_path)


def test_joints_found_in_a_smaller_picture_are_warned_of_with_both_sizes(tmp_path, capsys):
    write_openpose_json(scaled(track_of(3, 'BODY_25', 25), 0.4), tmp_path)
    fits(tmp_path)
    said = capsys.readouterr().err
    assert 'reach to x 12' in said and '320x240' in said and 'smaller' in said


def test_few_and_unsure_joints_may_be_anywhere(tmp_path):
    track = track_of(12, 'BODY_25', 25)
    track.poses[:, 19:] = (600, 700, 0.2)           # feet below the picture, guessed
    track.poses[3, 4] = (-100, 800, 1)
    write_openpose_json(track, tmp_path)
    fits(tmp_path, frames=12)


def test_joints_of_0_to_1_fit_every_size(tmp_path, capsys):
    track = track_of(3, 'BODY_25', 25)
    write_openpose_json(PoseTrack(track.poses / [320, 240, 1], track.times, track.index, 'BODY_25',
                                  (320, 240)), tmp_path)
    fits(tmp_path, (1280, 720))
    assert not capsys.readouterr().err


@pytest.mark.parametrize('kind', ['json', 'npz'])
def test_joints_of_none_of_the_frames_are_refused_with_both_ranges(tmp_path, capsys, kind):
    for first, last, frames in ((1000, 1074, 75), (0, 74, 20), (0, 74, 75), (60, 74, 75)):
        track = track_of(last + 1 - first, 'BODY_25', 25, index=np.arange(first, last + 1))
        folder = tmp_path / f'{first}_{frames}'
        folder.mkdir()
        path = folder if kind == 'json' else folder / 'found.npz'
        write_openpose_json(track, folder) if kind == 'json' else track.save(path)
        if first == 1000:
            with pytest.raises(UserError, match='frames 1000 to 1074.*has frames 0 to 74'):
                fits(path, frames=frames)
            continue
        fits(path, frames=frames)
        assert ('another video' in capsys.readouterr().err) == (frames == 20)


def test_our_own_track_of_another_size_is_refused_before_any_work(tmp_path):
    track_of(3).save(tmp_path / 'found.npz')
    with pytest.raises(UserError, match='320x240.*256x256'):
        fits(tmp_path / 'found.npz', (256, 256))


def test_the_files_of_a_mac_are_no_frames(tmp_path):
    track = track_of(3, 'BODY_25', 25)
    write_openpose_json(track, tmp_path)
    for path in list(tmp_path.iterdir()):
        (tmp_path / f'._{path.name}').write_bytes(b'\0\5\x16\7')
    (tmp_path / '.DS_Store').touch()
    detector = make_detector('keypoints', keypoints=str(tmp_path))
    assert np.allclose(detector(PICTURE, 2)[0, :, :3], track.poses[2], atol=1e-4)


def test_an_upper_case_suffix_is_one_too(tmp_path):
    write_openpose_json(track_of(3, 'BODY_25', 25), tmp_path)
    for path in list(tmp_path.iterdir()):
        path.rename(path.with_suffix('.JSON'))
    assert len(make_detector('keypoints', keypoints=str(tmp_path)).files) == 3


@pytest.mark.parametrize('value', [float('nan'), float('inf'), None, 'x', [1],
                                   pytest.param(10 ** 400, id='huge')])
def test_coordinates_that_are_no_numbers_are_named(tmp_path, value):
    write_openpose_json(track_of(1, 'BODY_25', 25), tmp_path)
    path = tmp_path / '000000000000_keypoints.json'
    found = json.loads(path.read_text())
    found['people'][0]['pose_keypoints_2d'][0] = value
    path.write_text(json.dumps(found))
    with pytest.raises(UserError, match='000000000000_keypoints.json: not a file as OpenPose'):
        make_detector('keypoints', keypoints=str(tmp_path))
