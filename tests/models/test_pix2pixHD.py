"""pix2pixHD: NVIDIA's layers, losses and folders; coarse to fine; features that are encoded."""
import json
import pickle
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

import test as painting_entry
import train as training_entry
from models import models, perceptual
from models.engine import Engine
from models.label_maps import (
    cluster,
    edges_of,
    looks_of_regions,
    one_hot,
    read_clusters,
    sample_clusters,
)
from models.losses import feature_matching
from models.networks import define_G, read_architecture
from models.networks.pix2pixhd import (
    Encoder,
    LocalEnhancer,
    MultiscaleDiscriminator,
    half_size,
    mean_of_regions,
)
from options.legacy import modern_facts
from options.test_options import TestOptions
from options.train_options import TrainOptions
from scripts import encode_features, precompute_feature_maps
from util.errors import UserError
from util.runs import read_record

TINY = ['--model', 'pix2pixHD', '--ngf', '4', '--ndf', '4', '--n_blocks_global', '1',
        '--n_downsample_global', '2', '--n_blocks_local', '1', '--display_id', '0', '--no_compile',
        '--device', 'cpu', '--no_html']


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


def test_feature_matching_is_its_formula():
    """Two scales of three layers, 1 and 2 apart; the logits do not count."""
    zeros = lambda: [torch.zeros(1, 2, 3, 3) for _ in range(3)]
    apart = [[t + d for t in zeros()] for d in (1.0, 2.0)]
    # scale 1/2, layer 4/2, two layers each: (2*1 + 2*2) * 4/2 / 2
    assert float(feature_matching([zeros(), zeros()], apart)) == pytest.approx(6.0)


def test_edges_are_where_neighbours_differ():
    regions = torch.tensor([[5., 5, 7, 7], [5, 5, 7, 7], [5, 5, 5, 5]])[None, None]
    assert edges_of(regions)[0, 0].tolist() == [[0, 1, 1, 0], [0, 1, 1, 1], [0, 0, 1, 1]]


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


def test_labels_are_one_hot_whatever_they_were_saved_as():
    labels = torch.tensor([[0., 3.], [2., 24.]]).expand(1, 3, 2, 2)
    hot = one_hot(labels / 127.5 - 1, 25)
    assert hot.shape == (1, 25, 2, 2) and float(hot.sum()) == 4
    assert hot[0, :, 1, 1].argmax() == 24


# The perceptual loss

def test_the_perceptual_loss_is_zero_for_the_same_picture_and_counts_the_layers(small_vgg):
    loss = perceptual.find_perceptual_loss(None)
    x, y = torch.rand(2, 1, 3, 32, 32) * 2 - 1
    assert float(loss(x, x)) == 0.0
    weights = {k: v for k, v in torch.load(small_vgg, weights_only=True).items()}
    first = lambda z: torch.relu(torch.nn.functional.conv2d(
        z, weights['features.0.weight'], weights['features.0.bias'], padding=1))
    assert torch.allclose(loss.features(x)[0], first(x))
    assert [f.shape[-1] for f in loss.features(x)] == [32, 16, 8, 4, 2]
    terms = [float((a - b).abs().mean()) for a, b in zip(loss.features(x), loss.features(y))]
    assert float(loss(x, y)) == pytest.approx(
        terms[0] / 32 + terms[1] / 16 + terms[2] / 8 + terms[3] / 4 + terms[4])
    assert perceptual.find_perceptual_loss(None).name.startswith('VGG19')


def test_lpips_vgg16_is_read_without_running_code(tmp_path):
    rng = np.random.default_rng(0)
    widths = [3, *[2] * 13]
    table = {'VGG16_0': {f'Conv_{k}': {
        'kernel': rng.standard_normal((3, 3, a, b)).astype(np.float32),
        'bias': np.zeros(b, np.float32)} for k, (a, b) in enumerate(zip(widths, widths[1:]))}}
    path = tmp_path / 'vgg16.ckpt'
    path.write_bytes(pickle.dumps(table))
    loss = perceptual.read_perceptual_loss(path)
    assert loss.name.startswith('VGG16') and len(loss.features(torch.zeros(1, 3, 32, 32))) == 5
    kernel = table['VGG16_0']['Conv_0']['kernel']
    assert np.array_equal(loss.blocks[0][0].weight[1, 2], kernel[:, :, 2, 1])
    path.write_bytes(pickle.dumps({'VGG16_0': print}))
    with pytest.raises(UserError, match='builtins.print'):
        perceptual.read_perceptual_loss(path)


