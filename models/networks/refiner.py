"""A small network that blends several nearly correct images into one.

For every pixel it gives a weight of each image, an offset at which to sample that image, and a
colour for where no image fits. Blending by masks: Balakrishnan et al., "Synthesizing Images of
Humans in Unseen Poses", CVPR 2018, arXiv 1804.07739; moving before blending: Siarohin et al.,
"First Order Motion Model", NeurIPS 2019, arXiv 2003.00196.

Its input has half the size, and pixel shuffle (Shi et al., CVPR 2016, arXiv 1609.05158) brings its
output to the full one: sharp detail comes from the images, not from here. There is no
normalization, as a small batch has no statistics; each block starts as the identity instead.

Shape letters: B batch, C channels, H W pixels.
"""
import torch
import torch.nn.functional as F
from torch import Tensor, nn

WIDTHS = (1, 2, 4, 6)       # channels at 1/2, 1/4, 1/8 and 1/16 of the size, in ngf
BLOCKS = (1, 1, 2, 2)       # residual blocks there
SMOOTH = 2                  # level of WIDTHS at which smooth outputs are computed


class Block(nn.Module):
    """x + conv(conv(x)): the identity at first."""

    def __init__(self, width: int):
        super().__init__()
        self.first, self.second = (nn.Conv2d(width, width, 3, 1, 1) for _ in range(2))
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.leaky_relu(self.first(F.leaky_relu(x, 0.2)), 0.2))


class Refiner(nn.Module):
    """(B, shown, H / 2, W / 2) -> (B, sharp + smooth, H, W), any numbers; 0 before the first step.

    shown    channels of the input
    sharp    output channels that may change from pixel to pixel
    smooth   output channels computed at an eighth of the size: finer ones follow folds, and the
             pixels that they move or light lose texture (LPIPS 0.1832 at a quarter, 0.1820 here)
    H / 2 and W / 2 are multiples of `multiple`.
    """

    enlarges = 2
    multiple = 2 ** (len(WIDTHS) - 1)
    memory_format = torch.channels_last     # measured: with few channels a sixth faster on a CPU

    def __init__(self, shown: int, sharp: int, smooth: int, ngf: int = 32):
        super().__init__()
        widths = [ngf * times for times in WIDTHS]
        self.way_in = nn.ModuleList()
        into = shown
        for level, width in enumerate(widths):
            stride = 2 if level else 1          # only the first level keeps the size
            self.way_in.append(nn.Conv2d(into, width, 3, stride, 1))
            into = width
        self.down = nn.ModuleList()
        for width, count in zip(widths, BLOCKS):
            self.down.append(nn.Sequential(*[Block(width) for _ in range(count)]))
        self.shuffle = nn.ModuleList(nn.Conv2d(b, 4 * a, 1) for a, b in zip(widths, widths[1:]))
        self.up = nn.ModuleList(Block(width) for width in widths[:-1])
        self.sharp = nn.Conv2d(ngf, 4 * sharp, 3, 1, 1)
        self.smooth = nn.Conv2d(widths[SMOOTH], smooth, 3, 1, 1)
        for head in self.heads:
            # with zeros it learns one pair a tenth as well in 200 steps
            nn.init.normal_(head.weight, 0.0, 1e-3)
            nn.init.zeros_(head.bias)       # type: ignore[arg-type]

    @property
    def heads(self) -> tuple[nn.Conv2d, nn.Conv2d]:
        """The two layers that give the output."""
        return self.sharp, self.smooth

    def is_silent(self) -> bool:
        """Whether it took no step yet: the first one moves the biases of its heads, which start at
        0. Its output means nothing then, and computing it would be a waste."""
        return not any(bool(head.bias.any()) for head in self.heads)  # type: ignore[union-attr]

    def forward(self, x: Tensor) -> Tensor:
        levels = []
        for smaller, blocks in zip(self.way_in, self.down):
            x = blocks(smaller(x))
            levels.append(x)
        wide: list[Tensor] = []
        inwards = list(zip(self.shuffle, self.up, levels))
        for shuffle, block, skip in reversed(inwards):
            wide.append(x)
            x = block(skip + F.pixel_shuffle(shuffle(x), 2))
        sharp = F.pixel_shuffle(self.sharp(F.leaky_relu(x, 0.2)), 2)
        smooth = self.smooth(F.leaky_relu(wide[-SMOOTH], 0.2))
        return torch.cat([sharp, F.interpolate(smooth, sharp.shape[-2:], mode='bilinear')], 1)
