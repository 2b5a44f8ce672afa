"""Smoothing takes the jitter and keeps the moves; jitter and lag are measured."""
from dataclasses import replace

import numpy as np
import pytest

from pose.cleaning.smoothing import jitter, lag, smooth
from pose.track import PoseTrack
from tests.pose.cleaning.tracks import FPS, WRIST, dancing, standing, swapped, track_of


def moving_wrist(hertz, height=30.0, frames=150, fps=30.0):
    """A wrist that goes up and down; the track and the wrist's y."""
    y = height * np.sin(2 * np.pi * hertz * np.arange(frames) / fps)
    track = track_of([standing()] * frames, fps)
    track.poses[:, WRIST, 1] += y
    return track, y


def test_smoothing_comes_neither_late_nor_early():
    track, y = moving_wrist(1.0)                    # 30 frames a turn: 30 to 120 is whole turns
    smoothed = smooth(track).poses[:, WRIST, 1] - standing()[WRIST, 1]
    match = {lag: np.dot(y[30:120], smoothed[30 + lag:120 + lag]) for lag in range(-5, 6)}
    assert max(match, key=match.get) == 0
    assert match[-1] == pytest.approx(match[1], rel=1e-4)


@pytest.mark.parametrize('fps', [24, 25, 29.97, 30, 50, 60])
def test_smoothing_keeps_a_fast_moves_reach(fps):
    track, y = moving_wrist(3.0, frames=int(5 * fps), fps=fps)
    smoothed = smooth(track).poses[20:-20, WRIST, 1]
    assert np.ptp(smoothed) > 0.97 * np.ptp(y[20:-20])


def test_smoothing_bends_nothing_where_frames_are_missing_or_come_unevenly():
    track, _ = moving_wrist(1.0)
    uneven = track.select(np.random.default_rng(0).random(len(track)) < 0.75)
    uneven.poses[40:42, WRIST] = 0
    off = np.abs(smooth(uneven).poses - uneven.poses)
    assert off.max() < 0.01 * np.ptp(track.poses[:, WRIST, 1])


def test_lag_is_measured_in_frames():
    found = dancing(0.005)
    assert abs(lag(found, smooth(found))) < 0.05
    for late in (2, -3):
        moved = replace(found, poses=np.roll(found.poses, late, axis=0))
        assert lag(found, moved) == pytest.approx(late, abs=0.05)
    assert lag(track_of([standing()] * 5), track_of([standing()] * 5)) == 0


def test_jitter_is_of_the_body_alone():
    name = 'BODY_25+hands'
    poses = np.ones((50, 67, 3), np.float32)
    poses[:, :25] = standing()
    poses[:, 25:, :2] = np.random.default_rng(0).uniform(0, 50, (50, 42, 2))
    track = PoseTrack(poses, np.arange(50) / FPS, np.arange(50), name, (480, 480))
    assert jitter(track) == 0 and jitter(dancing(0.005)) > 0.3


def test_smoothing_takes_most_of_the_jitter():
    noise = np.random.default_rng(0).normal(0, 1, (100, 25, 2))
    track = track_of([standing()] * 100)
    track.poses[..., :2] += noise * (track.poses[..., 2:] > 0)
    smoothed = smooth(track)
    assert jitter(smoothed) < 0.3 * jitter(track)
    assert (smoothed.poses - standing()).std() < 0.7 * (track.poses - standing()).std()


def test_smoothing_of_strength_0_changes_nothing():
    track, _ = moving_wrist(3.0)
    assert np.array_equal(smooth(track, 0).poses, track.poses)


def test_smoothing_stops_at_a_cut_and_at_the_unseen():
    poses = [standing()] * 20 + [standing(size=2)] * 20
    track = track_of(poses, shots=np.repeat([0, 1], 20))
    track.poses[5:8, WRIST] = 0
    assert np.allclose(smooth(track).poses, track.poses, atol=1e-3)


def test_an_arm_taken_for_the_other_leaves_the_frames_before_and_after_as_they_are():
    track = track_of([standing()] * 40)
    track.poses[:, WRIST] = track.poses[:, WRIST] - (30, 60, 0)     # raised: far from the other one
    found = swapped(track, 'Wrist', range(15, 30))
    assert np.allclose(smooth(found).poses, found.poses, atol=0.1)


def test_a_fast_move_at_a_low_rate_is_no_jump():
    """More than a tenth of the body from frame to frame: 2.3 heights a second, at 20 frames."""
    tall = np.ptp(standing()[:, 1])
    track, _ = moving_wrist(0.8, height=0.45 * tall, fps=20.0)
    noise = np.random.default_rng(0).normal(0, 0.2, (len(track), 2))
    true = track.poses[:, WRIST, :2].copy()
    track.poses[:, WRIST, :2] += noise
    off = smooth(track).poses[:, WRIST, :2] - true
    assert off[5:-5].std() < 0.85 * noise[5:-5].std()
