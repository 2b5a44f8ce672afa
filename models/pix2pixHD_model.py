"""pix2pixHD: a coarse-to-fine generator, judged at several scales and by what the judges see.

Wang et al., "High-Resolution Image Synthesis and Semantic Manipulation with Conditional GANs",
CVPR 2018, arXiv 1711.11585. Equation numbers below are that paper's.

Images are float32 (B, C, H, W) in [-1, 1]; s is the pose or the one-hot labels, with instance
edges where there are any, x the real frame, G(s) the painted one.
"""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.multiscale_gan import MultiscaleGAN, declare_perceptual
from util.errors import UserError, say, warn

if TYPE_CHECKING:
    import argparse

    from torch import Tensor

    from models.engine import Batch

# the flags that its generators are made of
DETAILS = ('n_downsample_global', 'n_blocks_global', 'n_local_enhancers', 'n_blocks_local',
           'n_stacks')


class Pix2PixHDModel(MultiscaleGAN):
    """Networks: G the generator; while training D, all scales of the discriminator; E the encoder
    where encoded features are used."""

    DEFAULTS: dict[str, Any] = {'netG': 'global', 'norm': 'instance', 'preprocess': 'scale_width',
                                'gan_mode': 'lsgan', 'pool_size': 0}
    PAINTERS: tuple[str, ...] = ('G', 'E')
    RESULTS = {'real_A': 'input_label.jpg', 'fake_B': 'synthesized_image.jpg'}

    @staticmethod
    def declare_options(group: argparse._ArgumentGroup, phase: str) -> None:
        declare_details(group)
        group.add_argument('--label_nc', type=int, default=0,
                           help='the poses are label maps of so many labels, 0 counted; 0: they '
                                'are pictures')
        group.add_argument('--no_instance', action='store_true',
                           help='show G and D no edges of instances; so too where the dataset has '
                                'no instance maps')
        group.add_argument('--instance_feat', action='store_true',
                           help='also paint from numbers that encode what each instance looks '
                                'like')
        group.add_argument('--label_feat', action='store_true', help='the same for each label')
        group.add_argument('--feat_num', type=int, default=3, help='how many such numbers')
        group.add_argument('--load_features', action='store_true',
                           help='read those numbers from DATAROOT/PHASE_feat, which '
                                'scripts/precompute_feature_maps.py writes, instead of encoding')
        group.add_argument('--nef', type=int, default=16, help='filters in E\'s first layer')
        group.add_argument('--n_downsample_E', type=int, default=4, help='how often E halves')
        if phase == 'test':
            group.add_argument('--use_encoded_image', action='store_true',
                               help='take those numbers from the frame itself')
            group.add_argument('--cluster_path', default='features_clustered_010.npy',
                               help='else from this file of the run\'s folder, which '
                                    'scripts/encode_features.py writes')
            group.add_argument('--n_clusters', type=int, default=10,
                               help='how many looks of a label that script tells apart')
            group.add_argument('--cluster_seed', type=int, default=0,
                               help='which of the looks each region gets')
            return
        declare_learning(group)

    # the least that each of its numbers may be
    LEAST = {'n_downsample_global': 1, 'n_blocks_global': 1, 'n_local_enhancers': 1,
             'n_blocks_local': 0, 'n_stacks': 1, 'label_nc': 0, 'feat_num': 1, 'nef': 1,
             'n_downsample_E': 1, 'n_clusters': 1, 'cluster_seed': 0, 'niter_fix_global': 0,
             'num_D': 1, 'lambda_feat': 0}

    @staticmethod
    def validate_options(opt: argparse.Namespace) -> None:
        for flag, least in Pix2PixHDModel.LEAST.items():
            if getattr(opt, flag, least) < least:
                raise UserError(f'--{flag} {getattr(opt, flag)}: give {least} or more.')
        if opt.isTrain:
            validate_labels(opt)
            if not opt.no_instance and not (Path(opt.dataroot) / f'{opt.phase}_inst').is_dir():
                say(f'{opt.dataroot} has no {opt.phase}_inst, so no instance edges are shown '
                    f'(--no_instance).')
                opt.no_instance = True
            if opt.niter_fix_global and opt.netG != 'local':
                raise UserError(f'--niter_fix_global: --netG {opt.netG} has no enhancers to train '
                                f'alone. Leave that flag out, or use --netG local.')
        if opt.instance_feat and opt.no_instance:
            raise UserError('--instance_feat: there are no instance maps to tell the instances '
                            'apart. Use --label_feat with label maps, or leave the flag out.')
        if opt.label_feat and not opt.label_nc:
            raise UserError('--label_feat: the poses are pictures, not label maps. Give '
                            '--label_nc, or leave the flag out.')
        if opt.load_features:
            validate_features(opt)

    def build(self, opt: argparse.Namespace) -> None:
        from models.networks import define_G, init_weights
        from models.networks.pix2pixhd import Encoder, MultiscaleDiscriminator
        self.encodes = opt.instance_feat or opt.label_feat
        wanted = self.encodes and (opt.isTrain or opt.use_encoded_image)
        self.reads_features = wanted and opt.load_features
        shown = (opt.label_nc or opt.input_nc) + (not opt.no_instance)
        self.networks['G'] = define_G(
            opt.netG, shown + opt.feat_num * self.encodes, opt.output_nc, opt.ngf, opt.norm,
            not opt.no_dropout, **details(opt))
        if wanted and not opt.load_features:
            self.networks['E'] = Encoder(opt.output_nc, opt.feat_num, opt.nef, opt.n_downsample_E,
                                         opt.norm)
        elif self.encodes and not wanted:
            from models.label_maps import read_clusters
            self.clusters = read_clusters(
                Path(opt.checkpoints_dir) / opt.name / opt.cluster_path, opt.name)
        if not opt.isTrain:
            return
        self.networks['D'] = MultiscaleDiscriminator(
            shown + opt.output_nc, opt.ndf, opt.n_layers_D, opt.norm, opt.num_D,
            not opt.no_ganFeat_loss)
        for network in self.networks.values():
            init_weights(network, opt.init_type, opt.init_gain)
        self.begin_learning(opt)

    def begin_learning(self, opt: argparse.Namespace) -> None:
        """What training needs besides networks, and the weights it begins with."""
        from models.image_pool import ImagePool
        self.pool = ImagePool(opt.pool_size)
        self.begin_perceptual(opt)
        if opt.load_pretrain and not opt.continue_train:
            self.load_pretrained(opt.load_pretrain)

    # -- what is shown -----------------------------------------------------------------------

    def condition(self, batch: Batch) -> Tensor:
        """s: what D sees beside a picture, and G paints from."""
        import torch

        from models.label_maps import edges_of, one_hot
        s = one_hot(batch['A'], self.opt.label_nc) if self.opt.label_nc else batch['A']
        if not self.opt.no_instance:
            s = torch.cat([s, edges_of(instances_of(batch))], 1)
        return s

    def painted_from(self, s: Tensor, batch: Batch) -> list[Tensor]:
        """G(s) last, with the features of each region where they are used; before it what the
        earlier stacks of --netG stacked_hourglass painted."""
        import torch
        if self.encodes:
            s = torch.cat([s, self.features(self.regions(batch), batch)], 1)
        pictures = not self.opt.label_nc and self.opt.no_instance and not self.encodes
        return self.all_outputs(s, -1.0 if pictures else None)

    def regions(self, batch: Batch) -> Tensor:
        """(B, 1, H, W) numbers: what looks the same all over."""
        from models.label_maps import labels_of
        return labels_of(batch['A']) if self.opt.label_feat else instances_of(batch)

    def features(self, regions: Tensor, batch: Batch) -> Tensor:
        """(B, feat_num, H, W), the same all over a region: E(x, regions), now or long ago, or what
        the regions' clusters say where no frame is to be copied."""
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
        opt, D, x = self.opt, self.networks['D'], batch['B']
        s = self.condition(batch)
        with self.engine.autocast():
            *earlier, fake = self.painted_from(s, batch)                 # G(s)
        real_pair, fake_pair = torch.cat([s, x], 1), torch.cat([s, fake.float()], 1)

        D.requires_grad_(True)
        with self.engine.autocast():
            real_out, old_out = self.discriminate(real_pair, self.pool.exchange(fake_pair.detach()))
        D_real = self.adversarial(real_out, True)                       # log D_k(s, x)      Eq. 2
        D_fake = self.adversarial(old_out, False)                       # log(1-D_k(s, G(s))) Eq. 2

        D.requires_grad_(False)         # both sides step from the same D, as NVIDIA's
        with self.engine.autocast():
            said = self.run_network(D, fake_pair)
        losses = {'G_GAN': self.adversarial(said, True, for_G=True)}     # sum over D_k       Eq. 3
        if not opt.no_ganFeat_loss:
            losses['G_GAN_Feat'] = opt.lambda_feat * feature_matching(said, real_out)      # Eq. 4
        if self.perceptual is not None:
            with self.engine.autocast():
                losses['G_VGG'] = opt.lambda_feat * self.perceptual(fake, x)           # Sec. 4.1
        for n, early in enumerate(earlier, 1):      # intermediate supervision, Newell et al. 3.3
            pair = torch.cat([s, early.float()], 1)
            losses[f'G_stack{n}'] = self.reconstruction(pair, early, x, real_out)
        total = torch.stack(list(losses.values())).sum()                 # L_GAN + lambda L_FM Eq. 5
        self.descend('G', total, *(['E'] if 'E' in self.networks else []))
        D.requires_grad_(True)
        self.descend('D', (D_real + D_fake) / 2)                         # halved, as NVIDIA's
        losses |= {'D_real': D_real, 'D_fake': D_fake}
        return {name: loss.detach() for name, loss in losses.items()}

    def reconstruction(self, pair: Tensor, early: Tensor, x: Tensor,
                       real_out: list[list[Tensor]]) -> Tensor:
        """How far an earlier stack's picture is from the frame, by the losses that are on; `pair`
        is that picture as D sees it."""
        from models.losses import feature_matching
        loss = early.float().new_zeros(())
        with self.engine.autocast():
            if not self.opt.no_ganFeat_loss:
                said = self.run_network(self.networks['D'], pair)
                loss = loss + self.opt.lambda_feat * feature_matching(said, real_out)
            if self.perceptual is not None:
                loss = loss + self.opt.lambda_feat * self.perceptual(early, x)
        return loss

    def on_epoch_start(self, epoch: int) -> None:
        rests = epoch <= self.opt.niter_fix_global
        if not self.opt.niter_fix_global:
            return
        if rests and epoch == 1:
            say(f'only the outermost enhancer is trained for {self.opt.niter_fix_global} epochs '
                f'(--niter_fix_global).')
        # Adam passes over weights without gradients, and begins with them when they get some
        G: Any = self.networks['G']
        for parameter in G.inner_parameters():
            parameter.requires_grad_(not rests)

    def load_pretrained(self, run: str) -> None:
        """Take over what fits of another run's latest networks; one line says how much."""
        from models.networks import which_flags
        from util.checkpoints import missing, read_weights
        folder = Path(run) if Path(run).is_dir() else Path(self.opt.checkpoints_dir) / run
        report = []
        for name, network in self.networks.items():
            path = folder / f'{self.opt.epoch}_net_{name}.pth'
            if not path.is_file():
                if name == 'G':
                    raise UserError(f'--load_pretrain {run}: {missing(path)}')
                continue
            wanted, found = network.state_dict(), read_weights(path)
            fits = {k: v for k, v in found.items() if k in wanted and v.shape == wanted[k].shape}
            if name == 'G' and not fits:
                raise UserError(f'--load_pretrain {run}: nothing of its G fits --netG '
                                f'{self.opt.netG} --ngf {self.opt.ngf}. {which_flags(found)} A '
                                f'local G takes over a global one of twice its --ngf for each '
                                f'enhancer.')
            network.load_state_dict(wanted | fits)
            report.append(f'{len(fits)} of {len(wanted)} tensors of {name}')
        say(f'--load_pretrain {folder}: taken over {", ".join(report)}; the rest begins anew.')

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
            raise UserError(f'pictures of {width}x{height} are too small for the perceptual loss: '
                            f'both sides must be {SMALLEST} or more. Prepare the dataset with '
                            f'--size 256, or add --no_vgg_loss.')


