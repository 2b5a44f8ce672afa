"""A video becomes a dataset that says what it is, or one sentence says why not."""
import json
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

import preprocess
from pose.draw import draw_facts, draw_pose
from pose.track import PoseTrack
from preprocessing import sources
from preprocessing.crop import into_box
from preprocessing.prepare import split
from tests.preprocessing.preparing import files, prepare
from util.camera import Picture
from util.errors import UserError
from util.files import natural
from util.video import read_frames
from util.video_writer import VideoWriter

ROOT = Path(__file__).parents[2]


def film(path, frames, size=(96, 72), fps=25):
    with VideoWriter(path, fps=fps) as video:
        for k in range(frames):
            video.write(np.full((size[1], size[0], 3), k % 256, np.uint8))
    return path


def test_pairs_facts_poses_and_a_report(prepared):
    facts = json.loads((prepared / 'dataset.json').read_text())
    track = PoseTrack.load(prepared / 'poses.npz')
    assert facts['size'] == [128, 128] and facts['layout'] == 'pairs' and facts['pose_half'] == 'A'
    assert facts['skeleton'] == 'BODY_25' and facts['detector'] == 'mediapipe'
    assert facts['draw'] == draw_facts('openpose', 2.0, 'BODY_25')
    assert facts['split'] == {'train': len(files(prepared / 'train')),
                              'val': len(files(prepared / 'val'))}
    assert track.poses.shape == (120, 25, 3) and track.poses.dtype == np.float32
    assert Image.open(prepared / 'train' / '000001.png').size == (256, 128)
    assert 'A person was found in 100.0 %' in (prepared / 'report.html').read_text()
    assert all((prepared / f'report/{k:02d}.jpg').is_file() for k in range(6))


def test_the_pose_half_is_the_pose_of_the_frame_half(prepared, demo_videos):
    """The drawn joints lie on the person: the true joints agree, in the frame's own px."""
    facts = json.loads((prepared / 'dataset.json').read_text())
    track = PoseTrack.load(prepared / 'poses.npz')
    with np.load(demo_videos[0].with_name('target_joints.npz')) as known:
        true = into_box(known['poses'], facts['crop'], (128, 128))
    main = [2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14]
    error = np.linalg.norm(track.poses[:, main, :2] - true[:, main, :2], axis=-1)
    assert np.median(error) < 0.04 * (facts['stage']['height_near'])
    pair = np.asarray(Image.open(prepared / 'train' / '000040.png'))
    assert np.array_equal(pair[:, :128], draw_pose(track.poses[39], (128, 128), line_width=2.0))


def test_the_end_is_held_out_after_a_gap(prepared):
    track = PoseTrack.load(prepared / 'poses.npz')
    train, val = ([int(n[:6]) - 1 for n in files(prepared / p)] for p in ('train', 'val'))
    assert max(train) < min(val) and val[-1] == track.index[track.kept][-1]
    assert len(val) == 12
    held_out = track.times[val[-1]] - track.times[val[0]]
    assert track.times[min(val)] - track.times[max(train)] > held_out


def ones(frames):
    """A track of that many frames, 30 a second."""
    return PoseTrack(np.ones((frames, 25, 3), np.float32), np.arange(frames) / 30,
                     np.arange(frames), 'BODY_25', (64, 64))


@pytest.mark.parametrize(('frames', 'train', 'val'), [(10, 8, 1), (60, 48, 6), (600, 510, 60)])
def test_the_gap_is_a_second_and_in_a_short_clip_as_long_as_what_is_held_out(frames, train, val):
    phases = split(ones(frames), 0.1)
    assert len(phases['val']) == val and len(phases['train']) in (train - 1, train, train + 1)
    assert phases['val'][0] - phases['train'][-1] - 1 >= min(29, val)


def test_a_clip_too_short_for_the_gap_is_still_split(capsys):
    phases = split(ones(20), 0.4)
    assert len(phases['train']) == 12 and len(phases['val']) == 8
    assert 'too short for a gap' in capsys.readouterr().err
    assert set(split(ones(20), 0.0)) == {'train'}


