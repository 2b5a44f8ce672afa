"""Bodies turned otherwise: reflected in the plane of the picture, or turned less to the side.

Shapes as in pose/track. Angles as in pose.retargeting.facing.
"""
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache

import numpy as np

from pose.body import across, heights, joint_at
from pose.matching.coverage import turns
from pose.matching.retrieval import sides_of
from pose.skeleton import Skeleton
from pose.stretches import shot_slices
from pose.track import PoseTrack

NO_LIMIT = 90.0               # degrees
NEVER = -2.0                  # a cosine that is less than that of any angle
# Which joints follow a shoulder or a hip, and how far: feet stay on their floor.
_FOLLOWERS = {'Shoulder': {'Shoulder': 1.0, 'Elbow': 1.0, 'Wrist': 1.0, 'Hand': 1.0},
              'Hip': {'Hip': 1.0, 'Knee': 0.5}}


def trunk_angles(track: PoseTrack) -> np.ndarray:
    """degrees (F,): 0 faces the camera, 90 the right of the picture, 180 away."""
    size = heights(track.poses, track.joints)
    turn = turns(track.poses, track.joints, size)
    side = np.nan_to_num(sides_of(track.poses, size, turn, track.joints, track.depth))
    return np.degrees(np.arctan2(side, turn))


def exchanged(track: PoseTrack, rows: np.ndarray) -> PoseTrack:
    """The track reflected in the plane of the picture in those frames, bool (F,)."""
    if not rows.any():
        return track
    partners = list(track.joints.partners)
    poses = track.poses.copy()
    poses[rows] = poses[rows][:, partners]
    depth = track.depth
    if depth is not None:
        depth = depth.copy()
        depth[rows] = -depth[rows][:, partners]
    return replace(track, poses=poses, depth=depth)


def less_turned(track: PoseTrack, widths: Mapping[str, float], limits: tuple[float, float],
                exchange: np.ndarray, settle: float) -> tuple[PoseTrack, np.ndarray]:
    """The track with shoulders and hips never nearer to each other than at the limits.

    widths    as in Facing
    limits    degrees to the left and to the right
    exchange  bool (F,): frames that were exchanged, in which the outline's joints have the other
              side's names
    settle    seconds over which shoulders and hips move apart
    Returns   the track, and bool (F,) the frames that changed
    """
    height = np.maximum(heights(track.poses, track.joints), 1e-6)
    least = least_width(trunk_angles(track), limits) * height
    least = _settled(least[:, None], track, settle)[:, 0]
    shift = outline_settled(apart(track, widths, least), track.joints, exchange,
                            lambda outline: _settled(outline, track, settle))
    return moved_apart(track, shift, height)


def least_width(angles: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    """float (F,): the least that shoulders and hips of trunks at those angles (F,) may show of
    their width, as turned as at the limit on that side."""
    left, right = (np.cos(np.radians(limit)) if abs(limit) < NO_LIMIT else NEVER
                   for limit in limits)
    return np.where(angles < 0, left, right)


def apart(track: PoseTrack, widths: Mapping[str, float], least: np.ndarray) -> np.ndarray:
    """px (F, K) by which joints are moved across the trunk until shoulders and hips show `least`
    (F,) px of their widths."""
    table = track.joints
    shift = np.zeros((len(track), len(table.joints)))
    for joint in _FOLLOWERS:
        width = signed_width(track.poses, table, joint)
        seen = _both_seen(track.poses, table, joint)
        add = np.maximum(least * widths[joint] - width, 0) / 2 * seen
        shift += add[:, None] * _shares(table, joint)
    return shift


def moved_apart(track: PoseTrack, shift: np.ndarray,
                height: np.ndarray) -> tuple[PoseTrack, np.ndarray]:
    """The track with its joints moved by those px (F, K) across the trunk, and bool (F,) the frames
    that changed.

    height  float (F,) px
    """
    changed = (np.abs(shift) > 0.01 * height[:, None]).any(1) & track.shown()
    if not changed.any():
        return track, changed
    unit = _across_axis(track.poses, track.joints)
    poses = track.poses.copy()
    poses[..., :2] += (shift[..., None] * unit[:, None]) * (poses[..., 2:] > 0)
    return replace(track, poses=poses), changed


@cache
def _shares(skeleton: Skeleton, root: str) -> np.ndarray:
    """float (K,): how far each joint follows the left shoulder or hip, and, as they move apart,
    negative for the right one."""
    shares = np.zeros(len(skeleton.joints))
    for k, name in enumerate(skeleton.joints):
        for ending, share in _FOLLOWERS[root].items():
            if name[0] in 'RL' and name[1:].startswith(ending):
                shares[k] = share if name[0] == 'L' else -share
    return shares


def outline_settled(shift: np.ndarray, table: Skeleton, exchange: np.ndarray,
                    settled: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """The shifts (F, K) smoothed over time by `settled`, for the joints of arms and legs: where
    left and right are exchanged an arm goes on from the other shoulder, without a jump. Shoulders
    and hips stay apart."""
    partners = list(table.partners)
    outline = np.where(exchange[:, None], shift[:, partners], shift)
    outline = settled(outline)
    limbs = np.where(exchange[:, None], outline[:, partners], outline)
    roots = [joint[1:] in _FOLLOWERS for joint in table.joints]
    return np.where(roots, shift, limbs)


def _settled(values: np.ndarray, track: PoseTrack, seconds: float) -> np.ndarray:
    """float (F, N) smoothed over that time within each shot."""
    from scipy.ndimage import uniform_filter1d
    window = 2 * round(seconds * track.fps / 4) + 1
    values = values.copy()
    for shot in shot_slices(track.shots):
        for _ in range(2):
            values[shot] = uniform_filter1d(values[shot], window, axis=0, mode='nearest')
    return values


def signed_width(poses: np.ndarray, skeleton: Skeleton, joint: str) -> np.ndarray:
    """px (F,) across the trunk from the right to the left joint: positive from the front."""
    right, left = (joint_at(poses, skeleton, side + joint)[:, :2] for side in 'RL')
    return across(left - right, poses, skeleton)


def _both_seen(poses: np.ndarray, skeleton: Skeleton, joint: str) -> np.ndarray:
    """bool (F,): the right and the left joint are seen."""
    right, left = (joint_at(poses, skeleton, side + joint)[:, 2] for side in 'RL')
    return (right > 0) & (left > 0)


def _across_axis(poses: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """Unit vectors (F, 2) along which `across` measures."""
    axes = [across(np.tile(axis, (len(poses), 1)), poses, skeleton)
            for axis in ((1.0, 0.0), (0.0, 1.0))]
    return np.stack(axes, 1)
