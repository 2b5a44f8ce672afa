"""template: the least a model is. Copy this file to models/NAME_model.py, give its class another
name, and --model NAME is there, for train.py, test.py and transfer.py alike.

The copy is tested unasked: tests/test_training.py goes over every model of the folder. Say in this
place which paper the model is from; the equation numbers below are then that paper's. Further
examples: models/pix2pix_model.py adds an adversary, models/vanilla_model.py paints from joints.

Images are float32 (B, C, H, W) in [-1, 1]; x is the pose, y the real frame, G(x) the painted one.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models.base_model import BaseModel

if TYPE_CHECKING:       # torch and what needs it is imported within methods: --help stays quick
    import argparse

    from torch import Tensor

    from models.engine import Batch


class TemplateModel(BaseModel):
    """Network: G the generator."""

    # What the model prefers over the flags' own defaults; what is typed still wins.
    DEFAULTS: dict[str, Any] = {'netG': 'resnet_6blocks', 'ngf': 32, 'no_dropout': True}

    @staticmethod
    def declare_options(group: argparse._ArgumentGroup, phase: str) -> None:
        # Flags of its own. Those that paint too are declared in both phases, and test.py takes
        # their values from the run's record.
        if phase == 'train':
            group.add_argument('--loss', default='L1', choices=['L1', 'L2'],
                               help='mean absolute or mean squared distance to the true frame')

    def build(self, opt: argparse.Namespace) -> None:
        # G paints, in test.py too; what only trains it is made if opt.isTrain. Any nn.Module will
        # do: one that needs sides of a multiple of 4 says so as its attribute `multiple`. Each
        # network is saved as latest_net_NAME.pth and gets an Adam of its own.
        from models.networks import define_G, init_weights
        self.networks['G'] = define_G(opt.netG, opt.input_nc, opt.output_nc, opt.ngf, opt.norm,
                                      not opt.no_dropout)
        if opt.isTrain:
            init_weights(self.networks['G'], opt.init_type, opt.init_gain)

    def step(self, batch: Batch) -> dict[str, Tensor]:
        # One step of training. Only networks run in bf16, so losses are computed in float32.
        import torch.nn.functional as F
        x, y = batch['A'], batch['B']
        with self.engine.autocast():
            fake = self.generate(x)                                      # G(x)
        distance = F.l1_loss if self.opt.loss == 'L1' else F.mse_loss
        G_distance = distance(fake.float(), y)                           # ||y - G(x)||
        self.descend('G', G_distance)
        # What the log and the pages show, by name; nothing here waits for the device.
        return {f'G_{self.opt.loss}': G_distance.detach()}

    # Not here because BaseModel's own will do. `picture`: what is painted, G(batch['A']).
    # `state` and `load_state`: what `step` depends on besides weights and optimizers, so that
    # --continue_train goes on exactly. `on_step_start`, `settle`, `check_size`: see BaseModel.
