"""How well each frame shows each part of the body: seen whole, free of other parts, and sharp.

Shape letters: T frames, K joints, P points of a part.
"""
from collections.abc import Mapping

import numpy as np

from models.warping.parts import FLOORS, SKIRT_LEGS, Bodies, Part, biases, distances
from pose.track import PoseTrack

ALONG = np.linspace(0, 1, 7)            # of a part's axis: where it is looked at
FREE = 1.1                  # reaches from another part
# Reaches of trunk and head from a forearm, whose fingers are spread. Of a woman with her hands
# before her body hardly any frame has 2: held out, LPIPS 0.262, with 1.5 0.244, with 1.1 0.230.
# With that one, fingers lie on chests and hats.
FREE_HAND = 1.5
FORESHORTENED = 0.1         # of the height: a forearm that is shorter has its hand over the elbow
SKULL = 1.9                 # of the line from neck to nose: the top of the skull


def visibility(bodies: Bodies, name: str, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """float (T,) 0..1 each: the share of a part that is in the picture, `size`, and before all
    others; and the share that lies free of others, but for the joints it shares with them."""
    points = points_on(bodies, name)
    inside = ((points >= 0) & (points <= np.array(size) - 1)).all(-1)
    bias = biases(bodies)
    own = distances(points, bodies, name) * bias[name][:, None]
    own = np.maximum(own, FLOORS.get(name, 0))
    visible, free = inside.copy(), np.ones_like(inside)
    for other in bodies.parts:
        apart = ~meeting(name, other, bodies.parts, points.shape[1])
        away = distances(points, bodies, other)
        visible &= (own <= away * bias[other][:, None]) | ~apart
        spread = name in FLOORS and other.endswith('forearm')
        free &= (away > (FREE_HAND if spread else FREE)) | ~apart
    return visible.mean(1), free.mean(1)


def meeting(name: str, other: str, parts: Mapping[str, Part], count: int) -> np.ndarray:
    """bool (P,): where along a part another one lies on it in any pose: all along for itself and
    between the trunk and what hangs on it, towards their joint between two limb segments."""
    near = np.zeros(count, bool)
    above, below = parts[name].parent == other, parts[other].parent == name
    if name == other or ('trunk' in (name, other) and (above or below)):
        near[:] = True
    elif above:
        near[:count // 2] = True
    elif below:
        near[-(count // 2):] = True
    return near


def end_is_covered(bodies: Bodies, name: str) -> np.ndarray:
    """float (T,) 0..1: how much a hand lies over the elbow of an upper arm, as of a forearm that
    points at the camera, which `visibility` takes for their joint; 0 for other parts."""
    if not name.endswith('upper arm'):
        return np.zeros(len(bodies))
    forearm = bodies.vectors(name.replace('upper arm', 'forearm'))[:, 0]
    return 1 - np.nan_to_num(np.linalg.norm(forearm, axis=-1) / FORESHORTENED, nan=1).clip(0, 1)


def points_on(bodies: Bodies, name: str) -> np.ndarray:
    """float (T, P, 2) px: points along a part's axis, from its start to its end."""
    if name == 'trunk':
        return _trunk_points(bodies)
    if name == 'head':
        return _head_points(bodies)
    placed = bodies.placed[name]
    if name == 'skirt':
        start, end = placed.start[:, :SKIRT_LEGS, None], placed.end[:, :SKIRT_LEGS, None]
        return (start + ALONG[:, None] * (end - start)).reshape(len(bodies), -1, 2)
    first = np.argmax(placed.seen, 1)
    rows = np.arange(len(bodies))
    start, end = placed.start[rows, first, None], placed.end[rows, first, None]
    return start + ALONG[:, None] * (end - start)


def _trunk_points(bodies: Bodies) -> np.ndarray:
    """float (T, 12, 2): points spread over the trunk, from the line of the shoulders on: a hand on
    the collar covers it too."""
    corners = [bodies.joint(joint)[:, None, :2]
               for joint in ('RShoulder', 'LShoulder', 'RHip', 'LHip')]
    across = np.array([0.15, 0.5, 0.85])[None, :, None]
    top = corners[0] + across * (corners[1] - corners[0])
    bottom = corners[2] + across * (corners[3] - corners[2])
    return np.concatenate([top + share * (bottom - top) for share in (0, 0.2, 0.5, 0.85)], 1)


def _head_points(bodies: Bodies) -> np.ndarray:
    """float (T, 8, 2) px: points of neck, face and hair; at the nose where an ear is not seen."""
    neck, nose = bodies.joint('Neck')[:, None, :2], bodies.joint('Nose')[:, None, :2]
    sides = []
    for joint in ('REar', 'LEar', 'REye', 'LEye'):
        ear = bodies.joint(joint)
        sides.append(np.where(ear[:, None, 2:] > 0, ear[:, None, :2], nose))
    up = nose - neck
    return np.concatenate([neck + 0.6 * up, nose, neck + 1.5 * up, neck + SKULL * up, *sides], 1)


def speeds(track: PoseTrack) -> np.ndarray:
    """float (T, K): by how much of the body height each joint moves from frame to frame, half of
    it on each side; 0 where unknown."""
    height = Bodies(track.poses, track.joints).height
    moved = np.linalg.norm(np.diff(track.poses[..., :2], axis=0), axis=-1) / height[1:, None]
    moved = moved / np.maximum(np.diff(track.index), 1)[:, None]
    both = (track.poses[1:, :, 2] > 0) & (track.poses[:-1, :, 2] > 0)
    moved = moved * both * (track.shots[1:] == track.shots[:-1])[:, None]
    none = np.zeros((1, moved.shape[1]))
    return (np.concatenate([none, moved]) + np.concatenate([moved, none])) / 2
