"""Retargeting: her place, her size, his moves, whatever the two videos look like."""
import numpy as np
import pytest

from pose.body import body_sizes
from pose.retargeting.ground import Ground, measure_ground, measure_grounds
from pose.retargeting.retarget import retarget
from pose.skeleton import BODY_25
from pose.track import PoseTrack
from tests.pose.test_track import standing
from util.errors import UserError

RIGHT, LEFT, HIP = (BODY_25.index(j) for j in ('RAnkle', 'LAnkle', 'MidHip'))
TARGET = Ground(near=420, far=400, height_near=260, height_far=250, centre=320, left=250, right=390,
               size=(640, 480), frames=100)


def walk(frames=120, x=160.0, y=200.0, size=1.0, far=0.0, deep=0.0, picture=(320, 240), wobble=0.0):
    """A body that walks `far` px to each side, and `deep` px towards the camera, growing."""
    turn = np.sin(np.arange(frames) / frames * 4 * np.pi)
    noise = np.random.default_rng(0).normal(0, wobble, (frames, 25, 2))
    poses = np.stack([standing(x + far * t, y + deep * t, size * (1 + deep * t / 200))
                      for t in turn])
    poses[..., :2] += noise * (poses[..., 2:] > 0)
    return PoseTrack(poses, np.arange(frames) / 25, np.arange(frames), 'BODY_25', picture)


def joined(*tracks):
    """Shot after shot in one track."""
    poses = np.concatenate([t.poses for t in tracks])
    shots = np.repeat(np.arange(len(tracks)), [len(t) for t in tracks])
    return PoseTrack(poses, np.arange(len(poses)) / 25, np.arange(len(poses)), 'BODY_25',
                     tracks[0].size, shots=shots)


def heights(track):
    return body_sizes(track.poses, BODY_25)


def ankles(track):
    return track.poses[:, [RIGHT, LEFT], 1].max(1)


@pytest.mark.parametrize('source', [walk(), walk(far=60), walk(far=40, deep=30), walk(wobble=1)],
                         ids=['still', 'across', 'in depth', 'noisy'])
def test_who_is_the_target_already_stays_as_he_is(source):
    fitted = retarget(source, None, measure_ground(source))
    assert np.allclose(fitted.poses, source.poses, atol=0.01)
    assert fitted.size == source.size


@pytest.mark.parametrize('size', [0.3, 1.0, 2.2])
def test_a_giant_and_a_dwarf_become_as_tall_as_the_target(size):
    fitted = retarget(walk(y=230, size=size, far=20), None, TARGET)
    assert heights(fitted) == pytest.approx(255, rel=0.03)
    assert ankles(fitted) == pytest.approx(410, abs=2)
    assert np.median(fitted.poses[:, HIP, 0]) == pytest.approx(TARGET.centre, abs=2)


def test_who_walks_towards_the_camera_stays_within_the_targets_depth_and_grows_with_it():
    fitted = retarget(walk(frames=500, deep=40), None, TARGET)
    assert ankles(fitted).min() > TARGET.far - 5 and ankles(fitted).max() < TARGET.near + 5
    near, far = np.argmax(ankles(fitted)), np.argmin(ankles(fitted))
    assert heights(fitted)[near] > heights(fitted)[far]
    assert heights(fitted) == pytest.approx(255, rel=0.08)


def test_who_stays_where_he_is_does_not_begin_to_wander():
    """The paper stretches any range of ankle lines, noise too, to the target's."""
    source, target = walk(wobble=1), measure_ground(walk(size=2, deep=30, picture=(640, 480)))
    assert np.ptp(retarget(source, None, target).poses[:, HIP, 1]) < 15


def test_near_and_far_may_be_the_same_line():
    still = measure_ground(walk())
    assert still.near == still.far and still.height_near == still.height_far
    for source, target in ((walk(deep=30), still), (walk(), TARGET), (walk(), still)):
        fitted = retarget(source, None, target)
        assert np.isfinite(fitted.poses).all()
        usual = float(target.height(np.array(target.middle)))
        assert heights(fitted).mean() == pytest.approx(usual, rel=0.05)


def test_hidden_feet_change_little():
    source = walk(wobble=0.5, far=20)
    hidden = walk(wobble=0.5, far=20)
    hidden.poses[:, [RIGHT, LEFT]] = 0
    spine = [BODY_25.index('Neck'), HIP]
    whole, cut = (np.diff(retarget(t, None, TARGET).poses[:, spine, :2], axis=1) for t in
                  (source, hidden))
    assert np.allclose(np.linalg.norm(cut, axis=-1), np.linalg.norm(whole, axis=-1), rtol=0.12)
    low, right = (retarget(t, None, TARGET).poses[:, HIP, 1].mean() for t in (hidden, source))
    assert low == pytest.approx(right, abs=0.05 * TARGET.height_near)


