"""Large films are written with thumbnails and posters, and their page loads little."""
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluation import results as module
from evaluation.results import LABELS, Results
from evaluation.rows import cell_size
from tests.browser import ask, needs_browser
from util.files import write_json
from util.images import read_image, size_of
from util.video import probe, read_frames

POSE, FILM = (64, 112), (300, 526)          # (width, height) px of the drawn pose and of the film
METRICS = {'names': ['000001', '000002', '000003'], 'times': [0.0, 0.5, 1.0],
           'scores': {'painted': {'ssim': 0.9}}, 'frames_scores': {'ssim': [0.7, 0.8, 0.9]}}


def paint(folder: Path, film: tuple[int, int] = FILM, frames: int = 3) -> Results:
    """Results of `frames` frames, each of its own grey, with their films."""
    class Dataset:
        root = folder / 'no dataset'
        facts: dict[str, Any] = {'fps': 2.0}
    results = Results(folder, Dataset(), {})
    with results.writing():
        for k in range(frames):
            grey = [np.full((height, width, 3), 40 + 40 * k, np.uint8)
                    for width, height in (POSE, film, film)]
            results.add(f'{k + 1:06}.png', dict(zip(LABELS, grey)))
    results.write_videos()
    write_json(folder / 'painting.json', {'frames': dict(zip(results.names, METRICS['times']))})
    return results


@pytest.fixture(scope='module')
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('results') / 'me/latest_val'
    results = paint(folder)
    write_json(folder / 'metrics.json', METRICS)
    return results.write_page({})


def test_the_painted_film_has_every_pixel_and_the_row_of_all_a_bounded_even_size(
        tmp_path: Path) -> None:
    paint(tmp_path, (406, 720), frames=1)
    assert probe(tmp_path / 'fake_B.mp4').size == (406, 720)
    assert probe(tmp_path / 'side_by_side.mp4').size == (3 * 304, 540)
    row = next(read_frames(tmp_path / 'side_by_side.mp4')).image
    assert np.abs(row.astype(int) - 40).max() < 4, 'the pose is as large as the others'
    assert cell_size((256, 256), 3, []) == (256, 256)
    assert cell_size((409, 720), 1, []) == (306, 540)
    wide = np.zeros((1080, 1920, 3), np.uint8)
    width, height = cell_size((1280, 720), 3, [wide])
    assert 4 * width <= 2048 < 4 * (width + 4) and width % 2 == height % 2 == 0


def test_only_large_pictures_have_thumbnails_and_the_page_shows_those(page: Path) -> None:
    folder = page.parent
    shown = {path.name for path in (folder / 'thumbnails').iterdir()}
    assert shown == {'fake_B.jpg', 'side_by_side.jpg', *(
        f'{k:06}_{label}.jpg' for k in (1, 2, 3) for label in ('fake_B', 'real_B'))}
    thumbnail = read_image(folder / 'thumbnails/000001_fake_B.jpg')
    assert thumbnail is not None and size_of(thumbnail) == (256, 449)
    text = page.read_text()
    sources = set(re.findall(r'<img[^>]*src="([^"]*)"', text))
    assert {source for source in sources if 'B' in source} == {
        f'thumbnails/{k:06}_{label}.jpg' for k in (1, 2, 3) for label in ('fake_B', 'real_B')}
    assert 'href="images/000001_fake_B.png"' in text, 'a click opens all of its pixels'
    films = re.findall('<video[^>]*>', text)
    assert len(films) == 2
    for film in films:
        assert 'preload="none"' in film and 'poster="thumbnails/' in film


def test_painting_again_replaces_thumbnails_and_posters(tmp_path: Path) -> None:
    paint(tmp_path)
    (tmp_path / 'thumbnails/mine.jpg').write_text('mine')
    paint(tmp_path, POSE, frames=1)
    kept = {path.name for path in (tmp_path / 'thumbnails').iterdir()}
    assert kept == {'fake_B.jpg', 'side_by_side.jpg', 'mine.jpg'}
    (tmp_path / 'painting.json').unlink()           # as after a failure in the middle
    paint(tmp_path)
    assert len(list((tmp_path / 'thumbnails').iterdir())) == 9


def test_pictures_that_wait_for_the_disk_take_a_bounded_memory(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, 'MAX_PENDING', 3 * FILM[0] * FILM[1] * 3)
    waiting = []
    wait = Results.wait

    def counted(results: Results, most: float) -> None:
        wait(results, most)
        waiting.append(sum(size for _, size in results.pending))
    monkeypatch.setattr(Results, 'wait', counted)
    paint(tmp_path, frames=12)
    assert len(waiting) == 13 and max(waiting) <= module.MAX_PENDING and waiting[-1] == 0


# in the browser

@needs_browser
def test_all_pictures_of_a_row_lie_in_boxes_of_one_size(page: Path) -> None:
    boxes = ask(page, """
      const box = (image) => image.getBoundingClientRect();
      const sizes = (row) => [...row.querySelectorAll('img')].map(
        image => [box(image).width, box(image).height]);
      return [...document.querySelectorAll('.row')].map(sizes);""", unfold=True)
    assert boxes
    for row in boxes:
        assert len(row) >= 3
        for box in row:
            assert box == pytest.approx(row[0], abs=0.1)
        assert row[0][1] / row[0][0] == pytest.approx(FILM[1] / FILM[0], rel=0.001)


@needs_browser
def test_no_film_is_loaded_before_a_frame_is_chosen_and_then_it_shows_that_frame(
        page: Path) -> None:
    states, time, links = ask(page, """
      const film = document.querySelectorAll('video')[1], slider = document.querySelector('#frame');
      const before = film.readyState;
      slider.value = 2;
      slider.dispatchEvent(new Event('input', {bubbles: true}));
      for (let k = 0; k < 1000 && film.readyState < 2; k++) await pause(20);
      const links = [...document.querySelectorAll('#chosen a')].map(a => a.getAttribute('href'));
      return [[before, film.readyState], film.currentTime, links];""")
    assert states[0] == 0 and states[1] >= 2 and time == pytest.approx(1, abs=0.01)
    assert [link.rpartition('/images/')[2] for link in links] == [
        f'000003_{label}.png' for label in LABELS]
