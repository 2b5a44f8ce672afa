"""pix2pixHD's networks: NVIDIA's layers and keys, coarse to fine, several scales."""
import pytest
import torch

from models.networks import define_G, read_architecture
from models.networks.pix2pixhd import (
    Encoder,
    LocalEnhancer,
    MultiscaleDiscriminator,
    half_size,
    mean_of_regions,
)

# NVIDIA's keys, written out from its layer lists: key -> shape. Its instance norm has none.

def conv(key, out, into, kernel):
    return {f'{key}.weight': (out, into, kernel, kernel), f'{key}.bias': (out,)}


def double(key, into, out):
    return {f'{key}.weight': (into, out, 3, 3), f'{key}.bias': (out,)}


def block(key, nc):
    return conv(f'{key}.conv_block.1', nc, nc, 3) | conv(f'{key}.conv_block.5', nc, nc, 3)


# ngf 8, 3 -> 3 channels, n_downsample 4, n_blocks 2
GLOBAL = {**conv('model.1', 8, 3, 7), **conv('model.4', 16, 8, 3), **conv('model.7', 32, 16, 3),
          **conv('model.10', 64, 32, 3), **conv('model.13', 128, 64, 3), **block('model.16', 128),
          **block('model.17', 128), **double('model.18', 128, 64), **double('model.21', 64, 32),
          **double('model.24', 32, 16), **double('model.27', 16, 8), **conv('model.31', 3, 8, 7)}
# ngf 4, n_downsample 2, n_blocks 1 inside, two enhancers of one block
LOCAL = {**conv('model.1', 16, 3, 7), **conv('model.4', 32, 16, 3), **conv('model.7', 64, 32, 3),
         **block('model.10', 64), **double('model.11', 64, 32), **double('model.14', 32, 16),
         **conv('model1_1.1', 8, 3, 7), **conv('model1_1.4', 16, 8, 3), **block('model1_2.0', 16),
         **double('model1_2.1', 16, 8), **conv('model2_1.1', 4, 3, 7),
         **conv('model2_1.4', 8, 4, 3), **block('model2_2.0', 8), **double('model2_2.1', 8, 4),
         **conv('model2_2.5', 3, 4, 7)}
# nef 8, 3 -> 2 channels, n_downsample 2
ENCODER = {**conv('model.1', 8, 3, 7), **conv('model.4', 16, 8, 3), **conv('model.7', 32, 16, 3),
           **double('model.10', 32, 16), **double('model.13', 16, 8), **conv('model.17', 2, 8, 7)}
# 6 channels in, ndf 300, so that the 512 NVIDIA allows at most are reached
SCALE = [conv('', 300, 6, 4), conv('', 512, 300, 4), conv('', 512, 512, 4), conv('', 512, 512, 4),
         conv('', 1, 512, 4)]
WITH_FEATURES = {f'scale{scale}_layer{n}.0{key}': shape for scale in (0, 1)
                 for n, layer in enumerate(SCALE) for key, shape in layer.items()}
WITHOUT = {f'layer{scale}.{place}{key}': shape for scale in (0, 1)
           for place, layer in zip((0, 2, 5, 8, 11), SCALE) for key, shape in layer.items()}
NVIDIA = {
    'global': (lambda: define_G('global', 3, 3, 8, 'instance', n_blocks_global=2), GLOBAL),
    'local': (lambda: define_G('local', 3, 3, 4, 'instance', n_downsample_global=2,
                               n_blocks_global=1, n_local_enhancers=2, n_blocks_local=1), LOCAL),
    'encoder': (lambda: Encoder(3, 2, 8, 2), ENCODER),
    'D': (lambda: MultiscaleDiscriminator(6, 300), WITH_FEATURES),
    'D without features': (lambda: MultiscaleDiscriminator(6, 300, features=False), WITHOUT)}


@pytest.mark.parametrize('name', NVIDIA)
def test_nvidias_checkpoints_load_here(name):
    make, keys = NVIDIA[name]
    with torch.device('meta'):
        network = make()
    assert {k: tuple(v.shape) for k, v in network.state_dict().items()} == keys


