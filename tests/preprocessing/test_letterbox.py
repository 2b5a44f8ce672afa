"""The bars of a letterbox are found in what was written, and measured into the target's room."""
import numpy as np
import pytest

from preprocessing.letterbox import bars_of
from util.images import write_image

SIZE = 96, 64


def written(folder, layout, bars):
    """A dataset of ten frames of a bright scene within bars of left, top, right and bottom px."""
    left, top, right, bottom = bars
    random = np.random.default_rng(0)
    names = {'pairs': 'train', 'folders': 'train_B'}
    for f in range(10):
        frame = np.full((64, 96, 3), 12, np.uint8)
        scene = frame[top:64 - bottom, left:96 - right]
        scene[:] = random.integers(90, 200, scene.shape)
        pose = np.zeros_like(frame)
        picture = np.hstack([pose, frame]) if layout == 'pairs' else frame
        write_image(folder / names[layout] / f'{f:06d}.png', picture)


@pytest.mark.parametrize('layout', ['pairs', 'folders'])
@pytest.mark.parametrize('bars', [(0, 0, 0, 0), (20, 0, 24, 0), (0, 9, 0, 12)])
def test_bars_are_measured_in_the_frames_not_in_the_drawn_poses(layout, bars, tmp_path):
    (tmp_path / {'pairs': 'train', 'folders': 'train_B'}[layout]).mkdir()
    written(tmp_path, layout, bars)
    assert bars_of(tmp_path, layout, SIZE) == bars


def test_poses_alone_have_no_bars(tmp_path):
    assert bars_of(tmp_path, 'poses', SIZE) == (0, 0, 0, 0)
