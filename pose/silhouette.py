"""The silhouette of a person, estimated from the pose alone."""
import cv2
import numpy as np

from pose.body import body_sizes
from pose.skeleton import Skeleton

MARGIN = 0.1        # around the joints, of the body's extent: hair, hands and clothes

LIMB, HEAD, GROW = 0.055, 0.10, 0.03     # of the body's height: half the width of a dressed limb
HANDS = 0.35                             # of the forearm: length of the hand beyond the wrist
SUBPIXEL = 4                             # fractional bits of cv2's integers


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
    height = max(float(body_sizes(pose[None], skeleton)[0]), *np.ptp(pose[seen, :2], axis=0))

    def cover(start: np.ndarray, end: np.ndarray, radius: float) -> None:
        a, b = (np.rint(point[:2] * 2 ** SUBPIXEL).astype(int).tolist() for point in (start, end))
        cv2.line(mask, a, b, (1,), max(1, round(2 * (radius + grow) * height)), shift=SUBPIXEL)

    joints = {name: joint for name, joint in zip(skeleton.joints, pose) if joint[2] > 0}
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
    ears = [joints[name] for name in ('REar', 'LEar') if name in joints]
    face = [joints[name] for name in ('Nose', 'REye', 'LEye') if name in joints]
    for skull in (ears, face):
        if skull:
            cover(np.mean(skull, 0), np.mean(skull, 0), HEAD)
    for side in 'RL':
        if f'{side}Elbow' in joints and f'{side}Wrist' in joints:
            wrist, elbow = joints[f'{side}Wrist'], joints[f'{side}Elbow']
            cover(wrist, wrist + HANDS * (wrist - elbow), LIMB)
    return mask.astype(bool)


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
