"""What every model is: networks by name, a training step, and a way to paint.

A model is one file, models/NAME_model.py, with one subclass of BaseModel. Heavy imports belong
into its methods, so that --help stays quick.
"""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from util.errors import UserError

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from torch import Tensor, nn

    from data.base_dataset import BaseDataset
    from models.ema import EMA
    from models.engine import Batch, Engine

# What is said of weights that fit no network of a model that has its own, not one by --netG.
OTHERWISE = ('It was trained by other flags or another version of this program: train anew, with '
             '--overwrite.')


class BaseModel:
    """networks, optimizers: dicts by name, 'G' painting. Filled by `build`.

    DEFAULTS     what it prefers over the flags' defaults; run.json and typed flags still win
    PAINTERS     the networks that painting needs, as far as there are such: --ema averages these
    SEQUENTIAL   whether a frame is painted from the one painted before it
    BLENDS_PREVIOUS  whether `blend_previous` then blends what was painted with the frame before
    TRAINS       whether it learns in steps; else `fit` takes all it needs at once
    RESULTS      further files that test.py writes of each frame: our label -> what its name ends
                 with, for those who look for them under another project's names
    """

    DEFAULTS: dict[str, Any] = {}
    PAINTERS: tuple[str, ...] = ('G',)
    SEQUENTIAL = BLENDS_PREVIOUS = False
    TRAINS = True
    RESULTS: dict[str, str] = {}

    @staticmethod
    def declare_options(group: argparse._ArgumentGroup, phase: str) -> None:
        """Add this model's own flags; phase is 'train' or 'test'."""

    @staticmethod
    def validate_options(opt: argparse.Namespace) -> None:
        """Refuse what cannot be, and set what follows from other flags or from the dataset, before
        the options are frozen and recorded."""

    def __init__(self, opt: argparse.Namespace, engine: Engine):
        self.opt, self.engine = opt, engine
        self.networks: dict[str, nn.Module] = {}
        self.optimizers: dict[str, Any] = {}
        self.ema: EMA | None = None         # of --ema, while training
        self.build(opt)
        for name in self.networks:
            self.networks[name] = engine.to_device(self.networks[name])
        if not opt.isTrain:
            for network in self.networks.values():
                network.eval().requires_grad_(False)
        else:
            self.optimizers = {name: engine.adam(network, opt.lr, opt.beta1)
                               for name, network in self.networks.items()}
            self.ema = self.make_ema(opt.ema) if opt.ema else None

    def make_ema(self, decay: float) -> EMA:
        """The running mean of all that paints, from here on."""
        from models.ema import EMA
        return EMA({name: network for name, network in self.networks.items()
                        if name in self.PAINTERS}, decay)

    def build(self, opt: argparse.Namespace) -> None:
        """Fill self.networks: 'G' always, what trains it too only if opt.isTrain."""
        raise NotImplementedError

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """One step of training on batch['A'] the poses and batch['B'] the frames.

        Returns   scalar losses by name, detached, not yet waited for
        """
        raise NotImplementedError

    def fit(self, dataset: BaseDataset, folder: Path) -> None:
        """For a model that does not train: take what painting needs from the dataset, and keep it
        in the run's folder, where load_weights finds it."""
        raise NotImplementedError

    def on_train_start(self, dataset: BaseDataset, folder: Path) -> None:
        """Called before the first step of each session, with what is trained on and the run's
        folder: a model that wants to keep something of the dataset there does it now, unless it
        has been loaded."""

    def on_dataset(self, dataset: BaseDataset) -> None:
        """Called before the items of a dataset are painted; not before a training picture is."""

    def on_epoch_start(self, epoch: int) -> None:
        """Called before the first step of `epoch`, from 1, and again where a run goes on in it."""

    def on_step_start(self, over: float) -> None:
        """Called before every step: `over` is the part of the run, 0 to 1, that is over."""

    def on_step_end(self) -> None:
        """Called after every step."""
        if self.ema:
            self.ema.update(self.networks)

    def metadata(self) -> dict[str, Any]:
        """What the record of the run shall say of the model besides its options."""
        return {}

    def visible(self, poses: Tensor) -> Tensor:
        """batch['A'] as a person should see it, alike float (B, C, H, W) in [-1, 1]."""
        return poses

    def generate(self, x: Tensor, ground: float | None = -1.0) -> Tensor:
        """G(x) for x of any size (B, C, H, W): padded to what G takes, the result cropped back;
        of a G that `enlarges`, so many times as large.

        ground   what the padding is: black, as a pose's ground; None repeats the edge
        """
        G = self.networks['G']
        h, w = (side * getattr(G, 'enlarges', 1) for side in x.shape[-2:])
        return self.run_network(G, self.padded(x, ground))[..., :h, :w]

    def all_outputs(self, x: Tensor, ground: float | None = -1.0) -> list[Tensor]:
        """As `generate`, but first what the earlier stacks of --netG stacked_hourglass painted;
        the last is the result, and the only one of any other generator."""
        G, (h, w) = self.networks['G'], x.shape[-2:]
        if not hasattr(G, 'stacks'):
            return [self.generate(x, ground)]
        return [one[..., :h, :w] for one in self.run_network(G, self.padded(x, ground), every=True)]

    def padded(self, x: Tensor, ground: float | None) -> Tensor:
        """x with what G's `multiple` and `least` ask for at its right and lower edges."""
        import torch.nn.functional as F
        G = self.networks['G']
        h, w = x.shape[-2:]
        multiple = getattr(G, 'multiple', 1)
        least = getattr(G, 'least', multiple)
        right, below = (max(side + -side % multiple, least) - side for side in (w, h))
        if not right and not below:
            return x
        if ground is None:
            return F.pad(x, (0, right, 0, below), mode='replicate')
        return F.pad(x, (0, right, 0, below), value=ground)

    def run_network(self, network: nn.Module, x: Tensor, **more: Any) -> Any:
        """network(x, **more), on several GPUs where the engine has them."""
        if not self.engine.gpu_ids or len(x) == 1:
            # painting never compiles: that would stop the run for minutes, unannounced
            return network(x, **more) if network.training else network.forward(x, **more)
        from torch.nn.parallel import data_parallel
        return data_parallel(network, x, self.engine.gpu_ids, module_kwargs=more)

    def paint(self, batch: Batch, before: Tensor | None = None) -> Tensor:
        """The picture for each pose of the batch, (B, C, H, W), the same one every time.

        before   what was painted for the frame before, for a SEQUENTIAL model; None where there
                 is none: at the start, and after a cut
        """
        import torch
        with torch.inference_mode(), self.inference_mode(), self.engine.autocast():
            return self.forward(batch, before).float()

    def blend_previous(self, batch: Batch, painted: Tensor, batch_before: Batch,
              before: Tensor) -> Tensor:
        """What `paint` gave for a batch of one frame, made to follow upon `before`, which this has
        given for the frame before; (1, C, H, W) both. For a model that BLENDS_PREVIOUS."""
        return painted

    def forward(self, batch: Batch, before: Tensor | None) -> Tensor:
        """What `paint` gives; for a model that paints from more than the pose."""
        return self.generate(batch['A'])

    @contextmanager
    def inference_mode(self) -> Iterator[None]:
        """Dropout off; each picture normalized as the run was trained; the averaged networks in
        place of those that they are the average of."""
        from models.networks.norm import normalize_by_sample
        trained = self.networks
        if self.ema:
            self.networks = trained | self.ema.networks
        G = self.networks['G']
        was_training = G.training
        if self.opt.batch_size == 1 and not getattr(self.opt, 'eval', False):
            normalize_by_sample(G)
        G.eval()
        try:
            yield
        finally:
            G.train(was_training)
            self.networks = trained

    def descend(self, name: str, loss: Tensor, *more: str) -> None:
        """One step of network `name`, and of those named by `more`, down the gradient of `loss`."""
        for each in (name, *more):
            self.optimizers[each].zero_grad(set_to_none=True)
        loss.backward()
        for each in (name, *more):
            self.optimizers[each].step()

    def set_rate(self, rate: float) -> None:
        """The learning rate of every optimizer from now on."""
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group['lr'] = rate

    def state(self) -> dict[str, Any]:
        """What `step` depends on besides the weights."""
        return {'optimizers': {k: v.state_dict() for k, v in self.optimizers.items()},
                'averaged': self.ema.updates if self.ema else 0}

    def load_state(self, state: dict[str, Any]) -> None:
        """Take back what state() gave."""
        if set(state['optimizers']) != set(self.optimizers):
            raise UserError('latest_state.pth belongs to another model. Give the --model that '
                            'this run was trained with, or another --name.')
        for name, optimizer in self.optimizers.items():
            load_optimizer(optimizer, state['optimizers'][name])
        if self.ema:
            self.ema.updates = state.get('averaged', 0)

    @classmethod
    def check_saved(cls, folder: Path, epoch: str) -> None:
        """UserError, naming what there is, where FOLDER holds nothing of that epoch to paint
        with."""
        from util.checkpoints import missing
        weights = folder / f'{epoch}_net_G.pth'
        if not weights.is_file():
            raise missing(weights)

    def weights(self) -> dict[str, dict[str, Tensor]]:
        """What is saved, by the NAME of EPOCH_net_NAME.pth."""
        averaged = self.ema.networks if self.ema else {}
        return {name: network.state_dict() for name, network in self.networks.items()} | \
            {f'{name}_ema': network.state_dict() for name, network in averaged.items()}

    def load_weights(self, folder: Path, epoch: str) -> None:
        """Load FOLDER/EPOCH_net_NAME.pth into every network; UserError where one does not fit. Who
        paints loads NAME_ema instead where there is one, but with --no_ema."""
        from models.networks import which_flags
        from util.checkpoints import load_weights
        by_flag = 'netG' in self.DEFAULTS       # else the model has networks of its own

        def load(network: nn.Module, name: str, ema: bool) -> None:
            averaged = folder / f'{epoch}_net_{name}_ema.pth'
            plain = folder / f'{epoch}_net_{name}.pth'
            load_weights(network, averaged if ema and averaged.is_file() else plain,
                         f'--net{name}' if by_flag else f'--model {self.opt.model}',
                         which_flags if by_flag else lambda _: OTHERWISE)

        for name, network in self.networks.items():
            load(network, name, ema=not (self.opt.isTrain or self.opt.no_ema))
        # an average that begins in the middle of a run begins with what was learnt until then
        for name, network in (self.ema.networks if self.ema else {}).items():
            load(network, name, ema=True)

    def check_size(self, width: int, height: int) -> None:
        """Raise UserError when pictures of this size cannot be trained on."""
        for network in self.networks.values():
            smallest = getattr(network, 'smallest', 1)
            if min(width, height) < smallest:
                raise UserError(
                    f'pictures of {width}x{height} are too small for --netD '
                    f'{self.opt.netD}: both sides must be {smallest} or more. Prepare the dataset '
                    f'with --size 256, or use --netD pixel.')


def load_optimizer(optimizer: Any, state: dict[str, Any]) -> None:
    """Take over an optimizer's state, but not how it computes or how its memory is laid out.

    The run may go on by another path than it began: load_state_dict would keep the old path's
    `fused`, and its strides, which fused Adam on a CPU takes for the parameters' own.
    """
    import torch
    ways = [{k: group[k] for k in ('fused', 'foreach')} for group in optimizer.param_groups]
    optimizer.load_state_dict(state)
    for group, way in zip(optimizer.param_groups, ways):
        group.update(way)
    for parameter, moments in optimizer.state.items():
        for key, value in moments.items():
            if value.shape == parameter.shape:
                moments[key] = torch.empty_like(parameter).copy_(value)
