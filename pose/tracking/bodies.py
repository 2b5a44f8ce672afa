"""Everybody in every frame of a video, measured: what following and joining compare.

Shape letters: F frames, B bodies, N bodies of one frame, K body joints, L numbers of an appearance.
"""
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pose.body import TRUNK_CORNERS, extended_sizes
from pose.skeleton import Skeleton

DUPLICATE = 0.06      # of the body size: two finds whose joints are closer are one body. It is half
                      # the width of a head
LEAST_OF_BOX = 0.6    # of the longer side of its box: a body is never smaller


@dataclass(frozen=True)
class Bodies:
    """Everybody in every frame, one after the other.

    frame, row  int64 (B,)        the frame, and its row among the people of that frame
    time        float (B,)        s
    joints      float (B, K, 2)   px, 0 where not seen
    seen        bool (B, K)
    confidence  float (B,)        mean of its joints
    centre      float (B, 2)      px, of the torso
    size        float (B,)        px, of the whole body, from the parts that are seen
    box         float (B, 4)      px: left, top, right, bottom
    appearance  float (B, L)      see pose.tracking.appearance
    unoccluded  float (B,)        0..1, the share of the box that no other box covers, squared
    """
    frame: np.ndarray
    row: np.ndarray
    time: np.ndarray
    joints: np.ndarray
    seen: np.ndarray
    confidence: np.ndarray
    centre: np.ndarray
    size: np.ndarray
    box: np.ndarray
    appearance: np.ndarray
    unoccluded: np.ndarray

    def __len__(self) -> int:
        return len(self.frame)

    def select(self, mask: np.ndarray) -> 'Bodies':
        """The bodies where a bool (B,) mask is true."""
        return Bodies(**{name: values[mask] for name, values in vars(self).items()})


def all_bodies(people: Sequence[np.ndarray], appearances: Sequence[np.ndarray], times: np.ndarray,
               skeleton: Skeleton) -> Bodies:
    """Measure everybody; of several finds of one body only the surest stays.

    people  (N, K, 4) per frame;  appearances  (N, L) per frame;  times  (F,) s
    """
    bodies = measured(people, appearances, times, skeleton)
    bodies = without_duplicates(bodies, len(people))
    mark_occlusions(bodies, len(people))
    return bodies


def measured(people: Sequence[np.ndarray], appearances: Sequence[np.ndarray], times: np.ndarray,
             skeleton: Skeleton) -> Bodies:
    """Everybody with any joint, as if nobody were occluded."""
    body = skeleton.part('body')
    width = max((each.shape[1] for each in appearances), default=0)
    frame = np.repeat(np.arange(len(people)), [len(here) for here in people])
    row = np.concatenate([np.zeros(0, np.int64), *(np.arange(len(here)) for here in people)])
    poses = np.concatenate([np.zeros((0, skeleton.body, 3)),
                            *(here[:, body, :3] for here in people)])
    appearance = np.concatenate([np.zeros((0, width)),
                                 *(np.reshape(each, (len(each), width)) for each in appearances)])
    there = (poses[..., 2] > 0).any(1)
    frame, row, poses, appearance = (each[there] for each in (frame, row, poses, appearance))

    seen = poses[..., 2] > 0
    joints = poses[..., :2] * seen[..., None]
    low = np.where(seen[..., None], joints, np.inf).min(1)
    high = np.where(seen[..., None], joints, -np.inf).max(1)
    size = np.maximum(extended_sizes(poses, skeleton),
                      LEAST_OF_BOX * (high - low).max(1, initial=1))
    return Bodies(frame, row, np.asarray(times, float)[frame], joints, seen, poses[..., 2].mean(1),
                  _centres(joints, seen, skeleton), size, np.concatenate([low, high], 1),
                  appearance, np.ones(len(frame)))


def _centres(joints: np.ndarray, seen: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """float (B, 2) px: the middle of the seen corners of the trunk, or else of all seen joints."""
    trunk = np.zeros_like(seen)
    trunk[:, [skeleton.index(joint) for joint in TRUNK_CORNERS]] = True
    trunk &= seen
    counted = np.where(trunk.any(1)[:, None], trunk, seen)[..., None]
    return (joints * counted).sum(1) / counted.sum(1)


def without_duplicates(bodies: Bodies, frames: int) -> Bodies:
    """Of several finds of one body in a frame, only the one with the most confidence."""
    duplicate = np.zeros(len(bodies), bool)
    for here in bodies_by_frame(bodies, frames):
        if len(here) > 1:
            duplicate[here] = _duplicates(bodies, here)
    return bodies.select(~duplicate)


def _duplicates(bodies: Bodies, here: np.ndarray) -> np.ndarray:
    """bool (N,): another find in this frame is the same body and has more confidence."""
    both = bodies.seen[here][:, None] & bodies.seen[here][None]
    away = np.linalg.norm(bodies.joints[here][:, None] - bodies.joints[here][None], axis=-1) * both
    size = np.maximum(bodies.size[here][:, None], bodies.size[here][None])
    same = away.sum(-1) / np.maximum(both.sum(-1), 1) < DUPLICATE * size
    same &= both.sum(-1) >= 4
    rank = np.argsort(np.argsort(-bodies.confidence[here], kind='stable'))
    return (same & (rank[None] < rank[:, None])).any(1)


def mark_occlusions(bodies: Bodies, frames: int) -> None:
    """Set `unoccluded`, in place, from the overlap of boxes within each frame."""
    for here in bodies_by_frame(bodies, frames):
        if len(here) > 1:
            bodies.unoccluded[here] = (1 - _covered(bodies.box[here]).max(1)) ** 2


def _covered(box: np.ndarray) -> np.ndarray:
    """float (N, N): the share of each box that the other covers; 0 for itself."""
    share = overlap_areas(box, box) / np.maximum(np.prod(box[:, 2:] - box[:, :2], 1), 1)[:, None]
    np.fill_diagonal(share, 0)
    return np.minimum(share, 1)


def overlap_areas(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """float (T, N) px: the area that each of the boxes a (T, 4) and each of b (N, 4) share."""
    sides = (np.minimum(a[:, None, 2:], b[None, :, 2:])
             - np.maximum(a[:, None, :2], b[None, :, :2]))
    return np.prod(np.maximum(sides, 0), -1)


def bodies_by_frame(bodies: Bodies, frames: int) -> list[np.ndarray]:
    """Per frame the numbers of its bodies."""
    return np.split(np.arange(len(bodies)), np.searchsorted(bodies.frame, np.arange(1, frames)))


def groups_of(labels: np.ndarray) -> list[np.ndarray]:
    """Per label, in increasing order, the places where it stands."""
    if not len(labels):
        return []
    order = np.argsort(labels, kind='stable')
    return np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)
