"""Feet on the floor: foot contacts, how far standing feet slide, and a root path that holds them.

Shapes as in pose/track; P the joints of the feet that a skeleton has.
"""
import numpy as np

from pose.body import body_sizes
from pose.skeleton import Skeleton
from pose.stretches import runs, shot_slices
from pose.track import PoseTrack

STILL, MOVING = 0.10, 0.25    # body heights a second: slower is standing, faster is a step
RAISED = 0.15                 # body heights above the other foot: no standing foot is so high
SHORTEST = 0.15               # seconds; a shorter contact is only a foot passing by
SETTLE = 0.20                 # seconds over which a foot's place is averaged
FREE = 0.02                   # weight of the hips' own move; a standing foot has 1
HELD = 1e3                    # weight of the place to start at, where there is one


def foot_joints(skeleton: Skeleton) -> list[int]:
    """Numbers of the ankles, big toes and heels, as far as the skeleton has them."""
    return [skeleton.index(side + joint) for side in 'RL' for joint in ('Ankle', 'BigToe', 'Heel')
            if side + joint in skeleton.joints]


def contacts(track: PoseTrack) -> np.ndarray:
    """bool (F, P): the joint of the foot stands, in the order of foot_joints.

    A contact is slow throughout (below MOVING, at some time below STILL), and not up in the air.
    """
    feet = track.poses[:, foot_joints(track.joints)]
    standing = np.zeros(feet.shape[:2], bool)
    sizes = body_sizes(track.poses, track.joints)
    for shot in shot_slices(track.shots):
        height = _usual(sizes[shot])
        if height == 0:
            continue
        here = feet[shot]
        low = _lowest(here) - here[..., 1] < RAISED * height
        for p in range(here.shape[1]):
            speed = _speed(here[:, p], track.fps) / height
            for run in runs((speed < MOVING) & low[:, p]):
                if (speed[run] < STILL).any() and run.stop - run.start > SHORTEST * track.fps:
                    standing[shot.start + run.start:shot.start + run.stop, p] = True
    return standing


def _lowest(feet: np.ndarray) -> np.ndarray:
    """y px (F, P) of the lower one of each joint and its partner on the other foot."""
    y = np.where(feet[..., 2] > 0, feet[..., 1], -np.inf)
    half = feet.shape[1] // 2
    lower = np.maximum(y[:, :half], y[:, half:])
    return np.hstack([lower, lower])


def _speed(joint: np.ndarray, fps: float) -> np.ndarray:
    """px a second (F,) of one joint (F, 3), its place a mean over SETTLE; infinite where unseen."""
    from scipy.ndimage import uniform_filter1d
    speed = np.full(len(joint), np.inf)
    for run in runs(joint[:, 2] > 0):
        if run.stop - run.start > 2:
            calm = uniform_filter1d(joint[run, :2].astype(np.float64), _frames(SETTLE, fps), 0)
            speed[run] = np.linalg.norm(np.gradient(calm, axis=0), axis=1) * fps
    return speed


def _frames(seconds: float, fps: float) -> int:
    """That time as an odd number of frames."""
    return 2 * round(seconds * fps / 2) + 1


def slide(track: PoseTrack, standing: np.ndarray | None = None) -> float:
    """How far a foot slides while it stands: mean over all contacts, in % of body height.

    standing  bool (F, P) as contacts gives; those of the track itself when None. Give those of
              the track before it was fitted: a foot that slides fast does not count as standing
    Returns   the mean, over the ankles' contacts, of the largest distance from the contact's
              median place; places are means over SETTLE, and the first and last SETTLE seconds
              are left out. 0 where no foot stands
    """
    from scipy.ndimage import uniform_filter1d
    standing = contacts(track) if standing is None else standing
    sizes = body_sizes(track.poses, track.joints)
    moved = []
    window = _frames(SETTLE, track.fps)
    for p, k in enumerate(foot_joints(track.joints)):
        if not track.joints.joints[k].endswith('Ankle'):
            continue
        for shot in shot_slices(track.shots):
            ankle = track.poses[shot, k]
            height = _usual(sizes[shot])
            for run in runs(standing[shot, p] & (ankle[:, 2] > 0) & (height > 0)):
                places = uniform_filter1d(ankle[run, :2].astype(np.float64), window, 0)
                places = places[window:-window]
                if len(places):
                    away = np.linalg.norm(places - np.median(places, 0), axis=1)
                    moved.append(away.max() / height)
    return 100 * float(np.mean(moved)) if moved else 0.0


def _usual(sizes: np.ndarray) -> float:
    """The median body size px of a shot; 0 where no frame shows the whole body."""
    return float(np.median(sizes[sizes > 0])) if (sizes > 0).any() else 0.0


def plant(body: np.ndarray, moves: np.ndarray, weights: np.ndarray, wish: np.ndarray,
          patience: float, held: bool) -> np.ndarray:
    """The path on which the joints of a body move as they should.

    body      float (F, P, 2)     some joints, px from the path
    moves     float (F-1, P, 2)   px that each should move from a frame to the next
    weights   float (F, P)        1 for a standing foot, FREE for the hips
    wish      float (F, 2)        where the path should be, px
    patience  frames it may take to come back to the wish
    held      start where the wish starts
    Returns   float (F, 2)

    Least squares over the path r: sum_t w_t |r_t+1 - r_t - v_t|^2 + sum_t |r_t - wish_t|^2 /
    patience^2, where v_t is the weighted mean of the steps that give each joint its move. Only
    moves are constrained, not places, so the path does not jump when the support changes from one
    foot to the other.
    """
    from scipy.linalg import solveh_banded
    both = np.minimum(weights[:-1], weights[1:])
    total = both.sum(1)
    steps = ((moves - np.diff(body, axis=0)) * both[..., None]).sum(1)
    pull = np.full(len(wish), patience ** -2.0)
    pull[0] = HELD if held else pull[0]
    bands = np.zeros((2, len(wish)))                # above the diagonal, and the diagonal
    bands[0, 1:] = -total
    bands[1] = pull
    bands[1, :-1] += total
    bands[1, 1:] += total
    right = pull[:, None] * wish
    right[1:] += steps
    right[:-1] -= steps
    return solveh_banded(bands, right)
