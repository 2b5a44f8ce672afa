"""Pictures on disk and in memory: uint8 RGB (H, W, 3)."""
import shutil
from pathlib import Path

import cv2
import numpy as np

from util.errors import UserError


def size_of(image: np.ndarray) -> tuple[int, int]:
    """(width, height) px of an (H, W, C) picture."""
    return image.shape[1], image.shape[0]


def write_png(path: Path, image: np.ndarray) -> None:
    """Write uint8 RGB (H, W, 1 or 3), lightly compressed, because somebody waits for it."""
    if image.shape[2] == 3:
        image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    if not cv2.imwrite(str(path), image, [cv2.IMWRITE_PNG_COMPRESSION, 1]):
        free = shutil.disk_usage(path.parent).free / 1e6
        raise UserError(f'{path} could not be written; {free:.0f} MB are free there. Make room, '
                        f'then give the same command again.')


def read_png(path: Path) -> np.ndarray:
    """What write_png wrote, as RGB (H, W, 3)."""
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
