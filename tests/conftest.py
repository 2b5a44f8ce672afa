"""Tiny inputs, made here: a dataset of pairs that a small network can learn in seconds."""
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))


def picture(i: int, width: int = 32, height: int = 32) -> np.ndarray:
    """A red square on black (pose) beside a blue square on grey (frame), moving with `i`."""
    x = 2 + (3 * i) % (width - 12)
    pose = np.zeros((height, width, 3), np.uint8)
    pose[8:18, x:x + 8] = (255, 40, 0)
    frame = np.full((height, width, 3), 128, np.uint8)
    frame[8:18, x:x + 8] = (20, 60, 230)
    return np.hstack([pose, frame])


@pytest.fixture
def pairs(tmp_path):
    """datasets/toy with 6 pairs in train/ and 3 in val/; a function makes other sizes."""
    def make(width: int = 32, height: int = 32, train: int = 6, val: int = 3,
             name: str = 'toy') -> Path:
        root = tmp_path / 'datasets' / name
        for phase, count in (('train', train), ('val', val)):
            for i in range(count):
                (root / phase).mkdir(parents=True, exist_ok=True)
                Image.fromarray(picture(i, width, height)).save(root / phase / f'{i + 1:06d}.png')
        return root
    return make


@pytest.fixture
def small():
    """Flags that make any run tiny and quiet."""
    return ['--netG', 'unet_128', '--ngf', '4', '--ndf', '4', '--display_id', '0',
            '--no_compile', '--device', 'cpu']


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
