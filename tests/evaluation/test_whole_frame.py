"""test.py --whole_frame puts what a model paints back into the whole frame of the video."""
from pathlib import Path

import cv2
import numpy as np
import pytest

import test as entry
from data import datasets
from evaluation.whole_frame import EDGE, WholeFrame, whole_frame
from options.test_options import TestOptions
from preprocessing.written import check_room, written_files
from tests.preprocessing.preparing import files, prepare
from tests.preprocessing.test_film_frames import WHOLE, drawn, video  # noqa: F401 (a fixture)
from util import owned
from util.errors import UserError
from util.files import read_json, write_json
from util.images import read_image, write_image
from util.noted import NOTES
from util.runs import read_record

CROP = 40, 60, 200, 200         # of a video of 240x320
FACTS = {'crop': list(CROP), 'source': {'size': [240, 320]}, 'background': {'still': True}}


def empty() -> np.ndarray:
    """uint8 (320, 240, 3): the drawn video without its square."""
    image = np.zeros((320, 240, 3), np.uint8)
    image[...] = np.linspace(40, 160, 320)[:, None, None]
    return image


@pytest.fixture
def part(tmp_path: Path, video: Path) -> Path:  # noqa: F811
    """A dataset of that part of the video."""
    root = tmp_path / 'me'
    prepare(root, '--video', video, '--crop', ','.join(map(str, CROP)), '--film_size', 0)
    return root


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A run's folder that holds the background of the drawn video, and nothing else."""
    folder = tmp_path / 'run'
    folder.mkdir()
    write_image(folder / 'background.jpg', empty())
    return folder


def test_a_dataset_of_a_part_keeps_the_whole_picture_without_the_person(part: Path) -> None:
    picture = read_image(part / 'background.jpg')
    assert picture is not None and cv2.PSNR(picture, empty()) > 35
    assert read_json(part / 'dataset.json')['background'] == {'size': [240, 320], 'still': True}


@pytest.mark.parametrize('flags', [WHOLE, ('--poses_only',), ('--crop=-9,-9,300,400',)])
def test_where_no_frame_leaves_anything_out_there_is_no_background(
        flags: tuple[str, ...], video: Path, tmp_path: Path) -> None:  # noqa: F811
    prepare(tmp_path / 'me', '--video', video, *flags)
    assert 'background.jpg' not in files(tmp_path / 'me')
    assert 'background' not in read_json(tmp_path / 'me' / 'dataset.json')


def test_the_background_is_no_larger_than_film_size(video: Path, tmp_path: Path  # noqa: F811
                                                    ) -> None:
    prepare(tmp_path / 'me', '--video', video, '--crop', '40,60,200,200', '--film_size', 120)
    picture = read_image(tmp_path / 'me' / 'background.jpg')
    assert picture is not None and picture.shape == (160, 120, 3)


def test_the_background_is_the_datasets_and_a_users_picture_of_that_name_stays(part: Path) -> None:
    assert 'background.jpg' in written_files(part)
    (part / NOTES).unlink()             # as an earlier version left a dataset
    assert 'background.jpg' in written_files(part)
    facts = read_json(part / 'dataset.json')
    del facts['background']
    write_json(part / 'dataset.json', facts)
    assert 'background.jpg' not in written_files(part)
    with pytest.raises(UserError, match='background.jpg: is there already'):
        check_room(part, None)


def test_the_background_is_no_pose(part: Path) -> None:
    opt = TestOptions().parse(['--dataroot', str(part), '--model', 'pix2pix', '--dataset_mode',
                               'single'])
    data = datasets.find('single')(opt, 'train')
    assert [path.name for path in map(data.path, range(len(data)))] == files(part / 'train')


@pytest.mark.parametrize('box', [(40, 60, 240, 260), (0, 0, 200, 200), (-20, 10, 100, 130),
                                 (60, 200, 260, 400)])
def test_a_picture_lies_in_its_place_and_is_cut_out_as_it_was(box: tuple[int, int, int, int]
                                                              ) -> None:
    """Its inner sides pass into the background; where it reaches the frame's edge it does not."""
    whole = WholeFrame(empty(), box)
    size = box[2] - box[0], box[3] - box[1]
    white = np.full((size[1], size[0], 3), 255, np.uint8)
    images = whole.placed({'fake_B': white, 'real_A': white[..., :1], 'real_B': white})
    left, top, right, bottom = np.clip(box, 0, (240, 320, 240, 320))
    there = np.zeros((320, 240), bool)
    there[top:bottom, left:right] = True
    for label in ('real_A', 'real_B'):
        assert np.array_equal(images[label], 255 * np.repeat(there[..., None], 3, 2))
        seen = whole.cut(images[label], size) == 255
        assert seen.sum() == 3 * there.sum()
    painted = images['fake_B']
    assert np.array_equal(painted[~there], empty()[~there])
    middle = (top + bottom) // 2
    row = painted[middle, left:right, 0].astype(int)
    for inner, side in ((box[0] > 0, row[:2 * EDGE]), (box[2] < 240, row[::-1][:2 * EDGE])):
        soft = side < 255
        assert soft.sum() == (EDGE if inner else 0) and (np.diff(side) >= 0).all()


