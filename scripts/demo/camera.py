"""The studio in the camera's view: perspective, wall and floor, shadow, noise.

In the image, y points down; depth, also in px, grows towards the viewer.
"""
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from scripts.demo.body import RGB, SOLE, Body, Figure

# Limbs that throw a shadow, and how thick it is.
SHADOW = {'root neck': 0.10, 'neck skull': 0.05, 'l_hip l_knee': 0.055, 'r_hip r_knee': 0.055,
          'l_knee l_ankle': 0.04, 'r_knee r_ankle': 0.04, 'l_shoulder l_elbow': 0.03,
          'r_shoulder r_elbow': 0.03, 'l_elbow l_wrist': 0.024, 'r_elbow r_wrist': 0.024}
COARSER = 4                      # image px for each px of the shadow's image


@dataclass(frozen=True)
class Camera:
    """Where a camera sees its figure, in fractions of the image, and the background."""
    tall: float                  # the figure's height when standing at the origin
    centre: float                # x of the origin
    floor: float                 # y of the origin
    wall: RGB
    ground: RGB
    distance: float = 6.5        # of the camera, metres
    eye: float = 1.15            # its height, metres


TARGET_CAMERA = Camera(0.72, 0.50, 0.91, wall=(206, 208, 212), ground=(176, 170, 164))
SOURCE_CAMERA = Camera(0.56, 0.42, 0.83, wall=(214, 200, 178), ground=(150, 122, 98))


@dataclass(frozen=True)
class View:
    """Perspective projection of a camera to an image `size` px wide and high."""
    camera: Camera
    size: int
    scale: float                # px per metre at the origin

    def __call__(self, point: np.ndarray) -> tuple[float, float, float, float]:
        """x, y and depth in px of a place in the studio, and px per metre there."""
        camera = self.camera
        here = self.scale * camera.distance / (camera.distance - point[2])
        horizon = camera.floor * self.size - camera.eye * self.scale
        # Depth has the px per metre of the image at that place; with a constant scale, eyes sink
        # into a near face.
        depth = self.scale * camera.distance * np.log(here / self.scale)
        return (camera.centre * self.size + point[0] * here,
                horizon + (camera.eye - point[1]) * here, depth, here)


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
                                  for c in (view.camera.wall, view.camera.ground))
    return ((wall * (1 - down))[..., None] * wall_colour
            + (ground * down)[..., None] * ground_colour)


def cast_shadow(view: View, figure: Figure, body: Body) -> np.ndarray:
    """How much light the floor keeps, float32 (size, size): limbs thrown away from the light."""
    small = view.size // COARSER + 1
    limbs = cv2.GaussianBlur(_fallen_limbs(view, figure, body, small), (0, 0), 0.010 * small + 0.6)
    feet = cv2.GaussianBlur(_feet(view, body, figure.height, small), (0, 0), 0.006 * small + 0.3)
    dark = np.maximum(limbs * np.float32(0.24 / 255), feet * np.float32(0.50 / 255))
    return 1 - cv2.resize(dark, (COARSER * small, COARSER * small))[:view.size, :view.size]


def _fallen_limbs(view: View, figure: Figure, body: Body, small: int) -> np.ndarray:
    """The limbs laid on the floor, uint8 (small, small)."""
    shape = np.zeros((small, small), np.uint8)
    thick = figure.height * figure.girth * view.scale / COARSER
    for limb, width in SHADOW.items():
        a, b = (_sixteenths(view, body[joint] + np.array((0.42, -1, -0.30)) * body[joint][1])
                for joint in limb.split())
        cv2.line(shape, a, b, (255,), max(round(width * thick), 1), cv2.LINE_AA, 4)
    return shape


def _feet(view: View, body: Body, height: float, small: int) -> np.ndarray:
    """What is right under the feet, the fainter the higher they are, uint8 (small, small)."""
    shape = np.zeros((small, small), np.uint8)
    for ankle in (body['l_ankle'], body['r_ankle']):
        below = ankle * (1, 0, 1) + np.array((0.01, 0, 0.05))
        here = view(below)[3]
        near = max(0.0, 1 - (ankle[1] - SOLE * height) / 0.25)
        cv2.ellipse(shape, _sixteenths(view, below), (round(0.34 * here), round(0.12 * here)),
                    0, 0, 360, (255 * near,), -1, cv2.LINE_AA, 4)
    return shape


def _sixteenths(view: View, point: np.ndarray) -> tuple[int, int]:
    """A place on the shadow's picture, in sixteenths of its pixels, as OpenCV draws finely."""
    x, y, _, _ = view(point)
    return round(x * 16 / COARSER), round(y * 16 / COARSER)


@lru_cache(maxsize=4)
def grain(size: int) -> np.ndarray:
    """A camera's noise, float32 (2 size, 2 size, 3): each frame sees another piece of it."""
    noise = np.random.default_rng(0).standard_normal((2 * size, 2 * size), np.float32)
    return cv2.merge([noise * np.float32(0.008)] * 3)
