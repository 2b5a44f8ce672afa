"""Draws a figure in the studio: tubes and ellipsoids on the joints of its body.

The joints are known, so they are returned with the image. The same call gives the same pixels.
Lengths are fractions of the body's height, in its own directions: left, up, front.
"""
from dataclasses import dataclass

import cv2
import numpy as np

from scripts.demo.body import RGB, Body, Figure, body_25, stand_up
from scripts.demo.camera import Camera, View, cast_shadow, grain, studio
from scripts.demo.canvas import Canvas, bands, blend, darker, profile
from scripts.demo.dance import SIDES, Pose

Place = tuple[float, float, float]
MARGIN = 0.14                    # what reaches beyond the joints: hands, hair, the tips of shoes


def draw_figure(figure: Figure, camera: Camera, pose: Pose, size: int, noise: int | None = None
                ) -> tuple[np.ndarray, np.ndarray]:
    """One image of a figure, and its joints there.

    pose     the parameters that Dance lists
    size     width and height, px
    noise    seed of the camera's noise; None for none
    Returns  uint8 (size, size, 3) RGB and float32 (25, 3): BODY_25, x px, y px, confidence 1
    """
    body = stand_up(figure, pose)
    view = View(camera, size, camera.tall * size / figure.height)
    places = np.array([view(point)[:2] for point in body_25(figure, body)])
    image = cv2.multiply(studio(view), cv2.merge([cast_shadow(view, figure, body)] * 3))

    margin = MARGIN * figure.height * view.scale
    low, high = places.min(0) - margin, places.max(0) + margin
    columns, rows = (slice(max(int(a), 0), min(int(b), size))
                     for a, b in zip(low, high, strict=True))
    canvas = Canvas(view, (rows, columns))
    dress(canvas, figure, body)
    shown, bare = canvas.finish()
    image[rows, columns] = cv2.GaussianBlur(image[rows, columns] * bare + shown, (0, 0),
                                            max(size / 900, 0.3))
    if noise is not None:
        y, x = np.random.default_rng(noise).integers(0, size, 2)
        image = image + grain(size)[y:y + size, x:x + size]
    joints = np.concatenate([places - 0.5, np.ones((len(places), 1))], 1).astype(np.float32)
    return cv2.convertScaleAbs(np.maximum(image, 0, out=image), alpha=255), joints


def dress(canvas: Canvas, figure: Figure, body: Body) -> None:
    """Put the whole figure on the canvas."""
    _trunk(canvas, figure, body)
    _neck(canvas, figure, body)
    head = Part(canvas, body['skull'], body['head'], figure.height * figure.head)
    _face(head, figure)
    _hair(head, figure)
    for s in SIDES:
        _arm(canvas, figure, body, s)
        _hand(canvas, figure, body, s)
        _leg(canvas, figure, body, s)
        _shoe(Part(canvas, body[f'{s}_ankle'], body[f'{s}_foot'], figure.height, SIDES[s]),
              figure.shoes)


@dataclass(frozen=True)
class Part:
    """A head or a foot, to put solids on at places (left, up, front) from its origin."""
    canvas: Canvas
    origin: np.ndarray           # in the studio
    axes: np.ndarray             # columns: where its left, up and front point
    unit: float                  # metres
    side: int = 1                # -1 mirrors left and right

    def at(self, x: float, y: float, z: float) -> np.ndarray:
        return self.origin + self.axes @ np.array((x * self.side, y, z)) * self.unit

    def ball(self, place: Place, radii: Place, colour: RGB, gloss: float = 0.0) -> None:
        x, y, z = radii
        self.canvas.ellipsoid(self.at(*place), self.axes,
                              (x * self.unit, y * self.unit, z * self.unit), colour, gloss)

    def line(self, a: Place, b: Place, thick: float, thin: float, colour: RGB) -> None:
        self.canvas.tube(self.at(*a), self.at(*b), profile(0, thick, 1, thin) * self.unit, colour)


def _trunk(canvas: Canvas, figure: Figure, body: Body) -> None:
    """The striped shirt and, over it, the top of the trousers."""
    unit, root, chest, pelvis = figure.height, body['root'], body['chest'], body['pelvis']
    wide, thin = figure.shoulders * unit, 0.079 * figure.girth * unit
    waist = (figure.hips * 0.8 + 0.040 * figure.girth) / figure.shoulders
    cloth = bands(0, figure.shirt, 0.52, figure.stripe, 0.575, figure.shirt,
                  0.62, figure.stripe, 0.675, figure.shirt)
    shown, flat = _seen_width(wide, thin, chest)
    shirt = profile(0, waist * 1.33, 0.12, waist * 1.27, 0.40, waist * 1.05, 0.66, 0.90, 0.80, 0.94,
                    0.87, 0.90, 0.93, 0.72, 0.96, 0.54, 1, 0.36) * shown
    canvas.tube(root + pelvis @ (0, -0.036 * unit, 0),
                body['neck'] + chest @ (0, 0.030 * unit, -0.004 * unit), shirt, cloth, flat,
                caps=12, folds=0.12)
    shown, flat = _seen_width(wide, thin * 0.95, pelvis)
    trousers = profile(0, waist * 0.80, 0.35, waist * 1.10, 1, waist) * shown
    canvas.tube(root + pelvis @ (0, -0.045 * unit, 0), root + pelvis @ (0, 0.05 * unit, 0),
                trousers, figure.trousers, flat, caps=2)


