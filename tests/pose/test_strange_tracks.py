"""A track of somebody else's file: one sentence for values that no video has."""
import numpy as np
import pytest

from pose.track import PoseTrack
from util.errors import UserError

FRAMES = 4


def arrays(**changed):
    """What PoseTrack.save writes, with some arrays changed or, where None, left out."""
    whole = {'poses': np.ones((FRAMES, 25, 3), np.float32), 'times': np.arange(FRAMES) / 25,
             'index': np.arange(FRAMES), 'skeleton': np.array('BODY_25'),
             'size': np.array([64, 48]), 'kept': np.ones(FRAMES, bool),
             'shots': np.zeros(FRAMES, np.int64), 'reasons': np.full(FRAMES, '')}
    return {name: array for name, array in (whole | changed).items() if array is not None}


def test_a_whole_track_is_read(tmp_path):
    np.savez_compressed(tmp_path / 'poses.npz', **arrays())
    assert len(PoseTrack.load(tmp_path / 'poses.npz')) == FRAMES


@pytest.mark.parametrize('changed', [
    {'poses': None}, {'poses': np.ones((FRAMES, 24, 3))}, {'poses': np.ones(3)},
    {'poses': np.full((FRAMES, 25, 3), 1e9)}, {'poses': np.array(1.0)},
    {'poses': np.ones((FRAMES, 25, 3), int)}, {'poses': np.ones((0, 25, 3))},
    {'times': np.full(FRAMES, np.nan)}, {'times': np.zeros(FRAMES)},
    {'times': -np.arange(FRAMES) / 25}, {'times': np.arange(3) / 25},
    {'index': np.arange(FRAMES)[::-1]},
    {'index': np.arange(FRAMES) - 1}, {'index': np.arange(FRAMES) + 10**12},
    {'size': np.array([0, 48])}, {'size': np.array([64, -1])}, {'size': np.array([64])},
    {'size': np.array([10**9, 48])}, {'size': np.array(64)},
    {'skeleton': np.array('DOG')}, {'skeleton': np.array(['BODY_25', 'x'])},
    {'kept': np.ones(3, bool)}, {'kept': np.ones(FRAMES)}, {'shots': np.arange(FRAMES)[::-1]},
    {'reasons': np.full(3, '')}, {'depth': np.ones(3)}, {'depth': np.full((FRAMES, 25), 1e30)}])
def test_a_track_that_no_video_has_is_named(changed, tmp_path):
    np.savez_compressed(tmp_path / 'poses.npz', **arrays(**changed))
    with pytest.raises(UserError, match=r'poses\.npz: .*Make it again with preprocess\.py\.'):
        PoseTrack.load(tmp_path / 'poses.npz')
