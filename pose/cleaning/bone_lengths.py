"""The lengths of a person's bones, and the scale of each frame. Shapes as in pose/track.

`proportions` knows the whole track; LiveProportions what came so far.

A bone that points at the camera looks shorter, never longer. So a high percentile over many frames
is its true length, and within one frame the bones that look longest give the scale.
"""
from collections import deque
from functools import cache

import numpy as np

from pose.body import TREE, heights
from pose.skeleton import Skeleton, skeleton_of
from pose.track import PoseTrack
from util.arrays import nan_quantile

STRAIGHT = 0.95         # quantile of a bone's lengths that is its own; some of the rest are errors
NEAREST = 0.75          # quantile of a frame's bones that is its scale
CALM, CALMEST = 2.0, 0.9    # seconds, and quantile of the scales found within them: all bones may
                            # turn away for a while, and a camera comes nearer slowly
ONE_SCALE = 3           # bones that a frame's scale needs
# Live: seconds whose lengths are remembered, how many of them a second, and how often lengths are
# taken from them.
MEMORY, RATE, AGAIN = 20.0, 8.0, 0.5
# The least that a bone is, in body heights, however it was seen so far: four people's had at least
# 0.95 of these.
LEAST = {'Elbow': 0.18, 'Wrist': 0.16, 'Knee': 0.26, 'Ankle': 0.25, 'Shoulder': 0.09, 'Hip': 0.05}


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
        lengths = _straight(found / scale[:, None], track.joints)
        scale = _scale(found[:, body] / lengths[body], track)
    return lengths, scale


def _straight(scaled: np.ndarray, table: Skeleton) -> np.ndarray:
    """float (K,): the bones' own lengths, of those that frames (F, K) show at one scale."""
    either_side = np.concatenate([scaled, scaled[:, list(table.partners)]])
    return nan_quantile(either_side, STRAIGHT)


def bone_lengths(poses: np.ndarray, skeleton: str) -> np.ndarray:
    """float (F, K) px: from its parent to each joint; 0 where one of the two is not seen."""
    parent = parents(skeleton)
    found = np.linalg.norm(poses[..., :2] - poses[:, parent, :2], axis=-1)
    return found * (poses[..., 2] > 0) * (poses[:, parent, 2] > 0)


def _scale(ratios: np.ndarray, track: PoseTrack) -> np.ndarray:
    """float (F,): what a frame's bones (F, B) agree on, smoothed within its shot."""
    scale = _agreed(ratios)
    reach = max(1, round(CALM * track.fps / 2))
    around = np.arange(len(track))[:, None] + np.arange(-reach, reach + 1)
    around = around.clip(0, len(track) - 1)
    same_shot = track.shots[around] == track.shots[:, None]
    return nan_quantile(np.where(same_shot, scale[around], np.nan), CALMEST, axis=1)


def _agreed(ratios: np.ndarray) -> np.ndarray:
    """float (F,): what a frame's bones (F, B) agree on; NaN where too few are seen."""
    scale = nan_quantile(ratios, NEAREST, axis=1)
    scale[np.isfinite(ratios).sum(1) < ONE_SCALE] = np.nan
    return scale


class LiveProportions:
    """`proportions`, of the frames so far: the last MEMORY seconds tell the lengths, the last CALM
    seconds the scale.

    lengths  float (K,) px at scale 1, NaN where never seen; known after the first frame
    tall     float px: the body's height at scale 1
    scale    float, of the frame seen last
    """

    def __init__(self, skeleton: str):
        self.skeleton = skeleton
        self.table = skeleton_of(skeleton)
        self.remembered: deque[np.ndarray] = deque(maxlen=round(MEMORY * RATE))
        self.heights: deque[float] = deque(maxlen=round(MEMORY * RATE))
        self.scales: deque[tuple[float, float]] = deque()       # time, scale
        self.taken = self.kept = -np.inf
        self.lengths = np.full(len(self.table.joints), np.nan)
        self.tall = 1.0
        self.scale = 1.0

    def __call__(self, pose: np.ndarray, time: float) -> None:
        """Learn from a pose (K, 3)."""
        found = bone_lengths(pose[None], self.skeleton)[0]
        found = np.where(found > 0, found, np.nan)
        height = float(heights(pose[None], self.table)[0])
        if not self.remembered:
            self.tall = height
            self.lengths = self._own(found[None])
        body = self.table.part('body')
        scale = float(_agreed((found[body] / self.lengths[body])[None])[0])
        if np.isfinite(scale):
            self.scales.append((time, scale))
        while self.scales and self.scales[0][0] < time - CALM:
            self.scales.popleft()
        if self.scales:
            scales = np.array([each for _, each in self.scales])
            self.scale = float(nan_quantile(scales, CALMEST))
        if time - self.kept >= 1 / RATE:
            self.remembered.append(found / self.scale)
            self.heights.append(height / self.scale)
            self.kept = time
        if time - self.taken >= AGAIN:
            self.tall = float(nan_quantile(np.array(self.heights), NEAREST))
            self.lengths = self._own(np.array(self.remembered))
            self.taken = time

    def _own(self, scaled: np.ndarray) -> np.ndarray:
        """float (K,): straight lengths, none shorter than a body's is."""
        lengths = _straight(scaled, self.table)
        least = [LEAST.get(joint[1:], 0.0) * self.tall for joint in self.table.joints]
        return np.where(np.isfinite(lengths), np.maximum(lengths, least), np.nan)
