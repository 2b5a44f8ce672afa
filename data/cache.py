"""A dataset's images, of which those that are read again and again are decoded once, into a memory
map in its folder.

DATAROOT/.cache/PHASE.u8 holds the pixels, PHASE.json the offset and shape of each image.
"""
import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from util.errors import UserError, warn
from util.files import atomic, read_json, write_json
from util.images import is_unchanged, read_or_reason, size_of, size_or_reason
from util.progress import progress

Found = TypeVar('Found')
READER = 2      # 1 read 16 bits, transparency and EXIF otherwise, and did not write its number


class Pictures:
    """pictures[i] -> uint8 (H, W, 3): one row of files each, in the order given.

    rows     list of tuples of paths: one image, or several to put side by side
    cache    path of the memory map without its suffix; None decodes an image at each access
    what     name of the files, for the progress bar
    makes    whether a memory map is made where there is none. It takes eight times the room of the
             files, which is worth it only for images that are read many times

    Files that cannot be read are left out, named in one warning and listed in `bad` as
    (name, reason); `rows` keeps the ones that remain. UserError where none does.
    """

    def __init__(self, rows: list[tuple[Path, ...]], cache: Path | None, what: str,
                 makes: bool = True):
        self.bad: list[tuple[str, str]] = []
        self._pixels: np.memmap | None = None
        self._places: list[tuple[int, tuple[int, ...]]] = []
        if not cache or leads_out(cache.parent) or not self._open(rows, cache, what, makes):
            self._check(rows)
        left_out = {name for name, _ in self.bad}
        self.rows = [row for row in rows if row[0].name not in left_out]
        if rows and not self.rows:
            name, reason = self.bad[0]
            raise UserError(f'{rows[0][0].parent}: none of its {len(rows)} files can be read, e.g. '
                            f'{name} ({reason}).')
        warn_of_bad(self.bad, len(rows), what)

    def _open(self, rows: list[tuple[Path, ...]], cache: Path, what: str, makes: bool) -> bool:
        """Open the memory map, made first if `makes` where there is none of these files. Returns
        whether there is one now."""
        key = fingerprint(rows)
        found = self._index(cache, key, len(rows))
        if found and found.get('reader') != READER:
            found = self._of_today(found, rows, cache)
        if not found and makes:
            found = self._decode(rows, cache, key, what)
        if not found:
            return False
        self._places = [(offset, tuple(shape)) for offset, shape in found['places']]
        self.bad = [tuple(bad) for bad in found['bad']]
        if self._places:
            self._pixels = np.memmap(cache.with_suffix('.u8'), np.uint8, 'r')
        return True

    @staticmethod
    def _of_today(found: dict[str, Any], rows: list[tuple[Path, ...]],
                  cache: Path) -> dict[str, Any] | None:
        """The index of an older version's memory map, where every file is read as it was then;
        noted in it, so that this is not looked at again. None where a file is not."""
        with ThreadPoolExecutor(4) as threads:
            unchanged = all(threads.map(is_unchanged, chain.from_iterable(rows)))
        if not unchanged:
            return None
        found['reader'] = READER
        with suppress(OSError, UserError):      # a dataset that may only be read
            write_json(cache.with_suffix('.json'), found)
        return found

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
            return found_in(self.rows[i][0], row_or_reason(self.rows[i]))
        offset, shape = self._places[i]
        return self._pixels[offset:offset + int(np.prod(shape))].reshape(shape)

    @staticmethod
    def _index(cache: Path, key: str, rows: int) -> dict[str, Any] | None:
        """The index of the memory map; None where it is missing or not of these files."""
        index, pixels = cache.with_suffix('.json'), cache.with_suffix('.u8')
        if not index.is_file() or not pixels.is_file():
            return None
        try:
            found = read_json(index)
        except UserError:
            return None
        return found if is_index(found, key, rows, pixels.stat().st_size) else None

    @staticmethod
    def _decode(rows: list[tuple[Path, ...]], cache: Path, key: str,
                what: str) -> dict[str, Any] | None:
        """Make the memory map; None where the disk is full or cannot be written."""
        readable = (row for row in map(row_or_reason, rows) if not isinstance(row, str))
        first = next(readable, None)
        need = 0 if first is None else len(rows) * first.nbytes
        places: list[tuple[int, tuple[int, ...]]] = []
        bad: list[tuple[str, str]] = []
        offset = 0
        try:
            cache.parent.mkdir(exist_ok=True)
            if shutil.disk_usage(cache.parent).free < 1.1 * need:
                raise OSError('not enough room')
            with atomic(cache.with_suffix('.u8')) as part, open(part, 'wb') as file, \
                    ThreadPoolExecutor(4) as threads:
                results = threads.map(row_or_reason, rows)
                for row, picture in zip(rows, progress(results, f'decoding {what}', len(rows))):
                    if isinstance(picture, str):
                        bad.append((row[0].name, picture))
                        continue
                    places.append((offset, picture.shape))
                    offset += file.write(np.ascontiguousarray(picture).data)
            found = {'key': key, 'reader': READER, 'bytes': offset, 'places': places, 'bad': bad}
            write_json(cache.with_suffix('.json'), found)
            return found
        except (OSError, UserError) as error:
            warn(f'{cache.parent} cannot hold {need / 1e6:.0f} MB of decoded images ({error}); '
                 f'each one is decoded again at every access instead.')
            return None