def test_without_any_vgg_the_run_ends_with_every_way_out(pairs, tmp_path, monkeypatch):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'none'))
    monkeypatch.setenv('BODY2BODY_WEIGHTS', str(tmp_path / 'none'))
    flags = ['--dataroot', str(pairs()), '--name', 'me', '--checkpoints_dir', str(tmp_path / 'ck'),
             '--max_steps', '1', *TINY]
    with pytest.raises(UserError, match='get_models.py lpips.*--vgg_weights FILE.*--no_vgg_loss'):
        training_entry.main(flags)
    assert training_entry.main([*flags, '--no_vgg_loss']) is False
    assert read_record(tmp_path / 'ck' / 'me')['model'] == {'perceptual_loss': None}


# Runs

@pytest.fixture
def train(pairs, small_vgg, tmp_path):
    """train(name, '--flag' ...) -> its folder; train.root is the dataset."""
    root = pairs()

    def call(name, *flags, dataroot=root):
        training_entry.main(['--dataroot', str(dataroot), '--name', name, '--checkpoints_dir',
                             str(tmp_path / 'ck'), *TINY, *flags])
        return tmp_path / 'ck' / name
    call.root = root
    return call


def paint(folder, root, *flags):
    page = painting_entry.main(['--dataroot', str(root), '--name', folder.name, '--device', 'cpu',
                                '--checkpoints_dir', str(folder.parent), '--results_dir',
                                str(folder.parent / 'res'), '--no_video', '--metrics', 'fast',
                                *flags])
    return page.parent / 'images'


def weights(folder, name='G'):
    return torch.load(folder / f'latest_net_{name}.pth', weights_only=True)


def test_losses_and_results_have_nvidias_names(train):
    folder = train('me', '--max_steps', '1')
    log = (folder / 'loss_log.txt').read_text()
    assert [word[:-1] for word in log.split() if word[0] in 'GD'] == [
        'G_GAN', 'G_GAN_Feat', 'G_VGG', 'D_real', 'D_fake']
    assert read_record(folder)['model']['perceptual_loss'].startswith('VGG19')
    images = paint(folder, train.root)
    assert {p.name for p in images.glob('000001_*')} == {
        '000001_real_A.png', '000001_fake_B.png', '000001_real_B.png',
        '000001_input_label.jpg', '000001_synthesized_image.jpg'}


def test_without_feature_matching_the_run_is_nvidias_too(train):
    folder = train('me', '--max_steps', '1', '--no_ganFeat_loss', '--no_vgg_loss', '--no_lsgan',
                   '--num_D', '1')
    assert set(weights(folder, 'D')) >= {'layer0.0.weight', 'layer0.11.bias'}
    assert 'G_GAN_Feat' not in (folder / 'loss_log.txt').read_text()
    assert read_record(folder)['options']['gan_mode'] == 'vanilla'


def test_a_local_generator_begins_with_the_global_one_it_is_trained_upon(train, capsys):
    coarse = train('coarse', '--max_steps', '2', '--ngf', '8')
    fine = train('fine', '--netG', 'local', '--max_steps', '1', '--lr', '1e-9', '--load_pretrain',
                 'coarse')
    said = capsys.readouterr().out
    assert '14 of 26 tensors of G, 20 of 20 tensors of D' in said
    inner, whole = weights(coarse), weights(fine)
    shared = [k for k in inner if k in whole]
    assert len(shared) == len(inner) - 2
    assert all(torch.allclose(inner[k], whole[k], atol=1e-6) for k in shared)
    with pytest.raises(UserError, match='nothing of its G fits.*--netG global --ngf 8'):
        train('other', '--netG', 'unet_128', '--max_steps', '1', '--load_pretrain', str(coarse))
    with pytest.raises(UserError, match='--load_pretrain nothing.*no such checkpoint'):
        train('other', '--max_steps', '1', '--load_pretrain', 'nothing')


