"""A few frames of a dataset at another size, for checks and speeds."""
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from models.warping.frame_index import rescaled
from pose.track import PoseTrack
from util.errors import UserError
from util.files import read_json, write_json
from util.images import pictures_in, read_image, write_image

PAIR_SIZE = 256         # px, shorter side of the pairs of a film that is larger
QUALITY = 92            # of JPEG


def resized(root: Path, size: tuple[int, int], folder: Path, train: int, val: int) -> Path:
    """Write the first `train` and `val` pairs of the dataset `root` to `folder`, for a film of that
    (width, height): pairs of at most PAIR_SIZE, and frames as large as the film where it is larger.
    Returns `folder`."""
    times = min(1.0, PAIR_SIZE / min(size))
    small = round(times * size[0]), round(times * size[1])
    for phase, count in (('train', train), ('val', val)):
        files = pictures_in(root / phase)[:count]
        if not files:
            raise UserError(f'{root} has no pairs in {phase}. Make the dataset with preprocess.py.')
        (folder / phase).mkdir(parents=True)
        for path in files:
            pair = read(path)
            width = pair.shape[1] // 2
            halves = [scaled(half, small) for half in (pair[:, :width], pair[:, width:])]
            write_image(folder / phase / path.name, np.hstack(halves))
            if small != size:
                write_film_frame(root, folder, path, pair[:, width:], size)
    facts = facts_of(root)
    facts = {key: facts[key] for key in ('draw', 'skeleton') if key in facts}
    facts |= {'size': list(small)}
    if small != size:
        facts['film_size'] = list(size)
    write_json(folder / 'dataset.json', facts)
    if (root / 'poses.npz').is_file():
        rescaled(PoseTrack.load(root / 'poses.npz'), small).save(folder / 'poses.npz')
    return folder


def write_film_frame(root: Path, folder: Path, path: Path, frame: np.ndarray,
                     size: tuple[int, int]) -> None:
    """Write the frame as large as the film: that of `root` where it keeps one."""
    large = root / 'frames' / f'{path.stem}.jpg'
    frame = read(large) if large.is_file() else frame
    (folder / 'frames').mkdir(exist_ok=True)
    bgr = cv2.cvtColor(scaled(frame, size), cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(folder / 'frames' / large.name), bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])


def read(path: Path) -> np.ndarray:
    picture = read_image(path)
    if picture is None:
        raise UserError(f'{path}: cannot be read. Make the dataset again with preprocess.py '
                        f'--overwrite.')
    return picture


def scaled(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)


def facts_of(root: Path) -> Mapping[str, Any]:
    path = root / 'dataset.json'
    return read_json(path) if path.is_file() else {}
