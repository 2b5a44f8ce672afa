"""pix2pixHD: a coarse-to-fine generator, discriminators at several scales, feature matching.

Wang et al., "High-Resolution Image Synthesis and Semantic Manipulation with Conditional GANs",
CVPR 2018, arXiv 1711.11585. Equation numbers below are that paper's.

Images are float32 (B, C, H, W) in [-1, 1]; s is the pose or the one-hot labels, with instance
edges where there are any; x is the real frame, G(s) the painted one.
"""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.flags import declare_coarse_to_fine, declare_generator, details
from models.label_options import (
    declare_features,
    declare_labels,
    validate_features,
    validate_instances,
    validate_labels,
)
from models.multiscale_gan import MultiscaleGAN
from util.errors import UserError, say
from util.options import check_least, refuse

if TYPE_CHECKING:
    import argparse

    from torch import Tensor, nn

    from models.engine import Batch


class Pix2PixHDModel(MultiscaleGAN):
    """Networks: G the generator; while training D, all scales of the discriminator; E the encoder
    where encoded features are used."""

    DEFAULTS: dict[str, Any] = {'netG': 'global', 'norm': 'instance', 'preprocess': 'scale_width',
                                'gan_mode': 'lsgan', 'pool_size': 0}
    PAINTERS: tuple[str, ...] = ('G', 'E')
    OF_EACH_RANK = 'pool',
    RESULTS = {'real_A': 'input_label.jpg', 'fake_B': 'synthesized_image.jpg'}
    EXPORTED = ('G: the drawn pose in, or one channel for each label, then those of instance edges '
                'and of encoded features where the run has them; the frame out, RGB from -1 to 1. '
                'The encoder stays here')

    # the least value of each flag
    LEAST = {'n_downsample_global': 1, 'n_blocks_global': 1, 'n_local_enhancers': 1,
             'n_blocks_local': 0, 'n_stacks': 1, 'label_nc': 0, 'feat_num': 1, 'nef': 1,
             'n_downsample_E': 1, 'n_clusters': 1, 'cluster_seed': 0, 'niter_fix_global': 0,
             'num_D': 1, 'lambda_feat': 0}

    @staticmethod
    def declare_options(group: argparse._ArgumentGroup, phase: str) -> None:
        declare_generator(group)
        declare_labels(group)
        declare_features(group, phase)
        if phase == 'train':
            declare_coarse_to_fine(group)

    @staticmethod
    def validate_options(opt: argparse.Namespace) -> None:
        check_least(opt, Pix2PixHDModel.LEAST)
        if opt.isTrain:
            validate_labels(opt)
            validate_instances(opt)
            if opt.niter_fix_global and opt.netG != 'local':
                raise UserError(f'--niter_fix_global: --netG {opt.netG} has no enhancers to train '
                                f'alone. Leave that flag out, or use --netG local.')
        validate_features(opt)

    @staticmethod
    def check_live(opt: argparse.Namespace) -> None:
        refuse((
            (not getattr(opt, 'no_instance', True),
             f'{opt.name} paints from instance maps, which a camera does not give. Train a run '
             f'with --no_instance.'),
            (getattr(opt, 'use_encoded_image', False),
             '--use_encoded_image: a camera shows another person than the one to paint. Leave that '
             'flag out.')))

    def build(self, opt: argparse.Namespace) -> None:
        from models.networks import define_G, init_weights
        from models.networks.pix2pixhd import Encoder, MultiscaleDiscriminator
        self.encodes = opt.instance_feat or opt.label_feat
        from_frames = self.encodes and (opt.isTrain or opt.use_encoded_image)
        self.reads_features = from_frames and opt.load_features
        condition_nc = opt.label_nc or opt.input_nc
        if not opt.no_instance:
            condition_nc += 1
        features_nc = opt.feat_num if self.encodes else 0
        self.networks['G'] = define_G(
            opt.netG, condition_nc + features_nc, opt.output_nc, opt.ngf, opt.norm,
            not opt.no_dropout, **details(opt))
        if from_frames and not opt.load_features:
            self.networks['E'] = Encoder(opt.output_nc, opt.feat_num, opt.nef, opt.n_downsample_E,
                                         opt.norm)
        elif self.encodes and not from_frames:
            from models.label_maps import read_clusters
            self.clusters = read_clusters(
                Path(opt.checkpoints_dir) / opt.name / opt.cluster_path, opt.name)
        if not opt.isTrain:
            return
        self.networks['D'] = MultiscaleDiscriminator(
            condition_nc + opt.output_nc, opt.ndf, opt.n_layers_D, opt.norm, opt.num_D,
            not opt.no_ganFeat_loss)
        for network in self.networks.values():
            init_weights(network, opt.init_type, opt.init_gain)
        self.build_training(opt)

    def build_training(self, opt: argparse.Namespace) -> None:
        """What training needs apart from networks, and the weights it starts from."""
        from models.image_pool import ImagePool
        self.pool = ImagePool(opt.pool_size)
        self.begin_perceptual(opt)
        if opt.load_pretrain and not opt.continue_train:
            self.load_pretrained(opt.load_pretrain)

    # -- the condition -----------------------------------------------------------------------

    def condition(self, batch: Batch) -> Tensor:
        """s: what D sees with an image, and G paints from."""
        import torch

        from models.label_maps import edges_of, instances_of, one_hot
        s = one_hot(batch['A'], self.opt.label_nc) if self.opt.label_nc else batch['A']
        if not self.opt.no_instance:
            s = torch.cat([s, edges_of(instances_of(batch))], 1)
        return s

    def painted_from(self, s: Tensor, batch: Batch) -> list[Tensor]:
        """G(s) last, with the features of each region where they are used; before it the images
        of the earlier stacks of --netG stacked_hourglass."""
        import torch
        if self.encodes:
            s = torch.cat([s, self.features(self.regions(batch), batch)], 1)
        only_images = not self.opt.label_nc and self.opt.no_instance and not self.encodes
        return self.all_outputs(s, -1.0 if only_images else None)

    def regions(self, batch: Batch) -> Tensor:
        """(B, 1, H, W) numbers of the regions that have one look each."""
        from models.label_maps import instances_of, labels_of
        return labels_of(batch['A']) if self.opt.label_feat else instances_of(batch)

    def features(self, regions: Tensor, batch: Batch) -> Tensor:
        """(B, feat_num, H, W), constant within a region: E(x, regions), computed now or read from
        files; or a cluster of each region's label, where no frame is encoded."""
        if self.reads_features:
            return batch['features']
        if 'E' in self.networks:
            if 'B' not in batch:
                raise UserError('--use_encoded_image: this dataset has no frames to encode. Leave '
                                'that flag out.')
            return self.networks['E'](batch['B'], regions)
        from models.label_maps import sample_clusters
        return sample_clusters(self.clusters, regions, self.opt.feat_num, self.opt.cluster_seed)

    def forward(self, batch: Batch, before: Tensor | None) -> Tensor:
        return self.painted_from(self.condition(batch), batch)[-1]

    @contextmanager
    def inference_mode(self) -> Iterator[None]:
        E = self.networks.get('E')
        was_training = E is not None and E.training
        if E is not None:
            E.eval()
        try:
            with super().inference_mode():
                yield
        finally:
            if E is not None:
                E.train(was_training)

    def visible(self, poses: Tensor) -> Tensor:
        from models.label_maps import coloured
        return coloured(poses, self.opt.label_nc) if self.opt.label_nc else poses

    # -- training ----------------------------------------------------------------------------

    def step(self, batch: Batch) -> dict[str, Tensor]:
        import torch

        from models.losses import feature_matching
        opt, D = self.opt, self.networks['D']
        s, x = self.condition(batch), batch['B']
        with self.engine.autocast():
            *earlier, fake = self.painted_from(s, batch)                 # G(s)
        real_pair, fake_pair = torch.cat([s, x], 1), torch.cat([s, fake.float()], 1)

        D.requires_grad_(True)
        with self.engine.autocast():
            pooled = self.pool.exchange(fake_pair.detach())
            real_out, pooled_out = self.discriminate(real_pair, pooled)
        D_real = self.adversarial(real_out, True)                       # log D_k(s, x)      Eq. 2
        D_fake = self.adversarial(pooled_out, False)                    # log(1-D_k(s, G(s))) Eq. 2

        D.requires_grad_(False)         # both sides step from the same D, as NVIDIA's
        with self.engine.autocast():
            fake_out = self.run_network(D, fake_pair)
        losses = {'G_GAN': self.adversarial(fake_out, True, for_G=True)}    # sum over D_k    Eq. 3
        if not opt.no_ganFeat_loss:
            losses['G_GAN_Feat'] = opt.lambda_feat * feature_matching(fake_out, real_out)  # Eq. 4
        if self.perceptual is not None:
            with self.engine.autocast():
                losses['G_VGG'] = opt.lambda_feat * self.perceptual(fake, x)           # Sec. 4.1
        for n, early in enumerate(earlier, 1):      # intermediate supervision, Newell et al. 3.3
            pair = torch.cat([s, early.float()], 1)
            losses[f'G_stack{n}'] = self.reconstruction(pair, early, x, real_out)
        total = torch.stack(list(losses.values())).sum()                 # L_GAN + lambda L_FM Eq. 5
        if 'E' in self.networks:
            self.descend('G', total, 'E')
        else:
            self.descend('G', total)
        D.requires_grad_(True)
        self.descend('D', (D_real + D_fake) / 2)                         # halved, as NVIDIA's
        losses |= {'D_real': D_real, 'D_fake': D_fake}
        return {name: loss.detach() for name, loss in losses.items()}

    def reconstruction(self, pair: Tensor, early: Tensor, x: Tensor,
                       real_out: list[list[Tensor]]) -> Tensor:
        """How far an earlier stack's image is from the frame, by the losses that are on; `pair`
        is that image as D sees it."""
        from models.losses import feature_matching
        loss = early.float().new_zeros(())
        with self.engine.autocast():
            if not self.opt.no_ganFeat_loss:
                out = self.run_network(self.networks['D'], pair)
                loss = loss + self.opt.lambda_feat * feature_matching(out, real_out)
            if self.perceptual is not None:
                loss = loss + self.opt.lambda_feat * self.perceptual(early, x)
        return loss

    def on_epoch_start(self, epoch: int) -> None:
        fixed_epochs = self.opt.niter_fix_global
        if not fixed_epochs:
            return
        if epoch == 1:
            say(f'only the outermost enhancer is trained for {fixed_epochs} epochs '
                f'(--niter_fix_global).')
        # Adam skips weights without gradients, and starts with them when they get some
        G: Any = self.networks['G']
        for parameter in G.inner_parameters():
            parameter.requires_grad_(epoch > fixed_epochs)

    def load_pretrained(self, run: str) -> None:
        """Load what fits from another run's latest networks; one line says how much."""
        from util.runs import missing
        folder = self.pretrained_folder(run)
        report = []
        for name, network in self.networks.items():
            path = folder / f'{self.opt.epoch}_net_{name}.pth'
            if path.is_file():
                report.append(self.load_fitting(run, name, network, path))
            elif name == 'G':
                raise UserError(f'--load_pretrain {run}: {missing(path)}')
        say(f'--load_pretrain {folder}: taken over {", ".join(report)}; the rest starts untrained.')

    def pretrained_folder(self, run: str) -> Path:
        """The folder of --load_pretrain, a name or a folder."""
        return Path(run) if Path(run).is_dir() else Path(self.opt.checkpoints_dir) / run

    def load_fitting(self, run: str, name: str, network: nn.Module, path: Path) -> str:
        """Load the tensors of `path` that fit; UserError if none fits G. Returns   how many."""
        from models.networks import which_flags
        from util.state_dicts import read_weights
        own, found = network.state_dict(), read_weights(path)
        fits = {k: v for k, v in found.items() if k in own and v.shape == own[k].shape}
        if name == 'G' and not fits:
            raise UserError(f'--load_pretrain {run}: nothing of its G fits --netG '
                            f'{self.opt.netG} --ngf {self.opt.ngf}. {which_flags(found)} A '
                            f'local G takes over a global one of twice its --ngf for each '
                            f'enhancer.')
        network.load_state_dict(own | fits)
        return f'{len(fits)} of {len(own)} tensors of {name}'

    # -- what is kept ------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        return super().state() | {'pool': self.pool.pairs}

    def load_state(self, state: dict[str, Any]) -> None:
        super().load_state(state)
        self.pool.pairs = [pair.to(self.engine.device) for pair in state['pool']]

    def check_size(self, width: int, height: int) -> None:
        from models.perceptual import SMALLEST
        super().check_size(width, height)
        if self.perceptual is not None and min(width, height) < SMALLEST:
            raise UserError(f'images of {width}x{height} are too small for the perceptual loss: '
                            f'both sides must be {SMALLEST} or more. Prepare the dataset with '
                            f'--size 256, or add --no_vgg_loss.')
