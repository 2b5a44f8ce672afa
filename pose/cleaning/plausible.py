"""Finds poses that no body can have: what a detector makes of a blur, a crowd or a picture's edge.

Shapes as in pose/track.
"""
import numpy as np

from pose.body import body_parts
from pose.cleaning.bone_lengths import bone_lengths, proportions
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
REASON = 'a pose that no body has'


def impossible(track: PoseTrack) -> np.ndarray:
    """bool (F,): the body is suddenly much smaller or taller, a limb bone is twice its length, or
    half of the joints lie outside the picture."""
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
    lengths, scale = proportions(track)
    body = track.joints.part('body')
    longest = TWICE * lengths[body] * scale[:, None]
    limbs = [k for k, joint in enumerate(track.joints.joints[body])
             if joint.endswith(('Elbow', 'Wrist', 'Knee', 'Ankle'))]
    return (bone_lengths(track.poses, track.skeleton)[:, limbs] > longest[:, limbs]).any(1)


def _outside(track: PoseTrack) -> np.ndarray:
    """bool (F,): more than BEYOND of the body's joints lie outside the picture."""
    body = track.poses[:, track.joints.part('body')]
    seen = body[..., 2] > 0
    width, height = track.size
    inside = ((body[..., 0] >= 0) & (body[..., 0] <= width - 1)
              & (body[..., 1] >= 0) & (body[..., 1] <= height - 1))
    return (seen & ~inside).sum(1) > BEYOND * np.maximum(seen.sum(1), 1)
