"""Retargets a track: the source's moves with the target's place, size and, if asked for, bones.

`global`: Chan et al., "Everybody Dance Now", ICCV 2019, arXiv 1808.07371, global pose
normalization: the place of an ankle line between the far and the near line decides how large the
body is there. Unlike in the paper, the source's range of ankle lines is only compressed to the
target's and not stretched unless asked for, so that a dancer who stays in place does not wander.

`limbs`: the same place and size, with the target's own bones at the source's angles, on feet that
stand still where the source's feet do.

`retarget` knows the whole track; LiveFit fits one pose after another, from the first one on.

Everything is in px of a track's own picture, y down.
"""
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from pose.body import BONES, joint_at
from pose.retargeting.easing import Eased
from pose.retargeting.ground import Ground, LiveGround, measure_grounds, paths
from pose.retargeting.limbs import (
    BODY_BONES,
    PLAUSIBLE,
    bone_ratios,
    fit_limbs,
    standing_body,
)
from pose.skeleton import moved, skeleton_of
from pose.track import PoseTrack
from util.errors import UserError

HOW, WALK = ('global', 'limbs'), ('keep', 'follow', 'center')
FIT = ('continuous', 'once', 'off')
MARGIN = 0.2                  # of the body height: least distance of root and picture edge
SOLE = 0.05                   # of the body height: how far toes are below the ankle line
STRETCH = 2.0                 # how much further than its size implies `follow` lets a source travel
HOLD = 3.0                    # seconds: `center` removes travel that is slower than that
INSIDE = 98                   # percent of the frames whose joints must lie in the picture
LEEWAY = 0.1                  # of the body height: extra floor that keeps feet from sliding
PATIENCE = {'keep': 4.0, 'follow': 1.0, 'center': 0.5}      # seconds that planted feet may lead
                                                            # away from the wished path
ALIKE = 0.05                  # bones that differ by less are not fitted
# Live: seconds over which a fit goes over to a new measure, and to other bones; and how much longer
# a bone is made at most, as one that was not seen straight yet seems short.
SETTLE, GROW, LIVE_PLAUSIBLE = 0.5, 1.5, 1.25


def choose_how(source: Ground | Mapping[int, Ground], target: Ground) -> tuple[str, str]:
    """'limbs' where both bodies' bones were measured and differ, else 'global'; and why."""
    grounds = [source] if isinstance(source, Ground) else list(source.values())
    bones = grounds[0].bones if grounds else {}
    for whose, known in (('target', target.bones), ('source', bones)):
        unmeasured = [bone for bone in BODY_BONES if bone not in known]
        if unmeasured:
            return 'global', f'too few frames of the {whose} show {" and ".join(unmeasured[:2])}'
    differ = {bone: np.log(target.bones[bone] / bones[bone]) for bone in BODY_BONES}
    most = max(differ, key=lambda bone: abs(differ[bone]))
    more = 100 * (np.exp(abs(differ[most])) - 1)
    text = (f"the target's {most} is {more:.0f} % {'longer' if differ[most] > 0 else 'shorter'} "
            f"for its height than the source's")
    if abs(differ[most]) > np.log(PLAUSIBLE):
        return 'global', f'{text}, which no two bodies do: one of them was never seen straight'
    if abs(differ[most]) < ALIKE:
        return 'global', f'no bone differs by more than {100 * ALIKE:.0f} %'
    return 'limbs', text


