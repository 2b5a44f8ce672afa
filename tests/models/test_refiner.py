"""The network that blends: nothing to say at first, few weights, smooth where it must be."""

import pytest
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


def test_a_refiner_that_took_no_step_is_silent_and_its_first_step_gives_it_a_voice():
    refiner = Refiner(3, sharp=1, smooth=1, ngf=8)
    assert refiner.is_silent()
    x, wanted = torch.rand(1, 3, 32, 32), torch.rand(1, 2, 64, 64)
    descent = torch.optim.SGD(refiner.parameters(), lr=0.1)
    losses = []
    for _ in range(3):
        loss = (refiner(x) - wanted).square().mean()
        descent.zero_grad()
        loss.backward()
        descent.step()
        losses.append(float(loss))
    assert not refiner.is_silent() and losses[0] > losses[1] > losses[2]
    assert refiner.way_in[0].weight.grad.any(), 'from the second step on all of it learns'


@pytest.mark.parametrize('head', ['sharp', 'smooth'])
def test_a_refiner_of_which_one_head_has_moved_is_not_silent(head):
    refiner = Refiner(3, sharp=1, smooth=1, ngf=8)
    with torch.no_grad():
        getattr(refiner, head).bias[-1] = 1e-3
    assert not refiner.is_silent()
