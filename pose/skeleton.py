"""Joint tables: names, limbs, colours, left/right partners, and conversion between them.

Numbering, limbs and colours are OpenPose's (poseParameters.cpp and poseParametersRender.hpp);
left and right are the person's own.

A pose is float32 (K, 3), poses (F, K, 3): x px, y px, confidence 0..1; F frames, K joints. Pixel
centres lie at integers, y points down. Confidence 0 = not seen, then x = y = 0.

A skeleton is a body, BODY_25 or COCO_18, to which face (70 points) and hands (21 each, left then
right) may be added: 'BODY_25+face+hands' has its body's joints first, then Face0..Face69, then
LHand0..LHand20 and RHand0..RHand20.
"""
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from util.errors import UserError

RGB = tuple[int, int, int]
FACE, HAND = 70, 21           # points of a face and of one hand
PARTS = ('face', 'hands')


@dataclass(frozen=True)
class Skeleton:
    """One numbering of joints.

    joints         a name per joint
    limbs          pairs of joint numbers, in drawing order
    joint_colours  RGB 0..255 per joint
    limb_colours   RGB 0..255 per limb: the colour of the limb's far joint
    partners       per joint the number of its left/right partner, its own where it has none
    body           the number of the body's joints, which come first
    """
    name: str
    joints: tuple[str, ...]
    limbs: tuple[tuple[int, int], ...]
    joint_colours: tuple[RGB, ...]
    limb_colours: tuple[RGB, ...]
    partners: tuple[int, ...]
    body: int

    def index(self, joint: str) -> int:
        """The number of the joint of that name."""
        return self.joints.index(joint)

    def part(self, name: str) -> slice:
        """The joints of 'body', 'face', 'left_hand' or 'right_hand'; none where it lacks them."""
        if name == 'body':
            return slice(0, self.body)
        first = {'face': 'Face0', 'left_hand': 'LHand0', 'right_hand': 'RHand0'}[name]
        if first not in self.joints:
            return slice(0, 0)
        start = self.index(first)
        return slice(start, start + (FACE if name == 'face' else HAND))

    @property
    def parts(self) -> tuple[str, ...]:
        """Its parts other than the body: 'face', 'hands'."""
        return tuple(self.name.split('+')[1:])


def _skeleton(name: str, joints: str, limbs: str, colours: str) -> Skeleton:
    """A table from text: joints 'Nose Neck', limbs '1-0 0-15', colours 'ff0055 ff0000'."""
    names = tuple(joints.split())
    pairs = [tuple(map(int, limb.split('-'))) for limb in limbs.split()]
    rgb = [tuple(bytes.fromhex(colour)) for colour in colours.split()]
    assert len(rgb) == len(names)
    joint_colours = tuple((r, g, b) for r, g, b in rgb)
    limb_colours = tuple(joint_colours[far] for _, far in pairs)
    return Skeleton(name, names, tuple((a, b) for a, b in pairs), joint_colours, limb_colours,
                    _partners(names), len(names))


def _partners(names: tuple[str, ...]) -> tuple[int, ...]:
    """Per joint its partner's number: R and L exchanged; points of a face as in FACE_MIRROR."""
    other_side = {'R': 'L', 'L': 'R'}
    partners = []
    for k, name in enumerate(names):
        mirrored = other_side.get(name[0], '') + name[1:]
        if name.startswith('Face'):
            mirrored = f'Face{FACE_MIRROR[int(name[4:])]}'
        partners.append(names.index(mirrored) if mirrored in names else k)
    return tuple(partners)


def _strokes(*strokes: Iterable[int]) -> list[tuple[int, int]]:
    """Lines through the points of each stroke."""
    return [(a, b) for stroke in strokes for a, b in pairwise(stroke)]


# The face's 70 points: the outline 0-16, brows, nose, eyes, lips, and the pupils 68 (right) and
# 69 (left); the person's right side comes first.
FACE_LIMBS = _strokes(range(17), range(17, 22), range(22, 27), range(27, 31), range(31, 36),
                      (*range(36, 42), 36), (*range(42, 48), 42), (*range(48, 60), 48),
                      (*range(60, 68), 60))
FACE_MIRROR = (*range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1),
               45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40, *range(54, 47, -1),
               *range(59, 54, -1), *range(64, 59, -1), *range(67, 64, -1), 69, 68)
FACE_COLOUR = (255, 255, 255)
# The hand's 21 points: the wrist, then thumb to little finger from the palm outwards.
HAND_LIMBS = _strokes(*((0, *range(f, f + 4)) for f in range(1, 21, 4)))
HAND_COLOURS = ('646464 640000 960000 c80000 ff0000 646400 969600 c8c800 ffff00 006432 00964b '
                '00c864 00ff7d 003264 004b96 0064c8 007dff 640064 960096 c800c8 ff00ff')


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

BODIES = {s.name: s for s in (BODY_25, COCO_18)}


def _with_parts(body: Skeleton, parts: tuple[str, ...]) -> Skeleton:
    """The body's table, followed by those of face and hands."""
    names = list(body.joints)
    limbs = list(body.limbs)
    colours = list(body.joint_colours)
    limb_colours = list(body.limb_colours)
    hand = [tuple(bytes.fromhex(colour)) for colour in HAND_COLOURS.split()]
    for prefix, part, more, shades in (
            ('Face', 'face', FACE_LIMBS, [FACE_COLOUR] * FACE),
            ('LHand', 'hands', HAND_LIMBS, hand), ('RHand', 'hands', HAND_LIMBS, hand)):
        if part not in parts:
            continue
        start = len(names)
        rgb = [(r, g, b) for r, g, b in shades]
        names += [f'{prefix}{k}' for k in range(len(rgb))]
        limbs += [(start + a, start + b) for a, b in more]
        colours += rgb
        limb_colours += [rgb[far] for _, far in more]
    return Skeleton('+'.join((body.name, *parts)), tuple(names), tuple(limbs), tuple(colours),
                    tuple(limb_colours), _partners(tuple(names)), body.body)


