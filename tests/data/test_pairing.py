"""Which files belong together, and what is said of files that nobody meant."""
import json

import numpy as np
import pytest
from PIL import Image

from data.aligned_dataset import AlignedDataset
from data.pairing import find_rows
from data.single_dataset import SingleDataset
from options.train_options import TrainOptions
from pose.track import PoseTrack
from util.errors import UserError


def drawn(path, value=90, size=(32, 24)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((size[1], size[0], 3), value, np.uint8)).save(path)


def folders(root, poses, frames):
    for part, names in (('A', poses), ('B', frames)):
        for name in names:
            drawn(root / f'train_{part}' / name)
    return root


def opened(root, mode=AlignedDataset, phase='train', *flags):
    return mode(TrainOptions().parse(['--dataroot', str(root), *flags]), phase)


def test_names_that_differ_are_paired_in_order_and_that_is_said(tmp_path, capsys):
    folders(tmp_path, ['pose_2.png', 'pose_10.png'], ['photo_2.jpg', 'photo_10.jpg'])
    rows = find_rows(tmp_path, 'train')
    assert [(a.name, b.name) for a, b in rows] == [
        ('pose_2.png', 'photo_2.jpg'), ('pose_10.png', 'photo_10.jpg')]
    said = capsys.readouterr().err
    assert said.count('warning') == 1 and 'name order, pose_2.png and photo_2.jpg first' in said
    assert len(opened(tmp_path)) == 2


def test_names_and_numbers_that_differ_cannot_be_paired(tmp_path):
    folders(tmp_path, ['pose_1.png', 'pose_2.png'], ['photo_1.png'])
    with pytest.raises(UserError, match='no file of one has a partner.*2 and 1 files'):
        opened(tmp_path)


def test_files_without_a_partner_are_counted_once_and_one_is_named(tmp_path, capsys):
    folders(tmp_path, ['1.png', '2.png', '3.png'], ['1.jpg', '2_edit.jpg', '3.jpg'])
    assert len(opened(tmp_path)) == 2
    said = capsys.readouterr().err
    assert said.count('warning') == 1
    assert '1 of 3 files of train_A and 1 of 3 files of train_B have no partner' in said
    assert 'train_A/2.png' in said


def test_poses_without_frames_are_no_phase_that_is_missing(tmp_path):
    folders(tmp_path, ['1.png'], [])
    with pytest.raises(UserError, match='make up no pairs of phase train.*train_B') as said:
        opened(tmp_path)
    assert '--phase' not in str(said.value)


@pytest.mark.parametrize('mode', [AlignedDataset, SingleDataset])
def test_two_poses_never_share_a_name(tmp_path, mode):
    drawn(tmp_path / 'train' / '1.png', size=(64, 24))
    drawn(tmp_path / 'train' / '1.jpg', size=(64, 24))
    with pytest.raises(UserError, match='1.jpg and 1.png have one name'):
        opened(tmp_path, mode)


def test_two_frames_of_one_name_are_named(tmp_path):
    folders(tmp_path, ['1.png'], ['1.png', '1.jpg'])
    with pytest.raises(UserError, match='1.jpg and 1.png have one name'):
        opened(tmp_path)


def test_a_stray_picture_in_the_folder_does_not_replace_the_phase(tmp_path, capsys):
    drawn(tmp_path / 'val' / '000001.png')
    drawn(tmp_path / 'screenshot.png', size=(90, 50))
    dataset = opened(tmp_path, SingleDataset, 'val')
    assert [dataset.path(i).name for i in range(len(dataset))] == ['000001.png']
    assert 'screenshot.png' in capsys.readouterr().err


def test_a_link_to_nowhere_is_left_out_with_the_usual_warning(tmp_path, capsys):
    for k in range(3):
        drawn(tmp_path / 'train' / f'{k}.png', size=(64, 24))
    (tmp_path / 'train' / '3.png').symlink_to('/nowhere/3.png')
    for flags in ((), ('--model', 'body2body', '--max_minutes', '0')):
        assert len(opened(tmp_path, AlignedDataset, 'train', *flags)) == 3
        assert '1 of 4 train files cannot be read' in capsys.readouterr().err


def test_a_frame_that_cannot_be_read_is_named_and_not_its_pose(tmp_path, capsys):
    folders(tmp_path, ['1.png', '2.png'], ['1.png', '2.png'])
    (tmp_path / 'train_B' / '2.png').write_bytes(b'')
    assert len(opened(tmp_path)) == 1
    assert 'train_B/2.png: the file is empty' in capsys.readouterr().err


@pytest.mark.parametrize('mode', [AlignedDataset, SingleDataset])
def test_where_no_file_can_be_read_the_reason_is_said(tmp_path, mode):
    drawn(tmp_path / 'train' / '1.png')
    (tmp_path / 'train' / '1.png').write_bytes(b'')
    with pytest.raises(UserError, match=r'none of its 1 files can be read, e.g. 1.png \(the file'):
        opened(tmp_path, mode)


