"""DCGAN's small generator, from a vector to an image, and its discriminator.

Radford et al., "Unsupervised Representation Learning with Deep Convolutional Generative
Adversarial Networks" (DCGAN), ICLR 2016, arXiv 1511.06434, Sec. 3, at the widths with which the
course project "Dance" of Universite Lyon 1 (A. Meyer) paints a dancer from 13 joints.

Shape letters: B batch, C channels, S side of the image in px.
"""
from torch import Tensor, nn

from models.networks.norm import norm_layer

START = 4           # px: side of the generator's first and of the discriminator's last features


def doublings(side: int) -> int:
    """How often START is doubled to reach `side`."""
    count = (side // START).bit_length() - 1
    assert side == START * 2 ** count, f'{side} is not {START} doubled'
    return count


def has_bias(norm: str) -> bool:
    """Whether a convolution before this norm needs one: batch norm adds its own."""
    return norm not in ('batch', 'syncbatch')


class DeconvGenerator(nn.Module):
    """(B, input_nc, 1, 1) -> (B, output_nc, S, S) in [-1, 1]; S = `side`, 4 times a power of 2.

    encode  the input is an image (B, input_nc, S, S) instead, first encoded to 4x4

    Each layer doubles the side and halves the channels, down to `ngf` before the last: for S = 64
    and ngf = 16 they are 128, 64, 32, 16, 3; for S = 128 another 256 comes before.
    """

    def __init__(self, input_nc: int, output_nc: int, side: int = 64, ngf: int = 16,
                 norm: str = 'batch', encode: bool = False):
        super().__init__()
        bias, make_norm = has_bias(norm), norm_layer(norm)
        widths = [ngf * 2 ** n for n in range(doublings(side))]
        layers: list[nn.Module] = []
        if encode:
            for n, width in enumerate(widths):
                into = widths[n - 1] if n else input_nc
                layers += [nn.Conv2d(into, width, 4, 2, 1, bias=not n or bias),
                           make_norm(width) if n else nn.Identity(), nn.LeakyReLU(0.2, True)]
        else:
            layers += [nn.ConvTranspose2d(input_nc, widths[-1], START, bias=bias),
                       make_norm(widths[-1]), nn.ReLU(True)]
        for width in reversed(widths[1:]):
            layers += [nn.ConvTranspose2d(width, width // 2, 4, 2, 1, bias=bias),
                       make_norm(width // 2), nn.ReLU(True)]
        layers += [nn.ConvTranspose2d(ngf, output_nc, 4, 2, 1), nn.Tanh()]
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


class PictureDiscriminator(nn.Module):
    """(B, C, S, S) -> (B, 1, 1, 1): one logit for the whole image; S = `side`.

    Each layer halves the side and doubles the channels, from ndf to 8 ndf: 64, 128, 256, 512.
    """

    def __init__(self, input_nc: int, side: int = 64, ndf: int = 64, norm: str = 'batch'):
        super().__init__()
        bias, make_norm = has_bias(norm), norm_layer(norm)
        layers: list[nn.Module] = [nn.Conv2d(input_nc, ndf, 4, 2, 1), nn.LeakyReLU(0.2, True)]
        into = ndf
        for n in range(1, doublings(side)):
            width = ndf * min(2 ** n, 8)
            layers += [nn.Conv2d(into, width, 4, 2, 1, bias=bias), make_norm(width),
                       nn.LeakyReLU(0.2, True)]
            into = width
        layers.append(nn.Conv2d(into, 1, START))
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)