def test_the_global_generator_rests_for_as_long_as_it_is_fixed(train):
    flags = ['--netG', 'local', '--niter_fix_global', '1', '--max_dataset_size', '2',
             '--no_vgg_loss', '--num_threads', '0']
    begun = train('me', *flags, '--max_steps', '1')
    first, state = weights(begun), torch.load(begun / 'latest_state.pth', weights_only=True)
    moments = state['model']['optimizers']['G']['state']
    end = train('me', '--continue_train', '--max_steps', '2')      # the end of the first epoch
    second = weights(end)
    inner = [k for k in first if k.startswith('model.')]
    assert all(torch.equal(first[k], second[k]) for k in inner)
    assert not torch.equal(first['model1_1.1.weight'], second['model1_1.1.weight'])
    assert len(moments) == len(first) - len(inner)
    third = weights(train('me', '--continue_train', '--max_steps', '3'))
    assert not any(torch.equal(second[k], third[k]) for k in inner if k.endswith('weight'))
    # a first step of Adam is as long as its rate: no stale moments, no stale count
    far = float((third['model.1.weight'] - second['model.1.weight']).abs().max())
    assert far == pytest.approx(2e-4, rel=0.02)
    straight = train('straight', *flags, '--max_steps', '3')
    assert all(torch.equal(v, third[k]) for k, v in weights(straight).items())


# Label maps, instances, features

@pytest.fixture
def city(tmp_path):
    """train_label (a palette), train_img, train_inst (16 bit) and test_label, test_inst alone."""
    root = tmp_path / 'city'
    for phase, count in (('train', 3), ('test', 2)):
        for part in ('label', 'inst') + (('img',) if phase == 'train' else ()):
            (root / f'{phase}_{part}').mkdir(parents=True)
        for i in range(count):
            label = np.zeros((40, 48), np.uint8)
            label[10:30, 5 + i:25 + i] = 2
            label[10:30, 25 + i:40] = 2
            instances = label.astype(np.uint16)
            instances[label == 2] = 2001
            instances[10:30, 25 + i:40] = 2002
            palette = Image.fromarray(label, 'P')
            palette.putpalette([200, 10, 10, 20, 200, 20, 3, 3, 250] + [0] * 759)
            palette.save(root / f'{phase}_label' / f'x{i}_labelIds.png')
            Image.fromarray(instances).save(root / f'{phase}_inst' / f'x{i}_instanceIds.png')
            if phase == 'train':
                frame = np.full((40, 48, 3), 90, np.uint8)
                frame[instances == 2001] = (250, 30, 30)
                frame[instances == 2002] = (30, 30, 250)
                Image.fromarray(frame).save(root / 'train_img' / f'x{i}_leftImg8bit.png')
    return root


def test_nvidias_folders_are_read_as_numbers(city):
    from data import datasets
    opt = TrainOptions().parse(['--dataroot', str(city), *TINY, '--label_nc', '3', '--load_size',
                                '24', '--no_vgg_loss'])
    assert opt.dataset_mode == 'labelled' and not opt.no_instance
    dataset = datasets.find(opt.dataset_mode)(opt, 'train')
    item = dataset.item(0, np.random.default_rng(0))
    assert item['A'].shape == (20, 24, 3) and set(np.unique(item['A'])) == {0, 2}
    assert item['B'].shape == (20, 24, 3)
    assert set(np.unique(item['instances'])) == {0, 2001, 2002}
    with pytest.raises(UserError, match='has label 2.*--label_nc 3'):
        datasets.find('labelled')(opt.but(label_nc=2), 'train').item(0)
    (city / 'train_inst' / 'x2_instanceIds.png').unlink()
    with pytest.raises(UserError, match='3 in train_label, 3 in train_img, 2 in train_inst'):
        datasets.find('labelled')(opt, 'train')


