"""What dataset.json says of a dataset, and of the one that a run was trained on. Both may be a
stranger's: every value that is read has the kind and range that preprocess.py gives it."""
import itertools
import os
from pathlib import Path
from typing import Any

from util.errors import UserError
from util.owned import holds_something
from util.runs import AGAIN, read_record
from util.shapes import (
    anything,
    check_shape,
    items,
    maybe,
    number,
    one_of,
    plain_name,
    read_shaped,
    record,
    switch,
    table,
    text,
)
from util.words import command

THEN = 'Make another with preprocess.py, in a folder of its own.'

RUN_FILES = 'run.json', 'train_opt.txt', 'latest_net_G.pth'

count = number(0, 1e9, whole=True)
px = number(-1e6, 1e6)
size = items(number(1, 65535, whole=True), 2)
seconds = number(-1e9, 1e9)
path = text(r'[^\x00]*', 'a path')


def box(value: Any) -> None:
    """left, top, width and height px."""
    items(px, 4)(value)
    if min(value[2:]) <= 0:
        raise ValueError('the box is empty')


GROUND = record({'near': px, 'far': px}, {
    'height_near': number(1e-3, 1e6), 'height_far': number(1e-3, 1e6), 'centre': px, 'left': px,
    'right': px, 'size': size, 'frames': count, 'bones': table(number(0, 100))})
DRAW = record({}, {
    'style': text(), 'line_width': number(1e-3, 1e3), 'skeleton': text(), 'joints': text(),
    'labels': number(1, 256, whole=True), 'colours': table(text())})
DRAWN = record({'style': anything, 'line_width': anything})      # enough to draw another alike
PERSON = record({
    'number': count, 'frames': count, 'size': number(0, 1e6), 'place': items(px, 2),
    'first': seconds, 'chosen': switch, 'why': text()})
FIT = record({}, {
    'how': text(), 'why': text(), 'slide_before': maybe(number()), 'slide_after': maybe(number()),
    'legs': text(), 'facing': record({}, {'sentence': text(), 'rows': items(items(count, 2))}),
    'framed': record({'before': number(0, 1), 'after': number(0, 1)})})
SETTINGS = record({}, {
    'video': maybe(path), 'images': maybe(path), 'retarget_to': maybe(path),
    'min_confidence': number(0, 1)})
FACTS = record({}, {
    'layout': one_of('pairs', 'folders', 'poses'), 'fps': maybe(number(1e-3, 1e6)), 'size': size,
    'source': record({'path': path}, {'kind': text(), 'bytes': maybe(number())}),
    'crop': maybe(box), 'detector': text(), 'skeleton': text(), 'draw': DRAW,
    'split': table(count, names=plain_name),
    'frames': record({'read': count, 'kept': count, 'dropped': count}),
    'people': maybe(items(PERSON)), 'repair': maybe(table(number())), 'stage': GROUND,
    'source_stages': table(GROUND), 'retargeted_to': maybe(path), 'fit': maybe(FIT),
    'settings': SETTINGS, 'made': text(),
    'background': record({'size': size, 'still': switch})})


def read_facts(root: Path) -> dict[str, Any]:
    """dataset.json of a dataset, or {} where there is none."""
    file = root / 'dataset.json'
    return read_shaped(file, FACTS, THEN) if file.is_file() else {}


def read_needed(root: Path, *names: str) -> dict[str, Any]:
    """dataset.json of a dataset that has one. UserError where it lacks one of these names."""
    facts: dict[str, Any] = read_shaped(root / 'dataset.json', FACTS, THEN)
    check_names(root, facts, *names)
    return facts


def check_names(root: Path, facts: dict[str, Any], *names: str) -> None:
    """UserError where the dataset's facts lack one of these names."""
    needed = {name: DRAWN if name == 'draw' else anything for name in names}
    check_shape(root / 'dataset.json', facts, record(needed), THEN)


def not_a_dataset(root: Path, flag: str = '') -> UserError:
    """The error for a place that is no dataset. Names the datasets near it, and the command that
    makes one.

    flag   that names the place, where its value may be anything
    """
    if not os.path.lexists(root):
        what = 'no such folder'
    elif not root.is_dir():
        what = 'that is a file, and a dataset is a folder'
    elif is_run(root):
        what = 'that is a run, not a dataset'
    else:
        what = 'that is no dataset of preprocess.py, it has no dataset.json'
    near = {each.parent for place in (root, root.parent, Path('datasets'))
            for each in place.glob('*/dataset.json')}
    there = f'There is {", ".join(sorted(map(str, near))[:9])}. ' if near else ''
    given = f'{flag} {root}'.strip()
    return UserError(f'{given}: {what}. {there}To make one from a video: {how_to_make(root)}')


def is_run(folder: Path) -> bool:
    return any((folder / name).is_file() for name in RUN_FILES)


def how_to_make(root: Path) -> str:
    """The line that makes a dataset of a video: there, or where that place is taken, in a folder of
    its own."""
    video: str | Path = 'me.mp4'
    if (root / 'dataset.json').is_file():
        return command('preprocess.py', video=video, dataroot=root, overwrite=True)
    is_free = not os.path.lexists(root) or (root.is_dir() and not holds_something(root))
    if is_free:
        return command('preprocess.py', video=video, dataroot=root)
    if root.is_file():
        video = root
    stem = 'me' if root == Path('datasets') else root.stem or 'me'
    names = itertools.chain([stem], (f'{stem}_{k}' for k in itertools.count(2)))
    places = (Path('datasets', name) for name in names)
    free = next(place for place in places if not os.path.lexists(place))
    return command('preprocess.py', video=video, dataroot=free)


def check_inside(root: Path, folder: Path) -> None:
    """UserError where a folder of a dataset, which is about to be written into, is a link that
    leads out of it: the files there may be anybody's."""
    if not folder.resolve().is_relative_to(root.resolve()):
        raise UserError(f'{folder} leads to {folder.resolve()}, but only the dataset\'s own folder '
                        f'is written into. Put the files themselves there, or make another dataset '
                        f'with preprocess.py.')


def trained_facts(run: Path) -> dict[str, Any]:
    """dataset.json of the dataset that the run in that folder was trained on; {} if not known."""
    facts: dict[str, Any] = read_record(run).get('dataset', {})
    check_shape(run / 'run.json', {'dataset': facts}, record({'dataset': FACTS}), AGAIN)
    return facts
