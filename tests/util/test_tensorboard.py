"""What --tensorboard writes is read back as TensorBoard itself reads it."""
import io
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from options.train_options import TrainOptions
from util.sinks.base_sink import RunFacts
from util.sinks.tensorboard_sink import FILM_FRAMES, Film, TensorBoardSink
from util.visualizer import Visualizer

pytest.importorskip('tensorboard', reason='tensorboard is not installed')

LOSSES = {'G_GAN': 0.75, 'G_L1': 12.5}


def run_facts(folder: Path, continued: bool = False) -> RunFacts:
    return RunFacts('me', folder / 'me', {'display_id': 0, 'no_html': True, 'tensorboard': True},
                    {}, continued)


def trio(value: int = 0, size: tuple[int, int] = (16, 24)) -> dict[str, np.ndarray]:
    return {label: np.full((*size, 3), (value, shade, 200), np.uint8)
            for label, shade in (('real_A', 0), ('fake_B', 120), ('real_B', 240))}


def written(folder: Path) -> Any:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    return EventAccumulator(str(folder / 'me/tensorboard'), {'scalars': 0, 'images': 0}).Reload()


def scalars(folder: Path, tag: str) -> list[tuple[int, float]]:
    return [(event.step, event.value) for event in written(folder).Scalars(tag)]


def films(folder: Path) -> list[Any]:
    return [Image.open(io.BytesIO(event.encoded_image_string))
            for event in written(folder).Images('held_out/film')]


def test_it_is_written_for_a_run_that_asks_for_it() -> None:
    for flags, wanted in (([], False), (['--tensorboard'], True)):
        options = TrainOptions().parse(['--dataroot', 'x', *flags]).facts()
        assert TensorBoardSink.WHEN(RunFacts('me', Path('x'), options, {})) is wanted


def test_losses_and_the_held_out_score_are_curves_over_the_images_seen(tmp_path: Path) -> None:
    show = Visualizer(run_facts(tmp_path))
    show.losses(100, 1, LOSSES, 0.25, 0.125)
    show.losses(200, 2, LOSSES, 0.25, 0.125)
    show.heldout(2, 200, trio(), 0.5)
    show.close(finished=True)
    assert scalars(tmp_path, 'losses/G_L1') == [(100, 12.5), (200, 12.5)]
    assert scalars(tmp_path, 'losses/G_GAN') == [(100, 0.75), (200, 0.75)]
    assert scalars(tmp_path, 'run/seconds_an_image') == [(100, 0.25), (200, 0.25)]
    assert scalars(tmp_path, 'run/epoch') == [(100, 1), (200, 2)]
    assert scalars(tmp_path, 'held_out/score') == [(200, 0.5)]


def test_pictures_stand_side_by_side_with_their_colours(tmp_path: Path) -> None:
    show = Visualizer(run_facts(tmp_path))
    show.pictures(1, 100, trio(50))
    show.heldout(1, 100, trio(80), None)
    show.close(finished=True)
    for tag, red in (('training_part', 50), ('held_out/sample', 80)):
        event, = written(tmp_path).Images(tag)
        picture = np.asarray(Image.open(io.BytesIO(event.encoded_image_string)))
        assert picture.shape == (16, 72, 3) == (event.height, event.width, 3)
        for x, green in ((12, 0), (36, 120), (60, 240)):
            assert abs(picture[8, x].astype(int) - (red, green, 200)).max() < 12
    assert 'held_out/score' not in written(tmp_path).Tags()['scalars']


def test_the_held_out_film_grows_and_plays(tmp_path: Path) -> None:
    sink = TensorBoardSink(run_facts(tmp_path))
    for epoch in range(1, 6):
        sink.heldout(epoch, epoch * 100, trio(epoch * 40), 0.5)
    sink.close(finished=False)
    shown = films(tmp_path)
    assert [film.n_frames for film in shown] == [1, 2, 4, 5]
    shown[-1].seek(4)
    assert shown[-1].format == 'GIF' and shown[-1].info['duration'] > 1000
    red = np.asarray(shown[-1].convert('RGB'))[8, 36, 0]
    assert abs(int(red) - 200) < 12                     # the newest comes last


def test_a_film_of_any_length_stays_short_and_is_seldom_written() -> None:
    film = Film()
    picture = Image.new('RGB', (40, 2000))
    written = sum(film.add(picture) for _ in range(10_000))
    assert written == 14
    assert FILM_FRAMES / 2 <= len(film.pictures) < FILM_FRAMES
    assert film.pictures[0].height == 256


def test_a_continued_run_goes_on_and_forgets_what_it_went_back_behind(tmp_path: Path) -> None:
    for continued, steps, kept in ((False, (100, 200, 300), [100, 200, 300]),
                                   (True, (200, 250), [100, 200, 250]),
                                   (False, (50,), [50])):
        sink = TensorBoardSink(run_facts(tmp_path, continued))
        for step in steps:
            sink.losses(step, 1, LOSSES, 0.1, 0.0)
        sink.close(finished=False)
        assert [step for step, _ in scalars(tmp_path, 'losses/G_L1')] == kept


def test_without_tensorboard_one_line_says_how_to_get_it(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    for name in [name for name in sys.modules if name.split('.')[0] == 'tensorboard']:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, 'tensorboard', None)
    show = Visualizer(run_facts(tmp_path))
    show.losses(1, 1, LOSSES, 0.1, 0.0)
    show.close(finished=True)
    told = capsys.readouterr()
    assert re.fullmatch(r'--tensorboard: .*pip install tensorboard==[\d.]+\n', told.out)
    assert told.err == '' and 'G_L1' in (tmp_path / 'me/loss_log.txt').read_text()
