"""Where the time of a painted frame goes: all of it, in a table and in a picture."""
import importlib
import pkgutil
from xml.etree import ElementTree

import pytest
from conftest import fitting

import models.warping
import train as training
from scripts.dev import painting_time
from util.errors import UserError

SVG = '{http://www.w3.org/2000/svg}'


@pytest.fixture
def trained(pairs, small, tmp_path):
    """trained(model) -> the flags that name a run of it."""
    def make(model):
        named = ['--dataroot', str(pairs(64, 64, train=60, val=4)), '--name', 'me',
                 '--checkpoints_dir', str(tmp_path / 'ck')]
        training.main([*named, '--model', model, *fitting(model, *small), '--no_html',
                       '--max_steps', '1'])
        return named
    return make


def test_every_part_of_a_frame_is_timed_and_drawn(trained, tmp_path, capsys):
    picture = tmp_path / 'time.svg'
    parts = painting_time.main([*trained('body2body'), '--frames', '3', '--picture', str(picture)])
    assert list(parts)[-1] == 'the rest' and min(parts.values()) > 0
    assert {'network', 'background', 'bending', 'sampling', 'reading frames',
            'temporal blending'} < set(parts)
    told = capsys.readouterr().out
    assert '64x64' in told and all(label in told for label in parts)
    assert all(label in picture.read_text() for label in parts)


def test_no_module_calls_a_timed_function_unseen():
    listed = {(where, name) for _, where, name in painting_time.PARTS if where}
    modules = [importlib.import_module(f'models.warping.{module.name}')
               for module in pkgutil.iter_modules(models.warping.__path__)]
    functions = [each for each in listed if ':' not in each[0]]      # others are methods
    for where, name in functions:
        function = getattr(importlib.import_module(where), name)
        callers = {(module.__name__, name) for module in modules
                   if getattr(module, name, None) is function}
        assert callers <= listed


def test_each_part_is_as_wide_as_it_takes_long():
    bars = [rectangle for rectangle in ElementTree.fromstring(painting_time.drawn(
        {'network': 30.0, 'a & b': 10.0}, 'Painting')).iter(f'{SVG}rect')
        if rectangle.get('height') == '36']
    wide = [float(bar.get('width')) for bar in bars]
    assert wide[0] == pytest.approx(3 * wide[1], rel=0.01)
    assert float(bars[1].get('x')) == pytest.approx(float(bars[0].get('x')) + wide[0], abs=0.1)


def test_the_time_between_frames_is_shared_out_by_what_the_threads_spent():
    frames = [{'network': 0.03, 'bending': 0.01, 'the rest': whole} for whole in (0.06, 0.05, 0.9)]
    carried = [{'bending': 9.0, 'temporal blending': 0.04}]
    parts = painting_time.shared_out(50.0, frames, carried)
    assert parts == pytest.approx({'network': 15.0, 'bending': 5.0, 'temporal blending': 20.0,
                                   'the rest': 10.0})
    assert list(parts)[-1] == 'the rest'
    assert painting_time.shared_out(60.0, frames, [])['the rest'] == pytest.approx(20.0)


def test_parts_are_known_of_body2body_alone(trained):
    with pytest.raises(UserError, match='--model nearest'):
        painting_time.main(trained('nearest'))
