"""How well a painted video keeps the driving pose, as a pose detector sees it.

Siarohin et al., "First Order Motion Model for Image Animation", NeurIPS 2019, arXiv 2003.00196:
average keypoint distance (AKD) and missing keypoint rate (MKR). The paper's AKD is in px; here it
is in percent of the body height, so that videos and people of all sizes compare.

Shape letters: F frames, K joints. Poses are float (F, K, 3): x px, y px, confidence, 0 = not seen.
"""
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class PoseError:
    """Detected poses against the driving poses. Lower is better for all.

    akd             % of body height: mean distance over all joints seen in both, nan without any
    frames          float64 (F,), the same within each frame, nan without any
    missed_joints   0..1: share of the driving joints that were not detected, including those of
                    undetected people; nan without any driving joint
    missed_people   0..1: share of the frames with a driving pose in which no person was detected;
                    nan without such a frame
    """
    akd: float
    frames: np.ndarray
    missed_joints: float
    missed_people: float


def pose_error(found: np.ndarray, wanted: np.ndarray, heights: np.ndarray,
               size: tuple[int, int] | None = None) -> PoseError:
    """Compare the poses detected in painted frames with the driving poses.

    found, wanted   float (F, K, 3): detected and driving, the same joints, in px of one image size
    heights         float (F,) px: height of the driving body; where it is 0 or nan, that frame's
                    distances are unknown
    size            (width, height) of the image: joints outside it cannot be painted and do not
                    count. None: all count
    """
    asked = wanted[..., 2] > 0
    seen = found[..., 2] > 0
    if size is not None:
        asked &= in_picture(wanted, size)
    known = np.nan_to_num(heights) > 0
    both = asked & seen & known[:, None]
    distance = np.linalg.norm(found[..., :2].astype(np.float64) - wanted[..., :2], axis=-1)
    percent = np.where(both, 100 * distance / np.where(known, heights, 1)[:, None], 0)
    counted = both.sum(1)
    nobody = ~seen.any(1)[asked.any(1)]
    return PoseError(
        akd=float(percent.sum() / counted.sum()) if counted.any() else float('nan'),
        frames=np.where(counted > 0, percent.sum(1) / np.maximum(counted, 1), np.nan),
        missed_joints=float((asked & ~seen).sum() / asked.sum()) if asked.any() else float('nan'),
        missed_people=float(nobody.mean()) if len(nobody) else float('nan'))


def in_picture(points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """bool (...): whether points (..., 2 or more), x y px, lie in a picture of that (width,
    height)."""
    places = points[..., :2]
    return ((places > -0.5) & (places < np.array(size) - 0.5)).all(-1)


def nearest_person(people: np.ndarray, wanted: np.ndarray) -> int | None:
    """The number of the person whose joints lie nearest to a pose, in the mean over the joints seen
    in both; None where there is nobody.

    people   float (N, K, 3): x px, y px, confidence
    wanted   float (K, 3)
    """
    if not len(people):
        return None
    shared = (people[..., 2] > 0) & (wanted[:, 2] > 0)
    distance = np.linalg.norm(people[..., :2] - wanted[:, :2], axis=-1)
    means = np.where(shared, distance, 0).sum(1) / np.maximum(shared.sum(1), 1)
    return int(np.where(shared.any(1), means, np.inf).argmin())
