"""Where a moving camera looks: each frame's place among the others, by the background alone.

Corners of the background (Shi and Tomasi, "Good Features to Track", CVPR 1994) are tracked from a
key frame to the frames after it (Lucas and Kanade, pyramidal: Bouguet 2000) and fitted by a
similarity with RANSAC. A new key frame is taken when half the corners are gone. What cannot be
tracked is looked for in all key frames by SIFT (Lowe 2004).

Similarities, not homographies: a person before a plain wall leaves too few corners for eight
numbers, whose errors add up along a pan.

Frames are uint8 (H, W, 3), masks bool (H, W): True where the person is. A transform is float64
(3, 3) from px to px, pixel centres at integers; NaN for a frame that was not recognised.
"""
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Any

import cv2
import numpy as np

LOOK = 384                    # px of the longer side at which frames are compared
CORNERS, APART = 300, 5       # of a frame at most, and px between two
ENOUGH = 12                   # corners that agree before a camera is believed
SHARE = 0.5                   # of the key frame's corners that a frame must show
CLOSE = 1.0                   # px that a corner may be off
ALIKE = 0.8                   # Lowe's ratio: how much nearer the nearest description must be
RIM = 6                       # px at the edges that are not looked at: bars and borders do not move
BLURS = 3.0, 1.0              # px, coarse to fine, of the pictures whose edges are laid together
EDGES, STEPS = 6000, 12       # pixels that are compared, the strongest, and how often at most
FITS, SEEN = 0.9, 0.25        # correlation of two pictures of the same, and of how much of them
SLACK = 0.005                 # of that, what a better place may lack: noise is smoothed by none
PATIENCE = 10                 # frames on end that are not recognised before a new scene begins

SAMPLES = 24                  # frames that are asked whether the camera moves
STILL = 0.002                 # of the picture's diagonal: a camera that moves no more is still


