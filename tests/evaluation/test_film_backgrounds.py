"""test.py --background: what is behind the painted person, and what is refused before any work."""
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import test as painting
from evaluation.backgrounds import DancersScene, Film, Transparent, feet_seen, heights
from evaluation.results import Results
from options.test_options import TestOptions
from pose.track import PoseTrack
from scene.composition import Layer, composed
from scene.source_scene import SourceScene, save
from tests.models.test_film_size import LARGE, SIDE, filmed  # noqa: F401 (a fixture)
from util.errors import UserError
from util.files import read_json
from util.images import read_image, read_rgba, write_image
from util.video import probe, read_frames
from util.video_writer import VideoWriter


def paint(place: Path, results: Path, *flags: object) -> Path:
    """Run test.py on what is held out; the folder of its results."""
    page = painting.main(['--dataroot', str(place / 'toy'), '--name', 'me', '--checkpoints_dir',
                          str(place / 'ck'), '--results_dir', str(results),
                          '--metrics', 'fast', *map(str, flags)])
    return page.parent


def pictures(folder: Path) -> list[np.ndarray]:
    return [np.asarray(Image.open(path)) for path in sorted((folder / 'images').glob('*fake_B*'))]


@pytest.fixture(scope='module')
def transparent(filmed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811
    return paint(filmed, tmp_path_factory.mktemp('alpha'), '--background', 'alpha')


def test_alpha_gives_pngs_and_a_film_with_transparency(transparent: Path) -> None:
    shown = pictures(transparent)
    assert all(picture.shape == (LARGE, LARGE, 4) for picture in shown)
    for picture in shown:
        alpha = picture[..., 3]
        assert (alpha == 255).any() and (alpha == 0).mean() > 0.3
        blue = picture[alpha > 250, :3].mean(0)
        assert blue[2] > blue[0] + 60, 'the person is blue, the wall grey'
    film = probe(transparent / 'fake_B.webm')
    assert film.size == (LARGE, LARGE) and film.frames == 4
    assert not (transparent / 'fake_B.mp4').exists()
    assert 'fake_B.webm' in (transparent / 'index.html').read_text()


def test_scores_are_those_before_the_targets_own_background(
        transparent: Path, filmed: Path, tmp_path: Path) -> None:  # noqa: F811
    own = paint(filmed, tmp_path / 'own')
    scores, expected = (read_json(folder / 'metrics.json')['scores']['painted']
                        for folder in (transparent, own))
    assert scores.keys() == expected.keys() and scores['ssim'] > 0.9 * expected['ssim']
    left = {path.relative_to(transparent).parts[0] for path in transparent.rglob('*')}
    assert 'measured' not in left and left - {'.written.json'} == {
        'fake_B.webm', 'images', 'index.html', 'metrics.json', 'painting.json',
        'side_by_side.mp4', 'thumbnails'}


def test_green_and_a_picture_lie_behind_the_same_person(
        transparent: Path, filmed: Path, tmp_path: Path) -> None:  # noqa: F811
    wall = np.zeros((90, 90, 3), np.uint8)
    wall[:, 45:] = 255
    write_image(tmp_path / 'wall.png', wall)
    backgrounds = {'green': np.full((LARGE, LARGE, 3), (0, 255, 0), np.uint8),
                   str(tmp_path / 'wall.png'): np.array(Image.fromarray(wall).resize(
                       (LARGE, LARGE), Image.Resampling.NEAREST))}
    for k, (name, behind) in enumerate(backgrounds.items()):
        folder = paint(filmed, tmp_path / str(k), '--background', name, '--no_video')
        for picture, layer in zip(pictures(folder), pictures(transparent), strict=True):
            expected = composed(behind, [Layer.of_rgba(layer)]).astype(int)
            away = np.abs(picture - expected)
            away[:, LARGE // 2 - 4:LARGE // 2 + 4] = 0          # where the wall's edge is resized
            assert away.max() <= 2


def test_a_mov_is_written_where_it_is_asked_for(filmed: Path, tmp_path: Path  # noqa: F811
                                                ) -> None:
    folder = paint(filmed, tmp_path, '--background', 'alpha', '--alpha_film', 'mov',
                   '--num_test', 2)
    assert probe(folder / 'fake_B.mov').frames == 2


def grey_film(path: Path, count: int = 5, size: int = 32) -> Path:
    with VideoWriter(path, fps=10) as film:
        for k in range(count):
            film.write(np.full((size, size, 3), 20 + 40 * k, np.uint8))
    return path


def test_a_video_behind_keeps_its_own_time_and_begins_again(tmp_path: Path) -> None:
    film = Film(str(grey_film(tmp_path / 'grey.mp4')))
    shown = [film.behind('', 7 + time, (20, 20)) for time in (0, 0.05, 0.1, 0.4, 0.5, 0.9, 1.7)]
    assert [round((picture.mean() - 20) / 40) for picture in shown] == [0, 0, 1, 4, 0, 4, 2]
    assert shown[0].shape == (20, 20, 3)


def test_in_the_dancers_scene_a_person_stands_where_the_dancer_stood(tmp_path: Path) -> None:
    """The fitted body is half as large, elsewhere; its picture lies on the dancer's joints."""
    from tests.pose.retargeting.drawn import film
    own = film(seconds=2.0)[0]
    root = tmp_path / 'dancer'
    (root / 'val').mkdir(parents=True)
    wall = np.full((480, 480, 3), 40, np.uint8)
    save(root, own, ((time, wall) for time in own.times))
    poses = own.poses.copy()
    poses[..., :2] = poses[..., :2] / 2 + (3, 7)
    PoseTrack(poses, own.times, own.index, 'BODY_25', (250, 260)).save(root / 'poses.npz')
    behind = DancersScene(root)
    for row in (0, 17, 39):
        layer = Layer(np.full((520, 500, 3), 255, np.uint8), np.zeros((520, 500), np.uint8))
        for x, y in 2 * poses[row, [11, 14], :2] + 0.5:         # the ankles in a large film
            layer.alpha[round(y) - 4:round(y) + 5, round(x) - 4:round(x) + 5] = 255
        picture = behind.picture(f'{own.index[row] + 1:06d}', own.times[row], [layer])
        assert picture.shape == (480, 480, 3)
        there = np.argwhere(picture[..., 0] > 150)[:, ::-1]
        assert np.abs(there.mean(0) - own.poses[row, [11, 14], :2].mean(0)).max() < 6
    behind.places[5] = np.full((3, 3), np.nan)     # a shot that shows nobody
    shown = behind.picture('000006', 0.2, [layer])
    assert np.abs(shown.astype(int) - 40).max() < 4


def test_feet_below_the_picture_are_not_seen() -> None:
    from tests.pose.retargeting.drawn import film
    own = film(seconds=1.0)[0]
    highest = int(own.poses[:, [11, 14], 1].min())
    assert feet_seen(own) == 1 and feet_seen(replace(own, size=(480, highest - 5))) == 0


def test_who_is_seen_for_a_moment_and_in_two_sizes_has_a_shadow_of_the_right_size() -> None:
    from tests.pose.retargeting.drawn import film
    own = film(seconds=2.0)[0]
    usual = float(np.median(heights(own)))
    poses = own.poses.copy()
    poses[20:, :, :2] *= 0.5
    shots = np.repeat([0, 1], [20, len(own) - 20])
    near_far = heights(replace(own, poses=poses, shots=shots))
    assert near_far[5:20] == pytest.approx(usual, rel=0.1)
    assert near_far[20:] == pytest.approx(usual / 2, rel=0.1)
    poses[8:] = 0
    moment = heights(replace(own, poses=poses))
    assert moment[:8] == pytest.approx(usual, rel=0.1) and not moment[8:].any()


@pytest.mark.parametrize('has_feet', [True, False])
def test_in_the_dancers_scene_feet_leave_a_shadow_and_a_person_without_is_named(
        has_feet: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.pose.retargeting.drawn import film
    own = film(seconds=2.0)[0]
    root = tmp_path / 'dancer'
    (root / 'val').mkdir(parents=True)
    save(root, own, ((time, np.full((480, 480, 3), 120, np.uint8)) for time in own.times))
    poses = own.poses.copy()
    feet = [k for k, joint in enumerate(own.joints.joints)
            if joint.endswith(('Ankle', 'Heel', 'Toe'))]
    poses[:, feet] *= has_feet
    PoseTrack(poses, own.times, own.index, 'BODY_25', (480, 480)).save(root / 'poses.npz')
    behind = DancersScene(root)
    layer = Layer(np.full((480, 480, 3), 250, np.uint8), np.zeros((480, 480), np.uint8))
    x, y = np.rint(own.poses[5, feet, :2]).astype(int).T
    layer.alpha[y.min():y.max() + 3, x.min() - 2:x.max() + 3] = 255
    picture = behind.picture(f'{own.index[5] + 1:06d}', own.times[5], [layer])
    below = picture[y.max() + 6, x.min():x.max(), 0].astype(int)
    assert below.min() < 100 if has_feet else below.min() > 115
    assert ('legs end in the air. Film the whole body' in capsys.readouterr().err) != has_feet
    assert abs(int(picture[40, 40, 0]) - 120) < 4


def test_a_scene_of_other_poses_is_refused(tmp_path: Path) -> None:
    from tests.pose.retargeting.drawn import film
    own = film(seconds=1.0)[0]
    save(tmp_path, own, ((time, np.zeros((480, 480, 3), np.uint8)) for time in own.times))
    own.select(np.arange(5)).save(tmp_path / 'poses.npz')
    with pytest.raises(UserError, match='not the scene of the poses.*--keep_scene --overwrite'):
        DancersScene(tmp_path)


def test_a_scene_mended_by_hand_may_take_its_place_if_it_has_as_many_frames(tmp_path: Path
                                                                            ) -> None:
    from tests.pose.retargeting.drawn import film
    own = film(seconds=1.0)[0]
    save(tmp_path, own, ((time, np.zeros((480, 480, 3), np.uint8)) for time in own.times))
    for count, size in ((20, 480), (19, 480), (20, 240)):
        with VideoWriter(tmp_path / 'scene' / 'film.mp4', fps=25) as mended:
            for _ in range(count):
                mended.write(np.full((size, size, 3), 200, np.uint8))
        if (count, size) == (20, 480):
            assert SourceScene(tmp_path)(7)[5, 5, 0] > 190
            continue
        with pytest.raises(UserError, match=f'has {count} frames of {size}x{size} px, and poses.npz'
                                            f' next to it is for 20 of 480x480 px.*keeps both'):
            SourceScene(tmp_path)


def test_the_light_of_a_shot_is_the_same_wherever_painting_begins(tmp_path: Path) -> None:
    """As in the second of two processes, or the person changes colour in the middle."""
    from tests.pose.retargeting.drawn import film
    own = film(seconds=1.0)[0]
    root = tmp_path / 'dancer'
    (root / 'val').mkdir(parents=True)
    save(root, own, ((time, np.full((480, 480, 3), 40 + 4 * k, np.uint8))
                     for k, time in enumerate(own.times)))
    own.save(root / 'poses.npz')
    layer = Layer(np.full((480, 480, 3), 100, np.uint8), np.full((480, 480), 255, np.uint8),
                  light=np.full(3, 60.0))
    shown = []
    for begins in (0, 15):
        behind = DancersScene(root)
        for row in range(begins, 20):
            picture = behind.picture(f'{own.index[row] + 1:06d}', own.times[row], [layer])
        shown.append(picture)
    assert np.array_equal(*shown)


def test_two_transparent_people_are_one_picture() -> None:
    layers = []
    for left, value in ((0, 100), (10, 200)):
        alpha = np.zeros((20, 30), np.uint8)
        alpha[:, left:left + 15] = 255
        layers.append(Layer(np.full((20, 30, 3), value, np.uint8), alpha))
    shown = Transparent().picture('1', 0.0, layers)
    assert shown[5, 5].tolist() == [100, 100, 100, 255] and shown[5, 12, 0] == 200
    assert shown[5, 28, 3] == 0


@pytest.mark.parametrize('flags, said', [
    (['--background', 'beach.jpg'], 'no such file. Give the file of a picture or a video, or'),
    (['--background', 'text.png'], 'neither a picture nor a video'),
    (['--background', '.'], 'that is a folder'),
    (['--background', 'green', '--model', 'nearest'], '--model nearest paints the whole picture'),
    (['--background', 'green', '--alpha_film', 'mov'], 'needs --background alpha'),
    (['--background', 'alpha', '--alpha_film', 'mov', '--no_video'], 'there is no film'),
    (['--background', 'source'], 'is the video of the person.*--dataroot datasets/dancer')])
def test_a_background_that_cannot_be_had_is_refused_before_any_work(
        flags: list[str], said: str, filmed: Path, tmp_path: Path,  # noqa: F811
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'text.png').write_text('no picture')
    with pytest.raises(UserError, match=said):
        paint(filmed, tmp_path / 'results', *flags)
    assert not (tmp_path / 'results').exists()


def test_pictures_of_other_sizes_fit_into_a_transparent_film(tmp_path: Path) -> None:
    nobody = SimpleNamespace(root=tmp_path / 'none', facts={'fps': 2.0})
    results = Results(tmp_path / 'r', nobody, {}, behind=Transparent(), film='fake_B.webm')
    with results.writing():
        for k, side in enumerate((64, 48)):
            grey = np.full((side, side, 3), 90, np.uint8)
            results.add(f'{k + 1:06}.png', {'real_A': grey, 'fake_B': grey},
                        Layer(grey, np.full((side, side), 255, np.uint8)))
    results.write_videos()
    film = probe(tmp_path / 'r' / 'fake_B.webm')
    assert film.size == (64, 64) and film.frames == 2


def test_what_the_camera_was_called_live_is_the_source(tmp_path: Path) -> None:
    opt = TestOptions().parse(['--dataroot', 'x', '--name', 'me', '--model', 'body2body',
                               '--background', 'camera', '--checkpoints_dir', str(tmp_path)],
                              dataset_made=False)
    assert opt.background == 'camera'
    with pytest.raises(UserError, match='does not keep the scene'):
        from evaluation.backgrounds import background_of
        background_of(SimpleNamespace(background='camera', dataroot=str(tmp_path)))


def test_a_film_read_back_is_what_was_painted(transparent: Path) -> None:
    files = sorted((transparent / 'images').glob('*fake_B.png'))
    row = list(read_frames(transparent / 'side_by_side.mp4'))
    assert len(row) == len(files) == 4
    opaque_one, rgba = read_image(files[0]), read_rgba(files[0])
    assert opaque_one is not None and rgba is not None and rgba.shape[0] > SIDE
    assert not opaque_one[rgba[..., 3] == 0].any(), 'on black, for whoever knows no alpha'
