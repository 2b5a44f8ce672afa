"""Cleans a raw track, step by step. Shapes as in pose/track.

    without_flyers -> undo_swaps -> drop_guesses -> drop_beyond_limits -> drop_astray
    -> drop_impossible -> fill -> with_hidden_arms -> smooth

Every step takes a track and returns another; `repair` runs them all and counts their changes.
LiveRepair does the same to one frame after another, and holds a lost joint where repair fills. A
live dancer keeps hidden arms always.
"""
from dataclasses import replace
from functools import cache

import numpy as np

from pose.cleaning import smoothing
from pose.cleaning.bone_lengths import LiveProportions, parents, proportions
from pose.cleaning.hidden_limbs import possible_arms, with_hidden_arms
from pose.cleaning.plausible import REASON, LiveImpossible, astray, impossible
from pose.cleaning.swaps import LiveSwaps, undo_swaps
from pose.shots import SHORTEST_SHOT, body_jumps
from pose.skeleton import Skeleton, skeleton_of
from pose.stretches import runs, shot_slices
from pose.track import PoseTrack

# Measured on MediaPipe's joints behind a patch that hides a drawn dancer: of those with less
# visibility at most a third lie within 5 % of the body's height of the truth, above it more than
# half do.
MIN_CONFIDENCE = 0.2
MAX_GAP = 12            # frames
DOUBTED = 0.4           # seconds that a live pose no body has is not believed
# The most, in its own lengths, that a bone appears; and the error of a joint, of the longest bone,
# that is added to that.
LIMIT, OFF = 1.35, 0.12
NEIGHBOURS = 4          # frames to either side of a gap that shape what goes into it
# Live: frames for which a joint that is lost is held, and the second of which the limits are not
# yet known. A pose that no body has is not believed for as long as a gap is filled.
HELD, LEARNING = 5, 1.0


def repair(track: PoseTrack, *, min_confidence: float = MIN_CONFIDENCE, no_swaps: bool = False,
           no_limits: bool = False, max_gap: int = MAX_GAP, smooth: float = 1.0,
           hidden_arms: bool = False) -> tuple[PoseTrack, dict[str, int]]:
    """Clean a raw track, and count the changes of each step.

    min_confidence, max_gap, smooth    as the steps below take them; 0 leaves a step out
    no_swaps, no_limits                leave these two out
    hidden_arms                        keep guessed arms, of a dancer in whose poses
                                       somebody is painted
    Returns  the track, and the number of 'flyers' (frames), 'guesses', 'beyond_limits' and
             'astray' (joints) removed, of 'swaps' undone (frames), of 'impossible' poses (frames),
             and of joints 'filled'
    """
    clean = without_flyers(track) if max_gap else track
    counts = {'flyers': _lost(track, clean).any(1).sum()}
    sided = clean if no_swaps else undo_swaps(clean)    # first: guesses may be swapped as well
    counts['swaps'] = (sided.poses != clean.poses).any((1, 2)).sum()
    sure = drop_guesses(sided, min_confidence)
    counts['guesses'] = _lost(sided, sure).sum()
    possible = sure if no_limits else drop_beyond_limits(sure)
    counts['beyond_limits'] = _lost(sure, possible).sum()
    steady = possible if no_limits or not max_gap else drop_astray(possible)    # fill closes these
    counts['astray'] = _lost(possible, steady).sum()
    plausible = steady if no_limits else drop_impossible(steady, max_gap)
    counts['impossible'] = _lost(steady, plausible).any(1).sum()
    whole = fill(plausible, max_gap)
    counts['filled'] = _lost(whole, plausible).sum()
    if hidden_arms:
        whole = with_hidden_arms(whole, sided)
    return smoothing.smooth(whole, smooth), {name: int(count) for name, count in counts.items()}


def _lost(before: PoseTrack, after: PoseTrack) -> np.ndarray:
    """bool (F, K): seen before, and no longer."""
    return (before.poses[..., 2] > 0) & (after.poses[..., 2] == 0)


def _without(track: PoseTrack, mask: np.ndarray) -> PoseTrack:
    """The track in which the joints of `mask` (bool (F, K)) are not seen."""
    depth = None if track.depth is None else np.where(mask, np.nan, track.depth)
    return replace(track, poses=np.where(mask[..., None], 0, track.poses), depth=depth)


def without_flyers(track: PoseTrack) -> PoseTrack:
    """Empty each short shot whose neighbours fit each other, and make the three one shot.

    Such a shot is a brief false find: another person, a picture on the wall.
    """
    emptied = np.zeros(track.poses.shape[:2], bool)
    shots = track.shots.copy()
    seen = track.seen()
    before = None                                   # the last frame with a trusted find
    for frames in shot_slices(track.shots):
        finds = frames.start + np.flatnonzero(seen[frames])
        after = frames.stop + np.flatnonzero(seen[frames.stop:])[:1]
        if before is not None and len(after) and len(finds) / track.fps < SHORTEST_SHOT:
            after = int(after[0])
            seconds = track.times[after] - track.times[before]
            if seconds < 2 * SHORTEST_SHOT and not body_jumps(
                    track.poses[before], track.poses[after], seconds, True, track.skeleton):
                emptied[frames] = True
                shots[frames] = shots[before]
                shots[frames.stop:] -= shots[after] - shots[before]
                continue
        before = finds[-1] if len(finds) else before
    return replace(_without(track, emptied), shots=shots)


