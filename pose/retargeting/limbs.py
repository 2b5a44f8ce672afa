"""Bones: how long each is, and a body whose bones are of another length at the same angles.

A bone's length in px says little: a limb that points to the camera is foreshortened. Over many
frames its straight length shows, and the ratio of two bodies' straight lengths makes one body's
bone in a frame the other's: its angle and its foreshortening stay.

A foot is seen foreshortened in nearly every frame, so it is not measured but goes with the shin.
"""
from collections.abc import Mapping

import numpy as np

from pose.body import joint_at
from pose.retargeting.feet import FREE, contacts, foot_joints, plant
from pose.skeleton import FACE, HAND, Skeleton, skeleton_of
from pose.track import PoseTrack

STRAIGHT = 95                 # percentile of a bone's seen lengths that is its straight one
CALM = 0.2                    # seconds over which a bone is averaged before it is measured
ENOUGH = 20                   # frames that show a bone before it is measured
PLAUSIBLE = 1.5               # how much longer, at most, one body's bone is than another's
BLEND = 0.04                  # of the hips' height: ankles as close as that both bear the body

# The tree: each joint hangs on another by a bone; the root is the hips' middle. Parents first.
TREE: dict[str, tuple[str, str]] = {'Neck': ('MidHip', 'spine'), 'Nose': ('Neck', 'neck')}
for _side in 'RL':
    TREE |= {f'{_side}{joint}': (parent if parent in ('Neck', 'MidHip', 'Nose')
                                 else f'{_side}{parent}', bone) for joint, parent, bone in (
        ('Shoulder', 'Neck', 'shoulder'), ('Elbow', 'Shoulder', 'upper arm'),
        ('Wrist', 'Elbow', 'forearm'), ('Hip', 'MidHip', 'hip'), ('Knee', 'Hip', 'thigh'),
        ('Ankle', 'Knee', 'shin'), ('BigToe', 'Ankle', 'shin'), ('SmallToe', 'Ankle', 'shin'),
        ('Heel', 'Ankle', 'shin'), ('Eye', 'Nose', 'face'), ('Ear', 'Eye', 'face'))}
    TREE |= {f'{_side}Hand{k}': (f'{_side}Wrist', 'hand') for k in range(HAND)}
TREE |= {f'Face{k}': ('Nose', 'face') for k in range(FACE)}

# What is laid end to end to measure a bone, on each side.
CHAINS = {'spine': 'MidHip Neck', 'neck': 'Neck Nose', 'face': 'Nose {0}Eye {0}Ear',
          'shoulder': 'Neck {0}Shoulder', 'upper arm': '{0}Shoulder {0}Elbow',
          'forearm': '{0}Elbow {0}Wrist', 'hand': '{0}Hand0 {0}Hand9', 'hip': 'MidHip {0}Hip',
          'thigh': '{0}Hip {0}Knee', 'shin': '{0}Knee {0}Ankle'}
BODY_BONES = tuple(bone for bone in CHAINS if bone not in ('face', 'hand'))


def straight_lengths(track: PoseTrack, heights: np.ndarray) -> dict[str, float]:
    """How long each bone is when it is straight, in parts of the body's height.

    heights  float (F,) px: the body's height at its place in each frame
    Returns  a value per bone that ENOUGH frames show, left and right averaged
    """
    lengths = {}
    for bone, chain in CHAINS.items():
        sides = {chain.format(side) for side in 'RL'}
        seen = [_laid_out(track, names.split(), heights) for names in sorted(sides)]
        straight = [float(np.percentile(length[length > 0], STRAIGHT))
                    for length in seen if (length > 0).sum() >= ENOUGH]
        if straight:
            lengths[bone] = float(np.mean(straight))
    return lengths


def _laid_out(track: PoseTrack, chain: list[str], heights: np.ndarray) -> np.ndarray:
    """float (F,) body heights: how long a chain of joints is; 0 where one is not seen.

    Each bone is a mean over CALM, for noise makes the longest of many lengths too long.
    """
    from scipy.ndimage import uniform_filter1d
    if not all(joint in track.joints.joints or joint == 'MidHip' for joint in chain):
        return np.zeros(len(track))
    joints = np.stack([joint_at(track.poses, track.joints, joint) for joint in chain], 1)
    seen = (joints[..., 2] > 0).all(1)
    bones = np.diff(joints[..., :2].astype(np.float64), axis=1) / heights[:, None, None]
    window = 2 * round(CALM * track.fps / 2) + 1
    share = uniform_filter1d(seen.astype(np.float64), window)
    bones = uniform_filter1d(bones * seen[:, None, None], window, 0)
    length = np.linalg.norm(bones, axis=-1).sum(1)
    return np.where(seen, length / np.maximum(share, 1 / window), 0)


