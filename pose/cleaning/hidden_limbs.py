"""Limbs that the camera does not show: an arm behind the body, legs below the picture.

A dancer seen from the side shows one arm, one filmed to the knees no feet. Whoever is painted so
has them all: what is not in the pose would be missing on the person, in plain sight. An arm stays
where the detector guesses it; it need not be right, only possible. One that the painted body hides
as well is left out. Of legs that a whole shot cuts
off, the detector guesses whatever fits into the picture: they are made up, standing on a floor.

Shapes as in pose/track.
"""
from dataclasses import replace

import numpy as np

from pose.body import BONES, IN_TORSOS, LEG, TREE, both_sides, chain_length, joint_at
from pose.cleaning.bone_lengths import proportions
from pose.skeleton import Skeleton
from pose.stretches import runs, shot_slices
from pose.track import PoseTrack

ARM = both_sides('Elbow', 'Wrist')      # outwards: an elbow is known before its wrist
LONGEST = 1.2           # of the bone's usual length: a longer guess is none that an arm can have
GUESSED = 0.05          # the confidence of a guessed arm, which tells it from a found one
# Of legs below the picture. Ankles that lie in it in fewer frames of a shot are chance.
RARELY = 0.3
STRAIGHT = 80           # percentile of a torso's lengths that is its straight one
STANDING = 25           # percentile of how low hips are: feet reach the floor from there
THIGH = 0.51            # of the leg
CALM = 2.0              # s: feet follow the hips across the floor so slowly
STANCE = 1.4            # how far ankles are apart, in what hips are
# Toe and heel from the ankle, in body heights: towards where the head points, outwards, down.
TOE, HEEL = (0.07, 0.02, 0.045), (-0.02, 0.0, 0.02)
SURE = 0.3              # the confidence of what is made up


def with_hidden_arms(track: PoseTrack, guessed: PoseTrack) -> PoseTrack:
    """The track with elbows and wrists that it lacks where `guessed`, the same frames, has them.

    Guesses that make a bone longer than the person's are left out, wrists without an elbow too.
    """
    lacks = possible_arms(track.poses, guessed.poses, track.joints, *proportions(track))
    lacks &= track.shown()[:, None]
    depth = track.depth
    if depth is not None and guessed.depth is not None:
        depth = np.where(lacks, guessed.depth, depth)
    guesses = guessed.poses.copy()
    guesses[..., 2] = GUESSED
    return replace(track, poses=np.where(lacks[..., None], guesses, track.poses), depth=depth)


def without_arms_behind(track: PoseTrack, before: np.ndarray) -> PoseTrack:
    """The track without guessed arms that the painted body hides as the dancer's does: a hand alone
    would show at its edge.

    before   bool (F,): the body is shown so that both arms are before it or next to it

    Each stretch of guesses is kept or left out as a whole, so that no arm flickers.
    """
    arms = [track.joints.index(name) for name in ARM]
    behind = np.zeros(track.poses.shape[:2], bool)
    for joint in arms:
        for run in runs(np.isclose(track.poses[:, joint, 2], GUESSED)):
            behind[run, joint] = before[run].mean() < 0.5
    if not behind.any():
        return track
    depth = None if track.depth is None else np.where(behind, np.nan, track.depth)
    return replace(track, poses=np.where(behind[..., None], 0, track.poses), depth=depth)


def possible_arms(poses: np.ndarray, guessed: np.ndarray, table: Skeleton, lengths: np.ndarray,
                  scale: np.ndarray) -> np.ndarray:
    """bool (F, K): elbows and wrists that poses (F, K, 3) lack and `guessed`, alike, has, where an
    arm of this person can have them.

    lengths, scale   as bone_lengths.proportions gives them
    """
    lacks = np.zeros(poses.shape[:2], bool)
    for name in ARM:
        joint, parent = (table.index(each) for each in (name, TREE[name][0]))
        known = (poses[:, parent, 2] > 0) | lacks[:, parent]
        near = np.where(lacks[:, parent, None], guessed[:, parent, :2], poses[:, parent, :2])
        long = np.hypot(*(guessed[:, joint, :2] - near).T)
        possible = long <= LONGEST * np.nan_to_num(lengths[joint]) * scale
        lacks[:, joint] = (poses[:, joint, 2] == 0) & (guessed[:, joint, 2] > 0) & known & possible
    return lacks


def legs_below(track: PoseTrack) -> np.ndarray:
    """bool (F,): frames of shots that end above the ankles."""
    ankles = np.stack([joint_at(track.poses, track.joints, name)
                       for name in both_sides('Ankle')], 1)
    inside = ((ankles[..., 2] > 0) & (ankles[..., 1] < track.size[1] - 1)).any(1)
    torso_end = joint_at(track.poses, track.joints, 'MidHip')[:, 1]
    below = np.zeros(len(track), bool)
    for shot in shot_slices(track.shots):
        rows = shot.start + np.flatnonzero(track.shown()[shot])
        if len(rows) and inside[rows].mean() < RARELY:
            floor = torso_end[rows] + _leg(track.select(rows))
            below[rows] = np.median(floor) > track.size[1] - 1
    return below


