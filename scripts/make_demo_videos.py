"""Draws two dancers, so that the whole job can be tried offline: target.mp4 and source.mp4.

A figure is a handful of tubes and ellipsoids in a depth buffer, lit from one side; its feet are
planted and its knees follow by inverse kinematics; its dance is a list of moves. Everything is
known about it, so the joints lie beside each video. The same call gives the same pixels.

Lengths of a body are parts of its height. In the studio x points to the picture's right (the
dancer's left), y up, z to the camera, metres, and the origin lies on the floor. On a canvas
pixels count down and depth grows towards the viewer. `side` is +1 for the dancer's left, -1 for
its right.
"""
import argparse
import os
import sys
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import cycle
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from pose.skeleton import BODY_25
from util.errors import UserError, run_main, say
from util.files import atomic
from util.video import VideoWriter

RGB = tuple[int, int, int]
Pose = dict[str, float]
BEAT = 0.43                                     # seconds
WORTH_A_POOL = 150                              # frames
FINER = 2                                       # the canvas is so many times the picture
LIGHT = np.array((-0.55, -0.62, 0.56), np.float32)      # where it comes from, on the canvas
LIGHT /= np.linalg.norm(LIGHT)
HALF_WAY = LIGHT + np.array((0, 0, 1), np.float32)      # between the light and the camera
HALF_WAY /= np.linalg.norm(HALF_WAY)
# How a crease runs out towards a tube's ends.
CREASES = (np.sin(np.linspace(0, np.pi, 128)) ** 0.5).astype(np.float32)


# ---------------------------------------------------------------------------- the two dancers

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


@dataclass(frozen=True)
class Stage:
    """Where a camera sees its dancer, in parts of the picture, and what is behind."""
    tall: float                  # the dancer's height when standing at the origin
    centre: float                # x of the origin
    floor: float                 # y of the origin
    wall: RGB
    ground: RGB
    distance: float = 6.5        # of the camera, metres
    eye: float = 1.15            # its height, metres


TARGET = Figure(1.68, legs=0.490, arms=0.315, shoulders=0.104, hips=0.056, girth=1.0, head=1.0,
                skin=(226, 172, 140), hair=(74, 44, 30), shirt=(196, 52, 62),
                stripe=(240, 236, 226), trousers=(44, 62, 104), shoes=(238, 238, 236),
                long_hair=True, long_sleeves=False)
SOURCE = Figure(1.84, legs=0.470, arms=0.335, shoulders=0.122, hips=0.054, girth=1.12, head=0.94,
                skin=(146, 96, 66), hair=(24, 20, 20), shirt=(66, 150, 128),
                stripe=(66, 150, 128), trousers=(92, 86, 80), shoes=(56, 50, 52),
                long_hair=False, long_sleeves=True)
TARGET_STAGE = Stage(0.72, 0.50, 0.91, wall=(206, 208, 212), ground=(176, 170, 164))
SOURCE_STAGE = Stage(0.56, 0.42, 0.83, wall=(214, 200, 178), ground=(150, 122, 98))

# Each move begins to the side given. No two moves that follow one another in the source's dance
# do so in the target's, which shows every move within its first 21 seconds.
TARGET_DANCE = (('step_touch', 1), ('wave', -1), ('arms_up', 1), ('point', 1), ('squat', 1),
                ('kick', 1), ('walk_in', 1), ('clap', 1), ('lean', 1), ('walk_side', -1),
                ('turn', -1), ('walk_in', -1), ('walk_side', 1))
SOURCE_DANCE = (('arms_up', 1), ('kick', -1), ('point', -1), ('walk_in', 1), ('lean', -1),
                ('clap', 1), ('step_touch', 1), ('squat', 1), ('walk_in', -1), ('wave', 1),
                ('turn', 1))


# ---------------------------------------------------------------------------- the dance

class Dance:
    """Key frames per parameter of the body, written move by move.

    x, z, drop           the pelvis: its place on the floor and how far it sinks
    hip_turn, turn       degrees the pelvis and the chest turn to the dancer's left
    lean, bow            degrees the spine leans to the dancer's left and forward
    look, tilt, nod      degrees of the head, on top of the chest's
    {l,r}_x, _y, _z      the feet (ankle) on the floor and above it;  _pitch  toes down, degrees
    {l,r}_up, _out       an upper arm: degrees up from hanging, and from sideways to forward
    {l,r}_fore_up, _fore_out    the same for the forearm
    Lengths are for a body 1.7 m tall.
    """
    STAND = {'x': 0.0, 'z': 0.0, 'drop': 0.02, 'hip_turn': 0.0, 'turn': 0.0, 'lean': 0.0,
             'bow': 1.0, 'look': 0.0, 'tilt': 0.0, 'nod': 0.0,
             **{f'{s}_{k}': v for s, d in (('l', 1), ('r', -1)) for k, v in {
                 'x': 0.13 * d, 'y': 0.0, 'z': 0.0, 'pitch': 0.0, 'up': 16.0, 'out': 10.0,
                 'fore_up': 20.0, 'fore_out': 60.0}.items()}}

    def __init__(self) -> None:
        self.keys = {name: [(0.0, value)] for name, value in self.STAND.items()}

    def now(self, name: str) -> float:
        return self.keys[name][-1][1]

    def to(self, beat: float, beats: float, **values: float) -> None:
        """From `beat` on, and within so many beats, go to these values."""
        for name, value in values.items():
            track = self.keys[name]
            begin = max(beat, track[-1][0])
            track += [(begin, track[-1][1]), (max(begin + 0.05, beat + beats), value)]

    def arm(self, beat: float, beats: float, side: int, *angles: float) -> None:
        """Bring an arm to (up, out, fore_up, fore_out)."""
        names = ('up', 'out', 'fore_up', 'fore_out')
        self.to(beat, beats, **{f'{letter(side)}_{name}': angle
                                for name, angle in zip(names, angles, strict=True)})

    def arms(self, beat: float, beats: float, *angles: float) -> None:
        self.arm(beat, beats, 1, *angles)
        self.arm(beat, beats, -1, *angles)

    def step(self, beat: float, side: int, x: float = 0.0, z: float = 0.0,
             lift: float = 0.05, beats: float = 0.8) -> None:
        """Set a foot down so much further to the picture's right and to the camera."""
        s = letter(side)
        self.to(beat, beats, **{f'{s}_x': self.now(f'{s}_x') + x, f'{s}_z': self.now(f'{s}_z') + z})
        self.to(beat, beats / 2, **{f'{s}_y': lift, f'{s}_pitch': 14.0})
        self.to(beat + beats / 2, beats / 2, **{f'{s}_y': 0.0, f'{s}_pitch': 0.0})

    def at(self, seconds: float) -> Pose:
        """The body's parameters at a time: eased between the keys, with the beat in the knees."""
        beat = seconds / BEAT
        pose = {name: _eased(beat, track) for name, track in self.keys.items()}
        pose['drop'] += 0.011 * (1 - np.cos(2 * np.pi * beat))
        pose['nod'] += 2.5 * np.sin(2 * np.pi * beat)
        pose['tilt'] += 2.0 * np.sin(np.pi * beat / 2)
        pose['lean'] += 1.2 * np.sin(np.pi * beat / 2 + 1)
        return pose


