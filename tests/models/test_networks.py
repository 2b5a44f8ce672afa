"""Networks are upstream's layer for layer: its checkpoints load here, ours load there."""
import pytest
import torch

from models.networks import DISCRIMINATORS, GENERATORS, define_D, define_G, read_architecture
from models.networks.norm import in_parts, normalize_by_sample

NORMS = ['batch', 'instance', 'none']


# What upstream's networks.py builds, written out from its layer lists: key -> shape.

def conv(key, out, into, kernel, bias):
    weight = {f'{key}.weight': (out, into, kernel, kernel)}
    return weight | ({f'{key}.bias': (out,)} if bias else {})


def norm_keys(key, channels, norm):
    if norm != 'batch':
        return {}
    return {**{f'{key}.{part}': (channels,) for part in ('weight', 'bias', 'running_mean',
                                                        'running_var')},
            f'{key}.num_batches_tracked': ()}


def upstream_unet(downs, ngf, norm):
    bias = norm == 'instance'
    widths = [min(ngf * 2 ** n, ngf * 8) for n in range(downs)]
    keys = {**conv('model.model.0', ngf, 3, 4, bias)}
    prefix = 'model.model.1'
    for depth in range(1, downs):
        outer, inner = widths[depth - 1], widths[depth]
        at = f'{prefix}.model'
        keys |= conv(f'{at}.1', inner, outer, 4, bias)
        if depth == downs - 1:
            keys |= {f'{at}.3.weight': (inner, outer, 4, 4),
                     **({f'{at}.3.bias': (outer,)} if bias else {})}
            keys |= norm_keys(f'{at}.4', outer, norm)
        else:
            keys |= norm_keys(f'{at}.2', inner, norm)
            keys |= {f'{at}.5.weight': (inner * 2, outer, 4, 4),
                     **({f'{at}.5.bias': (outer,)} if bias else {})}
            keys |= norm_keys(f'{at}.6', outer, norm)
        prefix = f'{at}.3'
    keys |= {'model.model.3.weight': (ngf * 2, 3, 4, 4), 'model.model.3.bias': (3,)}
    return keys


