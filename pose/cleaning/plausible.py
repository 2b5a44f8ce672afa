"""Finds poses that no body can have: what a detector makes of a blur, a crowd or a picture's edge.

`impossible` looks at a whole track, LiveImpossible at what came so far. `astray` finds single
joints that move as no body can.

Shapes as in pose/track.
"""
from collections import deque

import numpy as np

from pose.body import body_parts, heights, joint_at
from pose.cleaning.bone_lengths import bone_lengths, proportions
from pose.skeleton import Skeleton, skeleton_of
from pose.stretches import runs, shot_slices
from pose.track import PoseTrack
from util.arrays import nan_quantile

AROUND = 2.5            # seconds whose median is the usual length of torso and legs
# Times the usual. A squat with a bow shortens torso and legs both, so only a very small body is a
# false find. A longer one is, where that is more than the bone is when straight: a dancer who left
# a picture had a torso 1.55 times the usual; of 900 frames of tai chi none had more than 1.12.
SHORTEST, LONGEST, STRAIGHT = 0.55, 1.28, 1.05
AROUND_LONGEST = 1.2    # times the usual: frames next to a false find that share in it
OWN = 0.95              # quantile of a length, over the body's scale, that is the straight one
TWICE = 2.0             # a limb bone that is twice as long as it usually is, is a false find
BEYOND = 0.5            # share of the joints outside the picture: the rest is guessed as well
HALF = 0.2              # torsos from a side of the picture to a body's whole midline: half of the
                        # body is beyond, and the detector squeezes it into what is left
REASON = 'a pose that no body has'
# Body heights that a joint is away for a single frame, and the seconds from the frame before to the
# one after: a hand that shakes as fast as it can needs 0.15 s to be back. Of 1,885 frames of five
# real clips 6 have such a joint, found wrong or next to what was; of 335 frames of a woman who
# turns her back, 28.
ASTRAY, AT_ONCE = 0.1, 0.11


def impossible(track: PoseTrack) -> np.ndarray:
    """bool (F,): the body is suddenly much smaller or taller, a limb bone is twice its length, half
    of the joints lie outside the picture, or half of the body does."""
    found = track.seen()
    return found & (_resized(track) | _stretched(track) | _outside(track))


def _resized(track: PoseTrack) -> np.ndarray:
    """bool (F,): torso and leg both are much shorter than around, or one of them is longer than
    around and than it is when straight."""
    from scipy.ndimage import median_filter
    window = 2 * max(1, round(AROUND * track.fps / 2)) + 1
    _, scale = proportions(track)
    ratios = np.full((2, len(track)), np.nan)
    straight = np.full((2, len(track)), np.nan)
    for row, length in enumerate(body_parts(track.poses, track.joints).T[1:]):
        own = np.where(length > 0, length, np.nan) / scale
        straight[row] = own / nan_quantile(own[:, None], OWN)
        for shot in shot_slices(track.shots):
            seen = shot.start + np.flatnonzero(length[shot] > 0)
            if len(seen):
                around = median_filter(length[seen].astype(np.float64), window, mode='nearest')
                ratios[row, seen] = length[seen] / around
    smallest = np.fmax(ratios[0], ratios[1])        # NaN where neither is seen: no comparison holds
    false = smallest < SHORTEST
    for part, own in zip(ratios, straight):
        longest = (part > LONGEST) & (own > STRAIGHT)
        for run in runs(part > AROUND_LONGEST):
            false[run] |= longest[run].any()
    return false


def _stretched(track: PoseTrack) -> np.ndarray:
    """bool (F,): a bone of the limbs is twice as long as it ever is for this body's scale."""
    return stretched(track.poses, track.skeleton, *proportions(track))


def stretched(poses: np.ndarray, skeleton: str, lengths: np.ndarray,
              scale: np.ndarray) -> np.ndarray:
    """bool (F,): the same of poses (F, K, 3) with these proportions."""
    table = skeleton_of(skeleton)
    body = table.part('body')
    longest = TWICE * lengths[body] * scale[:, None]
    limbs = [k for k, joint in enumerate(table.joints[body])
             if joint.endswith(('Elbow', 'Wrist', 'Knee', 'Ankle'))]
    return (bone_lengths(poses, skeleton)[:, limbs] > longest[:, limbs]).any(1)


def _outside(track: PoseTrack) -> np.ndarray:
    """bool (F,): more than BEYOND of the body's joints lie outside the picture, or half of the body
    does, unless that is so through most of a shot."""
    false = outside(track.poses, track.joints, track.size)
    seen = track.seen()
    aside = seen & half_outside(track.poses, track.joints, track.size)
    for shot in shot_slices(track.shots):
        if aside[shot].sum() <= seen[shot].sum() / 2:
            false[shot] |= aside[shot]
    return false