def _eased(beat: float, track: list[tuple[float, float]]) -> float:
    """A track's value: half a cosine from key to key."""
    times = [key[0] for key in track]
    after = int(np.searchsorted(times, beat, side='right'))
    if after in (0, len(track)):
        return track[min(after, len(track) - 1)][1]
    (t0, v0), (t1, v1) = track[after - 1], track[after]
    return v0 + (v1 - v0) * (1 - np.cos(np.pi * (beat - t0) / (t1 - t0))) / 2


def letter(side: int) -> str:
    return 'l' if side > 0 else 'r'


REST = (16, 10, 22, 60)
BENT = (24, 10, 100, 80)
AKIMBO = (52, -25, 62, 158)


def step_touch(d: Dance, b: float, s: int) -> float:
    for k in range(2):
        way = s if k == 0 else -s
        d.step(b + 2 * k, way, x=0.26 * way)
        d.to(b + 2 * k, 1.2, x=d.now('x') + 0.24 * way, lean=4 * way, look=10 * way)
        d.arm(b + 2 * k, 0.9, way, 62, 15, 110, 70)
        d.arm(b + 2 * k, 0.9, -way, 30, 60, 85, 125)
        d.step(b + 2 * k + 1, -way, x=0.26 * way)
        d.arm(b + 2 * k + 1, 0.9, way, *REST)
        d.arm(b + 2 * k + 1, 0.9, -way, *REST)
        d.to(b + 2 * k + 1, 0.9, lean=0, look=0)
    return 4


def wave(d: Dance, b: float, s: int) -> float:
    for k, way in enumerate((s, -s)):
        at = b + 2.5 * k
        d.arm(at, 0.9, way, 105, 12, 165, 15)
        d.arm(at, 0.9, -way, *REST)
        d.to(at, 1, lean=-5 * way, tilt=-6 * way, look=14 * way, x=d.now('x') - 0.03 * way)
        for j, angle in enumerate((125, 178, 130)):
            d.to(at + 0.9 + 0.5 * j, 0.5, **{f'{letter(way)}_fore_up': angle})
        d.to(at + 1.7, 0.8, x=d.now('x') + 0.03 * way, lean=0, tilt=0, look=0)
    d.arms(b + 5, 0.9, *REST)
    return 5.5


def squat(d: Dance, b: float, s: int) -> float:
    for k in range(2):
        d.to(b + 2 * k, 1, drop=0.24, bow=16, nod=-6)
        d.arms(b + 2 * k, 1, *((70, 66, 84, 74) if k == 0 else (58, 5, 140, 20)))
        d.to(b + 2 * k + 1, 1, drop=0.02, bow=1, nod=0)
        d.arms(b + 2 * k + 1, 1, *REST)
    return 4


def arms_up(d: Dance, b: float, s: int) -> float:
    d.arms(b, 1, 95, 10, 110, 12)
    d.arms(b + 1, 1, 152, 10, 168, 10)
    d.to(b + 1, 1, nod=8)
    middle = d.now('x')
    for k, way in enumerate((s, -s)):
        d.to(b + 2 + k, 0.9, lean=8 * way, x=middle + 0.05 * way)
    d.to(b + 4, 0.9, lean=0, x=middle, nod=0)
    d.arms(b + 4, 1, *REST)
    return 5


def lean(d: Dance, b: float, s: int) -> float:
    for k, way in enumerate((s, -s)):
        at = b + 2 * k
        d.to(at, 1, lean=20 * way, tilt=6 * way, x=d.now('x') - 0.06 * way)
        d.arm(at, 1, -way, 150, 12, 204, 10)
        d.arm(at, 1, way, *AKIMBO)
        d.to(at + 1.1, 0.9, lean=0, tilt=0, x=d.now('x') + 0.06 * way)
    d.arms(b + 4, 0.9, *REST)
    return 4.5


def kick(d: Dance, b: float, s: int) -> float:
    for k, way in enumerate((s, -s)):
        at, foot = b + 2 * k, letter(way)
        x, z, rest = d.now(f'{foot}_x'), d.now(f'{foot}_z'), d.now('x')
        d.to(at, 0.6, x=rest - 0.11 * way, lean=-3 * way)
        d.arm(at, 0.9, way, 62, 8, 80, 12)
        d.arm(at, 0.9, -way, 50, 50, 110, 100)
        high, out, forward = (0.34, 0.0, 0.10) if k == 0 else (0.24, 0.30, 0.12)
        d.to(at + 0.3, 0.7, **{f'{foot}_y': high, f'{foot}_x': x + out * way,
                               f'{foot}_z': z + forward, f'{foot}_pitch': 30 - 20 * k})
        d.to(at + 1.05, 0.75, **{f'{foot}_y': 0.0, f'{foot}_x': x, f'{foot}_z': z,
                                 f'{foot}_pitch': 0})
        d.to(at + 1.3, 0.7, x=rest, lean=0)
    d.arms(b + 3.2, 0.9, *REST)
    return 4


def clap(d: Dance, b: float, s: int) -> float:
    for k in range(2):
        d.arms(b + 2 * k, 0.9, 48, 25, 100, 40)
        d.arms(b + 2 * k + 0.95, 0.4, 40, 48, 92, 134)
        d.arms(b + 2 * k + 1.5, 0.4, 46, 36, 100, 80)
        d.to(b + 2 * k, 0.9, turn=12 * s * (-1) ** k)
        d.to(b + 2 * k + 1, 0.9, turn=0)
    d.arms(b + 4, 0.9, *REST)
    return 4.5


