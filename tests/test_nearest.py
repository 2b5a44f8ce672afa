"""--model nearest: real frames for new poses, without training, without jumps."""
import shutil

import cv2
import numpy as np
import pytest
from PIL import Image

import test as painting
import train as training
from pose.coverage import nearest
from pose.retrieve import FLOWS, best_path, candidates
from pose.skeleton import BODY_25
from pose.track import PoseTrack
from util.errors import UserError
from util.run_record import read_record

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
                                  *map(str, flags)])
            return [np.asarray(Image.open(p)) for p in sorted(
                (page.parent / 'images').glob('*_fake_B.png'))]

        named = ['--name', 'me', '--checkpoints_dir', str(tmp_path / 'ck')]
    return Run()


def frames(root, phase='train'):
    pictures = [np.asarray(Image.open(p)) for p in sorted((root / phase).glob('*.png'))]
    return [p[:, p.shape[1] // 2:] for p in pictures]


def walking(count, start=0.0, fps=25.0, shots=None):
    """A track of a body whose right arm swings up steadily."""
    body = np.zeros((count, 25, 3), np.float32)
    for joint, place in {'Nose': (50, 10), 'Neck': (50, 20), 'MidHip': (50, 50), 'RHip': (45, 50),
                         'LHip': (55, 50), 'RShoulder': (40, 20), 'LShoulder': (60, 20),
                         'RElbow': (35, 30), 'RWrist': (35, 40)}.items():
        body[:, BODY_25.index(joint)] = *place, 1
    body[:, BODY_25.index('RWrist'), 1] -= np.arange(count)
    return PoseTrack(body, start + np.arange(count) / fps, np.arange(count), 'BODY_25', (100, 100),
                     shots=shots)


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
        'poses.npz', *(f'{k:06d}.png' for k in range(1, 7))}


@pytest.mark.parametrize('size', [(32, 32), (50, 34), (37, 61), (130, 40)])
@pytest.mark.parametrize('align', ['none', 'similarity', 'bones'])
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
        with pytest.raises(UserError, match='no poses.npz.*preprocess.py'):
            call()


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


def test_transfer_is_a_film_at_once(demo_videos, tmp_path, monkeypatch, capsys):
    import transfer
    monkeypatch.chdir(tmp_path)
    film = transfer.main(['--target', str(demo_videos[0]), '--source', str(demo_videos[1]),
                          '--name', 'me', '--size', '128', '--model', 'nearest', '--train_args',
                          '--display_id 0 --device cpu'])
    assert film.is_file() and 'learning every frame' in capsys.readouterr().out


# -- choosing frames -----------------------------------------------------------------------------

def noisy(count, seed):
    track = walking(count)
    rng = np.random.default_rng(seed)
    return track.poses + rng.normal(0, 8, track.poses.shape) * [1, 1, 0] * (track.poses > 0)


def test_the_first_candidate_is_the_nearest_of_all():
    source, known = noisy(20, 0), noisy(90, 1)
    rows, costs = candidates(source, known, BODY_25, 10)
    true = nearest(source, known, BODY_25)
    assert np.array_equal(rows[:, 0], true.rows)
    assert np.allclose(np.sqrt(costs[:, 0]), true.distance, rtol=1e-3)
    assert (np.diff(costs, axis=1) >= 0).all() and rows.shape == (20, 10)


def test_a_pose_without_a_torso_is_given_its_neighbours_frames():
    poses = walking(9).poses
    poses[[0, 4]] = 0
    rows, _ = candidates(poses, walking(9).poses, BODY_25)
    assert rows[:, 0].tolist() == [1, 1, 2, 3, 3, 5, 6, 7, 8]


def test_place_and_size_count_where_they_are_asked_to():
    near, far = walking(1).poses, walking(1).poses
    far[..., 0] += 30 * (far[..., 2] > 0)
    near[:, BODY_25.index('RWrist'), 1] += 1                    # a slightly worse shape
    known = np.concatenate([far, near])
    assert candidates(walking(1).poses, known, BODY_25, 1)[0] == 0
    assert candidates(walking(1).poses, known, BODY_25, 1, place=0.3)[0] == 1


def test_what_is_not_allowed_is_not_chosen_unless_nothing_else_is():
    poses = walking(4).poses
    rows, _ = candidates(poses, poses, BODY_25, allowed=lambda part: ~np.eye(4, dtype=bool)[part])
    assert (rows[:, 0] != np.arange(4)).all()
    rows, _ = candidates(poses, poses, BODY_25, allowed=lambda part: np.zeros((4, 4), bool)[part])
    assert rows[:, 0].tolist() == [0, 1, 2, 3]


def test_a_smooth_path_takes_one_film_where_the_nearest_frames_alternate():
    """Two takes of the same move: every other frame is a hair nearer in the second one."""
    known = walking(80, fps=4.0)
    rows = np.array([[k, 40 + k] for k in range(20)])
    costs = np.where(np.arange(20)[:, None] % 2 == [0, 1], 1.0, 2.0)
    shots = np.zeros(20, int)
    known = PoseTrack(known.poses, np.tile(np.arange(40) / 25, 2), known.index, 'BODY_25',
                      (100, 100), shots=np.repeat([0, 1], 40))
    assert len(set(best_path(rows, costs, known, shots, 0) // 40)) == 2
    assert len(set(best_path(rows, costs, known, shots, 1) // 40)) == 1


def test_a_much_nearer_pose_is_worth_a_jump_and_a_cut_costs_none():
    known = walking(200)
    rows = np.array([[k, 150 + k] for k in range(20)])
    costs = np.where(np.arange(20)[:, None] < 10, [0.0, 99.0], [99.0, 0.0])
    path = best_path(rows, costs, known, np.zeros(20, int))
    assert path[9] == 9 and path[10] == 160
    barely = costs / 99
    assert len(set(best_path(rows, barely, known, np.zeros(20, int)) // 150)) == 1
    assert best_path(rows, barely, known, np.repeat([0, 1], 10)).tolist() == [
        *range(10), *range(160, 170)]


def test_holding_and_going_back_is_no_jump():
    known = walking(50)
    rows = np.array([[10, 40], [11, 40], [11, 40], [10, 40], [9, 40]])
    costs = np.tile([0.0, 1.0], (5, 1))
    assert best_path(rows, costs, known, np.zeros(5, int)).tolist() == [10, 11, 11, 10, 9]
    assert FLOWS > 2 / 25
