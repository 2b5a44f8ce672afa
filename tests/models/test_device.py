"""What is meant for the device is on it: every model trains and paints on a device that shares no
tensor with the CPU."""
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import fitting
from pretend_device import DEVICE, OnDevice, PretendDevice, held
from torch.utils._pytree import tree_leaves, tree_map

import train as training
from data import datasets
from data.loader import Loader
from evaluation.painting import paint_batches
from models import label_maps, models
from models.engine import Engine, choose_engine
from options.test_options import TestOptions
from options.train_options import TrainOptions
from util.runs import read_record

TRAINED = [name for name in models.names() if models.find(name).TRAINS]
# further ways of models that have tensors of their own
WAYS = [('pix2pix', '--gan_mode', 'wgangp'), ('pix2pix', '--pool_size', '2'),
        ('pix2pixHD', '--pool_size', '2'), ('pix2pixHD', '--gan_mode', 'hinge')]


@pytest.fixture
def run(pairs, small, tmp_path):
    """run(model, '--flag' ...) -> the folder of a run of one step, and the flags that train and
    test it."""
    def make(model, *more):
        flags = ['--dataroot', str(pairs(64, 64, train=60, val=3)), '--name', 'me',
                 '--checkpoints_dir', str(tmp_path / 'ck')]
        trained = [*flags, '--model', model, *fitting(model, *small), '--no_html',
                   *more]
        training.main([*trained, '--max_steps', '1'])
        return tmp_path / 'ck' / 'me', trained, flags
    return make


def painted(engine, folder, flags, change=lambda model: None):
    """The held-out frames of a run, as exact as its model has them: float (1, C, H, W) each, or
    uint8 (1, H, W, C) where the last step is no work for a device; `change` alters the model
    before."""
    opt = TestOptions().parse(flags)
    dataset = datasets.find(opt.dataset_mode)(opt, 'val', read_record(folder).get('dataset', {}))
    model = models.find(opt.model)(opt, engine)
    model.load_weights(folder, 'latest')
    change(model)
    model.on_dataset(dataset)
    frames = list(paint_batches(model, dataset, Loader(dataset, 1, 1).epoch()))
    in_pixels = not isinstance(frames[0].painted.exact, torch.Tensor)
    return [frame.fake.astype(float) if in_pixels else frame.painted.exact for frame in frames]


def plain():
    """The CPU, computing as the pretended device does."""
    return choose_engine('cpu', precision='fp32', no_compile=True)


def check_same(frames, expected):
    assert len(frames) == len(expected) > 0
    for frame, other in zip(frames, expected):
        if isinstance(other, np.ndarray):
            np.testing.assert_allclose(frame, other, atol=1)
        else:
            assert isinstance(frame, OnDevice)
            np.testing.assert_allclose(frame.held, other, atol=1e-5)


def on_device(folder, flags):
    """The model of a run on the pretended device, about to train, and its dataset."""
    opt = TrainOptions().parse([*flags, '--overwrite'])
    dataset = datasets.find(opt.dataset_mode)(opt, 'train')
    model = models.find(opt.model)(opt, Engine(DEVICE))
    model.load_weights(folder, 'latest')
    model.on_train_start(dataset, folder)
    model.on_epoch_start(1)
    return model, dataset


def check_step(model, dataset):
    model.on_step_start(0.0)
    batch = next(Loader(dataset, 1, 1, True, 0).epoch())
    losses = model.step(model.engine.to_batch(batch))
    model.on_step_end()
    elsewhere = [loss for loss, value in losses.items() if not isinstance(value, OnDevice)]
    assert losses and not elsewhere
    assert all(np.isfinite(float(loss.held)) for loss in losses.values())


@pytest.mark.parametrize('name, more', [(name, ()) for name in TRAINED]
                         + [(name, more) for name, *more in WAYS])
def test_every_model_trains_where_the_device_is_and_resumes_there(name, more, run):
    folder, flags, _ = run(name, *more)
    with PretendDevice():
        model, dataset = on_device(folder, flags)
        check_step(model, dataset)
        model.load_state(tree_map(held, model.state()))     # a saved state is read to the CPU
        state = [leaf for leaf in tree_leaves(model.state()) if isinstance(leaf, torch.Tensor)]
        # Adam counts its steps on the CPU
        assert all(isinstance(tensor, OnDevice) for tensor in state if tensor.dim())
        check_step(model, dataset)


@pytest.mark.parametrize('name', models.names())
def test_every_model_paints_where_the_device_is_what_it_paints_on_a_cpu(name, run):
    folder, _, flags = run(name)
    expected = painted(plain(), folder, flags)
    with PretendDevice():
        check_same(painted(Engine(DEVICE), folder, flags), expected)


@pytest.mark.parametrize('align', ['none', 'similarity'])
def test_frames_are_aligned_where_the_device_is(align, run):
    folder, _, flags = run('nearest', '--align', align)
    expected = painted(plain(), folder, flags)
    with PretendDevice():
        check_same(painted(Engine(DEVICE), folder, flags), expected)


def test_parts_are_painted_where_the_device_is(run):
    def in_parts(model):
        parts = replace(model.settings.parts, strain=-1.0, limb=-1.0)
        model.settings = replace(model.settings, parts=parts)
    folder, _, flags = run('body2body')
    expected = painted(plain(), folder, flags, in_parts)
    whole = painted(plain(), folder, flags)
    assert not np.array_equal(expected[0], whole[0])
    with PretendDevice():
        check_same(painted(Engine(DEVICE), folder, flags, in_parts), expected)


def test_bars_of_a_letterbox_are_painted_where_the_device_is(run):
    def barred(model):
        width, height = model.plate.size
        bars = np.zeros((height, width, 4), np.uint8)
        bars[:4] = 255
        kept = model.painter.kept
        model.painter.kept = replace(kept, film_plate=replace(kept.film_plate, bars=bars))
    folder, _, flags = run('body2body')
    expected = painted(plain(), folder, flags, barred)
    assert (expected[0][:, :4] == 255).all()
    with PretendDevice():
        check_same(painted(Engine(DEVICE), folder, flags, barred), expected)


def test_label_maps_are_where_the_device_is():
    regions = torch.tensor([[[[0.0, 1.0], [1001.0, 2.0]]]])
    poses = torch.tensor([[[[0.0, 1.0], [1.0, 2.0]]]]) / 127.5 - 1
    looks = {1: np.array([[0.5, 0.25]])}

    def maps(regions, poses):
        return [label_maps.one_hot(poses, 3), label_maps.edges_of(regions),
                label_maps.coloured(poses, 3), label_maps.sample_clusters(looks, regions, 2, 0)]
    expected = maps(regions, poses)
    with PretendDevice():
        check_same(maps(regions.to(DEVICE), poses.to(DEVICE)), expected)
