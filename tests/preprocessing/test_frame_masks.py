"""The masks of everybody come from the detector into the dataset, in px of the written frame."""
import cv2
import numpy as np
import pytest
from PIL import Image

import preprocessing.detection
from data.aligned_dataset import AlignedDataset
from options.train_options import TrainOptions
from pose.detect.base import Detector
from pose.masks import PersonMask
from pose.skeleton import BODY_25
from preprocessing.masks import is_same
from preprocessing.redraw import redraw
from preprocessing.written import check_room, files_in, written_files
from tests.conftest import joints
from tests.preprocessing.preparing import files, prepare
from util.errors import UserError
from util.files import read_json
from util.noted import NOTES
from util.video_writer import VideoWriter

SIZE = 128, 96
FRAMES = 24


def body(x, f, size=7):
    """float32 (1, 25, 4): who stands at x and lifts the arms."""
    pose = joints(0)
    seen = pose[:, 2] > 0
    pose[seen, :2] = (pose[seen, :2] - (6, 8)) * size + (x, 14)
    for wrist in ('RWrist', 'LWrist'):
        pose[BODY_25.index(wrist), 1] -= 3 * (f % 8)
    return np.hstack([pose, np.full((25, 1), np.nan)])[None].astype(np.float32)


def square(x, y, side):
    return PersonMask.of(np.full((32, 32), 255, np.uint8), x, y, side)


class Two(Detector):
    """The dancer at x = 70 + f; and a smaller person at x = 20, of whom there is a mask in every
    second frame."""
    has_masks = True

    def __init__(self, opt):
        self.count = 0

    def __call__(self, image, index):
        self.f = index
        return np.concatenate([body(20, index, 4), body(70 + index, index)])

    def masks(self):
        other = square(21, 51, 20) if self.f % 2 == 0 else None
        return [other, square(71 + self.f, 49, 30)] if self.has_masks else []


@pytest.fixture
def video(tmp_path):
    path = tmp_path / 'two.mp4'
    with VideoWriter(path, fps=25) as writer:
        for _ in range(FRAMES):
            writer.write(np.full((SIZE[1], SIZE[0], 3), 90, np.uint8))
    return path


@pytest.fixture
def two(monkeypatch):
    monkeypatch.setattr(preprocessing.detection, 'detector_for', Two)


def mask_of(root, number):
    return np.asarray(Image.open(root / 'masks' / f'{number:06d}.png'))


@pytest.mark.parametrize('layout', ['pairs', 'folders'])
def test_every_written_frame_has_a_mask_of_the_person_and_of_anybody_else(video, two, tmp_path,
                                                                          layout):
    """Cropped from (10, 8), then twice as large as in the video."""
    root = tmp_path / 'me'
    prepare(root, '--video', video, '--crop', '10,8,80,80', '--width', 160, '--height', 160,
            '--smooth', 0, '--layout', layout)
    half = '_B' if layout == 'folders' else ''
    written = [name for phase in ('train', 'val') for name in files(root / f'{phase}{half}')]
    assert files(root / 'masks') == sorted(written) and len(written) >= 10
    assert read_json(root / 'dataset.json')['masks'] is True
    for number in (1, 2, 9):
        mask = mask_of(root, number)
        assert mask.shape == (160, 160, 3)
        x = 70 + number - 1
        true = np.zeros((80, 128), bool)            # of the video, from row 8 on
        true[26:56, x - 14:x + 16] = True
        large = cv2.resize(true[:, 10:90].astype(np.uint8), (160, 160),
                           interpolation=cv2.INTER_NEAREST) > 0
        assert ((mask[..., 0] > 127) != large).mean() < 0.005
        green = np.zeros((160, 160), bool)
        if number % 2:
            green[2 * 33:2 * 53, 2 * 1:2 * 21] = True
        assert ((mask[..., 1] > 127) != green).mean() < 0.005
        assert not mask[..., 2].any()


def test_a_detector_without_masks_gives_a_dataset_as_before(video, two, tmp_path, monkeypatch):
    monkeypatch.setattr(Two, 'has_masks', False)
    root = tmp_path / 'me'
    prepare(root, '--video', video)
    assert 'masks' not in read_json(root / 'dataset.json') and 'masks' not in files(root)
    assert len(files(root / 'train')) > 10


def test_of_a_film_that_gives_only_poses_no_mask_is_asked_for(video, two, tmp_path, monkeypatch):
    def masks(self):
        raise AssertionError('nobody needs it')
    monkeypatch.setattr(Two, 'masks', masks)
    prepare(tmp_path / 'me', '--video', video, '--poses_only')
    assert 'masks' not in files(tmp_path / 'me')


def test_masks_are_of_the_dataset_which_overwrite_replaces_and_redraw_keeps(video, two, tmp_path):
    root = tmp_path / 'me'
    prepare(root, '--video', video)
    masks = {f'masks/{name}' for name in files(root / 'masks')}
    assert masks and masks < written_files(root)
    assert written_files(root) == set(files_in(root)) - {NOTES}
    before = mask_of(root, 3)
    redraw(root, style='edn')
    assert np.array_equal(mask_of(root, 3), before)
    prepare(root, '--video', video, '--end', 0.6, '--overwrite')
    assert len(files(root / 'masks')) == len(files(root / 'train')) + len(files(root / 'val'))
    (root / 'masks' / '000900.png').write_text('mine')
    with pytest.raises(UserError, match='000900.png: is there already'):
        check_room(root, None)


def test_one_person_that_a_detector_found_twice_is_nobody_else():
    person = square(60, 48, 40).drawn(SIZE)
    assert is_same(person, square(62, 50, 40).drawn(SIZE))
    assert not is_same(person, square(85, 48, 40).drawn(SIZE))
    assert not is_same(person, square(60, 48, 12).drawn(SIZE)), 'a child in front'


def test_a_dataset_gives_the_mask_of_each_item_as_training_sees_its_frame(video, two, tmp_path):
    root = tmp_path / 'me'
    prepare(root, '--video', video)
    flags = ['--dataroot', str(root), '--load_size', '32', '--crop_size', '32', '--model',
             'body2body']
    dataset = AlignedDataset(TrainOptions().parse(flags), 'train')
    item, mask = dataset.item(4), dataset.mask(4)
    assert mask.shape == item['B'].shape == (32, 32, 3)
    whole = cv2.resize(mask_of(root, 5), (32, 32), interpolation=cv2.INTER_AREA)
    assert np.abs(mask.astype(int) - whole).mean() < 2
    (root / 'masks' / '000005.png').unlink()
    assert dataset.mask(4) is None and dataset.mask(5) is not None
