"""What models share whose pictures are judged at several scales, and by a trained VGG.

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


def declare_perceptual(group: argparse._ArgumentGroup) -> None:
    """The flags of the perceptual loss."""
    group.add_argument('--no_vgg_loss', action='store_true', help='no perceptual loss')
    group.add_argument('--vgg_weights', default=None, metavar='FILE',
                       help='of torchvision\'s VGG19, or hub to download it; default: the '
                            'one that torch\'s hub has kept, else the VGG16 of '
                            'scripts/get_models.py lpips')


class MultiscaleGAN(BaseModel):
    """A model whose network D is a MultiscaleDiscriminator; its loss is opt.gan_mode.

    perceptual     None with --no_vgg_loss
    WITHOUT_VGG    whether it trains without one where no VGG is at hand
    PREFERS_LPIPS  whether it takes LPIPS, where that is at hand and nothing else is asked for
    """
    WITHOUT_VGG = PREFERS_LPIPS = False
    perceptual: PerceptualLoss | LpipsLoss | None

    def begin_perceptual(self, opt: argparse.Namespace) -> None:
        """Read the VGG that is at hand, and say which; UserError where there is none, unless the
        model does WITHOUT_VGG and nobody asked for one."""
        from models.perceptual import find_lpips_loss, find_perceptual_loss
        self.perceptual = None
        if opt.no_vgg_loss:
            return
        try:
            lpips = find_lpips_loss() if self.PREFERS_LPIPS and not opt.vgg_weights else None
            self.perceptual = loss = lpips or find_perceptual_loss(opt.vgg_weights)
        except UserError as error:
            if opt.vgg_weights or not self.WITHOUT_VGG:
                raise
            warn(f'training without the perceptual loss, so the picture stays softer: {error}')
            return
        self.engine.to_device(loss)
        say(f'perceptual loss: {loss.name}')

    def metadata(self) -> dict[str, Any]:
        return {'perceptual_loss': self.perceptual.name if self.perceptual else None}

    def state(self) -> dict[str, Any]:
        return super().state() | self.metadata()

    def load_state(self, state: dict[str, Any]) -> None:
        super().load_state(state)
        was, now = state['perceptual_loss'], self.metadata()['perceptual_loss']
        if was != now:
            warn(f'the perceptual loss was {was or "off"} and is {now or "off"} from here on.')

    def adversarial(self, scales: list[list[Tensor]], real: bool,
                    for_G: bool = False) -> Tensor:
        """The sum over all scales, Eq. 3."""
        import torch

        from models.losses import gan_loss
        return torch.stack([gan_loss(self.opt.gan_mode, scale[-1], real, for_G)
                            for scale in scales]).sum()

    def discriminate(self, real: Tensor, fake: Tensor) -> tuple[list, list]:
        """What D says of real and of fake pairs: one pass over both reads D's weights once."""
        import torch

        from models.networks.norm import in_parts
        D = self.networks['D']
        if self.engine.plain or self.engine.gpu_ids or self.opt.norm == 'syncbatch':
            return self.run_network(D, real), self.run_network(D, fake)
        with in_parts(D, 2):
            scales = D(torch.cat([real, fake]))
        halves = [[layer.chunk(2) for layer in scale] for scale in scales]
        real_out, fake_out = ([[both[k] for both in scale] for scale in halves] for k in (0, 1))
        return real_out, fake_out
