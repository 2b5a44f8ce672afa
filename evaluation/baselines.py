"""Baselines that need no training; a trained run should score better than each.

median          the median image of the training frames
nearest         the training frame whose pose is nearest
nearest_moved   the same frame, moved and scaled so that neck and hips meet the pose
The last two are --model nearest.
"""
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from data import datasets
from data.base_dataset import BaseDataset
from data.loader import Loader
from evaluation.bounds import measured_size
from models import models
from models.engine import Engine, to_image
from models.warping.frame_index import FrameIndex, track_of
from models.warping.settings import SelectionSettings
from util.errors import UserError
from util.images import fitted, in_colour, size_of
from util.options import Options
from util.runs import read_record
from util.sampling import evenly_spaced

CACHED_FRAMES = 16      # a smooth sequence shows the same few training frames again
MEDIAN_FRAMES = 51      # frames that the median is over; with an odd number it is exact
ALIGNED = {'nearest': 'none', 'nearest_moved': 'similarity'}


class Baselines:
    """baselines.outputs(k): the frame of each baseline for item `k` of the dataset.

    missing   {name: why this baseline is not available}
    """

    def __init__(self, dataset: BaseDataset, opt: Options, engine: Engine):
        self.dataset = dataset
        self.engine = engine
        self.missing: dict[str, str] = {}
        self.nearest: dict[str, Any] = {}
        self.median: np.ndarray | None = None
        try:
            training = training_frames(opt, dataset)
        except UserError as error:
            self.missing = dict.fromkeys(('median', *ALIGNED), str(error))
            return
        try:
            self.median = median_image(training)
        except UserError as error:
            self.missing['median'] = str(error)
        try:
            self.nearest = nearest_models(training, dataset, opt, engine)
        except UserError as error:
            self.missing |= dict.fromkeys(ALIGNED, str(error))

    @property
    def methods(self) -> list[str]:
        """Names of the available baselines."""
        median = [] if self.median is None else ['median']
        return median + list(self.nearest)

    def outputs(self, k: int) -> dict[str, np.ndarray]:
        """{name: uint8 (H, W, C)} in the order of `methods`."""
        images = {} if self.median is None else {'median': self.median}
        if self.nearest:
            batch = self.engine.to_batch(Loader(self.dataset).batch([k]))
            for name, model in self.nearest.items():
                images[name] = to_image(model.paint(batch))[0]
        return images


def training_frames(opt: Options, dataset: BaseDataset) -> BaseDataset:
    """The dataset that the run's record names; without a record, the train phase of `dataset`.

    UserError where it is gone.
    """
    record = read_record(Path(opt.checkpoints_dir) / opt.name).get('options', {})
    root = Path(record.get('dataroot') or dataset.root)
    if not root.is_dir():
        raise UserError(f'{root}, which this run was trained on, is not there')
    phase = record.get('phase', 'train')
    limit = record.get('max_dataset_size')
    training_opt = opt.but(dataroot=str(root), phase=phase,
                           dataset_mode=record.get('dataset_mode', 'aligned'),
                           max_dataset_size=limit if isinstance(limit, int) else None)
    return datasets.find(training_opt.dataset_mode)(training_opt, phase)


def median_image(dataset: BaseDataset) -> np.ndarray:
    """uint8 (H, W, C): the median of each pixel over MEDIAN_FRAMES evenly spaced frames, at the
    size at which they are measured."""
    rows = evenly_spaced(len(dataset), MEDIAN_FRAMES)
    frames = []
    for row in rows.tolist():
        item = dataset.item(row)
        if 'B' not in item:
            raise UserError(f'{dataset.root} has poses but no frames')
        frames.append(fitted(item['B'], measured_size(size_of(item['B']))))
    if len({frame.shape for frame in frames}) > 1:
        raise UserError(f'the frames of {dataset.root} differ in size')
    stack = np.stack(frames)
    middle = len(stack) // 2
    stack.partition(middle, axis=0)
    return stack[middle].copy()


def nearest_models(training: BaseDataset, dataset: BaseDataset, opt: Options,
                   engine: Engine) -> dict[str, Any]:
    """{name: --model nearest with the alignment of that name, over the training frames}."""
    index = DatasetIndex(training)
    # a frame that is itself in the index must not be its own answer, nor its neighbours in time
    fitted = training.root.resolve() == dataset.root.resolve() and training.phase == dataset.phase
    nearest = {}
    for name, align in ALIGNED.items():
        settings = opt.but(align=align, smooth_path=1.0, batch_size=1)
        model: Any = models.find('nearest')(settings, engine)
        model.index = index
        model.on_dataset(dataset, fitted=fitted)
        nearest[name] = model
    return nearest


class DatasetIndex(FrameIndex):
    """A FrameIndex that reads an existing dataset and writes nothing.

    UserError as FrameIndex.make.
    """

    def __init__(self, dataset: BaseDataset):
        track = track_of(dataset)
        if not track.seen().any():
            raise UserError(f'none of the poses of {dataset.root} shows a torso')
        poses = np.array([dataset.joints_of(row) for row in range(len(track))])
        self.dataset = dataset          # no folder to open: FrameIndex.__init__ is not called
        self.settings = SelectionSettings()
        self.track = replace(track, poses=poses, size=size_of(dataset.item(0)['B']), depth=None)
        self.frame = lru_cache(CACHED_FRAMES)(self.read)

    def read(self, row: int) -> np.ndarray:
        return in_colour(self.dataset.item(row)['B'])
