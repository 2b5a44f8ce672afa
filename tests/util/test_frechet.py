"""What the Fréchet distance promises, at Gaussians whose distance has a closed form."""
import numpy as np
import pytest
from scipy.linalg import sqrtm

from util.errors import UserError
from util.metrics.frechet import frechet_distance

RNG = np.random.default_rng(0)


def sample(mean, root, count):
    """(count, D) points whose mean is `mean` and whose covariance is root @ root.T, exactly."""
    points = RNG.normal(size=(count, len(mean)))
    whitened = np.linalg.qr(points - points.mean(axis=0))[0] * np.sqrt(count - 1)
    return whitened @ np.transpose(root) + mean


def test_gaussians_along_the_axes_are_apart_by_their_means_and_deviations():
    a = sample([1, 2, 3], np.diag([1, 2, 3]), 40)
    b = sample([1, 4, 0], np.diag([2, 2, 5]), 25)
    assert frechet_distance(a, b) == pytest.approx((2 ** 2 + 3 ** 2) + (1 ** 2 + 2 ** 2))


def test_slanted_gaussians_are_apart_by_the_formula_of_the_paper():
    roots = RNG.normal(size=(2, 4, 4))
    s, t = (root @ root.T for root in roots)
    expected = 4 + np.trace(s + t - 2 * sqrtm(s @ t).real)
    a, b = sample([0] * 4, roots[0], 30), sample([1] * 4, roots[1], 30)
    assert frechet_distance(a, b) == pytest.approx(expected)


def test_fewer_pictures_than_features_are_no_trouble():
    """Turned into 200 dimensions, points in three are as far apart as before."""
    a = sample([1, 2, 3], np.diag([1, 2, 3]), 12)
    b = sample([1, 4, 0], np.diag([2, 2, 5]), 9)
    turn = np.linalg.qr(RNG.normal(size=(200, 3)))[0].T
    assert frechet_distance((a @ turn).astype('f4'), (b @ turn).astype('f4')) == pytest.approx(
        18, rel=1e-5)


def test_like_pictures_are_at_0_and_order_does_not_matter():
    a, b = RNG.normal(size=(20, 64)), RNG.normal(size=(30, 64)) + 1
    assert 0 <= frechet_distance(a, a[::-1]) < 1e-10
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a), abs=1e-9)
    assert frechet_distance(a, b) > 64 / 2


def test_one_picture_is_no_set():
    with pytest.raises(UserError, match='5 and 1'):
        frechet_distance(np.zeros((5, 3)), np.zeros((1, 3)))
