"""A test run's page: the video first, then its quality in words, numbers, charts and frames."""
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import cv2
import numpy as np
import pytest

from evaluation.results import Results
from evaluation.results_page import spaced_in_time, worst_first, write_results_page
from evaluation.score_table import markdown_table, score_table
from tests.browser import ask, needs_browser
from util.noted import note
from util.video_writer import VideoWriter
from util.web.frame_charts import connected, frame_chart, with_extremes

FRAMES = 40
LABELS = ('real_A', 'fake_B', 'real_B')
VIDEOS = {'side by side': 'side_by_side.mp4', 'painted': 'fake_B.mp4'}


def metrics(count: int = FRAMES) -> dict[str, Any]:
    """As metrics.json; frame 30 is the worst, and of frame 5 the joints were not found."""
    ssim: list[float | None] = [0.9 - 0.001 * k for k in range(count)]
    ssim[30 % count] = 0.1
    pose: list[float | None] = [2.0 + k / 10 for k in range(count)]
    pose[5 % count] = None
    return {
        'format': 1, 'run': 'me', 'epoch': 'latest', 'frames': count,
        'names': [f'{k + 1:06}' for k in range(count)],
        'times': [4 + k / 10 for k in range(count)],
        'scores': {'painted': {'box_ssim': 0.86, 'psnr': 21.5, 'lpips_alex': None,
                               'missed_joints': 0.031},
                   'nearest': {'box_ssim': 0.88, 'psnr': 20.1, 'missed_joints': None}},
        'frames_scores': {'ssim': ssim, 'box_ssim': ssim, 'pose_error': pose,
                          'lpips_alex': [None] * count},
        'not_measured': {'lpips_alex': 'no weights here: python scripts/get_models.py lpips',
                         'lpips_vgg': 'no weights here: python scripts/get_models.py lpips'},
        'verdict': ['Better than the median picture by 10 %.', 'No better than <nearest pose>.']}


def make_page(folder: Path, count: int = FRAMES, measured: dict[str, Any] | None = None,
              labels: tuple[str, ...] = LABELS, facts: dict[str, Any] | None = None) -> Path:
    """The page of `count` frames, each of its own grey, and of two films of 4 s."""
    (folder / 'images').mkdir(parents=True)
    frames = []
    for k in range(count):
        frames.append({label: f'images/{k + 1:06}_{label}.png' for label in labels})
        for path in frames[-1].values():
            cv2.imwrite(str(folder / path), np.full((32, 32, 3), 40 + k % 200, np.uint8))
    for file, width in (('side_by_side', 96), ('fake_B', 32)):
        with VideoWriter(folder / f'{file}.mp4', fps=10) as film:
            for k in range(40):
                film.write(np.full((32, width, 3), 6 * k, np.uint8))
    return write_results_page(folder, {'name': 'me', 'netG': 'unet'} if facts is None else facts,
                              frames, VIDEOS, measured)


@pytest.fixture(scope='module')
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_page(tmp_path_factory.mktemp('results') / 'me/latest_val', measured=metrics())


def test_video_verdict_scores_charts_frames_and_facts_come_in_that_order(page: Path) -> None:
    text = page.read_text()
    parts = ['side_by_side.mp4', 'fake_B.mp4', 'Better than the median picture', '<table',
             'Not measured', 'Frame by frame', 'data-score="box_ssim"', 'The worst 10 frames',
             'Median frames by SSIM, person', 'unet', 'Every frame (40)', 'id="frame-1"',
             'id="frame-40"']
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    assert '&lt;nearest pose&gt;' in text
    assert 'data-score="ssim"' not in text, 'the same of the person says more'
    assert len(re.findall('<img', text)) == 3 * (10 + 4 + 40) + 4, 'wiping takes a fourth'


def test_what_was_not_measured_is_named_once_with_what_to_type(page: Path) -> None:
    text = page.read_text()
    assert 'Not measured: LPIPS; LPIPS, VGG (no weights here: python scripts/get_models.py lpips)' \
        in text
    assert 'data-score="lpips_alex"' not in text and text.count('get_models.py') == 1


