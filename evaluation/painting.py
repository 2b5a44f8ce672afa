"""Paint a whole dataset: loading, painting and writing side by side."""
import statistics
import time
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from data.base_dataset import BaseDataset
from data.loader import Loader
from evaluation.results import Results
from models.base_model import BaseModel
from models.engine import Batch, to_image
from util.parallel import in_order
from util.progress import progress

AT_ONCE = 2         # pictures painted at the same time on a CPU, as measured on two cores; each
                    # takes memory of its own, which more cores do not bring along


@dataclass(frozen=True)
class InferredBatch:
    """One batch that was painted.

    batch    as the Loader gave it, and `placed` on the model's device
    poses    uint8 (B, H, W, C), as a person should see them
    fake     uint8 (B, H, W, C), what was painted for them
    seconds  that each took, where `at_once` of them are painted at the same time
    exact    float (B, C, H, W), what `fake` was rounded from
    """
    batch: dict[str, Any]
    placed: Batch
    poses: np.ndarray
    fake: np.ndarray
    seconds: float
    exact: Tensor


def paint_dataset(model: BaseModel, dataset: BaseDataset, results: Results,
                  num_test: int | None = None, threads: int = 2) -> float:
    """Paint the first `num_test` items (None: all), in order, into `results`.

    One picture a batch on a CPU, where more are no faster, and where each is painted from the
    one before; a few on a GPU.

    Returns   seconds that painting a frame takes, the median, without the first, which also sets
              things up; reading and writing go on beside it and are not counted
    """
    on_gpu = model.engine.device.type == 'cuda'
    one_by_one = model.SEQUENTIAL or model.BLENDS_PREVIOUS
    batch_size = 8 if on_gpu and same_sizes(dataset) and not one_by_one else 1
    loader = Loader(dataset, batch_size, threads)
    count = min(len(dataset), num_test or len(dataset))
    model.on_dataset(dataset)
    seconds: list[float] = []
    with results.writing(), progress(None, 'painting', count) as bar, \
            closing(painted(model, dataset, loader.epoch())) as every:
        for one in every:
            seconds.append(one.seconds)
            for i in range(min(len(one.fake), count - bar.n)):
                results.add(one.batch['A_paths'][i], {
                    'real_A': one.poses[i], 'fake_B': one.fake[i],
                    **({'real_B': one.batch['B'][i]} if 'B' in one.batch else {})})
                bar.update(1)
            if bar.n >= count:
                break
    return statistics.median(seconds[1:] or seconds)


def painted(model: BaseModel, dataset: BaseDataset,
            batches: Iterable[dict[str, Any]]) -> Generator[InferredBatch, None, None]:
    """Every batch of the dataset, which the model has begun, in order; of one frame each, if the
    model is SEQUENTIAL or BLENDS_PREVIOUS."""
    before: InferredBatch | None = None
    beside = at_once(model) > 1         # others are painted while one is made to follow
    with closing(alone(model, dataset, batches)) as every:
        for n, one in enumerate(every):
            if before and model.BLENDS_PREVIOUS and dataset.follows(n) and \
                    before.exact.shape == one.exact.shape:
                began = time.perf_counter()
                with torch.inference_mode():
                    exact = model.blend_previous(one.placed, one.exact, before.placed, before.exact)
                fake, took = to_image(exact), time.perf_counter() - began
                one = replace(one, exact=exact, fake=fake, seconds=max(one.seconds, took)
                              if beside else one.seconds + took)
            before = one
            yield one


def alone(model: BaseModel, dataset: BaseDataset,
          batches: Iterable[dict[str, Any]]) -> Generator[InferredBatch, None, None]:
    """The same, before what is painted is made to follow the frame before."""
    count = at_once(model)

    def paint(batch: dict[str, Any], before: Tensor | None = None) -> InferredBatch:
        began = time.perf_counter()
        placed = model.engine.to_batch(batch)
        exact = model.paint(placed, before)
        fake, poses = to_image(exact), to_image(model.visible(placed['A']))
        took = (time.perf_counter() - began) / len(fake) / count
        return InferredBatch(batch, placed, poses, fake, took, exact)
    if count == 1:
        one: InferredBatch | None = None
        for n, batch in enumerate(batches):
            goes_on = model.SEQUENTIAL and dataset.follows(n)
            one = paint(batch, one.exact if one and goes_on else None)
            yield one
        return
    threads = torch.get_num_threads()
    # Each thread has a number of its own, which threads begun later take over. Who waits for what
    # is painted has no core to itself either: with two threads it took more than twice as long.
    torch.set_num_threads(threads // count)
    with ThreadPoolExecutor(count, 'painting', torch.set_num_threads,
                            (threads // count,)) as pool:
        try:
            yield from in_order(pool, paint, ((batch,) for batch in batches), count)
        finally:
            torch.set_num_threads(threads)


def at_once(model: BaseModel) -> int:
    """How many pictures are painted at the same time: on a CPU two, which share its threads, as a
    picture by all of them leaves most waiting while one reads, bends or blends; one, where each is
    painted from the one before, and on a GPU."""
    alone = model.SEQUENTIAL or model.engine.device.type != 'cpu'
    return 1 if alone else min(AT_ONCE, torch.get_num_threads())


def same_sizes(dataset: BaseDataset) -> bool:
    """Whether the dataset says that all its pictures are of one size."""
    return 'size' in dataset.facts
