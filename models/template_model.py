"""template: the smallest model. Copy this file to models/NAME_model.py, rename its class, and
train.py, test.py and transfer.py know --model NAME.

The copy is tested without further work: tests/training/test_training.py runs every model of the
folder. Name the paper of the model here; equation numbers below then refer to it. Larger examples:
models/pix2pix_model.py adds an adversary, models/vanilla_model.py paints from joints.

Images are float32 (B, C, H, W) in [-1, 1]; x is the pose, y the real frame, G(x) the painted one.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models.base_model import BaseModel

if TYPE_CHECKING:       # methods import torch and what needs it, so that --help stays quick
    import argparse

    from torch import Tensor

    from models.engine import Batch


class TemplateModel(BaseModel):
    """Network: G the generator."""

    # Class attributes of BaseModel say more of a model, such as how long transfer.py trains it.
    # Values that the model prefers to the flags' defaults; typed flags still win.
    DEFAULTS: dict[str, Any] = {'netG': 'resnet_6blocks', 'ngf': 32, 'no_dropout': True}

    @staticmethod
    def declare_options(group: argparse._ArgumentGroup, phase: str) -> None:
        # Flags of its own. A flag that painting needs is declared in both phases; test.py takes
        # its value from the run's record.
        if phase == 'train':
            group.add_argument('--loss', default='L1', choices=['L1', 'L2'],
                               help='mean absolute or mean squared distance to the real frame')

    def build(self, opt: argparse.Namespace) -> None:
        # G paints, also in test.py; networks that only train it are made if opt.isTrain. Any
        # nn.Module is fine. One that needs sides that are multiples of 4 has an attribute
        # `multiple` = 4. Each network has its own Adam and is saved as latest_net_NAME.pth.
        from models.networks import define_G, init_weights
        self.networks['G'] = define_G(opt.netG, opt.input_nc, opt.output_nc, opt.ngf, opt.norm,
                                      not opt.no_dropout)
        if opt.isTrain:
            init_weights(self.networks['G'], opt.init_type, opt.init_gain)

    def step(self, batch: Batch) -> dict[str, Tensor]:
        # One training step. Only networks run in bf16; losses are computed in float32.
        import torch.nn.functional as F
        x, y = batch['A'], batch['B']
        with self.engine.autocast():
            fake = self.generate(x)                                      # G(x)
        distance = F.l1_loss if self.opt.loss == 'L1' else F.mse_loss
        G_distance = distance(fake.float(), y)                           # ||y - G(x)||
        self.descend('G', G_distance)
        # Losses for the log and the pages, by name; nothing here waits for the device.
        return {f'G_{self.opt.loss}': G_distance.detach()}

    # BaseModel's own versions are enough for the rest: `forward` paints G(batch['A']); `state` and
    # `load_state` hold all that `step` depends on apart from weights and optimizers, so that
    # --continue_train resumes exactly. models/base_model.py lists every hook.
