"""Keeps a fitted body in the picture, as large as the target was, moved without jerks.

`fit_room` knows the whole track. LiveRoom does not: a body that leaves the picture is moved back
at once where it must be, and comes back to its place little by little.

pose.retargeting.room says what a target showed. Shape letters as there.
"""
from collections import deque
from dataclasses import replace
from functools import cache

import numpy as np

from pose.body import BONES, chain_length, joint_at
from pose.retargeting.easing import Eased
from pose.retargeting.ground import STRAIGHT, paths, visible_heights
from pose.retargeting.room import (
    KNEES,
    PARTS,
    SETTINGS,
    Room,
    RoomSettings,
    allowed,
    joint_overreach,
    part_of,
    without_joints,
)
from pose.retargeting.within import at_most, between, damped, smoothest, within
from pose.skeleton import Skeleton
from pose.stretches import shot_slices
from pose.track import PoseTrack
from util.arrays import nan_quantile

# seconds around a jump that show the floor; an ankle line over one second follows the body up
FLOOR = 3.0
# Live: seconds of poses that say how large the body is, and whether it is too small, as a bow is
# not; and in which it is made larger or smaller, and moved.
CALM, WINDOW, RESIZE, MOVE = 1.0, 3.0, 0.4, 0.4


def fit_room(track: PoseTrack, room: Room, settings: RoomSettings = SETTINGS) -> PoseTrack:
    """The track moved into the picture, shot by shot, at sizes that the target showed.

    A track that fits already stays as it is.
    """
    track = without_joints(track, room.hidden)
    poses = track.poses.astype(np.float64)
    scale = np.ones(len(track))
    for shot in shot_slices(track.shots):
        rows = shot.start + np.flatnonzero(track.shown()[shot])
        if len(rows):
            part = track.select(rows)
            poses[rows], scale[rows] = _fit_shot(part, room, settings)
    depth = None if track.depth is None else track.depth * scale[:, None]
    return replace(track, poses=poses, depth=depth)


def _fit_shot(track: PoseTrack, room: Room,
              settings: RoomSettings) -> tuple[np.ndarray, np.ndarray]:
    """Poses (F, K, 3) of one shot in the picture, and how much they were scaled (F,)."""
    seen = track.poses[..., 2:] > 0
    root, line = paths(track)
    anchor = np.stack([root, line], 1)
    heights = visible_heights(track)
    points = track.poses[..., :2].astype(np.float64)
    scale = np.ones(len(track))
    if room.hidden:
        torso, hips = (float(np.median(values)) for values in _torso_and_hips(track))
        points, anchor, scale = _by_torso(track, points, room, torso, hips)
    wanted = _size(heights * scale, room, track.fps, settings)
    points = anchor[:, None] + (points - anchor[:, None]) * wanted[:, None, None]
    scale = scale * wanted

    body = _Body(track, heights * scale, room, settings)
    points = body.lowered(points, line)
    least = room.height[0] * (1 - settings.leeway) / body.heights
    points, smaller = body.shrunk(points, anchor, np.minimum(least, 1))
    for seconds in settings.seconds:
        points = points + body.moved(points, seconds)
    points = body.gathered(points)
    for seconds in (*settings.seconds[2:], 0.0):
        points = points + body.moved(points, seconds)
    poses = track.poses.astype(np.float64)
    poses[..., :2] = points * seen
    return poses, scale * smaller


def _torso_and_hips(track: PoseTrack) -> tuple[np.ndarray, np.ndarray]:
    """px (F,): the length of the torso, and the y of the hips."""
    return (chain_length(track.poses, track.joints, BONES['spine']),
            joint_at(track.poses, track.joints, 'MidHip')[:, 1])


