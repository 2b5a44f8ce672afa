"""body2body: the person's own pixels, bent into the pose, and a network that blends them.

For every pose some frames of the training video are retrieved (models.warping.selection), mirrored
ones too. The person is cut out of them (scene.matte) and bent into the pose bone by bone
(models.warping.bone_warp); each limb is shown by the frame with the least strain. Behind the person
lies the background of all frames, as the camera sees it then (scene.background). A pose that no
whole frame comes near is painted part by part instead, each part from a frame of its own
(models.warping.part_choice, part_layers), without the network. For all others a small network
(models.networks.refiner) decides for each pixel which of these to trust, how far from its place to
sample and how to light it, and paints where none of them will do. Losses, in a window about a
joint: LPIPS (Zhang et al. 2018), L1, a hinge adversary (Lim and Ye 2017, arXiv 1705.02894) at two
scales and feature matching (Wang et al. 2018, Eq. 4).

Shape letters: B batch, N frames retrieved for each pose, C channels, H W pixels, h w patches, K
joints. Images are float32 in [-1, 1]; x is the pose, y the real frame, G(x) the painted one.
"""
from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.flags import declare_adversary, declare_perceptual
from models.multiscale_gan import MultiscaleGAN
from models.warping.kept import ARTEFACTS, Kept, check_kept
from models.warping.settings import Body2BodySettings, from_record, recorded
from util.errors import UserError
from util.images import fitted, scaling
from util.runs import read_record

if TYPE_CHECKING:
    import argparse

    from torch import Tensor

    from data.base_dataset import BaseDataset
    from models.engine import Batch, Engine
    from models.live import LivePose
    from models.painted import Painted
    from models.warping.blending import Candidates, Decision, Masked
    from models.warping.bone_warp import Region, Warp
    from models.warping.canvas import Canvas
    from models.warping.shots import Shot

# The factor of each weight where no VGG is there. L1 alone would blur, so the discriminator's
# features take its place. Measured on a filmed dancer: LPIPS 0.212, 0.227 with three times the L1.
WITHOUT_VGG_FACTORS = {'G_GAN': 0.5, 'G_Feat': 3.0, 'G_L1': 1.5}


