"""How well a painted film keeps the pose it was asked for, as a detector sees it.

Siarohin et al., "First Order Motion Model for Image Animation", NeurIPS 2019, arXiv 2003.00196:
average keypoint distance (AKD) and missing keypoint rate (MKR). Theirs is in px; here a distance
is in percent of the body's height, so that films and people of all sizes compare.

Shape letters: F frames, K joints. Poses are float (F, K, 3): x px, y px, confidence, 0 = not seen.
"""
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class PoseError:
    """What a detector found, against what was asked for. Lower is better throughout.

    akd             % of body height: mean distance over all joints seen in both, nan without any
    frames          float64 (F,), the same within each frame, nan without any
    missed_joints   0..1: share of the wanted joints that were not found, those of people who were
                    not found among them; nan where none was wanted
    missed_people   0..1: share of the frames asking for a body in which nobody was found; nan
                    where none asks
    """
    akd: float
    frames: np.ndarray
    missed_joints: float
    missed_people: float


def pose_error(found: np.ndarray, wanted: np.ndarray, heights: np.ndarray,
               size: tuple[int, int] | None = None) -> PoseError:
    """Compare the poses found in painted frames with those that were to be painted.

    found, wanted   float (F, K, 3), numbered alike, in px of one picture size
    heights         float (F,) px: the wanted body's; distances in frames where it is 0 or nan are
                    unknown
    size            (width, height) of the picture: what lies beyond cannot be painted and is not
                    wanted. None: all is
    """
    asked, seen = wanted[..., 2] > 0, found[..., 2] > 0
    if size is not None:
        asked &= ((wanted[..., :2] > -0.5) & (wanted[..., :2] < np.array(size) - 0.5)).all(-1)
    known = np.nan_to_num(heights) > 0
    both = asked & seen & known[:, None]
    apart = np.linalg.norm(found[..., :2].astype(np.float64) - wanted[..., :2], axis=-1)
    percent = np.where(both, 100 * apart / np.where(known, heights, 1)[:, None], 0)
    counted = both.sum(1)
    nobody = ~seen.any(1)[asked.any(1)]
    return PoseError(
        akd=float(percent.sum() / counted.sum()) if counted.any() else float('nan'),
        frames=np.where(counted > 0, percent.sum(1) / np.maximum(counted, 1), np.nan),
        missed_joints=float((asked & ~seen).sum() / asked.sum()) if asked.any() else float('nan'),
        missed_people=float(nobody.mean()) if len(nobody) else float('nan'))
