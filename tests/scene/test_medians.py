"""Close to a person who stays in one place the room keeps its lines, and not her shadow."""
import cv2
import numpy as np
import pytest

from scene.background import make_plate
from scene.film_plate import film_plate
from scene.medians import UNSEEN, Stack, middle
from tests.scene.test_background import HEIGHT, SIZE, STANDING, cut_of, film, off

LARGER = 3


def near(mask):
    """bool (H, W): what is seen 2 to 5 px from the mask: too near to be believed, 4 % of 120 px."""
    far, close = (cv2.dilate(mask.astype(np.uint8), np.ones((2 * n + 1, 2 * n + 1))) > 0
                  for n in (4, 1))
    return far & ~close


def smooth(monkeypatch, make):
    """The plate that is made without the edges seen near somebody."""
    with monkeypatch.context() as patch:
        patch.setattr('scene.background.completed', lambda picture, sure, start, edges: start)
        patch.setattr('scene.film_plate.completed', lambda picture, sure, start, edges: start)
        return make().picture


def shaded(frames, masks):
    """The frames, darker around the person, by up to a fifth next to her."""
    random = np.random.default_rng(5)
    for frame, mask in zip(frames, masks, strict=True):
        dark = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), random.uniform(10, 14))[..., None]
        yield np.where(mask[..., None], frame, frame * (1 - 0.5 * dark)).astype(np.uint8)


def test_lines_near_a_person_who_stands_still_go_on(monkeypatch):
    frames, masks = film(STANDING)
    ring, truth = near(masks[0]), cut_of(100, 40)
    found = make_plate(frames, masks).picture
    before = smooth(monkeypatch, lambda: make_plate(frames, masks))
    assert off(found, truth, ring) < 0.7 * off(before, truth, ring)


def test_lines_go_on_and_a_soft_shadow_does_not(monkeypatch):
    frames, masks = film(STANDING)
    frames = list(shaded(frames, masks))
    ring, truth = near(masks[0]), cut_of(100, 40)
    found = make_plate(frames, masks, still=True).picture
    before = smooth(monkeypatch, lambda: make_plate(frames, masks, still=True))
    assert off(found, truth, ring) < 1.1 * off(before, truth, ring)


@pytest.mark.parametrize('frames', [5, 24])
def test_at_film_size_lines_near_her_are_as_sharp_as_elsewhere(frames, monkeypatch):
    small, masks = film(STANDING[:frames])
    size = LARGER * SIZE[0], LARGER * SIZE[1]
    truth = cv2.resize(cut_of(100, 40), size, interpolation=cv2.INTER_NEAREST)
    large = []
    for f in range(frames):
        frame = truth.copy()
        person = cv2.resize(masks[f].astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
        frame[person] = small[f][60, 65]
        large.append(frame)
    def make():
        return film_plate(make_plate(small, masks), large, masks, size)
    ring = cv2.resize(near(masks[0]).astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    found, before = make().picture, smooth(monkeypatch, make)
    assert off(found, truth, ring) < 0.7 * off(before, truth, ring)


def test_a_median_leaves_out_what_is_not_seen():
    samples = np.full((1, 3, 3, 4), UNSEEN, np.int16)
    samples[0, 0] = [7, -5, UNSEEN, 9]
    samples[0, 1] = [UNSEEN, 3, UNSEEN, 4]
    found, seen = middle(samples)
    assert seen.tolist() == [[3, 2, 0]]
    assert (found[0, 0] == 7).all() and (found[0, 1] == 4).all()


def test_strips_of_few_rows_give_what_one_strip_gives(monkeypatch):
    frames, masks = film(STANDING[:6])
    stack = Stack(frames, masks, np.tile(np.eye(3), (6, 1, 1)), SIZE)
    where = np.zeros((HEIGHT, SIZE[0]), bool)
    where[20:100, 40:120] = True
    whole = stack.edges(where, 0.5)
    monkeypatch.setattr('scene.medians.CHUNK', 700 * 3 * 3 * 6)
    strips = stack.edges(where, 0.5)
    for name in ('right', 'down'):
        assert np.array_equal(getattr(whole, name), getattr(strips, name), equal_nan=True)
    known = ~np.isnan(whole.down[..., 0])
    assert known[25:95, 90:110].all() and not known[30:110, 62:74].any() and not known[:19].any()
    assert np.abs(whole.right[50, 90:110] - np.diff(cut_of(100, 40)[50, 90:111].astype(int),
                                                    axis=0)).max() < 8
