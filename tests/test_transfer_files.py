"""Which files transfer.py may write, and that a video of any name does."""
import os
import re
import shutil
from html import unescape
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest

import transfer
from tests.test_transfer import QUICK
from util.errors import UserError
from util.output_file import OutputFile
from util.runs import read_record
from util.video import probe


@pytest.fixture
def refused(demo_videos, tmp_path, monkeypatch):
    """refused(output, 'said', ...) sees that --output refused in that sentence, and all that lies
    there as it was; demo videos are me.mp4 and dancer_side_by_side.mp4."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(demo_videos[0], 'me.mp4')
    shutil.copy(demo_videos[1], 'dancer_side_by_side.mp4')

    def there():
        return {path: path.read_bytes() for path in tmp_path.rglob('*') if path.is_file()}

    def call(output, said):
        before = there()
        with pytest.raises(UserError, match=said):
            transfer.main(['--target', 'me.mp4', '--source', 'dancer_side_by_side.mp4',
                           '--output', str(output), *QUICK])
        assert there() == before
    return call


def test_an_output_that_is_an_input_is_refused(refused, tmp_path):
    Path('link.mp4').symlink_to('me.mp4')
    Path('hard.mp4').hardlink_to('me.mp4')
    Path('away').symlink_to(tmp_path)
    for output in ('me.mp4', tmp_path / 'me.mp4', 'away/me.mp4', 'link.mp4', 'hard.mp4'):
        refused(output, 'would replace me.mp4')
    refused('dancer_side_by_side.mp4', 'would replace dancer_side')
    refused('dancer.mp4', 'dancer_side_by_side.mp4 would replace')


def test_an_output_of_somebody_elses_is_refused(refused):
    for mine in ('mine.mp4', 'film_side_by_side.mp4'):
        Path(mine).write_text('a film of mine')
    refused('mine.mp4', 'mine.mp4 exists and was not written.*another --output')
    refused('film.mp4', 'film_side_by_side.mp4 exists and was not written.*Move it')
    Path('nowhere.mp4').symlink_to('elsewhere.mp4')
    refused('nowhere.mp4', 'nowhere.mp4 exists and was not written')


def test_an_output_that_cannot_be_written_is_refused(refused, tmp_path, monkeypatch):
    Path('folder.mp4').mkdir()
    refused('folder.mp4', 'is a folder. Name a file, e.g. --output folder.mp4/out.mp4')
    refused('me.mp4/films/out.mp4', 'me.mp4 is not a folder')
    monkeypatch.setattr('os.access', lambda path, rights: Path(path).name != 'others')
    Path('others').mkdir()
    refused('others/films/out.mp4', 'others is a folder that you may not write to')


def test_only_what_was_written_there_before_is_replaced(tmp_path):
    def place(name='out.mp4', results='results'):
        return OutputFile(tmp_path / name, [], tmp_path / results)
    film = tmp_path / 'film.mp4'
    for content in ('first', 'second'):
        film.write_text(content)
        place().check()
        place().write(film)
        assert (tmp_path / 'out.mp4').read_text() == content
    for refuses in (place(results='others'), place('film.mp4')):
        with pytest.raises(UserError, match='was not written by this program'):
            refuses.write(film)
    (tmp_path / 'out.mp4').write_text('cut by hand')
    with pytest.raises(UserError, match='has changed since'):
        place().check()
    assert (tmp_path / 'out.mp4').read_text() == 'cut by hand'


@pytest.mark.parametrize('moment', ['before', 'after'])
def test_killed_while_an_output_takes_its_place_it_is_still_known(moment, tmp_path, monkeypatch):
    film, output = tmp_path / 'film.mp4', OutputFile(tmp_path / 'out.mp4', [], tmp_path / 'results')
    film.write_text('first')
    output.write(film)
    film.write_text('second')

    def stopped(*given):
        if moment == 'after':
            shutil.copyfile(film, output.path)
        raise KeyboardInterrupt
    with monkeypatch.context() as patch:
        patch.setattr('util.output_file.atomic', stopped)
        with pytest.raises(KeyboardInterrupt):
            output.write(film)
    output.write(film)
    assert output.path.read_text() == 'second'


def test_a_film_of_a_version_that_kept_no_list_is_replaced(tmp_path):
    made = tmp_path / 'results' / 'me' / 'latest_val' / 'fake_B.mp4'
    made.parent.mkdir(parents=True)
    made.write_text('a film')
    shutil.copy(made, tmp_path / 'out.mp4')
    OutputFile(tmp_path / 'out.mp4', [], tmp_path / 'results').check()


@pytest.mark.parametrize('name', ['-', "Ann's \"100%\" #1?\n💃", os.fsdecode(b'caf\xe9 & co ')],
                         ids=['dash', 'quotes', 'latin1'])
def test_whatever_name_a_file_has_it_is_used(name, demo_videos, tmp_path, monkeypatch, capsys):
    """Videos, folders, runs and the output; all that is printed and written can be read, and every
    link of every page leads to its file."""
    monkeypatch.chdir(tmp_path)
    for video, path in zip(demo_videos, (f'{name}me.mp4', f'{name}dancer.mp4')):
        shutil.copy(video, path)
    folders = []
    for kind in ('datasets', 'checkpoints', 'results'):
        folders += [f'--{kind}_dir', f'{name}{kind}']
    output = transfer.main(['--target', f'{name}me.mp4', '--source', f'{name}dancer.mp4',
                            '--output', f'{name}out.mp4', *folders, '--size', '64', '--model',
                            'nearest', '--target_args', '--end 1', '--source_args', '--end 0.5',
                            '--train_args', '--display_id 0 --device cpu', '--test_args',
                            '--metrics none --num_test 3'])
    assert output == Path(f'{name}out.mp4') and probe(output).size == (64, 64)
    ''.join(capsys.readouterr()).encode('utf-8')        # without a byte that is no text
    assert read_record(Path(f'{name}checkpoints', f'{name}me'))['options']['dataroot'] == \
        str(Path(f'{name}datasets', f'{name}me'))
    pages = list(Path().rglob('*.html'))
    assert len(pages) >= 4
    for page in pages:
        for link in links_of(page):
            assert (page.parent / link).exists(), f'{page}: {link}'


def links_of(page):
    """The files that a page shows or leads to."""
    shown = re.sub(r'<(script|style).*?</\1>', '', page.read_text('utf-8'), flags=re.S)
    for url in re.findall(r'(?:href|src|poster)="([^"#][^"]*)"', shown):
        if not url.startswith('data:'):
            yield os.fsdecode(unquote_to_bytes(unescape(url).partition('#')[0]))
