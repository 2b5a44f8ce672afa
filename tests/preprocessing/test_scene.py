"""preprocess.py --keep_scene keeps the video without the dancer, and says what it lacks."""
import re
import sys
import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import preprocessing.detection
from options.preprocess_options import PreprocessOptions
from pose.detect.base import Detector
from pose.masks import PersonMask
from pose.track import PoseTrack
from preprocessing.scene import Behind, SceneMaker, ShotPlate, waiting
from preprocessing.written import check_room, written_files
from scene.plate import Plate
from scene.source_scene import SourceScene, without
from tests.conftest import joints
from tests.preprocessing.preparing import files, prepare
from util.errors import UserError
from util.noted import NOTES
from util.video_writer import VideoWriter

SIZE = 160, 120
FRAMES = 30
RED, BLUE = (220, 30, 30), (30, 40, 220)


def at(f: int) -> int:
    """x px of the dancer's middle in frame f, who walks to the right."""
    return 30 + 3 * f


def empty(f: int) -> np.ndarray:
    """uint8 (120, 160, 3): a smooth wall, with a lamp that goes on at frame 15."""
    image = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    image[...] = np.linspace(60, 150, SIZE[1])[:, None, None]
    image[4:12, 70:90] = 250 if f >= 15 else 20
    return image


def filmed(f: int) -> np.ndarray:
    """The same with a red dancer, and a small blue person who stays."""
    image = empty(f)
    image[85:105, 140:152] = BLUE
    image[30:110, at(f) - 12:at(f) + 12] = RED
    return image


class Two(Detector):
    """Both of them, with their masks."""
    has_masks = True

    def __init__(self, opt: object) -> None:
        self.f = 0

    def __call__(self, image: np.ndarray, index: int) -> np.ndarray:
        self.f = index
        found = [body(at(index), 8.0, 30), body(146, 1.8, 86)]
        return np.stack(found).astype(np.float32)

    def masks(self) -> list[PersonMask | None]:
        return [block(at(self.f), 70, 40, 12), block(146, 95, 12, 6)]


def body(x: float, size: float, top: float) -> np.ndarray:
    pose = joints(0)
    seen = pose[:, 2] > 0
    pose[seen, :2] = (pose[seen, :2] - (6, 8)) * size + (x, top)
    return np.hstack([pose, np.full((25, 1), np.nan)])


def block(x: int, y: int, tall: int, wide: int) -> PersonMask:
    """A mask of that half height and half width around x, y."""
    picture = np.zeros((2 * tall, 2 * tall), np.uint8)
    picture[:, tall - wide:tall + wide] = 255
    return PersonMask.of(picture, x - 0.5, y - 0.5, 2 * tall)


@pytest.fixture
def video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(preprocessing.detection, 'detector_for', Two)
    path = tmp_path / 'two.mp4'
    with VideoWriter(path, fps=25, crf=8) as film:
        for f in range(FRAMES):
            film.write(filmed(f))
    return path


def test_the_dancer_is_gone_and_everything_else_is_as_it_was_filmed(
        video: Path, tmp_path: Path) -> None:
    root = tmp_path / 'dancer'
    prepare(root, '--video', video, '--poses_only', '--keep_scene')
    scene = SourceScene(root)
    assert scene.size == SIZE and files(root / 'scene') == ['film.mp4', 'poses.npz']
    for f in (2, 14, 16, FRAMES - 3, 5):            # and back again
        shown = scene(f).astype(int)
        away = np.abs(shown - empty(f))
        away[80:110, 130:] = 0
        assert away[..., 0].max() < 60 and away.mean() < 3, 'no red, and the lamp of that frame'
        if at(f) < 110:
            assert np.abs(shown[95, 146] - BLUE).max() < 40, 'who is not replaced stays'
    hips = scene.track.poses[5, 8]
    assert abs(hips[0] - at(5)) < 6, 'joints lie in px of the scene'