def test_photos_that_cannot_be_read_are_counted_with_the_fix(tmp_path, capsys):
    drawn(tmp_path / 'train' / '1.png', size=(64, 24))
    (tmp_path / 'train' / '2.HEIC').touch()
    assert len(opened(tmp_path)) == 1
    assert '1 .HEIC cannot be read' in capsys.readouterr().err
    (tmp_path / 'train' / '1.png').unlink()
    with pytest.raises(UserError, match='1 .HEIC cannot be read.*mogrify'):
        opened(tmp_path)


def test_an_image_that_poses_npz_does_not_know_is_named(tmp_path, capsys):
    for name in ('000001.png', '000002.png', 'screenshot.png'):
        drawn(tmp_path / 'train' / name, size=(64, 24))
    PoseTrack(np.ones((2, 25, 3), np.float32), np.arange(2) / 25, np.arange(2), 'BODY_25',
              (32, 24)).save(tmp_path / 'poses.npz')
    assert opened(tmp_path).joints is None
    assert 'does not know 1 of 3 images, e.g. screenshot.png' in capsys.readouterr().err
    (tmp_path / 'train' / 'screenshot.png').unlink()
    assert opened(tmp_path).joints is not None and capsys.readouterr().err.count('warning') == 0


def test_poses_to_paint_have_joints_only_where_all_are_as_large_as_poses_npz_says(tmp_path):
    for k, size in enumerate([(32, 24), (40, 24)]):
        drawn(tmp_path / 'val' / f'00000{k + 1}.png', size=size)
    PoseTrack(np.ones((2, 25, 3), np.float32), np.arange(2) / 25, np.arange(2), 'BODY_25',
              (32, 24)).save(tmp_path / 'poses.npz')
    assert opened(tmp_path, SingleDataset, 'val').joints is None
    drawn(tmp_path / 'val' / '000002.png')
    assert opened(tmp_path, SingleDataset, 'val').joints is not None


def test_images_that_fit_into_no_batch_are_refused_when_the_dataset_is_opened(tmp_path):
    drawn(tmp_path / 'train' / '1.png', size=(64, 24))
    drawn(tmp_path / 'train' / '2.png', size=(80, 24))
    assert len(opened(tmp_path)) == 2
    with pytest.raises(UserError, match='32x24, 40x24.*--batch_size 1'):
        opened(tmp_path, AlignedDataset, 'train', '--batch_size', '2')
    assert len(opened(tmp_path, AlignedDataset, 'train', '--batch_size', '2', '--load_size', '32',
                      '--crop_size', '32')) == 2


# Decoded images that an older version left

def older(root):
    """Make the folder's memory map one of the version that did not number its reader."""
    index = root / '.cache' / 'train.json'
    found = json.loads(index.read_text())
    del found['reader']
    index.write_text(json.dumps(found))
    pixels = root / '.cache' / 'train.u8'
    pixels.write_bytes(bytes(pixels.stat().st_size))        # black, which no file is
    return index


def test_an_older_cache_is_kept_where_its_pixels_are_todays(tmp_path, capsys):
    drawn(tmp_path / 'train' / '1.png', size=(64, 24))
    opened(tmp_path)
    index = older(tmp_path)
    capsys.readouterr()
    assert not opened(tmp_path).item(0)['A'].any(), 'read from the memory map'
    assert 'reader' in json.loads(index.read_text()) and 'decoding' not in capsys.readouterr().err


def test_an_older_cache_is_made_again_where_a_picture_is_read_otherwise_now(tmp_path):
    drawn(tmp_path / 'train' / '1.png', size=(64, 24))
    Image.fromarray(np.full((24, 64, 4), 200, np.uint8)).save(tmp_path / 'train' / '2.png')
    opened(tmp_path)
    older(tmp_path)
    assert opened(tmp_path).item(0)['A'].min() == 90


@pytest.mark.parametrize('index', [
    '7', '[]', '{}', '{"key": 1}', {'places': 5}, {'places': [[0, [1, 2]]]}, {'places': ['a']},
    {'places': [[10 ** 9, [24, 64, 3]]]}, {'places': [['a', [24, 64, 3]]]},
    {'places': [[0, [24.0, 64, 3]]]}, {'places': [[0, [-24, -64, 3]]]}, {'places': []},
    {'bad': 3}, {'bad': [[1, 2]]}, {'bytes': None}])
def test_an_index_that_is_none_is_made_again(tmp_path, index):
    drawn(tmp_path / 'train' / '1.png', size=(64, 24))
    opened(tmp_path)
    file = tmp_path / '.cache' / 'train.json'
    found = json.loads(file.read_text())
    file.write_text(index if isinstance(index, str) else json.dumps(found | index))
    assert opened(tmp_path).item(0)['A'].min() == 90 and json.loads(file.read_text()) == found


def test_decoded_images_are_written_through_no_link(tmp_path, capsys):
    root = tmp_path / 'data'
    drawn(root / 'train' / '1.png', size=(64, 24))
    (tmp_path / 'theirs').mkdir()
    (tmp_path / 'theirs' / 'train.u8').write_text('theirs')
    (root / '.cache').symlink_to(tmp_path / 'theirs')
    assert opened(root).item(0)['A'].min() == 90
    assert [path.name for path in (tmp_path / 'theirs').iterdir()] == ['train.u8']
    assert (tmp_path / 'theirs' / 'train.u8').read_text() == 'theirs'
    assert 'a link out of the dataset' in capsys.readouterr().err
