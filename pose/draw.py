"""Joints to pose images: what the generator is shown. Another style is one more function.

Every style draws antialiased on black, left and right in different colours, nothing for a joint
that is not seen, and in widths that follow the picture's size.
"""
from collections.abc import Callable

import cv2
import numpy as np

from pose.skeleton import Skeleton, skeleton_of
from util.errors import unknown_choice

SUBPIXEL = 4                  # cv2 draws at 1/16 px
GROWTH = 1.3                  # px that cv2's antialiasing adds to a filled shape
LIMB_SHADE = 0.6              # limbs are darker than joints, which stay visible on top of them
ANGLES = np.linspace(0, 2 * np.pi, 20, endpoint=False)
CIRCLE = np.stack([np.cos(ANGLES), np.sin(ANGLES)], -1)         # (20, 2)


def default_line_width(size: tuple[int, int]) -> float:
    """The width of a limb in px for a picture of that (width, height): 4 px at 256, 16 at 1024."""
    return max(1.0, min(size) / 64)


def draw_pose(pose: np.ndarray, size: tuple[int, int], style: str = 'openpose',
              skeleton: str = 'BODY_25', line_width: float | None = None) -> np.ndarray:
    """Draw one pose on black.

    pose        float (K, 3): x px, y px in the picture to be drawn, confidence (0 = left out)
    size        (width, height) in px
    style       one of STYLES
    line_width  px; default_line_width(size) when None
    Returns     uint8 (height, width, 3) RGB
    """
    if style not in STYLES:
        raise unknown_choice('--draw_style', style, STYLES, 'a function {} in pose/draw.py')
    canvas = np.zeros((size[1], size[0], 3), np.uint8)
    STYLES[style](canvas, pose, skeleton_of(skeleton), line_width or default_line_width(size))
    return canvas


def openpose(canvas: np.ndarray, pose: np.ndarray, skeleton: Skeleton, line_width: float) -> None:
    """OpenPose's picture: an ellipse per limb, a dot per joint, its colours; limbs shaded."""
    seen = (pose[:, 2] > 0) & np.isfinite(pose).all(1)
    points = pose[:, :2].astype(np.float64)
    width = max(line_width - GROWTH, 0.1)
    limbs = [k for k, (a, b) in enumerate(skeleton.limbs) if seen[a] and seen[b]]
    if limbs:
        ends = np.array([skeleton.limbs[k] for k in limbs])
        for k, outline in zip(limbs, _ellipses(points[ends[:, 0]], points[ends[:, 1]], width)):
            shaded = [shade * LIMB_SHADE for shade in skeleton.limb_colours[k]]
            cv2.fillConvexPoly(canvas, outline, shaded, cv2.LINE_AA, SUBPIXEL)
    for k, outline in enumerate(_fixed(points[:, None] + CIRCLE * width / 2)):
        if seen[k]:
            colour = skeleton.joint_colours[k]
            cv2.fillConvexPoly(canvas, outline, colour, cv2.LINE_AA, SUBPIXEL)


def _ellipses(starts: np.ndarray, ends: np.ndarray, width: float) -> np.ndarray:
    """Outlines int32 (L, 20, 2) of ellipses that span from starts to ends (L, 2)."""
    half = (ends - starts) / 2
    length = np.maximum(np.linalg.norm(half, axis=1, keepdims=True), 1e-6)
    across = half[:, ::-1] * (-1, 1) / length * width / 2
    along, aside = CIRCLE[:, :1], CIRCLE[:, 1:]
    return _fixed((starts + ends)[:, None] / 2 + along * half[:, None] + aside * across[:, None])


def _fixed(points: np.ndarray) -> np.ndarray:
    """cv2's fixed-point int32; a joint far outside the picture must not overflow it."""
    return np.rint(np.nan_to_num(points).clip(-3e4, 3e4) * 2 ** SUBPIXEL).astype(np.int32)


STYLES: dict[str, Callable[[np.ndarray, np.ndarray, Skeleton, float], None]] = {
    'openpose': openpose}
