"""Cleans a raw track, step by step. Shapes as in pose/track.

    without_flyers -> undo_swaps -> drop_guesses -> drop_beyond_limits -> drop_impossible -> fill
    -> smooth

Every step takes a track and returns another; `repair` runs them all and counts their changes.
"""
from dataclasses import replace

import numpy as np

from pose.cleaning import smoothing
from pose.cleaning.bone_lengths import parents, proportions
from pose.cleaning.plausible import REASON, impossible
from pose.cleaning.swaps import undo_swaps
from pose.shots import SHORTEST_SHOT, body_jumps
from pose.stretches import runs, shot_slices
from pose.track import PoseTrack

# Measured on MediaPipe's joints behind a patch that hides a drawn dancer: of those with less
# visibility at most a third lie within 5 % of the body's height of the truth, above it more than
# half do.
MIN_CONFIDENCE = 0.2
MAX_GAP = 12            # frames
# The most, in its own lengths, that a bone appears; and the error of a joint, of the longest bone,
# that is added to that.
LIMIT, OFF = 1.35, 0.12
NEIGHBOURS = 4          # frames to either side of a gap that shape what goes into it


def repair(track: PoseTrack, *, min_confidence: float = MIN_CONFIDENCE, no_swaps: bool = False,
           no_limits: bool = False, max_gap: int = MAX_GAP, smooth: float = 1.0
           ) -> tuple[PoseTrack, dict[str, int]]:
    """Clean a raw track, and count the changes of each step.

    min_confidence, max_gap, smooth    as the steps below take them; 0 leaves a step out
    no_swaps, no_limits                leave these two out
    Returns  the track, and the number of 'flyers' (frames), 'guesses' and 'beyond_limits' (joints)
             removed, of 'swaps' undone (frames), of 'impossible' poses (frames), and of joints
             'filled'
    """
    clean = without_flyers(track) if max_gap else track
    counts = {'flyers': _lost(track, clean).any(1).sum()}
    sided = clean if no_swaps else undo_swaps(clean)    # first: guesses may be swapped as well
    counts['swaps'] = (sided.poses != clean.poses).any((1, 2)).sum()
    sure = drop_guesses(sided, min_confidence)
    counts['guesses'] = _lost(sided, sure).sum()
    possible = sure if no_limits else drop_beyond_limits(sure)
    counts['beyond_limits'] = _lost(sure, possible).sum()
    plausible = possible if no_limits else drop_impossible(possible, max_gap)
    counts['impossible'] = _lost(possible, plausible).any(1).sum()
    whole = fill(plausible, max_gap)
    counts['filled'] = _lost(whole, plausible).sum()
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
    guessed = track.poses[..., 2] < min_confidence
    guessed[:, _trunk(track)] = False
    return _without(track, guessed)


def _trunk(track: PoseTrack) -> list[int]:
    """The joints that PoseTrack.seen needs."""
    hips = ('MidHip',) if 'MidHip' in track.joints.joints else ('RHip', 'LHip')
    return [track.joints.index(joint) for joint in ('Neck', *hips)]


def drop_beyond_limits(track: PoseTrack) -> PoseTrack:
    """Mark joints as not seen that lie further from the body than the person's bones reach.

    Where a joint's parent is not seen, its nearest seen ancestor is used instead.
    """
    lengths, scale = proportions(track)
    parent = parents(track.skeleton)
    table = track.joints
    dropped = np.zeros(track.poses.shape[:2], bool)
    seen = track.poses[..., 2] > 0
    off = OFF * np.nan_to_num(lengths[table.part('body')]).max()
    order = sorted(range(len(table.joints)), key=lambda k: _steps(parent, k))
    for k in order:
        if k in _trunk(track):
            continue
        unchecked = seen[:, k].copy()
        reach = 0.0
        near = k
        while parent[near] != near:
            reach = reach + np.nan_to_num(lengths[near])
            near = parent[near]
            checked = unchecked & seen[:, near]
            apart = np.linalg.norm(track.poses[:, k, :2] - track.poses[:, near, :2], axis=1)
            dropped[:, k] |= checked & (apart > (LIMIT * reach + off) * scale) & (reach > 0)
            unchecked &= ~checked
        seen[:, k] &= ~dropped[:, k]
    return _without(track, dropped)


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
