"""Bone lengths, and the same pose with bones of another length. Shapes as in pose/track.

The length of a bone in px says little: a limb that points at the camera is foreshortened. Many
frames show the straight length, and the ratio of two bodies' straight lengths turns one body's
bone in a frame into the other's: its angle and its foreshortening stay.

A foot is seen foreshortened in nearly every frame, so it is not measured but scales with the shin.
"""
from collections.abc import Mapping

import numpy as np

from pose.body import BONES, TREE, joint_at, sided
from pose.retargeting.feet import FREE, contacts, foot_joints, plant
from pose.skeleton import Skeleton, skeleton_of
from pose.track import PoseTrack

STRAIGHT = 95                 # percentile of a bone's seen lengths that is its straight one
CALM = 0.2                    # seconds over which a bone is averaged before it is measured
ENOUGH = 20                   # frames that show a bone before it is measured
PLAUSIBLE = 1.5               # how much longer, at most, one body's bone is than another's
BLEND = 0.04                  # of the hips' height: ankles as close as that both bear the body
SCALES_WITH = {'foot': 'shin'}      # bones that are not measured themselves
BODY_BONES = tuple(bone for bone in BONES if bone not in ('face', 'hand'))


def straight_lengths(track: PoseTrack, heights: np.ndarray) -> dict[str, float]:
    """How long each bone is when it is straight, as a share of the body's height.

    heights  float (F,) px: the body's height at its place in each frame
    Returns  a value per bone that ENOUGH frames show, left and right averaged
    """
    return _straight(_seen_lengths(track, heights))


def _seen_lengths(track: PoseTrack, heights: np.ndarray) -> dict[str, list[np.ndarray]]:
    """float (F,) body heights: how long each bone is seen, 0 where it is not; by the bone's name,
    one for each side."""
    return {bone: [_laid_out(track, chain, heights)
                   for chain in sorted({sided(joints, side) for side in 'RL'})]
            for bone, joints in BONES.items()}


def _straight(seen: Mapping[str, list[np.ndarray]]) -> dict[str, float]:
    """As straight_lengths, of what _seen_lengths gives."""
    lengths = {}
    for bone, sides in seen.items():
        straight = []
        for length in sides:
            if (length > 0).sum() >= ENOUGH:
                straight.append(float(np.percentile(length[length > 0], STRAIGHT)))
        if straight:
            lengths[bone] = float(np.mean(straight))
    return lengths


class LiveBones:
    """`straight_lengths`, of all that was seen so far: three seconds show few limbs straight. Of
    six real clips they gave forearms up to 22 % too short, and shoulders up to 29 %."""

    MOST = 300              # frames that are remembered

    def __init__(self) -> None:
        self.seen: dict[str, list[np.ndarray]] = {}

    def __call__(self, track: PoseTrack, heights: np.ndarray) -> dict[str, float]:
        """Learn from more frames; what is known now, as straight_lengths gives it."""
        for bone, sides in _seen_lengths(track, heights).items():
            known = self.seen.get(bone, [np.zeros(0)] * len(sides))
            self.seen[bone] = [np.concatenate([old, new])[-self.MOST:]
                               for old, new in zip(known, sides, strict=True)]
        return _straight(self.seen)


