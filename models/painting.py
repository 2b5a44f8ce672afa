"""Paint a whole dataset: loading, painting and writing side by side."""
from data.base_dataset import BaseDataset
from data.loader import Loader
from models.base_model import BaseModel
from models.engine import to_image
from util.progress import progress
from util.results import Results


def paint_dataset(model: BaseModel, dataset: BaseDataset, results: Results,
                  num_test: int | None = None, threads: int = 2) -> None:
    """Paint the first `num_test` items (None: all), in order, into `results`.

    One picture at a time on a CPU, where a batch is no faster; a small batch on a GPU.
    """
    batch_size = 8 if model.engine.device.type == 'cuda' and same_sizes(dataset) else 1
    loader = Loader(dataset, batch_size, threads)
    count = min(len(dataset), num_test or len(dataset))
    with results.writing(), progress(None, 'painting', count) as bar:
        for batch in loader.epoch():
            fake = to_image(model.paint(model.engine.to_tensor(batch['A'])))
            for i in range(min(len(fake), count - bar.n)):
                results.add(batch['A_paths'][i], {
                    'real_A': batch['A'][i], 'fake_B': fake[i],
                    **({'real_B': batch['B'][i]} if 'B' in batch else {})})
                bar.update(1)
            if bar.n >= count:
                break


def same_sizes(dataset: BaseDataset) -> bool:
    """Whether the dataset says that all its pictures are of one size."""
    return 'size' in dataset.facts
