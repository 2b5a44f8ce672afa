"""Fit a source body to a target body and ground: her place, her size, his moves.

`global`: Chan et al., "Everybody Dance Now", ICCV 2019, arXiv 1808.07371, global pose
normalization: where an ankle line lies between the far and the near line says how large a body is
there. Unlike the paper, the source's range of ankle lines is never stretched to the target's
unless asked for, only compressed, so that a dancer who stays where he is does not begin to wander.

`limbs`: the same place and size, and in it the target's own bones at the source's angles, on feet
that stand still where the source's do.

Everything is in px of a track's own picture, y down.
"""
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from pose.retargeting.ground import Ground, measure_bones, measure_ground, measure_grounds, paths
from pose.retargeting.limbs import BODY_BONES, PLAUSIBLE, bone_ratios, fit_limbs
from pose.track import PoseTrack
from util.errors import UserError

__all__ = ['Ground', 'choose_how', 'measure_bones', 'measure_ground', 'measure_grounds', 'paths',
           'retarget']

HOW, WALK = ('global', 'limbs'), ('keep', 'follow', 'center')
MARGIN = 0.2                  # of the body height: how near the root comes to the picture's edge
SOLE = 0.05                   # of the body height that toes are seen below the ankle line
STRETCH = 2.0                 # how much further than by its size `follow` lets a source travel
HOLD = 3.0                    # seconds: slower travel than that is what `center` takes out
INSIDE = 98                   # percent of the frames whose joints are to lie in the picture
LEEWAY = 0.1                  # of the body height: floor that feet may need so as not to slide
PATIENCE = {'keep': 4.0, 'follow': 1.0, 'center': 0.5}      # seconds that planting may stray
ALIKE = 0.05                  # bones that differ by less need no fitting of their own


