"""Frames that are near in pose, face the same way, and follow each other without jumps."""
import numpy as np
import pytest

from pose.body import heights
from pose.matching.coverage import JOINTS, LIMBS, TURN, shapes
from pose.matching.retrieval import (
    SETTINGS,
    SHARE,
    TOTAL,
    PoseIndex,
    RetrievalSettings,
    best_path,
    least,
    sides,
)
from pose.skeleton import BODY_25
from pose.track import PoseTrack


def walking(count, start=0.0, fps=25.0, shots=None):
    """A track of a body whose right arm swings up steadily."""
    body = np.zeros((count, 25, 3), np.float32)
    for joint, place in {'Nose': (50, 10), 'Neck': (50, 20), 'MidHip': (50, 50), 'RHip': (45, 50),
                         'LHip': (55, 50), 'RShoulder': (40, 20), 'LShoulder': (60, 20),
                         'RElbow': (35, 30), 'RWrist': (35, 40), 'REar': (47, 9),
                         'LEar': (53, 9)}.items():
        body[:, BODY_25.index(joint)] = *place, 1
    body[:, BODY_25.index('RWrist'), 1] -= np.arange(count)
    return PoseTrack(body, start + np.arange(count) / fps, np.arange(count), 'BODY_25', (100, 100),
                     shots=shots)


def found(poses, known, count=64, depths=(None, None), **how):
    return PoseIndex(known, BODY_25, depths[1]).candidates(poses, count, depth=depths[0], **how)


# -- the nearest ---------------------------------------------------------------------------------

def noisy(count, seed):
    """Poses all over the picture, of which joints are missing, and their depths."""
    track = walking(count)
    rng = np.random.default_rng(seed)
    poses = track.poses + rng.normal(0, 8, track.poses.shape) * [1, 1, 0] * (track.poses > 0)
    poses[..., :2] = (poses[..., :2] * rng.uniform(0.5, 3, (count, 1, 1))
                      + rng.uniform(0, 900, (count, 1, 2))) * (poses[..., 2:] > 0)
    poses[rng.random(poses.shape[:2]) < 0.1] = 0
    depth = rng.normal(0, 30, poses.shape[:2])
    depth[rng.random(count) < 0.3] = np.nan
    return poses.astype(np.float32), depth


def cost(pose, other, place, side, depth, other_depth):
    """What one pose costs for another, worked out joint by joint."""
    (a, b), missing = ((shapes(p[None], BODY_25)) for p in (pose, other)), [
        limb.missing for limb in LIMBS.values() for _ in limb.joints]
    total = (TURN * float(a.turn[0] - b.turn[0])) ** 2
    for j in range(len(JOINTS)):
        if a.there[0, j] and b.there[0, j]:
            total += SHARE[j] * ((a.points[0, j] - b.points[0, j]).astype(float) ** 2).sum()
        elif a.there[0, j] or b.there[0, j]:
            total += SHARE[j] * missing[j] ** 2
    way, other_way = (sides(p[None], s, BODY_25, None if d is None else d[None])[0]
                      for p, s, d in ((pose, a, depth), (other, b, other_depth)))
    if np.isfinite([way, other_way]).all():
        total += (side * (way - other_way)) ** 2
    size, other_size = (float(heights(p[None].astype(float), BODY_25)[0]) for p in (pose, other))
    hip = BODY_25.index('MidHip')
    apart = (pose[hip, :2] - other[hip, :2]).astype(float) / size
    return total / TOTAL + 1e4 * place * ((apart ** 2).sum() + np.log(size / other_size) ** 2)


@pytest.mark.parametrize('place', [0.0, 0.3])
@pytest.mark.parametrize('side', [SETTINGS.side, 5.0])
@pytest.mark.parametrize('deep', [False, True])
def test_all_costs_at_once_are_those_of_comparing_pose_with_pose(deep, side, place):
    (source, depth), (known, known_depth) = noisy(12, 0), noisy(40, 1)
    depths = (depth, known_depth) if deep else (None, None)
    index = PoseIndex(known, BODY_25, depths[1], RetrievalSettings(side=side))
    costs = index.costs(source, place, depths[0])
    seen, there = (heights(poses, BODY_25) > 0 for poses in (source, known))
    assert 5 < seen.sum() < 12 and 20 < there.sum() < 40
    assert np.isinf(costs[:, ~there]).all()
    for f in np.flatnonzero(seen):
        for t in np.flatnonzero(there):
            true = cost(source[f], known[t], place, side, *(
                (depth[f], known_depth[t]) if deep else (None, None)))
            assert costs[f, t] == pytest.approx(true, rel=1e-5, abs=0.01)


