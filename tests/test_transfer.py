"""Two videos in, one out; every step is done once."""
import json
from pathlib import Path

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
