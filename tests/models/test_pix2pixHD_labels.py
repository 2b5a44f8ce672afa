"""pix2pixHD from label maps, instances and features that an encoder finds."""
import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from models.label_maps import (
    cluster,
    edges_of,
    looks_of_regions,
    one_hot,
    read_clusters,
    sample_clusters,
)
from options.train_options import TrainOptions
from scripts import encode_features, precompute_feature_maps
from tests.models.pix2pixhd_runs import TINY, paint, trainer, weights
from util.errors import UserError

ENCODING = ['--label_nc', '3', '--instance_feat', '--nef', '4', '--n_downsample_E', '2']


@pytest.fixture
def train(pairs, small_vgg, tmp_path):
    """train(name, '--flag' ...) -> its folder; train.root is the dataset."""
    return trainer(pairs(), tmp_path / 'ck')


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


# Label maps and instances

def test_edges_are_where_neighbours_differ():
    regions = torch.tensor([[5., 5, 7, 7], [5, 5, 7, 7], [5, 5, 5, 5]])[None, None]
    assert edges_of(regions)[0, 0].tolist() == [[0, 1, 1, 0], [0, 1, 1, 1], [0, 0, 1, 1]]


def test_labels_are_one_hot_whatever_they_were_saved_as():
    labels = torch.tensor([[0., 3.], [2., 24.]]).expand(1, 3, 2, 2)
    hot = one_hot(labels / 127.5 - 1, 25)
    assert hot.shape == (1, 25, 2, 2) and float(hot.sum()) == 4
    assert hot[0, :, 1, 1].argmax() == 24


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


# Encoded features

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


def test_labels_instances_and_features_are_channels_of_what_is_exported(city, train):
    from models.exporting.runtimes import OnnxRuntime
    from scripts import export
    folder = train('me', *ENCODING, '--max_steps', '2', dataroot=city)
    named = ['--name', 'me', '--checkpoints_dir', str(folder.parent)]
    encode_features.main([*named, '--device', 'cpu'])
    file, = export.main([*named, '--phase', 'test'])
    assert OnnxRuntime(file).shape[1] == 3 + 1 + 3
    painted = []
    for runtime in (['--precision', 'fp32'], ['--runtime', 'onnx']):
        images = paint(folder, city, '--phase', 'test', *runtime)
        files = sorted(images.glob('*_fake_B.png'))
        painted.append(np.stack([np.asarray(Image.open(file), float) for file in files]))
    assert np.abs(painted[0] - painted[1]).max() <= 1
