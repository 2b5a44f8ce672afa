"""The body of a drawn figure: its measures and clothes, and the place of every joint in a pose.

The feet are placed first; the pelvis is as low as the legs need it, and the knees follow by inverse
kinematics.

Lengths of a body are fractions of its height. In the studio, x points to the image's right (the
figure's left), y up, z towards the camera, in metres, with the origin on the floor. `s` is 'l' for
the figure's left and 'r' for its right, `side` is +1 and -1.
"""
from dataclasses import dataclass

import numpy as np

from pose.skeleton import BODY_25
from scripts.demo.dance import SIDES, Pose

RGB = tuple[int, int, int]
Body = dict[str, np.ndarray]                    # joints (3,), metres; frames of its parts (3, 3)


@dataclass(frozen=True)
class Figure:
    """A body and its clothes; lengths are parts of the height, colours RGB 0..255."""
    height: float                # metres
    legs: float                  # hip to ankle
    arms: float                  # shoulder to wrist
    shoulders: float             # half the distance between the shoulder joints
    hips: float                  # half the distance between the hip joints
    girth: float                 # thickness of the limbs, 1 = usual
    head: float                  # size of the head, 1 = usual
    skin: RGB
    hair: RGB
    shirt: RGB
    stripe: RGB
    trousers: RGB
    shoes: RGB
    long_hair: bool
    long_sleeves: bool


TARGET = Figure(1.68, legs=0.490, arms=0.315, shoulders=0.104, hips=0.056, girth=1.0, head=1.0,
                skin=(226, 172, 140), hair=(74, 44, 30), shirt=(196, 52, 62),
                stripe=(240, 236, 226), trousers=(44, 62, 104), shoes=(238, 238, 236),
                long_hair=True, long_sleeves=False)
SOURCE = Figure(1.84, legs=0.470, arms=0.335, shoulders=0.122, hips=0.054, girth=1.12, head=0.94,
                skin=(146, 96, 66), hair=(24, 20, 20), shirt=(66, 150, 128),
                stripe=(66, 150, 128), trousers=(92, 86, 80), shoes=(56, 50, 52),
                long_hair=False, long_sleeves=True)

SOLE = 0.042                     # an ankle's height above the floor
NECK = 0.178                     # from the neck to the crown
TOES_OUT = 14                    # degrees
# Where OpenPose's joints lie from the middle of the skull, and from the left ankle.
HEAD = {'Nose': (0, -0.010, 0.068), 'REye': (-0.019, 0.008, 0.052), 'LEye': (0.019, 0.008, 0.052),
        'REar': (-0.047, -0.004, -0.004), 'LEar': (0.047, -0.004, -0.004)}
FOOT = {'BigToe': (-0.012, -0.034, 0.085), 'SmallToe': (0.022, -0.036, 0.070),
        'Heel': (0, -0.034, -0.028)}


def stand_up(figure: Figure, pose: Pose) -> Body:
    """Every joint in the studio, metres, and the frames (3, 3) of pelvis, chest and head."""
    unit = figure.height
    pelvis = turned(pose['hip_turn'], 0, pose['lean'] * 0.2)
    chest = turned(pose['turn'], pose['bow'], pose['lean'])
    head = turned(pose['turn'] * 0.5 + pose['look'], pose['bow'] * 0.3 - pose['nod'],
                  pose['lean'] * 0.5 + pose['tilt'])
    body = {'pelvis': pelvis, 'chest': chest, 'head': head}
    _plant_feet(body, figure, pose)
    root = body['root'] = _root(body, figure, pose)
    spine = 1 - SOLE - figure.legs - NECK
    neck = root + pelvis @ (0, 0.04 * unit, 0) + chest @ (0, (spine - 0.04) * unit, 0)
    body['neck'] = neck
    body['skull'] = (neck + chest @ (0, 0.048 * unit, 0.006 * unit)
                     + head @ (0, 0.066 * unit, 0.012 * unit))
    for s in SIDES:
        _bend_leg(body, figure, pose, s)
        _raise_arm(body, figure, pose, s)
    return body


def _plant_feet(body: Body, figure: Figure, pose: Pose) -> None:
    metre = figure.height / 1.7
    for s, side in SIDES.items():
        body[f'{s}_ankle'] = np.array((pose[f'{s}_x'] * metre,
                                       SOLE * figure.height + pose[f'{s}_y'] * metre,
                                       pose[f'{s}_z'] * metre))
        body[f'{s}_foot'] = turned(TOES_OUT * side + pose['hip_turn'], pose[f'{s}_pitch'])


