"""What models share that train with discriminators at several scales and a perceptual loss.

Wang et al., "High-Resolution Image Synthesis and Semantic Manipulation with Conditional GANs",
CVPR 2018, arXiv 1711.11585, Sec. 3.2. Equation numbers below are that paper's.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models.base_model import BaseModel
from util.errors import UserError, say, warn

if TYPE_CHECKING:
    import argparse

    from torch import Tensor

    from models.perceptual import LpipsLoss, PerceptualLoss


class MultiscaleGAN(BaseModel):
    """A model whose network D is a MultiscaleDiscriminator; its loss is opt.gan_mode.

    perceptual     the perceptual loss; None with --no_vgg_loss, and where nothing is trained: it
                   takes 0.1 GB
    perceptual_name   what the run says of it; None where it has none, UNUSED where none is known
    WITHOUT_VGG    whether it trains without that loss where no VGG is installed
    """
    WITHOUT_VGG = False
    UNUSED = ''
    perceptual: PerceptualLoss | LpipsLoss | None
    perceptual_name: str | None

    def begin_perceptual(self, opt: argparse.Namespace, prefer_lpips: bool = False) -> None:
        """Load the perceptual loss that is installed and say which, if anything is trained.
        UserError where there is none, unless the model trains WITHOUT_VGG and --vgg_weights is not
        given."""
        from models.perceptual import find_lpips_loss, find_perceptual_loss
        self.perceptual = self.perceptual_name = None
        if opt.no_vgg_loss:
            return
        if opt.max_minutes == 0:
            self.perceptual_name = self.UNUSED
            return
        try:
            lpips = find_lpips_loss() if prefer_lpips and not opt.vgg_weights else None
            self.perceptual = loss = lpips or find_perceptual_loss(opt.vgg_weights)
        except UserError as error:
            if opt.vgg_weights or not self.WITHOUT_VGG:
                raise
            warn(f'training without the perceptual loss, so images stay softer: {error}')
            return
        self.engine.to_device(loss)
        self.perceptual_name = loss.name
        say(f'perceptual loss: {loss.name}')

    def metadata(self) -> dict[str, Any]:
        return {'perceptual_loss': self.perceptual_name}

    def state(self) -> dict[str, Any]:
        return super().state() | {'perceptual_loss': self.perceptual_name}

    def load_state(self, state: dict[str, Any]) -> None:
        super().load_state(state)
        was, now = state['perceptual_loss'], self.perceptual_name
        if now == self.UNUSED:          # and a later start compares with what was used
            self.perceptual_name = was
        elif was not in (now, self.UNUSED):
            warn(f'the perceptual loss was {was or "off"} and is {now or "off"} from here on.')

    def adversarial(self, scales: list[list[Tensor]], real: bool,
                    for_G: bool = False) -> Tensor:
        """The sum over all scales, Eq. 3."""
        import torch

        from models.losses import gan_loss
        losses = [gan_loss(self.opt.gan_mode, scale[-1], real, for_G) for scale in scales]
        return torch.stack(losses).sum()

    def discriminate(self, real: Tensor, fake: Tensor) -> tuple[list, list]:
        """D's outputs for real and for fake pairs. One pass over both reads D's weights once."""
        import torch

        from models.networks.norm import in_parts
        D = self.networks['D']
        if self.engine.plain or self.engine.gpu_ids or self.opt.norm == 'syncbatch':
            return self.run_network(D, real), self.run_network(D, fake)
        with in_parts(D, 2):
            scales = D(torch.cat([real, fake]))
        real_out, fake_out = [], []
        for scale in scales:
            halves = [layer.chunk(2) for layer in scale]
            real_out.append([real_half for real_half, _ in halves])
            fake_out.append([fake_half for _, fake_half in halves])
        return real_out, fake_out
