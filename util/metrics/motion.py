"""Temporal stability of a painted video, relative to the real one: flicker and flow warp error.

flicker      where the real video does not change, the painted one should not either
warp error   where the real video moves, the painted one should move with it
             Lai et al., "Learning Blind Video Temporal Consistency", ECCV 2018, E_warp; authors'
             code: phoenix104104/fast_blind_video_consistency, evaluate_WarpError.py. Flow is
             OpenCV's (Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016),
             not their FlowNet2: the numbers compare within this project only

No real video is free of either, so both are multiples of the real video's own value: 1 is as
stable as the real video. Neither measures whether the images are right: a blurred or frozen video
is stable.

Shape letters: F frames, H W pixels. Images are uint8 (H, W, C), all of one shape, both sides at
least 12 px, which the flow needs.
"""
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

# A pixel moves if, after smoothing, the change within MARGIN of it is STILL or more; less
# is noise. Without smoothing, pixels would be selected for their low noise.
SMOOTHING = 2.0                             # px, of a Gaussian
STILL = 2.0                                 # grey levels
MARGIN = 4                                  # px
# Change between two frames of a static scene from rounding to whole grey levels alone. Compression
# can freeze a video completely, so every video counts as having at least this much noise.
ROUNDING = 1 / 3                            # mean absolute difference, grey levels
ROUNDING_SQUARED = 1 / 6 / 255 ** 2         # mean squared difference of pixels in [0, 1]

REAL = ''                                   # the name of the real video


@dataclass(frozen=True)
class Change:
    """How much a painted and the real video change from the previous frame to each frame.

    painted, real  float64 (F,)   nan where there is no previous frame, or no pixel counts
    weight         float64 (F,)   weight of each frame in the ratio; 0 where nan
    least          the least change that any video counts as having
    """
    painted: np.ndarray
    real: np.ndarray
    weight: np.ndarray
    least: float

    @property
    def ratio(self) -> float:
        """The painted video's change as a multiple of the real video's; nan where no frame counts.
        Lower is more stable, 1 equals the real video."""
        if not self.weight.any():
            return math.nan
        return max(self.mean(self.painted), self.least) / max(self.mean(self.real), self.least)

    @property
    def ratios(self) -> np.ndarray:
        """float64 (F,): each frame's change as a multiple of the real video's mean change, so that
        frames compare with each other; nan where unknown."""
        if not self.weight.any():
            return np.full(len(self.painted), math.nan)
        return np.maximum(self.painted, self.least) / max(self.mean(self.real), self.least)

    def mean(self, change: np.ndarray) -> float:
        """The weighted mean over the frames."""
        return float(np.average(np.nan_to_num(change), weights=self.weight))


class Motion:
    """Takes the real and the painted videos frame by frame; keeps only the last frame of each.

    motion = Motion()
    for ...: motion.add(real, {'painted': painted, 'nearest': nearest}, follows)
    motion.flicker('painted').ratio, motion.warp_error('painted').ratio

    with_flow   False skips the warp errors, which take nearly all of the time
    """

    def __init__(self, with_flow: bool = True):
        self.with_flow = with_flow
        self.before: dict[str, np.ndarray] = {}
        self.flickers: dict[str, list[float]] = {}
        self.warp_errors: dict[str, list[float]] = {}
        self.still: list[float] = []                            # share of pixels

    def add(self, real: np.ndarray, painted: Mapping[str, np.ndarray], follows: bool) -> None:
        """The next frame of the real video and of the painted ones. A painted video may lack
        frames; what changes over a gap is not known.

        follows     False for a frame that does not directly follow the previous one: the first of
                    a shot or after a gap. Ignored for the first frame of all
        """
        frames = {REAL: real, **painted}
        pair = Pair(self.before[REAL], real) if follows and self.before else None
        self.still.append(float(pair.still.mean()) if pair else 0.0)
        for name, frame in frames.items():
            assert frame.shape == real.shape, f'{name}: {frame.shape}, the real frame {real.shape}'
            flicker = warp_error = math.nan
            if pair and name in self.before:
                before = self.before[name]
                flicker = pair.flicker(before, frame)
                warp_error = pair.warp_error(before, frame) if self.with_flow else math.nan
            self.keep(self.flickers, name, flicker)
            if self.with_flow:
                self.keep(self.warp_errors, name, warp_error)
        self.before = frames

    def keep(self, changes: dict[str, list[float]], name: str, change: float) -> None:
        """The change of that video to the last frame, after nan for the frames that it lacks."""
        known = changes.setdefault(name, [])
        known += [math.nan] * (len(self.still) - 1 - len(known))
        known.append(change)

    def every(self, changes: dict[str, list[float]], name: str) -> np.ndarray:
        """float64 (F,)"""
        known = changes[name]
        return np.array(known + [math.nan] * (len(self.still) - len(known)))

    def flicker(self, name: str) -> Change:
        """Mean absolute change, in grey levels, of the pixels where the real video is static; each
        such pixel has the same weight. All nan where the camera never rests."""
        painted = self.every(self.flickers, name)
        return Change(painted, np.array(self.flickers[REAL]),
                      np.array(self.still) * np.isfinite(painted), ROUNDING)

    def warp_error(self, name: str) -> Change:
        """E_warp with the flow of the real video: mean squared difference, pixels in [0, 1], of
        each frame warped back to the previous one; each frame has the same weight."""
        real = np.array(self.warp_errors[REAL])
        painted = self.every(self.warp_errors, name)
        return Change(painted, real, (np.isfinite(real) & np.isfinite(painted)).astype(np.float64),
                      ROUNDING_SQUARED)

    def own_warp_error(self) -> float:
        """The warp error of the video given as `real` with its own flow, root mean squared, in grey
        levels; nan where no frame follows another.

        Use: give a painted video without ground truth as `real`. This is milder than a warp error
        with the real flow, because its own flow explains some flicker as motion; the two numbers
        do not compare."""
        errors = np.array(self.warp_errors[REAL])
        known = errors[np.isfinite(errors)]
        return 255 * math.sqrt(known.mean()) if len(known) else math.nan


