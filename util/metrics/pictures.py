"""How close a painted image is to the real one: four metrics that need no network.

Images are uint8 (H, W, C), both of one shape. None of the four matches what a person sees: all of
them score a blurred image better than a sharp one that is shifted by a pixel.
"""
import math

import cv2
import numpy as np

WINDOW, SIGMA = 11, 1.5             # px; of the Gaussian, as in Sec. III-C of Wang et al. 2004
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)   # Wang et al. 2003, Sec. 3.2: finest first
MIDDLE = 128                        # values around 0 keep variances exact enough in float32


def l1(painted: np.ndarray, real: np.ndarray) -> float:
    """Mean absolute difference of pixels in [-1, 1]: 0 equal, 2 black for white. Lower is better.

    train.py prints its L1 on the same scale."""
    return cv2.norm(painted, real, cv2.NORM_L1) / real.size / 127.5


def psnr(painted: np.ndarray, real: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB, 10 log10(255^2 / mean squared difference): 0 for black
    instead of white, inf for equal images. Higher is better."""
    squared = round(cv2.norm(painted, real, cv2.NORM_L2SQR)) / real.size
    return 10 * math.log10(255 ** 2 / squared) if squared else math.inf


def ssim(painted: np.ndarray, real: np.ndarray) -> float:
    """Mean structural similarity, -1 to 1, 1 for equal images. Higher is better.

    Over the pixels whose window lies inside the image, or over all if none does; see `ssim_map`.
    """
    brightness, contrast = _likeness(_about_zero(painted), _about_zero(real))
    return _inner_mean(brightness * contrast)


def ssim_in_box(painted: np.ndarray, real: np.ndarray, box: tuple[slice, slice]) -> float:
    """Mean structural similarity over the pixels of `box`, rows and columns, whose windows reach
    beyond it."""
    reach = WINDOW // 2
    around = tuple(slice(max(part.start - reach, 0), part.stop + reach) for part in box)
    within = tuple(slice(part.start - wide.start, part.stop - wide.start)
                   for part, wide in zip(box, around))
    return float(ssim_map(painted[around], real[around])[within].mean())


def ssim_map(painted: np.ndarray, real: np.ndarray) -> np.ndarray:
    """float32 (H, W): the structural similarity of the window around each pixel, averaged over
    the channels; the image is mirrored at its edges.

    Wang, Bovik, Sheikh, Simoncelli, "Image Quality Assessment: From Error Visibility to Structural
    Similarity", IEEE Trans. Image Processing 13(4), 2004, Eq. 13, with its constants and window.
    """
    brightness, contrast = _likeness(_about_zero(painted), _about_zero(real))
    channels = brightness.shape[2]      # for so few, OpenCV's sum is four times as fast as numpy's
    return cv2.transform(brightness * contrast, np.full((1, channels), 1 / channels))


def ms_ssim(painted: np.ndarray, real: np.ndarray) -> float:
    """Structural similarity at five scales, each half as large as the one before, 0 to 1, 1 for
    equal images. Higher is better.

    Contrast and structure count at every scale, brightness only at the coarsest. An image too
    small for five scales (under 176 px) uses those whose shorter side holds the window, with their
    weights normalised: such numbers compare only between images of one size. Under 22 px this is
    SSIM. A negative mean at any scale counts as 0.

    Wang, Simoncelli, Bovik, "Multi-Scale Structural Similarity for Image Quality Assessment",
    Asilomar Conference on Signals, Systems and Computers, 2003, Eq. 7.
    """
    x, y = _about_zero(painted), _about_zero(real)
    count = sum(min(x.shape[:2]) >> scale >= WINDOW for scale in range(len(SCALES))) or 1
    similar = 1.0
    for scale, weight in enumerate(SCALES[:count], 1):
        brightness, contrast = _likeness(x, y)
        mean = _inner_mean(contrast if scale < count else brightness * contrast)
        similar *= max(mean, 0) ** (weight / sum(SCALES[:count]))
        x, y = _halved(x), _halved(y)
    return similar


def _about_zero(image: np.ndarray) -> np.ndarray:
    return np.atleast_3d(image).astype(np.float32) - MIDDLE


def _likeness(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The two factors of SSIM at each pixel: brightness, and contrast with structure.

    x, y   float32 (H, W, C), MIDDLE subtracted
    """
    def mean(image: np.ndarray) -> np.ndarray:
        return np.atleast_3d(cv2.GaussianBlur(image, (WINDOW, WINDOW), SIGMA,
                                              borderType=cv2.BORDER_REFLECT))
    mean_x = mean(x)
    mean_y = mean(y)
    squares = mean(x * x + y * y) - mean_x ** 2 - mean_y ** 2       # both variances
    products = mean(x * y) - mean_x * mean_y
    mean_x = mean_x + MIDDLE
    mean_y = mean_y + MIDDLE
    brightness = (2 * mean_x * mean_y + C1) / (mean_x ** 2 + mean_y ** 2 + C1)
    return brightness, (2 * products + C2) / (squares + C2)


def _inner_mean(similar: np.ndarray) -> float:
    edge = WINDOW // 2
    inner = similar[edge:-edge, edge:-edge]
    return float((inner if inner.size else similar).mean(dtype=np.float64))


def _halved(image: np.ndarray) -> np.ndarray:
    """The means of 2x2 pixels; drops a last odd row or column."""
    height, width = (side // 2 * 2 for side in image.shape[:2])
    corners = [image[i:height:2, j:width:2] for i in (0, 1) for j in (0, 1)]
    return sum(corners[1:], corners[0]) / 4
