"""body2body paints as large as the dataset's frames are, and what a run keeps for that."""
import shutil

import cv2
import numpy as np
import pytest
from conftest import SMALL, fitting, make_pairs
from PIL import Image

import test as painting
import train as training
from models.warping.cutouts import FilmCutouts, SmallCutouts, occupied
from models.warping.frame_index import FrameIndex
from models.warping.kept import Kept
from models.warping.settings import Body2BodySettings
from scene.film_plate import between_plates, shrunk_plate
from scene.plate import Plate
from util.errors import UserError
from util.files import write_json

SIDE, TIMES = 64, 3
LARGE = SIDE * TIMES
STRIPES = np.indices((LARGE, LARGE)).sum(0) % 2 * 20 - 10      # finer than a small pixel


def in_stripes(image):
    """An image (h, w, 3) three times as large, with stripes that a small one cannot show."""
    large = cv2.resize(image, (LARGE, LARGE), interpolation=cv2.INTER_CUBIC).astype(int)
    return (large + STRIPES[..., None]).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope='module')
def filmed(small_vgg, tmp_path_factory):
    """A place with a dataset that has frames of film size, and an untrained run of it."""
    place = tmp_path_factory.mktemp('filmed')
    root = make_pairs(place / 'toy', SIDE, SIDE, train=40, val=4)
    write_json(root / 'dataset.json', {'film_size': [LARGE, LARGE], 'size': [SIDE, SIDE],
                                       'layout': 'pairs', 'draw': {}})
    (root / 'frames').mkdir()
    for path in (*(root / 'train').glob('*.png'), *(root / 'val').glob('*.png')):
        frame = np.asarray(Image.open(path))[:, SIDE:]
        Image.fromarray(in_stripes(frame)).save(root / 'frames' / f'{path.stem}.jpg', quality=100,
                                                subsampling=0)
    training.main(flags(place, '--max_minutes', '0'))
    return place


def flags(place, *more):
    return ['--dataroot', str(place / 'toy'), '--name', 'me', '--checkpoints_dir',
            str(place / 'ck'), '--model', 'body2body', '--no_html',
            *fitting('body2body', *SMALL), *more]


def painted(place, results, *more):
    """{label: float (F, H, W, 3)} of what is held out."""
    page = painting.main(['--dataroot', str(place / 'toy'), '--name', 'me', '--checkpoints_dir',
                          str(place / 'ck'), '--results_dir', str(results), '--no_video',
                          '--metrics', 'none', *more])
    found = {}
    for label in ('real_A', 'fake_B', 'real_B'):
        files = sorted((page.parent / 'images').glob(f'*_{label}.png'))
        found[label] = np.stack([np.asarray(Image.open(file)) for file in files]).astype(float)
    return found


def test_the_film_is_as_large_as_the_frames_and_shows_what_no_small_picture_could(
        filmed, tmp_path):
    shown = painted(filmed, tmp_path)
    assert shown['real_A'].shape == (4, SIDE, SIDE, 3)
    assert shown['fake_B'].shape == shown['real_B'].shape == (4, LARGE, LARGE, 3)
    inside = np.s_[:, 8:-8, 8:-8, 1]
    for film in (shown['real_B'], shown['fake_B']):
        fine = film - np.stack([cv2.blur(frame, (4, 4)) for frame in film])
        assert 6 < np.abs(fine[inside]).mean() < 14, 'the stripes, 10 up and 10 down'
    assert np.abs(shown['fake_B'] - shown['real_B']).mean() < 12


def test_the_dataset_is_not_needed_for_its_size(filmed, tmp_path):
    expected = painted(filmed, tmp_path / 'r')['fake_B']
    place = tmp_path / 'elsewhere'
    shutil.copytree(filmed, place)
    shutil.rmtree(place / 'toy' / 'frames')
    shown = painted(place, tmp_path / 'q')
    assert np.array_equal(shown['fake_B'], expected)
    assert shown['real_B'].shape == (4, SIDE, SIDE, 3)


