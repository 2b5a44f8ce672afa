"""Joints as other tools write them: OpenPose's JSON and yml, read and written."""
import json
import os

import cv2
import numpy as np
import pytest

from pose.formats import (
    BODIES,
    frame_files,
    in_pixels,
    parts_in,
    read_people,
    read_points,
    write_openpose_json,
)
from pose.skeleton import BODY_25, COCO_18, skeleton_of
from pose.track import PoseTrack
from util.errors import UserError


def points(count, seed=0, people=1):
    """Points (people, count, 3) all over a picture of 320x240, each of another confidence."""
    rng = np.random.default_rng(seed)
    return np.float32(rng.uniform((1, 1, 0.1), (319, 239, 1), (people, count, 3)))


def person(body, **parts):
    """One person as OpenPose's JSON has it: face, hand_left, hand_right as they are given."""
    keypoints = {'pose': body} | parts
    return {f'{key}_keypoints_2d': np.ravel(value).tolist() for key, value in keypoints.items()}


def write_json(path, *people):
    path.write_text(json.dumps({'version': 1.3, 'people': people}))
    return path


def write_yml(path, **parts):
    """NAME_pose.yml and its neighbours in the words that OpenCV 3 wrote them with."""
    for key, value in parts.items():
        numbers = ',\n       '.join(f'{v:.8e}' for v in np.ravel(value))
        sizes = ', '.join(map(str, np.shape(value)))
        path.with_name(f'{path.name}_{key}.yml').write_text(
            f'%YAML:1.0\n{key}_0: !!opencv-nd-matrix\n   sizes: [ {sizes} ]\n   dt: f\n'
            f'   data: [ {numbers} ]\n')
    return path.with_name(f'{path.name}_pose.yml')


def track_of(poses, skeleton, **more):
    return PoseTrack(poses, np.arange(len(poses)) / 25, np.arange(len(poses)), skeleton,
                     (320, 240), **more)


# What is written

@pytest.mark.parametrize('skeleton', ['BODY_25', 'BODY_25+hands', 'BODY_25+face+hands'])
def test_a_track_survives_openposes_json(tmp_path, skeleton):
    track = track_of(points(len(skeleton_of(skeleton).joints), people=3), skeleton)
    track.poses[1, [4, 20]] = 0
    write_openpose_json(track, tmp_path)
    for index, path in frame_files(tmp_path).items():
        people = read_people(path, skeleton)
        assert np.allclose(people[:, :, :3], track.poses[index], atol=1e-4)
        assert np.isnan(people[..., 3]).all()


def test_a_written_file_has_all_that_openposes_has(tmp_path):
    track = track_of(points(25 + 70, people=2), 'BODY_25+face')
    track.poses[1] = 0
    write_openpose_json(track, tmp_path)
    first = json.loads((tmp_path / '000000000000_keypoints.json').read_text())
    assert first['version'] == 1.3 and len(first['people']) == 1
    lengths = {key: len(value) for key, value in first['people'][0].items()}
    assert lengths == {'person_id': 1, 'pose_keypoints_2d': 75, 'face_keypoints_2d': 210,
                       'hand_left_keypoints_2d': 0, 'hand_right_keypoints_2d': 0,
                       'pose_keypoints_3d': 0, 'face_keypoints_3d': 0,
                       'hand_left_keypoints_3d': 0, 'hand_right_keypoints_3d': 0}
    assert json.loads((tmp_path / '000000000001_keypoints.json').read_text())['people'] == []


def test_a_track_of_18_joints_is_written_with_18(tmp_path):
    track = track_of(points(18), 'COCO_18')
    write_openpose_json(track, tmp_path)
    assert np.allclose(read_points(frame_files(tmp_path)[0])['body'], track.poses, atol=1e-4)


# What is read

def test_everybody_in_a_file_is_read_with_face_and_hands(tmp_path):
    bodies, faces = points(25, 1, people=3), points(70, 2, people=3)
    left, right = points(21, 3, people=3), points(21, 4, people=3)
    path = write_json(tmp_path / 'a.json', *(
        person(bodies[k], face=faces[k], hand_left=left[k], hand_right=right[k])
        for k in range(3)))
    assert parts_in(read_points(path)) == {'face', 'hands'}
    people = read_people(path)
    assert np.allclose(people[..., :3], np.concatenate([bodies, faces, left, right], 1))
    assert people.dtype == np.float32 and people.shape == (3, 137, 4)
    assert read_people(path, 'BODY_25+hands').shape == (3, 25 + 42, 4)


