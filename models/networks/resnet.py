"""ResNet generator, layer for layer and key for key as upstream's.

Johnson et al., "Perceptual Losses for Real-Time Style Transfer and Super-Resolution", ECCV 2016,
arXiv 1603.08155, as used by Zhu et al., CycleGAN, ICCV 2017, arXiv 1703.10593, Sec. 7.2.

Shape letters: B batch, C channels, H W pixels.
"""
from torch import Tensor, nn

from models.networks.norm import needs_bias, norm_layer


class ResnetBlock(nn.Module):
    """x + two 3x3 convolutions of x; dropout between them shifts the second's key, as upstream.

    bias   whether the convolutions have one; upstream's rule for that norm when None
    """

    def __init__(self, nc: int, norm: str, use_dropout: bool, bias: bool | None = None):
        super().__init__()
        bias = needs_bias(norm) if bias is None else bias
        make_norm = norm_layer(norm)
        layers: list[nn.Module] = [nn.ReflectionPad2d(1), nn.Conv2d(nc, nc, 3, bias=bias),
                                   make_norm(nc), nn.ReLU(True)]
        if use_dropout:
            layers.append(nn.Dropout(0.5))
        layers += [nn.ReflectionPad2d(1), nn.Conv2d(nc, nc, 3, bias=bias), make_norm(nc)]
        self.conv_block = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv_block(x)


class ResnetGenerator(nn.Module):
    """(B, input_nc, H, W) in [-1, 1] -> (B, output_nc, H, W) in [-1, 1]; H, W multiples of 4."""

    multiple = 4

    def __init__(self, input_nc: int, output_nc: int, n_blocks: int, ngf: int = 64,
                 norm: str = 'batch', use_dropout: bool = False):
        super().__init__()
        bias, make_norm = needs_bias(norm), norm_layer(norm)
        layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(input_nc, ngf, 7, bias=bias),
                                   make_norm(ngf), nn.ReLU(True)]
        for scale in (1, 2):
            layers += [nn.Conv2d(ngf * scale, ngf * scale * 2, 3, 2, 1, bias=bias),
                       make_norm(ngf * scale * 2), nn.ReLU(True)]
        layers += [ResnetBlock(ngf * 4, norm, use_dropout) for _ in range(n_blocks)]
        for scale in (4, 2):
            layers += [nn.ConvTranspose2d(ngf * scale, ngf * scale // 2, 3, 2, 1, 1, bias=bias),
                       make_norm(ngf * scale // 2), nn.ReLU(True)]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(ngf, output_nc, 7), nn.Tanh()]
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)
