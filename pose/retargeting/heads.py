"""Heads: how far they are turned, and a head rebuilt from a person's own, seen from the front.

A detector guesses the face of a head seen from behind. Once such a body is shown from the front its
head has to be one: ears, eyes and nose as the target's own lie, turned as far as is known.

Shapes as in pose/track. Angles as in pose.retargeting.facing.
"""
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pose.body import both_sides, joint_at
from pose.stretches import shot_slices
from pose.track import PoseTrack
from util.shapes import items, number, record

FACE_JOINTS = ('Nose', *both_sides('Eye', 'Ear'))
# How far nose and eyes are before the ears, in halves of the distance between the ears: 12 and
# 9 cm of 7.5 in a grown person.
BEFORE = {'Nose': 1.6, 'Eye': 1.2, 'Ear': 0.0}
FRONTAL = 90                  # percentile of the ears' distance that is the one from the front
ENOUGH = 5                    # frames that a head is measured on
CALM = 0.3                    # seconds over which angles and changes are smoothed
CONFIDENCE = 0.5              # of a joint that is rebuilt and was not found


# what a record holds of one
SHAPE = record({
    'joints': record({joint: items(number(-10, 10), 2) for joint in FACE_JOINTS}),
    'neck': number(-10, 10)})


@dataclass(frozen=True)
class Head:
    """A head from the front, in shares of the body height.

    joints   {joint: (x, y) from the middle between the ears}, x to the right of the picture, y down
    neck     from the neck up to the middle between the ears
    """
    joints: Mapping[str, tuple[float, float]]
    neck: float

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> 'Head':
        """From what asdict gave."""
        joints = {name: (float(x), float(y)) for name, (x, y) in values['joints'].items()}
        return cls(joints, float(values['neck']))

    @property
    def half(self) -> float:
        """Half the distance between the ears."""
        return (self.joints['LEar'][0] - self.joints['REar'][0]) / 2


def measure_head(track: PoseTrack, height: np.ndarray, front: np.ndarray) -> Head | None:
    """The head on the frames that show both ears, eyes and nose from the front.

    height  float (F,) px;  front  bool (F,): the trunk faces the camera
    Returns  None where too few frames do
    """
    points = np.stack([joint_at(track.poses, track.joints, joint) for joint in FACE_JOINTS], 1)
    place = dict(zip(FACE_JOINTS, points.transpose(1, 0, 2)))
    apart = (place['LEar'] - place['REar'])[:, :2]
    order = apart[:, 0] > 0
    usable = front & order & (points[..., 2] > 0).all(1)
    if usable.sum() < ENOUGH:
        return None
    wide = np.linalg.norm(apart, axis=1) / height
    usable &= wide >= np.percentile(wide[usable], FRONTAL) * 0.9
    if usable.sum() < ENOUGH:
        return None
    middle = (place['LEar'] + place['REar'])[usable, :2] / 2
    along = apart[usable] / np.linalg.norm(apart[usable], axis=1, keepdims=True)
    down = np.stack([-along[:, 1], along[:, 0]], 1)
    found = {}
    for joint in FACE_JOINTS:
        away = (place[joint][usable, :2] - middle) / height[usable, None]
        found[joint] = (float(np.median((away * along).sum(1))),
                        float(np.median((away * down).sum(1))))
    neck = joint_at(track.poses, track.joints, 'Neck')[usable, :2]
    up = np.linalg.norm(neck - middle, axis=1) / height[usable]
    return Head(_symmetric(found), float(np.median(up)))


