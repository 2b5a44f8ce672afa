"""Progress is shown in every place there is, and no place can hurt the run."""
import json
import math
import re
import sys
import threading
import time
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import cv2
import numpy as np
import pytest

from util.sinks import SINKS, html_sink
from util.sinks.base_sink import RunFacts, Sink
from util.sinks.html_sink import Curve, Film, HtmlSink
from util.sinks.log_sink import LogSink
from util.visualizer import Visualizer

LOSSES = {'G_GAN': 0.7, 'G_L1': 12.3456}
SWITCHES = {'visdom': {'display_id': 1}, 'tensorboard': {'tensorboard': True},
            'wandb': {'use_wandb': True}}               # of the sinks that wait for one


def run_facts(folder: Path, continued: bool = False, **options: Any) -> RunFacts:
    return RunFacts('me', folder / 'me', {'display_id': 0, **options}, {'fps': 30}, continued)


def trio(value: int = 0, size: tuple[int, int] = (16, 24)) -> dict[str, np.ndarray]:
    return {label: np.full((*size, 3), (value, 80, 200), np.uint8)
            for label in ('real_A', 'fake_B', 'real_B')}


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Reads index.html; it is drawn after every event here instead of now and then."""
    monkeypatch.setattr(HtmlSink, 'draw_after', property(lambda _: 0.0, lambda _, value: None),
                        raising=False)
    return lambda: (tmp_path / 'me/web/index.html').read_text()


# the log

def test_the_log_is_written_as_upstream_writes_it(tmp_path: Path) -> None:
    show = Visualizer(run_facts(tmp_path))
    show.losses(820, 2, LOSSES, 0.2284, 0.0021, iters=100)
    show.close(finished=True)
    head, line = (tmp_path / 'me/loss_log.txt').read_text().splitlines()
    assert re.fullmatch(r'=+ Training Loss \(.+\) =+', head)
    assert line == '(epoch: 2, iters: 100, time: 0.228, data: 0.002) G_GAN: 0.700 G_L1: 12.346 '


def test_the_log_of_a_continued_run_goes_on_and_that_of_a_new_one_begins(tmp_path: Path) -> None:
    for continued, lines in ((False, 2), (True, 4), (False, 2)):
        log = LogSink(run_facts(tmp_path, continued))
        log.losses(1, 1, LOSSES, 0.1, 0.0)
        log.close(finished=False)
        assert len((tmp_path / 'me/loss_log.txt').read_text().splitlines()) == lines


# the page

def test_pictures_are_saved_under_upstreams_names_with_their_pixels(tmp_path: Path) -> None:
    show = Visualizer(run_facts(tmp_path))
    pictures = trio(value=255)
    show.pictures(1, 400, pictures)
    show.heldout(1, 400, pictures, 0.25)
    pictures['fake_B'][:] = 0                           # the caller's array is its own again
    show.close(finished=True)
    images = tmp_path / 'me/web/images'
    for name in ('real_A', 'fake_B', 'real_B', 'heldout_fake_B'):
        picture = cv2.imread(str(images / f'epoch001_{name}.png'))
        assert picture.shape == (16, 24, 3) and picture[0, 0].tolist() == [200, 80, 255]


def test_the_page_shows_the_newest_epoch_and_folds_the_older(tmp_path: Path, page: Any) -> None:
    sink = HtmlSink(run_facts(tmp_path))
    for epoch in (1, 2, 3):
        sink.pictures(epoch, epoch * 100, trio())
    text = page()
    assert (text.index('epoch003_fake_B') < text.index('Earlier epochs')
            < text.index('epoch002_fake_B') < text.index('epoch001_fake_B'))


def test_the_page_goes_to_the_next_epoch_with_its_held_out_part(tmp_path: Path,
                                                                page: Any) -> None:
    sink = HtmlSink(run_facts(tmp_path))
    for epoch in (1, 2):
        sink.pictures(epoch, epoch * 10, trio())
        assert '<h2>Epoch 1 ' in page()
        sink.heldout(epoch, epoch * 10, trio(), 0.5)
    assert '<h2>Epoch 2 ' in page()


def test_the_page_reloads_itself_while_training_and_not_when_done(tmp_path: Path,
                                                                  page: Any) -> None:
    sink = HtmlSink(run_facts(tmp_path))
    sink.losses(1, 1, LOSSES, 0.1, 0.0)
    assert 'data-refresh="30"' in page() and '>training<' in page()
    sink.close(finished=True)
    assert 'data-refresh' not in page() and '>finished<' in page()


def test_a_stopped_run_says_so(tmp_path: Path, page: Any) -> None:
    HtmlSink(run_facts(tmp_path)).close(finished=False)
    assert '>stopped<' in page()


def test_a_continued_page_holds_what_was_there_before(tmp_path: Path, page: Any) -> None:
    sink = HtmlSink(run_facts(tmp_path))
    sink.losses(100, 1, LOSSES, 0.1, 0.0)
    sink.heldout(1, 100, trio(), 0.125)
    with open(sink.history, 'a') as file:
        file.write('{"losses": {"G_L1')                 # killed while writing
    sink = HtmlSink(run_facts(tmp_path, continued=True))
    sink.losses(200, 2, LOSSES, 0.1, 0.0)
    sink.heldout(2, 200, trio(), 0.0625)
    assert 'epoch001_heldout_fake_B' in page() and 'score 0.125' in page()
    sink = HtmlSink(run_facts(tmp_path, continued=True))
    assert [x for x, _ in sink.curves['G_L1'].points] == [100, 200]
    assert list(sink.shown) == [1, 2]


def test_a_new_run_of_the_name_begins_with_an_empty_page(tmp_path: Path, page: Any) -> None:
    HtmlSink(run_facts(tmp_path)).pictures(1, 1, trio())
    HtmlSink(run_facts(tmp_path))
    assert 'epoch001' not in page()


def test_going_back_to_a_saved_state_takes_back_what_came_after(tmp_path: Path) -> None:
    sink = HtmlSink(run_facts(tmp_path))
    for epoch in (1, 2, 3):
        sink.losses(epoch * 100, epoch, LOSSES, 0.1, 0.0)
        sink.pictures(epoch, epoch * 100, trio())
    sink = HtmlSink(run_facts(tmp_path, continued=True))
    sink.losses(150, 2, LOSSES, 0.1, 0.0)
    sink.pictures(2, 200, trio())
    assert list(sink.shown) == [1, 2]
    assert [x for x, _ in sink.curves['G_L1'].points] == [100, 150]


def test_a_curve_of_any_length_stays_short_and_true() -> None:
    curve = Curve()
    for x in range(1, 100_001):
        curve.add(x, x)
    xs = [x for x, _ in curve.points]
    assert len(xs) <= Curve.LIMIT and xs[-1] > 99_000
    assert xs == sorted(xs) and all(abs(x - y) < curve.stride for x, y in curve.points)


def test_an_update_costs_no_more_after_many_epochs(tmp_path: Path,
                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    sink, index = HtmlSink(run_facts(tmp_path)), tmp_path / 'me/web/index.html'
    monkeypatch.setattr(sink, 'write', lambda path, picture: None)
    written: list[int] = []
    drawn: list[str] = []
    monkeypatch.setattr(html_sink, 'write_text', lambda path, text: (
        written.append(len(text)), path.write_text(text)))
    monkeypatch.setattr(html_sink, 'rows', lambda shown, name, real=html_sink.rows: (
        drawn.append(name), real(shown, name))[1])
    sizes = {}
    for epoch in range(1, 403):
        if watched := epoch in (102, 202, 402):
            sink.draw('training')               # pages of older epochs are written here
            written.clear()
            drawn.clear()
        sink.draw_after = 0.0 if watched else math.inf
        sink.heldout(epoch, epoch * 10, trio(), 1 / epoch)
        if watched:
            sizes[epoch] = sum(written)
            assert drawn == ['newest', str(epoch - 1)]
    assert 0 < sizes[402] < sizes[102] * 1.1
    assert max(p.name for p in sink.folder.glob('epochs_*.html')) == 'epochs_361_to_380.html'
    assert 'href="epochs_361_to_380.html"' in index.read_text()
    assert len(sink.cards) <= 40 and len(sink.film.shots) < Film.LIMIT
    assert sum(map(bool, sink.shown.values())) <= 40         # the others are forgotten


def test_the_film_of_any_length_keeps_few_pictures_evenly_spread() -> None:
    film = Film()
    for step in range(1, 1001):
        film.add(step, f'{step}' if film.wants_next else None, '')
    steps = [step for step, _, _ in film.shots]
    assert film.LIMIT / 2 <= len(steps) < film.LIMIT and steps[0] == 1
    assert {after - before for before, after in zip(steps, steps[1:])} == {film.stride}


def test_pictures_the_film_no_longer_shows_are_not_kept(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Film, 'LIMIT', 5)
    for continued, epochs, kept in ((False, range(1, 10), [1, 5, 9]), (True, (6, 7), [1, 5]),
                                    (False, (2,), [2])):
        sink = HtmlSink(run_facts(tmp_path, continued))
        for epoch in epochs:
            sink.heldout(epoch, epoch * 10, trio(), None)
        assert [step // 10 for step, _, _ in sink.film.shots] == kept
        assert sorted(p.name for p in (sink.folder / 'film').iterdir()) == [
            f'{step * 10:09}.jpg' for step in kept]


def test_a_film_ends_with_the_newest_picture_whether_kept_or_not() -> None:
    film = Film()
    assert film.controls((10, 'only.png', 'one')) == ''
    film.add(10, 'film/10.jpg', 'one')
    film.add(20, None, 'two')
    shots = json.loads(film.controls((20, 'newest.png', 'two'))['data-shots'])
    assert shots == [['film/10.jpg', 'one'], ['newest.png', 'two']]


def test_an_epochs_last_pictures_are_the_ones_shown(tmp_path: Path) -> None:
    sink = HtmlSink(run_facts(tmp_path))
    for value in (10, 20, 30):
        sink.pictures(1, value, trio(value))
    picture = cv2.imread(str(tmp_path / 'me/web/images/epoch001_fake_B.png'))
    assert picture[0, 0, 2] == 30 and list(sink.shown) == [1]


def test_the_page_of_an_untrained_run_shows_its_picture_and_score_but_no_curve(
        tmp_path: Path, page: Any) -> None:
    show = Visualizer(run_facts(tmp_path))
    show.heldout(1, 0, trio(), 0.25)
    show.close(finished=True)
    text = page()
    assert 'not trained' in text and 'heldout_fake_B.png' in text and '0.25' in text
    assert '<svg' not in text and 's per image' not in text
    show = Visualizer(run_facts(tmp_path, continued=True))
    show.losses(1, 1, LOSSES, 0.1, 0.0)
    show.close(finished=False)
    assert '<svg' in page() and 'not trained' not in page()


def test_no_html_means_no_page(tmp_path: Path) -> None:
    Visualizer(run_facts(tmp_path, no_html=True)).close(finished=True)
    assert not (tmp_path / 'me/web').exists()


# sinks that fail

@pytest.mark.parametrize('name', SINKS.names())
def test_a_sink_that_fails_is_dropped_with_one_line_and_the_rest_goes_on(
        name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    def fails(*_: Any) -> None:
        raise OSError('the cable is out\nmore about it')

    kind: type[Sink] = SINKS.find(name)
    monkeypatch.setattr(kind, 'losses', fails)
    monkeypatch.setattr('util.sinks.visdom_sink.connect', lambda *_: None)
    monkeypatch.setitem(sys.modules, 'wandb', MagicMock())
    show = Visualizer(run_facts(tmp_path, **SWITCHES.get(name, {})))
    for step in range(1, 4):
        show.losses(step, 1, LOSSES, 0.1, 0.0)
    show.pictures(1, 4, trio()) if name == 'log' else None
    show.close(finished=True)
    told = capsys.readouterr().err.splitlines()
    only = f'warning: {kind.name}: dropped, the run continues without it (the cable is out)'
    assert told == [only]
    if name != 'log':
        assert len((tmp_path / 'me/loss_log.txt').read_text().splitlines()) == 4
    if name != 'html':
        assert '>finished<' in (tmp_path / 'me/web/index.html').read_text()


def test_a_sink_that_cannot_start_is_left_out_with_one_line(
        tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / 'me').mkdir()
    (tmp_path / 'me/web').write_text('a file where the folder should be')
    show = Visualizer(run_facts(tmp_path))
    show.losses(1, 1, LOSSES, 0.1, 0.0)
    show.close(finished=True)
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert 'G_L1' in (tmp_path / 'me/loss_log.txt').read_text()


def test_a_slow_sink_neither_holds_up_the_run_nor_its_end(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    hang = threading.Event()
    monkeypatch.setattr(LogSink, 'losses', lambda *_: hang.wait(20))
    for name, value in (('WAITING', 3), ('PATIENCE', 0.05), ('GOODBYE', 0.3)):
        monkeypatch.setattr(f'util.visualizer.{name}', value)
    began = time.monotonic()
    show = Visualizer(run_facts(tmp_path))
    for step in range(20):
        show.losses(step, 1, LOSSES, 0.1, 0.0)
        time.sleep(0.01)                        # the others keep up
    show.close(finished=True)
    hang.set()
    assert time.monotonic() - began < 5
    assert capsys.readouterr().err == ('warning: loss_log.txt: dropped, the run continues without '
                                       'it (too slow)\n')


def test_a_sink_that_hangs_is_not_waited_for_twice(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    hang = threading.Event()
    monkeypatch.setattr(LogSink, 'losses', lambda *_: hang.wait(20))
    monkeypatch.setattr('util.visualizer.GOODBYE', 0.3)
    show = Visualizer(run_facts(tmp_path))
    show.losses(1, 1, LOSSES, 0.1, 0.0)
    show.settle()
    assert 'loss_log.txt: dropped' in capsys.readouterr().err
    show.close(finished=True)
    hang.set()
    assert 'finished' in (tmp_path / 'me/web/index.html').read_text(), 'the others are as before'
    assert not capsys.readouterr().err


@pytest.mark.parametrize('name', SINKS.names())
def test_every_sink_says_what_it_is_called_and_when_it_is_used(name: str) -> None:
    kind = SINKS.find(name)
    assert issubclass(kind, Sink) and kind.name
    assert isinstance(kind.WHEN(run_facts(Path('x'))), bool)
