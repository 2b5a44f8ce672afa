"""Who of several people is nearer to the camera, frame by frame.

Who stands nearer on one floor has the ankle line lower in the picture. Where the feet of either are
not seen, who looks larger is nearer. Two people change places only when they are clearly past each
other, so that nobody flickers between before and behind.

Shape letters: F frames of all people together, P people.
"""
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter1d

from pose.body import joint_at
from pose.retargeting.ground import CALM, paths, visible_heights
from pose.track import PoseTrack

# of the body's height: a lead in which two people are clearly past each other. The ankle line of
# one who dances on the spot moves by 0.02 (phone_man), 0.04 (lake_woman) and 0.05 (roof_dance)
# between its 5 and 95 %.
CLEAR = 0.05
FEET = 0.5          # share of a second's frames in which an ankle is seen, for the feet to count


@dataclass(frozen=True)
class Standing:
    """One person in F frames: the ankle line and the height, px; whether feet are seen; the shot.
    Frames without the person have the values of the ones around, and the shot -1."""
    ankle: np.ndarray
    height: np.ndarray
    has_feet: np.ndarray
    shot: np.ndarray


def far_first(tracks: Sequence[PoseTrack]) -> dict[int, list[int]]:
    """{number of a frame: the people from the farthest to the nearest, as places in `tracks`}.

    tracks   of one video, each in px of the same picture, with a person in some frame
    """
    numbers = np.unique(np.concatenate([track.index[track.kept] for track in tracks]))
    people = [standing(track, numbers) for track in tracks]
    shots = np.stack([person.shot for person in people])
    starts = np.ones(len(numbers), bool)
    starts[1:] = new_shot(shots)
    wins = np.zeros((len(numbers), len(people)))
    for i, one in enumerate(people):
        for j, other in enumerate(people[:i]):
            nearer = decided(lead(one, other), starts)
            wins[:, i] += nearer
            wins[:, j] += ~nearer
    order = np.argsort(wins, 1, kind='stable')
    return dict(zip(numbers.tolist(), order.tolist(), strict=True))


def standing(track: PoseTrack, numbers: np.ndarray) -> Standing:
    """One person at those frames, int64 (F,)."""
    rows = np.flatnonzero(track.shown())
    track = track.select(rows)
    known = np.zeros((4, len(track)))
    for shot in np.unique(track.shots):
        there = track.shots == shot
        part = track.select(there)
        known[0, there] = paths(part)[1]
        known[1, there] = visible_heights(part)
        known[2, there] = feet_seen(part)
        known[3, there] = shot
    at = [np.interp(numbers, track.index, values) for values in known[:3]]
    shots = np.full(len(numbers), -1)
    shots[np.isin(numbers, track.index)] = known[3]
    return Standing(at[0], at[1], at[2] >= FEET, shots)


def feet_seen(track: PoseTrack) -> np.ndarray:
    """float (F,): in which share of the CALM seconds around a frame an ankle is seen."""
    ankles = [joint_at(track.poses, track.joints, name)[:, 2] > 0 for name in ('RAnkle', 'LAnkle')]
    seen = (ankles[0] | ankles[1]).astype(float)
    return uniform_filter1d(seen, max(1, round(CALM * track.fps)), mode='nearest')


def new_shot(shots: np.ndarray) -> np.ndarray:
    """bool (F - 1,): whether anybody's shot, int (P, F), is another one than when last seen."""
    seen = np.maximum.accumulate(shots, 1)
    return ((np.diff(seen, axis=1) > 0) & (seen[:, :-1] >= 0)).any(0)


def lead(one: Standing, other: Standing) -> np.ndarray:
    """float (F,): how far one is nearer than the other, in body heights on the floor, or, without
    feet, as the logarithm of the sizes; from a camera as high as a head both are alike."""
    floor = (one.ankle - other.ankle) / ((one.height + other.height) / 2)
    return np.where(one.has_feet & other.has_feet, floor, np.log(one.height / other.height))


def decided(ahead: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """bool (F,): whether one is nearer, given the leads, float (F,), and where shots start, bool
    (F,). It changes where the lead is clear; the first clear one counts from the shot's start, and
    without any the mean."""
    nearer = np.zeros(len(ahead), bool)
    edges = [*np.flatnonzero(starts).tolist(), len(ahead)]
    for start, end in zip(edges[:-1], edges[1:], strict=True):
        part = ahead[start:end]
        clear = np.flatnonzero(np.abs(part) >= CLEAR)
        if not len(clear):
            nearer[start:end] = part.mean() > 0
            continue
        last = np.searchsorted(clear, np.arange(len(part)), 'right') - 1
        nearer[start:end] = part[clear[last.clip(min=0)]] > 0
    return nearer
