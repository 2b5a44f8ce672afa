"""A folder is replaced as a whole, and what is the user's in it stays, whenever the call ends."""
from pathlib import Path

import pytest

from util.files import clear_leftovers, folder_in_place_of


class Killed(BaseException):
    """What no program can catch."""


def put(folder, files):
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_text()
            for path in folder.rglob('*') if path.is_file()}


@pytest.fixture
def place(tmp_path):
    put(tmp_path / 'plate', {'1.png': 'old', '2.png': 'old', 'notes.txt': 'mine'})
    return tmp_path / 'plate'


def replace(place):
    with folder_in_place_of(place, r'\d+\.png') as part:
        put(part, {'1.png': 'new'})


def test_a_kill_before_the_users_files_have_moved_on_loses_none_of_them(place, monkeypatch):
    def killed(old, place):
        raise Killed
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr('util.files._remove_old', killed)
        replace(place)
    assert not (place / 'notes.txt').exists()
    clear_leftovers(place.parent)
    assert contents(place.parent) == {'plate/1.png': 'new', 'plate/notes.txt': 'mine'}


def test_a_kill_before_the_new_folder_is_there_brings_the_old_one_back(place, monkeypatch):
    before, rename = contents(place.parent), Path.rename

    def killed(old, place):
        raise Killed

    def killed_halfway(path, target):
        return killed(path, target) if '.part' in path.name else rename(path, target)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr('util.files._restore', killed)
        patch.setattr(Path, 'rename', killed_halfway)
        replace(place)
    assert not place.exists()
    clear_leftovers(place.parent)
    assert contents(place.parent) == before


def test_a_failure_leaves_the_folder_as_it_was(place, monkeypatch):
    before, rename = contents(place.parent), Path.rename

    def refused(path, target):
        if '.part' in path.name:
            raise OSError
        return rename(path, target)
    with pytest.raises(OSError), folder_in_place_of(place, '.*') as part:
        put(part, {'1.png': 'new'})
        raise OSError
    assert contents(place.parent) == before
    monkeypatch.setattr(Path, 'rename', refused)
    with pytest.raises(OSError):
        replace(place)
    assert contents(place.parent) == before
