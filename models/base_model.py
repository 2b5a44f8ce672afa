"""What every model is: networks by name, a training step, and a way to paint.

A model is one file, models/NAME_model.py, with one subclass of BaseModel. Heavy imports belong
into its methods, so that --help stays quick. models/template_model.py is the smallest example.

The hooks in the order of their calls; * must be written, all others have a
default. "both" is train.py and test.py.

    declare_options     both       adds the model's own flags
    validate_options    both       refuses flags, sets those that follow from others
    check_saved         test.py    refuses a run that lacks files to paint with
    build *             both       makes the networks
    check_size          train.py   refuses images too small to train on
    metadata            train.py   what run.json says of the model apart from its options
    load_weights        both       loads a saved epoch: to resume, and to paint
    load_state          train.py   resumes with what `state` gave
    fit *               train.py   instead of all steps, if not TRAINS
    on_train_start      train.py   once per session, before its first step
    on_dataset          both       before a dataset is painted; in train.py the held-out one
    on_epoch_start      train.py   before the first step of an epoch
    on_step_start       train.py   before a step, then set_rate
    step *              train.py   one training step: losses by name (if TRAINS)
    on_step_end         train.py   after a step: the moving average of --ema
    inference_mode      both       while painting: no dropout, averaged networks
    forward             both       what is painted for a batch: G(batch['A'])
    paint_film          test.py    the same, as large as the film is
    blend_previous      test.py    follows the frame before, if BLENDS_PREVIOUS
    check_live, on_live, on_pose, alpha, paint_nobody   webcam.py; models.live says what they do
    visible             both       the poses as a person should see them
    weights, state      train.py   what a save holds
"""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from models.live import PaintsLive
from util.errors import UserError

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from torch import Tensor, nn

    from data.base_dataset import BaseDataset
    from models.ema import EMA
    from models.engine import Batch, Engine
    from models.painted import Painted

# Hint shown when a checkpoint does not fit a model with a fixed architecture (no --netG).
OTHERWISE = 'It was trained with other flags or by another version. Train again with --overwrite.'


