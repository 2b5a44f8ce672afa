"""The silhouette of a person, estimated from the pose alone."""
from collections.abc import Iterator, Mapping

import cv2
import numpy as np

from pose.body import body_sizes
from pose.skeleton import Skeleton

MARGIN = 0.1        # around the joints, of the body's extent: hair, hands and clothes

LIMB, HEAD, GROW = 0.055, 0.10, 0.03     # of the body's height: half the width of a dressed limb
HANDS = 0.35                             # of the forearm: length of the hand beyond the wrist
SUBPIXEL = 4                             # fractional bits of cv2's integers


def morphed(share: np.ndarray, how: int, radius: int) -> np.ndarray:
    """uint8 (h, w): opened (cv2.MORPH_OPEN) or closed (cv2.MORPH_CLOSE) by a disc; nothing lies
    beyond the edges.

    radius   px, 1 or more
    """
    around = cv2.copyMakeBorder(share, radius, radius, radius, radius, cv2.BORDER_CONSTANT,
                                value=(0,))
    return cv2.morphologyEx(around, how, disc(radius))[radius:-radius, radius:-radius]


def disc(radius: int) -> np.ndarray:
    """uint8 (2 radius + 1, 2 radius + 1): a filled circle, for morphology."""
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))


def person_mask(pose: np.ndarray, skeleton: Skeleton, size: tuple[int, int],
                grow: float = GROW) -> np.ndarray:
    """bool (H, W): where the person of that pose may be, clothes and hair included.

    pose  float (K, 3) px of a picture of `size`, (W, H)
    grow  margin on every side, as a share of the body's height

    Without any joint the person may be anywhere: everything is masked.
    """
    seen = pose[:, 2] > 0
    mask = np.zeros(size[::-1], np.uint8)
    if not seen.any():
        return ~mask.astype(bool)
    height = extent(pose, skeleton)

    def cover(start: np.ndarray, end: np.ndarray, radius: float) -> None:
        a, b = (np.rint(point[:2] * 2 ** SUBPIXEL).astype(int).tolist() for point in (start, end))
        cv2.line(mask, a, b, (1,), max(1, round(2 * (radius + grow) * height)), shift=SUBPIXEL)

    joints = seen_joints(pose, skeleton)
    for start, end in skeleton.limbs:
        if seen[start] and seen[end]:
            cover(pose[start], pose[end], LIMB)
    corners = [joints[name] for name in ('RShoulder', 'LShoulder', 'LHip', 'RHip')
               if name in joints]
    if corners:
        torso = cv2.convexHull(np.rint([corner[:2] for corner in corners]).astype(np.int32))
        cv2.fillConvexPoly(mask, torso, (1,))
        for corner, after in zip(corners, corners[1:] + corners[:1]):
            cover(corner, after, LIMB)
    for middle in skulls(joints):
        cover(middle, middle, HEAD)
    for wrist, tip in hands(joints):
        cover(wrist, tip, LIMB)
    return mask.astype(bool)


def dressed_box(pose: np.ndarray, skeleton: Skeleton, size: tuple[int, int],
                grow: float = GROW) -> tuple[slice, slice]:
    """Rows and columns of a picture of `size` that hold all of person_mask of the same arguments,
    by arithmetic: its time does not depend on the size. Empty where the person is outside."""
    seen = pose[:, 2] > 0
    if not seen.any():
        return slice(0, size[1]), slice(0, size[0])
    joints = seen_joints(pose, skeleton)
    limbs = [*pose[seen, :2], *(tip[:2] for _, tip in hands(joints))]
    heads = [middle[:2] for middle in skulls(joints)]
    reach = np.repeat([LIMB + grow, HEAD + grow], [len(limbs), len(heads)])
    # and a pixel, since what is drawn is rounded
    reach = np.maximum(reach * extent(pose, skeleton), 0)[:, None] + 1
    places = np.array(limbs + heads)
    left, top = np.clip(np.floor((places - reach).min(0)), 0, size).astype(int).tolist()
    right, bottom = np.clip(np.ceil((places + reach).max(0)) + 1, 0, size).astype(int).tolist()
    return slice(top, bottom), slice(left, right)


def extent(pose: np.ndarray, skeleton: Skeleton) -> float:
    """px: the body's height, at least as far as the joints lie apart."""
    apart = np.ptp(pose[pose[:, 2] > 0, :2], axis=0)
    return max(float(body_sizes(pose[None], skeleton)[0]), *apart.tolist())


def seen_joints(pose: np.ndarray, skeleton: Skeleton) -> dict[str, np.ndarray]:
    """The joints (3,) of a pose that are seen, by name."""
    return {name: joint for name, joint in zip(skeleton.joints, pose) if joint[2] > 0}


def skulls(joints: Mapping[str, np.ndarray]) -> Iterator[np.ndarray]:
    """Middles (3,) of the head, by the ears and by the face, as far as they are seen."""
    for names in (('REar', 'LEar'), ('Nose', 'REye', 'LEye')):
        there = [joints[name] for name in names if name in joints]
        if there:
            yield np.mean(there, 0)


def hands(joints: Mapping[str, np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Wrist and finger tips (3,) of each hand whose forearm is seen."""
    for side in 'RL':
        if f'{side}Elbow' in joints and f'{side}Wrist' in joints:
            wrist = joints[f'{side}Wrist']
            yield wrist, wrist + HANDS * (wrist - joints[f'{side}Elbow'])


def person_box(pose: np.ndarray, size: tuple[int, int]) -> tuple[slice, slice] | None:
    """Rows and columns around the seen joints of a pose (K, 3), with a MARGIN, of a picture of that
    (width, height); None where no joint is in the picture."""
    seen = pose[pose[:, 2] > 0, :2]
    if not len(seen):
        return None
    margin = MARGIN * np.ptp(seen, axis=0).max()
    low = np.clip(np.floor(seen.min(0) - margin), 0, None).astype(int)
    high = np.minimum(np.ceil(seen.max(0) + margin).astype(int) + 1, size)
    if (high <= low).any():
        return None
    return slice(low[1], high[1]), slice(low[0], high[0])
