"""Augmentation: pose and frame moved together, the pose drawn again from its joints."""
import numpy as np
import pytest
from PIL import Image

import data.augmentation
from data.aligned_dataset import AlignedDataset
from data.augmentation import affine, droppable, moved
from data.loader import Loader
from data.transforms import geometry
from options.train_options import TrainOptions
from pose.draw import STYLES, draw_pose
from pose.skeleton import SKELETONS, mirror, skeleton_of
from pose.track import PoseTrack
from tests.pose.test_draw import figure
from tests.preprocessing.test_redraw import SIZE, dataset
from util.errors import UserError
from util.files import read_json

EVERYTHING = ['--flip', '--rotate', '20', '--scale', '0.2', '--shift', '0.1']


def opened(root, *flags, phase='train'):
    return AlignedDataset(TrainOptions().parse(['--dataroot', str(root), *flags]), phase)


def rng(k):
    return np.random.default_rng(k)


def drawn_frame(pose):
    """A frame that is the pose itself, so that any difference between the halves shows."""
    return draw_pose(pose, SIZE, line_width=2.0)


@pytest.fixture
def redrawn(monkeypatch):
    """Every pose that is drawn again."""
    poses = []

    def draw(pose, *args):
        poses.append(pose)
        return draw_pose(pose, *args)
    monkeypatch.setattr(data.augmentation, 'draw_pose', draw)
    return poses


def test_with_all_off_an_item_is_what_lies_in_the_file(tmp_path, redrawn):
    root = dataset(tmp_path / 'me')
    plain = opened(root, '--load_size', '80', '--crop_size', '64')
    for i in range(len(plain)):
        pair = np.asarray(Image.open(plain.pictures.rows[i][0]))
        how = geometry(*SIZE, 'resize_and_crop', 80, 64, rng(i))
        item = plain.item(i, rng(i))
        assert np.array_equal(item['A'], how(pair[:, :SIZE[0]]))
        assert np.array_equal(item['B'], how(pair[:, SIZE[0]:]))
    assert not redrawn and plain.augment is None


@pytest.mark.parametrize('flags', [(), ('--load_size', '80'), ('--load_size', '80', '--crop_size',
                                                               '64')])
def test_joints_are_known_without_decoding_a_pair(tmp_path, monkeypatch, flags):
    items = opened(dataset(tmp_path / 'me'), *flags)
    of_items = [items.item(i)['joints'] for i in range(len(items))]
    monkeypatch.delattr(type(items.pictures), '__getitem__')
    assert np.array_equal([items.joints_of(i) for i in range(len(items))], of_items)


@pytest.mark.parametrize('layout', ['pairs', 'folders'])
@pytest.mark.parametrize('flags', [['--rotate', '30'], ['--scale', '0.3'], ['--shift', '0.2'],
                                   ['--flip'], EVERYTHING])
def test_pose_and_frame_stay_together(flags, layout, tmp_path):
    """The frame is a picture of the pose: moved alike, both still show the same, up to colours
    that a mirror exchanges and lines that keep their width."""
    items = opened(dataset(tmp_path / 'me', layout, frame=drawn_frame), *flags)
    still = items.item(0)['A']
    seen = set()
    for k in range(12):
        item = items.item(0, rng(k))
        A, B = (item[half].max(-1).astype(float) for half in 'AB')
        assert np.corrcoef(A.ravel(), B.ravel())[0, 1] > 0.8
        seen.add(item['A'].tobytes())
        if np.array_equal(item['A'], still):
            assert np.array_equal(item['B'], still), 'neither moves alone'
    assert len(seen) == (2 if flags == ['--flip'] else 12)


@pytest.mark.parametrize('style', STYLES)
@pytest.mark.parametrize('skeleton', ['COCO_18', 'BODY_25+face+hands'])
def test_the_pose_is_drawn_from_the_joints_in_the_datasets_own_way(style, skeleton, tmp_path,
                                                                   redrawn):
    root = dataset(tmp_path / 'me', style=style, skeleton=skeleton, line_width=3.0)
    item = opened(root, *EVERYTHING).item(1, rng(0))
    assert np.array_equal(item['A'], draw_pose(redrawn[0], SIZE, style, skeleton, 3.0))


