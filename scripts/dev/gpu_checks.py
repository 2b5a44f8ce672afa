"""What gpu_check.py checks: one function each, of a model or of all, on the device and on the CPU.

A check returns what it found as one sentence, and numbers for the JSON. It raises Failed where the
device computes something else than the CPU, and Lacking where the device cannot do it.
"""
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

import train
from data import datasets
from data.loader import Loader
from evaluation.painting import paint_batches
from models import models
from models.base_model import BaseModel
from models.engine import Engine, choose_engine, compile_in_place, has_bf16
from options.parser import Parser
from options.test_options import TestOptions
from options.train_options import TrainOptions
from scripts.dev.resized import resized
from util.runs import read_record

SMALL = {'--netG': 'unet_128', '--ngf': '8', '--ndf': '8', '--num_D': '1', '--n_blocks_global': '2',
         '--no_vgg_loss': None, '--no_dropout': None}
TRAINED, HELD_OUT = 24, 4           # frames for comparing
# How far the device may be from the CPU. Both round: a step's losses come after a step of D, whose
# Adam moves every weight by the sign of its gradient; pictures are rounded to levels of 255.
LOSSES = 0.02                       # of the loss
LEVELS = 0.5                        # mean difference of a picture
BF16_LOSSES, BF16_LEVELS = 0.25, 6.0


class Failed(Exception):
    """The device computes something else."""


class Lacking(Exception):
    """What the device lacks."""


class Found(NamedTuple):
    """A sentence for the table, and numbers for the JSON."""
    says: str
    numbers: dict[str, Any]


@dataclass(frozen=True)
class Bench:
    """Where the checks run.

    engine     plain fp32 on the device
    dataroot   the dataset that was handed over
    folder     for datasets and runs of the checks
    side       px, shorter side of the pictures that are compared
    """
    engine: Engine
    dataroot: Path
    folder: Path
    side: int = 128

    @property
    def device(self) -> torch.device:
        return self.engine.device

    @property
    def cpu(self) -> Engine:
        return choose_engine('cpu', precision='fp32', no_compile=True)

    def fast(self) -> Engine:
        """What train.py chooses on this device."""
        return choose_engine(self.device.type)

    def small(self) -> Path:
        """The dataset that is compared on."""
        place = self.folder / 'small'
        if not place.exists():
            resized(self.dataroot, (self.side, self.side), place, TRAINED, HELD_OUT)
        return place

    def flags(self, name: str, run: str | None = None) -> list[str]:
        """Flags of train.py for a small run of a model."""
        return ['--dataroot', str(self.small()), '--name', run or name, '--checkpoints_dir',
                str(self.folder / 'runs'), '--model', name, '--display_id', '0', '--no_html',
                *known(name, SMALL)]

    def run(self, name: str) -> Path:
        """A run of one step on the CPU, which every check of that model starts from."""
        place = self.folder / 'runs' / name
        if not place.exists():
            train.main([*self.flags(name), '--device', 'cpu', '--precision', 'fp32',
                        '--no_compile', '--max_steps', '1'])
        return place


def known(name: str, flags: Mapping[str, str | None]) -> list[str]:
    """The words of those flags that train.py --model NAME has."""
    parser = Parser('')
    TrainOptions().declare(parser)
    models.find(name).declare_options(parser.add_argument_group(), 'train')
    words = []
    for flag, value in flags.items():
        if flag.removeprefix('--') in parser.flags():
            words += [flag] if value is None else [flag, value]
    return words


class SameRandomNumbers(TorchFunctionMode):
    """Within this block random numbers are drawn on the CPU and then moved: a seed gives every
    device the same ones."""

    def __torch_function__(self, func: Callable, types: Sequence[type], args: tuple = (),
                           kwargs: Mapping[str, Any] | None = None) -> Any:
        kwargs = dict(kwargs or {})
        if func in (torch.rand, torch.randn, torch.randint) and kwargs.get('device') is not None:
            device = kwargs.pop('device')
            return func(*args, **kwargs).to(device)
        if func in (torch.rand_like, torch.randn_like):
            return func(args[0].cpu(), *args[1:], **kwargs).to(args[0].device)
        if func in (torch.dropout, F.dropout, F.dropout2d):
            return func(args[0].cpu(), *args[1:], **kwargs).to(args[0].device)
        return func(*args, **kwargs)


# -- every model -------------------------------------------------------------------------------

def step(bench: Bench, name: str, engine: Engine | None = None, tolerance: float = LOSSES,
         change: Callable[[BaseModel], None] = lambda model: None) -> Found:
    """One training step: its losses against the CPU's; `change` alters the model before it."""
    if not models.find(name).TRAINS:
        raise Lacking('it does not train')
    expected = losses_of(bench, name, bench.cpu)
    found = losses_of(bench, name, engine or bench.engine, change)
    apart = 0.0
    for loss, value in expected.items():
        if not np.isfinite(found[loss]):
            raise Failed(f'{loss} is {found[loss]}')
        apart = max(apart, abs(found[loss] - value) / max(abs(value), 0.1))
    if apart > tolerance:
        raise Failed(f'losses {found}, on the CPU {expected}')
    return Found(f'losses differ by {100 * apart:.2g} % at most', {'losses_apart': apart})


