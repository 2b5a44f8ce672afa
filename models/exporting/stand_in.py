"""Painting with exported networks: each stands in for torch's where the engine is asked for it.

Whatever a model calls by `run_network` while it paints can be exported, under the name that it has
in the model: G, Gface, or G.model for a part of G. All else of painting stays as it is.
"""
from __future__ import annotations

import argparse
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from models.base_model import BaseModel
from models.engine import Engine, choose_engine
from models.exporting.places import again, exported_files
from models.exporting.runtimes import RUNTIMES, Runtime
from models.networks.norm import BatchNorm2d
from util.errors import UserError
from util.noted import has_noted_bytes
from util.ranks import ALONE, Ranks

BY_IMAGE, BY_TRAINING = 'of each image', 'of training'      # whose statistics batch norm uses


class StandIn(nn.Module):
    """An exported network in torch's place: (B, C, H, W) -> (B, C', H', W')."""

    def __init__(self, runtime: Runtime, file: Path):
        super().__init__()
        self.runtime, self.file = runtime, file
        self.eval()

    def forward(self, x: Tensor, every: bool = False) -> Tensor | list[Tensor]:
        """every: as of networks.hourglass; only the last image is exported."""
        wrong = any(side not in (None, given) for side, given in zip(self.runtime.shape, x.shape))
        if wrong:
            takes = ' x '.join(str(side or 'any') for side in self.runtime.shape)
            given = ' x '.join(map(str, x.shape))
            raise UserError(f'{self.file}: takes {takes}, and this dataset gives {given}. Paint it '
                            f'with --runtime torch, or export with --dataroot of this dataset.')
        y = torch.from_numpy(self.runtime(x.float().contiguous().numpy()))
        return [y] if every else y


class Recorder(nn.Module):
    """A network that remembers the first `most` inputs and outputs while it computes."""

    def __init__(self, network: nn.Module, most: int):
        super().__init__()
        self.network, self.most = network, most
        self.inputs: list[Tensor] = []
        self.outputs: list[Tensor] = []
        self.eval()

    def forward(self, x: Tensor, **more: Any) -> Any:
        y = self.network(x, **more)
        if len(self.inputs) < self.most:
            last = y[-1] if isinstance(y, list) else y
            self.inputs.append(x.float().cpu().clone())
            self.outputs.append(last.float().cpu().clone())
        return y


def engine_for(opt: argparse.Namespace, ranks: Ranks = ALONE) -> Engine:
    """The engine of --device, --precision and --runtime: exported networks compute in float32 on
    the CPU, and so does what surrounds them."""
    if opt.runtime == 'torch':
        return choose_engine(opt.device, opt.gpu_ids, opt.precision, opt.no_compile, ranks)
    return choose_engine('cpu', precision='fp32', ranks=ranks)


def use_exported(model: BaseModel, run: Path, epoch: str, kind: str, at_once: int = 1) -> None:
    """Let the model, whose weights are loaded, paint with what was exported of that epoch.
    UserError where a file is damaged, of other weights, or normalizes in another way.

    kind      a format; 'torch' changes nothing
    at_once   frames that are painted at the same time
    """
    if kind == 'torch':
        return
    prepare(model)
    command = again(run.name, run.parent, epoch, kind)
    stand_ins: dict[nn.Module, nn.Module] = {}
    for name, file in exported_files(run, epoch, kind).items():
        check_bytes(file, command)
        network = named(model, name)
        runtime = RUNTIMES[kind](file, torch.get_num_threads(), at_once)
        if network is None or runtime.facts.get('weights') != digest(network):
            raise UserError(f'{file}: was exported from other weights than the run has now. Export '
                            f'it again: {command}')
        here = normalization(network)
        if runtime.facts.get('normalization') != here:
            flag = ' --eval' if here == BY_TRAINING else ''
            raise UserError(f'{file}: normalizes with the statistics '
                            f'{runtime.facts.get("normalization")}, not {here}. Export it again: '
                            f'{command}{flag}')
        stand_ins[network] = StandIn(runtime, file)
    stand_in(model, stand_ins, kind)


def check_bytes(file: Path, command: str) -> None:
    """UserError where an exported network is not as it was written: its format has no checksum."""
    for part in (file, file.with_suffix('.bin')):       # the second is OpenVINO's weights
        if part.is_file() and not has_noted_bytes(part):
            raise UserError(f'{part}: was changed or damaged after the export. Delete it and '
                            f'export it again: {command}')


def stand_in(model: BaseModel, stand_ins: Mapping[nn.Module, nn.Module], name: str = '') -> None:
    """Let these run in the place of networks while the model paints; {}: none."""
    model.engine = replace(model.engine, stand_ins=stand_ins, runtime=name)


def prepare(model: BaseModel) -> None:
    """Set the networks as they are while painting, for good."""
    with model.inference_mode():
        pass


def named(model: BaseModel, name: str) -> nn.Module | None:
    """The network of that name, such as G, or a part of one, such as G.model."""
    whole, _, part = name.partition('.')
    try:
        return model.networks[whole].get_submodule(part)
    except (KeyError, AttributeError):
        return None


def name_of(model: BaseModel, network: nn.Module) -> str:
    """The name of a network within the model."""
    for name, whole in model.networks.items():
        for path, part in whole.named_modules():
            if part is network:
                return f'{name}.{path}'.rstrip('.')
    raise AssertionError('the model paints with a network that is not in its networks')


def normalization(network: nn.Module) -> str:
    """Whose statistics batch norm uses while painting; '' where there is none."""
    layers = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    if not layers:
        return ''
    by_image = isinstance(layers[0], BatchNorm2d) and layers[0].by_sample
    return BY_IMAGE if by_image else BY_TRAINING


def digest(network: nn.Module) -> str:
    """sha256 of the weights, by which a file is known as theirs."""
    found = hashlib.sha256()
    for key, value in sorted(network.state_dict().items()):
        found.update(f'{key} {value.dtype} {tuple(value.shape)} '.encode())
        found.update(value.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()