def _symmetric(joints: Mapping[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
    """Both sides averaged: a head is measured turned a little one way."""
    even = {'Nose': (0.0, joints['Nose'][1])}
    for name in ('Eye', 'Ear'):
        (rx, ry), (lx, ly) = joints['R' + name], joints['L' + name]
        even['R' + name] = (-(lx - rx) / 2, (ry + ly) / 2)
        even['L' + name] = ((lx - rx) / 2, (ry + ly) / 2)
    return even


def head_angles(track: PoseTrack, height: np.ndarray, head: Head | None) -> np.ndarray:
    """degrees (F,): how far the head is turned; NaN where too little of it is seen.

    height  float (F,) px;  head  whose proportions are compared; None: angles are all NaN
    """
    if head is None:
        return np.full(len(track), np.nan)
    nose, right, left = (joint_at(track.poses, track.joints, joint)
                         for joint in ('Nose', 'REar', 'LEar'))
    half = head.half * height
    ears = (right[:, 2] > 0) & (left[:, 2] > 0)
    facing = (left - right)[:, 0] / (2 * half)
    middle = (left + right)[:, :2] / 2
    aside = (nose[:, :2] - middle)[:, 0] / (BEFORE['Nose'] * half)
    # Without a nose the head is seen from behind; ears then only say how it is turned.
    aside = np.where(nose[:, 2] > 0, aside, 0)
    facing = np.where(nose[:, 2] > 0, facing, -np.abs(facing) - 1e-3)
    angles = np.degrees(np.arctan2(aside, facing))
    one = np.where(right[:, 2] > 0, 90.0, -90.0)
    any_ear = (right[:, 2] > 0) | (left[:, 2] > 0)
    return np.where(ears, angles, np.where(any_ear, one, np.nan))


def rebuild_heads(track: PoseTrack, height: np.ndarray, head: Head, limits: tuple[float, float],
                  behind: np.ndarray) -> tuple[PoseTrack, np.ndarray]:
    """Give a head that is turned beyond the limits, or whose face was guessed, the target's shape.

    height   float (F,) px
    limits   degrees to the left and to the right
    behind   bool (F,): frames whose head was seen from behind
    Returns  the track, and bool (F,) the frames that changed
    """
    angles = head_angles(track, height, head)
    need = (beyond(angles, limits) | behind) & track.shown()
    if not need.any():
        return track, need
    calm = np.clip(_calm(angles, track), *limits)
    return with_heads(track, height, head, calm, _faded(need, track))


def beyond(angles: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    """bool (F,): heads that are turned beyond the limits, in degrees."""
    return (angles < limits[0]) | (angles > limits[1])


def with_heads(track: PoseTrack, height: np.ndarray, head: Head, angles: np.ndarray,
               share: np.ndarray) -> tuple[PoseTrack, np.ndarray]:
    """The track with heads of the target's shape, and bool (F,) the frames that changed.

    height  float (F,) px
    angles  degrees (F,) that they are turned
    share   float (F,): 1 gives a head that shape, 0 leaves it
    """
    built = _built(track, height, head, angles)
    poses = track.poses.copy()
    for joint in FACE_JOINTS:
        k = track.joints.index(joint)
        seen = poses[:, k, 2] > 0
        mix = np.where(seen, share, share > 0.5)[:, None]
        poses[:, k, :2] = (1 - mix) * poses[:, k, :2] + mix * built[joint]
        guessed = np.where(share > 0.5, np.maximum(poses[:, k, 2], CONFIDENCE), poses[:, k, 2])
        poses[:, k, 2] = guessed
    changed = (share > 0) & track.shown()
    points = [k for k, name in enumerate(track.joints.joints) if name.startswith('Face')]
    poses[np.ix_(changed, points)] = 0          # points of a guessed face say nothing
    poses = np.where(changed[:, None, None], poses, track.poses)
    return replace(track, poses=poses, depth=_before_ears(track, height, head, changed)), changed


def _faded(need: np.ndarray, track: PoseTrack) -> np.ndarray:
    """0..1 (F,): 1 where needed, with short pauses closed, and coming and going over CALM."""
    from scipy.ndimage import maximum_filter1d, uniform_filter1d
    reach = max(1, round(CALM * track.fps / 2))
    share = np.zeros(len(track))
    for shot in shot_slices(track.shots):
        wide = maximum_filter1d(need[shot].astype(np.float64), 2 * reach + 1, mode='nearest')
        share[shot] = uniform_filter1d(wide, 2 * reach + 1, mode='nearest')
    return share


def _calm(angles: np.ndarray, track: PoseTrack) -> np.ndarray:
    """The angles, folded, without jumps from frame to frame."""
    from scipy.ndimage import median_filter, uniform_filter1d
    angles = folded(angles)
    window = 2 * max(1, round(CALM * track.fps / 2)) + 1
    calm = np.empty_like(angles)
    for shot in shot_slices(track.shots):
        steady = median_filter(angles[shot], window, mode='nearest')
        calm[shot] = uniform_filter1d(steady, window, mode='nearest')
    return calm


def folded(angles: np.ndarray) -> np.ndarray:
    """The angles, degrees: a head from behind counts as turned half way between, NaN as facing the
    camera."""
    return np.degrees(np.arcsin(np.sin(np.radians(np.nan_to_num(angles)))))


def _built(track: PoseTrack, height: np.ndarray, head: Head,
           angles: np.ndarray) -> dict[str, np.ndarray]:
    """{joint: px (F, 2)} of the head turned by those angles, where the track's head is."""
    turn = np.radians(angles)
    right, left, neck, hips = (joint_at(track.poses, track.joints, joint)
                               for joint in ('REar', 'LEar', 'Neck', 'MidHip'))
    spine = (neck - hips)[:, :2]
    lean = np.arctan2(spine[:, 0], -spine[:, 1]) / 2        # a head stays half upright
    ears = ((right[:, 2] > 0) & (left[:, 2] > 0))[:, None]
    up = np.stack([np.sin(lean), -np.cos(lean)], 1)
    above = neck[:, :2] + head.neck * height[:, None] * up
    middle = np.where(ears, (right + left)[:, :2] / 2, above)
    along = np.stack([-up[:, 1], up[:, 0]], 1)
    found = {}
    for joint, (x, y) in head.joints.items():
        before = BEFORE[joint.lstrip('RL')] * head.half
        across_px = (x * np.cos(turn) + before * np.sin(turn)) * height
        found[joint] = middle + along * across_px[:, None] - up * (y * height)[:, None]
    return found


def _before_ears(track: PoseTrack, height: np.ndarray, head: Head,
                 changed: np.ndarray) -> np.ndarray | None:
    """The depth (F, K) px in which the face of a changed head lies before its ears."""
    if track.depth is None:
        return None
    depth = track.depth.copy()
    ears = depth[:, [track.joints.index(joint) for joint in both_sides('Ear')]]
    middle = np.where(np.isfinite(ears).all(1), ears.mean(1), 0)
    for joint in FACE_JOINTS:
        before = BEFORE[joint.lstrip('RL')] * head.half * height
        k = track.joints.index(joint)
        depth[:, k] = np.where(changed, middle - before, depth[:, k])
    return depth