def test_a_cutout_is_the_person_of_the_large_frame_and_mirrored_in_the_second_half(filmed):
    run = filmed / 'ck' / 'me'
    index = FrameIndex(run / 'index')
    cutouts = FilmCutouts(run / 'cutouts', index)
    count = len(index.track)
    for row in (0, 17):
        frame = np.asarray(Image.open(filmed / 'toy' / 'frames' / index.file(row).replace(
            'png', 'jpg')))
        for cutout in (cutouts.cutout(row), cutouts.loose(row)):
            height, width = cutout.image.shape[:2]
            left, top = max(cutout.left, 0), max(cutout.top, 0)
            own = cutout.image[top - cutout.top:, left - cutout.left:]
            there = frame[top:cutout.top + height, left:cutout.left + width]
            own = own[:there.shape[0], :there.shape[1]]
            assert np.abs(own[..., :3].astype(int) - there).mean() < 4
            blue = np.abs(there.astype(int) - (20, 60, 230)).sum(-1) < 60
            assert own[blue, 3].mean() > 200 and height * width < LARGE ** 2 / 2
        mirrored, plain = cutouts.cutout(count + row), cutouts.cutout(row)
        assert np.array_equal(mirrored.image, plain.image[:, ::-1])
        assert mirrored.left == LARGE - plain.left - plain.image.shape[1]


def test_the_large_background_is_the_small_one_with_its_fine_detail(filmed):
    run = filmed / 'ck' / 'me'
    small, large = Plate.load(run / 'plate'), Plate.load(run / 'film_plate')
    assert large.size == (LARGE, LARGE) and np.array_equal(small.numbers, large.numbers)
    into = between_plates(small, large)
    assert np.allclose(into[:2, :2], TIMES * np.eye(2), atol=0.05)
    blurred = cv2.blur(large.picture, (4, 4)).astype(int)
    again = cv2.warpAffine(small.picture, into[:2], large.picture.shape[1::-1])
    inside = np.s_[12:-12, 12:-12]
    assert np.abs(blurred - again)[inside].mean() < 4
    assert np.abs(large.picture - blurred)[inside].mean() > 6


def test_a_new_start_removes_what_was_kept_at_film_size(filmed, tmp_path):
    place = tmp_path / 'elsewhere'
    shutil.copytree(filmed, place)
    shutil.rmtree(place / 'toy' / 'frames')
    training.main(flags(place, '--max_minutes', '0', '--overwrite'))
    run = place / 'ck' / 'me'
    assert not (run / 'cutouts').exists() and not (run / 'film_plate').exists()
    kept = Kept.load(run, Body2BodySettings())
    assert isinstance(kept.cutouts, SmallCutouts) and kept.film_plate is kept.plate
    assert painted(place, tmp_path / 'r')['fake_B'].shape == (4, SIDE, SIDE, 3)


@pytest.mark.parametrize('file', ['cutouts/cutouts.npz', 'cutouts/000003.jpg',
                                  'cutouts/000003.png', 'film_plate/plate.npz'])
def test_a_broken_file_of_film_size_is_named(filmed, tmp_path, file):
    run = tmp_path / 'me'
    shutil.copytree(filmed / 'ck' / 'me', run)
    (run / file).write_bytes(b'nothing')
    with pytest.raises(UserError, match=file.partition('/')[0]):
        kept = Kept.load(run, Body2BodySettings())
        kept.cutouts.loose(2)


@pytest.mark.parametrize('boxes', [np.zeros((3, 4), int), np.zeros((40, 3), int)])
def test_boxes_of_other_frames_are_refused(filmed, tmp_path, boxes):
    run = tmp_path / 'me'
    shutil.copytree(filmed / 'ck' / 'me', run)
    np.savez(run / 'cutouts' / 'cutouts.npz', boxes=boxes, size=(LARGE, LARGE))
    with pytest.raises(UserError, match='boxes are of other frames'):
        Kept.load(run, Body2BodySettings())