def test_labels_instances_and_encoded_features_train_and_paint(city, train, capsys):
    with pytest.raises(UserError, match='--label_nc'):
        train('me', '--max_steps', '1', dataroot=city)
    folder = train('me', '--label_nc', '3', '--instance_feat', '--nef', '4', '--n_downsample_E',
                   '2', '--max_steps', '4', '--lr', '1e-2', dataroot=city)
    assert weights(folder)['model.1.weight'].shape[1] == 3 + 1 + 3
    assert weights(folder, 'D')['scale0_layer0.0.weight'].shape[1] == 3 + 1 + 3
    again = train('again', '--label_nc', '3', '--instance_feat', '--nef', '4', '--n_downsample_E',
                  '2', '--max_steps', '2', '--lr', '1e-2', dataroot=city)
    stopped = weights(again, 'E')
    again = train('again', '--continue_train', '--max_steps', '4', dataroot=city)
    assert all(torch.equal(v, weights(again, 'E')[k]) for k, v in weights(folder, 'E').items())
    assert not torch.equal(stopped['model.1.weight'], weights(again, 'E')['model.1.weight'])
    with pytest.raises(UserError, match='encode_features.py --name me'):
        paint(folder, city, '--phase', 'test')
    path = encode_features.main(['--name', 'me', '--checkpoints_dir', str(folder.parent),
                                 '--device', 'cpu'])
    path.write_bytes(path.read_bytes() + b' ')
    with pytest.raises(UserError, match=f'{path.name}: is there already'):
        encode_features.main(['--name', 'me', '--checkpoints_dir', str(folder.parent)])
    clusters = read_clusters(path, 'me')
    assert {k: v.shape[1] for k, v in clusters.items()} == {0: 3, 2: 3}
    assert np.load(path, allow_pickle=True).item().keys() == clusters.keys()
    images = paint(folder, city, '--phase', 'test')
    first = [p.read_bytes() for p in sorted(images.glob('*_fake_B.png'))]
    paint(folder, city, '--phase', 'test')
    assert first == [p.read_bytes() for p in sorted(images.glob('*_fake_B.png'))]
    assert len(first) == 2 and not list(images.glob('*_real_B.png'))
    shown = np.asarray(Image.open(images / 'x0_labelIds_real_A.png'))
    assert shown[0, 0].max() == 0 and shown[20, 20].max() > 150, 'labels are shown in colours'
    with pytest.raises(UserError, match='no frames to encode'):
        paint(folder, city, '--phase', 'test', '--use_encoded_image')
    paint(folder, city, '--phase', 'train', '--use_encoded_image')


ENCODING = ['--label_nc', '3', '--instance_feat', '--nef', '4', '--n_downsample_E', '2']


def test_a_larger_run_learns_from_what_a_smaller_one_encoded(city, train, capsys):
    small = train('small', *ENCODING, '--ngf', '8', '--max_steps', '1', '--load_size', '24',
                  dataroot=city)
    flags = ['--label_nc', '3', '--instance_feat', '--load_features', '--netG', 'local',
             '--load_pretrain', 'small', '--max_steps', '1']
    with pytest.raises(UserError, match='no train_feat.*precompute_feature_maps.py'):
        train('large', *flags, dataroot=city)
    there = ['--checkpoints_dir', str(small.parent), '--device', 'cpu']
    folder = precompute_feature_maps.main(['--name', 'small', *there])
    maps = [np.asarray(Image.open(path)) for path in sorted(folder.iterdir())]
    assert folder == city / 'train_feat' and [m.shape for m in maps] == [(40, 48, 3)] * 3
    assert precompute_feature_maps.main(['--name', 'small', *there]) == folder, 'over its own'
    (folder / 'x9.png').write_text('mine')
    with pytest.raises(UserError, match='x9.png: is there already'):
        precompute_feature_maps.main(['--name', 'small', *there])
    (folder / 'x9.png').unlink()
    assert (maps[0][12:28, 8:22] == maps[0][20, 20]).all(), 'the same all over a region'
    (city / 'train_label').rename(city / 'val_label')       # held out, and not encoded
    (city / 'train_img').rename(city / 'val_img')
    with pytest.raises(UserError):
        train('large', *flags, dataroot=city)
    assert 'val_feat' in capsys.readouterr().err
    (city / 'val_label').rename(city / 'train_label')
    (city / 'val_img').rename(city / 'train_img')
    large = train('large', *flags, dataroot=city)
    assert not (large / 'latest_net_E.pth').exists()
    assert weights(large)['model1_1.1.weight'].shape[1] == 3 + 1 + 3
    clusters = read_clusters(encode_features.main(['--name', 'large', *there]), 'large')
    assert {tuple(row) for row in np.round((clusters[2] + 1) * 127.5)} == {
        tuple(m[20, x]) for i, m in enumerate(maps) for x in (10 + i, 30 + i)}
    assert len(list(paint(large, city, '--phase', 'test').glob('*_fake_B.png'))) == 2
    encoded = [paint(large, city, '--phase', 'train', '--use_encoded_image') / 'x0_labelIds']
    before = encoded[0].with_name('x0_labelIds_fake_B.png').read_bytes()
    Image.fromarray(255 - maps[0]).save(folder / 'x0_labelIds.png')
    paint(large, city, '--phase', 'train', '--use_encoded_image')
    assert before != encoded[0].with_name('x0_labelIds_fake_B.png').read_bytes()
    with pytest.raises(UserError, match='it has no encoder'):
        precompute_feature_maps.main(['--name', 'large', *there])


