"""The background plate: what is behind the person, for a camera that stands and one that moves.

A drawn wall tells the truth: its pixels, and where each frame was cut from it, are known.
"""
import weakref
from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
import pytest

from scene.background import make_plate
from scene.camera import follow, is_still
from scene.plate import Plate
from util.errors import UserError

SIZE = WIDTH, HEIGHT = 160, 120
PERSON = (230, 30, 200)


@lru_cache(maxsize=1)
def wall():
    """uint8 (200, 420, 3): a wall hung with pictures, lit unevenly."""
    random = np.random.default_rng(0)
    image = cv2.resize(random.integers(90, 150, (8, 14, 3), np.uint8), (420, 200),
                       interpolation=cv2.INTER_CUBIC)
    for _ in range(90):
        x, y = random.integers(0, (400, 180))
        w, h = random.integers(8, 30, 2)
        colour = random.integers(60, 220, 3).tolist()
        cv2.rectangle(image, (int(x), int(y)), (int(x + w), int(y + h)), colour, -1)
    return cv2.GaussianBlur(image, (0, 0), 1)


def film(path, stands=lambda f: 60, wide=16, hidden=0):
    """Frames cut from the wall at path[f] = (x, y), before which a person of that width stands
    at stands(f); their masks are `hidden` px too narrow on either side."""
    random = np.random.default_rng(1)
    frames, masks = [], []
    for f, (x, y) in enumerate(path):
        cut = np.array([[1, 0, -x], [0, 1, -y]], float)
        frame = cv2.warpAffine(wall(), cut, SIZE)
        frame = np.clip(frame + random.normal(0, 2, frame.shape), 0, 255).astype(np.uint8)
        left = int(stands(f))
        frame[30:110, left:left + wide] = PERSON
        mask = np.zeros((HEIGHT, WIDTH), bool)
        mask[28:112, left - 2 + hidden:left + wide + 2 - hidden] = True
        frames.append(frame)
        masks.append(mask)
    return frames, masks


def pan(far=180, frames=40):
    """There and back, up and down a little."""
    t = np.linspace(0, 2 * np.pi, frames)
    return np.stack([20 + far * (1 - np.cos(t)) / 2, 40 + 8 * np.sin(2 * t)], 1)


STANDING = [(100, 40)] * 24
WALKS = dict(stands=lambda f: 20 + 4 * f)


def cut_of(x, y):
    return cv2.warpAffine(wall(), np.array([[1, 0, -x], [0, 1, -y]], float), SIZE)


def off(a, b, where=None):
    """Mean absolute difference, 0..255."""
    difference = np.abs(a.astype(int) - b)
    return difference.mean() if where is None else difference[where].mean()


@pytest.fixture(scope='module')
def panned():
    frames, masks = film(pan(), stands=lambda f: 60 + 30 * np.sin(f))
    return make_plate(frames, masks, np.arange(100, 140))


def test_before_a_still_camera_the_person_is_gone():
    plate = make_plate(*film(STANDING, **WALKS))
    assert plate.still and plate.picture.shape == (HEIGHT, WIDTH, 3)
    assert off(plate.picture, cut_of(100, 40)) < 2
    assert (plate.confidence == 1).all()


def test_what_the_person_always_hid_is_filled_from_around_and_nobody_is_told_it_is_sure():
    frames, masks = film(STANDING)
    plate = make_plate(frames, masks)
    hidden = masks[0]
    assert (plate.confidence[hidden] == 0).all() and (plate.confidence[~hidden] == 1).all()
    assert off(plate.picture, cut_of(100, 40), hidden) < 40, 'near to what is around'
    assert (np.abs(plate.picture[hidden].astype(int) - PERSON).sum(-1) > 60).all(), 'not of her'


def test_a_sleeve_that_hangs_out_of_the_mask_leaves_no_ghost():
    """For two thirds of the film she stands in one place, four px wider than her mask."""
    frames, masks = film(STANDING * 2, stands=lambda f: 60 if f < 32 else 110, hidden=6)
    plate = make_plate(frames, masks)
    assert off(plate.picture, cut_of(100, 40), np.s_[30:110, 56:66]) < 4


def test_a_moving_camera_gets_a_mosaic_from_which_each_frame_can_be_cut(panned):
    assert not panned.still and panned.picture.shape[1] > WIDTH + 170
    for f in (0, 7, 13, 20, 33):
        picture, confidence = panned.at(panned.transforms[f])
        assert picture.shape == (HEIGHT, WIDTH, 3) and confidence.shape == (HEIGHT, WIDTH)
        assert off(picture, cut_of(*pan()[f]), confidence > 0) < 4


