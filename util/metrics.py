"""How near a painted picture is to the true one: three numbers that need no network.

Pictures are uint8 (H, W, C), both of one shape. None of the three sees what a person sees: a
blurred picture scores better by all of them than a sharp one a pixel beside its place.
"""
import math

import cv2
import numpy as np

WINDOW, SIGMA = 11, 1.5             # px; of the Gaussian, as in Sec. III-C of Wang et al.
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def l1(painted: np.ndarray, real: np.ndarray) -> float:
    """Mean absolute difference of pixels in [-1, 1]: 0 alike, 2 black for white. Lower is better.

    The scale is the one in which train.py prints its L1."""
    return float(np.abs(painted.astype(np.float64) - real).mean() / 127.5)


def psnr(painted: np.ndarray, real: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB, 10 log10(255^2 / mean squared difference): 0 for black
    instead of white, inf for like pictures. Higher is better."""
    squared = float(np.square(painted.astype(np.float64) - real).mean())
    return 10 * math.log10(255 ** 2 / squared) if squared else math.inf


def ssim(painted: np.ndarray, real: np.ndarray) -> float:
    """Mean structural similarity, -1 to 1, 1 for like pictures. Higher is better.

    Over the pixels whose window lies within the picture, where there are any; see `ssim_map`.
    """
    similar, edge = ssim_map(painted, real), WINDOW // 2
    inner = similar[edge:-edge, edge:-edge]
    return float((inner if inner.size else similar).mean())


def ssim_map(painted: np.ndarray, real: np.ndarray) -> np.ndarray:
    """float64 (H, W): the structural similarity of the windows about each pixel, the mean over
    the channels; beyond the edge the picture is mirrored.

    Wang, Bovik, Sheikh, Simoncelli, "Image Quality Assessment: From Error Visibility to Structural
    Similarity", IEEE Trans. Image Processing 13(4), 2004, Eq. 13, with its constants and window.
    """
    x, y = (np.atleast_3d(image).astype(np.float64) for image in (painted, real))

    def mean(image: np.ndarray) -> np.ndarray:
        return np.atleast_3d(cv2.GaussianBlur(image, (WINDOW, WINDOW), SIGMA,
                                              borderType=cv2.BORDER_REFLECT))
    mean_x, mean_y = mean(x), mean(y)
    var_x, var_y = mean(x * x) - mean_x ** 2, mean(y * y) - mean_y ** 2
    both = mean(x * y) - mean_x * mean_y
    similar = (2 * mean_x * mean_y + C1) * (2 * both + C2) / (
        (mean_x ** 2 + mean_y ** 2 + C1) * (var_x + var_y + C2))
    return similar.mean(axis=2)
