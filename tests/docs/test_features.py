"""docs/features.md: every row of its two comparisons has its evidence, which is there."""
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / 'docs' / 'features.md').read_text()
HEADS = {'', 'capability'}


def rows(text):
    """{first cell: the other cells} of every table in a text."""
    lines = [[cell.strip() for cell in line.strip('|').split('|')]
             for line in text.splitlines() if re.match(r'\| [^*]', line)]
    return {line[0]: line[1:] for line in lines if line[0] not in HEADS}


def section(heading):
    """What stands below the heading that starts so, up to the next one."""
    return TEXT.partition(f'\n## {heading}')[2].partition('\n## ')[0]


SHOWN = rows(section('This project'))
MODELS = rows(section('Comparison with other trained models'))
ONE_PHOTO = rows(section('Comparison with figment'))
TABLE = {**ONE_PHOTO, **MODELS}


def test_every_row_of_the_comparisons_has_its_evidence():
    assert set(SHOWN) == set(TABLE) and len(MODELS) > 30 and len(ONE_PHOTO) > 5


def test_a_row_of_both_comparisons_says_the_same_of_this_project():
    both = set(MODELS) & set(ONE_PHOTO)
    assert both and all(MODELS[row][0] == ONE_PHOTO[row][0] for row in both)


@pytest.mark.parametrize('row', ['from one photo', 'expression follows the driver', '720p',
                                 'live from a camera', 'ONNX, TensorRT'])
def test_what_this_project_cannot_do_is_said(row):
    assert row in ONE_PHOTO


@pytest.mark.parametrize('row', sorted(TABLE))
def test_what_is_claimed_here_names_a_test_and_what_is_not_names_none(row):
    shown, = SHOWN[row]
    claimed = TABLE[row][0] not in ('no', 'untested')
    assert claimed == bool(re.search('tests?/|every test', shown)), row


def test_the_tests_and_scripts_that_are_named_exist():
    named = re.findall(r'(tests/[\w/]+\.py)::(\w+)', TEXT)
    gone = [f'{file}::{name}' for file, name in named
            if f'def {name}(' not in (ROOT / file).read_text()]
    assert len(named) > 40 and not gone
    for script in re.findall(r'`python (\S+\.py)', TEXT):
        assert (ROOT / script).is_file(), script
