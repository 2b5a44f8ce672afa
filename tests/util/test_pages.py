"""Every page opens from disk in a real browser, and nothing on it comes from anywhere else."""
import math
import os
import re
from html import unescape
from pathlib import Path
from urllib.parse import unquote, unquote_to_bytes

import cv2
import numpy as np
import pytest

from evaluation.results_page import write_results_page
from tests.browser import COUNT, ask, needs_browser, photograph
from util.sinks.base_sink import RunFacts
from util.sinks.html_sink import HtmlSink
from util.visualizer import Visualizer
from util.web.page import (
    WEB,
    asset,
    facts_table,
    figure_row,
    page,
    render,
    script,
    styles,
    video,
)
from util.web.report_charts import ROW


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
def test_the_training_page_works_in_a_browser(training_page: Path, width: int) -> None:
    seen = ask(training_page, width=width, unfold=True)
    assert seen['pictures'] == 24 and seen['lost'] == []    # the real one twice: under the wipe too
    assert len(seen['lines']) == 5 and min(seen['lines']) > 100     # two of the losses are raw
    assert seen['wide'] <= 0                                        # nothing to scroll sideways


@needs_browser
def test_a_slider_wipes_the_painted_picture_off_the_real_one(training_page: Path) -> None:
    seen = ask(training_page, """
        const wipe = document.querySelector('.wipe'), [real, painted, slider] = wipe.children;
        const clip = () => getComputedStyle(painted).clipPath, before = clip();
        slider.value = 30;
        slider.dispatchEvent(new Event('input', {bubbles: true}));
        const boxes = [real, painted, slider].map(part => part.getBoundingClientRect());
        const {left, top, width, height} = boxes[0];
        return {before, after: clip(), boxes, alts: [real.alt, painted.alt],
          others: getComputedStyle(document.querySelectorAll('.wipe img + img')[1]).clipPath,
          held: document.elementFromPoint(left + width / 2, top + height / 2) === slider};""")
    assert seen['before'] == seen['others'] == 'inset(0px 0% 0px 0px)'
    assert seen['after'] == 'inset(0px 70% 0px 0px)'
    assert seen['boxes'][0] == seen['boxes'][1] == seen['boxes'][2] and seen['held']
    assert [alt.split(':')[0] for alt in seen['alts']] == ['real', 'painted']


FILM = """
    const [play, slider] = document.querySelector('.film').children;
    const painted = document.querySelector('.wipe img + img');
    const now = () => [painted.getAttribute('src'), painted.naturalWidth, play.innerText,
                       document.querySelector('h2').innerText];
    const [first, second] = ['film/000000190.jpg', 'film/000000290.jpg'];
    // Chromium's clock runs on while a picture is decoded, and stands still while one is fetched
    const fetched = () => new Promise((done) => {
      const any = new Image();
      any.onload = any.onerror = done;
      any.src = first + '?' + Math.random();
    });
    const until = async (at, value) => {
      while (now()[at] !== value) { await fetched(); await pause(20); }
    };"""


@needs_browser
def test_the_film_of_the_held_out_pose_steps_and_plays_from_disk(training_page: Path) -> None:
    sent = training_page.parents[1].rename(training_page.parents[2] / 'unzipped #1 é')
    start, end, seen = ask(sent / 'web/index.html', FILM + """
        slider.value = 0;
        slider.dispatchEvent(new Event('input', {bubbles: true}));
        await until(0, first);
        const start = now(), seen = [];
        new MutationObserver(() => seen.push(painted.getAttribute('src'))).observe(
          painted, {attributeFilter: ['src']});
        slider.value = slider.max;
        play.click();
        await until(2, 'Pause');
        await until(2, 'Play');
        await until(0, 'images/epoch003_heldout_fake_B.png');
        return [start, now(), seen];""")
    first, second = 'film/000000190.jpg', 'film/000000290.jpg'
    newest = 'images/epoch003_heldout_fake_B.png'
    assert start == [first, 32, 'Play', 'Epoch 1 · held-out score 1 · 190 images seen']
    assert end == [newest, 32, 'Play', 'Epoch 3 · held-out score 0.3333 · 390 images seen']
    assert list(dict.fromkeys(seen)) == [first, second, newest]


@needs_browser
def test_the_film_stops_where_it_is_paused(training_page: Path) -> None:
    middle, later = ask(training_page, FILM + """
        let paused = false;             // at once: who looks now and then may look too late
        new MutationObserver((_, watching) => {
          if (now()[0] === second) { watching.disconnect(); play.click(); paused = true; }
        }).observe(painted, {attributeFilter: ['src']});
        play.click();
        while (!paused) { await fetched(); await pause(20); }
        await pause(100);
        const middle = now();
        await pause(2000);
        return [middle, now()];""")
    assert middle == later and later[::2] == ['film/000000290.jpg', 'Play']


@needs_browser
def test_a_reload_moves_no_slider_closes_no_fold_and_does_not_scroll(training_page: Path) -> None:
    seen = ask(training_page, """
        const [wipe, film] = document.querySelectorAll('.wipe input, .film input');
        const fold = document.querySelector('details[id="Options"]');
        if (!sessionStorage.again) {
          sessionStorage.again = 1;
          for (const [slider, value] of [[wipe, 40], [film, 1]]) {
            slider.value = value;
            slider.dispatchEvent(new Event('input', {bubbles: true}));
          }
          fold.open = true;
          scrollTo(0, 300);
          await pause(300);
          location.reload();
          await pause(1e6);
        }
        const clip = getComputedStyle(document.querySelector('.wipe img + img')).clipPath;
        while (!document.querySelector('h2').innerText.startsWith('Epoch 2')) await pause(20);
        return [wipe.value, clip, film.value, fold.open,
                document.querySelectorAll('details[open]').length, scrollY];""", height=500)
    assert seen == ['40', 'inset(0px 60% 0px 0px)', '1', True, 1, 300]


