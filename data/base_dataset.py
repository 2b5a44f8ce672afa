"""What every dataset is: numbered items, and the facts of dataset.json.

A dataset is one file, data/MODE_dataset.py, with one subclass of BaseDataset.
"""
from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from data.compatibility import check_drawn_alike
from data.facts import how_to_make, is_run, not_a_dataset, read_facts
from data.film import FOLDER as FRAMES
from data.joints import PictureJoints
from data.masks import FOLDER as MASKS
from pose.draw import LABELS
from pose.track import PoseTrack
from util.errors import UserError
from util.images import foreign_in, pictures_in, size_of
from util.owned import finish
from util.words import pasted

NO_PHASES = MASKS, FRAMES, 'report'     # folders of a dataset that hold other pictures


class BaseDataset:
    """len(dataset) items; dataset.item(i, rng) is a dict of arrays and paths.

    facts     dataset.json, or {} where there is none
    labels    whether the poses are label maps, whose pixels are numbers
    trained   dataset.json of the training dataset, {} when a run is first trained

    HAS_FRAMES   whether its items have frames, so that a model can be trained on them
    """

    HAS_FRAMES = True

    @staticmethod
    def declare_options(group: argparse._ArgumentGroup, phase: str) -> None:
        """Add this dataset's own flags."""

    @classmethod
    def recognises(cls, root: Path, phase: str) -> bool:
        """Whether only this dataset can read that phase of a folder, so that --dataset_mode need
        not be typed. Reads file names and dataset.json, no image."""
        return False

    def __init__(self, opt: argparse.Namespace, phase: str,
                 trained: Mapping[str, Any] | None = None):
        self.opt = opt
        self.phase = phase
        self.trained = trained or {}
        self.root = Path(opt.dataroot)
        if not self.root.is_dir():
            raise not_a_dataset(self.root, '--dataroot')
        finish(self.root)
        self.facts = read_facts(self.root)
        self.labels = self.facts.get('draw', {}).get('style') in LABELS
        check_drawn_alike(self.trained, self.facts, self.root)

    def __len__(self) -> int:
        raise NotImplementedError

    def item(self, i: int, rng: np.random.Generator | None = None) -> dict[str, Any]:
        """Item `i`; `rng` makes the random choices of training, without it there are none."""
        raise NotImplementedError

    def joints_of(self, i: int) -> np.ndarray | None:
        """`joints` of item `i` without random choices; None where it has none."""
        return self.item(i).get('joints')

    def mask(self, i: int) -> np.ndarray | None:
        """Who is where in item `i` without random choices: uint8 (H, W, 3), red is how much of
        each pixel is the person, green how much is anybody else, blue is 0; None if not known."""
        return None

    @property
    def film_size(self) -> tuple[int, int] | None:
        """(W, H) px of the frames that the dataset keeps as large as filmed; None: it has none."""
        return None

    def film_frame(self, i: int) -> np.ndarray | None:
        """The frame of item `i` as large as filmed: uint8 (H, W, 3). Its pixel (X, Y) lies at
        X = (x + 0.5) * W / w - 0.5, and Y likewise, of the item without random choices, (w, h) px.
        UserError if its file is broken."""
        return None

    def path(self, i: int) -> Path:
        """The file that the pose of item `i` comes from."""
        return Path(self.item(i)['A_paths'])

    def follows(self, i: int) -> bool:
        """Whether item `i` is the frame right after item i - 1, without a cut between them:
        known from poses.npz, else from the numbers in the file names, else assumed."""
        return bool(self._following[i])

    @cached_property
    def _following(self) -> np.ndarray:
        return following(self.root, [self.path(i) for i in range(len(self))])

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) px of the first item, as training sees it."""
        return size_of(self.item(0, np.random.default_rng(0))['A'])

    def limited(self, rows: list[Any]) -> list[Any]:
        """The first --max_dataset_size of them."""
        return rows[:self.opt.max_dataset_size]


def following(root: Path, paths: Sequence[Path]) -> np.ndarray:
    """bool (N,): whether each of these files of a dataset, in order, is the frame right after the
    one before it. The first is not."""
    poses = root / 'poses.npz'
    known = PictureJoints(PoseTrack.load(poses)) if poses.is_file() else None
    numbers = [re.search(r'(\d+)$', path.stem) for path in paths]
    if known and all(path in known for path in paths):
        rows = np.array([known.row[int(path.stem) - 1] for path in paths])
        steady = (np.diff(rows) == 1) & (np.diff(known.track.shots[rows]) == 0)
    elif len(paths) > 1 and all(numbers):
        steps = np.diff([int(number[1]) for number in numbers if number])
        # every second frame of a video may be used: the usual step is the one without a gap
        steady = steps == np.sort(steps)[len(steps) // 2]
    else:
        steady = np.ones(len(paths) - 1, bool)
    return np.concatenate([[False], steady])


def check_one_size(sizes: Iterable[tuple[int, int]]) -> None:
    """UserError where images of these (width, height) fit into no batch."""
    found = sorted(set(sizes))
    if len(found) > 1:
        listed = ', '.join(f'{width}x{height}' for width, height in found)
        raise UserError(f'the dataset\'s images differ in size ({listed}), so they fit into no '
                        f'batch. Use --batch_size 1, or give --load_size.')


def no_frames(root: str | Path) -> UserError:
    """The error for a training on a dataset of poses alone."""
    return UserError(f'{root} holds poses alone, and training needs frames. Train on the dataset '
                     f'that preprocess.py made of the person to paint.')


def no_such_phase(root: Path, phase: str) -> UserError:
    """The error for a phase without images, which names the phases that there are."""
    folders = [f for f in root.iterdir() if f.is_dir() and f.name not in NO_PHASES]
    inside = sorted(folder for folder in folders if (folder / 'dataset.json').is_file())
    if inside and not (root / 'dataset.json').is_file():
        return UserError(f'{root} holds datasets. Give one of them, e.g. '
                         f'{pasted(dataroot=inside[0])}')
    there = sorted(folder.name for folder in folders if pictures_in(folder))
    foreign = ' '.join(filter(None, map(foreign_in, [root, *folders])))
    if is_run(root):
        return not_a_dataset(root)
    if not there:
        return UserError(foreign or f'{root}: no images in it or in a folder of it. Make a '
                                    f'dataset: {how_to_make(root)}')
    names = sorted({re.sub('_(A|B|label|img|inst)$', '', name) for name in there})
    if phase in names:
        return UserError(f'{root} has {", ".join(there)}, which make up no pairs of phase {phase}: '
                         f'those are pose|frame images in {phase}, or poses in {phase}_A and '
                         f'frames in {phase}_B. {foreign}'.rstrip())
    return UserError(f'{root} has no images for phase {phase}. There is {", ".join(there)}: '
                     f'use --phase {names[0]}.')