def test_the_best_of_a_row_is_bold_whichever_way_is_better() -> None:
    columns = {'a': {'ssim': 0.9, 'l1': 0.2, 'missed_joints': 0.031, 'psnr': None},
               'b': {'ssim': 0.8, 'l1': 0.1, 'missed_joints': None}}
    rows = re.findall(r'<tr>(.*?)</tr>', score_table(columns).render(pretty=False))
    cells = {re.search(r'>([^<,\xa0]*)', row)[1]: re.findall(r'<td>(.*?)</td>', row)  # type: ignore
             for row in rows}
    assert cells == {'score': [], 'SSIM': ['<b>0.900</b>', '0.800'],
                     'L1': ['0.2000', '<b>0.1000</b>'], 'missed joints': ['3.1', '–']}
    printed = markdown_table(columns).splitlines()
    assert len(printed) == 2 + 3 and len({len(line) for line in printed}) == 1
    assert re.search(r'\| SSIM +\| \*\*0.900\*\* \| +0.800 \|', printed[2])


def test_the_worst_frames_are_those_of_the_worst_score_at_different_moments(page: Path) -> None:
    assert worst_first([3, None, 1, 2], greater=False) == [0, 3, 2]
    assert worst_first([3, None, 1, 2], greater=True) == [2, 3, 0]
    times = [k / 25 for k in range(1000)]
    worst = spaced_in_time(range(1000), times, 10)
    assert len(worst) == 10 and worst[:2] == [0, 13], 'half a second apart'
    assert len(spaced_in_time(range(12), times[:12], 10)) == 10, 'nearer in a short film'
    assert spaced_in_time([0], [4.0], 10) == [0]
    worst_part = page.read_text().split('The worst 10 frames by SSIM, person')[1]
    assert re.findall(r'>(\d+, [^<]*)</a>', worst_part)[0] == '000031, 3.00 s: 0.100'


def test_a_chart_shows_every_peak_of_a_long_film_and_no_line_where_nothing_is_known() -> None:
    values: list[float | None] = [0.0] * 10_000
    values[4321], values[77], values[5000:6000] = 9.0, -9.0, [None] * 1000
    first, second = connected(values)
    assert first[-1] == (4999, 0.0) and second[0] == (6000, 0.0)
    kept = with_extremes(first, 30)
    assert len(kept) <= 2 * 5000 / 30 + 2 and (4321, 9.0) in kept and (77, -9.0) in kept
    assert kept == sorted(kept)
    drawn = frame_chart('ssim', list(range(10_000)), values, 'SSIM')
    lines = re.findall('points="([^"]*)"', drawn)
    assert len(lines) == 2 and max(len(line.split()) for line in lines) <= 400
    for some in (range(0, 200, 4), np.linspace(0, 62, 48).astype(int)):
        assert len(connected([1.0 if k in some else None for k in range(200)])) == 1
    assert connected([None, 1.0]) == [[(1, 1.0)]]
    assert frame_chart('ssim', [0.0, 1.0], [None, None], 'SSIM') == ''
    assert 'nan' not in frame_chart('ssim', [3.0], [0.5], 'SSIM')


def test_a_video_without_truth_shows_the_scores_that_need_none(tmp_path: Path) -> None:
    measured = metrics()
    measured['frames_scores'] = {'pose_error': measured['frames_scores']['pose_error']}
    measured['scores'] = {'painted': {'pose_error': 3.9}}
    text = make_page(tmp_path / 'a/latest_val', measured=measured, labels=LABELS[:2]).read_text()
    assert 'The worst 10 frames by pose error' in text and '<td>3.90</td>' in text
    measured['frames_scores'] = {'pose_error': [None] * FRAMES, 'a_new_one': [1.0] * FRAMES}
    text = make_page(tmp_path / 'b/latest_val', measured=measured).read_text()
    assert 'Frame by frame' not in text and '<td>3.90</td>' in text


