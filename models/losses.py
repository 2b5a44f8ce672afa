"""Losses and their equations. Images are float (B, C, H, W) in [-1, 1]; logits have any shape."""
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


def gan_loss(gan_mode: str, logits: Tensor, real: bool, for_G: bool = False) -> Tensor:
    """The adversarial loss of `logits` whose label is `real`; a scalar, the mean over patches.

    vanilla   cross entropy on logits                    Goodfellow et al. 2014, arXiv 1406.2661
    lsgan     (D(x) - 1)^2, D(G)^2                       Mao et al. 2017, arXiv 1611.04076
    hinge     max(0, 1 - D(x)), max(0, 1 + D(G)); G: -D  Lim and Ye 2017, arXiv 1705.02894
    wgangp    -D(x), D(G)                                Gulrajani et al. 2017, arXiv 1704.00028
    for_G     the loss of the generator: hinge drops its margin
    """
    logits = logits.float()
    if gan_mode == 'vanilla':
        return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, float(real)))
    if gan_mode == 'lsgan':
        return F.mse_loss(logits, torch.full_like(logits, float(real)))
    signed = -logits if real else logits
    if gan_mode == 'hinge' and not for_G:
        return F.relu(1 + signed).mean()
    return signed.mean()


def gradient_penalty(D: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor) -> Tensor:
    """lambda (||grad D(x^)||_2 - 1)^2 without its lambda, x^ on the line from real to fake.

    Gulrajani et al., "Improved Training of Wasserstein GANs", arXiv 1704.00028, Eq. 3.
    """
    alpha = torch.rand(len(real), 1, 1, 1, device=real.device)
    between = (alpha * real + (1 - alpha) * fake.detach()).requires_grad_(True)
    logits = D(between)
    slope, = torch.autograd.grad(logits, between, torch.ones_like(logits), create_graph=True)
    return ((slope.flatten(1).norm(2, dim=1) - 1) ** 2).mean()


def feature_matching(fake: list[list[Tensor]], real: list[list[Tensor]]) -> Tensor:
    """sum over scales k and layers i of ||D_k^(i)(s, x) - D_k^(i)(s, G(s))||_1; a scalar.

    Wang et al., "High-Resolution Image Synthesis and Semantic Manipulation with Conditional
    GANs", CVPR 2018, arXiv 1711.11585, Eq. 4, weighted as in NVIDIA's code: a scale by 1 / scales,
    a layer by 4 / layers. The last output of a scale, its logits, is left out.
    """
    terms = []
    for fake_scale, real_scale in zip(fake, real):
        for a, b in zip(fake_scale[:-1], real_scale):
            terms.append(F.l1_loss(a.float(), b.detach().float()) * 4 / (len(fake_scale) - 1))
    return torch.stack(terms).sum() / len(fake)
