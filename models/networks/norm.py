"""Normalization layers, by upstream's names and with upstream's keys.

Shape letters: B batch, C channels, H W pixels.
"""
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from util.ranks import ALONE, Ranks


class BatchNorm2d(nn.BatchNorm2d):
    """Batch norm that can normalize a batch in parts, or each image by itself.

    parts       n: the batch is n batches together, normalized one after another with their own
                statistics, exactly as n passes would do it
    by_sample   when not training: normalize each image with its own statistics, the only ones
                that a network trained with one image per step has met
    ranks       those whose images are one batch, when training
    """

    parts = 1
    by_sample = False
    ranks = ALONE

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        if self.by_sample and not self.training:
            return torch.cat([F.batch_norm(one, None, None, self.weight, self.bias, True,
                                           0.0, self.eps) for one in x.split(1)])
        if self.parts == 1 or not self.training:
            return self.normalize(x)
        return torch.cat([self.normalize(part) for part in x.chunk(self.parts)])

    def normalize(self, x: Tensor) -> Tensor:
        if self.training and self.ranks.are_several:
            return normalized_together(self, x)
        return super().forward(x)


class SyncBatchNorm(nn.SyncBatchNorm):
    """torch's layer, which has the statistics of all ranks on GPUs only, here on CPUs too."""

    ranks = ALONE

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        if self.training and self.ranks.are_several:
            return normalized_together(self, x)
        return super().forward(x)


class MeanOfRanks(torch.autograd.Function):
    """The mean of a tensor over all ranks. Each of them has a loss; backward adds up what each
    loss says."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, ranks: Ranks) -> Tensor:
        ctx.ranks = ranks
        total = x.clone()
        ranks.add(total)
        return total / ranks.count

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        total = grads[0].clone()
        ctx.ranks.add(total)
        return total / ctx.ranks.count, None


def normalized_together(layer: BatchNorm2d | SyncBatchNorm, x: Tensor) -> Tensor:
    """Batch norm of (B, C, H, W) with the mean and variance of all ranks, whose batches have the
    same shape. torch's own SyncBatchNorm refuses tensors on a CPU, where this is tested."""
    values = x.float()
    mean = MeanOfRanks.apply(values.mean((0, 2, 3)), layer.ranks)
    centred = values - mean[:, None, None]
    variance = MeanOfRanks.apply(centred.square().mean((0, 2, 3)), layer.ranks)
    count = values.numel() // values.shape[1] * layer.ranks.count
    keep_running(layer, mean.detach(), variance.detach() * count / max(count - 1, 1))
    scale = layer.weight * torch.rsqrt(variance + layer.eps)
    return (centred * scale[:, None, None] + layer.bias[:, None, None]).to(x.dtype)


def keep_running(layer: BatchNorm2d | SyncBatchNorm, mean: Tensor, variance: Tensor) -> None:
    """Count a batch in the statistics of training, as torch does."""
    assert layer.running_mean is not None and layer.running_var is not None
    assert layer.num_batches_tracked is not None and layer.momentum is not None
    layer.num_batches_tracked.add_(1)
    layer.running_mean.lerp_(mean, layer.momentum)
    layer.running_var.lerp_(variance, layer.momentum)


def normalize_together(network: nn.Module, ranks: Ranks) -> None:
    """Let every batch norm of the network see what all ranks train on in a step as one batch."""
    for layer in network.modules():
        if isinstance(layer, (BatchNorm2d, SyncBatchNorm)):
            layer.ranks = ranks


def norm_layer(norm: str) -> Callable[[int], nn.Module]:
    """--norm batch|instance|none|syncbatch -> a function from channels to a layer."""
    layers: dict[str, Callable[[int], nn.Module]] = {
        'batch': BatchNorm2d, 'syncbatch': SyncBatchNorm, 'instance': nn.InstanceNorm2d,
        'none': nn.Identity}
    return layers[norm]


def needs_bias(norm: str) -> bool:
    """Whether a convolution before this norm has a bias, by upstream's rule."""
    return norm == 'instance'


@contextmanager
def in_parts(network: nn.Module, parts: int) -> Iterator[None]:
    """Within the block, `network` normalizes its batch in `parts`."""
    layers = [m for m in network.modules() if isinstance(m, BatchNorm2d)]
    try:
        for layer in layers:
            layer.parts = parts
        yield
    finally:
        for layer in layers:
            layer.parts = 1


def normalize_by_sample(network: nn.Module) -> None:
    """Let each image be normalized with its own statistics when not training."""
    for layer in network.modules():
        if isinstance(layer, BatchNorm2d):
            layer.by_sample = True
