"""Joint tables: left and right, and the ways between numberings."""
import numpy as np
import pytest

from pose.skeleton import (
    BODY_25,
    COCO_18,
    SKELETONS,
    convert,
    from_mediapipe,
    mirror,
    skeleton_of,
    skeleton_with,
    with_parts,
)
from util.errors import UserError

ALL = pytest.mark.parametrize('skeleton', SKELETONS.values(), ids=SKELETONS)


def some_poses(skeleton, frames=3):
    poses = np.random.default_rng(1).uniform(1, 99, (frames, len(skeleton.joints), 3))
    poses[..., 2] /= 100
    poses[0, 3] = 0
    return poses.astype(np.float32)


@ALL
def test_a_table_is_whole(skeleton):
    joints = len(skeleton.joints)
    assert len(set(skeleton.joints)) == joints == len(skeleton.joint_colours)
    assert len(skeleton.limbs) == len(skeleton.limb_colours) == len(set(skeleton.limbs))
    pupils = {skeleton.part('face').start + k for k in (68, 69) if 'face' in skeleton.parts}
    assert {k for limb in skeleton.limbs for k in limb} | pupils == set(range(joints))


@ALL
def test_parts_follow_each_other_and_leave_nothing_out(skeleton):
    parts = [skeleton.part(name) for name in ('body', 'face', 'left_hand', 'right_hand')]
    assert [k for part in parts for k in range(part.start, part.stop)] == list(
        range(len(skeleton.joints)))
    assert with_parts(skeleton.name.split('+')[0], skeleton.parts) == skeleton.name
    assert skeleton_with(len(skeleton.joints)) is skeleton


@ALL
def test_partners_are_each_others_partner_on_the_other_side(skeleton):
    for k, partner in enumerate(skeleton.partners):
        assert skeleton.partners[partner] == k
        if not skeleton.joints[k].startswith('Face'):
            assert skeleton.joints[k].lstrip('LR') == skeleton.joints[partner].lstrip('LR')
    assert skeleton.joints[skeleton.partners[skeleton.index('RWrist')]] == 'LWrist'
    assert skeleton.partners[skeleton.index('Neck')] == skeleton.index('Neck')


@ALL
def test_mirroring_twice_changes_nothing(skeleton):
    poses = some_poses(skeleton)
    assert np.allclose(mirror(mirror(poses, skeleton, 100), skeleton, 100), poses, atol=1e-4)


def test_a_faces_points_find_their_partner_in_a_mirror():
    """A face drawn by hand and alike on both sides, so that a mirror only changes the numbers."""
    x = np.zeros(70)
    x[:17] = np.linspace(-8, 8, 17)                                 # outline
    x[17:27] = -6, -5, -4, -3, -2, 2, 3, 4, 5, 6                    # brows
    x[31:36] = -2, -1, 0, 1, 2                                      # nostrils
    x[36:42], x[42:48] = (-5, -4, -3, -2, -3, -4), (2, 3, 4, 5, 4, 3)
    x[48:60] = -3, -2, -1, 0, 1, 2, 3, 2, 1, 0, -1, -2              # lips, round and round
    x[60:68] = -2, -1, 0, 1, 2, 1, 0, -1
    x[68:] = -3.5, 3.5
    skeleton = SKELETONS['BODY_25+face']
    partners = np.array(skeleton.partners)[skeleton.part('face')] - skeleton.part('face').start
    assert np.array_equal(x[partners], -x)


def test_mirroring_swaps_sides_flips_x_and_keeps_the_unseen_unseen():
    pose = np.zeros((25, 3), np.float32)
    pose[BODY_25.index('RWrist')] = 10, 20, 0.9
    flipped = mirror(pose, BODY_25, 100)
    assert np.array_equal(flipped[BODY_25.index('LWrist')], np.float32([89, 20, 0.9]))
    assert not np.delete(flipped, BODY_25.index('LWrist'), 0).any()


def test_the_ways_between_the_numberings_keep_what_both_know():
    poses = some_poses(COCO_18)
    there = convert(poses, COCO_18, BODY_25)
    assert np.array_equal(convert(there, BODY_25, COCO_18), poses)
    assert not there[:, BODY_25.index('LHeel')].any()


def test_the_middle_of_the_hips_is_computed_where_the_numbering_lacks_it():
    pose = np.zeros((18, 3), np.float32)
    pose[COCO_18.index('RHip')], pose[COCO_18.index('LHip')] = (10, 50, 0.5), (20, 60, 0.9)
    assert np.allclose(convert(pose, COCO_18, BODY_25)[BODY_25.index('MidHip')], (15, 55, 0.5))
    pose[COCO_18.index('LHip')] = 0
    assert not convert(pose, COCO_18, BODY_25)[BODY_25.index('MidHip')].any()


def test_mediapipes_landmarks_land_on_openposes_joints():
    marks = np.stack([np.arange(33.0), np.arange(33.0) * 2, -np.arange(33.0), np.full(33, 0.8)], 1)
    marks[16, 3] = 0
    pose = from_mediapipe(marks)
    want = {'Nose': 0, 'Neck': 11.5, 'MidHip': 23.5, 'LWrist': 15, 'RElbow': 14, 'RHip': 24,
            'LKnee': 25, 'REye': 5, 'LEar': 7, 'LBigToe': 31, 'RHeel': 30}
    for joint, mark in want.items():
        assert np.allclose(pose[BODY_25.index(joint)], (mark, mark * 2, 0.8, -mark)), joint
    for joint in ('RWrist', 'LSmallToe', 'RSmallToe'):
        assert np.array_equal(pose[BODY_25.index(joint)], (0, 0, 0, np.nan), equal_nan=True)


def test_an_unknown_skeleton_is_answered_with_what_there_is():
    with pytest.raises(UserError, match='There is BODY_25, '):
        skeleton_of('BODY_26')
