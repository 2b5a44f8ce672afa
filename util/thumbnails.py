"""Small JPEG copies of large pictures, and posters of films: pages show these and load the rest
only when it is opened.

    FOLDER/images/000001_fake_B.png    FOLDER/thumbnails/000001_fake_B.jpg
    FOLDER/fake_B.mp4                  FOLDER/thumbnails/fake_B.jpg

Paths are those of a page: relative, with / between folders.
"""
from pathlib import Path, PurePosixPath

import numpy as np

from util.images import resized, size_of, write_image

FOLDER = 'thumbnails'
SHORTER = 256           # px: the shorter side of a thumbnail; no smaller picture has one
POSTER = 540            # px: the shorter side of a poster at most


def thumbnail_of(file: str) -> str:
    """Where the thumbnail of a picture in images/, or the poster of a film, belongs."""
    path = PurePosixPath(file)
    folder = path.parent.parent if path.parent.name == 'images' else path.parent
    return (folder / FOLDER / f'{path.stem}.jpg').as_posix()


def found(folder: Path, file: str) -> str:
    """The thumbnail or poster of `file`, a path relative to `folder`; '' where there is none."""
    path = thumbnail_of(file)
    return path if (folder / path).is_file() else ''


def is_large(picture: np.ndarray) -> bool:
    """Whether a picture (H, W, C) has a thumbnail."""
    return min(picture.shape[:2]) > SHORTER


def write_thumbnail(path: Path, picture: np.ndarray, shorter: int = SHORTER) -> None:
    """Write uint8 RGB (H, W, C) as a JPEG whose shorter side has at most that many px."""
    scale = shorter / min(picture.shape[:2])
    if scale < 1:
        width, height = size_of(picture)
        picture = resized(picture, (round(width * scale), round(height * scale)))
    path.parent.mkdir(exist_ok=True)
    write_image(path, picture)


def write_poster(folder: Path, film: str, picture: np.ndarray) -> None:
    """Write a frame of FOLDER/FILM as its poster, where `found` finds it."""
    write_thumbnail(folder / thumbnail_of(film), picture, POSTER)