def _laid_out(track: PoseTrack, chain: tuple[str, ...], heights: np.ndarray) -> np.ndarray:
    """float (F,) body heights: how long a chain of joints is; 0 where one is not seen.

    Each bone is a mean over CALM: noise makes the longest of many lengths too long.
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


def bone_ratios(source: Mapping[str, float], target: Mapping[str, float],
                most: float = PLAUSIBLE) -> dict[str, float]:
    """Per bone, the target's length over the source's, both as straight_lengths gives; at most
    `most` times as long or short.

    A bone that only one of them has keeps its share of the body's height; such a hand scales with
    the forearm.
    """
    ratios = dict.fromkeys(BONES, 1.0)
    for bone in BONES:
        if bone in source and bone in target:
            ratio = target[bone] / source[bone]
            ratios[bone] = float(np.clip(ratio, 1 / most, most))
    if not ('hand' in source and 'hand' in target):
        ratios['hand'] = ratios['forearm']
    return ratios


def regrow(points: np.ndarray, seen: np.ndarray, skeleton: Skeleton | str,
           ratios: Mapping[str, float]) -> np.ndarray:
    """The same body with each bone scaled by its ratio, at the same angle.

    points   float (F, K, D) from the hips' middle, in D dimensions
    seen     bool (F, K)
    ratios   per bone, as bone_ratios gives
    Returns  float (F, K, D) from the hips' middle; what is not seen is 0

    Where a joint's parent is not seen, its nearest seen ancestor is used instead, and the way from
    there is scaled by the mean of the ratios of the bones between.
    """
    skeleton = skeleton if isinstance(skeleton, Skeleton) else skeleton_of(skeleton)
    frames, _, dimensions = points.shape
    grown = np.zeros_like(points, dtype=np.float64)
    origin = np.zeros((frames, dimensions))
    # Per joint: where its nearest seen ancestor was and is; the sum of the ratios since, how many.
    nearest = {'MidHip': (origin, origin, np.zeros(frames), np.zeros(frames))}
    for joint, (parent, bone) in TREE.items():
        if joint not in skeleton.joints:
            continue
        k = skeleton.index(joint)
        was, is_now, owed, bones = nearest[parent]
        owed = owed + ratios[SCALES_WITH.get(bone, bone)]
        bones = bones + 1
        here = is_now + (points[:, k] - was) * (owed / bones)[:, None]
        there, is_there = seen[:, k, None], seen[:, k]
        grown[:, k] = np.where(there, here, 0)
        nearest[joint] = (np.where(there, points[:, k], was), np.where(there, here, is_now),
                          np.where(is_there, 0, owed), np.where(is_there, 0, bones))
    return grown


def fit_limbs(track: PoseTrack, origin: np.ndarray, wish: np.ndarray, scale: np.ndarray,
              ratios: Mapping[str, float], patience: float,
              held: bool) -> tuple[np.ndarray, np.ndarray]:
    """One shot of a body with the target's bones, on feet that stand where the source's feet do.

    origin    float (F, 2) px: the source's root x and ankle line y
    wish      float (F, 2) px: where the grounds put those in the target's picture
    scale     float (F,)       target px per source px
    ratios    as bone_ratios gives
    patience  frames in which planted feet may lead away from the wish
    held      start where the wish starts
    Returns   the path of root x and ankle line y, float (F, 2) px, and the joints from it,
              float (F, K, 2) px
    """
    shown = track.shown()
    at = np.arange(len(track))
    hips = joint_at(track.poses, track.joints, 'MidHip')
    hips = np.stack([np.interp(at, at[shown], hips[shown, axis]) for axis in (0, 1)], 1)
    grown, hip = standing_body(track.poses, track.joints, hips, origin, scale, ratios)

    # The hips are one more joint, which decides where no foot stands.
    feet = foot_joints(track.joints)
    points = np.concatenate([track.poses[:, feet, :2], hips[:, None]], 1)
    moves = np.diff(points, axis=0) * ((scale[1:] + scale[:-1]) / 2)[:, None, None]
    standing = contacts(track) / (len(feet) / 2)
    weights = np.hstack([standing, np.full((len(track), 1), FREE)])
    body = np.concatenate([grown[:, feet], np.zeros((len(track), 1, 2))], 1) + hip[:, None]
    return plant(body, moves, weights, wish, patience, held), grown + hip[:, None]


def standing_body(poses: np.ndarray, skeleton: Skeleton, hips: np.ndarray, origin: np.ndarray,
                  scale: np.ndarray, ratios: Mapping[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """Bodies with the target's bones: joints from the hips, float (F, K, 2) px, and the hips from
    root x and ankle line, float (F, 2) px. Arguments as fit_limbs takes them.

    poses  float (F, K, 3);  hips  float (F, 2) px
    """
    seen = poses[..., 2] > 0
    grown = regrow((poses[..., :2] - hips[:, None]) * scale[:, None, None], seen, skeleton, ratios)

    # The lower ankle bears the body: it stays as high over its line as it was.
    ankles = [skeleton.index(joint) for joint in ('RAnkle', 'LAnkle')]
    was = (poses[:, ankles, 1] - origin[:, 1:]) * scale[:, None]
    hip = (hips - origin) * scale[:, None]
    hips_up = float(np.median(np.abs(hip[:, 1]))) + 1.0
    share = _softly(np.where(seen[:, ankles], was, -1e6), BLEND * hips_up)
    hip[:, 1] = np.where(seen[:, ankles].any(1), (share * (was - grown[:, ankles, 1])).sum(1),
                         hip[:, 1] * (ratios['thigh'] + ratios['shin']) / 2)
    return grown, hip


def _softly(values: np.ndarray, width: float) -> np.ndarray:
    """Shares (F, N) that add up to 1: all for the greatest value, blended where two are close."""
    power = np.exp((values - values.max(1, keepdims=True)) / width)
    return power / power.sum(1, keepdims=True)
