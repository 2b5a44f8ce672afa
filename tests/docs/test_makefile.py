"""What make and the project's own CI do."""
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(shutil.which('make') is None,
                                reason='no make here; to have it: apt-get install make')


def make(*arguments: str, cwd: Path = ROOT) -> str:
    """What it prints, called as from a shell: not as a part of the make that runs the tests."""
    env = {k: v for k, v in os.environ.items() if k not in ('MAKEFLAGS', 'MFLAGS', 'MAKELEVEL')}
    return subprocess.run(['make', *arguments], cwd=cwd, env=env, check=True, text=True,
                          capture_output=True).stdout


def test_ci_runs_every_test_once_and_lints_once():
    calls = re.findall(r'^make (.*)$', (ROOT / '.ci' / 'run').read_text(), re.M)
    commands = [line.strip() for call in calls
                for line in make('--dry-run', '--old-file=install', *call.split()).splitlines()]
    markers = [command.partition('-m ')[2].strip('"') for command in commands
               if 'pytest' in command]
    assert markers == ['not slow', 'slow']
    assert sum('ruff' in command for command in commands) == 1
    assert sum('mypy' in command for command in commands) == 1


def test_a_person_runs_every_test_with_one_command():
    (command,) = [line for line in make('--dry-run', '--old-file=install', 'test-all').splitlines()
                  if 'pytest' in line]
    assert '-m ' not in command


def test_every_installation_fetches_the_weights_that_tests_and_demo_use(tmp_path):
    """With a python in the environment's place that notes how it is called."""
    (tmp_path / '.venv' / 'bin').mkdir(parents=True)
    for name in ('Makefile', 'requirements.txt', 'constraints.txt'):
        shutil.copy(ROOT / name, tmp_path)
    python = tmp_path / '.venv' / 'bin' / 'python'
    python.write_text('#!/bin/sh\necho "$@" >> calls.txt\n')
    python.chmod(0o755)
    (tmp_path / '.venv' / '.installed').touch()
    make('install', cwd=tmp_path)
    assert (tmp_path / 'calls.txt').read_text().split() == [
        'scripts/get_models.py', '--if_possible', 'lpips', 'openpose']
