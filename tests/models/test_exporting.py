"""Networks as ONNX: every generator, in every way of normalizing, at any size."""
from copy import deepcopy
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from models.engine import Engine
from models.exporting.runtimes import KEY, OnnxRuntime, OpenVino, import_openvino
from models.exporting.stand_in import BY_IMAGE, BY_TRAINING, StandIn, digest, normalization
from models.exporting.write import write_onnx, write_openvino
from models.networks import GENERATORS, define_G
from models.networks.norm import normalize_by_sample
from models.networks.refiner import Refiner
from util.errors import UserError

TINY = {'n_downsample_global': 2, 'n_blocks_global': 1, 'n_blocks_local': 1}


def network(name, norm='batch'):
    """A generator with statistics of training that are not those of any image."""
    torch.manual_seed(0)
    made = define_G(name, 3, 3, 4, norm, True, **TINY)
    for layer in made.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.running_mean, 0.3, 0.1)
            nn.init.normal_(layer.weight, 1.0, 0.3)
    return made.eval().requires_grad_(False)


def apart(made, file, shape, tmp_path):
    """The largest difference between torch and the file for an input of that shape."""
    x = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    return float(np.abs(OnnxRuntime(file)(x.numpy()) - made(x).numpy()).max())


@pytest.mark.parametrize('norm', ['batch', 'by image', 'instance', 'none', 'syncbatch'])
@pytest.mark.parametrize('name', GENERATORS)
def test_every_generator_is_exported_as_it_paints(name, norm, tmp_path):
    made = network(name, 'batch' if norm == 'by image' else norm)
    if norm == 'by image':
        normalize_by_sample(made)
    side = max(made.multiple, getattr(made, 'least', 0), 32)
    file = tmp_path / 'G.onnx'
    left_on = deepcopy(made).train()            # dropout and batch norm as in training
    write_onnx(left_on, torch.zeros(1, 3, side, side), file, {'run': 'me'}, any_size=True)
    assert apart(made, file, (1, 3, side, side), tmp_path) < 1e-4
    assert apart(made, file, (2, 3, 2 * side, side), tmp_path) < 1e-4, 'another size and number'
    assert OnnxRuntime(file).facts == {'run': 'me'}


def test_the_refiner_is_exported_for_any_region(tmp_path):
    torch.manual_seed(0)
    made = Refiner(9, 4, 3, 4).eval().requires_grad_(False)
    nn.init.normal_(made.sharp.bias)
    write_onnx(made, torch.zeros(1, 9, 16, 16), tmp_path / 'G.onnx', {}, any_size=True)
    for height, width in ((16, 16), (24, 8), (8, 40)):
        assert apart(made, tmp_path / 'G.onnx', (1, 9, height, width), tmp_path) < 1e-5


def test_a_size_that_a_file_cannot_take_is_refused_with_both_sizes(tmp_path):
    made = nn.Conv2d(3, 3, 3, padding=1).requires_grad_(False)
    write_onnx(made, torch.zeros(1, 3, 8, 8), tmp_path / 'G.onnx', {}, any_size=False)
    stand_in = StandIn(OnnxRuntime(tmp_path / 'G.onnx'), Path('G.onnx'))
    assert stand_in(torch.zeros(1, 3, 8, 8)).shape == (1, 3, 8, 8)
    with pytest.raises(UserError, match='takes 1 x 3 x 8 x 8, and .* gives 1 x 3 x 8 x 9'):
        stand_in(torch.zeros(1, 3, 8, 9))


def test_what_batch_norm_goes_by_is_told():
    made = network('unet_128')
    assert normalization(made) == BY_TRAINING
    normalize_by_sample(made)
    assert normalization(made) == BY_IMAGE
    assert normalization(network('unet_128', 'instance')) == ''


def test_a_digest_changes_with_any_weight():
    made = network('unet_128')
    before = digest(made)
    assert digest(network('unet_128')) == before
    next(made.parameters()).view(-1)[0] += 1e-6
    assert digest(made) != before


def test_a_stand_in_takes_the_place_of_its_network_alone():
    engine = Engine(torch.device('cpu'), plain=True)
    first, second, other = nn.Identity(), nn.Identity(), nn.Identity()
    with_stand_in = Engine(torch.device('cpu'), plain=True, stand_ins={first: other}, runtime='x')
    assert with_stand_in.to_paint(first) is other and with_stand_in.to_paint(second) is second
    assert engine.to_paint(first) is first
    assert str(with_stand_in) == f'{engine} | x'


def test_calls_at_the_same_time_share_the_cores(tmp_path):
    made = nn.Conv2d(3, 3, 3, padding=1).requires_grad_(False)
    write_onnx(made, torch.zeros(1, 3, 8, 8), tmp_path / 'G.onnx', {}, any_size=True)
    for threads, callers, own in ((4, 1, 4), (4, 2, 3), (1, 2, 1)):
        runtime = OnnxRuntime(tmp_path / 'G.onnx', threads, callers)
        assert runtime.session.get_session_options().intra_op_num_threads == own


@pytest.mark.skipif(not find_spec('openvino'), reason='needs openvino')
@pytest.mark.parametrize('said', ['[1]', '{', '"me"'])
def test_a_file_in_which_another_program_said_something_has_no_facts(said, tmp_path):
    openvino = import_openvino()
    onnx = tmp_path / 'net.onnx'
    write_onnx(nn.ReLU(), torch.zeros(1, 3, 4, 4), onnx, {}, False)
    model = openvino.convert_model(str(onnx))
    model.set_rt_info(said, KEY)
    openvino.save_model(model, str(tmp_path / 'net.xml'))
    assert OpenVino(tmp_path / 'net.xml').facts == {}


@pytest.mark.skipif(not find_spec('openvino'), reason='needs openvino')
def test_a_damaged_letter_in_an_openvino_file_is_one_sentence(tmp_path):
    write_onnx(nn.ReLU(), torch.zeros(1, 3, 4, 4), tmp_path / 'net.onnx', {}, False)
    write_openvino(tmp_path / 'net.onnx', tmp_path / 'net.xml', {})
    xml = (tmp_path / 'net.xml').read_bytes()
    damaged = xml.replace(b'type="', b'type="\x80', 1)
    (tmp_path / 'net.xml').write_bytes(damaged)
    with pytest.raises(UserError, match='net.xml: cannot be read'):
        OpenVino(tmp_path / 'net.xml')