def test_the_candidates_are_the_least_of_all_the_nearest_first():
    source, known = noisy(20, 0)[0], noisy(5000, 1)[0]
    rows, costs = found(source, known, 10)
    every = PoseIndex(known, BODY_25).costs(source)
    for f in np.flatnonzero(heights(source, BODY_25) > 0):
        assert np.array_equal(costs[f], np.sort(every[f])[:10])
        assert np.array_equal(costs[f], every[f, rows[f]])
    assert rows.shape == (20, 10)


@pytest.mark.parametrize('count', [1, 64, 1500, 5000])
def test_the_least_are_found_without_sorting_the_rest(count):
    values = np.random.default_rng(2).integers(0, 900, 5000).astype(np.float32)
    values[:4000:3] = np.inf
    assert np.array_equal(least(values, count), values.argsort(kind='stable')[:count])


def test_one_live_pose_has_the_frame_that_it_has_in_a_film():
    source, known = noisy(9, 0)[0], noisy(90, 1)[0]
    index = PoseIndex(known, BODY_25)
    rows, costs = index.candidates(source, 1, place=0.3)
    for f in np.flatnonzero(heights(source, BODY_25) > 0):
        row, cost = index.nearest(source[f], place=0.3)
        assert row == rows[f, 0] and cost == pytest.approx(costs[f, 0], rel=1e-4)
    assert index.nearest(source[0] * 0) == (-1, np.inf)


@pytest.mark.parametrize('place', [0.0, 0.3])
def test_a_search_for_one_pose_finds_what_all_costs_say(place):
    (source, depth), (known, known_depth) = noisy(60, 3), noisy(4000, 4)
    index = PoseIndex(known, BODY_25, known_depth)
    every = index.costs(source, place, depth)
    seen = np.flatnonzero(heights(source, BODY_25) > 0)
    rows = np.arange(0, 4000, 7)
    compared = 0
    for f in seen:
        search = index.search(source[f], place, depth[f])
        assert search.nearest()[0] == every[f].argmin()
        assert search.costs(rows) == pytest.approx(every[f, rows], rel=1e-4, abs=0.01)
        assert (search.least <= every[f] + 0.01).all()
        compared += np.count_nonzero(search.least <= every[f].min())
    assert len(seen) < compared < 1000 * len(seen)      # a fourth of all at most
    unseen = np.flatnonzero(heights(source, BODY_25) == 0)
    assert index.search(source[unseen[0]], place) is None


# -- which way a body faces ----------------------------------------------------------------------

def sideways(way, *hidden):
    """Somebody who stands sideways: his joints are where they were, but for the face."""
    pose = walking(1).poses[0]
    for joint, x in {'RShoulder': 50, 'LShoulder': 50, 'RHip': 50, 'LHip': 50}.items():
        pose[BODY_25.index(joint), 0] = x
    for joint, x in {'Nose': 50 + 3 * way, 'REar': 50, 'LEar': 50}.items():
        pose[BODY_25.index(joint)] = x, 8, joint not in hidden
    return pose * (pose[:, 2:] > 0)


def side(pose, depth=None):
    return sides(pose[None], shapes(pose[None], BODY_25), BODY_25,
                 None if depth is None else depth[None])[0]


def nearer(joints):
    """Depths of a body whose joints of these names are the nearer ones."""
    return np.array([20.0 * (1 - (joint in joints)) for joint in BODY_25.joints])


def test_the_nose_says_which_way_a_body_faces():
    assert side(sideways(1)) > 0.6 and side(sideways(-1)) < -0.6
    assert abs(side(sideways(0))) < 0.1
    assert side(sideways(1, 'LEar')) > 0.6


def test_the_only_ear_says_it_of_who_hides_the_face():
    assert side(sideways(0, 'Nose', 'LEar')) > 0.6 and side(sideways(0, 'Nose', 'REar')) < -0.6
    assert np.isnan(side(sideways(0, 'Nose', 'REar', 'LEar')))
    assert np.isnan(side(sideways(1) * 0))


def test_depth_says_it_better_than_the_face_and_the_face_where_there_is_none():
    looking_back = sideways(-1)
    assert side(looking_back, nearer(['RShoulder', 'RHip'])) > 0.6
    assert side(looking_back, nearer(['LShoulder', 'LHip'])) < -0.6
    assert side(looking_back, np.full(25, np.nan)) == side(looking_back)


def test_who_lies_or_stands_on_the_hands_faces_where_his_chest_does():
    """A quarter turn of the picture moves his right to its bottom."""
    pose = sideways(1)
    lying = pose.copy()
    lying[:, :2] = np.stack([100 - pose[:, 1], pose[:, 0]], 1) * (pose[:, 2:] > 0)
    assert side(lying) == pytest.approx(side(pose), abs=1e-6)


