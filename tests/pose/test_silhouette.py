"""Where the person may be, by the pose: all of the body, and little more."""
import numpy as np
import pytest

from pose.silhouette import dressed_box, person_mask
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


@pytest.mark.parametrize('skeleton', [BODY_25, COCO_18])
@pytest.mark.parametrize('grow', [0.0, 0.03, 0.12])
def test_the_box_holds_all_of_the_mask_and_little_more(skeleton, grow):
    some = np.random.default_rng(0)
    size = 320, 400
    for number in range(60):
        pose = joints(number) * (6, 6, 1) + (some.normal(0, 12, (25, 2)) @ np.eye(2, 3)
                                             + (*some.uniform(-60, 250, 2), 0))
        pose[some.random(25) < 0.2] = 0
        pose = convert(pose.astype(np.float32), BODY_25, skeleton)
        mask = person_mask(pose, skeleton, size, grow)
        rows, columns = dressed_box(pose, skeleton, size, grow)
        outside = mask.copy()
        outside[rows, columns] = False
        assert not outside.any()
        whole = pose[:, 2].all() and mask.any()
        if whole:
            there = np.flatnonzero(mask.any(1))
            assert there[0] - rows.start <= 3 and rows.stop - 1 - there[-1] <= 3


def test_the_box_is_the_whole_picture_without_joints_and_empty_when_they_are_far_outside():
    pose = joints(0) * (10, 10, 1)
    assert dressed_box(0 * pose, BODY_25, (160, 120)) == (slice(0, 120), slice(0, 160))
    rows, columns = dressed_box(pose + (3000, 0, 0), BODY_25, (160, 120))
    assert columns.start == columns.stop == 160