def test_a_person_is_still_under_the_joints_after_being_moved(prepared, redrawn):
    """On a drawn video: the colour of the frame under each joint is the same as before."""
    items = opened(prepared, '--rotate', '15', '--scale', '0.15', '--shift', '0.05')
    track = PoseTrack.load(prepared / 'poses.npz')
    blurred = lambda image, x, y: image[max(y - 2, 0):y + 3, max(x - 2, 0):x + 3].mean((0, 1))
    far, wrong = [], []
    for i in range(0, len(items), 9):
        before = track.poses[list(track.index).index(int(items.pictures.rows[i][0].stem) - 1)]
        frame, there = items.item(i)['B'], items.item(i, rng(i))['B']
        after = redrawn[-1]
        inside = (before[:, 2] > 0) & ((after[:, :2] > 4) & (after[:, :2] < 123)).all(1)
        for (x, y), (u, v) in zip(before[inside, :2].round().astype(int),
                                  after[inside, :2].round().astype(int)):
            far.append(np.abs(blurred(frame, x, y) - blurred(there, u, v)).mean())
            wrong.append(np.abs(blurred(frame, x, y) - blurred(there, x, y)).mean())
    assert len(far) > 50 and np.median(far) < 6 < np.median(wrong)


def test_mirrored_twice_is_the_identity_and_sides_are_exchanged(tmp_path, redrawn):
    items = opened(dataset(tmp_path / 'me', frame=drawn_frame), '--flip')
    track, table = items.augment.track, items.augment.track.joints
    seed = next(k for k in range(20) if rng(k).random() < 0.5)
    item = items.item(0, rng(seed))
    wrist = redrawn[0][table.index('RWrist')]
    assert wrist[0] == SIZE[0] - 1 - track.poses[0, table.index('LWrist'), 0]
    assert np.array_equal(item['B'], drawn_frame(track.poses[0])[:, ::-1])
    assert np.allclose(mirror(redrawn[0], table, SIZE[0]), track.poses[0], atol=1e-4)


def test_lines_keep_their_width_when_the_person_grows(tmp_path, redrawn):
    root = dataset(tmp_path / 'me')
    items = opened(root, '--scale', '0.9')
    for k in range(6):
        item = items.item(0, rng(k))
        assert np.array_equal(item['A'], draw_pose(redrawn[-1], SIZE, line_width=2.0))
    spine = [np.linalg.norm(pose[1, :2] - pose[8, :2]) for pose in redrawn]
    assert max(spine) > 1.5 * min(spine)


@pytest.mark.parametrize('style', STYLES)
@pytest.mark.parametrize('skeleton', SKELETONS)
def test_a_dropped_limb_has_no_pixels_and_the_frame_keeps_it(style, skeleton, tmp_path, redrawn):
    items = opened(dataset(tmp_path / 'me', style=style, skeleton=skeleton), '--drop_limb', '0.4')
    whole, table = items.item(0), SKELETONS[skeleton]
    background = whole['A'][0, 0]
    # where nothing but that joint's limb, and what hangs on it, is drawn
    places = {'RElbow': np.s_[:, :30], 'RWrist': np.s_[:, :23], 'LWrist': np.s_[40:, 66:],
              'RKnee': np.s_[60:, :43], 'LAnkle': np.s_[74:, 47:], 'Nose': np.s_[:21]}
    dropped = set()
    for k in range(12):
        redrawn.clear()
        item = items.item(0, rng(k))
        assert np.array_equal(item['B'], whole['B'])
        for joint, place in places.items():
            gone = bool(redrawn) and redrawn[0][table.index(joint), 2] == 0
            assert (whole['A'][place] != background).any()
            assert (item['A'][place] == background).all() == gone, (k, joint)
            dropped |= {joint} if gone else set()
    assert dropped == places.keys()


def test_what_is_dropped_is_a_limb_to_its_end():
    names = lambda skeleton: [{skeleton_of(skeleton).joints[k] for k in limb}
                              for limb in droppable(skeleton_of(skeleton))]
    body, all_parts = names('COCO_18'), names('BODY_25+face+hands')
    assert {'RElbow', 'RWrist'} in body and {'RWrist'} in body and {'LAnkle'} in body
    assert {'Nose', 'REye', 'LEye', 'REar', 'LEar'} in body and len(body) == 9
    hand = {f'RHand{k}' for k in range(21)}
    assert hand in all_parts and {'RElbow', 'RWrist'} | hand in all_parts
    assert {'LAnkle', 'LBigToe', 'LSmallToe', 'LHeel'} in all_parts and len(all_parts) == 11
    assert not any({'Neck', 'MidHip', 'RShoulder', 'LHip'} & limb for limb in all_parts)


def test_each_limb_is_dropped_as_often_as_asked(tmp_path, redrawn):
    items = opened(dataset(tmp_path / 'me'), '--drop_limb', '0.25')
    for k in range(400):
        items.augment(items.pictures.rows[0][0], *np.zeros((2, *SIZE[::-1], 3), np.uint8), rng(k))
    seen = np.array([pose[:, 2] > 0 for pose in redrawn]).sum(0)
    table = items.augment.track.joints
    total = seen[table.index('Neck')]
    untouched = 400 - total
    # an elbow goes with one limb, a wrist with two: the arm and the forearm
    for joint, kept in (('RElbow', 0.75), ('LKnee', 0.75), ('RWrist', 0.75 ** 2)):
        assert (seen[table.index(joint)] + untouched) / 400 == pytest.approx(kept, abs=0.06)


