"""Bodies that a detector turns round for a moment, and bodies that do turn."""
import numpy as np
import pytest

from pose.body import ARM_JOINTS, LEG_JOINTS, both_sides
from pose.cleaning.bone_lengths import LiveProportions
from pose.cleaning.brief_turns import BRIEFEST, LiveBriefTurns, brief_turns
from pose.cleaning.swaps import BODY, LiveSwaps, undo_swaps
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


def joints_of(track: PoseTrack) -> np.ndarray:
    """float (F, K, 4), as a detector gives them."""
    assert track.depth is not None
    return np.concatenate([track.poses, track.depth[..., None]], -1)


def brief_live(track: PoseTrack) -> list[int]:
    """The numbers of the frames that LiveBriefTurns exchanges."""
    live = LiveBriefTurns(track.joints)
    frames = enumerate(zip(joints_of(track), track.times.tolist(), strict=True))
    return [f for f, (found, time) in frames if live(found, time, LONGEST, 2 * BODY.switch)]


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


@pytest.mark.parametrize('frames', [1, 2, 4])
@pytest.mark.parametrize('start', [60, 150, 240])
def test_live_too_it_is_put_back_at_once(start, frames):
    found = dancing(0.005)
    rows = range(start, start + frames)
    swaps, own = LiveSwaps('BODY_25'), LiveProportions('BODY_25')
    mended = []
    for joints, time in zip(joints_of(turned_round(found, rows)), found.times, strict=True):
        own(joints[:, :3], time)
        mended.append(swaps(joints, time, own.lengths, own.scale))
    shoulders = [BODY_25.index(name) for name in both_sides('Shoulder')]
    wrong = np.abs(np.array(mended)[..., :2] - found.poses[..., :2])[:, shoulders].max((1, 2))
    folded = {rows[0] - 1, rows[-1] + 1}
    assert set(np.flatnonzero(wrong > 0.02 * HEIGHT)) <= folded


def test_live_a_body_that_stays_turned_is_believed_after_a_moment():
    found = dancing(0.005)
    frames = brief_live(swapped(found, SWAPS['whole'], range(150, len(found))))
    assert frames == list(range(150, 150 + len(frames)))
    assert BRIEFEST - 1.5 / FPS < len(frames) / FPS < BRIEFEST + 1.5 / FPS


@pytest.mark.parametrize('turning', [0, 180, 360, 540])
def test_live_a_body_that_does_turn_is_left_as_it_is(turning):
    assert brief_live(dancing(0.005, turning)) == []


def test_live_nothing_is_exchanged_before_a_body_is_known():
    found = dancing(0.005)
    assert brief_live(swapped(found, SWAPS['whole'], range(5, 8))) == []


@pytest.mark.parametrize('turning', [60, 90, 180, 240])
def test_a_body_that_has_just_turned_where_a_shot_begins_or_ends_is_left_as_it_is(turning):
    found = dancing(0.005, turning)
    for cut in range(0, 60, 3):
        assert brief(found.select(np.arange(60 + cut))) == []
        assert brief(found.select(np.arange(cut, cut + 100))) == []


@pytest.mark.parametrize('frames', [1, 2, 4])
def test_at_the_end_of_a_shot_too_it_is_put_back(frames):
    found = dancing(0.005).select(range(160))
    rows = range(160 - frames, 160)
    assert brief(turned_round(found, rows)) == list(rows)