def _seen_width(wide: float, thin: float, axes: np.ndarray) -> tuple[float, float]:
    """Half the width the camera sees of an oval trunk, and its depth as a part of that."""
    shown = float(np.hypot(wide * axes[0, 0], thin * axes[0, 2]))
    return shown, thin * wide / shown ** 2


def _neck(canvas: Canvas, figure: Figure, body: Body) -> None:
    """The neck, the shirt from there down to the shoulders, and its collar."""
    unit, neck, chest = figure.height, body['neck'], body['chest']
    canvas.tube(neck + chest @ (0, -0.01 * unit, 0),
                body['skull'] - body['head'] @ (0, 0.03 * unit, 0.02 * unit),
                profile(0, 0.036, 0.4, 0.027, 1, 0.027) * unit * figure.girth, figure.skin, 0.9)
    for s, side in SIDES.items():
        canvas.tube(neck + chest @ (side * 0.022 * unit, 0.022 * unit, -0.004 * unit),
                    body[f'{s}_shoulder'], profile(0, 0.027, 1, 0.027) * unit * figure.girth,
                    figure.shirt)
    canvas.ellipsoid(neck + chest @ (0, 0.032 * unit, 0.010 * unit), chest,
                     (0.038 * unit, 0.008 * unit, 0.034 * unit), darker(figure.shirt, 0.82))


def _arm(canvas: Canvas, figure: Figure, body: Body, s: str) -> None:
    thick, skin, shirt = figure.height * figure.girth, figure.skin, figure.shirt
    shoulder, elbow, wrist = (body[f'{s}_{joint}'] for joint in ('shoulder', 'elbow', 'wrist'))
    if figure.long_sleeves:
        upper = profile(0, 0.027, 0.3, 0.031, 1, 0.025)
        lower = profile(0, 0.025, 0.3, 0.0255, 0.93, 0.020, 0.95, 0.016, 1, 0.015)
        canvas.tube(shoulder, elbow, upper * thick, shirt, folds=0.06)
        canvas.tube(elbow, wrist, lower * thick, bands(0, shirt, 0.93, skin), folds=0.05)
    else:
        upper = profile(0, 0.027, 0.3, 0.0315, 0.55, 0.031, 0.58, 0.025, 1, 0.022)
        lower = profile(0, 0.022, 0.3, 0.0235, 0.8, 0.0165, 1, 0.0145)
        sleeve = bands(0, shirt, 0.52, figure.stripe, 0.57, skin)
        canvas.tube(shoulder, elbow, upper * thick, sleeve, folds=0.04)
        canvas.tube(elbow, wrist, lower * thick, skin)


def _hand(canvas: Canvas, figure: Figure, body: Body, s: str) -> None:
    """A palm, four fingers and a thumb, in line with the forearm, the thumb to the front."""
    unit, skin, elbow, wrist = figure.height, figure.skin, body[f'{s}_elbow'], body[f'{s}_wrist']
    along = (wrist - elbow) / np.linalg.norm(wrist - elbow)
    thumb = body['chest'] @ (-0.5 * SIDES[s], 0.25, 1.0)
    thumb = thumb - along * (thumb @ along)
    thumb /= np.linalg.norm(thumb)
    palm = np.cross(along, thumb)
    knuckles = wrist + along * 0.044 * unit
    canvas.ellipsoid(wrist + along * 0.024 * unit, np.stack([along, thumb, palm], 1),
                     (0.032 * unit, 0.021 * unit, 0.012 * unit), skin)
    for k, length in enumerate((0.040, 0.045, 0.042, 0.033)):
        base = knuckles + thumb * (0.0135 - 0.009 * k) * unit - along * 0.008 * unit
        canvas.tube(base, base + (along + thumb * (0.12 - 0.10 * k)) * (length * unit),
                    profile(0, 0.0064, 1, 0.0048) * unit, darker(skin, 0.99 - 0.02 * (k % 2)))
    canvas.tube(wrist + along * 0.012 * unit + thumb * 0.012 * unit,
                wrist + (along * 0.040 + thumb * 0.034) * unit,
                profile(0, 0.0085, 1, 0.006) * unit, skin)