def test_what_is_random_comes_from_the_item_alone(tmp_path):
    items = opened(dataset(tmp_path / 'me'), *EVERYTHING, '--drop_limb', '0.2',
                   '--load_size', '90', '--crop_size', '80')
    loader = Loader(items, 2, shuffle=True, seed=4)
    straight = [batch['A'] for epoch in (1, 2) for batch in loader.epoch(epoch)]
    again = [batch['A'] for batch in Loader(items, 2, shuffle=True, seed=4).epoch(2, skip=1)]
    assert np.array_equal(straight[-1], again[-1]) and len(again) == 1
    assert not np.array_equal(straight[0], straight[2])


def test_what_is_held_out_is_never_moved(tmp_path):
    root = dataset(tmp_path / 'me')
    flags = [*EVERYTHING, '--drop_limb', '0.5']
    held, plain = opened(root, *flags, phase='val'), opened(root, phase='val')
    assert np.array_equal(held.item(0, rng(1))['A'], plain.item(0)['A'])
    assert np.array_equal(opened(root, *flags).item(0)['A'], opened(root).item(0)['A'])


def test_backwards_the_halves_change_places_after_being_moved(tmp_path):
    root = dataset(tmp_path / 'me')
    flags = [*EVERYTHING, '--load_size', '90', '--crop_size', '80']
    item, back = (opened(root, *flags, '--direction', way).item(0, rng(3))
                  for way in ('AtoB', 'BtoA'))
    assert np.array_equal(item['A'], back['B']) and np.array_equal(item['B'], back['A'])
    assert item['A'].shape == (80, 80, 3)


def test_a_label_map_is_never_mixed_by_a_resize(tmp_path):
    root = dataset(tmp_path / 'me', style='pix2pixhd_labels')
    for flags in (['--load_size', '161'], ['--load_size', '50', *EVERYTHING]):
        for i in range(3):
            item = opened(root, *flags).item(i, rng(i))
            labels = np.unique(draw_pose(figure(0.9), SIZE, 'pix2pixhd_labels', line_width=2.0))
            assert set(np.unique(item['A'])) <= set(labels) and item['A'].any()


def test_the_affine_turns_clockwise_about_the_middle_then_grows_and_shifts():
    pose = np.array([[10, 5, 1], [20, 5, 1], [0, 0, 0]], np.float32)
    there = moved(pose, affine((21, 11), 90, np.log(2), 3, 1))
    assert there == pytest.approx(np.array([[13, 6, 1], [13, 26, 1], [0, 0, 0]]), abs=1e-4)
    assert np.array_equal(pose[1], [20, 5, 1]), 'the track is left as it is'


def test_without_joints_only_a_flip_is_possible_and_warned_of_once(tmp_path, capsys):
    root = dataset(tmp_path / 'me')
    (root / 'poses.npz').unlink()
    items, _ = opened(root, '--flip'), opened(root, '--flip', phase='val')
    assert capsys.readouterr().err.count('has no poses.npz') == 1
    whole = items.item(0)
    flipped = [items.item(0, rng(k)) for k in range(12)]
    for item in flipped:
        assert any(all(np.array_equal(item[half], way(whole[half])) for half in 'AB')
                   for way in (np.array, np.fliplr))
    assert len({item['A'].tobytes() for item in flipped}) == 2
    for flag, value in (('--rotate', '5'), ('--scale', '0.1'), ('--shift', '0.1'),
                        ('--drop_limb', '0.05')):
        with pytest.raises(UserError, match=f'{flag} {value}: .*poses.npz.*preprocess.py'):
            opened(root, flag, value)


def test_pictures_that_the_joints_do_not_belong_to_are_named(tmp_path):
    root = dataset(tmp_path / 'me')
    (root / 'train' / 'x.png').write_bytes((root / 'train' / '000008.png').read_bytes())
    with pytest.raises(UserError, match='x.png: poses.npz has no frame of that number'):
        opened(root, '--rotate', '5')
    (root / 'train' / 'x.png').unlink()
    Image.fromarray(np.zeros((8, 16, 3), np.uint8)).save(root / 'train' / '000008.png')
    with pytest.raises(UserError, match='000008.png: its pose is 8x8 px.*112x96'):
        opened(root, '--shift', '0.1')
    assert read_json(root / 'dataset.json')['size'] == list(SIZE)


@pytest.mark.parametrize('flag, value', [('--rotate', '181'), ('--scale', '1'), ('--shift', '-0.1'),
                                         ('--drop_limb', '5')])
def test_amounts_that_make_no_sense_are_refused(flag, value):
    with pytest.raises(UserError, match=f'{flag} {value}: give 0 to'):
        TrainOptions().parse(['--dataroot', 'x', flag, value])
