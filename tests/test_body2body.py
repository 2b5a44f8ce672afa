"""--model body2body: real frames bent into the pose, over the background, and what refines them."""
import shutil

import numpy as np
import pytest
import torch
from conftest import fitting
from PIL import Image

import test as painting
import train as training
from data.aligned_dataset import AlignedDataset
from models.networks.refiner import Refiner
from options.train_options import TrainOptions
from pose.coverage import APART


@pytest.fixture
def run(pairs, small, tmp_path):
    """run.train('--flag', ...) and run.paint('--flag', ...) -> frames, of a run named me."""
    class Run:
        root, folder = pairs(64, 64, train=80, val=5), tmp_path / 'ck' / 'me'
        flags = ['--model', 'body2body', *fitting('body2body', *small), '--no_html']

        def train(self, *flags):
            return training.main(['--dataroot', str(self.root), *named, *self.flags, *flags])

        def paint(self, *flags):
            page = painting.main([*named, '--results_dir', str(tmp_path / 'r'), '--no_video',
                                  '--metrics', 'none', *map(str, flags)])
            return [np.asarray(Image.open(p)).astype(float) for p in sorted(
                (page.parent / 'images').glob('*_fake_B.png'))]

    named = ['--name', 'me', '--checkpoints_dir', str(tmp_path / 'ck')]
    return Run()


def real(root, phase='val'):
    return [np.asarray(Image.open(p)).astype(float)[:, 64:] for p in sorted(
        (root / phase).glob('*.png'))]


def test_before_it_has_learnt_anything_it_shows_real_pixels(run):
    run.train('--max_steps', '1', '--lr', '1e-9')
    for ours, true in zip(run.paint(), real(run.root), strict=True):
        assert np.abs(ours - true).mean() < np.abs(true - true.mean((0, 1))).mean() / 2


def test_the_dataset_it_learnt_from_is_not_needed_to_paint(run, pairs):
    run.train('--max_steps', '2')
    other = pairs(64, 64, name='other')
    before = run.paint('--dataroot', other)
    shutil.rmtree(run.root)
    assert all(map(np.array_equal, before, run.paint('--dataroot', other)))


def test_while_training_no_near_copy_of_a_frame_may_help_to_paint_it(run):
    run.train('--max_steps', '1')
    from models.frame_index import FrameIndex
    index = FrameIndex(run.folder / 'index')
    dataset = AlignedDataset(TrainOptions().parse(['--dataroot', str(run.root)]), 'train')
    chosen = index.choose(dataset, 2, learnt=True, mirrored=True)
    for i in range(len(dataset)):
        rows = chosen[str(dataset.path(i))]
        times = index.both.times[rows]
        assert np.abs(times - index.track.times[i]).min() > APART


def test_a_refiner_has_nothing_to_say_at_first_and_few_weights():
    refiner = Refiner(15, sharp=7, smooth=4)
    said = refiner(torch.rand(1, 15, 64, 48))
    assert said.shape == (1, 11, 64, 48) and said.abs().max() < 0.1
    assert sum(weights.numel() for weights in refiner.parameters()) < 8e6


def test_what_is_smooth_changes_slowly_and_what_is_sharp_need_not():
    refiner = Refiner(3, sharp=1, smooth=1, ngf=8)
    for head in (refiner.sharp, refiner.smooth):
        torch.nn.init.normal_(head.weight)
    said = refiner(torch.rand(1, 3, 64, 64))[0].detach()
    roughness = (said[:, 1:] - said[:, :-1]).abs().mean((1, 2)) / said.std((1, 2))
    assert roughness[1] < roughness[0] / 2
