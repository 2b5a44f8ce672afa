"""Joint tables: names, limbs, colours, left/right partners, and the ways between them.

Numbering, limbs and colours are OpenPose's (poseParameters.cpp and poseParametersRender.hpp);
left and right are the person's own.

A pose is float32 (K, 3), poses (F, K, 3): x px, y px, confidence 0..1; F frames, K joints. Pixel
centres lie at integers, y points down. Confidence 0 = not seen, then x = y = 0.
"""
from dataclasses import dataclass

import numpy as np

from util.errors import UserError

RGB = tuple[int, int, int]


@dataclass(frozen=True)
class Skeleton:
    """What one numbering of joints means.

    joints         a name per joint
    limbs          pairs of joint numbers, in drawing order
    joint_colours  RGB 0..255 per joint
    limb_colours   RGB 0..255 per limb: the colour of the limb's far joint
    partners       per joint the number of its left/right partner, its own where there is none
    """
    name: str
    joints: tuple[str, ...]
    limbs: tuple[tuple[int, int], ...]
    joint_colours: tuple[RGB, ...]
    limb_colours: tuple[RGB, ...]
    partners: tuple[int, ...]

    def index(self, joint: str) -> int:
        """The number of the joint of that name."""
        return self.joints.index(joint)


def _skeleton(name: str, joints: str, limbs: str, colours: str) -> Skeleton:
    """A table from words: joints 'Nose Neck', limbs '1-0 0-15', colours 'ff0055 ff0000'."""
    names = tuple(joints.split())
    pairs = [tuple(map(int, limb.split('-'))) for limb in limbs.split()]
    rgb = [tuple(bytes.fromhex(colour)) for colour in colours.split()]
    assert len(rgb) == len(names)
    other_side = {'R': 'L', 'L': 'R'}
    partners = [other_side.get(joint[0], '') + joint[1:] for joint in names]
    return Skeleton(
        name, names, tuple((a, b) for a, b in pairs),
        tuple((r, g, b) for r, g, b in rgb),
        tuple((r, g, b) for r, g, b in (rgb[far] for _, far in pairs)),
        tuple(names.index(p) if p in names else k for k, p in enumerate(partners)))


BODY_25 = _skeleton(
    'BODY_25',
    'Nose Neck RShoulder RElbow RWrist LShoulder LElbow LWrist MidHip RHip RKnee RAnkle '
    'LHip LKnee LAnkle REye LEye REar LEar LBigToe LSmallToe LHeel RBigToe RSmallToe RHeel',
    '1-8 1-2 1-5 2-3 3-4 5-6 6-7 8-9 9-10 10-11 8-12 12-13 13-14 1-0 0-15 15-17 0-16 16-18 '
    '14-19 19-20 14-21 11-22 22-23 11-24',
    'ff0055 ff0000 ff5500 ffaa00 ffff00 aaff00 55ff00 00ff00 ff0000 00ff55 00ffaa 00ffff '
    '00aaff 0055ff 0000ff ff00aa aa00ff ff00ff 5500ff 0000ff 0000ff 0000ff 00ffff 00ffff 00ffff')

COCO_18 = _skeleton(
    'COCO_18',
    'Nose Neck RShoulder RElbow RWrist LShoulder LElbow LWrist RHip RKnee RAnkle '
    'LHip LKnee LAnkle REye LEye REar LEar',
    '1-2 1-5 2-3 3-4 5-6 6-7 1-8 8-9 9-10 1-11 11-12 12-13 1-0 0-14 14-16 0-15 15-17',
    'ff0055 ff0000 ff5500 ffaa00 ffff00 aaff00 55ff00 00ff00 00ff55 00ffaa 00ffff '
    '00aaff 0055ff 0000ff ff00aa aa00ff ff00ff 5500ff')

SKELETONS = {s.name: s for s in (BODY_25, COCO_18)}

# A joint that another two stand in for when a numbering lacks it: it lies half way.
BETWEEN = {'Neck': ('RShoulder', 'LShoulder'), 'MidHip': ('RHip', 'LHip')}

# MediaPipe's landmark (of 33) behind each BODY_25 joint; its small toes have none.
MEDIAPIPE = {
    'Nose': 0, 'RShoulder': 12, 'RElbow': 14, 'RWrist': 16, 'LShoulder': 11, 'LElbow': 13,
    'LWrist': 15, 'RHip': 24, 'RKnee': 26, 'RAnkle': 28, 'LHip': 23, 'LKnee': 25, 'LAnkle': 27,
    'REye': 5, 'LEye': 2, 'REar': 8, 'LEar': 7,
    'LBigToe': 31, 'LHeel': 29, 'RBigToe': 32, 'RHeel': 30}


def skeleton_of(name: str) -> Skeleton:
    """The table of that name; UserError when there is none."""
    if name not in SKELETONS:
        raise UserError(f'{name}: no such skeleton. There is {", ".join(SKELETONS)}.')
    return SKELETONS[name]


def mirror(poses: np.ndarray, skeleton: Skeleton, width: float) -> np.ndarray:
    """The poses as seen in a mirror: x flipped in a picture `width` px wide, partners swapped.

    poses    float (..., K, 3), left as it is
    Returns  the same shape; twice is the identity
    """
    flipped = poses[..., list(skeleton.partners), :].copy()
    flipped[..., 0] = np.where(flipped[..., 2] > 0, width - 1 - flipped[..., 0], 0)
    return flipped


def from_mediapipe(landmarks: np.ndarray) -> np.ndarray:
    """MediaPipe's 33 landmarks as BODY_25.

    landmarks  float (33, 4): x px, y px, z, visibility 0..1
    Returns    float32 (25, 3); small toes are not seen, confidence is the visibility
    """
    pose = np.zeros((len(BODY_25.joints), 3), np.float32)
    for joint, landmark in MEDIAPIPE.items():
        pose[BODY_25.index(joint)] = landmarks[landmark, [0, 1, 3]]
    _add_between(pose, BODY_25)
    return clean(pose)


def convert(poses: np.ndarray, source: Skeleton, target: Skeleton) -> np.ndarray:
    """The same poses in another numbering: by name, Neck and MidHip computed where they lack.

    poses    float (..., K, 3) in `source`'s numbering
    Returns  float32 (..., K', 3) in `target`'s; what the source does not know is not seen
    """
    out = np.zeros((*poses.shape[:-2], len(target.joints), 3), np.float32)
    for k, joint in enumerate(target.joints):
        if joint in source.joints:
            out[..., k, :] = poses[..., source.index(joint), :]
    _add_between(out, target)
    return out


def clean(poses: np.ndarray) -> np.ndarray:
    """float32 poses in which a joint that is not seen, or is not a number, is exactly 0, 0, 0."""
    poses = np.asarray(poses, np.float32)
    good = np.isfinite(poses).all(-1) & (np.nan_to_num(poses[..., 2]) > 0)
    return np.where(good[..., None], poses, np.float32(0))


def _add_between(poses: np.ndarray, skeleton: Skeleton) -> None:
    """Put unseen Neck and MidHip half way between their two, in place, as sure as the worse."""
    for joint, pair in BETWEEN.items():
        if joint not in skeleton.joints:
            continue
        here = poses[..., skeleton.index(joint), :]             # a view: written to below
        a, b = (poses[..., skeleton.index(j), :] for j in pair)
        half_way = (a + b) / 2
        half_way[..., 2] = np.minimum(a[..., 2], b[..., 2])
        lacking = (here[..., 2] == 0) & (half_way[..., 2] > 0)
        here[...] = np.where(lacking[..., None], half_way, here)