def with_legs_below(track: PoseTrack) -> PoseTrack:
    """The track with standing legs in shots that end above the ankles; knees stay where they were
    found, and a raised one lifts its foot."""
    below = legs_below(track)
    if not below.any():
        return track
    poses = track.poses.copy()
    depth = None if track.depth is None else track.depth.copy()
    for shot in shot_slices(track.shots):
        rows = shot.start + np.flatnonzero(below[shot])
        if len(rows):
            part = track.select(rows)
            for name, places in _standing(part).items():
                joint = track.joints.index(name)
                poses[rows, joint, :2] = places
                poses[rows, joint, 2] = np.where(poses[rows, joint, 2] > 0,
                                                 poses[rows, joint, 2], SURE)
                if depth is not None:
                    hip = depth[rows, track.joints.index(name[0] + 'Hip')]
                    depth[rows, joint] = hip
            guessed = [track.joints.index(name) for name in both_sides('SmallToe')
                       if name in track.joints.joints]
            poses[np.ix_(rows, guessed)] = 0        # the detector's, somewhere in the picture
    return replace(track, poses=poses, depth=depth)


def _leg(track: PoseTrack) -> float:
    """px: how long the legs of a shot are, by the torso."""
    torso = chain_length(track.poses, track.joints, BONES['spine'])
    return float(IN_TORSOS['leg'] * np.percentile(torso, STRAIGHT))


def _standing(track: PoseTrack) -> dict[str, np.ndarray]:
    """{joint: px (F, 2)} of knees, ankles and feet of a shot that shows a torso in each frame."""
    from scipy.ndimage import uniform_filter1d
    table, leg = track.joints, _leg(track)
    middle = joint_at(track.poses, table, 'MidHip')[:, :2].astype(np.float64)
    window = 2 * max(1, round(CALM * track.fps / 2)) + 1
    floor = float(np.percentile(middle[:, 1], STANDING)) + leg
    ahead = _ahead(track, window)
    made = {}
    for side in 'RL':
        hip = joint_at(track.poses, table, f'{side}Hip').astype(np.float64)
        hip = np.where(hip[:, 2:] > 0, hip[:, :2], middle)
        apart = STANCE * (hip[:, 0] - middle[:, 0])
        across = uniform_filter1d(middle[:, 0] + apart, window, mode='nearest')
        foot = np.stack([across, np.full(len(track), floor)], 1)
        knee = _knee(joint_at(track.poses, table, f'{side}Knee'), hip, foot, THIGH * leg)
        ankle = _reached(knee, foot, (1 - THIGH) * leg)
        made[f'{side}Knee'], made[f'{side}Ankle'] = knee, ankle
        outwards = np.sign(uniform_filter1d(apart, window, mode='nearest'))
        for joint, (way, out, down) in (('BigToe', TOE), ('Heel', HEEL)):
            if f'{side}{joint}' in table.joints:
                x = way * ahead + out * outwards * (1 - np.abs(ahead))
                made[f'{side}{joint}'] = ankle + np.stack(
                    [x, np.full(len(track), down)], 1) * leg / LEG
    return made


def _knee(found: np.ndarray, hip: np.ndarray, foot: np.ndarray, thigh: float) -> np.ndarray:
    """px (F, 2): the knee as found, and between finds as far from a straight leg as there."""
    straight = _reached(hip, foot, thigh)
    rows = np.flatnonzero(found[:, 2] > 0)
    if not len(rows):
        return straight
    bent = found[rows, :2] - straight[rows]
    at = np.arange(len(found))
    away = np.stack([np.interp(at, rows, bent[:, axis]) for axis in (0, 1)], 1)
    return _reached(hip, straight + away, thigh * LONGEST)


def _reached(start: np.ndarray, end: np.ndarray, most: float) -> np.ndarray:
    """px (F, 2): the end, or as far as that many px towards it reach."""
    way = end - start
    length = np.maximum(np.hypot(way[:, 0], way[:, 1]), 1e-6)
    return start + way * np.minimum(1, most / length)[:, None]


def _ahead(track: PoseTrack, window: int) -> np.ndarray:
    """float (F,): where the head points, -1 for the left of the picture to 1 for the right."""
    from scipy.ndimage import uniform_filter1d
    nose, neck = (joint_at(track.poses, track.joints, name) for name in ('Nose', 'Neck'))
    high = np.maximum(np.abs(nose[:, 1] - neck[:, 1]), 1e-6)
    ahead = np.where(nose[:, 2] > 0, (nose[:, 0] - neck[:, 0]) / high, 0.0)
    return np.asarray(uniform_filter1d(ahead.clip(-1, 1), window, mode='nearest'))