def test_the_camera_is_followed_to_a_fraction_of_a_pixel_and_does_not_drift(panned):
    found = panned.transforms[:, :2, 2] - panned.transforms[0, :2, 2]
    assert np.abs(found - (pan() - pan()[0])).max() < 0.5
    assert np.abs(panned.transforms[:, :2, :2] - np.eye(2)).max() < 0.01


def test_a_pan_as_fast_as_an_eighth_of_the_picture_a_frame_is_not_lost():
    path = np.array([(20 * f, 40) for f in (*range(13), *range(12, -1, -1))])
    found = follow(*film(path))[:, :2, 2]
    assert np.abs(found - found[0] - (path - path[0])).max() < 2


def test_a_zoom_is_followed_too():
    scales = np.linspace(1, 1.25, 16)
    frames = [cv2.warpAffine(wall(), np.array([[s, 0, -100 * s], [0, s, -30 * s]]), SIZE)
              for s in scales]
    plate = make_plate(frames, [np.zeros((HEIGHT, WIDTH), bool)] * 16)
    zoom = np.sqrt(np.linalg.det(plate.transforms[:, :2, :2]))
    assert zoom[0] / zoom == pytest.approx(scales, abs=0.01)


def test_a_frame_that_shows_something_else_is_not_recognised_and_does_no_harm():
    frames, masks = film(pan(60, 20))
    frames[9] = np.full_like(frames[9], 250)
    plate = make_plate(frames, masks, np.arange(20) * 2)
    assert np.flatnonzero(np.isnan(plate.transforms[:, 0, 0])).tolist() == [9]
    assert (plate.camera(18) == plate.transforms[8]).all(), 'its neighbour answers'
    assert off(plate.at(plate.transforms[10])[0], frames[10], ~masks[10]) < 5


def test_of_two_scenes_the_plate_is_of_the_longer():
    first, masks = film(pan(60, 30))
    other = [frame[::-1, ::-1] for frame in film([(300, 60)] * 14)[0]]
    plate = make_plate(first + other, masks + [mask[::-1, ::-1] for mask in masks[:14]])
    assert np.isfinite(plate.transforms[:30]).all() and np.isnan(plate.transforms[30:]).all()


def test_a_camera_that_cuts_away_and_back_is_recognised():
    path = pan(60, 30)
    frames, masks = film(path)
    frames[12:15] = [np.full_like(frames[0], 40)] * 3
    plate = make_plate(frames[:12] + frames[12:15] + frames[20:], masks[:15] + masks[20:])
    found = plate.transforms[15:, :2, 2] - plate.transforms[0, :2, 2]
    assert np.abs(found - (path[20:] - path[0])).max() < 0.5


def test_bars_that_are_black_in_every_frame_are_no_part_of_the_mosaic():
    frames, masks = film([(x, 40 + x / 6) for x in np.linspace(20, 200, 30)])
    for frame in frames:
        frame[:8] = 10
    plate = make_plate(frames, masks)
    assert plate.picture[plate.confidence > 0].min() > 40
    for size in (SIZE, (80, 60)):
        picture, confidence = plate.at(plate.transforms[7], size)
        edge = 8 * size[1] // HEIGHT
        assert (picture[:edge] == 10).all() and (confidence[:edge] == 1).all()
        assert picture[edge + 1:].min() > 40


@pytest.mark.parametrize('path, still', [
    (STANDING, True), ([(100 + (f % 2) / 4, 40) for f in range(24)], True),
    ([(100 + f / 4, 40) for f in range(24)], False), (pan(), False)])
def test_a_tripod_is_told_from_a_hand(path, still):
    assert is_still(*film(path, **WALKS)) == still


def test_before_a_plain_studio_wall_every_camera_is_as_good_as_still():
    frames = [np.full((HEIGHT, WIDTH, 3), 200, np.uint8)] * 5
    assert is_still(frames, [np.zeros((HEIGHT, WIDTH), bool)] * 5)


def test_a_frame_that_was_not_there_is_found_in_the_plate(panned):
    (frame,), (mask,) = film([(77.5, 43)])
    found = panned.locate(frame, mask)
    assert found[:2, 2] - panned.transforms[0, :2, 2] == pytest.approx(
        np.array([77.5, 43]) - pan()[0], abs=0.5)
    assert panned.locate(frame[::-1, ::-1], mask[::-1, ::-1]) is None
    near = panned.locate(frame, mask, found @ np.array([[1, 0, 4], [0, 1, -3], [0, 0, 1.0]]))
    assert near[:2, 2] == pytest.approx(found[:2, 2], abs=0.2)


