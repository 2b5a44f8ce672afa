"""compare.py shows the scores, training curves and frames of several runs in a video and a page."""
import json
import re
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import cv2
import numpy as np
import pytest

import util.owned
from scripts import compare
from tests.browser import ask, needs_browser
from util.errors import UserError
from util.noted import note
from util.owned import replacing
from util.video import probe, read_frames

FRAMES = 12


def add_run(root: Path, name: str, grey: int, ssim: float, frames: int = FRAMES,
            truth: bool = True, measured: bool = True) -> None:
    """A run as train.py and test.py leave it: it paints all `grey`, worst in its middle frame."""
    folder, trained = root / 're' / name / 'latest_val', root / 'ck' / name
    (folder / 'images').mkdir(parents=True)
    (trained / 'web').mkdir(parents=True)
    names = [f'{k + 1:06}' for k in range(frames)]
    for frame in names:
        for label, value in (('real_A', 0), ('fake_B', grey), ('real_B', 200))[:2 + truth]:
            cv2.imwrite(str(folder / f'images/{frame}_{label}.png'),
                        np.full((32, 32, 3), value, np.uint8))
    times = [2 + k / 10 for k in range(frames)]
    write(folder / 'painting.json', {'seconds_a_frame': 0.02, 'device': 'CPU', 'parameters': 2e6,
                                     'frames': dict(zip(names, times))})
    single = [ssim] * frames
    single[frames // 2] = ssim / 2
    if measured:
        write(folder / 'metrics.json', {
            'names': names, 'times': times, 'frames_scores': {'box_ssim': single},
            'scores': {'painted': {'box_ssim': ssim, 'l1': 0.1}, 'median': {'box_ssim': 0.4}}})
    write(trained / 'run.json', {'options': {'model': 'pix2pix', 'netG': f'unet_{grey}'}})
    events = [{'losses': {'G_L1': 9 / step}, 'step': step, 'epoch': 1} for step in range(1, 9)]
    events.append({'heldout': {}, 'step': 8, 'epoch': 1, 'score': ssim})
    (trained / 'web/history.jsonl').write_text(
        '\n'.join(map(json.dumps, events)) + '\n{"losses": {"G_L')


def write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value))


def argv(root: Path, *words: str) -> list[str]:
    return [*words, '--results_dir', str(root / 're'), '--checkpoints_dir', str(root / 'ck')]


