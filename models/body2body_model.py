"""body2body: the person's own pixels, bent into the pose, and a network that makes them one.

For every pose some frames of the training video are retrieved (pose.matching), mirrored ones too,
the person is cut out of them (scene.matte) and bent into it bone by bone (bone_warp), each
limb shown by the frame that strains it least; behind the person lies the background of all frames,
as the camera sees it then (scene). A small network says of each pixel which of these to trust
instead, by how much to look beside its place and how to light it, and paints where none will do
(models.networks.refiner). Losses, in a window about a joint: LPIPS (Zhang et al. 2018), L1, a hinge
adversary (Lim and Ye 2017, arXiv 1705.02894) at two scales and feature matching (Wang et al. 2018,
Eq. 4).

Shape letters: B batch, N frames retrieved for each pose, C channels, H W pixels, h w patches, K
joints. Images are float32 in [-1, 1]; x is the pose, y the real frame, G(x) the painted one.
"""
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.flags import declare_adversary, declare_perceptual
from models.multiscale_gan import MultiscaleGAN
from util.errors import UserError

if TYPE_CHECKING:
    import argparse

    from torch import Tensor

    from data.base_dataset import BaseDataset
    from models.engine import Batch
    from models.warping.bone_warp import Part
    from models.warping.frame_index import FrameIndex
    from scene.background import Plate

REACH = 8.0         # px of a frame of 256: the farthest that G may look beside a place
LIGHT = 0.5         # of [-1, 1]: by how much the person may be lit otherwise than in the frame
# What becomes of each weight where no VGG is at hand: L1 alone would blur, so that what D sees
# takes its place. Measured on a filmed dancer: LPIPS 0.212, 0.227 with three times the L1.
INSTEAD_OF_VGG = {'G_GAN': 0.5, 'G_Feat': 3.0, 'G_L1': 1.5}
KEPT = 'index/poses.npz', 'mattes', 'plate/plate.npz'      # in the run's folder, besides weights
WRONG = 0.1         # of the frames shown while training are any: a stranger's pose is like none
NOISE = 0.002       # of the picture's size, by which the joints wanted are moved while training
# How much of the person is carried on from the frame before, bent into the pose; less, and the
# picture is less calm, more, and it is softer.
CARRIED = 0.5


