"""U-Net generator, layer for layer and key for key as upstream's.

Ronneberger et al., "U-Net", MICCAI 2015, arXiv 1505.04597, as a generator in Isola et al.,
"Image-to-Image Translation with Conditional Adversarial Networks", CVPR 2017, arXiv 1611.07004,
Sec. 6.1.1.

Shape letters: B batch, C channels, H W pixels.
"""
import torch
from torch import Tensor, nn

from models.networks.norm import needs_bias, norm_layer


class UnetSkipConnectionBlock(nn.Module):
    """One level: down, the levels inside, up; and a skip connection across.

        x ──► down ──► (submodule) ──► up ──► cat with x
    """

    def __init__(self, outer_nc: int, inner_nc: int, input_nc: int | None = None,
                 submodule: nn.Module | None = None, outermost: bool = False,
                 innermost: bool = False, norm: str = 'batch', use_dropout: bool = False):
        super().__init__()
        self.outermost = outermost
        bias = needs_bias(norm)
        make_norm = norm_layer(norm)
        down_conv = nn.Conv2d(input_nc or outer_nc, inner_nc, 4, 2, 1, bias=bias)
        up_nc = inner_nc if innermost else inner_nc * 2         # the skip doubles what comes up
        up_bias = True if outermost else bias
        up_conv = nn.ConvTranspose2d(up_nc, outer_nc, 4, 2, 1, bias=up_bias)
        # in place as upstream: the skip then holds LeakyReLU(x), which its weights expect
        relu, leaky = nn.ReLU(True), nn.LeakyReLU(0.2, True)
        inside = [submodule] if submodule else []
        if outermost:
            layers = [down_conv, *inside, relu, up_conv, nn.Tanh()]
        elif innermost:
            layers = [leaky, down_conv, relu, up_conv, make_norm(outer_nc)]
        else:
            layers = [leaky, down_conv, make_norm(inner_nc), *inside,
                      relu, up_conv, make_norm(outer_nc)]
            if use_dropout:
                layers.append(nn.Dropout(0.5))
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        if self.outermost:
            return self.model(x)
        return torch.cat([x, self.model(x)], 1)


class UnetGenerator(nn.Module):
    """(B, input_nc, H, W) in [-1, 1] -> (B, output_nc, H, W) in [-1, 1].

    num_downs   how often the image is halved: 7 for unet_128, 8 for unet_256. H and W must be
                multiples of `multiple` = 2 ** num_downs.
    """

    def __init__(self, input_nc: int, output_nc: int, num_downs: int, ngf: int = 64,
                 norm: str = 'batch', use_dropout: bool = False):
        super().__init__()
        self.multiple = 2 ** num_downs
        block = UnetSkipConnectionBlock(ngf * 8, ngf * 8, norm=norm, innermost=True)
        for _ in range(num_downs - 5):
            block = UnetSkipConnectionBlock(ngf * 8, ngf * 8, submodule=block, norm=norm,
                                            use_dropout=use_dropout)
        for scale in (4, 2, 1):
            block = UnetSkipConnectionBlock(ngf * scale, ngf * scale * 2, submodule=block,
                                            norm=norm)
        self.model = UnetSkipConnectionBlock(output_nc, ngf, input_nc=input_nc, submodule=block,
                                             outermost=True, norm=norm)

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)
