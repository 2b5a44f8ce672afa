"""A person who is painted part by part leaves no scraps in the air."""
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from drawn_dolls import SIZE, WALL, drawn, in_front, pose

from models.warping.canvas import Canvas
from models.warping.painter import Painter
from models.warping.part_choice import WHOLE
from models.warping.part_specks import remove_specks
from models.warping.parts import Bodies
from pose.skeleton import BODY_25

CLOTH = 180, 0, 60


def painted(one):
    """A canvas that shows a drawn person before a wall of two colours."""
    wall = np.full((SIZE[1], SIZE[0], 3), WALL, np.uint8)
    wall[:, 160:] = 20, 90, 60
    canvas = Canvas.of(wall)
    person = drawn(one, in_front())
    there = person[..., 3] > 0
    canvas.picture[there] = person[there, :3]
    canvas.alpha[there] = 255
    return canvas


def with_scrap(canvas, left, top, side=8):
    """The same with a piece of cloth there, whose edge is soft."""
    piece = np.zeros(SIZE[::-1], np.uint8)
    piece[top:top + side, left:left + side] = 255
    piece = cv2.GaussianBlur(piece, (0, 0), 0.7)
    share = piece[..., None] / 255
    picture = canvas.picture * (1 - share) + np.array(CLOTH) * share
    return Canvas(np.rint(picture).astype(np.uint8), np.maximum(canvas.alpha, piece), canvas.behind)


def cleaned(canvas, one):
    found = canvas.copy()
    remove_specks(found, Bodies(one[None], BODY_25))
    return found


@pytest.mark.parametrize('left, top', [(50, 40), (190, 90), (200, 220)])
def test_a_scrap_in_the_air_shows_the_background_again(left, top):
    one = pose()
    before = painted(one)
    found = cleaned(with_scrap(before, left, top), one)
    assert np.abs(found.picture.astype(int) - before.picture).max() <= 4
    assert found.alpha.max(initial=0, where=before.alpha == 0) <= 4


def test_a_pose_painted_part_by_part_has_no_scrap_in_the_air():
    """The parts of one frame carry a piece that is none of theirs into the pose."""
    one = pose()
    before = painted(one)

    class Parts:
        bodies = Bodies(one[None], BODY_25)

        def paint(self, picture, alpha, *rest):
            torn = with_scrap(before, 190, 90)
            picture[:], alpha[:] = torn.picture, torn.alpha
    canvas = Canvas.of(before.behind)
    Painter.draw_parts(SimpleNamespace(doll=Parts()), canvas, one, WHOLE, SIZE)
    assert np.abs(canvas.picture.astype(int) - before.picture).max() <= 4


def test_a_scrap_next_to_the_body_leaves_the_body_as_it_is():
    one = pose()
    before = painted(one)
    edge = int(np.flatnonzero(before.alpha[80])[-1])        # of an arm
    found = cleaned(with_scrap(before, edge + 5, 76), one)
    inside = before.alpha > 0
    assert np.array_equal(found.picture[inside], before.picture[inside])
    assert found.alpha[80, edge + 6:].max() < 40


def test_cloth_that_hangs_together_with_the_body_stays():
    one = pose()
    torn = with_scrap(painted(one), 148, 104, side=20)      # a wide sleeve
    found = cleaned(torn, one)
    assert np.array_equal(found.picture, torn.picture)


def test_a_hand_beyond_the_wrist_stays_even_where_it_is_torn_off():
    one = pose()
    canvas = painted(one)
    canvas.alpha[118:124, 140:160] = 0                      # between a forearm and its hand
    canvas.picture[118:124, 140:160] = canvas.behind[118:124, 140:160]
    assert (canvas.alpha[126:134, 140:160] > 0).any()
    assert np.array_equal(cleaned(canvas, one).picture, canvas.picture)


def test_a_pose_of_which_nothing_is_seen_leaves_the_picture_as_it_is():
    canvas = painted(pose())
    assert np.array_equal(cleaned(canvas, np.zeros_like(pose())).picture, canvas.picture)
