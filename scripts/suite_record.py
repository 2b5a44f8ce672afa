"""suite.json: what a suite has made, as scripts/suite.py writes it and as it is read again."""
from pathlib import Path
from typing import Any

from evaluation.records import scores
from util.errors import UserError
from util.files import read_json
from util.shapes import (
    Shape,
    anything,
    check_shape,
    inner_path,
    items,
    maybe,
    number,
    plain_name,
    record,
    switch,
    table,
    text,
)

RECORD = 'suite.json'
FORMAT = 1
SECONDS = ('person', 'moves', 'training', 'painting', 'measuring', 'all')

_film = items(anything, 3)          # name, bytes, time of the last change in ns
_inputs = record({}, {
    'target': _film, 'source': _film, 'minutes': number(0), 'size': maybe(number(1)),
    **{f'{step}_args': text() for step in ('target', 'source', 'train', 'test')}})


def _finished_or_failed(finished: Shape) -> Shape:
    """A row that says why it failed, or has all that one has which did not."""
    def check(value: Any) -> None:
        if isinstance(value, dict) and 'error' in value:
            record({'error': text()}, {'inputs': _inputs})(value)
        else:
            finished(value)
    return check


PAIR = record({
    'inputs': record({'target': _film, 'source': _film, 'minutes': number(0)}), 'scores': scores,
    'results': inner_path, 'film': inner_path, 'dataset': inner_path,
    'memory': maybe(number(0)), 'seconds': record(dict.fromkeys(SECONDS, number(0)))},
    {'inputs': _inputs, 'device': maybe(text())})
HELD_OUT = record({'scores': scores, 'baselines': table(scores)}, {
    'inputs': _inputs, 'results': inner_path, 'memory': maybe(number(0))})
SUITE = record({}, {
    'minutes': number(0), 'made': text(),
    'machine': record({}, {'cores': number(0), 'processor': text(), 'device': maybe(text())}),
    'pairs': table(_finished_or_failed(PAIR), names=plain_name),
    'held_out': table(_finished_or_failed(HELD_OUT)),
    'prepared': table(record({'inputs': _inputs, 'seconds': number(0), 'finished': switch}))})


def read_suite(folder: Path) -> dict[str, Any]:
    """suite.json of that folder; UserError where there is none."""
    path = folder / RECORD
    if not path.is_file():
        raise UserError(f'{path}: no such file. Name a folder that scripts/suite.py wrote.')
    suite = read_json(path)
    if not isinstance(suite, dict) or suite.get('format') != FORMAT:
        raise UserError(f'{path}: not written by this program. Name a folder that '
                        f'scripts/suite.py wrote.')
    check_shape(path, suite, SUITE, 'Make the suite again, in another --out.')
    return suite