def _leg(canvas: Canvas, figure: Figure, body: Body, s: str) -> None:
    thick = figure.height * figure.girth
    hip, knee, ankle = (body[f'{s}_{joint}'] for joint in ('hip', 'knee', 'ankle'))
    sock = figure.shoes if figure.long_sleeves else figure.stripe
    thigh = profile(0, 0.048, 0.25, 0.049, 1, 0.037)
    shin = profile(0, 0.037, 0.25, 0.0365, 0.75, 0.030, 0.90, 0.032, 0.92, 0.022, 1, 0.021)
    canvas.tube(hip + (knee - hip) * 0.12, knee, thigh * thick, figure.trousers, folds=0.05)
    canvas.tube(knee, ankle, shin * thick, bands(0, figure.trousers, 0.91, sock), folds=0.08)


def _shoe(foot: Part, colour: RGB) -> None:
    """Upper, heel and sole, and three laces."""
    foot.canvas.tube(foot.at(0, -0.016, -0.012), foot.at(0.002, -0.020, 0.065),
                     profile(0, 0.026, 0.5, 0.025, 1, 0.023) * foot.unit, colour, gloss=0.25)
    foot.ball((0, -0.008, 0.012), (0.026, 0.026, 0.036), colour, 0.1)
    foot.ball((0.001, -0.031, 0.030), (0.030, 0.011, 0.072), darker(colour, 0.72), 0.1)
    for k in range(3):
        y, z = 0.004 - 0.006 * k, 0.046 + 0.012 * k
        foot.line((-0.010, y, z), (0.012, y, z), 0.0028, 0.0028, darker(colour, 0.6))


def _face(head: Part, figure: Figure) -> None:
    """Skull, jaw and chin, nose and lips; ears, eyes, brows and what shades them."""
    skin, lips = figure.skin, blend(figure.skin, (170, 50, 58), 0.55)
    head.ball((0, 0.014, 0), (0.050, 0.052, 0.056), skin)
    head.ball((0, -0.010, 0.005), (0.0455, 0.060, 0.052), skin)
    head.ball((0, -0.052, 0.026), (0.020, 0.016, 0.020), skin)
    head.line((0, 0.008, 0.052), (0, -0.011, 0.062), 0.0048, 0.0075, skin)
    head.ball((0, -0.0175, 0.0530), (0.0085, 0.0030, 0.0055), darker(skin, 0.62))
    head.ball((0, -0.0345, 0.0495), (0.0145, 0.0036, 0.0045), darker(lips, 0.85))
    head.ball((0, -0.0395, 0.0490), (0.0115, 0.0036, 0.0050), lips)
    for side in (1, -1):
        head.ball((0.048 * side, -0.004, -0.004), (0.008, 0.015, 0.011), skin)
        head.ball((0.0190 * side, 0.008, 0.0455), (0.0112, 0.0074, 0.0080), (246, 244, 240))
        head.ball((0.0190 * side, 0.008, 0.0500), (0.0056, 0.0062, 0.0044), (66, 46, 32), 0.5)
        head.ball((0.0190 * side, 0.008, 0.0523), (0.0028, 0.0030, 0.0028), (16, 12, 12), 0.9)
        head.line((0.0080 * side, 0.0155, 0.0515), (0.0300 * side, 0.0135, 0.0440), 0.0019, 0.0015,
                  darker(figure.hair, 0.6))
        head.line((0.0085 * side, 0.0250, 0.0520), (0.0310 * side, 0.0250, 0.0440), 0.0034, 0.0020,
                  darker(figure.hair, 0.9))


def _hair(head: Part, figure: Figure) -> None:
    """A cap that leaves the forehead free, and for long hair a fringe and what falls behind."""
    hair = figure.hair
    head.ball((0, 0.026, -0.008), (0.0555, 0.0515, 0.0595), hair, 0.22)
    if not figure.long_hair:
        for side in (1, -1):
            head.ball((0.0465 * side, 0.010, -0.006), (0.008, 0.024, 0.026), hair, 0.15)
        return
    head.ball((0, -0.012, -0.030), (0.060, 0.066, 0.034), hair, 0.2)
    for side in (1, -1):
        head.ball((0.046 * side, 0.000, 0.000), (0.0145, 0.056, 0.032), hair, 0.22)
        head.ball((0.049 * side, -0.046, -0.010), (0.0155, 0.034, 0.024), hair, 0.22)
    head.ball((-0.020, 0.044, 0.024), (0.036, 0.024, 0.030), hair, 0.25)
    head.ball((0.030, 0.042, 0.020), (0.026, 0.026, 0.029), hair, 0.25)
