"""The dances: key frames for each parameter of a body, and the moves that set them.

A move is a function of the dance, the beat it starts at and the side it starts with (+1 the
figure's left, -1 its right). It sets keys, starting from the body's present state, and returns its
length in beats. Feet move by steps only: a foot that carries weight does not slide.
"""
from bisect import bisect_right
from collections.abc import Callable
from itertools import cycle
from operator import itemgetter

import numpy as np

Pose = dict[str, float]                         # a value for each parameter that Dance lists
SIDES = {'l': 1, 'r': -1}
BEAT = 0.43                                     # seconds

# Each move starts with the side given. No two consecutive moves of the source's dance are
# consecutive in the target's, which shows every move within its first 21 seconds.
TARGET_DANCE = (('step_touch', 1), ('wave', -1), ('arms_up', 1), ('point', 1), ('squat', 1),
                ('kick', 1), ('walk_in', 1), ('clap', 1), ('lean', 1), ('walk_side', -1),
                ('turn', -1), ('walk_in', -1), ('walk_side', 1))
SOURCE_DANCE = (('arms_up', 1), ('kick', -1), ('point', -1), ('walk_in', 1), ('lean', -1),
                ('clap', 1), ('step_touch', 1), ('squat', 1), ('walk_in', -1), ('wave', 1),
                ('turn', 1))


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
             'l_x': 0.13, 'l_y': 0.0, 'l_z': 0.0, 'l_pitch': 0.0,
             'r_x': -0.13, 'r_y': 0.0, 'r_z': 0.0, 'r_pitch': 0.0,
             'l_up': 16.0, 'l_out': 10.0, 'l_fore_up': 20.0, 'l_fore_out': 60.0,
             'r_up': 16.0, 'r_out': 10.0, 'r_fore_up': 20.0, 'r_fore_out': 60.0}

    def __init__(self) -> None:
        self.keys = {name: [(0.0, value)] for name, value in self.STAND.items()}

    def now(self, name: str) -> float:
        """A parameter's value at its last key."""
        return self.keys[name][-1][1]

    def to(self, beat: float, beats: float, **values: float) -> None:
        """Reach these values within `beats`, starting at `beat`."""
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
        """Move a foot by x to the image's right and by z towards the camera, metres."""
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
    after = bisect_right(track, beat, key=itemgetter(0))
    if after == len(track):
        return track[-1][1]
    (t0, v0), (t1, v1) = track[after - 1], track[after]
    return v0 + (v1 - v0) * (1 - np.cos(np.pi * (beat - t0) / (t1 - t0))) / 2


def letter(side: int) -> str:
    return 'l' if side > 0 else 'r'


# What an arm does, in the order of Dance.arm.
REST = (16, 10, 22, 60)
BENT = (24, 10, 100, 80)
AKIMBO = (52, -25, 62, 158)


def step_touch(d: Dance, b: float, s: int) -> float:
    for k, way in enumerate((s, -s)):
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
    for k, way in enumerate((1, -1)):
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
    """The moves one after the other, repeated until `seconds` are full."""
    dance, beat, ahead = Dance(), 0.4, cycle(moves)
    while beat * BEAT <= seconds:
        name, side = next(ahead)
        beat += MOVES[name](dance, beat, side)
    return dance