class Body2BodyModel(MultiscaleGAN):
    """Networks: G the refiner, D a multi-scale PatchGAN; models.warping.kept holds the rest."""

    WITHOUT_VGG = BLENDS_PREVIOUS = HAS_ALPHA = True
    PAINTS_UNTRAINED = ANY_SHAPE = True     # an untrained refiner shows the frames as they are bent
    MINUTES = 0.0
    ARTEFACTS = ARTEFACTS
    EXPORTED = 'G: the refiner alone; this program goes on to choose, bend and sample the frames'
    DEFAULTS: dict[str, Any] = {'ngf': 16, 'batch_size': 1, 'lr': 5e-4, 'ema': 0.998}

    def __init__(self, opt: argparse.Namespace, engine: Engine,
                 settings: Body2BodySettings | None = None):
        self.settings = settings or Body2BodySettings()
        super().__init__(opt, engine)

    @staticmethod
    def declare_options(group: argparse._ArgumentGroup, phase: str) -> None:
        group.add_argument('--num_frames', type=int, default=3,
                           help='real frames that each picture is made of')
        if phase == 'train':
            declare_adversary(group, ('hinge', 'lsgan', 'vanilla'), ndf=32, pool=False)
            group.add_argument('--lambda_L1', type=float, default=2.0, help='weight of L1')
            group.add_argument('--lambda_VGG', type=float, default=10.0,
                               help='weight of the perceptual loss')
            group.add_argument('--lambda_GAN', type=float, default=0.3,
                               help='weight of the adversary')
            group.add_argument('--lambda_feat', type=float, default=1.0,
                               help='weight of feature matching')
            declare_perceptual(group)

    @classmethod
    def check_saved(cls, folder: Path, epoch: str) -> None:
        super().check_saved(folder, epoch)
        check_kept(folder, epoch)

    @staticmethod
    def validate_options(opt: argparse.Namespace) -> None:
        if opt.num_frames < 1:
            raise UserError(f'--num_frames {opt.num_frames}: give 1 or more.')

    def build(self, opt: argparse.Namespace) -> None:
        from models.networks import init_weights
        from models.networks.pix2pixhd import MultiscaleDiscriminator
        from models.networks.refiner import Refiner
        self.shots: dict[str, Shot] = {}        # by the path of the pose's file
        self.loaded = False
        self.finishes = True                    # whether a trained network has its say
        count, colours = opt.num_frames, opt.output_nc
        shown = opt.input_nc + count * (colours + 3) + colours + 1
        self.networks['G'] = Refiner(shown, colours + count + 2, 2 * count + colours, opt.ngf)
        if not opt.isTrain:
            return
        self.networks['D'] = MultiscaleDiscriminator(opt.input_nc + colours, opt.ndf, 3, 'none', 2)
        init_weights(self.networks['D'], 'kaiming')
        self.begin_perceptual(opt, self.settings.lpips)
        factors = WITHOUT_VGG_FACTORS if self.perceptual is None else {}
        weights = {'G_GAN': opt.lambda_GAN, 'G_Feat': opt.lambda_feat, 'G_L1': opt.lambda_L1,
                   'G_VGG': opt.lambda_VGG}
        self.lambdas = {name: weight * factors.get(name, 1) for name, weight in weights.items()}

    def metadata(self) -> dict[str, Any]:
        return super().metadata() | {'settings': recorded(self.settings)}

    # -- the frames ----------------------------------------------------------------------------

    def on_train_start(self, dataset: BaseDataset, folder: Path) -> None:
        if not self.loaded:
            self.use(Kept.make(dataset, folder, self.opt.num_threads, self.settings,
                               self.engine.ranks))
        if self.opt.max_minutes != 0:       # without a step no training frame is painted
            self.shots |= self.find_shots(dataset, fitted=True)

    def load_networks(self, folder: Path, epoch: str) -> None:
        """With the numbers that they were trained with, or were to be."""
        super().load_networks(folder, epoch)
        metadata = read_record(folder).get('model')
        if isinstance(metadata, Mapping):
            self.settings = from_record(self.settings, metadata.get('settings'))

    def load_weights(self, folder: Path, epoch: str) -> None:
        from models.warping.frame_index import made_at
        made = made_at(folder / 'index')
        super().load_weights(folder, epoch)
        self.check_saved(folder, epoch)     # now: another training replaces weights first
        self.use(Kept.load(folder, self.settings, made))
        self.loaded = True

    def use(self, kept: Kept) -> None:
        """Paint from what a run keeps."""
        from models.warping.backdrop import Backdrop
        from models.warping.painter import Painter
        self.kept, self.index, self.plate = kept, kept.index, kept.plate
        self.backdrop = Backdrop(kept.plate, self.engine, self.opt.output_nc)
        self.painter = Painter(kept, self.settings)

    def on_dataset(self, dataset: BaseDataset) -> None:
        self.shots |= self.find_shots(dataset, fitted=False)

    def find_shots(self, dataset: BaseDataset, fitted: bool) -> dict[str, Shot]:
        from models.warping.shots import find_shots
        return find_shots(self.index, self.plate, dataset, self.opt.num_frames, fitted,
                          self.settings)

    def retrieve(self, batch: Batch, wrong: float = 0.0) -> Candidates:
        """The frames of the batch's poses.

        wrong   as of selection.with_wrong_rows
        """
        import torch

        from models.warping.blending import Candidates, Masked
        from models.warping.selection import with_wrong_rows
        known = self.index.both
        shots = [self.shots[path] for path in batch['A_paths']]
        rows = np.stack([shot.rows for shot in shots])
        if wrong:
            times = np.array([shot.time for shot in shots])
            rows = with_wrong_rows(rows, times, known.times, wrong)
        cutouts = np.stack([self.index.loose_cutout(row, self.opt.output_nc)
                            for row in rows.flat])
        frames = self.engine.to_tensor(cutouts)
        source = torch.from_numpy(known.poses[rows.ravel()]).to(frames.device)
        query = self.query(batch).repeat_interleave(self.opt.num_frames, 0)
        return Candidates(Masked(frames), source, query)

    def query(self, batch: Batch) -> Tensor:
        """The batch's poses (B, K, 3), numbered as those of the index."""
        import torch

        from pose.skeleton import convert, skeleton_with
        poses = batch['joints'].cpu().numpy()
        poses = convert(poses, skeleton_with(poses.shape[1]), self.index.track.joints)
        return torch.from_numpy(poses).to(batch['joints'].device)

    def background(self, batch: Batch) -> Masked:
        """(B, C, H, W): what lies behind the person, and how sure that is, in [-1, 1]."""
        from models.tensors import size_of
        all_joints = batch['joints'].cpu().numpy()
        cameras = [self.shots[path].camera_of(joints)
                   for path, joints in zip(batch['A_paths'], all_joints)]
        return self.backdrop(cameras, size_of(batch['A']))

    # -- painting ------------------------------------------------------------------------------

    def paint_region(self, x: Tensor, background: Masked, candidates: Candidates,
                     region: Region) -> Tensor:
        """A region (B, C, h, w) for the drawn poses x (B, C, H, W), as training sees it."""
        from models.warping.blending import compose
        from models.warping.bone_warp import warp_field
        size = x.shape[-1], x.shape[-2]
        warp = warp_field(candidates.source, candidates.query, self.index.track.joints, size,
                          region, self.settings.warp)
        x, background = x[region], background[region]
        decision = self.decide(x, background, candidates.frames, warp)
        return compose(decision, background, candidates.frames, warp, self.settings)

    def decide(self, x: Tensor, background: Masked, frames: Masked, warp: Warp) -> Decision:
        """What G decides about the bent frames."""
        from models.warping.blending import decide
        return decide(self.generate, x, background, frames, warp)

    def paint(self, batch: Batch, before: Any = None) -> Tensor:
        """The film's pictures at the size of the batch's poses."""
        from models.tensors import size_of
        pictures = [fitted(picture, size_of(batch['A']))
                    for picture in self.paint_film(batch, before).pictures]
        return self.engine.to_tensor(np.stack(pictures))

    def paint_film(self, batch: Batch, before: Any = None) -> Painted:
        """Painted.exact are canvases, one for each pose."""
        import torch
        canvases = []
        with torch.inference_mode(), self.inference_mode(), self.engine.autocast():
            for b in range(len(batch['A'])):
                one = {key: values[b:b + 1] for key, values in batch.items()}
                canvases.append(self.paint_one(one))
        return self.shown(canvases)

    def shown(self, canvases: list[Canvas]) -> Painted:
        from data.transforms import to_channels
        from models.painted import Painted
        pictures = [to_channels(canvas.picture, self.opt.output_nc) for canvas in canvases]
        return Painted(np.stack(pictures), canvases)

    def paint_one(self, batch: Batch) -> Canvas:
        """The one pose of a batch: whole, part by part, or both mixed."""
        from models.tensors import size_of
        from models.warping.canvas import mix
        shot = self.shots[batch['A_paths'][0]]
        far = shot.parts.far
        query = self.query(batch)
        small = size_of(batch['A'])
        camera = shot.camera_of(batch['joints'][0].cpu().numpy())
        canvas = self.painter.canvas(camera, small)
        if far < 1:
            G: Any = self.networks['G']
            says = self.finishes and not G.is_silent()
            decide = partial(self.decide_for, batch) if says else None
            self.painter.draw_whole(canvas, query, shot.rows, small, decide)
        if far > 0:
            in_parts = canvas if far == 1 else self.painter.canvas(camera, small)
            self.painter.draw_parts(in_parts, query[0].cpu().numpy(), shot.parts, small)
            if far < 1:
                mix(canvas, in_parts, far)
        self.painter.put_bars(canvas)
        return canvas

    def decide_for(self, batch: Batch, region: Region, warp: Warp) -> Decision:
        """What G decides about a region of the batch's poses."""
        frames = self.retrieve(batch).frames
        return self.decide(batch['A'][region], self.background(batch)[region], frames, warp)

    def blend_previous(self, batch: Batch, painted: Painted, batch_before: Batch,
                       before: Painted) -> Painted:
        """Takes a share of the person from the frame before, bent into this pose. Cloth that comes
        from other frames each time does not flicker, and the picture glides where frames jump."""
        from models.tensors import size_of
        share = self.settings.previous_share(self.shots[batch['A_paths'][0]].parts.far)
        if not share:
            return painted
        canvas = painted.exact[0].copy()
        self.painter.carry_on(canvas, before.exact[0], self.query(batch),
                              self.query(batch_before), size_of(batch['A']), share)
        return self.shown([canvas])

    # -- live ----------------------------------------------------------------------------------

    @property
    def film_size(self) -> tuple[int, int] | None:
        return self.kept.cutouts.size

    def on_live(self, size: tuple[int, int], num_frames: int, network: bool) -> None:
        from models.warping.painter import painter_at
        from models.warping.shots import LiveShots
        G: Any = self.networks['G']
        self.finishes = network and not G.is_silent()
        # G takes no fewer than it was made for
        count = self.opt.num_frames if self.finishes else min(self.opt.num_frames, num_frames)
        self.live = LiveShots(self.index, self.plate, count, self.settings,
                              getattr(self, 'live', None))
        self.painter = painter_at(size, self.kept, self.settings, self.painter.parts)

    def on_pose(self, pose: LivePose) -> bool:
        shot = self.live.next(pose)
        self.shots = {} if shot is None else {pose.name: shot}
        return shot is not None

    def prepare(self) -> bool:
        return self.painter.prepare(*self.live.likely())

    def on_background(self, replaced: bool) -> None:
        self.painter.tight = replaced

    def paint_nobody(self, batch: Batch) -> np.ndarray:
        from models.tensors import size_of
        small = size_of(batch['A'])
        camera = self.plate.locked() @ scaling(small, self.plate.size)
        return self.shown([self.painter.canvas(camera, small)]).pictures[0]

    # -- training ------------------------------------------------------------------------------

    def step(self, batch: Batch) -> dict[str, Tensor]:
        import torch
        import torch.nn.functional as F

        from models.losses import feature_matching
        from models.warping.blending import window
        D, x, y, settings = self.networks['D'], batch['A'], batch['B'], self.settings
        candidates = self.retrieve(batch, settings.wrong_frames)
        query = candidates.query
        noise = torch.randn_like(query[..., :2]) * settings.joint_noise * max(x.shape[-2:])
        query = torch.cat([query[..., :2] + noise, query[..., 2:]], -1)
        candidates = candidates._replace(query=query)
        region = window(query, x.shape[-2:], settings.blend)
        with self.engine.autocast():
            fake = self.paint_region(x, self.background(batch), candidates, region)
        x, y = x[region], y[region]
        real_pair, fake_pair = torch.cat([x, y], 1), torch.cat([x, fake], 1)

        D.requires_grad_(True)
        with self.engine.autocast():
            real_out, fake_out = self.discriminate(real_pair, fake_pair.detach())
        D_real = self.adversarial(real_out, True)
        D_fake = self.adversarial(fake_out, False)
        self.descend('D', D_real + D_fake)

        D.requires_grad_(False)
        with self.engine.autocast():
            fake_out = D(fake_pair)
        losses = {'G_GAN': self.adversarial(fake_out, True, for_G=True),
                  'G_Feat': feature_matching(fake_out, real_out), 'G_L1': F.l1_loss(fake, y)}
        if self.perceptual is not None:
            with self.engine.autocast():
                losses['G_VGG'] = self.perceptual(fake, y)
        losses = {name: self.lambdas[name] * loss for name, loss in losses.items()}
        self.descend('G', torch.stack(list(losses.values())).sum())
        losses |= {'D_real': D_real, 'D_fake': D_fake}
        return {name: loss.detach() for name, loss in losses.items()}