@pytest.mark.parametrize('stays', [False, True])
def test_a_scene_that_no_frame_shows_is_said_to_be_made_up(
        stays: bool, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    if stays:
        monkeypatch.setattr(sys.modules[__name__], 'at', lambda f: 60 + f % 3)
        with VideoWriter(video, fps=25, crf=8) as film:
            for f in range(FRAMES):
                film.write(filmed(f))
    prepare(tmp_path / 'dancer', '--video', video, '--poses_only', '--keep_scene')
    said = capsys.readouterr().err
    assert bool(re.search(r'\d\d % of what the dancer hides is made up', said)) == stays


def test_everybody_is_taken_out_where_that_is_asked_for(video: Path, tmp_path: Path) -> None:
    prepare(tmp_path / 'dancer', '--video', video, '--poses_only', '--keep_scene', 'nobody')
    shown = SourceScene(tmp_path / 'dancer')(3).astype(int)
    assert np.abs(shown[95, 146] - BLUE).max() > 80
    prepare(tmp_path / 'dancer', '--video', video, '--poses_only')
    with pytest.raises(UserError, match='keep_scene was nobody and is now others.*--overwrite'):
        prepare(tmp_path / 'dancer', '--video', video, '--poses_only', '--keep_scene')


def test_a_dataset_without_a_scene_says_what_to_type(video: Path, tmp_path: Path) -> None:
    root = tmp_path / 'dancer'
    flags = '--video', video, '--poses_only'
    prepare(root, *flags)
    assert 'scene' not in files(root)
    with pytest.raises(UserError, match='--keep_scene --overwrite'):
        SourceScene(root)
    with pytest.raises(UserError, match='without the scene.*--overwrite'):
        prepare(root, *flags, '--keep_scene')
    prepare(root, *flags, '--keep_scene', '--overwrite')
    written = (root / 'scene' / 'film.mp4').stat().st_mtime_ns
    prepare(root, *flags)                           # one that has more than is asked for will do
    assert (root / 'scene' / 'film.mp4').stat().st_mtime_ns == written
    (root / 'scene' / 'film.mp4').write_bytes(b'nothing')
    with pytest.raises(UserError, match='film.mp4'):
        SourceScene(root)


def test_a_scene_is_added_only_to_a_dataset_of_the_same_settings(video: Path, tmp_path: Path
                                                                 ) -> None:
    """transfer.py asks for it so; somebody's own choice of frames is not made again."""
    root = tmp_path / 'dancer'
    flags = '--video', video, '--poses_only'
    prepare(root, *flags, '--smooth', '2')
    before = (root / 'poses.npz').read_bytes()
    with pytest.raises(UserError, match='smooth was 2.0 and is now 1.0'):
        prepare(root, *flags, '--keep_scene', adds_scene=True)
    assert (root / 'poses.npz').read_bytes() == before and 'scene' not in files(root)
    prepare(root, *flags, '--smooth', '2', '--keep_scene', adds_scene=True)
    assert files(root / 'scene') == ['film.mp4', 'poses.npz']


def test_the_scene_is_the_datasets_and_a_users_file_there_stays(video: Path, tmp_path: Path
                                                                ) -> None:
    root = tmp_path / 'dancer'
    prepare(root, '--video', video, '--poses_only', '--keep_scene')
    assert {'scene/film.mp4', 'scene/poses.npz'} <= written_files(root)
    (root / NOTES).unlink()
    other = tmp_path / 'other'
    prepare(other, '--video', video, '--poses_only')
    (other / NOTES).unlink()
    (other / 'scene').mkdir()
    (other / 'scene' / 'film.mp4').write_bytes(b'mine')
    with pytest.raises(UserError, match='film.mp4: is there already'):
        check_room(other, None)


def test_a_background_is_as_bright_as_the_frame_around_the_person() -> None:
    frame = np.full((90, 120, 3), 110, np.uint8)
    person = np.zeros((90, 120), bool)
    person[30:70, 50:70] = True
    frame[person] = 255
    shown = without(frame, person, np.full_like(frame, 100))
    assert np.abs(shown.astype(int) - 110).max() <= 1
    assert without(frame, person & False, 0 * frame) is frame


def test_keep_scene_needs_a_dataset_of_poses(video: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match='--keep_scene.*--poses_only'):
        prepare(tmp_path / 'me', '--video', video, '--keep_scene')


def still(picture: np.ndarray, sure: np.ndarray) -> Plate:
    """The background of a still camera."""
    height, width = sure.shape
    return Plate(picture, sure, np.eye(3)[None], np.zeros(1, np.int64), (width, height),
                 np.zeros((height, width, 4), np.uint8))


def test_what_a_shot_never_shows_comes_from_another_shot_of_the_place_as_bright_as_it() -> None:
    wall = np.zeros((60, 80, 3), np.uint8)
    wall[...] = np.linspace(60, 180, 80)[None, :, None]
    filled, sure = wall.copy(), np.ones((60, 80), np.float32)
    filled[20:40, 30:50], sure[20:40, 30:50] = 0, 0
    other = np.roll(np.rint(wall * 0.9).astype(np.uint8), 5, 1)         # darker, 5 px to the right
    known = np.ones((60, 80), np.float32)
    known[:, :5] = 0
    into = np.array([[1, 0, 5], [0, 1, 0], [0, 0, 1.0]])
    shot = ShotPlate(still(filled, sure), still(filled, sure), np.zeros(1, int))
    found = Behind(shot, (80, 60), [(still(other, known), into)])(0).astype(int)
    assert np.abs(found - wall)[:, :74].max() <= 4
    alone = Behind(shot, (80, 60), [])(0)
    assert not alone[25:35, 35:45].any()


def test_frames_wait_on_the_disk_while_a_scene_is_made(tmp_path: Path) -> None:
    opt = PreprocessOptions().parse(['--video', 'a.mp4', '--dataroot', str(tmp_path / 'dancer'),
                                     '--poses_only', '--keep_scene'])
    poses = np.stack([body(at(0), 8.0, 30)[:, :3]] * 90)
    track = PoseTrack(poses, np.arange(90) / 25, np.arange(90), 'BODY_25', SIZE)
    noise = np.random.default_rng(0).integers(0, 256, (SIZE[1], SIZE[0], 3), np.uint8)
    source = SimpleNamespace(size=SIZE, count=90)
    maker = SceneMaker(opt, source, track, None, min(SIZE), tmp_path)    # type: ignore[arg-type]
    held = []
    tracemalloc.start()
    try:
        for k in range(90):
            maker.see(k, noise)
            held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    one = waiting(maker.small, 89).stat().st_size
    assert held[89] - held[29] < 60 * one / 10
