"""preprocess.py is killed before any change of a file, and the same command then makes the same."""
import shutil

import pytest

from tests.conftest import made_once, slow_but
from tests.killed import differing_after_kills
from tests.preprocessing.preparing import prepare

# the change to begin with, and every how many-th
EVERY = slow_but([(7, 40)], [(7, 40), (1, 4), (3, 4)])


@pytest.fixture(scope='session')
def six_frames(demo_videos, tmp_path_factory):
    """A dataset of the source's first six frames; not to be changed."""
    return made_once(tmp_path_factory, 'six_frames', lambda folder: prepare(
        folder, '--video', demo_videos[1], '--end', '0.2'))


@pytest.mark.parametrize('first, step', EVERY)
@pytest.mark.parametrize('more', [(), ('--overwrite', '--layout', 'folders')])
def test_after_a_kill_the_same_command_makes_the_same_dataset(first, step, more, six_frames,
                                                             demo_videos, tmp_path):
    root = tmp_path / 'me'
    if more:
        shutil.copytree(six_frames, root)
        (root / 'train' / 'mine.png').write_text('mine')
    argv = ['--dataroot', str(root), '--video', str(demo_videos[1]), '--end', '0.2', '--size', '64',
            '--detector', 'keypoints', '--keypoints', str(six_frames / 'found.npz'), *more]
    assert differing_after_kills('preprocess', argv, root, first, step) == {}
