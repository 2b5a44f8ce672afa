"""PatchGAN discriminators, layer for layer and key for key as upstream's.

Isola et al., CVPR 2017, arXiv 1611.07004, Sec. 3.2.2 and 6.1.2: one logit for each patch.

Shape letters: B batch, C channels, H W pixels, h w patches.
"""
from torch import Tensor, nn

from models.networks.norm import needs_bias, norm_layer


class NLayerDiscriminator(nn.Module):
    """(B, C, H, W) -> (B, 1, h, w) logits; a patch is 70 px wide for n_layers=3.

    The shorter side must be at least `smallest` px; below that no patch is left.
    """

    def __init__(self, input_nc: int, ndf: int = 64, n_layers: int = 3, norm: str = 'batch'):
        super().__init__()
        self.smallest = 3 * 2 ** n_layers       # leaves 3 px for two 4x4 layers of stride 1
        bias, make_norm = needs_bias(norm), norm_layer(norm)
        layers: list[nn.Module] = [nn.Conv2d(input_nc, ndf, 4, 2, 1), nn.LeakyReLU(0.2, True)]
        before = 1
        for n in range(1, n_layers + 1):
            scale = min(2 ** n, 8)
            stride = 2 if n < n_layers else 1
            layers += [nn.Conv2d(ndf * before, ndf * scale, 4, stride, 1, bias=bias),
                       make_norm(ndf * scale), nn.LeakyReLU(0.2, True)]
            before = scale
        layers.append(nn.Conv2d(ndf * before, 1, 4, 1, 1))
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


class PixelDiscriminator(nn.Module):
    """(B, C, H, W) -> (B, 1, H, W) logits: one for each pixel."""

    smallest = 1

    def __init__(self, input_nc: int, ndf: int = 64, norm: str = 'batch'):
        super().__init__()
        bias = needs_bias(norm)
        self.net = nn.Sequential(
            nn.Conv2d(input_nc, ndf, 1), nn.LeakyReLU(0.2, True),
            nn.Conv2d(ndf, ndf * 2, 1, bias=bias), norm_layer(norm)(ndf * 2),
            nn.LeakyReLU(0.2, True), nn.Conv2d(ndf * 2, 1, 1, bias=bias))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)
