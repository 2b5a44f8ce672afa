"""Which poses of a dancer the training video has never shown, said in plain words."""
import numpy as np
import pytest

from pose.matching.coverage import (
    CEILING,
    FLOOR,
    PARTS,
    Limit,
    expected,
    nearest,
    spans,
    usual,
)
from pose.matching.sentences import sentence
from pose.skeleton import BODY_25, COCO_18, convert, mirror

STANDING = {
    'Nose': (100, 40), 'Neck': (100, 60), 'RShoulder': (82, 60), 'LShoulder': (118, 60),
    'RElbow': (78, 90), 'LElbow': (122, 90), 'RWrist': (76, 118), 'LWrist': (124, 118),
    'MidHip': (100, 120), 'RHip': (90, 120), 'LHip': (110, 120), 'RKnee': (89, 165),
    'LKnee': (111, 165), 'RAnkle': (88, 212), 'LAnkle': (112, 212), 'REye': (96, 36),
    'LEye': (104, 36), 'REar': (92, 38), 'LEar': (108, 38)}


def body(**moved):
    """float32 (25, 3): somebody standing, facing the camera; joints by name put elsewhere."""
    pose = np.zeros((25, 3), np.float32)
    for joint, place in {**STANDING, **moved}.items():
        pose[BODY_25.index(joint)] = (*place, 1)
    return pose


ARM_UP = {'RElbow': (72, 34), 'RWrist': (66, 6)}


def distance(pose, other, skeleton=BODY_25):
    return nearest(pose[None], other[None], skeleton).distance[0]


@pytest.mark.parametrize('scale, by', [(1, (40, -25)), (2.5, (0, 0)), (0.3, (7, 90))])
def test_neither_place_nor_size_makes_a_pose_another(scale, by):
    moved = body() * (scale, scale, 1) + np.array((*by, 0), np.float32)
    assert distance(moved.astype(np.float32), body()) == pytest.approx(0, abs=1e-3)


def test_somebody_who_turns_away_is_not_the_same():
    """The same outline, seen from behind: right and left change sides."""
    away = body()[list(BODY_25.partners)]
    near = nearest(away[None], body()[None], BODY_25)
    assert near.distance[0] > CEILING
    assert near.parts[0, list(PARTS).index('turn')] > 20


def test_a_mirrored_pose_is_itself_only_where_the_body_is_symmetric():
    flip = lambda pose: mirror(pose[None], BODY_25, 201)[0]
    assert distance(flip(body()), body()) == pytest.approx(0, abs=1e-3)
    assert distance(flip(body(**ARM_UP)), body(**ARM_UP)) > CEILING


def test_the_nearest_pose_is_found_and_said_to_be_how_far():
    """The one in matrix form is the one that comparing each with each finds."""
    rng = np.random.default_rng(0)
    training, source = (body() + rng.normal(0, 9, (count, 25, 3)).astype(np.float32) * (1, 1, 0)
                        for count in (60, 20))
    for poses in (training, source):
        poses[rng.random(poses.shape[:2]) < 0.15] = 0
    source[7, BODY_25.index('Neck')] = 0
    source[8] = 0
    source[8, [BODY_25.index('Neck'), BODY_25.index('MidHip')]] = (100, 60, 1), (100, 120, 1)
    near = nearest(source, training, BODY_25)
    every = np.array([[distance(pose, other) for other in training] for pose in source])
    seen = np.isfinite(every).any(1)
    assert 10 < seen.sum() < 20 and seen[8] and not seen[7]
    assert (near.rows[~seen] == -1).all() and np.isnan(near.distance[~seen]).all()
    assert np.array_equal(near.rows[seen], np.nanargmin(every[seen], 1))
    assert np.allclose(near.distance[seen], np.nanmin(every[seen], 1), atol=1e-3)


def test_a_limb_that_only_one_pose_shows_is_far_but_no_worse_than_a_limb_elsewhere():
    lacking = body()
    lacking[BODY_25.index('RWrist')] = 0
    assert 0 < distance(lacking, body()) < distance(body(**ARM_UP), body())
    assert distance(lacking, lacking) == 0


def test_another_numbering_gives_the_same_distance():
    poses = np.stack([body(), body(**ARM_UP)])
    coco = convert(poses, BODY_25, COCO_18)
    assert distance(coco[1], coco[0], COCO_18) == pytest.approx(distance(poses[1], poses[0]),
                                                                abs=1e-3)


def swaying(seconds, fps=25):
    """Times and poses of somebody who keeps swinging both arms a little."""
    times = np.arange(int(seconds * fps)) / fps
    swing = 6 * np.sin(2 * np.pi * times / 2)
    return times, np.stack([body(RWrist=(76 + s, 118), LWrist=(124 + s, 118)) for s in swing])


def test_an_arm_never_seen_up_is_announced_as_arms_when_it_is_up():
    times, poses = swaying(10)
    limit = usual(poses, times, BODY_25)
    source = poses.copy()
    up = (times >= 4) & (times < 6)
    source[up] = body(**ARM_UP)
    near = nearest(source, poses, BODY_25)
    far = near.distance > limit.distance
    assert np.array_equal(far, up)
    found = expected(times, near, limit, 1 / 25)
    assert list(found) == ['arms'] and found['arms'] == [pytest.approx((4, 6))]
    assert sentence(float(far.mean()), found) == (
        '20 % of these poses have nothing like them in the training video; expect the arms to '
        'blur at 0:04-0:06.')


def test_the_limit_is_the_training_videos_own():
    """Standing still sets the least limit; never doing a thing twice the greatest."""
    times, poses = swaying(10)
    assert usual(poses, times, BODY_25).distance == FLOOR
    rng = np.random.default_rng(1)
    wild = body() + rng.normal(0, 30, poses.shape).astype(np.float32) * (1, 1, 0)
    assert usual(wild, times, BODY_25).distance == CEILING
    assert usual(poses[:20], times[:20], BODY_25).distance == FLOOR, 'too short to tell'


def test_nobody_to_compare_with_is_no_error():
    nobody = np.zeros((3, 25, 3), np.float32)
    for source, training in ((nobody, body()[None]), (body()[None], nobody),
                             (body()[None], nobody[:0])):
        near = nearest(source, training, BODY_25)
        assert (near.rows == -1).all() and np.isnan(near.distance).all()
        assert expected(np.arange(len(source)) / 25, near, Limit(FLOOR, np.ones(5))) == {}


def test_spans_go_on_over_half_a_second():
    times = np.arange(100) / 10
    mask = ((times >= 1) & (times < 2)) | ((times >= 2.3) & (times < 3)) | (times >= 9.05)
    assert spans(times, mask, 0.1) == [pytest.approx((1, 3)), pytest.approx((9.1, 10))]
    assert spans(times, np.zeros(100, bool)) == []


def test_the_sentence_is_short_whatever_happens():
    assert sentence(0, {}) == 'Each of these poses has one like it in the training video.'
    said = sentence(0.004, {'turn': [(70.2, 71.9)]})
    assert said == ('Fewer than 1 % of these poses have nothing like them in the training video; '
                    'expect the body to face the wrong way at 1:10-1:12.')
    often = sentence(0.5, {'legs': [(k, k + 1 + k / 100) for k in range(0, 40, 4)],
                           'head': [(2.1, 2.2)]})
    assert often.endswith('expect the legs to blur at 0:28-0:30, 0:32-0:34, 0:36-0:38 and 7 more '
                          'times and the head to blur at 0:02-0:03.')
