"""What somebody with bad intentions does to a dataset, a run or results before handing them over.

Each function changes files in `inside`; `outside` is a folder next to it that nothing in `inside`
may change.
"""
import hashlib
import io
import json
import os
import pickle
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

# folder names and files that lie outside, under the names that an attack leads to
VICTIMS = ('victim.txt', 'train/000001.png', 'val/000001.png', 'x_fake_B.png', 'x_real_A.png',
           'train.u8', 'train.json', 'new/victim.txt', 'index.html', 'found.npz')
DEPTH = 200_000             # levels of a JSON file that is nothing but brackets
SIDE = 60_000               # px of a picture of one colour
CLAIMED = 10 ** 15          # values that the header of an array of a few bytes claims
INFLATED = 2 << 30          # bytes that a small archive unpacks to
BLANKS = 60_000             # spaces in a line, against a slow pattern
ABROAD = 'http://203.0.113.7'       # RFC 5737: nobody's


def edit(path: Path, change: Callable[[Any], None]) -> None:
    """Change what a JSON file says."""
    value = json.loads(path.read_text('utf-8'))
    change(value)
    path.write_text(json.dumps(value), 'utf-8')


def state(path: Path) -> list[int]:
    """By which the program knows its own files again: bytes and time of the last change."""
    return [path.stat().st_size, path.stat().st_mtime_ns]


# Records that set what a call does

def settings(outside: Path) -> dict[str, Any]:
    return {'results_dir': str(outside), 'checkpoints_dir': str(outside), 'dataroot': str(outside),
            'name': '../../outside', 'phase': '../../outside', 'epoch': '../../outside/latest',
            'display_server': ABROAD, 'display_id': 1, 'use_wandb': True, 'tensorboard': True,
            'video_from': str(outside / 'victim.txt'), 'dataset_mode': '../../outside',
            'model': 'os', 'overwrite': True, 'netG': '../../outside/victim', 'device': 'cuda',
            'wandb_project_name': '../../outside', 'display_env': '../../outside'}


def in_record(name: str, inside: Path, outside: Path) -> None:
    def change(record: Any) -> None:
        record['options'][name] = settings(outside)[name]
        if name == 'display_server':
            record['options']['display_id'] = 1
    edit(inside / 'runs/p/run.json', change)


def in_text(name: str, inside: Path, outside: Path) -> None:
    (inside / 'runs/p/run.json').unlink()
    with open(inside / 'runs/p/train_opt.txt', 'a') as file:
        file.write(f'{name}: {settings(outside)[name]}\n')


# Names that lead out of a folder

def splits(name: str, inside: Path, outside: Path) -> None:
    """A split of that name: the folder whose pictures are drawn again, or removed."""
    folder = name.replace('OUTSIDE', str(outside))
    edit(inside / 'me/dataset.json', lambda facts: facts.update(split={folder: 1}))


def facts_of(value: dict[str, Any], inside: Path, outside: Path) -> None:
    edit(inside / 'me/dataset.json', lambda facts: facts.update(value))


def painted_names(inside: Path, outside: Path) -> None:
    """Frames of an earlier painting, whose files the next one removes."""
    place = inside / 'results/p/latest_val'
    edit(place / 'painting.json',
         lambda record: record.update(frames={'../../../../outside/x': 0, f'{outside}/x': 1}))


def measured_names(inside: Path, outside: Path) -> None:
    def change(record: Any) -> None:
        for key, value in list(record.items()):
            if isinstance(value, dict):
                record[key] = {f'../../../../outside/{name}': inner for name, inner in
                               value.items()}
    edit(inside / 'results/p/latest_val/metrics.json', change)


def noted(inside: Path, outside: Path) -> None:
    """Notes that the files outside are the program's."""
    notes = {f'../outside/{name}': state(outside / name) for name in VICTIMS}
    for folder in (inside, inside / 'me', inside / 'results/p/latest_val'):
        (folder / '.written.json').write_text(json.dumps(notes))


def planned(inside: Path, outside: Path) -> None:
    """An exchange that was stopped, and that removes and replaces files outside."""
    for place in (inside / 'me', inside / 'results/p/latest_val'):
        up = os.path.relpath(outside, place)
        new = place / '.making/new'
        new.mkdir(parents=True)
        (new / 'victim.txt').write_text('replaced')
        states = {f'{up}/{name}': state(outside / name) for name in VICTIMS}
        states |= {str(outside / name): state(outside / name) for name in VICTIMS}
        (place / '.making/plan.json').write_text(json.dumps({
            'gone': states, 'new': states, 'record': f'{up}/victim.txt', 'noted': True}))


def films_written(inside: Path, outside: Path) -> None:
    """The list of films that may be written over."""
    found = {str(outside / name): [hashlib.sha256((outside / name).read_bytes()).hexdigest()]
             for name in VICTIMS}
    (inside / 'results/written.json').write_text(json.dumps(found))


