"""docs/walkthrough.ipynb goes from two videos to a film. Its flags, links and files are checked
with those of every other document, in test_documents.py."""
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from documents import NOTEBOOKS, ROOT
from notebook import cells, translated

MADE = {'datasets', 'checkpoints', 'results'}       # by a user
KB = 1000


@pytest.mark.parametrize('path', NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_small_has_no_output_and_is_python(path):
    assert path.stat().st_size < 300 * KB
    for cell in cells(path):
        if cell['cell_type'] == 'code':
            assert cell['outputs'] == [] and cell['execution_count'] is None
            compile(translated(cell['text']), str(path), 'exec')


def test_a_command_in_a_cell_takes_the_names_of_the_cell():
    printed = []
    text = 'name = "me"\nif name:\n    !python train.py --name "{name}" --n {1 + 1}'
    exec(translated(text), {'command': printed.append})
    assert printed == ['python train.py --name "me" --n 2']


@pytest.fixture
def checkout(tmp_path):
    """A copy of the code, without what a user makes; .venv is the Python that runs the tests."""
    for path in ROOT.iterdir():
        if path.is_dir() and path.name not in MADE and not path.name.startswith('.'):
            shutil.copytree(path, tmp_path / path.name,
                            ignore=shutil.ignore_patterns('__pycache__'))
    for path in ROOT.glob('*.py'):
        shutil.copy(path, tmp_path)
    (tmp_path / '.venv').symlink_to(sys.prefix)
    return tmp_path


@pytest.mark.slow
@pytest.mark.e2e
def test_the_walkthrough_runs_from_top_to_bottom_offline_and_shows_its_film(checkout):
    from util.video import probe
    nobody = 'http://127.0.0.1:9'       # where nothing listens
    env = {k: v for k, v in os.environ.items() if k != 'OMP_NUM_THREADS'}
    env |= {'http_proxy': nobody, 'https_proxy': nobody,
            'MPLBACKEND': 'module://matplotlib_inline.backend_inline'}      # as Jupyter sets it
    call = [sys.executable, str(Path(__file__).with_name('notebook.py')), 'walkthrough.ipynb',
            str(checkout / 'shown.json')]
    # in the notebook's own folder, where Jupyter begins
    done = subprocess.run(call, cwd=checkout / 'docs', env=env, capture_output=True, text=True)
    assert done.returncode == 0, f'{done.stdout[-1000:]}\n{done.stderr[-2000:]}'
    film = 'results/walkthrough/latest_val/side_by_side.mp4'
    assert probe(checkout / film).size[1] >= 256
    shown = json.loads((checkout / 'shown.json').read_text())
    assert shown[-1] == film and sum(name.endswith('.png') for name in shown) == 6
    assert not {path.name for path in (checkout / 'docs').iterdir()} & MADE
