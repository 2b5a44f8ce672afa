"""Every page opens from disk in a real browser, and nothing on it comes from anywhere else."""
import html
import json
import math
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import cv2
import numpy as np
import pytest

from util.page import curves_svg, facts_table, page, render, ticks
from util.results_page import write_results_page
from util.sinks.base_sink import RunFacts
from util.visualizer import Visualizer

CHROMIUM = shutil.which('chromium') or shutil.which('chromium-browser')
needs_browser = pytest.mark.skipif(not CHROMIUM, reason='no chromium here: pages are not opened')

# what a page says of itself, written where --dump-dom shows it
PROBE = """<script>addEventListener('load', () => setTimeout(() => {
  const lost = [...document.images].filter(i => !i.naturalWidth).map(i => i.src);
  const films = [...document.querySelectorAll('video')];
  const lines = [...document.querySelectorAll('svg polyline')].map(l => l.getTotalLength());
  document.body.dataset.found = JSON.stringify({pictures: document.images.length, lost,
    films: films.map(f => [f.videoWidth, f.videoHeight]), lines,
    wide: document.documentElement.scrollWidth - innerWidth});
}, 500))</script>"""


@pytest.fixture
def browse(tmp_path: Path) -> Callable[..., str]:
    """Opens a page in Chromium: its DOM as text, or with `shot` a picture of it."""
    def open_page(path: Path, *flags: str) -> str:
        done = subprocess.run(
            [str(CHROMIUM), '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic',
             '--no-first-run', '--disable-background-networking', '--disable-component-update',
             '--disable-sync', f'--user-data-dir={tmp_path / "profile"}', '--enable-logging=stderr',
             '--virtual-time-budget=5000', *flags, path.as_uri()],
            capture_output=True, text=True, timeout=120, check=True)
        assert 'CONSOLE' not in done.stderr
        return done.stdout
    return open_page


def probed(path: Path, all_at_once: bool = False) -> Path:
    """A copy beside the page, with the probe in it; with every fold open if `all_at_once`."""
    text = path.read_text()
    if all_at_once:
        text = text.replace('loading="lazy"', '').replace('<details', '<details open')
    copy = path.with_name('probed.html')
    copy.write_text(text.replace('</body>', f'{PROBE}</body>'))
    return copy


def found(dom: str) -> dict[str, Any]:
    return json.loads(html.unescape(re.search(r'data-found="([^"]*)"', dom)[1]))  # type: ignore


def trio(seed: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {label: random.integers(0, 255, (32, 32, 3), np.uint8)
            for label in ('real_A', 'fake_B', 'real_B')}


@pytest.fixture
def training_page(tmp_path: Path) -> Path:
    run = RunFacts('a <b>bold</b> name', tmp_path / 'run', {'display_id': 0, 'note': '<script>'},
                   {'fps': 29.97, 'size': [32, 32]})
    show = Visualizer(run)
    for epoch in (1, 2, 3):
        for step in range(epoch * 100, epoch * 100 + 100, 10):
            show.losses(step, epoch, {'G_L1': 100 / step, 'G_GAN': math.sin(step)}, 0.1, 0.0)
        show.pictures(epoch, step, trio(epoch))
        show.heldout(epoch, step, trio(epoch), 1 / epoch)
    show.close(finished=True)
    return tmp_path / 'run/web/index.html'


@pytest.fixture
def results_page(tmp_path: Path) -> Path:
    folder = tmp_path / 'me/latest_val'
    (folder / 'images').mkdir(parents=True)
    frames = []
    for number in range(1, 11):
        frames.append({label: f'images/no {number}#_{label}.png' for label in trio(0)})
        for label, picture in trio(number).items():
            cv2.imwrite(str(folder / frames[-1][label]), picture)
    for name, width in (('side_by_side', 96), ('fake_B', 32)):
        write_film(folder / f'{name}.mp4', width)
    return write_results_page(folder, {'name': 'me', 'frames skipped': 0}, frames,
                              {'side by side': 'side_by_side.mp4', 'painted': 'fake_B.mp4'})


def write_film(path: Path, width: int) -> None:
    import av
    with av.open(str(path), 'w') as file:
        stream = file.add_stream('libx264', rate=10)
        stream.width, stream.height, stream.pix_fmt = width, 32, 'yuv420p'
        for value in range(10):
            picture = np.full((32, width, 3), value * 20, np.uint8)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format='rgb24')))
        file.mux(stream.encode())


@pytest.mark.parametrize('name', ['training_page', 'results_page'])
def test_no_page_names_an_address_outside_its_folder(name: str,
                                                     request: pytest.FixtureRequest) -> None:
    path = request.getfixturevalue(name)
    text = path.read_text()
    assert not re.search(r'https?:|//\w|url\(|@import', text.replace('="data:,"', ''))
    for link in re.findall(r'(?:src|href)="([^"]*)"', text):
        assert link == 'data:,' or (path.parent / unquote(link)).is_file(), link


@pytest.mark.parametrize('name', ['training_page', 'results_page'])
def test_every_picture_has_words_for_those_who_do_not_see_it_and_loads_lazily(
        name: str, request: pytest.FixtureRequest) -> None:
    pictures = re.findall(r'<img[^>]*>', request.getfixturevalue(name).read_text())
    assert pictures
    for picture in pictures:
        assert re.search(r'alt="(pose|painted|real): ', picture) and 'loading="lazy"' in picture
        assert 'width="32"' in picture and 'height="32"' in picture