def turn(d: Dance, b: float, s: int) -> float:
    for k, way in enumerate((s, -s)):
        at = b + 2 * k
        d.to(at, 1, turn=30 * way, hip_turn=13 * way, look=-8 * way)
        d.arm(at, 1, way, 68, 5, 80, 15)
        d.arm(at, 1, -way, 60, 40, 88, 105)
        d.to(at + 1.1, 0.9, turn=0, hip_turn=0, look=0)
    d.arms(b + 3.2, 1, *REST)
    return 4


def point(d: Dance, b: float, s: int) -> float:
    for k, way in enumerate((s, -s)):
        at = b + 2 * k
        d.arm(at, 0.8, way, 132, 10, 136, 10)
        d.arm(at, 0.8, -way, *AKIMBO)
        d.to(at, 0.8, look=16 * way, lean=-6 * way, x=d.now('x') - 0.05 * way)
        d.arm(at + 1, 0.8, way, 42, 60, 62, 118)
        d.to(at + 1, 0.8, look=0, lean=0, x=d.now('x') + 0.05 * way)
    d.arms(b + 4, 0.9, *REST)
    return 4.5


def walk_side(d: Dance, b: float, s: int) -> float:
    for k in range(2):
        at = b + 2 * k
        d.step(at, s, x=0.20 * s)
        d.to(at, 1.9, x=d.now('x') + 0.17 * s)
        d.step(at + 1, -s, x=0.17 * s)
        d.arm(at, 0.9, 1, *(BENT if k else REST))
        d.arm(at, 0.9, -1, *(REST if k else BENT))
    d.step(b + 4, s, x=-0.06 * s, lift=0.03)
    d.arms(b + 4, 0.9, *REST)
    return 5


def walk_in(d: Dance, b: float, s: int) -> float:
    for k in range(2):
        way = 1 if k == 0 else -1
        d.step(b + 1.2 * k, way, z=0.36 * s, lift=0.07, beats=1.1)
        d.to(b + 1.2 * k, 1.2, z=d.now('z') + 0.18 * s, x=d.now('x') - 0.02 * way)
        d.arm(b + 1.2 * k, 1, -way, 28, 72, 58, 84)
        d.arm(b + 1.2 * k, 1, way, 20, -30, 24, 30)
    d.arms(b + 2.5, 0.9, *REST)
    return 3.5


MOVES: dict[str, Callable[[Dance, float, int], float]] = {
    move.__name__: move for move in (step_touch, wave, squat, arms_up, lean, kick, clap, turn,
                                     point, walk_side, walk_in)}


def choreograph(moves: tuple[tuple[str, int], ...], seconds: float) -> Dance:
    """The moves one after the other, from the start again when they are through."""
    dance, beat = Dance(), 0.4
    for name, side in cycle(moves):
        if beat * BEAT > seconds:
            return dance
        beat += MOVES[name](dance, beat, side)
    raise AssertionError('a dance has moves')


# ---------------------------------------------------------------------------- the body

def turned(yaw: float = 0, bow: float = 0, roll: float = 0) -> np.ndarray:
    """Columns: where the body's left, up and front point after turning (degrees)."""
    y, p, r = np.radians((yaw, bow, -roll))
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def arm_direction(up: float, out: float, side: int) -> np.ndarray:
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


def stand_up(figure: Figure, pose: Pose) -> dict[str, np.ndarray]:
    """Every joint in the studio, metres, and the frames (3, 3) of pelvis, chest and head."""
    unit = figure.height
    metre = figure.height / 1.7
    pelvis = turned(pose['hip_turn'], 0, pose['lean'] * 0.2)
    chest = turned(pose['turn'], pose['bow'], pose['lean'])
    head = turned(pose['turn'] * 0.5 + pose['look'], pose['bow'] * 0.3 - pose['nod'],
                  pose['lean'] * 0.5 + pose['tilt'])
    out = {'pelvis': pelvis, 'chest': chest, 'head': head}
    for s, side in (('l', 1), ('r', -1)):
        out[f'{s}_ankle'] = np.array((pose[f'{s}_x'] * metre, 0.042 * unit + pose[f'{s}_y'] * metre,
                                      pose[f'{s}_z'] * metre))
        out[f'{s}_foot'] = turned(14 * side + pose['hip_turn'], pose[f'{s}_pitch'], 0)
    # The pelvis sinks as far as its legs need to reach their feet.
    root = np.array((pose['x'] * metre, 0, pose['z'] * metre - 0.05 * pose['bow'] / 20 * unit))
    high = unit * (0.042 + figure.legs) - pose['drop'] * metre
    for s, side in (('l', 1), ('r', -1)):
        away = root + pelvis @ (side * figure.hips * unit, 0, 0) - out[f'{s}_ankle']
        room = (0.995 * figure.legs * unit) ** 2 - away[0] ** 2 - away[2] ** 2
        high = min(high, out[f'{s}_ankle'][1] + np.sqrt(max(room, 0.01)))
    root[1] = high
    out['root'] = root
    spine = 1 - 0.042 - figure.legs - 0.178
    out['neck'] = root + pelvis @ (0, 0.04 * unit, 0) + chest @ (0, (spine - 0.04) * unit, 0)
    out['skull'] = (out['neck'] + chest @ (0, 0.048 * unit, 0.006 * unit)
                    + head @ (0, 0.066 * unit, 0.012 * unit))
    for s, side in (('l', 1), ('r', -1)):
        out[f'{s}_hip'] = root + pelvis @ (side * figure.hips * unit, 0, 0)
        knee_way = turned(14 * side + pose['hip_turn']) @ (0, 0, 1.0)
        out[f'{s}_knee'] = bend(out[f'{s}_hip'], out[f'{s}_ankle'], 0.505 * figure.legs * unit,
                                0.495 * figure.legs * unit, knee_way)
        raised = max(pose[f'{s}_up'] - 80, 0) / 100
        out[f'{s}_shoulder'] = out['neck'] + chest @ (
            side * (figure.shoulders - 0.012 * raised) * unit, 0.025 * raised * unit, 0)
        fore = arm_direction(pose[f'{s}_fore_up'], pose[f'{s}_fore_out'], side)
        out[f'{s}_elbow'] = out[f'{s}_shoulder'] + chest @ arm_direction(
            pose[f'{s}_up'], pose[f'{s}_out'], side) * (0.54 * figure.arms * unit)
        out[f'{s}_wrist'] = out[f'{s}_elbow'] + chest @ fore * (0.46 * figure.arms * unit)
    return out


