"""How unlike itself each part looks in each frame: in another light, with a hem over the shoe, with
a hand at the hat. Joints do not say so; pixels do.

A part is looked at on a grid that goes with it. At each place its usual look is the median over the
frames that show the part whole and free of others.

Shape letters: T frames, G places of a grid, C channels.
"""
from collections.abc import Callable, Mapping

import cv2
import numpy as np

from models.warping.parts import SKIRT_LEGS, Bodies

ALONG = np.linspace(0.15, 0.85, 5)      # of a limb's axis: where it is looked at
ACROSS = np.array([-0.5, 0.0, 0.5])     # reaches from its axis
AROUND = np.linspace(-2.4, 2.4, 9)      # reaches from the middle of a head, in both directions
FEWEST = 5                  # frames that say how a part usually looks
MOST = 0.75                 # share of them that is no less like itself than it is as a rule: folds
                            # and shadows of silk are none of another light


def unlikeness(bodies: Bodies, cutout: Callable[[int], np.ndarray],
               clear: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """{part: float (T,)}: how much farther the look of each part is from its usual one in each
    frame than it is as a rule, as a share of the range of colours and of the part. The trunk, which
    looks different from each side, is left out; a skirt looks as it does from the side that is
    filmed.

    bodies   of frames, and then of the same frames mirrored, in px
    cutout   uint8 (H, W, C + 1) of one of the frames: colours, and how much of each pixel is the
             person
    clear    {part: bool (T,)}: where the part is seen whole and free of others
    """
    half = len(bodies) // 2
    places = {}
    for name in bodies.parts:
        if name == 'head':
            places[name] = head_grid(bodies)
        elif name != 'trunk':
            bones = SKIRT_LEGS if name == 'skirt' else 1
            places[name] = np.concatenate([limb_grid(bodies, name, b) for b in range(bones)], 1)
    every = np.concatenate(list(places.values()), 1).astype(np.float32)
    seen: np.ndarray = np.empty(0)
    for row in range(half):
        picture = cutout(row)
        every[half + row, :, 0] = picture.shape[1] - 1 - every[half + row, :, 0]
        if not row:
            seen = np.empty((*every.shape[:2], picture.shape[2]), np.float32)
        for one in (row, half + row):
            seen[one] = sampled(picture, every[one])
    ends = np.cumsum([points.shape[1] for points in places.values()])
    found = {}
    front = np.nan_to_num(bodies.facing()[:, 0]) > 0
    for name, look in zip(places, np.split(seen, ends[:-1], axis=1)):
        usual = clear[name] & bodies.placed[name].seen.any(1) & (np.arange(len(bodies)) < half)
        if name == 'skirt':
            found[name] = np.where(front, unlike(look, usual & front), unlike(look, usual & ~front))
            continue
        found[name] = unlike(look[..., -1:] if name == 'head' else look, usual)
    return found


def unlike(looks: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """float (T,): how much farther looks (T, G, C), 0..1 and last how much is the person, are from
    the median of the usual ones, bool (T,), than most of these, as a share of what usually is the
    person; 0 if those are few."""
    if usual.sum() < FEWEST:
        return np.zeros(len(looks))
    expected = np.median(looks[usual], 0)
    apart = np.abs(looks - expected).max(-1).sum(1) / max(float(expected[:, -1].sum()), 1.0)
    return np.maximum(apart - np.quantile(apart[usual], MOST), 0)


def sampled(cutout: np.ndarray, points: np.ndarray) -> np.ndarray:
    """float32 (G, C + 1) 0..1: a cutout (H, W, C + 1) at points (G, 2), black where nobody is."""
    found = cv2.remap(cutout, points[None], np.empty(0, np.float32), cv2.INTER_LINEAR,
                      borderMode=cv2.BORDER_REPLICATE)[0].astype(np.float32) / 255
    found[:, :-1] *= found[:, -1:]
    return found


def limb_grid(bodies: Bodies, name: str, bone: int = 0) -> np.ndarray:
    """float (T, G, 2) px: places on a bone of a limb segment, a foot or a skirt."""
    placed = bodies.placed[name]
    start, end = placed.start[:, bone], placed.end[:, bone]
    line = end - start
    length = np.maximum(np.linalg.norm(line, axis=-1, keepdims=True), 1e-3)
    side = np.stack([-line[:, 1], line[:, 0]], -1) / length
    wide = (bodies.parts[name].reach * bodies.height)[:, None, None, None]
    along = start[:, None] + ALONG[:, None] * line[:, None]
    grid = along[:, :, None] + ACROSS[:, None] * side[:, None, None] * wide
    return grid.reshape(len(bodies), -1, 2)


def head_grid(bodies: Bodies) -> np.ndarray:
    """float (T, G, 2) px: places on a head and around it, upright with the line from its neck."""
    neck = bodies.joint('Neck')[:, :2]
    joints = np.stack([bodies.joint(joint) for joint in ('Nose', 'REar', 'LEar')], 1)
    weights = (joints[..., 2:] > 0) + 1e-6
    middle = (joints[..., :2] * weights).sum(1) / weights.sum(1)
    up = middle - neck
    up = up / np.maximum(np.linalg.norm(up, axis=-1, keepdims=True), 1e-3)
    side = np.stack([-up[:, 1], up[:, 0]], -1)
    wide = (bodies.parts['head'].reach * bodies.height)[:, None, None, None]
    x, y = AROUND[None, :, None], AROUND[:, None, None]
    grid = middle[:, None, None] + wide * (x * side[:, None, None] + y * up[:, None, None])
    return grid.reshape(len(bodies), -1, 2)
