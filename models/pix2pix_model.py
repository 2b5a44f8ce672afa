"""pix2pix: a U-Net paints the frame, a PatchGAN discriminates (pose, frame) pairs.

Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks", CVPR 2017,
arXiv 1611.07004. Equation numbers below are that paper's.

Images are float32 (B, C, H, W) in [-1, 1]; x is the pose, y the real frame, G(x) the painted one.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models.base_model import BaseModel
from models.flags import declare_adversary

if TYPE_CHECKING:
    import argparse

    from torch import Tensor

    from models.engine import Batch


class Pix2PixModel(BaseModel):
    """Networks: G the generator and, while training, D the discriminator."""

    DEFAULTS: dict[str, Any] = {'netG': 'unet_256', 'norm': 'batch', 'gan_mode': 'vanilla',
                                'pool_size': 0}
    OF_EACH_RANK = 'pool',

    @staticmethod
    def declare_options(group: argparse._ArgumentGroup, phase: str) -> None:
        if phase == 'train':
            group.add_argument('--lambda_L1', type=float, default=100.0,
                               help='weight of the L1 loss')
            declare_adversary(group, ('vanilla', 'lsgan', 'hinge', 'wgangp'))
            group.add_argument('--lambda_gp', type=float, default=10.0,
                               help='--gan_mode wgangp: weight of the gradient penalty')
            group.add_argument('--netD', default='basic',
                               help='discriminator: basic, n_layers or pixel')
            group.add_argument('--n_layers_D', type=int, default=3,
                               help='--netD n_layers: number of layers')

    def build(self, opt: argparse.Namespace) -> None:
        from models.image_pool import ImagePool
        from models.networks import define_D, define_G, init_weights
        self.networks['G'] = define_G(opt.netG, opt.input_nc, opt.output_nc, opt.ngf, opt.norm,
                                      not opt.no_dropout)
        if opt.isTrain:
            self.networks['D'] = define_D(opt.netD, opt.input_nc + opt.output_nc, opt.ndf,
                                          opt.n_layers_D, opt.norm)
            for network in self.networks.values():
                init_weights(network, opt.init_type, opt.init_gain)
            self.pool = ImagePool(opt.pool_size)

    def step(self, batch: Batch) -> dict[str, Tensor]:
        import torch
        import torch.nn.functional as F

        from models.losses import gan_loss, gradient_penalty
        x, y = batch['A'], batch['B']
        opt, D = self.opt, self.networks['D']
        with self.engine.autocast():
            fake = self.generate(x)                                      # G(x)
        real_pair, fake_pair = torch.cat([x, y], 1), torch.cat([x, fake.float()], 1)

        D.requires_grad_(True)
        with self.engine.autocast():
            pooled = self.pool.exchange(fake_pair.detach())
            real_out, pooled_out = self.discriminate(real_pair, pooled)
        D_real = gan_loss(opt.gan_mode, real_out, True)                 # -log D(x, y)       Eq. 1
        D_fake = gan_loss(opt.gan_mode, pooled_out, False)              # -log(1-D(x, G(x))) Eq. 1
        loss_D = (D_real + D_fake) / 2                                   # halved             3.3
        if opt.gan_mode == 'wgangp':
            loss_D = loss_D + opt.lambda_gp * gradient_penalty(D, real_pair, fake_pair)
        self.descend('D', loss_D)

        D.requires_grad_(False)
        with self.engine.autocast():
            fake_out = self.run_network(D, fake_pair)
        G_GAN = gan_loss(opt.gan_mode, fake_out, True, for_G=True)       # -log D(x, G(x))    3.3
        G_L1 = F.l1_loss(fake.float(), y) * opt.lambda_L1                # lambda ||y-G(x)||  Eq. 3
        self.descend('G', G_GAN + G_L1)                                  #                    Eq. 4
        return {'G_GAN': G_GAN.detach(), 'G_L1': G_L1.detach(),
                'D_real': D_real.detach(), 'D_fake': D_fake.detach()}

    def discriminate(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """D's logits on real and fake pairs: one pass over both reads D's weights once."""
        import torch

        from models.networks.norm import in_parts
        D = self.networks['D']
        if self.engine.plain or self.engine.gpu_ids or self.opt.norm == 'syncbatch':
            return self.run_network(D, real), self.run_network(D, fake)
        with in_parts(D, 2):
            real_out, fake_out = D(torch.cat([real, fake])).chunk(2)
        return real_out, fake_out

    def state(self) -> dict[str, Any]:
        return super().state() | {'pool': self.pool.pairs}

    def load_state(self, state: dict[str, Any]) -> None:
        super().load_state(state)
        self.pool.pairs = [pair.to(self.engine.device) for pair in state['pool']]