def test_two_runs_come_into_one_table_one_film_and_one_page(
        tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add_run(tmp_path, 'me', 100, 0.8)
    add_run(tmp_path, 'hd', 180, 0.9)
    page = compare.main(argv(tmp_path, 'me', 'hd'))
    assert page == tmp_path / 're/compare_me_hd/index.html'
    printed = capsys.readouterr().out
    assert re.search(r'\| score +\| +me \| +hd \| median picture \|', printed)
    assert re.search(r'\| SSIM, person +\| +0.800 \| +\*\*0.900\*\* \| +0.400 \|', printed)
    film = probe(page.parent / 'compare.mp4')
    assert film.frames == FRAMES and film.size == (4 * 192, 192 + 30) and film.fps > 9

    text = page.read_text()
    assert '<b>0.900</b>' in text and 'Where they differ most by SSIM, person' in text
    assert 'unet_100' in text and 'unet_180' in text and '2.00 million weights' in text
    plots = dict(re.findall(r'<h2>([^<]*)</h2><svg(.*?)</svg>', text))
    assert list(plots) == ['SSIM, person over the video', 'held-out score', 'G_L1']
    assert plots['G_L1'].count('<polyline') == 2, 'an incomplete line hurts no other'
    for link in re.findall(r'(?:src|href)="([^"]*)"', text):
        assert link == 'data:,' or (page.parent / unquote(link)).is_file(), link
        assert '..' not in link, 'the folder stands alone'
    (page.parent / 'notes.txt').write_text('mine')
    assert compare.main(argv(tmp_path, 'me', 'hd')) == page, 'again, over its own'
    assert (page.parent / 'notes.txt').read_text() == 'mine'


def test_large_frames_are_shown_by_thumbnails_which_the_next_call_replaces(
        tmp_path: Path) -> None:
    add_run(tmp_path, 'me', 100, 0.8)
    add_run(tmp_path, 'hd', 180, 0.9)
    images = tmp_path / 're/hd/latest_val/images'
    small = {path: path.read_bytes() for path in images.glob('*_fake_B.png')}
    for path in small:
        cv2.imwrite(str(path), np.full((526, 300, 3), 180, np.uint8))
    page = compare.main(argv(tmp_path, 'me', 'hd'))
    text = page.read_text()
    thumbnails = page.parent / 'thumbnails'
    shown = set(re.findall('src="(thumbnails/[^"]*)"', text))
    assert {f'thumbnails/{path.name}' for path in thumbnails.glob('*_3.jpg')} == shown
    assert len(shown) == compare.SAMPLE and text.count('--shape: 300/526') == len(shown)
    assert 'poster="thumbnails/compare.jpg" preload="none"' in text
    assert probe(page.parent / 'compare.mp4').size == (4 * 300, 526 + 30)
    for path, picture in small.items():
        path.write_bytes(picture)
    compare.main(argv(tmp_path, 'me', 'hd'))
    assert [path.name for path in thumbnails.iterdir()] == ['compare.jpg']


def test_results_that_a_stopped_call_left_half_replaced_are_completed_first(
        tmp_path: Path) -> None:
    for name, grey in (('me', 100), ('hd', 180)):
        add_run(tmp_path, name, grey, 0.8)
    place = tmp_path / 're/me/latest_val'
    move = util.owned._move

    def killed_before_the_record(source: Path, target: Path) -> None:
        if target.name == 'painting.json':
            raise KeyboardInterrupt
        move(source, target)
    earlier = {path.relative_to(place).as_posix() for path in place.rglob('*') if path.is_file()}
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt), \
            replacing(place, lambda: earlier) as new:
        patch.setattr(util.owned, '_move', killed_before_the_record)
        add_run(tmp_path / 'second', 'me', 100, 0.8, frames=4)
        shutil.copytree(tmp_path / 'second/re/me/latest_val', new, dirs_exist_ok=True)
    compare.main(argv(tmp_path, 'me', 'hd'))
    shown = read_frames(tmp_path / 're/compare_me_hd/compare.mp4')
    assert len(list(shown)) == 4, 'the frames of the second call, not all of the first'


@pytest.mark.parametrize('moves', range(4))
def test_the_same_command_works_after_it_was_stopped(moves: int, tmp_path: Path) -> None:
    for name, grey in (('me', 100), ('hd', 180)):
        add_run(tmp_path, name, grey, 0.8)
    move = util.owned._move
    moved: list[Path] = []

    def killed_on_the_way(source: Path, target: Path) -> None:
        if len(moved) == moves:
            raise KeyboardInterrupt
        moved.append(target)
        move(source, target)
    out = tmp_path / 're/compare_me_hd'
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(util.owned, '_move', killed_on_the_way)
        compare.main(argv(tmp_path, 'me', 'hd'))
    compare.main(argv(tmp_path, 'me', 'hd'))
    assert (out / 'index.html').is_file() and (out / 'compare.mp4').is_file()
    assert sorted(path.name for path in out.iterdir()) == [
        '.written.json', 'compare.mp4', 'images', 'index.html', 'thumbnails']


def test_the_frames_shown_are_those_over_which_the_runs_disagree(tmp_path: Path) -> None:
    add_run(tmp_path, 'me', 100, 0.8)
    add_run(tmp_path, 'hd', 180, 0.9)
    scores = tmp_path / 're/me/latest_val/metrics.json'
    metrics = json.loads(scores.read_text())
    metrics['frames_scores']['box_ssim'][2] = 0.1
    write(scores, metrics)
    text = compare.main(argv(tmp_path, 'me', 'hd')).read_text()
    assert '000003' in re.findall(r'<h3>(\d+)</h3>', text)


