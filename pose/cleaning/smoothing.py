"""Jitter: its measure, and smoothing that removes it without lag; LiveSmoothing, which cannot look
ahead, with little. Shapes as in pose/track."""
from dataclasses import replace

import numpy as np

from pose.body import body_sizes, heights
from pose.one_euro import OneEuro, OneEuroFilter
from pose.skeleton import Skeleton
from pose.stretches import runs, shot_slices
from pose.track import PoseTrack

REACH, DEGREE = 0.17, 4         # seconds to either side, and degree of the curve
SLACK = 1.1                     # times REACH: frame times are not exact
# Body heights from frame to frame, and in a second: more than both is no move but a detector that
# takes one arm for the other.
# A curve through both would lie on neither. Of a woman who turns fast, 1.03 % of her silhouette is
# then far from any bone, as much as without smoothing; with a curve across jumps 1.13 %.
JUMP, FASTEST = 0.1, 2.5
FARTHEST = 5                    # frames: the largest lag that is searched for
LAG_FRAMES = 4 * FARTHEST       # frames in a row that must show a joint to measure lag
# Live. Speeds are in body heights a second. With half the cutoff of the speed, joints lag by 2 ms
# more and jitter as much.
JOINTS = OneEuro(cutoff=1.5, beta=30.0, speed_cutoff=6.0)
# Between two looks: the share of its speed that a joint keeps, and that the last change of speed is
# repeated by. At every third picture of three clips, 1 and 0 lag by up to 50 ms, these by 39.
KEPT, AGAIN = 0.9, 0.25
SLOWEST = 4.0                   # Hz: after a longer pause joints are taken as they are found


def smooth(track: PoseTrack, strength: float = 1.0) -> PoseTrack:
    """Remove jitter without lag: a curve of degree 4 through the frames around each frame.

    strength  0 changes nothing; 1 uses 0.17 s to either side, which keeps 97 % of a move made three
              times a second; 2 uses twice as much

    Savitzky and Golay, Analytical Chemistry 36(8), 1964: symmetric, so it adds no lag. The curve is
    fitted over the frames' own times, so an uneven frame rate distorts nothing, and only to frames
    that show the joint, so next to a gap it rests on fewer frames. It ends where the joint jumps.
    """
    reach = round(REACH * strength * track.fps)
    if 2 * reach <= DEGREE:
        return track
    poses = track.poses.copy()
    depth = None if track.depth is None else track.depth.copy()
    for frames in shot_slices(track.shots):
        times = track.times[frames]
        around = np.arange(len(times))[:, None] + np.arange(-reach, reach + 1)      # (F, W)
        inside = (around >= 0) & (around < len(times))
        around = around.clip(0, len(times) - 1)
        pieces = _pieces(poses[frames], times, track.joints)
        away = (times[around] - times[:, None]) / (REACH * strength)
        inside &= np.abs(away) < SLACK
        for k in range(poses.shape[1]):
            joint = poses[frames, k]                        # views: written to below
            used = inside & (joint[around, 2] > 0) & (pieces[around, k] == pieces[:, None, k])
            rows = np.flatnonzero((joint[:, 2] > 0) & (used.sum(1) > DEGREE + 1))
            weights = _weights(away[rows], used[rows])
            joint[rows, :2] = np.einsum('fw,fwc->fc', weights, joint[around[rows], :2])
            if depth is not None:
                deep = np.where(used[rows], depth[frames, k][around[rows]], 0)
                depth[frames, k][rows] = (weights * deep).sum(1)
    return replace(track, poses=poses, depth=depth)


