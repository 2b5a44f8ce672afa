"""Nobody's CI builds the Dockerfile; what it says is held against the repository."""
import re
import shlex
import shutil
import subprocess

import pytest
from documents import ROOT, read
from test_documents import flags_of

LINES = [line.split(maxsplit=1) for line in read('Dockerfile').splitlines()]
IGNORED = {line for line in read('.dockerignore').splitlines() if line[:1] != '#'}


def told(instruction):
    """What follows that word, of each line that begins with it."""
    return [rest for word, rest in LINES if word == instruction]


def packages(text):
    """The Debian packages that the first apt-get of a text installs."""
    line = re.search(r'apt-get install (.+?)(?:`|&&|$)', text, re.M)[1]
    return {word for word in line.split() if not word.startswith('-')}


def test_its_python_is_one_that_the_project_takes():
    (base,) = told('FROM')
    minor = int(re.match(r'python:3\.(\d+)-slim', base)[1])
    low, high = re.search(r'requires-python = ">=3\.(\d+),<3\.(\d+)"',
                          read('pyproject.toml')).groups()
    assert int(low) <= minor < int(high)


@pytest.mark.skipif(shutil.which('make') is None, reason='no make here: apt-get install make')
def test_it_installs_by_make_and_starts_what_that_installs(tmp_path):
    system, target = told('RUN')
    shutil.copy(ROOT / 'Makefile', tmp_path)
    for name in ('requirements.txt', 'constraints.txt'):
        shutil.copy(ROOT / name, tmp_path)
    planned = subprocess.run([*shlex.split(target), '--dry-run'], cwd=tmp_path, text=True,
                             capture_output=True, check=True).stdout
    (entry,) = re.findall(r'"(.+)"', *told('ENTRYPOINT'))
    assert re.search(rf'^{re.escape(entry)} scripts/', planned, re.M)
    script, flag = re.findall(r'"(.+?)"', *told('CMD'))
    assert (ROOT / script).is_file() and flag == '--help'
    assert system.startswith('apt-get update && ')


def test_its_debian_packages_are_those_of_the_page_about_installing():
    assert packages(told('RUN')[0]) == packages(read('docs/install.md'))


def test_the_scripts_that_the_page_runs_in_it_have_those_flags():
    page = read('docs/install.md')
    lines = re.findall(r'^    docker run .* body2body (\w+\.py) (.*)$', page, re.M)
    assert lines
    for script, words in lines:
        typed = {word[2:] for word in shlex.split(words) if word.startswith('--')}
        assert typed <= flags_of(script, shlex.split(words))


def test_a_variable_that_it_sets_is_read_by_the_code():
    for line in told('ENV'):
        name = line.partition('=')[0]
        assert any(f"'{name}'" in path.read_text() for path in (ROOT / 'util').glob('*.py'))


def test_no_data_runs_or_environments_are_sent_to_it_but_all_that_is_needed():
    made = {line.strip('/*') for line in read('.gitignore').splitlines()
            if line.endswith(('/', '/*'))}
    assert {name if name != '__pycache__' else '**/__pycache__' for name in made} <= IGNORED
    kept = [path.name for path in ROOT.iterdir() if path.suffix in ('.py', '.txt', '.toml')]
    folders = [path.parent.name for path in ROOT.glob('*/__init__.py')]
    assert not IGNORED & {'Makefile', *kept, *folders}
