"""The perceptual loss: VGG19 or VGG16, its layers, and what is said without either."""
import pickle

import numpy as np
import pytest
import torch

import train as training_entry
from models import perceptual
from tests.models.pix2pixhd_runs import TINY
from util.errors import UserError
from util.runs import read_record


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
