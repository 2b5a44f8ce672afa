"""Everybody Dance Now: each frame is painted from its pose and the frame painted before it. D sees
two consecutive frames at a time. A second generator paints the face.

Chan et al., "Everybody Dance Now", ICCV 2019, arXiv 1808.07371, Sec. 4; equation numbers below are
that paper's. Networks and losses are pix2pixHD's (models/pix2pixHD_model.py). Where the paper says
nothing, the authors' code decides (carolineec/EverybodyDanceNow): the frame before the first is 0
in [-1, 1], and the perceptual loss has twice the weight in the local stage.

Three stages follow one another (models/stage_plan.py): `global`, the inner generator at half size;
`local`, with an enhancer around it at full size; `face`, a residual about the head, all else fixed.

Images are float32 (B, C, H, W) in [-1, 1]; x_t is the pose or one-hot labels, y_t the real frame,
G(x_t) the painted one, short for G(x_t, G(x_{t-1})); _F is the square around the face.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models.faces import (
    Square,
    cut_out,
    declare_face,
    head_squares,
    loss_names,
    square_side,
    zero_residual,
)
from models.flags import declare_coarse_to_fine, declare_generator, details
from models.label_options import declare_labels, validate_labels
from models.pix2pixHD_model import Pix2PixHDModel
from models.stage_plan import SHARES, StagePlan, no_joints, validate_stages
from util.errors import UserError, say, warn
from util.options import check_least

if TYPE_CHECKING:
    import argparse

    from torch import Tensor

    from data.base_dataset import BaseDataset
    from models.engine import Batch


class EverybodyDanceNowModel(Pix2PixHDModel):
    """Networks: G the generator; Gface that of the face; while training D and Dface. Where the
    inner part of a local G is trained first, Gcoarse turns its features into an image."""

    DEFAULTS: dict[str, Any] = {
        'dataset_mode': 'sequence', 'netG': 'local', 'ngf': 32, 'norm': 'instance',
        'preprocess': 'scale_width', 'gan_mode': 'lsgan', 'num_D': 3, 'pool_size': 0}
    PAINTERS = ('G', 'Gcoarse', 'Gface')
    SEQUENTIAL = True
    EXPORTED = 'G: pose and frame before in, frame out; Gface: face square in, its change out'

    @staticmethod
    def declare_options(group: argparse._ArgumentGroup, phase: str) -> None:
        declare_generator(group)
        group.add_argument('--stage', default='auto', choices=['auto', *SHARES],
                           help='auto trains all three in turn. Or train each: global --ngf 64; '
                                'then local --load_pretrain NAME; then face --load_pretrain NAME')
        declare_face(group, phase)
        declare_labels(group, ', for which the authors\' code gives 6')
        if phase == 'train':
            declare_coarse_to_fine(group)

    @staticmethod
    def validate_options(opt: argparse.Namespace) -> None:
        check_least(opt, Pix2PixHDModel.LEAST | {'face_size': 1})
        if not opt.isTrain:
            return
        if opt.dataset_mode != 'sequence':
            raise UserError(f'--dataset_mode {opt.dataset_mode}: --model {opt.model} trains on '
                            f'consecutive frames, which only --dataset_mode sequence gives; it '
                            f'reads {opt.phase}/, or {opt.phase}_A/ and {opt.phase}_B/.')
        validate_labels(opt)
        validate_stages(opt)

    def build(self, opt: argparse.Namespace) -> None:
        from models.networks import define_G, init_weights
        from models.networks.pix2pixhd import (
            CoarsePicture,
            GlobalGenerator,
            LocalEnhancer,
            MultiscaleDiscriminator,
        )
        self.encodes = False            # unlike pix2pixHD, it paints from poses only
        pose_nc, image_nc = opt.label_nc or opt.input_nc, opt.output_nc
        self.networks['G'] = G = define_G(opt.netG, pose_nc + image_nc, image_nc, opt.ngf,
                                          opt.norm, not opt.no_dropout, **details(opt))
        local = isinstance(G, LocalEnhancer)
        inner_ngf = opt.ngf * 2 ** opt.n_local_enhancers if local else opt.ngf
        if opt.stage == 'auto' and local:
            self.networks['Gcoarse'] = CoarsePicture(inner_ngf, image_nc)
        if opt.face_generator:
            self.networks['Gface'] = GlobalGenerator(pose_nc + image_nc, image_nc, inner_ngf, 3, 5)
        if not opt.isTrain:
            return
        features = not opt.no_ganFeat_loss
        self.networks['D'] = D = MultiscaleDiscriminator(
            2 * (pose_nc + image_nc), opt.ndf, opt.n_layers_D, opt.norm, opt.num_D, features)
        if opt.face_generator and opt.face_discrim:
            self.networks['Dface'] = MultiscaleDiscriminator(
                pose_nc + image_nc, opt.ndf, opt.n_layers_D, num_D=1, features=features)
        for network in self.networks.values():
            init_weights(network, opt.init_type, opt.init_gain)
        if opt.face_generator:
            zero_residual(self.networks['Gface'])
        self.build_training(opt)
        self.scales = D.names
        self.plan = StagePlan.of(opt.stage, local, opt.face_generator)
        self.enter(self.plan.stage)

    # -- stages ------------------------------------------------------------------------------

    @property
    def coarse(self) -> bool:
        """Whether only the inner generator is trained so far, at half size."""
        return 'Gcoarse' in self.networks and bool(self.networks['Gcoarse'].in_use)

    def enter(self, stage: str) -> None:
        """Set the networks up for `stage`."""
        self.plan.enter(stage)
        Gcoarse: Any = self.networks.get('Gcoarse')
        if Gcoarse is not None:
            Gcoarse.in_use.fill_(stage == 'global')
        D: Any = self.networks['D']
        # the largest scale at half size is the second largest of the later stages
        D.names = self.scales[1:] if self.coarse and len(self.scales) > 1 else self.scales

    def on_step_start(self, over: float) -> None:
        # a run that is made longer trains its later stages again, never half of a whole generator
        stage = self.plan.due(over, no_global='Gcoarse' in self.networks and not self.coarse)
        if stage != self.plan.stage:
            say(f'stage {stage} begins.')
            self.pool.pairs.clear()
            self.enter(stage)
            if self.ema:
                if stage == 'face':     # G is fixed from here on: at the mean that paints
                    self.networks['G'].load_state_dict(self.ema.networks['G'].state_dict())
                self.ema.updates = 0
        self.plan.advance(over)

    def set_rate(self, rate: float) -> None:
        """With several stages, each has the whole course of --lr_policy for itself."""
        if len(self.plan.ends) > 1:
            rate = self.plan.rate(self.opt.lr, self.opt.lr_policy)
        super().set_rate(rate)

    # -- painting ----------------------------------------------------------------------------

    def on_dataset(self, dataset: BaseDataset) -> None:
        if 'Gface' in self.networks and 'joints' not in dataset.item(0):
            warn(f'{dataset.root} has no poses.npz that knows the joints of each of its images, '
                 f'so faces stay as the generator of the whole frame paints them.')

    def forward(self, batch: Batch, before: Tensor | None) -> Tensor:
        """Where no frame was painted before, but the batch has its pose, that is painted first: a
        single image then looks as it does in its video."""
        import torch
        A = batch['A']
        nothing = torch.zeros(len(A), self.opt.output_nc, *A.shape[-2:], device=A.device)
        follows = batch.get('follows', nothing)
        if before is None and bool(follows.any()):
            before = self.whole(batch['before_A'], nothing, batch.get('before_joints'))
            before = before * follows[..., None, None]
        if before is None or before.shape != nothing.shape:
            before = nothing
        return self.whole(A, before, batch.get('joints'))

    def whole(self, A: Tensor, before: Tensor, joints: Tensor | None) -> Tensor:
        """The painted frame at full size, its face too: float32 (B, C, H, W)."""
        import torch.nn.functional as F

        from models.tensors import half_size
        x = self.pose(A)
        if self.coarse:
            small = self.frame(half_size(x), half_size(before))
            return F.interpolate(small, A.shape[-2:], mode='bilinear')
        image = self.frame(x, before)
        if 'Gface' in self.networks and joints is not None:
            squares = self.squares(joints, image)
            image = image.clone()
            for square, residual in zip(squares, self.residuals(image, x, squares)):
                image[square] += residual
        return image

    def pose(self, A: Tensor) -> Tensor:
        """x: a batch's poses as the networks see them."""
        from models.label_maps import one_hot
        return one_hot(A, self.opt.label_nc) if self.opt.label_nc else A

    def frame(self, x: Tensor, before: Tensor) -> Tensor:
        """G(x, before), float32; while coarse, that of the inner generator at half size."""
        return self.frames(x, before)[-1]

    def frames(self, x: Tensor, before: Tensor) -> list[Tensor]:
        """G(x, before) last; before it the images of earlier stacks of stacked_hourglass."""
        import torch
        seen = torch.cat([x, before], 1)
        if not self.coarse:
            return [image.float() for image in self.all_outputs(seen, None)]
        from models.tensors import through
        G: Any = self.networks['G']

        def paint_coarsely(padded: Tensor) -> Tensor:
            features = self.run_network(G.model, padded)
            return self.run_network(self.networks['Gcoarse'], features)
        return [through(seen, paint_coarsely, 2 ** self.opt.n_downsample_global).float()]

    # -- training ----------------------------------------------------------------------------

    def step(self, batch: Batch) -> dict[str, Tensor]:
        import torch

        from models.losses import feature_matching
        if 'face' in self.plan.ends and 'joints' not in batch:
            raise no_joints(self.opt.dataroot)
        if self.plan.stage == 'face':
            return self.step_face(batch)
        opt, D = self.opt, self.networks['D']
        x0, x1, y0, y1 = self.consecutive(batch)
        with self.engine.autocast():
            *earlier0, fake0 = self.frames(x0, torch.zeros_like(y0))     # G(x_{t-1}, 0)
            *earlier1, fake1 = self.frames(x1, fake0)                    # G(x_t, G(x_{t-1}))
        real = torch.cat([x0, x1, y0, y1], 1)
        fake = torch.cat([x0, x1, fake0, fake1], 1)

        D.requires_grad_(True)
        with self.engine.autocast():
            real_out, pooled_out = self.discriminate(real, self.pool.exchange(fake.detach()))
        D_real = self.adversarial(real_out, True)       # log D(x_{t-1}, x_t, y_{t-1}, y_t)  Eq. 1
        D_fake = self.adversarial(pooled_out, False)    # log(1-D(.., G(x_{t-1}), G(x_t)))   Eq. 1

        D.requires_grad_(False)
        with self.engine.autocast():
            fake_out = self.run_network(D, fake)
        losses = {'G_GAN': self.adversarial(fake_out, True, for_G=True)}    # sum over D_k    Eq. 3
        if not opt.no_ganFeat_loss:                                      # lambda_FM L_FM     Eq. 3
            losses['G_GAN_Feat'] = opt.lambda_feat * feature_matching(fake_out, real_out)
        if self.perceptual is not None:      # lambda_P (L_P of G(x_{t-1}) + L_P of G(x_t))   Eq. 3
            weight = opt.lambda_feat * (1.0 if self.plan.stage == 'local' else 0.5)
            both_fakes, both_frames = torch.cat([fake0, fake1]), torch.cat([y0, y1])
            with self.engine.autocast():     # the mean over both frames is half their sum
                losses['G_VGG'] = 2 * weight * self.perceptual(both_fakes, both_frames)
        for n, early in enumerate(zip(earlier0, earlier1), 1):      # Newell et al. 2016, Sec. 3.3
            losses[f'G_stack{n}'] = self.reconstruction(
                torch.cat([x0, x1, *early], 1), torch.cat(early), torch.cat([y0, y1]), real_out)
        total = torch.stack(list(losses.values())).sum()
        if self.coarse:
            self.descend('G', total, 'Gcoarse')
        else:
            self.descend('G', total)
        D.requires_grad_(True)
        self.descend('D', (D_real + D_fake) / 2)                         # halved, as the authors'
        losses |= {'D_real': D_real, 'D_fake': D_fake}
        return {name: loss.detach() for name, loss in losses.items()}

    def consecutive(self, batch: Batch) -> list[Tensor]:
        """x_{t-1}, x_t, y_{t-1}, y_t, at half size in the global stage of a local generator.
        Where the batch has no frame before, the frame itself stands in for it."""
        from models.tensors import half_size
        still = {f'before_{key}': batch[key] for key in ('A', 'B')} | batch
        four = [self.pose(still['before_A']), self.pose(still['A']), still['before_B'], still['B']]
        return [half_size(image) for image in four] if self.coarse else four

    def step_face(self, batch: Batch) -> dict[str, Tensor]:
        """Train Gface on G(x) as it will be painted; G does not change."""
        import torch
        opt = self.opt
        x, y = self.pose(batch['A']), batch['B']
        still = {f'before_{key}': batch[key] for key in ('A', 'joints')} | batch
        with torch.no_grad(), self.inference_mode(), self.engine.autocast():
            before = self.whole(still['before_A'], torch.zeros_like(y), still['before_joints'])
            image = self.frame(x, before)                                # G(x)
        squares = self.squares(batch['joints'], image)
        if not squares:     # no head is visible in these frames, but another rank may see some
            for name in ('Gface', 'Dface')[:1 + opt.face_discrim]:
                self.descend(name, None, share=0)
            return {name: torch.zeros((), device=y.device) for name in loss_names(opt)}
        x_F, y_F, G_F = (cut_out(whole, squares) for whole in (x, y, image))
        with self.engine.autocast():
            fake_F = G_F + self.residuals(image, x, squares)             # G(x)_F + r         Eq. 2
        real, fake = torch.cat([x_F, y_F], 1), torch.cat([x_F, fake_F], 1)
        losses: dict[str, Tensor] = {}
        if opt.face_discrim:
            D = self.networks['Dface']
            D.requires_grad_(False)
            losses['G_GANface'] = self.adversarial_face(fake, True, for_G=True)  # L_face     Eq. 4
        if self.perceptual is not None:                             # L_P(r + G(x)_F, y_F)   Eq. 4
            with self.engine.autocast():
                losses['G_VGGface'] = opt.lambda_feat / 2 * self.perceptual(fake_F, y_F)
        self.descend('Gface', torch.stack(list(losses.values())).sum(), share=len(squares))
        if opt.face_discrim:
            D.requires_grad_(True)
            D_real = self.adversarial_face(real, True)                   # log D_f(x_F, y_F)  Eq. 2
            D_fake = self.adversarial_face(fake.detach(), False)         # log(1-D_f(x_F, ..)) Eq. 2
            self.descend('Dface', (D_real + D_fake) / 2, share=len(squares))
            losses |= {'D_realface': D_real, 'D_fakeface': D_fake}
        return {name: losses[name].detach() for name in loss_names(opt)}

    def adversarial_face(self, faces: Tensor, real: bool, for_G: bool = False) -> Tensor:
        """The adversarial loss of Dface on pairs (x_F, face)."""
        with self.engine.autocast():
            out = self.run_network(self.networks['Dface'], faces)
        return self.adversarial(out, real, for_G)

    # -- faces -------------------------------------------------------------------------------

    def squares(self, joints: Tensor, image: Tensor) -> list[Square]:
        """The square around each visible head of `image`."""
        height, width = image.shape[-2:]
        return head_squares(joints, width, height, square_side(self.opt.face_size, width, height))

    def residuals(self, image: Tensor, x: Tensor, squares: list[Square]) -> Tensor:
        """r = G_f(x_F, G(x)_F), float32 (len(squares), C, S, S), in the order of the squares."""
        import torch

        from models.tensors import through
        if not squares:
            return image[:0]
        seen = torch.cat([cut_out(x, squares), cut_out(image, squares)], 1)
        Gface: Any = self.networks['Gface']
        return through(seen, lambda padded: self.run_network(Gface, padded), Gface.multiple).float()

    # -- what is kept ------------------------------------------------------------------------

    def load_pretrained(self, run: str) -> None:
        """In the face stage all of G has to fit, as it is trained no further."""
        if self.opt.stage == 'face':
            from models.networks import which_flags
            from util.state_dicts import load_weights
            weights = self.pretrained_folder(run) / f'{self.opt.epoch}_net_G.pth'
            load_weights(self.networks['G'], weights, '--netG', which_flags)
        super().load_pretrained(run)

    def state(self) -> dict[str, Any]:
        return super().state() | {'stage': self.plan.stage}

    def load_state(self, state: dict[str, Any]) -> None:
        super().load_state(state)
        if state['stage'] in self.plan.ends:
            self.enter(state['stage'])

    def check_size(self, width: int, height: int) -> None:
        from models.perceptual import SMALLEST
        super().check_size(width, height)
        if self.perceptual is not None and self.coarse and min(width, height) < 2 * SMALLEST - 1:
            raise UserError(f'images of {width}x{height} are too small for the global stage, '
                            f'which halves them: both sides must be {2 * SMALLEST - 1} or more. '
                            f'Prepare the dataset with --size 256, or use --netG global.')