def test_a_run_that_encodes_nothing_is_named(train):
    folder = train('plain', '--no_vgg_loss', '--max_steps', '1')
    for name, said in (('plain', 'no features to encode'), ('nobody', 'no run of --model')):
        with pytest.raises(UserError, match=said):
            precompute_feature_maps.main(['--name', name, '--checkpoints_dir', str(folder.parent)])


def test_features_are_moved_as_their_frame_is(city):
    from data import datasets
    shutil.copytree(city / 'train_img', city / 'train_feat')
    opt = TrainOptions().parse(['--dataroot', str(city), *TINY, *ENCODING, '--load_features',
                                '--no_vgg_loss', '--preprocess', 'crop', '--crop_size', '24',
                                '--flip'])
    dataset = datasets.find('labelled')(opt, 'train')
    for seed in range(4):
        item = dataset.item(0, np.random.default_rng(seed))
        assert item['features'].shape == (24, 24, 3)
        assert np.array_equal(item['features'], item['B'])


def test_a_look_stays_the_same_from_frame_to_frame():
    looks = {2: np.arange(30, dtype=float).reshape(10, 3), 7: np.ones((1, 3))}
    regions = torch.tensor([[[[2001., 2002], [7, 9]]], [[[2002., 2002], [7, 2001]]]])
    one, two = (sample_clusters(looks, frame[None], 3, seed=0)[0] for frame in regions)
    assert torch.equal(one[:, 0, 0], two[:, 1, 1]) and torch.equal(one[:, 0, 1], two[:, 0, 0])
    assert one[:, 1, 0].tolist() == [1, 1, 1] and one[:, 1, 1].tolist() == [0, 0, 0]
    others = [sample_clusters(looks, regions, 3, seed=k)[0, 0, 0, 0] for k in range(9)]
    assert len(set(map(float, others))) > 1


def test_small_regions_count_only_where_a_label_has_no_others():
    features = torch.zeros(1, 1, 16, 16)
    regions = torch.zeros(1, 1, 16, 16)
    regions[..., 0, 0], features[..., 0, 0] = 4, 0.5
    looks = dict(looks_of_regions(features, regions))
    assert looks[4].tolist() == [0.5, 1 / 256] and looks[0][1] == 255 / 256
    mixed = np.array([[0.1, 0.5], [0.1, 0.4], [0.9, 1 / 256]])
    assert cluster(mixed, 10, 1 / 64).tolist() == [[0.1]]
    assert cluster(mixed[2:], 10, 1 / 64).tolist() == [[0.9]]
    spread = np.array([[k % 2 + k / 1000, 1.0] for k in range(20)])
    assert sorted(cluster(spread, 2, 0).round(1).ravel().tolist()) == [0.0, 1.0]


def test_a_dataset_drawn_as_labels_is_taken_for_one(pairs, train, capsys):
    root = pairs(name='labels')
    for path in (root / 'train').iterdir():
        pair = np.asarray(Image.open(path)).copy()
        pair[:, :32] = (pair[:, :32] > 0).any(2, keepdims=True) * 4
        Image.fromarray(pair).save(path)
    facts = {'layout': 'pairs', 'draw': {'style': 'pix2pixhd_labels', 'labels': 5}}
    (root / 'dataset.json').write_text(json.dumps(facts))
    folder = train('me', '--max_steps', '1', dataroot=root)
    assert '--label_nc 5' in capsys.readouterr().out
    assert weights(folder)['model.1.weight'].shape[1] == 5
    with pytest.raises(UserError, match='--label_nc 4.*5 labels'):
        train('other', '--max_steps', '1', '--label_nc', '4', dataroot=root)