def test_a_camera_that_goes_on_beyond_the_plate_is_followed_there(panned):
    """From 20 px on it sees ever less of what the plate shows, at last next to nothing, and once
    it is taken for looking elsewhere."""
    path = np.array([(x, 40) for x in range(150, 261, 5)], float)
    frames, masks = film(path, stands=lambda f: 70)
    locate, asked = panned.locate, []

    class Misled(Plate):
        def locate(self, frame, mask, near=None):
            found = locate(frame, mask, near)
            asked.append(found is not None)
            return found @ np.array([[1, 0, 9], [0, 1, 3], [0, 0, 1]]) if len(asked) == 4 else found

    misled = Misled(**vars(panned))
    found = misled.locate_film(frames, masks, 120)[:, :2, 2] - panned.transforms[0, :2, 2]
    assert not all(asked), 'some frames are not found in the plate by themselves'
    assert np.abs(found - (path - pan()[0])).max() < 1.5


def test_of_a_moving_camera_too_the_frames_are_read_one_at_a_time():
    class Read(Sequence):
        alive, most = weakref.WeakValueDictionary(), 0

        def __len__(self):
            return len(frames)

        def __getitem__(self, f):
            frame = frames[f].copy()
            self.alive[id(frame)] = frame
            self.most = max(self.most, len(self.alive))
            return frame
    frames, masks = film([(x, 40 + x / 6) for x in np.linspace(20, 200, 30)])
    for frame in frames:
        frame[:8] = 10
    read = Read()
    plate = make_plate(read, masks)
    assert plate.bars[:8, :, 3].all() and read.most < 5


def test_bars_at_the_sides_do_not_hold_a_camera_that_pans():
    """Padding that never moves, as about a picture that is narrower than the frame."""
    def padded(path):
        frames, masks = film(path)
        for frame in frames:
            frame[:, :20] = frame[:, -20:] = 30
        return frames, masks
    path = [(20 + 5 * f, 40) for f in range(30)]
    plate = make_plate(*padded(path))
    beyond = [(60 + 7 * f, 42) for f in range(12)]
    found = plate.locate_film(*padded(beyond), 8)[:, :2, 2] - plate.transforms[0, :2, 2]
    assert np.abs(found - (np.array(beyond) - path[0])).max() < 1.5


def test_of_a_film_with_cuts_every_scene_is_found(panned):
    path = [(30 + f, 40) for f in range(20)] + [(150, 42 + f / 2) for f in range(8)]
    found = panned.locate_film(*film(path), 100)[:, :2, 2] - panned.transforms[0, :2, 2]
    assert np.abs(found - (np.array(path) - pan()[0])).max() < 1


def test_beyond_the_plate_the_floor_stays_level_though_the_plate_leans():
    """Each frame is turned against the median one the farther it lies to the right, as happens
    where a camera on a shoulder pans."""
    level = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    level[80:] = 200
    lean = np.array([[np.cos(.05), -np.sin(.05), 6], [np.sin(.05), np.cos(.05), -4], [0, 0, 1.0]])
    picture = cv2.warpAffine(level, lean[:2], (WIDTH - 40, HEIGHT + 10))
    seen = cv2.warpAffine(np.ones((HEIGHT, WIDTH), np.float32), lean[:2],
                          (WIDTH - 40, HEIGHT + 10))
    plate = Plate(picture, seen, lean[None], np.arange(1), SIZE,
                  np.zeros((HEIGHT, WIDTH, 4), np.uint8))
    shown, confidence = plate.at(lean)
    assert (confidence[:, -25:] == 0).any(1).all(), 'its right is not in the plate'
    floor = (shown[20:-20, :, 0] > 145).argmax(0)
    assert np.ptp(floor[5:-5]) <= 1


def test_a_locked_camera_looks_where_the_moving_one_looked_most():
    path = [(20 + 10 * f, 40) for f in range(8)] + [(100, 40)] * 12
    plate = make_plate(*film(path))
    assert plate.locked() == pytest.approx(plate.transforms[-1], abs=0.3)


def test_a_plate_comes_back_from_the_disk_as_it_was(panned, tmp_path):
    panned.save(tmp_path / 'plate')
    assert {file.name for file in (tmp_path / 'plate').iterdir()} == {
        'plate.png', 'plate.npz', '.written.json'}
    again = Plate.load(tmp_path / 'plate')
    assert again.size == panned.size
    for name in ('picture', 'confidence', 'transforms', 'numbers', 'bars'):
        assert np.array_equal(getattr(again, name), getattr(panned, name), equal_nan=True), name


def test_a_folder_of_something_else_is_named(tmp_path):
    (tmp_path / 'plate.png').write_bytes(b'no picture')
    for folder in (tmp_path, tmp_path / 'nowhere'):
        with pytest.raises(UserError, match=folder.name):
            Plate.load(folder)


def test_no_frame_is_told_in_one_sentence():
    with pytest.raises(UserError, match='there are none'):
        make_plate([], [])
