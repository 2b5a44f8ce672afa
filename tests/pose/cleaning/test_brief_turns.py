"""Bodies that a detector turns round for a moment, and bodies that do turn."""
import numpy as np
import pytest

from pose.body import ARM_JOINTS, LEG_JOINTS, both_sides
from pose.cleaning.brief_turns import BRIEFEST, brief_turns
from pose.cleaning.swaps import BODY, undo_swaps
from pose.skeleton import BODY_25
from pose.track import PoseTrack
from tests.pose.cleaning.tracks import FPS, HEIGHT, SWAPS, dancing, swapped

LIMBS = [BODY_25.index(name) for name in both_sides(*ARM_JOINTS, *LEG_JOINTS)]
LONGEST = 0.33 * HEIGHT
LONG = round(BRIEFEST * FPS) + 2


def turned_round(found: PoseTrack, rows: range) -> PoseTrack:
    """The track as a detector finds it that takes a back for a front in those frames: sides and
    near and far are exchanged, and in the frames next to them the body is folded to a line, from
    where either side is as near."""
    wrong = swapped(found, SWAPS['whole'], rows)
    wrong.depth[rows] *= -1
    partners = list(found.joints.partners)
    for row in (rows[0] - 1, rows[-1] + 1):
        if 0 <= row < len(found):
            middle = (found.poses[row] + found.poses[row, partners]) / 2
            wrong.poses[row] = middle + 0.1 * (found.poses[row] - middle)
            wrong.depth[row] = 0
    return wrong


def brief(track: PoseTrack) -> list[int]:
    """The numbers of the frames that turn too briefly."""
    mask = brief_turns(track.poses, track.times, track.joints, LONGEST, 2 * BODY.switch)
    return np.flatnonzero(mask).tolist()


@pytest.mark.parametrize('frames', [1, 2, 4])
@pytest.mark.parametrize('start', [0, 60, 150, 240])
def test_a_body_exchanged_next_to_folded_frames_is_put_back(start, frames):
    found = dancing(0.005)
    rows = range(start, start + frames)
    mended = undo_swaps(turned_round(found, rows))
    off = np.linalg.norm((mended.poses - found.poses)[rows][:, LIMBS, :2], axis=-1)
    # single legs lie so near to each other that either may be right
    assert np.percentile(off, 90) < 0.05 * HEIGHT
    shoulders = [BODY_25.index(name) for name in both_sides('Shoulder')]
    assert np.array_equal(mended.poses[rows][:, shoulders], found.poses[rows][:, shoulders])


def test_its_depth_is_drawn_from_the_frames_around():
    found = dancing(0.005)
    rows = range(150, 154)
    mended = undo_swaps(turned_round(found, rows))
    shoulder = BODY_25.index('RShoulder')
    ends = mended.depth[[rows[0] - 1, rows[-1] + 1], shoulder]
    within = mended.depth[rows, shoulder]
    assert ends.min() - 1e-3 <= within.min() and within.max() <= ends.max() + 1e-3


@pytest.mark.parametrize('turning', [0, 90, 360, 720])
def test_a_body_that_does_turn_is_left_as_it_is(turning):
    assert brief(dancing(0.005, turning)) == []


def test_a_body_that_shows_its_other_side_for_long_may_have_turned():
    found = dancing(0.005)
    assert brief(swapped(found, SWAPS['whole'], range(150, 150 + LONG))) == []
    assert brief(swapped(found, SWAPS['whole'], range(150, 153))) == [150, 151, 152]


def test_shoulders_that_pass_each_other_in_a_profile_exchange_no_legs():
    poses = np.repeat(dancing().poses[:1], 60, 0)
    middle = poses[0, BODY_25.index('Neck'), 0]
    shoulders = [BODY_25.index(name) for name in both_sides('Shoulder')]
    hips = [BODY_25.index(name) for name in both_sides('Hip')]
    for row in range(60):
        way = -1 if 30 <= row < 33 else 1
        poses[row, shoulders, 0] = middle + way * np.array([-3, 3])
        poses[row, hips, 0] = middle + way * np.array([-2, 2])
    poses[:, BODY_25.index('RAnkle'), 0] -= 40
    poses[:, BODY_25.index('LAnkle'), 0] += 40
    track = PoseTrack(poses, np.arange(60) / FPS, np.arange(60), 'BODY_25', (480, 480))
    assert brief(track) == []
