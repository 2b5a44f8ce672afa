"""Decoys: finds of a detector that are no living person: pictures, shadows, mirror images.

They are known by how they move and what they wear. Shapes as in pose/tracking/bodies.py.
"""
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pose.body import ARM_JOINTS, LEG_JOINTS, both_sides
from pose.skeleton import Skeleton
from pose.tracking.appearance import BRIGHTNESS, DIM
from pose.tracking.bodies import Bodies
from util.arrays import nan_quantile

BLOCK = 0.5                   # seconds whose median pose is taken, to remove noise
STILL = 0.02                  # body sizes: the most that joints of a picture seem to move
FLAT = 0.7                    # the most that parts of a shadow differ, in units of one cloth
DARK = 110                    # grey value, 0..255, that a shadow stays below
MIRRORED = 0.75               # correlation of the motion with another person's, mirrored
LIMB_ENDS = both_sides(*ARM_JOINTS[1:], *LEG_JOINTS[1:])


@dataclass(frozen=True)
class Person:
    """One person of a video.

    bodies  int64 (N,): the numbers of its bodies, in order
    size    median px of the whole body;  place  float (2,) median px of the torso
    moves   how far the limbs move against the torso, in body sizes
    decoy   why it is not alive, '' for a living person
    """
    bodies: np.ndarray
    size: float
    place: np.ndarray
    moves: float
    decoy: str

    @property
    def weight(self) -> float:
        """Importance. The square root keeps a large person who passes by for a moment from
        winning by size alone, and a small one at the back from winning by time alone."""
        return self.size * len(self.bodies) ** 0.5


def measured_person(bodies: Bodies, mine: np.ndarray, skeleton: Skeleton) -> Person:
    """The person of the bodies with these numbers, int64 (N,)."""
    moves = _moves(bodies, mine, skeleton)
    decoy = ''
    if moves < STILL:
        decoy = 'never changes its pose, as a picture'
    elif _is_flat(bodies, mine):
        decoy = 'dark and flat, as a shadow'
    return Person(mine, float(np.median(bodies.size[mine])), np.median(bodies.centre[mine], 0),
                  moves, decoy)


def _moves(bodies: Bodies, mine: np.ndarray, skeleton: Skeleton) -> float:
    """How far limbs move within the body, body sizes, however the camera moves, zooms or rolls."""
    relative = bodies.joints[mine] - bodies.centre[mine][:, None]
    x, y = np.moveaxis(np.where(bodies.seen[mine][..., None], relative, np.nan), -1, 0)
    block = ((bodies.time[mine] - bodies.time[mine[0]]) / BLOCK).astype(int)
    shapes = []
    for k in np.unique(block):
        middle = _median(x[block == k]) + 1j * _median(y[block == k])
        shapes.append(middle / np.median(bodies.size[mine][block == k]))
    every = np.array(shapes)
    usual = _median(every.real) + 1j * _median(every.imag)
    aligned = np.array([_aligned(shape, usual) for shape in every])
    reach = []
    for joint in LIMB_ENDS:
        limb = skeleton.index(joint)
        places = aligned[np.isfinite(aligned[:, limb]), limb]
        if len(places) >= len(aligned) / 2:
            low, high = np.percentile([places.real, places.imag], (10, 90), axis=1)
            reach.append(float(np.linalg.norm(high - low)))
    return float(np.percentile(reach, 75)) if reach else 0.0


def _median(values: np.ndarray) -> np.ndarray:
    """The lower median along the first axis, over what is not NaN."""
    return nan_quantile(values, 0.5, lower=True)


def _aligned(shape: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Complex (K,) points moved, rotated and scaled to fit others as well as they can."""
    both = np.isfinite(shape) & np.isfinite(other)
    if both.sum() < 3:
        return np.full_like(shape, np.nan)
    middle, other_middle = shape[both].mean(), other[both].mean()
    a, b = shape[both] - middle, other[both] - other_middle
    return (shape - middle) * np.vdot(a, b) / np.vdot(a, a).real + other_middle


def _is_flat(bodies: Bodies, mine: np.ndarray) -> bool:
    """Whether head, clothes and limbs have one dark colour."""
    appearance = bodies.appearance[mine]
    if not appearance.shape[1]:
        return False
    weight = bodies.unoccluded[mine][:, None] * np.isfinite(appearance)
    total = weight.sum(0)
    mean = (np.nan_to_num(appearance) * weight).sum(0) / np.where(total > 0, total, np.nan)
    parts = mean.reshape(-1, 3)
    parts = parts[np.isfinite(parts).all(1)]
    return bool(len(parts) >= 4 and np.median(parts[:, 0]) < np.log(DARK + DIM) / BRIGHTNESS
                and parts.std(0).max() < FLAT)


def mirrored_from(bodies: Bodies, one: Person, persons: Sequence[Person], skeleton: Skeleton
                  ) -> str:
    """Why `one` is a mirror image: it moves as a larger person does, left and right exchanged."""
    as_is = list(range(skeleton.body))
    swapped = list(skeleton.partners[:skeleton.body])
    for other in persons:
        if other is one or other.decoy or other.size * 0.95 < one.size:
            continue
        _, a, b = np.intersect1d(bodies.frame[one.bodies], bodies.frame[other.bodies],
                                 return_indices=True)
        a, b = one.bodies[a], other.bodies[b]
        if len(a) < 10 or np.ptp(bodies.time[a]) < 2 * BLOCK:
            continue
        same = _correlation(bodies, a, b, as_is, 1)
        at_side = _correlation(bodies, a, b, swapped, -1)
        at_back = _correlation(bodies, a, b, swapped, 1)
        if max(at_side, at_back) > max(MIRRORED, same + 0.1):
            return f'moves as the one at {other.place[0]:.0f},{other.place[1]:.0f} does, mirrored'
    return ''


def _correlation(bodies: Bodies, a: np.ndarray, b: np.ndarray, partners: list[int], way: int
                 ) -> float:
    """How alike bodies a and b move over time, -1 to 1; b's joints renumbered, its x times way:
    -1 for a mirror at the side of the room, 1 for one at its back."""
    both = (bodies.seen[a] & bodies.seen[b][:, partners])[..., None]
    moved = []
    for mine, order in ((a, slice(None)), (b, partners)):
        shape = (bodies.joints[mine] - bodies.centre[mine][:, None])[:, order]
        shape = shape / bodies.size[mine][:, None, None] * both
        moved.append((shape - shape.sum(0) / np.maximum(both.sum(0), 1)) * both)
    x, y = moved[0], moved[1] * (way, 1)
    return float((x * y).sum() / max(np.sqrt((x * x).sum() * (y * y).sum()), 1e-9))