def test_what_a_user_typed_is_shown_and_never_run(training_page: Path) -> None:
    text = training_page.read_text()
    assert 'a &lt;b&gt;bold' in text and '<b>bold' not in text and '&lt;script&gt;' in text


def test_the_films_come_first_and_every_frame_is_behind_a_fold(results_page: Path) -> None:
    text = results_page.read_text()
    places = [text.index(part) for part in ('side_by_side.mp4', 'fake_B.mp4', 'frames skipped',
                                            '<details', 'Every frame (10)')]
    assert places == sorted(places)
    assert len(re.findall('<img', text[places[3]:])) == 30
    assert text.index('A few frames') < places[3]


def test_a_page_without_films_or_truth_is_a_page_too(tmp_path: Path) -> None:
    path = write_results_page(tmp_path / 'me/latest_test', {}, [{'real_A': 'a.png'}], {})
    assert 'me</h1>' in path.read_text() and '<video' not in path.read_text()
    assert '0 frames' in write_results_page(tmp_path / 'x', {}, [], {}).read_text()


# in the browser

@needs_browser
@pytest.mark.parametrize('width', [1280, 500])
def test_the_training_page_works_in_a_browser(training_page: Path, browse: Callable[..., str],
                                              width: int) -> None:
    seen = found(browse(probed(training_page, all_at_once=True), '--dump-dom',
                        f'--window-size={width},900'))
    assert seen['pictures'] == 18 and seen['lost'] == []
    assert len(seen['lines']) == 5 and min(seen['lines']) > 100     # two of the losses are raw
    assert seen['wide'] <= 0                                        # nothing to scroll sideways


@needs_browser
def test_the_results_page_works_in_a_browser(results_page: Path,
                                             browse: Callable[..., str]) -> None:
    seen = found(browse(probed(results_page, all_at_once=True), '--dump-dom',
                        '--window-size=500,900'))
    assert seen['lost'] == [] and seen['films'] == [[96, 32], [32, 32]] and seen['wide'] <= 0


@needs_browser
def test_frames_in_a_closed_fold_are_not_fetched(results_page: Path,
                                                 browse: Callable[..., str]) -> None:
    seen = found(browse(probed(results_page), '--dump-dom', '--window-size=1280,2000',
                        '--blink-settings=lazyLoadEnabled=true'))   # off where nobody watches
    assert seen['pictures'] == 18 + 30 and len(seen['lost']) == 12   # 4 frames are not in sight


@needs_browser
def test_the_loss_curve_can_be_seen_by_day_and_by_night(training_page: Path, tmp_path: Path,
                                                        browse: Callable[..., str]) -> None:
    for scheme, ground, colour in ((1, (246, 246, 243), (68, 87, 208)),
                                   (0, (17, 19, 22), (147, 160, 255))):
        shot = tmp_path / f'{scheme}.png'
        browse(training_page, f'--screenshot={shot}', '--window-size=1280,1600',
               f'--blink-settings=preferredColorScheme={scheme}')
        picture = cv2.imread(str(shot))[:, :, ::-1].astype(int)
        assert picture[2, 2].tolist() == list(ground)
        assert (abs(picture - colour).sum(axis=2) < 12).sum() > 200


# the parts

def test_a_curve_lies_where_its_numbers_say() -> None:
    svg = curves_svg({'loss': [(0, 0), (50, 10), (100, 5)]}, 'images seen')
    spots = re.search(r'<polyline class="k0" points="([^"]*)"', svg)[1]         # type: ignore
    (x0, y0), (x1, y1), (x2, y2) = (map(float, spot.split(',')) for spot in spots.split())
    assert x1 - x0 == x2 - x1 > 0
    assert y0 > y2 > y1 and math.isclose(y0 - y2, y2 - y1, abs_tol=0.2)
    assert 'aria-label="loss over images seen"' in svg


@pytest.mark.parametrize('points', [
    [], [(1, 2.0)], [(1, 0.0), (2, 0.0)], [(1, float('nan'))], [(1, float('inf')), (2, 1.0)],
    [(k, -1e-9 * k) for k in range(50)], [(k, 1e12) for k in range(500)]])
def test_no_numbers_are_too_odd_to_draw(points: list[tuple[float, float]]) -> None:
    drawn = curves_svg({'loss': points})
    assert 'nan' not in drawn and 'inf' not in drawn
    assert ('<svg' in drawn) == any(math.isfinite(y) for _, y in points)


def test_axes_are_marked_with_round_numbers_inside_them() -> None:
    assert ticks(0, 10) == [0, 2, 4, 6, 8, 10]
    for low, high in ((0.013, 0.0147), (-3, 8), (1200, 98_000), (5, 5.0001)):
        marks = ticks(low, high)
        assert 2 <= len(marks) <= 6 and low <= marks[0] and marks[-1] <= high * (1 + 1e-9)


def test_facts_are_worded_for_people() -> None:
    table = facts_table({'flip': False, 'lr': 0.0002, 'size': [256, 256], 'epoch_count': None,
                         'stage': {'near': 231.25}}).render(pretty=False)
    for words in ('no', '0.0002', '256, 256', '–', 'near: 231.25'):
        assert f'<td>{words}</td>' in table


def test_a_page_is_whole() -> None:
    text = render(page('me'))
    assert text.startswith('<!DOCTYPE html>') and 'name="viewport"' in text
    assert 'lang="en"' in text and 'charset="utf-8"' in text