def bone_ratios(source: Mapping[str, float], target: Mapping[str, float]) -> dict[str, float]:
    """Per bone of the tree, the target's length over the source's, both as straight_lengths gives.

    A bone that only one of them has keeps its part of the body's height; such a hand goes with
    the forearm.
    """
    ratios = {bone: float(np.clip(target[bone] / source[bone], 1 / PLAUSIBLE, PLAUSIBLE))
              if bone in source and bone in target else 1.0 for bone in CHAINS}
    if not ('hand' in source and 'hand' in target):
        ratios['hand'] = ratios['forearm']
    return ratios


def regrow(points: np.ndarray, seen: np.ndarray, skeleton: Skeleton | str,
           ratios: Mapping[str, float]) -> np.ndarray:
    """The same body with each bone so many times as long, at the same angle.

    points   float (F, K, D) from the hips' middle, in D dimensions
    seen     bool (F, K)
    ratios   per bone, as bone_ratios gives
    Returns  float (F, K, D) from the hips' middle; what is not seen is 0

    Where the joint a bone hangs on is not seen, the next one up the tree that is stands in, and
    the stretch between grows by the mean of its bones' ratios.
    """
    skeleton = skeleton if isinstance(skeleton, Skeleton) else skeleton_of(skeleton)
    frames, _, dimensions = points.shape
    grown = np.zeros_like(points, dtype=np.float64)
    origin = np.zeros((frames, dimensions))
    # Per joint: where the nearest seen one up the tree was and is; ratios owed since, how many.
    nearest = {'MidHip': (origin, origin, np.zeros(frames), np.zeros(frames))}
    for joint, (parent, bone) in TREE.items():
        if joint not in skeleton.joints:
            continue
        k = skeleton.index(joint)
        was, is_now, owed, bones = nearest[parent]
        owed, bones = owed + ratios[bone], bones + 1
        here = is_now + (points[:, k] - was) * (owed / bones)[:, None]
        there, is_there = seen[:, k, None], seen[:, k]
        grown[:, k] = np.where(there, here, 0)
        nearest[joint] = (np.where(there, points[:, k], was), np.where(there, here, is_now),
                          np.where(is_there, 0, owed), np.where(is_there, 0, bones))
    return grown


def fit_limbs(track: PoseTrack, origin: np.ndarray, wish: np.ndarray, scale: np.ndarray,
              ratios: Mapping[str, float], patience: float,
              held: bool) -> tuple[np.ndarray, np.ndarray]:
    """One shot of a body with the target's bones, on feet that stand where the source's do.

    origin    float (F, 2) px: the source's root x and ankle line y
    wish      float (F, 2) px: where the grounds put those in the target's picture
    scale     float (F,)       target px per source px
    ratios    as bone_ratios gives
    patience  frames in which planted feet may lead away from the wish
    held      begin where the wish begins
    Returns   the path of root x and ankle line y, float (F, 2) px, and the joints from it,
              float (F, K, 2) px
    """
    shown, at = track.shown(), np.arange(len(track))
    hips = joint_at(track.poses, track.joints, 'MidHip')
    hips = np.stack([np.interp(at, at[shown], hips[shown, axis]) for axis in (0, 1)], 1)
    seen = track.poses[..., 2] > 0
    grown = regrow((track.poses[..., :2] - hips[:, None]) * scale[:, None, None], seen,
                   track.joints, ratios)

    # The ankle that bears the body, the lower one, stays as high over its line as it was.
    ankles = [track.joints.index(joint) for joint in ('RAnkle', 'LAnkle')]
    was = (track.poses[:, ankles, 1] - origin[:, 1:]) * scale[:, None]
    hip = (hips - origin) * scale[:, None]
    hips_up = float(np.median(np.abs(hip[:, 1]))) + 1.0
    share = _softly(np.where(seen[:, ankles], was, -1e6), BLEND * hips_up)
    hip[:, 1] = np.where(seen[:, ankles].any(1), (share * (was - grown[:, ankles, 1])).sum(1),
                         hip[:, 1] * (ratios['thigh'] + ratios['shin']) / 2)

    # The hips go along as one more joint, which decides where no foot stands.
    feet = foot_joints(track.joints)
    points = np.concatenate([track.poses[:, feet, :2], hips[:, None]], 1)
    moves = np.diff(points, axis=0) * ((scale[1:] + scale[:-1]) / 2)[:, None, None]
    standing = contacts(track) / (len(feet) / 2)
    weights = np.hstack([standing, np.full((len(track), 1), FREE)])
    body = np.concatenate([grown[:, feet], np.zeros((len(track), 1, 2))], 1) + hip[:, None]
    return plant(body, moves, weights, wish, patience, held), grown + hip[:, None]


def _softly(values: np.ndarray, width: float) -> np.ndarray:
    """Shares (F, N) that add up to 1: the greatest value's, blended where two are as close."""
    power = np.exp((values - values.max(1, keepdims=True)) / width)
    return power / power.sum(1, keepdims=True)
