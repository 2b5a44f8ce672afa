"""A suite runs a list of transfers, shows them on a page, resumes, and says what got worse."""
import json
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from scripts import processes, suite
from tests.browser import ask, needs_browser
from tests.util.clips import clip, numbered
from util.errors import UserError
from util.files import write_json
from util.images import write_image

FRAMES = 24
STEPS = ('person', 'moves', 'training', 'painting')
SCORES = {'pose_error': 4.0, 'missed_people': 0.0, 'own_warp_error': 2.5}


class Entry:
    """Stands in for transfer.py and test.py: each call is kept, and writes what they would write.

    calls    [(script, {flag: value})]
    fails    {name of a film: what is raised in its place, during the second step}
    scores   of every film
    """

    def __init__(self):
        self.calls: list[tuple[str, dict[str, str]]] = []
        self.fails: dict[str, BaseException] = {}
        self.scores = SCORES

    def __call__(self, script, argv, log, tick):
        given = dict(word.removeprefix('--').split('=', 1) for word in argv if '=' in word)
        self.calls.append((script, given))
        results = Path(given['results_dir']) / given['name']
        film = Path(given.get('output', 'none.mp4'))
        broken = self.fails.get(film.stem)
        if script == 'transfer.py':
            write_json(results / 'transfer.json', {
                'seconds': dict.fromkeys(STEPS[:2] if broken else STEPS, 10.0),
                'finished': STEPS[:1] if broken else STEPS})
        if broken:
            raise broken
        self.write_results(results / 'latest_val', baselines=script == 'test.py')
        if script == 'transfer.py':
            film.parent.mkdir(exist_ok=True)
            write_json(Path(given['datasets_dir']) / 'ann_as_me' / 'report.json', {'coverage': {
                'unlike': {'arms': [[2, 2.2]], 'legs': [[0, 2.1]], 'head': [[0, 1]]}}})
            for path in (film, film.with_name(f'{film.stem}_side_by_side.mp4')):
                clip(path, [k / 10 for k in range(8)])
        return 321.0

    def write_results(self, folder: Path, baselines: bool) -> None:
        names = [f'{k + 1:06d}' for k in range(FRAMES)]
        (folder / 'images').mkdir(parents=True, exist_ok=True)
        for k, name in enumerate(names):
            for label in ('real_A', 'fake_B'):
                write_image(folder / 'images' / f'{name}_{label}.png', numbered(k))
        errors = [float(k) for k in range(FRAMES)]
        metrics = {'scores': {'painted': self.scores}, 'seconds': 4.0, 'names': names,
                   'times': [k / 10 for k in range(FRAMES)],
                   'frames_scores': {'pose_error': [*errors[:-1], None],
                                     'own_warp_error': [0.5] * FRAMES}}
        if baselines:
            metrics['scores'] = {'painted': {'box_lpips_alex': 0.1},
                                 'nearest': {'box_lpips_alex': 0.2}}
        write_json(folder / 'metrics.json', metrics)
        write_json(folder / 'painting.json', {'device': 'cpu', 'frames': dict(zip(
            names, metrics['times']))})

    def films(self) -> list[str]:
        """The films that transfer.py was called for."""
        return [Path(given['output']).stem for script, given in self.calls
                if script == 'transfer.py']

    def overwritten(self) -> set[str]:
        """The steps that the last transfer.py was told to do again."""
        given = [given for script, given in self.calls if script == 'transfer.py'][-1]
        return {step for step in ('target', 'source', 'train')
                if '--overwrite' in given[f'{step}_args']}


@pytest.fixture
def entry(monkeypatch):
    fake = Entry()
    monkeypatch.setattr(processes, 'call_script', fake)
    return fake


