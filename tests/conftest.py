"""Tiny inputs, made here: a dataset of pairs that a small network can learn in seconds."""
import os
import sys
from pathlib import Path

# tiny networks gain nothing from more threads, which only wait for each other on a busy machine
os.environ.setdefault('OMP_NUM_THREADS', '1')

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from models import models
from options.base_options import Parser
from options.train_options import TrainOptions
from pose.skeleton import BODY_25
from pose.track import PoseTrack


def picture(i: int, width: int = 32, height: int = 32) -> np.ndarray:
    """A red square on black (pose) beside a blue square on grey (frame), moving with `i`."""
    x = 2 + (3 * i) % (width - 12)
    pose = np.zeros((height, width, 3), np.uint8)
    pose[8:18, x:x + 8] = (255, 40, 0)
    frame = np.full((height, width, 3), 128, np.uint8)
    frame[8:18, x:x + 8] = (20, 60, 230)
    return np.hstack([pose, frame])


def joints(i: int, width: int = 32) -> np.ndarray:
    """float32 (25, 3): a body that fills the red square of picture(i), upright."""
    places = {'Nose': (4, 1), 'Neck': (4, 3), 'MidHip': (4, 6)}
    for side, x in (('R', -1), ('L', 1)):
        for joint, far, y in (('Shoulder', 2, 3), ('Elbow', 3, 4), ('Wrist', 3, 6), ('Hip', 1, 6),
                              ('Knee', 1, 8), ('Ankle', 1, 9)):
            places[side + joint] = (4 + x * far, y)
    body = np.zeros((25, 3), np.float32)
    for joint, (x, y) in places.items():
        body[BODY_25.index(joint)] = 2 + (3 * i) % (width - 12) + x, 8 + y, 1
    return body


@pytest.fixture
def pairs(tmp_path):
    """datasets/toy with 6 pairs in train/ and 3 in val/, and their joints; a function makes other
    sizes."""
    def make(width: int = 32, height: int = 32, train: int = 6, val: int = 3,
             name: str = 'toy') -> Path:
        root = tmp_path / 'datasets' / name
        for phase, count in (('train', train), ('val', val)):
            for i in range(count):
                (root / phase).mkdir(parents=True, exist_ok=True)
                Image.fromarray(picture(i, width, height)).save(root / phase / f'{i + 1:06d}.png')
        numbers = np.arange(max(train, val))
        poses = np.stack([joints(i, width) for i in numbers])
        PoseTrack(poses, numbers / 25, numbers, 'BODY_25', (width, height)).save(
            root / 'poses.npz')
        return root
    return make


@pytest.fixture(scope='session')
def small_vgg(tmp_path_factory):
    """A VGG19 of eight random channels a layer where torch's hub would keep the real one, so that
    a model with a perceptual loss trains at once and offline; LPIPS is not at hand, fetched or
    not."""
    import torch

    import models.perceptual
    hub = tmp_path_factory.mktemp('torch_hub')
    random = torch.Generator().manual_seed(0)
    weights, before = {}, 3
    for k in (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34):
        keeps_scale = (2 / 9 / before) ** 0.5
        weights[f'features.{k}.weight'] = keeps_scale * torch.randn(8, before, 3, 3,
                                                                    generator=random)
        weights[f'features.{k}.bias'] = torch.zeros(8)
        before = 8
    file = hub / 'hub' / 'checkpoints' / 'vgg19-dcbb9e9d.pth'
    file.parent.mkdir(parents=True)
    torch.save(weights, file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('TORCH_HOME', str(hub))
        patch.setattr(models.perceptual, 'find_lpips_loss', lambda: None)
        yield file


@pytest.fixture
def small(small_vgg):
    """Flags that make any run tiny and quiet."""
    return ['--netG', 'unet_128', '--ngf', '4', '--ndf', '4', '--display_id', '0',
            '--no_compile', '--device', 'cpu']


def fitting(model: str, *flags: str) -> list[str]:
    """Of these flags, with their values, those that train.py --model MODEL has."""
    parser = Parser('')
    TrainOptions().declare(parser)
    models.find(model).declare_options(parser.add_argument_group(), 'train')
    kept: list[str] = []
    wanted = True
    for word in flags:
        if word.startswith('--'):
            wanted = word[2:] in parser.flags()
        kept += [word] if wanted else []
    return kept


@pytest.fixture(scope='session')
def demo_videos(tmp_path_factory):
    """A drawn target of 4 s and source of 2 s, 240 px, with the joints that are true."""
    from scripts.make_demo_videos import make_demo_videos
    return make_demo_videos(tmp_path_factory.mktemp('videos'), size=240, seconds=(4, 2))


@pytest.fixture(scope='session')
def prepared(demo_videos, tmp_path_factory):
    """datasets/me, made from the drawn target; not to be changed."""
    import preprocess
    root = tmp_path_factory.mktemp('datasets') / 'me'
    preprocess.main(['--video', str(demo_videos[0]), '--dataroot', str(root), '--size', '128'])
    return root