def test_a_body_of_18_gets_the_middle_of_its_hips_and_no_feet(tmp_path):
    body = points(18)[0]
    people = read_people(write_json(tmp_path / 'a.json', person(body)))
    for joint in COCO_18.joints:
        assert np.allclose(people[0, BODY_25.index(joint), :3], body[COCO_18.index(joint)]), joint
    right, left = body[COCO_18.index('RHip')], body[COCO_18.index('LHip')]
    hips = people[0, BODY_25.index('MidHip'), :3]
    assert np.allclose(hips, [*(right + left)[:2] / 2, min(right[2], left[2])])
    assert not people[0, 19:, :3].any()


def test_a_body_of_23_lacks_nothing_but_the_heels(tmp_path):
    body = points(25)[0]
    people = read_people(write_yml(tmp_path / 'frame000001', pose=body[None, BODIES[23]]))
    body[[BODY_25.index('LHeel'), BODY_25.index('RHeel')]] = 0
    assert np.allclose(people[0, :, :3], body, rtol=1e-5)


def test_the_23_joints_are_in_everybody_dance_nows_order():
    named = [BODY_25.joints[k] for k in BODIES[23]]
    assert named[:3] == ['Neck', 'RShoulder', 'RElbow']
    assert named[7:12] == ['MidHip', 'RHip', 'RKnee', 'RAnkle', 'RBigToe']
    assert named[15:] == ['LAnkle', 'LBigToe', 'LSmallToe', 'Nose', 'REye', 'REar', 'LEye', 'LEar']


def test_yml_has_face_and_hands_in_files_of_their_own(tmp_path):
    body, face, right = points(25, 1, 2), points(70, 2, 2), points(21, 3, 2)
    path = write_yml(tmp_path / 'frame000012', pose=body, face=face, hand_right=right)
    assert parts_in(read_points(path)) == {'face', 'hands'}
    people = read_people(path)
    assert np.allclose(people[:, :95, :3], np.concatenate([body, face], 1), rtol=1e-5)
    assert not people[:, 95:116, :3].any()                  # no left hand was written
    assert np.allclose(people[:, 116:, :3], right, rtol=1e-5)


def test_opencvs_own_yml_of_today_is_read_too(tmp_path):
    body = points(25, people=2)
    storage = cv2.FileStorage(str(tmp_path / 'a_pose.yml'), cv2.FILE_STORAGE_WRITE)
    storage.write('pose_0', body)
    storage.release()
    assert np.allclose(read_people(tmp_path / 'a_pose.yml')[..., :3], body)


def test_a_yml_is_read_whatever_its_folder_is_called_and_with_a_bom(tmp_path):
    folder = tmp_path / os.fsdecode(b'caf\xe9')
    folder.mkdir()
    path = write_yml(folder / 'x', pose=points(25))
    path.write_bytes(b'\xef\xbb\xbf' + path.read_bytes())
    assert np.allclose(read_points(path)['body'], points(25), atol=1e-4)


@pytest.mark.parametrize('deep', ['a: ' + '[' * 200_000, 'a: ' + '{a: ' * 200_000,
                                  '\n'.join(' ' * k + 'a:' for k in range(3000)), '<a>' * 200_000],
                         ids=['lists', 'maps', 'lines', 'tags'])
def test_a_yml_that_nests_without_end_is_refused_by_name(tmp_path, deep):
    (tmp_path / 'x_pose.yml').write_text(f'%YAML:1.0\n{deep}\n')
    with pytest.raises(UserError, match='x_pose.yml: not a file as OpenPose writes it'):
        read_points(tmp_path / 'x_pose.yml')


@pytest.mark.parametrize('text', ['%YAML:1.0\n', '%YAML:1.0\npose_0: !!opencv-matrix\n   rows: 0\n'
                                  '   cols: 0\n   dt: u\n   data: []\n'])
def test_yml_without_a_matrix_is_a_frame_without_a_person(tmp_path, text):
    (tmp_path / 'a_pose.yml').write_text(text)
    assert read_people(tmp_path / 'a_pose.yml').shape == (0, 25, 4)


