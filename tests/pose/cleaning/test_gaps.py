"""Gaps: short ones are filled, long ones and flyers are dropped with a reason."""
from dataclasses import replace

import numpy as np
import pytest

from pose.cleaning.repair import fill, without_flyers
from pose.cleaning.smoothing import jitter, smooth
from pose.shots import find_cuts
from tests.pose.cleaning.tracks import WRIST, dancing, standing, track_of


def test_a_short_gap_is_a_straight_line_in_time():
    poses = [standing(100 + 2 * f) for f in range(30)]
    track = track_of(poses)
    track.poses[10:15, WRIST] = 0
    filled = fill(track)
    assert np.allclose(filled.poses[10:15], np.stack(poses)[10:15], atol=1e-3)
    assert filled.kept.all() and filled.dropped() == []


def test_a_gap_is_filled_along_the_curve_of_a_swinging_wrist():
    truth = dancing()
    found = replace(truth, poses=truth.poses.copy(), depth=truth.depth.copy())
    for frame in range(10, 340, 12):
        found.poses[frame:frame + 4, WRIST] = 0
        found.depth[frame:frame + 4, WRIST] = np.nan
    filled = fill(found)
    straight = np.stack([np.interp(np.arange(360), np.flatnonzero(found.poses[:, WRIST, 2]), values)
                         for values in found.poses[found.poses[:, WRIST, 2] > 0, WRIST, :2].T], 1)
    off, usual = (np.linalg.norm(way - truth.poses[:, WRIST, :2], axis=1).mean()
                  for way in (filled.poses[:, WRIST, :2], straight))
    assert off < 0.7 * usual
    assert np.isfinite(filled.depth[:, WRIST]).all()


def test_a_limb_missing_long_stays_missing_and_the_frame_is_kept():
    track = track_of([standing()] * 40)
    track.poses[10:30, WRIST] = 0
    filled = fill(track, max_gap=12)
    assert not filled.poses[10:30, WRIST].any() and filled.kept.all()


def test_a_long_gap_is_not_kept_and_says_why():
    track = track_of([standing()] * 40)
    track.poses[10:30] = 0
    filled = fill(track, max_gap=12)
    assert np.flatnonzero(~filled.kept).tolist() == list(range(10, 30))
    assert filled.dropped()[0] == (10, 0.4, 'nobody found for 20 frames')


def test_nothing_is_filled_across_a_cut():
    poses = [standing()] * 20 + [standing(size=2)] * 20
    track = track_of(poses, shots=np.repeat([0, 1], 20))
    track.poses[18:22] = 0
    assert np.flatnonzero(~fill(track).kept).tolist() == [18, 19, 20, 21]


def test_a_moments_find_elsewhere_is_taken_back():
    poses = [standing(100 + f) for f in range(40)]
    poses[20] = poses[21] = standing(280, size=0.4)
    shots = find_cuts(np.stack(poses), np.arange(40) / 25, np.zeros(40))
    assert shots.max() == 2
    filled = fill(without_flyers(track_of(poses, shots=shots)))
    assert filled.shots.max() == 0 and filled.kept.all()
    assert np.allclose(filled.poses[20], standing(120), atol=1e-3)


def test_a_shot_too_short_to_measure_is_not_kept():
    poses = [standing()] * 20 + [standing(size=.3)] * 3 + [standing(200, size=2)] * 20
    filled = fill(track_of(poses, shots=np.repeat([0, 1, 2], (20, 3, 20))))
    assert [d[0] for d in filled.dropped()] == [20, 21, 22]
    assert 'shows 0.12 s' in filled.dropped()[0][2]


@pytest.mark.parametrize('frames', [1, 2, 3])
def test_a_track_of_very_few_frames_passes(frames):
    track = smooth(fill(track_of([standing()] * frames)))
    assert track.kept.all() and np.allclose(track.poses, standing())
    assert jitter(track) == 0