def test_images_folders_and_size(demo_videos, tmp_path):
    """A folder of pictures in name order; frames and poses in folders; another aspect."""
    pictures = tmp_path / 'pictures'
    pictures.mkdir()
    for frame in read_frames(demo_videos[1], end=0.4):
        cv2.imwrite(str(pictures / f'f{frame.index}.png'), frame.image[..., ::-1])
    root = tmp_path / 'me'
    preprocess.main(['--images', str(pictures), '--dataroot', str(root), '--layout', 'folders',
                     '--width', '48', '--height', '96', '--fps', '15', '--crop', 'center'])
    folders = {p.name for p in root.iterdir() if p.is_dir()}
    assert folders >= {'train_A', 'train_B', 'val_A', 'val_B'}
    assert files(root / 'train_A') == files(root / 'train_B')
    assert Image.open(root / 'train_B' / '000001.png').size == (48, 96)
    assert PoseTrack.load(root / 'poses.npz').times[1] == pytest.approx(1 / 15)


def test_poses_only_are_fitted_to_the_target_person(prepared, demo_videos, tmp_path):
    from pose.retargeting.ground import Ground, measure_ground
    root = tmp_path / 'dancer'
    prepare(root, '--video', demo_videos[1], '--poses_only', '--retarget_to', prepared)
    facts = json.loads((root / 'dataset.json').read_text())
    target = Ground.from_dict(json.loads((prepared / 'dataset.json').read_text())['stage'])
    fitted = measure_ground(PoseTrack.load(root / 'poses.npz'))
    assert facts['layout'] == 'poses' and facts['size'] == [128, 128]
    assert set(facts['source_stages']) == {'0'} and facts['stage'] == target.to_dict()
    assert Image.open(root / 'val' / '000001.png').size == (128, 128)
    assert fitted.height_near == pytest.approx(target.height_near, rel=0.25)
    assert target.far - 8 < fitted.near < target.near + 8
    sheet = cv2.imread(str(root / 'report' / '00.jpg'))
    assert sheet.shape[1] == 3 * sheet.shape[0], 'video | fitted pose | target with it'


def test_a_detector_with_another_skeleton_is_drawn_and_fitted_too(
        prepared, demo_videos, tmp_path, monkeypatch):
    from pose.skeleton import BODY_25, COCO_18, convert
    from preprocessing.detection import detector_for

    class Coco:
        def __init__(self, opt):
            self.inner = detector_for(opt)
            self.reset, self.close = self.inner.reset, self.inner.close

        def __call__(self, image, index):
            return convert(self.inner(image, index), BODY_25, COCO_18)
    monkeypatch.setattr('preprocessing.detection.detector_for', Coco)
    prepare(tmp_path / 'coco', '--video', demo_videos[1], '--end', '0.3')
    assert PoseTrack.load(tmp_path / 'coco' / 'poses.npz').poses.shape[1] == 18
    prepare(tmp_path / 'fit', '--video', demo_videos[1], '--end', '0.5', '--poses_only',
            '--retarget_to', prepared)
    assert PoseTrack.load(tmp_path / 'fit' / 'poses.npz').skeleton == 'BODY_25'


def test_two_workers_find_what_one_does(demo_videos, tmp_path, monkeypatch):
    import preprocessing.detection
    monkeypatch.setattr(preprocessing.detection, 'WORTH_A_WORKER', 10)
    together, asked = preprocessing.detection.detect_together, []
    monkeypatch.setattr(preprocessing.detection, 'detect_together',
                        lambda *args: asked.append(args[2]) or together(*args))
    for workers in (1, 2):
        prepare(tmp_path / str(workers), '--video', demo_videos[0], '--num_workers', workers,
                '--end', '1.7', '--smooth', '0')
    tracks = [PoseTrack.load(tmp_path / n / 'poses.npz') for n in ('1', '2')]
    assert np.array_equal(tracks[0].index, tracks[1].index)
    far = np.linalg.norm(tracks[0].poses[..., :2] - tracks[1].poses[..., :2], axis=-1)
    assert np.median(far) < 1.0 and asked == [2]