def test_someone_of_whom_nothing_is_seen_is_nobody(tmp_path):
    path = write_json(tmp_path / 'a.json', person(0 * points(25)), person(points(25)))
    assert len(read_people(path)) == 1


def test_keys_of_openpose_1_1_are_understood(tmp_path):
    body = points(18)[0]
    path = write_json(tmp_path / 'a.json', {'pose_keypoints': body.ravel().tolist()})
    assert np.allclose(read_people(path)[0, 2, :3], body[2])


def test_coordinates_of_0_to_1_become_pixels():
    people = np.zeros((1, 25, 4), np.float32)
    people[0, :2, :3] = (1, 1, 0.9), (0.5, 0.25, 0.8)
    scaled = in_pixels(people, (321, 241))
    assert np.allclose(scaled[0, :2, :3], [(320, 240, 0.9), (160, 60, 0.8)])
    assert not scaled[0, 2:].any() and people.max() == 1
    people[0, 0, 0] = 300
    assert in_pixels(people, (321, 241)) is people


@pytest.mark.parametrize(('body', 'says'), [
    ('{}', 'people'), ('no json', 'JSON'), ('{"people": [{"pose_keypoints_2d": [1, 2]}]}', 'shape'),
    ('{"people": [{"pose_keypoints_2d": [1, 2, 3]}]}', 'a body of 1 joints.*--model_pose BODY_25'),
    ('{"people": [{}]}', 'a body of 0 joints'), ('{"people": [7]}', 'not a file as OpenPose')])
def test_json_that_openpose_did_not_write_is_named(tmp_path, body, says):
    (tmp_path / 'a.json').write_text(body)
    with pytest.raises(UserError, match=f'{tmp_path}.*{says}'):
        read_people(tmp_path / 'a.json')


@pytest.mark.parametrize('text', ['rubbish', '%YAML:1.0\npose_0: 5',
                                  '%YAML:1.0\npose_0: !!opencv-nd-matrix\n   sizes: [ 1, 23'])
def test_yml_that_opencv_did_not_write_is_named(tmp_path, text):
    (tmp_path / 'a_pose.yml').write_text(text)
    with pytest.raises(UserError, match='a_pose.yml.*no OpenCV matrix'):
        read_people(tmp_path / 'a_pose.yml')


def test_a_face_for_each_person_or_the_file_is_refused(tmp_path):
    path = write_yml(tmp_path / 'a', pose=points(25, people=2), face=points(70, people=1))
    with pytest.raises(UserError, match='2 people with 70 points for 1 faces'):
        read_people(path)
    with pytest.raises(UserError, match='69 points'):
        read_people(write_json(tmp_path / 'a.json', person(points(25), face=points(69))))


# Which file belongs to which frame

@pytest.mark.parametrize(('names', 'frames'), [
    (['v_000000000003_keypoints.json', 'v_000000000007_keypoints.json'], [3, 7]),
    (['000000000000_keypoints.json', '000000000001_keypoints.json'], [0, 1]),
    (['me1.json', 'me2.json', 'me10.json'], [0, 1, 9]),             # me3 to me9: nobody
    (['frame000001_pose.yml', 'frame000002_pose.yml', 'frame000004_pose.yml'], [0, 1, 3]),
    (['frame020001_pose.yml', 'frame020005_pose.yml', 'frame020009_pose.yml'], [0, 1, 2]),
    (['frame020001_pose.yml'], [0]),
    (['left.json', 'right.json'], [0, 1]),
    (['1_v2_keypoints.json', '2_v2_keypoints.json'], [0, 1])])
def test_a_file_belongs_to_the_frame_its_name_says(tmp_path, names, frames):
    for name in names:
        (tmp_path / name).touch()
    assert [(k, p.name) for k, p in frame_files(tmp_path).items()] == list(zip(frames, names))


@pytest.mark.parametrize(('names', 'says'), [
    ([], 'no .json or _pose.yml.*--write_json'), (['a_face.yml'], 'no .json or _pose.yml'),
    (['a.json', 'a_pose.yml'], '1 .json and 1 _pose.yml'),
    (['a_1.json', 'a_2.json', 'b_1.json'], 'several videos: a_..., b_...')])
def test_a_folder_that_is_no_video_is_refused_with_the_fix(tmp_path, names, says):
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(UserError, match=says):
        frame_files(tmp_path)
