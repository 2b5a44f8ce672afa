"""Paint a whole dataset: loading, painting and writing side by side."""
import statistics
import time

from torch import Tensor

from data.base_dataset import BaseDataset
from data.loader import Loader
from models.base_model import BaseModel
from models.engine import to_image
from util.progress import progress
from util.results import Results


def paint_dataset(model: BaseModel, dataset: BaseDataset, results: Results,
                  num_test: int | None = None, threads: int = 2) -> float:
    """Paint the first `num_test` items (None: all), in order, into `results`.

    One picture at a time on a CPU, where a batch is no faster, and where each is painted from the
    one before; a small batch on a GPU.

    Returns   seconds that painting a frame takes, the median, without the first, which also sets
              things up; reading and writing go on beside it and are not counted
    """
    on_gpu = model.engine.device.type == 'cuda'
    batch_size = 8 if on_gpu and same_sizes(dataset) and not model.SEQUENTIAL else 1
    loader = Loader(dataset, batch_size, threads)
    count = min(len(dataset), num_test or len(dataset))
    model.begin(dataset)
    painted: Tensor | None = None
    seconds: list[float] = []
    with results.writing(), progress(None, 'painting', count) as bar:
        for n, batch in enumerate(loader.epoch()):
            began = time.perf_counter()
            placed = model.engine.to_batch(batch)
            goes_on = model.SEQUENTIAL and dataset.follows(n)
            painted = model.paint(placed, painted if goes_on else None)
            fake, poses = to_image(painted), to_image(model.seen(placed['A']))
            seconds.append((time.perf_counter() - began) / len(fake))
            for i in range(min(len(fake), count - bar.n)):
                results.add(batch['A_paths'][i], {
                    'real_A': poses[i], 'fake_B': fake[i],
                    **({'real_B': batch['B'][i]} if 'B' in batch else {})})
                bar.update(1)
            if bar.n >= count:
                break
    return statistics.median(seconds[1:] or seconds)


def same_sizes(dataset: BaseDataset) -> bool:
    """Whether the dataset says that all its pictures are of one size."""
    return 'size' in dataset.facts
