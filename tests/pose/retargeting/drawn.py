"""Drawn dances whose joints and standing feet are known, for the tests of retargeting."""
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from pose.body import body_sizes
from pose.skeleton import BODY_25
from pose.stretches import runs
from pose.track import PoseTrack
from scripts.demo import body, dance
from scripts.demo import camera as cameras
from tests.pose.test_track import standing

FPS = 20
HIP = BODY_25.index('MidHip')
ANKLES = [BODY_25.index(joint) for joint in ('RAnkle', 'LAnkle')]
LIMBS = [tuple(BODY_25.index(joint) for joint in bone.split()) for bone in (
    'MidHip Neck', 'Neck Nose', 'RShoulder RElbow', 'RElbow RWrist', 'LShoulder LElbow',
    'LElbow LWrist', 'RHip RKnee', 'RKnee RAnkle', 'LHip LKnee', 'LKnee LAnkle',
    'Neck LShoulder', 'MidHip RHip', 'RAnkle RHeel')]
CHILD = replace(body.TARGET, height=1.1, legs=0.42, arms=0.28, shoulders=0.10, hips=0.05, head=1.3)
LOW, HIGH = (replace(cameras.SOURCE_CAMERA, eye=eye) for eye in (0.5, 2.2))


@lru_cache(maxsize=32)
def film(who: body.Figure = body.SOURCE, camera: cameras.Camera = cameras.SOURCE_CAMERA,
         moves: tuple[tuple[str, int], ...] = dance.SOURCE_DANCE, seconds: float = 12.0,
         size: tuple[int, int] = (480, 480), back: float = 0.0,
         noise: float = 0.0) -> tuple[PoseTrack, np.ndarray]:
    """A drawn dance: its track, and bool (F, 2), whether the right and the left foot stand.

    back   metres that everything lies further away
    noise  of the joints, in parts of the body's height
    """
    times = np.arange(round(seconds * FPS)) / FPS
    choreography = dance.choreograph(moves, seconds)
    steps = [choreography.at(time) for time in times]
    view = cameras.View(camera, size[1], camera.tall * size[1] / who.height)
    places = np.array([[view(joint - (0, 0, back))[:2]
                        for joint in body.body_25(who, body.stand_up(who, step))]
                       for step in steps])
    places[..., 0] += (size[0] - size[1]) / 2
    height = camera.tall * size[1] * camera.distance / (camera.distance + back)
    places += np.random.default_rng(0).normal(0, noise * height, places.shape)
    poses = np.concatenate([places, np.ones((*places.shape[:2], 1))], -1)
    feet = np.array([[(step[f'{s}_x'], step[f'{s}_y'], step[f'{s}_z']) for s in 'rl']
                     for step in steps])
    still = (np.abs(np.gradient(feet, axis=0)).max(-1) < 1e-9) & (feet[..., 1] == 0)
    return PoseTrack(poses, times, np.arange(len(poses)), 'BODY_25', size), still


def target_film(**more: Any) -> PoseTrack:
    """The target's own dance, in front of her camera."""
    return film(body.TARGET, cameras.TARGET_CAMERA, dance.TARGET_DANCE, seconds=21.0, **more)[0]


def still_body(frames: int = 100, by: float = 0.0) -> PoseTrack:
    """A body on feet that slide `by` px a frame to the right."""
    poses = np.stack([standing(100 + by * f, 150) for f in range(frames)])
    return PoseTrack(poses, np.arange(frames) / 25, np.arange(frames), 'BODY_25', (320, 240))


def angles(track: PoseTrack) -> tuple[np.ndarray, np.ndarray]:
    """Degrees (F, L) of the limbs, and their lengths px."""
    limbs = np.stack([track.poses[:, b, :2] - track.poses[:, a, :2] for a, b in LIMBS], 1)
    return (np.degrees(np.arctan2(limbs[..., 1], limbs[..., 0])),
            np.linalg.norm(limbs, axis=-1))


def stands(still: np.ndarray) -> list[tuple[int, slice]]:
    """(foot, stretch) of each stand of half a second or more."""
    return [(foot, run) for foot in (0, 1) for run in runs(still[:, foot])
            if run.stop - run.start >= FPS / 2]


def moved(track: PoseTrack, still: np.ndarray) -> float:
    """How far the standing ankles move at most, in % of the body's height."""
    height = np.median(body_sizes(track.poses, track.joints))
    return 100 / height * max(
        np.linalg.norm(track.poses[run, ANKLES[foot], :2]
                       - track.poses[run.start, ANKLES[foot], :2], axis=1).max()
        for foot, run in stands(still))
