"""One crop for a whole clip: which part of the video becomes the dataset's frames. No torch.

A box is (x, y, width, height) in px of the video; it may reach over the edge, where it is black.
"""
import cv2
import numpy as np

Box = tuple[int, int, int, int]

MARGIN = 0.12           # of the track's larger side, on every side
HEAD = 0.08             # of the body's height above the topmost joint: hair is no joint


def output_size(crop: str, video: tuple[int, int], size: int, width: int | None = None,
                height: int | None = None) -> tuple[int, int]:
    """(width, height) of a frame: as asked; with --crop none `size` is its shorter side."""
    if width and height:
        return width, height
    if crop != 'none':
        return size, size
    scale = size / min(video)
    return max(2, round(video[0] * scale)), max(2, round(video[1] * scale))


def choose_box(crop: str, video: tuple[int, int], output: tuple[int, int],
               poses: np.ndarray) -> Box:
    """The box for --crop auto|center|none|x,y,w,h.

    video, output  (width, height) of the picture and of the frames to make
    poses          float (F, K, 3) px of the video: the kept frames
    """
    if crop == 'none':
        return 0, 0, *video
    if crop == 'center':
        return largest_box(video, output, video[0] / 2, video[1] / 2)
    if crop != 'auto':
        x, y, w, h = (int(v) for v in crop.split(','))
        return x, y, w, h
    return box_around(poses, video, output)


def largest_box(video: tuple[int, int], output: tuple[int, int], x: float, y: float) -> Box:
    """The largest box in the video of the output's aspect, as near to (x, y) as it fits."""
    scale = min(video[0] / output[0], video[1] / output[1])
    w, h = round(output[0] * scale), round(output[1] * scale)
    left = min(max(round(x - w / 2), 0), video[0] - w)
    top = min(max(round(y - h / 2), 0), video[1] - h)
    return left, top, w, h


def box_around(poses: np.ndarray, video: tuple[int, int], output: tuple[int, int]) -> Box:
    """A box of the output's aspect around all joints, with margin, moved into the picture.

    A person who needs more than the picture is high gets a box over its edge: black bars, but no
    arm cut off.
    """
    seen = poses[poses[..., 2] > 0]
    if not len(seen):
        return largest_box(video, output, video[0] / 2, video[1] / 2)
    # a joint of one bad frame must not widen every frame
    (left, top), (right, bottom) = np.percentile(seen[:, :2], (0.2, 99.8), axis=0)
    left, top = max(left, 0), max(top - HEAD * (bottom - top), 0)
    right, bottom = min(right, video[0]), min(bottom, video[1])
    margin = MARGIN * max(right - left, bottom - top)
    need = ((right - left + 2 * margin) / output[0], (bottom - top + 2 * margin) / output[1])
    fits = min(video[0] / output[0], video[1] / output[1])
    least = max((right - left) / output[0], (bottom - top) / output[1])
    scale = max(min(max(need), fits), least)
    w, h = round(output[0] * scale), round(output[1] * scale)
    x, y = round((left + right - w) / 2), round((top + bottom - h) / 2)
    x = min(max(x, 0), video[0] - w) if w <= video[0] else x
    y = min(max(y, 0), video[1] - h) if h <= video[1] else y
    return x, y, w, h


def cut_out(image: np.ndarray, box: Box, output: tuple[int, int]) -> np.ndarray:
    """The box of `image` (H, W, 3), resized to `output` (width, height); black over the edge."""
    x, y, w, h = box
    height, width = image.shape[:2]
    inside = image[max(y, 0):min(y + h, height), max(x, 0):min(x + w, width)]
    over = (max(-y, 0), max(y + h - height, 0), max(-x, 0), max(x + w - width, 0))
    if any(over):
        inside = cv2.copyMakeBorder(inside, *over, cv2.BORDER_CONSTANT, value=(0, 0, 0))
    smaller = output[0] < w
    return cv2.resize(inside, output,
                      interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)


def into_box(poses: np.ndarray, box: Box, output: tuple[int, int]) -> np.ndarray:
    """Joints (..., K, 3) in px of the video -> in px of the frames; not seen stays 0, 0, 0."""
    x, y, w, h = box
    scale = np.array([output[0] / w, output[1] / h])
    moved = poses.copy()
    moved[..., :2] = (poses[..., :2] + 0.5 - (x, y)) * scale - 0.5
    moved[poses[..., 2] == 0] = 0
    return moved.astype(np.float32)
