"""What every model is: networks by name, a training step, and a way to paint.

A model is one file, models/NAME_model.py, with one subclass of BaseModel. Heavy imports belong
into its methods, so that --help stays quick.
"""
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from util.errors import UserError

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from torch import Tensor, nn

    from models.engine import Engine


class BaseModel:
    """networks, optimizers: dicts by name, 'G' painting. Filled by `build`."""

    # what this model prefers over the flags' defaults; run.json and typed flags still win
    DEFAULTS: dict[str, Any] = {}

    @staticmethod
    def declare_options(group: 'argparse._ArgumentGroup', phase: str) -> None:
        """Add this model's own flags; phase is 'train' or 'test'."""

    def __init__(self, opt: 'argparse.Namespace', engine: 'Engine'):
        self.opt, self.engine = opt, engine
        self.networks: dict[str, nn.Module] = {}
        self.optimizers: dict[str, Any] = {}
        self.build(opt)
        for name in self.networks:
            self.networks[name] = engine.place(self.networks[name])
        if not opt.isTrain:
            self.networks['G'].eval().requires_grad_(False)
        else:
            self.optimizers = {name: engine.adam(network, opt.lr, opt.beta1)
                               for name, network in self.networks.items()}

    def build(self, opt: 'argparse.Namespace') -> None:
        """Fill self.networks: 'G' always, what trains it too only if opt.isTrain."""
        raise NotImplementedError

    def step(self, x: 'Tensor', y: 'Tensor') -> dict[str, 'Tensor']:
        """One step of training on x the pose, y the frame, float (B, C, H, W) in [-1, 1].

        Returns   scalar losses by name, detached, not yet waited for
        """
        raise NotImplementedError

    def generate(self, x: 'Tensor') -> 'Tensor':
        """G(x) for x of any size (B, C, H, W): padded to what G takes, the result cropped back."""
        import torch.nn.functional as F
        G = self.networks['G']
        h, w = x.shape[-2:]
        multiple = getattr(G, 'multiple', 1)
        right, below = -w % multiple, -h % multiple
        if not right and not below:
            return self.spread(G, x)
        # no pose is drawn outside the picture: the padding is black, as the pose's ground
        padded = F.pad(x, (0, right, 0, below), value=-1.0)
        return self.spread(G, padded)[..., :h, :w]

    def spread(self, network: 'nn.Module', x: 'Tensor') -> 'Tensor':
        """network(x), on several GPUs where the engine has them."""
        if not self.engine.gpu_ids or len(x) == 1:
            # painting never compiles: that would stop the run for minutes, unannounced
            return network(x) if network.training else network.forward(x)
        from torch.nn.parallel import data_parallel
        return data_parallel(network, x, self.engine.gpu_ids)

    def paint(self, x: 'Tensor') -> 'Tensor':
        """The picture for each pose: (B, C, H, W) -> (B, C, H, W), the same one every time."""
        import torch
        with torch.inference_mode(), self.painting(), self.engine.autocast():
            return self.generate(x).float()

    @contextmanager
    def painting(self) -> 'Iterator[None]':
        """Dropout off; each picture normalized as the run was trained."""
        from models.networks.norm import normalize_by_sample
        G = self.networks['G']
        was_training = G.training
        if self.opt.batch_size == 1 and not getattr(self.opt, 'eval', False):
            normalize_by_sample(G)
        G.eval()
        try:
            yield
        finally:
            G.train(was_training)

    def descend(self, name: str, loss: 'Tensor') -> None:
        """One step of network `name` down the gradient of `loss`."""
        self.optimizers[name].zero_grad(set_to_none=True)
        loss.backward()
        self.optimizers[name].step()

    def set_rate(self, rate: float) -> None:
        """The learning rate of every optimizer from now on."""
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group['lr'] = rate

    def state(self) -> dict[str, Any]:
        """What `step` depends on besides the weights."""
        return {'optimizers': {k: v.state_dict() for k, v in self.optimizers.items()}}

    def load_state(self, state: dict[str, Any]) -> None:
        """Take back what state() gave."""
        if set(state['optimizers']) != set(self.optimizers):
            raise UserError('latest_state.pth belongs to another model. Give the --model that '
                            'this run was trained with, or another --name.')
        for name, optimizer in self.optimizers.items():
            load_optimizer(optimizer, state['optimizers'][name])

    def load_weights(self, folder: 'Path', epoch: str) -> None:
        """Load FOLDER/EPOCH_net_NAME.pth into every network; UserError where one does not fit."""
        from models.networks import which_flags
        from util.checkpoints import load_weights
        for name, network in self.networks.items():
            load_weights(network, folder / f'{epoch}_net_{name}.pth', f'--net{name}', which_flags)

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