def test_without_truth_each_kind_of_fault_has_worst_frames_of_its_own(tmp_path: Path) -> None:
    measured = metrics()
    rising = [1 + k / 10 for k in range(FRAMES)]
    pose: list[float | None] = [*rising[1:], None]          # of the last frame nobody was found
    measured['frames_scores'] = {'pose_error': pose, 'spill': rising[::-1], 'gaps': rising,
                                 'framed': [1.0] * FRAMES}
    measured['scores'] = {'painted': {'pose_error': 3.9, 'spill': 3, 'gaps': 3, 'framed': 1}}
    text = make_page(tmp_path / 'a/latest_val', measured=measured, labels=LABELS[:2]).read_text()
    places = [text.index(f'The worst 6 frames by {name}') for name in
              ('gaps', 'spill', 'pose error')]
    assert places == sorted(places)
    shown = [re.findall(r'>(\d+), [^<]*</a>', text[place:])[0] for place in places]
    assert shown == ['000040', '000001', '000039'], 'gaps have the frame in which nobody is'
    assert 'framed' in text and 'data-score="framed"' not in text, 'it is whole in every frame'
    measured['frames_scores']['framed'][3] = 0.0
    text = make_page(tmp_path / 'b/latest_val', measured=measured, labels=LABELS[:2]).read_text()
    assert 'data-score="framed"' in text


def test_with_truth_the_worst_frames_are_those_that_differ_most_from_it(tmp_path: Path) -> None:
    measured = metrics()
    measured['frames_scores']['spill'] = [1 + k / 10 for k in range(FRAMES)]
    text = make_page(tmp_path / 'me/latest_val', measured=measured).read_text()
    assert re.findall(r'The worst \d+ frames by [^<]*', text) == [
        'The worst 10 frames by SSIM, person']


def test_the_page_reads_the_metrics_of_this_run_and_never_of_an_earlier_one(
        tmp_path: Path) -> None:
    class Dataset:
        root, facts = tmp_path, {'fps': 10.0}
    kept = tmp_path / 're/metrics.json'
    results = Results(tmp_path / 're', Dataset(), {})
    for measured in (True, False):
        with results.writing():
            results.frames, results.names = [], []
            results.add('000001.png', {label: np.zeros((32, 32, 3), np.uint8)
                                       for label in LABELS})
        if measured:
            kept.write_text(json.dumps(metrics(1)))
            note(kept.parent, ['metrics.json'])
        text = results.write_page({}).read_text()
        assert ('Better than the median picture' in text) is measured
        assert kept.exists() is measured


def test_every_link_of_the_page_leads_somewhere_in_its_folder(page: Path) -> None:
    text = page.read_text()
    assert not re.search(r'https?:|[^:]//\w|url\(|@import', text.replace('="data:,"', ''))
    for link in re.findall(r'(?:src|href)="([^"]*)"', text):
        if link.startswith('#'):
            assert f'id="{link[1:]}"' in text
        elif link != 'data:,':
            assert (page.parent / unquote(link)).is_file(), link


# in the browser

@needs_browser
@pytest.mark.parametrize('width', [1280, 500])
def test_everything_is_there_and_nothing_runs_off_the_side(page: Path, width: int) -> None:
    seen = ask(page, width=width, unfold=True)
    assert seen['lost'] == [] and seen['films'] == [[96, 32], [32, 32]] and seen['wide'] <= 0
    assert len(seen['lines']) == 3 and min(seen['lines']) > 20, 'pose error has a gap'


