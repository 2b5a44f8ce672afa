"""Normalization layers, by upstream's names and with upstream's keys.

Shape letters: B batch, C channels, H W pixels.
"""
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class BatchNorm2d(nn.BatchNorm2d):
    """Batch norm that can normalize a batch in parts, or each image by itself.

    parts       n: the batch is n batches together, normalized one after another with their own
                statistics, exactly as n passes would do it
    by_sample   when not training: normalize each image with its own statistics, the only ones
                that a network trained with one image per step has met
    """

    parts = 1
    by_sample = False

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        if self.by_sample and not self.training:
            return torch.cat([F.batch_norm(one, None, None, self.weight, self.bias, True,
                                           0.0, self.eps) for one in x.split(1)])
        if self.parts == 1 or not self.training:
            return super().forward(x)
        return torch.cat([nn.BatchNorm2d.forward(self, part) for part in x.chunk(self.parts)])


def norm_layer(norm: str) -> Callable[[int], nn.Module]:
    """--norm batch|instance|none|syncbatch -> a function from channels to a layer."""
    layers: dict[str, Callable[[int], nn.Module]] = {
        'batch': BatchNorm2d, 'syncbatch': nn.SyncBatchNorm, 'instance': nn.InstanceNorm2d,
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
