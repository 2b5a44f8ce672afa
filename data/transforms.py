"""One resize, crop and flip for both halves of a pair. Images are (H, W, C) uint8."""
import dataclasses
from operator import itemgetter

import cv2
import numpy as np

from pose.skeleton import Skeleton, mirror
from util.images import resized


@dataclasses.dataclass(frozen=True)
class Geometry:
    """What is done to the pose and the frame of one item alike, in this order.

    size   (width, height) to resize to, or None
    crop   (x, y, width, height) to cut out, or None
    flip   whether to mirror
    """

    size: tuple[int, int] | None = None
    crop: tuple[int, int, int, int] | None = None
    flip: bool = False

    def __call__(self, image: np.ndarray, labels: bool = False) -> np.ndarray:
        """labels: the pixels are numbers, which must not be mixed."""
        if self.size and self.size != image.shape[1::-1]:
            if labels:
                image = cv2.resize(image, self.size, interpolation=cv2.INTER_NEAREST)
            else:
                image = resized(image, self.size)
        if self.crop:
            x, y, w, h = self.crop
            image = image[y:y + h, x:x + w]
        return image[:, ::-1] if self.flip else image

    def result(self, size: tuple[int, int]) -> tuple[int, int]:
        """(width, height) of what becomes of an image of that size."""
        return self.crop[2:] if self.crop else self.size or size

    def joints(self, pose: np.ndarray, skeleton: Skeleton, size: tuple[int, int]) -> np.ndarray:
        """The pose (K, 3) in an image of that (width, height), in px of the result, where a crop
        may leave joints outside. Joints that are not visible stay 0, 0, 0."""
        size_now = self.size or size
        there = pose.copy()
        # pixel centres lie at integers, so the upper left corner is at -0.5
        there[:, :2] = (pose[:, :2] + 0.5) * np.divide(size_now, size) - 0.5
        if self.crop:
            there[:, :2] -= self.crop[:2]
            size_now = self.crop[2:]
        there[pose[:, 2] <= 0] = 0
        return mirror(there, skeleton, size_now[0]) if self.flip else there


def geometry(width: int, height: int, preprocess: str, load_size: int | None,
             crop_size: int | None, rng: np.random.Generator | None = None,
             flip: bool = False) -> Geometry:
    """Upstream's --preprocess for one image.

    rng   places the crop; None (painting): nothing is cropped, and an image that training would
          crop is resized to the size of the crop, as in upstream's test.py
    """
    if rng is None:
        load_size = crop_size or load_size
    size = None
    if 'resize' in preprocess and load_size:
        size = (load_size, load_size)
    elif 'scale_width' in preprocess and load_size:
        least = crop_size if 'crop' in preprocess and crop_size else 1
        size = (load_size, max(round(height * load_size / width), least))
    crop = None
    if 'crop' in preprocess and crop_size and rng is not None:
        w, h = size or (width, height)
        cw, ch = min(crop_size, w), min(crop_size, h)
        crop = (int(rng.integers(w - cw + 1)), int(rng.integers(h - ch + 1)), cw, ch)
    return Geometry(size, crop, bool(flip and rng is not None and rng.random() < 0.5))


def to_channels(image: np.ndarray, channels: int) -> np.ndarray:
    """(H, W, 3) -> (H, W, channels), grey for 1."""
    if channels == 1:
        return cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)[..., None]
    return image


def affine_between(before: np.ndarray, after: np.ndarray, skeleton: Skeleton
                   ) -> np.ndarray:
    """float64 (3, 3): the affine transform of an image, fitted to the pose in it.

    before, after   float (K, 3), the same joints before and after the transform; mirroring
                    exchanges left and right
    """
    both = (before[:, 2] > 0) & (after[:, 2] > 0)
    if np.allclose(before[both, :2], after[both, :2]) or both.sum() < 3:
        return np.eye(3)
    fits = []
    for order in (np.arange(len(before)), np.array(skeleton.partners)):
        visible = (before[order, 2] > 0) & (after[:, 2] > 0)
        known = np.column_stack([before[order][visible, :2], np.ones(visible.sum())])
        matrix = np.linalg.lstsq(known, after[visible, :2], rcond=None)[0]
        error = np.abs(known @ matrix - after[visible, :2]).mean()
        fits.append((error, matrix))
    _, best = min(fits, key=itemgetter(0))
    return np.vstack([best.T, [0, 0, 1]])
