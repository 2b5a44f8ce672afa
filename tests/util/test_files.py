"""A file, or a folder of a run, is whole or not there, whenever the call ends."""
import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import util.files
from util.errors import UserError, sentence
from util.files import append_line, atomic, clear_leftovers, dead_parts, write_npz, write_text
from util.noted import NOTES
from util.owned import MAKING, finish, folder_in_place_of


class Killed(BaseException):
    """What no program can catch."""


def put(folder, files):
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)


def contents(folder):
    """Of the files but for the notes of what is the program's."""
    return {path.relative_to(folder).as_posix(): path.read_text()
            for path in folder.rglob('*') if path.is_file() and path.name != NOTES}


@pytest.fixture
def place(tmp_path):
    put(tmp_path / 'plate', {'1.png': 'old', '2.png': 'old', 'notes.txt': 'mine'})
    return tmp_path / 'plate'


def replace(place):
    with folder_in_place_of(place, r'\d+\.png') as part:
        put(part, {'1.png': 'new'})


def killed(*given):
    raise Killed


def test_a_folder_of_a_run_is_replaced_and_what_is_the_users_stays(place):
    replace(place)
    assert contents(place.parent) == {'plate/1.png': 'new', 'plate/notes.txt': 'mine'}


def test_a_kill_in_the_middle_of_the_exchange_loses_nothing(place, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr('util.owned._move', killed)
        replace(place)
    assert (place / 'notes.txt').exists()
    finish(place)
    assert contents(place.parent) == {'plate/1.png': 'new', 'plate/notes.txt': 'mine'}


def test_a_new_folder_of_a_run_is_whole_or_not_there(tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Path, 'rename', killed)
        patch.setattr('shutil.rmtree', lambda *given, **how: None)
        replace(tmp_path / 'plate')
    assert not (tmp_path / 'plate').exists()
    clear_leftovers(tmp_path)
    assert not list(tmp_path.iterdir())
    replace(tmp_path / 'plate')
    assert contents(tmp_path) == {'plate/1.png': 'new'}


def test_a_failure_leaves_the_folder_as_it_was(place, monkeypatch):
    before = contents(place.parent)
    with pytest.raises(OSError), folder_in_place_of(place, '.*') as part:
        put(part, {'1.png': 'new'})
        raise OSError
    assert contents(place.parent) == before

    def refused(*given):
        raise OSError
    with monkeypatch.context() as patch, pytest.raises(OSError):
        patch.setattr('util.owned.write_json', refused)
        replace(place)
    assert contents(place.parent) == before and not (place / MAKING).exists()


def test_a_link_in_place_of_a_runs_folder_leads_nobody_astray(place):
    (place.parent / 'index').symlink_to(place)
    before = contents(place)
    with pytest.raises(UserError, match='index: is there already'):
        replace(place.parent / 'index')
    assert contents(place) == before


def test_what_an_earlier_version_moved_away_comes_back_and_what_differs_stays(place):
    old = place.parent / '.plate.old1'
    put(old, {'1.png': 'older', '2.png': 'old', '3.png': 'old', '.ours': '((a+)+$'})
    clear_leftovers(place.parent)
    assert contents(place.parent) == {'.plate.old1/1.png': 'older', 'plate/1.png': 'old',
                                      'plate/2.png': 'old', 'plate/3.png': 'old',
                                      'plate/notes.txt': 'mine'}


def test_a_stranger_cannot_make_the_program_move_files_through_a_link_or_upwards(place):
    run = place.parent / 'run'
    put(run, {'1.png': 'mine'})
    (run / '.index.old1').symlink_to(place)
    (run / '.mattes.old1').mkdir()
    (run / 'mattes').symlink_to(place)
    put(run / '.mattes.old1', {'a.png': 'theirs'})
    put(run / '....old1', {'b.png': 'theirs'})
    before = contents(place.parent)
    clear_leftovers(run)
    assert contents(place.parent) == before


def number_of_a_dead_process():
    with subprocess.Popen([sys.executable, '-c', '']) as ended:
        pass
    return ended.pid


@pytest.mark.skipif(os.name == 'nt', reason='there nobody can ask whether a process runs')
def test_what_a_killed_process_left_of_a_file_goes_when_the_file_is_written_again(tmp_path):
    dead = number_of_a_dead_process()
    put(tmp_path, {f'.out.part{dead}.txt': 'half', f'.other.part{dead}.txt': 'half',
                   f'.out.part{os.getppid()}.txt': 'at work'})
    dead_parts.cache_clear()
    write_text(tmp_path / 'out.txt', 'whole')
    assert contents(tmp_path) == {'out.txt': 'whole', f'.other.part{dead}.txt': 'half',
                                  f'.out.part{os.getppid()}.txt': 'at work'}


def test_a_disk_that_fills_up_leaves_the_earlier_file_and_nothing_else(tmp_path, monkeypatch):
    write_npz(tmp_path / 'poses.npz', poses=np.zeros(3))
    before = (tmp_path / 'poses.npz').read_bytes()

    def full(path, data):
        with open(path, 'wb') as file:
            file.write(data[:10])
        raise OSError(28, 'No space left on device')
    monkeypatch.setattr(Path, 'write_bytes', full)
    with pytest.raises(UserError, match='poses.npz: the disk is full'):
        write_npz(tmp_path / 'poses.npz', poses=np.ones(3))
    assert (tmp_path / 'poses.npz').read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_that_may_not_be_written_is_called_by_its_own_name(tmp_path, monkeypatch):
    def refused(path, *given, **more):
        raise PermissionError(errno.EACCES, 'Permission denied', str(path))
    for name in ('a.txt', '.written.json'):
        with monkeypatch.context() as patch, pytest.raises(PermissionError) as told:
            patch.setattr(Path, 'write_text', refused)
            write_text(tmp_path / name, 'x')
        assert sentence(told.value).startswith(f'{tmp_path / name}: you may not do this there')


def test_a_file_that_cannot_be_flushed_keeps_its_name_to_the_earlier_one(tmp_path, monkeypatch):
    write_text(tmp_path / 'a.txt', 'old')
    monkeypatch.setattr(util.files, 'flush_to_disk', killed)
    with pytest.raises(Killed), atomic(tmp_path / 'a.txt') as part:
        part.write_text('new')
    assert contents(tmp_path) == {'a.txt': 'old'}


@pytest.mark.skipif(not hasattr(os, 'O_NOFOLLOW'), reason='this system follows every link')
def test_a_log_that_is_a_link_is_not_written_through(tmp_path):
    append_line(tmp_path / 'log', 'one')
    append_line(tmp_path / 'log', 'two')
    (tmp_path / 'link').symlink_to(tmp_path / 'log')
    with pytest.raises(OSError):
        append_line(tmp_path / 'link', 'three')
    assert (tmp_path / 'log').read_text() == 'one\ntwo\n'
