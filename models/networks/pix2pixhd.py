"""Coarse-to-fine generators, the encoder and the discriminators of pix2pixHD. Keys are NVIDIA's,
so that its checkpoints load here.

Wang et al., "High-Resolution Image Synthesis and Semantic Manipulation with Conditional GANs",
CVPR 2018, arXiv 1711.11585, Sec. 3.2 and 3.4, appendix A.

Shape letters: B batch, C channels, H W pixels, h w patches.
"""
from itertools import chain

import torch
from torch import Tensor, nn

from models.networks.norm import norm_layer
from models.networks.resnet import ResnetBlock
from models.tensors import half_size, through


def to_features(input_nc: int, ngf: int, norm: str) -> list[nn.Module]:
    """c7s1-ngf: a 7x7 convolution that keeps the size."""
    return [nn.ReflectionPad2d(3), nn.Conv2d(input_nc, ngf, 7), norm_layer(norm)(ngf),
            nn.ReLU(True)]


def halve(nc: int, norm: str) -> list[nn.Module]:
    """d: half the size, twice the channels."""
    return [nn.Conv2d(nc, nc * 2, 3, 2, 1), norm_layer(norm)(nc * 2), nn.ReLU(True)]


def double(nc: int, norm: str) -> list[nn.Module]:
    """u: twice the size, half the channels."""
    return [nn.ConvTranspose2d(nc, nc // 2, 3, 2, 1, 1), norm_layer(norm)(nc // 2), nn.ReLU(True)]


def to_picture(ngf: int, output_nc: int) -> list[nn.Module]:
    """c7s1 to an image in [-1, 1]."""
    return [nn.ReflectionPad2d(3), nn.Conv2d(ngf, output_nc, 7), nn.Tanh()]


class GlobalGenerator(nn.Module):
    """G1: (B, input_nc, H, W) -> (B, output_nc, H, W) in [-1, 1].

    H and W must be multiples of `multiple` and at least `least`: reflecting an edge and
    normalizing at the narrowest place takes 2 px.
    """

    def __init__(self, input_nc: int, output_nc: int, ngf: int = 64, n_downsample: int = 4,
                 n_blocks: int = 9, norm: str = 'instance'):
        super().__init__()
        self.multiple = 2 ** n_downsample
        self.least = 2 * self.multiple
        widest = ngf * 2 ** n_downsample
        layers = to_features(input_nc, ngf, norm)
        for n in range(n_downsample):
            layers += halve(ngf * 2 ** n, norm)
        layers += [ResnetBlock(widest, norm, False, bias=True) for _ in range(n_blocks)]
        for n in range(n_downsample):
            layers += double(widest // 2 ** n, norm)
        self.model = nn.Sequential(*layers, *to_picture(ngf, output_nc))

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


class LocalEnhancer(nn.Module):
    """G2 around G1: each enhancer works at twice the size of the network inside it.

    model      G1 without its last layers, on the image halved `n_local_enhancers` times
    modelN_1   first half of enhancer N; the features from inside are added to its output
    modelN_2   second half of enhancer N
    """

    def __init__(self, input_nc: int, output_nc: int, ngf: int = 32, n_downsample_global: int = 4,
                 n_blocks_global: int = 9, n_local_enhancers: int = 1, n_blocks_local: int = 3,
                 norm: str = 'instance'):
        super().__init__()
        self.enhancers = n_local_enhancers
        inner = GlobalGenerator(input_nc, output_nc, ngf * 2 ** n_local_enhancers,
                                n_downsample_global, n_blocks_global, norm)
        self.multiple = inner.multiple * 2 ** n_local_enhancers
        self.least = inner.least * 2 ** n_local_enhancers
        self.model = nn.Sequential(*list(inner.model)[:-3])
        for n in range(1, n_local_enhancers + 1):
            here = ngf * 2 ** (n_local_enhancers - n)
            way_out: list[nn.Module] = [ResnetBlock(here * 2, norm, False, bias=True)
                                        for _ in range(n_blocks_local)]
            way_out += double(here * 2, norm)
            if n == n_local_enhancers:
                way_out += to_picture(ngf, output_nc)
            self.add_module(f'model{n}_1', nn.Sequential(*to_features(input_nc, here, norm),
                                                         *halve(here, norm)))
            self.add_module(f'model{n}_2', nn.Sequential(*way_out))

    def forward(self, x: Tensor) -> Tensor:
        sizes = [x]
        for _ in range(self.enhancers):
            sizes.append(half_size(sizes[-1]))
        out = self.model(sizes[-1])
        for n in range(1, self.enhancers + 1):
            way_in, way_out = (self.get_submodule(f'model{n}_{k}') for k in (1, 2))
            out = way_out(way_in(sizes[self.enhancers - n]) + out)
        return out

    def inner_parameters(self) -> list[nn.Parameter]:
        """The parameters of all networks inside the outermost enhancer."""
        outermost = f'model{self.enhancers}_'
        return [p for name, p in self.named_parameters() if not name.startswith(outermost)]


class Encoder(nn.Module):
    """E: the look of each region of an image as `output_nc` features, constant within the region.

    Sec. 3.4: features of the image, averaged within each instance.
    """

    def __init__(self, input_nc: int, output_nc: int, ngf: int = 16, n_downsample: int = 4,
                 norm: str = 'instance'):
        super().__init__()
        self.multiple = 2 ** n_downsample
        layers = to_features(input_nc, ngf, norm)
        for n in range(n_downsample):
            layers += halve(ngf * 2 ** n, norm)
        for n in reversed(range(n_downsample)):
            layers += double(ngf * 2 ** (n + 1), norm)
        self.model = nn.Sequential(*layers, *to_picture(ngf, output_nc))

    def forward(self, y: Tensor, regions: Tensor) -> Tensor:
        """y (B, C, H, W) of any size, regions (B, 1, H, W) numbers -> (B, output_nc, H, W)."""
        return mean_of_regions(through(y, self.model, self.multiple), regions)


def mean_of_regions(features: Tensor, regions: Tensor) -> Tensor:
    """features (B, C, H, W), averaged over the pixels of equal number in their image."""
    means = []
    for feature, numbers in zip(features.float(), regions):
        _, place, count = numbers.flatten().unique(return_inverse=True, return_counts=True)
        total = feature.new_zeros(len(feature), len(count)).index_add(1, place, feature.flatten(1))
        means.append((total / count)[:, place].reshape(feature.shape))
    return torch.stack(means)


class MultiscaleDiscriminator(nn.Module):
    """(B, C, H, W) -> for each scale, the largest image first, the outputs of D's layers.

    The last output is the patches' logits (B, 1, h, w). The others are for feature matching, and
    are left out where `features` is False. Each scale sees half the size of the one before.
    """

    def __init__(self, input_nc: int, ndf: int = 64, n_layers: int = 3, norm: str = 'instance',
                 num_D: int = 2, features: bool = True):
        super().__init__()
        # NVIDIA's keys differ with and without features, and number scales from the smallest image
        self.names: list[list[str]] = []
        for scale in reversed(range(num_D)):
            pieces = patch_layers(input_nc, ndf, n_layers, norm)
            if features:
                names = [f'scale{scale}_layer{n}' for n in range(len(pieces))]
            else:
                pieces = [nn.Sequential(*chain.from_iterable(pieces))]
                names = [f'layer{scale}']
            self.names.append(names)
            for name, piece in zip(names, pieces):
                self.add_module(name, piece)

    def forward(self, x: Tensor) -> list[list[Tensor]]:
        scales: list[list[Tensor]] = []
        for names in self.names:
            x = half_size(x) if scales else x
            layers = [x]
            for name in names:
                layers.append(self.get_submodule(name)(layers[-1]))
            scales.append(layers[1:])
        return scales


def patch_layers(input_nc: int, ndf: int, n_layers: int, norm: str) -> list[nn.Sequential]:
    """A PatchGAN in pieces, padded by 2 so that even the smallest image leaves a patch."""
    widths = [ndf, *(min(ndf * 2 ** n, 512) for n in range(1, n_layers + 1))]
    pieces = [nn.Sequential(nn.Conv2d(input_nc, ndf, 4, 2, 2), nn.LeakyReLU(0.2, True))]
    for n in range(1, n_layers + 1):
        stride = 2 if n < n_layers else 1
        pieces.append(nn.Sequential(nn.Conv2d(widths[n - 1], widths[n], 4, stride, 2),
                                    norm_layer(norm)(widths[n]), nn.LeakyReLU(0.2, True)))
    return [*pieces, nn.Sequential(nn.Conv2d(widths[-1], 1, 4, 1, 2))]


class CoarsePicture(nn.Module):
    """The last layers of G1, which G2 does not need: from features (B, ngf, H, W) to an image
    (B, output_nc, H, W) in [-1, 1].

    in_use   whether the run is still at half size; saved with the weights, so that each epoch
             paints as it was trained
    """

    in_use: Tensor

    def __init__(self, ngf: int, output_nc: int):
        super().__init__()
        self.model = nn.Sequential(*to_picture(ngf, output_nc))
        self.register_buffer('in_use', torch.tensor(True))

    def forward(self, features: Tensor) -> Tensor:
        return self.model(features)
