"""What the scores of a picture promise, at pictures whose scores can be worked out by hand."""
import json
import math

import numpy as np
import pytest
import torch

import test as painting_entry
import train as training_entry
from options.train_options import TrainOptions
from util.metrics import names, pictures
from util.metrics.pictures import (
    C1,
    C2,
    SIGMA,
    WINDOW,
    l1,
    ms_ssim,
    psnr,
    ssim,
    ssim_in_box,
    ssim_map,
)


@pytest.fixture
def noise():
    return np.random.default_rng(0).integers(40, 200, (24, 30, 3), np.uint8)


def test_like_pictures_are_as_near_as_can_be(noise):
    assert (l1(noise, noise), psnr(noise, noise)) == (0, math.inf)
    assert (ssim(noise, noise), ms_ssim(noise, noise)) == pytest.approx((1, 1))


def test_black_for_white_is_as_far_as_can_be():
    black, white = np.zeros((12, 12, 3), np.uint8), np.full((12, 12, 3), 255, np.uint8)
    assert (l1(black, white), psnr(black, white)) == (2, 0)


def test_the_same_offset_everywhere_gives_what_the_formulas_say(noise):
    brighter = noise + np.uint8(51)
    assert l1(noise, brighter) == pytest.approx(2 * 51 / 255)
    assert psnr(noise, brighter) == pytest.approx(20 * math.log10(255 / 51))
    flat = np.full((20, 20, 3), 100, np.uint8)
    says = (2 * 100 * 151 + C1) / (100 ** 2 + 151 ** 2 + C1)        # no contrast: only brightness
    assert ssim(flat, flat + np.uint8(51)) == pytest.approx(says, abs=1e-5)


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
    assert ssim_map(noise, other)[9, 12] == pytest.approx(np.mean(of_channels), abs=1e-5)


def test_ssim_is_the_mean_over_the_windows_that_lie_within_the_picture(noise):
    other, edge = noise[::-1], WINDOW // 2
    inner = ssim_map(noise, other)[edge:-edge, edge:-edge]
    assert ssim(noise, other) == pytest.approx(inner.mean(), abs=1e-6)


@pytest.mark.parametrize('rows, columns', [(slice(9, 13), slice(8, 20)),
                                           (slice(0, 6), slice(3, 30)),
                                           (slice(20, 24), slice(0, 4)),
                                           (slice(0, 24), slice(0, 30))])
def test_windows_in_a_box_reach_beyond_it(noise, rows, columns):
    other = np.random.default_rng(1).integers(0, 256, noise.shape, np.uint8)
    inside = ssim_map(noise, other)[rows, columns].mean()
    assert ssim_in_box(noise, other, (rows, columns)) == pytest.approx(inside, abs=1e-6)


def test_order_does_not_matter_and_grey_pictures_will_do(noise):
    other = noise[::-1]
    for score in (l1, psnr, ssim, ms_ssim):
        assert score(noise, other) == pytest.approx(score(other, noise))
        assert math.isfinite(score(noise[..., :1], other[..., :1]))


def checkered(side, squares=1):
    """Squares of 80 and 120 by turns, so many pixels wide: their deviation is 20."""
    y, x = np.indices((side, side)) // squares
    return np.where((x + y) % 2, 120, 80).astype(np.uint8)[..., None]


def test_ms_ssim_weighs_each_scale_as_published_and_brightness_at_the_coarsest_only():
    flat = np.full((176, 176, 3), 100, np.uint8)
    brightness = (2 * 100 * 151 + C1) / (100 ** 2 + 151 ** 2 + C1)
    assert ms_ssim(flat, flat + np.uint8(51)) == pytest.approx(brightness ** 0.1333, abs=1e-5)
    # of a checkerboard beside plain grey nothing is left once its squares are halved away
    lost = C2 / (20 ** 2 + C2)
    assert ms_ssim(checkered(176), flat[..., :1]) == pytest.approx(lost ** 0.0448, abs=1e-4)


def test_ms_ssim_of_a_small_picture_shares_the_weights_among_the_scales_it_has():
    flat = np.full((90, 175, 3), 100, np.uint8)
    brightness = (2 * 100 * 151 + C1) / (100 ** 2 + 151 ** 2 + C1)
    share = 0.2363 / (0.0448 + 0.2856 + 0.3001 + 0.2363)                # 90 px: four scales
    assert ms_ssim(flat, flat + np.uint8(51)) == pytest.approx(brightness ** share, abs=1e-5)
    small, plain = checkered(21), np.full((21, 21, 1), 100, np.uint8)
    assert ms_ssim(small, plain) == pytest.approx(ssim(small, plain))   # one scale


