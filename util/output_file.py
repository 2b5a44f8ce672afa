"""A film that goes where the user said: only what this program wrote there before is replaced."""
import filecmp
import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from util.errors import UserError
from util.files import atomic, read_json, write_json
from util.owned import check_place

WRITTEN = 'written.json'        # in --results_dir, as `written` gives it


class OutputFile:
    """A place for a film.

    inputs    files that are read: it may be none of them
    results   the folder that remembers what was written where, and holds the films themselves
    """

    def __init__(self, path: Path, inputs: Sequence[str], results: Path):
        self.path, self.inputs, self.results = path, inputs, results

    def check(self) -> None:
        """UserError where nothing can or may be written."""
        folder = self.path.parent
        while not os.path.lexists(folder):
            folder = folder.parent
        if not folder.is_dir():
            raise UserError(f'--output {self.path}: {folder} is not a folder. Give '
                            f'another --output.')
        if not os.access(folder, os.W_OK | os.X_OK):
            raise UserError(f'--output {self.path}: {folder} is a folder that you may not write '
                            f'to. Give another --output.')
        check_place(folder)
        if self.path.is_dir():
            raise UserError(f'--output: {self.path} is a folder. Name a file, e.g. '
                            f'--output {self.path / "out.mp4"}.')
        for given in self.inputs:
            if self.path.exists() and self.path.samefile(given):
                raise UserError(f'--output: writing {self.path} would replace {given}, which is '
                                f'read. Give another --output.')
        if os.path.lexists(self.path) and not self.is_ours():
            raise UserError(f'--output: {self.path} exists and was not written by this '
                            f'program, or has changed since. Move it, or give another --output.')

    def is_ours(self) -> bool:
        """Whether the file there is as this program wrote it."""
        if not self.path.is_file() or self.path.is_symlink():
            return False
        if sha256(self.path) in self.written().get(self.key, []):
            return True
        # versions before this one kept no list of what they wrote
        films = self.results.glob('*/*/*.mp4')
        return any(filecmp.cmp(self.path, film, shallow=False) for film in films)

    @property
    def key(self) -> str:
        # a name that is not UTF-8 cannot be written as it is
        return str(self.path.absolute()).encode('utf-8', 'backslashreplace').decode()

    def written(self) -> dict[str, list[str]]:
        """{absolute path: sha256 of what was written there last, or was about to be}."""
        record = self.results / WRITTEN
        found = read_json(record) if record.is_file() else {}
        return found if isinstance(found, dict) else {}

    def write(self, film: Path) -> None:
        """Copy `film` there, whole or not at all; UserError where `check` would refuse it."""
        self.check()
        there = [sha256(self.path)] if self.path.is_file() else []
        # known before it is there: whoever is killed in between may do it again
        write_json(self.results / WRITTEN, self.written() | {self.key: [*there, sha256(film)]})
        with atomic(self.path) as part:
            shutil.copyfile(film, part)


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
