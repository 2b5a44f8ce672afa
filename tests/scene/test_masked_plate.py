"""The background with the detector's masks: nobody stays in it, and no outline of anybody."""
import cv2
import numpy as np
import pytest

from pose.skeleton import BODY_25
from scene.background import make_plate
from scene.bars import find_bars
from scene.camera import View, _similarity
from scene.fill import filled
from scene.matte import covered
from tests.scene.test_background import (
    HEIGHT,
    PERSON,
    SIZE,
    STANDING,
    WALKS,
    WIDTH,
    cut_of,
    film,
    off,
    pan,
)
from tests.scene.test_matte import body

OTHER = (20, 40, 200)


def test_a_second_person_in_the_background_is_left_out_of_the_plate():
    """He stays for two thirds of the film; no pose of his is followed, only his mask is there."""
    frames, masks = film(STANDING, **WALKS)
    told = []
    for f, (frame, mask) in enumerate(zip(frames, masks)):
        x = 130 if f < 16 else 12
        frame[40:100, x:x + 12] = OTHER
        others = np.zeros_like(mask)
        others[40:100, x:x + 12] = True
        told.append(np.dstack([255 * mask, 255 * others, 0 * mask]).astype(np.uint8))
    nobody = np.zeros((25, 3))
    nobody[1] = 5, 5, 1                     # a pose of one joint, in a corner
    everybody = [covered(nobody, BODY_25, SIZE, each) for each in told]
    plate = make_plate(frames, everybody, still=True)
    assert off(plate.picture, cut_of(100, 40), np.s_[36:104, 125:150]) < 4
    assert off(plate.picture, cut_of(100, 40), np.s_[36:104, 6:30]) < 4


def test_without_a_mask_the_surroundings_of_the_pose_are_nobodys_background():
    pose = body()
    mask = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    mask[50:60, 20:30, 1] = 200
    around, told = covered(pose, BODY_25, SIZE), covered(pose, BODY_25, SIZE, mask)
    assert not around[55, 25] and told[49:61, 19:31].all() and not told[55, 40]
    assert told[int(pose[8, 1]), int(pose[8, 0])], 'a limb that the mask misses is covered too'


def test_who_never_leaves_the_place_leaves_no_outline_in_the_plate():
    """A plain wall over a floor, a halo of two pixels and a soft shadow around the person."""
    wall = np.full((HEIGHT, WIDTH, 3), 190, np.uint8)
    wall[90:] = 120
    true = np.zeros((HEIGHT, WIDTH), np.uint8)
    true[30:104, 70:90] = 1
    near = cv2.GaussianBlur(true.astype(np.float32), (0, 0), 3)[..., None]
    frames, masks = [], []
    for f in range(20):
        frame = wall * (1 - 0.3 * near)
        frame[true > 0] = PERSON
        noise = np.random.default_rng(f).normal(0, 2, frame.shape)
        frames.append((frame + noise).clip(0, 255).astype(np.uint8))
        masks.append(cv2.dilate(true, np.ones((3, 3))) > 0)
    plate = make_plate(frames, masks, still=True)
    assert (plate.confidence[true > 0] == 0).all()
    ring = (near[..., 0] > 0.15) & (np.arange(HEIGHT) < 84)[:, None]
    assert off(plate.picture, wall, ring) < 7, 'no ring of the shadow is left'
    rows = plate.picture[40:80, 50:110].astype(int)
    assert np.abs(np.diff(rows, axis=1)).max() < 14, 'and no line where the hole was filled'
    assert off(plate.picture, wall, np.s_[95:110, 60:100]) < 12, 'the floor goes on behind the feet'


def test_a_hole_is_filled_without_a_seam_and_rows_go_on_across_it():
    picture = np.zeros((90, 120, 3), np.uint8)
    picture[:45], picture[45:] = (200, 180, 160), (60, 70, 80)
    picture = (picture * np.linspace(0.8, 1, 120)[:, None]).astype(np.uint8)
    holes = np.zeros((90, 120), bool)
    holes[10:80, 40:80] = True
    damaged = np.where(holes[..., None], 0, picture).astype(np.uint8)
    found = filled(damaged, holes)
    assert np.array_equal(found[~holes], picture[~holes])
    away = np.abs(np.arange(90) - 44.5) > 4
    assert off(found[away], picture[away]) < 2
    for nothing in (holes & False, ~(holes & False)):
        assert np.array_equal(filled(damaged, nothing), damaged), 'nothing to fill, or to fill from'


def test_features_that_all_match_one_point_are_no_movement():
    """As on a plain wall, where one corner looks like every other: no zoom to a point."""
    frame, mask = np.zeros((HEIGHT, WIDTH, 3), np.uint8), np.zeros((HEIGHT, WIDTH), bool)
    view = View(frame, mask)
    spread = np.random.default_rng(0).uniform(0, 100, (40, 2)).astype(np.float32)
    one = np.full_like(spread, 50)
    assert _similarity(view, view, spread, one, 12) is None
    assert _similarity(view, view, spread, spread + 3, 12)[:2, 2] == pytest.approx([3, 3])


def letterboxed(frames, top=12, bottom=12, left=0, right=0):
    for f, frame in enumerate(frames):
        black = np.random.default_rng(f).integers(14, 19, frame.shape, np.uint8)
        inner = frame[top:HEIGHT - bottom, left:WIDTH - right].copy()
        frame[:] = black
        frame[top:HEIGHT - bottom, left:WIDTH - right] = inner
    return frames


@pytest.mark.parametrize('path', [STANDING, pan()])
def test_the_bars_of_a_letterbox_are_bars_before_every_camera(path):
    frames, masks = film(path, **WALKS)
    plate = make_plate(letterboxed(frames), masks)
    there = plate.bars[..., 3] > 0
    assert there[:12].all() and there[-12:].all() and not there[13:-13].any()
    picture, where = plate.bars_at((320, 240))
    assert picture.shape == (240, 320, 3) and where.dtype == bool
    assert where[:24].all() and not where[26:-26].any() and picture[where].max() < 20
    shown, sure = plate.at(plate.transforms[3])
    assert shown[:12].max() < 20 and (sure[:12] == 1).all() and shown[16:-16].min() > 30


def test_bars_may_hold_titles_and_lie_on_every_side():
    frames, _ = film(STANDING, **WALKS)
    for frame in letterboxed(frames, 20, 14, 22, 26):
        frame[6:14, 40:110:2] = 230
    there = find_bars(frames)[..., 3] > 0
    scene = np.s_[20:-14, 22:-26]
    assert not there[scene].any() and (~there).sum() == there[scene].size


def dim(shape):
    """A dark stage: black above, ever lighter towards the floor, and one spot of light."""
    stage = np.zeros(shape, np.float32)
    stage[:] = 8 + 110 * np.linspace(0, 1, shape[0])[:, None, None] ** 2
    cv2.circle(stage, (80, 70), 30, (150, 140, 120), -1)
    return stage


@pytest.mark.parametrize('scene', [
    dim, lambda shape: np.where(np.arange(shape[0])[:, None, None] < 50
                                + 6 * np.sin(np.arange(shape[1]) / 9)[:, None], 9.0,
                                120.0) * np.ones(shape)])
def test_a_dark_stage_and_a_night_sky_are_no_bars(scene):
    frames = []
    for f in range(10):
        noise = np.random.default_rng(f).normal(0, 2, (HEIGHT, WIDTH, 3))
        frames.append((scene((HEIGHT, WIDTH, 3)) + noise).clip(0, 255).astype(np.uint8))
    assert not find_bars(frames).any()
