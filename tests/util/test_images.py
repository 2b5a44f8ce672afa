"""Pictures in memory keep their shapes and colours."""
import numpy as np

from util.images import side_by_side


def test_side_by_side_has_one_height_from_left_to_right():
    red, blue = np.zeros((20, 10, 3), np.uint8), np.zeros((40, 30, 3), np.uint8)
    red[..., 0] = blue[..., 2] = 255
    both = side_by_side(red, blue)
    assert both.shape == (40, 20 + 30, 3)
    assert (both[:, :20] == (255, 0, 0)).all() and (both[:, 20:] == (0, 0, 255)).all()
    assert side_by_side(red, blue, height=20).shape == (20, 10 + 15, 3)
