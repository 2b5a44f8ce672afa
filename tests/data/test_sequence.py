"""Which frame follows upon which, and that painting hands on what it painted."""
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from data import datasets
from data.base_dataset import following
from data.loader import Loader
from evaluation.painting import at_once, paint_dataset
from evaluation.results import Results
from models.base_model import BaseModel
from models.engine import Engine, to_image
from models.painted import Painted
from options.train_options import TrainOptions
from pose.track import PoseTrack
from util.errors import UserError
from util.files import write_json
from util.ranks import ALONE


def opened(root, mode, *flags):
    opt = TrainOptions().parse(['--dataroot', str(root), '--dataset_mode', mode, *flags])
    return datasets.find(mode)(opt, 'train')


def with_cut(root, before, shots=None, index=None):
    """poses.npz says that another shot begins at row `before`."""
    track = PoseTrack.load(root / 'poses.npz')
    shots = np.arange(len(track)) >= before if shots is None else shots
    PoseTrack(track.poses, track.times, track.index if index is None else index, track.skeleton,
              track.size, shots=shots).save(root / 'poses.npz')


def follows(dataset):
    return [dataset.follows(i) for i in range(len(dataset))]


@pytest.mark.parametrize('flags', [
    '--flip --preprocess resize_and_crop --load_size 40 --crop_size 24',
    '--flip --rotate 20 --scale 0.2 --shift 0.1 --drop_limb 0.5'])
def test_the_frame_before_is_moved_as_the_frame(flags, pairs):
    """As the aligned dataset gives it for the same random choices."""
    root = pairs()
    if 'rotate' in flags:
        write_json(root / 'dataset.json', {'draw': {'style': 'openpose', 'line_width': 2.0}})
    sequence, aligned = (opened(root, mode, *flags.split()) for mode in ('sequence', 'aligned'))
    for seed in range(8):
        item = sequence.item(3, np.random.default_rng(seed))
        for key in ('A', 'B', 'joints'):
            for number, name in ((3, key), (2, f'before_{key}')):
                wanted = aligned.item(number, np.random.default_rng(seed))[key]
                assert np.array_equal(item[name], wanted), name
        assert item['follows'] == 1


def test_at_the_start_of_a_shot_the_picture_stands_still(pairs):
    root = pairs()
    with_cut(root, before=4)
    dataset = opened(root, 'sequence')
    for start in (0, 4):
        item = dataset.item(start)
        assert item['follows'] == 0 and np.array_equal(item['before_B'], item['B'])
    assert not np.array_equal((item := dataset.item(5))['before_B'], item['B'])
    batch = Loader(dataset).batch([3, 4])
    assert batch['follows'].tolist() == [[1], [0]]


@pytest.mark.parametrize('mode', ['sequence', 'aligned', 'single'])
def test_a_cut_and_a_gap_are_known_from_poses_npz(mode, pairs):
    root = pairs()
    with_cut(root, before=4)
    (root / 'train' / '000002.png').unlink()
    assert follows(opened(root, mode)) == [False, False, True, False, True]


def test_a_thinned_video_has_no_gaps(pairs):
    root = pairs()
    for i in range(6):
        (root / 'train' / f'{i + 1:06d}.png').rename(root / 'train' / f'x{2 * i + 1}.png')
    with_cut(root, before=6, index=2 * np.arange(6))
    names = [root / 'train' / f'{2 * i + 1:06d}.png' for i in range(6)]
    assert following(root, names).tolist() == [False] + [True] * 5


def test_without_poses_the_numbers_in_names_decide_and_else_all_follow(tmp_path):
    named = lambda *names: following(tmp_path, [tmp_path / f'{name}.png' for name in names])
    assert named('f1', 'f2', 'f3', 'f9', 'f10').tolist() == [False, True, True, False, True]
    assert named('f2', 'f4', 'f6', 'f12', 'f14').tolist() == [False, True, True, False, True]
    assert named('a', 'b', 'c').tolist() == [False, True, True]
    assert named('a').tolist() == [False]


class Counting:
    """A model that paints each frame one brighter than the one before."""

    BLENDS_PREVIOUS = False

    def __init__(self, sequential):
        self.SEQUENTIAL, self.engine = sequential, Engine(torch.device('cpu'))

    def on_dataset(self, dataset):
        pass

    def on_background(self, replaced):
        pass

    def visible(self, poses):
        return poses

    def paint(self, batch, before):
        return torch.full_like(batch['A'], -1.0) if before is None else before + 2 / 255

    def paint_film(self, batch, before=None):
        return BaseModel.paint_film(self, batch, before)


