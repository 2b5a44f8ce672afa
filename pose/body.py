"""Measures of a body in a pose: its torso, its height, and where a joint is.

Shapes as in pose/track.
"""
import numpy as np

from pose.skeleton import Skeleton

TORSO = 0.33                  # of the body height, neck to hips, when nothing is foreshortened
LEG = 0.52                    # of the body height, hip to ankle, likewise
WIDTHS = 0.36                 # shoulders and hips together, of the body height, seen from the front


def torso_seen(poses: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """bool (F,): shoulders' and hips' middle are there."""
    return ((joint_at(poses, skeleton, 'Neck')[:, 2] > 0)
            & (joint_at(poses, skeleton, 'MidHip')[:, 2] > 0))


def joint_at(poses: np.ndarray, skeleton: Skeleton, joint: str) -> np.ndarray:
    """float (F, 3): a joint by name; MidHip is worked out where the skeleton has none."""
    if joint in skeleton.joints:
        return poses[:, skeleton.index(joint)]
    assert joint == 'MidHip', joint
    right, left = (poses[:, skeleton.index(j)] for j in ('RHip', 'LHip'))
    middle = (right + left) / 2
    middle[:, 2] = np.minimum(right[:, 2], left[:, 2])
    return middle * (middle[:, 2:] > 0)


def body_sizes(poses: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """float (F,) px: head, torso and the longer leg laid end to end, 0 where one is not seen.

    Bending and crouching shorten it only by what they foreshorten.
    """
    parts = body_parts(poses, skeleton)
    return parts.sum(1) * (parts > 0).all(1)


def body_parts(poses: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """float (F, 3) px: length of head (nose to neck), torso and the longer leg; 0 = not seen."""
    def length(*chain: str) -> np.ndarray:
        joints = np.stack([joint_at(poses, skeleton, j) for j in chain], 1)
        bones = np.linalg.norm(np.diff(joints[..., :2], axis=1), axis=-1).sum(1)
        return bones * (joints[..., 2] > 0).all(1)
    legs = [length(f'{side}Hip', f'{side}Knee', f'{side}Ankle') for side in 'RL']
    return np.stack([length('Nose', 'Neck'), length('Neck', 'MidHip'), np.maximum(*legs)], 1)


def across(vectors: np.ndarray, poses: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """float (F,): how far vectors (F, 2) go across the trunk, to the right of who stands upright
    in the picture: who bends or lies faces the way his chest does."""
    neck, hips = (joint_at(poses, skeleton, joint)[:, :2] for joint in ('Neck', 'MidHip'))
    trunk = hips - neck
    trunk = trunk / np.maximum(np.linalg.norm(trunk, axis=1, keepdims=True), 1e-6)
    return trunk[:, 1] * vectors[:, 0] - trunk[:, 0] * vectors[:, 1]


def heights(poses: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """float (F,) px: body height from the torso or a leg, whichever is the least foreshortened;
    0 without a torso."""
    def length(*chain: str) -> np.ndarray:
        joints = np.stack([joint_at(poses, skeleton, joint) for joint in chain], 1)
        bones = np.linalg.norm(np.diff(joints[..., :2], axis=1), axis=-1).sum(1)
        return bones * (joints[..., 2] > 0).all(1)
    torso = length('Neck', 'MidHip')
    legs = [length(f'{side}Hip', f'{side}Knee', f'{side}Ankle') / LEG for side in 'RL']
    return np.maximum.reduce([torso / TORSO, *legs]) * (torso > 0)
