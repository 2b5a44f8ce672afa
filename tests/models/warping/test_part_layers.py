"""Painting part by part: what is covered, cutouts cropped to the person, sizes, what is kept."""
import threading
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from drawn_dolls import SIZE, WALL, Frames, in_front, pose

from models.warping.part_layers import Doll
from models.warping.part_pieces import Cutout, own_colours
from models.warping.parts import Bodies
from models.warping.remembered import Remembered
from pose.skeleton import BODY_25, moved
from util.images import scaling

RAISED = {'RElbow': (72, 48), 'RWrist': (56, 22)}


class Large(Frames):
    """The same frames `times` as large; `cropped` to the person."""

    def __init__(self, poses, times=1, cropped=True):
        super().__init__(poses)
        self.size = SIZE[0] * times, SIZE[1] * times
        self.cropped = cropped
        self.pictures = [cv2.resize(picture, self.size, interpolation=cv2.INTER_NEAREST)
                         for picture in self.pictures]

    def cutout(self, row):
        picture = self.pictures[row]
        left, top, width, height = cv2.boundingRect(picture[..., 3])
        if not self.cropped:
            left, top, width, height = 0, 0, *self.size
        return Cutout(picture[top:top + height, left:left + width], left, top)


def painted(frames, asked, wall=WALL):
    """A pose painted from frame 0: uint8 (H, W, 3), and what it covers, uint8 (H, W)."""
    known = moved(pose()[None], scaling(SIZE, frames.size))
    canvas = np.full((*frames.size[::-1], 3), wall, np.uint8)
    alpha = np.zeros(frames.size[::-1], np.uint8)
    order = ['trunk below', *in_front()]
    query = Bodies(moved(asked[None], scaling(SIZE, frames.size)), BODY_25)
    Doll(frames, Bodies(known, BODY_25)).paint(canvas, alpha, query, order, dict.fromkeys(order, 0))
    return canvas, alpha


def test_what_is_covered_says_how_much_of_each_pixel_is_the_person():
    """So the same person, painted onto black, can be laid over any background."""
    frames = Large([pose()])
    on_black, alpha = painted(frames, pose(**RAISED), wall=(0, 0, 0))
    on_wall, same = painted(frames, pose(**RAISED))
    assert np.array_equal(alpha, same)
    assert (alpha == 255).sum() > 5000 and (alpha == 0).sum() > 20000
    laid = on_black + np.array(WALL) * (1 - alpha[..., None] / 255)
    assert np.abs(laid - on_wall).max() <= 4


def test_a_cutout_cropped_to_the_person_is_painted_as_the_whole_frame_is():
    """But for the grid that ownership is computed on, which begins at the cutout's corner."""
    (cropped, alpha), (whole, alpha_) = (painted(Large([pose()], 2, cropped), pose(**RAISED))
                                         for cropped in (True, False))
    assert (np.abs(cropped.astype(int) - whole).max(-1) > 20).mean() < 0.001
    assert (np.abs(alpha.astype(int) - alpha_) > 20).mean() < 0.001


@pytest.mark.parametrize('times', [3, 5])
def test_large_frames_show_what_small_ones_do(times):
    small, _ = painted(Large([pose()]), pose(**RAISED))
    large, _ = painted(Large([pose()], times), pose(**RAISED))
    shrunk = cv2.resize(large, SIZE, interpolation=cv2.INTER_AREA)
    assert (np.abs(shrunk.astype(int) - small).max(-1) > 60).mean() < 0.01


def test_colours_that_a_frame_does_not_show_are_the_parts_own_at_any_size():
    """Red left of a green wall: what is made up on the right is red too."""
    image = np.zeros((90, 120, 3), np.uint8)
    image[:, :40], image[:, 40:] = (250, 0, 0), (0, 250, 0)
    sure = np.zeros((90, 120), bool)
    sure[:, :37] = True
    for shrink in (1, 3):
        made = own_colours(image, sure, shrink)
        assert (made[..., 0] >= 245).all() and (made[..., 1] <= 5).all()
        assert np.array_equal(made[sure], image[sure])


def test_what_is_kept_is_bounded_by_its_bytes_and_the_oldest_goes_first():
    made = []
    remembered = Remembered(lambda key: made.append(key) or np.zeros(10, np.uint8),
                            lambda value: value.nbytes, most=30)
    for key in (0, 1, 2, 0, 3):
        remembered(key)
    assert made == [0, 1, 2, 3] and remembered.bytes == 30
    remembered(0)
    assert made == [0, 1, 2, 3]
    remembered(1)
    assert made == [0, 1, 2, 3, 1]


def test_two_threads_that_ask_for_one_thing_compute_it_once():
    made, both = [], threading.Barrier(2)

    def get(key):
        made.append(key)
        threading.Event().wait(0.05)
        return key

    remembered = Remembered(get, lambda value: 1, most=10)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda key: both.wait() is None or remembered(key), (7, 7)))
    assert found == [7, 7] and made == [7]


def test_what_failed_is_tried_again():
    tries = []

    def get(key):
        tries.append(key)
        if len(tries) == 1:
            raise ValueError(key)
        return key

    remembered = Remembered(get, lambda value: 1, most=10)
    with pytest.raises(ValueError):
        remembered(3)
    assert remembered(3) == 3
