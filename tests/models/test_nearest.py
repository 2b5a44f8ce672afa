"""--model nearest: real frames for new poses, without training, without jumps."""
import shutil
from dataclasses import replace
from itertools import product

import cv2
import numpy as np
import pytest
from PIL import Image

import test as painting
import train as training
from data import datasets
from models.warping.frame_index import FrameIndex
from models.warping.selection import choose
from options.train_options import TrainOptions
from pose.skeleton import BODY_25, mirror
from pose.track import PoseTrack
from tests.conftest import slow_but
from util.errors import UserError
from util.noted import NOTES
from util.runs import read_record

QUIET = ['--model', 'nearest', '--display_id', '0', '--device', 'cpu']


@pytest.fixture
def run(pairs, tmp_path):
    """run.learn('--flag', ...) and run.paint('--flag', ...) of a run named me."""
    class Run:
        root, folder = pairs(), tmp_path / 'ck' / 'me'

        def learn(self, *flags, root=None):
            return training.main(['--dataroot', str(root or self.root), *self.named, *QUIET,
                                  *flags])

        def paint(self, *flags):
            page = painting.main([*self.named, '--results_dir', str(tmp_path / 'r'), '--no_video',
                                  '--metrics', 'fast', *map(str, flags)])
            return [np.asarray(Image.open(p)) for p in sorted(
                (page.parent / 'images').glob('*_fake_B.png'))]

        named = ['--name', 'me', '--checkpoints_dir', str(tmp_path / 'ck')]
    return Run()


