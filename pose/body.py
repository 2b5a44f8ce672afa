"""The body: its bones, its proportions, and what is measured of it in a pose.

Body height is head (nose to neck), torso (neck to mid-hip) and leg (hip to ankle) laid end to end.
One pose shows it in three ways, which differ as soon as something is hidden or foreshortened:

    body_sizes       what the pose shows; needs all three parts
    extended_sizes   what the parts that are seen say of the whole, by their shares
    heights          what the least foreshortened part says: the height of the person standing

pose.retargeting.ground measures it over a whole track.

Shapes as in pose/track.
"""
from collections.abc import Iterable
from functools import cache

import numpy as np

from pose.skeleton import FACE, HAND, Skeleton

# Shares of the body height when nothing is foreshortened.
SHARES = {'head': 0.15, 'torso': 0.33, 'leg': 0.52}
TORSO, LEG = SHARES['torso'], SHARES['leg']
WIDTHS = 0.36                 # shoulders and hips together, seen from the front
# Head and leg in torsos, for a track that never shows them. The shares above give 0.4545 and
# 1.5758. Rounded as here since the first datasets: other values would move their ground lines.
IN_TORSOS = {'head': 0.45, 'leg': 1.6}

# Joints of one side, from the trunk outwards; `sided` and `both_sides` give them their side.
ARM_JOINTS = ('Shoulder', 'Elbow', 'Wrist')
LEG_JOINTS = ('Hip', 'Knee', 'Ankle')
FOOT_JOINTS = ('BigToe', 'SmallToe', 'Heel')
MIDDLE = ('Neck', 'MidHip', 'Nose')         # joints without a side

# What is laid end to end to measure a bone, on each side.
BONES = {'spine': ('MidHip', 'Neck'), 'neck': ('Neck', 'Nose'), 'face': ('Nose', 'Eye', 'Ear'),
         'shoulder': ('Neck', 'Shoulder'), 'upper arm': ('Shoulder', 'Elbow'),
         'forearm': ('Elbow', 'Wrist'), 'hand': ('Hand0', 'Hand9'), 'hip': ('MidHip', 'Hip'),
         'thigh': ('Hip', 'Knee'), 'shin': ('Knee', 'Ankle')}
LIMB_BONES = ('upper arm', 'forearm', 'thigh', 'shin')


def sided(joints: Iterable[str], side: str) -> tuple[str, ...]:
    """The joints of one side, 'R' or 'L': Neck, Shoulder -> Neck, RShoulder."""
    return tuple(joint if joint in MIDDLE else side + joint for joint in joints)


def both_sides(*joints: str) -> tuple[str, ...]:
    """Each joint's right and left one: Eye, Ear -> REye, LEye, REar, LEar."""
    return tuple(side + joint for joint in joints for side in 'RL')


TRUNK_CORNERS = both_sides('Shoulder', 'Hip')


def _tree() -> dict[str, tuple[str, str]]:
    tree = {'Neck': ('MidHip', 'spine'), 'Nose': ('Neck', 'neck')}
    for side in 'RL':
        for bone in ('shoulder', 'upper arm', 'forearm', 'hip', 'thigh', 'shin'):
            parent, joint = sided(BONES[bone], side)
            tree[joint] = parent, bone
        for joint in FOOT_JOINTS:
            tree[side + joint] = f'{side}Ankle', 'foot'
        tree[f'{side}Eye'] = 'Nose', 'face'
        tree[f'{side}Ear'] = f'{side}Eye', 'face'
        for k in range(HAND):
            tree[f'{side}Hand{k}'] = f'{side}Wrist', 'hand'
    for k in range(FACE):
        tree[f'Face{k}'] = 'Nose', 'face'
    return tree


# {joint: (its parent, the bone between them)}, parents first; the root is the mid-hip.
TREE = _tree()


