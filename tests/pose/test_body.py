"""The body's bones and heights: one table, and measures that agree on a person who stands."""
import numpy as np
import pytest

from pose.body import (
    SHARES,
    TORSO,
    TREE,
    body_parts,
    body_sizes,
    both_sides,
    extended_sizes,
    heights,
)
from pose.skeleton import BODY_25, COCO_18, SKELETONS, convert

TALL = 200.0


def standing(skeleton=BODY_25, **changed):
    """float64 (1, K, 3): a body of the usual shares, TALL px; None for a joint that is not seen."""
    head, torso, leg = (share * TALL for share in SHARES.values())
    places = {'Nose': (0, -head), 'Neck': (0, 0), 'MidHip': (0, torso)}
    for side in 'RL':
        places |= {f'{side}Hip': (0, torso), f'{side}Knee': (0, torso + leg / 2),
                   f'{side}Ankle': (0, torso + leg)}
    pose = np.zeros((1, 25, 3))
    for joint, place in (places | changed).items():
        if place is not None:
            pose[0, BODY_25.index(joint)] = *place, 1
    return convert(pose, BODY_25, skeleton).astype(float)


@pytest.mark.parametrize('skeleton', [BODY_25, COCO_18])
@pytest.mark.parametrize('measure', [body_sizes, extended_sizes, heights])
def test_every_measure_of_a_standing_body_is_its_height(measure, skeleton):
    assert measure(standing(skeleton), skeleton) == pytest.approx([TALL], rel=1e-5)


def test_the_parts_of_the_body_make_up_its_height():
    assert sum(SHARES.values()) == pytest.approx(1)
    assert body_parts(standing(), BODY_25).sum() == pytest.approx(TALL)


def test_hidden_legs_are_extended_and_count_for_nothing_in_the_plain_size():
    seated = standing(RAnkle=None, LAnkle=None)
    assert body_sizes(seated, BODY_25) == [0]
    assert extended_sizes(seated, BODY_25) == pytest.approx([TALL], rel=1e-5)
    assert heights(seated, BODY_25) == pytest.approx([TALL], rel=1e-5)


def test_a_bow_shortens_the_torso_and_not_the_height():
    bowed = standing(Neck=(0, 0.6 * TORSO * TALL), Nose=(10, 0.6 * TORSO * TALL))
    assert heights(bowed, BODY_25) == pytest.approx([TALL], rel=1e-5)
    assert body_sizes(bowed, BODY_25) < 0.9 * TALL


def test_without_a_torso_there_is_no_height():
    assert heights(standing(Neck=None), BODY_25) == [0]


@pytest.mark.parametrize('name', SKELETONS)
def test_every_joint_hangs_on_the_mid_hip_and_after_its_parent(name):
    order = ['MidHip', *TREE]
    for joint in SKELETONS[name].joints:
        while joint != 'MidHip':
            parent, _ = TREE[joint]
            assert order.index(parent) < order.index(joint)
            joint = parent


def test_both_sides_of_a_joint_are_named_right_first():
    assert both_sides('Eye', 'Ear') == ('REye', 'LEye', 'REar', 'LEar')
