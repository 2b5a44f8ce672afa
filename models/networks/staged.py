"""What lets a coarse-to-fine generator be trained from its inside outwards in one run.

Wang et al., CVPR 2018, arXiv 1711.11585, Sec. 3.2: first G1 alone, at half size, then G2 around it.

Shape letters: B batch, C channels, H W pixels.
"""
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.networks.pix2pixhd import padding, to_picture


class CoarsePicture(nn.Module):
    """What G1 has and G2 does not need: from its features (B, ngf, H, W) to a picture
    (B, output_nc, H, W) in [-1, 1].

    in_use   whether the run is still at half size; kept with the weights, so that those of any
             epoch say how they paint
    """

    in_use: Tensor

    def __init__(self, ngf: int, output_nc: int):
        super().__init__()
        self.model = nn.Sequential(*to_picture(ngf, output_nc))
        self.register_buffer('in_use', torch.tensor(True))

    def forward(self, features: Tensor) -> Tensor:
        return self.model(features)


def through(x: Tensor, network: Callable[[Tensor], Tensor], multiple: int) -> Tensor:
    """network(x) for x of any size: its edge repeated up to a multiple and to two of them at
    least, the result cropped back."""
    h, w = x.shape[-2:]
    right, below = (padding(side, multiple, 2 * multiple) for side in (w, h))
    return network(F.pad(x, (0, right, 0, below), mode='replicate'))[..., :h, :w]
