"""What the scores of a picture promise, at pictures whose scores can be worked out by hand."""
import math

import numpy as np
import pytest

from util.metrics import C1, C2, SIGMA, WINDOW, l1, psnr, ssim, ssim_map


@pytest.fixture
def noise():
    return np.random.default_rng(0).integers(40, 200, (24, 30, 3), np.uint8)


def test_like_pictures_are_as_near_as_can_be(noise):
    assert (l1(noise, noise), psnr(noise, noise)) == (0, math.inf)
    assert ssim(noise, noise) == pytest.approx(1)


def test_black_for_white_is_as_far_as_can_be():
    black, white = np.zeros((12, 12, 3), np.uint8), np.full((12, 12, 3), 255, np.uint8)
    assert (l1(black, white), psnr(black, white)) == (2, 0)


def test_the_same_offset_everywhere_gives_what_the_formulas_say(noise):
    brighter = noise + np.uint8(51)
    assert l1(noise, brighter) == pytest.approx(2 * 51 / 255)
    assert psnr(noise, brighter) == pytest.approx(20 * math.log10(255 / 51))
    flat = np.full((20, 20, 3), 100, np.uint8)
    says = (2 * 100 * 151 + C1) / (100 ** 2 + 151 ** 2 + C1)        # no contrast: only brightness
    assert ssim(flat, flat + np.uint8(51)) == pytest.approx(says)


def test_a_pixel_is_as_similar_as_the_window_about_it(noise):
    other = np.random.default_rng(1).integers(0, 256, noise.shape, np.uint8)
    offsets = np.arange(WINDOW) - WINDOW // 2
    weights = np.exp(-(offsets[:, None] ** 2 + offsets ** 2) / (2 * SIGMA ** 2))
    weights = weights / weights.sum()
    of_channels = []
    for c in range(3):
        x, y = (image[4:15, 7:18, c].astype(float) for image in (noise, other))
        mean_x, mean_y = (weights * x).sum(), (weights * y).sum()
        var_x, var_y = (weights * (x - mean_x) ** 2).sum(), (weights * (y - mean_y) ** 2).sum()
        both = (weights * (x - mean_x) * (y - mean_y)).sum()
        of_channels.append((2 * mean_x * mean_y + C1) * (2 * both + C2)
                           / ((mean_x ** 2 + mean_y ** 2 + C1) * (var_x + var_y + C2)))
    assert ssim_map(noise, other)[9, 12] == pytest.approx(np.mean(of_channels))


def test_order_does_not_matter_and_grey_pictures_will_do(noise):
    other = noise[::-1]
    for score in (l1, psnr, ssim):
        assert score(noise, other) == pytest.approx(score(other, noise))
        assert math.isfinite(score(noise[..., :1], other[..., :1]))
