"""What is chosen live for one pose after another is what is chosen for a film, a little later."""
import numpy as np
import pytest
import torch
from drawn_dolls import Frames, pose
from test_parts import RAISED, both, film

from models.warping.bones import Bones
from models.warping.frame_index import FrameIndex
from models.warping.part_choice import WHOLE, LiveParts, PartIndex
from models.warping.part_layers import Doll
from models.warping.part_order import Held, drawing_order
from models.warping.parts import Bodies
from models.warping.selection import FACING, LiveChoice, choose
from models.warping.settings import PartSettings
from pose.matching.coverage import APART
from pose.matching.retrieval import RetrievalSettings
from pose.skeleton import BODY_25

SETTINGS = PartSettings()
STEP = 1 / 25


def strains(known, track, row=0):
    bones = Bones.of(torch.from_numpy(known.poses[row, None]), torch.from_numpy(track.poses),
                     BODY_25)
    return bones.strains(FACING)[None]


def live_parts(known, poses, depth=None):
    """PartsShown of each pose, one after another."""
    parts = LiveParts(known, SETTINGS, RetrievalSettings())
    shown = []
    for k, one in enumerate(poses):
        track = film([one])
        if depth is not None:
            track = film_with(track, depth[k])
        shown.append(parts.next(track, strains(known, track), STEP if k else 0.0))
    return shown


def film_with(track, depth):
    from dataclasses import replace
    return replace(track, depth=depth[None])


KNOWN = both([pose(), pose(RWrist=(92, 118)), pose(**RAISED)])


def test_a_person_changes_to_parts_once_and_does_not_flicker():
    """One odd pose changes nothing; a lasting one does within the time that is held."""
    poses = [pose()] * 20
    poses[10] = pose(**RAISED)
    assert {parts.far for parts in live_parts(KNOWN, poses)} == {0.0}
    far = np.array([parts.far for parts in
                    live_parts(KNOWN, [pose()] * 10 + [pose(**RAISED)] * 10 + [pose()] * 10)])
    late = round(SETTINGS.calm / 2 / STEP) + 3
    assert far[:10].max() == 0 and (far[10 + late:20] == 1).all() and far[-1] == 0
    assert (np.diff(far) > 0).sum() == 3 and (np.diff(far) < 0).sum() == 3


def test_a_first_pose_that_is_far_is_in_parts_at_once():
    assert live_parts(KNOWN, [pose(**RAISED)])[0].far == 1


def test_a_pose_without_a_torso_is_whole_and_ends_nothing():
    nobody = np.zeros((25, 3), np.float32)
    shown = live_parts(KNOWN, [pose(**RAISED)] * 3 + [nobody] + [pose(**RAISED)])
    assert shown[3] == WHOLE and shown[4].far == 1


def test_parts_of_a_still_pose_are_those_of_a_film():
    """The forearm comes from the frame that raises it, the rest from anywhere near."""
    poses = [pose(**RAISED)] * 6
    track = film(poses)
    offline = PartIndex(KNOWN, SETTINGS, RetrievalSettings()).choose(
        track, Bodies(track.poses, BODY_25))
    order = drawing_order(track, Bodies(track.poses, BODY_25), SETTINGS)[-1]
    last = live_parts(KNOWN, poses)[-1]
    assert last.order == order
    for layer in ('trunk', 'head', 'R upper arm', 'R forearm'):     # others are shown alike by all
        assert last.rows[layer] == offline[layer][-1]
    assert last.rows['R forearm'] == 2


def test_parts_that_the_next_pose_may_show_are_named_and_cut_out_once():
    poses = [pose(), pose(RWrist=(92, 118)), pose(**RAISED)]
    parts = LiveParts(KNOWN, SETTINGS, RetrievalSettings())
    track = film([pose(**RAISED)])
    shown = parts.next(track, strains(KNOWN, track), 0.0)
    assert set(parts.likely) == set(shown.rows)
    assert all(parts.likely[layer][0] == row for layer, row in shown.rows.items())
    doll = Doll(Frames(poses), Bodies(np.stack(poses), BODY_25))
    assert doll.prepare(2, 'R forearm') and not doll.prepare(2, 'R forearm')
    assert doll.prepare(2, 'trunk') and doll.prepare(2, 'trunk below')


def test_an_arm_goes_behind_the_trunk_only_after_it_was_there_for_a_while():
    depth = np.zeros((12, 25), np.float32)
    for joint in ('RShoulder', 'RElbow', 'RWrist'):
        depth[[2, *range(4, 12)], BODY_25.index(joint)] = 60.0
    orders = [parts.order for parts in live_parts(KNOWN, [pose(**RAISED)] * 12, depth)]
    behind = [order.index('R forearm') < order.index('trunk') for order in orders]
    assert not any(behind[:5]) and all(behind[7:])


def test_held_changes_after_its_time_and_forgets_what_passed():
    held = Held(0.1)
    values = [held.next(value, 0.04) for value in
              (False, True, False, True, False, True, True, True, True)]
    assert values == [False] * 7 + [True] * 2


@pytest.fixture
def index(tmp_path):
    """A FrameIndex of somebody who moves an arm up and down, once in each of four takes."""
    lifts = np.concatenate([np.linspace(0, 1, 50)] * 4)
    poses = [pose(RElbow=(92 - 20 * lift, 92 - 40 * lift), RWrist=(90 - 30 * lift, 120 - 90 * lift))
             for lift in lifts]
    track = film(poses)
    (tmp_path / 'index').mkdir()
    track.save(tmp_path / 'index' / 'poses.npz')
    return FrameIndex(tmp_path / 'index'), track


def test_the_frames_of_a_filmed_pose_are_itself_and_others_far_from_it_in_time(index):
    frames, track = index
    choice = LiveChoice(frames, 3, mirrored=True)
    assert choice.next(film([np.zeros((25, 3), np.float32)])) is None
    for row in range(60, 70):
        found = choice.next(track.select([row]))
        rows = found.rows
        lift = track.poses[row, BODY_25.index('RWrist'), 1]
        first = frames.both.poses[rows[0], BODY_25.index('RWrist'), 1]
        assert abs(first - lift) < 1 and (rows < len(track)).all()
        times = frames.both.times[rows]
        apart = abs(times[:, None] - times)[~np.eye(3, dtype=bool)]
        assert (apart >= APART).all()
        assert found.strains.shape[:2] == (3, 1)


def test_no_further_frame_is_chosen_where_the_nearest_is_enough(index):
    frames, track = index
    found = LiveChoice(frames, 3, mirrored=True).next(track.select([5]), lambda nearest: True)
    assert len(set(found.rows)) == 1 and len(found.strains) == 1


def test_one_frame_is_chosen_as_for_a_film(index, monkeypatch):
    frames, track = index
    monkeypatch.setattr('models.warping.selection.track_of', lambda dataset: track)
    monkeypatch.setattr('models.warping.selection.by_path', lambda dataset, rows: rows)
    offline = choose(frames, None, 1, mirrored=True)[:, 0]
    choice = LiveChoice(frames, 1, mirrored=True)
    rows = [int(choice.next(track.select([row])).rows[0]) for row in range(len(track))]
    wrist = frames.both.poses[:, BODY_25.index('RWrist'), 1]
    assert np.abs(wrist[rows] - wrist[offline]).max() < 10
