"""Which frames of a film each of several processes paints (torchrun), and how they become one film.

The film is cut into one slice for each rank, in order. A model that paints each frame by itself may
be cut anywhere. One that blends a frame with the one before begins some frames earlier, which are
painted and not kept. One that paints a frame from the one before, as everybody_dance_now does, is
cut between shots only. Thus each frame is the one that a single process paints.
"""
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data.base_dataset import BaseDataset
from evaluation.results import Results
from models.base_model import BaseModel
from util.errors import UserError, say
from util.ranks import Ranks, share_cores

# Frames before a slice. What the frame before adds halves with each, but rounding keeps some
# differences of 1 of 255: of a filmed man at 640x360, 801 pixels differed after 8 frames, 23 after
# 16, 3 after 22, none after 28. Their number halves in two frames; larger films have more pixels.
LEAD_IN = 64


@dataclass(frozen=True)
class Slice:
    """Frames `start` to `stop` of a film, painted from frame `before` on."""
    before: int
    start: int
    stop: int


class Part:
    """Items `start` to `stop` of a dataset, numbered from 0; all else is the dataset's."""

    def __init__(self, dataset: BaseDataset, start: int, stop: int):
        self.dataset, self.start, self.stop = dataset, start, stop

    def __len__(self) -> int:
        return self.stop - self.start

    def __getattr__(self, name: str) -> Any:
        return getattr(self.dataset, name)

    def item(self, i: int, rng: np.random.Generator | None) -> dict[str, Any]:
        return self.dataset.item(self.start + i, rng)

    def follows(self, i: int) -> bool:
        return self.dataset.follows(self.start + i)

    def film_frame(self, i: int) -> np.ndarray | None:
        return self.dataset.film_frame(self.start + i)


def check_enough(dataset: BaseDataset, num_test: int | None, ranks: Ranks) -> None:
    """UserError where there are more processes than frames to paint."""
    count = min(len(dataset), num_test or len(dataset))
    if count < ranks.count:
        raise UserError(f'torchrun started {ranks.count} processes for {count} frames. Give '
                        f'--nproc_per_node {count} or less.')


def slice_of(dataset: BaseDataset, count: int, model: BaseModel) -> Slice:
    """What this rank paints of the first `count` frames."""
    ranks = model.engine.ranks
    if not ranks.are_several:
        return Slice(0, 0, count)
    cuts = [n for n in range(count) if n == 0 or not dataset.follows(n)]
    if model.SEQUENTIAL and len(cuts) < ranks.count:
        say(f'{model.opt.model} paints each frame from the one before, and this film has '
            f'{len(cuts)} shot(s): {len(cuts)} of {ranks.count} processes paint.')
    starts = starts_between(cuts if model.SEQUENTIAL else range(count), count, ranks.count)
    start, stop = starts[ranks.rank], [*starts, count][ranks.rank + 1]
    if not model.BLENDS_PREVIOUS:
        return Slice(start, start, stop)
    shot = max(cut for cut in cuts if cut <= start)
    return Slice(max(shot, start - LEAD_IN), start, stop)


def starts_between(cuts: Sequence[int], count: int, parts: int) -> list[int]:
    """Where each of `parts` slices of `count` frames starts, all about equally long.

    cuts   where one may start, the first at 0. With too few of them, the last slices are empty
    """
    starts = [0]
    for part in range(1, parts):
        left = [cut for cut in cuts if cut > starts[-1]]
        starts.append(min(left, key=lambda cut: abs(cut - count * part / parts), default=count))
    return starts


@contextmanager
def one_folder(results: Results, ranks: Ranks) -> Iterator[None]:
    """`Results.replacing` by the first rank; the others add their frames to its new ones."""
    if ranks.is_first:
        with results.replacing():
            ranks.of_first(lambda: str(results.folder))
            yield
    else:
        results.folder = Path(ranks.of_first(str))
        yield


def put_together(results: Results, seconds: list[float], ranks: Ranks) -> list[float]:
    """The frames of all ranks become those of the first one's results. Returns   the seconds of
    all. The first rank then works on alone, with all cores of its machine."""
    if not ranks.are_several:
        return seconds
    results.wait(0)
    own = results.frames, results.names, results.part_size, seconds
    parts = ranks.gather(own)
    if ranks.is_first:
        results.part_size = max(size for _, _, size, _ in parts)
        results.frames = [frame for frames, _, _, _ in parts for frame in frames]
        results.names = [name for _, names, _, _ in parts for name in names]
        share_cores(1)
    return [each for _, _, _, of_rank in parts for each in of_rank]