class Body2BodyModel(MultiscaleGAN):
    """Networks: G the refiner, D a multi-scale PatchGAN. RUN/index holds the frames and their
    poses, RUN/mattes how much of them is the person, RUN/plate the background."""

    WITHOUT_VGG = PREFERS_LPIPS = BLENDS_PREVIOUS = True
    DEFAULTS: dict[str, Any] = {'ngf': 16, 'batch_size': 1, 'lr': 5e-4, 'ema': 0.998}
    index: 'FrameIndex'
    plate: 'Plate'

    @staticmethod
    def declare_options(group: 'argparse._ArgumentGroup', phase: str) -> None:
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
        for part in KEPT:
            if not (folder / part).exists():
                raise UserError(f'{folder / part}: it is missing, and this run cannot paint '
                                f'without. Train anew: python train.py --dataroot datasets/me '
                                f'--name {folder.name} --model body2body --overwrite.')

    @staticmethod
    def validate_options(opt: 'argparse.Namespace') -> None:
        if opt.num_frames < 1:
            raise UserError(f'--num_frames {opt.num_frames}: give 1 or more.')

    def build(self, opt: 'argparse.Namespace') -> None:
        from models.networks import init_weights
        from models.networks.pix2pixhd import MultiscaleDiscriminator
        from models.networks.refiner import Refiner
        count, colours = opt.num_frames, opt.output_nc
        self.chosen: dict[str, np.ndarray] = {}
        self.cameras: dict[str, np.ndarray] = {}        # px of a dataset's picture -> of the plate
        self.asked: dict[str, np.ndarray] = {}          # the poses there
        self.at: dict[str, float] = {}                  # when that was, s
        self.loaded = False
        self.seen_from = lru_cache(8)(self.plate_at)        # those of the frames in work
        self.networks['G'] = Refiner(opt.input_nc + count * (colours + 3) + colours + 1,
                                     colours + count + 2, 2 * count + colours, opt.ngf)
        if not opt.isTrain:
            return
        self.networks['D'] = MultiscaleDiscriminator(opt.input_nc + colours, opt.ndf, 3, 'none', 2)
        init_weights(self.networks['D'], 'kaiming')
        self.begin_perceptual(opt)
        kept = INSTEAD_OF_VGG if self.perceptual is None else {}
        self.lambdas = {name: weight * kept.get(name, 1) for name, weight in (
            ('G_GAN', opt.lambda_GAN), ('G_Feat', opt.lambda_feat), ('G_L1', opt.lambda_L1),
            ('G_VGG', opt.lambda_VGG))}

    # -- the frames ----------------------------------------------------------------------------

    def on_train_start(self, dataset: 'BaseDataset', folder: Path) -> None:
        from models.warping.frame_index import FrameIndex
        if not self.loaded:
            self.index = FrameIndex.make(dataset, folder / 'index', self.opt.num_threads)
            self.plate = self.index.plate()
            self.plate.save(folder / 'plate')
            self.index.cut_out(self.plate, self.opt.num_threads)
        self.chosen |= self.index.choose(dataset, self.opt.num_frames, fitted=True,
                                         mirrored=True)
        self.look_from(dataset)

    def load_weights(self, folder: Path, epoch: str) -> None:
        from models.warping.frame_index import FrameIndex
        from scene.background import Plate
        self.check_saved(folder, epoch)
        super().load_weights(folder, epoch)
        self.index = FrameIndex(folder / 'index')
        self.plate = Plate.load(folder / 'plate')
        self.loaded = True

    def on_dataset(self, dataset: 'BaseDataset') -> None:
        self.chosen |= self.index.choose(dataset, self.opt.num_frames, mirrored=True)
        self.look_from(dataset)

    def look_from(self, dataset: 'BaseDataset') -> None:
        """Find out where the camera looks at every pose: as it did in the frame, where there is
        one of this place, else as it looked most."""
        from models.warping.frame_index import Rows, track_of
        from pose.silhouette import person_mask
        from util.images import size_of
        plate, track = self.plate, track_of(dataset)
        if self.index.is_of(dataset):
            known = dict(zip(plate.numbers.tolist(), plate.transforms))
        elif not plate.still and 'B' in (first := dataset.item(0)) and \
                size_of(first['B']) == plate.size:
            frames, masks = (Rows(len(dataset), get) for get in (
                lambda i: dataset.item(i)['B'],
                lambda i: person_mask(track.poses[i], track.joints, track.size)))
            known = dict(zip(track.index.tolist(),
                             plate.locate_film(frames, masks, int(track.index[0]))))
        else:
            known = {}
        before: np.ndarray | None = None
        for i in range(len(dataset)):
            found = known.get(int(track.index[i]))
            if found is not None and np.isfinite(found).all():
                before = found
            scale = np.diag([*np.divide(plate.size, track.size), 1])
            path = str(dataset.path(i))
            self.cameras[path] = (plate.locked() if before is None else before) @ scale
            self.asked[path], self.at[path] = track.poses[i], float(track.times[i])

    def retrieved(self, batch: 'Batch', wrong: float = 0.0) -> 'tuple[Tensor, Tensor, Tensor]':
        """frames (B N, C + 1, h, w), how much of each pixel is the person last, -1..1; and the
        poses (B N, K, 3) that they show and that are wanted.

        wrong   how likely each frame is any other instead, but for near copies of the real one
        """
        import torch

        from pose.matching.coverage import APART
        known = self.index.both
        rows = np.stack([self.chosen[path] for path in batch['A_paths']])
        if wrong:
            others = torch.randint(len(known), rows.shape).numpy()
            when = np.array([self.at[path] for path in batch['A_paths']])
            near = abs(known.times[others] - when[:, None]) <= APART
            rows = np.where((torch.rand(rows.shape) < wrong).numpy() & ~near, others, rows)
        frames = self.engine.to_tensor(np.stack([self.index.cutout(row, self.opt.output_nc)
                                                 for row in rows.flat]))
        wanted = self.wanted(batch).repeat_interleave(self.opt.num_frames, 0)
        return frames, torch.from_numpy(known.poses[rows.ravel()]).to(frames.device), wanted

    def wanted(self, batch: 'Batch') -> 'Tensor':
        """The batch's poses (B, K, 3), numbered as those of the index."""
        import torch

        from pose.skeleton import convert, skeleton_with
        poses = batch['joints'].cpu().numpy()
        poses = convert(poses, skeleton_with(poses.shape[1]), self.index.track.joints)
        return torch.from_numpy(poses).to(batch['joints'].device)

    def background(self, batch: 'Batch') -> 'Tensor':
        """(B, C + 1, H, W): what lies behind the person, and how sure that is, in [-1, 1]."""
        import torch

        from data.transforms import affine_between
        from pose.skeleton import skeleton_with
        size = batch['A'].shape[-1], batch['A'].shape[-2]
        return torch.stack([self.seen_from((self.cameras[path] @ np.linalg.inv(affine_between(
            self.asked[path], joints, skeleton_with(len(joints))))).tobytes(), size)
            for path, joints in zip(batch['A_paths'], batch['joints'].cpu().numpy())])

    def plate_at(self, camera: bytes, size: tuple[int, int]) -> 'Tensor':
        """(C + 1, H, W): the plate, and how sure it is, as a picture of that transform, nine
        float64, shows it; `seen_from` remembers the last one, which a still camera shows again."""
        import torch

        from data.transforms import to_channels
        picture, sure = self.plate.at(np.frombuffer(camera).reshape(3, 3), size)
        shown = self.engine.to_tensor(to_channels(picture, self.opt.output_nc)[None])[0]
        return torch.cat([shown, 2 * torch.from_numpy(sure[None]).to(shown.device) - 1])

    def paint_from(self, x: 'Tensor', behind: 'Tensor', frames: 'Tensor', source: 'Tensor',
                   wanted: 'Tensor', part: 'Part') -> 'Tensor':
        """A part (B, C, h, w) of the picture for the drawn poses x (B, C, H, W).

        behind           (B, C + 1, H, W) as `background` gives it
        frames, source, wanted   as `retrieved` gives them
        """
        import torch
        import torch.nn.functional as F

        from models.warping import blending, bone_warp
        size = x.shape[-1], x.shape[-2]
        px, py, sure, strain = bone_warp.bent_places(source, wanted, self.index.track.joints, size,
                                                     part)
        x, behind, count, (h, w) = x[part], behind[part], self.opt.num_frames, px.shape[-2:]
        # What G decides by is half the size; what is shown is looked up once, at the full one.
        half_x, half_y, half_sure, half_strain = blending.halved(
            torch.stack([px, py, sure, strain], 1)).unbind(1)
        bent = bone_warp.sampled(frames, half_x, half_y, 'bilinear')
        parts = torch.cat([bent, 2 * half_sure[:, None] - 1,
                           half_strain.clamp(max=2)[:, None] - 1], 1)
        parts = parts.reshape(len(x), -1, *parts.shape[-2:])
        said = self.generate(torch.cat([blending.halved(x), parts, blending.halved(behind)], 1))
        said = said[..., :h, :w].float()
        colours = self.opt.output_nc
        colour, trust, beside, light = said.split([colours, count + 2, 2 * count, colours], 1)
        beside = REACH * max(frames.shape[-2:]) / 256 * F.softsign(beside.reshape(-1, 2, h, w))
        moved = bone_warp.sampled(frames, px + beside[:, 0], py + beside[:, 1])
        moved = moved.reshape(len(x), count, -1, h, w)
        share = blending.shares(trust, moved[:, :, -1], strain.reshape(len(x), count, h, w))
        frame, back, paint = share.split([count, 1, 1], 1)
        return (moved[:, :, :-1] * frame[:, :, None]).sum(1) + back * behind[:, :-1] + \
            LIGHT * F.softsign(light) * frame.sum(1, keepdim=True) + paint * F.softsign(colour)

    def forward(self, batch: 'Batch', before: 'Tensor | None') -> 'Tensor':
        from models.warping.blending import about
        behind, (frames, source, wanted) = self.background(batch), self.retrieved(batch)
        part = about(wanted[::self.opt.num_frames].cpu().numpy(), self.index.track.joints,
                     batch['A'].shape[-2:])
        painted = behind[:, :-1].contiguous()
        painted[part] = self.paint_from(batch['A'], behind, frames, source, wanted, part)
        return painted

    def blend_previous(self, batch: 'Batch', painted: 'Tensor', batch_before: 'Batch',
              before: 'Tensor') -> 'Tensor':
        """The person of the frame before, bent into this pose, makes CARRIED of the person: so
        cloth that comes from other frames each time does not flicker, and where the choice of
        them jumps the picture glides."""
        import torch

        from models.warping import bone_warp
        from models.warping.blending import about, differing
        skeleton, size = self.index.track.joints, (painted.shape[-2], painted.shape[-1])
        poses, poses_before = self.wanted(batch), self.wanted(batch_before)
        part = about(poses.cpu().numpy(), skeleton, size)
        x, y, _, _ = bone_warp.bent_places(poses_before, poses, skeleton, (size[1], size[0]), part)
        kept = torch.cat([before, differing(before, self.background(batch_before))], 1)
        kept = bone_warp.sampled(kept, x, y)
        share = CARRIED * kept[:, -1:].clamp(0, 1) * differing(painted[part],
                                                               self.background(batch)[part])
        painted = painted.clone()
        painted[part] += share * (kept[:, :-1] - painted[part])
        return painted

    # -- training ------------------------------------------------------------------------------

    def step(self, batch: 'Batch') -> dict[str, 'Tensor']:
        import torch
        import torch.nn.functional as F

        from models.losses import feature_matching
        from models.warping.blending import window
        D, x, y = self.networks['D'], batch['A'], batch['B']
        frames, source, wanted = self.retrieved(batch, WRONG)
        noise = torch.randn_like(wanted[..., :2]) * NOISE * max(x.shape[-2:])
        wanted = torch.cat([wanted[..., :2] + noise, wanted[..., 2:]], -1)
        part = window(wanted, x.shape[-2:])
        with self.engine.autocast():
            fake = self.paint_from(x, self.background(batch), frames, source, wanted, part)
        x, y = x[part], y[part]
        real_pair, fake_pair = torch.cat([x, y], 1), torch.cat([x, fake], 1)

        D.requires_grad_(True)
        with self.engine.autocast():
            real_out, fake_out = self.discriminate(real_pair, fake_pair.detach())
        D_real = self.adversarial(real_out, True)
        D_fake = self.adversarial(fake_out, False)
        self.descend('D', D_real + D_fake)

        D.requires_grad_(False)
        with self.engine.autocast():
            said = D(fake_pair)
        losses = {'G_GAN': self.adversarial(said, True, for_G=True),
                  'G_Feat': feature_matching(said, real_out), 'G_L1': F.l1_loss(fake, y)}
        if self.perceptual is not None:
            with self.engine.autocast():
                losses['G_VGG'] = self.perceptual(fake, y)
        losses = {name: self.lambdas[name] * loss for name, loss in losses.items()}
        self.descend('G', torch.stack(list(losses.values())).sum())
        losses |= {'D_real': D_real, 'D_fake': D_fake}
        return {name: loss.detach() for name, loss in losses.items()}
