"""Several processes of torchrun paint one film, the same that one process paints."""
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from conftest import SMALL, fitting, make_pairs
from PIL import Image

import test as painting_entry
import train as training_entry
from evaluation.results import Results
from evaluation.slices import LEAD_IN, Slice, check_enough, slice_of, starts_between
from tests.together import entry, together
from util.errors import UserError
from util.files import read_json
from util.ranks import Ranks

RUNS = {'pix2pix': ['--max_steps', '1'], 'body2body': ['--max_minutes', '0'],
        'everybody_dance_now': ['--max_steps', '1']}
FRAMES = 2 * LEAD_IN + 16


def flags(place: Path, name: str, results: str) -> list[str]:
    """Of test.py, for a run in `place`."""
    return ['--dataroot', str(place / 'toy'), '--name', name, '--checkpoints_dir',
            str(place / 'ck'), '--results_dir', str(place / results), '--device', 'cpu',
            '--metrics', 'none', '--precision', 'fp32', '--no_video']


def speckle(folder: Path) -> None:
    """Each frame looks different, so that what is carried on from the frame before is seen."""
    random = np.random.default_rng(0)
    for path in sorted(folder.iterdir()):
        pair = np.array(Image.open(path))
        pair[:, 32:] = random.integers(0, 256, (32, 32, 3))
        Image.fromarray(pair).save(path)


def paint_all(place: Path) -> None:
    for name in RUNS:
        entry(painting_entry.main, flags(place, name, 'two'))


@pytest.fixture(scope='module')
def films(small_vgg, tmp_path_factory):
    """A folder with the results of each run, by one process and by two, and how the two ended."""
    place = tmp_path_factory.mktemp('films')
    root = make_pairs(place / 'toy', val=FRAMES)
    speckle(root / 'train')
    for name, more in RUNS.items():
        training_entry.main(['--dataroot', str(root), '--name', name, '--model', name, *more,
                             '--checkpoints_dir', str(place / 'ck'), '--no_html',
                             *fitting(name, *SMALL)])
        painting_entry.main(flags(place, name, 'one'))
    return place, together(paint_all, place / 'out', place)


@pytest.mark.parametrize('name', RUNS)
def test_two_processes_paint_the_film_that_one_paints(name, films):
    place, ranks = films
    assert [rank.status for rank in ranks] == [0, 0], ranks[0].out + ranks[1].out
    one, two = (place / which / name / 'latest_val' for which in ('one', 'two'))
    pictures = sorted(path.name for path in (one / 'images').iterdir())
    assert pictures == sorted(path.name for path in (two / 'images').iterdir())
    for picture in pictures:
        assert (one / 'images' / picture).read_bytes() == (two / 'images' / picture).read_bytes()
    assert read_json(one / 'painting.json')['frames'] == read_json(two / 'painting.json')['frames']
    assert (two / 'index.html').is_file()
    assert not (two / '.making').exists()


def test_the_first_process_speaks_for_all_and_says_who_has_nothing_to_paint(films):
    _, (first, second) = films
    assert first.out.count('page: ') == len(RUNS) and second.out == ''
    assert 'everybody_dance_now paints each frame from the one before, and this film has 1 shot' \
        in first.out and '1 of 2 processes paint' in first.out


def paint_until(place: Path) -> None:
    """Paint; rank 1 is killed with its third frame."""
    real = Results.add

    def add(results, *given):
        real(results, *given)
        if len(results.names) == 3 and os.environ['RANK'] == '1':
            os.kill(os.getpid(), signal.SIGKILL)
    Results.add = add       # type: ignore[method-assign]
    painting_entry.main(flags(place, 'pix2pix', 'one'))


def test_a_killed_process_leaves_the_film_as_it_was(films):
    place, _ = films
    film = place / 'one' / 'pix2pix' / 'latest_val'
    before = {path: path.stat().st_mtime_ns for path in film.rglob('*') if path.is_file()}
    first, second = together(paint_until, place / 'killed', place)
    assert second.status == -signal.SIGKILL and first.status == 1
    assert 'one of the 2 processes has ended' in first.out and first.out.count('error: ') == 1
    assert before == {path: path.stat().st_mtime_ns for path in film.rglob('*') if path.is_file()}


class Film:
    """A dataset of `count` frames, with a cut before each of `cuts`."""

    def __init__(self, count: int, *cuts: int):
        self.count, self.cuts = count, cuts

    def __len__(self) -> int:
        return self.count

    def follows(self, n: int) -> bool:
        return n not in self.cuts


class Model:
    """What slice_of needs to know of a model."""

    def __init__(self, ranks: Ranks, sequential: bool = False, blends: bool = False):
        self.SEQUENTIAL, self.BLENDS_PREVIOUS = sequential, blends
        self.engine = type('Engine', (), {'ranks': ranks})
        self.opt = type('Options', (), {'model': 'nobody'})


@pytest.mark.parametrize('sequential, cuts, expected', [
    (False, (), [(0, 0, 33), (33, 33, 67), (67, 67, 100)]),
    (True, (30, 40, 80), [(0, 0, 30), (30, 30, 80), (80, 80, 100)]),
    (True, (50,), [(0, 0, 50), (50, 50, 100), (100, 100, 100)])])
def test_a_film_is_cut_where_the_model_allows_it(sequential, cuts, expected):
    found = [slice_of(Film(100, *cuts), 100, Model(Ranks(rank, 3), sequential))
             for rank in range(3)]
    assert found == [Slice(*each) for each in expected]


@pytest.mark.parametrize('cut, before', [(0, 100 - LEAD_IN), (80, 80)])
def test_a_model_that_blends_begins_before_its_slice_but_in_the_same_shot(cut, before):
    model = Model(Ranks(1, 2), blends=True)
    assert slice_of(Film(200, cut), 200, model) == Slice(before, 100, 200)


def test_slices_are_about_equally_long_and_hold_every_frame_once():
    for count in (5, 8, 101):
        starts = starts_between(range(count), count, 4)
        lengths = [end - start for start, end in zip(starts, [*starts[1:], count])]
        assert sum(lengths) == count and max(lengths) - min(lengths) <= 1


def test_more_processes_than_frames_are_refused():
    with pytest.raises(UserError, match='4 processes for 3 frames. Give --nproc_per_node 3'):
        check_enough(Film(10), 3, Ranks(0, 4))
    check_enough(Film(10), None, Ranks(0, 4))