class BaseModel(PaintsLive):
    """networks     {name: network}, filled by `build`; 'G' paints
    optimizers   {name: Adam of that network}, while training
    ema          the moving average of --ema, while training

    DEFAULTS     values it prefers to the flags' defaults; run.json and typed flags still win
    PAINTERS     networks that painting needs, where they exist: --ema averages these
    SEQUENTIAL   whether a frame is painted from the one painted before it
    BLENDS_PREVIOUS  whether `blend_previous` blends a painted frame with the one before
    TRAINS       whether it trains in steps; otherwise `fit` does all at once
    RESULTS      more files of each painted frame, named as elsewhere: {our label: end of the name}
    PAINTS_UNTRAINED  whether it paints something worth seeing before its first step; --max_minutes
                 0 is refused otherwise
    MINUTES      how long transfer.py trains it unless --minutes says otherwise
    ANY_SHAPE    whether a frame of any aspect costs no more than its pixels, without padding to a
                 square; transfer.py then keeps the aspect of the target's video
    ARTEFACTS    regular expressions of files in a run apart from weights; --overwrite removes them
    EXPORTED     what goes into and comes out of what scripts/export.py writes; '': no network
    """

    DEFAULTS: dict[str, Any] = {}
    PAINTERS: tuple[str, ...] = ('G',)
    SEQUENTIAL = BLENDS_PREVIOUS = False
    TRAINS = True
    PAINTS_UNTRAINED = ANY_SHAPE = False
    MINUTES = 20.0
    RESULTS: dict[str, str] = {}
    ARTEFACTS: tuple[str, ...] = ()
    EXPORTED = 'G: the drawn pose in, the frame out, RGB from -1 to 1'
    OF_EACH_RANK: tuple[str, ...] = ()      # keys of `state` that differ among ranks (torchrun)

    @staticmethod
    def declare_options(group: argparse._ArgumentGroup, phase: str) -> None:
        """Add this model's own flags; phase is 'train' or 'test'."""

    @staticmethod
    def validate_options(opt: argparse.Namespace) -> None:
        """Refuse flags that make no sense, and set those that follow from other flags or from the
        dataset, before the options are frozen and recorded."""

    def __init__(self, opt: argparse.Namespace, engine: Engine):
        self.opt = opt
        self.engine = engine
        self.networks: dict[str, nn.Module] = {}
        self.optimizers: dict[str, Any] = {}
        self.ema: EMA | None = None
        self.ready: nn.Module | None = None     # what inference_mode prepared, for good
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
        """The moving average of all PAINTERS, from here on."""
        from models.ema import EMA
        painters = {name: self.networks[name] for name in self.networks if name in self.PAINTERS}
        return EMA(painters, decay)

    def build(self, opt: argparse.Namespace) -> None:
        """Fill self.networks: 'G' always, networks that only train it if opt.isTrain."""
        raise NotImplementedError

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """One step of training on batch['A'] the poses and batch['B'] the frames.

        Returns   scalar losses by name, detached, not yet waited for
        """
        raise NotImplementedError

    def fit(self, dataset: BaseDataset, folder: Path) -> None:
        """Take what painting needs from the dataset and save it in the run's folder, where
        load_weights finds it. For a model that does not train."""
        raise NotImplementedError

    def on_train_start(self, dataset: BaseDataset, folder: Path) -> None:
        """Called before the first step of each session, with the training dataset and the run's
        folder. A model that saves something of the dataset there does it now, unless it was
        loaded. What an earlier start left there may be of another dataset and is not trusted."""

    def on_dataset(self, dataset: BaseDataset) -> None:
        """Called before the items of a dataset are painted, but not for images of training."""

    def on_epoch_start(self, epoch: int) -> None:
        """Called before the first step of `epoch`, from 1, and again when a run resumes in it."""

    def on_step_start(self, over: float) -> None:
        """Called before every step; `over` is the fraction of the run, 0 to 1, that is over."""

    def on_step_end(self) -> None:
        """Called after every step."""
        if self.ema:
            self.ema.update(self.networks)

    def metadata(self) -> dict[str, Any]:
        """What the run's record says of the model apart from its options."""
        return {}

    def visible(self, poses: Tensor) -> Tensor:
        """batch['A'] as a person should see it: float (B, C, H, W) in [-1, 1]."""
        return poses

    def generate(self, x: Tensor, ground: float | None = -1.0) -> Tensor:
        """G(x) for x of any size (B, C, H, W): padded to what G takes, the result cropped back. If
        G `enlarges`, the result is that many times as large.

        ground   value of the padding: black, as the ground of a pose; None repeats the edge
        """
        G = self.networks['G']
        times = getattr(G, 'enlarges', 1)
        height, width = x.shape[-2:]
        return self.run_network(G, self.padded(x, ground))[..., :height * times, :width * times]

    def all_outputs(self, x: Tensor, ground: float | None = -1.0) -> list[Tensor]:
        """The images of all stacks of --netG stacked_hourglass, each as `generate` gives it; the
        last is the result. Any other generator gives one."""
        G = self.networks['G']
        if not hasattr(G, 'stacks'):
            return [self.generate(x, ground)]
        height, width = x.shape[-2:]
        images = self.run_network(G, self.padded(x, ground), every=True)
        return [image[..., :height, :width] for image in images]

    def padded(self, x: Tensor, ground: float | None) -> Tensor:
        """x padded at the right and lower edges to G's `multiple` and `least`."""
        from models.tensors import padded
        G: Any = self.networks['G']
        multiple = getattr(G, 'multiple', 1)
        return padded(x, multiple, getattr(G, 'least', multiple), ground)

    def run_network(self, network: nn.Module, x: Tensor, **more: Any) -> Any:
        """network(x, **more), on several GPUs where the engine has them. Outside training it
        is the engine's fastest form of it."""
        if not self.opt.isTrain:
            network = self.engine.to_paint(network)
        if not self.engine.gpu_ids or len(x) == 1:
            # painting never compiles: that would halt the run for minutes without a word
            return network(x, **more) if network.training else network.forward(x, **more)
        from torch.nn.parallel import data_parallel
        return data_parallel(network, x, self.engine.gpu_ids, module_kwargs=more)

    def paint(self, batch: Batch, before: Tensor | None = None) -> Tensor:
        """The painted image for each pose of the batch, (B, C, H, W), the same every time.

        before   the painted frame before, for a SEQUENTIAL model; None where there is none: at
                 the start, and after a cut
        """
        import torch
        with torch.inference_mode(), self.inference_mode(), self.engine.autocast():
            return self.forward(batch, before).float()

    def paint_film(self, batch: Batch, before: Any = None) -> Painted:
        """The same as pictures of the film, which may be larger than those of the batch.

        before   Painted.exact of the frame before, for a SEQUENTIAL model; else None
        """
        from models.engine import to_image
        from models.painted import Painted
        exact = self.paint(batch, before)
        return Painted(to_image(exact), exact)

    def blend_previous(self, batch: Batch, painted: Painted, batch_before: Batch,
                       before: Painted) -> Painted:
        """A painted frame blended with the frame before, for a model that BLENDS_PREVIOUS.

        painted   one frame, from `paint_film` for `batch`
        before    from this method for `batch_before`
        """
        return painted

    def forward(self, batch: Batch, before: Tensor | None) -> Tensor:
        """The painted images; written by a model that paints from more than the pose."""
        return self.generate(batch['A'])

    @contextmanager
    def inference_mode(self) -> Iterator[None]:
        """Within the block dropout is off, each image is normalized as in training, and averaged
        networks replace those that they average."""
        from models.networks.norm import normalize_by_sample
        trained = self.networks
        if self.ema:
            self.networks = trained | self.ema.networks
        G = self.networks['G']
        if not self.opt.isTrain and self.ready is G:    # a live pose has no time to do it again
            yield
            return
        self.ready = G
        was_training = G.training
        if self.opt.batch_size == 1 and not getattr(self.opt, 'eval', False):
            normalize_by_sample(G)
        G.eval()
        try:
            yield
        finally:
            G.train(was_training)
            self.networks = trained

    def descend(self, name: str, loss: Tensor | None, *more: str, share: float = 1.0) -> None:
        """One optimizer step of network `name`, and of those named by `more`, on the mean of `loss`
        over all ranks: each calls it, even without a loss. `share` is its weight in the mean."""
        for each in (name, *more):
            self.optimizers[each].zero_grad(set_to_none=True)
        if loss is not None:
            loss.backward()
        self.engine.ranks.average([self.networks[each] for each in (name, *more)], share)
        for each in (name, *more):
            self.optimizers[each].step()

    def set_rate(self, rate: float) -> None:
        """Set the learning rate of every optimizer."""
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group['lr'] = rate

    def state(self) -> dict[str, Any]:
        """All that `step` depends on apart from the weights."""
        return {'optimizers': {k: v.state_dict() for k, v in self.optimizers.items()},
                'averaged': self.ema.updates if self.ema else 0}

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `state` gave."""
        if set(state['optimizers']) != set(self.optimizers):
            raise UserError('latest_state.pth belongs to another model. Give the --model that '
                            'this run was trained with, or another --name.')
        from models.optimizers import load_optimizer
        for name, optimizer in self.optimizers.items():
            load_optimizer(optimizer, state['optimizers'][name])
        if self.ema:
            self.ema.updates = state.get('averaged', 0)

    @classmethod
    def check_saved(cls, folder: Path, epoch: str) -> None:
        """UserError, naming what there is, where `folder` cannot paint with that epoch."""
        from util.checkpoints import warn_of_noise
        from util.owned import placed
        from util.runs import missing
        weights = folder / f'{epoch}_net_G.pth'
        if placed(weights) is None:
            raise missing(weights)
        if not cls.PAINTS_UNTRAINED:
            warn_of_noise(folder, epoch)

    def weights(self) -> dict[str, dict[str, Tensor]]:
        """State dicts to save, by the NAME of EPOCH_net_NAME.pth."""
        networks = dict(self.networks)
        if self.ema:
            networks |= {f'{name}_ema': network for name, network in self.ema.networks.items()}
        return {name: network.state_dict() for name, network in networks.items()}

    def load_weights(self, folder: Path, epoch: str) -> None:
        """Load all that painting needs, and that training resumes with, from the run's folder."""
        self.load_networks(folder, epoch)

    def load_networks(self, folder: Path, epoch: str) -> None:
        """Load FOLDER/EPOCH_net_NAME.pth into every network, all of one save; UserError where one
        does not fit. Painting loads NAME_ema instead where it exists, unless --no_ema is given."""
        from util.checkpoints import together
        together(folder, epoch, lambda: self._load_networks(folder, epoch))

    def _load_networks(self, folder: Path, epoch: str) -> None:
        from models.networks import which_flags
        from util.owned import placed
        from util.state_dicts import load_weights
        by_flag = 'netG' in self.DEFAULTS       # otherwise the architecture is fixed

        def load(network: nn.Module, name: str, ema: bool) -> None:
            averaged = folder / f'{epoch}_net_{name}_ema.pth'
            plain = folder / f'{epoch}_net_{name}.pth'
            path = averaged if ema and placed(averaged) else plain
            if by_flag:
                load_weights(network, path, f'--net{name}', which_flags)
            else:
                load_weights(network, path, f'--model {self.opt.model}', lambda _: OTHERWISE)

        for name, network in self.networks.items():
            load(network, name, ema=not (self.opt.isTrain or self.opt.no_ema))
        # an average that starts in the middle of a run starts from the weights at that time
        if self.ema:
            for name, network in self.ema.networks.items():
                load(network, name, ema=True)

    def check_size(self, width: int, height: int) -> None:
        """UserError where images of this size are too small to train on."""
        for network in self.networks.values():
            smallest = getattr(network, 'smallest', 1)
            if min(width, height) < smallest:
                raise UserError(
                    f'images of {width}x{height} are too small for --netD '
                    f'{self.opt.netD}: both sides must be {smallest} or more. Prepare the dataset '
                    f'with --size 256, or use --netD pixel.')
