"""Where the person may be, by the pose: all of the body, and little more."""
import numpy as np
import pytest

from pose.silhouette import person_mask
from pose.skeleton import BODY_25, COCO_18, convert
from tests.conftest import joints


@pytest.mark.parametrize('skeleton', [BODY_25, COCO_18])
def test_the_mask_holds_all_of_the_body_and_little_more(skeleton):
    pose = convert(joints(0) * (10, 10, 1), BODY_25, skeleton)
    mask = person_mask(pose, skeleton, (320, 320))
    seen = pose[pose[:, 2] > 0].round().astype(int)
    assert mask[seen[:, 1], seen[:, 0]].all()
    assert mask.sum() < 0.8 * np.prod(np.ptp(seen[:, :2], axis=0) + 40)
    assert mask.sum() < person_mask(pose, skeleton, (320, 320), grow=0.1).sum()
    assert not mask[:, :5].any() and not mask[:, 200:].any()


def test_the_mask_holds_a_broad_belly_too_where_no_bone_is_seen():
    pose = joints(0) * (25, 10, 1)
    pose[[BODY_25.index('Neck'), BODY_25.index('MidHip')]] = 0
    x, y = pose[[BODY_25.index(joint) for joint in ('RShoulder', 'LHip')], :2].mean(0).astype(int)
    assert person_mask(pose, BODY_25, (400, 320))[y, x]


def test_where_nobody_was_found_the_person_may_be_anywhere():
    assert person_mask(np.zeros((25, 3)), BODY_25, (160, 120)).all()
