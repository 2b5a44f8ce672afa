"""What test.py writes for programs is read as it was written."""
import os

import pytest

from evaluation.records import read_metrics, read_painting
from util.errors import UserError
from util.files import write_json


def put(folder, name):
    write_json(folder / 'painting.json', {'frames': {name: 0.0}})
    write_json(folder / 'metrics.json', {'scores': {}, 'names': [name]})


@pytest.mark.skipif(os.name == 'nt', reason='there no file has such a name')
@pytest.mark.parametrize('name', ['a\\b.png', 'two\nlines.png'])
def test_a_frame_may_have_any_name_that_a_file_has(name, tmp_path):
    put(tmp_path, name)
    assert list(read_painting(tmp_path)['frames']) == [name] == read_metrics(tmp_path)['names']


@pytest.mark.parametrize('name', ['a/b.png', '../b.png', '.b.png', 'a\0.png', ''])
def test_a_name_that_leads_elsewhere_is_refused(name, tmp_path):
    put(tmp_path, name)
    for read in read_painting, read_metrics:
        with pytest.raises(UserError, match='is not a plain name'):
            read(tmp_path)