@needs_browser
@pytest.mark.parametrize('state, times', [('training', 3), ('busy', 1), ('finished', 1)])
def test_the_page_looks_for_news_while_there_may_be_any(
        training_page: Path, monkeypatch: pytest.MonkeyPatch, state: str, times: int) -> None:
    if state != 'finished':
        monkeypatch.setattr('util.sinks.html_sink.REFRESH', 1)
        HtmlSink(RunFacts('me', training_page.parents[1], {}, {}, continued=True))
    loads = ask(training_page, """
        const loads = sessionStorage.loads = 1 + +(sessionStorage.loads || 0);
        if (BUSY) document.querySelector('.film').classList.add('playing');
        if (loads < 3) await pause(2000);
        document.body.classList.add('playing');     // or it would go on for ever
        return loads;""".replace('BUSY', str(state == 'busy').lower()))
    assert loads == times


@needs_browser
def test_pages_of_older_epochs_are_linked_both_ways_and_wipe_too(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.setattr('util.sinks.html_sink.GROUP', 1)
    newest = request.getfixturevalue('training_page')
    older = newest.with_name('epochs_001_to_001.html')
    links = "return [...document.querySelectorAll('a')].map(a => a.getAttribute('href'))"
    assert older.name in ask(newest, links)
    assert newest.name in ask(older, links, unfold=True)
    assert ask(older, """
        const slider = document.querySelector('.wipe input');
        slider.value = 30;
        slider.dispatchEvent(new Event('input', {bubbles: true}));
        return getComputedStyle(slider.previousSibling).clipPath;""",
        unfold=True) == 'inset(0px 70% 0px 0px)'


@needs_browser
def test_the_results_page_works_in_a_browser(results_page: Path) -> None:
    seen = ask(results_page, width=500, unfold=True)
    assert seen['lost'] == [] and seen['films'] == [[96, 32], [32, 32]] and seen['wide'] <= 0


@needs_browser
def test_frames_in_a_closed_fold_are_not_fetched(results_page: Path) -> None:
    seen = ask(results_page, COUNT, '--blink-settings=lazyLoadEnabled=true',    # off where nobody
               height=2000)                                                     # watches
    assert seen['pictures'] == 18 + 30 and len(seen['lost']) == 12   # 4 frames are not in sight


@needs_browser
def test_the_loss_curve_can_be_seen_by_day_and_by_night(training_page: Path,
                                                        tmp_path: Path) -> None:
    for dark, ground, colour in ((False, (246, 246, 243), (68, 87, 208)),
                                 (True, (17, 19, 22), (147, 160, 255))):
        picture = photograph(training_page, tmp_path / 'shot.png', height=1600, dark=dark)
        assert picture[2, 2].tolist() == list(ground)
        assert (abs(picture.astype(int) - colour).sum(axis=2) < 12).sum() > 200


# the parts

def test_facts_are_worded_for_people() -> None:
    table = facts_table({'flip': False, 'lr': 0.0002, 'size': [256, 256], 'epoch_count': None,
                         'stage': {'near': 231.25}}).render(pretty=False)
    for words in ('no', '0.0002', '256, 256', '–', 'near: 231.25'):
        assert f'<td>{words}</td>' in table


def test_a_page_is_whole() -> None:
    text = render(page('me'))
    assert text.startswith('<!DOCTYPE html>') and 'name="viewport"' in text
    assert 'lang="en"' in text and 'charset="utf-8"' in text


def test_styles_and_scripts_are_inside_the_page() -> None:
    document = page('me')
    document.head.add(styles('scores.css', 'results.css'))
    document.body.add(script('film.js'))
    text = render(document)
    for name in ('page.css', 'scores.css', 'results.css', 'film.js', 'page.js'):
        assert asset(name) in text
    assert '<link rel="stylesheet"' not in text and not re.search('<script[^>]* src=', text)


@pytest.mark.parametrize('name', sorted(path.name for path in WEB.glob('*.*s')))
def test_no_style_or_script_ends_the_element_it_is_in(name: str) -> None:
    assert asset(name).strip() and not re.search('</(style|script)|<!--', asset(name))


def test_the_rows_of_a_heat_map_do_not_touch() -> None:
    drawn = re.search(r'\.heat path { stroke-width: (\d+);', asset('wide_charts.css'))
    assert drawn and int(drawn[1]) == ROW - 2


@pytest.mark.parametrize('name', ['a#b?c', '100%20', 'say "hi" & <b>', 'a:b', 'two\nlines', '踊り',
                                  os.fsdecode(b'caf\xe9')])
def test_a_link_leads_to_its_file_whatever_name_that_has(name: str) -> None:
    document = page(name)
    document.body.add(figure_row([(f'images/{name}.png', 'fake_B')]), video(f'{name}.mp4'))
    text = render(document)
    text.encode('utf-8')
    urls = re.findall(r'(?:src|href)="([^"]+)"', text.partition('<body>')[2])
    files = {os.fsdecode(unquote_to_bytes(unescape(url))) for url in urls}
    assert files == {f'images/{name}.png', f'{name}.mp4'}
    assert not any(re.match(r'\w+:', url) for url in urls), 'a name must not become a protocol'
