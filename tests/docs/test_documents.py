"""Every document tells the truth: its commands, flags, make targets, files and links exist.

A new document, README's neighbour or in docs/, is tested unasked.
"""
import re
import subprocess
import sys
from functools import cache

import pytest
from documents import NAMES, ROOT, anchors, code, commands, own, read

from models import models
from options.legacy import RENAMED, REPLACED
from options.parser import Parser
from options.preprocess_options import PreprocessOptions
from options.test_options import TestOptions
from options.train_options import TrainOptions
from options.transfer_options import TransferOptions
from options.webcam_options import WebcamOptions
from scripts import make

ENTRY_POINTS = {'preprocess.py': PreprocessOptions, 'train.py': TrainOptions,
                'test.py': TestOptions, 'transfer.py': TransferOptions,
                'webcam.py': WebcamOptions}
PHASES = {'train.py': 'train', 'test.py': 'test', 'webcam.py': 'test'}
FOREIGN = {'load_iter', 'logdir'}       # of other programs, or taken for a flag of today's
GLOSSARY_ROWS = 60
README_BYTES = 9000
README_FIRST_COMMAND = 15


@cache
def entry_flags(script, model):
    """The flags of an entry point, those of one model among them, older spellings too."""
    parser = Parser('')
    ENTRY_POINTS[script]().declare(parser)
    if script in PHASES:
        group = parser.add_argument_group('model')
        models.find(model).declare_options(group, PHASES[script])
    return parser.flags() | set(RENAMED) | set(REPLACED) | {'help'}


@cache
def script_flags(script):
    """The flags that the help of a script names; those of test.py too where it hands them on."""
    done = subprocess.run([sys.executable, script, '--help'], cwd=ROOT, capture_output=True,
                          text=True)
    assert done.returncode == 0, f'{script} --help\n{done.stderr}'
    more = entry_flags('test.py', 'pix2pix') if 'TestOptions' in read(script) else set()
    return set(re.findall(r'--(\w+)', done.stdout)) | {'help'} | more


def model_of(words):
    """The --model that was typed where it is one that there is, else the usual one."""
    typed = words[words.index('--model') + 1] if '--model' in words else ''
    return typed if typed in models.names() else 'pix2pix'


def flags_of(script, words):
    if script in ENTRY_POINTS:
        return entry_flags(script, model_of(words))
    return script_flags(script)


@pytest.mark.parametrize('name', NAMES)
def test_every_script_a_document_calls_exists(name):
    for script, _ in commands(own(name)):
        assert (ROOT / script).is_file(), f'{name}: {script}'


@pytest.mark.parametrize('name', NAMES)
def test_every_command_of_a_document_has_flags_that_its_script_has(name):
    for script, words in commands(own(name)):
        # a word with a space is flags for another script, in quotation marks
        typed = {re.split('[= ]', word[2:])[0] for word in words if re.match(r'--\w+[^ ]*$', word)}
        if typed and script != 'scripts/ffmpeg.py':      # its flags are ffmpeg's
            assert typed <= flags_of(script, words), f'{name}: {script} {words}'


@pytest.mark.parametrize('script', ENTRY_POINTS)
def test_the_documents_show_flags_of_every_entry_point(script):
    shown = [words for name in NAMES for called, words in commands(own(name)) if called == script]
    assert any(word.startswith('--') for words in shown for word in words)


@pytest.mark.parametrize('name', NAMES)
def test_every_flag_a_document_names_is_one_of_some_script(name):
    known = set(FOREIGN)
    for script in ENTRY_POINTS:
        for model in models.names():
            known |= entry_flags(script, model)
    for script in (ROOT / 'scripts').rglob('*.py'):
        known |= set(re.findall(r"'--(\w+)'", script.read_text()))
    spans = [span for span in code(own(name)) if span.startswith('--')]
    named = {flag for span in spans for flag in re.findall(r'--(\w+)', span)}
    assert named <= known, f'{name}: {sorted(named - known)}'


@pytest.mark.parametrize('name', NAMES)
def test_the_makefile_has_the_targets_a_document_names(name):
    targets = set(re.findall(r'^([\w-]+):', read('Makefile'), re.M))
    named = {target for line in code(own(name)) for target in re.findall(r'^make ([\w-]+)', line)}
    assert named <= targets, name


@pytest.mark.parametrize('name', NAMES)
def test_what_a_document_types_where_there_is_no_make_is_understood(name):
    for script, words in commands(own(name)):
        if script == 'scripts/make.py':
            make.parsed(words)


@pytest.mark.parametrize('name', NAMES)
def test_every_link_of_a_document_leads_to_a_file_and_a_heading(name):
    page = ROOT / name
    for link in re.findall(r'\]\(([^)\s]+)\)', read(name)):
        if re.match(r'https?:', link):
            continue
        path, _, anchor = link.partition('#')
        target = page.parent / path if path else page
        assert target.is_file(), f'{name}: {link}'
        assert not anchor or anchor in anchors(target.read_text()), f'{name}: {link}'


@pytest.mark.parametrize('name', NAMES)
def test_every_file_of_the_repository_a_document_names_exists(name):
    folders = 'docs|tests|scripts|util|pose|scene|data|models|options|training|evaluation|' \
              'preprocessing|live'
    for span in code(own(name)):
        path = re.match(rf'((?:{folders})/[\w/]+\.(?:py|md|json|jpg))(?:::\w+)?$', span)
        if path and 'NAME' not in span:
            assert (ROOT / path[1]).is_file(), f'{name}: {span}'


def test_the_readme_is_short_and_its_first_command_stands_on_the_first_screen():
    readme = ROOT / 'README.md'
    assert len(readme.read_bytes()) <= README_BYTES
    lines = readme.read_text().splitlines()
    assert lines.index('```bash') + 2 <= README_FIRST_COMMAND      # numbers from 1, below the fence


def test_every_document_of_docs_is_reached_from_the_readme():
    def linked(name):
        page = ROOT / name
        links = re.findall(r'\]\(([^)#\s]+\.(?:md|ipynb))', read(name))
        return {str((page.parent / link).resolve().relative_to(ROOT)) for link in links}
    reached, fresh = set(), {'README.md'}
    while fresh:
        reached |= fresh
        fresh = {link for name in fresh for link in linked(name)} - reached
    assert set(NAMES) <= reached


def glossary():
    """The first cell of every row of the glossary's tables."""
    lines = re.findall(r'^\| (.+?) \|', read('docs/glossary.md'), re.M)
    return [line for line in lines if line != 'word']


def test_the_glossary_is_short_and_explains_a_word_once():
    words = glossary()
    assert 20 < len(words) <= GLOSSARY_ROWS and len(set(words)) == len(words)


@pytest.mark.parametrize('word', glossary())
def test_every_word_of_the_glossary_is_used_in_the_code(word):
    folders = ('options', 'preprocessing', 'training', 'evaluation', 'live', 'models', 'data',
               'scene', 'pose', 'util')
    files = [file for folder in folders for file in (ROOT / folder).rglob('*.py')]
    text = '\n'.join(file.read_text() for file in files).lower()
    spellings = word.replace('`', '').lower().split(', ')
    assert all(spelling in text for spelling in spellings)
