"""Datasets: what an item holds, what is left out, and in which order it comes."""
import json

import cv2
import numpy as np
import pytest
from PIL import Image

from data import datasets
from data.aligned_dataset import AlignedDataset
from data.loader import Loader
from data.single_dataset import SingleDataset
from data.transforms import geometry
from options.test_options import TestOptions
from options.train_options import TrainOptions
from pose.draw import draw_pose
from pose.skeleton import BODY_25, mirror
from pose.track import PoseTrack
from util.errors import UserError
from util.files import natural


def opened(root, *flags, mode=AlignedDataset, phase='train'):
    return mode(TrainOptions().parse(['--dataroot', str(root), *flags]), phase)


@pytest.mark.parametrize('mode', datasets.names())
def test_every_dataset_gives_poses_as_uint8_with_their_path(mode, pairs):
    root = pairs(32, 24)
    opt = TestOptions().parse(['--dataroot', str(root), '--dataset_mode', mode])
    dataset = datasets.find(mode)(opt, 'val', trained={'size': [32, 24]})
    item = dataset.item(1)
    assert str(dataset.path(1)) == item['A_paths'] and dataset.follows(1)
    assert item['A'].shape == (24, 32, 3) and item['A'].dtype == np.uint8
    assert item['A_paths'].endswith('val/000002.png')
    assert item['A'][0, 0].tolist() == [0, 0, 0], 'the pose half'


def test_a_is_the_left_half_and_b_the_right_unless_the_direction_says_otherwise(pairs):
    root = pairs()
    item, back = opened(root).item(0), opened(root, '--direction', 'BtoA').item(0)
    assert item['A'][0, 0].tolist() == [0, 0, 0] and item['B'][0, 0].tolist() == [128] * 3
    assert np.array_equal(back['A'], item['B']) and np.array_equal(back['B'], item['A'])


def test_folders_of_poses_and_frames_are_pairs_too(pairs):
    root = pairs()
    for path in sorted((root / 'train').iterdir()):
        pair = np.asarray(Image.open(path))
        for half, part in (('A', pair[:, :32]), ('B', pair[:, 32:])):
            (root / f'train_{half}').mkdir(exist_ok=True)
            Image.fromarray(part).save(root / f'train_{half}' / path.name)
    expected = opened(root).item(2)
    for path in (root / 'train').iterdir():
        path.unlink()
    (root / 'train').rmdir()
    item = opened(root).item(2)
    assert np.array_equal(item['A'], expected['A']) and np.array_equal(item['B'], expected['B'])


def test_both_halves_are_resized_cropped_and_flipped_alike(pairs):
    root = pairs(40, 40)
    for path in (root / 'train').iterdir():        # the frame is the pose: any difference shows
        half = np.asarray(Image.open(path))[:, :40]
        Image.fromarray(np.hstack([half, half])).save(path)
    dataset = opened(root, '--loadSize', '48', '--fineSize', '32', '--flip')
    seen = set()
    for i in range(20):
        item = dataset.item(i % 6, np.random.default_rng(i))
        assert item['A'].shape == (32, 32, 3) and np.array_equal(item['A'], item['B'])
        seen.add(item['A'].tobytes())
    assert len(seen) > 10, 'crops differ'


def test_without_sizes_nothing_is_resized_and_painting_never_crops():
    assert geometry(50, 30, 'resize_and_crop', None, None, np.random.default_rng(0))(
        np.zeros((30, 50, 3), np.uint8)).shape == (30, 50, 3)
    painted = geometry(50, 30, 'resize_and_crop', 286, 256)
    assert painted.size == (256, 256) and painted.crop is None


def test_a_flipped_pose_has_its_left_and_right_colours_exchanged(pairs):
    """The mirrored picture of a pose is the picture of the mirrored pose."""
    root = pairs(64, 64, train=1)
    pose = np.zeros((25, 3), np.float32)
    pose[[1, 2, 3, 5, 6]] = [(30, 10, 1), (20, 12, 1), (10, 30, 1), (40, 12, 1), (52, 28, 1)]
    PoseTrack(pose[None], np.zeros(1), np.zeros(1, np.int64), 'BODY_25', (64, 64)).save(
        root / 'poses.npz')
    (root / 'dataset.json').write_text(json.dumps(
        {'layout': 'pairs', 'draw': {'style': 'openpose', 'line_width': 2.0}}))
    drawn = draw_pose(pose, (64, 64), line_width=2.0)
    Image.fromarray(np.hstack([drawn, drawn])).save(root / 'train' / '000001.png')
    dataset = opened(root, '--flip')
    flipped = next(item for item in (dataset.item(0, np.random.default_rng(k)) for k in range(20))
                   if not np.array_equal(item['B'], drawn))
    truth = draw_pose(mirror(pose[None], BODY_25, 64)[0], (64, 64), line_width=2.0)
    far = lambda a, b: np.abs(a.astype(int) - b).mean()
    assert far(flipped['A'], truth) < far(flipped['A'], drawn[:, ::-1]) / 2


def test_pictures_are_decoded_once(pairs, capsys):
    root = pairs()
    first = opened(root).item(3)['B'].copy()
    assert 'decoding train' in capsys.readouterr().err
    again = opened(root).item(3)['B']
    assert 'decoding train' not in capsys.readouterr().err
    assert np.array_equal(first, again)
    Image.fromarray(np.zeros((32, 64, 3), np.uint8)).save(root / 'train' / '000004.png')
    assert not opened(root).item(3)['B'].any(), 'a changed file is decoded again'


UNTRAINED = '--model', 'body2body', '--max_minutes', '0'


