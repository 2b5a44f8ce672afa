"""The pictures of docs/filming.md are those that its command draws."""
from pathlib import Path

import numpy as np
import pytest

from scripts.dev.filming_pictures import BAD, FILES, GOOD, marked
from util.images import read_image

DOCS = Path(__file__).parents[3] / 'docs'


@pytest.mark.parametrize('name', FILES)
def test_the_guide_shows_what_the_command_draws(name):
    drawn = FILES[name]().astype(int)
    shown = read_image(DOCS / name)
    assert shown is not None and shown.shape == drawn.shape
    assert np.abs(shown - drawn).mean() < 2


def test_good_and_bad_are_marked_in_their_colours_and_the_picture_stays():
    plain = np.zeros((60, 60, 3), np.uint8)
    for colour in (GOOD, BAD):
        assert (marked(plain, colour) == colour).all(2).any()
    assert not plain.any() and marked(plain, (29, 32, 36)) is plain
