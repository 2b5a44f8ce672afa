"""The grain of what no frame shows: taken from next to it where that is rough, and nowhere else."""
import cv2
import numpy as np

from scene.fill import filled
from scene.grain import give_grain

HOLE = slice(40, 200), slice(150, 220)


def completed(room: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The room with a hole that is filled in smoothly, before it has grain and after."""
    holes = np.zeros(room.shape[:2], bool)
    holes[HOLE] = True
    seen = room.copy()
    seen[HOLE] = (230, 10, 10)
    smooth = filled(seen, holes)
    grained = smooth.copy()
    give_grain(grained, holes)
    assert np.array_equal(grained[~holes], room[~holes])
    return smooth[HOLE], grained[HOLE]


def gravel() -> np.ndarray:
    """Gray stones of some px."""
    stones = np.random.default_rng(0).integers(40, 160, (80, 128, 1), np.uint8)
    return stones.repeat(3, 0).repeat(3, 1).repeat(3, 2)


def test_a_hole_in_gravel_is_gravel():
    """A smooth patch is seen at once."""
    room = gravel()
    smooth, grained = completed(room)
    assert smooth.std() < 0.5 * room.std() and 0.7 < grained.std() / room.std() < 1.3
    assert (np.ptp(grained.astype(int), -1) < 30).all(), 'nothing of who stood there, in red'


def test_a_plain_wall_gets_no_second_door():
    room = np.full((240, 384, 3), 200, np.uint8)
    room[:, 96:110] = 120                           # the frame of a door
    room += np.random.default_rng(0).integers(0, 4, room.shape, np.uint8)
    smooth, grained = completed(room)
    assert cv2.absdiff(smooth, grained).max() <= 2


def test_a_wall_next_to_gravel_stays_plain():
    room = gravel()
    room[:, 100:280] = 180
    smooth, grained = completed(room)
    assert cv2.absdiff(smooth, grained).max() <= 2


def test_a_place_at_the_edge_of_the_picture_stays():
    room = gravel()
    holes = np.zeros(room.shape[:2], bool)
    holes[:, 300:] = True
    smooth = filled(room, holes)
    given = smooth.copy()
    give_grain(given, holes)
    assert np.array_equal(given, smooth)


def test_nothing_is_taken_from_another_place_that_was_never_seen():
    room = gravel()
    holes = np.zeros(room.shape[:2], bool)
    holes[HOLE] = True
    holes[30:210, 60:140] = True
    smooth = filled(room, holes)
    given = smooth.copy()
    give_grain(given, holes)
    left = given[HOLE][:, :30]                      # next to that other place
    assert left.std() > 0.7 * room.std()
