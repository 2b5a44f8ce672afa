"""How calm a painted film is beside the real one: flicker and flow-warped error.

flicker      where the real film stays as it was, the painted one should too
warp error   where the real film moves, the painted one should move along
             Lai et al., "Learning Blind Video Temporal Consistency", ECCV 2018, E_warp; authors'
             code: phoenix104104/fast_blind_video_consistency, evaluate_WarpError.py. Flow is
             OpenCV's (Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016),
             not their FlowNet2: the numbers compare within this project only

No real film is free of either, so both are told as multiples of its own: 1 is as calm as the real
film. Neither asks whether the pictures are right: one that is blurred, or stands still, is calm.

Shape letters: F frames, H W pixels. Pictures are uint8 (H, W, C), all of one shape, both sides at
least 12 px, which is what the flow needs.
"""
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

# A change that is left after smoothing over SMOOTHED px, and lies within AROUND px, is motion; a
# smaller one is noise. Smoothing first, no pixel is chosen for having little noise just then.
SMOOTHED, STILL, AROUND = 2.0, 2.0, 4       # px, grey levels, px
# What rounding to whole grey levels alone makes of two frames of one still scene. A video can be
# compressed until it stands still, so each film is counted as if it had at least this much noise.
ROUNDING = 1 / 3                            # mean absolute difference, grey levels
ROUNDING_SQUARED = 1 / 6 / 255 ** 2         # mean squared difference of pixels in [0, 1]

REAL = ''                                   # the real film among films by name


@dataclass(frozen=True)
class Change:
    """What a painted film and the real one change by, from the frame before to each frame.

    painted, real  float64 (F,)   nan where there is no frame before, or no pixel counts
    weight         float64 (F,)   how much each frame counts in the ratio; 0 where nan
    least          what any film is taken to change by at least
    """
    painted: np.ndarray
    real: np.ndarray
    weight: np.ndarray
    least: float

    @property
    def ratio(self) -> float:
        """The painted film's change as a multiple of the real film's; nan where none counts.
        Lower is calmer, 1 is as the real film."""
        if not self.weight.any():
            return math.nan
        return max(self.mean(self.painted), self.least) / max(self.mean(self.real), self.least)

    @property
    def ratios(self) -> np.ndarray:
        """float64 (F,): each frame's change as a multiple of what the real film changes by in the
        mean, so that the frames compare with each other; nan where unknown."""
        if not self.weight.any():
            return np.full(len(self.painted), math.nan)
        return np.maximum(self.painted, self.least) / max(self.mean(self.real), self.least)

    def mean(self, film: np.ndarray) -> float:
        """Of the frames that count, by their weight."""
        return float(np.average(np.nan_to_num(film), weights=self.weight))


class Motion:
    """Films fed frame by frame, beside the real one; no frame but the last is kept.

    motion = Motion()
    for ...: motion.add(real, {'painted': painted, 'nearest': nearest}, follows)
    motion.flicker('painted').ratio, motion.warp_error('painted').ratio

    with_flow   False leaves warp errors out, which take nearly all of the time
    """

    def __init__(self, with_flow: bool = True):
        self.with_flow = with_flow
        self.before: dict[str, np.ndarray] = {}
        self.flickers: dict[str, list[float]] = {}
        self.warp_errors: dict[str, list[float]] = {}
        self.still: list[float] = []                            # share of pixels

    def add(self, real: np.ndarray, painted: Mapping[str, np.ndarray], follows: bool) -> None:
        """The next frame of the real film and of the painted ones, the same films each time.

        follows     False for a frame that does not come right after the one before: the first of
                    a shot or after a gap. The film's first never does
        """
        films = {REAL: real, **painted}
        pair = Pair(self.before[REAL], real) if follows and self.before else None
        self.still.append(float(pair.still.mean()) if pair else 0.0)
        for name, frame in films.items():
            assert frame.shape == real.shape, f'{name}: {frame.shape} beside {real.shape}'
            self.flickers.setdefault(name, []).append(
                pair.flicker(self.before[name], frame) if pair else math.nan)
            if self.with_flow:
                self.warp_errors.setdefault(name, []).append(
                    pair.warp_error(self.before[name], frame) if pair else math.nan)
        self.before = films

    def flicker(self, name: str) -> Change:
        """Mean absolute change, in grey levels, of the pixels at which the real film is still;
        each such pixel counts the same. All nan where the camera never rests."""
        return Change(np.array(self.flickers[name]), np.array(self.flickers[REAL]),
                      np.array(self.still), ROUNDING)

    def warp_error(self, name: str) -> Change:
        """E_warp by the flow of the real film: mean squared difference, pixels in [0, 1], of each
        frame brought back along the flow to the frame before; each frame counts the same."""
        real = np.array(self.warp_errors[REAL])
        return Change(np.array(self.warp_errors[name]), real,
                      np.isfinite(real).astype(np.float64), ROUNDING_SQUARED)

    def own_warp_error(self) -> float:
        """The warp error of the film given as `real` by its own flow, root mean squared, in grey
        levels; nan where no frame follows another.

        For a painted film without a truth, given in its place: how far its pixels change on their
        way. It is milder than a warp error by the real flow, for its flow explains, as motion,
        some of what flickers; the two do not compare."""
        errors = np.array(self.warp_errors[REAL])
        known = errors[np.isfinite(errors)]
        return 255 * math.sqrt(known.mean()) if len(known) else math.nan