@pytest.mark.parametrize('layout', ['pairs', 'folders'])
def test_a_run_that_is_not_trained_keeps_no_decoded_pictures(pairs, layout):
    root = pairs()
    if layout == 'folders':
        in_folders(root)
    untrained = opened(root, *UNTRAINED)
    assert not (root / '.cache').exists() and len(untrained) == 6
    trained = opened(root)
    assert (root / '.cache' / 'train.u8').is_file()
    for data in (untrained, opened(root, *UNTRAINED)):      # the second reads what the other left
        assert np.array_equal(data.item(3)['A'], trained.item(3)['A'])
        assert np.array_equal(data.item(3)['B'], trained.item(3)['B'])
        assert data.size == trained.size == (32, 32)


def test_painting_keeps_no_decoded_pictures(pairs):
    root = pairs()
    opt = TestOptions().parse(['--dataroot', str(root), '--model', 'pix2pix'])
    assert AlignedDataset(opt, 'val').item(1)['B'].shape == (32, 32, 3)
    assert not (root / '.cache').exists()


def test_pictures_that_differ_in_size_or_break_later_are_named(pairs, capsys):
    root = pairs()
    in_folders(root)
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(root / 'train_B' / '000002.png')
    data = opened(root, *UNTRAINED)
    assert [name for name, _ in data.pictures.bad] == ['000002.png'] and len(data) == 5
    assert 'differ in size' in capsys.readouterr().err
    (root / 'train_B' / '000003.png').write_bytes(b'mine')
    with pytest.raises(UserError, match='000003.png cannot be read'):
        data.item(1)


def in_folders(root):
    """Exchange train/ for train_A/ and train_B/."""
    for path in sorted((root / 'train').iterdir()):
        pair = np.asarray(Image.open(path))
        for half, picture in (('A', pair[:, :32]), ('B', pair[:, 32:])):
            (root / f'train_{half}').mkdir(exist_ok=True)
            Image.fromarray(picture).save(root / f'train_{half}' / path.name)
        path.unlink()
    (root / 'train').rmdir()


@pytest.mark.parametrize('flags', [(), UNTRAINED])
def test_a_truncated_picture_is_named_skipped_and_counted(pairs, capsys, flags):
    root = pairs(64, 64)
    whole = (root / 'train' / '000003.png').read_bytes()
    (root / 'train' / '000003.png').write_bytes(whole[:len(whole) // 2])
    dataset = opened(root, *flags)
    assert len(dataset) == 5 and [name for name, _ in dataset.pictures.bad] == ['000003.png']
    assert '1 of 6 train files cannot be read' in capsys.readouterr().err
    assert dataset.item(2)['A_paths'].endswith('000004.png')


def test_a_pair_of_odd_width_is_refused_by_name(pairs):
    root = pairs()
    Image.fromarray(np.zeros((32, 63, 3), np.uint8)).save(root / 'train' / '000002.png')
    with pytest.raises(UserError, match='000002.png: 63x32.*odd'):
        opened(root)


def test_a_dataroot_without_pictures_says_how_to_make_it(tmp_path):
    with pytest.raises(UserError, match='preprocess.py'):
        opened(tmp_path)


def test_a_dataset_that_cannot_be_written_to_still_opens(pairs, monkeypatch):
    root = pairs()
    (root / '.cache').write_text('in the way of the folder')
    assert len(opened(root)) == 6 and opened(root).item(1)['A'].shape == (32, 32, 3)


def test_single_takes_a_bare_folder_a_phase_and_the_pose_half_of_pairs(pairs, tmp_path):
    root = pairs()
    of_pairs = opened(root, mode=SingleDataset, phase='val')
    bare = tmp_path / 'poses'
    bare.mkdir()
    for i in (10, 9, 1):
        cv2.imwrite(str(bare / f'frame{i}.png'), np.full((32, 32, 3), i, np.uint8))
    poses = opened(bare, mode=SingleDataset, phase='val')
    assert of_pairs.item(0)['A'].shape == poses.item(0)['A'].shape == (32, 32, 3)
    assert [poses.item(i)['A'][0, 0, 0] for i in range(3)] == [1, 9, 10], 'frame9 before frame10'


def test_one_channel_is_grey(pairs):
    item = opened(pairs(), '--input_nc', '1').item(0)
    assert item['A'].shape == (32, 32, 1) and item['B'].shape == (32, 32, 3)


def test_names_sort_as_people_count():
    names = ['frame10.png', 'frame2.png', 'a1b2.png', 'frame.png', '000003.png']
    assert sorted(names, key=natural) == ['000003.png', 'a1b2.png', 'frame2.png', 'frame10.png',
                                          'frame.png']


def test_an_epoch_is_every_picture_once_and_can_be_taken_up_in_the_middle(pairs):
    loader = Loader(opened(pairs()), 2, threads=2, shuffle=True, seed=3)
    paths = [batch['A_paths'] for batch in loader.epoch(5)]
    assert sorted(sum(paths, [])) == sorted(str(row[0]) for row in loader.dataset.pictures.rows)
    assert [batch['A_paths'] for batch in loader.epoch(5, skip=1)] == paths[1:]
    assert [batch['A_paths'] for batch in loader.epoch(6)] != paths
    assert len(loader) == 3


def test_pictures_of_different_sizes_need_batch_size_1(pairs):
    root = pairs()
    Image.fromarray(np.zeros((40, 80, 3), np.uint8)).save(root / 'train' / '000002.png')
    with pytest.raises(UserError, match='--batch_size 1'):
        list(Loader(opened(root), 6).epoch())
    assert len(list(Loader(opened(root), 1).epoch())) == 6
