"""Words for readers: what is printed can be shown, and what is a command can be pasted."""
import ast
import os
import re
import subprocess
from pathlib import Path

import pytest

from util.words import command, pasted, printable

ROOT = Path(__file__).parents[2]

# names that people give to videos and runs, and some that only an old archive has
NAMES = ['me', 'exp 2024-05-01 12:30:00', "Ann's", 'say "hi"', '100%', '#1', 'why?', 'a&b', '$HOME',
         '`id`', 'back\\slash', '*', '-dance', '--name', 'two\nlines', 'tab\there', '踊り', '💃🏽',
         'na\u0308ive', os.fsdecode(b'caf\xe9'), os.fsdecode(b"\xe9'\\x"), '']


@pytest.mark.skipif(os.name == 'nt', reason='needs bash')
@pytest.mark.parametrize('name', NAMES)
def test_a_command_that_is_printed_can_be_pasted(name):
    line = command('train.py', name=name) + ' ' + pasted(name)
    assert line.isprintable()
    out = subprocess.run(['bash', '-c', f'printf "%s\\0" {line}'], capture_output=True, check=True)
    python, script, *words, last = [os.fsdecode(word) for word in out.stdout.split(b'\0')[:-1]]
    assert (python, script, last) == ('python', 'train.py', name)
    assert words in ([f'--name={name}'], ['--name', name])
    assert name.startswith('-') == (len(words) == 1)


@pytest.mark.parametrize('name', NAMES)
def test_what_is_printed_can_be_shown(name):
    assert printable(name, breaks=False).isprintable()
    printable(name).encode('utf-8')
    if name.isprintable():
        assert printable(name) == name


def test_a_byte_that_is_no_text_and_a_command_to_the_terminal_are_spelt_out():
    assert printable(os.fsdecode(b'caf\xe9\x1b[31m\n')) == 'caf\\xe9\\x1b[31m\n'
    assert printable('\ud800') == '\\ud800'


CALLS_A_SCRIPT = re.compile(r'python3? [\w/]+\.py|\b(train|test|preprocess|transfer)\.py --\w+ $')


def sources():
    folders = ('data', 'evaluation', 'models', 'options', 'pose', 'preprocessing', 'scene',
               'scripts', 'training', 'util')
    found = [*ROOT.glob('*.py')]
    for name in folders:
        found += ROOT.glob(f'{name}/**/*.py')
    return found


def test_every_command_with_a_name_in_it_is_made_by_the_one_function_that_quotes():
    """No f-string spells `python SCRIPT.py ... {name}` out by itself."""
    found = []
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text('utf-8'))):
            parts = node.values if isinstance(node, ast.JoinedStr) else []
            for part, name in zip(parts, parts[1:]):
                own = getattr(getattr(name, 'value', None), 'id', '').isupper()     # a constant
                if isinstance(part, ast.Constant) and CALLS_A_SCRIPT.search(part.value) and \
                        not own:
                    found.append(f'{path.relative_to(ROOT)}:{node.lineno}')
    assert not found


def test_a_command_ends_its_sentence_without_a_full_stop_that_would_be_pasted_too():
    found = []
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text('utf-8'))):
            if isinstance(node, ast.BinOp) and isinstance(node.left, ast.BinOp) and \
                    is_command(node.left.right):
                found.append(f'{path.relative_to(ROOT)}:{node.lineno}')
    assert not found


def is_command(node):
    return isinstance(node, ast.Call) and getattr(node.func, 'id', '') in ('command', 'pasted')
