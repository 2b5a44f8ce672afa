"""What scripts/examples.py lists works as typed."""
import os
import re
import shlex
import signal
import subprocess
import sys
import time

import pytest
from documents import ROOT
from test_documents import flags_of

from scripts import examples, make
from scripts.examples import EXAMPLES
from util.errors import UserError

LINES = [line for example in EXAMPLES.values() for line in example.commands]
LOOK_AT = re.compile(r'((?:results|checkpoints)/\S+?|out)\.(mp4|html)')


@pytest.mark.parametrize('line', LINES)
def test_every_command_calls_a_script_with_flags_that_it_has(line):
    python, script, *words = shlex.split(line)
    typed = {word[2:] for word in words if word.startswith('--')}
    assert python == 'python' and (ROOT / script).is_file()
    assert typed <= flags_of(script, words)


def test_the_list_shows_every_example_with_its_time_and_its_commands():
    listed = examples.listed()
    assert all(line in listed for line in LINES)
    assert all(f'{name} ({example.takes})' in listed for name, example in EXAMPLES.items())


def test_the_dancers_are_those_of_make_demo():
    typed = [shlex.split(line)[1:] for line in EXAMPLES['dancers'].commands]
    assert typed == [words[1:] for words in make.demo({})]


def test_an_example_that_there_is_not_is_refused_with_its_neighbour():
    with pytest.raises(UserError, match='Did you mean live?'):
        examples.main(['life'])


@pytest.fixture
def script(tmp_path, monkeypatch):
    """A script of that text in the place of the repository; returns the line that calls it."""
    monkeypatch.setattr(examples, 'ROOT', tmp_path)

    def write(text):
        (tmp_path / 'one.py').write_text(text)
        return 'python one.py'
    return write


def test_a_command_that_fails_ends_the_example_and_is_named(script):
    with pytest.raises(UserError, match='one.py ended with status 3.*: python one.py'):
        examples.call(script('raise SystemExit(3)'))


@pytest.mark.skipif(os.name == 'nt', reason='Windows has no signals between processes')
def test_ctrl_c_is_left_to_the_command(script):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)   # ignored in a background
    try:
        examples.call(script('import os, signal\nos.kill(os.getppid(), signal.SIGINT)'))
        assert signal.getsignal(signal.SIGINT) == signal.default_int_handler
    except KeyboardInterrupt:
        pytest.fail('Ctrl-C ended the example, not the command alone')
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_command_ends_with_the_example_that_is_killed(script, tmp_path):
    """Nobody would know of a training that goes on."""
    line = script('import os, sys\n'
                  'open("started", "w").write(str(os.getpid()))\n'
                  'assert os.environ["BODY2BODY_ENDS_WITH_STDIN"]\n'
                  'sys.stdin.read()\n'
                  'open("ended", "w")\n')
    text = f'from scripts import examples; from pathlib import Path\n' \
           f'examples.ROOT = Path({str(tmp_path)!r}); examples.call({line!r})'
    caller = subprocess.Popen([sys.executable, '-c', text], cwd=tmp_path,
                              env={**os.environ, 'PYTHONPATH': str(ROOT)})
    wait_for(tmp_path / 'started')
    caller.kill()
    caller.wait()
    wait_for(tmp_path / 'ended')


def wait_for(path, seconds=60):
    until = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < until, f'{path.name} never came'
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.e2e
def test_every_example_shows_what_it_promises(tmp_path, monkeypatch):
    """With smaller dancers and seconds of training. Live has no end; tests/live has it."""
    def short(line):
        line = re.sub(r'(--max_minutes) \d+', r'\1 0.05', line)
        return f'{line} --size 240 --seconds 4 2' if 'make_demo_videos' in line else line
    shortened = {name: example._replace(commands=tuple(map(short, example.commands)))
                 for name, example in EXAMPLES.items() if name != 'live'}
    monkeypatch.setattr(examples, 'EXAMPLES', shortened)
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)        # networks of full size
    monkeypatch.chdir(tmp_path)
    for name in reversed(shortened):            # the dancers come first by themselves
        if name != 'dancers':
            examples.main([name])
    promised = [file[0] for example in shortened.values()
                for file in LOOK_AT.finditer(example.what)]
    assert len(promised) == 5
    assert all((tmp_path / file).stat().st_size for file in promised)
