"""What a call writes takes the place of what an earlier call wrote, and of nothing else."""
import errno
import os
import shutil

import pytest

import util.owned
from util.errors import UserError
from util.files import write_json
from util.noted import NOTES, note, noted, noted_file
from util.owned import MAKING, check_place, finish, locked, of_placed, placed, replacing

FIRST = {'record.json': 'old', 'train/1.png': 'old', 'train/2.png': 'old', 'report/1.jpg': 'old'}
SECOND = {'record.json': 'new', 'train/1.png': 'new', 'val/1.png': 'new'}
MINE = {'me.mp4': 'mine', 'notes/plan.txt': 'mine', 'train/mine.png': 'mine'}


class Killed(BaseException):
    """What no program can catch."""


def put(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def contents(folder):
    """Of the files but for the notes of what is the program's."""
    return {path.relative_to(folder).as_posix(): path.read_text()
            for path in folder.rglob('*') if path.is_file() and path.name != NOTES}


def first():
    return tuple(FIRST)


def nothing():
    return ()


def write(place, files=SECOND, written=first):
    with replacing(place, written, 'record.json') as folder:
        put(folder, files)


@pytest.fixture
def place(tmp_path):
    """What a first call wrote, and what the user has put there since."""
    put(tmp_path / 'me', FIRST | MINE)
    return tmp_path / 'me'


def test_only_what_was_written_before_is_replaced_and_the_rest_stays(place):
    number = place.stat().st_ino
    write(place)
    assert contents(place) == SECOND | MINE
    assert place.stat().st_ino == number, 'the folder itself may be a mount point'
    assert sorted(entry.name for entry in place.iterdir()) == [
        '.written.json', 'me.mp4', 'notes', 'record.json', 'train', 'val'], 'no litter'


def test_a_link_goes_on_leading_where_it_led(place):
    (place.parent / 'link').symlink_to(place)
    (place.parent / 'ahead').symlink_to('not_there_yet')
    write(place.parent / 'link')
    write(place.parent / 'ahead', written=nothing)
    assert (place.parent / 'link').is_symlink() and contents(place) == SECOND | MINE
    assert contents(place.parent / 'not_there_yet') == SECOND
    assert not [path for path in place.parent.iterdir() if path.name.startswith('.')]


def test_a_folder_within_that_leads_to_another_disk_is_written_into(place, monkeypatch):
    note(place, FIRST)
    shutil.move(place / 'train', place.parent / 'disk')
    (place / 'train').symlink_to(place.parent / 'disk')
    replace = os.replace

    def of_one_disk(source, target):
        if 'train' in str(target) and '.making' in str(source):
            raise OSError(errno.EXDEV, 'Invalid cross-device link')
        replace(source, target)
    monkeypatch.setattr(os, 'replace', of_one_disk)
    write(place)
    assert contents(place.parent / 'disk') == {'1.png': 'new', 'mine.png': 'mine'}
    assert (place / 'train').is_symlink() and not (place / '.making').exists()


@pytest.mark.parametrize('name', ['train/mine.png', 'me.mp4', 'notes', 'me.mp4/1.png'])
def test_what_would_be_written_over_is_named_and_nothing_is_changed(name, place):
    with pytest.raises(UserError, match=f'{name.removesuffix("/1.png")}: is there already'):
        write(place, SECOND | {name: 'new'})
    assert contents(place) == FIRST | MINE


@pytest.mark.parametrize('error', [OSError, UserError, KeyboardInterrupt])
def test_a_failure_changes_nothing(error, place):
    with pytest.raises(error), replacing(place, first, 'record.json') as folder:
        put(folder, SECOND)
        raise error
    assert contents(place) == FIRST | MINE
    with pytest.raises(error), replacing(place.parent / 'other', nothing):
        raise error
    assert not (place.parent / 'other').exists()


def stop_after(moves, place, monkeypatch):
    """Kill a call in the middle of its exchange."""
    move, moved = util.owned._move, []

    def killed_on_the_way(source, target):
        if len(moved) == moves:
            raise Killed
        moved.append(target)
        move(source, target)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(util.owned, '_move', killed_on_the_way)
        write(place)


@pytest.mark.parametrize('after', range(3))
def test_an_exchange_that_was_stopped_in_the_middle_is_completed_later(after, place, monkeypatch):
    stop_after(after, place, monkeypatch)
    assert not (place / 'record.json').exists(), 'nobody takes a mixture for a dataset'
    finish(place)
    assert contents(place) == SECOND | MINE


@pytest.mark.parametrize('after', range(3))
def test_the_same_call_again_replaces_what_a_stopped_one_has_moved(after, place, monkeypatch):
    stop_after(after, place, monkeypatch)

    def by_their_places():      # as of a program that knows its files by their names
        return {name for name in contents(place) if name in FIRST | SECOND}
    write(place, SECOND | {'val/2.png': 'new'}, by_their_places)
    assert contents(place) == SECOND | MINE | {'val/2.png': 'new'}


def test_an_exchange_that_ends_while_a_file_is_looked_for_hides_nothing(place, monkeypatch):
    stop_after(0, place, monkeypatch)
    read_plan = util.owned._read_plan

    def ended_first(folder):
        monkeypatch.setattr(util.owned, '_read_plan', read_plan)
        finish(folder)
        return read_plan(folder)
    monkeypatch.setattr(util.owned, '_read_plan', ended_first)
    assert placed(place / 'me.mp4') == place / 'me.mp4'
    assert not (place / MAKING).exists()


def test_a_file_that_is_moved_to_its_place_between_finding_and_reading_is_read(place, monkeypatch):
    stop_after(0, place, monkeypatch)

    def moved_first(path):
        finish(place)
        return path.read_text()
    assert of_placed(place / 'record.json', moved_first) == 'new'
    assert of_placed(place / 'none.json', moved_first) is None


def test_what_a_killed_call_left_is_cleaned_by_the_next(place):
    put(place / '.making', {'new/train/9.png': 'half', 'lock': ''})
    write(place)
    assert contents(place) == SECOND | MINE and not (place / '.making').exists()


def test_a_plan_of_a_stranger_reaches_nothing_outside_the_folder(place):
    put(place.parent, {'victim.txt': 'mine'})
    victim = place.parent / 'victim.txt'
    state = {'../victim.txt': [victim.stat().st_size, victim.stat().st_mtime_ns]}
    put(place / '.making', {'new/1.png': '', 'victim.txt': 'theirs'})
    write_json(place / '.making' / 'plan.json', {'gone': state, 'new': state, 'record': ''})
    finish(place)
    assert victim.read_text() == 'mine'
    put(place / '.making', {'plan.json': '{"gone": ["me.mp4"], "new": [], "record": ""}'})
    with pytest.raises(UserError, match='plan.json: not written by this program'):
        finish(place)
    assert (place / 'me.mp4').read_text() == 'mine'


def test_what_the_user_put_there_after_a_kill_is_not_written_over(place, monkeypatch):
    stop_after(1, place, monkeypatch)
    put(place, {'val/1.png': 'mine', 'train/2.png': 'mine'})        # one to come, one that went
    for _ in range(2):
        with pytest.raises(UserError, match='val/1.png: is there already'):
            finish(place)
    assert (place / 'val/1.png').read_text() == 'mine'
    (place / 'val/1.png').rename(place / 'val/kept.png')
    finish(place)
    assert contents(place) == SECOND | MINE | {'val/kept.png': 'mine', 'train/2.png': 'mine'}


def test_a_link_that_leads_nowhere_is_named_and_nothing_is_changed(place):
    (place / 'val').symlink_to('nowhere')
    with pytest.raises(UserError, match='val: is there already'):
        write(place)
    assert contents(place) == FIRST | MINE and (place / 'val').is_symlink()


def test_a_call_that_is_refused_leaves_the_lock_of_the_other(place):
    with util.owned.locked(place):
        for _ in range(2):
            with pytest.raises(UserError, match='another call writes into this folder'):
                write(place)
    write(place)
    assert contents(place) == SECOND | MINE and not (place / '.making').exists()


def test_two_calls_at_once_do_not_write_into_one_folder(place):
    with replacing(place, first, 'record.json') as folder:
        with pytest.raises(UserError, match='another call writes into this folder'):
            write(place)
        put(folder, SECOND)
    assert contents(place) == SECOND | MINE


def test_a_file_that_was_changed_after_it_was_noted_is_somebodys(tmp_path):
    put(tmp_path, {'0.png': 'ours', '1.png': 'ours', '2.png': 'ours'})
    note(tmp_path, ['0.png', '1.png'])
    note(tmp_path, ['2.png'])
    (tmp_path / '1.png').write_text('retouched')
    (tmp_path / '2.png').unlink()
    assert noted(tmp_path) == {'0.png'}


@pytest.mark.parametrize('name', ['train/1.png', 'record.json', 'report/1.jpg'])
def test_what_was_worked_on_since_it_was_written_is_refused_before_the_work(name, place):
    write(place, FIRST)
    (place / name).write_text('retouched')
    with pytest.raises(UserError, match=f'{name}: changed since this program wrote it'), \
            replacing(place, first, 'record.json'):
        pytest.fail('the work has begun')
    assert contents(place) == {**FIRST, **MINE, name: 'retouched'}
    (place / name).rename(place / 'mine.kept')
    write(place)
    assert contents(place) == SECOND | MINE | {'mine.kept': 'retouched'}


def test_what_is_worked_on_during_the_work_stays_and_the_work_is_not_lost(place):
    write(place, FIRST)
    with pytest.raises(UserError, match='train/1.png: is there already'), \
            replacing(place, first, 'record.json') as folder:
        put(folder, SECOND)
        put(place, {'train/1.png': 'retouched'})
    assert (place / 'train/1.png').read_text() == 'retouched'
    (place / 'train/1.png').rename(place / 'mine.kept')
    finish(place)
    assert contents(place) == SECOND | MINE | {'mine.kept': 'retouched'}


def test_a_copy_of_a_folder_is_known_though_its_files_have_other_times(place):
    write(place)
    copy = place.parent / 'copy'
    shutil.copytree(place, copy, copy_function=shutil.copyfile)
    os.utime(copy / 'train/1.png', (1, 1))
    write(copy, FIRST, lambda: tuple(SECOND))
    assert contents(copy) == FIRST | MINE
    (copy / 'train/1.png').write_text('mad')         # as long as it was
    with pytest.raises(UserError, match='train/1.png: changed since'):
        write(copy, SECOND)


def test_a_file_that_a_crash_left_empty_is_nobodys(place):
    write(place, FIRST)
    (place / 'train/1.png').write_text('')
    write(place)
    assert contents(place) == SECOND | MINE


def test_a_link_that_came_with_the_folder_leads_nowhere(place):
    victim = place.parent / 'victim'
    put(victim, {'new/1.txt': 'mine', '1.png': 'mine', '2.png': 'mine'})
    shutil.rmtree(place / 'train')
    (place / 'train').symlink_to(victim)
    with pytest.raises(UserError, match='train/1.png: is there already'):
        write(place)
    (place / 'train').unlink()
    (place / '.making').symlink_to(victim)
    with pytest.raises(UserError, match='.making: is there already'):
        write(place)
    assert contents(victim) == {'new/1.txt': 'mine', '1.png': 'mine', '2.png': 'mine'}


def test_a_place_that_cannot_be_written_to_is_named_before_the_work(tmp_path, monkeypatch):
    put(tmp_path, {'file': ''})
    with pytest.raises(UserError, match='file/me: .*file is not a folder'):
        check_place(tmp_path / 'file' / 'me')
    with pytest.raises(UserError, match='the disk is full.* MB are free there, and at least'):
        check_place(tmp_path / 'not' / 'there', 1e18)
    with monkeypatch.context() as patch, pytest.raises(UserError, match='you may not write to'):
        patch.setattr(os, 'access', lambda path, how: False)
        write(tmp_path / 'me')
    assert contents(tmp_path) == {'file': ''}


@pytest.mark.parametrize('killed_at', ['a.txt', NOTES])
def test_a_single_file_is_known_whenever_its_writer_was_killed(killed_at, tmp_path, monkeypatch):
    replace = os.replace

    def write_it(text):
        with noted_file(tmp_path, 'a.txt') as part:
            part.write_text(text)

    def killed(source, target):
        if target.name == killed_at:
            raise Killed
        replace(source, target)
    for text in ('one', 'three'):
        write_it(text)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(os, 'replace', killed)
        write_it('seven')
    assert noted(tmp_path) == {'a.txt'} and (tmp_path / 'a.txt').read_text() == 'three'
    write_it('eight')
    assert noted(tmp_path) == {'a.txt'} and (tmp_path / 'a.txt').read_text() == 'eight'


def test_what_is_left_of_an_exchange_that_was_stopped_at_its_very_end_goes(tmp_path):
    (tmp_path / MAKING).mkdir()
    (tmp_path / MAKING / 'lock').touch()
    with locked(tmp_path):
        finish(tmp_path)                        # another call is at work
    (tmp_path / MAKING).mkdir(exist_ok=True)
    finish(tmp_path)
    assert list(tmp_path.iterdir()) == []