class View:
    """One frame as the camera's follower sees it: grey, small, the person left out.

    look             px of the longer side that it is made as small as
    smaller, larger  transforms from the frame's px to its own, and back
    """

    def __init__(self, frame: np.ndarray, mask: np.ndarray, look: float = LOOK):
        height, width = mask.shape
        ratio = min(1.0, look / max(height, width))
        size = max(1, round(width * ratio)), max(1, round(height * ratio))
        self.grey = cv2.resize(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), size,
                               interpolation=cv2.INTER_AREA)
        free = cv2.resize((~mask).astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        free[:RIM], free[-RIM:], free[:, :RIM], free[:, -RIM:] = 0, 0, 0, 0
        self.free = cv2.erode(free, np.ones((9, 9), np.uint8))
        across, down = size[0] / width, size[1] / height
        self.smaller = np.array([[across, 0, (across - 1) / 2], [0, down, (down - 1) / 2],
                                 [0, 0, 1]])
        self.larger = np.linalg.inv(self.smaller)

    @cached_property
    def corners(self) -> np.ndarray:
        """float32 (N, 2) px of the small picture."""
        found = cv2.goodFeaturesToTrack(self.grey, CORNERS, 0.005, APART, mask=self.free)
        return np.zeros((0, 2), np.float32) if found is None else found[:, 0]

    @cached_property
    def described(self) -> tuple[np.ndarray, Any]:
        """SIFT's points, float32 (N, 2) px of the small picture, and what is there."""
        points, what = _sift().detectAndCompute(self.grey, self.free)
        return np.array([point.pt for point in points], np.float32).reshape(-1, 2), what


@lru_cache(maxsize=1)
def _sift() -> Any:
    return cv2.SIFT.create(contrastThreshold=0.01)


def movement(before: View, after: View, guess: np.ndarray | None = None) -> np.ndarray | None:
    """The transform from the one's px to the other's; None where they show too little alike.

    guess  a transform near to it; without one, none
    """
    start = before.corners
    if len(start) < ENOUGH:
        return None
    guess = after.smaller @ (np.eye(3) if guess is None else guess) @ before.larger
    track = partial(cv2.calcOpticalFlowPyrLK, winSize=(15, 15), maxLevel=2,
                    flags=cv2.OPTFLOW_USE_INITIAL_FLOW)
    there = cv2.perspectiveTransform(start[None], guess)[0]
    there, seen, _ = track(before.grey, after.grey, start, there)
    back, seen_back, _ = track(after.grey, before.grey, there, start.copy())
    kept = (np.hstack([seen, seen_back]) > 0).all(1) & (np.abs(back - start).max(1) < CLOSE / 2)
    return _similarity(before, after, start[kept], there[kept], max(ENOUGH, SHARE * len(start)))


def aligned(before: View, after: View) -> np.ndarray | None:
    """The transform, near none, at which the one's edges fit the other's best; None where they
    do not fit.

    Unlike `movement` it also fits what has edges but no corners, and a picture that is brighter.
    Gauss and Newton's steps in the first picture's gradients (Baker and Matthews, "Lucas-Kanade
    20 Years On", IJCV 2004, inverse compositional, with gain and offset), coarse to fine, robust
    by Cauchy's weights.
    """
    matrix = np.eye(3)
    for blur in BLURS:
        edges = _Edges(before, after, blur)
        if not edges.enough:
            return None
        for _ in range(STEPS):
            step = edges.step(matrix)
            matrix = matrix @ np.linalg.inv(step)
            if np.abs((step - np.eye(3)) @ corners_of(before.grey.shape)).max() < 0.02:
                break
    if not edges.alike(matrix) > max(FITS, edges.alike(np.eye(3)) - SLACK):
        return None
    return after.larger @ matrix @ before.smaller


class _Edges:
    """The strongest edges of one view, N pixels, to be found in another."""

    def __init__(self, before: View, after: View, blur: float):
        first, self.second = (cv2.GaussianBlur(view.grey, (0, 0), blur).astype(np.float32)
                              for view in (before, after))
        across, down = (cv2.Sobel(first, -1, *way, scale=1 / 8) for way in ((1, 0), (0, 1)))
        strength = (np.hypot(across, down) * before.free).ravel()
        chosen = np.argpartition(-strength, min(EDGES, strength.size - 1))[:EDGES]
        chosen = chosen[strength[chosen] > 0]
        self.enough = len(chosen) > EDGES / 16
        y, x = (part.astype(np.float64) for part in np.unravel_index(chosen, first.shape))
        gx, gy, self.value = (part.ravel()[chosen].astype(np.float64)
                              for part in (across, down, first))
        self.points, self.free = np.stack([x, y, np.ones_like(x)]), after.free
        # How the value changes with turning and scaling, with moving, with gain and offset.
        self.slopes = np.stack([gx * x + gy * y, gy * x - gx * y, gx, gy, self.value,
                                np.ones_like(x)], 1)

    def _shown(self, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """float (N,): what the other view shows there; bool (N,): whether it is background."""
        x, y = (matrix[:2] @ self.points).astype(np.float32)[..., None]
        return (cv2.remap(self.second, x, y, cv2.INTER_LINEAR)[:, 0].astype(np.float64),
                cv2.remap(self.free, x, y, cv2.INTER_NEAREST)[:, 0] > 0)

    def step(self, matrix: np.ndarray) -> np.ndarray:
        """By how much the first view should be moved to look like the other at `matrix`."""
        shown, inside = self._shown(matrix)
        off = shown - self.value
        off -= np.median(off[inside]) if inside.any() else 0.0
        usual = np.median(np.abs(off[inside])) + 1e-3 if inside.any() else 1.0
        weighted = self.slopes * (inside / (1 + (off / (2 * usual)) ** 2))[:, None]
        a, b, right, low = np.linalg.lstsq(weighted.T @ self.slopes, weighted.T @ off,
                                           rcond=None)[0][:4]
        return np.array([[1 + a, -b, right], [b, 1 + a, low], [0, 0, 1]])

    def alike(self, matrix: np.ndarray) -> float:
        """Correlation of the two at `matrix`, -1 to 1; -1 where little of the one is in sight."""
        shown, inside = self._shown(matrix)
        if inside.mean() < SEEN:
            return -1.0
        return float(np.nan_to_num(np.corrcoef(shown[inside], self.value[inside])[0, 1], nan=-1))


def corners_of(shape: tuple[int, ...]) -> np.ndarray:
    """float (3, 4): the corners of a picture (H, W): x, y, 1."""
    height, width = shape[:2]
    return np.array([(x, y, 1.0) for x in (0, width - 1) for y in (0, height - 1)]).T


def recognised(before: View, after: View) -> np.ndarray | None:
    """The same for two views that may be far apart, by what is described in both."""
    (start, what), (there, what_there) = before.described, after.described
    if min(len(start), len(there)) < ENOUGH:
        return None
    pairs = [pair for pair in cv2.BFMatcher().knnMatch(what, what_there, k=2)
             if pair[0].distance < ALIKE * pair[1].distance]
    return _similarity(before, after, start[[first.queryIdx for first, _ in pairs]],
                       there[[first.trainIdx for first, _ in pairs]],
                       max(ENOUGH, SHARE / 2 * len(pairs)), 2 * CLOSE)


def _similarity(before: View, after: View, start: np.ndarray, there: np.ndarray, needed: float,
                close: float = CLOSE) -> np.ndarray | None:
    """The similarity, in px of whole frames, on which so many pairs of points agree."""
    if len(start) < needed:
        return None
    matrix, agree = cv2.estimateAffinePartial2D(start, there, ransacReprojThreshold=close)
    if matrix is None or agree.sum() < needed:
        return None
    return after.larger @ np.vstack([matrix, (0, 0, 1)]) @ before.smaller


@dataclass(frozen=True)
class _Placed:
    """A view and where it lies: its px -> its scene's."""
    view: View
    transform: np.ndarray
    scene: int


class _Follower:
    """Places one frame after the other."""

    def __init__(self) -> None:
        self.keys: list[_Placed] = []
        self.key: _Placed | None = None
        self.last: _Placed | None = None
        self.lost, self.pace = PATIENCE, np.eye(3)

    def __call__(self, view: View) -> _Placed | None:
        here = self._tracked(view) or self._found_again(view)
        self.lost = 0 if here else self.lost + 1
        if self.lost > PATIENCE:
            self.lost, here = 0, _Placed(view, np.eye(3), len(self.keys))
            self._add(here)
        if here and self.last and here.scene == self.last.scene:
            self.pace = np.linalg.inv(here.transform) @ self.last.transform
        self.last = here or self.last
        return here

    def _tracked(self, view: View) -> _Placed | None:
        """From the key frame, or else from the last one, which then is the key frame."""
        if self.key is None or self.last is None:
            return None
        # a pan goes on as fast as it just went
        guess = self.pace @ np.linalg.inv(self.last.transform) @ self.key.transform
        if here := _place(self.key, view, movement(self.key.view, view, guess)):
            return here
        here = _place(self.last, view, movement(self.last.view, view, self.pace))
        if here and self.last is not self.key:
            self._add(self.last)
        return here

    def _found_again(self, view: View) -> _Placed | None:
        for key in reversed(self.keys):
            if here := _place(key, view, recognised(key.view, view)):
                self._add(here)
                return here
        return None

    def _add(self, key: _Placed) -> None:
        self.key = key
        self.keys.append(key)


def _place(known: _Placed, view: View, movement: np.ndarray | None) -> _Placed | None:
    """Where a view lies to which that movement leads from a known one."""
    if movement is None:
        return None
    return _Placed(view, known.transform @ np.linalg.inv(movement), known.scene)


def follow(frames: Sequence[np.ndarray], masks: Sequence[np.ndarray]) -> np.ndarray:
    """float64 (F, 3, 3): each frame's px -> those of the median camera's frame.

    Of several scenes the one most frames show; NaN for frames of the others, and for those that
    are not recognised.
    """
    follower = _Follower()
    transforms, scenes = np.full((len(frames), 3, 3), np.nan), np.full(len(frames), -1)
    for f, (frame, mask) in enumerate(zip(frames, masks)):
        if placed := follower(View(frame, mask)):
            transforms[f], scenes[f] = placed.transform, placed.scene
    transforms[scenes != np.bincount(scenes[scenes >= 0]).argmax()] = np.nan
    return np.linalg.inv(np.nanmedian(transforms, 0)) @ transforms


def camera_moves(frames: Sequence[np.ndarray], masks: Sequence[np.ndarray]) -> float:
    """How far a corner of the picture is moved, in parts of its diagonal: infinity where more
    than a tenth of the frames show something else.

    The 90th percentile over SAMPLES frames, each against the one with most corners. Where the
    background shows too few to tell, as in a studio, 0: moved or not, it looks the same.
    """
    views = [View(frames[f], masks[f]) for f in evenly(len(frames), SAMPLES)]
    reference = max(views, key=lambda view: len(view.corners))
    if len(reference.corners) < ENOUGH:
        return 0.0
    height, width = masks[0].shape
    far = []
    for view in views:
        matrix = movement(reference, view)
        far.append(np.inf if matrix is None else
                   np.linalg.norm((matrix - np.eye(3)) @ corners_of((height, width)), axis=0).max())
    return float(np.percentile(far, 90, method='lower') / np.hypot(height, width))


def is_still(frames: Sequence[np.ndarray], masks: Sequence[np.ndarray]) -> bool:
    """Whether the camera stands: camera_moves is at most STILL, half a pixel in 256."""
    return camera_moves(frames, masks) <= STILL


def evenly(count: int, most: int) -> np.ndarray:
    """int (N,): at most so many of the numbers below `count`, evenly apart."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))
