"""Tiny inputs, made here: a dataset of pairs that a small network can learn in seconds."""
import os
import sys
from collections.abc import Callable
from pathlib import Path

# tiny networks gain nothing from more threads, which only wait for each other on a busy machine
os.environ.setdefault('OMP_NUM_THREADS', '1')

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from models import models
from options.parser import Parser
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


def make_pairs(root: Path, width: int = 32, height: int = 32, train: int = 6,
               val: int = 3) -> Path:
    """A dataset of so many pairs in train/ and val/, and their joints; its folder."""
    for phase, count in (('train', train), ('val', val)):
        for i in range(count):
            (root / phase).mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture(i, width, height)).save(root / phase / f'{i + 1:06d}.png')
    numbers = np.arange(max(train, val))
    poses = np.stack([joints(i, width) for i in numbers])
    PoseTrack(poses, numbers / 25, numbers, 'BODY_25', (width, height)).save(root / 'poses.npz')
    return root


@pytest.fixture
def pairs(tmp_path):
    """datasets/toy with 6 pairs in train/ and 3 in val/, and their joints; a function makes other
    sizes."""
    def make(width: int = 32, height: int = 32, train: int = 6, val: int = 3,
             name: str = 'toy') -> Path:
        return make_pairs(tmp_path / 'datasets' / name, width, height, train, val)
    return make


@pytest.fixture(scope='session')
def small_vgg(tmp_path_factory):
    """A VGG19 of eight random channels a layer where torch's hub would keep the real one, so that
    a model with a perceptual loss trains at once and offline; LPIPS is not there, fetched or
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


SMALL = ('--netG', 'unet_128', '--ngf', '4', '--ndf', '4', '--display_id', '0', '--no_compile',
         '--device', 'cpu')


@pytest.fixture
def small(small_vgg):
    """Flags that make any run tiny and quiet."""
    return [*SMALL]


@pytest.fixture(scope='session')
def one_step(small_vgg, tmp_path_factory):
    """A run of one step, and what it learnt from; not to be changed."""
    import train
    folder = tmp_path_factory.mktemp('one_step')
    root = make_pairs(folder / 'toy')
    train.main(['--dataroot', str(root), '--name', 'me', '--checkpoints_dir', str(folder),
                         '--no_html', *SMALL, '--max_steps', '1'])
    return folder / 'me'


@pytest.fixture
def trained(run, one_step):
    """`run`, which has trained for one step."""
    import shutil
    shutil.copytree(one_step, run.folder)
    return run


def slow_but(fast: list[tuple], every: list[tuple]) -> list:
    """Parameters of a test: `fast` ones for every suite, the rest of `every` for the slow one."""
    return fast + [pytest.param(*each, marks=pytest.mark.slow) for each in every
                   if each not in fast]


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


@pytest.fixture
def run(pairs, small, tmp_path):
    """run('--model', 'x', ...) trains into checkpoints/me; run.folder is that folder."""
    import train as training_entry
    root = pairs()

    def call(*flags, dataroot=root):
        if '--model' in flags:
            flags = fitting(flags[flags.index('--model') + 1], *small, *flags)
        else:
            flags = (*small, *flags)
        return training_entry.main(['--dataroot', str(dataroot), '--name', 'me',
                                    '--checkpoints_dir', str(tmp_path / 'ck'), '--no_html',
                                    *flags])
    call.folder, call.root, call.checkpoints = tmp_path / 'ck' / 'me', root, tmp_path / 'ck'
    return call


def made_once(tmp_path_factory: pytest.TempPathFactory, name: str,
              make: Callable[[Path], object]) -> Path:
    """A folder that make(folder) fills, shared by all processes of pytest -n: the first to come
    makes it, and those that come meanwhile wait. Not to be changed."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if 'PYTEST_XDIST_WORKER' in os.environ else base) / name
    made = folder.with_name(f'{name}.made')
    with FileLock(folder.with_name(f'{name}.lock')):
        if not made.exists():
            make(folder)
            made.touch()
    return folder


@pytest.fixture(scope='session')
def demo_videos(tmp_path_factory):
    """A drawn target of 4 s and source of 2 s, 240 px, with the joints that are true."""
    from scripts.make_demo_videos import make_demo_videos
    folder = made_once(tmp_path_factory, 'videos', lambda folder: make_demo_videos(
        folder, size=240, seconds=(4, 2)))
    return folder / 'target.mp4', folder / 'source.mp4'


@pytest.fixture(scope='session')
def short_videos(demo_videos, tmp_path_factory):
    """The first 2 s of that target and the first second of that source."""
    from util.video import read_frames
    from util.video_writer import VideoWriter

    def cut(folder: Path) -> None:
        for video, end in zip(demo_videos, (2, 1)):
            with VideoWriter(folder / video.name, fps=30) as short:
                for frame in read_frames(video, end=end):
                    short.write(frame.image)
    folder = made_once(tmp_path_factory, 'short_videos', cut)
    return folder / 'target.mp4', folder / 'source.mp4'


@pytest.fixture(scope='session')
def prepared(demo_videos, tmp_path_factory):
    """datasets/me, made from the drawn target; not to be changed."""
    import preprocess
    return made_once(tmp_path_factory, 'me', lambda folder: preprocess.main([
        '--video', str(demo_videos[0]), '--dataroot', str(folder), '--size', '128']))


# files of these folders take longest: they come first, so that no process is left with them alone
LONG = 'training', 'evaluation', 'models', 'preprocessing', 'util'


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: Path(item.path).parent.name not in LONG)
