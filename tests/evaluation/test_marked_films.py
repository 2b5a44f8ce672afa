"""The films of test.py say that they are painted; what is measured does not."""
import json

import av
import numpy as np
import pytest

import test as painting
import train as training
import transfer
from options.transfer_options import TransferOptions
from util.errors import UserError
from util.images import read_image
from util.video import read_frames

FILMS = ('fake_B.mp4', 'side_by_side.mp4')


@pytest.fixture
def paint(pairs, tmp_path, monkeypatch):
    """paint('--flag', ...) -> the folder of the results, of a run named me."""
    monkeypatch.setenv('BODY2BODY_WEIGHTS', str(tmp_path / 'nothing'))
    places = ['--name', 'me', '--checkpoints_dir', str(tmp_path / 'ck')]
    training.main(['--dataroot', str(pairs()), *places, '--display_id', '0', '--device', 'cpu',
                   '--no_html', '--model', 'nearest', '--align', 'none'])

    def painted(*flags):
        results = tmp_path / f're{len(list(tmp_path.glob("re*")))}'
        return painting.main([*places, '--results_dir', str(results), '--metrics', 'fast',
                              *flags]).parent
    return painted


def comment_of(path):
    with av.open(str(path)) as container:
        return container.metadata.get('comment', '')


def first_picture(path):
    return next(read_frames(path)).image.astype(int)


def test_a_watermark_is_in_the_films_and_not_in_what_is_measured(paint):
    plain = paint()
    marked = paint('--watermark', 'hello')
    for name in FILMS:
        change = np.abs(first_picture(plain / name) - first_picture(marked / name)).max(2)
        assert change[-10:].max() > 50, f'{name} has it at its lower edge'
        assert change[:16].max() < 20
    for path in (plain / 'images').iterdir():
        assert np.array_equal(read_image(path), read_image(marked / 'images' / path.name))
    before, after = (json.loads((folder / 'metrics.json').read_text())['scores']
                     for folder in (plain, marked))
    assert before == after


def test_the_films_say_which_run_painted_them_unless_that_is_not_wanted(paint):
    told, silent = paint(), paint('--no_metadata')
    for name in FILMS:
        assert comment_of(told / name).startswith('painted by body2body')
        assert 'run me;' in comment_of(told / name)
        assert comment_of(silent / name) == ''


def test_a_text_that_cannot_be_drawn_is_refused_before_the_work(paint, tmp_path):
    with pytest.raises(UserError, match='--watermark'):
        paint('--watermark', 'two\nlines')
    assert not list(tmp_path.glob('re*'))


def test_transfer_hands_the_marks_to_its_painting(tmp_path):
    for name in ('me.mp4', 'dancer.mp4'):
        (tmp_path / name).touch()
    opt = TransferOptions().parse(['--target', str(tmp_path / 'me.mp4'), '--source',
                                   str(tmp_path / 'dancer.mp4'), '--watermark', 'not filmed',
                                   '--no_metadata'])
    painting_flags = transfer.Steps(opt, 'me', tmp_path / 'me', tmp_path / 'moves').painting
    assert {'--watermark=not filmed', '--no_metadata'} <= set(painting_flags)
    opt = TransferOptions().parse(['--target', str(tmp_path / 'me.mp4'), '--source',
                                   str(tmp_path / 'dancer.mp4'), '--watermark', 'two\nlines'])
    with pytest.raises(UserError, match='--watermark: there are line breaks'):
        transfer.Steps(opt, 'me', tmp_path / 'me', tmp_path / 'moves').check()
