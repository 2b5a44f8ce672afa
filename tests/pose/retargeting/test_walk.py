"""The way across the floor: kept, scaled or held, over cuts, and inside the picture."""
from dataclasses import replace

import numpy as np
import pytest

from pose.body import body_sizes
from pose.retargeting.ground import measure_ground, measure_grounds
from pose.retargeting.retarget import retarget
from pose.skeleton import BODY_25
from scripts.demo import body, dance
from scripts.demo import camera as cameras
from tests.pose.retargeting.drawn import ANKLES, FPS, HIGH, HIP, film, target_film


def test_several_shots_go_on_where_the_last_one_ended():
    near = replace(cameras.SOURCE_CAMERA, tall=0.8, centre=0.6, floor=0.95)
    a, b = film()[0], film(camera=near)[0]
    shots = np.repeat([0, 1, 2], [100, 3, 120])
    source = replace(a.select(np.arange(223)), shots=shots,
                     poses=np.concatenate([a.poses[:103], b.poses[103:223]]))
    assert set(measure_grounds(source)) == {0, 2}
    for how in ('limbs', 'global'):
        for kind in ('keep', 'follow', 'center'):
            fitted = retarget(source, None, measure_ground(target_film()), how, kind)
            assert not fitted.poses[100:103].any(), 'a shot too short to be measured'
            step = fitted.poses[103] - fitted.poses[99]
            height = np.median(body_sizes(fitted.poses, BODY_25)[:99])
            assert np.abs(step[[HIP, *ANKLES], :2]).max() < 0.05 * height, (how, kind)


def test_no_ankle_jumps_at_a_cut_though_the_walk_left_the_targets_floor():
    """Steps to the camera, then he stands in another view; the target never went to nor fro."""
    steps = film(moves=(('walk_in', 1),) * 3, seconds=7.0)[0]
    source = replace(film()[0].select(np.arange(200)), shots=np.repeat([0, 1], [140, 60]),
                     poses=np.concatenate([steps.poses, steps.poses[[0] * 60]]))
    target = measure_ground(film(body.TARGET, cameras.TARGET_CAMERA, dance.TARGET_DANCE)[0])
    assert target.near == target.far
    fitted = retarget(source, None, target, how='limbs')
    assert fitted.poses[139, ANKLES, 1].max() > target.near + 0.02 * target.height_near
    jump = fitted.poses[140, ANKLES, 1].max() - fitted.poses[139, ANKLES, 1].max()
    assert abs(jump) < 0.01 * target.height_near


def test_who_is_held_at_the_centre_comes_back_to_it_after_a_cut():
    still = film()[0].select(np.repeat(0, 240))
    poses = still.poses.copy()
    poses[:120, :, 0] += 40 * np.cos(2 * np.pi * (np.arange(120) - 119) / 24)[:, None]
    source = replace(still, poses=poses, shots=np.repeat([0, 1], 120), times=np.arange(240) / FPS,
                     index=np.arange(240))
    target = measure_ground(target_film())
    held = retarget(source, None, target, walk='center').poses[:, HIP, 0]
    assert abs(held[119] - target.centre) > 20
    assert abs(held[120] - held[119]) < 5
    assert held[-1] == pytest.approx(target.centre, abs=8)


def test_the_walk_is_kept_scaled_or_held():
    source = film(moves=(('walk_side', 1),) * 4, camera=replace(cameras.SOURCE_CAMERA, tall=0.3,
                                                               centre=0.2), size=(960, 480))[0]
    target = measure_ground(target_film())
    wide = replace(target, size=(1200, 480), centre=600, left=500, right=700)
    for how in ('limbs', 'global'):
        fitted = {kind: retarget(source, None, wide, how, kind)
                  for kind in ('keep', 'follow', 'center')}
        way = {kind: np.ptp(track.poses[:, HIP, 0]) for kind, track in fitted.items()}
        scale = np.median(body_sizes(fitted['keep'].poses, BODY_25)
                          / body_sizes(source.poses, BODY_25))
        assert way['keep'] == pytest.approx(scale * np.ptp(source.poses[:, HIP, 0]), rel=0.06)
        assert way['follow'] == pytest.approx(200, rel=0.25 if how == 'limbs' else 0.1)
        assert way['center'] < 0.2 * wide.height_near
        assert np.median(fitted['center'].poses[:, HIP, 0]) == pytest.approx(600, abs=10)


def test_who_sways_is_swaying_still_when_he_is_held():
    source = film()[0]
    poses = source.poses.copy()
    poses[:] = poses[0]
    poses[..., 0] += 6 * np.sin(2 * np.pi * source.times)[:, None]
    held = retarget(replace(source, poses=poses), None, measure_ground(target_film()),
                    walk='center')
    assert np.ptp(held.poses[40:-40, HIP, 0]) > 12


@pytest.mark.parametrize('how', ['global', 'limbs'])
def test_hands_and_feet_of_a_long_walk_stay_in_the_picture(how):
    target = measure_ground(target_film())
    walk = film(moves=(('walk_side', 1),) * 4, size=(960, 480),
                camera=replace(cameras.SOURCE_CAMERA, tall=0.3, centre=0.2))[0]
    narrow = replace(target, size=(320, 480), centre=160, left=150, right=170)
    fitted = retarget(walk, None, narrow, how=how)
    x = fitted.poses[..., 0]
    assert ((x < 0) | (x > 319)).any(1).mean() < 0.05
    assert measure_ground(fitted).height_near == pytest.approx(target.height_near, rel=0.05)


def test_feet_below_the_picture_come_up_but_not_where_the_targets_own_are_cut_off():
    target = measure_ground(target_film())
    low = replace(target, size=(480, round(target.near + 0.06 * target.height_near)))
    fitted = retarget(film(camera=HIGH)[0], None, low, how='limbs')
    assert np.percentile(fitted.poses[..., 1].max(1), 95) < low.size[1]
    cut_off = retarget(film()[0], None, replace(target, size=(480, 300)), how='limbs')
    assert np.median(cut_off.poses[:, ANKLES, 1]) > 0.9 * target.far


def test_without_feet_the_hips_lead():
    source, target = film()[0], measure_ground(target_film())
    poses = source.poses.copy()
    poses[:, [k for name in ('Knee', 'Ankle', 'BigToe', 'SmallToe', 'Heel') for k in
              (BODY_25.index(f'R{name}'), BODY_25.index(f'L{name}'))]] = 0
    fitted = retarget(replace(source, poses=poses), None, target, how='limbs')
    assert np.isfinite(fitted.poses).all()
    whole = retarget(source, None, target, how='limbs')
    assert fitted.poses[:, HIP, :2] == pytest.approx(whole.poses[:, HIP, :2],
                                                     abs=0.1 * target.height_near)