def retarget(track: PoseTrack, source: Ground | Mapping[int, Ground] | None, target: Ground,
             how: str = 'global', walk: str = 'keep') -> PoseTrack:
    """Move and scale the track's poses to where, and as large as, the target would appear.

    track    in its own picture's px
    source   its ground; one per shot (measure_grounds); None measures one per shot
    target   measured on the training video
    how      'global' moves and scales the body as a whole; 'limbs' gives it the target's bones
    walk     what becomes of the walk across the floor. 'keep': as far, for the body's size, as
             the source's, less where that would leave the target's picture or floor. 'follow':
             the source's range becomes the target's, at most STRETCH times as far as 'keep'.
             'center': held at the target's centre and half way between its lines; sway that
             lasts less than HOLD seconds stays
    Returns  the track in the target's px, `size` the target's, depth scaled with the body; a shot
             without a ground is emptied

    A shot starts where the one before it ended, as far as that keeps it in the picture.
    UserError for 'limbs' where one of the bodies has no measured bones.
    """
    assert how in HOW and walk in WALK, (how, walk)
    if isinstance(source, Ground):
        parts = [(np.ones(len(track), bool), source)]
    else:
        source = measure_grounds(track) if source is None else source
        parts = [(track.shots == shot, facts) for shot, facts in source.items()]
    if how == 'limbs':
        _require_bones([facts for _, facts in parts], target)
    poses = np.zeros_like(track.poses)
    scale = np.full((len(track), 1), np.nan)
    end = None
    for frames, facts in parts:
        fitted = _fit(track.select(frames), facts, target, how, walk, end)
        poses[frames], scale[frames, 0], end = fitted.poses, fitted.scale, fitted.end
    depth = None if track.depth is None else track.depth * scale
    return replace(track, poses=poses, size=target.size, depth=depth)


def _require_bones(sources: list[Ground], target: Ground) -> None:
    if not target.bones:
        raise UserError('--retarget limbs: the target has no bone lengths; it is older than '
                        'their measurement. Make it again with preprocess.py --overwrite, '
                        'or give --retarget global.')
    if any(not facts.bones for facts in sources):
        raise UserError('--retarget limbs: too few frames of the source show its limbs. Give '
                        '--retarget global, or a longer part of the video.')


@dataclass(frozen=True)
class Fitted:
    """One shot in the target's picture.

    poses  float32 (F, K, 3)
    scale  float (F,)             target px per source px
    end    the last root x and ankle line y, px
    """
    poses: np.ndarray
    scale: np.ndarray
    end: tuple[float, float]


def _fit(track: PoseTrack, source: Ground, target: Ground, how: str, walk: str,
         entry: tuple[float, float] | None) -> Fitted:
    """One shot in the target's picture.

    entry  the root x and ankle line y px to start at, None for the place the grounds give
    """
    root, ankle = paths(track)
    first, last = np.flatnonzero(track.shown())[[0, -1]]
    ratios = bone_ratios(source.bones, target.bones) if how == 'limbs' else {}
    stride = (ratios['thigh'] + ratios['shin']) / 2 if ratios else 1.0
    leeway = LEEWAY * target.height_near if ratios and walk == 'keep' else 0.0
    place, line = _walk(root, ankle, track.fps, source, target, walk, stride, leeway)
    if entry:
        fade = np.exp(-np.maximum(np.arange(len(track)) - first, 0) / (HOLD * track.fps))
        if walk == 'center':               # back to the centre, gradually
            place = place + (entry[0] - place[first]) * fade
        else:
            place = _shifted(place, entry[0] - place[first], *_room(target))
            line = _shifted(line, entry[1] - line[first], target.far, target.near)
        line = line + (entry[1] - line[first]) * fade
    scale = target.height(line) / source.height(ankle)
    path = np.stack([place, line], 1)
    origin = np.stack([root, ankle], 1)
    body = (track.poses[..., :2] - origin[:, None]) * scale[:, None, None]
    if ratios:
        path, body = fit_limbs(track, origin, path, scale, ratios,
                               PATIENCE[walk] * track.fps, entry is not None)
    seen = track.poses[..., 2:] > 0
    path = path + _into_picture(path, body, seen[..., 0] & track.shown()[:, None], target)
    poses = track.poses.copy()
    poses[..., :2] = (path[:, None] + body) * seen
    return Fitted(poses, scale, (float(path[last, 0]), float(path[last, 1])))


