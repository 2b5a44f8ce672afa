"""A dataset keeps the frames as large as they were filmed, and gives them item by item."""
import cv2
import numpy as np
import pytest

import preprocessing.detection
from data import datasets
from data.aligned_dataset import AlignedDataset
from data.film import FilmFrames
from options.test_options import TestOptions
from options.train_options import TrainOptions
from pose.detect.base import Detector
from preprocessing.crop import cut_out
from preprocessing.film import film_size, write_film_frame
from preprocessing.redraw import redraw
from preprocessing.written import check_room, files_in, written_files
from tests.conftest import joints
from tests.preprocessing.preparing import files, prepare
from util.errors import UserError
from util.files import read_json, write_json
from util.images import read_image
from util.noted import NOTES
from util.video_writer import VideoWriter

SIZE = 240, 320
FRAMES = 20
WHOLE = '--aspect', 'keep', '--crop', 'none'


def drawn(f):
    """uint8 (320, 240, 3): a smooth picture with a bright square that moves 4 px a frame."""
    image = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    image[...] = np.linspace(40, 160, SIZE[1])[:, None, None]
    image[100:180, 60 + 4 * f:120 + 4 * f] = (230, 60, 90)
    return image


class One(Detector):
    """A dancer of 120 px at x = 90 + 4 f."""
    def __init__(self, opt):
        pass

    def __call__(self, image, index):
        pose = joints(0)
        seen = pose[:, 2] > 0
        pose[seen, :2] = (pose[seen, :2] - (6, 8)) * 12 + (90 + 4 * index, 100)
        return np.hstack([pose, np.full((25, 1), np.nan)])[None].astype(np.float32)


@pytest.fixture
def video(tmp_path, monkeypatch):
    monkeypatch.setattr(preprocessing.detection, 'detector_for', One)
    path = tmp_path / 'one.mp4'
    with VideoWriter(path, fps=25) as writer:
        for f in range(FRAMES):
            writer.write(drawn(f))
    return path


def opened(root, phase='train', *flags):
    model = '--model', 'body2body'
    return AlignedDataset(TrainOptions().parse(['--dataroot', str(root), *model, *flags]), phase)


@pytest.mark.parametrize('box, size, side, large', [
    ((0, 0, 1080, 1920), (256, 456), 720, (720, 1280)),
    ((0, 0, 720, 1264), (256, 450), 720, (720, 1264)),
    ((0, 0, 406, 720), (256, 454), 720, (406, 720)),            # never more than was filmed
    ((0, 0, 405, 719), (256, 454), 720, (404, 718)),            # even
    ((0, 0, 1920, 1080), (456, 256), 1080, (1920, 1080)),
    ((-60, 0, 1200, 1200), (256, 256), 720, (720, 720)),
    ((0, 0, 720, 540), (256, 256), 720, (540, 540)),            # squeezed as the pairs are
    ((0, 0, 406, 720), (406, 720), 720, None),
    ((0, 0, 200, 200), (256, 256), 720, None),
    ((0, 0, 1080, 1920), (256, 456), 256, None),
    ((0, 0, 1080, 1920), (256, 456), 0, None)])
def test_large_frames_have_the_aspect_of_the_video_and_never_more_pixels(box, size, side, large):
    assert film_size(box, size, side) == large


