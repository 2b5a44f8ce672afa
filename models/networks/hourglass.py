"""Stacked hourglasses as a generator: each paints the whole image, the next one corrects it.

Newell et al., "Stacked Hourglass Networks for Human Pose Estimation", ECCV 2016, arXiv 1603.06937,
Sec. 3: the hourglass (3.1), the residual module (3.2), stacking and what each stack predicts
(3.3). The paper predicts heatmaps at a quarter of the size; to paint images at full size, the first
and last layers are pix2pixHD's (Wang et al., CVPR 2018, arXiv 1711.11585).

Shape letters: B batch, C channels, H W pixels, h w a quarter of them.
"""
from torch import Tensor, nn
from torch.nn import functional as F

from models.networks.norm import norm_layer
from models.networks.pix2pixhd import double, halve, to_features, to_picture

ORDER = 4           # how often an hourglass halves its input, as in the paper


class Residual(nn.Module):
    """x + a bottleneck of x at half the channels: 1x1, 3x3, 1x1, norm and ReLU before each."""

    def __init__(self, nc: int, norm: str):
        super().__init__()
        make_norm, half = norm_layer(norm), nc // 2
        self.bottleneck = nn.Sequential(
            make_norm(nc), nn.ReLU(), nn.Conv2d(nc, half, 1),
            make_norm(half), nn.ReLU(), nn.Conv2d(half, half, 3, 1, 1),
            make_norm(half), nn.ReLU(), nn.Conv2d(half, nc, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bottleneck(x)


class Hourglass(nn.Module):
    """(B, nc, h, w) -> the same; h and w multiples of 2 ** order.

        x ──► residual ─────────────────────────────────────────► + ──►
         └──► halved ──► residual ──► inside ──► residual ──► doubled ─┘
    """

    def __init__(self, nc: int, norm: str, order: int = ORDER):
        super().__init__()
        self.across, self.down, self.up = (Residual(nc, norm) for _ in range(3))
        self.inside = Hourglass(nc, norm, order - 1) if order > 1 else Residual(nc, norm)

    def forward(self, x: Tensor) -> Tensor:
        below = self.up(self.inside(self.down(F.max_pool2d(x, 2))))
        return self.across(x) + F.interpolate(below, scale_factor=2.0, mode='nearest')


class Stack(nn.Module):
    """One hourglass, the image it paints, and the input of the next one (Sec. 3.3)."""

    def __init__(self, nc: int, ngf: int, output_nc: int, norm: str, last: bool):
        super().__init__()
        self.hourglass = nn.Sequential(Hourglass(nc, norm), Residual(nc, norm),
                                       nn.Conv2d(nc, nc, 1), norm_layer(norm)(nc), nn.ReLU())
        self.way_out = nn.Sequential(*double(nc, norm), *double(nc // 2, norm),
                                     *to_picture(ngf, output_nc))
        self.last = last
        if not last:
            self.from_features = nn.Conv2d(nc, nc, 1)
            self.from_picture = nn.Conv2d(output_nc, nc, 4, 4)      # each place sees its own pixels

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, nc, h, w) -> the image (B, output_nc, H, W), and the next stack's x."""
        features = self.hourglass(x)
        picture = self.way_out(features)
        if not self.last:
            x = x + self.from_features(features) + self.from_picture(picture)
        return picture, x


class StackedHourglass(nn.Module):
    """(B, input_nc, H, W) -> (B, output_nc, H, W) in [-1, 1]: the last stack's image.

    H and W must be multiples of `multiple` and at least `least`, which leaves 2 px to normalize
    over at the narrowest place.
    """

    multiple = 4 * 2 ** ORDER
    least = 2 * multiple
    packs_float32 = False       # measured: a fifth slower, as its norms want channels first

    def __init__(self, input_nc: int, output_nc: int, ngf: int = 64, n_stacks: int = 2,
                 norm: str = 'instance'):
        super().__init__()
        nc = ngf * 4
        self.way_in = nn.Sequential(*to_features(input_nc, ngf, norm), *halve(ngf, norm),
                                    *halve(ngf * 2, norm), Residual(nc, norm))
        self.stacks = nn.ModuleList(Stack(nc, ngf, output_nc, norm, last=n == n_stacks - 1)
                                    for n in range(n_stacks))

    def forward(self, x: Tensor, every: bool = False) -> Tensor | list[Tensor]:
        """every: return the images of all stacks, for intermediate supervision; the last is the
        result."""
        images = []
        x = self.way_in(x)
        for stack in self.stacks:
            image, x = stack(x)
            images.append(image)
        return images if every else images[-1]
