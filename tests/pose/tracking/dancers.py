"""Drawn dancers, as a detector finds them, for the tests of who is who."""
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np

from pose.tracking.people import Picked, pick_person
from scripts.demo.body import SOURCE, TARGET, Figure
from scripts.demo.camera import Camera
from scripts.demo.dance import SOURCE_DANCE, choreograph
from scripts.demo.scene import joints_of, placed, walking

SIZE = 360
CAMERA = Camera(0.60, 0.5, 0.88, wall=(206, 208, 212), ground=(176, 170, 164))
FAR = Camera(0.40, 0.5, 0.88, wall=(206, 208, 212), ground=(176, 170, 164))
FULL = Camera(0.80, 0.5, 0.95, wall=(206, 208, 212), ground=(176, 170, 164))
RED, GREEN, BLUE = np.eye(3).repeat(7, 1) * 12          # three looks that share no part
REDDISH = RED + 3 * (np.arange(21) % 2)                 # like RED, but not as like as one cloth

Found = tuple[list[np.ndarray], list[np.ndarray], list[list[int]]]


def film(joints: np.ndarray, wear: Sequence[np.ndarray], seed: int = 0,
         lost: float = 0.05) -> Found:
    """What a detector makes of them: people and looks per frame, and who each of them is.

    joints  (F, N, 25, 3) true, 0 where not there;  wear  a look per person
    Joints are 1 % of the body off, people come in any order, some are missed; who stands behind
    another (in the order given) is not found, and a look half covered is half the other's.
    """
    rng = np.random.default_rng(seed)
    people, looks, truth = [], [], []
    for frame in joints:
        found = []
        for n, true in enumerate(frame):
            tall = np.ptp(true[:, 1])
            covered = min((np.abs(near[1:9, 0] - true[1:9, 0]).mean() / tall
                           for near in frame[:n]), default=1) if tall else 0
            if not tall or covered < 0.10 or rng.random() < lost:
                continue
            body = np.full((25, 4), np.nan, np.float32)
            body[:, :2] = true[:, :2] + rng.normal(0, 0.01 * tall, (25, 2))
            body[:, 2] = rng.uniform(0.5, 1, 25)
            seen = wear[n] if covered > 0.25 else (wear[n] + wear[0]) / 2
            found.append((body, seen + rng.normal(0, 0.5, 21), n))
        order = rng.permutation(len(found))
        people.append(np.array([found[k][0] for k in order], np.float32).reshape(-1, 25, 4))
        looks.append(np.array([found[k][1] for k in order], np.float32).reshape(-1, 21))
        truth.append([found[k][2] for k in order])
    return people, looks, truth


def sliding(joints: np.ndarray, wear: np.ndarray, lost: float) -> Found:
    """`film` of two in the same clothes, of whom one is found while their hips are closer than
    `lost` of their height: first the one, then the other."""
    tall = np.ptp(joints[0, 0, :, 1])
    hips = joints[:, :, 8, 0]
    close = np.flatnonzero(np.abs(hips[:, 0] - hips[:, 1]) < lost * tall)
    there = joints.copy()
    there[close[:len(close) // 2], 1] = 0
    there[close[len(close) // 2:], 0] = 0
    return film(there, (wear, wear), lost=0)


def pick(people: Sequence[np.ndarray], looks: Sequence[np.ndarray], person: str = 'largest',
         fps: float = 25.0, jumps: Iterable[int] = (), skeleton: str = 'BODY_25') -> Picked:
    """Who is picked; the picture changes much at each frame in `jumps`."""
    difference = np.full(len(people), 0.5)
    difference[list(jumps)] = 40
    return pick_person(people, looks, np.arange(len(people)) / fps, difference, skeleton,
                       (SIZE, SIZE), person)


def who(picked: Picked, truth: Sequence[Sequence[int]]) -> list[int]:
    """Who was picked, frame by frame; nobody is left out."""
    return [truth[f][row] for f, row in enumerate(picked.rows) if row >= 0]


@lru_cache
def dancing(figure: Figure = SOURCE, camera: Camera = CAMERA, x: float = 0.0, z: float = 0.0,
            fps: int = 25, seconds: int = 4,
            moves: tuple[tuple[str, int], ...] = SOURCE_DANCE) -> np.ndarray:
    """Joints (F, 25, 3) of somebody who dances."""
    dance = choreograph(moves, seconds)
    return np.array([joints_of(figure, placed(dance.at(f / fps), x, z), camera, SIZE)
                     for f in range(seconds * fps)])


@lru_cache
def crossing(fps: int, turn_back: bool) -> np.ndarray:
    """Joints (F, 2, 25, 3): two who walk past each other, or meet, stand a second and go back."""
    seconds = np.arange(4 * fps) / fps - 2
    path = 1.2 * seconds
    if turn_back:
        path = -np.maximum(1.2 * (np.abs(seconds) - 0.5), 0.02)
    return np.array([[
        joints_of(TARGET, walking(x, 0.35, way), CAMERA, SIZE),
        joints_of(SOURCE, walking(-x, -0.25, -way), CAMERA, SIZE)]
        for x, way in zip(path, np.where((seconds > 0) & turn_back, -1, 1))])
