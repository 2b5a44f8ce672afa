"""How long this person's bones are, whatever the camera makes of them. Shapes as in pose/track.

A bone looks shorter when it points at the camera, never longer. So among many frames the longest
it looks is how long it is, and in one frame those bones that look longest say how near it is.
"""
from functools import cache

import numpy as np

from pose.skeleton import skeleton_of
from pose.track import PoseTrack

STRAIGHT = 95           # percentile of a bone's lengths that is taken for its own; a part is wrong
NEAREST = 75            # percentile of a frame's bones that is taken for its scale
STEADY, STEADIEST = 2.0, 90     # seconds, and percentile of the scales found within them: bones
                        # may all turn away for a while, and a camera comes nearer slowly
ONE_SCALE = 3           # bones that a frame's scale is believed from


@cache
def parents(skeleton: str) -> np.ndarray:
    """int64 (K,): the joint that each one hangs on, itself for the root (the neck).

    A body's joints hang on each other; every point of a hand hangs on its wrist and every point
    of a face on the nose, for only how far they are from there says that they are in place.
    """
    table = skeleton_of(skeleton)
    parent = np.arange(len(table.joints))
    for near, far in table.limbs:
        if far < table.body:
            parent[far] = near
    for part, joint in (('left_hand', 'LWrist'), ('right_hand', 'RWrist'), ('face', 'Nose')):
        parent[table.part(part)] = table.index(joint)
    return parent


def proportions(track: PoseTrack) -> tuple[np.ndarray, np.ndarray]:
    """The bones' own lengths, and how large the person appears.

    Returns  lengths float (K,), of the bone from its parent to each joint, alike for left and
             right and NaN where it was never seen; scale float (F,), NaN where nothing says it.
             A bone is lengths * scale px long when it lies square to the camera
    """
    apart = bone_lengths(track.poses, track.skeleton)
    apart = np.where(apart > 0, apart, np.nan)
    body = track.joints.part('body')
    scale = np.ones(len(track))
    for _ in range(2):
        either = apart / scale[:, None]
        either = np.concatenate([either, either[:, list(track.joints.partners)]])
        lengths = _percentile(either.T, STRAIGHT)
        scale = _scale(apart[:, body] / lengths[body], track)
    return lengths, scale


def bone_lengths(poses: np.ndarray, skeleton: str) -> np.ndarray:
    """float (F, K) px: from its parent to each joint; 0 where one of the two is not seen."""
    parent = parents(skeleton)
    apart = np.linalg.norm(poses[..., :2] - poses[:, parent, :2], axis=-1)
    return apart * (poses[..., 2] > 0) * (poses[:, parent, 2] > 0)


def _scale(ratios: np.ndarray, track: PoseTrack) -> np.ndarray:
    """float (F,): what a frame's bones (F, B) agree on, steadied within its shot."""
    scale = _percentile(ratios, NEAREST)
    scale[np.isfinite(ratios).sum(1) < ONE_SCALE] = np.nan
    reach = max(1, round(STEADY * track.fps / 2))
    around = np.arange(len(track))[:, None] + np.arange(-reach, reach + 1)
    around = around.clip(0, len(track) - 1)
    same = track.shots[around] == track.shots[:, None]
    return _percentile(np.where(same, scale[around], np.nan), STEADIEST)


def _percentile(values: np.ndarray, percent: float) -> np.ndarray:
    """float (N,): of each row of (N, M), over what is not NaN; NaN where all is."""
    ranked = np.sort(values, axis=1)                        # NaN comes last
    rank = np.rint(percent / 100 * (np.isfinite(ranked).sum(1) - 1)).astype(int).clip(0)
    return ranked[np.arange(len(ranked)), rank]
