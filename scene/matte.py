"""Which pixels of a frame are the person, told from the background without the person.

What differs from the background and hangs together with the body is the person, with clothes and
hair and without the shadow on the floor: difference matting (Qian and Sezan, "Video Background
Replacement without a Blue Screen", ICIP 1999), held to the surroundings of the pose.
"""
import cv2
import numpy as np

from pose.body import body_sizes
from pose.matching.coverage import LIMBS
from pose.silhouette import disc, person_mask
from pose.skeleton import Skeleton

SAME, WHOLLY = 10.0, 20.0   # 0..255: less difference is noise; so much more is another thing
NOISY = 90                  # %: of the background, whose difference is noise in any case
NEAR, CORE = 0.10, -0.03    # of the body's height: how far clothes may reach beyond the drawn
                            # limbs, and how thin limbs are surely the person
JOIN, SOFT = 1.5, 1.0       # px of a picture of 256: half the gaps to be closed, and how soft
                            # the edge is
FLOOR, DARKEST = 0.15, 0.55     # of the body's height above the lowest joint, and of the light that
                                # falls there, that a shadow leaves
HOLE = 0.03                 # of the picture's size: a smaller hole is filled


def difference(frame: np.ndarray, behind: np.ndarray, pose: np.ndarray,
               skeleton: Skeleton, darkest: float = DARKEST) -> np.ndarray:
    """float32 (H, W), 0..255: how unlike each pixel is to the background; arguments as of `matte`.

    Where it is darker about the feet, only its hue counts: there lies the person's shadow
    (Horprasert, Harwood, Davis, "A Statistical Approach for Real-Time Robust Background Subtraction
    and Shadow Detection", ICCV Frame-Rate Workshop 1999).
    """
    # a median keeps the edges, which what differs much would blur over those who differ little
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
    behind, sure   the background there, uint8 (H, W, 3), and how sure that is, float (H, W) 0..1
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
    # where nobody ever saw the background only the pose can tell
    soft = np.where(sure > 0, near * ((apart - noise) / WHOLLY).clip(0, 1),
                    person_mask(pose, skeleton, size, 0)).astype(np.float32)
    solid = cv2.morphologyEx((soft > 0.5).astype(np.uint8), cv2.MORPH_CLOSE,
                             disc(round(JOIN * unit)))
    limbs = pose.copy()
    limbs[[skeleton.index(joint) for joint in LIMBS['head'].joints
           if joint in skeleton.joints], 2] = 0
    core = person_mask(limbs if limbs[:, 2].any() else pose, skeleton, size, CORE)
    _, pieces = cv2.connectedComponents(solid | core)
    solid = np.isin(pieces, np.unique(pieces[core])).astype(np.uint8)
    holes, _ = cv2.findContours(1 - solid, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    least = (HOLE * min(size)) ** 2
    small = [hole for hole in holes if cv2.contourArea(hole) < least]
    cv2.drawContours(solid, small, -1, (1,), -1)
    # not made smaller: the outermost pixels, though mixed with the background that the frame was
    # filmed before, are nearer the truth than an edge within (untrained LPIPS 0.1840, 0.1861)
    return np.rint(255 * cv2.GaussianBlur(np.maximum(soft * solid, cv2.erode(solid, disc(1))),
                                          (0, 0), SOFT * unit)).astype(np.uint8)[..., None]
