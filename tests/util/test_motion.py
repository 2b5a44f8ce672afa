"""What flicker and warp error promise, at drawn films whose values can be worked out by hand."""
import math
import weakref

import cv2
import numpy as np
import pytest

from util.metrics.motion import (
    ROUNDING,
    ROUNDING_SQUARED,
    Change,
    Motion,
    flow_between,
    visible,
)

FRAMES, SIDE = 6, 64


def texture(seed: int = 0) -> np.ndarray:
    """Grey clouds (96, 96, 3) for a flow to hold on to, 60 to 180."""
    clouds = cv2.GaussianBlur(np.random.default_rng(seed).random((96, 96)), (0, 0), 2)
    clouds = 60 + 120 * (clouds - clouds.min()) / np.ptp(clouds)
    return clouds.round().astype(np.uint8)[..., None].repeat(3, axis=2)


def still_film() -> list[np.ndarray]:
    return [texture()[:SIDE, :SIDE]] * FRAMES


def moving_film() -> list[np.ndarray]:
    """The clouds move 2 px to the left from each frame to the next."""
    return [texture()[:SIDE, 2 * k:2 * k + SIDE] for k in range(FRAMES)]


def blinking_film(levels: int) -> list[np.ndarray]:
    """Plain grey, every other frame brighter by so much."""
    return [np.full((SIDE, SIDE, 3), 100 + levels * (k % 2), np.uint8) for k in range(FRAMES)]


def watch(real: list[np.ndarray], painted: list[np.ndarray] | None = None,
          breaks: tuple[int, ...] = (0,)) -> Motion:
    motion = Motion()
    for k, frame in enumerate(real):
        motion.add(frame, {} if painted is None else {'painted': painted[k]}, k not in breaks)
    return motion


@pytest.mark.parametrize('film', [still_film, moving_film, lambda: blinking_film(1)])
def test_the_real_film_is_as_calm_as_itself(film):
    motion = watch(film(), film())
    assert motion.warp_error('painted').ratio == 1
    if film is not moving_film:
        assert motion.flicker('painted').ratio == 1


def test_flicker_is_the_change_where_the_truth_has_none():
    flicker = watch(still_film(), blinking_film(6)).flicker('painted')
    assert flicker.painted[1:] == pytest.approx(6) and flicker.real[1:] == pytest.approx(0)
    assert flicker.ratio == pytest.approx(6 / ROUNDING)
    assert flicker.ratios[1:] == pytest.approx(6 / ROUNDING)


def test_twice_the_noise_of_the_real_film_is_twice_its_flicker():
    noise = np.random.default_rng(0).integers(-3, 4, (FRAMES, SIDE, SIDE, 3))
    real, painted = ([np.uint8(100 + times * n) for n in noise] for times in (1, 2))
    assert watch(real, painted).flicker('painted').ratio == pytest.approx(2)


def test_what_moves_in_the_real_film_cannot_flicker():
    """A bright square crosses a still wall: the painter may do as he likes there, not beside."""
    wall = np.full((SIDE, SIDE, 3), 100, np.uint8)
    real, jittered, blinking = [], [], []
    for k in range(FRAMES):
        real.append(wall.copy())
        real[-1][20:40, 10 + 4 * k:30 + 4 * k] = 200
        jittered.append(np.roll(real[-1], 2 * (k % 2), axis=1))
        blinking.append(real[-1] + np.uint8(5 * (k % 2)))
    motion = Motion(with_flow=False)
    for k in range(FRAMES):
        motion.add(real[k], {'jittered': jittered[k], 'blinking': blinking[k]}, k > 0)
    assert motion.flicker('jittered').ratio == 1
    assert motion.flicker('blinking').ratio == pytest.approx(5 / ROUNDING)
    assert 0.5 < motion.flicker('blinking').weight[1] < 0.9
    assert not motion.warp_errors                       # as asked: no time was spent on them


def test_where_nothing_rests_there_is_no_flicker_to_tell():
    for real in (moving_film(), blinking_film(50)):
        flicker = watch(real, still_film()).flicker('painted')
        assert math.isnan(flicker.ratio) and np.isnan(flicker.ratios).all()


def test_warp_error_is_the_squared_change_along_the_way():
    warp = watch(moving_film(), blinking_film(10)).warp_error('painted')
    assert warp.painted[1:] == pytest.approx((10 / 255) ** 2)
    assert warp.ratio == pytest.approx((10 / 255) ** 2 / max(warp.real[1:].mean(),
                                                             ROUNDING_SQUARED))


