"""Repair: sides put back, guesses and the impossible dropped, and all steps together."""
from dataclasses import replace

import numpy as np
import pytest

from pose.cleaning.repair import drop_beyond_limits, drop_guesses, repair, undo_swaps
from pose.cleaning.smoothing import lag
from pose.skeleton import BODY_25, COCO_18, convert, skeleton_of
from pose.track import PoseTrack
from tests.pose.cleaning.tracks import (
    ELBOW,
    FPS,
    HEIGHT,
    KNEE,
    SWAPS,
    WRIST,
    dancing,
    differ,
    standing,
    swapped,
    track_of,
)


def pck(track, truth):
    """Part of the joints within 5 % of the height of where they are."""
    off = np.linalg.norm(track.poses[..., :2] - truth.poses[..., :2], axis=-1)
    return ((off < 0.05 * HEIGHT) & (track.poses[..., 2] > 0)).mean()


# Swaps

@pytest.mark.parametrize('joints', SWAPS.values(), ids=SWAPS)
def test_sides_exchanged_for_a_moment_are_put_back_and_nothing_else_is_touched(joints):
    found = dancing(0.005)
    rows = [row for k in range(10) for row in range(15 + 33 * k, 16 + 34 * k)]
    wrong = swapped(found, joints, rows)
    mended = undo_swaps(wrong)
    assert len(differ(mended, found)) <= 0.02 * len(rows)
    assert set(differ(mended, wrong)) <= set(rows)


@pytest.mark.parametrize('turning', [0, 36, 180, 360])
def test_a_body_that_turns_round_is_left_as_it_is(turning):
    found = dancing(0.005, turning)
    assert differ(undo_swaps(found), found) == []


def test_depth_and_confidence_go_with_a_swapped_joint():
    found = dancing(0.005)
    found.poses[..., 2] = np.random.default_rng(0).uniform(0.3, 1, found.poses.shape[:2])
    wrong = swapped(found, SWAPS['leg'], range(50, 56))
    mended = undo_swaps(wrong)
    assert np.array_equal(mended.poses, found.poses) and np.array_equal(mended.depth, found.depth)


@pytest.mark.parametrize('rows', [range(330, 360), range(100, 360)])
def test_sides_that_stay_exchanged_to_the_end_are_told_by_the_face(rows):
    found = dancing(0.005)
    assert differ(undo_swaps(swapped(found, SWAPS['whole'], rows)), found) == []


def test_sides_exchanged_for_good_are_put_back_however_long_the_shot_is():
    poses = np.tile(standing(), (900, 1, 1))
    poses[..., :2] += np.random.default_rng(0).normal(0, 0.5, (900, 25, 2))
    found = track_of(poses, FPS)
    assert differ(undo_swaps(swapped(found, SWAPS['whole'], range(500, 900))), found) == []


def test_sides_that_pass_each_other_in_the_picture_but_not_in_depth_are_put_back():
    """A body that turns has one shoulder behind the other meanwhile; a detector in doubt only draws
    both together."""
    found = dancing(0.005, turning=20)
    rows = range(100, 112)                              # turned by 70 degrees
    wrong = swapped(found, SWAPS['whole'], rows)
    partners = list(found.joints.partners)
    for row in (rows[0] - 1, rows[-1] + 1):             # in doubt: halfway between both sides
        wrong.poses[row] = (found.poses[row] + found.poses[row, partners]) / 2
    mended = undo_swaps(wrong)
    assert np.array_equal(mended.poses[rows], found.poses[rows])


def test_hands_and_face_go_with_the_body():
    name = 'COCO_18+face+hands'
    table, rng = skeleton_of(name), np.random.default_rng(0)
    poses = np.zeros((100, len(table.joints), 3), np.float32)
    poses[:, :18] = convert(dancing(0.005).poses[:100], BODY_25, COCO_18)
    for part, joint in (('left_hand', 'LWrist'), ('right_hand', 'RWrist'), ('face', 'Nose')):
        where = table.part(part)
        offset = rng.uniform(-20, 20, (where.stop - where.start, 2))
        poses[:, where, :2] = poses[:, [table.index(joint)], :2] + offset
        poses[:, where, 2] = 1
    found = PoseTrack(poses, np.arange(100) / FPS, np.arange(100), name, (480, 480))
    wrong = replace(found, poses=poses.copy())
    wrong.poses[40:45] = wrong.poses[40:45][:, list(table.partners)]
    assert differ(undo_swaps(wrong), found) == []