def test_opposite_pictures_are_not_alike_at_all_rather_than_no_number():
    assert ms_ssim(checkered(176), 200 - checkered(176)) == 0 > ssim(checkered(176),
                                                                     200 - checkered(176))


def test_every_score_of_a_picture_is_a_number_of_the_picture_and_of_its_box(noise):
    box = slice(4, 20), slice(6, 25)
    other = noise[::-1].copy()
    for score in names.picture_scores(thorough=True).values():
        assert math.isfinite(score.measure(noise, other)) and score.says
        if score.boxed:
            assert score.measure_box(noise, other, box) != score.measure(noise, other)


def test_a_new_score_is_one_line_for_evaluation_pages_and_save_best(pairs, small, tmp_path,
                                                                    monkeypatch):
    """How unlike the mean brightness is: nothing but its function and its line is written."""
    def dimness(painted, real):
        return abs(float(painted.mean()) - float(real.mean()))
    monkeypatch.setattr(pictures, 'dimness', dimness, raising=False)
    monkeypatch.setitem(names.SCORES, 'dimness', names.PictureScore(
        'Dimness', '', False, 1, 'difference of the means', f'{pictures.__name__}.dimness',
        save_best=True))
    places = ['--dataroot', str(pairs()), '--name', 'me', '--checkpoints_dir', str(tmp_path / 'ck')]
    training_entry.main([*places, *small, '--no_html', '--max_steps', '1', '--save_best',
                         'Dimness'])
    kept = torch.load(tmp_path / 'ck' / 'me' / 'latest_state.pth', weights_only=True)['best']
    page = painting_entry.main([*places, '--epoch', 'best', '--metrics', 'fast', '--no_video',
                                '--results_dir', str(tmp_path / 're')])
    told = json.loads((page.parent / 'metrics.json').read_text())
    painted = told['scores']['painted']
    assert kept['by'] == 'Dimness' and kept['score'] == pytest.approx(painted['dimness'], abs=0.5)
    assert math.isfinite(painted['box_dimness']) and len(told['frames_scores']['dimness']) == 3
    assert 'Dimness, person' in page.read_text() and 'difference of the means' in page.read_text()


def test_save_best_takes_the_scores_it_always_took():
    parse = lambda choice: TrainOptions().parse(['--dataroot', 'x', '--save_best', choice])
    assert list(names.save_best_choices()) == ['L1', 'PSNR', 'SSIM']
    assert [parse(choice).save_best for choice in ('L1', 'PSNR', 'SSIM')] == ['L1', 'PSNR', 'SSIM']


def test_metrics_json_lists_scores_in_the_order_it_always_had():
    assert list(names.picture_scores(thorough=True)) == ['l1', 'psnr', 'ssim', 'ms_ssim']
    assert list(names.picture_scores(thorough=False)) == ['l1', 'psnr', 'ssim']


@pytest.mark.slow
def test_the_scores_are_those_of_torchmetrics_within_the_picture():
    """Its means count windows that reach over the edge too; the papers' authors leave them out."""
    import torch

    from tests.reference import torchmetrics_functions
    theirs = torchmetrics_functions()
    rng = np.random.default_rng(0)
    real = np.kron(rng.integers(0, 256, (23, 27, 3), np.uint8), np.ones((8, 8, 1), np.uint8))
    painted = np.clip(np.roll(real, 1, axis=1) + rng.normal(0, 20, real.shape), 0, 255).astype(
        np.uint8)
    x, y = (torch.from_numpy(image).permute(2, 0, 1)[None].double() for image in (painted, real))
    measure, of = theirs.structural_similarity_index_measure, {'data_range': 255.0}
    assert psnr(painted, real) == pytest.approx(float(theirs.peak_signal_noise_ratio(x, y, **of)))
    means, contrasts = [], []
    for _ in range(5):
        means.append(float(measure(x, y, return_full_image=True, **of)[1][..., 5:-5, 5:-5].mean()))
        contrasts.append(float(measure(x, y, return_contrast_sensitivity=True, **of)[1]))
        x, y = (torch.nn.functional.avg_pool2d(image, 2) for image in (x, y))
    assert ssim(painted, real) == pytest.approx(means[0], abs=1e-5)
    terms = [*contrasts[:4], means[4]]
    assert ms_ssim(painted, real) == pytest.approx(
        math.prod(np.power(terms, (0.0448, 0.2856, 0.3001, 0.2363, 0.1333))), abs=1e-5)
