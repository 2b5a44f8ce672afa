"""The motion of the camera: each frame's place among the others, from the background alone.

Corners of the background (Shi and Tomasi, "Good Features to Track", CVPR 1994) are tracked from a
key frame to the frames after it (Lucas and Kanade, pyramidal: Bouguet 2000) and fitted by a
similarity with RANSAC. A new key frame is taken when half the corners are gone. A frame that
cannot be tracked is matched with all key frames by SIFT (Lowe 2004).

Similarities, not homographies: a person in front of a plain wall leaves too few corners for eight
numbers, whose errors add up along a pan.

Frames are uint8 (H, W, 3), masks bool (H, W): True where the person is. A transform is float64
(3, 3) from px to px, pixel centres at integers; NaN for a frame that was not located.
"""
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Any

import cv2
import numpy as np

from util.images import scaling
from util.sampling import evenly_spaced

WORKING_SIZE = 384            # px of the longer side at which frames are compared
CORNERS = 300                 # of a frame at most
SPACING = 5                   # px between two corners at least
ENOUGH = 12                   # corners that must agree on a transform
SHARE = 0.5                   # of the key frame's corners that a frame must show
CLOSE = 1.0                   # px that a corner may be off
LOWES_RATIO = 0.8             # how much nearer the nearest descriptor must be than the second
RIM = 6                       # px at the edges that are ignored: bars and borders do not move
BLURS = 3.0, 1.0              # px, coarse to fine, of the pictures whose edges are aligned
EDGES = 6000                  # pixels compared: those with the strongest edges
STEPS = 12                    # iterations at most
FITS = 0.9                    # least correlation of two pictures of one place
SEEN = 0.25                   # least share of the pixels that both pictures show
SLACK = 0.005                 # correlation that a better place may lack: an identity transform
                              # keeps noise, any other smooths it
MOST_ZOOM = 8.0               # between two frames; more is a wrong match
PATIENCE = 10                 # frames in a row that are not located before a new scene starts

SAMPLES = 24                  # frames compared to find out whether the camera moves
STILL = 0.002                 # of the picture's diagonal: a camera that moves no more is still