def drop_guesses(track: PoseTrack, min_confidence: float = MIN_CONFIDENCE) -> PoseTrack:
    """Mark joints of less confidence as not seen: the detector guesses them.

    The trunk stays, whatever its confidence: without it a frame shows nobody.
    """
    return _without(track, guesses(track.poses, track.joints, min_confidence))


def guesses(poses: np.ndarray, table: Skeleton, min_confidence: float) -> np.ndarray:
    """bool (F, K): what drop_guesses drops of poses (F, K, 3)."""
    guessed = poses[..., 2] < min_confidence
    guessed[:, _trunk(table)] = False
    return guessed


def _trunk(table: Skeleton) -> list[int]:
    """The joints that PoseTrack.seen needs."""
    hips = ('MidHip',) if 'MidHip' in table.joints else ('RHip', 'LHip')
    return [table.index(joint) for joint in ('Neck', *hips)]


def drop_beyond_limits(track: PoseTrack) -> PoseTrack:
    """Mark joints as not seen that lie further from the body than the person's bones reach.

    Where a joint's parent is not seen, its nearest seen ancestor is used instead.
    """
    return _without(track, beyond_limits(track.poses, track.skeleton, *proportions(track)))


def beyond_limits(poses: np.ndarray, skeleton: str, lengths: np.ndarray,
                  scale: np.ndarray) -> np.ndarray:
    """bool (F, K): what drop_beyond_limits drops of poses (F, K, 3) with these proportions."""
    table = skeleton_of(skeleton)
    parent = parents(skeleton)
    dropped = np.zeros(poses.shape[:2], bool)
    seen = poses[..., 2] > 0
    off = OFF * np.nan_to_num(lengths[table.part('body')]).max()
    lengths = np.nan_to_num(lengths)
    for joints in _levels(skeleton):        # those dropped of one level bound the next
        unchecked = seen[:, joints]
        reach = np.zeros(len(joints))
        near = joints
        while parent[near[0]] != near[0]:
            reach = reach + lengths[near]
            near = parent[near]
            checked = unchecked & seen[:, near]
            way = poses[:, joints, :2] - poses[:, near, :2]
            apart = np.hypot(way[..., 0], way[..., 1])
            longest = (LIMIT * reach + off) * scale[:, None]
            dropped[:, joints] |= checked & (apart > longest) & (reach > 0)
            unchecked &= ~checked
        dropped[:, _trunk(table)] = False
        seen[:, joints] &= ~dropped[:, joints]
    return dropped


@cache
def _levels(skeleton: str) -> list[np.ndarray]:
    """The joints as many bones from the root, one array for each number, the nearest first."""
    parent = parents(skeleton)
    steps = np.array([_steps(parent, k) for k in range(len(parent))])
    return [np.flatnonzero(steps == number) for number in range(steps.max() + 1)]


def drop_astray(track: PoseTrack) -> PoseTrack:
    """Mark joints as not seen that are elsewhere for a single frame. The trunk stays."""
    mask = astray(track)
    mask[:, _trunk(track.joints)] = False
    return _without(track, mask)


def drop_impossible(track: PoseTrack, max_gap: int = MAX_GAP) -> PoseTrack:
    """Empty frames whose pose no body has. A stretch longer than `max_gap` frames, which fill will
    not close, is dropped with that reason."""
    mask = impossible(track)
    for run in runs(mask):
        if run.stop - run.start > max_gap:
            track = track.drop(_at(run, track), REASON)
    return _without(track, np.repeat(mask[:, None], track.poses.shape[1], 1))


def _steps(parent: np.ndarray, joint: int) -> int:
    """The number of bones between a joint and the root."""
    return 0 if parent[joint] == joint else 1 + _steps(parent, parent[joint])


def fill(track: PoseTrack, max_gap: int = MAX_GAP) -> PoseTrack:
    """Close short gaps; drop frames that still show no torso, with the reason.

    max_gap  frames; a joint unseen for longer stays unseen

    Shots too short to be measured are dropped too.
    """
    poses = track.poses.copy()
    depth = None if track.depth is None else track.depth.copy()
    for frames in shot_slices(track.shots):
        for k in range(poses.shape[1]):
            _close_gaps(poses[frames, k], None if depth is None else depth[frames, k],
                        track.times[frames], max_gap)
    found = track.seen()
    track = replace(track, poses=poses, depth=depth)
    for gap in runs(~track.seen()):
        track = track.drop(_at(gap, track), f'nobody found for {gap.stop - gap.start} frames')
    enough = min(SHORTEST_SHOT, (len(track) - 1) / track.fps)
    for frames in shot_slices(track.shots):
        seconds = found[frames].sum() / track.fps
        if seconds < enough:
            track = track.drop(_at(frames, track), f'a shot that shows {seconds:.2f} s of the body')
    return track


