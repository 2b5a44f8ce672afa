"""Images in memory keep their shapes and colours."""
import errno
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from util.errors import UserError
from util.images import resized, side_by_side, write_image


@pytest.mark.parametrize('number', [errno.ENOSPC, errno.EACCES])
def test_room_is_asked_for_only_where_the_disk_is_full(number, tmp_path, monkeypatch):
    def refused(path, data):
        raise OSError(number, os.strerror(number))
    monkeypatch.setattr(Path, 'write_bytes', refused)
    reason = rf'1.png could not be written \({os.strerror(number)}(; \d+ MB are free there)?\)\. '
    with pytest.raises(UserError, match=reason) as said:
        write_image(tmp_path / '1.png', np.zeros((4, 4, 3), np.uint8))
    assert ('Make room' in str(said.value)) == (number == errno.ENOSPC)


def test_side_by_side_has_one_height_from_left_to_right():
    red, blue = np.zeros((20, 10, 3), np.uint8), np.zeros((40, 30, 3), np.uint8)
    red[..., 0] = blue[..., 2] = 255
    both = side_by_side(red, blue)
    assert both.shape == (40, 20 + 30, 3)
    assert (both[:, :20] == (255, 0, 0)).all() and (both[:, 20:] == (0, 0, 255)).all()
    assert side_by_side(red, blue, height=20).shape == (20, 10 + 15, 3)


def test_an_image_that_shrinks_is_averaged_and_one_that_grows_is_interpolated():
    checks = np.indices((8, 12)).sum(0) % 2 * np.uint8(255)
    image = np.dstack([checks] * 3).astype(np.uint8)
    small = resized(image, (6, 4))
    assert small.shape == (4, 6, 3) and np.abs(small.astype(int) - 127.5).max() < 1
    large = resized(image, (24, 16))
    assert np.array_equal(large, cv2.resize(image, (24, 16), interpolation=cv2.INTER_CUBIC))
    assert np.array_equal(resized(image, (12, 8)), image)


def test_a_caller_may_say_that_an_image_shrinks():
    image = np.random.default_rng(0).integers(0, 256, (16, 8, 3), np.uint8)
    assert np.array_equal(resized(image, (8, 12), shrinks=True),
                          cv2.resize(image, (8, 12), interpolation=cv2.INTER_AREA))
    assert np.array_equal(resized(image, (8, 12)),
                          cv2.resize(image, (8, 12), interpolation=cv2.INTER_CUBIC))


@pytest.mark.parametrize('shape', [(31, 24, 3), (31, 24, 1)])
def test_an_image_at_its_own_size_is_a_copy_without_being_interpolated(shape, monkeypatch):
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    for how in (cv2.INTER_AREA, cv2.INTER_CUBIC):
        assert np.array_equal(cv2.resize(image, (24, 31), interpolation=how).reshape(shape), image)
    monkeypatch.setattr(cv2, 'resize', lambda *_, **__: pytest.fail('it interpolates'))
    same = resized(image, (24, 31))
    assert np.array_equal(same, image) and not np.shares_memory(same, image)
