"""Which ways a person was ever filmed: what pose.retargeting.facing holds poses against.

Shapes as in pose/track. Angles as there.
"""
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from pose.body import heights
from pose.matching.coverage import shapes
from pose.retargeting.heads import SHAPE as HEAD_SHAPE
from pose.retargeting.heads import Head, head_angles, measure_head
from pose.retargeting.turned import NO_LIMIT, signed_width, trunk_angles
from pose.track import PoseTrack
from util.shapes import items, maybe, number, record, table

WAYS = ('front', 'back', 'left', 'right')


@dataclass(frozen=True)
class FacingSettings:
    """What an experiment may change.

    turned    |turn| beyond which a body is seen from the front or the back, as in coverage.turns
    seconds   how long a way must be filmed, and ...
    share     ... in how much of the film: a detector's few wrong frames show nothing
    shortest  seconds: no stretch that is shown exchanged, or not, is shorter
    clear     |turn| that a stretch must reach somewhere; less is a profile that wavers
    leeway    degrees that a pose may be turned further than the target was: bending real frames
              so far still looks right, and more would take the turn out of the dance
    head      the same of a head: a face is bent less well than a shirt
    frontal   degrees: the most that `front` leaves, whatever the target showed
    settle    seconds over which shoulders move apart or together
    """
    turned: float = 0.4
    seconds: float = 0.3
    share: float = 0.01
    shortest: float = 0.3
    clear: float = 0.25
    leeway: float = 40.0
    head: float = 25.0
    frontal: float = 60.0
    settle: float = 0.24


SETTINGS = FacingSettings()
EXTREME = (2, 98)             # percentiles of the angles: the furthest turns to either side


# what a record holds of one
_degrees = items(number(-360, 360), 2)
_filmed = record({way: number(0, 1e9) for way in WAYS})
SHAPE = record({
    'trunk': _filmed, 'head': _filmed, 'trunk_range': _degrees, 'head_range': _degrees,
    'widths': table(number(0, 10)), 'shape': maybe(HEAD_SHAPE)})


@dataclass(frozen=True)
class Facing:
    """Which ways a person was filmed.

    trunk, head   {way: seconds}, ways as in WAYS
    trunk_range   degrees: furthest to the left and to the right, of frames not from behind
    head_range    the same of the head
    widths        shoulders and hips from the front, as shares of the body height
    shape         the head from the front, None where it was never seen so
    """
    trunk: Mapping[str, float]
    head: Mapping[str, float]
    trunk_range: tuple[float, float]
    head_range: tuple[float, float]
    widths: Mapping[str, float]
    shape: Head | None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> 'Facing':
        """From what to_dict gave; other keys are ignored."""
        known = {f.name: values[f.name] for f in fields(cls)}
        known['trunk_range'] = tuple(known['trunk_range'])
        known['head_range'] = tuple(known['head_range'])
        known['shape'] = Head.from_dict(known['shape']) if known['shape'] else None
        return cls(**known)

    def showed(self, way: str, head: bool = False, settings: FacingSettings = SETTINGS) -> bool:
        """Whether that way was filmed long enough to be painted from it."""
        seconds = self.head if head else self.trunk
        return seconds[way] >= max(settings.seconds, settings.share * sum(seconds.values()))


def measure_facing(track: PoseTrack) -> Facing:
    """Measure it on the frames of a track that show a body."""
    track = track.select(track.shown())
    body = shapes(track.poses, track.joints)
    angles = trunk_angles(track)
    height = np.maximum(heights(track.poses, track.joints), 1e-6)
    head = measure_head(track, height, body.turn > SETTINGS.turned)
    head_turn = head_angles(track, height, head)
    widths = {}
    for joint in ('Shoulder', 'Hip'):
        width = np.abs(signed_width(track.poses, track.joints, joint)) / height
        widths[joint] = float(np.percentile(width, EXTREME[1])) if len(width) else 0.0
    return Facing(_seconds(angles, track.fps), _seconds(head_turn, track.fps), _range(angles),
                  _range(head_turn), widths, head)


def _seconds(angles: np.ndarray, fps: float) -> dict[str, float]:
    """How long each of WAYS was filmed; NaN counts for none."""
    turn = np.cos(np.radians(angles))
    sideways = np.abs(turn) <= SETTINGS.turned
    masks = (turn > SETTINGS.turned, turn < -SETTINGS.turned, sideways & (angles < 0),
             sideways & (angles > 0))
    return {way: round(float(mask.sum() / fps), 3) for way, mask in zip(WAYS, masks)}


def _range(angles: np.ndarray) -> tuple[float, float]:
    """The furthest angles to the left and to the right among those not from behind."""
    facing = angles[np.abs(angles) <= NO_LIMIT]
    if not len(facing):
        return 0.0, 0.0
    left, right = np.percentile(facing, EXTREME)
    return min(0.0, float(left)), max(0.0, float(right))