def test_the_generator_for_cityscapes_has_nvidias_number_of_weights():
    with torch.device('meta'):
        network = define_G('global', 35 + 1, 3, 64, 'instance')
    assert sum(p.numel() for p in network.parameters()) == 182_546_755


@pytest.mark.parametrize('norm', ['batch', 'instance'])
@pytest.mark.parametrize('netG, details', [
    ('global', {'n_downsample_global': 3, 'n_blocks_global': 2}),
    ('local', {'n_downsample_global': 2, 'n_blocks_global': 2, 'n_local_enhancers': 2,
               'n_blocks_local': 1})])
def test_weights_say_what_their_network_is(netG, details, norm):
    state = define_G(netG, 3, 3, 4, norm, **details).state_dict()
    assert read_architecture(state) == {
        'model': 'pix2pixHD', 'netG': netG, 'ngf': 4, 'input_nc': 3, 'output_nc': 3, 'norm': norm,
        'no_instance': True, **details}


def test_a_global_generator_that_halves_twice_is_told_from_a_resnet():
    details = {'n_downsample_global': 2, 'n_blocks_global': 9}
    resnet, ours = (define_G(name, 3, 3, 4, 'batch', **details).state_dict()
                    for name in ('resnet_9blocks', 'global'))
    assert read_architecture(resnet)['netG'] == 'resnet_9blocks'
    assert read_architecture(ours)['netG'] == 'global'


@pytest.mark.parametrize('takes, said', [(36, {'label_nc': 35}), (4, {'input_nc': 3}),
                                         (25, {'label_nc': 25, 'no_instance': True})])
def test_channels_are_taken_for_what_they_most_likely_are(takes, said):
    facts = read_architecture(define_G('global', takes, 3, 4, n_blocks_global=1).state_dict())
    assert said.items() <= facts.items()


def test_the_enhancer_adds_what_is_inside_to_its_own_way_in():
    G = define_G('local', 3, 3, 4, 'instance', n_downsample_global=2, n_blocks_global=1)
    x = torch.randn(1, 3, 32, 32)
    inside = G.model(half_size(x))
    assert torch.allclose(G(x), G.model1_2(G.model1_1(x) + inside))
    outer = {n for n, p in G.named_parameters()
             if not any(p is q for q in G.inner_parameters())}
    assert {n.split('.')[0] for n in outer} == {'model1_1', 'model1_2'}


def test_a_local_enhancer_is_padded_to_what_it_needs():
    G = LocalEnhancer(3, 3, 4, n_blocks_global=1)
    assert (G.multiple, G.least) == (32, 64)


def test_the_largest_scale_comes_first_and_each_sees_half_of_the_one_before():
    D = MultiscaleDiscriminator(3, 4, num_D=3)
    x = torch.randn(1, 3, 64, 64)
    said = D(x)
    assert [len(scale) for scale in said] == [5, 5, 5]
    assert said[0][-1].shape[-1] > said[1][-1].shape[-1] > said[2][-1].shape[-1]
    assert torch.allclose(said[0][0], D.scale2_layer0(x))       # NVIDIA's numbers
    assert torch.allclose(said[1][0], D.scale1_layer0(half_size(x)))
    plain = MultiscaleDiscriminator(3, 4, num_D=2, features=False)(x)
    assert [len(scale) for scale in plain] == [1, 1]


def test_a_region_gets_its_own_mean_and_its_gradient():
    features = torch.rand(2, 3, 4, 4, requires_grad=True)
    regions = torch.zeros(2, 1, 4, 4)
    regions[0, 0, :2] = 26001
    means = mean_of_regions(features, regions)
    assert torch.allclose(means[0, :, 0, 0], features[0, :, :2].mean((1, 2)))
    assert torch.allclose(means[1, :, 3, 1], features[1].mean((1, 2)))
    means[0, 0, 0, 0].backward()
    assert torch.allclose(features.grad[0, 0, :2], torch.full((2, 4), 1 / 8))
    assert float(features.grad.sum()) == pytest.approx(1.0)
