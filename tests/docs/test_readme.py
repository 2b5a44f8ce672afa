"""The documents' commands work as pasted, on two short videos called me.mp4 and dancer.mp4.

Blocks marked bash are run, README's first; what stands elsewhere is checked by test_documents.
"""
import os
import re
import shlex
import subprocess
import sys

import pytest
from documents import NAMES, ROOT, read, run_lines

MADE = ('results/me/latest_val/side_by_side.mp4', 'datasets/dancer/report.html',
        'checkpoints/me/web/index.html')
MADE_BY = {'docs/ffmpeg.md': ('me_dancing.mp4', 'both.mp4', 'both.gif')}
OTHERS = [name for name in NAMES if name != 'README.md' and run_lines(read(name))]


def commands(name):
    """A document's lines, with training cut to seconds."""
    return [re.sub(r'(--(?:max_)?minutes) \d+', r'\1 0.05', line) for line in run_lines(read(name))]


def run(line, place):
    words = shlex.split(line)
    if words[1].endswith('ffmpeg.py'):
        words.insert(2, '-y')
    env = {k: v for k, v in os.environ.items() if k != 'OMP_NUM_THREADS'}   # networks of full size
    out = subprocess.run([sys.executable, *words[1:]], capture_output=True, text=True, env=env,
                         cwd=place)
    assert out.returncode == 0, f'{line}\n{out.stderr[-2000:]}'


@pytest.fixture(scope='module')
def places(demo_videos, tmp_path_factory):
    """Two folders in which README's commands were run, transfer.py's and the single steps': they
    are two ways to the same folders, so there is a place for each."""
    one, steps = tmp_path_factory.mktemp('one'), tmp_path_factory.mktemp('steps')
    for place in (one, steps):
        # all that a checkout has but what a user makes in it
        made = {'datasets', 'checkpoints', 'results'}
        code = [path for path in ROOT.iterdir() if path.is_dir() and path.name not in made]
        for path in [*code, *ROOT.glob('*.py')]:
            if not path.name.startswith('.'):
                (place / path.name).symlink_to(path)
        (place / 'me.mp4').symlink_to(demo_videos[0])
        (place / 'dancer.mp4').symlink_to(demo_videos[1])
    for line in commands('README.md'):
        run(line, one if 'transfer.py' in line else steps)
    return one, steps


@pytest.mark.slow
@pytest.mark.e2e
def test_every_command_of_the_readme_works_in_its_order(places):
    one, steps = places
    assert len(commands('README.md')) >= 6
    assert (one / 'out.mp4').is_file()
    assert all((steps / name).is_file() for name in MADE)


@pytest.mark.slow
@pytest.mark.e2e
@pytest.mark.parametrize('name', OTHERS)
def test_the_commands_of_a_document_work_after_those_of_the_readme(name, places):
    for line in commands(name):
        run(line, places[1])
    assert all((places[1] / made).is_file() for made in MADE_BY.get(name, ()))


def test_the_documents_that_were_tested_so_far_still_have_commands_to_run():
    assert set(MADE_BY) <= set(OTHERS)
    assert sum(len(commands(name)) for name in ['README.md', *OTHERS]) >= 8
