"""Everybody Dance Now: each frame is painted from its pose and from the frame painted before it,
judged two consecutive frames at a time, with a second generator for the face.

Chan et al., "Everybody Dance Now", ICCV 2019, arXiv 1808.07371, Sec. 4; equation numbers below are
that paper's. Networks and losses are pix2pixHD's (models/pix2pixHD_model.py). Where the paper is
silent, the authors' code decides (carolineec/EverybodyDanceNow): the frame before the first is 0 in
[-1, 1], and the perceptual loss counts twice in the local stage.

Three stages, one after another: `global`, the inner generator at half size; `local`, with an
enhancer around it at full size; `face`, a residual on a square about the head, all else at rest.

Images are float32 (B, C, H, W) in [-1, 1]; x_t is the pose or one-hot labels, y_t the real frame,
G(x_t) the painted one, short for G(x_t, G(x_{t-1})); _F is the square about the face.
"""
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.pix2pixHD_model import (
    Pix2PixHDModel,
    declare_details,
    declare_learning,
    details,
    validate_labels,
)
from util.errors import UserError, say, warn

if TYPE_CHECKING:
    import argparse

    from torch import Tensor, nn

    from data.base_dataset import BaseDataset
    from models.engine import Batch

STAGES = {'global': 0.45, 'local': 0.40, 'face': 0.15}     # and their shares of --stage auto
HEAD = ('Nose', 'REye', 'LEye', 'REar', 'LEar')
FIELD = 512                     # px: the height of the paper's frames, to which --face_size belongs