@pytest.fixture
def job(tmp_path, entry, monkeypatch):
    """job(...) runs the suite of two pairs of one target into tmp_path/out; its suite.json."""
    videos = tmp_path / 'videos'
    videos.mkdir()
    for name in ('me', 'ann', 'bob'):
        clip(videos / f'{name}.mp4', [0, 0.1, 0.2])
    write_json(videos / 'pairs.json', [
        {'name': 'me_as_ann', 'target': 'me.mp4', 'source': 'ann.mp4'},
        {'name': 'me_as_bob', 'target': 'me.mp4', 'source': 'bob.mp4', 'source_args': '--start 0'}])
    (tmp_path / 'elsewhere').mkdir()
    monkeypatch.chdir(tmp_path / 'elsewhere')       # paths are those of the list, not of the shell

    def call(*flags, out='out'):
        entry.calls.clear()
        page = suite.main([str(videos / 'pairs.json'), '--out', str(tmp_path / out), *flags])
        assert page == tmp_path / out / 'index.html'
        return json.loads((tmp_path / out / 'suite.json').read_text())
    call.videos, call.out = videos, tmp_path / 'out'
    return call


def test_a_suite_measures_each_pair_and_each_targets_held_out_frames_once(job, entry, capsys):
    found = job('--minutes', '0.5')
    assert [script for script, _ in entry.calls] == ['transfer.py', 'test.py', 'transfer.py']
    first, held_out, second = [given for _, given in entry.calls]
    assert first['name'] == second['name'] == held_out['name'] == 'me'
    assert first['datasets_dir'] == second['datasets_dir'] and first['minutes'] == '0.5'
    assert first['results_dir'] != second['results_dir'] and '--start 0' in second['source_args']
    assert first['test_args'].split() == ['--metrics', 'all'] and held_out['metrics'] == 'all'
    assert held_out['dataroot'] == f'{first["datasets_dir"]}/me'

    assert found['format'] == 1 and found['minutes'] == 0.5 and found['machine']['device'] == 'cpu'
    assert set(found['machine']) == {'cores', 'processor', 'device'}
    assert list(found['pairs']) == ['me_as_ann', 'me_as_bob']
    for name, row in found['pairs'].items():
        assert row['scores'] == SCORES and row['memory'] == 321
        assert row['film'] == f'films/{name}.mp4' and (job.out / row['film']).is_file()
        seconds = row['seconds']
        assert seconds.pop('all') >= sum(seconds.values())
        assert seconds == {'person': 10, 'moves': 10, 'training': 10, 'painting': 6, 'measuring': 4}
    assert found['held_out']['me']['scores'] == {'box_lpips_alex': 0.1}
    assert found['held_out']['me']['baselines'] == {'nearest': {'box_lpips_alex': 0.2}}
    assert 'me_as_bob: pose error 4.00 % of body height' in capsys.readouterr().out


def test_the_page_shows_films_and_a_sheet_of_frames_and_why_the_worst_are_bad(job):
    job()
    text = (job.out / 'index.html').read_text()
    assert 'films/me_as_ann_side_by_side.mp4' in text and 'preload="none"' in text
    assert '000024, 2.30 s: none of its joints is found, warped error' in text
    why = 'pose error 21.00 % of body height, warped error by its own motion 0.50 grey levels; ' \
          'the target was never filmed with arms and legs like these'
    assert f'000022, 2.10 s: {why}' in text
    assert 'pose error 5.00' not in text
    sheet = cv2.imread(str(job.out / 'sheets/me_as_ann.jpg'))
    assert sheet.shape == (2 * (144 + 30), 6 * 192, 3)
    shown = [sheet[row * 174 + 100, column * 192 + 96, 0] for row in (0, 1) for column in range(6)]
    frames = [round((int(value) - 10) / 8) for value in shown]
    assert frames == np.linspace(0, FRAMES - 1, 12).round().tolist(), 'evenly spaced'


@needs_browser
def test_the_page_opens_in_a_browser_with_every_picture(job):
    job()
    found = ask(job.out / 'index.html', unfold=True)
    assert found['pictures'] == 2 * (1 + 2 * 4) and found['lost'] == []
    assert found['wide'] <= 0 and len(found['films']) == 2


