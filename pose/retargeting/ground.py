"""Measures body and ground of a track: where the person stands and how tall the body is there.

`measure_ground` knows the whole track, LiveGround the last seconds.

Everything is in px of the track's own picture, y down: the near line, closer to the camera, has
the greater y.
"""
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import numpy as np

from pose.body import IN_TORSOS, body_parts, joint_at
from pose.retargeting.limbs import LiveBones, straight_lengths
from pose.shots import SHORTEST_SHOT
from pose.track import PoseTrack
from util.errors import UserError

CALM = 1.0                    # seconds over which ankle line and height are smoothed
STRAIGHT = 80                 # percentile of a foreshortened length that is its straight one
DEEPEST = 2.0                 # how many times as tall, at most, the near body is as the far one
# Live: the seconds that are remembered, how many of their poses a second, and the percentile of
# their ankle lines that is the floor: a jump moves feet up, never down.
WINDOW, RATE, FLOOR = 3.0, 10.0, 90
AGAIN = 1.0                   # live: seconds after which bones are measured again
# Live: the seconds whose middle place is the person's own. Longer than steps of a dance take: who
# steps aside and comes back would else be carried to the other side meanwhile
STAYS = 10.0


@dataclass(frozen=True)
class Ground:
    """What a track shows of body and ground.

    near, far                  y px of the ankle lines closest to and furthest from the camera
    height_near, height_far    px: height of a body that stands there, as in pose.body
    centre, left, right        x px of the hips' middle: median, 2 % and 98 %
    size                       (width, height) px of the picture
    frames                     number of frames it was measured on
    bones                      straight lengths as shares of the height there, by name as in
                               pose.body.BONES; empty in a dataset older than this measure
    """
    near: float
    far: float
    height_near: float
    height_far: float
    centre: float
    left: float
    right: float
    size: tuple[int, int]
    frames: int
    bones: Mapping[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {'size': list(self.size), 'bones': dict(self.bones)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> 'Ground':
        """From what to_dict gave; other keys are ignored."""
        known = {f.name: values[f.name] for f in fields(cls) if f.name in values}
        missing = ', '.join(f.name for f in fields(cls) if f.name not in {*known, 'bones'})
        if missing:
            raise UserError(f'the body measures lack {missing}. Make the dataset again with '
                            f'preprocess.py.')
        return cls(**known | {'size': (int(known['size'][0]), int(known['size'][1]))})

    @property
    def middle(self) -> float:
        """y px half way between the far and the near line."""
        return (self.near + self.far) / 2

    def height(self, ankle: np.ndarray) -> np.ndarray:
        """Body height px where the ankle line is at y px; hardly extrapolated beyond the lines."""
        depth = self.near - self.far
        # Where the two lines meet, so do the two heights.
        share = np.clip((ankle - self.far) / depth, -0.2, 1.2) if depth > 0 else 0 * ankle
        return self.height_far + share * (self.height_near - self.height_far)


def measure_ground(track: PoseTrack) -> Ground:
    """Measure body and ground on the kept frames of a track of one shot.

    UserError when no frame shows a body.
    """
    track = track.select(track.shown())
    if len(track) == 0:
        raise UserError('nobody to measure: no frame shows shoulders and hips. '
                        'Choose a part of the video that shows the whole body.')
    root, ankle = paths(track)
    heights = visible_heights(track)
    near, far = (float(y) for y in np.percentile(ankle, (95, 5)))
    left, centre, right = (float(x) for x in np.percentile(root, (2, 50, 98)))
    ground = Ground(near, far, *_heights_at(near, far, ankle, heights), centre, left, right,
                    track.size, len(track))
    return replace(ground, bones=straight_lengths(track, _full_heights(track, ground)))


def _heights_at(near: float, far: float, ankle: np.ndarray,
                heights: np.ndarray) -> tuple[float, float]:
    """Body height px at the near and the far line: a straight line through both ends' medians."""
    depth = near - far
    usual = float(np.percentile(heights, STRAIGHT))
    if depth < 0.03 * usual:
        return usual, usual
    near_end = ankle >= near - depth / 4
    far_end = ankle <= far + depth / 4
    y_near, y_far = np.median(ankle[near_end]), np.median(ankle[far_end])
    tall, small = (np.percentile(heights[end], STRAIGHT) for end in (near_end, far_end))
    slope = (tall - small) / (y_near - y_far)
    at_near, at_far = (float(small + slope * (y - y_far)) for y in (near, far))
    # A person who crouches close to the camera looks small there; a floor never does that.
    return (at_near, at_far) if 0 < at_far <= at_near <= DEEPEST * at_far else (usual, usual)


def measure_grounds(track: PoseTrack) -> dict[int, Ground]:
    """A ground per shot, by shot number; none for a shot where less than 0.25 s is kept."""
    shots, counts = np.unique(track.shots[track.shown()], return_counts=True)
    least = min(SHORTEST_SHOT * track.fps, counts.max(initial=0))
    grounds = {int(shot): measure_ground(track.select(track.shots == shot))
               for shot, count in zip(shots, counts) if count >= least}
    bones = _bones(track, grounds)               # the person's own, so every shot counts
    return {shot: replace(ground, bones=bones) for shot, ground in grounds.items()}


def measure_bones(track: PoseTrack) -> dict[str, float]:
    """How long each bone is when straight, as a share of the body's height where it stands.

    A bone that too few frames show is left out; pose.body.BONES lists them.
    """
    return _bones(track, measure_grounds(track))


def _bones(track: PoseTrack, grounds: Mapping[int, Ground]) -> dict[str, float]:
    """measure_bones, over all shots that have a ground."""
    shown = track.select(track.shown() & np.isin(track.shots, list(grounds)))
    heights = np.zeros(len(shown))
    for shot, ground in grounds.items():
        there = shown.shots == shot
        heights[there] = _full_heights(shown.select(there), ground)
    return straight_lengths(shown, heights)


def _full_heights(track: PoseTrack, ground: Ground) -> np.ndarray:
    """Body height px (F,) by the ground at its place, or by the body where that shows more."""
    return np.maximum(ground.height(paths(track)[1]), visible_heights(track))


def paths(track: PoseTrack) -> tuple[np.ndarray, np.ndarray]:
    """Where the body stands over time: root x (F,) px and ankle line y (F,) px.

    The ankle line is smoothed: its median over a second does not follow a jump up.
    """
    hips = joint_at(track.poses, track.joints, 'MidHip')
    shown = track.shown()
    at = np.arange(len(track))
    root, line = (np.interp(at, at[shown], values[shown])
                  for values in (hips[:, 0], _ankle_line(track)))
    return root, _smoothed(line, track.fps)


def _ankle_line(track: PoseTrack) -> np.ndarray:
    """y px (F,) of the lower ankle, which bears the body; a leg below the hips without ankles."""
    ankles = np.stack([joint_at(track.poses, track.joints, j) for j in ('RAnkle', 'LAnkle')], 1)
    there = ankles[..., 2] > 0
    lower = np.where(there, ankles[..., 1], -np.inf).max(1)
    if there.any(1).all():
        return lower
    virtual = joint_at(track.poses, track.joints, 'MidHip')[:, 1] + _lengths(track)[2]
    return np.where(there.any(1), lower, virtual)


def _lengths(track: PoseTrack) -> tuple[float, float, float]:
    """Straight lengths px of this body's head, torso and leg in this track."""
    straight = []
    for length in body_parts(track.poses, track.joints).T:
        seen = length[length > 0]
        straight.append(float(np.percentile(seen, STRAIGHT)) if len(seen) > 1 else float(sum(seen)))
    head, torso, leg = straight
    return head or IN_TORSOS['head'] * torso, torso, leg or IN_TORSOS['leg'] * torso


def visible_heights(track: PoseTrack) -> np.ndarray:
    """Body height px (F,) as each frame shows it; a hidden part has this body's own length."""
    parts = body_parts(track.poses, track.joints)
    usual = np.array(_lengths(track))
    sizes = np.where(parts > 0, parts, usual * (parts[:, 1] / usual[1])[:, None])
    return _smoothed(sizes.sum(1), track.fps)


def _smoothed(values: np.ndarray, fps: float) -> np.ndarray:
    """Median, then mean, over the CALM seconds around each frame; float64 (F,), ends held."""
    from scipy.ndimage import median_filter, uniform_filter1d
    if len(values) == 1:
        return values.astype(np.float64)
    window = 2 * max(1, round(CALM * fps / 2)) + 1
    middle = median_filter(values.astype(np.float64), window, mode='nearest')
    return uniform_filter1d(middle, window, mode='nearest')


class LiveGround:
    """`measure_ground` of the last WINDOW seconds: a floor without depth, known from the first pose
    on. Bones are known after a WINDOW, and better the longer it goes on.

    ground  None before the first pose; its centre is that of the last STAYS seconds
    bones   as measure_bones gives them; {} before they are known
    """

    def __init__(self, skeleton: str, size: tuple[int, int]):
        self.skeleton = skeleton
        self.size = size
        self.past: deque[tuple[float, np.ndarray]] = deque()
        self.places: deque[tuple[float, float]] = deque()       # (s, x px of the hips' middle)
        self.start = self.taken = self.boned = -np.inf
        self.ground: Ground | None = None
        self.bones: dict[str, float] = {}
        self.live_bones = LiveBones()

    def __call__(self, pose: np.ndarray, time: float, frozen: bool = False) -> None:
        """Learn from a pose (K, 3) that shows a torso; frozen: nothing but bones."""
        if time - self.taken < 1 / RATE:
            return
        self.taken = time
        self.start = time if not self.past else self.start
        self.past.append((time, pose))
        while self.past[0][0] < time - WINDOW:
            self.past.popleft()
        poses = np.array([each for _, each in self.past])
        times = np.array([each for each, _ in self.past])
        track = PoseTrack(poses, times, np.arange(len(times)), self.skeleton, self.size)
        self.places.append((time, float(joint_at(poses[-1:], track.joints, 'MidHip')[0, 0])))
        while self.places[0][0] < time - STAYS:
            self.places.popleft()
        if self.ground is None or not frozen:
            centre = float(np.median([x for _, x in self.places]))
            self.ground = replace(measure_standing(track), centre=centre)
        if self.settled and time - self.boned >= AGAIN:
            new = track.select(times > self.boned)
            heights = np.maximum(measure_standing(track).height_near, visible_heights(track))
            self.bones = self.live_bones(new, heights[times > self.boned])
            self.boned = time

    @property
    def settled(self) -> bool:
        """Whether it has seen a whole WINDOW."""
        return self.taken - self.start >= WINDOW - 1 / RATE


def measure_standing(track: PoseTrack) -> Ground:
    """Body and floor, without bones, of a track that shows somebody in one place in every frame."""
    hips = joint_at(track.poses, track.joints, 'MidHip')[:, 0]
    floor = float(np.percentile(_ankle_line(track), FLOOR))
    height = float(np.percentile(visible_heights(track), STRAIGHT))
    left, centre, right = (float(x) for x in np.percentile(hips, (2, 50, 98)))
    return Ground(floor, floor, height, height, centre, left, right, track.size, len(track))
