"""The README's feature table: every row has its evidence in docs/features.md, which is there."""
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EVIDENCE = (ROOT / 'docs' / 'features.md').read_text()


def rows(text):
    """{first cell: the other cells} of every table in a text."""
    lines = [[cell.strip() for cell in line.strip('|').split('|')]
             for line in text.splitlines() if re.match(r'\| [^*]', line)]
    return {line[0]: line[1:] for line in lines}


SHOWN = rows(EVIDENCE.partition('## This project')[2].partition('\n## ')[0])
TABLE = rows((ROOT / 'README.md').read_text().partition('## What it can')[2].partition('\n## ')[0])


def test_every_row_of_the_readmes_table_has_its_evidence():
    heads = {'', 'capability'}
    assert set(SHOWN) - heads == set(TABLE) - heads and len(TABLE) > 30


@pytest.mark.parametrize('row', sorted(set(TABLE) - {''}))
def test_what_is_claimed_here_names_a_test_and_what_is_not_names_none(row):
    shown, = SHOWN[row]
    claimed = TABLE[row][0] not in ('no', 'untested')
    assert claimed == bool(re.search('tests?/|every test', shown)), row


def test_the_tests_and_scripts_that_are_named_exist():
    named = re.findall(r'(tests/[\w/]+\.py)::(\w+)', EVIDENCE)
    gone = [f'{file}::{name}' for file, name in named
            if f'def {name}(' not in (ROOT / file).read_text()]
    assert len(named) > 40 and not gone
    for script in re.findall(r'`python (\S+\.py)', EVIDENCE):
        assert (ROOT / script).is_file(), script
