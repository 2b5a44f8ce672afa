"""The matte: which pixels of a frame are the person, by comparison with the background plate.

Pixels that differ from the background and are connected to the body are the person, with clothes
and hair and without the shadow on the floor: difference matting (Qian and Sezan, "Video Background
Replacement without a Blue Screen", ICIP 1999), restricted to the surroundings of the pose.
"""
import cv2
import numpy as np

from pose.body import body_sizes
from pose.matching.coverage import LIMBS
from pose.silhouette import disc, person_mask
from pose.skeleton import Skeleton

SAME = 10.0                 # 0..255: less difference is noise
WHOLLY = 20.0               # 0..255: that much more difference is opaque
NOISY = 90                  # %: of the background, whose difference is noise in any case
NEAR = 0.10                 # of the body's height: how far clothes may reach beyond the drawn limbs
CORE = -0.03                # of the body's height: limbs thinner by this are surely the person
JOIN = 1.5                  # px of a picture of 256: half the width of the gaps to close
SOFT = 1.0                  # px of a picture of 256: blur of the edge
FLOOR = 0.15                # of the body's height: how far above the lowest joint a shadow reaches
DARKEST = 0.55              # share of the light that a shadow leaves at least
HOLE = 0.03                 # of the picture's size: a smaller hole is filled


def difference(frame: np.ndarray, behind: np.ndarray, pose: np.ndarray,
               skeleton: Skeleton, darkest: float = DARKEST) -> np.ndarray:
    """float32 (H, W), 0..255: how far each pixel is from the background; arguments as of `matte`.

    Where it is darker around the feet, only its hue counts: the person's shadow lies there
    (Horprasert, Harwood, Davis, "A Statistical Approach for Real-Time Robust Background Subtraction
    and Shadow Detection", ICCV Frame-Rate Workshop 1999).
    """
    # A median keeps edges; a mean would spread large differences over their neighbours.
    apart = cv2.medianBlur(cv2.absdiff(frame, behind).max(-1), 3).astype(np.float32)
    lowest = pose[pose[:, 2] > 0, 1].max(initial=0)
    top = max(0, round(lowest - FLOOR * float(body_sizes(pose[None], skeleton)[0])))
    if not lowest or top >= len(frame):
        return apart
    shown, ground = (picture[top:].astype(np.float32) for picture in (frame, behind))
    light = (shown * ground).sum(-1) / np.maximum((ground ** 2).sum(-1), 1)
    hue = cv2.medianBlur(np.abs(shown - light[..., None] * ground).max(-1).astype(np.uint8), 3)
    shadow = (light > darkest) & (light < 1)
    apart[top:] = np.where(shadow, np.minimum(apart[top:], hue), apart[top:])
    return apart


def matte(frame: np.ndarray, behind: np.ndarray, sure: np.ndarray, pose: np.ndarray,
          skeleton: Skeleton, darkest: float = DARKEST) -> np.ndarray:
    """uint8 (H, W, 1): how much of each pixel is the person, 255 = all.

    frame          uint8 (H, W, 3)
    behind, sure   the background there, uint8 (H, W, 3), and its confidence, float (H, W) 0..1
    pose           float (K, 3) px, the person's
    darkest        share of the light that a shadow on the floor leaves at least; what is darker is
                   the person
    """
    size = frame.shape[1], frame.shape[0]
    unit = max(1.0, min(size) / 256)
    near = person_mask(pose, skeleton, size, NEAR)
    apart = difference(frame, behind, pose, skeleton, darkest)
    around = apart[~near & (sure > 0)]
    noise = max(SAME, float(np.percentile(around, NOISY)) if around.size else 0.0)
    # Where no frame ever showed the background, only the pose decides.
    soft = np.where(sure > 0, near * ((apart - noise) / WHOLLY).clip(0, 1),
                    person_mask(pose, skeleton, size, 0)).astype(np.float32)
    closed = cv2.morphologyEx((soft > 0.5).astype(np.uint8), cv2.MORPH_CLOSE,
                              disc(round(JOIN * unit)))
    solid = _connected(closed, _core(pose, skeleton, size))
    _fill_small_holes(solid, (HOLE * min(size)) ** 2)
    # The edge is not moved inwards: its pixels, though mixed with the background that the frame was
    # filmed in front of, are nearer to the truth than an edge further in (untrained LPIPS 0.1840,
    # 0.1861).
    alpha = np.maximum(soft * solid, cv2.erode(solid, disc(1)))
    blurred = cv2.GaussianBlur(alpha, (0, 0), SOFT * unit)
    return np.rint(255 * blurred).astype(np.uint8)[..., None]


def _core(pose: np.ndarray, skeleton: Skeleton, size: tuple[int, int]) -> np.ndarray:
    """bool (H, W): pixels that are surely the person: thin limbs, without the head."""
    limbs = pose.copy()
    head = [skeleton.index(joint) for joint in LIMBS['head'].joints if joint in skeleton.joints]
    limbs[head, 2] = 0
    return person_mask(limbs if limbs[:, 2].any() else pose, skeleton, size, CORE)


def _connected(solid: np.ndarray, core: np.ndarray) -> np.ndarray:
    """uint8 (H, W): the pieces of solid, uint8, and core, bool, that touch the core."""
    _, pieces = cv2.connectedComponents(solid | core)
    return np.isin(pieces, np.unique(pieces[core])).astype(np.uint8)


def _fill_small_holes(solid: np.ndarray, least: float) -> None:
    """Fill, in place, the holes of a uint8 (H, W) mask with an area below `least` px."""
    holes, _ = cv2.findContours(1 - solid, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    small = [hole for hole in holes if cv2.contourArea(hole) < least]
    cv2.drawContours(solid, small, -1, (1,), -1)
