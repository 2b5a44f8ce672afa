"""MobileFaceNet: the weights of a TensorFlow.js graph, in a network as its paper has it."""
import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from util.errors import UserError
from util.metrics.mobilefacenet import (
    BODY,
    FETCH,
    HEAD,
    STAGES,
    MobileFaceNet,
    read_weights,
    why_no_weights,
)

WIDE = 4        # channels of a made-up graph; the last picture has 7x7 px whatever it has


def made_up(rng, width=WIDE, vector=5):
    """{name: array} of a graph with few channels and random weights."""
    weights = {}

    def add(name, side, before, after, alone=False, slopes=True):
        kind = 'depthwise' if alone else 'Conv2D'
        shape = (side, side, before, 1) if alone else (side, side, before, after)
        fan = side * side * (1 if alone else before)
        weights[f'{name}/{kind}_weights'] = rng.normal(0, fan ** -0.5, shape)
        weights[f'{name}/{kind}_bn_offset'] = rng.normal(0, 0.3, after)
        if slopes:
            weights[f'{name}/mul'] = -rng.uniform(0, 0.3, after)

    add(f'{BODY}Conv2d_0', 3, 3, width)
    add(f'{BODY}SeparableConv2d', 3, width, width, alone=True)
    add(f'{BODY}Conv', 1, width, width, slopes=False)
    for number, count, _ in STAGES:
        for k in range(count):
            name = f'{BODY}Conv2d_{number}_InvResBlock_{k}/'
            add(f'{name}Conv', 1, width, 2 * width)
            add(f'{name}SeparableConv2d', 3, 2 * width, 2 * width, alone=True)
            add(f'{name}Conv_1', 1, 2 * width, width, slopes=False)
    add(f'{BODY}Conv2d_7', 1, width, 2 * width)
    add(f'{HEAD}SeparableConv2d', 7, 2 * width, 2 * width, alone=True, slopes=False)
    add(f'{HEAD}Conv', 1, 2 * width, 2 * width, slopes=False)
    add(f'{HEAD}LinearConv1x1', 1, 2 * width, vector, slopes=False)
    return {name: value.astype(np.float32) for name, value in weights.items()}


def write_graph(folder, weights):
    """The two files of a graph; their paths."""
    arrays = {**weights, 'axes': np.array(1, np.int32)}
    entries = [{'name': name, 'shape': list(array.shape), 'dtype': array.dtype.name}
               for name, array in arrays.items()]
    graph, data = folder / 'net.json', folder / 'net.bin'
    graph.write_text(json.dumps({'weightsManifest': [{'weights': entries}]}))
    data.write_bytes(b''.join(array.tobytes() for array in arrays.values()))
    return graph, data


