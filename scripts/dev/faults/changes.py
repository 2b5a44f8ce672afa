"""How a file is damaged: as bytes, and as what its format holds, still well formed.

A change takes the bytes of a whole file and a source of randomness, and gives other bytes.
"""
import io
import json
import random
from collections.abc import Callable
from typing import Any

import numpy as np

Change = Callable[[bytes, random.Random], bytes]

HEADER, TAIL = 256, 400         # bytes: of most formats; of an archive's directory
MAGIC = (b'\x89PNG\r\n\x1a\n', b'PK\x03\x04', b'\x93NUMPY\x01\x00', b'\xff\xd8\xff',
         b'\x80\x04\x95', b'{"a": 1}', b'\0\0\0 ftypisom', b'RIFF', b'GIF89a', b'\xef\xbb\xbf', b'')
# in place of all that a JSON file says, and of one value
WHOLE: tuple[Any, ...] = [], 1, None, 'x', {}, True, [[]]
VALUES: tuple[Any, ...] = (None, 'x', '', -1, 0, 1e308, float('nan'), [], {}, True, 10 ** 9,
                           '../../outside', [[1]], 'A' * 5000, '\ud800')
DEEP = 3                        # levels of a JSON file in which values are exchanged
MOST = 60                       # entries of one level


def flip(data: bytes, rng: random.Random, first: int = 0, last: int | None = None) -> bytes:
    """Some bits flipped between these places."""
    changed = bytearray(data)
    places = range(len(changed))[first:last]
    for _ in range(rng.choice((1, 1, 3, 20))):
        changed[rng.choice(places)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def flip_header(data: bytes, rng: random.Random) -> bytes:
    return flip(data, rng, last=HEADER)


def flip_tail(data: bytes, rng: random.Random) -> bytes:
    return flip(data, rng, first=-TAIL)


def cut(data: bytes, rng: random.Random) -> bytes:
    """Nothing, nearly nothing, nearly all, or any part."""
    return data[:rng.choice((0, 1, 7, len(data) - 1, rng.randrange(len(data))))]


def zeros(data: bytes, rng: random.Random) -> bytes:
    """A stretch of zeros, as after a power cut."""
    first = rng.randrange(len(data))
    last = min(len(data), first + rng.choice((4, 64, 512, len(data) // 4)))
    return data[:first] + bytes(last - first) + data[last:]


def other_kind(data: bytes, rng: random.Random) -> bytes:
    """It begins as a file of another kind."""
    start = rng.choice(MAGIC)
    return start + data[len(start):]


def json_value(data: bytes, rng: random.Random) -> bytes:
    """A key gone, or a value of another kind: still JSON."""
    value = json.loads(data)
    if rng.random() < 0.12:
        return json.dumps(rng.choice(WHOLE)).encode()
    for _ in range(rng.choice((1, 1, 2))):
        places = list(places_in(value))
        if places:
            holder, key = rng.choice(places)
            if rng.random() < 0.35:
                del holder[key]
            else:
                holder[key] = rng.choice(VALUES)
    return json.dumps(value).encode()


def places_in(value: Any, deep: int = DEEP) -> Any:
    """(what holds it, its key) of each value."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in list(items)[:MOST]:
        yield value, key
        if deep and isinstance(inner, dict | list):
            yield from places_in(inner, deep - 1)


def npz_array(data: bytes, rng: random.Random) -> bytes:
    """An array gone, or of another shape, type or content: still a whole .npz."""
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        arrays = {key: archive[key] for key in archive.files}
    key = rng.choice(sorted(arrays))
    array = arrays.pop(key)
    number = array.dtype.kind in 'fiub'
    others = [None, array[:len(array) // 2] if array.ndim else np.array(3),
              np.full(array.shape, np.nan), np.array('text'), array[..., None],
              np.zeros((0, *array.shape[1:])), np.full(array.shape, 1e30)]
    others += [-np.abs(array.astype(float)) - 1] if number else []
    other = rng.choice(others)
    if other is not None:
        arrays[key] = other
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)
    return out.getvalue()


def pth_value(data: bytes, rng: random.Random) -> bytes:
    """A whole checkpoint in which something is missing or of another kind."""
    import torch
    value = torch.load(io.BytesIO(data), map_location='cpu', weights_only=True)
    if rng.random() < 0.15:
        value = rng.choice(([], {}, 1, 'x', torch.zeros(3), None))
    else:
        holder = value
        for _ in range(rng.choice((0, 0, 1, 2))):
            inner = [key for key in holder if isinstance(holder[key], dict) and holder[key]]
            holder = holder[rng.choice(inner)] if inner else holder
        exchange(holder, rng.choice(list(holder)), rng)
    out = io.BytesIO()
    torch.save(value, out)
    return out.getvalue()


def exchange(holder: dict[Any, Any], key: Any, rng: random.Random) -> None:
    """A value of a checkpoint becomes another one, or goes."""
    import torch
    value = holder.pop(key)
    is_array = isinstance(value, torch.Tensor) and value.ndim
    others: list[Any] = [None, 'x', -5, [], {}, torch.zeros(2, 2), torch.tensor(float('nan'))]
    others += [value[:-1], torch.full_like(value, float('nan'))] \
        if is_array and value.is_floating_point() else []
    other = rng.choice(others)
    if other is not None:
        holder[key] = other


def lines(data: bytes, rng: random.Random) -> bytes:
    """Lines of an options file gone, doubled, turned round, or with another value."""
    text = data.decode('utf-8', 'replace').splitlines()
    for _ in range(rng.choice((1, 2, 5))):
        at = rng.randrange(len(text))
        name = text[at].partition(':')[0]
        value = rng.choice(('None', '-1', 'x', '99999999', '1e400', '../../etc', 'True', ''))
        text[at] = rng.choice((f'{name}: {value}', text[at][::-1], text[0], '\x00\xff' * 40, ''))
    return '\n'.join(text).encode()


BYTES: tuple[Change, ...] = (flip, flip, flip_header, cut, zeros, other_kind)
JSON: tuple[Change, ...] = (cut, zeros, flip, json_value, json_value, json_value)
NPZ: tuple[Change, ...] = (*BYTES, flip_tail, npz_array, npz_array, npz_array)
PTH: tuple[Change, ...] = (*BYTES, flip_tail, pth_value, pth_value, pth_value)
TEXT: tuple[Change, ...] = (flip, cut, zeros, lines, lines, lines)
# the format, or its archive, has a checksum: what was changed as bytes is not used unnoticed
CHECKED = {'.png', '.npz', '.pth'}
AS_BYTES = {flip, flip_header, flip_tail, cut, zeros}
