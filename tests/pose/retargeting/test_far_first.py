"""Who is nearer to the camera: decided by the feet, else by the size, and without flicker."""
import numpy as np

from pose.retargeting.far_first import CLEAR, far_first
from pose.skeleton import BODY_25
from pose.track import PoseTrack
from tests.conftest import joints

FRAMES = 100
HEIGHT = 9.0        # px from the nose's to the ankles' line of that body


def track(ankle, scale=1.0, shots=None, frames=FRAMES):
    """Somebody whose ankles stand at those y, (F,) px; `scale` times as tall."""
    ankle = np.broadcast_to(np.asarray(ankle, float), frames)
    poses = np.repeat(joints(0)[None], frames, 0)
    there = poses[..., 2] > 0
    poses[..., :2] *= scale * there[..., None]
    lowest = poses[:, BODY_25.index('RAnkle'), 1]
    poses[..., 1] += (ankle - lowest)[:, None] * there
    return PoseTrack(poses, np.arange(frames) / 25, np.arange(frames), 'BODY_25', (400, 400),
                     shots=shots)


def without_feet(one):
    poses = one.poses.copy()
    for joint in BODY_25.joints:
        if joint.endswith(('Ankle', 'Toe', 'Heel')):
            poses[:, BODY_25.index(joint)] = 0
    return PoseTrack(poses, one.times, one.index, 'BODY_25', one.size)


def nearest(tracks):
    """Per frame the place in the list of who is in front."""
    order = far_first(tracks)
    return [order[number][-1] for number in sorted(order)]


def test_whose_feet_are_lower_in_the_picture_is_in_front():
    assert nearest([track(200, 8), track(230, 8)]) == FRAMES * [1]
    assert nearest([track(260, 8), track(230, 8), track(200, 8)]) == FRAMES * [0]
    assert far_first([track(260, 8), track(200, 8), track(230, 8)])[7] == [1, 2, 0]


def test_without_feet_the_larger_one_is_in_front():
    small, large = without_feet(track(330, 8)), without_feet(track(300, 10))
    assert nearest([small, large]) == FRAMES * [1]
    assert nearest([track(330, 8), large]) == FRAMES * [1]


def test_who_is_not_clearly_past_the_other_stays_behind():
    """Both stand on one line after the first second, and shift their weight."""
    tall = 8 * HEIGHT
    swing = 0.5 * CLEAR * tall * np.sin(np.arange(FRAMES))
    first = np.where(np.arange(FRAMES) < 25, 0.3 * tall, 0)
    assert nearest([track(200, 8), track(200 + first + swing, 8)]) == FRAMES * [1]


def test_who_comes_forward_changes_places_once():
    way = np.linspace(170, 230, FRAMES)
    front = nearest([track(200, 8), track(way, 8)])
    changes = np.flatnonzero(np.diff(front))
    assert (front[0], front[-1]) == (0, 1) and len(changes) == 1 and 50 <= changes[0] <= 65


def test_a_jump_brings_nobody_to_the_back():
    ankle = np.full(FRAMES, 230.0)
    ankle[50:60] -= 60
    assert nearest([track(200, 8), track(ankle, 8)]) == FRAMES * [1]


def test_a_cut_starts_from_what_the_new_shot_shows():
    shots = np.arange(FRAMES) // 50
    ankle = np.where(shots, 202.5, 150)      # not clear after the cut, where the mean decides
    assert nearest([track(200, 8, shots), track(ankle, 8, shots)]) == 50 * [0] + 50 * [1]


def test_who_is_missing_for_a_while_keeps_the_place():
    ankle = np.full(FRAMES, 230.0)
    one = track(ankle, 8)
    one = one.select(np.r_[0:40, 70:FRAMES])
    assert nearest([track(200, 8), one]) == FRAMES * [1]