@pytest.mark.parametrize('sequential, painted', [(True, [0, 1, 0, 1, 0, 1]),
                                                 (False, [0, 0, 0, 0, 0, 0])])
def test_each_frame_is_painted_from_the_one_before_but_not_across_a_cut(
        sequential, painted, pairs, tmp_path):
    root = pairs()
    with_cut(root, before=None, shots=np.arange(6) // 2)
    dataset = opened(root, 'aligned')
    paint_dataset(Counting(sequential), dataset, Results(tmp_path / 'r', dataset, {}))
    pictures = sorted((tmp_path / 'r' / 'images').glob('*_fake_B.png'))
    assert [int(np.asarray(Image.open(p)).max()) for p in pictures] == painted


@pytest.mark.parametrize('threads', [1, 2])
def test_what_a_model_carries_on_is_what_it_made_of_the_frame_before_but_not_across_a_cut(
        threads, pairs, tmp_path):
    class Carrying(Counting):
        BLENDS_PREVIOUS = True

        def blend_previous(self, batch, painted, batch_before, before):
            numbers = [int(Path(each['A_paths'][0]).stem) for each in (batch_before, batch)]
            assert numbers[1] == numbers[0] + 1 and (painted.exact == -1).all()
            exact = before.exact + 2 / 255
            return Painted(to_image(exact), exact)
    root, before = pairs(), torch.get_num_threads()
    with_cut(root, before=None, shots=np.arange(6) // 3)
    dataset = opened(root, 'aligned')
    torch.set_num_threads(threads)
    try:
        paint_dataset(Carrying(False), dataset, Results(tmp_path / 'r', dataset, {}))
    finally:
        torch.set_num_threads(before)
    pictures = sorted((tmp_path / 'r' / 'images').glob('*_fake_B.png'))
    assert [int(np.asarray(Image.open(p)).max()) for p in pictures] == [0, 1, 2, 0, 1, 2]


def test_a_gpu_too_paints_a_sequence_one_by_one(pairs, tmp_path):
    dataset = opened(pairs(), 'aligned')
    dataset.facts = {'size': [32, 32]}
    model = Counting(True)
    model.engine = SimpleNamespace(device=SimpleNamespace(type='cuda'),
                                   to_batch=Engine(torch.device('cpu')).to_batch, ranks=ALONE)
    paint_dataset(model, dataset, Results(tmp_path / 'r', dataset, {}))
    pictures = sorted((tmp_path / 'r' / 'images').glob('*_fake_B.png'))
    assert [int(np.asarray(Image.open(p)).max()) for p in pictures] == [0, 1, 2, 3, 4, 5]


def test_more_threads_are_no_more_pictures_in_memory():
    before = torch.get_num_threads()
    torch.set_num_threads(8)
    try:
        assert at_once(Counting(False)) == 2 and at_once(Counting(True)) == 1
    finally:
        torch.set_num_threads(before)


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


class Slow(Counting):
    """Paints each frame as bright as its number says, the first ones last."""

    def __init__(self):
        super().__init__(False)
        self.together, self.threads = threading.Barrier(2, timeout=30), set()

    def paint(self, batch, before):
        self.threads.add(torch.get_num_threads())
        self.together.wait()
        number = int(Path(batch['A_paths'][0]).stem)
        time.sleep(0.02 * (number % 2))
        return torch.full_like(batch['A'], number / 127.5 - 1)


def test_two_frames_are_painted_at_once_and_come_in_order(
        two_threads, pairs, tmp_path):
    dataset, model = opened(pairs(), 'aligned'), Slow()
    paint_dataset(model, dataset, Results(tmp_path / 'r', dataset, {}))
    pictures = sorted((tmp_path / 'r' / 'images').glob('*_fake_B.png'))
    assert [int(np.asarray(Image.open(p)).max()) for p in pictures] == [1, 2, 3, 4, 5, 6]
    assert model.threads == {1} and torch.get_num_threads() == 2


def test_what_fails_beside_another_is_told(two_threads, pairs, tmp_path):
    class Failing(Counting):
        def paint(self, batch, before):
            raise UserError('no such frame.')
    dataset = opened(pairs(), 'aligned')
    with pytest.raises(UserError, match='no such frame'):
        paint_dataset(Failing(False), dataset, Results(tmp_path / 'r', dataset, {}))
    assert torch.get_num_threads() == 2