HEAD = {'Nose': (0, -0.010, 0.068), 'REye': (-0.019, 0.008, 0.052), 'LEye': (0.019, 0.008, 0.052),
        'REar': (-0.047, -0.004, -0.004), 'LEar': (0.047, -0.004, -0.004)}
FOOT = {'BigToe': (-0.012, -0.034, 0.085), 'SmallToe': (0.022, -0.036, 0.070),
        'Heel': (0, -0.034, -0.028)}


def body_25(figure: Figure, body: dict[str, np.ndarray]) -> np.ndarray:
    """The studio places (25, 3), metres, of OpenPose's joints."""
    places = {'Neck': (body['l_shoulder'] + body['r_shoulder']) / 2,
              'MidHip': (body['l_hip'] + body['r_hip']) / 2}
    for joint, offset in HEAD.items():
        places[joint] = body['skull'] + body['head'] @ offset * figure.height * figure.head
    for s, side in (('l', 1), ('r', -1)):
        for joint in ('shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle'):
            places[s.upper() + joint.title()] = body[f'{s}_{joint}']
        for joint, (x, y, z) in FOOT.items():
            at = np.array((x * side, y, z)) * figure.height
            places[s.upper() + joint] = body[f'{s}_ankle'] + body[f'{s}_foot'] @ at
    return np.array([places[joint] for joint in BODY_25.joints])


# ---------------------------------------------------------------------------- solids on a canvas

@lru_cache(maxsize=256)
def profile(*points: float) -> np.ndarray:
    """A smooth curve (128,) through t0, v0, t1, v1, ... for t from 0 to 1."""
    from scipy.interpolate import PchipInterpolator
    curve = PchipInterpolator(points[::2], points[1::2])
    return curve(np.linspace(0, 1, 128)).astype(np.float32)


def bands(*parts: float | RGB) -> np.ndarray:
    """Colours (3, 128), 0..1, along a tube: start, colour, start, colour, ..."""
    t = np.linspace(0, 1, 128)
    colours = np.array(parts[1::2], np.float32) / 255
    return colours[np.searchsorted(parts[::2], t, side='right') - 1].T.copy()


