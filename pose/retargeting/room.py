"""The room that a target needs and shows: how tall the body was, which joints were in the picture,
and how far each part of it reached beyond each edge.

Hair reaches above the face, fingers beyond wrists and soles below toes, so every joint has its own
room around it.

Shape letters: as in pose/track; P parts, 4 edges: left, top, right, bottom.
"""
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from typing import Any

import numpy as np

from pose.body import BONES, IN_TORSOS, both_sides, chain_length, joint_at, sided
from pose.retargeting.ground import visible_heights
from pose.skeleton import Skeleton
from pose.track import PoseTrack
from util.shapes import items, maybe, number, one_of, record


@dataclass(frozen=True)
class RoomSettings:
    """What an experiment may change. Lengths are shares of the body height.

    hair, hand, foot, limb   room above the topmost joint of the face, around wrists, around toes
                             and heels, around any other joint
    leeway      how much smaller or taller than ever filmed a body may be
    seconds     over which the body is moved into the picture, from the calmest way to the
                quickest; inf moves the whole shot, so that standing feet do not slide
    airborne    an ankle higher than this over its line is a jump
    shortest    the most that an arm is foreshortened, of its length, to stay in the picture
    stride      the same of a leg, which only comes nearer to the other one
    shown       share of the frames in which a joint must lie in the picture, `inside` px shares
                from its edge, to have been filmed at all
    """
    hair: float = 0.10
    hand: float = 0.06
    foot: float = 0.03
    limb: float = 0.02
    leeway: float = 0.06
    seconds: tuple[float, ...] = (math.inf, 1.0, 0.4, 0.15)
    airborne: float = 0.04
    shortest: float = 0.4
    stride: float = 0.6
    shown: float = 0.05
    inside: float = 0.04


SETTINGS = RoomSettings()
USUAL = (1, 99)               # percentiles of the target's heights: the smallest and the tallest
FURTHEST = 90                 # percentile of how far a part reaches beyond an edge; rarer is chance
THIGH = 0.5                   # of the leg
HIGHEST = 40                  # percentile of where knees are: most frames reach down to the edge
KNEES = both_sides('Knee')
LEGS = both_sides('Knee', 'Ankle', 'BigToe', 'SmallToe', 'Heel')
PARTS = ('head', 'trunk', 'arms', 'legs')


# what a record holds of one
_px = number(-1e6, 1e6)
SHAPE = record({
    'size': items(number(1, 65535, whole=True), 2), 'height': items(number(1e-3, 1e6), 2),
    'torso': number(0, 1e6), 'hips': _px, 'hidden': items(one_of(*LEGS)),
    'knees': maybe(items(_px, 2)), 'beyond': record({part: items(_px, 4) for part in PARTS})})


@dataclass(frozen=True)
class Room:
    """What a target's own frames show of the body, px.

    size       (width, height) of the picture
    height     smallest and tallest body height, as pose.retargeting.ground has it over time
    torso      usual length from neck to hips
    hips       usual y of the hips
    hidden     joints of the legs that were never in the picture
    knees      how far below the hips, and at what y, the knees are at least, where the legs end
               there at the picture's edge: higher up they would end in the air. None elsewhere
    beyond     {part: how far it reaches beyond left, top, right and bottom edge}; negative where
               bars of a letterbox end the picture before
    """
    size: tuple[int, int]
    height: tuple[float, float]
    torso: float
    hips: float
    hidden: tuple[str, ...]
    knees: tuple[float, float] | None
    beyond: Mapping[str, tuple[float, float, float, float]]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> 'Room':
        """From what to_dict gave; other keys are ignored."""
        known = {f.name: values[f.name] for f in fields(cls)}
        for name in ('size', 'height', 'hidden', 'knees'):
            known[name] = None if known[name] is None else tuple(known[name])
        known['beyond'] = {part: tuple(edges) for part, edges in known['beyond'].items()}
        return cls(**known)


def measure_room(track: PoseTrack, bars: tuple[int, int, int, int] = (0, 0, 0, 0),
                 settings: RoomSettings = SETTINGS) -> Room:
    """Measure it on the frames of a track that show a body.

    bars   px that a letterbox takes of the picture at the left, top, right and bottom
    """
    track = track.select(track.shown())
    hidden = _never_shown(track, bars[3], settings)
    track = without_joints(track, hidden)
    heights = np.concatenate([visible_heights(track.select(track.shots == shot))
                              for shot in np.unique(track.shots)])
    smallest, tallest = (float(h) for h in np.percentile(heights, USUAL))
    torso = chain_length(track.poses, track.joints, BONES['spine'])
    hips = joint_at(track.poses, track.joints, 'MidHip')[:, 1]
    over = overreach(track.poses, track.joints, heights, track.size, settings)
    beyond: dict[str, tuple[float, float, float, float]] = {}
    for part, edges in zip(PARTS, over.transpose(1, 0, 2)):
        far = np.percentile(np.maximum(edges + bars, 0), FURTHEST, axis=0) - bars
        left, top, right, bottom = (round(float(px), 2) for px in far)
        beyond[part] = left, top, right, bottom
    return Room(track.size, (smallest, tallest), float(np.median(torso)), float(np.median(hips)),
                hidden, _knees(track, hidden), beyond)


def _knees(track: PoseTrack, hidden: tuple[str, ...]) -> tuple[float, float] | None:
    """`knees` of Room."""
    if not {'RAnkle', 'LAnkle'} <= set(hidden) or {'RKnee', 'LKnee'} & set(hidden):
        return None
    hips = joint_at(track.poses, track.joints, 'MidHip')
    knees = np.stack([joint_at(track.poses, track.joints, joint) for joint in KNEES], 1)
    higher = np.where(knees[..., 2] > 0, knees[..., 1], np.inf).min(1)
    seen = np.isfinite(higher)
    if not seen.any():
        return None
    below, y = (float(np.percentile(values[seen], HIGHEST))
                for values in (higher - hips[:, 1], higher))
    return below, y


