"""Room: a fitted body stays in the picture, as large as the target was, without jerks."""
import json
from dataclasses import replace

import numpy as np
import pytest

from pose.body import BONES, body_sizes, both_sides, chain_length
from pose.retargeting.inside import fit_room
from pose.retargeting.room import Room, framed, measure_room
from pose.retargeting.within import damped, within
from pose.skeleton import BODY_25
from tests.pose.retargeting.turning import turning

HIP, NECK = BODY_25.index('MidHip'), BODY_25.index('Neck')
FEET = [BODY_25.index(side + joint) for side in 'RL' for joint in ('Ankle', 'BigToe')]


def still(frames=100, **more):
    return turning(np.zeros(frames), **more)


def moved(track, x=0.0, y=0.0):
    """The track moved by px, numbers or (F,)."""
    poses = track.poses.copy()
    poses[..., 0] += np.broadcast_to(x, len(track))[:, None] * (poses[..., 2] > 0)
    poses[..., 1] += np.broadcast_to(y, len(track))[:, None] * (poses[..., 2] > 0)
    return replace(track, poses=poses)


def inside(track):
    """Whether every joint of every frame lies in the picture."""
    seen = track.poses[..., 2] > 0
    limit = np.array(track.size) - 1
    return ((track.poses[..., :2] >= -0.01) & (track.poses[..., :2] <= limit + 0.01))[seen].all()


def jerk(track):
    """The largest second difference of the hips' place, px."""
    return np.abs(np.diff(track.poses[:, HIP, :2], 2, axis=0)).max()


ROOM = measure_room(still())


def test_what_fits_stays_exactly_where_it_is():
    dancer = moved(still(), x=40 * np.sin(np.arange(100) / 15))
    fitted = fit_room(dancer, ROOM)
    assert np.array_equal(fitted.poses, dancer.poses)
    assert framed(dancer, ROOM) == 1


def test_a_room_survives_json():
    assert Room.from_dict(json.loads(json.dumps(ROOM.to_dict()))) == ROOM


@pytest.mark.parametrize(('x', 'y'), [(150, 0), (-155, 0), (0, -90), (0, 65), (150, -90)])
def test_who_leaves_the_picture_is_moved_back_as_a_whole_shot(x, y):
    dancer = moved(still(), x=x, y=y)
    assert framed(dancer, ROOM) < 1
    fitted = fit_room(dancer, ROOM)
    assert inside(fitted) and framed(fitted, ROOM) == 1
    assert jerk(fitted) < 0.01
    assert body_sizes(fitted.poses, BODY_25) == pytest.approx(body_sizes(dancer.poses, BODY_25),
                                                              rel=0.01)


def test_hair_has_room_above_the_face():
    fitted = fit_room(moved(still(), y=-90), ROOM)
    height = ROOM.height[0]
    assert fitted.poses[:, BODY_25.index('REye'), 1].min() >= 0.09 * height


def test_a_jump_higher_than_the_picture_is_made_lower_and_the_floor_stays():
    high = turning(np.zeros(150), y=40.0, picture=(320, 130))
    up = np.zeros(150)
    up[70:90] = -45 * np.sin(np.linspace(0, np.pi, 20))
    dancer = moved(high, y=up)
    fitted = fit_room(dancer, measure_room(high))
    assert not inside(dancer) and inside(fitted)
    assert fitted.poses[:60] == pytest.approx(dancer.poses[:60], abs=0.5)
    assert fitted.poses[80, HIP, 1] < fitted.poses[0, HIP, 1] - 5
    assert jerk(fitted) < 1.2 * jerk(dancer)


def test_a_walk_past_the_edge_turns_without_a_jerk():
    dancer = moved(still(200), x=190 * np.sin(np.arange(200) / 30))
    fitted = fit_room(dancer, ROOM)
    assert inside(fitted) and jerk(fitted) < jerk(dancer) + 0.5


def test_each_shot_is_moved_for_itself():
    two = replace(still(), shots=np.repeat([0, 1], 50))
    fitted = fit_room(moved(two, x=np.repeat([0, 150], 50)), ROOM)
    assert np.array_equal(fitted.poses[:50], two.poses[:50]) and inside(fitted)


def test_a_body_is_as_tall_as_the_target_was_and_no_taller():
    for size in (0.6, 1.5):
        fitted = fit_room(still(size=size), ROOM)
        height = chain_length(fitted.poses, BODY_25, BONES['spine'])
        assert height == pytest.approx(31, rel=0.12)


def test_a_long_bow_makes_nobody_taller():
    bowed = still(200)
    poses = bowed.poses.copy()
    upper = [k for k in range(25) if poses[0, k, 2] and poses[0, k, 1] < 131]
    poses[60:140, upper, 1] = 131 + (poses[60:140, upper, 1] - 131) * 0.5
    fitted = fit_room(replace(bowed, poses=poses), ROOM)
    assert fitted.poses == pytest.approx(poses, abs=1e-3)


def test_arms_wider_than_the_picture_are_foreshortened():
    narrow = turning(np.zeros(60), x=40.0, picture=(80, 240))
    room = measure_room(narrow)
    arms = narrow.poses.copy()
    for side, way in (('R', -1), ('L', 1)):
        for joint, far in (('Elbow', 35), ('Wrist', 62)):
            arms[:, BODY_25.index(side + joint), :2] = (40 + way * far, 100)
    fitted = fit_room(replace(narrow, poses=arms), room)
    assert inside(fitted)
    trunk = [NECK, HIP, *FEET]
    assert fitted.poses[:, trunk] == pytest.approx(arms[:, trunk], abs=2)


def half_body():
    """A target filmed to the knees: her feet lie below the picture."""
    return turning(np.linspace(-10, 10, 100), size=2.0, y=70.0, picture=(320, 200))