SKELETONS: dict[str, Skeleton] = {}
for _body in BODIES.values():
    SKELETONS[_body.name] = _body
    for _parts in (('face',), ('hands',), ('face', 'hands')):
        _whole = _with_parts(_body, _parts)
        SKELETONS[_whole.name] = _whole

# Joints half way between two others, which replace them where a numbering lacks them.
BETWEEN = {'Neck': ('RShoulder', 'LShoulder'), 'MidHip': ('RHip', 'LHip')}

# MediaPipe's landmark (of 33) behind each BODY_25 joint; its small toes have none.
MEDIAPIPE = {
    'Nose': 0, 'RShoulder': 12, 'RElbow': 14, 'RWrist': 16, 'LShoulder': 11, 'LElbow': 13,
    'LWrist': 15, 'RHip': 24, 'RKnee': 26, 'RAnkle': 28, 'LHip': 23, 'LKnee': 25, 'LAnkle': 27,
    'REye': 5, 'LEye': 2, 'REar': 8, 'LEar': 7,
    'LBigToe': 31, 'LHeel': 29, 'RBigToe': 32, 'RHeel': 30}


def with_parts(body: str, parts: Iterable[str]) -> str:
    """The name of that body's skeleton with these parts: 'BODY_25+hands'."""
    return '+'.join((body, *(part for part in PARTS if part in set(parts))))


def skeleton_of(name: str) -> Skeleton:
    """The table of that name; UserError when there is none."""
    if name not in SKELETONS:
        raise UserError(f'{name}: no such skeleton. There is {", ".join(SKELETONS)}.')
    return SKELETONS[name]


def skeleton_with(joints: int) -> Skeleton:
    """The table with that number of joints; no two have the same."""
    return next(s for s in SKELETONS.values() if len(s.joints) == joints)


def mirror(poses: np.ndarray, skeleton: Skeleton, width: float) -> np.ndarray:
    """The poses in a mirror: x flipped in a picture `width` px wide, partners swapped.

    poses    float (..., K, 3), not changed
    Returns  the same shape; twice is the identity
    """
    flipped = poses[..., list(skeleton.partners), :].copy()
    flipped[..., 0] = np.where(flipped[..., 2] > 0, width - 1 - flipped[..., 0], 0)
    return flipped


def moved(poses: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """The poses in px of another picture.

    poses    float (..., K, 3), not changed
    matrix   float (3, 3): px of this picture -> px of the other one
    """
    there = poses.copy()
    there[..., :2] = poses[..., :2] @ matrix[:2, :2].T + matrix[:2, 2]
    there[poses[..., 2] <= 0] = 0
    return there


def from_mediapipe(landmarks: np.ndarray) -> np.ndarray:
    """MediaPipe's 33 landmarks as BODY_25.

    landmarks  float (33, 4): x px, y px, depth px, visibility 0..1
    Returns    float32 (25, 4): x px, y px, confidence, depth px; small toes are not seen,
               confidence is the visibility
    """
    pose = np.zeros((len(BODY_25.joints), 4), np.float32)
    for joint, landmark in MEDIAPIPE.items():
        pose[BODY_25.index(joint)] = landmarks[landmark][[0, 1, 3, 2]]
    _add_between(pose, BODY_25)
    return clean(pose)


def convert(poses: np.ndarray, source: Skeleton, target: Skeleton) -> np.ndarray:
    """The same poses in another numbering: by name, Neck and MidHip computed where missing.

    poses    float (..., K, 3) in `source`'s numbering, or (..., K, 4) with depth
    Returns  float32 (..., K', 3 or 4) in `target`'s; joints that the source lacks are not seen
    """
    out = np.zeros((*poses.shape[:-2], len(target.joints), poses.shape[-1]), np.float32)
    for k, joint in enumerate(target.joints):
        if joint in source.joints:
            out[..., k, :] = poses[..., source.index(joint), :]
    _add_between(out, target)
    return clean(out)


def clean(poses: np.ndarray) -> np.ndarray:
    """float32 poses in which a joint that is not seen, or is not a number, is exactly 0, 0, 0.

    poses   (..., K, 3), or (..., K, 4) with depth, which becomes NaN for a joint not seen
    """
    poses = np.asarray(poses, np.float32)
    good = np.isfinite(poses[..., :3]).all(-1) & (np.nan_to_num(poses[..., 2]) > 0)
    unseen = np.array((0, 0, 0, np.nan)[:poses.shape[-1]], np.float32)
    return np.where(good[..., None], poses, unseen)


def _add_between(poses: np.ndarray, skeleton: Skeleton) -> None:
    """Set unseen Neck and MidHip, in place, to the middle of their two joints, with the lower
    confidence."""
    for joint, pair in BETWEEN.items():
        if joint not in skeleton.joints:
            continue
        here = poses[..., skeleton.index(joint), :]             # a view: written to below
        a, b = (poses[..., skeleton.index(j), :] for j in pair)
        middle = (a + b) / 2
        middle[..., 2] = np.minimum(a[..., 2], b[..., 2])
        missing = (here[..., 2] == 0) & (middle[..., 2] > 0)
        here[...] = np.where(missing[..., None], middle, here)