def _never_shown(track: PoseTrack, bar: int, settings: RoomSettings) -> tuple[str, ...]:
    """Joints of the legs that lie below the picture or at its edge, but for a few guesses. Of who
    was filmed to the waist not even a guess lies near the picture. bar: px that covers its end."""
    end = track.size[1] - 1 - bar
    margin = settings.inside * float(np.median(visible_heights(track)))
    hips = joint_at(track.poses, track.joints, 'MidHip')[:, 1]
    torso = chain_length(track.poses, track.joints, BONES['spine'])
    below = {'Knee': THIGH, 'Ankle': 1.0, 'BigToe': 1.0, 'SmallToe': 1.0, 'Heel': 1.0}
    hidden = []
    for joint in LEGS:
        if joint not in track.joints.joints:
            continue
        here = joint_at(track.poses, track.joints, joint)
        found = (here[:, 2] > 0).any()
        inside = (here[:, 2] > 0) & (here[:, 1] < end - margin)
        if not found:       # behind a table, or below the picture?
            found = np.median(hips + below[joint[1:]] * IN_TORSOS['leg'] * torso) > end
        if found and inside.mean() < settings.shown:
            hidden.append(joint)
    # What hangs on a joint that was never shown was not shown either.
    for side in 'RL':
        if f'{side}Ankle' in hidden:
            foot = sided(('BigToe', 'SmallToe', 'Heel'), side)
            hidden += [joint for joint in foot if joint in track.joints.joints]
    return tuple(sorted(set(hidden)))


def without_joints(track: PoseTrack, joints: tuple[str, ...]) -> PoseTrack:
    """The track in which those joints are not seen."""
    numbers = [track.joints.index(joint) for joint in joints if joint in track.joints.joints]
    if not numbers or not track.poses[:, numbers].any():
        return track
    poses = track.poses.copy()
    poses[:, numbers] = 0
    depth = None if track.depth is None else track.depth.copy()
    if depth is not None:
        depth[:, numbers] = np.nan
    return replace(track, poses=poses, depth=depth)


def part_of(joint: str) -> int:
    """The number in PARTS of a joint's part."""
    if joint == 'Nose' or joint.startswith('Face') or joint[1:] in ('Eye', 'Ear'):
        return 0
    if joint[1:] in ('Elbow', 'Wrist') or joint[1:].startswith('Hand'):
        return 2
    return 3 if joint in LEGS else 1


def _pads(joint: str, settings: RoomSettings) -> tuple[float, float, float, float]:
    """Room around a joint to the left, top, right and bottom, in body heights."""
    if part_of(joint) == 0:
        return settings.limb, settings.hair, settings.limb, settings.limb
    around = settings.limb
    if joint.endswith('Wrist'):
        around = settings.hand
    elif joint.endswith(('Toe', 'Heel', 'Ankle')):
        around = settings.foot
    return around, around, around, around


def overreach(poses: np.ndarray, skeleton: Skeleton, heights: np.ndarray, size: tuple[int, int],
              settings: RoomSettings | None = SETTINGS) -> np.ndarray:
    """px (F, P, 4) that each part reaches beyond each edge, negative inside, -inf if not seen.

    heights   float (F,) px
    settings  None: the joints alone, without room around them
    """
    return joint_overreach(poses, skeleton, heights, size, settings)[1]


def joint_overreach(poses: np.ndarray, skeleton: Skeleton, heights: np.ndarray,
                     size: tuple[int, int], settings: RoomSettings | None
                     ) -> tuple[np.ndarray, np.ndarray]:
    """overreach joint by joint (F, K, 4), and part by part (F, P, 4)."""
    x, y = poses[..., 0], poses[..., 1]
    over = np.stack([-x, -y, x - (size[0] - 1), y - (size[1] - 1)], -1).astype(np.float64)
    if settings:
        over += _all_pads(skeleton, settings) * heights[:, None, None]
    over[poses[..., 2] == 0] = -np.inf
    parts = [over[:, joints].max(1) for joints in _joints_of_parts(skeleton)]
    return over, np.stack(parts, 1)


@cache
def _all_pads(skeleton: Skeleton, settings: RoomSettings) -> np.ndarray:
    """float (K, 4): _pads of every joint."""
    return np.array([_pads(joint, settings) for joint in skeleton.joints])


@cache
def _joints_of_parts(skeleton: Skeleton) -> list[np.ndarray]:
    """The numbers of the joints of each of PARTS."""
    of_part = np.array([part_of(joint) for joint in skeleton.joints])
    return [np.flatnonzero(of_part == part) for part in range(len(PARTS))]


def framed(track: PoseTrack, room: Room) -> float:
    """Share of the shown frames that are framed."""
    shown = track.select(track.shown())
    if not len(shown):
        return 1.0
    return float(np.mean([is_framed(pose, shown.joints, track.size, room)
                          for pose in shown.poses]))


def is_framed(pose: np.ndarray, skeleton: Skeleton, size: tuple[int, int],
              room: Room | None) -> bool:
    """Whether the joints of a pose (K, 3) lie in a picture of that (width, height), but for parts
    that reached beyond that edge in the target's own frames."""
    over = overreach(pose[None], skeleton, np.zeros(1), size, None)
    may = 0.0
    if room:
        may = allowed(room) * np.tile(np.divide(size, room.size), 2)
    return bool((over <= may + 0.5).all())


def allowed(room: Room) -> np.ndarray:
    """px (P, 4) that each part may reach beyond each edge."""
    return np.array([room.beyond[part] for part in PARTS])