class View:
    """One frame as it is compared: grey, small, without the person.

    working_size     px of its longer side, at most
    smaller, larger  transforms from the frame's px to its own, and back
    """

    def __init__(self, frame: np.ndarray, mask: np.ndarray, working_size: float = WORKING_SIZE):
        height, width = mask.shape
        ratio = min(1.0, working_size / max(height, width))
        size = max(1, round(width * ratio)), max(1, round(height * ratio))
        self.grey = cv2.resize(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), size,
                               interpolation=cv2.INTER_AREA)
        free = cv2.resize((~mask).astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        free[:RIM], free[-RIM:], free[:, :RIM], free[:, -RIM:] = 0, 0, 0, 0
        self.free = cv2.erode(free, np.ones((9, 9), np.uint8))
        self.smaller = scaling((width, height), size)
        self.larger = np.linalg.inv(self.smaller)

    @cached_property
    def corners(self) -> np.ndarray:
        """float32 (N, 2) px of the small picture."""
        found = cv2.goodFeaturesToTrack(self.grey, CORNERS, 0.005, SPACING, mask=self.free)
        return np.zeros((0, 2), np.float32) if found is None else found[:, 0]

    @cached_property
    def features(self) -> tuple[np.ndarray, Any]:
        """SIFT's points, float32 (N, 2) px of the small picture, and their descriptors."""
        points, descriptors = _sift().detectAndCompute(self.grey, self.free)
        return np.array([point.pt for point in points], np.float32).reshape(-1, 2), descriptors


@lru_cache(maxsize=1)
def _sift() -> Any:
    return cv2.SIFT.create(contrastThreshold=0.01)


def movement(before: View, after: View, guess: np.ndarray | None = None) -> np.ndarray | None:
    """The transform from one view's px to the other's, by tracked corners; None where they have
    too little in common.

    guess  a transform near to it; the identity by default
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
    """The transform, near the identity, that aligns one view's edges with the other's; None where
    they do not fit.

    Unlike `movement` it also works with edges but no corners, and with a brighter picture.
    Gauss-Newton steps in the gradients of the first picture (Baker and Matthews, "Lucas-Kanade
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
    unmoved = edges.correlation(np.eye(3))
    if not edges.correlation(matrix) > max(FITS, unmoved - SLACK):
        return None
    return after.larger @ matrix @ before.smaller


class _Edges:
    """The N pixels of one view with the strongest edges, to be found in another view."""

    def __init__(self, before: View, after: View, blur: float):
        first, self.second = (cv2.GaussianBlur(view.grey, (0, 0), blur).astype(np.float32)
                              for view in (before, after))
        across = cv2.Sobel(first, -1, 1, 0, scale=1 / 8)
        down = cv2.Sobel(first, -1, 0, 1, scale=1 / 8)
        strength = (np.hypot(across, down) * before.free).ravel()
        chosen = np.argpartition(-strength, min(EDGES, strength.size - 1))[:EDGES]
        chosen = chosen[strength[chosen] > 0]
        self.enough = len(chosen) > EDGES / 16
        rows, columns = np.unravel_index(chosen, first.shape)
        x, y = columns.astype(np.float64), rows.astype(np.float64)
        gx, gy, self.value = (image.ravel()[chosen].astype(np.float64)
                              for image in (across, down, first))
        self.points = np.stack([x, y, np.ones_like(x)])
        self.free = after.free
        # Derivatives of the value: by scale and rotation, by translation, by gain and offset.
        self.jacobian = np.stack([gx * x + gy * y, gy * x - gx * y, gx, gy, self.value,
                                  np.ones_like(x)], 1)

    def _sampled(self, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """float (N,): the other view's values there; bool (N,): whether they are background."""
        x, y = (matrix[:2] @ self.points).astype(np.float32)[..., None]
        values = cv2.remap(self.second, x, y, cv2.INTER_LINEAR)[:, 0].astype(np.float64)
        return values, cv2.remap(self.free, x, y, cv2.INTER_NEAREST)[:, 0] > 0

    def step(self, matrix: np.ndarray) -> np.ndarray:
        """The small transform of the first view that makes it fit the other at `matrix` better."""
        values, inside = self._sampled(matrix)
        off = values - self.value
        off -= np.median(off[inside]) if inside.any() else 0.0
        usual = np.median(np.abs(off[inside])) + 1e-3 if inside.any() else 1.0
        weighted = self.jacobian * (inside / (1 + (off / (2 * usual)) ** 2))[:, None]
        solution = np.linalg.lstsq(weighted.T @ self.jacobian, weighted.T @ off, rcond=None)[0]
        a, b, right, low = solution[:4]
        return np.array([[1 + a, -b, right], [b, 1 + a, low], [0, 0, 1]])

    def correlation(self, matrix: np.ndarray) -> float:
        """Of the two views at `matrix`, -1 to 1; -1 where they hardly overlap."""
        values, inside = self._sampled(matrix)
        if inside.mean() < SEEN:
            return -1.0
        return float(np.nan_to_num(np.corrcoef(values[inside], self.value[inside])[0, 1], nan=-1))


def corners_of(shape: tuple[int, ...]) -> np.ndarray:
    """float (3, 4): the corners of a picture (H, W): x, y, 1."""
    height, width = shape[:2]
    return np.array([(x, y, 1.0) for x in (0, width - 1) for y in (0, height - 1)]).T


def match_features(before: View, after: View) -> np.ndarray | None:
    """As `movement`, for two views that may be far apart: by their SIFT features."""
    start, descriptors = before.features
    there, descriptors_there = after.features
    if min(len(start), len(there)) < ENOUGH:
        return None
    matches = [first for first, second in
               cv2.BFMatcher().knnMatch(descriptors, descriptors_there, k=2)
               if first.distance < LOWES_RATIO * second.distance]
    rows = [match.queryIdx for match in matches]
    rows_there = [match.trainIdx for match in matches]
    needed = max(ENOUGH, SHARE / 2 * len(matches))
    return _similarity(before, after, start[rows], there[rows_there], needed, 2 * CLOSE)


def _similarity(before: View, after: View, start: np.ndarray, there: np.ndarray, needed: float,
                close: float = CLOSE) -> np.ndarray | None:
    """The similarity, in px of whole frames, on which `needed` pairs of points agree."""
    if len(start) < needed:
        return None
    matrix, agree = cv2.estimateAffinePartial2D(start, there, ransacReprojThreshold=close)
    if matrix is None or agree.sum() < needed:
        return None
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if not 1 / MOST_ZOOM < scale < MOST_ZOOM:       # many features matched with one
        return None
    return after.larger @ np.vstack([matrix, (0, 0, 1)]) @ before.smaller


@dataclass(frozen=True)
class _Placed:
    """A view and its transform: its px -> its scene's px."""
    view: View
    transform: np.ndarray
    scene: int


class _Follower:
    """Places one frame after the other.

    keys  key frames, of all scenes;  key  the one that frames are tracked from
    lost  frames in a row that were not placed;  pace  transform of the last step
    """

    def __init__(self) -> None:
        self.keys: list[_Placed] = []
        self.key: _Placed | None = None
        self.last: _Placed | None = None
        self.lost = PATIENCE
        self.pace = np.eye(3)

    def __call__(self, view: View) -> _Placed | None:
        here = self._tracked(view) or self._relocated(view)
        self.lost = 0 if here else self.lost + 1
        if self.lost > PATIENCE:
            self.lost = 0
            here = _Placed(view, np.eye(3), len(self.keys))
            self._add(here)
        if here and self.last and here.scene == self.last.scene:
            self.pace = np.linalg.inv(here.transform) @ self.last.transform
        self.last = here or self.last
        return here

    def _tracked(self, view: View) -> _Placed | None:
        """Tracked from the key frame, or else from the last frame, which then is a key frame."""
        if self.key is None or self.last is None:
            return None
        # a pan goes on at the same speed
        guess = self.pace @ np.linalg.inv(self.last.transform) @ self.key.transform
        here = _place(self.key, view, movement(self.key.view, view, guess))
        if here:
            return here
        here = _place(self.last, view, movement(self.last.view, view, self.pace))
        if here and self.last is not self.key:
            self._add(self.last)
        return here

    def _relocated(self, view: View) -> _Placed | None:
        for key in reversed(self.keys):
            here = _place(key, view, match_features(key.view, view))
            if here:
                self._add(here)
                return here
        return None

    def _add(self, key: _Placed) -> None:
        self.key = key
        self.keys.append(key)


def _place(known: _Placed, view: View, movement: np.ndarray | None) -> _Placed | None:
    """A view placed by its movement from a known one."""
    if movement is None:
        return None
    return _Placed(view, known.transform @ np.linalg.inv(movement), known.scene)


def follow(frames: Sequence[np.ndarray], masks: Sequence[np.ndarray]) -> np.ndarray:
    """float64 (F, 3, 3): each frame's px -> those of the median camera's frame.

    Of several scenes the one most frames show; NaN for frames of the others, and for frames that
    cannot be located.
    """
    follower = _Follower()
    transforms = np.full((len(frames), 3, 3), np.nan)
    scenes = np.full(len(frames), -1)
    for f, (frame, mask) in enumerate(zip(frames, masks)):
        placed = follower(View(frame, mask))
        if placed:
            transforms[f] = placed.transform
            scenes[f] = placed.scene
    transforms[scenes != np.bincount(scenes[scenes >= 0]).argmax()] = np.nan
    return np.linalg.inv(np.nanmedian(transforms, 0)) @ transforms


def camera_moves(frames: Sequence[np.ndarray], masks: Sequence[np.ndarray]) -> float:
    """How far a corner of the picture moves, as a share of its diagonal; infinity where more than
    a tenth of the frames show something else.

    The 90th percentile over SAMPLES frames, each compared with the one with most corners. 0 where
    the background has too few corners to tell, as in a studio: moved or not, it looks the same.
    """
    views = [View(frames[f], masks[f]) for f in evenly_spaced(len(frames), SAMPLES, nearest=True)]
    reference = max(views, key=lambda view: len(view.corners))
    if len(reference.corners) < ENOUGH:
        return 0.0
    height, width = masks[0].shape
    corners = corners_of((height, width))
    far = []
    for view in views:
        matrix = movement(reference, view)
        if matrix is None:
            far.append(np.inf)
        else:
            far.append(np.linalg.norm((matrix - np.eye(3)) @ corners, axis=0).max())
    return float(np.percentile(far, 90, method='lower') / np.hypot(height, width))


def is_still(frames: Sequence[np.ndarray], masks: Sequence[np.ndarray]) -> bool:
    """Whether the camera stands: camera_moves is at most STILL, half a pixel in 256."""
    return camera_moves(frames, masks) <= STILL
