"""Flags that several models share. Imports no torch: --help stays quick."""
from __future__ import annotations

import argparse
from collections.abc import Sequence

# The flags that define_G takes as details of --netG global, local and stacked_hourglass.
DETAILS = ('n_downsample_global', 'n_blocks_global', 'n_local_enhancers', 'n_blocks_local',
           'n_stacks')


def declare_generator(group: argparse._ArgumentGroup) -> None:
    """DETAILS, for a model that offers --netG global, local and stacked_hourglass."""
    group.add_argument('--n_downsample_global', type=int, default=4,
                       help='--netG global, also inside local: how often the image is halved')
    group.add_argument('--n_blocks_global', type=int, default=9,
                       help='--netG global, also inside local: residual blocks')
    group.add_argument('--n_local_enhancers', type=int, default=1,
                       help='--netG local: enhancers around the global generator')
    group.add_argument('--n_blocks_local', type=int, default=3,
                       help='--netG local: residual blocks of each enhancer')
    group.add_argument('--n_stacks', type=int, default=2,
                       help='--netG stacked_hourglass: hourglasses; each paints the image')


def details(opt: argparse.Namespace) -> dict[str, int]:
    """DETAILS as keyword arguments of define_G."""
    return {name: getattr(opt, name) for name in DETAILS}


def declare_adversary(group: argparse._ArgumentGroup, modes: Sequence[str], ndf: int = 64,
                      pool: bool = True) -> None:
    """The flags of a discriminator and its loss.

    modes   of --gan_mode; the first is the default
    ndf     default of --ndf
    pool    whether D is also shown earlier fakes
    """
    group.add_argument('--gan_mode', default=modes[0], choices=list(modes),
                       help='adversarial loss')
    group.add_argument('--ndf', type=int, default=ndf,
                       help='filters in the first layer of each discriminator')
    if pool:
        group.add_argument('--pool_size', type=int, default=0,
                           help='size of the image pool: earlier fakes that D sees again; 0: none')


def declare_perceptual(group: argparse._ArgumentGroup) -> None:
    """The flags of the perceptual loss."""
    group.add_argument('--no_vgg_loss', action='store_true', help='no perceptual loss')
    group.add_argument('--vgg_weights', default=None, metavar='FILE',
                       help='weights of torchvision\'s VGG19, or hub to download them. Default: '
                            'VGG19 from torch\'s hub cache, else the VGG16 of '
                            'scripts/get_models.py lpips')


def declare_coarse_to_fine(group: argparse._ArgumentGroup) -> None:
    """The training flags of pix2pixHD."""
    group.add_argument('--niter_fix_global', type=int, default=0,
                       help='--netG local: epochs that train only the outermost enhancer')
    group.add_argument('--load_pretrain', default='', metavar='RUN',
                       help='start from the weights of this run, a name or a folder, where they '
                            'fit: train --netG global first, then --netG local around it')
    group.add_argument('--num_D', type=int, default=2,
                       help='discriminators; each sees half the size of the one before')
    group.add_argument('--n_layers_D', type=int, default=3, help='layers of each discriminator')
    declare_adversary(group, ('lsgan', 'vanilla', 'hinge'))
    group.add_argument('--lambda_feat', type=float, default=10.0,
                       help='weight of feature matching and of the perceptual loss')
    group.add_argument('--no_ganFeat_loss', action='store_true', help='no feature matching')
    declare_perceptual(group)


