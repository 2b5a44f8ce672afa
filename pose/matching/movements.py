"""Movements that a video of somebody should show, and whether it does: plain rules on joints.

A dancer's movement that the target was never filmed doing has no pixels to be painted from. The
same list gives docs/filming.md its script, and a dataset's report what is missing.

Shape letters: F frames, S sides of a movement. Places are in % of the body height (pose.body) from
the middle of the hips, y down; left and right are the person's own.
"""
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from pose.body import LEG, across, both_sides, heights, joint_at
from pose.retargeting.facing import turned_away
from pose.retargeting.filmed_ways import SETTINGS as FACING
from pose.retargeting.heads import head_angles, measure_head
from pose.retargeting.turned import trunk_angles
from pose.stretches import runs, shot_slices
from pose.track import PoseTrack

ABOVE = 2.0                 # %: a wrist so far above the eyes is up, also with a noisy joint
STRETCHED = 28.0            # % from the neck: more than an arm bent at a right angle reaches
CROSSED = 2.0               # % beyond the middle of the trunk: past a clap's hands
BEFORE = 10.0               # % to either side of the middle, as wide as the shoulders
CROUCHED = 0.6              # of a standing leg: a bow or a soft knee leaves more
WIDE = 32.0                 # % between the ankles: more than a stance as wide as the hips
LIFTED = 14.0               # % between the ankles: more than a step on the way nearer
LEANING = 12.0              # degrees of the spine: a shift of weight gives half of that
LOOKING = 30.0              # degrees of the head: a face bends well up to about that

ENOUGH = 0.5                # seconds of a side: a dozen frames to choose from at 25 a second
SHORTEST = 0.12             # seconds: what is shorter may be a few wrong joints
DONE = 0.3                  # seconds of a dancer's: a kick is short, and looks wrong all the same
LOST = 2.5                  # frames: after more, nobody knows what was done in between
SELDOM = 0.2                # of the frames: joints seen in fewer are not in the picture


class Bodies:
    """What the rules read of a track: the places of joints, and angles."""

    def __init__(self, track: PoseTrack):
        self.track = track
        self.size = np.maximum(heights(track.poses, track.joints), 1e-6)
        self.hips = joint_at(track.poses, track.joints, 'MidHip')[:, :2]

    def at(self, joint: str) -> np.ndarray:
        """float (F, 2): a joint; NaN where it is not seen, so that no comparison with it is
        true."""
        place = joint_at(self.track.poses, self.track.joints, joint)[:, :2]
        place = 100 * (place - self.hips) / self.size[:, None]
        return np.where(self.visible(joint)[:, None], place, np.nan)

    def visible(self, joint: str) -> np.ndarray:
        """bool (F,): a joint is found, and in the picture: what lies outside has no pixels."""
        found = joint_at(self.track.poses, self.track.joints, joint)
        inside = (found[:, :2] > -0.5) & (found[:, :2] < np.array(self.track.size) - 0.5)
        return (found[:, 2] > 0) & inside.all(1)

    def aside(self, joint: str) -> np.ndarray:
        """float (F,): how far a joint lies across the trunk from its middle, positive to the right
        of the picture."""
        track = self.track
        return across(self.at(joint) - self.at('Neck') / 2, track.poses, track.joints)

    @cached_property
    def angle(self) -> np.ndarray:
        """degrees (F,) of the trunk: 0 faces the camera, 90 the right of the picture."""
        return trunk_angles(self.track)

    @cached_property
    def turn(self) -> np.ndarray:
        """float (F,): 1 faces the camera, -1 away from it, without a detector's short mistakes."""
        turn = np.abs(np.cos(np.radians(self.angle)))
        return np.where(turned_away(self.track), -turn, turn)

    @property
    def front(self) -> np.ndarray:
        return self.turn > FACING.turned

    @cached_property
    def head(self) -> np.ndarray:
        """degrees (F,) of the head; NaN where too little of it is seen."""
        shape = measure_head(self.track, self.size, self.front)
        return head_angles(self.track, self.size, shape)


Rule = Callable[[Bodies], Mapping[str, np.ndarray]]


def _front(body: Bodies) -> Mapping[str, np.ndarray]:
    return {'': body.front}


def _sideways(body: Bodies) -> Mapping[str, np.ndarray]:
    sideways = np.abs(body.turn) <= FACING.turned
    return {'left': sideways & (body.angle > 0), 'right': sideways & (body.angle < 0)}


def _back(body: Bodies) -> Mapping[str, np.ndarray]:
    return {'': body.turn < -FACING.turned}


def _arms_up(body: Bodies) -> Mapping[str, np.ndarray]:
    eyes = np.fmin(body.at('REye')[:, 1], body.at('LEye')[:, 1])
    eyes = np.where(np.isnan(eyes), body.at('Nose')[:, 1] - ABOVE, eyes)
    return {'left': body.at('LWrist')[:, 1] < eyes - ABOVE,
            'right': body.at('RWrist')[:, 1] < eyes - ABOVE}


def _arms_out(body: Bodies) -> Mapping[str, np.ndarray]:
    neck = body.at('Neck')[:, 0]
    return {'left': np.abs(body.at('LWrist')[:, 0] - neck) > STRETCHED,
            'right': np.abs(body.at('RWrist')[:, 0] - neck) > STRETCHED}


def _before_trunk(body: Bodies, wrist: str) -> np.ndarray:
    """bool (F,): a wrist as high as the trunk."""
    height = body.at(wrist)[:, 1]
    return (height < 0) & (height > body.at('Neck')[:, 1])


def _crossed(body: Bodies) -> Mapping[str, np.ndarray]:
    over = (body.aside('RWrist') > CROSSED) & (body.aside('LWrist') < -CROSSED)
    return {'': (body.front & over & _before_trunk(body, 'RWrist')
                 & _before_trunk(body, 'LWrist'))}


