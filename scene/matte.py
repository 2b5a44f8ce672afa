"""The matte: which pixels of a frame are the person.

The detector's mask knows who it is, the comparison with the background plate knows the edge; both
are weighed for each pixel. Without a mask, pixels that differ from the background and are connected
to the body are the person, with clothes and hair and without the shadow on the floor: difference
matting (Qian and Sezan, "Video Background Replacement without a Blue Screen", ICIP 1999),
restricted to the surroundings of the pose.
"""
import cv2
import numpy as np

from pose.body import body_sizes, extended_sizes
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
FAINT = 25                  # 0..255: less of a mask is nobody
HALO = 0.012                # of the picture's longer side: how far beyond a mask its edge reaches
EDGE = 0.006                # of the body's height: how far the edge of a mask is from the truth;
                            # 0.012 takes in stripes of a blind next to the person
FOR, AGAINST = 2.5, 1.0     # logarithms of odds: of a pixel that differs, of one that does not,
                            # which counts less since cloth may have the wall's colour
LIMB = 0.3                  # how likely a limb is the person that the mask does not show
LEAST = 0.01                # the least and most likely that a pixel is anything
RIM = 0.06                  # opacity that is taken for none, and as much less than all for all
HOLE = 0.03                 # of the picture's size: a smaller hole is filled


def covered(pose: np.ndarray, skeleton: Skeleton, size: tuple[int, int],
            mask: np.ndarray | None = None) -> np.ndarray:
    """bool (H, W): where anybody may be in a picture of that (width, height), so that it shows no
    background there: what the detector's mask says, or else the surroundings of the pose (K, 3).

    mask  uint8 (H, W, 3): red how much of each pixel is the person, green how much is anybody else
    """
    if mask is None:
        return person_mask(pose, skeleton, size)
    people = (mask.max(-1) > FAINT).astype(np.uint8)
    with_edges = cv2.dilate(people, disc(round(HALO * max(size)))) > 0
    return person_mask(pose, skeleton, size, CORE) | with_edges


def floor_difference(frame: np.ndarray, behind: np.ndarray, pose: np.ndarray,
                     skeleton: Skeleton, darkest: float = DARKEST) -> np.ndarray:
    """float32 (H, W), 0..255: how far each pixel is from the background; arguments as of `matte`.

    Where it is darker around the feet, only its hue counts: the person's shadow lies there.
    """
    apart = difference(frame, behind, None)
    lowest = pose[pose[:, 2] > 0, 1].max(initial=0)
    top = max(0, round(lowest - FLOOR * float(body_sizes(pose[None], skeleton)[0])))
    if lowest and top < len(frame):
        apart[top:] = difference(frame[top:], behind[top:], darkest)
    return apart


def difference(frame: np.ndarray, behind: np.ndarray, darkest: float | None) -> np.ndarray:
    """float32 (H, W), 0..255: how far each pixel is from the background.

    darkest  where it is darker, but has this share of the light at least, only its hue counts: a
             shadow lies there (Horprasert, Harwood, Davis, "A Statistical Approach for Real-Time
             Robust Background Subtraction and Shadow Detection", ICCV Frame-Rate Workshop 1999);
             None: dark is dark
    """
    # A median keeps edges; a mean would spread large differences over their neighbours.
    apart = cv2.medianBlur(cv2.absdiff(frame, behind).max(-1), 3).astype(np.float32)
    if darkest is None:
        return apart
    shown, ground = frame.astype(np.float32), behind.astype(np.float32)
    light = (shown * ground).sum(-1) / np.maximum((ground ** 2).sum(-1), 1)
    hue = cv2.medianBlur(np.abs(shown - light[..., None] * ground).max(-1).astype(np.uint8), 3)
    shadow = (light > darkest) & (light < 1)
    return np.where(shadow, np.minimum(apart, hue), apart)


def matte(frame: np.ndarray, behind: np.ndarray, sure: np.ndarray, pose: np.ndarray,
          skeleton: Skeleton, darkest: float = DARKEST,
          mask: np.ndarray | None = None) -> np.ndarray:
    """uint8 (H, W, 1): how much of each pixel is the person, 255 = all.

    frame          uint8 (H, W, 3)
    behind, sure   the background there, uint8 (H, W, 3), and its confidence, float (H, W) 0..1
    pose           float (K, 3) px, the person's
    darkest        share of the light that a shadow on the floor leaves at least; what is darker is
                   the person
    mask           as of `covered`; without one the pose and the difference alone decide
    """
    if mask is not None:
        return _fused(frame, behind, sure, pose, skeleton, darkest, mask)
    size = frame.shape[1], frame.shape[0]
    unit = max(1.0, min(size) / 256)
    near = person_mask(pose, skeleton, size, NEAR)
    apart = floor_difference(frame, behind, pose, skeleton, darkest)
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


def _fused(frame: np.ndarray, behind: np.ndarray, sure: np.ndarray, pose: np.ndarray,
           skeleton: Skeleton, darkest: float, mask: np.ndarray) -> np.ndarray:
    """The matte where there is a mask, which knows who it is; the difference knows the edge.

    The mask, blurred, is how likely each pixel is the person; the difference makes that more or
    less likely (Bayes' rule, in logarithms of odds). Where the background was never seen, the mask
    alone decides.
    """
    size = frame.shape[1], frame.shape[0]
    person, others = (mask[..., k].astype(np.float32) / 255 for k in (0, 1))
    blur = max(1.0, EDGE * float(extended_sizes(pose[None], skeleton)[0]))
    likely = cv2.GaussianBlur(person, (0, 0), blur)
    limbs = person_mask(pose, skeleton, size, CORE) & (person + others < LEAST)
    likely = np.where(limbs, np.maximum(likely, LIMB), likely)
    apart = difference(frame, behind, darkest)
    around = apart[(sure > 0) & ~(cv2.dilate(mask.max(-1), disc(round(2 * blur))) > FAINT)]
    noise = max(SAME, float(np.percentile(around, NOISY)) if around.size else 0.0)
    differs = ((apart - noise) / WHOLLY).clip(0, 1)
    evidence = differs * FOR - (1 - differs) * AGAINST
    odds = np.log(likely.clip(LEAST, 1 - LEAST) / (1 - likely.clip(LEAST, 1 - LEAST)))
    alpha = np.where(sure > 0, 1 / (1 + np.exp(-odds - evidence)), person)
    alpha = ((alpha - RIM) / (1 - 2 * RIM)).clip(0, 1)
    alpha = np.where(others > person, np.minimum(alpha, 1 - others), alpha).astype(np.float32)
    solid = _connected((alpha > 0.5).astype(np.uint8), person > 0.5)
    kept = cv2.dilate(solid, disc(round(2 * blur)))
    blurred = cv2.GaussianBlur(alpha * kept, (0, 0), SOFT * max(1.0, min(size) / 256))
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
