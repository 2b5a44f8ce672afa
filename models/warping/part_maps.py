"""The affine map of each part from its frame into a pose.

A map is float64 (2, 3): px of a frame -> px of the picture. Both bodies are one pose each.
"""
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from models.warping.parts import Bodies

LEAST, MOST = 0.6, 1.6      # how much a part may be shortened and drawn out along its bone
NARROW, WIDE = 0.55, 1.35   # the same of a trunk, in any direction
FULL = 0.85, 1.25           # the least and the most of a skirt
TILT = 0.6                  # radians: how far a head may be turned from its frame
HELD = 0.25                 # weight of a trunk's similarity, against its corners


def part_map(query: Bodies, source: Bodies, name: str) -> np.ndarray:
    """The map of a part from its frame into the pose; both bodies are one each."""
    scale = float(query.height[0] / source.height[0])
    if name == 'trunk':
        return trunk_map(query, source, scale)
    if name == 'skirt':
        return skirt_map(query, source, scale)
    if name == 'head':
        return head_map(query, source, scale)
    if name.endswith('foot'):
        return foot_map(query, source, scale, name)
    return limb_map(query, source, scale, name)


def limb_map(query: Bodies, source: Bodies, scale: float, name: str) -> np.ndarray:
    """Along the bone as long as the bone, across it as wide as the body is large: a foreshortened
    arm keeps its width. The bone's start, where it hangs, comes to lie exactly."""
    start, end = query.placed[name].start[0, 0], query.placed[name].end[0, 0]
    start_, end_ = source.placed[name].start[0, 0], source.placed[name].end[0, 0]
    way, length = direction(end - start)
    way_, length_ = direction(end_ - start_)
    along = np.clip(length / max(length_, 1e-3), LEAST * scale, MOST * scale)
    linear = along * np.outer(way, way_) + scale * np.outer(_across(way), _across(way_))
    return anchored(linear, start_, start)


def foot_map(query: Bodies, source: Bodies, scale: float, name: str) -> np.ndarray:
    """A foot keeps its shape: it is moved, turned and scaled."""
    placed, placed_ = query.placed[name], source.placed[name]
    use = placed.seen[0] & placed_.seen[0]
    ways = (placed.end - placed.start)[0, use].sum(0), (placed_.end - placed_.start)[0, use].sum(0)
    if not use.any():
        return anchored(scale * np.eye(2), placed_.start[0, 0], placed.start[0, 0])
    way, way_ = (direction(line)[0] for line in ways)
    linear = scale * (np.outer(way, way_) + np.outer(_across(way), _across(way_)))
    return anchored(linear, placed_.start[0, 0], placed.start[0, 0])


HEAD_JOINTS = {'Neck': 1.0, 'Nose': 1.0, 'REye': 0.5, 'LEye': 0.5, 'REar': 0.5, 'LEar': 0.5}


def head_map(query: Bodies, source: Bodies, scale: float) -> np.ndarray:
    """A head keeps its shape; guessed ears do not bend a face."""
    mine, theirs, weights = common(query, source, HEAD_JOINTS)
    centre, centre_ = (np.average(points, 0, weights) for points in (mine, theirs))
    a, b = mine - centre, (theirs - centre_)
    cross = (weights * (b[:, 0] * a[:, 1] - b[:, 1] * a[:, 0])).sum()
    dot = (weights * (a * b).sum(1)).sum()
    angle = np.clip(np.arctan2(cross, dot), -TILT, TILT)
    cos, sin = np.cos(angle), np.sin(angle)
    return anchored(scale * np.array([[cos, -sin], [sin, cos]]), centre_, centre)


TRUNK_JOINTS = {'RShoulder': 1.0, 'LShoulder': 1.0, 'RHip': 1.0, 'LHip': 1.0, 'Neck': 1.0,
                'MidHip': 1.0}


def trunk_map(query: Bodies, source: Bodies, scale: float) -> np.ndarray:
    """The affine map that fits shoulders and hips best, held to a similarity so that it neither
    folds nor squeezes a chest that is seen from the side."""
    lines = [body.joint('MidHip')[0, :2] - body.joint('Neck')[0, :2] for body in (query, source)]
    return fitted_map(common(query, source, TRUNK_JOINTS), lines, scale,
                      HELD * (0.1 * source.height[0]) ** 2, (NARROW, WIDE))