def frames(root, phase='train'):
    pictures = [np.asarray(Image.open(p)) for p in sorted((root / phase).glob('*.png'))]
    return [p[:, p.shape[1] // 2:] for p in pictures]


# -- the model ---------------------------------------------------------------------------------

@pytest.mark.parametrize('align', ['none', 'similarity', 'bones'])
def test_a_pose_that_was_filmed_is_painted_as_it_was_filmed(align, run):
    assert run.learn('--align', align) is True
    painted = run.paint('--phase', 'train')
    for ours, true in zip(painted, frames(run.root), strict=True):
        assert np.abs(ours.astype(int) - true).max() <= 1


def test_the_videos_own_dataset_is_not_needed_to_paint(run, pairs):
    run.learn()
    other = pairs(name='other', train=1)
    shutil.rmtree(run.root)
    painted = run.paint('--dataroot', other)
    assert len(painted) == 3 and np.array_equal(painted[1], frames(other, 'val')[1])
    assert {p.name for p in (run.folder / 'index').iterdir()} == {
        NOTES, 'poses.npz', *(f'{k:06d}.png' for k in range(1, 7))}


def test_an_index_that_is_exchanged_has_no_poses_meanwhile(run, monkeypatch):
    """So that nobody paints with some frames of one person and some of another."""
    opt = TrainOptions().parse(['--dataroot', str(run.root), *run.named, *QUIET])
    dataset, folder = datasets.find('aligned')(opt, 'train'), run.folder / 'index'
    FrameIndex.make(dataset, folder)
    moved = []

    def move(source, target):
        assert not (folder / 'poses.npz').exists()
        moved.append(target.name)
        source.replace(target)
    monkeypatch.setattr('util.owned._move', move)
    FrameIndex.make(dataset, folder)
    assert moved[-1] == 'poses.npz' and len(moved) == 8


def test_the_index_keeps_how_deep_the_joints_lie_in_its_own_pixels(run):
    """So that a frame that faces the other side is not shown."""
    track = PoseTrack.load(run.root / 'poses.npz')
    replace(track, depth=np.arange(track.poses[..., 0].size)).save(run.root / 'poses.npz')
    run.learn('--load_size', '16')
    known = PoseTrack.load(run.folder / 'index' / 'poses.npz')
    assert known.size == (16, 16) and known.depth[1, 3] == (25 + 3) / 2


def test_a_frame_that_faces_the_other_side_is_not_shown(run):
    """In profile, and where it is only depth that tells."""
    track = PoseTrack.load(run.root / 'poses.npz')
    poses = np.repeat(track.poses[:1], len(track), 0)
    shoulders_and_hips = [BODY_25.index(side + joint) for side in 'RL'
                          for joint in ('Shoulder', 'Hip')]
    poses[:, shoulders_and_hips, 0] = poses[0, 0, 0]
    depth = np.zeros(poses.shape[:2])
    depth[0, shoulders_and_hips[:2]], depth[1:, shoulders_and_hips[2:]] = -9, -9
    replace(track, poses=poses, depth=depth).save(run.root / 'poses.npz')
    run.learn('--align', 'none')
    shown = [[k for k, true in enumerate(frames(run.root)) if np.array_equal(ours, true)]
             for ours in run.paint('--smooth_path', '0')]
    assert shown[0] == [0] and 0 not in shown[1] + shown[2]


def test_mirrored_frames_and_their_poses_go_together(run):
    run.learn()
    index = FrameIndex(run.folder / 'index')
    both, n = index.both, len(index.track)
    assert np.array_equal(index.frame(n + 2), index.frame(2)[:, ::-1])
    nose = BODY_25.index('Nose')
    assert both.poses[n + 2, nose, 0] == 31 - both.poses[2, nose, 0]
    assert not set(both.shots[:n]) & set(both.shots[n:])


def test_a_pose_filmed_from_the_other_side_only_is_shown_mirrored(run):
    run.learn()
    track = PoseTrack.load(run.root / 'poses.npz')
    raised = track.poses.copy()
    raised[:, BODY_25.index('RWrist'), 1] -= 5
    index = FrameIndex(run.folder / 'index')
    index.track = replace(index.track, poses=raised)
    replace(track, poses=mirror(raised, BODY_25, 32)).save(run.root / 'poses.npz')
    opt = TrainOptions().parse(['--dataroot', str(run.root), *run.named, *QUIET])
    dataset = datasets.find('aligned')(opt, 'val')
    assert all(rows[0] >= 6 for rows in choose(index, dataset, mirrored=True).values())
    assert all(rows[0] < 6 for rows in choose(index, dataset).values())


@pytest.mark.parametrize('align, size', slow_but(
    [('none', (50, 34)), ('similarity', (37, 61)), ('similarity', (32, 32)), ('bones', (130, 40)),
     ('bones', (32, 32))],
    list(product(['none', 'similarity', 'bones'], [(32, 32), (50, 34), (37, 61), (130, 40)]))))
def test_poses_of_any_size_are_painted_at_theirs(align, size, run, pairs):
    run.learn()
    other = pairs(*size, name='odd')
    painted = run.paint('--dataroot', other, '--align', align)
    assert [p.shape for p in painted] == [(size[1], size[0], 3)] * 3


def test_poses_alone_are_painted(run, tmp_path):
    run.learn()
    alone = tmp_path / 'alone'
    alone.mkdir()
    shutil.copy(run.root / 'poses.npz', alone)
    for k in (1, 3):
        Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(alone / f'{k:06d}.png')
    painted = run.paint('--dataroot', alone, '--dataset_mode', 'single')
    assert all(np.array_equal(a, frames(run.root)[k]) for a, k in zip(painted, (0, 2)))


def test_the_same_pixels_every_time(run):
    run.learn()
    assert np.array_equal(run.paint(), run.paint())


def test_grey_frames_and_smaller_ones_are_learnt_as_asked(run):
    run.learn('--output_nc', '1', '--load_size', '24', '--align', 'none')
    painted = run.paint('--phase', 'train')
    true = cv2.cvtColor(cv2.resize(frames(run.root)[2], (24, 24), interpolation=cv2.INTER_AREA),
                        cv2.COLOR_RGB2GRAY)
    assert np.abs(painted[2].squeeze()[..., None].astype(int).max(-1) - true).max() <= 2


def test_it_is_finished_at_once_and_says_how_good_it_is(run, capsys):
    run.learn('--max_minutes', '5')
    assert 'me knows 6 frames; L1 0.0' in capsys.readouterr().out
    log = (run.folder / 'loss_log.txt').read_text()
    assert '(epoch: 1, iters: 6,' in log and ' L1: 0.0' in log
    assert (run.folder / 'web' / 'images' / 'epoch001_heldout_fake_B.png').is_file()
    assert read_record(run.folder)['options']['align'] == 'bones'
    assert run.learn('--continue_train') is True
    assert 'does not train' in capsys.readouterr().out
    with pytest.raises(UserError, match='--overwrite'):
        run.learn()
    (run.folder / 'index' / '000006.png').write_bytes(b'old')
    run.learn('--overwrite', '--max_dataset_size', '4')
    assert not (run.folder / 'index' / '000006.png').exists()


def test_what_is_shown_of_a_filmed_pose_is_not_its_own_frame(pairs, run, capsys):
    """Else a run without a held-out part would call itself perfect."""
    root = pairs(320, 32, train=100, val=1, name='long')        # four seconds
    shutil.rmtree(root / 'val')
    run.learn('--align', 'none', root=root)
    shown = np.asarray(Image.open(run.folder / 'web' / 'images' / 'epoch001_fake_B.png'))
    own = frames(root)[50]
    assert np.abs(shown.astype(int) - own).mean() > 1
    assert 'L1 0.0000' not in capsys.readouterr().out


def test_a_dataset_without_joints_is_refused_with_the_fix(run):
    run.learn()
    (run.root / 'poses.npz').unlink()
    for call in (run.paint, lambda: run.learn('--overwrite')):
        with pytest.raises(UserError, match='no poses.npz.*preprocess.py') as told:
            call()
        assert '--overwrite' not in str(told.value), 'its pictures may be the only ones'


def test_a_dataset_that_shows_nobody_is_refused(run):
    track = PoseTrack.load(run.root / 'poses.npz')
    PoseTrack(track.poses * 0, track.times, track.index, 'BODY_25', track.size).save(
        run.root / 'poses.npz')
    with pytest.raises(UserError, match='none of its poses shows a torso'):
        run.learn()
    assert not (run.folder / 'index').exists()


@pytest.mark.parametrize('flags, said', [
    (['--epoch', '7'], 'has no epochs'), (['--smooth_path', '-1'], 'give 0 or more')])
def test_what_makes_no_sense_is_one_sentence(flags, said, run):
    run.learn()
    with pytest.raises(UserError, match=said):
        run.paint(*flags)


def test_a_run_that_is_not_there_names_those_that_are(run, tmp_path):
    run.learn()
    with pytest.raises(UserError, match='There is me'):
        painting.main(['--dataroot', str(run.root), '--name', 'you', '--model', 'nearest',
                       '--checkpoints_dir', str(tmp_path / 'ck')])


@pytest.mark.e2e
def test_transfer_is_a_film_at_once(short_videos, tmp_path, monkeypatch, capsys):
    import transfer
    monkeypatch.chdir(tmp_path)
    film = transfer.main(['--target', str(short_videos[0]), '--source', str(short_videos[1]),
                          '--name', 'me', '--size', '128', '--model', 'nearest', '--train_args',
                          '--display_id 0 --device cpu'])
    assert film.is_file() and 'reading every frame' in capsys.readouterr().out
