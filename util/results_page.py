"""The web page of a finished test run: the films first, then the facts, then the frames."""
import os
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dominate import tags

from util.files import write_text
from util.page import facts_table, figure_row, fold, page, render, video

SAMPLE = 6              # frames in plain sight, spread evenly over the film


def write_results_page(folder: Path, facts: Mapping[str, Any],
                       frames: Sequence[Mapping[str, str]], videos: Mapping[str, str]) -> Path:
    """Write FOLDER/index.html, which opens from disk, and return its path.

    folder     results/NAME/latest_val
    facts      what a reader should know, in order; 'name', where given, is the page's title
    frames     one {label: path relative to folder} each, in the film's order, the labels real_A,
               fake_B, real_B in the order they are shown; real_B is missing where there is none
    videos     {what it shows: path relative to folder}, the first one shown largest
    """
    folder = Path(folder)
    title = str(facts.get('name') or folder.parent.name)
    document = page(title)
    body = document.body
    count = f'{len(frames)} frame{"" if len(frames) == 1 else "s"} painted'
    body.add(tags.header(tags.h1(title), tags.p(f'{folder.name} · {count}', cls='soft')))
    if videos:
        body.add(tags.section((video(path, label) for label, path in videos.items()),
                              cls='films'))
    if frames:
        size = size_on_disk(folder, frames[0])
        picked = sorted({round(k * (len(frames) - 1) / (SAMPLE - 1)) for k in range(SAMPLE)})
        body.add(tags.section(tags.h2('A few frames'),
                              tags.div((frame_row(frames[k], size) for k in picked), cls='pairs'),
                              cls='card'))
    if facts:
        body.add(tags.section(tags.h2('Facts'), facts_table(facts), cls='card'))
    if frames:
        every = fold(f'Every frame ({len(frames)})')
        every.add(tags.div(frame_row(frame, size), cls='frame') for frame in frames)
        body.add(every)
    write_text(folder / 'index.html', render(document))
    return folder / 'index.html'


def frame_row(frame: Mapping[str, str], size: tuple[int, int] | None) -> tags.html_tag:
    """pose | painted | real of one frame, under the frame's name."""
    label, path = next(iter(frame.items()))
    name = Path(path).stem.removesuffix(f'_{label}')
    images = [(path, label) for label, path in frame.items()]
    return tags.div(tags.h3(name), figure_row(images, size))


def size_on_disk(folder: Path, frame: Mapping[str, str]) -> tuple[int, int] | None:
    """(width, height) of a frame's first picture, from the header of its PNG; None if unknown."""
    try:
        with open(os.path.join(folder, next(iter(frame.values()))), 'rb') as file:
            start = file.read(24)
    except OSError:
        return None
    if start[:8] != b'\x89PNG\r\n\x1a\n' or len(start) < 24:
        return None
    width, height = struct.unpack('>II', start[16:24])
    return width, height