def _at(frames: slice, track: PoseTrack) -> np.ndarray:
    """bool (F,): in that stretch."""
    mask = np.zeros(len(track), bool)
    mask[frames] = True
    return mask


def _close_gaps(joint: np.ndarray, depth: np.ndarray | None, times: np.ndarray, max_gap: int
                ) -> None:
    """Interpolate one joint (F, 3), in place, over inner gaps of at most `max_gap` frames.

    Fritsch and Butland's cubic, SIAM Journal on Scientific and Statistical Computing 5(2), 1984:
    it continues the motion on both sides, and never overshoots the places seen.
    """
    seen = joint[:, 2] > 0
    gaps = [gap for gap in runs(~seen) if gap.start > 0 and gap.stop < len(joint)
            and gap.stop - gap.start <= max_gap]
    if not gaps:
        return
    from scipy.interpolate import PchipInterpolator
    for gap in gaps:
        a, b = gap.start - 1, gap.stop
        around = np.r_[a - NEIGHBOURS + 1:a + 1, b:b + NEIGHBOURS].clip(0, len(joint) - 1)
        around = np.unique(around[seen[around]])
        joint[gap, :2] = PchipInterpolator(times[around], joint[around, :2])(times[gap])
        joint[gap, 2] = min(joint[a, 2], joint[b, 2])
        if depth is not None:
            depth[gap] = np.interp(times[gap], times[[a, b]], depth[[a, b]])


class LiveRepair:
    """`repair`, of one frame after another.

    speed    float (K, 2) px a second of the joints
    height   px: the body's, which changes slowly
    """

    def __init__(self, skeleton: str, size: tuple[int, int],
                 min_confidence: float = MIN_CONFIDENCE):
        self.skeleton = skeleton
        self.table = skeleton_of(skeleton)
        self.parent = parents(skeleton)
        self.min_confidence = min_confidence
        self.proportions = LiveProportions(skeleton)
        self.swaps = LiveSwaps(skeleton)
        self.impossible = LiveImpossible(skeleton, size)
        self.smoothing = smoothing.LiveSmoothing()
        self.held = np.full((len(self.table.joints), 4), np.nan)    # where joints were last seen,
        self.lost = np.full(len(self.table.joints), HELD + 1)       # and how many frames ago
        self.doubted: float | None = None       # since when the poses are no body's
        self.start: float | None = None

    @property
    def speed(self) -> np.ndarray:
        return self.smoothing.speed

    @property
    def height(self) -> float:
        return max(self.proportions.tall * self.proportions.scale, 1.0)

    def __call__(self, found: np.ndarray, time: float) -> np.ndarray | None:
        """The joints float (K, 4) of a detector, cleaned; None where no body has that pose."""
        self.start = time if self.start is None else self.start
        self.proportions(found[:, :3], time)
        own = self.proportions
        sided = self.swaps(found, time, own.lengths, own.scale)
        drop = guesses(sided[None, :, :3], self.table, self.min_confidence)[0]
        joints = _unseen(sided, drop)
        if time - self.start >= LEARNING:
            scale = np.array([own.scale])
            beyond = beyond_limits(joints[None, :, :3], self.skeleton, own.lengths, scale)[0]
            joints = _unseen(joints, beyond)
            false = self.impossible(joints[:, :3], time, own.lengths, own.scale)
            self.doubted = (time if self.doubted is None else self.doubted) if false else None
            if self.doubted is not None and time - self.doubted < DOUBTED:
                return None
        held = self._hold(joints)
        hidden = possible_arms(held[None, :, :3], sided[None, :, :3], self.table, own.lengths,
                               np.array([own.scale]))[0]
        return self.smoothing(np.where(hidden[:, None], sided, held), self.height, time)

    def _hold(self, joints: np.ndarray) -> np.ndarray:
        """The joints with those lost for no more than HELD frames where they were, moved with the
        joint that they hang on."""
        seen = joints[:, 2] > 0
        self.lost = np.where(seen, 0, self.lost + 1)
        held = joints.copy()
        for k in np.flatnonzero(~seen & (self.lost <= HELD)):
            near = self.parent[k]
            known = held[near, 2] > 0 and self.held[near, 2] > 0
            moved = held[near, :2] - self.held[near, :2] if known else 0.0
            held[k] = self.held[k]
            held[k, :2] += moved
        self.held = held
        return held


def _unseen(joints: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The joints float (K, 4) without those of a bool (K,) mask."""
    return np.where(mask[:, None], np.array([0, 0, 0, np.nan], np.float32), joints)
