"""The lengths of a person's bones, and the scale of each frame. Shapes as in pose/track.

A bone that points at the camera looks shorter, never longer. So a high percentile over many frames
is its true length, and within one frame the bones that look longest give the scale.
"""
from functools import cache

import numpy as np

from pose.body import TREE
from pose.skeleton import skeleton_of
from pose.track import PoseTrack
from util.arrays import nan_quantile

STRAIGHT = 0.95         # quantile of a bone's lengths that is its own; some of the rest are errors
NEAREST = 0.75          # quantile of a frame's bones that is its scale
CALM, CALMEST = 2.0, 0.9    # seconds, and quantile of the scales found within them: all bones may
                            # turn away for a while, and a camera comes nearer slowly
ONE_SCALE = 3           # bones that a frame's scale needs


@cache
def parents(skeleton: str) -> np.ndarray:
    """int64 (K,): the parent joint of each joint, itself for the root (the neck).

    The body's are the limbs that OpenPose draws, which also says where a skeleton without a
    mid-hip hangs its hips. Each point of a hand has the wrist as its parent and each point of a
    face the nose: only the distance from there says that they are in place.
    """
    table = skeleton_of(skeleton)
    parent = np.arange(len(table.joints))
    for near, far in table.limbs:
        if far < table.body:
            parent[far] = near
    for k in range(table.body, len(table.joints)):
        parent_name, _ = TREE[table.joints[k]]
        parent[k] = table.index(parent_name)
    return parent


def proportions(track: PoseTrack) -> tuple[np.ndarray, np.ndarray]:
    """The bones' own lengths, and how large the person appears.

    Returns  lengths float (K,), of the bone from its parent to each joint, alike for left and
             right and NaN where it was never seen; scale float (F,), NaN where unknown.
             A bone is lengths * scale px long when it lies square to the camera
    """
    found = bone_lengths(track.poses, track.skeleton)
    found = np.where(found > 0, found, np.nan)
    body = track.joints.part('body')
    scale = np.ones(len(track))
    for _ in range(2):
        scaled = found / scale[:, None]
        either_side = np.concatenate([scaled, scaled[:, list(track.joints.partners)]])
        lengths = nan_quantile(either_side, STRAIGHT)
        scale = _scale(found[:, body] / lengths[body], track)
    return lengths, scale


def bone_lengths(poses: np.ndarray, skeleton: str) -> np.ndarray:
    """float (F, K) px: from its parent to each joint; 0 where one of the two is not seen."""
    parent = parents(skeleton)
    found = np.linalg.norm(poses[..., :2] - poses[:, parent, :2], axis=-1)
    return found * (poses[..., 2] > 0) * (poses[:, parent, 2] > 0)


def _scale(ratios: np.ndarray, track: PoseTrack) -> np.ndarray:
    """float (F,): what a frame's bones (F, B) agree on, smoothed within its shot."""
    scale = nan_quantile(ratios, NEAREST, axis=1)
    scale[np.isfinite(ratios).sum(1) < ONE_SCALE] = np.nan
    reach = max(1, round(CALM * track.fps / 2))
    around = np.arange(len(track))[:, None] + np.arange(-reach, reach + 1)
    around = around.clip(0, len(track) - 1)
    same_shot = track.shots[around] == track.shots[:, None]
    return nan_quantile(np.where(same_shot, scale[around], np.nan), CALMEST, axis=1)
