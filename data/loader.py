"""Batches, loaded by threads while the previous step computes, in an order that can be resumed."""
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from data.base_dataset import BaseDataset, check_one_size
from util.parallel import in_order
from util.ranks import ALONE, Ranks


class Loader:
    """Batches of a dataset, which depend only on (seed, epoch), so that a run can stop anywhere.

    A batch has the keys of an item: arrays stacked to (B, ...), paths in lists. Memory maps and
    OpenCV release the interpreter while they work, so threads are enough.

    batch_size   of all ranks together; each gets an equal part of every batch. As many items as
                 fill no such part are left out of an epoch: fewer than there are ranks, and after
                 shuffling, so that others are left out of the next
    """

    def __init__(self, dataset: BaseDataset, batch_size: int = 1, threads: int = 2,
                 shuffle: bool = False, seed: int | None = None, ranks: Ranks = ALONE):
        self.dataset = dataset
        self.batch_size = batch_size
        self.threads = max(1, threads)      # upstream's 0 means the main process
        self.shuffle = shuffle
        self.seed = seed
        self.ranks = ranks
        self.used = len(dataset) // ranks.count * ranks.count       # items of an epoch

    def __len__(self) -> int:
        """Batches in an epoch."""
        return -(-self.used // self.batch_size)

    def epoch(self, epoch: int = 0, skip: int = 0) -> Iterator[dict[str, Any]]:
        """The batches of one epoch, without the first `skip`."""
        order = np.arange(len(self.dataset))
        if self.shuffle:
            np.random.default_rng((self.seed or 0, epoch)).shuffle(order)
        order = order[:self.used]
        chunks = [order[i:i + self.batch_size] for i in range(0, len(order), self.batch_size)]
        calls = ((chunk[self.ranks.rank::self.ranks.count], epoch) for chunk in chunks[skip:])
        with ThreadPoolExecutor(self.threads) as pool:
            yield from in_order(pool, self.batch, calls, 2 * self.threads)

    def batch(self, numbers: Iterable[int], epoch: int = 0) -> dict[str, Any]:
        """The batch of these items. seed None: no random choices."""
        items = []
        for i in map(int, numbers):
            rng = None if self.seed is None else np.random.default_rng((self.seed, epoch, i))
            items.append(self.dataset.item(i, rng))
        batch = {}
        for key in items[0]:
            batch[key] = collate(key, [item[key] for item in items])
        return batch


def collate(key: str, values: list[Any]) -> Any:
    """Arrays -> one array; anything else stays a list."""
    if not isinstance(values[0], np.ndarray):
        return values
    check_one_size(value.shape[1::-1] for value in values)
    return np.stack(values)
