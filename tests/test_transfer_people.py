"""Several people in one film, in one command that resumes."""
import json
from pathlib import Path

import numpy as np
import pytest

import transfer
from util.errors import UserError
from util.images import read_image
from util.video import probe, read_frames
from util.video_writer import VideoWriter


@pytest.fixture
def job(short_videos, tmp_path, monkeypatch):
    """job(*flags): the drawn target twice, as the two people of duo.mp4, 480x240, 0.6 s."""
    monkeypatch.chdir(tmp_path)
    left, right = (read_frames(video, end=0.6) for video in short_videos)
    with VideoWriter('duo.mp4', fps=30) as video:
        for one, other in zip(left, right, strict=False):
            video.write(np.hstack([one.image, other.image]))

    def call(*flags, count=2):
        return transfer.main(['--target', *count * [str(short_videos[0])], '--source', 'duo.mp4',
                              '--name', *count * ['me'], '--size', '96', '--output', 'both.mp4',
                              '--train_args', '--device cpu --display_id 0',
                              '--test_args', '--metrics none', *flags])
    return call


@pytest.mark.e2e
def test_two_people_are_painted_into_one_film_by_one_command_that_resumes(job, capsys):
    assert job('--people', '2,1') == Path('both.mp4')
    film, sides = probe('both.mp4'), probe('both_side_by_side.mp4')
    assert film.size == (192, 96) and film.frames == sides.frames == 18
    folder = Path('results/me_and_me')
    for half in (slice(0, 96), slice(96, 192)):
        painted = [read_image(folder / 'latest_val' / 'images' / f'{number:06d}_fake_B.png')
                   for number in (3, 16)]
        scene = next(read_frames('datasets/duo_person1_as_me/scene/film.mp4')).image
        away = np.abs(painted[0][:, half].astype(int) - scene[:, half]).max(-1) > 60
        assert 0.02 < away.mean() < 0.5, 'somebody is painted there'
    said = capsys.readouterr().out
    assert said.count('2/5  me') == 1, 'one person for both'
    record = json.loads((folder / 'transfer.json').read_text())
    assert record['finished'] == ['people', 'person me', 'moves 2', 'moves 1', 'training 2',
                                  'painting 2', 'training 1', 'painting 1', 'film']

    layers = folder / 'person2' / 'me' / 'latest_val' / 'painting.json'
    written = layers.stat().st_mtime_ns
    job('--people', '2,1', '--background', 'green')
    said = capsys.readouterr().out
    assert said.count('is already painted') == 2 and said.count('already finished') == 3
    assert layers.stat().st_mtime_ns == written
    picture = read_image(folder / 'latest_val' / 'images' / '000003_fake_B.png')
    assert picture[0, 0].tolist() == [0, 255, 0]


def test_more_people_than_the_source_shows_are_refused_before_anything_is_made(job):
    with pytest.raises(UserError, match=r'duo.mp4: person 3 is asked for, and there are 2 people: '
                                        r'1 from 0.0 s at'):
        job(count=3)
    made = sorted(path.name for path in Path().rglob('*') if path.is_file())
    assert made == ['duo.mp4', 'transfer.json']


@pytest.mark.parametrize('flags, said', [
    (['--output', 'duo.mp4'], 'would replace duo.mp4'), (['--output', 'out.avi'], 'out.mp4'),
    (['--people', '1'], '1 number for 2 videos'),
    (['--test_args', '--no_video'], 'Leave --no_video out'),
    (['--test_args', '--whole_frame'], 'whole_frame.*Leave'),
    (['--train_args', '--netq x'], 'Did you mean --netG'),
    (['--background', 'nowhere.png'], 'nowhere.png: there is no such file')])
def test_bad_input_is_refused_before_any_work(flags, said, job):
    with pytest.raises(UserError, match=said):
        job(*flags)
    assert [path.name for path in Path().iterdir()] == ['duo.mp4']
