"""Paint a whole dataset; loading, painting and writing overlap."""
import statistics
import time
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from data.base_dataset import BaseDataset
from data.loader import Loader
from data.transforms import to_channels
from evaluation.results import Results
from evaluation.slices import Part, put_together, slice_of
from models.base_model import BaseModel
from models.engine import Batch, to_image
from models.painted import Painted
from util.files import write_json
from util.images import size_of
from util.parallel import in_order
from util.progress import progress
from util.sinks.terminal_sink import memory_taken

GPU_BATCH = 8       # frames
AT_ONCE = 2         # images painted at the same time on a CPU, measured on two cores; each takes
                    # memory of its own, and a machine with more cores need not have more memory


@dataclass(frozen=True)
class InferredBatch:
    """A batch and what the model painted for it.

    batch      as the Loader gave it
    on_device  the same on the model's device
    poses      uint8 (B, H, W, C), for people to look at
    painted    what the model painted
    seconds    of painting, for each frame; `at_once` frames share that time
    """
    batch: dict[str, Any]
    on_device: Batch
    poses: np.ndarray
    painted: Painted
    seconds: float

    @property
    def fake(self) -> np.ndarray:
        """uint8 (B, H, W, C), the painted frames."""
        return self.painted.pictures

    def images(self, i: int, real: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """{label: uint8 (H, W, C)} of frame `i` of the batch.

        real   the real frame as large as the painted one, where that is not the batch's
        """
        images = {'real_A': self.poses[i], 'fake_B': self.fake[i]}
        if 'B' in self.batch:
            images['real_B'] = self.batch['B'][i] if real is None else real
        return images


def paint_dataset(model: BaseModel, dataset: BaseDataset, results: Results,
                  num_test: int | None = None, threads: int = 2) -> float:
    """Paint the first `num_test` items (None: all), in order, into `results`; of several ranks
    each paints a part, and the first one has them all at the end.

    threads   that read the dataset
    Returns   seconds to paint one frame: the median over all batches but the first, which also
              sets things up. Reading and writing overlap with painting and are not counted
    """
    model.on_dataset(dataset)
    model.on_background(results.behind is not None)
    own = slice_of(dataset, min(len(dataset), num_test or len(dataset)), model)
    count = own.stop - own.before
    part: Any = Part(dataset, own.before, own.stop) if model.engine.ranks.are_several else dataset
    loader = Loader(part, batch_size_for(model, part), threads)
    seconds: list[float] = []
    with results.writing(), progress(None, 'painting', count) as bar, \
            closing(paint_batches(model, part, loader.epoch())) as batches:
        for painted in batches:
            seconds.append(painted.seconds)
            for i in range(min(len(painted.fake), count - bar.n)):
                if own.before + bar.n >= own.start:
                    real = large_frame(part, bar.n, painted)
                    layers = [model.layer(painted.painted, i)] if results.behind else []
                    results.add(painted.batch['A_paths'][i], painted.images(i, real), *layers)
                bar.update(1)
            if bar.n >= count:
                break
        seconds = put_together(results, seconds, model.engine.ranks)
    return statistics.median(seconds[1:] or seconds)


def large_frame(dataset: BaseDataset, n: int, painted: InferredBatch) -> np.ndarray | None:
    """The real frame of item `n`, uint8 (H, W, C), where the painted one is as large as the
    dataset's film; else None."""
    is_film = size_of(painted.fake[0]) == dataset.film_size != size_of(painted.poses[0])
    frame = dataset.film_frame(n) if is_film else None
    return None if frame is None else to_channels(frame, painted.fake.shape[-1])


def batch_size_for(model: BaseModel, dataset: BaseDataset) -> int:
    """One frame on a CPU, where larger batches are no faster, and for a model that needs the
    previous frame; else GPU_BATCH frames."""
    on_gpu = model.engine.device.type == 'cuda'
    needs_previous = model.SEQUENTIAL or model.BLENDS_PREVIOUS
    return GPU_BATCH if on_gpu and same_sizes(dataset) and not needs_previous else 1


def same_sizes(dataset: BaseDataset) -> bool:
    """Whether the dataset says that all its frames have one size."""
    return 'size' in dataset.facts


def write_painting_record(results: Results, model: BaseModel, seconds: float) -> None:
    """Write painting.json: which frames were painted, and at what cost.

    seconds   to paint one frame
    """
    parameters = 0
    for network in model.networks.values():
        parameters += sum(weights.numel() for weights in network.parameters())
    times, _ = results.times()
    write_json(results.folder / 'painting.json', {
        'seconds_a_frame': seconds, 'device': str(model.engine),
        'memory': memory_taken(torch.device('cpu')) / 1e6,          # MB, the peak
        'parameters': parameters, 'frames': dict(zip(results.names, times))})


def paint_batches(model: BaseModel, dataset: BaseDataset,
                  batches: Iterable[dict[str, Any]]) -> Generator[InferredBatch, None, None]:
    """Paint all batches of the dataset, in order. `model.on_dataset(dataset)` comes first.

    A model that is SEQUENTIAL or BLENDS_PREVIOUS takes batches of one frame.
    """
    previous: InferredBatch | None = None
    overlaps = at_once(model) > 1
    with closing(paint_without_blending(model, dataset, batches)) as unblended:
        for n, painted in enumerate(unblended):
            if previous and model.BLENDS_PREVIOUS and dataset.follows(n) and \
                    previous.fake.shape == painted.fake.shape:
                painted = blend(model, painted, previous, overlaps)
            previous = painted
            yield painted


def blend(model: BaseModel, painted: InferredBatch, previous: InferredBatch,
          overlaps: bool) -> InferredBatch:
    """`painted` after the model's blend_previous.

    overlaps   whether other frames are painted at the same time
    """
    began = time.perf_counter()
    with torch.inference_mode():
        blended = model.blend_previous(painted.on_device, painted.painted,
                                       previous.on_device, previous.painted)
    took = time.perf_counter() - began
    seconds = max(painted.seconds, took) if overlaps else painted.seconds + took
    return replace(painted, painted=blended, seconds=seconds)


def paint_without_blending(model: BaseModel, dataset: BaseDataset,
                           batches: Iterable[dict[str, Any]]
                           ) -> Generator[InferredBatch, None, None]:
    """As paint_batches, but without blend_previous."""
    count = at_once(model)
    if count == 1:
        yield from paint_in_turn(model, dataset, batches)
        return
    threads = torch.get_num_threads()
    # Each thread has its own number, which threads that start later inherit. This thread, which
    # waits for the painted frames, shares the cores too: with two threads it took more than twice
    # as long.
    torch.set_num_threads(threads // count)
    with ThreadPoolExecutor(count, 'painting', torch.set_num_threads,
                            (threads // count,)) as pool:
        calls = ((model, batch, None, count) for batch in batches)
        try:
            yield from in_order(pool, infer, calls, count)
        finally:
            torch.set_num_threads(threads)


def paint_in_turn(model: BaseModel, dataset: BaseDataset,
                  batches: Iterable[dict[str, Any]]) -> Generator[InferredBatch, None, None]:
    """One batch after the other; a SEQUENTIAL model sees the frame before, except after a cut."""
    painted: InferredBatch | None = None
    for n, batch in enumerate(batches):
        goes_on = model.SEQUENTIAL and dataset.follows(n)
        painted = infer(model, batch, painted.painted.exact if painted and goes_on else None)
        yield painted


def infer(model: BaseModel, batch: dict[str, Any], before: Any = None,
          count: int = 1) -> InferredBatch:
    """Paint one batch.

    before   Painted.exact of the previous frame, for a SEQUENTIAL model
    count    batches that are painted at the same time
    """
    began = time.perf_counter()
    on_device = model.engine.to_batch(batch)
    painted = model.paint_film(on_device, before)
    poses = to_image(model.visible(on_device['A']))
    took = (time.perf_counter() - began) / len(poses) / count
    return InferredBatch(batch, on_device, poses, painted, took)


def at_once(model: BaseModel) -> int:
    """How many images are painted at the same time.

    Two on a CPU: one image alone leaves most threads idle during I/O and warping. One on a GPU,
    and for models that need the previous frame.
    """
    in_turn = model.SEQUENTIAL or model.engine.device.type != 'cpu'
    return 1 if in_turn else min(AT_ONCE, torch.get_num_threads())
