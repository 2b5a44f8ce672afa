"""Tracks of a drawn dancer, true or harmed, for the tests of cleaning."""
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from pose.skeleton import BODY_25
from pose.track import PoseTrack
from scripts.demo.body import TARGET, body_25, stand_up, turned
from scripts.demo.dance import TARGET_DANCE, Dance, choreograph

HEIGHT = 300.0                                  # px, of the dancer
FPS = 30.0
WRIST, ELBOW, KNEE = (BODY_25.index(joint) for joint in ('RWrist', 'RElbow', 'RKnee'))
SWAPS = {'whole': 'Shoulder Elbow Wrist Hip Knee Ankle Eye Ear BigToe SmallToe Heel',
         'arm': 'Elbow Wrist', 'leg': 'Knee Ankle BigToe SmallToe Heel', 'wrist': 'Wrist',
         'ankle': 'Ankle BigToe SmallToe Heel', 'eyes and ears': 'Eye Ear'}


@cache
def _danced(turning: float) -> tuple[np.ndarray, np.ndarray]:
    """Joints (F, 25, 3) and depth (F, 25) px of the demo's dance, turned by so many degrees/s."""
    dance, places = choreograph(TARGET_DANCE, 12), []
    for time in np.arange(0, 12, 1 / FPS):
        places.append(body_25(TARGET, stand_up(TARGET, dance.at(time))) @ turned(
            turning * time).T)
    places = np.array(places) * HEIGHT / TARGET.height
    poses = np.concatenate([places[..., :2] * (1, -1) + (240, 400),
                            np.ones((*places.shape[:2], 1))], -1)
    return poses.astype(np.float32), -places[..., 2]


def dancing(noise: float = 0.0, turning: float = 0.0, seed: int = 0) -> PoseTrack:
    """The demo's dance as a detector that is `noise` of the body's height off would find it."""
    poses, depth = _danced(turning)
    rng = np.random.default_rng(seed)
    poses = poses + rng.normal(0, noise * HEIGHT, poses.shape) * (1, 1, 0)
    return track_of(poses, FPS, depth=depth)


def standing(x: float = 100.0, y: float = 150.0, size: float = 1.0) -> np.ndarray:
    """One body (25, 3), 100 px tall at size 1, its feet at x, y."""
    places = body_25(TARGET, stand_up(TARGET, Dance.STAND))[:, :2] * (1, -1) * 100 / TARGET.height
    return np.float32(np.concatenate([places * size + (x, y), np.ones((25, 1))], 1))


def track_of(poses: Iterable[np.ndarray], fps: float = 25.0, **more: Any) -> PoseTrack:
    """The track of bodies (25, 3), one a frame; more fields of PoseTrack as they are."""
    return PoseTrack(np.stack(poses), np.arange(len(poses)) / fps, np.arange(len(poses)),
                     'BODY_25', (480, 480), **more)


def swapped(track: PoseTrack, joints: str, rows: Iterable[int]) -> PoseTrack:
    """The track with left and right of these joints exchanged in those frames."""
    one = [track.joints.index('R' + joint) for joint in joints.split()]
    other = [track.joints.partners[k] for k in one]
    poses, rows = track.poses.copy(), np.asarray(rows)[:, None]
    poses[rows, one + other] = poses[rows, other + one]
    depth = None if track.depth is None else track.depth.copy()
    if depth is not None:
        depth[rows, one + other] = depth[rows, other + one]
    return replace(track, poses=poses, depth=depth)


def differ(a: PoseTrack, b: PoseTrack) -> list[int]:
    """Numbers of the frames whose poses differ."""
    return np.flatnonzero((a.poses != b.poses).any((1, 2))).tolist()