class EverybodyDanceNowModel(Pix2PixHDModel):
    """Networks: G the generator; Gface that of the face; while training D and Dface. Where G is a
    local generator trained from its inside outwards, Gcoarse turns what the inside makes into a
    picture."""

    DEFAULTS: dict[str, Any] = {
        'dataset_mode': 'sequence', 'netG': 'local', 'ngf': 32, 'norm': 'instance',
        'preprocess': 'scale_width', 'gan_mode': 'lsgan', 'num_D': 3, 'pool_size': 0}
    PAINTERS = ('G', 'Gcoarse', 'Gface')
    SEQUENTIAL = True

    @staticmethod
    def declare_options(group: argparse._ArgumentGroup, phase: str) -> None:
        declare_details(group)
        group.add_argument('--stage', default='auto', choices=['auto', *STAGES],
                           help='auto trains all three in turn. Or one at a time: global --ngf 64; '
                                'then local --load_pretrain NAME; then face --load_pretrain NAME')
        group.add_argument('--face_generator', action='store_true',
                           help='paint faces with a generator of their own; auto does where '
                                'poses.npz says where they are')
        group.add_argument('--face_size', type=int, default=128,
                           help=f'side of the square about the head, px in a picture {FIELD} '
                                f'high; in others as large a part of it')
        group.add_argument('--label_nc', type=int, default=0,
                           help='the poses are label maps of so many labels, 0 counted; 0: they '
                                'are pictures, for which the authors\' code says 6')
        if phase == 'test':
            return
        group.add_argument('--face_discrim', action='store_true',
                           help='judge faces with a discriminator of their own; auto does')
        declare_learning(group)

    @staticmethod
    def validate_options(opt: argparse.Namespace) -> None:
        for flag, least in (Pix2PixHDModel.LEAST | {'face_size': 1}).items():
            if getattr(opt, flag, least) < least:
                raise UserError(f'--{flag} {getattr(opt, flag)}: give {least} or more.')
        if not opt.isTrain:
            return
        if opt.dataset_mode != 'sequence':
            raise UserError(f'--dataset_mode {opt.dataset_mode}: --model {opt.model} learns from '
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
        self.encodes = False                # as pix2pixHD can: nothing but poses is painted from
        shown, painted = opt.label_nc or opt.input_nc, opt.output_nc
        self.networks['G'] = G = define_G(opt.netG, shown + painted, painted, opt.ngf, opt.norm,
                                          not opt.no_dropout, **details(opt))
        local = isinstance(G, LocalEnhancer)
        inner = opt.ngf * 2 ** (opt.n_local_enhancers * local)
        if opt.stage == 'auto' and local:
            self.networks['Gcoarse'] = CoarsePicture(inner, painted)
        if opt.face_generator:
            self.networks['Gface'] = GlobalGenerator(shown + painted, painted, inner, 3, 5)
        if not opt.isTrain:
            return
        self.networks['D'] = D = MultiscaleDiscriminator(
            2 * (shown + painted), opt.ndf, opt.n_layers_D, opt.norm, opt.num_D,
            not opt.no_ganFeat_loss)
        if opt.face_generator and opt.face_discrim:
            self.networks['Dface'] = MultiscaleDiscriminator(
                shown + painted, opt.ndf, opt.n_layers_D, num_D=1,
                features=not opt.no_ganFeat_loss)
        for network in self.networks.values():
            init_weights(network, opt.init_type, opt.init_gain)
        if opt.face_generator:
            begin_at_nothing(self.networks['Gface'])
        self.begin_learning(opt)
        self.scales = D.names
        self.stages = self.stages_of()
        self.enter(next(iter(self.stages)))

    # -- stages ------------------------------------------------------------------------------

    def stages_of(self) -> dict[str, float]:
        """The stages of this run, in order, and the part of the run at which each ends."""
        if self.opt.stage != 'auto':
            return {self.opt.stage: 1.0}
        from models.networks.pix2pixhd import LocalEnhancer
        there = {'global': True, 'local': isinstance(self.networks['G'], LocalEnhancer),
                 'face': 'Gface' in self.networks}
        whole = sum(STAGES[stage] for stage in STAGES if there[stage])
        ends, end = {}, 0.0
        for stage in STAGES:
            if there[stage]:
                end += STAGES[stage] / whole
                ends[stage] = end
        return ends

    @property
    def coarse(self) -> bool:
        """Whether G is trained at half size only, as yet."""
        return 'Gcoarse' in self.networks and bool(self.networks['Gcoarse'].in_use)

    def enter(self, stage: str) -> None:
        """What `stage` trains with."""
        self.stage, self.course = stage, 0.0
        Gcoarse: Any = self.networks.get('Gcoarse')
        if Gcoarse is not None:
            Gcoarse.in_use.fill_(stage == 'global')
        D: Any = self.networks['D']
        # at half size the largest scale is the one that comes second later
        D.names = self.scales[1:] if self.coarse and len(self.scales) > 1 else self.scales

    def on_step_start(self, over: float) -> None:
        names, ends = list(self.stages), list(self.stages.values())
        number = next((n for n, end in enumerate(ends) if over < end), len(ends) - 1)
        # a run that is made longer trains its later stages again, never half of a whole generator
        if names[number] == 'global' and 'Gcoarse' in self.networks and not self.coarse:
            number += 1
        if names[number] != self.stage:
            say(f'stage {names[number]} begins.')
            self.pool.pairs.clear()
            self.enter(names[number])
            if self.ema:
                if self.stage == 'face':        # what rests is what is painted with
                    self.networks['G'].load_state_dict(
                        self.ema.networks['G'].state_dict())
                self.ema.updates = 0
        begins = ends[number - 1] if number else 0.0
        self.course = min(max((over - begins) / (ends[number] - begins), 0.0), 1.0)

    def set_rate(self, rate: float) -> None:
        """With several stages, each has the whole course of --lr_policy for itself."""
        if len(self.stages) > 1:
            from models.lr_schedule import Schedule
            course = Schedule(self.opt.lr, self.opt.lr_policy, max_minutes=1)
            rate = course.rate(1, 60 * self.course)
        super().set_rate(rate)

    # -- painting ----------------------------------------------------------------------------

    def on_dataset(self, dataset: BaseDataset) -> None:
        if 'Gface' in self.networks and 'joints' not in dataset.item(0):
            warn(f'{dataset.root} has no poses.npz that knows the joints of each of its pictures, '
                 f'so faces stay as the generator of the whole frame paints them.')

    def forward(self, batch: Batch, before: Tensor | None) -> Tensor:
        """Where no frame was painted before, but the batch has its pose, that is painted first: a
        single picture then looks as it would within its film."""
        import torch
        A = batch['A']
        nothing = torch.zeros(len(A), self.opt.output_nc, *A.shape[-2:], device=A.device)
        if before is None and bool((follows := batch.get('follows', nothing)).any()):
            before = self.whole(batch['before_A'], nothing, batch.get('before_joints'))
            before = before * follows[..., None, None]
        if before is None or before.shape != nothing.shape:
            before = nothing
        return self.whole(A, before, batch.get('joints'))

    def whole(self, A: Tensor, before: Tensor, joints: Tensor | None) -> Tensor:
        """The painted frame at full size, its face too: float32 (B, C, H, W)."""
        import torch.nn.functional as F

        from models.networks.pix2pixhd import half_size
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
        """G(x, before), float32; while coarse, the inner generator's on pictures of half size."""
        return self.frames(x, before)[-1]

    def frames(self, x: Tensor, before: Tensor) -> list[Tensor]:
        """G(x, before) last; before it what the earlier stacks of --netG stacked_hourglass
        painted."""
        import torch
        seen = torch.cat([x, before], 1)
        if not self.coarse:
            return [picture.float() for picture in self.all_outputs(seen, None)]
        from models.networks.pix2pixhd import through
        G: Any = self.networks['G']
        return [through(seen, lambda padded: self.run_network(
            self.networks['Gcoarse'], self.run_network(G.model, padded)),
            2 ** self.opt.n_downsample_global).float()]

    # -- training ----------------------------------------------------------------------------

    def step(self, batch: Batch) -> dict[str, Tensor]:
        import torch

        from models.losses import feature_matching
        if 'face' in self.stages and 'joints' not in batch:
            raise no_joints(self.opt.dataroot)
        if self.stage == 'face':
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
            real_out, old_out = self.discriminate(real, self.pool.exchange(fake.detach()))
        D_real = self.adversarial(real_out, True)       # log D(x_{t-1}, x_t, y_{t-1}, y_t)  Eq. 1
        D_fake = self.adversarial(old_out, False)       # log(1-D(.., G(x_{t-1}), G(x_t)))   Eq. 1

        D.requires_grad_(False)
        with self.engine.autocast():
            said = self.run_network(D, fake)
        losses = {'G_GAN': self.adversarial(said, True, for_G=True)}     # sum over D_k       Eq. 3
        if not opt.no_ganFeat_loss:                                      # lambda_FM L_FM     Eq. 3
            losses['G_GAN_Feat'] = opt.lambda_feat * feature_matching(said, real_out)
        if self.perceptual is not None:      # lambda_P (L_P of G(x_{t-1}) + L_P of G(x_t))   Eq. 3
            weight = opt.lambda_feat * (1.0 if self.stage == 'local' else 0.5)
            with self.engine.autocast():     # the mean over both frames is half their sum
                losses['G_VGG'] = 2 * weight * self.perceptual(torch.cat([fake0, fake1]),
                                                               torch.cat([y0, y1]))
        for n, early in enumerate(zip(earlier0, earlier1), 1):      # Newell et al. 2016, Sec. 3.3
            losses[f'G_stack{n}'] = self.reconstruction(
                torch.cat([x0, x1, *early], 1), torch.cat(early), torch.cat([y0, y1]), real_out)
        self.descend('G', torch.stack(list(losses.values())).sum(),
                     *(['Gcoarse'] if self.coarse else []))
        D.requires_grad_(True)
        self.descend('D', (D_real + D_fake) / 2)                         # halved, as the authors'
        losses |= {'D_real': D_real, 'D_fake': D_fake}
        return {name: loss.detach() for name, loss in losses.items()}

    def consecutive(self, batch: Batch) -> list[Tensor]:
        """x_{t-1}, x_t, y_{t-1}, y_t, at half size in the global stage of a local generator. A
        batch that knows no frame before stands still."""
        from models.networks.pix2pixhd import half_size
        still = {f'before_{key}': batch[key] for key in ('A', 'B')} | batch
        four = [self.pose(still['before_A']), self.pose(still['A']), still['before_B'], still['B']]
        return [half_size(image) for image in four] if self.coarse else four

    def step_face(self, batch: Batch) -> dict[str, Tensor]:
        """G(x) is painted as it will be, and stays as it is."""
        import torch
        opt, x, y = self.opt, self.pose(batch['A']), batch['B']
        still = {f'before_{key}': batch[key] for key in ('A', 'joints')} | batch
        with torch.no_grad(), self.inference_mode(), self.engine.autocast():
            before = self.whole(still['before_A'], torch.zeros_like(y), still['before_joints'])
            image = self.frame(x, before)                                # G(x)
        names = ['G_GANface'] * opt.face_discrim + ['G_VGGface'] * (not opt.no_vgg_loss) + \
            ['D_realface', 'D_fakeface'] * opt.face_discrim
        squares = self.squares(batch['joints'], image)
        if not squares:                     # nobody's head is seen in these frames
            return {name: torch.zeros((), device=y.device) for name in names}
        x_F, y_F, G_F = (torch.cat([picture[square] for square in squares])
                         for picture in (x, y, image))
        with self.engine.autocast():
            fake_F = G_F + self.residuals(image, x, squares)             # G(x)_F + r         Eq. 2
        real, fake = torch.cat([x_F, y_F], 1), torch.cat([x_F, fake_F], 1)
        losses: dict[str, Tensor] = {}
        if opt.face_discrim:
            D = self.networks['Dface']
            D.requires_grad_(False)
            losses['G_GANface'] = self.logits(fake, True, for_G=True)    # L_face             Eq. 4
        if self.perceptual is not None:                             # L_P(r + G(x)_F, y_F)   Eq. 4
            with self.engine.autocast():
                losses['G_VGGface'] = opt.lambda_feat / 2 * self.perceptual(fake_F, y_F)
        self.descend('Gface', torch.stack(list(losses.values())).sum())
        if opt.face_discrim:
            D.requires_grad_(True)
            losses['D_realface'] = self.logits(real, True)               # log D_f(x_F, y_F)  Eq. 2
            losses['D_fakeface'] = self.logits(fake.detach(), False)     # log(1-D_f(x_F, ..)) Eq. 2
            self.descend('Dface', (losses['D_realface'] + losses['D_fakeface']) / 2)
        return {name: losses[name].detach() for name in names}

    def logits(self, faces: Tensor, real: bool, for_G: bool = False) -> Tensor:
        """The adversarial loss of what Dface says of pairs (x_F, face)."""
        with self.engine.autocast():
            said = self.run_network(self.networks['Dface'], faces)
        return self.adversarial(said, real, for_G)

    # -- faces -------------------------------------------------------------------------------

    def squares(self, joints: Tensor, image: Tensor) -> list[tuple[slice, ...]]:
        """Where in `image` each head lies that is seen, as indices of (1, C, S, S)."""
        height, width = image.shape[-2:]
        side = min(round(self.opt.face_size * height / FIELD), height, width)
        return head_squares(joints, width, height, max(side, min(16, height, width)))

    def residuals(self, image: Tensor, x: Tensor, squares: list[tuple[slice, ...]]) -> Tensor:
        """r = G_f(x_F, G(x)_F), float32 (len(squares), C, S, S), in the order of the squares."""
        import torch

        from models.networks.pix2pixhd import through
        if not squares:
            return image[:0]
        seen = torch.cat([torch.cat([x[square], image[square]], 1) for square in squares])
        Gface: Any = self.networks['Gface']
        return through(seen, lambda padded: self.run_network(Gface, padded), Gface.multiple).float()

    # -- what is kept ------------------------------------------------------------------------

    def load_pretrained(self, run: str) -> None:
        """For the face stage G has to fit as a whole, for it stays as it is."""
        if self.opt.stage == 'face':
            from models.networks import which_flags
            from util.checkpoints import load_weights
            folder = Path(run) if Path(run).is_dir() else Path(self.opt.checkpoints_dir) / run
            load_weights(self.networks['G'], folder / f'{self.opt.epoch}_net_G.pth', '--netG',
                         which_flags)
        super().load_pretrained(run)

    def state(self) -> dict[str, Any]:
        return super().state() | {'stage': self.stage}

    def load_state(self, state: dict[str, Any]) -> None:
        super().load_state(state)
        if state['stage'] in self.stages:
            self.enter(state['stage'])

    def check_size(self, width: int, height: int) -> None:
        from models.perceptual import SMALLEST
        super().check_size(width, height)
        if self.perceptual is not None and self.coarse and min(width, height) < 2 * SMALLEST - 1:
            raise UserError(f'pictures of {width}x{height} are too small for the global stage, '
                            f'which halves them: both sides must be {2 * SMALLEST - 1} or more. '
                            f'Prepare the dataset with --size 256, or use --netG global.')


def validate_stages(opt: argparse.Namespace) -> None:
    """What --stage means for the other flags."""
    known = (Path(opt.dataroot) / 'poses.npz').is_file()
    if opt.stage == 'global' and opt.netG == 'local':
        opt.netG = 'global'
    if opt.stage == 'local' and opt.netG != 'local':
        raise UserError(f'--stage local: --netG {opt.netG} has no enhancer. Leave one of the two '
                        f'flags out.')
    if opt.stage in ('global', 'local') and (opt.face_generator or opt.face_discrim):
        raise UserError(f'--face_generator: --stage {opt.stage} trains no face. Use --stage auto '
                        f'or --stage face.')
    if opt.face_discrim and not opt.face_generator:
        raise UserError('--face_discrim: there is no face to judge without --face_generator. Give '
                        'both.')
    if opt.stage == 'face' and not (opt.load_pretrain or opt.continue_train):
        raise UserError('--stage face: adds to a generator that is trained already. Name its run '
                        'with --load_pretrain, or train all with --stage auto.')
    if not known and (opt.face_generator or opt.stage == 'face'):
        raise no_joints(opt.dataroot)
    if opt.stage == 'auto' and not known:
        say(f'{opt.dataroot} has no poses.npz that says where the face is, so there is no face '
            f'stage.')
    if known and opt.stage in ('auto', 'face') and not opt.face_generator:
        opt.face_generator = opt.face_discrim = True
    if opt.face_generator and opt.no_vgg_loss and not opt.face_discrim:
        raise UserError('--no_vgg_loss: without it and without --face_discrim nothing teaches the '
                        'face generator. Give --face_discrim too.')
    if opt.niter_fix_global and opt.stage != 'local':
        raise UserError('--niter_fix_global: belongs to --stage local. Leave that flag out.')
    if opt.lr_policy == 'plateau' and opt.stage == 'auto':
        raise UserError('--lr_policy plateau: with --stage auto each stage has a course of its '
                        'own, by its share of the time. Use linear or cosine.')


def begin_at_nothing(network: nn.Module) -> None:
    """Let a generator's first residual be 0 everywhere: no face is worse than without it."""
    from torch import nn
    last = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)][-1]
    nn.init.zeros_(last.weight)
    assert last.bias is not None
    nn.init.zeros_(last.bias)


def head_squares(joints: Tensor, width: int, height: int,
                 side: int) -> list[tuple[slice, ...]]:
    """Squares of `side` px around the middle of what is seen of each head, moved into the picture.

    joints   float (B, K, 3): x px, y px, confidence
    Returns  indices of (1, C, side, side) in (B, C, height, width), none for a head not seen
    """
    from pose.skeleton import skeleton_with
    table = skeleton_with(joints.shape[1])
    heads = joints[:, [table.index(name) for name in HEAD]].tolist()
    squares: list[tuple[slice, ...]] = []
    for b, head in enumerate(heads):
        seen = [(x, y) for x, y, confidence in head if confidence > 0]
        if not seen:
            continue
        left, top = (min(max(round(sum(places) / len(seen) - side / 2), 0), most - side)
                     for places, most in zip(zip(*seen), (width, height)))
        squares.append((slice(b, b + 1), slice(None), slice(top, top + side),
                        slice(left, left + side)))
    return squares


def no_joints(root: str) -> UserError:
    return UserError(f'the face stage: {root} has no poses.npz that knows the joints of each of '
                     f'its pictures, so no face is found. Make it with python preprocess.py '
                     f'--video me.mp4 --dataroot {root}, or train without, with --stage local.')