def _root(body: Body, figure: Figure, pose: Pose) -> np.ndarray:
    """The middle between the hips, which sinks as far as the legs need to reach their feet."""
    unit, metre = figure.height, figure.height / 1.7
    root = np.array((pose['x'] * metre, 0, pose['z'] * metre - 0.05 * pose['bow'] / 20 * unit))
    high = unit * (SOLE + figure.legs) - pose['drop'] * metre
    for s, side in SIDES.items():
        ankle = body[f'{s}_ankle']
        away = root + body['pelvis'] @ (side * figure.hips * unit, 0, 0) - ankle
        room = (0.995 * figure.legs * unit) ** 2 - away[0] ** 2 - away[2] ** 2
        high = min(high, ankle[1] + np.sqrt(max(room, 0.01)))
    root[1] = high
    return root


def _bend_leg(body: Body, figure: Figure, pose: Pose, s: str) -> None:
    side, leg = SIDES[s], figure.legs * figure.height
    hip = body['root'] + body['pelvis'] @ (side * figure.hips * figure.height, 0, 0)
    forward = turned(TOES_OUT * side + pose['hip_turn']) @ (0, 0, 1.0)
    body[f'{s}_hip'] = hip
    body[f'{s}_knee'] = bend(hip, body[f'{s}_ankle'], 0.505 * leg, 0.495 * leg, forward)


def _raise_arm(body: Body, figure: Figure, pose: Pose, s: str) -> None:
    side, unit, chest = SIDES[s], figure.height, body['chest']
    raised = max(pose[f'{s}_up'] - 80, 0) / 100
    shoulder = body['neck'] + chest @ (side * (figure.shoulders - 0.012 * raised) * unit,
                                       0.025 * raised * unit, 0)
    upper = arm_direction(pose[f'{s}_up'], pose[f'{s}_out'], side)
    fore = arm_direction(pose[f'{s}_fore_up'], pose[f'{s}_fore_out'], side)
    elbow = shoulder + chest @ upper * (0.54 * figure.arms * unit)
    wrist = elbow + chest @ fore * (0.46 * figure.arms * unit)
    body |= {f'{s}_shoulder': shoulder, f'{s}_elbow': elbow, f'{s}_wrist': wrist}


def turned(yaw: float = 0, bow: float = 0, roll: float = 0) -> np.ndarray:
    """Columns: where the body's left, up and front point after turning (degrees)."""
    y, p, r = np.radians((yaw, bow, -roll))
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def arm_direction(up: float, out: float, side: int) -> np.ndarray:
    """Unit vector (3,) down an arm: degrees up from hanging, and from sideways to forward."""
    u, o = np.radians((up, out))
    return np.array((side * np.sin(u) * np.cos(o), -np.cos(u), np.sin(u) * np.sin(o)))


def bend(a: np.ndarray, b: np.ndarray, upper: float, lower: float, way: np.ndarray) -> np.ndarray:
    """The joint between a and b at these distances from them, bent in the direction `way`."""
    reach = b - a
    far = float(np.linalg.norm(reach))
    along = (far ** 2 + upper ** 2 - lower ** 2) / (2 * far)
    way = way - reach * (way @ reach) / far ** 2
    return (a + reach / far * along
            + way / np.linalg.norm(way) * max(upper ** 2 - along ** 2, 0) ** 0.5)


def body_25(figure: Figure, body: Body) -> np.ndarray:
    """The studio places (25, 3), metres, of OpenPose's joints."""
    places = {'Neck': (body['l_shoulder'] + body['r_shoulder']) / 2,
              'MidHip': (body['l_hip'] + body['r_hip']) / 2}
    for joint, offset in HEAD.items():
        places[joint] = body['skull'] + body['head'] @ offset * figure.height * figure.head
    for s, side in SIDES.items():
        for joint in ('shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle'):
            places[s.upper() + joint.title()] = body[f'{s}_{joint}']
        for joint, (x, y, z) in FOOT.items():
            at = np.array((x * side, y, z)) * figure.height
            places[s.upper() + joint] = body[f'{s}_ankle'] + body[f'{s}_foot'] @ at
    return np.array([places[joint] for joint in BODY_25.joints])
