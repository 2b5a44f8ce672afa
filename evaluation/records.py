"""What test.py writes of a painted dataset for programs: painting.json and metrics.json.

Every value that is read has the kind that test.py gives it: a results folder may be a stranger's.
"""
import os
from itertools import pairwise
from pathlib import Path
from typing import Any

from pose.track import SHORTEST
from util.shapes import (
    anything,
    check_shape,
    items,
    maybe,
    number,
    read_shaped,
    record,
    table,
    text,
)

THEN = 'Paint again with test.py.'

# of a painted frame: what this system takes for the name of a file, a line break too
frame_name = text(r'(?!\.)[^/\\\x00]+' if os.name == 'nt' else r'(?!\.)[^/\x00]+', 'a plain name')
seconds = number(-1e9, 1e9)
scores = table(maybe(number()))                 # {score: value}, null where it is not known
_PAINTING = record({'frames': table(seconds, names=frame_name)}, {
    'seconds_a_frame': number(0, 1e9), 'device': text(), 'parameters': number(0),
    'memory': number(0)})
_METRICS = record({'scores': table(scores)}, {
    'run': text(), 'epoch': text(), 'frames': number(0, whole=True), 'names': items(frame_name),
    'times': items(seconds), 'frames_scores': table(items(maybe(number()))),
    'not_measured': table(text()), 'seconds': number(0)})


def painting_shape(value: Any) -> None:
    """painting.json: frames come in the order of their times."""
    _PAINTING(value)
    times = list(value['frames'].values())
    if any(later - time < SHORTEST for time, later in pairwise(times)):
        raise ValueError('frames: their times do not increase')


def metrics_shape(value: Any) -> None:
    """metrics.json: what it has of each frame is as long as its list of names."""
    _METRICS(value)
    lists = {'times': value.get('times'), **value.get('frames_scores', {})}
    for name, of_frames in lists.items():
        if of_frames is not None and len(of_frames) != len(value.get('names', ())):
            raise ValueError(f'{name} is not one value for each name')


def read_painting(folder: Path, *needed: str) -> dict[str, Any]:
    """painting.json of a results folder. UserError where it lacks one of the `needed` names."""
    file = folder / 'painting.json'
    found: dict[str, Any] = read_shaped(file, painting_shape, THEN)
    check_shape(file, found, record(dict.fromkeys(needed, anything)), THEN)
    return found


def read_metrics(folder: Path) -> dict[str, Any]:
    """metrics.json of a results folder; {} where nothing was measured."""
    file = folder / 'metrics.json'
    return read_shaped(file, metrics_shape, THEN) if file.is_file() else {}