def _by_torso(track: PoseTrack, points: np.ndarray, room: Room, torso: float,
              usual: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points scaled to the target's torso and moved to the target's hips, for a target whose legs
    end at the picture's edge; the hips as anchor (F, 2), and the scale (F,).

    torso, usual   px: how long the track's torso usually is, and where its hips usually are
    """
    scale = room.torso / max(torso, 1e-6)
    hips = joint_at(track.poses, track.joints, 'MidHip')[:, :2].astype(np.float64)
    down = room.hips - usual
    points = hips[:, None] + (points - hips[:, None]) * scale + (0, down)
    if room.knees:
        knees = [track.joints.index(joint) for joint in KNEES]
        least = hips[:, 1:] + down + room.knees[0]
        points[:, knees, 1] = np.maximum(points[:, knees, 1], least)
    return points, hips + (0, down), np.full(len(track), scale)


def _size(heights: np.ndarray, room: Room, fps: float, settings: RoomSettings) -> np.ndarray:
    """Scales (F,) that keep the body's height within the target's.

    A body that is too tall is made smaller over time. One that is too small is made taller only
    where the whole shot is: for a while it may bow.
    """
    from scipy.ndimage import percentile_filter
    low, high = room.height[0] * (1 - settings.leeway), room.height[1] * (1 + settings.leeway)
    taller = max(1.0, low / float(np.percentile(heights, STRAIGHT)))
    calm = percentile_filter(heights * taller, STRAIGHT, 2 * max(1, round(fps)) + 1,
                             mode='nearest')
    return taller * smoothest(np.minimum(1, high / calm), round(fps / 2))


class _Body:
    """One shot's body in the room there is; points are float (F, K, 2) px.

    heights  float (F,) px
    """

    def __init__(self, track: PoseTrack, heights: np.ndarray, room: Room,
                 settings: RoomSettings):
        self.track = track
        self.heights = heights
        self.room = room
        self.settings = settings

    def over(self, points: np.ndarray) -> np.ndarray:
        """px (F, 4) that the body reaches further beyond the edges than the target did."""
        over = (self.parts(points)[1] - allowed(self.room)).max(1)
        if self.room.knees:
            knees = [self.track.joints.index(joint) for joint in KNEES]
            higher = np.where(self.track.poses[:, knees, 2] > 0, points[:, knees, 1], np.inf)
            over[:, 1] = np.maximum(over[:, 1], self.room.knees[1] - higher.min(1))
        return over

    def parts(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As joint_overreach gives, in the room's picture."""
        poses = np.concatenate([points, self.track.poses[..., 2:]], -1)
        return joint_overreach(poses, self.track.joints, self.heights, self.room.size,
                                self.settings)

    def lowered(self, points: np.ndarray, line: np.ndarray) -> np.ndarray:
        """Jumps that reach above the picture made lower, each as a whole.

        line  float (F,) px: where the ankles are, as ground.paths gives
        """
        from scipy.ndimage import percentile_filter
        ankles = [k for k, joint in enumerate(self.track.joints.joints)
                  if joint.endswith('Ankle')]
        seen = self.track.poses[:, ankles, 2] > 0
        lowest = np.where(seen, points[:, ankles, 1], -np.inf).max(1)
        lowest = np.where(seen.any(1), lowest, line)
        window = 2 * max(1, round(FLOOR * self.track.fps / 2)) + 1
        floor = percentile_filter(lowest, 80, window, mode='nearest')
        air = np.maximum(floor - lowest - self.settings.airborne * self.heights, 0)
        down = damped(air, self.over(points)[:, 1])
        return points + np.stack([np.zeros(len(air)), down], 1)[:, None]

    def shrunk(self, points: np.ndarray, anchor: np.ndarray,
               least: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points scaled about the anchor (F, 2) where the body without its arms, which can be
        gathered, is larger than the picture; and the scale (F,), not below `least`."""
        wanted = np.maximum(self.share(points), least)
        scale = at_most(wanted, round(self.settings.seconds[1] * self.track.fps))
        return anchor[:, None] + (points - anchor[:, None]) * scale[:, None, None], scale

    def share(self, points: np.ndarray) -> np.ndarray:
        """float (F,): of its size, that the body without its arms has in the picture; 1 at most."""
        may = allowed(self.room)
        over = self.parts(points)[1] - may
        over = np.delete(over, PARTS.index('arms'), 1).max(1)
        bars = np.minimum(may, 0).max(0)
        sizes = np.array(self.room.size, np.float64) + bars[:2] + bars[2:]
        excess = over[:, :2] + over[:, 2:]
        return np.minimum(1, (sizes / (sizes + np.maximum(excess, 0))).min(1))

    def moved(self, points: np.ndarray, seconds: float) -> np.ndarray:
        """px (F, 1, 2) by which the body moves into the picture, over that time."""
        over = self.over(points)
        reach = round(min(seconds * self.track.fps, len(points)))
        ways = [within(over[:, axis], -over[:, axis + 2], reach) for axis in (0, 1)]
        return np.stack(ways, 1)[:, None]

    def back(self, points: np.ndarray) -> np.ndarray:
        """px (F, 1, 2) by which the body moves into the picture, each frame for itself."""
        over = self.over(points)
        return between(over[:, :2], -over[:, 2:])[:, None]

    def gathered(self, points: np.ndarray) -> np.ndarray:
        """Arms foreshortened, and feet put nearer together, where they still leave the picture."""
        points = points.copy()
        over = self.parts(points)[0]
        reach = round(self.settings.seconds[-1] * self.track.fps)
        for root, least, axes in (('Shoulder', self.settings.shortest, (0, 1)),
                                  ('Hip', self.settings.stride, (0,))):
            part = 2 if root == 'Shoulder' else 3
            for side in 'RL':
                chain, start = _chain(self.track.joints, side, root, part)
                top = points[:, start]
                away = points[:, chain] - top[:, None]
                outside = over[:, chain] - allowed(self.room)[part]
                hangs = self.track.poses[:, start, 2] > 0
                keep = np.ones(len(points))
                for axis in axes:
                    beyond = np.maximum(outside[..., axis], outside[..., axis + 2]).clip(0)
                    share = 1 - beyond / np.maximum(np.abs(away[..., axis]), beyond + 1e-6)
                    keep = np.minimum(keep, share.min(1))
                keep = at_most(np.maximum(np.where(hangs, keep, 1), least), reach)
                way = np.ones((len(points), 2))
                way[:, list(axes)] = keep[:, None]
                points[:, chain] = top[:, None] + away * way[:, None]
        return points


@cache
def _chain(skeleton: Skeleton, side: str, root: str, part: int) -> tuple[list[int], int]:
    """The joints of a limb, and the one that it hangs on."""
    chain = [k for k, name in enumerate(skeleton.joints)
             if name[0] == side and part_of(name) == part]
    return chain, skeleton.index(side + root)


class LiveRoom:
    """`fit_room`, of one pose after another."""

    def __init__(self, room: Room | None, settings: RoomSettings = SETTINGS):
        self.room = room
        self.settings = settings
        self.past: deque[tuple[float, float, float, float]] = deque()
        self.eased = Eased()

    def __call__(self, track: PoseTrack, time: float) -> tuple[PoseTrack, np.ndarray]:
        """A track of one frame with a torso, moved into the picture; and float (3, 3), px before ->
        px in the picture, arms that had to be gathered aside."""
        room = self.room
        if room is None:
            return track, np.eye(3)
        track = without_joints(track, room.hidden)
        tall, tallest, torso, hips = self._usual(track, time)
        seen = track.poses[..., 2:] > 0
        points = track.poses[..., :2].astype(np.float64)
        root, line = paths(track)
        anchor = np.stack([root, line], 1)
        scale = np.ones(1)
        if room.hidden:
            points, anchor, scale = _by_torso(track, points, room, torso, hips)
        low, high = (room.height[0] * (1 - self.settings.leeway),
                     room.height[1] * (1 + self.settings.leeway))
        wanted = np.minimum(np.maximum(1, low / (tallest * scale)), high / (tall * scale))
        wanted = self.eased('size', wanted, time, RESIZE)
        points = anchor[:, None] + (points - anchor[:, None]) * wanted[:, None, None]
        scale = scale * wanted

        body = _Body(track, tall * scale, room, self.settings)
        share = np.maximum(body.share(points), np.minimum(low / body.heights, 1))
        share = np.minimum(share, self.eased('share', share, time, RESIZE))
        points = anchor[:, None] + (points - anchor[:, None]) * share[:, None, None]
        moved = points + self.eased('move', body.back(points), time, MOVE)
        last = body.back(moved)
        if last.any():
            moved = body.gathered(moved)
            last = body.back(moved)
        points = moved
        scale = scale * share
        matrix = np.eye(3)
        matrix[:2, :2] *= scale[0]
        hips_now = joint_at(np.concatenate([points, seen], -1), track.joints, 'MidHip')[0, :2]
        hips_then = joint_at(track.poses, track.joints, 'MidHip')[0, :2]
        matrix[:2, 2] = hips_now + last[0, 0] - scale[0] * hips_then
        poses = track.poses.astype(np.float64)
        poses[..., :2] = (points + last) * seen
        depth = None if track.depth is None else track.depth * scale
        return replace(track, poses=poses, depth=depth), matrix

    def _usual(self, track: PoseTrack, time: float) -> tuple[float, float, float, float]:
        """px: how tall the body is, and was for longer, the length of its torso, and the y of its
        hips."""
        torso, hips = _torso_and_hips(track)
        self.past.append((time, visible_heights(track)[0], torso[0], hips[0]))
        while self.past[0][0] < time - WINDOW:
            self.past.popleft()
        times, height, torso, hips = np.array(self.past).T
        tall = height[times >= time - CALM]
        return (float(nan_quantile(tall, STRAIGHT / 100)),
                float(nan_quantile(height, STRAIGHT / 100)),
                float(nan_quantile(torso, 0.5)), float(nan_quantile(hips, 0.5)))