# The flags of its generators

def declare_details(group: argparse._ArgumentGroup) -> None:
    """DETAILS, for a model that offers --netG global and local."""
    group.add_argument('--n_downsample_global', type=int, default=4,
                       help='--netG global, and local inside: how often the picture is halved')
    group.add_argument('--n_blocks_global', type=int, default=9, help='and its residual blocks')
    group.add_argument('--n_local_enhancers', type=int, default=1,
                       help='--netG local: enhancers around the global generator')
    group.add_argument('--n_blocks_local', type=int, default=3, help='and their residual blocks')
    group.add_argument('--n_stacks', type=int, default=2,
                       help='--netG stacked_hourglass: hourglasses, each painting the picture')


def declare_learning(group: argparse._ArgumentGroup) -> None:
    """What only training needs, for a model that learns as pix2pixHD does."""
    group.add_argument('--niter_fix_global', type=int, default=0,
                       help='epochs in which only the outermost enhancer of --netG local is '
                            'trained')
    group.add_argument('--load_pretrain', default='', metavar='RUN',
                       help='begin with the weights of this run, a name or a folder, as far '
                            'as they fit: train --netG global first, then local on top')
    group.add_argument('--num_D', type=int, default=2, help='discriminators, each at half the '
                       'size of the one before')
    group.add_argument('--n_layers_D', type=int, default=3, help='layers of each')
    group.add_argument('--ndf', type=int, default=64, help='filters in their first layer')
    group.add_argument('--gan_mode', default='lsgan', help='the adversarial loss',
                       choices=['lsgan', 'vanilla', 'hinge'])
    group.add_argument('--lambda_feat', type=float, default=10.0,
                       help='weight of feature matching and of the perceptual loss')
    group.add_argument('--no_ganFeat_loss', action='store_true', help='no feature matching')
    declare_perceptual(group)
    group.add_argument('--pool_size', type=int, default=0,
                       help='earlier painted pairs that D is also shown; 0 for none')


