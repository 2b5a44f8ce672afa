"""Boxes around people from YOLOX or RTMDet: the network's input, and decoding of its output.

Ge et al., "YOLOX: Exceeding YOLO Series in 2021", arXiv 2107.08430; Lyu et al., "RTMDet: An
Empirical Study of Designing Real-Time Object Detectors", arXiv 2212.07784. Both were trained on
BGR: YOLOX on 0..255 unchanged, RTMDet on normalised values (open-mmlab/mmdetection's configs).
"""
from collections.abc import Sequence

import numpy as np

GREY = 114                                          # fills the rest of the network's picture
STRIDES = (8, 16, 32)                               # px of a cell, in YOLOX's three grids
MIN_SCORE = 0.3
MAX_OVERLAP = 0.45                                  # more: two boxes of one person; YOLOX's value
# RTMDet's, of B, G, R.
MEAN, STD = np.array([(103.53, 116.28, 123.675), (57.375, 57.12, 58.395)], np.float32)


def letterbox(image: np.ndarray, size: tuple[int, int], normalise: bool) \
        -> tuple[np.ndarray, float]:
    """The whole picture, as large as fits, in the upper left of the network's picture.

    image    uint8 (., ., 3) RGB
    size     (W, H)
    Returns  float32 (1, 3, H, W) BGR, and network px per picture px
    """
    import cv2
    (height, width), (wide, high) = image.shape[:2], size
    ratio = min(wide / width, high / height)
    small = cv2.resize(image, (int(width * ratio), int(height * ratio)))
    shown = np.full((high, wide, 3), GREY, np.float32)
    shown[:small.shape[0], :small.shape[1]] = small[..., ::-1]
    if normalise:
        shown = (shown - MEAN) / STD
    return np.ascontiguousarray(shown.transpose(2, 0, 1)[None]), ratio


def decode_boxes(outputs: Sequence[np.ndarray], size: tuple[int, int]) -> np.ndarray | None:
    """The people in the output of the network.

    outputs  (1, B, 5) x0, y0, x1, y1, score, without duplicates, then labels (1, B), person = 0,
             if there are any; or YOLOX's raw (1, cells, 5 + classes): per cell the offset of the
             centre and the log of the size, both in cells, then the confidence that there is an
             object, and of each class
    size     (W, H) of the network's picture
    Returns  float32 (N, 4): x0, y0, x1, y1 in network px, surest first; None for other outputs
    """
    first = outputs[0]
    if first.ndim != 3 or first.shape[2] < 5:
        return None
    if first.shape[2] == 5:
        boxes, scores = first[0, :, :4], first[0, :, 4]
        if len(outputs) > 1 and outputs[1].shape == first.shape[:2]:
            scores = scores * (outputs[1][0] == 0)
        kept = np.flatnonzero(scores > MIN_SCORE)
        return boxes[kept[np.argsort(-scores[kept], kind='stable')]]
    cells = [(x, y, stride) for stride in STRIDES for y in range(size[1] // stride)
             for x in range(size[0] // stride)]
    if len(cells) != first.shape[1]:
        return None
    corner, stride = np.split(np.array(cells, np.float32), [2], axis=1)
    middle = (first[0, :, :2] + corner) * stride
    half = np.exp(first[0, :, 2:4]) * stride / 2
    boxes, scores = np.hstack([middle - half, middle + half]), first[0, :, 4] * first[0, :, 5]
    import cv2
    corners_and_sizes = np.hstack([boxes[:, :2], 2 * half])
    kept = np.array(cv2.dnn.NMSBoxes(corners_and_sizes.tolist(), scores.tolist(), MIN_SCORE,
                                     MAX_OVERLAP), np.int64)
    return boxes[kept]
