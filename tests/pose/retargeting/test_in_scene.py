"""A fitted body stands in the dancer's scene where the dancer stood, as tall, on the same feet."""
from dataclasses import replace

import numpy as np
import pytest

from pose.retargeting.feet import contacts, slide
from pose.retargeting.ground import measure_ground, visible_heights
from pose.retargeting.in_scene import into_scene
from pose.retargeting.retarget import retarget
from pose.skeleton import moved
from pose.track import PoseTrack
from tests.pose.retargeting.drawn import ANKLES, CHILD, film, target_film


def in_scene(fitted: PoseTrack, own: PoseTrack) -> PoseTrack:
    matrices = into_scene(fitted, own)
    poses = np.stack([moved(pose, matrix) for pose, matrix in zip(fitted.poses, matrices)])
    return replace(fitted, poses=poses, size=own.size)


def apart(one: PoseTrack, other: PoseTrack) -> np.ndarray:
    """float (F,): how far the middle of the feet is from the other's, % of the body's height."""
    middles = [track.poses[:, ANKLES, :2].mean(1) for track in (one, other)]
    height = np.median(visible_heights(other))
    return 100 / height * np.linalg.norm(middles[0] - middles[1], axis=1)


def test_moved_as_a_whole_it_is_the_dancer_again() -> None:
    source, _ = film()
    fitted = retarget(source, None, measure_ground(target_film()), how='global')
    there = in_scene(fitted, source)
    seen = source.poses[..., 2] > 0
    height = np.median(visible_heights(source))
    away = np.linalg.norm(there.poses[..., :2] - source.poses[..., :2], axis=-1)[seen]
    assert np.percentile(away, 95) < 0.02 * height


@pytest.mark.parametrize('target', [target_film(), film(CHILD)[0]])
def test_with_bones_of_its_own_it_stands_on_the_dancers_feet(target: PoseTrack) -> None:
    source, _ = film()
    fitted = retarget(source, None, measure_ground(target), how='limbs')
    there = in_scene(fitted, source)
    assert np.median(apart(there, source)) < 4 and apart(there, source).max() < 12
    tall = np.median(visible_heights(there)) / np.median(visible_heights(source))
    assert abs(tall - 1) < 0.03
    standing = contacts(source)
    assert slide(there, standing) < slide(source, standing) + 1


def test_a_shot_of_nobody_has_no_place_and_a_lost_frame_that_of_its_neighbour() -> None:
    source, _ = film(seconds=4.0)
    shots = (np.arange(len(source)) >= 40).astype(int)
    source = replace(source, shots=shots)
    poses = source.poses.copy()
    poses[10] = poses[40:] = 0
    matrices = into_scene(replace(source, poses=poses), source)
    assert np.isnan(matrices[40:]).all() and np.isfinite(matrices[:40]).all()
    assert np.array_equal(matrices[10], matrices[9]) or np.array_equal(matrices[10], matrices[11])


@pytest.mark.filterwarnings('error')
def test_a_body_whose_joints_coincide_has_no_size_and_no_place() -> None:
    source, _ = film(seconds=2.0)
    poses = source.poses.copy()
    poses[..., :2] = 50
    point = replace(source, poses=poses)
    assert np.isnan(into_scene(point, source)).all() and np.isnan(into_scene(source, point)).all()
    poses = source.poses.copy()
    poses[10, :, :2] = 50
    assert np.isfinite(into_scene(replace(source, poses=poses), source)).all()