def test_the_box_is_scaled_to_the_size_of_the_background(kept: Path) -> None:
    write_image(kept / 'background.jpg', cv2.resize(empty(), (120, 160)))
    assert whole_frame(kept, FACTS).box == (20, 30, 120, 130)


@pytest.mark.parametrize('change, words', [
    ({'crop': None}, 'does not say which part'),
    ({'source': {}}, 'does not say which part'),
    ({'crop': [0, 0, 240, 320]}, 'the whole frame already'),
    ({'crop': [-40, 0, 320, 320]}, 'the whole frame already')])
def test_a_run_that_paints_no_known_part_is_refused(change: dict, words: str, kept: Path) -> None:
    with pytest.raises(UserError, match=words):
        whole_frame(kept, {**FACTS, **change})


@pytest.mark.parametrize('crop', [[40, 60, 25_000, 200], [40, 60, 200, 1e5], [40, 60, 0.2, 9],
                                  [240, 60, 99, 99], [40, -99, 99, 99]])
def test_a_record_whose_crop_is_no_part_of_the_picture_is_refused(crop: list[float], kept: Path
                                                                  ) -> None:
    with pytest.raises(UserError, match=r'run\.json has a crop .*no part of it\. Copy the run'):
        whole_frame(kept, {**FACTS, 'crop': crop})


def test_the_background_of_a_save_that_was_stopped_midway_is_found(kept: Path, monkeypatch) -> None:
    picture = kept / 'background.jpg'
    content = picture.read_bytes()
    picture.unlink()
    monkeypatch.setattr(owned, '_move', stopped)
    with pytest.raises(KeyboardInterrupt), owned.replacing(kept, set, notes=False) as new:
        (new / picture.name).write_bytes(content)
    assert whole_frame(kept, FACTS).background.shape == (320, 240, 3)


def stopped(*given: Path) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize('content', [None, b'', b'no picture'])
def test_a_run_without_its_background_is_refused(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / 'background.jpg').write_bytes(content)
    with pytest.raises(UserError, match='missing or broken.*--overwrite'):
        whole_frame(tmp_path, FACTS)


def test_a_background_of_a_moving_camera_gives_one_warning(kept: Path, capsys) -> None:
    whole_frame(kept, FACTS)
    assert 'camera' not in capsys.readouterr().err
    whole_frame(kept, {**FACTS, 'background': {'still': False}})
    assert capsys.readouterr().err.count('stands still') == 1


@pytest.mark.parametrize('flags, words', [
    (('--model', 'body2body'), 'body2body paints the whole frame by itself.*--crop none'),
    (('--model', 'nearest'), 'nearest paints the whole frame by itself'),
    (('--model', 'pix2pix', '--direction', 'BtoA'), 'poses are painted')])
def test_what_has_no_frame_around_it_is_refused_with_the_flags(
        flags: tuple[str, ...], words: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=words):
        TestOptions().parse(['--whole_frame', '--dataroot', str(tmp_path), *flags])


def test_a_film_of_squares_becomes_one_of_whole_frames_without_the_dataset(
        part: Path, run, tmp_path: Path) -> None:
    """The scores are those of the squares; the poses of another dataset are painted there too."""
    run('--model', 'pix2pix', '--max_steps', '2', dataroot=part)
    assert read_record(run.folder)['dataset']['background']['size'] == [240, 320]
    (part / 'background.jpg').unlink()          # the run has its own

    def paint(*flags: str) -> Path:
        return entry.main(['--dataroot', str(part), '--name', 'me', '--checkpoints_dir',
                           str(run.checkpoints), '--results_dir', str(tmp_path / 'res'),
                           '--metrics', 'fast', '--device', 'cpu', *flags]).parent
    squares = paint()
    name = files(squares / 'images')[0].partition('_')[0]
    square = read_image(squares / 'images' / f'{name}_fake_B.png')
    scores = read_json(squares / 'metrics.json')['scores']['painted']
    folder = paint('--whole_frame')
    pictures = {}
    for label in ('real_A', 'fake_B', 'real_B'):
        pictures[label] = read_image(folder / 'images' / f'{name}_{label}.png')
        assert pictures[label].shape == (320, 240, 3)
    cut = WholeFrame(empty(), (40, 60, 240, 260)).cut(pictures['fake_B'], (64, 64))
    assert cv2.PSNR(cut[4:-4, 4:], square[4:-4, 4:]) > 30
    around = np.ones((320, 240), bool)
    around[60:260, 40:] = False
    assert np.abs(pictures['fake_B'][around].astype(int) - empty()[around]).max() < 12
    assert not pictures['real_B'][around].any()
    known = drawn(int(name) - 1)[70:250, 50:]
    assert cv2.PSNR(pictures['real_B'][70:250, 50:], known) > 22
    whole = read_json(folder / 'metrics.json')['scores']['painted']
    assert whole['psnr'] == pytest.approx(scores['psnr'], abs=1)

    run('--model', 'vanilla', '--max_steps', '2', '--overwrite', dataroot=run.root)
    assert not (run.folder / 'background.jpg').exists(), 'that of an earlier run'
