"""Which ways a person was ever filmed, and poses shown only those ways.

A target who never turned her back is not painted from behind: left and right joints are exchanged,
depth with the opposite sign, which is the body's reflection in the plane of the picture. The
outline stays where it is; the body faces the camera. A reflection changes nothing of shoulders
seen in line, so stretches of time begin and end there.

A body turned further to a side than the target ever was is shown less turned: shoulders and hips
are moved apart, arms with their shoulders. Mirroring it instead would make a step to the left one
to the right, and would jump wherever a body is not symmetric.

Shapes as in pose/track. Angles are degrees from facing the camera, positive to the right of the
picture.
"""
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from pose.body import heights
from pose.matching.coverage import shapes
from pose.retargeting.heads import SHAPE as HEAD_SHAPE
from pose.retargeting.heads import Head, head_angles, measure_head, rebuild_heads
from pose.retargeting.turned import (
    NO_LIMIT,
    exchanged,
    less_turned,
    signed_width,
    trunk_angles,
)
from pose.stretches import runs, shot_slices
from pose.track import PoseTrack
from util.shapes import items, maybe, number, record, table

HOW = ('auto', 'as_is', 'front')
WAYS = ('front', 'back', 'left', 'right')


@dataclass(frozen=True)
class FacingSettings:
    """What an experiment may change.

    turned    |turn| beyond which a body is seen from the front or the back, as in coverage.variety
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


@dataclass(frozen=True)
class Faced:
    """What was done about a dancer's facing.

    away        share of the frames in which the dancer's back is turned
    exchanged   bool (F,): frames with left and right exchanged
    widened     bool (F,): frames shown less turned
    heads       bool (F,): frames with a head in another pose than the dancer's
    shown       number of frames that show the dancer
    switches    how often exchanged begins or ends within a shot
    sentence    the same in plain words; '' where nothing was done
    """
    away: float
    exchanged: np.ndarray
    widened: np.ndarray
    heads: np.ndarray
    shown: int
    switches: int
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        """For dataset.json: shares, and [first, last] rows of each exchanged stretch."""
        frames = max(self.shown, 1)
        return {'away': round(self.away, 4),
                'exchanged': round(float(self.exchanged.sum()) / frames, 4),
                'less_turned': round(float(self.widened.sum()) / frames, 4),
                'heads': round(float(self.heads.sum()) / frames, 4), 'switches': self.switches,
                'rows': [[run.start, run.stop - 1] for run in runs(self.exchanged)],
                'sentence': self.sentence}


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


def face(track: PoseTrack, facing: Facing | None, how: str = 'auto',
         settings: FacingSettings = SETTINGS) -> tuple[PoseTrack, Faced]:
    """Show the poses only the ways that the target was filmed.

    facing   the target's; None, nothing is known: the poses stay
    how      'auto'; 'front', never from behind; 'as_is' changes nothing
    """
    assert how in HOW, how
    frames = len(track)
    away = turned_away(track, settings)
    none = np.zeros(frames, bool)
    shown = int(track.shown().sum())
    share = float((away & track.shown()).sum() / max(shown, 1))
    if how == 'as_is' or facing is None or not frames:
        return track, Faced(share, none, none, none, shown, 0, '')
    front = how == 'front' or facing.showed('front')
    back = how != 'front' and facing.showed('back')
    exchange = none
    if front != back:
        exchange = (away if front else ~away) & track.shown()
    turned = exchanged(track, exchange)
    widened, heads = none, none
    if front and not back:
        limits = _limits(facing.trunk_range, settings.leeway, how, settings)
        turned, widened = less_turned(turned, facing.widths, limits, exchange, settings.settle)
    if facing.shape and (how == 'front' or not facing.showed('back', head=True)):
        limits = _limits(facing.head_range, settings.head, how, settings)
        behind = exchange & (np.abs(head_angles(track, *_measures(track, facing))) > NO_LIMIT)
        turned, heads = rebuild_heads(turned, _measures(track, facing)[0], facing.shape, limits,
                                      behind)
    switches = sum(int(np.count_nonzero(np.diff(exchange[shot].astype(int))))
                   for shot in shot_slices(track.shots))
    text = _sentence(share, exchange, widened, heads, track.shown(), front, how)
    return turned, Faced(share, exchange, widened, heads, shown, switches, text)


def _measures(track: PoseTrack, facing: Facing) -> tuple[np.ndarray, Head | None]:
    """Calm body heights px (F,) and the target's head, as heads.py takes them."""
    from scipy.ndimage import median_filter
    window = 2 * max(1, round(track.fps / 2)) + 1
    height = median_filter(heights(track.poses, track.joints).astype(np.float64), window)
    return np.maximum(height, 1e-6), facing.shape


def _limits(filmed: tuple[float, float], leeway: float, how: str,
            settings: FacingSettings) -> tuple[float, float]:
    """How far to the left and to the right a pose may be turned, degrees."""
    most = settings.frontal if how == 'front' else NO_LIMIT
    return max(filmed[0] - leeway, -most), min(filmed[1] + leeway, most)


def turned_away(track: PoseTrack, settings: FacingSettings = SETTINGS) -> np.ndarray:
    """bool (F,): the trunk's back is turned, in stretches that begin and end with the shoulders
    in line, or at a cut."""
    turn = np.cos(np.radians(trunk_angles(track)))
    away = np.zeros(len(track), bool)
    shown = track.shown()
    for shot in shot_slices(track.shots):
        rows = shot.start + np.flatnonzero(shown[shot])
        if len(rows):
            at = np.arange(shot.start, shot.stop)
            steady = np.interp(at, rows, turn[rows])
            away[shot] = _steady_signs(steady, track.fps, settings)
    return away


def _steady_signs(turn: np.ndarray, fps: float, settings: FacingSettings) -> np.ndarray:
    """bool (F,): turn < 0, without runs that are too short or never clearly turned; the weakest
    run joins its neighbours first."""
    away = turn < 0
    while True:
        found = [*runs(away), *runs(~away)]
        if len(found) == 1:
            return away
        weak = [run for run in found if run.stop - run.start < settings.shortest * fps
                or np.abs(turn[run]).max() < settings.clear]
        if not weak:
            return away
        weakest = min(weak, key=lambda run: float(np.abs(turn[run]).sum()))
        away = away.copy()
        away[weakest] = ~away[weakest]


def _sentence(away: float, exchange: np.ndarray, widened: np.ndarray, heads: np.ndarray,
              shown: np.ndarray, front: bool, how: str) -> str:
    """One sentence for the terminal and the report; '' where nothing was done."""
    frames = max(int(shown.sum()), 1)
    share, turned, other = (f'{100 * mask.sum() / frames:.0f} %'
                            for mask in (exchange, widened, heads))
    said = []
    if exchange.any():
        back = f'the dancer turns the back for {share} of the film'
        if how == 'front':
            said.append(f'{back} and is shown from the front, left and right exchanged')
        elif front:
            said.append(f'{back}, the target never does and is shown from the front, left and '
                        f'right exchanged')
        else:
            said.append(f'the dancer faces the camera for {share} of the film, the target never '
                        f'does and is shown from behind, left and right exchanged')
    if widened.any():
        said.append(f'for {turned} the body is shown less turned than the dancer\'s, as the target '
                    f'never turned so far')
    if heads.any():
        said.append(f'for {other} the head is turned towards the camera')
    return '; '.join(said)
