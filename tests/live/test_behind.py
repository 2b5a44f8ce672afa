"""The camera's picture without the person: what was seen there before, else colours from around."""
from dataclasses import replace

import numpy as np
import pytest

from live.backgrounds import Backgrounds
from live.behind import Behind
from live.frames import Captured, Posed
from pose.masks import PersonMask

SIZE = 96, 64
RED = (230, 10, 10)


def room(seed: int = 0) -> np.ndarray:
    """uint8 (H, W, 3), without red; noise that a small picture keeps."""
    coarse = np.random.default_rng(seed).integers(60, 120, (8, 12, 3), np.uint8)
    return coarse.repeat(8, 0).repeat(8, 1)


def filmed(x: int, behind: np.ndarray) -> tuple[np.ndarray, PersonMask]:
    """Somebody red at that column, and the mask."""
    image = behind.copy()
    image[16:56, x - 6:x + 6] = RED
    mask = np.zeros((64, 64), np.uint8)
    mask[12:52, 26:38] = 255
    return image, PersonMask.of(mask, x, 36, 64)


def redness(image: np.ndarray) -> float:
    return float((image[..., 0].astype(int) - image[..., 1]).max())


def test_where_the_person_stood_the_room_is_seen_once_it_moved_away() -> None:
    behind, empty = Behind(), room()
    for x in range(20, 72, 4):
        shown = behind(*filmed(x, empty))
    assert np.array_equal(shown, empty)


def test_what_was_never_seen_has_the_colours_around_and_nothing_of_the_person() -> None:
    empty = room()
    image, mask = filmed(40, empty)
    shown = Behind()(image, mask)
    assert redness(image) > 200 and redness(shown) < 80
    outside = np.ones(SIZE[::-1], bool)
    outside[:, 24:56] = False
    assert np.array_equal(shown[outside], empty[outside])


def test_what_was_never_seen_has_the_grain_around() -> None:
    """A smooth patch amid gravel is seen at once."""
    gravel = np.random.default_rng(0).integers(60, 120, (256, 384, 1), np.uint8).repeat(3, 2)
    image = gravel.copy()
    image[64:224, 160:208] = RED
    mask = np.zeros((64, 64), np.uint8)
    mask[12:52, 26:38] = 255
    shown = Behind()(image, PersonMask.of(mask, 184, 144, 256))
    assert redness(shown) < 80
    assert shown[80:208, 164:204].std() > 0.5 * gravel.std()


def test_another_room_is_not_mixed_with_the_one_before() -> None:
    behind = Behind()
    for x in range(20, 72, 4):
        behind(*filmed(x, room()))
    other = 255 - room(1)
    shown = behind(*filmed(40, other)).astype(int)
    assert np.abs(shown - other).max() < 80


def test_who_is_lost_for_a_moment_is_not_taken_for_the_room() -> None:
    behind, empty = Behind(), room()
    for x in range(20, 72, 4):
        image, mask = filmed(x, empty)
        behind(image, mask)
    moved, _ = filmed(24, empty)
    shown = behind(moved, mask, learns=False)
    assert np.array_equal(shown, empty)


def test_without_a_mask_the_picture_stays_as_it_is() -> None:
    image, _ = filmed(40, room())
    assert Behind()(image, None) is image


@pytest.mark.parametrize('has_mask', [True, False])
def test_the_background_source_hides_the_person_whose_mask_is_known(has_mask: bool) -> None:
    image, mask = filmed(40, room())
    joints = np.ones((25, 3), np.float32)
    posed = Posed(Captured(0, 0.0, image), joints, joints, None, 'BODY_25', np.eye(3))
    posed = replace(posed, mask=mask if has_mask else None)
    shown = Backgrounds('source', True).behind(SIZE, posed, np.eye(3))
    assert (redness(shown) < 80) == has_mask