@needs_browser
def test_pointing_at_a_chart_shows_that_frame_and_choosing_it_moves_the_films(page: Path) -> None:
    seen = ask(page, """
      const find = (what) => document.querySelector(what);
      const chart = find('svg[data-score=pose_error]'), box = chart.getBoundingClientRect();
      const state = () => ({
        frame: find('#frame-name').textContent, link: find('#frame-name').getAttribute('href'),
        value: chart.parentNode.querySelector('b').textContent, slider: +find('#frame').value,
        pictures: [...document.querySelectorAll('#chosen img')].map(i => i.getAttribute('src')),
        line: chart.querySelector('.cursor').getBoundingClientRect().x - box.x,
        films: [...document.querySelectorAll('video')].map(film => film.currentTime)});
      const point = (kind, part) => chart.dispatchEvent(new PointerEvent(kind,
        {clientX: box.x + box.width * part, clientY: box.y + 9, bubbles: true}));
      const states = [state()];
      point('pointermove', (44 + 408 * 5 / 39) / 460);
      states.push({...state(), wanted: box.width * (44 + 408 * 5 / 39) / 460});
      point('click', (44 + 408 * 20.4 / 39) / 460);
      await pause(200);
      states.push(state());
      find('#frame').value = 39;
      find('#frame').dispatchEvent(new Event('input', {bubbles: true}));
      await pause(200);
      states.push(state());
      const folds = [find('#frame-40').closest('details').open];
      addEventListener('click', event => event.preventDefault());   // some browsers do it alone
      find('#frame-name').click();
      folds.push(find('#frame-40').closest('details').open);
      return {states, folds};""")
    first, pointed, chosen, last = seen['states']
    assert first['frame'] == '000031, 3.00 s' and first['value'] == '5.00', 'the worst one'
    assert first['films'] == [0, 0]
    assert pointed['frame'] == '000006, 0.50 s' and pointed['value'] == '–'
    assert pointed['slider'] == 5 and pointed['link'] == '#frame-6'
    assert pointed['pictures'] == [f'images/000006_{label}.png' for label in
                                   ('real_A', 'real_B', 'fake_B', 'real_B')]
    assert abs(pointed['line'] - pointed['wanted']) < 1 and pointed['films'] == [0, 0]
    assert chosen['frame'] == '000021, 2.00 s' and chosen['value'] == '4.00'
    assert chosen['films'] == pytest.approx([2, 2], abs=0.01)
    assert last['frame'] == '000040, 3.90 s' and last['films'] == pytest.approx([3.9] * 2, abs=0.01)
    assert seen['folds'] == [False, True]


@needs_browser
def test_the_film_plays_and_the_charts_follow_it(page: Path) -> None:
    seen = ask(page, """
      const film = document.querySelector('video');
      film.muted = true;
      await film.play();
      while (film.currentTime < .5) await pause(10);
      await new Promise(done => film.addEventListener('timeupdate', done, {once: true}));
      return {time: film.currentTime, frame: document.querySelector('#frame').value};""",
      '--virtual-time-budget=10000000')     # a film plays in real time, everything else does not
    assert seen['time'] > 0.5 and abs(int(seen['frame']) - 10 * seen['time']) < 1


@needs_browser
def test_of_2000_frames_only_those_in_sight_are_fetched(tmp_path: Path) -> None:
    picture = tmp_path / 'one.png'
    cv2.imwrite(str(picture), np.zeros((32, 32, 3), np.uint8))
    (tmp_path / 'me/images').mkdir(parents=True)
    frames = [{label: f'images/{k}_{label}.png' for label in LABELS} for k in range(2000)]
    for frame in frames:
        for path in frame.values():
            (tmp_path / 'me' / path).hardlink_to(picture)
    seen = ask(write_results_page(tmp_path / 'me', {}, frames, {}, metrics(2000)), """
      const fetched = () => [...document.images].filter(image => image.naturalWidth).length;
      const closed = fetched();
      document.querySelector('.frame').closest('details').open = true;
      scrollTo(0, document.body.scrollHeight);
      for (let k = 0; k < 50 && fetched() === closed; k++) await pause(100);   // a busy machine
      await pause(300);
      return [document.images.length, closed, fetched() - closed];""",
      '--blink-settings=lazyLoadEnabled=true')              # off where nobody watches
    pictures, closed, opened = seen
    assert pictures == 3 * (10 + 4 + 2000) + 4
    assert closed < 200 and 0 < opened < 500