def upstream_resnet(blocks, ngf, norm, dropout=True):
    bias = norm == 'instance'
    keys = {**conv('model.1', ngf, 3, 7, bias), **norm_keys('model.2', ngf, norm)}
    keys |= conv('model.4', ngf * 2, ngf, 3, bias) | norm_keys('model.5', ngf * 2, norm)
    keys |= conv('model.7', ngf * 4, ngf * 2, 3, bias) | norm_keys('model.8', ngf * 4, norm)
    second = 6 if dropout else 5
    for block in range(10, 10 + blocks):
        at = f'model.{block}.conv_block'
        keys |= conv(f'{at}.1', ngf * 4, ngf * 4, 3, bias) | norm_keys(f'{at}.2', ngf * 4, norm)
        keys |= conv(f'{at}.{second}', ngf * 4, ngf * 4, 3, bias)
        keys |= norm_keys(f'{at}.{second + 1}', ngf * 4, norm)
    up = 10 + blocks
    for at, scale in ((up, 4), (up + 3, 2)):
        keys |= {f'model.{at}.weight': (ngf * scale, ngf * scale // 2, 3, 3),
                 **({f'model.{at}.bias': (ngf * scale // 2,)} if bias else {})}
        keys |= norm_keys(f'model.{at + 1}', ngf * scale // 2, norm)
    return keys | conv(f'model.{up + 7}', 3, ngf, 7, True)


def upstream_patchgan(layers, ndf, norm):
    bias = norm == 'instance'
    keys, before = conv('model.0', ndf, 6, 4, True), 1
    for n in range(1, layers + 1):
        scale = min(2 ** n, 8)
        keys |= conv(f'model.{3 * n - 1}', ndf * scale, ndf * before, 4, bias)
        keys |= norm_keys(f'model.{3 * n}', ndf * scale, norm)
        before = scale
    return keys | conv(f'model.{3 * layers + 2}', 1, ndf * before, 4, True)


def upstream_pixel(ndf, norm):
    bias = norm == 'instance'
    return {**conv('net.0', ndf, 6, 1, True), **conv('net.2', ndf * 2, ndf, 1, bias),
            **norm_keys('net.3', ndf * 2, norm), **conv('net.5', 1, ndf * 2, 1, bias)}


UPSTREAM_G = {'unet_128': lambda n: upstream_unet(7, 8, n),
              'unet_256': lambda n: upstream_unet(8, 8, n),
              'resnet_6blocks': lambda n: upstream_resnet(6, 8, n),
              'resnet_9blocks': lambda n: upstream_resnet(9, 8, n)}
UPSTREAM_D = {'basic': lambda n: upstream_patchgan(3, 8, n),
              'n_layers': lambda n: upstream_patchgan(4, 8, n),
              'pixel': lambda n: upstream_pixel(8, n)}


def made_of(keys):
    return {key: torch.zeros(shape, dtype=torch.long if shape == () else torch.float32)
            for key, shape in keys.items()}


@pytest.mark.parametrize('norm', NORMS)
@pytest.mark.parametrize('name', UPSTREAM_G)
def test_upstreams_generators_load_here(name, norm):
    ours = define_G(name, 3, 3, 8, norm, use_dropout=True)
    assert {k: tuple(v.shape) for k, v in ours.state_dict().items()} == UPSTREAM_G[name](norm)
    ours.load_state_dict(made_of(UPSTREAM_G[name](norm)))


@pytest.mark.parametrize('norm', NORMS)
@pytest.mark.parametrize('name', UPSTREAM_D)
def test_upstreams_discriminators_load_here(name, norm):
    ours = define_D(name, 6, 8, 4, norm)
    assert {k: tuple(v.shape) for k, v in ours.state_dict().items()} == UPSTREAM_D[name](norm)
    ours.load_state_dict(made_of(UPSTREAM_D[name](norm)))


def test_every_network_of_upstream_is_there():
    assert set(UPSTREAM_G) <= set(GENERATORS) and set(UPSTREAM_D) <= set(DISCRIMINATORS)


@pytest.mark.parametrize('name, norm, parameters', [
    ('unet_256', 'batch', 54_413_955), ('unet_128', 'batch', 41_828_995),
    ('resnet_9blocks', 'instance', 11_378_179)])
def test_full_size_generators_have_the_published_number_of_weights(name, norm, parameters):
    with torch.device('meta'):
        network = define_G(name, 3, 3, 64, norm, use_dropout=True)
    assert sum(p.numel() for p in network.parameters()) == parameters


@pytest.mark.parametrize('norm', NORMS)
@pytest.mark.parametrize('dropout', [True, False])
@pytest.mark.parametrize('name', UPSTREAM_G)
def test_weights_say_what_their_network_is(name, norm, dropout):
    network = define_G(name, 3, 1, 16, norm, dropout)
    facts = read_architecture(network.state_dict())
    wanted = {'netG': name, 'ngf': 16, 'input_nc': 3, 'output_nc': 1, 'norm': norm}
    if name.startswith('resnet'):
        wanted['no_dropout'] = not dropout
    assert facts == wanted


def test_weights_of_something_else_say_nothing():
    assert read_architecture({'layer.weight': torch.zeros(3, 3)}) == {}


@pytest.mark.parametrize('name', GENERATORS)
def test_a_generator_takes_multiples_of_what_it_says(name):
    network = define_G(name, 3, 3, 4)
    side = max(network.multiple, getattr(network, 'least', 8))
    out = network(torch.zeros(2, 3, side, side * 2))
    assert out.shape == (2, 3, side, side * 2)


@pytest.mark.parametrize('name, layers', [('basic', 3), ('n_layers', 2), ('n_layers', 5),
                                          ('pixel', 3)])
def test_a_discriminator_takes_its_smallest_picture_and_none_smaller(name, layers):
    network = define_D(name, 6, 4, layers, norm='none')
    assert network(torch.zeros(1, 6, network.smallest, network.smallest)).numel() >= 1
    if name != 'pixel':
        with pytest.raises(RuntimeError):
            network(torch.zeros(1, 6, network.smallest - 1, network.smallest - 1))


def test_batch_norm_in_parts_equals_separate_passes():
    torch.manual_seed(0)
    together, apart = define_D('basic', 6, 4), define_D('basic', 6, 4)
    apart.load_state_dict(together.state_dict())
    real, fake = torch.randn(2, 1, 6, 64, 64)
    with in_parts(together, 2):
        out = together(torch.cat([real, fake]))
    assert torch.allclose(out, torch.cat([apart(real), apart(fake)]), atol=1e-6)
    for a, b in zip(together.state_dict().values(), apart.state_dict().values()):
        assert torch.allclose(a.float(), b.float(), atol=1e-6)


def test_by_sample_a_picture_does_not_depend_on_its_neighbours():
    torch.manual_seed(0)
    network = define_G('resnet_6blocks', 3, 3, 4).eval()
    normalize_by_sample(network)
    x = torch.randn(3, 3, 32, 32)
    assert torch.allclose(network(x)[1:2], network(x[1:2]), atol=1e-5)