@pytest.mark.parametrize('size', [(720, 1280), (540, 960), (256, 456), (131, 233)])
def test_a_large_video_is_made_smaller_quickly_and_in_place(size, tmp_path):
    """Bilinear steps in place of means of areas change no picture that can be seen."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 255, (48, 27, 3), np.uint8)
    image = cv2.resize(coarse, (1080, 1920), interpolation=cv2.INTER_CUBIC)
    exact = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    box = 0, 0, 1080, 1920
    assert cv2.PSNR(cut_out(image, box, size), exact) > 45
    if min(size) > 500:         # at smaller sizes JPEG's coarse colours are all that differs
        (tmp_path / 'frames').mkdir()
        write_film_frame(tmp_path, 6, image, box, size)
        assert cv2.PSNR(read_image(tmp_path / 'frames' / '000007.jpg'), exact) > 38


@pytest.mark.parametrize('layout', ['pairs', 'folders'])
def test_every_written_frame_is_kept_as_large_as_filmed(video, tmp_path, layout):
    root = tmp_path / 'me'
    prepare(root, '--video', video, *WHOLE, '--layout', layout)
    assert read_json(root / 'dataset.json')['film_size'] == list(SIZE)
    half = '_B' if layout == 'folders' else ''
    pairs = [name for phase in ('train', 'val') for name in files(root / f'{phase}{half}')]
    assert files(root / 'frames') == sorted(name.replace('png', 'jpg') for name in pairs)
    for number in (1, 7):
        frame = read_image(root / 'frames' / f'{number:06d}.jpg')
        assert cv2.PSNR(frame, drawn(number - 1)) > 30


def test_a_crop_shows_the_same_region_large_as_small(video, tmp_path):
    root = tmp_path / 'me'
    prepare(root, '--video', video, '--crop', '40,60,200,200', '--film_size', 128)
    data = opened(root)
    assert data.film_size == (128, 128) and read_image(root / 'frames/000001.jpg').shape[0] == 128
    for i in (0, 5):
        small = cv2.resize(data.film_frame(i), (64, 64), interpolation=cv2.INTER_AREA)
        assert cv2.PSNR(small, data.item(i)['B']) > 30


@pytest.mark.parametrize('flags', [('--film_size', 0), ('--film_size', 64), ('--poses_only',)])
def test_without_larger_frames_a_dataset_is_as_before(video, tmp_path, flags):
    root = tmp_path / 'me'
    prepare(root, '--video', video, *WHOLE, *flags)
    assert 'film_size' not in read_json(root / 'dataset.json') and 'frames' not in files(root)
    if '--poses_only' in flags:
        opt = TestOptions().parse(['--dataroot', str(root), '--model', 'body2body',
                                   '--dataset_mode', 'single'])
        data = datasets.find('single')(opt, 'val')
    else:
        data = opened(root)
    assert data.film_size is None and data.film_frame(0) is None


def test_large_frames_belong_to_items_whatever_training_does_to_them(video, tmp_path):
    root = tmp_path / 'me'
    prepare(root, '--video', video, *WHOLE)
    opt = TrainOptions().parse(['--dataroot', str(root), '--model', 'body2body', '--shift', '0.1'])
    for mode in ('aligned', 'sequence', 'labelled'):
        data = datasets.find(mode)(opt, 'val')
        data.item(1, np.random.default_rng(0))
        number = int(data.path(1).stem)
        assert data.film_size == SIZE
        assert cv2.PSNR(data.film_frame(1), drawn(number - 1)) > 30
    back = opened(root, 'train', '--direction', 'BtoA')
    assert back.film_size is None and back.film_frame(0) is None


@pytest.mark.parametrize('harm', ['cut', 'text', 'gone', 'small'])
def test_a_broken_large_frame_is_named(video, tmp_path, harm):
    root = tmp_path / 'me'
    prepare(root, '--video', video, *WHOLE)
    file = root / 'frames' / '000003.jpg'
    whole = file.read_bytes()
    file.write_bytes({'cut': whole[:len(whole) // 2], 'text': b'mine'}.get(harm, whole))
    if harm == 'gone':
        file.unlink()
    if harm == 'small':
        file.write_bytes(cv2.imencode('.jpg', np.zeros((9, 9, 3), np.uint8))[1].tobytes())
    data = opened(root)
    assert data.film_frame(1) is not None
    with pytest.raises(UserError, match='000003.jpg'):
        data.film_frame(2)


def test_large_frames_are_of_the_dataset_which_overwrite_replaces_and_redraw_keeps(video, tmp_path):
    root = tmp_path / 'me'
    prepare(root, '--video', video, *WHOLE)
    frames = {f'frames/{name}' for name in files(root / 'frames')}
    assert frames <= written_files(root)
    assert written_files(root) == set(files_in(root)) - {NOTES}
    before = (root / 'frames' / '000003.jpg').read_bytes()
    redraw(root, style='edn')
    assert (root / 'frames' / '000003.jpg').read_bytes() == before
    assert opened(root).film_size == SIZE
    prepare(root, '--video', video, *WHOLE, '--end', 0.5, '--overwrite')
    assert len(files(root / 'frames')) == len(files(root / 'train')) + len(files(root / 'val'))
    prepare(root, '--video', video, *WHOLE, '--film_size', 0, '--overwrite')
    assert 'frames' not in files(root)
    (root / 'frames').mkdir()
    (root / 'frames' / '000002.jpg').write_text('mine')
    with pytest.raises(UserError, match='000002.jpg: is there already'):
        check_room(root, None)


def test_frames_of_a_user_are_found_even_where_poses_do_not_say_which_are_ours(video, tmp_path):
    root = tmp_path / 'me'
    prepare(root, '--video', video, *WHOLE)
    (root / 'poses.npz').unlink()
    (root / NOTES).unlink()             # of a version that kept none
    assert 'frames/000002.jpg' in written_files(root)
    (root / 'frames' / '000900.jpg').write_text('mine')
    assert 'frames/000002.jpg' not in written_files(root)


def test_a_dataset_older_than_large_frames_is_used_as_it_is(video, tmp_path):
    root = tmp_path / 'me'
    prepare(root, '--video', video, *WHOLE, '--film_size', 0)
    facts = read_json(root / 'dataset.json')
    del facts['settings']['film_size']
    write_json(root / 'dataset.json', facts)
    made = (root / 'dataset.json').stat().st_mtime_ns
    prepare(root, '--video', video, *WHOLE)
    prepare(root, '--video', video, *WHOLE, '--film_size', 0)
    assert (root / 'dataset.json').stat().st_mtime_ns == made
    with pytest.raises(UserError, match='film_size was 0 and is now 200'):
        prepare(root, '--video', video, *WHOLE, '--film_size', 200)


@pytest.mark.parametrize('record', [5, 'wide', [1], [1, 2, 3], [64.5, 64], [0, 64], ['a', 'b'], {}])
def test_a_record_that_names_no_size_of_large_frames_is_refused(tmp_path, record):
    (tmp_path / 'frames').mkdir()
    assert FilmFrames(tmp_path, {}).size is None
    assert FilmFrames(tmp_path, {'film_size': [96, 64]}).size == (96, 64)
    if record:
        with pytest.raises(UserError, match='film_size is'):
            FilmFrames(tmp_path, {'film_size': record})
