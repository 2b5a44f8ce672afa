"""A dataset's images, of which those that are read again and again are decoded once, into a memory
map in its folder.

DATAROOT/.cache/PHASE.u8 holds the pixels, PHASE.json the offset and shape of each image.
"""
import hashlib
import json
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from util.errors import UserError, warn
from util.files import atomic, read_json, write_json
from util.progress import progress


def read_picture(path: Path) -> np.ndarray:
    """(H, W, 3) uint8 RGB. Raises OSError or ValueError for a truncated file."""
    with Image.open(path) as image:
        return np.asarray(image.convert('RGB'))


def read_row(paths: Sequence[Path]) -> np.ndarray:
    """Images of one size side by side: (H, sum of W, 3) uint8."""
    row = [read_picture(path) for path in paths]
    shapes = {picture.shape for picture in row}
    if len(shapes) > 1:
        sizes = [picture.shape[1::-1] for picture in row]
        raise ValueError(f'its images differ in size: {sizes}')
    return row[0] if len(row) == 1 else np.hstack(row)


class Pictures:
    """pictures[i] -> uint8 (H, W, 3): one row of files each, in the order given.

    rows     list of tuples of paths: one image, or several to put side by side
    cache    path of the memory map without its suffix; None decodes an image at each access
    what     name of the files, for the progress bar
    makes    whether a memory map is made where there is none. It takes eight times the room of the
             files, which is worth it only for images that are read many times

    Files that cannot be read are left out, named in one warning and listed in `bad` as
    (name, reason); `rows` keeps the ones that remain.
    """

    def __init__(self, rows: list[tuple[Path, ...]], cache: Path | None, what: str,
                 makes: bool = True):
        self.bad: list[tuple[str, str]] = []
        self._pixels: np.memmap | None = None
        self._places: list[tuple[int, tuple[int, ...]]] = []
        if not cache or not self._open(rows, cache, what, makes):
            self._check(rows)
        left_out = {name for name, _ in self.bad}
        self.rows = [row for row in rows if row[0].name not in left_out]
        if self.bad:
            name, reason = self.bad[0]
            warn(f'{len(self.bad)} of {len(rows)} {what} files cannot be read and are left out, '
                 f'e.g. {name} ({reason}).')

    def _open(self, rows: list[tuple[Path, ...]], cache: Path, what: str, makes: bool) -> bool:
        """Open the memory map, made first if `makes` where there is none of these files. Returns
        whether there is one now."""
        key = fingerprint(rows)
        found = self._index(cache, key)
        if not found and makes:
            found = self._decode(rows, cache, key, what)
        if not found:
            return False
        self._places = [(offset, tuple(shape)) for offset, shape in found['places']]
        self.bad = [tuple(bad) for bad in found['bad']]
        if self._places:
            self._pixels = np.memmap(cache.with_suffix('.u8'), np.uint8, 'r')
        return True

    def _check(self, rows: list[tuple[Path, ...]]) -> None:
        """Find the shape of every row, and the rows that cannot be read."""
        with ThreadPoolExecutor(4) as threads:
            found = list(threads.map(shape_or_reason, rows))
        for row, shape in zip(rows, found):
            if isinstance(shape, str):
                self.bad.append((row[0].name, shape))
            else:
                self._places.append((0, shape))

    def __len__(self) -> int:
        return len(self.rows)

    def shape(self, i: int) -> tuple[int, ...]:
        """(H, W, 3) of pictures[i], which is not decoded for it."""
        return self._places[i][1]

    def __getitem__(self, i: int) -> np.ndarray:
        if self._pixels is None:
            picture = read_or_reason(self.rows[i])
            if isinstance(picture, str):
                raise UserError(f'{self.rows[i][0]} cannot be read ({picture}). Take it out of '
                                f'the dataset and give the same command again.')
            return picture
        offset, shape = self._places[i]
        return self._pixels[offset:offset + int(np.prod(shape))].reshape(shape)

    @staticmethod
    def _index(cache: Path, key: str) -> dict[str, Any] | None:
        """The index of the memory map; None where it is missing or not of these files."""
        index, pixels = cache.with_suffix('.json'), cache.with_suffix('.u8')
        if not index.is_file() or not pixels.is_file():
            return None
        try:
            found = read_json(index)
        except UserError:
            return None
        whole = found.get('key') == key and found.get('bytes') == pixels.stat().st_size
        return found if whole else None

    @staticmethod
    def _decode(rows: list[tuple[Path, ...]], cache: Path, key: str,
                what: str) -> dict[str, Any] | None:
        """Make the memory map; None where the disk is full or cannot be written."""
        first = next((row for row in rows if not probe(row)), None)
        need = len(rows) * read_row(first).nbytes if first else 0
        places: list[tuple[int, tuple[int, ...]]] = []
        bad: list[tuple[str, str]] = []
        offset = 0
        try:
            cache.parent.mkdir(exist_ok=True)
            if shutil.disk_usage(cache.parent).free < 1.1 * need:
                raise OSError('not enough room')
            with atomic(cache.with_suffix('.u8')) as part, open(part, 'wb') as file, \
                    ThreadPoolExecutor(4) as threads:
                results = threads.map(read_or_reason, rows)
                for row, picture in zip(rows, progress(results, f'decoding {what}', len(rows))):
                    if isinstance(picture, str):
                        bad.append((row[0].name, picture))
                        continue
                    places.append((offset, picture.shape))
                    offset += file.write(np.ascontiguousarray(picture).data)
            found = {'key': key, 'bytes': offset, 'places': places, 'bad': bad}
            write_json(cache.with_suffix('.json'), found)
            return found
        except (OSError, UserError) as error:
            warn(f'{cache.parent} cannot hold {need / 1e6:.0f} MB of decoded images ({error}); '
                 f'each one is decoded again at every access instead.')
            return None


def read_or_reason(row: tuple[Path, ...]) -> np.ndarray | str:
    try:
        return read_row(row)
    except (OSError, ValueError, SyntaxError) as error:
        return str(error)


def shape_or_reason(row: Sequence[Path]) -> tuple[int, ...] | str:
    """(H, W, 3) of images of one size side by side, or why they cannot be read. A PNG is checked by
    its checksums, which takes an eighth of the time of decoding it."""
    try:
        sizes = [checked_size(path) for path in row]
    except (OSError, ValueError, SyntaxError) as error:
        return str(error)
    if len(set(sizes)) > 1:
        return f'its images differ in size: {sizes}'
    width, height = sizes[0]
    return height, width * len(row), 3


def checked_size(path: Path) -> tuple[int, int]:
    """(width, height) of an image. Raises OSError, ValueError or SyntaxError for a broken file."""
    with Image.open(path) as image:
        if image.format == 'PNG':
            image.verify()
        else:
            image.load()
        return image.size


def probe(row: tuple[Path, ...]) -> tuple[str, str] | None:
    """(name, reason) of a row that cannot be read."""
    found = read_or_reason(row)
    return (row[0].name, found) if isinstance(found, str) else None


def fingerprint(rows: list[tuple[Path, ...]]) -> str:
    """A hash that changes when a file is added, removed or written again."""
    facts = []
    for path in chain.from_iterable(rows):
        facts.append([path.name, path.stat().st_size, path.stat().st_mtime_ns])
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
