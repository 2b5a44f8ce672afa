"""Whether two folders hold the same result, byte for byte where nothing in a file is a time."""
import hashlib
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PICTURES = {'.png', '.jpg'}
# of latest_state.pth: how long it took; the rest is the same after the same steps
TIMES = {'seconds', 'pace'}
# decoded again where they are missing; locks, which may stay
UNCOUNTED = re.compile(r'(.*/)?(\.cache/.*|[^/]*\.lock|lock)')
SHOWN = 4               # names in a sentence
WITH_TIMES = 'with times'
ENDS = b'IEND\xaeB`\x82', b'\xff\xd9'        # of a whole PNG and JPEG
MAY_BE_EMPTY = {'.txt', '.jsonl'}             # logs, written line by line


def contents(root: Path) -> dict[str, str]:
    """{path within `root`: a digest of what is in it that does not depend on time}."""
    found = {}
    for path in sorted(root.rglob('*')):
        name = path.relative_to(root).as_posix()
        if not path.is_dir() and not UNCOUNTED.fullmatch(name):
            found[name] = digest(path)
    return found


def digest(path: Path) -> str:
    if path.suffix == '.pth':
        value = read_checkpoint(path)
        return value if isinstance(value, str) else of_value(value)
    if path.suffix == '.mp4':
        return of_film(path)
    if path.suffix == '.npz':
        return of_archive(path)
    data = path.read_bytes()
    if path.suffix in PICTURES:
        return of_bytes(data) if data.endswith(ENDS) else 'unreadable: it is cut off'
    return WITH_TIMES if data or path.suffix in MAY_BE_EMPTY else 'unreadable: it is empty'


def of_bytes(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def of_archive(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
    except (OSError, zipfile.BadZipFile) as error:
        broken = str(error)
    return f'unreadable: {broken}' if broken else of_bytes(path.read_bytes())


def read_checkpoint(path: Path) -> Any:
    import torch
    try:
        return torch.load(path, map_location='cpu', weights_only=True)
    except Exception as error:          # whatever is wrong, it is no checkpoint
        return f'unreadable: {error}'


def of_value(value: Any) -> str:
    """Of nested dicts, lists and tensors, without what is a time."""
    import torch
    if isinstance(value, Mapping):
        parts = [f'{key}={of_value(inner)}' for key, inner in value.items() if key not in TIMES]
        return of_bytes(' '.join(parts).encode())
    if isinstance(value, list | tuple):
        return of_bytes(' '.join(map(of_value, value)).encode())
    if isinstance(value, torch.Tensor):
        return of_bytes(value.contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return repr(value)


def of_film(path: Path) -> str:
    """How many frames it shows: an encoder with threads does not write the same bytes twice."""
    import av
    try:
        with av.open(str(path)) as film:
            return f'{sum(1 for _ in film.decode(video=0))} frames'
    except av.error.FFmpegError as error:
        return f'unreadable: {error}'


def damaged(root: Path) -> list[str]:
    """A sentence for each file that stands under its final name but is not whole."""
    return [f'{name} is not whole' for name, found in contents(root).items()
            if found.startswith('unreadable') and not is_hidden(name)]


def is_hidden(name: str) -> bool:
    """Whether a file is on its way to its place."""
    return any(part.startswith('.') for part in Path(name).parts)


def differences(wanted: Mapping[str, str], got: Mapping[str, str]) -> list[str]:
    """A sentence for what is missing, what is left over, and what differs."""
    kinds = {'is missing': sorted(wanted.keys() - got.keys()),
             'is left over': sorted(got.keys() - wanted.keys()),
             'differs': sorted(name for name in wanted.keys() & got.keys()
                               if wanted[name] != got[name])}
    found = []
    for what, names in kinds.items():
        if names:
            more = f' and {len(names) - SHOWN} more' if len(names) > SHOWN else ''
            found.append(f'{", ".join(names[:SHOWN])}{more} {what}')
    return found
