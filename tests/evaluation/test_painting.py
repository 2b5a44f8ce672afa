"""test.py paints every pose in order, the same each time, and writes frames, videos and a page."""
import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

import preprocess
import test as entry
import train
from evaluation.results import Results
from util.errors import UserError
from util.noted import note
from util.video import probe, read_frames

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='module')
def run(prepared, tmp_path_factory):
    """A run named me, trained for a moment on the drawn target; paint(...) calls test.py."""
    folder = tmp_path_factory.mktemp('run')
    places = ['--name', 'me', '--checkpoints_dir', str(folder / 'ck')]
    train.main(['--dataroot', str(prepared), *places, '--netG', 'unet_128', '--ngf', '4', '--ndf',
                '4', '--max_steps', '3', '--display_id', '0', '--device', 'cpu', '--no_compile'])

    def paint(*flags, results='res'):
        return entry.main([*places, '--metrics', 'none', '--results_dir', str(folder / results),
                           *map(str, flags)])
    paint.folder = folder
    return paint


def painted(page, label='fake_B'):
    return sorted((page.parent / 'images').glob(f'*_{label}.png'))


def contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob('*') if p.is_file()}


def test_the_name_alone_is_enough(run, prepared):
    page = run()
    assert page == run.folder / 'res' / 'me' / 'latest_val' / 'index.html'
    names = [p.stem for p in sorted((prepared / 'val').iterdir())]
    for label in ('real_A', 'fake_B', 'real_B'):
        assert [p.name for p in painted(page, label)] == [f'{n}_{label}.png' for n in names]
    pair = np.asarray(Image.open(prepared / 'val' / f'{names[0]}.png'))
    assert np.array_equal(np.asarray(Image.open(painted(page, 'real_A')[0])), pair[:, :128])
    assert np.array_equal(np.asarray(Image.open(painted(page, 'real_B')[0])), pair[:, 128:])
    assert (page.parent / 'fake_B.mp4').is_file() and 'side_by_side.mp4' in page.read_text()


def test_painting_json_lists_the_frames_and_what_they_cost(run):
    page = run('--no_video', '--num_test', '3', results='cost')
    record = json.loads((page.parent / 'painting.json').read_text())
    assert list(record) == ['seconds_a_frame', 'device', 'memory', 'parameters', 'frames']
    names = [path.stem.removesuffix('_fake_B') for path in painted(page)]
    assert list(record['frames']) == names and len(names) == 3
    assert list(record['frames'].values()) == sorted(record['frames'].values())
    weights = torch.load(run.folder / 'ck' / 'me' / 'latest_net_G.pth', weights_only=True)
    trained = [value.numel() for key, value in weights.items()
               if key.endswith(('.weight', '.bias'))]
    assert record['parameters'] == sum(trained)
    assert record['seconds_a_frame'] > 0 and record['memory'] > 50


def test_the_same_pixels_every_time(run):
    first = [p.read_bytes() for p in painted(run('--no_video', results='a'))]
    assert first == [p.read_bytes() for p in painted(run('--no_video', results='b'))]
    assert len(set(first)) > 1


def test_videos_keep_the_frame_rate_and_the_size_of_the_frames(run):
    page = run(results='films')
    film, beside = (probe(page.parent / f'{n}.mp4') for n in ('fake_B', 'side_by_side'))
    assert film.size == (128, 128) and beside.size == (384, 128)
    assert film.frames == beside.frames == len(painted(page))
    assert film.fps == pytest.approx(30, rel=0.05)


def test_poses_alone_are_painted_with_their_own_times_beside_the_source(
        run, prepared, demo_videos, tmp_path):
    root = tmp_path / 'dancer'
    preprocess.main(['--video', str(demo_videos[1]), '--dataroot', str(root), '--poses_only',
                     '--retarget_to', str(run.folder / 'ck' / 'me'), '--start', '0.5'])
    page = run('--dataroot', root, '--video_from', demo_videos[1], results='dancer')
    assert not painted(page, 'real_B') and len(painted(page)) == 45
    beside = probe(page.parent / 'side_by_side.mp4')
    assert beside.size == (384, 128) and beside.duration == pytest.approx(1.5, abs=0.05)
    shown = next(read_frames(page.parent / 'side_by_side.mp4')).image[:, :128].astype(int)
    true = cv2.resize(next(read_frames(demo_videos[1], start=0.5)).image, (128, 128),
                      interpolation=cv2.INTER_AREA)
    assert np.abs(shown - true).mean() < 4, 'the source stands at the left, from its own moment'
    with pytest.raises(UserError, match='poses alone.*--dataset_mode single'):
        run('--dataroot', root, '--dataset_mode', 'aligned')


def test_a_folder_of_poses_of_any_sizes_gives_a_video_of_the_first_size(run, tmp_path):
    folder = tmp_path / 'poses'
    folder.mkdir()
    for k, size in enumerate([(128, 128), (96, 128), (64, 64)]):
        Image.new('RGB', size).save(folder / f'{k}.png')
    page = run('--dataroot', folder, '--dataset_mode', 'single', results='mixed')
    assert [Image.open(p).size for p in painted(page)] == [(128, 128), (96, 128), (64, 64)]
    assert probe(page.parent / 'fake_B.mp4').size == (128, 128)


