"""What costs no training to paint: three films that a trained run should beat.

The median picture of the training part; the training frame whose pose is nearest; that frame
moved and scaled so that neck and hips meet the pose. The last two are --model nearest's.
"""
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from data import datasets
from data.base_dataset import BaseDataset
from data.loader import Loader
from models import models
from models.engine import Engine, to_image
from models.warping.frame_index import FrameIndex, track_of
from util.errors import UserError
from util.images import in_colour, size_of
from util.options import Options
from util.run_record import read_record

REMEMBERED = 16         # frames kept in memory: a film goes on from one to the next
SAMPLE = 51             # frames that the median is taken of; of an odd number it is exact
ALIGNED = {'nearest': 'none', 'nearest_moved': 'similarity'}


class Baselines:
    """baselines.pictures(k): what each paints for item `k` of the dataset, by name.

    missing   {name: why it cannot be painted}
    """

    def __init__(self, dataset: BaseDataset, opt: Options, engine: Engine):
        self.dataset, self.engine = dataset, engine
        self.missing: dict[str, str] = {}
        self.nearest: dict[str, Any] = {}
        self.median: np.ndarray | None = None
        try:
            training = training_part(opt, dataset)
        except UserError as error:
            self.missing = dict.fromkeys(('median', *ALIGNED), str(error))
            return
        try:
            self.median = median_picture(training)
        except UserError as error:
            self.missing['median'] = str(error)
        try:
            self.nearest = nearest_models(training, dataset, opt, engine)
        except UserError as error:
            self.missing |= dict.fromkeys(ALIGNED, str(error))

    @property
    def films(self) -> list[str]:
        """Names of those that can be painted."""
        return ([] if self.median is None else ['median']) + list(self.nearest)

    def pictures(self, k: int) -> dict[str, np.ndarray]:
        """{name: uint8 (H, W, C)} in the order of a table."""
        out = {} if self.median is None else {'median': self.median}
        if self.nearest:
            batch = self.engine.to_batch(Loader(self.dataset).batch([k]))
            out |= {name: to_image(model.paint(batch))[0] for name, model in self.nearest.items()}
        return out


def training_part(opt: Options, dataset: BaseDataset) -> BaseDataset:
    """What the run was trained on, by its record; where it has none, the training part beside
    what is painted. UserError where that is not there any more."""
    record = read_record(Path(opt.checkpoints_dir) / opt.name).get('options', {})
    root = Path(record.get('dataroot') or dataset.root)
    if not root.is_dir():
        raise UserError(f'{root}, which this run was trained on, is not there')
    phase, limit = record.get('phase', 'train'), record.get('max_dataset_size')
    asked = opt.but(dataroot=str(root), phase=phase,
                    dataset_mode=record.get('dataset_mode', 'aligned'),
                    max_dataset_size=limit if isinstance(limit, int) else None)
    return datasets.find(asked.dataset_mode)(asked, phase)


def median_picture(dataset: BaseDataset) -> np.ndarray:
    """uint8 (H, W, C): pixel by pixel the median of SAMPLE frames, spread evenly."""
    rows = np.unique(np.linspace(0, len(dataset) - 1, SAMPLE).astype(int))
    items = [dataset.item(int(row)) for row in rows]
    if 'B' not in items[0]:
        raise UserError(f'{dataset.root} holds no frames to learn from')
    frames = [item['B'] for item in items]
    if len({frame.shape for frame in frames}) > 1:
        raise UserError(f'the frames of {dataset.root} differ in size')
    stack = np.stack(frames)
    stack.partition(len(stack) // 2, axis=0)
    return stack[len(stack) // 2].copy()


def nearest_models(training: BaseDataset, dataset: BaseDataset, opt: Options,
                   engine: Engine) -> dict[str, Any]:
    """--model nearest by each alignment, which knows the training part and is ready to paint."""
    index = DatasetIndex(training)
    # of what it knows it may not show the frame itself, nor a near copy
    fitted = training.root.resolve() == dataset.root.resolve() and training.phase == dataset.phase
    out = {}
    for name, align in ALIGNED.items():
        model: Any = models.find('nearest')(
            opt.but(align=align, smooth_path=1.0, batch_size=1), engine)
        model.index = index
        model.on_dataset(dataset, fitted=fitted)
        out[name] = model
    return out


class DatasetIndex(FrameIndex):
    """The index of a dataset that is there: nothing is written. UserError as FrameIndex.make."""

    def __init__(self, dataset: BaseDataset):
        track = track_of(dataset)
        if not track.seen().any():
            raise UserError(f'none of the poses of {dataset.root} shows a torso')
        poses = np.stack([dataset.item(row)['joints'] for row in range(len(track))])
        self.dataset = dataset
        self.track = replace(track, poses=poses, size=size_of(dataset.item(0)['B']), depth=None)
        self.frame = lru_cache(REMEMBERED)(self.read)

    def read(self, row: int) -> np.ndarray:
        return in_colour(self.dataset.item(row)['B'])