def losses_of(bench: Bench, name: str, engine: Engine,
              change: Callable[[BaseModel], None] = lambda model: None) -> dict[str, float]:
    """The losses of a step that starts from the run's weights, of a model after `change`."""
    folder = bench.run(name)
    opt = TrainOptions().parse([*bench.flags(name), '--overwrite'])
    dataset = datasets.find(opt.dataset_mode)(opt, 'train')
    torch.manual_seed(0)
    model = models.find(name)(opt, engine)
    model.load_weights(folder, 'latest')
    model.on_train_start(dataset, folder)
    model.on_epoch_start(1)
    model.on_step_start(0.0)
    change(model)
    batch = next(Loader(dataset, 1, 1, True, 0).epoch())
    torch.manual_seed(0)
    with SameRandomNumbers():
        losses = model.step(engine.to_batch(batch))
    model.on_step_end()
    return {loss: float(value) for loss, value in losses.items()}


def paint(bench: Bench, name: str, engine: Engine | None = None,
          tolerance: float = LEVELS) -> Found:
    """Held-out frames: how far they are from the CPU's."""
    flags = bench.flags(name)[:6]
    bench.run(name)
    expected = pictures(flags, bench.cpu)
    found = pictures(flags, engine or bench.engine)
    apart = np.abs(found.astype(float) - expected).mean()
    if not apart <= tolerance:
        raise Failed(f'pictures differ by {apart:.2g} of 255 in the mean')
    return Found(f'pictures differ by {apart:.2g} of 255 in the mean', {'levels_apart': apart})


def pictures(flags: Sequence[str], engine: Engine) -> np.ndarray:
    """uint8 (N, H, W, C): the held-out frames as a run paints them."""
    model, dataset = painter(flags, engine)
    frames = paint_batches(model, dataset, Loader(dataset, 1, 1).epoch())
    return np.concatenate([frame.fake for frame in frames])


def painter(flags: Sequence[str], engine: Engine) -> tuple[BaseModel, Any]:
    """The model of a run, and its held-out frames."""
    opt = TestOptions().parse([*flags])
    folder = Path(opt.checkpoints_dir) / opt.name
    dataset = datasets.find(opt.dataset_mode)(opt, 'val', read_record(folder).get('dataset', {}))
    model = models.find(opt.model)(opt, engine)
    model.load_weights(folder, 'latest')
    model.on_dataset(dataset)
    return model, dataset


def resume(bench: Bench, name: str) -> Found:
    """Two steps, and one step with another after --continue_train: the same weights. A device whose
    own steps differ from run to run may differ by as much."""
    if not models.find(name).TRAINS:
        raise Lacking('it does not train')

    def trained(run: str, *steps: str) -> dict[str, Tensor]:
        flags = [*bench.flags(name, run), '--device', bench.device.type, '--precision', 'fp32',
                 '--no_compile']
        for number, most in enumerate(steps):
            train.main([*flags, '--max_steps', most, *['--continue_train'][:number]])
        return weights_of(bench.folder / 'runs' / run)
    straight = trained(f'{name}_straight', '2')
    resumed = trained(f'{name}_resumed', '1', '2')
    apart = distance(straight, resumed)
    if apart == 0:
        return Found('exactly the same weights', {'apart': 0.0})
    again = distance(straight, trained(f'{name}_again', '2'))
    says = f'weights differ by {apart:.2g}, from run to run by {again:.2g}'
    if apart > 4 * again:
        raise Failed(says)
    return Found(says, {'apart': apart, 'from_run_to_run': again})


def weights_of(folder: Path) -> dict[str, Tensor]:
    found = {}
    for path in sorted(folder.glob('latest_net_*.pth')):
        for key, value in torch.load(path, map_location='cpu', weights_only=True).items():
            found[f'{path.stem} {key}'] = value.float()
    return found


def distance(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> float:
    """The largest difference of any weight."""
    return max(float((a[key] - b[key]).abs().max()) for key in a if a[key].numel())


# -- what makes it fast ------------------------------------------------------------------------

def bf16(bench: Bench, name: str) -> Found:
    """A step and pictures in bf16, against fp32 on the CPU."""
    if not has_bf16(bench.device):
        raise Lacking('it has no bf16')
    engine = replace(bench.engine, bf16=True, plain=False)
    painted = paint(bench, name, engine, BF16_LEVELS)
    if not models.find(name).TRAINS:
        return painted
    stepped = step(bench, name, engine, BF16_LOSSES)
    return Found(f'{stepped.says}; {painted.says}', stepped.numbers | painted.numbers)


def compiled(bench: Bench, name: str) -> Found:
    """A compiled step: its losses against the CPU's, and the time that compiling takes."""
    if not models.find(name).TRAINS:
        raise Lacking('it does not train')

    def compile_networks(model: BaseModel) -> None:
        if not compile_in_place(list(model.networks.values())):
            raise Lacking('there is no C++ compiler for torch.compile')
    began = time.perf_counter()
    with compiling():
        stepped = step(bench, name, replace(bench.engine, plain=False), change=compile_networks)
    seconds = time.perf_counter() - began
    return Found(f'{stepped.says}; with compiling it takes {seconds:.0f} s',
                 stepped.numbers | {'seconds': seconds})


@contextmanager
def compiling() -> Iterator[None]:
    """Lacking where torch.compile itself fails: train.py goes on without it then."""
    from torch._dynamo.exc import TorchDynamoException
    try:
        yield
    except (TorchDynamoException, ImportError) as error:
        raise Lacking(f'torch.compile fails here: {type(error).__name__}: {error}') from error
