"""--detector keypoints: joints that were found elsewhere."""
import json

import numpy as np
import pytest

from pose.detect import make_detector
from pose.formats import write_openpose_json
from pose.skeleton import BODY_25
from pose.track import PoseTrack
from util.errors import UserError

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