class Canvas:
    """The lit surface nearest to the camera and its depth, for one window of a picture.

    view     the camera;  window  columns and rows of the picture, whole px, that are drawn
    depth    float32 (h, w), px, -1e6 where nothing is
    colour   float32 (3, h, w), RGB 0..1; h and w are FINER times the window's
    """

    def __init__(self, view: 'View', window: tuple[slice, slice]):
        columns, rows = window
        self.view, self.left, self.top = view, columns.start * FINER, rows.start * FINER
        self.height = (rows.stop - rows.start) * FINER
        self.width = (columns.stop - columns.start) * FINER
        self.depth = np.full((self.height, self.width), -1e6, np.float32)
        self.colour = np.zeros((3, self.height, self.width), np.float32)

    def _see(self, point: np.ndarray) -> tuple[float, float, float, float]:
        x, y, depth, scale = (FINER * v for v in self.view(point))
        return x - self.left, y - self.top, depth, scale

    def _grid(self, x0: float, x1: float, y0: float, y1: float) -> tuple[np.ndarray, np.ndarray]:
        """x (1, w) and y (h, 1) of the pixels in a box, as far as it lies on the canvas."""
        x0, x1 = (min(max(int(v), 0), self.width) for v in (x0, x1 + 2))
        y0, y1 = (min(max(int(v), 0), self.height) for v in (y0, y1 + 2))
        return (np.arange(x0, x1, dtype=np.float32)[None],
                np.arange(y0, y1, dtype=np.float32)[:, None])

    def _nearer(self, x: np.ndarray, y: np.ndarray, depth: np.ndarray, inside: np.ndarray
                ) -> tuple[np.ndarray, np.ndarray]:
        """Where in a box a surface hides what is there: flat places in the box, on the canvas."""
        rows = slice(int(y[0, 0]), int(y[-1, 0]) + 1)
        columns = slice(int(x[0, 0]), int(x[0, -1]) + 1)
        here = np.flatnonzero(inside & (depth > self.depth[rows, columns]))
        row, column = np.divmod(here, x.size)
        at = (row + rows.start) * self.width + (column + columns.start)
        self.depth.reshape(-1)[at] = depth.reshape(-1)[here]
        return here, at

    def _paint(self, at: np.ndarray, normal: tuple[np.ndarray, np.ndarray, np.ndarray],
               colour: np.ndarray, gloss: float) -> None:
        """Light a surface from one side and a little from above. colour: red, green, blue."""
        nx, ny, nz = normal
        unit = 1 / np.sqrt(nx * nx + ny * ny + nz * nz)
        facing = (nx * LIGHT[0] + ny * LIGHT[1] + nz * LIGHT[2]) * unit
        light = 0.40 - 0.13 * ny * unit + 0.68 * np.maximum(facing * 0.75 + 0.25, 0)
        if gloss:
            shine = np.maximum((nx * HALF_WAY[0] + ny * HALF_WAY[1] + nz * HALF_WAY[2]) * unit, 0)
        for plane, part in zip(self.colour.reshape(3, -1), colour, strict=True):
            plane[at] = part * light + gloss * shine ** 22 if gloss else part * light

    def tube(self, a: np.ndarray, b: np.ndarray, radii: np.ndarray, colour: np.ndarray | RGB,
             flat: float = 1.0, caps: float = 1.0, gloss: float = 0.0, folds: float = 0.0) -> None:
        """From a to b, as thick as the radii (128,) in metres say, with rounded ends.

        colour  RGB, or a table (3, 128) along the tube as `bands` makes it
        flat    depth as a part of the width;  caps  above 1 flattens the ends
        folds   how deep the cloth's creases are
        """
        ax, ay, az, scale_a = self._see(a)
        bx, by, bz, scale_b = self._see(b)
        radii = radii * np.float32((scale_a + scale_b) / 2)
        most = float(radii.max())
        px, py = self._grid(min(ax, bx) - most, max(ax, bx) + most,
                            min(ay, by) - most, max(ay, by) + most)
        if not px.size or not py.size:
            return
        length = max(float(np.hypot(bx - ax, by - ay)), 1e-3)
        wx, wy = (bx - ax) / length, (by - ay) / length
        x, y = px - np.float32(ax), py - np.float32(ay)
        along = x * np.float32(wx) + y * np.float32(wy)
        across = y * np.float32(wx) - x * np.float32(wy)
        entry = np.clip(along * np.float32(127 / length), 0, 127).astype(np.int32)
        thin = 1 / radii
        inverse = thin.take(entry)
        beyond = (along - np.clip(along, 0, np.float32(length))) * np.float32(caps)
        across *= inverse
        beyond *= inverse
        front = 1 - across * across - beyond * beyond
        inside = front > 0
        front = np.sqrt(np.maximum(front, 0, out=front), out=front)
        depth = (entry * np.float32((bz - az) / 127) + np.float32(az)
                 + front / inverse * np.float32(flat))
        here, at = self._nearer(px, py, depth, inside)
        entry, across, beyond, front = (v.reshape(-1)[here] for v in (entry, across, beyond, front))
        slope = np.clip(np.gradient(radii) * (127 / length), -0.8, 0.8).astype(np.float32)
        lengthwise = beyond * np.float32(0.3) - slope.take(entry)        # softer joints than balls
        if folds:
            lengthwise += folds * CREASES.take(entry) * np.sin(entry * np.float32(0.2) + across * 3)
        normal = (lengthwise * wx - across * wy, lengthwise * wy + across * wx, front / flat)
        self._paint(at, normal, lookup(colour, entry), gloss)

    def ellipsoid(self, centre: np.ndarray, axes: np.ndarray, radii: tuple[float, float, float],
                  colour: RGB, gloss: float = 0.0) -> None:
        """Radii in metres along the columns of `axes` (3, 3)."""
        cx, cy, cz, scale = self._see(centre)
        shown = axes * np.array((1, -1, 1))[:, None]                 # y points down from here on
        m = ((shown / (np.array(radii) * scale) ** 2) @ shown.T).astype(np.float32)
        most = max(radii) * scale
        px, py = self._grid(cx - most, cx + most, cy - most, cy + most)
        if not px.size or not py.size:
            return
        x, y = px - np.float32(cx), py - np.float32(cy)
        half = m[0, 2] * x + m[1, 2] * y
        under = half * half - m[2, 2] * (m[0, 0] * x * x + (2 * m[0, 1] * x + m[1, 1] * y) * y - 1)
        z = (np.sqrt(np.maximum(under, 0)) - half) / m[2, 2]
        here, at = self._nearer(px, py, z + np.float32(cz), under > 0)
        z, x, y = z.reshape(-1)[here], x[0, here % x.size], y[here // x.size, 0]
        nx, ny, nz = (m[k, 0] * x + m[k, 1] * y + m[k, 2] * z for k in range(3))
        self._paint(at, (nx, ny, nz), lookup(colour, here), gloss)

    def finish(self) -> tuple[np.ndarray, np.ndarray]:
        """The window as float32 (h, w, 3), black where nothing is, and the part that is bare."""
        open_ = self._openness()
        bare = (self.depth < -1e5).astype(np.float32)
        *planes, bare = (cv2.resize(v, open_.shape[::-1], interpolation=cv2.INTER_AREA)
                         for v in (*self.colour, bare))
        return cv2.merge([plane * open_ for plane in planes]), cv2.merge([bare] * 3)

    def _openness(self) -> np.ndarray:
        """Less light where something near stands in front: depth against its own blur."""
        depth = self.depth[::FINER, ::FINER]
        floor = depth[depth > -1e5].min(initial=0)
        depth = np.maximum(depth, floor)
        metre = self.view.scale * FINER
        blurred = cv2.GaussianBlur(depth[::2, ::2], (0, 0), 0.025 * metre / 4)
        blurred = cv2.resize(blurred, depth.shape[::-1], interpolation=cv2.INTER_LINEAR)
        return 1 - 0.42 * np.clip((blurred - depth) / (0.05 * metre), 0, 1)


def lookup(colour: np.ndarray | RGB, entry: np.ndarray) -> np.ndarray:
    """Red, green, blue, 0..1: of one colour (3,), or per pixel (3, N) taken from a table."""
    if isinstance(colour, tuple):
        return np.array(colour, np.float32) / 255
    return colour.take(entry, axis=1)


@dataclass(frozen=True)
class View:
    """A camera in perspective: a stage seen in a picture `size` px wide and high."""
    stage: Stage
    size: int
    scale: float                # px per metre at the origin

    def __call__(self, point: np.ndarray) -> tuple[float, float, float, float]:
        """x, y and depth in px of a place in the studio, and px per metre there."""
        stage = self.stage
        here = self.scale * stage.distance / (stage.distance - point[2])
        horizon = stage.floor * self.size - stage.eye * self.scale
        # Depth grows by as many px a metre as the picture has there, or eyes sink into a near face.
        depth = self.scale * stage.distance * np.log(here / self.scale)
        return (stage.centre * self.size + point[0] * here,
                horizon + (stage.eye - point[1]) * here, depth, here)


# ---------------------------------------------------------------------------- the clothes

def dress(canvas: Canvas, figure: Figure, body: dict[str, np.ndarray]) -> None:
    """Put the whole figure on the canvas."""
    _trunk(canvas, figure, body)
    _head(canvas, figure, body)
    for s, side in (('l', 1), ('r', -1)):
        _arm(canvas, figure, body, s, side)
        _leg(canvas, figure, body, s, side)


def _trunk(canvas: Canvas, figure: Figure, body: dict[str, np.ndarray]) -> None:
    unit, chest, pelvis = figure.height, body['chest'], body['pelvis']
    wide, thin = figure.shoulders * unit, 0.079 * figure.girth * unit
    waist = (figure.hips * 0.8 + 0.040 * figure.girth) / figure.shoulders
    shirt = profile(0, waist * 1.33, 0.12, waist * 1.27, 0.40, waist * 1.05, 0.66, 0.90, 0.80, 0.94,
                    0.87, 0.90, 0.93, 0.72, 0.96, 0.54, 1, 0.36)
    cloth = bands(0, figure.shirt)
    if figure.stripe != figure.shirt:
        cloth = bands(0, figure.shirt, 0.52, figure.stripe, 0.575, figure.shirt, 0.62,
                      figure.stripe, 0.675, figure.shirt)
    shown, flat = _seen_width(wide, thin, chest)
    canvas.tube(body['root'] + pelvis @ (0, -0.036 * unit, 0),
                body['neck'] + chest @ (0, 0.030 * unit, -0.004 * unit), shirt * shown, cloth, flat,
                caps=12, folds=0.12)
    shown, flat = _seen_width(wide, thin * 0.95, pelvis)
    canvas.tube(body['root'] + pelvis @ (0, -0.045 * unit, 0),
                body['root'] + pelvis @ (0, 0.05 * unit, 0),
                profile(0, waist * 0.80, 0.35, waist * 1.10, 1, waist) * shown,
                figure.trousers, flat, caps=2)
    canvas.tube(body['neck'] + chest @ (0, -0.01 * unit, 0),
                body['skull'] - body['head'] @ (0, 0.03 * unit, 0.02 * unit),
                profile(0, 0.036, 0.4, 0.027, 1, 0.027) * unit * figure.girth,
                figure.skin, 0.9)
    for s in 'lr':                                      # from the neck down to the shoulders
        side = 1 if s == 'l' else -1
        canvas.tube(body['neck'] + chest @ (side * 0.022 * unit, 0.022 * unit, -0.004 * unit),
                    body[f'{s}_shoulder'], profile(0, 0.027, 1, 0.027) * unit * figure.girth,
                    figure.shirt)
    canvas.ellipsoid(body['neck'] + chest @ (0, 0.032 * unit, 0.010 * unit), chest,
                     (0.038 * unit, 0.008 * unit, 0.034 * unit), darker(figure.shirt, 0.82))


def _seen_width(wide: float, thin: float, axes: np.ndarray) -> tuple[float, float]:
    """Half the width the camera sees of an oval trunk, and its depth as a part of that."""
    shown = float(np.hypot(wide * axes[0, 0], thin * axes[0, 2]))
    return shown, thin * wide / shown ** 2


def _arm(canvas: Canvas, figure: Figure, body: dict[str, np.ndarray], s: str, side: int) -> None:
    unit, thick = figure.height, figure.height * figure.girth
    shoulder, elbow, wrist = (body[f'{s}_{joint}'] for joint in ('shoulder', 'elbow', 'wrist'))
    skin, shirt = figure.skin, figure.shirt
    if figure.long_sleeves:
        canvas.tube(shoulder, elbow, profile(0, 0.027, 0.3, 0.031, 1, 0.025) * thick,
                    bands(0, shirt), folds=0.06)
        canvas.tube(elbow, wrist, profile(0, 0.025, 0.3, 0.0255, 0.93, 0.020, 0.95, 0.016, 1, 0.015)
                    * thick, bands(0, shirt, 0.93, skin), folds=0.05)
    else:
        sleeve = profile(0, 0.027, 0.3, 0.0315, 0.55, 0.031, 0.58, 0.025, 1, 0.022)
        canvas.tube(shoulder, elbow, sleeve * thick,
                    bands(0, shirt, 0.52, figure.stripe, 0.57, skin), folds=0.04)
        canvas.tube(elbow, wrist, profile(0, 0.022, 0.3, 0.0235, 0.8, 0.0165, 1, 0.0145) * thick,
                    skin)
    _hand(canvas, unit, elbow, wrist, skin, side, body['chest'])


def _hand(canvas: Canvas, unit: float, elbow: np.ndarray, wrist: np.ndarray, skin: RGB, side: int,
          chest: np.ndarray) -> None:
    """A palm, four fingers and a thumb, in line with the forearm, the thumb to the front."""
    along = (wrist - elbow) / np.linalg.norm(wrist - elbow)
    thumb = chest @ (-0.5 * side, 0.25, 1.0)
    thumb = thumb - along * (thumb @ along)
    thumb /= np.linalg.norm(thumb)
    palm = np.cross(along, thumb)
    knuckles = wrist + along * 0.044 * unit
    canvas.ellipsoid(wrist + along * 0.024 * unit, np.stack([along, thumb, palm], 1),
                     (0.032 * unit, 0.021 * unit, 0.012 * unit), skin)
    for k in range(4):
        base = knuckles + thumb * (0.0135 - 0.009 * k) * unit - along * 0.008 * unit
        length = (0.040, 0.045, 0.042, 0.033)[k] * unit
        canvas.tube(base, base + (along + thumb * (0.12 - 0.10 * k)) * length,
                    profile(0, 0.0064, 1, 0.0048) * unit, darker(skin, 0.99 - 0.02 * (k % 2)))
    canvas.tube(wrist + along * 0.012 * unit + thumb * 0.012 * unit,
                wrist + (along * 0.040 + thumb * 0.034) * unit,
                profile(0, 0.0085, 1, 0.006) * unit, skin)


def _leg(canvas: Canvas, figure: Figure, body: dict[str, np.ndarray], s: str, side: int) -> None:
    unit, thick = figure.height, figure.height * figure.girth
    hip, knee, ankle = (body[f'{s}_{joint}'] for joint in ('hip', 'knee', 'ankle'))
    foot = body[f'{s}_foot']
    sock = figure.shoes if figure.long_sleeves else figure.stripe
    canvas.tube(hip + (knee - hip) * 0.12, knee,
                profile(0, 0.048, 0.25, 0.049, 1, 0.037) * thick, figure.trousers, folds=0.05)
    shin = profile(0, 0.037, 0.25, 0.0365, 0.75, 0.030, 0.90, 0.032, 0.92, 0.022, 1, 0.021)
    canvas.tube(knee, ankle, shin * thick, bands(0, figure.trousers, 0.91, sock), folds=0.08)

    def at(x: float, y: float, z: float) -> np.ndarray:
        return ankle + foot @ np.array((x * side, y, z)) * unit

    def ball(centre: np.ndarray, radii: tuple[float, float, float], colour: RGB) -> None:
        x, y, z = radii
        canvas.ellipsoid(centre, foot, (x * unit, y * unit, z * unit), colour, 0.1)

    canvas.tube(at(0, -0.016, -0.012), at(0.002, -0.020, 0.065),
                profile(0, 0.026, 0.5, 0.025, 1, 0.023) * unit, figure.shoes, gloss=0.25)
    ball(at(0, -0.008, 0.012), (0.026, 0.026, 0.036), figure.shoes)
    ball(at(0.001, -0.031, 0.030), (0.030, 0.011, 0.072), darker(figure.shoes, 0.72))
    for k in range(3):                                  # laces
        y, z = 0.004 - 0.006 * k, 0.046 + 0.012 * k
        canvas.tube(at(-0.010, y, z), at(0.012, y, z), profile(0, 0.0028, 1, 0.0028) * unit,
                    darker(figure.shoes, 0.6))


def _head(canvas: Canvas, figure: Figure, body: dict[str, np.ndarray]) -> None:
    unit = figure.height * figure.head
    head, centre, skin = body['head'], body['skull'], figure.skin

    def at(x: float, y: float, z: float) -> np.ndarray:
        return centre + head @ np.array((x, y, z)) * unit

    def ball(place: tuple[float, float, float], radii: tuple[float, float, float], colour: RGB,
             gloss: float = 0.0) -> None:
        x, y, z = radii
        canvas.ellipsoid(at(*place), head, (x * unit, y * unit, z * unit), colour, gloss)

    def line(a: tuple[float, float, float], b: tuple[float, float, float], thick: float,
             thin: float, colour: RGB) -> None:
        canvas.tube(at(*a), at(*b), profile(0, thick, 1, thin) * unit, colour)

    ball((0, 0.014, 0), (0.050, 0.052, 0.056), skin)
    ball((0, -0.010, 0.005), (0.0455, 0.060, 0.052), skin)
    ball((0, -0.052, 0.026), (0.020, 0.016, 0.020), skin)
    line((0, 0.008, 0.052), (0, -0.011, 0.062), 0.0048, 0.0075, skin)
    ball((0, -0.0175, 0.0530), (0.0085, 0.0030, 0.0055), darker(skin, 0.62))
    lips = blend(skin, (170, 50, 58), 0.55)
    ball((0, -0.0345, 0.0495), (0.0145, 0.0036, 0.0045), darker(lips, 0.85))
    ball((0, -0.0395, 0.0490), (0.0115, 0.0036, 0.0050), lips)
    for side in (1, -1):
        ball((0.048 * side, -0.004, -0.004), (0.008, 0.015, 0.011), skin)
        ball((0.0190 * side, 0.008, 0.0455), (0.0112, 0.0074, 0.0080), (246, 244, 240))
        ball((0.0190 * side, 0.008, 0.0500), (0.0056, 0.0062, 0.0044), (66, 46, 32), 0.5)
        ball((0.0190 * side, 0.008, 0.0523), (0.0028, 0.0030, 0.0028), (16, 12, 12), 0.9)
        line((0.0080 * side, 0.0155, 0.0515), (0.0300 * side, 0.0135, 0.0440), 0.0019, 0.0015,
             darker(figure.hair, 0.6))
        line((0.0085 * side, 0.0250, 0.0520), (0.0310 * side, 0.0250, 0.0440), 0.0034, 0.0020,
             darker(figure.hair, 0.9))
    _hair(figure, ball)


def _hair(figure: Figure, ball: Callable[..., None]) -> None:
    """A cap that leaves the forehead free, and for long hair a fringe and what falls behind."""
    ball((0, 0.026, -0.008), (0.0555, 0.0515, 0.0595), figure.hair, 0.22)
    if not figure.long_hair:
        for side in (1, -1):
            ball((0.0465 * side, 0.010, -0.006), (0.008, 0.024, 0.026), figure.hair, 0.15)
        return
    ball((0, -0.012, -0.030), (0.060, 0.066, 0.034), figure.hair, 0.2)
    for side in (1, -1):
        ball((0.046 * side, 0.000, 0.000), (0.0145, 0.056, 0.032), figure.hair, 0.22)
        ball((0.049 * side, -0.046, -0.010), (0.0155, 0.034, 0.024), figure.hair, 0.22)
    ball((-0.020, 0.044, 0.024), (0.036, 0.024, 0.030), figure.hair, 0.25)
    ball((0.030, 0.042, 0.020), (0.026, 0.026, 0.029), figure.hair, 0.25)


def darker(colour: RGB, part: float) -> RGB:
    r, g, b = (min(round(c * part), 255) for c in colour)
    return r, g, b


def blend(a: RGB, b: RGB, part: float) -> RGB:
    r, g, b_ = (round(x + (y - x) * part) for x, y in zip(a, b, strict=True))
    return r, g, b_


# ---------------------------------------------------------------------------- the picture

@lru_cache(maxsize=4)
def studio(view: View) -> np.ndarray:
    """Wall and floor, float32 (size, size, 3), 0..1, lit from the left, with a soft edge."""
    y, x = np.mgrid[:view.size, :view.size].astype(np.float32) / view.size
    edge = view(np.array((0, 0, -1.5)))[1] / view.size
    down = 1 / (1 + np.exp(-np.clip((y - edge) / 0.006, -30, 30)))
    wall = 1.08 - 0.13 * x - 0.08 * (1 - y) - 0.22 * ((x - 0.42) ** 2 + (y - 0.45) ** 2)
    ground = 0.86 + 0.30 * (y - edge) / (1 - edge) - 0.12 * x
    ground *= 1 - 0.16 * np.exp(-np.abs(y - edge) / 0.03)
    wall_colour, ground_colour = (np.array(c, np.float32) / 255
                                  for c in (view.stage.wall, view.stage.ground))
    return ((wall * (1 - down))[..., None] * wall_colour
            + (ground * down)[..., None] * ground_colour)


def cast_shadow(view: View, figure: Figure, body: dict[str, np.ndarray]) -> np.ndarray:
    """How much light the floor keeps, float32 (size, size): limbs thrown away from the light."""
    small = view.size // 4 + 1
    thick = figure.height * figure.girth * view.scale / 4
    limbs, feet = np.zeros((2, small, small), np.uint8)

    def fallen(point: np.ndarray) -> tuple[int, int]:           # in sixteenths of a pixel
        x, y, _, _ = view(point + np.array((0.42, -1, -0.30)) * point[1])
        return round(x * 4), round(y * 4)

    for limb, width in SHADOW.items():
        a, b = (fallen(body[joint]) for joint in limb.split())
        cv2.line(limbs, a, b, (255,), max(round(width * thick), 1), cv2.LINE_AA, 4)
    for s in 'lr':
        ankle = body[f'{s}_ankle']
        x, y, _, here = view(ankle * (1, 0, 1) + np.array((0.01, 0, 0.05)))
        near = max(0.0, 1 - (ankle[1] - 0.042 * figure.height) / 0.25)
        cv2.ellipse(feet, (round(x * 4), round(y * 4)), (round(0.34 * here), round(0.12 * here)),
                    0, 0, 360, (255 * near,), -1, cv2.LINE_AA, 4)
    dark = np.maximum(cv2.GaussianBlur(limbs, (0, 0), 0.010 * small + 0.6) * np.float32(0.24 / 255),
                      cv2.GaussianBlur(feet, (0, 0), 0.006 * small + 0.3) * np.float32(0.50 / 255))
    return 1 - cv2.resize(dark, (4 * small, 4 * small))[:view.size, :view.size]


SHADOW = {'root neck': 0.10, 'neck skull': 0.05, 'l_hip l_knee': 0.055, 'r_hip r_knee': 0.055,
          'l_knee l_ankle': 0.04, 'r_knee r_ankle': 0.04, 'l_shoulder l_elbow': 0.03,
          'r_shoulder r_elbow': 0.03, 'l_elbow l_wrist': 0.024, 'r_elbow r_wrist': 0.024}


def draw_figure(figure: Figure, stage: Stage, pose: Pose, size: int, noise: int | None = None
                ) -> tuple[np.ndarray, np.ndarray]:
    """One picture of a dancer, and where the joints are in it.

    pose     the parameters that Dance lists
    size     width and height, px
    noise    seed of the camera's noise; None for none
    Returns  uint8 (size, size, 3) RGB and float32 (25, 3): BODY_25, x px, y px, confidence 1
    """
    body = stand_up(figure, pose)
    view = View(stage, size, stage.tall * size / figure.height)
    places = np.array([view(point)[:2] for point in body_25(figure, body)])
    image = cv2.multiply(studio(view), cv2.merge([cast_shadow(view, figure, body)] * 3))

    margin = 0.14 * figure.height * view.scale                  # hands, hair and the tips of shoes
    low, high = places.min(0) - margin, places.max(0) + margin
    columns, rows = (slice(max(int(a), 0), min(int(b), size))
                     for a, b in zip(low, high, strict=True))
    canvas = Canvas(view, (columns, rows))
    dress(canvas, figure, body)
    shown, bare = canvas.finish()
    image[rows, columns] = cv2.GaussianBlur(image[rows, columns] * bare + shown, (0, 0),
                                            max(size / 900, 0.3))
    if noise is not None:
        y, x = np.random.default_rng(noise).integers(0, size, 2)
        image = image + grain(size)[y:y + size, x:x + size]
    joints = np.concatenate([places - 0.5, np.ones((len(places), 1))], 1).astype(np.float32)
    return cv2.convertScaleAbs(np.maximum(image, 0, out=image), alpha=255), joints


@lru_cache(maxsize=4)
def grain(size: int) -> np.ndarray:
    """A camera's noise, float32 (2 size, 2 size, 3): each frame sees another piece of it."""
    noise = np.random.default_rng(0).standard_normal((2 * size, 2 * size), np.float32)
    return cv2.merge([noise * np.float32(0.008)] * 3)


# ---------------------------------------------------------------------------- the videos

def perform(figure: Figure, stage: Stage, dance: Dance, size: int, frames: int, fps: float,
            seed: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pictures and joints of a whole dance, in order; a long one is drawn by several processes."""
    poses = (dance.at(frame / fps) for frame in range(frames))
    noise = range(seed * 1_000_000, seed * 1_000_000 + frames)
    draw = partial(draw_figure, figure, stage, size=size)
    workers = os.cpu_count() or 1
    if workers == 1 or frames < WORTH_A_POOL:
        for pose, number in zip(poses, noise, strict=True):
            yield draw(pose, noise=number)
        return
    with ProcessPoolExecutor(min(workers, 8), get_context('spawn'),
                             cv2.setNumThreads, (1,)) as pool:
        waiting: deque[Future[tuple[np.ndarray, np.ndarray]]] = deque()
        for pose, number in zip(poses, noise, strict=True):
            waiting.append(pool.submit(draw, pose, noise=number))
            if len(waiting) > 4 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def make_demo_videos(folder: str | os.PathLike[str], size: int = 480,
                     seconds: tuple[float, float] = (21, 8), fps: float = 30, seed: int = 0,
                     bar: bool = False) -> tuple[Path, Path]:
    """Write target.mp4, source.mp4 and, beside each, its joints.

    size, fps   of both videos: px, both ways, and frames a second
    seconds     how long the target's and the source's video are
    Returns     the two paths. *_joints.npz holds poses float32 (F, 25, 3) in px, BODY_25;
                times float64 (F,) in seconds; height float64 (F,), the standing figure's in px
    """
    from tqdm import tqdm
    folder = Path(folder)
    if size < 64 or size % 2 or fps <= 0 or min(seconds) * fps < 1:
        raise UserError(f'size {size}, {seconds} s, {fps:g} frames a second: no such video can be '
                        f'drawn. The size is even and at least 64; each lasts a frame or more.')
    cast = (('target', TARGET, TARGET_STAGE, TARGET_DANCE, seconds[0]),
            ('source', SOURCE, SOURCE_STAGE, SOURCE_DANCE, seconds[1]))
    paths = []
    for number, (name, figure, stage, moves, long) in enumerate(cast):
        frames = round(long * fps)
        dance = choreograph(moves, long)
        poses = []
        paths.append(folder / f'{name}.mp4')
        with VideoWriter(paths[-1], fps=fps) as video:
            pictures = perform(figure, stage, dance, size, frames, fps, seed + number)
            for image, joints in tqdm(pictures, f'drawing {name}', frames, disable=not bar):
                video.write(image)
                poses.append(joints)
        times = np.arange(frames) / fps
        with atomic(folder / f'{name}_joints.npz') as part:
            np.savez_compressed(part, poses=np.stack(poses), times=times,
                                height=height_px(stage, dance, times, size))
    return paths[0], paths[1]


def height_px(stage: Stage, dance: Dance, times: np.ndarray, size: int) -> np.ndarray:
    """How tall the dancer would be in each frame standing upright where the pelvis is."""
    z = np.array([dance.at(t)['z'] for t in times])
    return stage.tall * size * stage.distance / (stage.distance - z)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0], allow_abbrev=False)
    parser.add_argument('--out', required=True, help='folder the videos and their joints go to')
    parser.add_argument('--size', type=int, default=480, help='width and height, px')
    parser.add_argument('--seconds', type=float, nargs=2, default=(21, 8),
                        metavar=('TARGET', 'SOURCE'), help='how long the two videos are')
    parser.add_argument('--fps', type=float, default=30, help='frames a second')
    parser.add_argument('--seed', type=int, default=0, help="of the camera's noise")
    opt = parser.parse_args()
    for path in make_demo_videos(opt.out, opt.size, tuple(opt.seconds), opt.fps, opt.seed, True):
        say(f'{path} and {path.with_name(path.stem + "_joints.npz")}')


if __name__ == '__main__':
    run_main(main)
