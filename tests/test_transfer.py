"""Two videos in, one out; every step is done once."""
import json
import os
import re
import shutil
from html import unescape
from pathlib import Path
from urllib.parse import unquote_to_bytes

import cv2
import numpy as np
import pytest
from conftest import fitting

import preprocess
import transfer
from models import models
from options.transfer_options import TransferOptions
from util.errors import UserError
from util.files import read_json, write_json
from util.output_file import OutputFile
from util.runs import read_record
from util.video import probe, read_frames
from util.video_writer import VideoWriter

QUICK = ['--minutes', '0.05', '--size', '128', '--train_args',
         '--netG unet_128 --ngf 4 --ndf 4 --display_id 0 --no_compile --device cpu',
         '--test_args', '--metrics none']


@pytest.fixture
def job(short_videos, small_vgg, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(*flags):
        return transfer.main(['--target', str(short_videos[0]), '--source', str(short_videos[1]),
                              '--name', 'me', *QUICK, *flags])
    return call


@pytest.mark.e2e
def test_the_whole_job_is_one_command_that_resumes(job, short_videos, capsys):
    output = job('--output', 'films/out.mp4')
    assert output == Path('films/out.mp4')
    source = probe(short_videos[1])
    film, beside = probe(output), probe('films/out_side_by_side.mp4')
    assert film.size == (128, 128) and film.duration == pytest.approx(source.duration, abs=0.1)
    assert beside.size == (3 * 128, 128)
    said = capsys.readouterr().out
    assert 'films/out.mp4' in said and 'index.html' in said
    record = json.loads(Path('results/me/transfer.json').read_text())
    steps = ['person', 'moves', 'training', 'painting']
    assert record['finished'] == list(record['seconds']) == steps
    assert record['seconds']['training'] >= 3

    weights = Path('checkpoints/me/latest_net_G.pth').stat().st_mtime_ns
    job('--output', 'again.mp4')
    said = capsys.readouterr().out
    assert said.count('is already finished') == 2 and 'me is finished: it has trained' in said
    assert 'To go on: --minutes ' in said
    assert Path('checkpoints/me/latest_net_G.pth').stat().st_mtime_ns == weights
    assert Path('again.mp4').is_file()

    with pytest.raises(UserError, match='Add --overwrite.*--target_args "--overwrite" here'):
        job('--target_args', '--end 1')
    with pytest.raises(UserError, match='another dataset.*--overwrite'):
        job('--target_args', '--end 1 --overwrite', '--source_args', '--overwrite')
    record = json.loads(Path('results/me/transfer.json').read_text())
    assert record['finished'] == steps[:2] and list(record['seconds']) == steps[:3]


@pytest.mark.parametrize('flags, said', [
    (['--source', 'no.mp4'], 'no such file'), (['--minutes', '-1'], 'give 0 or more'),
    (['--minutes', '0', '--model', 'pix2pix'], 'cannot paint without training.*--minutes 20'),
    (['--target_args', '--aspect keep --width 64 --height 96'], 'leave --aspect keep out'),
    (['--output', 'out.avi'], 'out.mp4'), (['--source', __file__], 'test_transfer.py'),
    (['--name', 'a/b'], 'plain name'), (['--name', 230 * 'a'], 'too long.*shorter --name'),
    (['--output', 220 * 'a' + '.mp4'], 'too long'),
    (['--train_args', '--netq x'], 'Did you mean --netG'),
    (['--source_args', '--crp 1'], 'Did you mean --crop'), (['--test_args', '"x'], 'quotation'),
    (['--test_args', '--num_tset 3'], 'Did you mean --num_test'),
    (['--test_args', '--metrics none --no_video'], 'Leave --no_video out'),
    (['--test_args', '--num_test 0'], 'give 1 or more'),
    (['--train_args', '--dataroot other'], 'transfer.py sets --dataroot itself'),
    (['--test_args', '--name=other'], 'transfer.py sets --name itself'),
    (['--source_args', '--detector foo'], 'no such choice'),
    (['--minutes', 'nan'], 'give 0 or more'), (['--output', ''], '--output is empty'),
    (['--size', '0'], '--size 0: give 16 or more'), (['--size', '-5'], 'give 16'),
    (['--background', 'beach.jpg'], 'beach.jpg: there is no such file'),
    (['--background', 'green', '--model', 'pix2pix'], 'does not know where in it the person is'),
    (['--background', 'alpha', '--output', 'out.mp4'], 'Give --output out.webm'),
    (['--output', 'out.webm'], 'out.mp4'),
    (['--background', 'alpha', '--test_args=--no_video'], 'with --no_video there is no video'),
    (['--test_args', '--background green'], 'transfer.py sets --background itself')])
def test_bad_input_is_refused_before_any_work(flags, said, job, tmp_path):
    with pytest.raises(UserError, match=said):
        job(*flags)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('flags, moves, painting', [
    ([], [], ['--background=own']),
    (['--background', 'source', '--size', '96'], ['--keep_scene', '--film_size=96'],
     ['--background=source']),
    (['--background', 'source', '--source_args=--keep_scene=nobody'], ['--keep_scene=nobody'],
     ['--background=source']),
    (['--background', 'alpha'], [], ['--background=alpha', '--alpha_film=webm']),
    (['--background', 'alpha', '--output', 'a.MOV'], [],
     ['--background=alpha', '--alpha_film=mov'])])
def test_the_background_reaches_the_steps_that_need_it(flags, moves, painting, tmp_path):
    opt = TransferOptions().parse(['--target', __file__, '--source', __file__, *flags])
    steps = transfer.Steps(opt, 'me', tmp_path / 'me', tmp_path / 'dancer')
    steps.check()
    assert [flag for flag in steps.moves if flag.startswith(('--keep', '--film'))] == moves
    assert [flag for flag in steps.painting if flag.startswith(('--back', '--alpha'))] == painting
    assert Path(opt.output).suffix.lower() == ('.webm' if '--alpha_film=webm' in painting else
                                               '.mov' if '--alpha_film=mov' in painting else '.mp4')


@pytest.mark.parametrize('model, training', [
    ('everybody_dance_now', '--face_generator --face_discrim'),
    ('pix2pixHD', '--label_feat'), ('body2body', '')])
def test_flags_that_need_the_dataset_are_not_refused_before_it_is_made(model, training, tmp_path,
                                                                       capsys):
    opt = TransferOptions().parse(['--target', __file__, '--source', __file__, '--output',
                                   str(tmp_path / 'out.mp4'), '--model', model, '--train_args',
                                   training, '--datasets_dir', str(tmp_path)])
    transfer.Steps(opt, 'me', tmp_path / 'me', tmp_path / 'dancer').check()
    assert capsys.readouterr() == ('', '')


@pytest.fixture
def portrait(short_videos, tmp_path, monkeypatch):
    """portrait(model) paints a drawn person filmed upright, 120x240, without training, 96 px
    wide."""
    monkeypatch.chdir(tmp_path)
    with VideoWriter('upright.mp4', fps=30) as video:
        for frame in read_frames(short_videos[0]):
            video.write(np.ascontiguousarray(frame.image[:, 60:180]))

    def call(model='body2body', *more):
        flags = fitting(model, '--ngf', '4', '--ndf', '4', '--display_id', '0', '--device', 'cpu',
                        '--no_vgg_loss')
        return transfer.main(['--target', 'upright.mp4', '--source', str(short_videos[1]),
                              '--name', 'me', '--size', '96', '--source_args', '--end 0.5',
                              '--model', model, '--train_args', ' '.join(flags),
                              '--test_args', '--metrics none --num_test 4', *more])
    return call


def edges(film):
    """uint8: the pixels at the four edges of a film's first frame."""
    picture = next(iter(read_frames(film))).image
    sides = picture[0], picture[-1], picture[:, 0], picture[:, -1]
    return np.concatenate(sides)


@pytest.mark.e2e
@pytest.mark.parametrize('model', ['body2body', 'nearest'])
def test_a_portrait_video_gives_a_portrait_film_without_bars_and_without_training(model, portrait,
                                                                                 capsys):
    output = portrait(model)
    said = capsys.readouterr().out
    assert probe(output).size == (96, 192) and edges(output).max(-1).min() > 40
    assert output == Path('source_as_me.mp4')
    assert probe('source_as_me_side_by_side.mp4').size[1] == 192
    assert '3/4  no training: reading every frame' in said
    for noise in ('visdom', 'perceptual loss', 'training  '):
        assert noise not in said, 'nothing is trained, so nothing is said of it'
    facts = read_json(Path('datasets/me/dataset.json'))
    assert facts['size'] == [96, 192] and facts['crop'] == [0, 0, 120, 240]


def test_a_person_dances_in_the_dancers_scene_then_on_nothing(portrait, short_videos):
    """The film is as large as the scene, and the moves need not be found again."""
    output = portrait('body2body', '--background', 'source')
    film = [frame.image.astype(int) for frame in read_frames(output)]
    scene = next(read_frames(short_videos[1])).image
    wall = cv2.resize(scene, (96, 96), interpolation=cv2.INTER_AREA).astype(int)
    assert film[0].shape == (96, 96, 3) and np.abs(film[0] - wall)[:, :12].mean() < 6
    moved = Path('datasets/source_as_me/scene/film.mp4').stat().st_mtime_ns
    assert portrait('body2body', '--background', 'alpha') == Path('source_as_me.webm')
    assert probe('source_as_me.webm').size == (96, 192), 'and the earlier film is there too'
    sides = [f'source_as_me{kind}_side_by_side.mp4' for kind in ('', '_webm')]
    assert [probe(side).size[1] for side in sides] == [96, 192]
    assert Path('datasets/source_as_me/scene/film.mp4').stat().st_mtime_ns == moved


def test_a_square_dataset_of_an_earlier_version_is_used_as_it_is(portrait, short_videos, capsys):
    """Its dataset.json knows neither --aspect nor --film_size: it is finished; no other is made."""
    preprocess.main(['--video', 'upright.mp4', '--dataroot', 'datasets/me', '--size', '96',
                     '--film_size', '0'])
    facts = Path('datasets/me/dataset.json')
    older = read_json(facts)
    del older['settings']['aspect'], older['settings']['film_size']
    facts.write_text(json.dumps(older))
    capsys.readouterr()
    output = portrait()
    said = capsys.readouterr().out
    assert 'with square frames, and is used' in said and 'already finished' in said
    assert probe(output).size == (96, 96) and read_json(facts) == older
    preprocess.main(['--video', 'upright.mp4', '--dataroot', 'datasets/me', '--size', '96'])
    assert 'already finished' in capsys.readouterr().out


@pytest.mark.parametrize('model, further, chosen', [
    ('body2body', '', '--aspect=keep --crop=none'), ('nearest', '', '--aspect=keep --crop=none'),
    ('pix2pix', '', ''), ('body2body', '--crop 1,2,30,40', '--aspect=keep'),
    ('body2body', '--aspect square', ''), ('body2body', '--width 64 --height 96', '')])
def test_what_is_typed_of_the_frames_wins_and_squares_stay_where_a_model_needs_them(
        model, further, chosen, tmp_path):
    assert transfer.framing(model, further.split(), tmp_path / 'none') == chosen.split()


@pytest.mark.parametrize('model, size, further, chosen', [
    ('body2body', None, '', '--size=256 --film_size=720'),
    ('nearest', 1080, '', '--size=256 --film_size=1080'),
    ('body2body', 256, '', '--size=256 --film_size=256'),
    ('body2body', 96, '', '--size=96 --film_size=96'),
    ('pix2pix', None, '', '--size=256 --film_size=0'),
    ('pix2pix', 512, '', '--size=512 --film_size=0'),
    ('body2body', None, '--size 384', '--film_size=0'),         # a film of 384, as typed
    ('body2body', 1080, '--size 384', '--film_size=1080'),
    ('body2body', None, '--width 64 --height=96', '--film_size=0'),
    ('body2body', None, '--film_size=540', '--size=256'),
    ('pix2pix', None, '--size=384 --film_size 540', '')])
def test_a_film_is_as_large_as_filmed_and_pairs_stay_small_unless_something_is_typed(
        model, size, further, chosen, tmp_path):
    assert transfer.sizes(asking(model, size), further.split(), tmp_path / 'none') == chosen.split()


@pytest.mark.parametrize('made, size, chosen', [
    ({'size': 256}, None, '--size=256 --film_size=0'),          # older than large frames
    ({'size': 512}, 512, '--size=512 --film_size=0'),
    ({'size': 256}, 720, '--size=256 --film_size=720'),         # preprocess.py refuses
    ({'size': 256, 'film_size': 720}, None, '--size=256 --film_size=720'),
    ({'size': 384, 'film_size': 1080}, 1080, '--size=384 --film_size=1080'),
    ({'size': 384, 'film_size': 1080}, 540, '--size=256 --film_size=540'),
    ({'size': 256, 'film_size': 256}, 256, '--size=256 --film_size=256')])
def test_a_dataset_that_is_there_is_used_if_its_film_is_as_large_as_asked(made, size, chosen,
                                                                         tmp_path):
    write_json(tmp_path / 'dataset.json', {'settings': made})
    assert transfer.sizes(asking('body2body', size), [], tmp_path) == chosen.split()
    again = '--size=256 --film_size=720'
    assert transfer.sizes(asking('body2body', None), ['--overwrite'], tmp_path) == again.split()


def asking(model, size):
    flags = ['--target', __file__, '--source', __file__, '--model', model]
    return TransferOptions().parse([*flags, *([] if size is None else ['--size', str(size)])])


@pytest.mark.parametrize('model', models.names())
def test_the_time_that_a_model_trains_by_default_is_its_own(model, tmp_path):
    opt = TransferOptions().parse(['--target', __file__, '--source', __file__, '--output',
                                   str(tmp_path / 'out.mp4'), '--model', model])
    kind = models.find(model)
    assert opt.minutes == kind.MINUTES and (opt.minutes > 0 or kind.PAINTS_UNTRAINED)
    assert opt.minutes == (0 if model in ('body2body', 'nearest') else 20), 'as --help says'


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


@pytest.mark.parametrize('root, args', [('me', 'target_args'), ('dancer', 'source_args')])
def test_another_size_than_that_of_a_dataset_is_one_sentence_before_work(root, args, tmp_path):
    """A scene is as large as the one that is there, unless --size is typed."""
    facts = {'settings': {'size': 256, 'film_size': 480}, 'scene': 'others'}
    write_json(tmp_path / root / 'dataset.json', facts)

    def moves(*flags):
        opt = TransferOptions().parse(['--target', __file__, '--source', __file__, '--background',
                                       'source', *flags])
        return transfer.Steps(opt, 'me', tmp_path / 'me', tmp_path / 'dancer').moves
    assert ('--film_size=480' in moves()) == (root == 'dancer')
    assert '--film_size=480' in moves('--size', '480')
    with pytest.raises(UserError, match=f'--size 300: .*{root} was made for a film of 480 px. '
                                        f'Leave --size out, .*--{args} "--overwrite"') as refused:
        moves('--size', '300')
    assert len(str(refused.value).splitlines()) == 1
    assert '--film_size=300' in moves('--size', '300', f'--{args}=--overwrite')