def is_index(found: Any, key: str, rows: int, size: int) -> bool:
    """Whether JSON is the index of that many rows of files in a memory map of `size` bytes, as
    `_decode` writes it; a dataset may be a stranger's."""
    end = 0
    try:
        for offset, (height, width, channels) in found['places']:
            numbers = offset, height, width, channels
            if any(type(number) is not int or number < 0 for number in numbers) or offset != end:
                return False
            end += height * width * channels
        texts = [text for name, reason in found['bad'] for text in (name, reason)]
        counted = len(found['places']) + len(found['bad']) == rows
        named = all(isinstance(text, str) for text in texts)
        return found['key'] == key and found['bytes'] == end == size and counted and named
    except (KeyError, TypeError, ValueError):
        return False


def row_or_reason(row: Sequence[Path]) -> np.ndarray | str:
    """Images of one size side by side, uint8 (H, sum of W, 3); or why they cannot be read."""
    pictures = each_or_reason(row, read_or_reason)
    if isinstance(pictures, str):
        return pictures
    differ = sizes_differ([size_of(picture) for picture in pictures])
    if differ:
        return differ
    return pictures[0] if len(row) == 1 else np.hstack(pictures)


def shape_or_reason(row: Sequence[Path]) -> tuple[int, ...] | str:
    """(H, W, 3) of the same, most of whose pixels are not decoded for it; or why they cannot be
    read."""
    sizes = each_or_reason(row, size_or_reason)
    if isinstance(sizes, str):
        return sizes
    width, height = sizes[0]
    return sizes_differ(sizes) or (height, width * len(row), 3)


def each_or_reason(row: Sequence[Path], read: Callable[[Path], Found | str]) -> list[Found] | str:
    """What `read` finds in each image of a row; or why one cannot be read."""
    every = []
    for path in row:
        found = read(path)
        if isinstance(found, str):
            return reason_for(row, path, found)
        every.append(found)
    return every


def found_in(path: Path, found: np.ndarray | str) -> np.ndarray:
    """What was read; UserError where it is the reason why nothing was."""
    if isinstance(found, str):
        raise UserError(f'{path} cannot be read ({found}). Take it out of the dataset and give '
                        f'the same command again.')
    return found


def warn_of_bad(bad: Sequence[tuple[str, str]], count: int, what: str) -> None:
    """One warning for the (name, reason) of files that are left out of `count`."""
    if bad:
        name, reason = bad[0]
        warn(f'{len(bad)} of {count} {what} files cannot be read and are left out, e.g. {name} '
             f'({reason}).')


def reason_for(row: Sequence[Path], path: Path, reason: str) -> str:
    """The reason, with the file's name where it is not the first of its row."""
    return reason if path == row[0] else f'{path.parent.name}/{path.name}: {reason}'


def sizes_differ(sizes: Sequence[tuple[int, int]]) -> str:
    """What is wrong with the (width, height) of images that belong together; '' if nothing is."""
    listed = ' and '.join(f'{width}x{height}' for width, height in sizes)
    return f'its images differ in size: {listed}' if len(set(sizes)) > 1 else ''


def leads_out(folder: Path) -> bool:
    """Whether a dataset's folder for decoded images is a link to somewhere else, where nothing of
    that name may be written over. Says so."""
    leads = folder.parent.resolve() not in folder.resolve().parents
    if leads:
        warn(f'{folder} is a link out of the dataset and is left alone; each image is decoded '
             f'again at every access instead.')
    return leads


def fingerprint(rows: list[tuple[Path, ...]]) -> str:
    """A hash that changes when a file is added, removed or written again."""
    facts: list[list[Any]] = []
    for path in chain.from_iterable(rows):
        if path.is_file():
            facts.append([path.name, path.stat().st_size, path.stat().st_mtime_ns])
        else:                       # a link to nowhere
            facts.append([path.name, None, None])
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
