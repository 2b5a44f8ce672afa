"""How long a frame takes at each size of film, and live; called by benchmark.py.

What was measured before, and what is asked, is read from the table in docs/speed.md.
"""
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from scripts.dev.filmed import FPS, Size, dancer, indexed, made_up_track, prepared
from scripts.dev.painting_time import Measured, drawn, measure, table
from util.errors import say
from util.noted import check_ours, write_noted
from util.progress import progress

SIZES = (256, 256), (406, 720), (720, 1280)
FILMED = 150            # frames of each film; three tenths of them are painted
PAINTED = 40            # frames that are timed
INDEXED = 100_000       # poses that a live one is compared with
TABLE = Path(__file__).resolve().parents[2] / 'docs' / 'speed.md'
LIVE = 'one live frame alone, 256x256'
RETRIEVAL = 'retrieval of one live pose among 100,000'


def paint(dataroot: str | None = None, pictures: str | None = None,
          sizes: Sequence[Size] = SIZES) -> list[Measured]:
    """Paint at three sizes, a person three quarters of the height, with a bar for each part.

    dataroot   a dataset to paint in their place
    pictures   a folder for an SVG of each
    """
    with tempfile.TemporaryDirectory() as folder:
        if dataroot:
            return [painted(indexed(Path(dataroot), Path(folder)), pictures)]
        found = []
        for number, size in enumerate(sizes):
            measured = painted(prepared(size, FILMED, Path(folder, str(number))), pictures)
            found.append(measured)
            if size != measured.size:
                say(f'  filmed as {size[0]}x{size[1]}')
        return found


def painted(run: Sequence[str], pictures: str | None) -> Measured:
    """Paint with those flags of test.py, and say what it takes."""
    measured = measure(run, PAINTED)
    width, height = measured.size
    say(f'\n{table(measured)}\n  {against(f"painting {width}x{height}", measured.ms)}')
    if pictures:
        path = Path(pictures, f'painting_{width}x{height}.svg')
        check_ours(path.parent, [path.name])
        write_noted(path, drawn(measured.parts, f'Painting {measured.what}'))
    return measured


def live(size: Size = SIZES[0], count: int = INDEXED) -> dict[str, float]:
    """One live frame alone, no second one at once, and one live pose among 100,000."""
    with tempfile.TemporaryDirectory() as folder:
        measured = measure(prepared(size, FILMED, Path(folder)), PAINTED, alone=True)
    say(f'\none frame after the other: {table(measured)}')
    say(f'  {against(LIVE, statistics.median(measured.frames))}; 95 of 100 frames take '
        f'{np.percentile(measured.frames, 95):.1f} ms or less')
    ms = retrieval(count)
    say(f'  {against(RETRIEVAL, ms["nearest"])}; with the path so far '
        f'{ms["next"]:.2f} ms (OnlinePath)')
    return {'live': statistics.median(measured.frames), **ms}


def retrieval(count: int, queries: int = 100) -> dict[str, float]:
    """ms to find the frame for one live pose among `count`: the nearest, and the next of a path
    that does not jump. Medians of `queries` poses."""
    from pose.matching.live import OnlinePath
    from pose.matching.retrieval import PoseIndex
    size = (128, 128)
    poses = np.stack([joints for _, joints in dancer(size, round(2 * FPS))])
    track = made_up_track(poses, count, size)
    index = PoseIndex(track.poses, track.joints)
    path = OnlinePath(index, track)
    seconds: dict[str, list[float]] = {'nearest': [], 'next': []}
    for pose in progress(made_up_track(poses, count + queries, size).poses[count:], 'retrieving'):
        for name, find in (('nearest', index.nearest), ('next', path.next)):
            began = time.perf_counter()
            find(pose)
            seconds[name].append(time.perf_counter() - began)
    return {name: 1e3 * statistics.median(times) for name, times in seconds.items()}


def against(row: str, ms: float) -> str:
    """What was measured, next to what the table of docs/speed.md says of it."""
    said = figures().get(row)
    if said is None:
        return f'{row}: {ms:.1f} ms'
    others = ', '.join(f'{name} {value}' for name, value in said.items())
    return f'{row}: {ms:.1f} ms ({others})'


def figures() -> dict[str, dict[str, str]]:
    """{row: {column: figure}} of the first table of docs/speed.md."""
    lines = TABLE.read_text('utf-8').splitlines()
    rows = [line.strip('| ').split('|') for line in lines if line.startswith('|')]
    header, found = [cell.strip() for cell in rows[0]], {}
    for row in rows[2:]:
        cells = [cell.strip() for cell in row]
        if len(cells) != len(header):
            break
        found[cells[0]] = dict(zip(header[1:], cells[1:]))
    return found
