"""What the program advises can be typed: the flags in its sentences are there."""
import ast
import re

import pytest
from documents import ROOT
from test_documents import ENTRY_POINTS, entry_flags

from models import models

FOLDERS = ('data', 'evaluation', 'live', 'models', 'options', 'pose', 'preprocessing', 'scene',
           'scripts', 'training', 'util')
SAYS = {'UserError', 'warn', 'warn_once', 'say', 'refuse'}
FLAG = re.compile(r'(?<![\w-])--([A-Za-z]\w*)')
# flags of torchrun and of a script that another file of its speaks for
OTHERS = {'nproc_per_node', 'shard'}
OPENPOSES = {'model_pose', 'keypoint_scale', 'frame_first', 'face', 'hand', 'write_json'}
# what only transfer.py asks for
OF_TRANSFER = {'preprocessing/people.py'}
# {what only one entry point runs: that one}
OF_ONE = {'live': 'webcam.py', 'preprocessing': 'preprocess.py', 'training': 'train.py'}


def sources(folder):
    return (ROOT / folder).rglob('*.py')


def calls(path, names):
    """Every call of one of these functions: its place, and its node."""
    for node in ast.walk(ast.parse(path.read_text('utf-8'))):
        if isinstance(node, ast.Call) and getattr(node.func, 'id', '') in names:
            yield f'{path.relative_to(ROOT)}:{node.lineno}', node


def advised(path):
    """Every flag that a sentence of a file names, with its place."""
    for place, node in calls(path, SAYS):
        parts = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)]
        said = ' '.join(part for part in parts if isinstance(part, str))
        # a flag that another script is named with is that one's
        said = re.sub(r'\w+\.py( --\w+)+', '', said)
        for flag in FLAG.findall(said):
            yield place, flag


def flags_of(script):
    return set().union(*(entry_flags(script, model) for model in models.names()))


@pytest.mark.parametrize('folder', FOLDERS)
def test_a_flag_in_a_sentence_is_one_of_some_entry_point(folder):
    known = (OPENPOSES | OTHERS).union(*map(flags_of, ENTRY_POINTS))
    for path in sources(folder):
        own = set(re.findall(r"'--(\w+)'", path.read_text('utf-8')))
        own |= {'out', 'force'} if folder in ('scripts', 'util') else set()
        unknown = {found for found in advised(path) if found[1] not in known | own}
        assert not unknown


@pytest.mark.parametrize('folder, script', OF_ONE.items())
def test_a_sentence_that_one_entry_point_says_names_its_flags(folder, script):
    known = flags_of(script)
    for path in sources(folder):
        if path.relative_to(ROOT).as_posix() not in OF_TRANSFER:
            assert not {found for found in advised(path) if found[1] not in known}


@pytest.mark.parametrize('folder', [*FOLDERS, '.'])
def test_a_command_that_is_advised_has_flags_of_its_script(folder):
    files = ROOT.glob('*.py') if folder == '.' else sources(folder)
    for path in files:
        for place, node in calls(path, {'command'}):
            script = getattr(node.args[0], 'value', '')
            typed = {word.arg for word in node.keywords if word.arg}
            if script in ENTRY_POINTS:
                assert typed <= flags_of(script), place
            elif script:
                text = (ROOT / script).read_text('utf-8')
                assert all(f"'--{flag}'" in text for flag in typed) or 'options' in text, place
