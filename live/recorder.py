"""What the keys r and s save: films and pictures, in the folder of the run's results."""
from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from live.film import Film, free, remove_dead
from live.sinks.base import Sink
from util.errors import UserError, say, warn

if TYPE_CHECKING:
    from live.frames import LiveFrame


class Recorder(Sink):
    """Records while `controls.recording`, and saves the picture that a request asks for.

    argument   the folder; it is made when there is something to save

    A sink that every session has: what cannot be written costs a warning, and ends only the
    recording.
    """
    NAME = 'recorder'
    DESCRIPTION = 'what the keys r and s save'
    CLOSES_WITHIN = 60.0
    film: Film | None = None

    def send(self, frame: LiveFrame, now: float) -> None:
        try:
            if self.controls.take('snapshot'):
                self.save(frame)
            if self.controls.recording:
                if self.film is None:
                    if Path(self.argument).is_dir():
                        remove_dead(Path(self.argument))
                    self.film = Film(self.named('.mp4'), self.camera, self.tags)
                self.film.add(frame, now)
            else:
                self.close()
        except (UserError, OSError) as error:
            warn(str(error))
            self.controls.recording = False

    def save(self, frame: LiveFrame) -> None:
        from util.images import write_image
        place = self.named('.png')
        place.parent.mkdir(parents=True, exist_ok=True)
        write_image(place, frame.picture)
        say(f'picture: {place}')

    def named(self, suffix: str) -> Path:
        """A new file, named by the time of day."""
        return free(Path(self.argument) / f'{time.strftime("%Y-%m-%d_%H-%M-%S")}{suffix}')

    def close(self) -> None:
        """Complete the film that is being recorded, if any."""
        film = self.film
        self.film = None
        place = film.close() if film else None
        if place is not None:
            say(f'film: {place}')
