"""Solids in a depth buffer: tubes and ellipsoids, lit from one side.

On a canvas y points down and depth grows towards the viewer, all in the canvas' own px. Normals are
(x, y, z) on the canvas, of any length. What varies along a tube (thickness, colours, creases) is a
table of STEPS entries from one end to the other.
"""
from functools import lru_cache

import cv2
import numpy as np

from scripts.demo.body import RGB
from scripts.demo.camera import View

Box = tuple[slice, slice]                               # rows and columns
FINER = 2                                               # canvas px for each px of the image
STEPS = 128
NOTHING = -1e6                                          # the depth where nothing is
LIGHT = np.array((-0.55, -0.62, 0.56), np.float32)      # where it comes from
LIGHT /= np.linalg.norm(LIGHT)
HALF_WAY = LIGHT + np.array((0, 0, 1), np.float32)      # between the light and the camera
HALF_WAY /= np.linalg.norm(HALF_WAY)
# How a crease runs out towards a tube's ends.
CREASES = (np.sin(np.linspace(0, np.pi, STEPS)) ** 0.5).astype(np.float32)


class Canvas:
    """The lit surface nearest to the camera and its depth, for one window of a picture.

    view     the camera;  window  rows and columns of the picture, whole px, that are drawn
    depth    float32 (h, w), px, NOTHING where nothing is
    colour   float32 (3, h, w), RGB 0..1; h and w are FINER times the window's
    """

    def __init__(self, view: View, window: Box):
        rows, columns = window
        self.view, self.left, self.top = view, columns.start * FINER, rows.start * FINER
        self.height = (rows.stop - rows.start) * FINER
        self.width = (columns.stop - columns.start) * FINER
        self.depth = np.full((self.height, self.width), NOTHING, np.float32)
        self.colour = np.zeros((3, self.height, self.width), np.float32)

    def tube(self, a: np.ndarray, b: np.ndarray, radii: np.ndarray, colour: np.ndarray | RGB,
             flat: float = 1.0, caps: float = 1.0, gloss: float = 0.0, folds: float = 0.0) -> None:
        """From a to b, as thick as the radii (STEPS,) in metres say, with rounded ends.

        colour  RGB, or a table (3, STEPS) along the tube as `bands` makes it
        flat    depth as a part of the width;  caps  above 1 flattens the ends
        folds   how deep the cloth's creases are
        """
        ax, ay, az, scale_a = self._see(a)
        bx, by, bz, scale_b = self._see(b)
        radii = radii * np.float32((scale_a + scale_b) / 2)
        most = float(radii.max())
        box = self._box(min(ax, bx) - most, max(ax, bx) + most,
                        min(ay, by) - most, max(ay, by) + most)
        x, y = offsets(box, ax, ay)
        length = max(float(np.hypot(bx - ax, by - ay)), 1e-3)
        wx, wy = (bx - ax) / length, (by - ay) / length
        along = x * np.float32(wx) + y * np.float32(wy)
        across = y * np.float32(wx) - x * np.float32(wy)
        steps_per_px = (STEPS - 1) / length
        entry = np.clip(along * np.float32(steps_per_px), 0, STEPS - 1).astype(np.int32)
        # Across, beyond an end and to the front, in parts of the radius.
        inverse = (1 / radii).take(entry)
        beyond = (along - np.clip(along, 0, np.float32(length))) * np.float32(caps) * inverse
        across *= inverse
        front = 1 - across * across - beyond * beyond
        inside = front > 0
        front = np.sqrt(np.maximum(front, 0, out=front), out=front)
        depth = (entry * np.float32((bz - az) / (STEPS - 1)) + np.float32(az)
                 + front / inverse * np.float32(flat))
        here, at = self._nearer(box, depth, inside)
        entry, across, beyond, front = (v.reshape(-1)[here] for v in (entry, across, beyond, front))
        slope = np.clip(np.gradient(radii) * steps_per_px, -0.8, 0.8).astype(np.float32)
        lengthwise = beyond * np.float32(0.3) - slope.take(entry)        # softer joints than balls
        if folds:
            lengthwise += folds * CREASES.take(entry) * np.sin(entry * np.float32(0.2) + across * 3)
        normal = (lengthwise * wx - across * wy, lengthwise * wy + across * wx, front / flat)
        rgb = parts(colour) if isinstance(colour, tuple) else colour.take(entry, axis=1)
        self._paint(at, normal, rgb, gloss)

    def ellipsoid(self, centre: np.ndarray, axes: np.ndarray, radii: tuple[float, float, float],
                  colour: RGB, gloss: float = 0.0) -> None:
        """Radii in metres along the columns of `axes` (3, 3)."""
        cx, cy, cz, scale = self._see(centre)
        shown = axes * np.array((1, -1, 1))[:, None]                 # y points down from here on
        # The surface is where p @ m @ p = 1: a quadratic equation for z at each x and y.
        m = ((shown / (np.array(radii) * scale) ** 2) @ shown.T).astype(np.float32)
        most = max(radii) * scale
        box = self._box(cx - most, cx + most, cy - most, cy + most)
        x, y = offsets(box, cx, cy)
        half = m[0, 2] * x + m[1, 2] * y
        under = half * half - m[2, 2] * (m[0, 0] * x * x + (2 * m[0, 1] * x + m[1, 1] * y) * y - 1)
        z = (np.sqrt(np.maximum(under, 0)) - half) / m[2, 2]
        here, at = self._nearer(box, z + np.float32(cz), under > 0)
        z, x, y = z.reshape(-1)[here], x[0, here % x.size], y[here // x.size, 0]
        nx, ny, nz = (m[k, 0] * x + m[k, 1] * y + m[k, 2] * z for k in range(3))
        self._paint(at, (nx, ny, nz), parts(colour), gloss)

    def finish(self) -> tuple[np.ndarray, np.ndarray]:
        """The window as float32 (h, w, 3), black where nothing is, and the part that is bare."""
        openness = self._openness()
        bare = (self.depth == NOTHING).astype(np.float32)
        *planes, bare = (cv2.resize(v, openness.shape[::-1], interpolation=cv2.INTER_AREA)
                         for v in (*self.colour, bare))
        return cv2.merge([plane * openness for plane in planes]), cv2.merge([bare] * 3)

    def _see(self, point: np.ndarray) -> tuple[float, float, float, float]:
        """x, y and depth on the canvas, and its px per metre there."""
        x, y, depth, scale = (FINER * v for v in self.view(point))
        return x - self.left, y - self.top, depth, scale

    def _box(self, x0: float, x1: float, y0: float, y1: float) -> Box:
        """These pixels, as far as they lie on the canvas; maybe none."""
        return (slice(*(min(max(int(v), 0), self.height) for v in (y0, y1 + 2))),
                slice(*(min(max(int(v), 0), self.width) for v in (x0, x1 + 2))))

    def _nearer(self, box: Box, depth: np.ndarray, inside: np.ndarray
                ) -> tuple[np.ndarray, np.ndarray]:
        """Where in a box a surface hides what is there: flat places in the box, on the canvas."""
        rows, columns = box
        here = np.flatnonzero(inside & (depth > self.depth[box]))
        row, column = np.divmod(here, columns.stop - columns.start)
        at = (row + rows.start) * self.width + (column + columns.start)
        self.depth.reshape(-1)[at] = depth.reshape(-1)[here]
        return here, at

    def _paint(self, at: np.ndarray, normal: tuple[np.ndarray, np.ndarray, np.ndarray],
               rgb: np.ndarray, gloss: float) -> None:
        """Light a surface (N,) from one side and a little from above; rgb (3,) or (3, N)."""
        nx, ny, nz = normal
        unit = 1 / np.sqrt(nx * nx + ny * ny + nz * nz)
        facing = (nx * LIGHT[0] + ny * LIGHT[1] + nz * LIGHT[2]) * unit
        light = 0.40 - 0.13 * ny * unit + 0.68 * np.maximum(facing * 0.75 + 0.25, 0)
        shine: np.ndarray | float = 0.0
        if gloss:
            mirrored = (nx * HALF_WAY[0] + ny * HALF_WAY[1] + nz * HALF_WAY[2]) * unit
            shine = gloss * np.maximum(mirrored, 0) ** 22
        for plane, part in zip(self.colour.reshape(3, -1), rgb, strict=True):
            plane[at] = part * light + shine

    def _openness(self) -> np.ndarray:
        """Less light where something near stands in front: depth against its own blur."""
        depth = self.depth[::FINER, ::FINER]
        depth = np.maximum(depth, depth[depth != NOTHING].min(initial=0))
        metre = self.view.scale * FINER
        blurred = cv2.GaussianBlur(depth[::2, ::2], (0, 0), 0.025 * metre / 4)
        blurred = cv2.resize(blurred, depth.shape[::-1], interpolation=cv2.INTER_LINEAR)
        return 1 - 0.42 * np.clip((blurred - depth) / (0.05 * metre), 0, 1)


def offsets(box: Box, x: float, y: float) -> tuple[np.ndarray, np.ndarray]:
    """How far the pixels of a box lie from a point: x (1, w), y (h, 1), float32."""
    rows, columns = np.ogrid[box]
    return columns.astype(np.float32) - np.float32(x), rows.astype(np.float32) - np.float32(y)


@lru_cache(maxsize=256)
def profile(*points: float) -> np.ndarray:
    """A smooth curve (STEPS,) through t0, v0, t1, v1, ... for t from 0 to 1."""
    from scipy.interpolate import PchipInterpolator
    curve = PchipInterpolator(points[::2], points[1::2])
    return curve(np.linspace(0, 1, STEPS)).astype(np.float32)


def bands(*steps: float | RGB) -> np.ndarray:
    """Colours (3, STEPS), 0..1, along a tube: start, colour, start, colour, ..."""
    t = np.linspace(0, 1, STEPS)
    colours = np.array(steps[1::2], np.float32) / 255
    return colours[np.searchsorted(steps[::2], t, side='right') - 1].T.copy()


def parts(colour: RGB) -> np.ndarray:
    """Red, green, blue (3,), 0..1."""
    return np.array(colour, np.float32) / 255


def darker(colour: RGB, part: float) -> RGB:
    r, g, b = (round(c * part) for c in colour)
    return r, g, b


def blend(a: RGB, b: RGB, part: float) -> RGB:
    """Mix colour b into a; `part` 0 gives a, 1 gives b."""
    red, green, blue = (round(x + (y - x) * part) for x, y in zip(a, b, strict=True))
    return red, green, blue
