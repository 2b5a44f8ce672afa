"""How sharp a picture is: the mean local gradient, which image fusion calls average gradient."""
import cv2
import numpy as np


def mean_gradient(image: np.ndarray, mask: np.ndarray) -> float:
    """sqrt((dx^2 + dy^2) / 2) of the luma, in grey levels a px, averaged over the pixels of a mask;
    dx and dy are the differences to the next pixel right and down. nan where the mask is empty.

    image   uint8 (H, W, 3);  mask   bool (H, W), whose last row and column count for nothing

    Only pictures of one size compare: enlarging a picture makes it softer.
    """
    luma = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    right = np.diff(luma, axis=1)[:-1]
    down = np.diff(luma, axis=0)[:, :-1]
    gradient = np.sqrt((right ** 2 + down ** 2) / 2)
    inner = mask[:-1, :-1]
    return float(gradient[inner].mean()) if inner.any() else np.nan
