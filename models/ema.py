"""--ema: copies of the networks that paint, whose weights are an exponential moving average.

An adversary keeps its generator circling around a solution; the average stays close to it. Yazici
et al., "The Unusual Effectiveness of Averaging in GAN Training", ICLR 2019, arXiv 1806.04498. The
first steps have less weight, as in TensorFlow's ExponentialMovingAverage with num_updates.
"""
import copy
from collections.abc import Mapping

import torch
from torch import nn


class EMA:
    """networks   the averaged copies by name, never trained or compiled
    updates    number of updates so far; at 0 the average starts again from the current weights
    """

    def __init__(self, networks: Mapping[str, nn.Module], decay: float):
        self.decay = decay
        self.updates = 0
        self.networks = {name: copy.deepcopy(network).eval().requires_grad_(False)
                         for name, network in networks.items()}

    @torch.no_grad()
    def update(self, networks: Mapping[str, nn.Module]) -> None:
        """mean <- d mean + (1 - d) now, d = min(decay, (1 + n) / (10 + n)) after n updates.
        Buffers, such as the statistics of batch norm, are copied."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for name, mean in self.networks.items():
            now = networks[name]
            torch._foreach_lerp_(list(mean.parameters()), list(now.parameters()), 1 - decay)
            for kept, buffer in zip(mean.buffers(), now.buffers()):
                kept.copy_(buffer)
        self.updates += 1