def _walk(root: np.ndarray, ankle: np.ndarray, fps: float, source: Ground, target: Ground,
          walk: str, stride: float, leeway: float) -> tuple[np.ndarray, np.ndarray]:
    """Root x and ankle line y (F,) px in the target's picture; `walk` as in `retarget`.

    stride  the target's legs relative to its height, over the source's
    leeway  px of depth of the floor that may be used though the target's is less deep
    """
    usual = stride * float(target.height(np.array(target.middle))
                           / source.height(np.array(source.middle)))
    if walk == 'center':
        return (target.centre + (root - _slow(root, fps)) * usual,
                np.full(len(ankle), target.middle))
    depth = source.near - source.far
    target_depth = max(target.near - target.far, leeway)
    width = source.right - source.left
    target_width = target.right - target.left
    most = STRETCH * usual if walk == 'follow' else usual
    gain = min(most, target_depth / depth) if depth > 0 else usual
    line = target.middle + (ankle - source.middle) * gain
    if walk == 'follow':
        travel = min(most, target_width / width) if width > 0 else usual
        place = ((target.left + target.right) / 2
                 + (root - (source.left + source.right) / 2) * travel)
    else:
        place = target.centre + (root - source.centre) * _travel(source, target, usual)
    return place, line


def _slow(path: np.ndarray, fps: float) -> np.ndarray:
    """The path without motion shorter than HOLD: a straight line through the frames around."""
    from scipy.signal import savgol_filter
    window = 2 * min(round(HOLD * fps / 2), (len(path) - 1) // 2) + 1
    return savgol_filter(path, window, 1) if window > 1 else path


def _into_picture(path: np.ndarray, body: np.ndarray, seen: np.ndarray,
                  target: Ground) -> np.ndarray:
    """px (F, 2) to add to the path so that the joints of INSIDE % of the frames are in the picture.

    The path is moved, and shortened where moving it is not enough. The floor only comes up: a
    body that reaches above the picture still stands on it.
    """
    rows = seen.any(1)
    x, y = (np.where(seen, body[..., axis], np.nan)[rows] for axis in (0, 1))
    left, right, bottom = np.nanmin(x, 1), np.nanmax(x, 1), np.nanmax(y, 1)
    across = path[:, 0]
    middle = float(np.median(path[rows, 0]))
    places = [middle + (across - middle) * share for share in np.linspace(1, 0, 21)]
    edge = target.size[0] - 1
    over = np.array([np.percentile(place[rows] + right - edge, INSIDE) for place in places])
    under = np.array([np.percentile(-(place[rows] + left), INSIDE) for place in places])
    too_wide = np.maximum(over + under, 0)
    # The longest walk that fits; where none does, a few pixels are no reason to shorten it more.
    spare = 0.02 * target.size[0] if too_wide.all() else 0.0
    best = int(np.argmax(too_wide <= too_wide.min() + spare))
    if too_wide[best]:
        by = (under[best] - over[best]) / 2
    else:
        by = max(under[best], 0) - max(over[best], 0)
    # Where the target's own feet are below the picture, so are these.
    floor = max(target.size[1] - 1.0, target.near + SOLE * target.height_near)
    up = max(0.0, float(np.percentile(path[rows, 1] + bottom - floor, INSIDE)))
    return np.stack([places[best] + by - across, np.full(len(path), -up)], 1)


def _travel(source: Ground, target: Ground, scale: float) -> float:
    """Target px per source px of travel: `scale`, or less where that would leave the picture."""
    left, right = _room(target)
    for room, way in ((target.centre - left, source.centre - source.left),
                      (right - target.centre, source.right - source.centre)):
        if way > 0:
            scale = min(scale, room / way)
    return scale


def _room(target: Ground) -> tuple[float, float]:
    """Leftmost and rightmost root x px: inside the picture, at least the range of the target."""
    margin = MARGIN * max(target.height_near, target.height_far)
    return min(margin, target.left), max(target.size[0] - 1 - margin, target.right)


def _shifted(path: np.ndarray, by: float, low: float, high: float) -> np.ndarray:
    """The path moved `by`, or by less where it would then leave low..high."""
    room = (min(0.0, low - path.min()), max(0.0, high - path.max()))
    return path + np.clip(by, *room)


class LiveFit:
    """`retarget`, of one pose after another: the whole body at first, limbs once bones are known.

    fit   'continuous' measures size and place all the time, over the last seconds; 'once' in the
          first seconds, until `measure_again`; 'off' never: the camera's picture is laid over the
          target's
    """

    def __init__(self, target: Ground, skeleton: str, size: tuple[int, int],
                 fit: str = 'continuous'):
        assert fit in FIT, fit
        self.target = target
        self.skeleton = skeleton
        self.table = skeleton_of(skeleton)
        self.size = size
        self.fit = fit
        self.how, self.why = 'global', 'bones are not measured yet'
        self.measure_again()

    def measure_again(self) -> None:
        """Forget what was measured: what comes next is fitted as it stands."""
        self.source = LiveGround(self.skeleton, self.size)
        self.eased = Eased()
        self.ratios: dict[str, float] = {}
        self.how, self.why = 'global', 'bones are not measured yet'

    def __call__(self, pose: np.ndarray, time: float) -> tuple[np.ndarray, np.ndarray]:
        """A pose (K, 3) with a torso, in px of the target's picture; and float (3, 3), px of the
        camera -> px of the target's picture, the whole body's own."""
        if self.fit == 'off':
            matrix = self._laid_over()
            return _placed(pose, matrix), matrix
        bones = self.source.bones
        self.source(pose, time, self.fit == 'once' and self.source.settled)
        if self.source.bones is not bones:
            self._choose()
        ground = self.source.ground
        assert ground
        measures = np.array([ground.centre, ground.near, np.log(ground.height_near)])
        centre, floor, height = self.eased('ground', measures, time, SETTLE)
        wanted = np.array(list((self.ratios or dict.fromkeys(BONES, 1.0)).values()))
        eased = self.eased('bones', wanted, time, GROW)
        ratios = dict(zip(BONES, eased.tolist(), strict=True))
        stride = (ratios['thigh'] + ratios['shin']) / 2
        scale = float(self.target.height(np.array(self.target.middle)) / np.exp(height))
        place = np.array([self.target.centre, self.target.middle])
        origin = np.array([centre, floor])
        matrix = np.eye(3)
        matrix[:2, :2] *= scale
        matrix[:2, 2] = place - scale * origin
        if not self.ratios:
            return _placed(pose, matrix), matrix
        hips = joint_at(pose[None], self.table, 'MidHip')[:, :2].astype(np.float64)
        line = np.array([[hips[0, 0], floor]])
        grown, hip = standing_body(pose[None], self.table, hips, line, np.array([scale]), ratios)
        root = place + ((hips[0, 0] - centre) * scale * stride, 0)
        fitted = pose.copy()
        fitted[:, :2] = (root + hip[0] + grown[0]) * (pose[:, 2:] > 0)
        return fitted, matrix

    def _choose(self) -> None:
        """Fit limbs from the moment on at which bones are measured, where they differ."""
        assert self.source.ground
        source = replace(self.source.ground, bones=self.source.bones)
        self.how, self.why = choose_how(source, self.target)
        ratios = bone_ratios(source.bones, self.target.bones, LIVE_PLAUSIBLE)
        if self.how == 'limbs':
            self.ratios = ratios
        elif self.ratios:           # back to the whole body, little by little
            self.ratios = dict.fromkeys(BONES, 1.0)

    def _laid_over(self) -> np.ndarray:
        """float (3, 3): the camera's picture over the target's, as large as fits, on its floor."""
        size = np.array(self.size, float)
        scale = float((np.array(self.target.size) / size).min())
        matrix = np.diag([scale, scale, 1.0])
        matrix[:2, 2] = (np.array(self.target.size) - scale * size) * (0.5, 1.0)
        return matrix


def _placed(pose: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """A pose (K, 3) in px of another picture."""
    return np.asarray(moved(pose, matrix), np.float32)