def torso_seen(poses: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """bool (F,): neck and mid-hip are seen."""
    return ((joint_at(poses, skeleton, 'Neck')[:, 2] > 0)
            & (joint_at(poses, skeleton, 'MidHip')[:, 2] > 0))


def joint_at(poses: np.ndarray, skeleton: Skeleton, joint: str) -> np.ndarray:
    """float (F, 3): a joint by name; MidHip is computed where the skeleton has none."""
    if joint in skeleton.joints:
        return poses[:, skeleton.index(joint)]
    assert joint == 'MidHip', joint
    right, left = (poses[:, skeleton.index(j)] for j in ('RHip', 'LHip'))
    middle = (right + left) / 2
    middle[:, 2] = np.minimum(right[:, 2], left[:, 2])
    return middle * (middle[:, 2:] > 0)


def chain_length(poses: np.ndarray, skeleton: Skeleton, chain: Iterable[str]) -> np.ndarray:
    """float (F,) px: the joints of a chain, end to end; 0 where one of them is not seen."""
    joints = np.stack([joint_at(poses, skeleton, joint) for joint in chain], 1)
    bones = np.linalg.norm(np.diff(joints[..., :2], axis=1), axis=-1).sum(1)
    return bones * (joints[..., 2] > 0).all(1)


def body_parts(poses: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """float (F, 3) px: length of head, torso and the longer leg, as in SHARES; 0 = not seen."""
    hips = joint_at(poses, skeleton, 'MidHip')[:, None]
    joints = np.concatenate([poses[:, _parts_of(skeleton)], hips], 1)
    ends = joints[:, _BONE_ENDS]                            # (F, 6 bones, 2 ends, 3)
    bones = np.sqrt(((ends[:, :, 0, :2] - ends[:, :, 1, :2]) ** 2).sum(-1))
    bones = np.where((ends[..., 2] > 0).all(-1), bones, -np.inf)
    right, left = (np.maximum(bones[:, leg].sum(1), 0) for leg in (slice(2, 4), slice(4, 6)))
    head, torso = np.maximum(bones[:, 0], 0), np.maximum(bones[:, 1], 0)
    return np.stack([head, torso, np.maximum(right, left)], 1)


# nose-neck, neck-hips, and both legs, by number in _parts_of; the last one is the mid-hip
_BONE_ENDS = np.array([(0, 1), (1, 8), (2, 3), (3, 4), (5, 6), (6, 7)])


@cache
def _parts_of(skeleton: Skeleton) -> list[int]:
    """The numbers of nose, neck, and both legs."""
    joints = ('Nose', 'Neck', *sided(LEG_JOINTS, 'R'), *sided(LEG_JOINTS, 'L'))
    return [skeleton.index(joint) for joint in joints]


def body_sizes(poses: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """float (F,) px: head, torso and the longer leg laid end to end, 0 where one is not seen.

    Bending and crouching shorten it only by what they foreshorten.
    """
    parts = body_parts(poses, skeleton)
    return parts.sum(1) * (parts > 0).all(1)


def extended_sizes(poses: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """float (F,) px: as body_sizes, but a hidden part counts with its share; 0 without any."""
    parts = body_parts(poses, skeleton)
    seen_share = ((parts > 0) * np.array(list(SHARES.values()))).sum(1)
    return np.where(seen_share > 0, parts.sum(1) / np.maximum(seen_share, 1e-6), 0)


def heights(poses: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """float (F,) px: body height by the torso or a leg, whichever is the least foreshortened;
    0 without a torso. models.warping.bones.body_height is the same for tensors."""
    _, torso, leg = body_parts(poses, skeleton).T
    return np.maximum(torso / TORSO, leg / LEG) * (torso > 0)


def across(vectors: np.ndarray, poses: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """float (F,): the component of vectors (F, 2) across the trunk, positive to the right of the
    picture for an upright body. A person who bends or lies faces the way the chest does."""
    neck, hips = (joint_at(poses, skeleton, joint)[:, :2] for joint in ('Neck', 'MidHip'))
    trunk = hips - neck
    trunk = trunk / np.maximum(np.linalg.norm(trunk, axis=1, keepdims=True), 1e-6)
    return trunk[:, 1] * vectors[:, 0] - trunk[:, 0] * vectors[:, 1]