def _before(body: Bodies) -> Mapping[str, np.ndarray]:
    found = {}
    for side, wrist in (('left', 'LWrist'), ('right', 'RWrist')):
        near = np.abs(body.aside(wrist)) < BEFORE
        found[side] = body.front & near & _before_trunk(body, wrist)
    return found


def _crouch(body: Bodies) -> Mapping[str, np.ndarray]:
    lowest = np.fmax(body.at('RAnkle')[:, 1], body.at('LAnkle')[:, 1])
    return {'': lowest < CROUCHED * 100 * LEG}


def _wide(body: Bodies) -> Mapping[str, np.ndarray]:
    return {'': np.abs(body.at('RAnkle')[:, 0] - body.at('LAnkle')[:, 0]) > WIDE}


def _foot_up(body: Bodies) -> Mapping[str, np.ndarray]:
    higher = body.at('RAnkle')[:, 1] - body.at('LAnkle')[:, 1]
    return {'left': higher > LIFTED, 'right': higher < -LIFTED}


def _lean(body: Bodies) -> Mapping[str, np.ndarray]:
    neck = body.at('Neck')
    angle = np.degrees(np.arctan2(neck[:, 0], -neck[:, 1])) * np.sign(body.turn)
    plain = np.abs(body.turn) > FACING.turned          # in profile it is a bow
    return {'left': plain & (angle > LEANING), 'right': plain & (angle < -LEANING)}


def _look(body: Bodies) -> Mapping[str, np.ndarray]:
    return {'left': body.front & (body.head > LOOKING),
            'right': body.front & (body.head < -LOOKING)}


@dataclass(frozen=True)
class Movement:
    """One thing to do before the camera.

    name     as it is called everywhere
    do       what to do, for somebody who films
    seconds  how long to film it
    rule     a body's frames that show it, bool (F,) for each side; '' where it has no sides
    needs    joints without which it cannot be seen
    """
    name: str
    do: str
    seconds: int
    rule: Rule = field(repr=False)
    needs: tuple[str, ...] = ()


_WRISTS = both_sides('Wrist')
_ANKLES = both_sides('Ankle')

# In the order of the script of docs/filming.md.
MOVEMENTS = (
    Movement('facing the camera', 'stand still, facing the camera, arms hanging', 5, _front),
    Movement('sideways', 'turn a quarter to your left and stand, then to your right', 14,
             _sideways),
    Movement('back', 'turn round slowly, and stand with your back to the camera', 12, _back),
    Movement('head turned', 'facing the camera, look over the left shoulder, then the right', 8,
             _look, both_sides('Ear')),
    Movement('arms up', 'raise the left arm above the head, then the right, then both', 12,
             _arms_up, _WRISTS),
    Movement('arms out', 'stretch both arms out to the sides, and let them circle', 8, _arms_out,
             _WRISTS),
    Movement('hands before the chest', 'bring the hands together before the chest, as to clap', 8,
             _before, _WRISTS),
    Movement('arms crossed', 'cross the arms before the chest, hold, and change the upper one', 8,
             _crossed, _WRISTS),
    Movement('crouching', 'bend the knees deeply, slowly down and up, three times', 12, _crouch,
             _ANKLES),
    Movement('wide step', 'step wide to the left, stand, and wide to the right', 10, _wide,
             _ANKLES),
    Movement('foot up', 'lift the left knee or foot high, then the right', 8, _foot_up, _ANKLES),
    Movement('leaning', 'lean the upper body to the left, then to the right', 8, _lean))


@dataclass(frozen=True)
class Filmed:
    """How much of a movement a video shows.

    seen   whether its joints are in the picture
    spans  {side: [(start, end) seconds], the longest first}
    """
    movement: Movement
    seen: bool
    spans: Mapping[str, Sequence[tuple[float, float]]]

    def seconds(self, side: str) -> float:
        return sum(end - start for start, end in self.spans[side])

    def missing(self) -> list[str]:
        """The sides that are not shown for long enough; none where they cannot be seen."""
        return [side for side in self.spans if self.seen and self.seconds(side) < ENOUGH]


def measure_movements(track: PoseTrack, counted: np.ndarray | None = None) -> list[Filmed]:
    """How much of each movement the track shows.

    counted  bool (F,): the frames that count; None: all that are shown
    """
    shown = track.shown()
    body = Bodies(track.select(shown))
    counts = np.ones(len(body.track), bool) if counted is None else counted[shown]
    return [_filmed(movement, body, counts) for movement in MOVEMENTS]


def _filmed(movement: Movement, body: Bodies, counts: np.ndarray) -> Filmed:
    track = body.track
    least = max(SELDOM * len(track), 1)
    seen = len(track) > 0 and all(body.visible(joint).sum() >= least for joint in movement.needs)
    spans = {}
    for side, mask in movement.rule(body).items():
        times = _spans(track, mask & counts)
        long = [(start, end) for start, end in times if end - start >= SHORTEST]
        spans[side] = sorted(long, key=lambda span: span[0] - span[1])
    return Filmed(movement, seen, spans)


def _spans(track: PoseTrack, mask: np.ndarray) -> list[tuple[float, float]]:
    """(start, end) seconds in which bool (F,) is true; none goes on over frames that are missing,
    or over a cut."""
    apart = np.diff(track.times) > LOST / track.fps
    pieces = np.cumsum(np.concatenate([[False], apart | (np.diff(track.shots) != 0)]))
    found = []
    for piece in shot_slices(pieces):
        for run in runs(mask[piece]):
            times = track.times[piece][run]
            found.append((float(times[0]), float(times[-1]) + 1 / track.fps))
    return found
