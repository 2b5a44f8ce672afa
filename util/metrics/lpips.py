"""LPIPS: how different two images look to a person.

Zhang, Isola, Efros, Shechtman, Wang, "The Unreasonable Effectiveness of Deep Features as a
Perceptual Metric", CVPR 2018, arXiv 1801.03924; version 0.1 of the authors' weights, whose heads
weight each channel of five layers.

Shape letters: N images, H W pixels, C channels, h w positions of a layer.
"""
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from util.downloads import weights_path
from util.errors import UserError
from util.metrics.backbones import blocks, read_flax

FILES = {'alex': 'alexnet.ckpt', 'vgg': 'vgg16.ckpt'}
ENDS = {'alex': (0, 3, 6, 8, 10), 'vgg': (2, 7, 14, 21, 28)}       # convolutions that are compared
MEAN, DEVIATION = (-.030, -.088, -.188), (.458, .448, .450)         # ImageNet's, of [-1, 1]
SMALLEST = 32                   # px: AlexNet's poolings leave nothing of smaller images
FETCH = 'python scripts/get_models.py lpips'


def lpips_weights(net: str) -> Path | None:
    """The downloaded file of 'alex' or 'vgg'; None where it is missing (see FETCH) or damaged."""
    try:
        return weights_path('lpips', FILES[net])
    except UserError:
        return None


@dataclass(frozen=True)
class Features:
    """The network's features of N images.

    shape   (height, width) px of the images
    layers  five tensors (N, C, h, w): normalised to unit length at each position, then each channel
            times the root of its weight, so that a squared difference is LPIPS's
    pooled  float32 (N, C): spatial mean of the last layer, not normalised
    """
    shape: tuple[int, int]
    layers: list[Tensor]
    pooled: np.ndarray


class LpipsNetwork(nn.Module):
    """network(pixels) for (N, 3 or 1, H, W) in [-1, 1] -> the layers as in Features, and the last
    one, not normalised.

    net   'alex' or 'vgg'
    path  the weights, by default where FETCH puts them; UserError where they are missing
    eps   the least length to divide by when a position is normalised
    """
    mean: Tensor
    deviation: Tensor

    def __init__(self, net: str, path: Path | None = None, eps: float = 1e-10):
        super().__init__()
        weights = read_flax(path or weights_path('lpips', FILES[net]))
        self.eps = eps
        self.blocks = blocks(weights, ENDS[net])
        self.roots = nn.ParameterList(weights[f'lin{k}'].clamp_min(0).sqrt().view(-1, 1, 1)
                                      for k in range(len(self.blocks))).requires_grad_(False)
        self.register_buffer('mean', torch.tensor(MEAN).view(3, 1, 1))
        self.register_buffer('deviation', torch.tensor(DEVIATION).view(3, 1, 1))

    def forward(self, pixels: Tensor) -> tuple[list[Tensor], Tensor]:
        out = (pixels - self.mean) / self.deviation
        layers = []
        for block, root in zip(self.blocks, self.roots):
            out = block(out)
            layers.append(F.normalize(out.float(), eps=self.eps) * root)
        return layers, out


class Lpips:
    """LPIPS with AlexNet ('alex', the common choice) or VGG16 ('vgg').

    device  the name of a torch device
    bf16    whether convolutions run in bfloat16: faster where the processor supports it. Distances
            of photographs then differ by up to 0.0003, of a drawing on black and a photograph by
            1 %
    path    as in LpipsNetwork
    """

    def __init__(self, net: str, device: str = 'cpu', bf16: bool = False,
                 path: Path | None = None):
        self.device = torch.device(device)
        self.bf16 = bf16
        self.network = LpipsNetwork(net, path).to(self.device)
        if bf16 or self.device.type == 'cuda':
            self.network.to(memory_format=torch.channels_last)      # type: ignore[call-overload]

    @torch.inference_mode()
    def features(self, images: np.ndarray) -> Features:
        """Of images uint8 (N, H, W, 3 or 1), at least SMALLEST px; can be compared repeatedly.

        An image of 256x256 takes 2.6 MB with AlexNet, 32 MB with VGG16.
        UserError where they are smaller than SMALLEST.
        """
        height, width = images.shape[1:3]
        if min(height, width) < SMALLEST:
            raise UserError(f'LPIPS needs images of at least {SMALLEST}x{SMALLEST} px; these are '
                            f'{width}x{height}.')
        pixels = torch.from_numpy(np.ascontiguousarray(images)).to(self.device).permute(0, 3, 1, 2)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            layers, last = self.network(pixels / 127.5 - 1)
        return Features((height, width), layers, last.float().mean((2, 3)).cpu().numpy())

    @torch.inference_mode()
    def distance(self, a: Features, b: Features) -> np.ndarray:
        """float32 (N,): 0 for equal images, about 0.7 for unrelated ones. Lower is better."""
        layers = distances(a.layers, b.layers)
        return torch.stack([layer.mean((1, 2)) for layer in layers]).sum(0).cpu().numpy()

    @torch.inference_mode()
    def map(self, a: Features, b: Features) -> np.ndarray:
        """float32 (N, H, W): where the images differ; each layer's distances, upsampled bilinearly.

        Its mean is about `distance`, not exactly: upsampling weights the edges differently.
        """
        layers = [F.interpolate(d[:, None], a.shape, mode='bilinear', align_corners=False)[:, 0]
                  for d in distances(a.layers, b.layers)]
        return torch.stack(layers).sum(0).cpu().numpy()

    def between(self, a: np.ndarray, b: np.ndarray) -> float:
        """The distance of two images uint8 (H, W, 3) of one size: whole frames, or the crops of a
        person's box, which is what "LPIPS of a box" means in this project."""
        return float(self.distance(self.features(a[None]), self.features(b[None]))[0])


def distances(a: list[Tensor], b: list[Tensor]) -> list[Tensor]:
    """Five tensors (N, h, w): squared differences of the layers of two sets of images."""
    return [(x - y).square().sum(1) for x, y in zip(a, b)]