def test_a_jump_stays_a_jump():
    source = walk()
    source.poses[60:72, :, 1] -= (30 * np.sin(np.linspace(0, np.pi, 12)))[:, None] * (
        source.poses[60:72, :, 2] > 0)
    fitted = retarget(source, None, TARGET)
    scale = heights(fitted)[0] / heights(source)[0]
    assert ankles(fitted)[:50].max() - ankles(fitted)[60:72].min() == pytest.approx(
        30 * scale, rel=0.05)
    assert heights(fitted) == pytest.approx(heights(fitted)[0], rel=0.01)


def test_a_bow_stays_a_bow():
    source = walk()
    down = np.arange(25) * 0
    down[[BODY_25.index(j) for j in ('Nose', 'Neck', 'RShoulder', 'LShoulder')]] = 25
    source.poses[50:100, :, 1] += down
    fitted = retarget(source, None, TARGET)
    assert heights(fitted)[0] == pytest.approx(255, rel=0.05)
    legs = np.linalg.norm(fitted.poses[:, HIP, :2] - fitted.poses[:, RIGHT, :2], axis=1)
    assert legs == pytest.approx(legs[0], rel=0.01)


@pytest.mark.parametrize('size', [0.5, 2.0])
def test_a_cut_to_another_view_changes_neither_size_nor_place(size):
    to_the_right = walk(far=30).select(np.arange(120) < 75)
    source = joined(to_the_right, walk(x=90, y=220, size=size))
    fitted = retarget(source, None, TARGET)
    before, after = heights(fitted)[:75], heights(fitted)[75:]
    assert np.median(after) == pytest.approx(np.median(before), rel=0.1)
    step = fitted.poses[75, HIP] - fitted.poses[74, HIP]
    assert np.abs(step).max() < 10
    assert fitted.poses[74, HIP, 0] > TARGET.centre + 50


def test_a_walk_out_of_the_targets_picture_is_made_shorter():
    fitted = retarget(walk(far=140), None, TARGET)
    hips = fitted.poses[:, HIP, 0]
    assert hips.min() > 0 and hips.max() < 639
    assert np.ptp(hips) > 300
    assert heights(fitted) == pytest.approx(255, rel=0.03)


def test_a_second_shot_that_would_leave_the_picture_is_moved_back():
    to_the_right = walk(far=70).select(np.arange(120) < 75)
    fitted = retarget(joined(*[to_the_right] * 3), None, TARGET)
    hips = fitted.poses[:, HIP, 0]
    assert hips.min() > 0 and hips.max() < 639


def test_two_pictures_of_different_size_and_shape():
    source, target = walk(picture=(320, 240)), measure_ground(
        walk(x=300, y=900, size=6, picture=(720, 1280)))
    fitted = retarget(source, None, target)
    assert fitted.size == (720, 1280)
    assert heights(fitted) == pytest.approx(6 * heights(source), rel=0.01)
    assert np.allclose(fitted.poses[0, HIP, 0], 300, atol=1)


def test_frames_out_of_line_do_not_move_the_measures():
    clean, wild = walk(far=20), walk(far=20)
    wild.poses[[10, 80], :, :2] *= 5
    a, b = measure_ground(clean), measure_ground(wild)
    for name in ('near', 'far', 'height_near', 'height_far', 'centre', 'left', 'right'):
        assert getattr(b, name) == pytest.approx(getattr(a, name), rel=0.02), name


def test_what_is_not_seen_stays_unseen_and_a_shot_without_a_stage_is_empty():
    source = joined(walk(), walk(4), walk())
    source.poses[3, 4] = 0
    assert list(measure_grounds(source)) == [0, 2]
    fitted = retarget(source, None, TARGET)
    assert not fitted.poses[3, 4].any() and not fitted.poses[120:124].any()
    assert fitted.poses[124].any()


def test_one_stage_may_be_given_for_all_shots():
    source = walk(far=20)
    given = retarget(source, measure_ground(source), TARGET)
    measured = retarget(source, None, TARGET)
    assert np.allclose(given.poses, measured.poses)
    assert given.size == measured.size == TARGET.size


def test_a_stage_survives_json():
    assert Ground.from_dict(TARGET.to_dict() | {'later': 1}) == TARGET
    with pytest.raises(UserError, match='near'):
        Ground.from_dict({'far': 1})


def test_nobody_to_measure_is_said():
    track = walk()
    track.poses[:] = 0
    with pytest.raises(UserError, match='nobody to measure'):
        measure_ground(track)
