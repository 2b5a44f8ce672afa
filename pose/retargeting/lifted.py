"""How high each foot is above the floor, of which a picture shows only where the foot stands.

Shape letters: F frames; S the two sides, R and L.
"""
import numpy as np

from pose.body import FOOT_JOINTS, body_sizes
from pose.retargeting.feet import contacts, foot_joints
from pose.skeleton import Skeleton
from pose.stretches import shot_slices
from pose.track import PoseTrack

SIDES = 'RL'


def joints_of_foot(skeleton: Skeleton, side: str) -> list[int]:
    """Numbers of the ankle, toes and heel of one side, as far as the skeleton has them."""
    names = [side + joint for joint in ('Ankle', *FOOT_JOINTS)]
    return [skeleton.index(name) for name in names if name in skeleton.joints]


def lifted(track: PoseTrack) -> np.ndarray:
    """float (F, S): how high each foot is above the floor, in body heights; NaN where it is not
    seen, or stands nowhere in that shot.

    Where a foot stands is the floor; between two such places it lies on the line between them.
    """
    found = np.full((len(track), len(SIDES)), np.nan)
    standing = contacts(track)
    sizes = body_sizes(track.poses, track.joints)
    numbers = foot_joints(track.joints)
    for shot in shot_slices(track.shots):
        rows = np.arange(shot.start, shot.stop)
        whole = sizes[shot][sizes[shot] > 0]
        for s, side in enumerate(SIDES):
            feet = joints_of_foot(track.joints, side)
            lowest = _lowest(track.poses[shot][:, feet])
            stands = standing[shot][:, np.isin(numbers, feet)].any(1) & np.isfinite(lowest)
            if stands.any():
                floor = np.interp(rows, rows[stands], lowest[stands])
                found[shot, s] = (floor - lowest) / np.median(whole)
    return found


def _lowest(foot: np.ndarray) -> np.ndarray:
    """y px (F,) of the lowest joint that is seen of a foot (F, P, 3); NaN where none is."""
    y = np.where(foot[..., 2] > 0, foot[..., 1], -np.inf).max(1)
    return np.where(np.isfinite(y), y, np.nan)