class Pair:
    """Two neighbouring frames of the real film: what in them stays, and where the rest goes."""

    def __init__(self, before: np.ndarray, after: np.ndarray):
        self.before, self.after = before, after

    @cached_property
    def still(self) -> np.ndarray:
        """bool (H, W): where nothing but noise changes."""
        change = cv2.GaussianBlur(self.after.astype(np.float32) - self.before, (0, 0), SMOOTHED)
        change = np.abs(np.atleast_3d(change)).max(axis=2)
        return cv2.dilate(change, np.ones((2 * AROUND + 1,) * 2, np.uint8)) < STILL

    @cached_property
    def way(self) -> tuple[np.ndarray, np.ndarray]:
        """float32 (H, W, 2), where (x, y px) each pixel of the first frame lies in the second;
        and bool (H, W), whether it is to be seen there."""
        flow = flow_between(self.before, self.after)
        return grid(flow) + flow, visible(flow, flow_between(self.after, self.before))

    def flicker(self, before: np.ndarray, after: np.ndarray) -> float:
        """Mean absolute change, in grey levels, where the real film is still; nan where nothing
        is."""
        return mean_over(self.still, cv2.absdiff(before, after))

    def warp_error(self, before: np.ndarray, after: np.ndarray) -> float:
        """Mean squared difference, pixels in [0, 1], of the frame before and the one after brought
        back along the real film's flow; nan where no pixel is seen in both."""
        there, seen = self.way
        apart = fetched(after.astype(np.float32), there) - before
        return mean_over(seen, cv2.multiply(apart, apart)) / 255 ** 2


def mean_over(mask: np.ndarray, values: np.ndarray) -> float:
    """The mean of (H, W, C) over the pixels where bool (H, W) says so; nan where it never does."""
    if not mask.any():
        return math.nan
    return float(np.mean(cv2.mean(values, mask.view(np.uint8))[:np.atleast_3d(values).shape[2]]))


def flow_between(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """float32 (H, W, 2): how far, right and down in px, each pixel of `before` moves."""
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    begin = np.zeros((*before.shape[:2], 2), np.float32)
    return np.asarray(search.calc(grey(before), grey(after), begin))


def grey(image: np.ndarray) -> np.ndarray:
    """uint8 (H, W) of a picture of one channel, or of three."""
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if image.shape[2] == 3 \
        else np.ascontiguousarray(image[..., 0])


def visible(forward: np.ndarray, backward: np.ndarray) -> np.ndarray:
    """bool (H, W): pixels of the first frame whose place in the second can be trusted.

    forward, backward   float32 (H, W, 2) px: from the first frame to the second, and back

    Left out: what leaves the picture; what the way back does not bring home, for it is hidden;
    edges of what moves. Ruder, Dosovitskiy, Brox, "Artistic Style Transfer for Videos", GCPR 2016,
    Sec. 4, with the numbers of Lai et al.'s utils.py, detect_occlusion.
    """
    there = grid(forward) + forward
    back = fetched(backward, there)
    inside = ((there >= 0) & (there <= np.array(forward.shape[1::-1]) - 1)).all(axis=2)
    length = squared(forward)
    astray = squared(forward + back) > 0.01 * (length + squared(back)) + 0.5
    right = np.diff(forward, axis=1, append=forward[:, -1:])
    down = np.diff(forward, axis=0, append=forward[-1:])
    edge = squared(right) + squared(down) > 0.01 * length + 0.002
    return inside & ~astray & ~edge


def fetched(image: np.ndarray, there: np.ndarray) -> np.ndarray:
    """float32 (H, W, C): what `image` holds at x, y px (H, W, 2), between its pixels too."""
    return cv2.remap(image, there[..., 0], there[..., 1], cv2.INTER_LINEAR,
                     borderMode=cv2.BORDER_REPLICATE).reshape(image.shape)


def squared(vectors: np.ndarray) -> np.ndarray:
    """float32 (H, W): the squared lengths of vectors (H, W, 2)."""
    return np.square(vectors).sum(axis=2)


def grid(like: np.ndarray) -> np.ndarray:
    """float32 (H, W, 2): x, y of each pixel."""
    height, width = like.shape[:2]
    return np.dstack(np.meshgrid(np.arange(width), np.arange(height))).astype(np.float32)
