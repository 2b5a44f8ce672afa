"""Pictures and joints that were made elsewhere are held against each other before any work."""
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import preprocess
from pose.formats import write_openpose_json
from pose.track import PoseTrack
from preprocessing.prepare import check_track
from util.errors import UserError


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / 'pictures'
    folder.mkdir()
    for k in range(4):
        Image.fromarray(np.full((48, 64, 3), 90, np.uint8)).save(folder / f'{k}.png')
    return folder


def prepared(pictures, *flags):
    return preprocess.main(['--images', str(pictures), '--dataroot', str(pictures.parent / 'me'),
                            *flags])


def joints(folder, first=0, reach=(60, 44)):
    """OpenPose's files of 4 frames, numbered from `first`; joints reach to that place."""
    folder.mkdir()
    poses = np.random.default_rng(0).uniform((1, 1, 0.5), (*reach, 1), (4, 25, 3))
    poses[:, 0, :2] = reach
    write_openpose_json(PoseTrack(poses, np.arange(4) / 30, np.arange(first, first + 4), 'BODY_25',
                                  (64, 48)), folder)
    return '--detector', 'keypoints', '--keypoints', str(folder)


@pytest.mark.parametrize(('flags', 'says'), [
    (dict(first=1000), 'frames 1000 to 1003, but the source has frames 0 to 3'),
    (dict(reach=(160, 120)), 'reach to x 160, y 120, .*64x48')])
def test_joints_of_other_pictures_are_refused_and_nothing_is_written(pictures, flags, says):
    with pytest.raises(UserError, match=says):
        prepared(pictures, *joints(pictures.parent / 'json', **flags))
    assert not (pictures.parent / 'me').exists()


def test_a_place_outside_of_the_picture_is_no_person(pictures):
    with pytest.raises(UserError, match='--person 64,10: the picture is 64x48 px'):
        prepared(pictures, '--person', '64,10', *joints(pictures.parent / 'json'))


def test_photos_of_a_phone_are_counted_with_how_to_convert_them(pictures, capsys):
    for path in list(pictures.iterdir()):
        path.rename(path.with_suffix('.HEIC'))
    with pytest.raises(UserError, match='no pictures are in it.*4 .HEIC cannot be read.*mogrify'):
        prepared(pictures)
    Image.fromarray(np.zeros((48, 64, 3), np.uint8)).save(pictures / '9.png')
    (pictures / '10.png').symlink_to('/nowhere/10.png')
    with pytest.raises(UserError):          # nobody is in it
        prepared(pictures)
    said = capsys.readouterr().err
    assert '4 .HEIC cannot be read' in said and '10.png (there is no such file)' in said


def test_joints_that_lie_in_one_place_are_nobody() -> None:
    poses = np.ones((4, 25, 3), np.float32)
    poses[:, :, :2] += np.arange(4)[:, None, None] * 10         # it moves, and has no size
    point = PoseTrack(poses, np.arange(4) / 25, np.arange(4), 'BODY_25', (64, 64))
    with pytest.raises(UserError, match='all joints lie in one place of the picture'):
        check_track(point, point, poses_only=True)
    poses[2, 0, :2] += 20
    check_track(point, replace(point, poses=poses), poses_only=True)
