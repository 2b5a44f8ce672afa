"""One crop and one flip for both halves of a pair. Images are (H, W, C) uint8."""
import dataclasses

import cv2
import numpy as np


@dataclasses.dataclass(frozen=True)
class Geometry:
    """What happens to the pose and the frame of one item alike.

    size   (width, height) to resize to first, or None
    crop   (x, y, width, height) to cut out then, or None
    flip   mirror at last
    """

    size: tuple[int, int] | None = None
    crop: tuple[int, int, int, int] | None = None
    flip: bool = False

    def __call__(self, image: np.ndarray) -> np.ndarray:
        if self.size and self.size != image.shape[1::-1]:
            smaller = self.size[0] < image.shape[1]
            image = cv2.resize(image, self.size,
                               interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)
        if self.crop:
            x, y, w, h = self.crop
            image = image[y:y + h, x:x + w]
        return image[:, ::-1] if self.flip else image


def geometry(width: int, height: int, preprocess: str, load_size: int | None,
             crop_size: int | None, rng: np.random.Generator | None = None,
             flip: bool = False) -> Geometry:
    """Upstream's --preprocess for one picture.

    rng   places the crop; None (painting): nothing is cropped, and what would be cropped from a
          larger picture is resized to the crop's own size, as upstream's test.py does
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
