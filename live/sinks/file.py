"""A film, with true times and the sound of a camera that has one."""
from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from live.sinks.base import Sink
from util.errors import UserError, say, warn

if TYPE_CHECKING:
    from live.film import Film
    from live.frames import LiveFrame


class FileSink(Sink):
    """Writes every new picture, from the first one to the end of the session."""
    NAME = 'file'
    DESCRIPTION = 'a film; FILM.mp4 alone does'
    TAKES = 'FILM.mp4'
    CLOSES_WITHIN = 60.0
    film: Film | None = None

    @classmethod
    def check(cls, argument: str) -> None:
        from live.film import remove_dead
        from util.owned import check_place
        path = Path(argument)
        if path.suffix.lower() != '.mp4':
            raise UserError(f'--to file:{argument}: no name of a film. Give --to out.mp4.')
        if path.is_dir():
            raise UserError(f'--to {path}: that is a folder. Give --to {path / "out.mp4"}.')
        if os.path.lexists(path):
            remove_dead(path.parent, path.name)
            raise UserError(f'--to {path}: is there already, and a recording replaces nothing. '
                            f'Move it away, or give another name.')
        check_place(path.parent)

    @classmethod
    def place(cls, argument: str) -> str:
        return os.path.realpath(argument)

    def open(self) -> None:
        from live.film import Film
        self.film = Film(Path(self.argument), self.camera, self.tags)

    def send(self, frame: LiveFrame, now: float) -> None:
        assert self.film is not None, 'open comes first'
        self.film.add(frame, now)

    def close(self) -> None:
        place = self.film.close() if self.film else None
        if place is not None:
            say(f'film: {place}')
        elif self.film is not None and self.film.newest is None:
            warn(f'--to {self.argument}: there is no film, as no picture was painted before the '
                 f'end.')
