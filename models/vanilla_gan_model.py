"""vanilla_gan: the generator of --model vanilla, with a discriminator of whole images.

Goodfellow et al., "Generative Adversarial Nets", NIPS 2014, arXiv 1406.2661, with DCGAN's layers
(Radford et al., ICLR 2016, arXiv 1511.06434), after the course project "Dance" of Universite
Lyon 1 (A. Meyer). As there, D sees the image only, not the pose: the distance to the real frame
ties the two. That project does not fix the weight of the distance; pix2pix's 100 is the default.

Letters: x the pose as G sees it, y the real frame resized to --image_size, G(x) the painted one.
"""
from __future__ import annotations

from typing import TYPE_CHECKING

from models.vanilla_model import VanillaModel

if TYPE_CHECKING:
    import argparse

    from torch import Tensor

    from models.engine import Batch


class VanillaGANModel(VanillaModel):
    """Networks: G the generator and, while training, D the discriminator."""

    @staticmethod
    def declare_options(group: argparse._ArgumentGroup, phase: str) -> None:
        VanillaModel.declare_options(group, phase)
        if phase == 'train':
            group.add_argument('--lambda_distance', type=float, default=100.0,
                               help='weight of the distance to the real frame (--loss)')
            group.add_argument('--lambda_GAN', type=float, default=1.0,
                               help='weight of the adversarial loss')
            group.add_argument('--ndf', type=int, default=64,
                               help='filters in the first layer of D; the last has 8 times as many')

    def build(self, opt: argparse.Namespace) -> None:
        from models.networks import init_weights
        from models.networks.deconv import PictureDiscriminator
        super().build(opt)
        if opt.isTrain:
            self.networks['D'] = PictureDiscriminator(opt.output_nc, opt.image_size, opt.ndf,
                                                      opt.norm)
            init_weights(self.networks['D'], opt.init_type, opt.init_gain)

    def step(self, batch: Batch) -> dict[str, Tensor]:
        from models.losses import gan_loss
        from models.tensors import resized
        opt, D = self.opt, self.networks['D']
        fake, y = self.painted(batch), resized(batch['B'], self.size)

        D.requires_grad_(True)
        D_real = gan_loss('vanilla', self.logits(y), True)               # -log D(y)        Eq. 1
        D_fake = gan_loss('vanilla', self.logits(fake.detach()), False)  # -log(1-D(G(x)))  Eq. 1
        self.descend('D', D_real + D_fake)

        D.requires_grad_(False)
        G_GAN = gan_loss('vanilla', self.logits(fake), True) * opt.lambda_GAN   # -log D(G(x))  3
        G_distance = self.distance(fake, y) * opt.lambda_distance        # ||y - G(x)||
        self.descend('G', G_GAN + G_distance)
        return {'G_GAN': G_GAN.detach(), f'G_{opt.loss}': G_distance.detach(),
                'D_real': D_real.detach(), 'D_fake': D_fake.detach()}

    def logits(self, images: Tensor) -> Tensor:
        """D's logits, one per image. As in DCGAN, batch norm sees real and painted images apart."""
        with self.engine.autocast():
            return self.run_network(self.networks['D'], images)
