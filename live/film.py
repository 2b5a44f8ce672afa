"""A film of a live session: every picture at the time at which its camera picture was captured.

The delay between camera and picture is not in the film, so the sound of a camera that has one is in
step with what is seen.
"""
from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from util.errors import UserError
from util.files import dead_parts
from util.words import clock

if TYPE_CHECKING:
    from live.frames import LiveFrame
    from live.sinks.base import Sounding
    from util.video_writer import VideoWriter

LEAST = 0.001       # s between two pictures
LAST = 0.04         # s that the last picture of a film is shown, and the one before it
OLDEST = 5.0        # s that the first picture may be older than the film: a frozen one is older
ROOM = 50e6         # bytes left on the disk at which a film ends, while it can still be completed


class Film:
    """An mp4 that is whole once it is closed, also after an error.

    path     where it goes; where something is there by then, path-2 and so on
    camera   its sound is the film's, if it has any
    tags     as of VideoWriter
    """

    def __init__(self, path: Path, camera: Sounding, tags: Mapping[str, str] | None = None):
        self.path = path
        self.camera = camera
        self.tags = tags
        self.making = path.with_name(f'.{path.stem}.part{os.getpid()}{path.suffix}')
        self.writer: VideoWriter | None = None
        self.newest: LiveFrame | None = None
        self.shown_since = 0.0          # when `newest` was first sent, s of the session's clock
        self.began = 0.0                # the time of the first and of the last picture written,
        self.written = 0.0              # s of the same
        self.until = 0.0                # when it ends, s of the same
        self.asked = 0.0                # when the room on the disk was last asked for, s

    def add(self, frame: LiveFrame, now: float) -> None:
        """A picture, or the same one again; `now` is the session's clock, s."""
        if frame is not self.newest:
            self.newest = frame
            self.shown_since = now
            self._write(frame, now)
        self.until = self.written + now - self.shown_since

    def _write(self, frame: LiveFrame, now: float) -> None:
        time = frame.time
        if self.writer is None:
            time = max(time, now - OLDEST)
            self.writer = self._started(time)
            self.began = time
        else:
            time = max(time, self.written + LEAST)
        self._check_room(time)
        try:
            self.writer.write(frame.picture, time)
        except Exception as error:
            failed = self.writer
            self.writer = None
            failed.__exit__(type(error), error, error.__traceback__)    # makes it a sentence
            raise
        self.written = time

    def _check_room(self, time: float) -> None:
        """UserError, once a second, where the disk is nearly full."""
        if time < self.asked + 1:
            return
        self.asked = time
        if shutil.disk_usage(self.path.parent).free < ROOM:
            raise UserError(f'{self.path}: the disk is nearly full, so the film ends at '
                            f'{clock(time - self.began)}. Make room, or give another place.')

    def _started(self, time: float) -> VideoWriter:
        from util.video_writer import VideoWriter
        sound = self.camera.sound_from
        start = self.camera.time_of(time) or 0.0
        self.path.parent.mkdir(parents=True, exist_ok=True)
        remove_dead(self.path.parent, self.path.name)
        return VideoWriter(self.making, sound_from=sound, sound_start=start, is_live=True,
                           tags=self.tags, sound_loop=self.camera.sound_loop).__enter__()

    def close(self) -> Path | None:
        """Complete the film; its place, or None where there was no picture to write."""
        if self.writer is None:
            return None
        writer = self.writer
        self.writer = None
        try:
            self._hold(writer)
        finally:                # the film is whole without that too
            writer.__exit__(None, None, None)
        return moved_to_free(self.making, self.path)

    def _hold(self, writer: VideoWriter) -> None:
        """Write the last picture twice more where it was shown for long: a film that is ended while
        it is frozen lasts as long as the session did."""
        times = self.until - 2 * LAST, self.until - LAST
        if self.newest is not None and times[0] > self.written:
            for time in times:
                writer.write(self.newest.picture, time)


def remove_dead(folder: Path, name: str | None = None) -> None:
    """Remove what sessions that were killed left of films of that name; None: of all films."""
    dead = dead_parts(folder.absolute())
    for film in [name] if name else list(dead):
        for part in dead.pop(film, ()):
            part.unlink(missing_ok=True)


def moved_to_free(made: Path, path: Path) -> Path:
    """Move a file to its path, or to path-2 and so on; the place. A file that somebody else puts
    there meanwhile is not replaced, except on a disk without hard links."""
    while True:
        place = free(path)
        try:
            os.link(made, place)
        except FileExistsError:
            continue
        except OSError:
            made.rename(place)
        else:
            made.unlink()
        return place


def free(path: Path) -> Path:
    """The path, or path-2, path-3 ... : the first that is not there."""
    place, number = path, 1
    while os.path.lexists(place):
        number += 1
        place = path.with_name(f'{path.stem}-{number}{path.suffix}')
    return place