def details(opt: argparse.Namespace) -> dict[str, int]:
    """What define_G is told of them."""
    return {name: getattr(opt, name) for name in DETAILS}


def validate_labels(opt: argparse.Namespace) -> None:
    """--label_nc as the dataset has it."""
    from pose.draw import LABELS
    from util.files import read_json
    root = Path(opt.dataroot)
    facts = root / 'dataset.json'
    draw = read_json(facts).get('draw', {}) if facts.is_file() else {}
    if draw.get('style') in LABELS:
        if not opt.label_nc:
            opt.label_nc = draw['labels']
            say(f'{root} is drawn as label maps: --label_nc {opt.label_nc}.')
        if opt.label_nc < draw['labels']:
            raise UserError(f'--label_nc {opt.label_nc}: {root} has {draw["labels"]} labels. '
                            f'Leave that flag out.')
    elif (root / f'{opt.phase}_label').is_dir() and not opt.label_nc:
        raise UserError(f'{root / opt.phase}_label holds label maps: say how many labels there '
                        f'are with --label_nc, e.g. --label_nc 35 for Cityscapes.')


def validate_features(opt: argparse.Namespace) -> None:
    """What --load_features needs, said before hours of training begin."""
    if not (opt.instance_feat or opt.label_feat):
        raise UserError('--load_features: nothing is painted from features. Add --instance_feat or '
                        '--label_feat, or leave the flag out.')
    if opt.feat_num != 3:
        raise UserError(f'--feat_num {opt.feat_num}: --load_features reads pictures, which hold 3 '
                        f'numbers. Leave --feat_num out.')
    if not opt.isTrain:
        return
    if opt.dataset_mode != 'labelled':
        raise UserError(f'--load_features: --dataset_mode {opt.dataset_mode} reads no feature '
                        f'maps. Use pix2pixHD\'s folders, or leave the flag out.')
    heldout = Path(opt.dataroot) / f'{opt.val_phase}_label'
    if heldout.is_dir() and not heldout.with_name(f'{opt.val_phase}_feat').is_dir():
        warn(f'{opt.dataroot} has no {opt.val_phase}_feat, so what is held out cannot be painted. '
             f'To write it: python scripts/precompute_feature_maps.py --name RUN --phase '
             f'{opt.val_phase}')


def instances_of(batch: Batch) -> Tensor:
    """(B, 1, H, W) numbers."""
    if 'instances' not in batch:
        raise UserError('this run paints from instance maps, and this dataset has none: put them '
                        'into DATAROOT/PHASE_inst.')
    return batch['instances']