class Pair:
    """Two neighbouring frames of the real video: its static pixels, and the flow of the rest."""

    def __init__(self, before: np.ndarray, after: np.ndarray):
        self.before, self.after = before, after

    @cached_property
    def still(self) -> np.ndarray:
        """bool (H, W): where only noise changes."""
        change = cv2.GaussianBlur(self.after.astype(np.float32) - self.before, (0, 0), SMOOTHING)
        change = np.abs(np.atleast_3d(change)).max(axis=2)
        return cv2.dilate(change, np.ones((2 * MARGIN + 1,) * 2, np.uint8)) < STILL

    @cached_property
    def way(self) -> tuple[np.ndarray, np.ndarray]:
        """float32 (H, W, 2), the position (x, y px) of each pixel of the first frame in the second;
        and bool (H, W), whether it is visible there."""
        flow = flow_between(self.before, self.after)
        return grid(flow) + flow, visible(flow, flow_between(self.after, self.before))

    def flicker(self, before: np.ndarray, after: np.ndarray) -> float:
        """Mean absolute change, in grey levels, where the real video is static; nan where no
        pixel is."""
        return mean_over(self.still, cv2.absdiff(before, after))

    def warp_error(self, before: np.ndarray, after: np.ndarray) -> float:
        """Mean squared difference, pixels in [0, 1], of the first frame and the second warped back
        along the real video's flow; nan where no pixel is visible in both."""
        there, seen = self.way
        difference = fetched(after.astype(np.float32), there) - before
        return mean_over(seen, cv2.multiply(difference, difference)) / 255 ** 2


def mean_over(mask: np.ndarray, values: np.ndarray) -> float:
    """The mean of (H, W, C) over the pixels of a mask, bool (H, W); nan where it is empty."""
    if not mask.any():
        return math.nan
    return float(np.mean(cv2.mean(values, mask.view(np.uint8))[:np.atleast_3d(values).shape[2]]))


def flow_between(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """float32 (H, W, 2): how far each pixel of `before` moves, px right and down."""
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    start = np.zeros((*before.shape[:2], 2), np.float32)
    return np.asarray(search.calc(grey(before), grey(after), start))


def grey(image: np.ndarray) -> np.ndarray:
    """uint8 (H, W) of an image with one channel or three."""
    if image.shape[2] == 3:
        return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return np.ascontiguousarray(image[..., 0])


def visible(forward: np.ndarray, backward: np.ndarray) -> np.ndarray:
    """bool (H, W): pixels of the first frame whose position in the second is reliable.

    forward, backward   float32 (H, W, 2) px: from the first frame to the second, and back

    Excludes pixels that leave the image, occluded ones (the backward flow does not return them),
    and motion boundaries. Ruder, Dosovitskiy, Brox, "Artistic Style Transfer for Videos", GCPR
    2016, Sec. 4, with the numbers of Lai et al.'s utils.py, detect_occlusion.
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
    """float32 (H, W, C): `image` sampled bilinearly at x, y px (H, W, 2)."""
    return cv2.remap(image, there[..., 0], there[..., 1], cv2.INTER_LINEAR,
                     borderMode=cv2.BORDER_REPLICATE).reshape(image.shape)


def squared(vectors: np.ndarray) -> np.ndarray:
    """float32 (H, W): the squared lengths of vectors (H, W, 2)."""
    return np.square(vectors).sum(axis=2)


def grid(like: np.ndarray) -> np.ndarray:
    """float32 (H, W, 2): x, y of each pixel."""
    height, width = like.shape[:2]
    return np.dstack(np.meshgrid(np.arange(width), np.arange(height))).astype(np.float32)
