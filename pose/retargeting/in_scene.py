"""Where a fitted body lies in the scene of the dancer: a scale and a translation for each frame.

The body was fitted to the target's picture (pose.retargeting.retarget). Brought back, it stands
where the dancer stood and is as tall there, in proportions of its own, and its feet stand still
where the dancer's do.

Shape letters: F frames, P joints of the feet.
"""
import numpy as np

from pose.body import joint_at
from pose.retargeting.feet import FREE, contacts, foot_joints, plant
from pose.retargeting.ground import paths, visible_heights
from pose.stretches import shot_slices
from pose.track import PoseTrack

# s in which standing feet may lead away from the place of the dancer. Of a dancer in profile whose
# person is shown from the front (karate1 as phone_man), the middle of the feet is 1.8, 2.6, 5.0 and
# 14 % of the height away with 0.3, 0.5, 1 and 4, and standing feet slide 2.1, 1.8, 1.4 and 1.5 %,
# the dancer's own 1.1. One whose build alone differs stays within 0.4 % with any of them.
PATIENCE = 0.5
EVEN = 2.0          # s over which the size is averaged; the dancer's own changes are slower


def into_scene(fitted: PoseTrack, own: PoseTrack) -> np.ndarray:
    """float64 (F, 3, 3): px of the fitted body's picture -> px of the scene; NaN in a shot that
    shows no fitted body.

    fitted   the body as it is painted
    own      the dancer in the same F frames, in px of the scene
    """
    own = own.numbered(fitted.skeleton)
    both = fitted.shown() & own.shown()
    for track in (fitted, own):         # a body whose joints coincide has no size
        with np.errstate(divide='ignore', invalid='ignore'):
            both[both] = visible_heights(track.select(np.flatnonzero(both))) > 0
    matrices = np.full((len(fitted), 3, 3), np.nan)
    for shot in shot_slices(fitted.shots):
        rows = shot.start + np.flatnonzero(both[shot])
        if len(rows):
            matrices[rows] = _placed(fitted.select(rows), own.select(rows))
            matrices[shot] = _carried(matrices[shot])
    return matrices


def _placed(fitted: PoseTrack, own: PoseTrack) -> np.ndarray:
    """The same of the frames of one shot, all of which show both."""
    scale = np.exp(_even(np.log(visible_heights(own) / visible_heights(fitted)), own.fps))
    there, here = (np.stack(paths(track), 1) for track in (own, fitted))
    wish = there - scale[:, None] * here
    feet = foot_joints(own.joints)
    hips = [joint_at(track.poses, track.joints, 'MidHip')[:, None, :2] for track in (own, fitted)]
    moving = np.concatenate([own.poses[:, feet, :2], hips[0]], 1).astype(np.float64)
    body = np.concatenate([fitted.poses[:, feet, :2], hips[1]], 1) * scale[:, None, None]
    seen = (own.poses[:, feet, 2] > 0) & (fitted.poses[:, feet, 2] > 0)
    standing = contacts(own) * seen / (max(len(feet), 2) / 2)
    weights = np.hstack([standing, np.full((len(own), 1), FREE)])
    path = wish
    if len(own) > 1:
        path = plant(body, np.diff(moving, axis=0), weights, wish, PATIENCE * own.fps, False)
    matrices = np.zeros((len(own), 3, 3))
    matrices[:, 0, 0] = matrices[:, 1, 1] = scale
    matrices[:, :2, 2] = path
    matrices[:, 2, 2] = 1
    return matrices


def _even(values: np.ndarray, fps: float) -> np.ndarray:
    """Median, then mean, over EVEN seconds; float (F,)."""
    from scipy.ndimage import median_filter, uniform_filter1d
    if len(values) == 1:
        return values
    window = 2 * max(1, round(EVEN * fps / 2)) + 1
    return uniform_filter1d(median_filter(values, window, mode='nearest'), window, mode='nearest')


def _carried(matrices: np.ndarray) -> np.ndarray:
    """Frames that are not known take the place of the nearest one that is."""
    known = np.flatnonzero(np.isfinite(matrices[:, 0, 0]))
    nearest = np.abs(known - np.arange(len(matrices))[:, None]).argmin(1)
    return matrices[known[nearest]]
