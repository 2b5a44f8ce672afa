"""Live, a frame is chosen for each pose without those to come, and jumps are rare."""
import numpy as np
import pytest

from pose.body import heights
from pose.matching.live import OnlinePath
from pose.matching.retrieval import PoseIndex, leap
from pose.skeleton import BODY_25
from pose.track import PoseTrack
from tests.pose.matching.test_retrieval import noisy, walking


def live(known, poses):
    path = OnlinePath(PoseIndex(known.poses, BODY_25), known)
    return [path.next(pose) for pose in poses]


def two_takes(count, noise):
    """The same move filmed twice, and the poses of a third time that are nearer now to the one
    take, now to the other."""
    take = walking(count)
    known = PoseTrack(np.concatenate([take.poses, take.poses]), np.tile(take.times, 2),
                      np.arange(2 * count), 'BODY_25', (100, 100), shots=np.repeat([0, 1], count))
    elbow = BODY_25.index('RElbow')
    known.poses[count:, elbow, 0] += noise
    poses = take.poses.copy()
    poses[1::2, elbow, 0] += noise
    return known, poses


def test_live_it_goes_on_with_a_take_where_the_nearest_frames_alternate():
    known, poses = two_takes(30, 1.0)
    index = PoseIndex(known.poses, BODY_25)
    assert len({index.nearest(pose)[0] // 30 for pose in poses}) == 2
    assert [row // 30 for row in live(known, poses)] == [0] * 30


def test_live_it_jumps_once_that_is_worth_it_and_then_stays():
    known, poses = two_takes(40, 14.0)
    poses[:] = known.poses[40:]                         # from now on the other take
    poses[0] = known.poses[0]
    takes = [row // 40 for row in live(known, poses)]
    assert takes[0] == 0 and takes[1] == 0 and takes[-1] == 1
    assert np.abs(np.diff(takes)).sum() == 1


def test_live_a_jump_is_paid_for_only_once():
    known, poses = two_takes(40, 14.0)
    elbow = BODY_25.index('RElbow')
    poses[1:25] = known.poses[41:65]
    poses[25:, elbow, 0] = known.poses[25:40, elbow, 0] + 7 + np.where(np.arange(15) % 2, 3, -3)
    assert [row // 40 for row in live(known, poses)][24:] == [1] * 16


def test_live_a_pose_without_a_torso_holds_the_frame():
    known = walking(20)
    assert live(known, [known.poses[0] * 0, known.poses[5], known.poses[0] * 0]) == [-1, 5, 5]


def plainly(index, known, poses, place):
    """The same choice from the costs of all frames, as the rule says it."""
    rows, shown, extra = [], -1, 0.0
    for pose in poses:
        if heights(pose[None], BODY_25)[0]:
            cost = index.costs(pose[None], place)[0]
            every = np.arange(len(cost))
            jumps = leap(known, np.array([shown]), every)[0] if shown >= 0 else np.zeros(len(cost))
            price = max(index.settings.jump ** 2 - extra, 0)
            shown = int((cost + price * jumps).argmin())
            extra = (1 - jumps[shown]) * (extra + cost[shown] - cost.min())
        rows.append(shown)
    return rows


@pytest.mark.parametrize('place', [0.0, 0.3])
def test_live_the_frames_are_those_that_a_search_of_all_frames_chooses(place):
    count = 3000
    known = PoseTrack(noisy(count, 1)[0], np.arange(count) % 1500 / 25.0, np.arange(count),
                      'BODY_25', (100, 100), shots=np.arange(count) // 500)
    drawn = noisy(200, 2)[0]
    poses = drawn[np.repeat(np.arange(0, 200, 5), 5)] * 0.8 + drawn * 0.2
    poses[7] = 0
    index = PoseIndex(known.poses, BODY_25)
    path = OnlinePath(index, known, place)
    rows = [path.next(pose) for pose in poses]
    assert rows == plainly(index, known, poses, place)
    takes = np.diff(known.shots[rows]) != 0
    assert 10 < takes.sum() < 150


def test_live_a_price_keeps_a_frame_from_being_shown_unless_others_are_farther():
    known, poses = two_takes(30, 1.0)
    index = PoseIndex(known.poses, BODY_25)
    price = np.zeros(60, np.float32)
    price[:30] = 1000
    path = OnlinePath(index, known, price=price)
    assert {path.next(pose) // 30 for pose in poses} == {1}
    price[:] = 1000
    path = OnlinePath(index, known, price=price)
    assert [path.next(pose) for pose in poses] == live(known, poses)