def test_the_same_command_does_only_what_is_missing(job, entry):
    before = job('--minutes', '1')
    assert job('--minutes', '1') == before | {'made': json.loads(
        (job.out / 'suite.json').read_text())['made']} and entry.calls == []
    (job.out / 'films/me_as_bob.mp4').unlink()
    job('--minutes', '1')
    assert entry.films() == ['me_as_bob'] and entry.overwritten() == set()

    job('--minutes', '2')
    assert entry.films() == ['me_as_ann', 'me_as_bob'] and len(entry.calls) == 3
    again = [given['train_args'] for script, given in entry.calls if script == 'transfer.py']
    assert ['--overwrite' in words for words in again] == [True, False], 'it is trained once'

    os.utime(job.videos / 'bob.mp4', (1, 1))
    job('--minutes', '2')
    assert entry.films() == ['me_as_bob'] and entry.overwritten() == {'source'}
    os.utime(job.videos / 'me.mp4', (1, 1))
    job('--minutes', '2', '--pairs', 'me_as_bob')
    assert entry.films() == ['me_as_bob'] and entry.overwritten() == {'target', 'source', 'train'}
    text = (job.out / 'index.html').read_text()
    assert 'have changed since these were made: me_as_ann.' in text


def test_another_size_makes_every_film_again(job, entry):
    job('--minutes', '1')
    assert all('size' not in given for _, given in entry.calls)
    job('--minutes', '1', '--size', '256')
    films = [given for script, given in entry.calls if script == 'transfer.py']
    assert entry.films() == ['me_as_ann', 'me_as_bob']
    assert [given['size'] for given in films] == ['256', '256']
    again = ['--overwrite' in given['target_args'] for given in films]
    assert again == [True, False], 'the target is prepared once'
    job('--minutes', '1', '--size', '256')
    assert entry.calls == []


def test_a_pair_that_fails_is_a_row_and_is_tried_again(job, entry, capsys):
    entry.fails['me_as_ann'] = UserError('nobody is found in it')
    found = job()
    assert found['pairs']['me_as_ann']['error'] == 'nobody is found in it'
    assert found['pairs']['me_as_bob']['scores'] == SCORES
    assert 'failed: nobody is found in it' in (job.out / 'index.html').read_text()
    assert 'me_as_ann: failed (nobody is found in it)' in capsys.readouterr().out
    del entry.fails['me_as_ann']
    found = job()
    assert entry.films() == ['me_as_ann'] and 'error' not in found['pairs']['me_as_ann']


def test_what_is_finished_when_a_suite_is_stopped_stays(job, entry):
    entry.fails['me_as_bob'] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        job()
    kept = json.loads((job.out / 'suite.json').read_text())
    assert kept['pairs']['me_as_ann']['scores'] == SCORES and 'me' in kept['held_out']
    assert kept['pairs']['me_as_bob']['error'] == 'stopped before the end'
    assert 'me_as_ann' in (job.out / 'index.html').read_text()
    del entry.fails['me_as_bob']
    found = job()
    assert entry.films() == ['me_as_bob'] and len(entry.calls) == 1
    assert found['pairs']['me_as_bob']['seconds']['moves'] == 20, 'the stopped call counts too'


def test_what_got_worse_since_an_earlier_suite_comes_first(job, entry, capsys):
    job(out='old')
    entry.scores = {'pose_error': 5.0, 'missed_people': 0.004, 'own_warp_error': 1.5}
    capsys.readouterr()
    job('--against', str(job.out.parent / 'old'))
    said = capsys.readouterr().out
    worse = 'me_as_ann: pose error 5.00 % of body height, was 4.00.'
    better = 'me_as_ann: warped error by its own motion 1.50 grey levels, was 2.50.'
    assert said.index('Worse than') < said.index(worse) < said.index('Better:') < said.index(better)
    text = (job.out / 'index.html').read_text()
    assert text.index(worse) < text.index(better) < text.index('<h2>Scores')


PAIR = {'name': 'a', 'target': 'me.mp4', 'source': 'ann.mp4'}


@pytest.mark.parametrize('pairs, said', [
    ({}, 'no list of pairs'), ([], 'no list of pairs'), (['me'], "pair 1: 'me' is no pair"),
    ([PAIR, PAIR | {'name': 'A'}], 'two pairs are called A'),
    ([PAIR | {'sorce_args': ''}], 'Did you mean source_args'),
    ([PAIR | {'train_args': 3}], 'train_args is 3'), ([{'name': 'a'}], 'target is missing'),
    *[([PAIR | {'name': name}], 'also that of a folder')
      for name in ('../a', '.a', 'a/b', '-a', 'a.', 'a ')],
    ([PAIR | {'source': 'no.mp4'}], 'a: source no.mp4: no such file'),
    ([PAIR | {'source': 'pairs.json'}], 'a: .*pairs.json'),
    ([PAIR, PAIR | {'name': 'b', 'train_args': '--ngff 3'}], 'b: --ngff')])
