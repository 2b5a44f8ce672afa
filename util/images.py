"""Images on disk and in memory: uint8 RGB (H, W, 3); a size is (width, height)."""
import shutil
from pathlib import Path

import cv2
import numpy as np

from util.errors import UserError
from util.files import NO_ROOM, natural

PICTURES = {'.png', '.jpg', '.jpeg', '.bmp', '.webp', '.tif', '.tiff', '.ppm'}


def size_of(image: np.ndarray) -> tuple[int, int]:
    """(width, height) px of an image (H, W, C)."""
    return image.shape[1], image.shape[0]


def scaling(before: tuple[int, int], after: tuple[int, int]) -> np.ndarray:
    """float64 (3, 3): px of a picture of that (width, height) -> px of the same one at another
    size. Pixel centres lie at integers, so the upper left corner is at -0.5."""
    across, down = np.divide(after, before)
    return np.array([[across, 0, (across - 1) / 2], [0, down, (down - 1) / 2], [0, 0, 1]])


def in_colour(image: np.ndarray) -> np.ndarray:
    """The image (H, W, 1 or 3) as (H, W, 3)."""
    return np.ascontiguousarray(np.broadcast_to(image, (*image.shape[:2], 3)))


def write_image(path: Path, image: np.ndarray, quality: int = 95) -> None:
    """Write uint8 RGB (H, W, 1 or 3) as PNG or JPEG, by the suffix of `path`.

    quality   of a JPEG, 0 to 100

    A PNG has OpenCV's default compression: naming any level, even the lightest, takes twice as
    long. OpenCV only encodes: its own writing fails on Windows for names that are not ASCII.
    """
    if image.shape[2] == 3:
        image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    how = [cv2.IMWRITE_JPEG_QUALITY, quality] if path.suffix == '.jpg' else []
    _, encoded = cv2.imencode(path.suffix, image, how)
    try:
        path.write_bytes(encoded.tobytes())
    except OSError as error:
        reason = f'{path} could not be written ({error.strerror}'
        if error.errno not in NO_ROOM:
            raise UserError(f'{reason}). Name a folder that you may write to.') from error
        free = shutil.disk_usage(path.parent).free / 1e6
        raise UserError(f'{reason}; {free:.0f} MB are free there). Make room, then run the same '
                        f'command again.') from error


def read_image(path: Path) -> np.ndarray | None:
    """uint8 RGB (H, W, 3); None for a file that is no image."""
    encoded = np.frombuffer(path.read_bytes(), np.uint8)
    image = cv2.imdecode(encoded, cv2.IMREAD_COLOR) if len(encoded) else None
    return None if image is None else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def pictures_in(folder: Path) -> list[Path]:
    """Every image directly in `folder`, frame2 before frame10."""
    if not folder.is_dir():
        return []
    found = (p for p in folder.iterdir()
             if p.suffix.lower() in PICTURES and not p.name.startswith('.'))
    return sorted(found, key=lambda p: natural(p.name))


def resized(image: np.ndarray, size: tuple[int, int], shrinks: bool | None = None) -> np.ndarray:
    """The uint8 image (H, W, C) at `size` (width, height).

    shrinks    True averages areas, False interpolates bicubically; None averages where the image
               gets narrower
    """
    if shrinks is None:
        shrinks = size[0] < image.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    # OpenCV drops the last dimension of a picture of one channel
    return cv2.resize(image, size, interpolation=how).reshape(size[1], size[0], *image.shape[2:])


def fitted(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The uint8 image (H, W, C), resized to `size` (width, height) if need be."""
    return image if size_of(image) == size else resized(image, size)


def side_by_side(*images: np.ndarray, height: int | None = None) -> np.ndarray:
    """One RGB image of all, left to right, scaled to one height (default: the tallest's)."""
    height = height or max(image.shape[0] for image in images)
    scaled = []
    for image in images:
        width = max(1, round(image.shape[1] * height / image.shape[0]))
        scaled.append(resized(image, (width, height), shrinks=height < image.shape[0]))
    return np.hstack(scaled)