@pytest.mark.parametrize('flags, said', [
    (['--crop', '1,2,3'], 'x,y,w,h'), (['--val_fraction', '1.5'], '0 to 0.9'),
    (['--width', '64'], 'go together'), (['--detector', 'mediapip'], 'Did you mean mediapipe'),
    (['--draw_style', 'openpos'], 'Did you mean openpose'), (['--size', '4'], '16 to 8192'),
    (['--start', '99'], 'It lasts'), (['--retarget_to', 'x'], '--poses_only'),
    (['--poses_only', '--retarget_to', 'nowhere'], 'no such folder'),
    (['--person', 'tallest'], '--person tallest'), (['--shots', '0'], 'numbers as report.html'),
    (['--shots', '7'], 'no shot 7'), (['--parts', 'feet'], 'body, hands, face, or all'),
    (['--min_confidence', '1'], '0 to 0.9'), (['--retarget', 'limbs'], '--retarget_to datasets/me'),
    (['--walk', 'center'], '--retarget_to datasets/me'), (['--redraw'], 'leave --video out'),
    (['--doctor', 'a', 'b', 'c'], 'leave --video out'),
    (['--detector', 'keypoints'], '--keypoints')])
def test_flags_that_make_no_sense_are_refused_with_the_fix(flags, said, demo_videos, tmp_path):
    with pytest.raises(UserError, match=said):
        prepare(tmp_path / 'me', '--video', demo_videos[1], *flags)
    assert not (tmp_path / 'me').exists()


@pytest.mark.parametrize('flags, said', [
    (['--redraw'], '--dataroot is missing'), (['--redraw', '--doctor', 'a'], 'one at a time'),
    (['--doctor', 'a', 'b', 'c'], "the target's and"), (['--doctor', 'nowhere'], 'nowhere')])
def test_what_works_on_a_finished_dataset_says_what_it_lacks(flags, said):
    with pytest.raises(UserError, match=said):
        preprocess.main(flags)


def test_poses_go_out_as_openpose_writes_them_and_come_back_in(demo_videos, tmp_path):
    """In px of the video, so that --detector keypoints finds what was found before."""
    video = ['--video', demo_videos[1], '--end', '0.5', '--smooth', '0']
    prepare(tmp_path / 'me', *video, '--write_json')
    files_there = files(tmp_path / 'me' / 'openpose_json')
    assert files_there[0] == '000000000000_keypoints.json' and len(files_there) == 15
    prepare(tmp_path / 'again', *video, '--detector', 'keypoints', '--keypoints',
            tmp_path / 'me' / 'openpose_json')
    first, second = (PoseTrack.load(tmp_path / n / 'poses.npz').poses for n in ('me', 'again'))
    assert np.allclose(first, second, atol=0.02)


def test_what_was_found_is_kept_as_it_was_before_repair(prepared):
    found = PoseTrack.load(prepared / 'found.npz')
    facts = json.loads((prepared / 'dataset.json').read_text())
    assert found.size == (240, 240) and len(found) == 120 and found.depth is not None
    assert facts['people'][0]['chosen'] and all(
        isinstance(count, int) for count in facts['repair'].values())


def test_a_video_with_no_person_in_it(tmp_path):
    with pytest.raises(UserError, match='no person was found in any of the 12 frames'):
        prepare(tmp_path / 'me', '--video', film(tmp_path / 'empty.mp4', 12))
    assert files(tmp_path) == ['empty.mp4']


