"""Pictures decoded once into one memory map beside the dataset, and never again.

DATAROOT/.cache/PHASE.u8 holds the pixels, PHASE.json says where each picture lies.
"""
import hashlib
import json
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from util.errors import UserError, warn
from util.files import atomic, read_json, write_json
from util.progress import progress


def read_picture(path: Path) -> np.ndarray:
    """(H, W, 3) uint8 RGB. Raises OSError or ValueError for a file that is cut short."""
    with Image.open(path) as image:
        return np.asarray(image.convert('RGB'))


def read_row(paths: Sequence[Path]) -> np.ndarray:
    """Pictures of one height beside each other: (H, sum of W, 3) uint8."""
    row = [read_picture(path) for path in paths]
    if len({picture.shape for picture in row}) > 1:
        raise ValueError(f'its pictures differ in size: {[p.shape[1::-1] for p in row]}')
    return row[0] if len(row) == 1 else np.hstack(row)


class Pictures:
    """pictures[i] -> uint8 (H, W, 3): one row of files each, in the order given.

    rows     list of tuples of paths: one picture, or several to be put side by side
    cache    path without suffix of the memory map; None decodes each time it is asked
    what     for the progress bar

    Files that cannot be read are left out, named in one warning and listed in `bad` as
    (name, reason); `rows` keeps the ones that remain.
    """

    def __init__(self, rows: list[tuple[Path, ...]], cache: Path | None, what: str):
        self.bad: list[tuple[str, str]] = []
        self._pixels: np.memmap | None = None
        self._places: list[tuple[int, list[int]]] = []
        key = fingerprint(rows)
        if cache and (found := self._index(cache, key)) is None:
            found = self._decode(rows, cache, key, what)
        if cache and found:
            self._places = [tuple(place) for place in found['places']]
            self.bad = [tuple(bad) for bad in found['bad']]
            if self._places:
                self._pixels = np.memmap(cache.with_suffix('.u8'), np.uint8, 'r')
        else:
            self.bad = [bad for bad in (probe(row) for row in rows) if bad]
        spoilt = {name for name, _ in self.bad}
        self.rows = [row for row in rows if row[0].name not in spoilt]
        if self.bad:
            name, reason = self.bad[0]
            warn(f'{len(self.bad)} of {len(rows)} {what} files cannot be read and are left out, '
                 f'e.g. {name} ({reason}).')

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int) -> np.ndarray:
        if self._pixels is None:
            return read_row(self.rows[i])
        offset, shape = self._places[i]
        return self._pixels[offset:offset + int(np.prod(shape))].reshape(shape)

    @staticmethod
    def _index(cache: Path, key: str) -> dict[str, Any] | None:
        """The index of a memory map that still tells the truth."""
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
        """Make the memory map; None where there is no room or no right to write it."""
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
            warn(f'{cache.parent} cannot hold {need / 1e6:.0f} MB of decoded pictures ({error}); '
                 f'decoding each one every time instead.')
            return None


def read_or_reason(row: tuple[Path, ...]) -> np.ndarray | str:
    try:
        return read_row(row)
    except (OSError, ValueError, SyntaxError) as error:
        return str(error)


def probe(row: tuple[Path, ...]) -> tuple[str, str] | None:
    """(name, reason) of a row that cannot be read."""
    found = read_or_reason(row)
    return (row[0].name, found) if isinstance(found, str) else None


def fingerprint(rows: list[tuple[Path, ...]]) -> str:
    """Changes whenever a file is added, removed or written anew."""
    facts = [[str(p.name), p.stat().st_size, p.stat().st_mtime_ns] for row in rows for p in row]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
