"""Two videos in, one out; every stage is done once."""
from pathlib import Path

import pytest

import transfer
from util.errors import UserError
from util.video import probe

QUICK = ['--minutes', '0.05', '--size', '128', '--train_args',
         '--netG unet_128 --ngf 4 --ndf 4 --display_id 0 --no_compile --device cpu',
         '--test_args', '--metrics none']


@pytest.fixture
def job(demo_videos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(*flags):
        return transfer.main(['--target', str(demo_videos[0]), '--source', str(demo_videos[1]),
                              '--name', 'me', *QUICK, *flags])
    return call


def test_the_whole_job_is_one_command_that_resumes(job, demo_videos, capsys):
    output = job('--output', 'films/out.mp4')
    assert output == Path('films/out.mp4')
    source = probe(demo_videos[1])
    film, beside = probe(output), probe('films/out_side_by_side.mp4')
    assert film.size == (128, 128) and film.duration == pytest.approx(source.duration, abs=0.1)
    assert beside.size == (3 * 128, 128)
    said = capsys.readouterr().out
    assert 'films/out.mp4' in said and 'index.html' in said

    weights = Path('checkpoints/me/latest_net_G.pth').stat().st_mtime_ns
    job('--output', 'again.mp4')
    said = capsys.readouterr().out
    assert said.count('is already finished') == 2 and 'me is finished: it has trained' in said
    assert Path('checkpoints/me/latest_net_G.pth').stat().st_mtime_ns == weights
    assert Path('again.mp4').is_file()

    with pytest.raises(UserError, match='another dataset.*--overwrite'):
        job('--target_args', '--end 2 --overwrite', '--source_args', '--overwrite')


@pytest.mark.parametrize('flags, said', [
    (['--source', 'no.mp4'], 'no such file'), (['--minutes', '0'], 'more than 0'),
    (['--output', 'out.avi'], 'out.mp4'), (['--source', __file__], 'test_transfer.py'),
    (['--name', 'a/b'], 'plain name'), (['--train_args', '--netq x'], 'Did you mean --netG'),
    (['--source_args', '--crp 1'], 'Did you mean --crop'), (['--test_args', '"x'], 'quotation')])
def test_bad_input_is_refused_before_any_work(flags, said, job, tmp_path):
    with pytest.raises(UserError, match=said):
        job(*flags)
    assert not list(tmp_path.iterdir())