def test_a_bad_list_is_refused_before_any_work(pairs, said, job, entry):
    write_json(job.videos / 'pairs.json', pairs)
    with pytest.raises(UserError, match=said):
        job()
    assert entry.calls == [] and not job.out.exists()


def test_a_list_that_is_no_json_is_not_to_be_deleted(job, entry):
    (job.videos / 'pairs.json').write_bytes('[{"name": "caf\xe9"}]'.encode('latin-1'))
    with pytest.raises(UserError, match='save it as UTF-8') as refused:
        job()
    assert 'Delete' not in str(refused.value) and entry.calls == []


@pytest.mark.parametrize('flags, said', [
    (['--pairs', 'me_as_an'], 'Did you mean me_as_ann'), (['--minutes', 'nan'], 'give 0 or more'),
    (['--against', 'nowhere'], 'suite.json: no such file'), (['--against', '../out'], 'itself')])
def test_a_bad_flag_is_refused_before_any_work(flags, said, job, entry):
    with pytest.raises(UserError, match=said):
        job(*flags)
    assert entry.calls == [] and not job.out.exists()


def test_what_the_user_has_in_the_folder_stays(job, entry):
    job.out.mkdir()
    (job.out / 'films').mkdir()
    with pytest.raises(UserError, match='films: is there already'):
        job()
    (job.out / 'films').rmdir()
    (job.out / 'notes.txt').write_text('mine')
    job()
    (job.out / 'index.html').write_text('my own remarks')
    with pytest.raises(UserError, match='index.html: is there already'):
        job()
    assert entry.calls == [] and (job.out / 'index.html').read_text() == 'my own remarks'
    assert (job.out / 'notes.txt').read_text() == 'mine'


def test_targets_of_one_name_that_are_prepared_differently_have_runs_of_their_own(job, entry):
    (job.videos / 'other').mkdir()
    shutil.copy(job.videos / 'me.mp4', job.videos / 'other')
    write_json(job.videos / 'pairs.json', [
        PAIR, PAIR | {'name': 'b', 'target_args': '--end 1'},
        PAIR | {'name': 'c', 'target': 'other/me.mp4'}, PAIR | {'name': 'd'}])
    found = job()
    assert [row['target'] for row in found['pairs'].values()] == ['me', 'me_2', 'me_3', 'me']
    assert set(found['held_out']) == {'me', 'me_2', 'me_3'}


def test_held_out_frames_are_measured_as_the_first_pair_of_a_target_says(job, entry):
    write_json(job.videos / 'pairs.json', [
        PAIR | {'test_args': '--num_test=5'}, PAIR | {'name': 'b', 'test_args': '--num_test=6'}])
    job('--pairs', 'b')
    assert entry.calls[-1][0] == 'test.py' and entry.calls[-1][1]['num_test'] == '5'
    job()
    assert entry.films() == ['a'] and len(entry.calls) == 1


@pytest.mark.slow
@pytest.mark.e2e
def test_a_real_suite_of_two_drawn_dancers(short_videos, tmp_path):
    write_json(tmp_path / 'pairs.json', [{
        'name': 'drawn', 'target': str(short_videos[0]), 'source': str(short_videos[1]),
        'target_args': '--size 128', 'train_args': '--device cpu', 'test_args': '--device cpu'}])
    argv = [str(tmp_path / 'pairs.json'), '--out', str(tmp_path / 'out'), '--minutes', '0.02']
    page = suite.main(argv)
    found = json.loads((page.parent / 'suite.json').read_text())
    row = found['pairs']['drawn']
    assert row['scores']['missed_people'] == 0 and row['seconds']['training'] > 1
    assert found['held_out']['target']['baselines']
    for name in ('films/drawn.mp4', 'sheets/drawn.jpg', 'posters/drawn.jpg'):
        assert (page.parent / name).is_file()
    made = (page.parent / 'films/drawn.mp4').stat().st_mtime_ns
    assert suite.main(argv) == page
    assert (page.parent / 'films/drawn.mp4').stat().st_mtime_ns == made
