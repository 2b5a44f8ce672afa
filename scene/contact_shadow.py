"""The shadow where feet touch the floor of a scene: without it a painted person floats.

It is what any light leaves dark, wherever it comes from: the floor next to a sole sees little of
the room. The long shadow of a lamp is another thing; the scene keeps the dancer's own.

Shape letters: H W pixels of the scene; P joints of a foot.
"""
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class ShadowSettings:
    """Lengths are in heights of the person. Chosen by looking at a man in karate stances
    painted as two other people, twelve frames each: an ellipse on the floor below the foot, tried
    first, lifts it.

    reach      how far from its joints a foot is
    above      how far above the ankle it ends
    close      how dark the floor is where a sole touches it, 0 to 1, and how wide and high the
               shadow is blurred there; it lies `below` the foot
    around     the same of the wider shadow
    lift       a foot so high above the floor leaves a third of its shadow
    """
    reach: float = 0.045
    above: float = 0.02
    close: tuple[float, float, float] = (0.5, 0.02, 0.008)
    around: tuple[float, float, float] = (0.22, 0.06, 0.02)
    below: float = 0.012
    lift: float = 0.05


DEFAULTS = ShadowSettings()


def contact_shadow(person: np.ndarray, feet: Sequence[tuple[np.ndarray, float]], tall: float,
                   settings: ShadowSettings = DEFAULTS) -> np.ndarray:
    """uint8 (H, W): how much darker a person's feet make the scene, 255 black.

    person  uint8 (H, W): how much of each pixel is the person
    feet    of each foot the joints that are seen, (P, 2) px of the scene, the ankle first, and how
            high it is above the floor, in heights of the person
    tall    px: that height
    """
    light = np.ones(person.shape, np.float32)
    far = settings.reach + settings.below + 3 * max(settings.around[1:])
    for joints, high in feet:
        left, top = np.floor(joints.min(0) - far * tall).clip(0).astype(int).tolist()
        right, bottom = np.ceil(joints.max(0) + far * tall).clip(0).astype(int).tolist()
        box = slice(top, bottom), slice(left, right)
        if not person[box].any():
            continue
        foot = sole(person[box], joints - (left, top), tall, settings)
        kept = np.exp(-(max(high, 0) / settings.lift) ** 2)
        for dark, wide, upright in (settings.close, settings.around):
            soft = cv2.GaussianBlur(foot, (0, 0), wide * tall, sigmaY=upright * tall)
            light[box] *= 1 - kept * dark * soft
    return np.rint(255 * (1 - light)).astype(np.uint8)


def sole(person: np.ndarray, joints: np.ndarray, tall: float, settings: ShadowSettings
         ) -> np.ndarray:
    """float32 (H, W): the pixels of a foot, moved down as far as its shadow lies."""
    around = np.zeros(person.shape, np.uint8)
    hull = cv2.convexHull(np.rint(joints).astype(np.int32))
    cv2.fillConvexPoly(around, hull, (255,))
    cv2.polylines(around, [hull], True, (255,), max(1, round(2 * settings.reach * tall)))
    around[:max(0, round(joints[0, 1] - settings.above * tall))] = 0
    foot = np.where(around > 0, person, 0).astype(np.float32) / 255
    down = np.array([[1, 0, 0], [0, 1, settings.below * tall]])
    return np.asarray(cv2.warpAffine(foot, down, foot.shape[::-1]))
