"""Losses against values worked out by hand."""
import math

import pytest
import torch

from models.losses import gan_loss, gradient_penalty


@pytest.mark.parametrize('mode, real, for_G, wanted', [
    ('vanilla', True, False, math.log(1 + math.exp(-2))),
    ('vanilla', False, False, math.log(1 + math.exp(2))),
    ('lsgan', True, False, 1.0), ('lsgan', False, False, 4.0),
    ('hinge', True, False, 0.0), ('hinge', False, False, 3.0), ('hinge', True, True, -2.0),
    ('wgangp', True, False, -2.0), ('wgangp', False, False, 2.0)])
def test_each_mode_is_its_formula_at_logit_2(mode, real, for_G, wanted):
    logits = torch.full((1, 1, 3, 3), 2.0)
    assert float(gan_loss(mode, logits, real, for_G)) == pytest.approx(wanted)


def test_the_gradient_penalty_is_zero_for_slope_one_and_grows_as_its_square():
    x = torch.rand(4, 3, 8, 8)
    def slope(s):
        return lambda z: s * z.flatten(1).sum(1) / math.sqrt(3 * 8 * 8)
    assert float(gradient_penalty(slope(1.0), x, x + 1)) == pytest.approx(0, abs=1e-6)
    assert float(gradient_penalty(slope(3.0), x, x + 1)) == pytest.approx(4, rel=1e-4)
