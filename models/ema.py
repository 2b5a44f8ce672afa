"""--ema: copies of the networks that paint, whose weights are the running mean of theirs.

An adversary keeps its generator moving around what it has found; the mean rests there. Yazici et
al., "The Unusual Effectiveness of Averaging in GAN Training", ICLR 2019, arXiv 1806.04498. The
first steps count for less, as in TensorFlow's ExponentialMovingAverage with num_updates.
"""
import copy
from collections.abc import Mapping

import torch
from torch import nn


class EMA:
    """networks   by name, never trained or compiled
    updates    so far; set it to 0 where what was learnt before says little of what comes
    """

    def __init__(self, networks: Mapping[str, nn.Module], decay: float):
        self.decay, self.updates = decay, 0
        self.networks = {name: copy.deepcopy(network).eval().requires_grad_(False)
                         for name, network in networks.items()}

    @torch.no_grad()
    def update(self, networks: Mapping[str, nn.Module]) -> None:
        """mean <- d mean + (1 - d) now, d = min(decay, (1 + n) / (10 + n)) after n updates; what
        is counted and not learnt, like batch norm's statistics, is copied."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for name, mean in self.networks.items():
            now = networks[name]
            torch._foreach_lerp_(list(mean.parameters()), list(now.parameters()), 1 - decay)
            for kept, buffer in zip(mean.buffers(), now.buffers()):
                kept.copy_(buffer)
        self.updates += 1