def test_videos_of_an_earlier_call_do_not_stay(run):
    page = run(results='twice')
    assert (page.parent / 'fake_B.mp4').is_file()
    run('--no_video', results='twice')
    assert not (page.parent / 'fake_B.mp4').exists()


def test_num_test_stops_early_and_old_frames_do_not_stay(run):
    assert len(painted(run(results='n'))) == 12
    assert len(painted(run('--num_test', '5', results='n'))) == 5


def test_a_video_that_is_not_there_is_refused_before_anything_is_painted_or_lost(
        run, monkeypatch):
    page = run(results='kept')
    (page.parent / 'notes.txt').write_text('mine')
    (page.parent / 'images' / 'mine_fake_B.png').write_text('mine')
    (page.parent / 'metrics.json').write_text('{}')
    note(page.parent, ['metrics.json'])
    before = contents(page.parent)
    with monkeypatch.context() as patch, pytest.raises(UserError, match='dancr.mp4'):
        patch.setattr('evaluation.painting.paint_dataset', None)
        run('--video_from', 'dancr.mp4', results='kept')
    assert contents(page.parent) == before and {'index.html', 'metrics.json'} <= before.keys()
    run('--num_test', '5', '--no_video', results='kept')
    after = contents(page.parent)
    assert not {'fake_B.mp4', 'side_by_side.mp4'} & after.keys()
    assert {name for name, data in after.items() if data == b'mine'} == {
        'notes.txt', 'images/mine_fake_B.png'}
    assert len(after) == len(before) - 5 - 7 * 3, 'films with posters, scores, seven frames'
    assert '.making' not in str(after.keys())


def test_a_frame_that_you_retouched_is_named_before_anything_is_painted(run, monkeypatch):
    page = run(results='retouched')
    frame = painted(page)[2]
    frame.write_bytes(b'retouched')
    with monkeypatch.context() as patch, pytest.raises(UserError, match=f'{frame.name}: changed'):
        patch.setattr('evaluation.painting.paint_dataset', None)
        run(results='retouched')
    assert frame.read_bytes() == b'retouched'


def test_earlier_results_stay_until_all_frames_are_painted(run, monkeypatch):
    page = run(results='stopped')
    before = contents(page.parent)
    add = Results.add

    def stopped(self, path, pictures):
        if len(self.names) == 3:
            raise KeyboardInterrupt
        add(self, path, pictures)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Results, 'add', stopped)
        run(results='stopped')
    assert contents(page.parent) == before

    def broken(self, video_from, marks):
        raise UserError('no film today')
    monkeypatch.setattr(Results, 'write_videos', broken)
    with pytest.raises(UserError, match='no film today'):
        run('--num_test', '5', results='stopped')
    assert len(painted(page)) == 5, 'the frames, which took long, are not lost'
    assert sorted(path.name for path in page.parent.iterdir()) == [
        '.written.json', 'images', 'painting.json']


def test_a_missing_phase_names_the_ones_there_are(run):
    with pytest.raises(UserError, match='There is train, val'):
        run('--phase', 'test')


def test_frames_that_cannot_be_read_are_listed_on_the_page(run, prepared, tmp_path):
    import shutil
    root = tmp_path / 'copy'
    shutil.copytree(prepared, root)
    victim = sorted((root / 'val').iterdir())[3]
    victim.write_bytes(victim.read_bytes()[:999])
    page = run('--dataroot', root, '--no_video', results='hurt')
    assert victim.name in page.read_text() and len(painted(page)) == 11


@pytest.mark.e2e
def test_the_two_commands_that_may_never_change_work_as_written(prepared, tmp_path):
    """The design's two fixed commands, and the second with --dataset_mode single."""
    (tmp_path / 'datasets').mkdir()
    (tmp_path / 'datasets' / 'dance_mimic').symlink_to(prepared)
    common = ['--dataroot', './datasets/dance_mimic', '--name', 'dance_mimic_pix2pix', '--model',
              'pix2pix', '--which_model_netG', 'unet_256']

    def call(script, *flags):
        out = subprocess.run([sys.executable, str(ROOT / script), *common, *flags], cwd=tmp_path,
                             capture_output=True, text=True, env=os.environ | {
                                 'BODY2BODY_WEIGHTS': str(tmp_path / 'nothing')})   # LPIPS is slow
        assert out.returncode == 0, out.stderr
        return out
    call('train.py', '--max_steps', '1', '--ngf', '4', '--no_compile')
    folder = tmp_path / 'checkpoints' / 'dance_mimic_pix2pix'
    assert {'latest_net_G.pth', 'latest_net_D.pth', 'latest_state.pth', 'run.json',
            'train_opt.txt', 'loss_log.txt'} <= {p.name for p in folder.iterdir()}
    assert (folder / 'web' / 'index.html').is_file()
    assert (folder / 'web' / 'images' / 'epoch001_fake_B.png').is_file()
    for mode in ('aligned', 'single'):
        out = call('test.py', '--which_direction', 'BtoA', '--dataset_mode', mode, '--norm',
                   'batch')
        assert out.stderr.count('warning') == 1 and 'trained with AtoB' in out.stderr
        images = tmp_path / 'results' / 'dance_mimic_pix2pix' / 'latest_val' / 'images'
        assert len(list(images.glob('*_fake_B.png'))) == 12
        assert len(list(images.glob('*_real_B.png'))) == (12 if mode == 'aligned' else 0)