def test_poses_alone_in_test_A_are_painted(train, pairs, tmp_path):
    folder = train('me', '--max_steps', '1', '--no_vgg_loss')
    (tmp_path / 'new' / 'test_A').mkdir(parents=True)
    Image.new('RGB', (37, 50)).save(tmp_path / 'new' / 'test_A' / 'x.png')
    images = paint(folder, tmp_path / 'new', '--phase', 'test')
    assert Image.open(images / 'x_fake_B.png').size == (37, 50)
    (tmp_path / 'new' / 'test_B').mkdir()
    Image.new('RGB', (37, 50)).save(tmp_path / 'new' / 'test_B' / 'x.png')
    assert (paint(folder, tmp_path / 'new', '--phase', 'test') / 'x_real_B.png').is_file()


# Its options

def test_nvidias_command_line_is_understood(capsys):
    typed = ('--dataroot x --model pix2pixHD --label_nc 0 --no_instance --resize_or_crop none '
             '--loadSize 512 --fineSize 256 --batchSize 1 --niter 50 --niter_decay 60 --nThreads 2 '
             '--tf_log --no_flip --n_downsample_global 3 --data_type 32 --no_vgg_loss')
    opt = TrainOptions().parse(typed.split())
    assert (opt.netG, opt.norm, opt.gan_mode) == ('global', 'instance', 'lsgan')
    assert (opt.load_size, opt.n_epochs, opt.n_downsample_global) == (512, 50, 3)
    assert opt.tensorboard and '--data_type has no effect' in capsys.readouterr().err


def test_nvidias_record_is_read(tmp_path):
    (tmp_path / 'ck' / 'city').mkdir(parents=True)
    (tmp_path / 'ck' / 'city' / 'opt.txt').write_text(
        '------------ Options -------------\nfineSize: 512\nlabel_nc: 35\nloadSize: 1024\n'
        'model: pix2pixHD\nn_blocks_global: 5\nnetG: local\nngf: 32\nno_instance: False\n'
        'instance_feat: False\nresize_or_crop: scale_width\nnorm: instance\n'
        '-------------- End ----------------\n')
    opt = TestOptions().parse(['--dataroot', 'x', '--name', 'city', '--checkpoints_dir',
                               str(tmp_path / 'ck')])
    assert (opt.model, opt.netG, opt.ngf, opt.label_nc, opt.no_instance) == (
        'pix2pixHD', 'local', 32, 35, False)
    assert (opt.n_blocks_global, opt.load_size, opt.crop_size) == (5, 1024, None)
    assert 'crop_size' in modern_facts({'model': 'pix2pixHD', 'fineSize': '1',
                                        'resize_or_crop': 'scale_width_and_crop'})


@pytest.mark.parametrize('flags, said', [
    ('--niter_fix_global 1', 'no enhancers'), ('--instance_feat', 'no instance maps'),
    ('--label_feat', '--label_nc'), ('--num_D 0', '--num_D 0: give 1'),
    ('--load_features', 'nothing is painted from features'),
    ('--load_features --label_feat --label_nc 3 --feat_num 4', 'which hold 3 numbers'),
    ('--load_features --label_feat --label_nc 3', 'reads no feature maps'),
    ('--vgg_weights nowhere.pth', 'no such file')])
def test_what_cannot_be_is_one_sentence(flags, said):
    with pytest.raises(UserError, match=said):
        opt = TrainOptions().parse(['--dataroot', 'x', *TINY, *flags.split()])
        models.find('pix2pixHD')(opt, Engine(torch.device('cpu')))


def test_a_local_enhancer_is_padded_to_what_it_needs():
    G = LocalEnhancer(3, 3, 4, n_blocks_global=1)
    assert (G.multiple, G.least) == (32, 64)
