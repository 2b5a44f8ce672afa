"""Draws a dataset's poses again, in another style or width, from poses.npz without the video."""
import datetime
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from data.facts import check_inside, how_to_make, read_needed
from pose.draw import check_style, default_line_width, draw_facts, draw_pose
from pose.track import PoseTrack
from preprocessing.written import CACHE, adopt, files_in
from util.errors import UserError, say
from util.files import write_json
from util.images import read_or_reason, size_of, write_image
from util.owned import finish, replacing
from util.progress import progress


def redraw(root: Path, style: str | None = None, line_width: float | None = None) -> None:
    """Draw every pose of the dataset in `root` again; frames stay as they are, bit for bit.

    style       one of STYLES; None: the one it has
    line_width  px; None: the one it has, or the default of a new style

    The new files are made in a hidden folder and replace the old ones when all of them are whole.
    """
    finish(root)
    facts, track = read_dataset(root)
    before = facts['draw']
    style = style or str(before['style'])
    check_style(style)
    if line_width is None and style == before['style']:
        line_width = float(before['line_width'])
    width = line_width or default_line_width(track.size, style)
    draw = draw_facts(style, width, track.skeleton)
    poses = pose_files(root, facts, track)
    adopt(root)
    written = {name for name in files_in(root) if CACHE.fullmatch(name)}
    written |= {path.as_posix() for path in poses} | {'dataset.json'}
    with replacing(root, lambda: written, 'dataset.json',
                   carried=['dataset.json']) as folder, ThreadPoolExecutor(2) as pool:
        for parent in {path.parent for path in poses}:
            (folder / parent).mkdir(parents=True)

        def draw_one(path: Path) -> None:
            drawn = draw_pose(track.poses[poses[path]], track.size, style, track.skeleton, width)
            if facts['layout'] == 'pairs':
                drawn = np.hstack([drawn, frame_of(root / path, track.size)])
            write_image(folder / path, drawn)
        for _ in progress(pool.map(draw_one, poses), 'drawing', len(poses)):
            pass
        facts |= {'draw': draw, 'settings': settings_for(facts, draw),
                  'made': datetime.datetime.now().astimezone().isoformat(timespec='seconds')}
        write_json(folder / 'dataset.json', facts)
    say(f'{root}: {len(poses)} poses drawn as {style}, {width:g} px wide')


def read_dataset(root: Path) -> tuple[dict[str, Any], PoseTrack]:
    """dataset.json and poses.npz; UserError if one is missing."""
    missing = [name for name in ('dataset.json', 'poses.npz') if not (root / name).is_file()]
    if missing:
        raise UserError(f'{root} has no {missing[0]}, so its poses cannot be drawn again. Give a '
                        f'dataset made by preprocess.py, or make one: '
                        + how_to_make(root))
    facts = read_needed(root, 'draw', 'layout', 'split')
    return facts, PoseTrack.load(root / 'poses.npz')


def pose_files(root: Path, facts: Mapping[str, Any], track: PoseTrack) -> dict[Path, int]:
    """{file within `root` that shows a pose: its row in the track}."""
    half = '_A' if facts['layout'] == 'folders' else ''
    row = {int(track.index[k]): int(k) for k in np.flatnonzero(track.kept)}
    found = {}
    for phase in facts['split']:
        check_inside(root, root / f'{phase}{half}')
        for path in sorted((root / f'{phase}{half}').glob('[!.]*.png')):
            if not path.stem.isdecimal() or int(path.stem) - 1 not in row:
                raise UserError(f'{path}: poses.npz has no frame of that number. Take the file '
                                f'out of the dataset and give the same command again.')
            found[path.relative_to(root)] = row[int(path.stem) - 1]
    return found


def frame_of(path: Path, size: tuple[int, int]) -> np.ndarray:
    """The right half of a pair; `size` is (width, height) of each half."""
    pair = read_or_reason(path)
    if isinstance(pair, str):
        raise UserError(f'{path} cannot be read ({pair}). Take it out of the dataset and give '
                        f'the same command again.')
    if size_of(pair) != (2 * size[0], size[1]):
        raise UserError(f'{path} is {size_of(pair)[0]}x{size_of(pair)[1]} px, but poses.npz is for '
                        f'pairs of {2 * size[0]}x{size[1]}. Make another dataset with '
                        f'preprocess.py, in a folder of its own.')
    return pair[:, size[0]:]


def settings_for(facts: Mapping[str, Any], draw: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with which preprocess.py would draw like this, so that it takes the dataset for
    finished. A setting that was left open stays open."""
    settings = dict(facts.get('settings', {}))
    now = {'draw_style': draw['style'], 'line_width': draw['line_width'], 'target_draw': draw}
    return settings | {k: v for k, v in now.items() if settings.get(k) is not None}
