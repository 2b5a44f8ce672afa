"""vanilla: a small deconvolution network paints the frame from 13 joints, without an adversary.

After the course project "Dance" of Universite Lyon 1 (A. Meyer), in which students paint a dancer
from a reduced MediaPipe skeleton. The layers are DCGAN's (Radford et al., ICLR 2016,
arXiv 1511.06434).

The vector holds x and y of each of JOINTS in turn, 26 numbers: (x + 0.5) / width and
(y + 0.5) / height of the pose image, so 0 to 1 from its left or upper edge to the opposite one,
whatever its size; 0, 0 for a joint that is not visible. JOINTS are that project's, in its order.

Letters: x the pose as G sees it, y the real frame resized to --image_size, G(x) the painted one.
"""
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.facts import how_to_make
from models.base_model import BaseModel
from util.errors import UserError, warn

if TYPE_CHECKING:
    import argparse

    from torch import Tensor

    from models.engine import Batch

JOINTS = ('Nose', 'LShoulder', 'RShoulder', 'LElbow', 'RElbow', 'LWrist', 'RWrist', 'LHip', 'RHip',
          'LKnee', 'RKnee', 'LAnkle', 'RAnkle')
NET = 'deconv'


class VanillaModel(BaseModel):
    """Network: G the generator."""

    DEFAULTS: dict[str, Any] = {'netG': NET, 'ngf': 16, 'norm': 'batch'}
    EXPORTED = ('G: 26 numbers, x and y from 0 to 1 of 13 joints, in (models/vanilla_model.py), or '
                'the drawn pose at --image_size; a square frame out, RGB from -1 to 1')

    @staticmethod
    def declare_options(group: argparse._ArgumentGroup, phase: str) -> None:
        group.add_argument('--skeleton_input', default='vector', choices=['vector', 'image'],
                           help='input of G: vector, 13 joints as 26 numbers from the dataset\'s '
                                'poses.npz; or image, the drawn pose')
        group.add_argument('--image_size', type=int, default=64, choices=[64, 128, 256],
                           help='side in px of the square that G paints; each doubling adds a '
                                'layer. A dataset may have any size: frames are resized to the '
                                'square for the loss, and the output is resized back')
        if phase == 'train':
            group.add_argument('--loss', default='L1', choices=['L1', 'L2'],
                               help='distance to the real frame: L1, mean absolute error; or L2, '
                                    'mean squared error, which blurs more')

    @staticmethod
    def validate_options(opt: argparse.Namespace) -> None:
        if opt.netG != NET:
            warn(f'--netG {opt.netG} has no effect: --model {opt.model} has its own generator, '
                 f'set by --skeleton_input, --image_size and --ngf.')
            opt.netG = NET
        if opt.skeleton_input == 'vector' and opt.dataroot:
            root = Path(opt.dataroot)
            if root.is_dir() and not (root / 'poses.npz').is_file():
                raise no_joints(opt.dataroot)

    def build(self, opt: argparse.Namespace) -> None:
        from models.networks import init_weights
        from models.networks.deconv import DeconvGenerator
        image = opt.skeleton_input == 'image'
        self.size = (opt.image_size, opt.image_size)        # width, height
        self.networks['G'] = DeconvGenerator(opt.input_nc if image else 2 * len(JOINTS),
                                             opt.output_nc, opt.image_size, opt.ngf, opt.norm,
                                             encode=image)
        if opt.isTrain:
            init_weights(self.networks['G'], opt.init_type, opt.init_gain)

    def step(self, batch: Batch) -> dict[str, Tensor]:
        from models.tensors import resized
        fake, y = self.painted(batch), resized(batch['B'], self.size)
        G_distance = self.distance(fake, y)                              # ||y - G(x)||
        self.descend('G', G_distance)
        return {f'G_{self.opt.loss}': G_distance.detach()}

    def painted(self, batch: Batch) -> Tensor:
        """G(x), float32 (B, C, S, S)."""
        with self.engine.autocast():
            return self.run_network(self.networks['G'], self.skeleton(batch)).float()

    def skeleton(self, batch: Batch) -> Tensor:
        """x: the poses of the batch as G sees them."""
        from models.tensors import resized
        if self.opt.skeleton_input == 'image':
            return resized(batch['A'], self.size)
        if 'joints' not in batch:
            raise no_joints(self.opt.dataroot)
        return vector(batch['joints'], batch['A'].shape[-1], batch['A'].shape[-2])

    def distance(self, fake: Tensor, y: Tensor) -> Tensor:
        """The distance of --loss."""
        import torch.nn.functional as F
        return F.l1_loss(fake, y) if self.opt.loss == 'L1' else F.mse_loss(fake, y)

    def forward(self, batch: Batch, before: Tensor | None) -> Tensor:
        from models.tensors import resized
        height, width = batch['A'].shape[-2:]
        return resized(self.painted(batch), (width, height))


def vector(joints: Tensor, width: int, height: int) -> Tensor:
    """float (B, K, 3): x px, y px, confidence, in an image of that size -> (B, 26, 1, 1)."""
    from pose.skeleton import skeleton_with
    table = skeleton_with(joints.shape[1])
    chosen = joints[:, [table.index(joint) for joint in JOINTS]]
    place = (chosen[..., :2] + 0.5) / chosen.new_tensor([width, height])
    return (place * (chosen[..., 2:] > 0)).flatten(1)[..., None, None]


def no_joints(root: str) -> UserError:
    return UserError(f'--skeleton_input vector: {root} has no poses.npz that knows the joints of '
                     f'each of its images. Use --skeleton_input image, or make a dataset: '
                     + how_to_make(Path(root)))