def test_who_faces_the_camera_or_not_has_no_side():
    pose = walking(1).poses[0]
    pose[[BODY_25.index(joint) for joint in ('RShoulder', 'LShoulder')], 0] = 35, 65
    assert side(pose, nearer(['RShoulder', 'RHip'])) == 0
    assert side(pose[list(BODY_25.partners)], nearer(['RShoulder', 'RHip'])) == 0


def test_a_frame_that_faces_the_other_side_is_not_chosen_for_its_limbs():
    right, left = sideways(1), sideways(-1)
    wrist = BODY_25.index('RWrist')
    right[wrist, 1] += 12                               # a worse shape
    index = PoseIndex(np.stack([left, right]), BODY_25)
    pose = sideways(1)
    pose[[BODY_25.index(joint) for joint in ('Nose', 'REar', 'LEar')], 0] = 50.5, 48, 48
    assert index.nearest(pose)[0] == 1


# -- which may be chosen -------------------------------------------------------------------------

def test_a_pose_without_a_torso_is_given_its_neighbours_frames():
    poses = walking(9).poses
    poses[[0, 4]] = 0
    rows, _ = found(poses, walking(9).poses)
    assert rows[:, 0].tolist() == [1, 1, 2, 3, 3, 5, 6, 7, 8]


def test_place_and_size_count_where_they_are_asked_to():
    near, far = walking(1).poses, walking(1).poses
    far[..., 0] += 30 * (far[..., 2] > 0)
    near[:, BODY_25.index('RWrist'), 1] += 1                    # a slightly worse shape
    known = np.concatenate([far, near])
    assert found(walking(1).poses, known, 1)[0] == 0
    assert found(walking(1).poses, known, 1, place=0.3)[0] == 1


def test_what_is_not_allowed_is_not_chosen_unless_nothing_else_is():
    poses = walking(4).poses
    rows, _ = found(poses, poses, allowed=lambda part: ~np.eye(4, dtype=bool)[part])
    assert (rows[:, 0] != np.arange(4)).all()
    rows, _ = found(poses, poses, allowed=lambda part: np.zeros((4, 4), bool)[part])
    assert rows[:, 0].tolist() == [0, 1, 2, 3]


# -- the path through time -----------------------------------------------------------------------

def test_a_smooth_path_takes_one_film_where_the_nearest_frames_alternate():
    """Two takes of the same move: every other frame is a hair nearer in the second one."""
    known = walking(80, fps=4.0)
    rows = np.array([[k, 40 + k] for k in range(20)])
    costs = np.where(np.arange(20)[:, None] % 2 == [0, 1], 1.0, 2.0)
    shots = np.zeros(20, int)
    known = PoseTrack(known.poses, np.tile(np.arange(40) / 25, 2), known.index, 'BODY_25',
                      (100, 100), shots=np.repeat([0, 1], 40))
    assert len(set(best_path(rows, costs, known, shots, 0) // 40)) == 2
    assert len(set(best_path(rows, costs, known, shots, 1) // 40)) == 1


def test_a_much_nearer_pose_is_worth_a_jump_and_a_cut_costs_none():
    known = walking(200)
    rows = np.array([[k, 150 + k] for k in range(20)])
    costs = np.where(np.arange(20)[:, None] < 10, [0.0, 99.0], [99.0, 0.0])
    path = best_path(rows, costs, known, np.zeros(20, int))
    assert path[9] == 9 and path[10] == 160
    barely = costs / 99
    assert len(set(best_path(rows, barely, known, np.zeros(20, int)) // 150)) == 1
    assert best_path(rows, barely, known, np.repeat([0, 1], 10)).tolist() == [
        *range(10), *range(160, 170)]


def test_the_settings_decide_what_a_jump_costs():
    known = walking(200)
    rows = np.array([[k, 150 + k] for k in range(20)])
    costs = np.where(np.arange(20)[:, None] < 10, [0.0, 1.0], [1.0, 0.0])
    shots = np.zeros(20, int)
    assert len(set(best_path(rows, costs, known, shots) // 150)) == 1
    free = best_path(rows, costs, known, shots, settings=RetrievalSettings(jump=0))
    assert len(set(free // 150)) == 2


def test_the_settings_decide_how_many_candidates_a_pose_has():
    known = walking(90)
    index = PoseIndex(known.poses, BODY_25, settings=RetrievalSettings(candidates=7))
    assert index.candidates(known.poses[:3])[0].shape == (3, 7)


def test_holding_and_going_back_is_no_jump():
    known = walking(50)
    rows = np.array([[10, 40], [11, 40], [11, 40], [10, 40], [9, 40]])
    costs = np.tile([0.0, 1.0], (5, 1))
    assert best_path(rows, costs, known, np.zeros(5, int)).tolist() == [10, 11, 11, 10, 9]
    assert SETTINGS.flow > 2 / 25
