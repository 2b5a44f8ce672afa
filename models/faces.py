"""The face stage of --model everybody_dance_now: the square around each head, and what it trains.

Shape letters: B batch, K joints, C channels, H W pixels, S side of a square.
"""
from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor, nn

Square: TypeAlias = tuple[slice, ...]   # indices of (1, C, S, S) in (B, C, H, W)
HEAD = ('Nose', 'REye', 'LEye', 'REar', 'LEar')
FIELD = 512                     # px: the height of the paper's frames, to which --face_size belongs


def declare_face(group: argparse._ArgumentGroup, phase: str) -> None:
    """The flags of the face stage."""
    group.add_argument('--face_generator', action='store_true',
                       help='paint faces with a second generator; set by --stage auto where '
                            'poses.npz says where they are')
    group.add_argument('--face_size', type=int, default=128,
                       help=f'side of the square around the head, in px of an image {FIELD} high; '
                            f'scaled with the height of others')
    if phase == 'train':
        group.add_argument('--face_discrim', action='store_true',
                           help='train faces with a discriminator of their own; set by --stage '
                                'auto')


def loss_names(opt: argparse.Namespace) -> list[str]:
    """The losses of the face stage, in the order of the log."""
    names = []
    if opt.face_discrim:
        names.append('G_GANface')
    if not opt.no_vgg_loss:
        names.append('G_VGGface')
    if opt.face_discrim:
        names += ['D_realface', 'D_fakeface']
    return names


def zero_residual(network: nn.Module) -> None:
    """Let a generator give 0 everywhere at first: no face starts worse than without it."""
    from torch import nn
    last = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)][-1]
    nn.init.zeros_(last.weight)
    assert last.bias is not None
    nn.init.zeros_(last.bias)


def cut_out(images: Tensor, squares: list[Square]) -> Tensor:
    """(len(squares), C, S, S): the squares of images (B, C, H, W)."""
    import torch
    return torch.cat([images[square] for square in squares])


def square_side(face_size: int, width: int, height: int) -> int:
    """px: --face_size scaled to an image of that width and height, at least 16 and no larger than
    the image."""
    side = min(round(face_size * height / FIELD), height, width)
    return max(side, min(16, height, width))


def head_squares(joints: Tensor, width: int, height: int, side: int) -> list[Square]:
    """A square of `side` px around the centre of the visible joints of each head, moved into the
    image of that width and height; none for a head that is not visible.

    joints   float (B, K, 3): x px, y px, confidence
    """
    from pose.skeleton import skeleton_with
    table = skeleton_with(joints.shape[1])
    heads = joints[:, [table.index(name) for name in HEAD]].tolist()
    squares: list[Square] = []
    for b, head in enumerate(heads):
        visible = [(x, y) for x, y, confidence in head if confidence > 0]
        if not visible:
            continue
        xs, ys = zip(*visible)
        left = round(sum(xs) / len(xs) - side / 2)
        top = round(sum(ys) / len(ys) - side / 2)
        left = min(max(left, 0), width - side)
        top = min(max(top, 0), height - side)
        squares.append((slice(b, b + 1), slice(None), slice(top, top + side),
                        slice(left, left + side)))
    return squares