def outside(poses: np.ndarray, table: Skeleton, size: tuple[int, int]) -> np.ndarray:
    """bool (F,): more than BEYOND of the joints of poses (F, K, 3) lie outside a picture of that
    (width, height)."""
    body = poses[:, table.part('body')]
    seen = body[..., 2] > 0
    width, height = size
    inside = ((body[..., 0] >= 0) & (body[..., 0] <= width - 1)
              & (body[..., 1] >= 0) & (body[..., 1] <= height - 1))
    return (seen & ~inside).sum(1) > BEYOND * np.maximum(seen.sum(1), 1)


def half_outside(poses: np.ndarray, table: Skeleton, size: tuple[int, int]) -> np.ndarray:
    """bool (F,): the midline of poses (F, K, 3) with a torso lies at a side of a picture of that
    (width, height), or beyond."""
    neck, hips = (joint_at(poses, table, joint)[:, :2] for joint in ('Neck', 'MidHip'))
    near = HALF * np.hypot(*(neck - hips).T)
    left = np.maximum(neck[:, 0], hips[:, 0]) < near
    return left | (np.minimum(neck[:, 0], hips[:, 0]) > size[0] - 1 - near)


def astray(track: PoseTrack) -> np.ndarray:
    """bool (F, K): joints that jump away and, in the next frame, back: farther from the middle
    between the frames before and after than these are apart. Of neighbours only the farthest."""
    away = np.zeros(track.poses.shape[:2])
    tall = heights(track.poses, track.joints)
    for shot in shot_slices(track.shots):
        most = ASTRAY * _usual(tall[shot], track.times[shot])[1:-1, None]
        places, times = track.poses[shot], track.times[shot]
        before, here, after = places[:-2], places[1:-1], places[2:]
        seen = np.minimum(np.minimum(before, here), after)[..., 2] > 0
        off = np.linalg.norm((here - (before + after) / 2)[..., :2], axis=-1)
        apart = np.linalg.norm((after - before)[..., :2], axis=-1)
        at_once = (times[2:] - times[:-2] < AT_ONCE)[:, None]
        false = seen & at_once & (off > np.maximum(most, apart))
        away[shot.start + 1:shot.stop - 1] = np.where(false, off, 0)
    around = np.pad(away, ((1, 1), (0, 0)))
    return (away > 0) & (away >= around[:-2]) & (away > around[2:])


def _usual(tall: np.ndarray, times: np.ndarray) -> np.ndarray:
    """px (F,): the median of the heights of one shot in the second around each frame; infinite
    where there is none."""
    shown = np.where(tall > 0, tall, np.nan)
    first, stop = (np.searchsorted(times, times + half) for half in (-0.5, 0.5))
    parts = [shown[a:b + 1] for a, b in zip(first, stop, strict=True)]
    return np.array([np.inf if np.isnan(part).all() else np.nanmedian(part) for part in parts])


class LiveImpossible:
    """`impossible`, of one pose after another: `around` is the AROUND seconds before."""

    def __init__(self, skeleton: str, size: tuple[int, int]):
        self.skeleton = skeleton
        self.table = skeleton_of(skeleton)
        self.size = size
        self.past: deque[tuple[float, np.ndarray, np.ndarray]] = deque()

    def __call__(self, pose: np.ndarray, time: float, lengths: np.ndarray, scale: float) -> bool:
        """Whether no body has that pose (K, 3). lengths, scale: as LiveProportions has them."""
        poses = pose[None]
        parts = body_parts(poses, self.table)[0, 1:]
        parts = np.where(parts > 0, parts, np.nan)
        while self.past and self.past[0][0] < time - AROUND:
            self.past.popleft()
        false = self._resized(parts, parts / scale) if self.past else False
        self.past.append((time, parts, parts / scale))
        return bool(false or stretched(poses, self.skeleton, lengths, np.array([scale]))[0]
                    or outside(poses, self.table, self.size)[0]
                    or half_outside(poses, self.table, self.size)[0])

    def _resized(self, parts: np.ndarray, own: np.ndarray) -> bool:
        """As the offline one, of the lengths px (2,) of torso and leg."""
        usual = nan_quantile(np.array([past for _, past, _ in self.past]), 0.5)
        straight = nan_quantile(np.array([past for _, _, past in self.past]), OWN)
        ratios = parts / usual
        longest = (ratios > LONGEST) & (own / straight > STRAIGHT)
        return bool(np.fmax(*ratios) < SHORTEST or longest.any())
