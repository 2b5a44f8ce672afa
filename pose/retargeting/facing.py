"""Poses shown only the ways that a person was ever filmed.

A target who never turned her back is not painted from behind: left and right joints are exchanged,
depth with the opposite sign, which is the body's reflection in the plane of the picture. The
outline stays where it is; the body faces the camera. A reflection changes nothing of shoulders
seen in line, so stretches of time begin and end there.

A body turned further to a side than the target ever was is shown less turned: shoulders and hips
are moved apart, arms with their shoulders. Mirroring it instead would make a step to the left one
to the right, and would jump wherever a body is not symmetric.

`face` knows the whole track, LiveFacing what came so far.

Shapes as in pose/track. Angles are degrees from facing the camera, positive to the right of the
picture.
"""
from dataclasses import dataclass
from typing import Any

import numpy as np

from pose.body import heights
from pose.retargeting.easing import Eased
from pose.retargeting.filmed_ways import SETTINGS, Facing, FacingSettings
from pose.retargeting.heads import (
    CALM,
    Head,
    beyond,
    folded,
    head_angles,
    rebuild_heads,
    with_heads,
)
from pose.retargeting.turned import (
    NO_LIMIT,
    apart,
    exchanged,
    least_width,
    less_turned,
    moved_apart,
    outline_settled,
    trunk_angles,
)
from pose.stretches import runs, shot_slices
from pose.track import PoseTrack

HOW = ('auto', 'as_is', 'front')
LEAST = 0.02                  # live: a head that is rebuilt less than that stays as it is


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
    front, back = shown_ways(facing, how)
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


def shown_ways(facing: Facing, how: str) -> tuple[bool, bool]:
    """Whether a target is shown from the front, and from behind; `how` as in `face`."""
    return how == 'front' or facing.showed('front'), how != 'front' and facing.showed('back')


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


class LiveFacing:
    """`face`, of one pose after another. A back counts as turned once it clearly is, so stretches
    begin and end a little later than at shoulders in line, and never waver."""

    def __init__(self, facing: Facing | None, how: str = 'auto',
                 settings: FacingSettings = SETTINGS):
        assert how in HOW, how
        self.facing = None if how == 'as_is' else facing
        self.how = how
        self.settings = settings
        self.front, self.back = shown_ways(facing, how) if facing else (True, True)
        self.away: bool | None = None       # the back is turned, since that time
        self.since = -np.inf
        self.eased = Eased()

    def __call__(self, track: PoseTrack, time: float) -> PoseTrack:
        """A track of one frame with a torso, shown the ways that the target was filmed."""
        facing = self.facing
        if facing is None:
            return track
        angles = trunk_angles(track)                # exchanging leaves the side as it is
        away = self._turned_away(float(np.cos(np.radians(angles[0]))), time)
        exchange = np.array([self.front != self.back and away == self.front])
        turned = exchanged(track, exchange)
        height = np.maximum(heights(track.poses, track.joints), 1e-6)
        height = self.eased('height', height, time, CALM)
        if self.front and not self.back:
            turned = self._less_turned(turned, facing, exchange, angles, height, time)
        if facing.shape and (self.how == 'front' or not facing.showed('back', head=True)):
            turned = self._with_head(track, turned, facing, exchange, height, time)
        return turned

    def _turned_away(self, turn: float, time: float) -> bool:
        away = turn < 0
        if self.away is None:
            self.away = away
        clear = abs(turn) > self.settings.clear and time - self.since >= self.settings.shortest
        if away != self.away and clear:
            self.away = away
            self.since = time
        return self.away

    def _less_turned(self, track: PoseTrack, facing: Facing, exchange: np.ndarray,
                     angles: np.ndarray, height: np.ndarray, time: float) -> PoseTrack:
        """As less_turned; angles, of which the sign counts: before anything was exchanged."""
        settle = self.settings.settle / 2
        limits = _limits(facing.trunk_range, self.settings.leeway, self.how, self.settings)
        least = self.eased('least', least_width(angles, limits) * height, time, settle)
        shift = outline_settled(apart(track, facing.widths, least), track.joints, exchange,
                                lambda outline: self.eased('outline', outline, time, settle))
        return moved_apart(track, shift, height)[0]

    def _with_head(self, seen: PoseTrack, track: PoseTrack, facing: Facing, exchange: np.ndarray,
                   height: np.ndarray, time: float) -> PoseTrack:
        """As rebuild_heads. seen: the track before anything was exchanged."""
        assert facing.shape
        limits = _limits(facing.head_range, self.settings.head, self.how, self.settings)
        behind = exchange & (np.abs(head_angles(seen, height, facing.shape)) > NO_LIMIT)
        angles = head_angles(track, height, facing.shape)
        need = (beyond(angles, limits) | behind).astype(float)
        share = self.eased('head', need, time, CALM / 2)
        calm = self.eased('angle', folded(angles), time, CALM / 2)
        if share[0] < LEAST:
            return track
        return with_heads(track, height, facing.shape, np.clip(calm, *limits), share)[0]
