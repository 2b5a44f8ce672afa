"""A network with packed weights paints what the network itself paints."""
from types import SimpleNamespace

import pytest
import torch

from models.base_model import BaseModel
from models.engine import Engine
from models.networks import GENERATORS, define_G, init_weights
from models.networks.norm import normalize_by_sample
from models.networks.packed import PackedLayer, can_pack, packed

pytestmark = pytest.mark.skipif(not can_pack(False), reason='needs oneDNN on an x86 processor')
needs_bf16 = pytest.mark.skipif(not can_pack(True), reason='needs a processor with AVX-512')


def generator(name, norm='batch', seed=0):
    torch.manual_seed(seed)
    G = define_G(name, 3, 3, 4, norm, True, n_downsample_global=2, n_blocks_global=1)
    init_weights(G)
    for key, value in G.named_parameters():
        if key.endswith('bias'):
            torch.nn.init.normal_(value.data, 0, 0.1)
    normalize_by_sample(G)
    return G.eval().requires_grad_(False)


def poses(G, count=1, times=1):
    side = times * max(getattr(G, 'least', 0), G.multiple, 64)
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.mark.parametrize('norm', ['batch', 'instance'])
@pytest.mark.parametrize('name', GENERATORS)
def test_every_generator_paints_the_same_with_packed_weights(name, norm):
    G = generator(name, norm)
    x = poses(G, count=2)
    with torch.inference_mode():
        assert torch.allclose(packed(G, torch.float32)(x), G(x), atol=1e-4)


@needs_bf16
@pytest.mark.parametrize('name', GENERATORS)
def test_in_bfloat16_a_packed_generator_paints_what_autocast_paints(name):
    G = generator(name)
    x = poses(G)
    with torch.inference_mode(), torch.autocast('cpu', dtype=torch.bfloat16):
        expected = G.to(memory_format=torch.channels_last)(x)
        found = packed(G, torch.bfloat16)(x)
    assert found.dtype == expected.dtype
    assert (found - expected).abs().max() < 0.02


def test_packed_weights_follow_the_network_they_are_of():
    G = generator('resnet_6blocks')
    fast = packed(G, torch.float32)
    x = poses(G)
    with torch.inference_mode():
        before = fast(x)
    G.load_state_dict(generator('resnet_6blocks', seed=2).state_dict())
    with torch.inference_mode():
        assert not torch.allclose(fast(x), before, atol=0.1)
        assert torch.allclose(fast(x), G(x), atol=1e-4)
    assert packed(G, torch.float32) is fast


def test_packed_weights_take_pictures_of_any_size():
    G = generator('unet_128')
    small, large = poses(G), poses(G, times=2)
    fast = packed(G, torch.float32)
    with torch.inference_mode():
        for x in (small, large, small):
            assert torch.allclose(fast(x), G(x), atol=1e-4)


def test_a_packed_network_shares_all_but_its_convolutions():
    G = generator('unet_128')
    fast = packed(G, torch.float32)
    layers = [layer for layer in fast.modules() if isinstance(layer, PackedLayer)]
    assert len(layers) == 14
    kept = {id(tensor) for tensor in (*G.parameters(), *G.buffers())}
    assert {id(tensor) for tensor in (*fast.parameters(), *fast.buffers())} == kept


def test_the_plain_path_packs_nothing():
    G = generator('resnet_6blocks')
    cpu = torch.device('cpu')
    assert Engine(cpu, plain=True).to_paint(G) is G
    assert Engine(torch.device('meta')).to_paint(G) is G
    assert Engine(cpu).to_paint(G) is packed(G, torch.float32)


@needs_bf16
def test_packed_weights_are_as_precise_as_what_paints():
    G = generator('unet_128')
    engine = Engine(torch.device('cpu'), bf16=True)
    assert engine.to_paint(G) is packed(G, torch.float32)
    with engine.autocast():
        assert engine.to_paint(G) is packed(G, torch.bfloat16)
    assert packed(G, torch.bfloat16) is not packed(G, torch.float32)


def test_float32_is_not_packed_where_it_takes_longer():
    G = generator('stacked_hourglass')
    assert Engine(torch.device('cpu')).to_paint(G) is G


@pytest.mark.parametrize('training', [True, False])
def test_only_a_model_that_does_not_train_paints_with_packed_weights(training, monkeypatch):
    class Model(BaseModel):
        def build(self, opt):
            self.networks['G'] = generator('unet_128')

    called = []
    forward = PackedLayer.forward
    monkeypatch.setattr(PackedLayer, 'forward', lambda *a: (called.append(1), forward(*a))[1])
    opt = SimpleNamespace(isTrain=training, batch_size=1, ema=0, lr=1e-3, beta1=0.5)
    model = Model(opt, Engine(torch.device('cpu')))
    model.paint({'A': poses(model.networks['G'])})
    assert bool(called) != training
