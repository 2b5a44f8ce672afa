"""Shots: finds the cuts of a video, and chooses among its shots. Shapes as in pose/track."""
from itertools import pairwise

import cv2
import numpy as np

from pose.body import TRUNK_CORNERS, torso_seen
from pose.skeleton import skeleton_of
from pose.stretches import runs
from pose.track import PoseTrack
from util.errors import UserError

THUMBNAIL = (32, 18)          # width, height of the grey picture in which cuts are searched for
ENOUGH = 256                  # rows or columns of a picture; leaving out some of more saves 5 ms
                              # of 6 at 1080x1920
PICTURE_JUMP = 8.0            # mean grey difference (0..255) that no camera pan reaches ...
PICTURE_JUMP_TIMES = 4.0      # ... and how many times the usual one around it that must be
SHORTEST_SHOT = 0.25          # seconds; a shorter one cannot be measured, or is a false find


class PictureWatch:
    """Compares each frame with the one before: how much changes, and whether that is a cut.

    watch = PictureWatch(); difference = watch(image); if watch.jumped: detector.reset()
    """

    def __init__(self, enough: int = ENOUGH) -> None:
        """enough: rows or columns of a picture that are looked at, at least."""
        self.enough = enough
        self.last: np.ndarray | None = None
        self.usual = 0.0
        self.jumped = False

    def __call__(self, image: np.ndarray) -> float:
        """Mean absolute difference (0..255) of a thumbnail of `image` to the frame before."""
        every = max(1, min(image.shape[:2]) // self.enough)
        # half the time of a copy of image[::every, ::every], which numpy makes number by number
        some = image[::every].take(np.arange(0, image.shape[1], every), axis=1)
        small = cv2.resize(some, THUMBNAIL, interpolation=cv2.INTER_AREA)
        small = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
        difference = 0.0 if self.last is None else float(np.abs(small - self.last).mean())
        self.last = small
        self.jumped = difference > max(PICTURE_JUMP, PICTURE_JUMP_TIMES * self.usual)
        self.usual += 0.1 * (min(difference, PICTURE_JUMP) - self.usual)
        return difference


def find_cuts(poses: np.ndarray, times: np.ndarray, difference: np.ndarray,
              skeleton: str = 'BODY_25') -> np.ndarray:
    """Number the shots: a cut is where the body jumps; a smaller jump is enough where the picture
    jumps too.

    poses       float (F, K, 3)
    times       float (F,) s
    difference  float (F,) as PictureWatch gives
    Returns     int64 (F,) from 0; in a gap the cut lies where the picture jumps most

    Where the picture jumps but the body goes on, it is a flash or a title, not a cut. Where it
    jumps several times in a row, one scene dissolves into the next: each frame is its own shot.
    """
    jumps = picture_jumps(np.asarray(difference, np.float32))
    cuts = np.zeros(len(poses), np.int64)
    seen = np.flatnonzero(torso_seen(poses, skeleton_of(skeleton)))
    for a, b in pairwise(seen):
        between = slice(a + 1, b + 1)
        picture = bool(jumps[between].any())
        if body_jumps(poses[a], poses[b], times[b] - times[a], picture, skeleton):
            cuts[b if not picture else a + 1 + int(np.argmax(difference[between]))] = 1
    for stretch in runs(jumps):
        cuts[stretch] |= cuts[stretch].max()
    return np.cumsum(cuts)


def body_jumps(before: np.ndarray, after: np.ndarray, seconds: float, picture_jumps: bool = False,
               skeleton: str = 'BODY_25') -> bool:
    """Whether no body moves like that in that time: its place or its size changes too much.

    before, after  float (K, 3), both with a torso
    seconds        between them; beyond 0.3 s more time excuses nothing more
    picture_jumps  a jump of the picture lowers the threshold
    """
    body = skeleton_of(skeleton).part('body')       # a face's 70 points would outvote the body
    before, after = before[body], after[body]
    both = (before[:, 2] > 0) & (after[:, 2] > 0)
    a, b = before[both, :2], after[both, :2]
    sizes = sorted((_spread(a), _spread(b)))
    torso = [skeleton_of(skeleton).index(joint) for joint in TRUNK_CORNERS]
    torso = [k for k in torso if both[k]] or np.flatnonzero(both).tolist()
    moved = np.linalg.norm((after[torso, :2] - before[torso, :2]).mean(0)) / max(sizes[1], 1e-6)
    seconds = min(seconds, 0.3)
    # A sprinter moves six body heights (10 m) a second; a deep bow shrinks the spread by a third.
    if picture_jumps:
        far, other_size = 0.12 + 2 * seconds, 1.15 + seconds
    else:
        far, other_size = 0.35 + 7 * seconds, 1.45 + 2 * seconds
    return bool(moved > far or sizes[1] > other_size * sizes[0])


def _spread(points: np.ndarray) -> float:
    """A size of the body from all its joints, px: about half its height when it stands."""
    return float(np.sqrt(((points - points.mean(0)) ** 2).sum(1).mean())) * 1.6


def picture_jumps(difference: np.ndarray, around: int = 12) -> np.ndarray:
    """bool (F,): far more changes than in the `around` frames before and after."""
    usual = np.array([np.median(difference[max(0, f - around):f + around + 1])
                      for f in range(len(difference))])
    return difference > np.maximum(PICTURE_JUMP, PICTURE_JUMP_TIMES * usual)


def choose_shots(track: PoseTrack, which: str) -> PoseTrack:
    """The track with the shots that --shots leaves out marked as not kept.

    which  'keep' for all, 'longest', or numbers as the report gives them, from 1: '1,3'
    UserError where the video has no shot of that number.
    """
    numbers = np.unique(track.shots)
    if which == 'keep':
        return track
    if which == 'longest':
        shown = track.shots[track.shown()] if track.shown().any() else track.shots
        chosen = {int(np.bincount(shown).argmax())}
    else:
        chosen = {int(number) - 1 for number in which.split(',')}
        unknown = sorted(chosen - set(numbers.tolist()))
        if unknown:
            raise UserError(f'--shots {which}: there is no shot {unknown[0] + 1}, the video has '
                            f'{len(numbers)}. report.html shows where each begins.')
    return track.drop(~np.isin(track.shots, list(chosen)), f'not among --shots {which}')
