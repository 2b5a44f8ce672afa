"""What every dataset is: items by number, and what the folder says of itself.

A dataset is one file, data/MODE_dataset.py, with one subclass of BaseDataset.
"""
import argparse
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from data.redraw import check_drawn_alike
from pose.draw import LABELS
from util.errors import UserError
from util.files import natural, read_json
from util.images import size_of

PICTURES = {'.png', '.jpg', '.jpeg', '.bmp', '.webp', '.tif', '.tiff', '.ppm'}


class BaseDataset:
    """len(dataset) items; dataset.item(i, rng) is a dict of arrays and paths.

    facts     dataset.json, or {} where there is none
    labels    whether the poses are label maps, whose pixels are numbers
    trained   dataset.json of what the run was trained on, {} while it is first trained
    """

    @staticmethod
    def declare_options(group: 'argparse._ArgumentGroup', phase: str) -> None:
        """Add this dataset's own flags."""

    def __init__(self, opt: argparse.Namespace, phase: str,
                 trained: Mapping[str, Any] | None = None):
        self.opt, self.phase, self.trained = opt, phase, trained or {}
        self.root = Path(opt.dataroot)
        if not self.root.is_dir():
            raise UserError(f'--dataroot {self.root}: no such folder. Make it from a video: '
                            f'python preprocess.py --video me.mp4 --dataroot {self.root}.')
        self.facts = read_facts(self.root)
        self.labels = self.facts.get('draw', {}).get('style') in LABELS
        check_drawn_alike(self.trained, self.facts, self.root)

    def __len__(self) -> int:
        raise NotImplementedError

    def item(self, i: int, rng: np.random.Generator | None = None) -> dict[str, Any]:
        """Item `i`; `rng` makes the random choices of training, None makes none."""
        raise NotImplementedError

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) px of the first item, as training sees it."""
        return size_of(self.item(0, np.random.default_rng(0))['A'])

    def limited(self, rows: list[Any]) -> list[Any]:
        """The first --max_dataset_size of them."""
        return rows[:self.opt.max_dataset_size]


def read_facts(root: Path) -> dict[str, Any]:
    """dataset.json of a dataset, {} where there is none."""
    path = root / 'dataset.json'
    return read_json(path) if path.is_file() else {}


def pictures_in(folder: Path) -> list[Path]:
    """Every picture right in `folder`, frame2 before frame10."""
    if not folder.is_dir():
        return []
    found = (p for p in folder.iterdir()
             if p.suffix.lower() in PICTURES and not p.name.startswith('.'))
    return sorted(found, key=lambda p: natural(p.name))


def no_such_phase(root: Path, phase: str) -> UserError:
    """Nothing in root/phase: name the phases that there are."""
    there = sorted(f.name for f in root.iterdir()
                   if f.is_dir() and f.name != 'report' and pictures_in(f))
    if not there:
        return UserError(f'{root}: no pictures in it or in a folder of it. Make the dataset: '
                         f'python preprocess.py --video me.mp4 --dataroot {root}.')
    names = sorted({re.sub('_(A|B|label|img|inst)$', '', name) for name in there})
    return UserError(f'{root} has no pictures for phase {phase}. There is {", ".join(there)}: '
                     f'use --phase {names[0]}.')
