"""A plate of somebody else's run: one sentence for values that no background has."""
import numpy as np
import pytest

from scene.plate import Plate
from util.errors import UserError
from util.images import write_image

SIZE = WIDTH, HEIGHT = 8, 6
FRAMES = 3


def saved(folder, **changed):
    folder.mkdir()
    write_image(folder / 'plate.png', np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    arrays = {'confidence': np.ones((HEIGHT, WIDTH), np.float32), 'size': np.array(SIZE),
              'transforms': np.tile(np.eye(3), (FRAMES, 1, 1)), 'numbers': np.arange(FRAMES),
              'bars': np.zeros((HEIGHT, WIDTH, 4), np.uint8)} | changed
    np.savez_compressed(folder / 'plate.npz', **arrays)
    return folder


def test_a_whole_plate_is_read(tmp_path):
    transforms = np.tile(np.eye(3), (FRAMES, 1, 1))
    transforms[1] = np.nan
    plate = Plate.load(saved(tmp_path / 'plate', transforms=transforms))
    assert plate.size == SIZE and plate.is_located(0) and not plate.is_located(1)


@pytest.mark.parametrize('changed', [
    {'confidence': np.ones((HEIGHT, WIDTH + 1))}, {'confidence': np.full((HEIGHT, WIDTH), 2.0)},
    {'confidence': np.full((HEIGHT, WIDTH), np.nan)}, {'confidence': np.array(1.0)},
    {'size': np.array([WIDTH + 1, HEIGHT])}, {'size': np.array(3)}, {'size': np.array([1, 2, 3])},
    {'transforms': np.full((FRAMES, 3, 3), np.nan)}, {'transforms': np.zeros((FRAMES, 3, 3))},
    {'transforms': np.full((FRAMES, 3, 3), 1e30)}, {'transforms': np.tile(np.eye(3), (2, 1, 1))},
    {'numbers': np.arange(2)}, {'numbers': np.array(3)}, {'numbers': np.array(['x'] * FRAMES)},
    {'bars': np.zeros((2, 2, 4), np.uint8)}, {'bars': np.zeros((HEIGHT, WIDTH, 4))}])
def test_a_plate_that_no_run_has_is_named(changed, tmp_path):
    with pytest.raises(UserError, match=r'plate\.npz: .*Train the run again'):
        Plate.load(saved(tmp_path / 'plate', **changed))
