"""A person mask is kept small and is drawn where it was found, in any crop of the picture."""
import numpy as np
import pytest

from pose.masks import PersonMask

SIZE = 120, 90


def half(count=64):
    """uint8 (S, S): the left half of a square is the person."""
    values = np.zeros((count, count), np.uint8)
    values[:, :count // 2] = 255
    return values


def test_a_mask_lies_in_its_square_and_nowhere_else():
    shown = PersonMask.of(half(), 60, 40, 32).drawn(SIZE)
    assert shown.shape == (90, 120) and shown.dtype == np.uint8
    true = np.zeros((90, 120), bool)
    true[24:56, 44:60] = True
    assert np.array_equal(shown > 127, true)


def test_a_turned_square_turns_its_mask():
    """A quarter from x towards y: what was left is now above."""
    shown = PersonMask.of(half(), 60, 40, 32, np.pi / 2).drawn(SIZE)
    true = np.zeros((90, 120), bool)
    true[24:40, 44:76] = True
    assert np.array_equal(shown > 127, true)


def test_a_crop_shows_the_part_of_the_mask_that_lies_in_it():
    """Twice as large, from (40, 20) on: pixel centres lie at integers."""
    matrix = np.array([[2, 0, -2 * 40 + 0.5], [0, 2, -2 * 20 + 0.5]])
    shown = PersonMask.of(half(), 60, 40, 32).drawn((100, 80), matrix)
    true = np.zeros((80, 100), bool)
    true[8:72, 8:40] = True
    assert np.array_equal(shown > 127, true)


def test_a_mask_that_is_drawn_much_smaller_keeps_its_share_of_the_pixels():
    stripes = np.tile(255 * ((np.arange(256) + 2) // 4 % 2), (256, 1)).astype(np.uint8)
    shown = PersonMask.of(stripes, 60, 40, 32).drawn(SIZE)
    assert shown[30:50, 50:70].mean() == pytest.approx(127.5, abs=3)
    assert shown[30:50, 50:70].std() < 10, 'no stripes are left to be skipped'


def test_a_mask_takes_a_few_kilobytes_and_loses_nothing():
    values = half(256)
    values[:, 100:128] = np.linspace(255, 0, 28)
    mask = PersonMask.of(values, 0, 0, 256)
    assert len(mask.png) < 8000 and np.array_equal(mask.values, values)