def test_a_target_filmed_to_the_knees_gets_no_feet_and_his_torso_is_hers():
    room = measure_room(half_body())
    assert {'RAnkle', 'LAnkle', 'RBigToe'} <= set(room.hidden) and 'RKnee' not in room.hidden
    fitted = fit_room(replace(still(size=1.3), size=(320, 200)), room)
    assert not fitted.poses[:, FEET].any()
    assert np.isnan(fitted.depth[:, FEET]).all()
    assert chain_length(fitted.poses, BODY_25, BONES['spine']) == pytest.approx(62, rel=0.05)
    assert fitted.poses[:, HIP, 1] == pytest.approx(half_body().poses[:, HIP, 1].mean(), abs=8)


def test_a_target_filmed_to_the_waist_is_fitted_by_her_torso():
    waist = turning(np.linspace(-10, 10, 100), size=3.0, y=60.0, picture=(320, 200))
    poses = waist.poses.copy()
    poses[poses[..., 1] > 215] = 0                  # the detector gives nothing so far outside
    room = measure_room(replace(waist, poses=poses))
    legs = both_sides('Knee', 'Ankle', 'BigToe', 'Heel')
    assert set(legs) <= set(room.hidden)
    fitted = fit_room(replace(still(), size=(320, 200)), room)
    assert chain_length(fitted.poses, BODY_25, BONES['spine']) == pytest.approx(93, rel=0.05)
    assert fitted.poses[:, HIP, 1] == pytest.approx(waist.poses[:, HIP, 1].mean(), abs=12)
    assert fitted.poses[:, NECK, 1].min() > 0


def test_legs_behind_a_table_are_not_taken_for_legs_below_the_picture():
    poses = still().poses.copy()
    poses[:, [BODY_25.index(joint) for joint in both_sides('Knee', 'Ankle', 'BigToe', 'Heel')]] = 0
    assert not measure_room(replace(still(), poses=poses)).hidden


def test_a_knee_is_not_lifted_where_the_leg_would_end_in_the_air():
    room = measure_room(half_body())
    lifted = half_body()
    poses = lifted.poses.copy()
    poses[:, BODY_25.index('RKnee'), 1] -= 40
    fitted = fit_room(replace(lifted, poses=poses), room)
    hers = half_body().poses[:, BODY_25.index('RKnee'), 1].min()
    assert (fitted.poses[:, BODY_25.index('RKnee'), 1] > hers - 3).all()


def test_what_of_the_target_was_outside_may_be_outside_as_far():
    room = measure_room(half_body())
    fitted = fit_room(half_body(), room)
    assert fitted.poses[:, HIP] == pytest.approx(half_body().poses[:, HIP], abs=1)
    aside = moved(still(), x=123)           # fingers reach 3.7 px beyond the picture's edge
    filmed = measure_room(aside)
    assert 3 < filmed.beyond['arms'][2] < 5
    assert np.array_equal(fit_room(aside, filmed).poses, aside.poses)
    further = fit_room(moved(aside, x=30), filmed)
    assert further.poses[:, HIP, 0] == pytest.approx(aside.poses[:, HIP, 0], abs=1)


def test_what_a_dancer_never_showed_is_not_invented():
    legless = still()
    poses = legless.poses.copy()
    knees = [BODY_25.index('RKnee'), BODY_25.index('LKnee')]
    poses[:, FEET + knees] = 0
    fitted = fit_room(replace(legless, poses=poses), ROOM)
    assert not fitted.poses[:, FEET + knees].any()


def test_a_path_between_bounds_keeps_to_them_and_is_smooth():
    low = np.full(100, -5.0)
    low[50] = 12.0
    path = within(low, np.full(100, 20.0), 10)
    assert (path >= low - 1e-9).all() and path[0] == 0
    assert np.abs(np.diff(path, 2)).max() < 1
    assert damped(np.array([0, 4, 8, 4, 0.0]), np.array([0, 0, 2, 0, 0.0])).tolist() \
        == [0, 1, 2, 1, 0]


def test_nobody_is_moved_over_the_bars_of_a_letterbox():
    bars = (100, 30, 100, 45)                   # the body itself reaches from 124 to 198, 72 to 186
    room = measure_room(still(), bars)
    for x, y in ((90, 0), (-90, 0), (0, 40), (0, -45)):
        away = moved(still(), x=x, y=y)
        fitted = fit_room(away, room)
        seen = fitted.poses[fitted.poses[..., 2] > 0]
        assert seen[:, 0].min() >= 100 and seen[:, 0].max() <= 220
        assert seen[:, 1].min() >= 30 and seen[:, 1].max() <= 195
        assert body_sizes(fitted.poses, BODY_25) == pytest.approx(
            body_sizes(away.poses, BODY_25), rel=0.01)
    aside = moved(still(), x=90)
    assert np.array_equal(aside.poses, fit_room(aside, ROOM).poses)     # without bars there is room


def test_a_body_larger_than_a_letterbox_is_made_smaller():
    bars = (0, 60, 0, 40)                       # 140 px are left; the body with hair takes 220
    room = replace(measure_room(still(size=0.7, y=115.0), bars), height=(50.0, 250.0))
    fitted = fit_room(still(size=2.0), room)
    body = fitted.poses[:, [NECK, HIP, *FEET, BODY_25.index('Nose')], 1]
    assert body.min() >= 60 and body.max() <= 200
    assert (body_sizes(fitted.poses, BODY_25) > 60).all()


def test_feet_below_a_bar_are_feet_that_were_never_shown():
    shown = turning(np.zeros(100), y=100.0)     # ankles at y 180 of 240
    assert 'RAnkle' in measure_room(shown, (0, 0, 0, 65)).hidden
    assert not measure_room(shown).hidden