def test_who_stands_still_where_the_truth_moves_errs_by_what_he_should_have_moved():
    ramp = np.arange(SIDE, dtype=np.uint8)[None, :, None] * 3       # 3 levels to the px
    standing = [np.broadcast_to(ramp, (SIDE, SIDE, 3)).copy()] * FRAMES
    motion = watch(moving_film(), standing)
    assert motion.warp_error('painted').painted[1:] == pytest.approx((2 * 3 / 255) ** 2, rel=0.05)
    along = watch(moving_film(), [clouds // 2 for clouds in moving_film()])
    assert along.warp_error('painted').ratio < 0.1 * motion.warp_error('painted').ratio


def test_frames_on_both_sides_of_a_break_are_not_compared():
    cut = blinking_film(0)[:3] + [np.full((SIDE, SIDE, 3), 250, np.uint8)] * 3
    motion = watch(still_film(), cut, breaks=(0, 3))
    for change in (motion.flicker('painted'), motion.warp_error('painted')):
        assert np.isnan(change.painted).tolist() == [True, False, False, True, False, False]
        assert change.ratio == 1
    assert watch(still_film(), cut).flicker('painted').painted[3] == 150


def test_a_frame_counts_by_the_pixels_that_rest_in_it():
    flicker = Change(np.array([math.nan, 1, 5]), np.array([math.nan, 1, 1]),
                     np.array([0, 0.75, 0.25]), least=0.5)
    assert flicker.ratio == 2


def test_a_film_of_one_frame_has_no_score():
    motion = watch(still_film()[:1], still_film()[:1])
    assert math.isnan(motion.flicker('painted').ratio)
    assert math.isnan(motion.warp_error('painted').ratio) and math.isnan(motion.own_warp_error())


def test_without_a_truth_a_film_is_held_against_its_own_flow():
    assert watch(still_film()).own_warp_error() == 0
    assert watch(blinking_film(10)).own_warp_error() == pytest.approx(10)       # grey levels
    shaken = [frame + np.uint8(20 * (k % 2)) for k, frame in enumerate(moving_film())]
    assert watch(moving_film()).own_warp_error() < 0.2 * watch(shaken).own_warp_error()


def test_the_flow_says_where_each_pixel_went():
    before, after = moving_film()[:2]
    flow = flow_between(before, after)[8:-8, 8:-8]
    assert np.median(flow[..., 0]) == pytest.approx(-2, abs=0.05)
    assert np.median(flow[..., 1]) == pytest.approx(0, abs=0.05)


def test_only_pixels_that_are_in_both_frames_are_compared():
    right = np.zeros((20, 30, 2), np.float32)
    right[..., 0] = 3
    back = -right
    assert visible(right, back).tolist() == [[True] * 27 + [False] * 3] * 20    # three leave
    back[5:9, 13:17] = 0                # there lies something that did not come from the left
    assert (np.argwhere(~visible(right, back)[:, :27]) == [
        (y, x) for y in range(5, 9) for x in range(10, 14)]).all()
    still = np.zeros_like(right)
    still[10:] = (0.5, 0)                                           # an edge of what moves
    assert np.flatnonzero(~visible(still, -still)[:, :25].all(axis=1)).tolist() == [9]


def test_frames_are_let_go_and_grey_ones_will_do():
    motion = Motion()
    first = still_film()[0][..., :1].copy()
    kept = weakref.ref(first)
    motion.add(first, {'painted': first}, False)
    del first
    for frame in still_film():
        motion.add(frame[..., :1], {'painted': frame[..., :1]}, True)
    assert kept() is None
    assert motion.flicker('painted').ratio == motion.warp_error('painted').ratio == 1


def test_a_video_that_lacks_frames_is_measured_where_it_has_two_in_a_row():
    random = np.random.default_rng(0)
    frames = random.integers(0, 40, (8, 32, 32, 3), np.uint8)
    motion = Motion()
    for k, frame in enumerate(frames):
        painted = {'whole': frame}
        if k in (2, 3, 6):
            painted['some'] = frame
        motion.add(frame, painted, k > 0)
    some = motion.warp_error('some')
    assert np.flatnonzero(some.weight).tolist() == [3]
    assert len(some.painted) == 8 and some.ratio == motion.warp_error('whole').ratio == 1
    assert len(motion.flicker('some').ratios) == 8
