"""Which files of a dataset's folder preprocess.py wrote, and which are somebody's own. No torch."""
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from util.errors import UserError
from util.files import read_json
from util.owned import in_the_way

FRAME = re.compile(r'(train|val)(?:_[AB])?/(\d{6,})\.png')
JOINTS = re.compile(r'openpose_json/(\d{12,})_keypoints\.json')
REST = re.compile(r'(poses|found)\.npz|dataset\.json|report\.(html|json)|report/frames\.json|'
                  r'report/frames/\d{6,}\.jpg|report/(person_\d+|\d\d+|near_\d\d+)\.jpg')
CACHE = re.compile(r'\.cache/[^/]+\.(u8|json)')      # decoded pictures; any reader makes them
FOLDERS = ('', 'train', 'val', 'train_A', 'train_B', 'val_A', 'val_B', 'report', 'report/frames',
           'openpose_json', '.cache')


def written_files(root: Path) -> set[str]:
    """The files in `root` that this program wrote, as dataset.json and poses.npz say; UserError
    where dataset.json is the record of something else."""
    facts = read_json(root / 'dataset.json')
    if not isinstance(facts, dict) or not isinstance(facts.get('split'), dict):
        raise no_dataset(root)
    kept, read = numbers(root)
    return {name for name in files_in(root) if is_written(name, facts, kept, read)}


def is_written(name: str, facts: Mapping[str, Any], kept: set[int] | None,
               read: set[int] | None) -> bool:
    """Whether a file of that name is the program's.

    kept, read   numbers from 0 of the frames that were written and of those that were looked at;
                 None where poses.npz does not tell: then all of them
    """
    if frame := FRAME.fullmatch(name):
        halves = ('_A', '_B') if facts.get('layout') == 'folders' else ('',)
        folders = [f'{phase}{half}' for phase in facts['split'] for half in halves]
        return name.partition('/')[0] in folders and (
            kept is None or int(frame[2]) - 1 in kept)
    if joints := JOINTS.fullmatch(name):
        return bool(facts.get('settings', {}).get('write_json')) and (
            read is None or int(joints[1]) in read)
    return bool(REST.fullmatch(name) or CACHE.fullmatch(name))


def numbers(root: Path) -> tuple[set[int] | None, set[int] | None]:
    """The kept frames and all frames of poses.npz."""
    try:
        with np.load(root / 'poses.npz', allow_pickle=False) as track:
            index, kept = track['index'], track['kept'].astype(bool)
        return set(index[kept].tolist()), set(index.tolist())
    except (OSError, ValueError, KeyError, IndexError, EOFError, BadZipFile):
        return None, None


def files_in(root: Path) -> list[str]:
    """Every file where preprocess.py writes any."""
    found = []
    for folder in FOLDERS:
        if (root / folder).is_dir():
            for entry in os.scandir(root / folder):
                if not entry.is_dir():
                    found.append(f'{folder}/{entry.name}'.lstrip('/'))
    return found


def check_room(root: Path, images: str | None) -> None:
    """UserError where a new dataset in `root` would take the place of something of the user's.

    images   the pictures it is made of, if it is
    """
    written = written_files(root)
    for name in files_in(root):
        could = FRAME.fullmatch(name) or JOINTS.fullmatch(name) or REST.fullmatch(name)
        if could and name not in written:
            raise in_the_way(root / name)
    if images is not None:
        own = {os.path.realpath((root / name).parent) for name in written if '/' in name}
        if os.path.realpath(images) in own:
            raise UserError(f'--images {images}: these pictures are part of the dataset that '
                            f'--overwrite replaces. Choose another --dataroot.')


def no_dataset(root: Path) -> UserError:
    return UserError(f'{root} exists and is no dataset of preprocess.py. Choose another '
                     f'--dataroot, or move that away.')