# a skirt hangs on the hips; its hem goes where the feet are
SHORT = 0.1                 # heights: legs drawn up so far say nothing of the way it hangs
SKIRT_JOINTS = {'RHip': 2.0, 'LHip': 2.0, 'RKnee': 0.5, 'LKnee': 0.5, 'RAnkle': 1.0, 'LAnkle': 1.0}


def skirt_map(query: Bodies, source: Bodies, scale: float) -> np.ndarray:
    """The affine map that fits hips, knees and ankles best, held to a similarity more than a
    trunk: of legs that are closer together than in its frame the cloth is hardly narrower. Where a
    leg is lifted, it hangs from the hips as it did, and turns with the trunk."""
    found = common(query, source, SKIRT_JOINTS)
    lines = [points.mean(0) - body.joint('MidHip')[0, :2]
             for body, points in ((query, found[0]), (source, found[1]))]
    trunks = [body.joint('MidHip')[0, :2] - body.joint('Neck')[0, :2] for body in (query, source)]
    held = HELD * (0.2 * source.height[0]) ** 2
    if not all(hangs(*each) for each in zip((query, source), lines, trunks, strict=True)):
        hips = {joint: weight for joint, weight in SKIRT_JOINTS.items() if 'Hip' in joint}
        found, lines, held = common(query, source, hips), trunks, 25 * held
    return fitted_map(found, lines, scale, held, FULL)


def hangs(body: Bodies, line: np.ndarray, trunk: np.ndarray) -> bool:
    """Whether a skirt hangs along that line (2,) from the hips to the middle of the legs: it goes
    on in the trunk's way, turned by no more than TILT, and the legs are not drawn up."""
    angle = np.arctan2(trunk[0] * line[1] - trunk[1] * line[0], trunk @ line)
    return bool(abs(angle) <= TILT and np.hypot(*line) > SHORT * body.height[0])


Points: TypeAlias = tuple[np.ndarray, np.ndarray, np.ndarray]


def fitted_map(points: Points, lines: Sequence[np.ndarray], scale: float, held: float,
               stretched: tuple[float, float]) -> np.ndarray:
    """The affine map that fits points best, held to the similarity that turns one line into the
    other.

    points      as `common` gives them
    lines       float (2,) each, of the query and of the source
    held        px^2: the weight of that similarity
    stretched   the least and the most, in any direction
    """
    mine, theirs, weights = points
    centre, centre_ = (np.average(points, 0, weights) for points in (mine, theirs))
    way, way_ = (direction(line)[0] for line in lines)
    similar = scale * (np.outer(way, way_) + np.outer(_across(way), _across(way_)))
    a, b = mine - centre, theirs - centre_
    left = (a * weights[:, None]).T @ b + held * weights.sum() * similar
    right = (b * weights[:, None]).T @ b + held * weights.sum() * np.eye(2)
    linear = left @ np.linalg.inv(right)
    if np.linalg.det(linear) <= 0:
        linear = similar
    u, stretch, v = np.linalg.svd(linear)
    linear = u @ np.diag(stretch.clip(*np.multiply(stretched, scale))) @ v
    return anchored(linear, centre_, centre)


def common(query: Bodies, source: Bodies, joints: Mapping[str, float]
           ) -> Points:
    """The joints that both bodies show: float (N, 2) px each, and their weights (N,)."""
    mine = np.stack([query.joint(joint)[0] for joint in joints])
    theirs = np.stack([source.joint(joint)[0] for joint in joints])
    seen = np.minimum(mine[:, 2], theirs[:, 2]) > 0
    if not seen.any():
        seen[:] = True
    return mine[seen, :2], theirs[seen, :2], np.array(list(joints.values()))[seen]


def anchored(linear: np.ndarray, source: np.ndarray, place: np.ndarray) -> np.ndarray:
    """The affine map with that linear part that takes `source` to `place`."""
    return np.column_stack([linear, place - linear @ source])


def direction(line: np.ndarray) -> tuple[np.ndarray, float]:
    """The unit vector of a line (2,), and its length."""
    length = float(np.hypot(*line))
    return line / max(length, 1e-6), length


def _across(way: np.ndarray) -> np.ndarray:
    return np.array([-way[1], way[0]])
