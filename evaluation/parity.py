"""Whether an exported network computes what torch does, on what a run really paints.

A run paints some frames; each network that it asks for a picture remembers what it was given and
what it gave. The exported network gets the same.
"""
from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from data.base_dataset import BaseDataset
from data.loader import Loader
from models.base_model import BaseModel
from models.engine import Engine, to_image
from models.exporting.runtimes import Runtime
from models.exporting.stand_in import Recorder, name_of, stand_in
from util.images import in_colour, side_by_side, write_image
from util.progress import progress

LARGEST = 1e-3          # difference that an exported network may have to torch's
FRAMES = 8              # that are painted
SHOWN = 3               # of them that the picture shows
MAGNIFIED = 50          # how much the picture magnifies differences
TIMES = 10              # a network computes to be timed, after once for nothing
ENOUGH = 20.0           # s after which it is timed no further


@dataclass
class Painting:
    """What a run painted.

    poses, pictures   uint8 (H, W, 3) each
    asked             {network's name: what it was given and gave}
    """
    poses: list[np.ndarray] = field(default_factory=list)
    pictures: list[np.ndarray] = field(default_factory=list)
    asked: dict[str, Recorder] = field(default_factory=dict)


class Recorders(dict[nn.Module, nn.Module]):
    """A Recorder for any network that is asked for."""

    def __contains__(self, network: object) -> bool:
        return True

    def __missing__(self, network: nn.Module) -> nn.Module:
        self[network] = Recorder(network, FRAMES)
        return self[network]


def painted(model: BaseModel, dataset: BaseDataset, what: str, records: bool = False) -> Painting:
    """Paint some frames of the dataset; `model.on_dataset(dataset)` comes first.

    what      the words of the progress bar
    records   whether networks remember; they are then torch's
    """
    recorders = Recorders()
    if records:
        stand_in(model, recorders)
    result = Painting()
    loader, before = Loader(dataset), None
    for row in progress(rows_of(model, dataset), what):
        batch = model.engine.to_batch(loader.batch([row]))
        follows = model.SEQUENTIAL and before is not None and dataset.follows(row)
        before = model.paint_film(batch, before.exact if follows and before else None)
        result.pictures.append(in_colour(before.pictures[0]))
        result.poses.append(in_colour(to_image(model.visible(batch['A']))[0]))
    if records:
        stand_in(model, {})
        for network, recorder in recorders.items():
            assert isinstance(recorder, Recorder)
            result.asked[name_of(model, network)] = recorder
    return result


def rows_of(model: BaseModel, dataset: BaseDataset) -> list[int]:
    """The items that are painted: in a row where a frame is painted from the one before it, else
    from the whole dataset."""
    count = min(FRAMES, len(dataset))
    if model.SEQUENTIAL:
        return list(range(count))
    return sorted({int(row) for row in np.linspace(0, len(dataset) - 1, count)})


def largest_difference(recorder: Recorder, runtime: Runtime) -> float:
    """Between what the network gave and what the exported one gives."""
    found = 0.0
    for x, y in zip(recorder.inputs, recorder.outputs):
        there = runtime(x.contiguous().numpy())
        apart = np.abs(there - y.numpy()).max() if there.shape == y.shape else np.inf
        found = max(found, float(apart))        # nan is never the larger one
        if not np.isfinite(apart):
            return float('inf')
    return found


def speeds(network: nn.Module, engine: Engine, runtime: Runtime, x: Tensor) -> tuple[float, float]:
    """Medians of the ms that torch, as test.py paints with it, and the runtime take for x; in
    turns, so that whatever else the machine does harms both alike."""
    x_there = x.contiguous().numpy()
    x_here = x.to(engine.device, memory_format=engine.memory_format)

    def with_torch() -> None:
        with torch.inference_mode(), engine.autocast():
            engine.to_paint(network).forward(x_here).float().cpu()

    taken: tuple[list[float], list[float]] = ([], [])
    began = time.perf_counter()
    for _ in range(1 + TIMES):
        for times, compute in zip(taken, (with_torch, lambda: runtime(x_there))):
            times.append(timed(compute))
        if time.perf_counter() - began > ENOUGH:
            break
    ours, theirs = (statistics.median(times[1:] or times) * 1e3 for times in taken)
    return ours, theirs


def timed(compute: Callable[[], object]) -> float:
    """s that it takes."""
    began = time.perf_counter()
    compute()
    return time.perf_counter() - began


def difference(ours: Sequence[np.ndarray], theirs: Sequence[np.ndarray]) -> int:
    """The largest between painted frames, of 255."""
    apart = [np.abs(a.astype(int) - b).max() for a, b in zip(ours, theirs)]
    return int(max(apart))


def write_picture(file: Path, ours: Painting, theirs: Painting) -> None:
    """Pose, torch, the runtime and their difference, MAGNIFIED times, of some frames."""
    rows = []
    for pose, a, b in list(zip(ours.poses, ours.pictures, theirs.pictures))[:SHOWN]:
        apart = np.abs(a.astype(int) - b) * MAGNIFIED
        rows.append(side_by_side(pose, a, b, apart.clip(0, 255).astype(np.uint8),
                                 height=a.shape[0]))
    write_image(file, np.vstack(rows))
