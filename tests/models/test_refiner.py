"""The network that blends: nothing to say at first, few weights, smooth where it must be."""

import torch

from models.networks.refiner import Refiner


def test_a_refiner_has_nothing_to_say_at_first_and_few_weights():
    refiner = Refiner(15, sharp=7, smooth=4)
    said = refiner(torch.rand(1, 15, 32, 24))
    assert said.shape == (1, 11, 64, 48) and said.abs().max() < 0.1
    assert sum(weights.numel() for weights in refiner.parameters()) < 8e6


def test_what_is_smooth_changes_slowly_and_what_is_sharp_need_not():
    refiner = Refiner(3, sharp=1, smooth=1, ngf=8)
    for head in (refiner.sharp, refiner.smooth):
        torch.nn.init.normal_(head.weight)
    said = refiner(torch.rand(1, 3, 64, 64))[0].detach()
    roughness = (said[:, 1:] - said[:, :-1]).abs().mean((1, 2)) / said.std((1, 2))
    assert roughness[1] < roughness[0] / 2
