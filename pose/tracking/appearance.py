"""The appearance of a person: the colours of the clothes, and how unlike two appearances are.

An appearance is a row of L = 21 numbers, or of none where nobody looked.
"""
from functools import lru_cache

import numpy as np

from pose.body import BONES
from pose.skeleton import Skeleton
from util.arrays import nan_quantile

# Where clothes are sampled: from which to which share of a bone's length, both sides together, so
# that a swap of left and right does no harm; and on the torso, in shares of its height.
SAMPLED = {'upper arm': (0.25, 0.85), 'forearm': (0.1, 0.8), 'thigh': (0.25, 0.9),
           'shin': (0.1, 0.8)}
CHEST, BELLY = (0.10, 0.45), (0.55, 0.90)
SAMPLES = 16                  # per part of the body; their median counts
DIM = 16.0                    # added to a channel, 0..255: dark colours are mostly noise
# How much one cloth varies, in natural logarithms: its brightness with the light and its folds
# (a lamp of twice the power adds 0.3 to the pixels of a video), its hue far less.
BRIGHTNESS, HUE = 0.40, 0.15


def appearance_of(image: np.ndarray, pose: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """The median colour of head, chest, belly, arms and legs.

    image    uint8 (H, W, 3) RGB
    pose     float (K, 3) in its px
    Returns  float32 (21,): brightness, red-green, blue-yellow of each of the seven parts, as
             logarithms and in units of what one cloth varies by; NaN for a part that is not seen

    Hues are ratios of channels, which do not change with the amount of light.
    """
    weights, needs = _samples(skeleton)
    spots = np.rint(weights @ pose[:skeleton.body, :2]).astype(int)
    height, width = image.shape[:2]
    good = ~(needs & (pose[:skeleton.body, 2] <= 0)).any(1)
    good &= ((spots >= 0) & (spots < (width, height))).all(1)
    x, y = (spots * good[:, None]).T
    red, green, blue = np.log(image[y, x].astype(np.float32) + DIM).T
    colour = np.stack([(red + green + blue) / 3 / BRIGHTNESS, (red - green) / HUE,
                       (blue - (red + green) / 2) / HUE], -1)
    colour[~good] = np.nan
    median = nan_quantile(colour.reshape(-1, SAMPLES, 3), 0.5, axis=1, lower=True)
    enough = good.reshape(-1, SAMPLES).sum(1) >= SAMPLES // 4
    return np.where(enough[:, None], median, np.nan).astype(np.float32).ravel()


@lru_cache(maxsize=8)
def _samples(skeleton: Skeleton) -> tuple[np.ndarray, np.ndarray]:
    """The sampled places: weights (7 SAMPLES, body) of the joints, and which joints they need."""
    def spot(**weights: float) -> np.ndarray:
        row = np.zeros(skeleton.body)
        for joint, share in weights.items():
            row[skeleton.index(joint)] = share
        return row

    # From between the eyes past the nose, and a little up: skin and hair.
    rows = [spot(Nose=1 + u, Neck=-u) for u in np.linspace(-0.2, 0.5, SAMPLES)]
    for top, bottom in (CHEST, BELLY):
        for u in np.linspace(0.2, 0.8, 4):
            for v in np.linspace(top, bottom, SAMPLES // 4):
                rows.append(spot(RShoulder=(1 - u) * (1 - v), LShoulder=u * (1 - v),
                                 RHip=(1 - u) * v, LHip=u * v))
    for bone, (start, end) in SAMPLED.items():
        near, far = BONES[bone]
        for side in 'RL':
            for u in np.linspace(start, end, SAMPLES // 2):
                rows.append(spot(**{side + near: 1 - u, side + far: u}))
    weights = np.array(rows)
    return weights, weights != 0


def unlike(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """How different appearances are: the mean square, in units of what one cloth varies by.

    a, b     float (..., L), broadcast;  Returns  float (...): NaN where they share too little

    Measured: seconds of one person are 0.3 apart, at most 2.5 during a turn (taichi2); two people
    in different trousers and shirts 6 to 8, in different shirts alone 3.
    """
    square = np.minimum((a - b) ** 2, 16)       # one part quite different is enough
    known = np.isfinite(square)
    count = known.sum(-1)
    mean = np.where(known, square, 0).sum(-1) / np.maximum(count, 1)
    return np.where(count >= 6, mean, np.nan)   # two parts of three numbers each
