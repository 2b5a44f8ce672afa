"""Reads .npz files of unknown origin: bounded before anything is decompressed, no pickles."""
import math
import os
from collections.abc import Collection, Mapping
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import numpy as np

from util.errors import UserError

# bytes of all arrays of a file together: five hours of one body at 30 frames a second. A file of
# zeros is a thousand times smaller than what it decompresses to.
MOST = 400e6
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read_npz(path: str | os.PathLike[str], kinds: Mapping[str, str], then: str,
             optional: Collection[str] = (), most: float = MOST) -> dict[str, np.ndarray]:
    """The arrays of those names; what else the file holds is not looked at.

    kinds     {name: the kinds of dtype it may have, letters of dtype.kind such as 'iu'}
    then      what to type where the file is no such .npz, for the UserError
    optional  the names that may be missing
    most      bytes that the arrays may take together

    zipfile compares the checksum of every array that is read.
    """
    try:
        return _read(path, kinds, optional, most)
    except Exception as error:      # broken bytes can raise anything in zipfile, zlib and numpy
        reason = str(error) or type(error).__name__
        raise UserError(f'{path}: cannot be read ({reason}). {then}') from error


def _read(path: str | os.PathLike[str], kinds: Mapping[str, str], optional: Collection[str],
          most: float) -> dict[str, np.ndarray]:
    found = {}
    left = most
    with ZipFile(path) as archive:
        members = archive.NameToInfo
        for name, kind in kinds.items():
            if f'{name}.npy' in members:
                left -= _check_member(archive, name, kind, left)
                with archive.open(f'{name}.npy') as file:
                    found[name] = np.lib.format.read_array(file, allow_pickle=False)
            elif name not in optional:
                raise ValueError(f'{name} is missing')
    return found


def _check_member(archive: ZipFile, name: str, kind: str, most: float) -> int:
    """The bytes that an array takes; ValueError where its header does not fit the member, or asks
    for more than `most`."""
    member = archive.getinfo(f'{name}.npy')
    if member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):      # others ask for memory at will
        raise ValueError(f'{name} is not compressed as numpy does')
    with archive.open(member) as file:
        shape, _, dtype = HEADERS[np.lib.format.read_magic(file)](file)
        begin = file.tell()
    if dtype.hasobject or dtype.kind not in kind:
        raise ValueError(f'{name} holds {dtype}')
    size = math.prod(shape) * dtype.itemsize
    if size > most or min(shape, default=0) < 0:
        raise ValueError(f'{name} would take {size / 1e6:.0f} MB')
    if begin + size != member.file_size:
        raise ValueError(f'{name} is not as long as its shape {shape} says')
    return size
