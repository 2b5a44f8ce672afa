"""PoseTrack: one person's joints over time; cuts found, gaps filled, jitter smoothed away.

    raw poses -> find_cuts -> PoseTrack -> fill -> smooth -> retarget or draw

Shape letters: F frames, K joints. Poses are float32 (F, K, 3): x px, y px (pixel centres at
integers, y down), confidence 0..1, where 0 = not seen and then x = y = 0. A step changes nothing
in place: it returns a new track.
"""
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import cv2
import numpy as np

from pose.skeleton import SKELETONS, Skeleton, clean, skeleton_of
from util.errors import UserError
from util.files import atomic, read_json, write_json

THUMBNAIL = (32, 18)          # width, height of the grey picture that cuts are looked for in
PICTURE_JUMP = 8.0            # mean grey difference (0..255) that no camera pan reaches ...
PICTURE_JUMP_TIMES = 4.0      # ... and that is so many times the usual one around it
SHORTEST_SHOT = 0.25          # seconds; what is shorter cannot be measured, or is a false find


@dataclass(frozen=True)
class PoseTrack:
    """One person in F frames of one video.

    poses     float32 (F, K, 3)   x px, y px in a picture of `size`, confidence
    times     float64 (F,)        seconds in the source, increasing
    index     int64 (F,)          the frame's number in the source
    skeleton  a key of SKELETONS
    size      (width, height) in px
    kept      bool (F,)           False: not to be used; `reasons` says why
    shots     int64 (F,)          number of the shot, increasing; a cut starts a new one
    reasons   str (F,)            '' for a frame that is kept
    """
    poses: np.ndarray
    times: np.ndarray
    index: np.ndarray
    skeleton: str
    size: tuple[int, int]
    kept: np.ndarray = None       # type: ignore[assignment]
    shots: np.ndarray = None       # type: ignore[assignment]
    reasons: np.ndarray = None       # type: ignore[assignment]

    def __post_init__(self) -> None:
        frames, joints = len(self.poses), len(skeleton_of(self.skeleton).joints)
        usual = {'kept': np.ones(frames), 'shots': np.zeros(frames), 'reasons': np.full(frames, '')}
        kinds = {'times': np.float64, 'index': np.int64, 'kept': bool, 'shots': np.int64,
                 'reasons': str}
        values: dict[str, Any] = {'size': (int(self.size[0]), int(self.size[1]))}
        values['poses'] = clean(np.reshape(self.poses, (frames, joints, 3)))
        for name, kind in kinds.items():
            given = getattr(self, name)
            values[name] = np.asarray(usual[name] if given is None else given).astype(kind)
            assert values[name].shape == (frames,), f'{name} is not one per frame'
        for name, value in values.items():
            object.__setattr__(self, name, value)           # the only way in a frozen class

    def __len__(self) -> int:
        return len(self.poses)

    @property
    def joints(self) -> Skeleton:
        """The table that says what the K joints are."""
        return skeleton_of(self.skeleton)

    @property
    def fps(self) -> float:
        """Frames a second, from the median step between the frames' times; 25 for one frame."""
        return 1 / float(np.median(np.diff(self.times))) if len(self) > 1 else 25.0

    def seen(self) -> np.ndarray:
        """bool (F,): enough joints to draw a body, that is a torso."""
        return torso_seen(self.poses, self.joints)

    def shown(self) -> np.ndarray:
        """bool (F,): kept, and with a torso."""
        return self.kept & self.seen()

    def select(self, mask: np.ndarray) -> 'PoseTrack':
        """The frames where `mask` (bool (F,) or numbers) says so."""
        parts = ('poses', 'times', 'index', 'kept', 'shots', 'reasons')
        return replace(self, **{name: getattr(self, name)[mask] for name in parts})

    def drop(self, mask: np.ndarray, reason: str) -> 'PoseTrack':
        """The track with those frames no longer kept, for that reason (an earlier one stays)."""
        mask = mask & self.kept
        return replace(self, kept=self.kept & ~mask, reasons=np.where(mask, reason, self.reasons))

    def dropped(self) -> list[tuple[int, float, str]]:
        """(index, time, reason) of every frame that is not kept."""
        return [(int(self.index[f]), float(self.times[f]), str(self.reasons[f]))
                for f in np.flatnonzero(~self.kept)]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write an .npz with one array per field, atomically; no pickles in it."""
        with atomic(path) as part, open(part, 'wb') as file:
            np.savez_compressed(file, **vars(self))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> 'PoseTrack':
        """Read what `save` wrote; UserError for a file that is something else."""
        try:
            with np.load(path, allow_pickle=False) as file:
                values = {name: file[name] for name in cls.__dataclass_fields__}
            return cls(**values | {'skeleton': str(values['skeleton'])})
        except FileNotFoundError:
            raise UserError(f'{path}: no such file. preprocess.py writes one.') from None
        except (OSError, ValueError, TypeError, KeyError, EOFError, BadZipFile) as error:
            raise UserError(f'{path}: no pose track ({error}). '
                            f'Make it again with preprocess.py.') from error

    def to_openpose_json(self, folder: str | os.PathLike[str]) -> None:
        """One file per frame as OpenPose 1.x writes them: 000000000012_keypoints.json.

        A frame without a person has no people in it; a joint that is not seen is 0, 0, 0.
        """
        for index, pose in zip(self.index, self.poses):
            person = {'person_id': [-1], 'pose_keypoints_2d': [round(float(v), 4)
                                                               for v in pose.ravel()]}
            write_json(Path(folder) / f'{index:012d}_keypoints.json',
                       {'version': 1.3, 'people': [person] if pose.any() else []})

    @classmethod
    def from_openpose_json(cls, folder: str | os.PathLike[str], size: tuple[int, int],
                           fps: float) -> 'PoseTrack':
        """Read a folder of OpenPose's files in name order, 18 or 25 joints, the largest person.

        size, fps  of the video they were made from: (width, height) px, frames a second
        """
        files = sorted(Path(folder).glob('*.json'))
        if not files:
            raise UserError(f'{folder}: no .json file in it. OpenPose writes them with '
                            f'--write_json {folder}.')
        people = [_largest(_people(path)) for path in files]
        counts = {len(pose) for pose in people if pose is not None} or {25}
        names = [s.name for s in SKELETONS.values() if {len(s.joints)} == counts]
        if not names:
            raise UserError(f'{folder}: poses of {sorted(counts)} joints. '
                            f'There is 18 (COCO) and 25 (BODY_25), one kind per folder.')
        nobody = np.zeros((counts.pop(), 3), np.float32)
        poses = np.stack([nobody if pose is None else pose for pose in people])
        numbers = [re.search(r'(\d+)_keypoints$', path.stem) for path in files]
        index = np.array([int(n[1]) for n in numbers if n])
        if len(index) < len(files) or (np.diff(index) <= 0).any():
            index = np.arange(len(files))
        return cls(poses, index / fps, index, names[0], size)


def _people(path: Path) -> list[np.ndarray]:
    """Everybody in one OpenPose file: float32 (K, 3) each."""
    try:
        people = [person['pose_keypoints_2d'] for person in read_json(path)['people']]
        return [clean(np.reshape(np.array(p, np.float32), (-1, 3))) for p in people]
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f'{path}: not a file as OpenPose writes it ({error!r}).') from error


def _largest(people: list[np.ndarray]) -> np.ndarray | None:
    """The person whose joints reach furthest, None for an empty picture."""
    def reach(pose: np.ndarray) -> float:
        seen = pose[pose[:, 2] > 0, :2]
        return float(np.linalg.norm(np.ptp(seen, axis=0))) if len(seen) else -1.0
    return max(people, key=reach, default=None)


# Cuts

class PictureWatch:
    """Looks at the frames as they come: how much changes, and whether that was a cut.

    watch = PictureWatch(); difference = watch(image); if watch.jumped: detector.reset()
    """

    def __init__(self) -> None:
        self.last: np.ndarray | None = None
        self.usual = 0.0
        self.jumped = False

    def __call__(self, image: np.ndarray) -> float:
        """Mean absolute difference (0..255) of a thumbnail of `image` to the frame before."""
        small = cv2.resize(image, THUMBNAIL, interpolation=cv2.INTER_AREA)
        small = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
        difference = 0.0 if self.last is None else float(np.abs(small - self.last).mean())
        self.last = small
        self.jumped = difference > max(PICTURE_JUMP, PICTURE_JUMP_TIMES * self.usual)
        self.usual += 0.1 * (min(difference, PICTURE_JUMP) - self.usual)
        return difference


def find_cuts(poses: np.ndarray, times: np.ndarray, difference: np.ndarray,
              skeleton: str = 'BODY_25') -> np.ndarray:
    """Number the shots: a cut is where the body jumps, sooner believed where the picture does.

    poses       float (F, K, 3)
    times       float (F,) s
    difference  float (F,) as PictureWatch gives
    Returns     int64 (F,) from 0; in a gap the cut lies where the picture jumps most

    A picture that jumps round a body that goes on is a flash or a title, not a cut. Where it
    jumps several times on end, one scene dissolves into the next: each frame is its own shot.
    """
    jumps = _picture_jumps(np.asarray(difference, np.float32))
    cuts = np.zeros(len(poses), np.int64)
    seen = np.flatnonzero(torso_seen(poses, skeleton_of(skeleton)))
    for a, b in pairwise(seen):
        between = slice(a + 1, b + 1)
        picture = bool(jumps[between].any())
        if body_jumps(poses[a], poses[b], times[b] - times[a], picture, skeleton):
            cuts[b if not picture else a + 1 + int(np.argmax(difference[between]))] = 1
    for stretch in _runs(jumps):
        cuts[stretch] |= cuts[stretch].max()
    return np.cumsum(cuts)


def body_jumps(before: np.ndarray, after: np.ndarray, seconds: float, picture_jumps: bool = False,
               skeleton: str = 'BODY_25') -> bool:
    """Whether no body moves like that in that time: its place or its size is another.

    before, after  float (K, 3), both with a torso
    seconds        between them; beyond 0.3 s more time excuses nothing more
    picture_jumps  with a jump of the picture less is needed
    """
    both = (before[:, 2] > 0) & (after[:, 2] > 0)
    a, b = before[both, :2], after[both, :2]
    sizes = sorted((_spread(a), _spread(b)))
    corners = ('RShoulder', 'LShoulder', 'RHip', 'LHip')
    torso = [skeleton_of(skeleton).index(joint) for joint in corners]
    torso = [k for k in torso if both[k]] or np.flatnonzero(both).tolist()
    moved = np.linalg.norm((after[torso, :2] - before[torso, :2]).mean(0)) / max(sizes[1], 1e-6)
    seconds = min(seconds, 0.3)
    # A sprinter makes 10 m/s, six times his height; a deep bow takes a third off the spread.
    far, other_size = (0.12 + 2 * seconds, 1.15 + seconds) if picture_jumps else (
        0.35 + 7 * seconds, 1.45 + 2 * seconds)
    return bool(moved > far or sizes[1] > other_size * sizes[0])


def _spread(points: np.ndarray) -> float:
    """A size of the body that all joints agree on, px: near half its height when it stands."""
    return float(np.sqrt(((points - points.mean(0)) ** 2).sum(1).mean())) * 1.6


def _picture_jumps(difference: np.ndarray, around: int = 12) -> np.ndarray:
    """bool (F,): far more changes than in the frames around."""
    usual = np.array([np.median(difference[max(0, f - around):f + around + 1])
                      for f in range(len(difference))])
    return difference > np.maximum(PICTURE_JUMP, PICTURE_JUMP_TIMES * usual)


# Gaps

def fill(track: PoseTrack, max_gap: int = 12) -> PoseTrack:
    """Close short gaps; say of every other frame why it cannot be kept.

    max_gap  frames; a joint unseen for longer stays unseen, and where the torso is, the frame is
             no longer kept

    Finds of a moment that jump away and back (another person, a picture on the wall) are taken
    out first and closed like any gap. Shots too short to be measured are not kept.
    """
    track = _without_flyers(track)
    poses = track.poses.copy()
    for frames in _shot_slices(track.shots):
        for k in range(poses.shape[1]):
            _close_gaps(poses[frames, k], track.times[frames], max_gap)
    found = track.seen()
    track = replace(track, poses=poses)
    for gap in _runs(~track.seen()):
        track = track.drop(_at(gap, track), f'nobody found for {gap.stop - gap.start} frames')
    enough = min(SHORTEST_SHOT, (len(track) - 1) / track.fps)
    for frames in _shot_slices(track.shots):
        seconds = found[frames].sum() / track.fps
        if seconds < enough:
            track = track.drop(_at(frames, track), f'a shot that shows {seconds:.2f} s of the body')
    return track


def _at(frames: slice, track: PoseTrack) -> np.ndarray:
    """bool (F,): in that stretch."""
    mask = np.zeros(len(track), bool)
    mask[frames] = True
    return mask


def _without_flyers(track: PoseTrack) -> PoseTrack:
    """Empty each short shot whose neighbours fit each other, and make the three one shot."""
    poses, shots = track.poses.copy(), track.shots.copy()
    seen = track.seen()
    before = None                                   # the last frame with a find to believe in
    for frames in _shot_slices(track.shots):
        finds = frames.start + np.flatnonzero(seen[frames])
        after = frames.stop + np.flatnonzero(seen[frames.stop:])[:1]
        if before is not None and len(after) and len(finds) / track.fps < SHORTEST_SHOT:
            after = int(after[0])
            seconds = track.times[after] - track.times[before]
            if seconds < 2 * SHORTEST_SHOT and not body_jumps(
                    poses[before], poses[after], seconds, True, track.skeleton):
                poses[frames] = 0
                shots[frames] = shots[before]
                shots[frames.stop:] -= shots[after] - shots[before]
                continue
        before = finds[-1] if len(finds) else before
    return replace(track, poses=poses, shots=shots)


def _close_gaps(joint: np.ndarray, times: np.ndarray, max_gap: int) -> None:
    """Interpolate one joint (F, 3), in place, over inner gaps of at most `max_gap` frames."""
    for gap in _runs(joint[:, 2] == 0):
        a, b = gap.start - 1, gap.stop
        if a < 0 or b == len(joint) or b - gap.start > max_gap:
            continue
        part = ((times[gap] - times[a]) / (times[b] - times[a]))[:, None]
        joint[gap] = joint[a] * (1 - part) + joint[b] * part
        joint[gap, 2] = min(joint[a, 2], joint[b, 2])


# Jitter

def smooth(track: PoseTrack, strength: float = 1.0) -> PoseTrack:
    """Take the jitter out without lag: a curve (degree 4) through the frames around each.

    strength  0 leaves all as it was; 1 looks 0.17 s to either side, which keeps 97 % of a move
              made three times a second; 2 looks twice as far

    Savitzky and Golay, Analytical Chemistry 36(8), 1964: symmetric, so nothing comes later.
    """
    from scipy.signal import savgol_filter
    poses = track.poses.copy()
    reach = round(0.17 * strength * track.fps)
    for frames in _shot_slices(track.shots):
        for k in range(poses.shape[1]):
            for run in _runs(poses[frames, k, 2] > 0):
                joint = poses[frames, k][run]
                window = 2 * min(reach, (len(joint) - 1) // 2) + 1
                if window > 5:
                    joint[:, :2] = savgol_filter(joint[:, :2], window, 4, axis=0)
    return replace(track, poses=poses)


def jitter(track: PoseTrack) -> float:
    """Median acceleration of the joints, in % of body height per frame and frame."""
    shown = track.shown()
    sizes = body_sizes(track.poses, track.joints)[shown]
    moves = []
    for shot in _shot_slices(track.shots):
        for run in _runs(shown[shot]):
            poses = track.poses[shot][run]
            seen = (poses[:-2, :, 2] > 0) & (poses[1:-1, :, 2] > 0) & (poses[2:, :, 2] > 0)
            moves.append(np.linalg.norm(np.diff(poses[..., :2], 2, axis=0), axis=-1)[seen])
    if not sum(map(len, moves)) or not (sizes > 0).any():
        return 0.0
    return float(100 * np.median(np.concatenate(moves)) / np.median(sizes[sizes > 0]))


# Shared measures

def torso_seen(poses: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """bool (F,): shoulders' and hips' middle are there."""
    return ((joint_at(poses, skeleton, 'Neck')[:, 2] > 0)
            & (joint_at(poses, skeleton, 'MidHip')[:, 2] > 0))


def joint_at(poses: np.ndarray, skeleton: Skeleton, joint: str) -> np.ndarray:
    """float (F, 3): a joint by name; MidHip is worked out where the skeleton has none."""
    if joint in skeleton.joints:
        return poses[:, skeleton.index(joint)]
    assert joint == 'MidHip', joint
    right, left = (poses[:, skeleton.index(j)] for j in ('RHip', 'LHip'))
    middle = (right + left) / 2
    middle[:, 2] = np.minimum(right[:, 2], left[:, 2])
    return middle * (middle[:, 2:] > 0)


def body_sizes(poses: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """float (F,) px: head, torso and the longer leg laid end to end, 0 where one is not seen.

    Bending and crouching shorten it only by what they foreshorten.
    """
    parts = body_parts(poses, skeleton)
    return parts.sum(1) * (parts > 0).all(1)


def body_parts(poses: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """float (F, 3) px: length of head (nose to neck), torso and the longer leg; 0 = not seen."""
    def length(*chain: str) -> np.ndarray:
        joints = np.stack([joint_at(poses, skeleton, j) for j in chain], 1)
        bones = np.linalg.norm(np.diff(joints[..., :2], axis=1), axis=-1).sum(1)
        return bones * (joints[..., 2] > 0).all(1)
    legs = [length(f'{side}Hip', f'{side}Knee', f'{side}Ankle') for side in 'RL']
    return np.stack([length('Nose', 'Neck'), length('Neck', 'MidHip'), np.maximum(*legs)], 1)


def _runs(mask: np.ndarray) -> Iterator[slice]:
    """The stretches where a bool (F,) mask is True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return (slice(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2]))


def _shot_slices(shots: np.ndarray) -> list[slice]:
    """One slice per stretch of equal shot numbers."""
    edges = np.flatnonzero(np.diff(shots)) + 1
    ends = [0, *edges.tolist(), len(shots)]
    return [slice(a, b) for a, b in pairwise(ends) if b > a]