def test_a_person_in_under_half_of_the_frames_is_a_warning(demo_videos, tmp_path, capsys):
    path = tmp_path / 'rare.mp4'
    with VideoWriter(path, fps=30) as video:
        for frame in read_frames(demo_videos[1], end=1.0):
            video.write(frame.image)
        for _ in range(45):
            video.write(np.full_like(frame.image, 90))
    prepare(tmp_path / 'me', '--video', path)
    said = capsys.readouterr()
    assert 'found in only 30 of 75 frames' in said.err
    assert 'are painted from. Film two minutes.' in said.out, 'before anything is painted'
    assert '45 frames' in (tmp_path / 'me' / 'report.html').read_text()
    assert len(PoseTrack.load(tmp_path / 'me' / 'poses.npz').dropped()) == 45


def test_one_frame_is_nothing_to_learn_from_but_one_pose_can_be_painted(demo_videos, tmp_path):
    with pytest.raises(UserError, match='one frame long'):
        prepare(tmp_path / 'me', '--video', demo_videos[1], '--end', '0.02')
    prepare(tmp_path / 'me', '--video', demo_videos[1], '--end', '0.02', '--poses_only')
    assert files(tmp_path / 'me' / 'val') == ['000001.png']


def test_a_camera_is_filmed_then_prepared(demo_videos, tmp_path, monkeypatch):
    frames = [f.image[..., ::-1] for f in read_frames(demo_videos[1], end=0.5)]

    class Camera:
        def __init__(self, number):
            self.there, self.k = number == 0, 0

        def isOpened(self):
            return self.there

        def read(self):
            time.sleep(1 / 30)
            self.k += 1
            return True, frames[self.k % len(frames)]

        def release(self):
            pass
    monkeypatch.setattr('util.camera.cv2.VideoCapture', Camera)
    (tmp_path / 'mine.mp4').write_text('a film of mine')
    with pytest.raises(UserError, match='mine.mp4 is there already'):
        prepare(tmp_path / 'mine', '--camera', 0)
    with pytest.raises(UserError, match='mine.mp4 is there already, and was not filmed by this'):
        prepare(tmp_path / 'mine', '--camera', 0, '--overwrite')
    assert (tmp_path / 'mine.mp4').read_text() == 'a film of mine'
    with pytest.raises(UserError, match='no such camera'):
        prepare(tmp_path / 'me', '--camera', 1)
    prepare(tmp_path / 'me', '--camera', 0, '--seconds', 0.3)
    assert (tmp_path / 'me.mp4').is_file() and files(tmp_path / 'me' / 'train')
    (tmp_path / '.written.json').unlink()           # earlier versions wrote none
    for _ in range(2):
        prepare(tmp_path / 'me', '--camera', 0, '--seconds', 0.3, '--overwrite')
    (tmp_path / 'me.mp4').write_text('cut by me')
    with pytest.raises(UserError, match='was not filmed by this program'):
        prepare(tmp_path / 'me', '--camera', 0, '--overwrite')
    assert (tmp_path / 'me.mp4').read_text() == 'cut by me'


def test_a_camera_that_changes_its_size_is_filmed_in_its_first(tmp_path, monkeypatch):
    class Filming:
        def __init__(self, number, live):
            pass

        def pictures(self, now):
            for k, shape in enumerate([(32, 48, 3), (16, 24, 3)]):
                yield Picture(k, now.now() + k / 10, np.full(shape, 200, np.uint8))

        def close(self):
            pass
    monkeypatch.setattr(sources, 'OpenedCamera', Filming)
    sources.film(0, 1.0, tmp_path / 'me.mp4')
    assert [f.image.shape for f in read_frames(tmp_path / 'me.mp4')] == [(32, 48, 3)] * 2


def test_preprocessing_imports_no_torch(demo_videos, tmp_path):
    code = ('import sys, preprocess; preprocess.main(sys.argv[1:]); '
            'sys.exit("torch" in sys.modules)')
    subprocess.run([sys.executable, '-c', code, '--video', str(demo_videos[1]), '--dataroot',
                    str(tmp_path / 'me'), '--end', '0.3'], cwd=ROOT, check=True)


def test_names_are_frame_numbers(prepared):
    assert sorted(files(prepared / 'train'), key=natural)[0] == '000001.png'
