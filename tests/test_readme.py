"""The README's commands work as pasted, on two short videos called me.mp4 and dancer.mp4."""
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from options.preprocess_options import PreprocessOptions
from options.test_options import TestOptions
from options.train_options import TrainOptions

ROOT = Path(__file__).parents[1]
README = (ROOT / 'README.md').read_text()


def blocks():
    return re.findall(r'```bash\n(.*?)```', README, re.S)


def commands():
    """Every python line of the README's blocks, in order, with training cut to seconds."""
    lines = [line for block in blocks() for line in block.splitlines()
             if line.startswith('python ')]
    return [re.sub(r'(--(?:max_)?minutes) \d+', r'\1 0.05', line) for line in lines]


@pytest.mark.slow
@pytest.mark.e2e
def test_every_command_of_the_readme_works_in_its_order(demo_videos, tmp_path):
    # the one command and the single steps are two ways to the same folders: a place for each
    one, steps = tmp_path / 'one', tmp_path / 'steps'
    for place in (one, steps):
        place.mkdir()
        for folder in ('options', 'models', 'data', 'pose', 'util', 'scripts', 'train.py',
                       'test.py', 'preprocess.py', 'transfer.py'):
            (place / folder).symlink_to(ROOT / folder)
        (place / 'me.mp4').symlink_to(demo_videos[0])
        (place / 'dancer.mp4').symlink_to(demo_videos[1])
    assert len(commands()) >= 8
    env = {k: v for k, v in os.environ.items() if k != 'OMP_NUM_THREADS'}   # networks of full size
    for line in commands():
        words = shlex.split(line)
        if words[1].endswith('ffmpeg.py'):
            words.insert(2, '-y')
        out = subprocess.run([sys.executable, *words[1:]], capture_output=True, text=True, env=env,
                             cwd=one if 'transfer.py' in line else steps)
        assert out.returncode == 0, f'{line}\n{out.stderr[-2000:]}'
    assert (one / 'out.mp4').is_file()
    made = ('results/me/latest_val/side_by_side.mp4', 'both.gif', 'datasets/dancer/report.html',
            'checkpoints/me/web/index.html')
    assert all((steps / name).is_file() for name in made)


@pytest.mark.parametrize('script, options', [
    ('train.py', TrainOptions), ('test.py', TestOptions), ('preprocess.py', PreprocessOptions)])
def test_every_flag_the_readme_names_exists(script, options):
    from options.base_options import Parser
    parser = Parser('')
    options().declare(parser)
    from models import models
    models.find('pix2pix').declare_options(parser.add_argument_group('x'), 'train')
    named = re.findall(rf'`{script} (.*?)`', README)
    assert named
    for flags in named:
        assert set(re.findall(r'--(\w+)', flags)) <= parser.flags(), flags


def test_the_makefile_has_the_targets_the_readme_names():
    targets = set(re.findall(r'^([\w-]+):', (ROOT / 'Makefile').read_text(), re.M))
    assert set(re.findall(r'`?make ([\w-]+)', README)) - {'the'} <= targets


def test_every_file_the_readme_links_to_is_there():
    for link in re.findall(r'\]\(([^)]+)\)', README):
        assert (ROOT / link).is_file(), link