def test_a_swap_beside_a_gap_or_a_cut_takes_nothing_else_with_it():
    found = dancing(0.005)
    found = replace(found, shots=(np.arange(len(found)) > 200).astype(int))
    found.poses[100:130] = 0
    found.poses[150:250, BODY_25.index('LElbow')] = 0
    wrong = swapped(found, SWAPS['leg'], [*range(130, 134), *range(197, 201)])
    assert differ(undo_swaps(wrong), found) == []


# Guesses and limits

def test_what_the_detector_guesses_is_dropped_and_the_trunk_never_vanishes():
    track = track_of([standing()] * 3)
    track.poses[1, :, 2] = 0.05
    dropped = drop_guesses(track, 0.1)
    assert dropped.poses[1, :, 2].nonzero()[0].tolist() == [1, 8] and dropped.seen().all()
    assert np.array_equal(dropped.poses[[0, 2]], track.poses[[0, 2]])


def test_a_joint_out_of_the_bones_reach_is_dropped_and_its_depth_too():
    found = dancing(0.005)
    found.poses[50, WRIST, 0] += 100
    found.poses[60, KNEE, 0] -= 100
    dropped = drop_beyond_limits(found)
    gone = np.argwhere((found.poses[..., 2] > 0) & (dropped.poses[..., 2] == 0))
    assert gone.tolist() == [[50, WRIST], [60, KNEE]]
    assert np.isnan(dropped.depth[50, WRIST]) and dropped.depth[50, ELBOW] == found.depth[50, ELBOW]


def test_a_hand_far_from_its_wrist_is_dropped_though_the_elbow_is_not_seen():
    found = dancing()
    found.poses[:, ELBOW] = 0
    found.poses[50, WRIST] = (440, 40, 1)
    assert drop_beyond_limits(found).poses[50, WRIST, 2] == 0


@pytest.mark.parametrize('turning', [0, 180])
def test_nothing_possible_is_dropped_however_near_the_body_comes(turning):
    found = dancing(0.005, turning)
    closer = np.linspace(1, 3, len(found))[:, None, None]
    found = replace(found, poses=found.poses * np.concatenate([closer, closer, closer ** 0], -1))
    assert differ(drop_beyond_limits(found), found) == []
    found.poses[10, WRIST, 0] += 150
    assert differ(drop_beyond_limits(found), found) == [10]


# All together

@pytest.mark.parametrize('harm', ['none', 'swaps', 'outliers', 'lost'])
def test_repair_brings_joints_nearer_to_where_they_are(harm):
    truth, found = dancing(), dancing(0.01)
    rng = np.random.default_rng(0)
    if harm == 'swaps':
        found = swapped(found, SWAPS['whole'], [*range(50, 57), *range(200, 203)])
        found = swapped(found, SWAPS['leg'], range(120, 130))
    elif harm == 'outliers':
        for frame in range(10, 350, 10):
            found.poses[frame, rng.integers(2, 25), :2] += rng.choice((-120, 120), 2)
    elif harm == 'lost':
        for frame in range(10, 350, 20):
            found.poses[frame:frame + 6, rng.integers(2, 25)] = 0
    clean, counts = repair(found)
    off = [np.linalg.norm((track.poses - truth.poses)[..., :2], axis=-1).mean()
           for track in (found, clean)]
    assert clean.kept.all() and off[1] < 0.75 * off[0]
    assert pck(clean, truth) > max(pck(found, truth), 0.999) - 1e-9
    assert abs(lag(found, clean)) < 0.1
    assert counts['swaps'] == (20 if harm == 'swaps' else 0)
    assert (counts['beyond_limits'] > 0) == (harm == 'outliers')


def test_every_step_can_be_left_out():
    found = swapped(dancing(0.005), SWAPS['whole'], range(50, 55))
    found.poses[100, WRIST, :2] += 150
    found.poses[200:205, WRIST] = 0
    found.poses[210:215, WRIST, 2] = 0.01
    found = replace(found, shots=np.repeat([0, 1, 2], (250, 2, 108)))
    off = {'no_swaps': True, 'no_limits': True, 'min_confidence': 0, 'max_gap': 0, 'smooth': 0}
    untouched, counts = repair(found, **off)
    assert np.array_equal(untouched.poses, found.poses) and not any(counts.values())
    does = {'no_swaps': ['swaps'], 'no_limits': ['beyond_limits'], 'min_confidence': ['guesses'],
            'max_gap': ['flyers', 'filled']}
    for switch, names in does.items():
        counts = repair(found, **{k: v for k, v in off.items() if k != switch})[1]
        assert [k for k, count in counts.items() if count] == names
