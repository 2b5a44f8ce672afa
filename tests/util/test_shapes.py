"""The shape of a JSON record is checked where it is read."""
import json
import time

import pytest

from util.errors import UserError
from util.files import read_json, read_text
from util.shapes import (
    inner_path,
    items,
    maybe,
    number,
    one_of,
    plain,
    plain_name,
    read_shaped,
    record,
    switch,
    table,
    text,
)

PERSON = record({'name': plain_name}, {
    'age': number(0, 150, whole=True), 'place': items(number(), 2), 'pets': table(text()),
    'tall': maybe(switch), 'how': one_of('well', 'badly'), 'file': inner_path})


@pytest.mark.parametrize('value', [
    {'name': 'a b'}, {'name': 'x', 'age': 3, 'place': [1, 2.5], 'pets': {'cat': ''}, 'tall': None,
                      'how': 'well', 'file': 'a/b.c', 'more': [[]]}])
def test_what_fits_passes(value, tmp_path):
    (tmp_path / 'x.json').write_text(json.dumps(value))
    assert read_shaped(tmp_path / 'x.json', PERSON, '') == value


@pytest.mark.parametrize('wrong, why', [
    ([], 'a list is not an object'), ({}, 'it lacks name'), (None, 'null is not'),
    ({'age': 3.5}, 'age: 3.5 is not a whole number'), ({'age': True}, 'age: true'),
    ({'age': float('nan')}, 'age: nan'), ({'age': 10**400}, 'age: 1000'), ({'age': -1}, 'age: -1'),
    ({'place': [1]}, 'place: a list is not a list of 2'),
    ({'place': [1, 'x']}, "place: number 2: 'x' is not a number"),
    ({'place': [1, float('inf')]}, 'place: number 2: inf'), ({'place': {}}, 'place: an object'),
    ({'pets': {'cat': 3}}, "pets: 'cat': 3 is not text"), ({'pets': []}, 'pets: a list'),
    ({'tall': 0}, 'tall: 0 is not true or false'), ({'how': 'so'}, 'how: .* well or badly'),
    ({'how': []}, 'how: a list'), ({'name': '../x'}, 'name: .* plain name'),
    ({'name': '.x'}, 'name'), ({'name': 'a\nb'}, 'name'),
    ({'file': '/a'}, 'file: .* a path within'),
    ({'file': 'a/../../b'}, 'file'), ({'file': 'a//b'}, 'file'), ({'file': ''}, 'file')])
def test_what_does_not_fit_is_named_with_its_file(wrong, why, tmp_path):
    value = {'name': 'x'} | wrong if isinstance(wrong, dict) and wrong else wrong
    (tmp_path / 'x.json').write_text(json.dumps(value))
    with pytest.raises(UserError, match=rf'(?s)x\.json: {why}.*\. Make it again\.$'):
        read_shaped(tmp_path / 'x.json', PERSON, 'Make it again.')


@pytest.mark.parametrize('value', [[], {}, float('nan')])
def test_a_plain_value_is_no_list_and_no_object(value):
    with pytest.raises(ValueError):
        plain(value)


@pytest.mark.parametrize('data', [
    b'\xef\xbb\xbf{"a": 1}', '{"a": 1}'.encode('utf-16'), b'{\r\n"a": 1\r\n}\r\n'])
def test_json_is_read_in_any_encoding(data, tmp_path):
    (tmp_path / 'x.json').write_bytes(data)
    assert read_json(tmp_path / 'x.json') == {'a': 1}


@pytest.mark.parametrize('data', [
    b'', b'{', b'\xff\xff', b'[' * 200_000, b'[' * 101 + b']' * 101, b'{"a":' * 50_000,
    b'[' + b'[],' * 2_000_000 + b'1]', b'1' * 5000], ids=range(8))
def test_json_that_is_none_too_deep_or_too_large_is_one_sentence(data, tmp_path):
    (tmp_path / 'x.json').write_bytes(data)
    with pytest.raises(UserError, match=r'x\.json: not readable as JSON'):
        read_json(tmp_path / 'x.json')


def test_brackets_in_strings_count_as_no_depth(tmp_path):
    value = {'[' * 150: 1} | {f'a[{k}\\"' + '\\': '{' for k in range(101)}
    for encoding in 'utf-8', 'utf-16':
        (tmp_path / 'x.json').write_text(json.dumps(value), encoding)
        assert read_json(tmp_path / 'x.json') == value


@pytest.mark.parametrize('data', [
    b'["' + b'a' * 5_000_000, b'["' + b'\\"' * 2_500_000, b'"[' * 2_500_000,
    b'["' + b']' * 200_000 + b'", ' + b'[' * 200_000,
    ('["\u0122", ' + '[' * 200_000).encode('utf-16')],
    ids=range(5))
def test_hostile_strings_hide_no_depth_and_take_no_time(data, tmp_path):
    (tmp_path / 'x.json').write_bytes(data)
    started = time.monotonic()
    with pytest.raises(UserError, match='not readable as JSON'):
        read_json(tmp_path / 'x.json')
    assert time.monotonic() - started < 5


def test_text_is_read_with_or_without_a_byte_order_mark(tmp_path):
    (tmp_path / 'x.txt').write_bytes(b'\xef\xbb\xbfa: 1\r\ncaf\xe9: 2')
    assert read_text(tmp_path / 'x.txt') == 'a: 1\r\ncaf\ufffd: 2'
