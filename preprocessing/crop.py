"""One crop for a whole clip: the part of the video that becomes the dataset's frames. No torch.

A box is (x, y, width, height) in px of the video; beyond the video's edge it is black.
"""
import cv2
import numpy as np

from util.errors import UserError
from util.images import resized

Box = tuple[int, int, int, int]

MARGIN = 0.12           # of the track's larger side, on every side
HEAD = 0.08             # of the body height, above the topmost joint, which is below the hair


def keeping_aspect(crop: str, video: tuple[int, int], side: int,
                   poses: np.ndarray) -> tuple[tuple[int, int], Box]:
    """(width, height) of a frame and its box, for --aspect keep.

    The box lies wholly in the video, so no frame has a bar that the video has not. It has the
    video's aspect, or that of --crop x,y,w,h. Both sides are even, as films need them.

    video   (width, height)
    side    the shorter side of the frame
    poses   as of choose_box
    """
    if crop == 'auto':
        return even_size(video, side), box_around(poses, video, video)
    if crop in ('none', 'center'):
        return even_size(video, side), (0, 0, *video)
    x, y, w, h = given_box(crop, video)
    left, top = max(x, 0), max(y, 0)
    box = left, top, min(x + w, video[0]) - left, min(y + h, video[1]) - top
    return even_size(box[2:], side), box


def even_size(shape: tuple[int, int], side: float) -> tuple[int, int]:
    """(width, height) of the aspect of `shape`, even, the shorter one near `side`."""
    scale = side / min(shape)
    return 2 * max(1, round(shape[0] * scale / 2)), 2 * max(1, round(shape[1] * scale / 2))


def output_size(crop: str, video: tuple[int, int], side: int, width: int | None = None,
                height: int | None = None) -> tuple[int, int]:
    """(width, height) of a frame for --aspect square: as asked, else square; with --crop none as
    the video.

    video   (width, height)
    side    the shorter side of the frame
    """
    if width and height:
        return width, height
    if crop != 'none':
        return side, side
    scale = side / min(video)
    return max(2, round(video[0] * scale)), max(2, round(video[1] * scale))


def choose_box(crop: str, video: tuple[int, int], output: tuple[int, int],
               poses: np.ndarray) -> Box:
    """The box for --crop auto|center|none|x,y,w,h and --aspect square.

    video, output  (width, height) of the video and of the written frames
    poses          float (F, K, 3) px of the video: the kept frames
    """
    if crop == 'none':
        return 0, 0, *video
    if crop == 'center':
        return largest_box(video, output, video[0] / 2, video[1] / 2)
    if crop != 'auto':
        return given_box(crop, video)
    return box_around(poses, video, output)


def given_box(crop: str, video: tuple[int, int]) -> Box:
    """The box of --crop x,y,w,h; UserError if it lies outside the video."""
    x, y, w, h = (int(v) for v in crop.split(','))
    if x >= video[0] or y >= video[1] or x + w <= 0 or y + h <= 0:
        raise UserError(f'--crop {crop}: lies outside the picture, which is '
                        f'{video[0]}x{video[1]}. Give x,y,width,height within it.')
    return x, y, w, h


def largest_box(video: tuple[int, int], output: tuple[int, int], x: float, y: float) -> Box:
    """The largest box of the output's aspect in the video, its centre as near to (x, y) as fits."""
    scale = min(video[0] / output[0], video[1] / output[1])
    w, h = round(output[0] * scale), round(output[1] * scale)
    left = min(max(round(x - w / 2), 0), video[0] - w)
    top = min(max(round(y - h / 2), 0), video[1] - h)
    return left, top, w, h


def box_around(poses: np.ndarray, video: tuple[int, int], output: tuple[int, int]) -> Box:
    """A box of the output's aspect around all joints, with a margin, moved into the video.

    If the joints need more than the video has, the box reaches beyond its edge: black bars are
    better than a cut-off arm.
    """
    seen = poses[poses[..., 2] > 0]
    if not len(seen):
        return largest_box(video, output, video[0] / 2, video[1] / 2)
    # a joint of one bad frame must not widen every frame
    (left, top), (right, bottom) = np.percentile(seen[:, :2], (0.2, 99.8), axis=0)
    top -= HEAD * (bottom - top)
    left, right = max(left, 0), min(right, video[0])
    top, bottom = max(top, 0), min(bottom, video[1])
    # scales of the output at which it holds the joints, the joints with the margin, and the video
    least = max((right - left) / output[0], (bottom - top) / output[1])
    margin = 2 * MARGIN * max(right - left, bottom - top)
    wanted = max((right - left + margin) / output[0], (bottom - top + margin) / output[1])
    most = min(video[0] / output[0], video[1] / output[1])
    scale = max(min(wanted, most), least)
    w, h = round(output[0] * scale), round(output[1] * scale)
    x = moved_inside(round((left + right - w) / 2), w, video[0])
    y = moved_inside(round((top + bottom - h) / 2), h, video[1])
    return x, y, w, h


def moved_inside(start: int, length: int, whole: int) -> int:
    """The start nearest to `start` of a stretch that lies in 0..whole, if it can."""
    return min(max(start, 0), whole - length) if length <= whole else start


def cut_out(image: np.ndarray, box: Box, output: tuple[int, int]) -> np.ndarray:
    """The box of `image` (H, W, 3), resized to `output` (width, height); black beyond the edge."""
    inside = whole_box(image, box)
    if inside.shape[1] >= 4 * output[0] and inside.shape[0] >= 4 * output[1]:
        # the mean of 2x2 first: 1080x1920 to 256x456 in 3 ms instead of 6.5, 52 dB from it
        inside = cv2.resize(inside, (inside.shape[1] // 2, inside.shape[0] // 2))
    return resized(inside, output)


def whole_box(image: np.ndarray, box: Box) -> np.ndarray:
    """The box of `image` (H, W, 3) as it is; black beyond the edge."""
    x, y, w, h = box
    height, width = image.shape[:2]
    inside = image[max(y, 0):min(y + h, height), max(x, 0):min(x + w, width)]
    beyond = (max(-y, 0), max(y + h - height, 0), max(-x, 0), max(x + w - width, 0))
    if any(beyond):
        inside = cv2.copyMakeBorder(inside, *beyond, cv2.BORDER_CONSTANT, value=(0, 0, 0))
    return inside


def into_box(poses: np.ndarray, box: Box, output: tuple[int, int]) -> np.ndarray:
    """Joints (..., K, 3) from px of the video to px of the frames; unseen ones stay 0, 0, 0."""
    x, y, w, h = box
    scale = np.array([output[0] / w, output[1] / h])
    moved = poses.copy()
    moved[..., :2] = (poses[..., :2] + 0.5 - (x, y)) * scale - 0.5
    moved[poses[..., 2] == 0] = 0
    return moved.astype(np.float32)