def test_reasons_against_a_comparison_are_on_the_page_and_in_the_terminal(
        tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add_run(tmp_path, 'me', 100, 0.8)
    add_run(tmp_path, 'short', 100, 0.8, frames=5, measured=False)
    for path in (tmp_path / 're/short/latest_val/images').glob('*_real_B.png'):
        cv2.imwrite(str(path), np.full((32, 32, 3), 90, np.uint8))
    text = compare.main(argv(tmp_path, 'me', 'short')).read_text()
    warned = capsys.readouterr().err
    for words in ('short has no scores; type python test.py --name short',
                  'have not painted the same frames', 'from different datasets'):
        assert words in text and words in warned
    assert 'A few frames' in text and '<td>–</td>' in text
    add_run(tmp_path, 'twin', 100, 0.8)
    assert 'from different datasets' not in compare.main(argv(tmp_path, 'me', 'twin')).read_text()


def test_runs_without_real_frames_are_compared_too(tmp_path: Path) -> None:
    for name, grey in (('me', 100), ('hd', 180)):
        add_run(tmp_path, name, grey, 0.8, truth=False)
        (tmp_path / 'ck' / name / 'web/history.jsonl').unlink()
    page = compare.main(argv(tmp_path, 'me', 'hd'))
    assert probe(page.parent / 'compare.mp4').size == (3 * 192, 192 + 30)
    assert 'real: ' not in page.read_text()


def test_a_folder_that_another_command_filled_is_left_alone(tmp_path: Path) -> None:
    for name in ('me', 'hd'):
        add_run(tmp_path, name, 100, 0.8)
    data = tmp_path / 'data'
    data.mkdir()
    (data / 'dataset.json').write_text('{}')
    note(data, ['dataset.json'])
    with pytest.raises(UserError, match='this script did not write it'):
        compare.main(argv(tmp_path, 'me', 'hd', '--out', str(data)))
    assert (data / 'dataset.json').is_file()


def test_a_film_of_that_name_that_the_user_made_stays(tmp_path: Path) -> None:
    for name in ('me', 'hd'):
        add_run(tmp_path, name, 100, 0.8)
    out = tmp_path / 'out'
    out.mkdir()
    (out / 'compare.mp4').write_text('mine')
    (out / 'index.html').write_text('a page of mine')
    with pytest.raises(UserError, match='this script did not write it'):
        compare.main(argv(tmp_path, 'me', 'hd', '--out', str(out)))
    assert (out / 'compare.mp4').read_text() == 'mine'


def test_a_run_that_was_not_painted_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    add_run(tmp_path, 'me', 100, 0.8)
    (tmp_path / 'ck/hd').mkdir()
    for words, said in ((['me'], 'only one run is named, me'),
                        (['me', 'me'], 'only one run is named'),
                        (['me', 'mee'], 'mee/latest_val: nothing was painted there. There is me'),
                        (['me', 'hd'], 'nothing was painted.*python test.py --name hd'),
                        (['me', 'hd', '--epoch', '5'], 'me/5_val: nothing was painted'),
                        (['me', 'hd', '--out', str(tmp_path / 'ck')], 'is there already')):
        with pytest.raises(UserError, match=said):
            compare.main(argv(tmp_path, *words))
    assert sorted(path.name for path in (tmp_path / 're').iterdir()) == ['me']


@needs_browser
def test_the_page_works_in_a_browser(tmp_path: Path) -> None:
    for number in range(6):
        add_run(tmp_path, f'a_run_with_a_long_name_{number}', 40 * number, 0.9 - number / 10)
    names = sorted(path.name for path in (tmp_path / 're').iterdir())
    page = compare.main(argv(tmp_path, *names, '--out', str(tmp_path / 'six')))
    seen = ask(page, width=500, unfold=True)
    assert seen['lost'] == [] and seen['films'] == [[8 * 192, 222]] and seen['wide'] <= 0
    assert len(seen['lines']) == 3 * 6
