"""What is done to the size of image tensors, float (B, C, H, W)."""
from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor


def resized(images: Tensor, size: tuple[int, int]) -> Tensor:
    """The images (B, C, h, w) at that (width, height), without aliasing."""
    width, height = size
    if images.shape[-2:] == (height, width):
        return images
    return F.interpolate(images, (height, width), mode='bilinear', antialias=True)


def half_size(images: Tensor) -> Tensor:
    """The images at half the size, as pix2pixHD takes it everywhere."""
    return F.avg_pool2d(images, 3, 2, 1, count_include_pad=False)


def padding(side: int, multiple: int, least: int) -> int:
    """How many px bring `side` to a multiple that is no smaller than `least`."""
    return max(side + -side % multiple, least) - side


def padded(images: Tensor, multiple: int, least: int, ground: float | None = None) -> Tensor:
    """The images with px added at the right and lower edges.

    multiple, least   of the sides afterwards
    ground            what is added; None repeats the edge
    """
    height, width = images.shape[-2:]
    right = padding(width, multiple, least)
    below = padding(height, multiple, least)
    if not right and not below:
        return images
    if ground is None:
        return F.pad(images, (0, right, 0, below), mode='replicate')
    return F.pad(images, (0, right, 0, below), value=ground)


def through(images: Tensor, network: Callable[[Tensor], Tensor], multiple: int) -> Tensor:
    """network(images) for images of any size: their edges repeated up to a multiple, and to two
    of them at least, the result cropped back."""
    height, width = images.shape[-2:]
    return network(padded(images, multiple, 2 * multiple))[..., :height, :width]


def size_of(images: Tensor) -> tuple[int, int]:
    """(W, H) of images (B, C, H, W)."""
    return images.shape[-1], images.shape[-2]
