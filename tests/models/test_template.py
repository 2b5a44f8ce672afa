"""One new file is all that a new --model takes."""
import importlib
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import fitting
from PIL import Image

import models as package
import test as painting_entry
import train as training_entry
from models import models
from util.runs import read_record

TEMPLATE = (Path(package.__file__).parent / 'template_model.py').read_text()
# as short as it gets: one convolution, whose brightness is a flag
MINE = '''"""mine: a linear map of each place's surroundings."""
from models.base_model import BaseModel


class MineModel(BaseModel):
    @staticmethod
    def declare_options(group, phase):
        group.add_argument('--brightness', type=float, default=1.0, help='of what is painted')

    def build(self, opt):
        from torch import nn
        self.networks['G'] = nn.Conv2d(opt.input_nc, opt.output_nc, 3, padding=1)

    def step(self, batch):
        loss = (self.generate(batch['A']) - batch['B']).abs().mean()
        self.descend('G', loss)
        return {'G_L1': loss.detach()}

    def forward(self, batch, before):
        return self.generate(batch['A']) * self.opt.brightness
'''


@pytest.fixture
def new_model(tmp_path, monkeypatch):
    """new_model(source) is models/mine_model.py, in a folder of its own beside the package's."""
    folder = tmp_path / 'more_models'
    folder.mkdir()
    monkeypatch.setattr(package, '__path__', [*package.__path__, str(folder)])

    def write(source):
        (folder / 'mine_model.py').write_text(source)
        importlib.invalidate_caches()
    yield write
    sys.modules.pop('models.mine_model', None)
    vars(package).pop('mine_model', None)


@pytest.fixture
def run(pairs, small, tmp_path):
    """run(folder, 50) trains --model mine for so many epochs and paints its training frames: how
    far they are from the true ones, 0 to 255."""
    root = pairs(train=2, val=1)

    def call(name, epochs, *flags):
        where = ['--name', name, '--checkpoints_dir', str(tmp_path / 'ck')]
        training_entry.main(['--dataroot', str(root), *where, '--model', 'mine', '--no_html',
                             '--n_epochs', str(epochs), '--n_epochs_decay', '0', '--lr', '1e-2',
                             *fitting('mine', *small), *flags])
        page = painting_entry.main([*where, '--phase', 'train', '--results_dir',
                                    str(tmp_path / 'r'), '--no_video', '--metrics', 'fast'])
        pictures = [np.asarray(Image.open(page.parent / 'images' / f'000001_{label}.png'))
                    for label in ('fake_B', 'real_B')]
        return np.abs(np.subtract(*pictures, dtype=float)).mean()
    call.checkpoints = tmp_path / 'ck'
    return call


def test_one_new_file_is_a_model_that_trains_and_paints(new_model, run):
    assert 'mine' not in models.names()
    new_model(MINE)
    assert 'mine' in models.names()
    assert run('long', 200) < run('short', 1) / 2


def test_the_flags_of_a_new_model_are_known_refused_elsewhere_and_recorded(new_model, run, capsys):
    new_model(MINE)
    with pytest.raises(SystemExit):
        training_entry.main(['--model', 'mine', '--help'])
    assert '--brightness' in capsys.readouterr().out
    run('me', 1, '--brightness', '0.5')
    assert read_record(run.checkpoints / 'me')['options']['brightness'] == 0.5


def test_a_copy_of_the_template_under_another_name_is_a_model(new_model, run):
    new_model(re.sub(r'\bTemplateModel\b', 'MineModel', TEMPLATE))
    run('copy', 3, '--loss', 'L2', '--seed', '7')
    log = (run.checkpoints / 'copy' / 'loss_log.txt').read_text()
    assert 'G_L2' in log
    assert set(models.find('mine').DEFAULTS) == set(models.find('template').DEFAULTS)
