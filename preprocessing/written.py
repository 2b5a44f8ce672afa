"""Which files in a dataset's folder preprocess.py wrote, and which are the user's. No torch."""
import os
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data.facts import read_facts
from data.film import BACKGROUND
from util.errors import UserError
from util.noted import check_unchanged, in_the_way, note, recorded
from util.npz import read_npz

FRAME = re.compile(r'(train|val)(?:_[AB])?/(\d{6,})\.png')
MASK = re.compile(r'masks/(\d{6,})\.png')
FILM = re.compile(r'frames/(\d{6,})\.jpg')
JOINTS = re.compile(r'openpose_json/(\d{12,})_keypoints\.json')
REST = re.compile(r'(poses|found)\.npz|dataset\.json|report\.(html|json)|report/frames\.json|'
                  r'report/frames/\d{6,}\.jpg|report/(person_\d+|\d\d+|near_\d\d+)\.jpg')
SCENE = re.compile(r'scene/(poses\.npz|film\.mp4)')
KINDS = FRAME, MASK, FILM, JOINTS, REST, SCENE
# of those, what --doctor makes again
REPORT = re.compile(r'report\.(html|json)|report/(\d\d|near_\d\d)\.jpg')
CACHE = re.compile(r'\.cache/[^/]+\.(u8|json)')      # decoded pictures; any reader makes them
FOLDERS = ('', 'train', 'val', 'train_A', 'train_B', 'val_A', 'val_B', 'masks', 'report',
           'report/frames', 'openpose_json', 'frames', 'scene', '.cache')


def written_files(root: Path) -> set[str]:
    """The files in `root` that this program wrote, as they are recorded; where an earlier version
    wrote them, as dataset.json and poses.npz say.

    UserError if dataset.json is not of this program.
    """
    try:
        facts = read_facts(root)
    except UserError as error:
        raise no_dataset(root) from error
    if 'split' not in facts:
        raise no_dataset(root)
    noted = ours(root)
    if noted:
        return noted | {name for name in files_in(root) if CACHE.fullmatch(name)}
    kept, read = numbers(root)
    written = {name for name in files_in(root) if is_written(name, facts, kept, read)}
    if kept is None:
        doubtful = overfull_folders(written, facts)
        written = {name for name in written if name.partition('/')[0] not in doubtful}
    return written


def ours(root: Path) -> set[str]:
    """The files of a dataset in `root` that are recorded as such. Others note theirs in the same
    folder: a camera's video, feature maps."""
    found = recorded(root)
    if 'dataset.json' not in found:
        return set()
    return {name for name in found
            if name == BACKGROUND or any(kind.fullmatch(name) for kind in KINDS)}


def adopt(root: Path) -> None:
    """Record what an earlier version wrote in `root`, before a part of it is replaced."""
    if not ours(root):
        note(root, [name for name in written_files(root) if not CACHE.fullmatch(name)])


def is_written(name: str, facts: Mapping[str, Any], kept: set[int] | None,
               read: set[int] | None) -> bool:
    """Whether the program writes a file of that name.

    kept, read   numbers from 0 of the frames that were written and of all frames; None, if
                 poses.npz does not say, stands for any number
    """
    if frame := FRAME.fullmatch(name):
        folder = name.partition('/')[0]
        number = int(frame[2]) - 1
        return folder in split_folders(facts) and (kept is None or number in kept)
    if mask := MASK.fullmatch(name):
        return facts.get('masks') is True and (kept is None or int(mask[1]) - 1 in kept)
    if film := FILM.fullmatch(name):
        return 'film_size' in facts and (kept is None or int(film[1]) - 1 in kept)
    if joints := JOINTS.fullmatch(name):
        was_asked = bool(facts.get('settings', {}).get('write_json'))
        return was_asked and (read is None or int(joints[1]) in read)
    if name == BACKGROUND:
        return 'background' in facts
    return bool(REST.fullmatch(name) or CACHE.fullmatch(name))


def split_folders(facts: Mapping[str, Any]) -> dict[str, int]:
    """{folder: how many pictures dataset.json says were written there}."""
    halves = ('_A', '_B') if facts.get('layout') == 'folders' else ('',)
    counts = {}
    for phase, count in facts['split'].items():
        for half in halves:
            counts[f'{phase}{half}'] = count
    return counts


def overfull_folders(names: set[str], facts: Mapping[str, Any]) -> set[str]:
    """Folders with more numbered files than dataset.json says were written: some are the user's,
    and nothing says which."""
    pictures = sum(facts['split'].values())
    expected = split_folders(facts) | {'openpose_json': facts.get('frames', {}).get('read'),
                                       'masks': pictures, 'frames': pictures}
    kinds = FRAME, MASK, FILM, JOINTS
    numbered = [name for name in names if any(kind.fullmatch(name) for kind in kinds)]
    found = Counter(name.partition('/')[0] for name in numbered)
    return {folder for folder, count in found.items() if count > (expected[folder] or 0)}


def numbers(root: Path) -> tuple[set[int] | None, set[int] | None]:
    """The numbers of the kept frames and of all frames in poses.npz; None if it is not readable."""
    try:
        found = read_npz(root / 'poses.npz', {'index': 'iu', 'kept': 'b'}, '')
        index, kept = found['index'], found['kept']
        return set(index[kept].tolist()), set(index.tolist())
    except (UserError, IndexError, TypeError):
        return None, None


def files_in(root: Path) -> list[str]:
    """Every file in the folders that preprocess.py writes into."""
    found = []
    for folder in FOLDERS:
        if (root / folder).is_dir():
            for entry in os.scandir(root / folder):
                if not entry.is_dir():
                    found.append(f'{folder}/{entry.name}'.lstrip('/'))
    return found


def check_room(root: Path, images: str | None) -> None:
    """UserError if a new dataset in `root` would replace something of the user's, or something
    that the user worked on.

    images   the folder of pictures that it is made from, if any
    """
    written = written_files(root)
    for name in files_in(root):
        could = any(kind.fullmatch(name) for kind in KINDS)
        if (could or name == BACKGROUND) and name not in written:
            raise in_the_way(root / name)
    check_unchanged(root, written)
    if images is not None:
        own = {os.path.realpath((root / name).parent) for name in written if '/' in name}
        if os.path.realpath(images) in own:
            raise UserError(f'--images {images}: these pictures are part of the dataset that '
                            f'--overwrite replaces. Choose another --dataroot.')


def no_dataset(root: Path) -> UserError:
    return UserError(f'{root} exists and is no dataset of preprocess.py. Choose another '
                     f'--dataroot, or move that away.')
