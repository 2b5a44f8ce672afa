"""scripts/make.py does what the Makefile does, with Python alone."""
import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import make

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith('MAKE') and k != 'MFLAGS'}


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """A checkout in which nothing is installed, as far as make reads it; the working folder."""
    for name in ('Makefile', 'requirements.txt', 'constraints.txt'):
        shutil.copy(ROOT / name, tmp_path)
    monkeypatch.setattr(make, 'ROOT', tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def of_makefile(words: list[str], folder: Path) -> list[list[str]]:
    """The commands of make, without its look at Python's version and its own note of the
    installation."""
    call = ['make', '--dry-run', f'PYTHON={sys.executable}', *words]
    printed = subprocess.run(call, cwd=folder, env=ENVIRONMENT, check=True, text=True,
                             capture_output=True).stdout
    lines = [shlex.split(line) for line in re.sub(r'\\\n', ' ', printed).splitlines()]
    return [line for line in lines if line[0] != 'touch' and line[1:2] != ['-c']]


@pytest.mark.skipif(shutil.which('make') is None, reason='no make here: apt-get install make')
@pytest.mark.parametrize('typed', [
    'install', 'demo', 'test', 'demo MINUTES=3', 'test JOBS=4',
    'demo TARGET=me.mp4 SOURCE=dancer.mp4', 'demo TARGET=me.mp4 SOURCE=dancer.mp4 MINUTES=3'])
@pytest.mark.parametrize('is_installed', [False, True])
def test_its_commands_are_those_of_the_makefile(typed, is_installed, bare):
    if is_installed:
        (bare / '.venv').mkdir()
        (bare / '.venv/.installed').touch()
    target, given, _ = make.parsed(typed.split())
    assert make.commands(target, given) == of_makefile(typed.split(), bare)


def test_it_installs_once_and_again_when_the_requirements_change(bare):
    (bare / '.venv').mkdir()
    assert not make.is_installed()
    (bare / '.venv/.installed').touch()
    assert make.is_installed()
    later = (bare / '.venv/.installed').stat().st_mtime + 9
    os.utime(bare / 'constraints.txt', (later, later))
    assert not make.is_installed()


def stand_in(place: Path, status: int = 0) -> None:
    """A program that notes how it is called, and with which constraint."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(f'#!/bin/sh\necho "$0 $1 $PIP_CONSTRAINT" >> calls.txt\nexit {status}\n')
    place.chmod(0o755)


@pytest.mark.skipif(os.name == 'nt', reason='the stand-ins are shell scripts')
def test_it_runs_its_commands_in_order_and_notes_the_installation(bare, monkeypatch):
    monkeypatch.setattr(sys, 'executable', str(bare / 'python'))
    for name in ('python', '.venv/bin/pip', '.venv/bin/python'):
        stand_in(bare / name)
    make.main(['install'])
    called = (bare / 'calls.txt').read_text().splitlines()
    assert called == [f'{bare}/python -m ', '.venv/bin/pip install constraints.txt',
                      '.venv/bin/python scripts/get_models.py ']
    assert make.is_installed()


@pytest.mark.skipif(os.name == 'nt', reason='the stand-ins are shell scripts')
def test_a_command_that_fails_ends_it_with_its_status_and_nothing_counts_as_installed(
        bare, monkeypatch):
    monkeypatch.setattr(sys, 'executable', str(bare / 'python'))
    stand_in(bare / 'python')
    stand_in(bare / '.venv/bin/pip', status=3)
    with pytest.raises(SystemExit) as ended:
        make.main(['install'])
    assert ended.value.code == 3
    assert not make.is_installed() and 'get_models' not in (bare / 'calls.txt').read_text()


@pytest.mark.skipif(os.name == 'nt', reason='the stand-ins are shell scripts')
def test_a_video_that_is_called_like_a_setting_is_a_video(bare):
    stand_in(bare / 'painter')
    make.run(['PIP_CONSTRAINT=here', './painter', 'TAKE=2.mp4'])
    assert (bare / 'calls.txt').read_text().split() == ['./painter', 'TAKE=2.mp4', 'here']


@pytest.mark.parametrize('typed', ['--dry_run demo TARGET=a SOURCE=b',
                                   'demo --dry_run TARGET=a SOURCE=b',
                                   'demo TARGET=a SOURCE=b --dry_run'])
def test_the_flag_may_stand_anywhere(typed):
    assert make.parsed(typed.split()) == ('demo', {'TARGET': 'a', 'SOURCE': 'b'}, True)


@pytest.mark.parametrize(('typed', 'says'), [
    ('tset', 'There is install, demo, test'), ('demo TARGETS=me.mp4', 'TARGETS: no such word'),
    ('demo TARGET=me.mp4', 'go together'), ('demo SOURCE=me.mp4', 'go together'),
    ('install demo', 'one of them')])
def test_what_it_does_not_know_is_refused_in_a_sentence(typed, says):
    with pytest.raises(SystemExit, match=says):
        make.main(typed.split())


@pytest.mark.parametrize('version', [(3, 9, 0), (3, 13, 0)])
def test_another_python_is_refused_before_anything_is_made(version, bare, monkeypatch):
    monkeypatch.setattr(sys, 'version_info', version)
    monkeypatch.setattr(make, 'run', lambda words: (bare / '.venv').mkdir())    # installs nothing
    with pytest.raises(SystemExit, match='needs 3.10, 3.11 or 3.12'):
        make.main(['install'])
    assert not (bare / '.venv').exists()


def test_it_can_say_so_in_an_older_python_and_without_any_package():
    text = Path(make.__file__).read_text('utf-8')
    tree = ast.parse(text, feature_version=(3, 8))
    imports = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    modules = {getattr(node, 'module', None) or node.names[0].name for node in imports}
    assert modules <= sys.stdlib_module_names


def test_the_versions_of_python_are_the_same_everywhere():
    project = (ROOT / 'pyproject.toml').read_text()
    assert f'>={make.OLDEST[0]}.{make.OLDEST[1]},<3.{make.NEWEST[1] + 1}' in project
    assert f'{make.OLDEST} <= sys.version_info[:2] <= {make.NEWEST}' in \
        (ROOT / 'Makefile').read_text()
