"""Several figures in one picture, and what a detector takes for one: poster, mirror, shadow.

The nearer figure hides the farther. Joints come with the picture, hidden or not, as everything is
known; lengths in the studio are metres, those of pictures px.
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

TALL = 1.7                       # metres: who is so tall fills `stage.tall` of the picture
STRIDE = 1.1                     # metres, two steps
FRAME = 0.02                     # width of a frame, of its picture's height
WOOD = (92, 62, 40)


@dataclass(frozen=True)
class Hung:
    """What is on the wall.

    image   uint8 (h, w, 3) RGB;  cover  float32 (h, w), 0..1, how much of the wall it hides
    joints  float32 (25, 3), BODY_25, px of the image
    """
    image: np.ndarray
    cover: np.ndarray
    joints: np.ndarray


def draw_scene(cast: Sequence[tuple[Figure, Pose]], camera: Camera, size: int,
               wall: Sequence[tuple[Hung, tuple[int, int]]] = (), noise: int | None = None
               ) -> tuple[np.ndarray, np.ndarray]:
    """One picture of everybody, and where the joints are in it.

    cast     who is in the studio; where is said by the poses
    size     width and height, px
    wall     what hangs behind them, and the px x, y of its upper left corner, inside the picture
    noise    seed of the camera's noise; None for none
    Returns  uint8 (size, size, 3) RGB and float32 (N, 25, 3): x px, y px, confidence 1; the cast,
             then what hangs on the wall
    """
    view = View(camera, size, camera.tall * size / TALL)
    image, joints = studio(view).copy(), []
    for hung, (x, y) in wall:
        height, width = hung.cover.shape
        part = image[y:y + height, x:x + width]
        part += (hung.image / np.float32(255) - part) * hung.cover[..., None]
        joints.append(hung.joints + np.array((x, y, 0), np.float32))
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
    """Where draw_scene puts the joints: float32 (25, 3), x px, y px, confidence 1."""
    view = View(camera, size, camera.tall * size / TALL)
    places = (view(point) for point in body_25(figure, stand_up(figure, pose)))
    return np.array([(x - 0.5, y - 0.5, 1) for x, y, _, _ in places], np.float32)


def poster(figure: Figure, camera: Camera, pose: Pose, size: int) -> Hung:
    """A framed photograph, size px wide and high."""
    return _framed(*draw_figure(figure, camera, pose, size))


def mirror_image(figure: Figure, camera: Camera, pose: Pose, size: int) -> Hung:
    """The figure as a mirror at the side shows it, size px wide and high."""
    image, joints = draw_figure(figure, camera, pose, size)
    return _framed(np.ascontiguousarray(image[:, ::-1]), mirror(joints, BODY_25, size))


def shadow(figure: Figure, camera: Camera, pose: Pose, size: int) -> Hung:
    """The figure's dark outline, thrown on the wall, size px wide and high."""
    view = View(camera, size, camera.tall * size / TALL)
    canvas, body = Canvas(view, (slice(0, size), slice(0, size))), stand_up(figure, pose)
    dress(canvas, figure, body)
    cover = cv2.GaussianBlur(1 - canvas.finish()[1][..., 0], (0, 0), size / 200)
    return Hung(np.full((size, size, 3), 30, np.uint8), 0.75 * cover,
                joints_of(figure, pose, camera, size))


def placed(pose: Pose, x: float, z: float = 0.0) -> Pose:
    """The same pose so far to the picture's right and to the camera."""
    moved = {name: pose[name] + x for name in ('x', 'l_x', 'r_x')}
    return pose | moved | {name: pose[name] + z for name in ('z', 'l_z', 'r_z')}


def walking(x: float, z: float, way: int) -> Pose:
    """Somebody who has walked to x on the line z, to the picture's right (way 1) or left (-1).

    The feet belong to the place, so that a path of x, at any pace, makes a walk.
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


def _framed(image: np.ndarray, joints: np.ndarray) -> Hung:
    cv2.rectangle(image, (0, 0), (len(image) - 1, len(image) - 1), WOOD,
                  2 * max(1, round(FRAME * len(image))))
    return Hung(image, np.ones(image.shape[:2], np.float32), joints)
