"""PoseTrack: the joints of one person over time.

    people in every frame -> people.pick_person -> PoseTrack -> repair -> retarget -> draw

Shape letters: F frames, K joints. Poses are float32 (F, K, 3): x px, y px (pixel centres at
integers, y down), confidence 0..1, where 0 = not seen and then x = y = 0. A step changes nothing
in place: it returns a new track.
"""
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pose.body import torso_seen
from pose.skeleton import Skeleton, clean, convert, skeleton_of
from util.errors import UserError
from util.files import write_npz
from util.npz import read_npz

# the kinds of the arrays in a file, as dtype.kind
KINDS = {'poses': 'f', 'times': 'f', 'index': 'iu', 'skeleton': 'U', 'size': 'iu', 'kept': 'b',
         'shots': 'iu', 'reasons': 'U', 'depth': 'f'}
WIDEST, FAR = 65535, 1e6        # px: of the largest picture, and to a joint outside of it
LONGEST, MOST_FRAMES = 1e9, 1e9     # s, and frames, of a video
SHORTEST = 1e-4                     # s between two frames: the fastest camera takes 10,000 a second


@dataclass(frozen=True)
class PoseTrack:
    """One person in F frames of one video.

    poses     float32 (F, K, 3)   x px, y px in a picture of `size`, confidence
    times     float64 (F,)        seconds in the source, increasing
    index     int64 (F,)          the frame's number in the source
    skeleton  a key of SKELETONS
    size      (width, height) in px
    kept      bool (F,)           False: not to be used, for the reason in `reasons`
    shots     int64 (F,)          number of the shot, increasing; a cut starts a new one
    reasons   str (F,)            '' for a frame that is kept
    depth     float32 (F, K)      px from the hips' middle, smaller is nearer to the camera; NaN
                                  where the detector gives none, None where it never does
    """
    poses: np.ndarray
    times: np.ndarray
    index: np.ndarray
    skeleton: str
    size: tuple[int, int]
    kept: np.ndarray = None       # type: ignore[assignment]
    shots: np.ndarray = None       # type: ignore[assignment]
    reasons: np.ndarray = None       # type: ignore[assignment]
    depth: np.ndarray | None = None

    def __post_init__(self) -> None:
        frames = len(self.poses)
        joints = len(skeleton_of(self.skeleton).joints)
        usual = {'kept': np.ones(frames), 'shots': np.zeros(frames), 'reasons': np.full(frames, '')}
        kinds = {'times': np.float64, 'index': np.int64, 'kept': bool, 'shots': np.int64,
                 'reasons': str}
        values: dict[str, Any] = {'size': (int(self.size[0]), int(self.size[1]))}
        values['poses'] = clean(np.reshape(self.poses, (frames, joints, 3)))
        for name, kind in kinds.items():
            given = getattr(self, name)
            values[name] = np.asarray(usual[name] if given is None else given).astype(kind)
            assert values[name].shape == (frames,), f'{name} is not one per frame'
        if self.depth is not None:
            values['depth'] = np.reshape(self.depth, (frames, joints)).astype(np.float32)
        for name, value in values.items():
            object.__setattr__(self, name, value)           # the only way in a frozen class

    def __len__(self) -> int:
        return len(self.poses)

    @property
    def joints(self) -> Skeleton:
        """The table of the K joints."""
        return skeleton_of(self.skeleton)

    @property
    def fps(self) -> float:
        """Frames a second, from the median step between the frames' times; 25 for one frame."""
        return 1 / float(np.median(np.diff(self.times))) if len(self) > 1 else 25.0

    def seen(self) -> np.ndarray:
        """bool (F,): enough joints are seen to draw a body, that is a torso."""
        return torso_seen(self.poses, self.joints)

    def shown(self) -> np.ndarray:
        """bool (F,): kept, and with a torso."""
        return self.kept & self.seen()

    def select(self, mask: np.ndarray) -> 'PoseTrack':
        """The frames of `mask` (bool (F,), or their numbers)."""
        fields = ('poses', 'times', 'index', 'kept', 'shots', 'reasons', 'depth')
        return replace(self, **{name: getattr(self, name)[mask] for name in fields
                                if getattr(self, name) is not None})

    def numbered(self, skeleton: str) -> 'PoseTrack':
        """The same track in another skeleton's numbering; joints that this one lacks are not
        seen."""
        if skeleton == self.skeleton:
            return self
        depth = np.full(self.poses.shape[:2], np.nan) if self.depth is None else self.depth
        both = convert(np.dstack([self.poses, depth]), self.joints, skeleton_of(skeleton))
        return replace(self, poses=both[..., :3], skeleton=skeleton,
                       depth=None if self.depth is None else both[..., 3])

    def drop(self, mask: np.ndarray, reason: str) -> 'PoseTrack':
        """The track with those frames marked as not kept; an earlier reason stays."""
        mask = mask & self.kept
        return replace(self, kept=self.kept & ~mask, reasons=np.where(mask, reason, self.reasons))

    def dropped(self) -> list[tuple[int, float, str]]:
        """(index, time, reason) of every frame that is not kept."""
        return [(int(self.index[f]), float(self.times[f]), str(self.reasons[f]))
                for f in np.flatnonzero(~self.kept)]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write an .npz with one array per field, atomically; no pickles in it."""
        write_npz(path, **{k: v for k, v in vars(self).items() if v is not None})

    @classmethod
    def load(cls, path: str | os.PathLike[str],
             then: str = 'Make it again with preprocess.py.') -> 'PoseTrack':
        """Read what `save` wrote; UserError, with `then`, what to type, for any other file."""
        path = Path(path)
        if not path.is_file():
            raise UserError(f'{path}: no such file. preprocess.py writes one.')
        values: dict[str, Any] = read_npz(path, KINDS, then, optional=('depth',))
        try:
            track = cls(**values | {'skeleton': str(values['skeleton'])})
            check_track(track)
        except (ValueError, TypeError, IndexError, AssertionError, UserError) as error:
            raise UserError(f'{path}: not a pose track ({error}). {then}') from error
        return track


def check_track(track: PoseTrack) -> None:
    """ValueError for values that no video has; a track of somebody else's file may hold any."""
    width, height = track.size
    steps = np.diff(track.times)
    within = np.abs(track.times).max(initial=0) < LONGEST
    right = {
        'it has no frames': len(track) > 0,
        f'it is {width}x{height} px': 0 < min(track.size) <= max(track.size) <= WIDEST,
        'joints lie where no picture is': np.abs(track.poses[..., :2]).max(initial=0) < FAR,
        'depth is too large': track.depth is None or not (np.abs(track.depth) >= FAR).any(),
        'times do not increase': within and (steps >= SHORTEST).all(),
        'numbers of frames decrease': ascend(track.index),
        'shots do not increase': (np.diff(track.shots) >= 0).all()}
    for wrong, is_right in right.items():
        if not is_right:
            raise ValueError(wrong)


def ascend(numbers: np.ndarray) -> bool:
    """Whether numbers of frames, int (F,), begin at 0 or later and never go back."""
    inside = (numbers >= 0) & (numbers < MOST_FRAMES)
    return bool(inside.all() and (np.diff(numbers) >= 0).all())
