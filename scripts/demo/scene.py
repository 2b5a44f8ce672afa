"""Draws several figures in one image, and decoys that a detector takes for people: a poster, a
mirror image, a shadow.

A nearer figure hides a farther one. All joints are returned with the image, hidden or not. Lengths
are metres in the studio and px in images.
"""
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from pose.skeleton import BODY_25, mirror
from scripts.demo.body import Figure, body_25, stand_up
from scripts.demo.camera import Camera, View, cast_shadow, grain, studio
from scripts.demo.canvas import Canvas
from scripts.demo.dance import SIDES, Dance, Pose
from scripts.demo.figure import draw_figure, dress

TALL = 1.7                       # metres: a figure of this height fills `camera.tall` of the image
STRIDE = 1.1                     # metres, two steps
FRAME = 0.02                     # width of a frame, of its picture's height
WOOD = (92, 62, 40)


@dataclass(frozen=True)
class Decoy:
    """A decoy on the wall.

    image   uint8 (h, w, 3) RGB;  cover  float32 (h, w), 0..1, how much of the wall it hides
    joints  float32 (25, 3), BODY_25, px of the image
    """
    image: np.ndarray
    cover: np.ndarray
    joints: np.ndarray


def draw_scene(cast: Sequence[tuple[Figure, Pose]], camera: Camera, size: int,
               wall: Sequence[tuple[Decoy, tuple[int, int]]] = (), noise: int | None = None
               ) -> tuple[np.ndarray, np.ndarray]:
    """One image of all figures, and their joints there.

    cast     the figures in the studio; their poses contain their places
    size     width and height, px
    wall     the decoys behind them, and x, y px of each one's upper left corner in the image
    noise    seed of the camera's noise; None for none
    Returns  uint8 (size, size, 3) RGB and float32 (N, 25, 3): x px, y px, confidence 1; the cast,
             then the decoys
    """
    view = View(camera, size, camera.tall * size / TALL)
    image, joints = studio(view).copy(), []
    for decoy, (x, y) in wall:
        height, width = decoy.cover.shape
        part = image[y:y + height, x:x + width]
        part += (decoy.image / np.float32(255) - part) * decoy.cover[..., None]
        joints.append(decoy.joints + np.array((x, y, 0), np.float32))
    canvas = Canvas(view, (slice(0, size), slice(0, size)))
    for figure, pose in cast:
        body = stand_up(figure, pose)
        image *= cast_shadow(view, figure, body)[..., None]
        dress(canvas, figure, body)
    shown, bare = canvas.finish()
    image = image * bare + shown
    if noise is not None:
        y, x = np.random.default_rng(noise).integers(0, size, 2)
        image = image + grain(size)[y:y + size, x:x + size]
    return (cv2.convertScaleAbs(np.maximum(image, 0), alpha=255),
            np.stack([*(joints_of(*one, camera, size) for one in cast), *joints]))


def joints_of(figure: Figure, pose: Pose, camera: Camera, size: int) -> np.ndarray:
    """The joints as draw_scene returns them: float32 (25, 3), x px, y px, confidence 1."""
    view = View(camera, size, camera.tall * size / TALL)
    places = (view(point) for point in body_25(figure, stand_up(figure, pose)))
    return np.array([(x - 0.5, y - 0.5, 1) for x, y, _, _ in places], np.float32)


def poster(figure: Figure, camera: Camera, pose: Pose, size: int) -> Decoy:
    """A framed photograph, size px wide and high."""
    return _framed(*draw_figure(figure, camera, pose, size))


def mirror_image(figure: Figure, camera: Camera, pose: Pose, size: int) -> Decoy:
    """The figure in a framed mirror, size px wide and high."""
    image, joints = draw_figure(figure, camera, pose, size)
    return _framed(np.ascontiguousarray(image[:, ::-1]), mirror(joints, BODY_25, size))


def shadow(figure: Figure, camera: Camera, pose: Pose, size: int) -> Decoy:
    """The figure's shadow on the wall, size px wide and high."""
    view = View(camera, size, camera.tall * size / TALL)
    canvas, body = Canvas(view, (slice(0, size), slice(0, size))), stand_up(figure, pose)
    dress(canvas, figure, body)
    cover = cv2.GaussianBlur(1 - canvas.finish()[1][..., 0], (0, 0), size / 200)
    return Decoy(np.full((size, size, 3), 30, np.uint8), 0.75 * cover,
                joints_of(figure, pose, camera, size))


def placed(pose: Pose, x: float, z: float = 0.0) -> Pose:
    """The same pose, moved by x to the image's right and by z towards the camera, metres."""
    moved = {name: pose[name] + x for name in ('x', 'l_x', 'r_x')}
    return pose | moved | {name: pose[name] + z for name in ('z', 'l_z', 'r_z')}


def walking(x: float, z: float, way: int) -> Pose:
    """A walking figure at x on the line z, on its way to the image's right (way 1) or left (-1).

    The place alone decides the feet, so that any increasing or decreasing x makes a walk.
    """
    pose = Dance.STAND | {'x': x, 'z': z, 'turn': 50.0 * way, 'hip_turn': 50.0 * way}
    for s, side in SIDES.items():
        step = (way * x / STRIDE + side / 4) % 1        # the first half of it on the floor
        ahead = 0.25 - step if step < 0.5 else step - 0.75
        swing = 25 * np.sin(2 * np.pi * (step - 0.25))
        pose |= {f'{s}_x': x + way * STRIDE * ahead, f'{s}_z': z - way * side * 0.1,
                 f'{s}_y': 0.09 * max(0.0, -np.sin(2 * np.pi * step)),
                 f'{s}_up': 18.0 + abs(swing), f'{s}_out': 60.0 + swing,
                 f'{s}_fore_up': 40.0 + abs(swing), f'{s}_fore_out': 70.0 + swing}
    return pose


def _framed(image: np.ndarray, joints: np.ndarray) -> Decoy:
    cv2.rectangle(image, (0, 0), (len(image) - 1, len(image) - 1), WOOD,
                  2 * max(1, round(FRAME * len(image))))
    return Decoy(image, np.ones(image.shape[:2], np.float32), joints)
