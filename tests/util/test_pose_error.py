"""What a pose error promises, at skeletons moved by known amounts."""
import math

import numpy as np
import pytest

from util.metrics.poses import pose_error

HEIGHTS = np.array([200.0, 100.0])


@pytest.fixture
def wanted():
    """Two frames of a body of four joints, the second half the size of the first."""
    body = np.array([(50, 20, 1), (50, 100, 1), (40, 200, 1), (60, 200, 1)], np.float32)
    return np.stack([body, body * (0.5, 0.5, 1)])


def test_a_pose_that_is_kept_has_no_error(wanted):
    error = pose_error(wanted, wanted, HEIGHTS)
    assert (error.akd, error.missed_joints, error.missed_people) == (0, 0, 0)
    assert error.frames.tolist() == [0, 0]


def test_a_moved_body_errs_by_its_way_in_percent_of_its_height(wanted):
    moved = wanted + np.float32([3, 4, 0])                          # 5 px
    error = pose_error(moved, wanted, HEIGHTS)
    assert error.frames == pytest.approx([100 * 5 / 200, 100 * 5 / 100])
    assert error.akd == pytest.approx((2.5 + 5) / 2)


def test_one_moved_joint_counts_for_itself(wanted):
    found = wanted.copy()
    found[0, 2, 0] += 20                                            # 10 % of that body's height
    error = pose_error(found, wanted, HEIGHTS)
    assert error.akd == pytest.approx(10 / 8)
    assert error.frames == pytest.approx([10 / 4, 0])


def test_missed_joints_are_counted_and_not_measured(wanted):
    found = wanted + np.float32([6, 8, 0])
    found[0, :3] = 0
    error = pose_error(found, wanted, HEIGHTS)
    assert error.missed_joints == 3 / 8
    assert error.akd == pytest.approx((1 * 5 + 4 * 10) / 5)         # each joint weighs the same
    assert error.missed_people == 0


def test_a_frame_without_a_person_is_missed_whole(wanted):
    found = wanted.copy()
    found[1] = 0
    error = pose_error(found, wanted, HEIGHTS)
    assert (error.missed_people, error.missed_joints, error.akd) == (0.5, 0.5, 0)
    assert error.frames[0] == 0 and math.isnan(error.frames[1])


def test_what_was_not_asked_for_is_neither_missed_nor_wrong(wanted):
    found = wanted.copy()
    wanted[0, 0] = 0                    # one joint more was found than asked for
    wanted[1] = found[1] = 0            # and nobody was asked for, nor found
    error = pose_error(found, wanted, HEIGHTS)
    assert (error.akd, error.missed_joints, error.missed_people) == (0, 0, 0)
    assert math.isnan(error.frames[1])


def test_joints_beyond_the_picture_cannot_be_painted(wanted):
    found = wanted.copy()
    found[0, 2:] = 0
    assert pose_error(found, wanted, HEIGHTS).missed_joints == 2 / 8
    assert pose_error(found, wanted, HEIGHTS, size=(100, 200)).missed_joints == 0
    assert pose_error(found, wanted, HEIGHTS, size=(100, 201)).missed_joints == 2 / 8


@pytest.mark.parametrize('unknown', [0, np.nan])
def test_a_body_of_unknown_height_is_found_but_not_measured(wanted, unknown):
    found = wanted + np.float32([3, 4, 0])
    found[0, 0] = 0
    error = pose_error(found, wanted, np.array([unknown, 100]))
    assert error.akd == pytest.approx(5) and math.isnan(error.frames[0])
    assert error.missed_joints == 1 / 8


def test_nothing_asked_for_is_nothing_known():
    none = np.zeros((2, 4, 3), np.float32)
    error = pose_error(none, none, HEIGHTS)
    assert all(map(math.isnan, (error.akd, error.missed_joints, error.missed_people)))
    assert np.isnan(error.frames).all()
