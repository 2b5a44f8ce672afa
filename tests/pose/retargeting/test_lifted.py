"""How high feet are above the floor."""
from dataclasses import replace

import numpy as np

from pose.retargeting.lifted import lifted
from pose.skeleton import BODY_25
from tests.pose.retargeting.drawn import film, still_body


def test_standing_feet_are_on_the_floor_and_raised_ones_above_it():
    track, still = film(seconds=12.0)
    high = lifted(track)
    assert np.nanmax(np.abs(high[still])) < 0.02
    assert np.nanmax(high[~still]) > 0.05


def test_the_floor_of_a_foot_that_steps_nearer_is_between_both_places():
    track = still_body(frames=90)
    feet = [BODY_25.index('R' + joint) for joint in ('Ankle', 'BigToe', 'SmallToe', 'Heel')]
    poses = track.poses.copy()
    nearer = np.interp(np.arange(90), [40, 50], [0, 12])
    poses[:, feet, 1] += nearer[:, None]
    high = lifted(replace(track, poses=poses))[:, 0]
    assert np.nanmax(np.abs(high)) < 0.03, 'it slid along the floor'
    poses[45, feet, 1] -= 30
    raised = lifted(replace(track, poses=poses))[:, 0]
    assert raised[45] > 0.1 and abs(raised[20]) < 0.02 and abs(raised[80]) < 0.02


def test_feet_that_are_not_seen_are_nowhere():
    track = still_body(frames=30)
    feet = [BODY_25.index(side + joint) for side in 'RL'
            for joint in ('Ankle', 'BigToe', 'SmallToe', 'Heel')]
    poses = track.poses.copy()
    poses[:, feet] = 0
    assert np.isnan(lifted(replace(track, poses=poses))).all()