def link(name: str, target: str, inside: Path, outside: Path) -> None:
    """A file or folder of the dataset or run is a link to one outside."""
    path = inside / name
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.symlink_to(outside / target)


def leftover_link(inside: Path, outside: Path) -> None:
    """What looks like the rest of a stopped call is a link."""
    for place in (inside / 'runs/p', inside / 'runs/b'):
        (place / '.index.part1').symlink_to(outside)
        (place / '.mattes.old1').symlink_to(outside)
        (place / '.latest_net_G.part1.pth').symlink_to(outside / 'victim.txt')


# Code

class Payload:
    """What a pickle calls when it is read."""

    def __init__(self, file: Path):
        self.file = file

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return os.mkdir, (str(self.file),)


def pickled(name: str, inside: Path, outside: Path) -> None:
    """A plain pickle under the name of a checkpoint or array."""
    (inside / name).write_bytes(pickle.dumps({'a': Payload(outside / 'ran')}))


def pickled_in_archive(name: str, inside: Path, outside: Path) -> None:
    import torch
    torch.save({'a': Payload(outside / 'ran')}, inside / name)


def pickled_arrays(name: str, inside: Path, outside: Path) -> None:
    """Every array of an .npz holds objects."""
    path = inside / name
    with np.load(path, allow_pickle=False) as archive:
        keys = archive.files
    array = np.array([Payload(outside / 'ran')], object)
    np.savez(path, **dict.fromkeys(keys, array))


# More than memory holds

def deep(name: str, inside: Path, outside: Path) -> None:
    path = inside / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('{"a":' + '[' * DEPTH + ']' * DEPTH + '}')


def long_number(name: str, inside: Path, outside: Path) -> None:
    path = inside / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('{"format": ' + '9' * DEPTH + '}')


def vast_picture(name: str, inside: Path, outside: Path) -> None:
    """A PNG of SIDE x SIDE px in RGB, 11 GB in memory, of which only some rows are there."""
    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', check)
    row = bytes(1 + 3 * SIDE)
    pack = zlib.compressobj(1)
    pixels = b''.join(pack.compress(row) for _ in range(64)) + pack.flush()
    header = struct.pack('>IIBBBBB', SIDE, SIDE, 8, 2, 0, 0, 0)
    (inside / name).write_bytes(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) +
                                chunk(b'IDAT', pixels) + chunk(b'IEND', b''))


def array_header(shape: tuple[int, ...]) -> bytes:
    out = io.BytesIO()
    np.lib.format.write_array_header_2_0(out, {'descr': '<f4', 'fortran_order': False,
                                               'shape': shape})
    return out.getvalue()


def vast_claim(name: str, inside: Path, outside: Path) -> None:
    """Arrays whose headers claim more than there is."""
    rewrite_arrays(inside / name, lambda: iter([array_header((CLAIMED,)), bytes(64)]))


def inflated(name: str, inside: Path, outside: Path) -> None:
    """Arrays of zeros that are packed a thousand times smaller."""
    block = bytes(1 << 24)
    count = INFLATED // len(block)

    def parts() -> Iterator[bytes]:
        yield array_header((INFLATED // 4,))
        for _ in range(count):
            yield block
    rewrite_arrays(inside / name, parts)


def inflated_checkpoint(name: str, inside: Path, outside: Path) -> None:
    """A checkpoint whose description is packed, and unpacks to gigabytes of blanks at its end."""
    path = inside / name
    with zipfile.ZipFile(path) as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    block = bytes(1 << 24)
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_STORED) as archive:
        for member, data in members.items():
            packed = zipfile.ZipInfo(member)
            is_description = member.endswith('data.pkl')
            packed.compress_type = zipfile.ZIP_DEFLATED if is_description else zipfile.ZIP_STORED
            with archive.open(packed, 'w', force_zip64=True) as file:
                file.write(data)
                for _ in range(INFLATED // len(block) if is_description else 0):
                    file.write(block)


def rewrite_arrays(path: Path, parts: Callable[[], Iterator[bytes]]) -> None:
    """The first array of an .npz becomes these bytes; the others stay."""
    with zipfile.ZipFile(path) as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number, (member, data) in enumerate(members.items()):
            with archive.open(member, 'w', force_zip64=True) as file:
                for part in (parts() if not number else [data]):
                    file.write(part)


def vast_tensor(name: str, inside: Path, outside: Path) -> None:
    """Weights that are one number, shown 2^40 times."""
    import torch
    path = inside / name
    found = torch.load(path, map_location='cpu', weights_only=True)
    key = next(key for key in found)
    found[key] = torch.zeros(1).expand(1 << 40)
    torch.save(found, path)


def slow_line(inside: Path, outside: Path) -> None:
    (inside / 'runs/p/run.json').unlink()
    with open(inside / 'runs/p/train_opt.txt', 'a') as file:
        file.write('ngf:' + ' ' * BLANKS + 'x' + ' [default:' * 1000 + '\n')
