"""Which files are made to do harm, how, and which calls meet them."""
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from scripts.dev.faults import harms, readers
from scripts.dev.faults.harms import SIDE
from scripts.dev.faults.readers import Reader

Change = Callable[[Path, Path], None]       # (inside, outside)
Needs = tuple[str, ...]                     # of the world, copied into `inside` first
Readers = tuple[Reader, ...]                # the calls that meet it
Files = dict[str, tuple[Needs, Readers]]


@dataclass(frozen=True)
class Attack:
    name: str
    needs: Needs
    change: Change
    readers: Readers


DATA = 'me', 'dancer'
POSES = 'dancer', 'runs/p', 'runs/b'
RUN = 'me', 'dancer', 'runs/p'
BODY = 'me', 'dancer', 'runs/b'
RESULTS = 'dancer', 'runs/p', 'runs/b', 'results'
ALL = 'me', *RESULTS
PAINTS, TRAINS, REDRAWS, COMPARES = ((reader,) for reader in (
    readers.paints, readers.trains, readers.redraws, readers.compares))
PREPARES = (readers.prepares_again,)
EXAMINES = (readers.examines,)
GOES_ON = (readers.trains_again,)
BODY_AGAIN = readers.paints_body, readers.trains_body_again
TRAINS_BODY = (readers.trains_body,)
DATASET = *REDRAWS, *PREPARES, *TRAINS, *TRAINS_BODY, *EXAMINES, readers.fits

JSONS: Files = {
    'me/dataset.json': (DATA, DATASET), 'dancer/dataset.json': (RUN, PAINTS),
    'me/report/frames.json': (DATA, EXAMINES), 'me/.written.json': (DATA, PREPARES),
    'me/.making/plan.json': (DATA, PREPARES + REDRAWS), 'me/.cache/train.json': (DATA, TRAINS),
    'runs/p/run.json': (RUN, PAINTS + GOES_ON), 'runs/p/web/history.jsonl': (RUN, GOES_ON),
    'results/p/latest_val/painting.json': (RESULTS, PAINTS + COMPARES),
    'results/p/latest_val/metrics.json': (RESULTS, COMPARES),
    'openpose_json/000000000000_keypoints.json': (('openpose_json',),
                                                  (readers.prepares_from_json,))}
ARRAYS: Files = {
    'me/poses.npz': (DATA, DATASET), 'me/found.npz': (DATA, EXAMINES),
    'dancer/poses.npz': (POSES, (*PAINTS, readers.paints_body)),
    'source.npz': (('source.npz', 'source.mp4'), (readers.prepares,)),
    'runs/b/plate/plate.npz': (BODY, BODY_AGAIN), 'runs/b/index/poses.npz': (BODY, BODY_AGAIN)}
WEIGHTS: Files = {
    'runs/p/latest_net_G.pth': (RUN, PAINTS + GOES_ON),
    'runs/p/latest_state.pth': (RUN, PAINTS + GOES_ON),
    'runs/b/latest_net_G.pth': (BODY, BODY_AGAIN)}
PICTURES: Files = {
    'me/train/000001.png': (DATA, DATASET), 'me/masks/000001.png': (DATA, TRAINS_BODY),
    'dancer/val/000001.png': (POSES, PAINTS), 'runs/b/plate/plate.png': (BODY, BODY_AGAIN),
    'runs/b/index/000001.png': (BODY, BODY_AGAIN), 'runs/b/mattes/000001.png': (BODY, BODY_AGAIN)}
HARMS: tuple[tuple[tuple[Callable[[str, Path, Path], None], ...], Files], ...] = (
    ((harms.pickled, harms.pickled_in_archive, harms.vast_tensor, harms.inflated_checkpoint),
     WEIGHTS),
    ((harms.pickled, harms.pickled_arrays, harms.vast_claim, harms.inflated), ARRAYS),
    ((harms.deep, harms.long_number), JSONS), ((harms.vast_picture,), PICTURES))

SPLITS = '../outside/train', 'OUTSIDE/train', 'train/../../outside/val', '..', '', 'train\0x'
FACTS: tuple[dict[str, Any], ...] = (
    {'layout': 'folders'}, {'layout': '../../outside'}, {'pose_half': '../../outside'},
    {'masks': '../../outside'}, {'film_size': [SIDE, SIDE]}, {'size': [SIDE, SIDE]},
    {'draw': {'style': '../../outside', 'line_width': 1e9, 'skeleton': 'x'}},
    {'source': {'kind': 'video', 'path': '/etc/passwd'}}, {'skeleton': '../../outside'})
NAMES: tuple[tuple[Change, Needs, Readers], ...] = (
    (harms.painted_names, RESULTS, PAINTS + COMPARES), (harms.measured_names, RESULTS, COMPARES),
    (harms.noted, ALL, PAINTS + PREPARES), (harms.planned, ALL, PAINTS + PREPARES + REDRAWS),
    (harms.films_written, RESULTS, PAINTS), (harms.slow_line, RUN, PAINTS),
    (harms.leftover_link, ALL, (*GOES_ON, readers.trains_body_again)))
# (file or folder of the world, what it becomes a link to, ...)
LINKS: tuple[tuple[str, str, Needs, Readers], ...] = (
    ('me/train/000001.png', 'train/000001.png', DATA, REDRAWS + PREPARES),
    ('me/dataset.json', 'victim.txt', DATA, DATASET),
    ('me/poses.npz', 'found.npz', DATA, PREPARES + REDRAWS), ('me/.cache', '.', DATA, TRAINS),
    ('me/.making', '.', DATA, REDRAWS + PREPARES),
    ('runs/p/latest_net_G.pth', 'victim.txt', RUN, PAINTS + GOES_ON),
    ('runs/p/loss_log.txt', 'victim.txt', RUN, GOES_ON),
    ('runs/p/web/index.html', 'index.html', RUN, GOES_ON),
    ('results/p/latest_val/index.html', 'index.html', RESULTS, PAINTS))


def all_attacks() -> Iterator[Attack]:
    for name in harms.settings(Path()):
        yield Attack(f'{name} in run.json', RUN, partial(harms.in_record, name), PAINTS + GOES_ON)
        yield Attack(f'{name} in train_opt.txt', RUN, partial(harms.in_text, name), PAINTS)
    for name in SPLITS:
        yield Attack(f'split {name!r}', DATA, partial(harms.splits, name), DATASET)
    for value in FACTS:
        yield Attack(f'dataset.json: {value}', DATA, partial(harms.facts_of, value), DATASET)
    for change, needs, met in NAMES:
        yield Attack(str(getattr(change, '__name__', change)), needs, change, met)
    for name, target, needs, met in LINKS:
        yield Attack(f'{name} is a link', needs, partial(harms.link, name, target), met)
    for kinds, files in HARMS:
        for harm in kinds:
            for name, (needs, met) in files.items():
                yield Attack(f'{harm.__name__} {name}', needs, partial(harm, name), met)