def _pieces(poses: np.ndarray, times: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """int (F, K): the number of jumps of each joint until each frame of a shot."""
    tall = heights(poses, skeleton)
    size = float(np.median(tall[tall > 0])) if (tall > 0).any() else np.inf
    both = (poses[1:, :, 2] > 0) & (poses[:-1, :, 2] > 0)
    steps = np.linalg.norm(np.diff(poses[..., :2], axis=0), axis=-1)
    most = size * np.maximum(JUMP, FASTEST * np.diff(times))[:, None]
    jumps = np.cumsum(both & (steps > most), axis=0)
    return np.concatenate([np.zeros((1, poses.shape[1]), int), jumps])


def _weights(away: np.ndarray, used: np.ndarray) -> np.ndarray:
    """The weight of each frame in the curve's value in the middle, least squares: float (F, W).

    away  float (F, W)  time from the middle, about -1 to 1;  used  bool (F, W)
    """
    powers = away[..., None] ** np.arange(DEGREE + 1) * used[..., None]
    across = powers.transpose(0, 2, 1)
    first = np.eye(DEGREE + 1)[None, :, :1]
    return (powers @ np.linalg.solve(across @ powers, first))[..., 0]


class LiveSmoothing:
    """Smooths joints one frame after another: One-Euro, each joint by its own speed.

    speed  float (K, 2) px a second that joints go on with until the next frame: by where they were
           found, as the filter's own speed is late
    """

    def __init__(self, settings: OneEuro = JOINTS):
        self.settings = settings
        self.filter: OneEuroFilter | None = None
        self.time = -np.inf
        self.seen = np.zeros(0, bool)
        self.speed = np.zeros((0, 2))
        self.found_speed = np.zeros((0, 2))     # px a second between the last two frames

    def __call__(self, joints: np.ndarray, height: float, time: float) -> np.ndarray:
        """The joints float (K, 4) of a detector, smoothed.

        height  px: the body's, which changes slowly;  time  s
        """
        places = joints[:, [0, 1, 3]].astype(np.float64)
        deep = np.isfinite(places[:, 2])
        places = np.nan_to_num(places)
        seen = joints[:, 2] > 0
        rate = 1 / max(time - self.time, 1e-3)
        if self.filter is None or rate < SLOWEST:
            self.filter = OneEuroFilter(places, self.settings)
            self.speed = self.found_speed = np.zeros((len(joints), 2))
        else:
            new = seen & ~self.seen             # begins where it is, at rest
            self.filter.points[new] = self.filter.last[new] = places[new]
            self.filter.speed[new] = 0
            self._measure_speed(places[:, :2] - self.filter.last[:, :2], seen & ~new, rate)
            self.filter(places, height, rate)
        self.time = time
        self.seen = seen
        smooth = joints.copy()
        smooth[seen, :2] = self.filter.points[seen, :2]
        smooth[seen & deep, 3] = self.filter.points[seen & deep, 2]
        return smooth

    def _measure_speed(self, moved: np.ndarray, seen: np.ndarray, rate: float) -> None:
        """By how far joints (K, 2) moved since the frame before; seen: bool (K,), in both."""
        speed = moved * rate * seen[:, None]
        before = np.where(self.found_speed.any(1, keepdims=True), self.found_speed, speed)
        self.speed = KEPT * (speed + AGAIN * (speed - before)) * seen[:, None]
        self.found_speed = speed


def jitter(track: PoseTrack) -> float:
    """Median acceleration of the body's joints, in % of body height per frame and frame."""
    body = track.joints.part('body')
    sizes = body_sizes(track.poses, track.joints)[track.shown()]
    if not (sizes > 0).any():
        return 0.0
    moves = [np.zeros(0)]
    for run in _shown_runs(track):
        poses = track.poses[run, body]
        seen = (poses[:-2, :, 2] > 0) & (poses[1:-1, :, 2] > 0) & (poses[2:, :, 2] > 0)
        moves.append(np.linalg.norm(np.diff(poses[..., :2], 2, axis=0), axis=-1)[seen])
    every = np.concatenate(moves)
    return float(100 * np.median(every) / np.median(sizes[sizes > 0])) if len(every) else 0.0


def lag(before: PoseTrack, after: PoseTrack) -> float:
    """The lag of the body's joints in `after` against `before`, in frames.

    The shift at which the velocities of the two tracks of one video fit best (cross-correlation,
    its peak between frames from a parabola); 0.0 where nothing moves long enough.
    """
    body = before.joints.part('body')
    shifts = np.arange(-FARTHEST, FARTHEST + 1)
    fit = np.zeros(len(shifts))
    for run in _shown_runs(after):
        both = (before.poses[run, body, 2] > 0) & (after.poses[run, body, 2] > 0)
        for k in range(both.shape[1]):
            for rows in runs(both[:, k]):
                if rows.stop - rows.start < LAG_FRAMES:
                    continue
                old, new = (np.diff(track.poses[run, body][rows, k, :2].astype(float), axis=0)
                            for track in (before, after))
                # Speeds are compressed, so that one false find does not decide.
                usual = np.median(np.linalg.norm(new, axis=1)) + 1e-6
                old, new = (v / (usual + np.linalg.norm(v, axis=1, keepdims=True))
                            for v in (old, new))
                fit += [(old[FARTHEST:-FARTHEST] * _shifted(new, s)).sum()
                        + (_shifted(old, -s) * new[FARTHEST:-FARTHEST]).sum() for s in shifts]
    peak = int(fit.argmax())
    if not fit.any() or peak in (0, len(fit) - 1):
        return float(shifts[peak]) if fit.any() else 0.0
    left, top, right = fit[peak - 1:peak + 2]
    return float(shifts[peak] + (left - right) / (2 * (left - 2 * top + right)))


def _shifted(values: np.ndarray, frames: int) -> np.ndarray:
    """The middle of `values`, shifted by that number of frames."""
    return values[FARTHEST + frames:len(values) - FARTHEST + frames]


def _shown_runs(track: PoseTrack) -> list[slice]:
    """The stretches within a shot in which the person is shown."""
    shown = track.shown()
    return [slice(shot.start + run.start, shot.start + run.stop)
            for shot in shot_slices(track.shots) for run in runs(shown[shot])]