@pytest.mark.parametrize('read', ['cutout', 'loose'])
def test_a_picture_that_is_not_as_large_as_its_box_is_named(filmed, tmp_path, read):
    run = tmp_path / 'me'
    shutil.copytree(filmed / 'ck' / 'me', run)
    Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(run / 'cutouts' / '000003.jpg')
    kept = Kept.load(run, Body2BodySettings())
    with pytest.raises(UserError, match='000003.jpg'):
        getattr(kept.cutouts, read)(2)


def test_an_empty_mask_is_no_box():
    assert occupied(np.zeros((4, 4), bool)) is None
    mask = np.zeros((6, 8), bool)
    mask[2:4, 5] = True
    assert occupied(mask) == (slice(2, 4), slice(5, 6))


def test_people_are_read_smaller_where_they_were(filmed):
    """At sizes between the film's and training's, as the whole picture made smaller shows them."""
    run = filmed / 'ck' / 'me'
    kept = Kept.load(run, Body2BodySettings())
    for side in (150, SIDE + 26, SIDE):
        smaller = kept.at((side, side))
        assert smaller.cutouts.size == (side, side) == smaller.film_plate.size
        for row in (0, 17, len(kept.index.track) + 3):
            expected = cv2.resize(whole(kept.cutouts.cutout(row), LARGE), (side, side),
                                  interpolation=cv2.INTER_AREA).astype(int)
            shown = whole(smaller.cutouts.cutout(row), side).astype(int)
            assert np.abs(shown[..., 3] - expected[..., 3]).mean() < 3
            assert np.abs(middle_of(shown[..., 3]) - middle_of(expected[..., 3])).max() < 0.3
            inside = expected[..., 3] > 250
            assert np.abs(shown - expected)[inside].mean() < 12
    assert kept.at((LARGE, LARGE)) is kept
    assert kept.at((32, 32)).cutouts.size == (SIDE, SIDE)


def middle_of(alpha):
    """float (2,) px: the middle of what is there of a matte (h, w)."""
    return np.average(np.indices(alpha.shape).reshape(2, -1), 1, alpha.ravel())


def whole(cutout, side):
    """uint8 (side, side, 4): a cutout in its frame, black where it is not."""
    margin = 12
    frame = np.zeros((side + 2 * margin, side + 2 * margin, 4), np.uint8)
    left, top = cutout.left + margin, cutout.top + margin
    height, width = cutout.image.shape[:2]
    frame[top:top + height, left:left + width] = cutout.image
    return frame[margin:-margin, margin:-margin]


def test_the_background_is_made_smaller_without_moving_it(filmed):
    kept = Kept.load(filmed / 'ck' / 'me', Body2BodySettings())
    large, small = kept.film_plate, kept.at((SIDE, SIDE)).film_plate
    assert small.still == large.still
    shown, _ = small.at(small.locked())
    expected = cv2.resize(large.at(large.locked())[0], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    assert np.abs(shown.astype(int) - expected).mean() < 2


def test_a_plate_of_a_moving_camera_is_made_smaller_without_moving_it():
    rng = np.random.default_rng(0)
    picture = cv2.GaussianBlur(rng.integers(0, 256, (240, 300, 3), np.uint8), (0, 0), 5)
    moves = np.stack([np.array([[1.0, 0, 20 + 9 * f], [0, 1, 30], [0, 0, 1]]) for f in range(3)])
    plate = Plate(picture, np.ones((240, 300), np.float32), moves, np.arange(3), (160, 120),
                  np.zeros((120, 160, 4), np.uint8))
    small = shrunk_plate(plate, (80, 60))
    for f in range(3):
        shown, _ = small.at(small.camera(f))
        expected = cv2.resize(plate.at(plate.camera(f))[0], (80, 60), interpolation=cv2.INTER_AREA)
        assert np.abs(shown.astype(int) - expected)[2:-2, 2:-2].mean() < 1.5
