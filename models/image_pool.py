"""Earlier fakes, shown to the discriminator again so that it does not forget them.

Shrivastava et al., "Learning from Simulated and Unsupervised Images", CVPR 2017,
arXiv 1612.07828, Sec. 2.3.
"""
import torch
from torch import Tensor


class ImagePool:
    """Holds up to `size` pairs (C, H, W); with size 0 every pair passes through."""

    def __init__(self, size: int):
        self.size = size
        self.pairs: list[Tensor] = []

    def exchange(self, pairs: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape: a full pool swaps each pair for an earlier one with
        probability 1/2."""
        if self.size == 0:
            return pairs
        return torch.stack([self._exchange_one(pair) for pair in pairs])

    def _exchange_one(self, pair: Tensor) -> Tensor:
        if len(self.pairs) < self.size:
            self.pairs.append(pair.clone())
            return pair
        if torch.rand(()) < 0.5:
            return pair
        place = int(torch.randint(self.size, ()))
        old = self.pairs[place]
        self.pairs[place] = pair.clone()
        return old
