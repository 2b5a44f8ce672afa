"""A run keeps the masks of its frames, so that nothing but the run is needed to paint."""
from dataclasses import replace

import cv2
import numpy as np
import pytest
from conftest import SMALL, fitting
from PIL import Image

from data.aligned_dataset import AlignedDataset
from models import body2body_model
from models.engine import choose_engine
from models.warping import frame_index
from models.warping.cutouts import cut_one
from models.warping.frame_index import FrameIndex
from models.warping.kept import Kept
from models.warping.settings import Body2BodySettings
from options.train_options import TrainOptions
from util import checkpoints
from util.errors import UserError
from util.files import read_json, write_json

OTHER = np.s_[30:50, 44:56]


def with_masks(root):
    """Masks of the blue square that conftest.picture draws, and of somebody else, 12 px wide."""
    facts = read_json(root / 'dataset.json') if (root / 'dataset.json').is_file() else {}
    write_json(root / 'dataset.json', facts | {'masks': True})
    (root / 'masks').mkdir()
    for path in sorted((root / 'train').glob('*.png')):
        pair = np.asarray(Image.open(path)).copy()
        frame = pair[:, pair.shape[1] // 2:]
        mask = np.zeros_like(frame)
        mask[..., 0] = 255 * (np.abs(frame.astype(int) - (20, 60, 230)).sum(-1) < 60)
        if int(path.stem) % 3:
            frame[OTHER] = 255, 255, 0
            mask[OTHER][..., 1] = 255
        Image.fromarray(pair).save(path)
        Image.fromarray(mask).save(root / 'masks' / path.name)
    return root


@pytest.fixture
def started(pairs, small_vgg, tmp_path):
    """Start a run of a dataset; its folder and its index."""
    def start(root, name, settings=None):
        flags = ('--model', 'body2body', *fitting('body2body', *SMALL))
        opt = TrainOptions().parse(['--dataroot', str(root), *flags])
        dataset = AlignedDataset(opt, 'train')
        model = body2body_model.Body2BodyModel(opt, choose_engine('cpu'), settings)
        model.on_train_start(dataset, tmp_path / name)
        return dataset, tmp_path / name, FrameIndex(tmp_path / name / 'index')
    return start


def test_a_run_keeps_the_masks_and_leaves_everybody_out_of_its_background(pairs, started):
    dataset, folder, index = started(with_masks(pairs(64, 64, train=24)), 'run')
    assert len(list((folder / 'masks').glob('*.png'))) == len(index.track) == 24
    for row in (0, 7, 23):
        assert np.array_equal(index.mask(row), dataset.mask(row))
    picture = cv2.resize(index.plate().picture, (64, 64))
    assert np.abs(picture[OTHER].astype(int) - 128).mean() < 12, 'yellow in two frames of three'
    matte = index.cutout(4)[..., 3]
    person = index.mask(4)[..., 0] > 127
    assert matte[person].mean() > 180 and matte[OTHER].mean() < 10


def test_whole_frames_keep_what_differs_close_around_the_person_but_nobody_else(
        pairs, started, monkeypatch):
    """A matte by the mask is 60 everywhere here, one by the difference alone 200."""
    def matte(frame, behind, sure, pose, skeleton, darkest, mask):
        return np.full((*frame.shape[:2], 1), 200 if mask is None else 60, np.uint8)
    monkeypatch.setattr(frame_index, 'matte', matte)
    _, _, index = started(with_masks(pairs(64, 64, train=24)), 'run')
    row = 4
    somebody = index.mask(row)[..., 1] == 255
    assert somebody.any()
    tight, loose = index.cutout(row)[..., 3], index.loose_cutout(row)[..., 3]
    assert (tight == 60).all()
    assert (loose[~somebody] == 200).all() and (loose[somebody] == 60).all()


def test_nobody_is_cut_out_of_the_bars_of_a_letterbox(pairs, started):
    """A detector's mask goes on over the black that a square crop adds next to a tall film."""
    dataset, _, index = started(with_masks(pairs(64, 64, train=24)), 'run')
    person = index.mask(4)[..., 0] > 127
    left = int(np.flatnonzero(person.any(0))[0])
    bars = np.zeros((64, 64, 4), np.uint8)
    bars[:, :left + 2, 3] = 255
    plate = index.plate()
    frame, box, into = dataset.item(4)['B'], (0, 0, 64, 64), np.eye(3)
    _, before = cut_one(frame, box, index, plate, 4, into, 0.55)
    assert before[person].mean() > 180
    plate = replace(plate, bars=bars)
    index.cut_out(plate)
    _, after = cut_one(frame, box, index, plate, 4, into, 0.55)
    for matte in (after[..., 0], index.matte(4, 0), index.matte(4, 1)):
        assert not matte[:, :left + 2].any()
        assert matte[:, left + 4:][person[:, left + 4:]].mean() > 120


def test_a_run_of_a_dataset_without_masks_keeps_none_and_a_new_start_removes_old_ones(
        pairs, started):
    masked = with_masks(pairs(64, 64, train=8, name='masked'))
    _, folder, _ = started(masked, 'run')
    assert (folder / 'masks' / '000001.png').is_file()
    _, folder, index = started(pairs(64, 64, train=8), 'run')
    assert not (folder / 'masks').exists() and index.mask(0) is None
    assert len(list((folder / 'mattes').glob('*.png'))) == 8


def test_an_experiment_may_go_without_the_masks_that_a_dataset_has(pairs, started):
    _, folder, index = started(with_masks(pairs(64, 64, train=8)), 'run',
                               Body2BodySettings(masks=False))
    assert not (folder / 'masks').exists() and index.mask(0) is None
    assert len(list((folder / 'mattes').glob('*.png'))) == 8


READS = {'frame': lambda index: index.read(7), 'matte': lambda index: index.matte(7, 0),
         'mask': lambda index: index.mask(7)}


@pytest.mark.parametrize('read', READS)
def test_no_file_of_a_run_that_was_made_again_is_painted_with(read, pairs, started):
    """Frames, mattes and masks are read while painting goes on; those that were left out of the
    new run are missing, which is no answer either."""
    folder, index = started(with_masks(pairs(64, 64, train=24)), 'run')[1:]
    READS[read](index)
    started(pairs(64, 64, train=12, name='other'), 'run')
    with pytest.raises(UserError, match='another training replaces this run'):
        READS[read](index)


def test_weights_and_frames_are_of_one_run(pairs, started, tmp_path, monkeypatch):
    """Another training may begin between the two: first it saves new weights, then new frames."""
    root = pairs(64, 64, train=12)
    folder = started(root, 'run')[1]
    opt = TrainOptions().parse(['--dataroot', str(root), '--model', 'body2body',
                                *fitting('body2body', *SMALL)])
    model = body2body_model.Body2BodyModel(opt, choose_engine('cpu'))
    files = {folder / f'latest_net_{name}.pth': value for name, value in model.weights().items()}

    def save(steps):
        state = {'epoch': 1, 'batches': steps, 'steps': steps, 'seconds': 1.0}
        checkpoints.save({**files, folder / checkpoints.STATE: state})
    save(1)
    model.load_weights(folder, 'latest')
    kind, networks, load = type(model), type(model).load_networks, Kept.load
    with monkeypatch.context() as patch:
        patch.setattr(kind, 'load_networks', lambda *given: [save(0), networks(*given)][1])
        with pytest.raises(UserError, match='has not come to its first step'):
            model.load_weights(folder, 'latest')
    save(1)
    with monkeypatch.context() as patch:
        patch.setattr(Kept, 'load', lambda *given: [started(root, 'run'), load(*given)][1])
        with pytest.raises(UserError, match='another training replaces this run'):
            model.load_weights(folder, 'latest')
    model.load_weights(folder, 'latest')
