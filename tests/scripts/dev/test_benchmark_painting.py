"""Benchmarks of painting make their own material, and say what was measured before."""
import numpy as np
import pytest

from pose.track import PoseTrack
from scripts.dev import benchmark, benchmark_growth, benchmark_painting, filmed
from scripts.dev.benchmark_growth import Curve
from util.errors import UserError
from util.images import read_image


def test_every_size_and_live_figure_has_its_row_in_the_table():
    rows = benchmark_painting.figures()
    sizes = [f'painting {width}x{height}' for width, height in benchmark_painting.SIZES]
    assert {*sizes, benchmark_painting.LIVE, benchmark_painting.RETRIEVAL} <= set(rows)
    assert rows['painting 406x720']['asked'] == '70'
    assert 'asked 70' in benchmark_painting.against('painting 406x720', 1.0)


def test_a_dancer_fills_three_quarters_of_the_height():
    (picture, joints), *_ = filmed.dancer((54, 96), 5)
    assert picture.shape == (96, 54, 3)
    crown_to_ankles = np.ptp(joints[:, 1]) / 96
    assert 0.62 < crown_to_ankles < 0.75            # the joints lie within the body
    assert abs(joints[:, 0].mean() - 27) < 3


def test_what_is_held_out_of_a_film_has_its_poses_in_training():
    poses = [joints for _, joints in filmed.dancer((64, 64), 40)]
    for late, early in ((39, 0), (30, 9)):
        np.testing.assert_allclose(poses[late], poses[early], atol=1e-3)


def test_a_dataset_is_made_up_of_few_pictures_and_many_poses(tmp_path):
    folder = filmed.made_up((32, 32), 40, 3, tmp_path / 'data')
    files = sorted((folder / 'train').iterdir())
    assert len(files) == 40 and len(list((folder / 'val').iterdir())) == 3
    assert len({file.stat().st_ino for file in files}) == filmed.DIFFERENT
    assert read_image(files[0]).shape == (32, 64, 3)
    track = PoseTrack.load(folder / 'poses.npz')
    assert len(track) == 43 and len(np.unique(track.poses[:, 0, 0])) == 43


def test_an_index_grows_without_more_pictures(tmp_path):
    run = filmed.indexed(filmed.made_up((32, 32), 40, 3, tmp_path / 'data'), tmp_path)
    index = tmp_path / 'runs' / filmed.NAME / 'index'
    pictures = {file.name for file in index.glob('*.png')}
    filmed.grown(run, 500)
    track = PoseTrack.load(index / 'poses.npz')
    assert len(track) == 500
    assert {f'{number + 1:06d}.png' for number in track.index} == pictures
    answer = benchmark_growth.point('paint', *run, '--num_test', '2')
    assert answer['painting'] > 0 and answer['MB'] > 0


@pytest.mark.parametrize('power, linear', [(0.5, True), (1.0, True), (2.0, False)])
def test_costs_that_grow_faster_than_linear_are_found(power, linear):
    curve = Curve('painting', 's', 'pixels', [(x, 3.0 * x ** power) for x in (1, 10, 100)])
    assert curve.exponent == pytest.approx(power) and curve.linear == linear


def test_little_memory_is_no_growth():
    assert Curve('memory', 'MB', 'frames', [(1, 0.1), (10, 2.0), (100, 25.0)]).exponent == \
        pytest.approx(0)


def test_a_cost_worse_than_linear_is_plotted_and_refused(tmp_path, monkeypatch):
    steep = Curve('painting', 's', 'pixels', [(1, 1.0), (10, 100.0)])
    for name in ('against_pixels', 'against_length', 'against_frames', 'indexing_frames'):
        monkeypatch.setattr(benchmark_growth, name, lambda folder: [steep])
    with pytest.raises(UserError, match='painting against pixels'):
        benchmark_growth.growth(str(tmp_path / 'growth.html'))
    assert 'exponent 2.00' in (tmp_path / 'growth.html').read_text('utf-8')


def test_a_live_pose_is_found_among_many():
    ms = benchmark_painting.retrieval(300, queries=3)
    assert set(ms) == {'nearest', 'next'} and min(ms.values()) > 0


@pytest.mark.slow
def test_a_film_is_made_and_painted_with_a_bar_for_each_part(tmp_path, capsys):
    measured, = benchmark_painting.paint(pictures=str(tmp_path), sizes=[(128, 128)])
    assert measured.size == (128, 128) and measured.ms > 0
    assert (tmp_path / 'painting_128x128.svg').is_file()
    assert '#' in capsys.readouterr().out


def test_every_command_has_its_help(capsys):
    for command in ('paint', 'live', 'growth'):
        with pytest.raises(SystemExit):
            benchmark.main([command, '--help'])
    assert '--page' in capsys.readouterr().out