def choose_how(source: Ground | Mapping[int, Ground], target: Ground) -> tuple[str, str]:
    """'limbs' where both bodies' bones were measured and differ, else 'global'; and why."""
    grounds = [source] if isinstance(source, Ground) else list(source.values())
    bones = grounds[0].bones if grounds else {}
    for whose, known in (('target', target.bones), ('source', bones)):
        lacking = [bone for bone in BODY_BONES if bone not in known]
        if lacking:
            return 'global', f'too few frames of the {whose} show {" and ".join(lacking[:2])}'
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
    """Put the track's poses where, and as large as, the target person would appear.

    track    in its own picture's px
    source   its ground; one per shot (measure_grounds); None measures one per shot
    target   measured on the training video
    how      'global' moves and scales the body as a whole; 'limbs' gives it the target's bones
    walk     what becomes of the walk across the floor. 'keep': as far, for the body's size, as
             the source's, less where that would leave the target's picture or floor. 'follow':
             the source's range becomes the target's, at most STRETCH times as far as 'keep'.
             'center': held at the target's centre and half way between its lines; sway that
             lasts less than HOLD seconds stays
    Returns  the track in the target's px, `size` the target's, depth as large as the body; a shot
             without a ground is emptied

    A shot begins where the one before it ended, as far as that keeps it in the picture.
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
        raise UserError('--retarget limbs: the target holds no bone lengths, for it was made '
                        'before they were measured. Make it again with preprocess.py --overwrite, '
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

    entry  the root x and ankle line y px to begin at, None for the place the grounds give
    """
    root, ankle = paths(track)
    first, last = np.flatnonzero(track.shown())[[0, -1]]
    ratios = bone_ratios(source.bones, target.bones) if how == 'limbs' else {}
    stride = (ratios['thigh'] + ratios['shin']) / 2 if ratios else 1.0
    leeway = LEEWAY * target.height_near if ratios and walk == 'keep' else 0.0
    place, line = _walk(root, ankle, track.fps, source, target, walk, stride, leeway)
    if entry:
        fade = np.exp(-np.maximum(np.arange(len(track)) - first, 0) / (HOLD * track.fps))
        if walk == 'center':               # back to the centre, but not at once
            place = place + (entry[0] - place[first]) * fade
        else:
            place = _shifted(place, entry[0] - place[first], *_room(target))
            line = _shifted(line, entry[1] - line[first], target.far, target.near)
        line = line + (entry[1] - line[first]) * fade
    scale = target.height(line) / source.height(ankle)
    path, origin = np.stack([place, line], 1), np.stack([root, ankle], 1)
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
    """Root x and ankle line y (F,) px in the target's picture; `retarget` says what `walk` is.

    stride  how long the target's legs are for its height, in the source's
    leeway  px of floor, from far to near, that may be used though the target's is less deep
    """
    usual = stride * float(target.height(np.array(target.middle))
                           / source.height(np.array(source.middle)))
    if walk == 'center':
        return (target.centre + (root - _slow(root, fps)) * usual,
                np.full(len(ankle), target.middle))
    depth, target_depth = source.near - source.far, max(target.near - target.far, leeway)
    width, target_width = source.right - source.left, target.right - target.left
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
    """The path without what lasts less than HOLD: a straight line through the frames around."""
    from scipy.signal import savgol_filter
    window = 2 * min(round(HOLD * fps / 2), (len(path) - 1) // 2) + 1
    return savgol_filter(path, window, 1) if window > 1 else path


def _into_picture(path: np.ndarray, body: np.ndarray, seen: np.ndarray,
                  target: Ground) -> np.ndarray:
    """What to add to the path (F, 2) px so that the joints of INSIDE % of the frames are inside.

    The path is moved, and made shorter where moving it does not do. The floor only comes up:
    who reaches above the picture still stands.
    """
    rows = seen.any(1)
    x, y = (np.where(seen, body[..., axis], np.nan)[rows] for axis in (0, 1))
    left, right, bottom = np.nanmin(x, 1), np.nanmax(x, 1), np.nanmax(y, 1)
    across, middle = path[:, 0], float(np.median(path[rows, 0]))
    places = [middle + (across - middle) * part for part in np.linspace(1, 0, 21)]
    over, under = np.array([(np.percentile(place[rows] + right - (target.size[0] - 1), INSIDE),
                             np.percentile(-(place[rows] + left), INSIDE))
                            for place in places]).T
    lacking = np.maximum(over + under, 0)
    # The longest walk that fits; where none does, none is given up for a few pixels.
    spare = 0.02 * target.size[0] if lacking.all() else 0.0
    best = int(np.argmax(lacking <= lacking.min() + spare))
    place, over, under = places[best], over[best], under[best]
    by = (under - over) / 2 if lacking[best] else max(under, 0) - max(over, 0)
    # Where the target's own feet are below the picture, so are these.
    floor = max(target.size[1] - 1.0, target.near + SOLE * target.height_near)
    up = max(0.0, float(np.percentile(path[rows, 1] + bottom - floor, INSIDE)))
    return np.stack([place + by - across, np.full(len(path), -up)], 1)


def _travel(source: Ground, target: Ground, scale: float) -> float:
    """Target px per source px of travel: `scale`, or less where that would leave the picture."""
    left, right = _room(target)
    for room, way in ((target.centre - left, source.centre - source.left),
                      (right - target.centre, source.right - source.centre)):
        if way > 0:
            scale = min(scale, room / way)
    return scale


def _room(target: Ground) -> tuple[float, float]:
    """Leftmost and rightmost root x px: inside the picture, and never less than the target had."""
    margin = MARGIN * max(target.height_near, target.height_far)
    return min(margin, target.left), max(target.size[0] - 1 - margin, target.right)


def _shifted(path: np.ndarray, by: float, low: float, high: float) -> np.ndarray:
    """The path moved `by`, or by less where it would then leave low..high."""
    room = (min(0.0, low - path.min()), max(0.0, high - path.max()))
    return path + np.clip(by, *room)
