"""What people type who use it for the first time: one sentence says what to type, and nothing is
written."""
import importlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from options.transfer_options import TransferOptions
from util.errors import UserError
from util.files import write_json


@pytest.fixture
def typed(tmp_path, monkeypatch):
    """typed(line) calls that script in a folder with videos, a dataset, a run and odd files.
    Returns what it refuses; nothing was written."""
    monkeypatch.chdir(tmp_path)
    for name in ('me.mp4', 'my film.mp4', 'dancer.mp4', 'film/take1.mp4', 'notes.txt'):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text('no video')
    for folder in ('datasets/me', 'checkpoints/me', 'empty'):
        Path(folder).mkdir(parents=True)
    write_json(Path('datasets/me/dataset.json'), {'source': {'path': 'videos/me.mp4'}})
    write_json(Path('checkpoints/me/run.json'), {'options': {}})
    cv2.imwrite('picture.png', np.zeros((32, 32, 3), np.uint8))

    def call(script, *words):
        before = sorted(tmp_path.rglob('*'))
        main = importlib.import_module(script.removesuffix('.py').replace('/', '.')).main
        with pytest.raises(UserError) as refused:
            main(list(words))
        assert sorted(tmp_path.rglob('*')) == before, 'nothing is written'
        return str(refused.value)
    return call


MADE_FROM = 'is a dataset, not a video. Give the video that it was made from, videos/me.mp4.'


@pytest.mark.parametrize('words, video', [
    (('preprocess.py', '--dataroot', 'x', '--video'), ''),
    (('transfer.py', '--source', 'dancer.mp4', '--target'), '--target '),
    (('transfer.py', '--target', 'me.mp4', '--source'), '--source ')])
def test_another_thing_in_place_of_a_video_is_named(words, video, typed):
    assert typed(*words, 'datasets/me') == f'{video}datasets/me: {MADE_FROM}'
    assert typed(*words, 'film').endswith(f'e.g. {Path("film", "take1.mp4")}.')
    assert 'folder without a video' in typed(*words, 'empty')
    assert 'save the video, then give its file' in typed(*words, 'https://host/me.mp4')


def test_a_picture_in_place_of_a_video_is_not_to_be_repaired(typed):
    said = typed('preprocess.py', '--dataroot', 'x', '--video', 'picture.png')
    assert 'is a single image' in said and 'repair' not in said
    assert 'name of a video is empty' in typed('preprocess.py', '--dataroot', 'x', '--video', '')
    assert 'or a video at --video' in typed('preprocess.py', '--dataroot', 'x', '--images',
                                            'me.mp4')


@pytest.mark.parametrize('words, said', [
    (('transfer.py', '--source_args', '--end', '3', '--start', '1', '--size', '64'),
     "--source_args '--end 3 --start 1'"),
    (('transfer.py', '--people', '1', '2'), '--people 1,2'),
    (('transfer.py', '--people', '1,', '2'), '--people 1,2'),
    (('transfer.py', '--source', 'my', 'film.mp4', '--size', '64'), "--source 'my film.mp4'"),
    (('webcam.py', '--camera', 'my', 'film.mp4'), "--camera 'my film.mp4'"),
    (('test.py', '--video_from', 'my', 'film.mp4'), "--video_from 'my film.mp4'"),
    (('train.py', '--name', 'my', 'run'), "--name 'my run'"),
    (('preprocess.py', '--crop', '10', '20', '30', '40', '--size', '64'), '--crop 10,20,30,40'),
    (('preprocess.py', '--video', 'me.mp4', 'dancer.mp4'), '--video takes one file'),
    (('preprocess.py', '--dataroot', 'me', '--video', 'my', 'me'), "--video 'my me'"),
    (('train.py', '--dataroot', 'run', '--name=my', 'run'), "--name 'my run'"),
    (('preprocess.py', '--size', '64', '64'), '--size takes one value'),
    (('preprocess.py', '--redraw', 'datasets/me'), '--redraw takes no value'),
    (('preprocess.py', 'me.mp4'), 'me.mp4: belongs to no flag')])
@pytest.mark.skipif('__import__("os").name == "nt"', reason='other quotation marks there')
def test_words_that_belong_together_are_shown_as_one(words, said, typed):
    assert said in typed(*words)


@pytest.mark.parametrize('words', [
    ('train.py', '--name', 'x', '--dataroot'), ('preprocess.py', '--doctor'),
    ('scripts/gallery.py', '--dataroot'),
    ('preprocess.py', '--video', 'me.mp4', '--dataroot', 'x', '--poses_only', '--retarget_to')])
def test_what_is_no_dataset_names_one_and_a_command_that_may_write_there(words, typed):
    said = typed(*words, 'nowhere')
    assert f'There is {Path("datasets/me")}. ' in said and said.endswith('--dataroot nowhere')
    said = typed(*words, 'me.mp4')
    assert 'that is a file' in said and said.endswith('--dataroot datasets/me_2')
    Path('datasets/me_2').mkdir()
    assert typed(*words, 'me.mp4').endswith('--dataroot datasets/me_3')


@pytest.mark.parametrize('words', [('train.py', '--name', 'x', '--dataroot'),
                                   ('preprocess.py', '--doctor')])
def test_a_run_is_no_dataset(words, typed):
    assert 'checkpoints/me: that is a run, not a dataset. ' in typed(*words, 'checkpoints/me')


@pytest.mark.parametrize('words', [
    ('train.py', '--dataroot', 'datasets/me'), ('test.py',), ('scripts/export.py',),
    ('webcam.py', '--to', 'null')])
def test_a_dataset_is_no_name_of_a_run(words, typed):
    said = typed(*words, '--name', 'datasets/me')
    assert 'is a dataset' in said and 'me' in said.partition('--name me')[1]


def test_films_of_other_people_or_kinds_have_other_names(typed):
    def film(*flags):
        return TransferOptions().parse(['--target', 'me.mp4', '--source', 'dancer.mp4', *flags])
    assert film().output == 'dancer_as_me.mp4'
    assert film('--name', 'anna').output == 'dancer_as_anna.mp4'
    assert film('--background', 'alpha').output == 'dancer_as_me.webm'
    assert film('--output', 'out.mp4').output == 'out.mp4'