def written_out(weights, faces):
    """The network's vectors, one step after the other in TensorFlow's own words."""
    x = torch.from_numpy(faces).permute(0, 3, 1, 2).float()
    x = (x - 127.5) / 128

    def layer(x, name, stride=1, alone=False, slopes=True):
        kind = 'depthwise' if alone else 'Conv2D'
        kernel = torch.from_numpy(weights[f'{name}/{kind}_weights'])
        kernel = kernel.permute(2, 3, 0, 1) if alone else kernel.permute(3, 2, 0, 1)
        if kernel.shape[-1] == 3:                                   # TensorFlow's SAME
            out = -(-x.shape[-1] // stride)
            extra = max((out - 1) * stride + 3 - x.shape[-1], 0)
            x = F.pad(x, (extra // 2, extra - extra // 2) * 2)
        bias = torch.from_numpy(weights[f'{name}/{kind}_bn_offset'])
        x = F.conv2d(x, kernel, bias, stride, groups=len(kernel) if alone else 1)
        if not slopes:
            return x
        slope = -2 * torch.from_numpy(weights[f'{name}/mul']).view(1, -1, 1, 1)
        return torch.where(x > 0, x, slope * x)

    x = layer(x, f'{BODY}Conv2d_0', 2)
    x = layer(x, f'{BODY}SeparableConv2d', alone=True)
    x = layer(x, f'{BODY}Conv', slopes=False)
    for number, count, stride in ((2, 5, 2), (3, 1, 2), (4, 6, 1), (5, 1, 2), (6, 2, 1)):
        for k in range(count):
            name, step = f'{BODY}Conv2d_{number}_InvResBlock_{k}/', stride if k == 0 else 1
            y = layer(layer(x, f'{name}Conv'), f'{name}SeparableConv2d', step, alone=True)
            y = layer(y, f'{name}Conv_1', slopes=False)
            x = y if step == 2 else x + y
    x = layer(x, f'{BODY}Conv2d_7')
    x = layer(x, f'{HEAD}SeparableConv2d', alone=True, slopes=False)
    x = layer(layer(x, f'{HEAD}Conv', slopes=False), f'{HEAD}LinearConv1x1', slopes=False)
    x = x.flatten(1)
    return (x / x.norm(dim=1, keepdim=True)).numpy()


@pytest.fixture
def faces():
    return np.random.default_rng(1).integers(0, 256, (3, 112, 112, 3), np.uint8)


def test_it_computes_what_the_paper_says(tmp_path, faces):
    weights = made_up(np.random.default_rng(0))
    network = MobileFaceNet('cpu', *write_graph(tmp_path, weights))
    vectors = network(faces)
    assert vectors.shape == (3, 5) and vectors.dtype == np.float32
    assert np.allclose(vectors, written_out(weights, faces), atol=1e-5)


def test_many_faces_are_those_one_by_one(tmp_path, faces):
    network = MobileFaceNet('cpu', *write_graph(tmp_path, made_up(np.random.default_rng(0))))
    many = np.concatenate([faces] * 4)
    one_by_one = np.concatenate([network(face[None]) for face in many])
    assert np.allclose(network(many), one_by_one, atol=1e-5)


def test_a_graph_of_something_else_is_refused_with_the_command(tmp_path):
    graph, data = write_graph(tmp_path, {'a': np.zeros(3, np.float32)})
    with pytest.raises(UserError, match=f'{FETCH} --force'):
        MobileFaceNet('cpu', graph, data)


@pytest.mark.parametrize('change', [lambda raw: raw[:-2], lambda raw: raw + bytes(4)])
def test_weights_that_are_cut_off_or_too_many_are_refused(tmp_path, change):
    graph, data = write_graph(tmp_path, made_up(np.random.default_rng(0)))
    data.write_bytes(change(data.read_bytes()))
    with pytest.raises(UserError, match='net.json'):
        MobileFaceNet('cpu', graph, data)


def test_weights_of_every_kind_are_read_in_order(tmp_path):
    first, last = np.arange(6, dtype=np.float32).reshape(2, 3), np.float32([7])
    read = read_weights(*write_graph(tmp_path, {'first': first, 'last': last}))
    assert np.array_equal(read['first'], first) and np.array_equal(read['last'], last)
    assert read['axes'].dtype == torch.int32 and read['axes'].shape == ()


def test_without_weights_the_reason_says_what_to_type(tmp_path, monkeypatch):
    monkeypatch.setenv('BODY2BODY_WEIGHTS', str(tmp_path))
    assert why_no_weights() == f'no weights here yet: {FETCH}'


def test_the_fetched_weights_tell_pictures_apart_whatever_their_light():
    """Blurred noise: pictures of people come with no package. Read with the signs that the graph
    has, the weights give any two pictures a cosine of 0.99."""
    if why_no_weights():
        pytest.skip(why_no_weights())
    network = MobileFaceNet()
    rng = np.random.default_rng(0)
    smooth = F.interpolate(torch.from_numpy(rng.normal(0, 1, (2, 3, 7, 7))), (112, 112),
                           mode='bicubic').permute(0, 2, 3, 1).numpy()
    one, other = (128 + 50 * smooth).clip(0, 255).astype(np.uint8)
    darker = (one * 0.8).astype(np.uint8)
    first, same, second = network(np.stack([one, darker, other]))
    assert np.linalg.norm(first) == pytest.approx(1, abs=1e-5) and first.shape == (192,)
    assert first @ same > 0.8 > first @ second
