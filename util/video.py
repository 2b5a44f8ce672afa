"""Reads videos: RGB uint8 frames with the times at which a player shows them.

Phones and screen recorders write a variable frame rate, a rotation, an edit list, BT.709 colours.
This module honours all of them, so that a frame's time stays in step with the sound.
Time 0 is where a player starts the file. An image is (H, W, 3) uint8 RGB, a size (width, height).
"""
import os
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import Any, NamedTuple

import numpy as np

from util.containers import check_file, decode, open_video, unreadable
from util.errors import UserError, warn
from util.frame_times import REORDERED, FrameTimes, is_shown, read_times
from util.shown import Shown, deinterlaced, rotation_of


@dataclass(frozen=True)
class VideoInfo:
    """What a video holds, as a player shows it."""
    path: str
    size: tuple[int, int]    # upright and with square pixels
    fps: float               # frames a second on average
    frames: int
    duration: float          # seconds for which the frames last
    rotation: int            # degrees counter-clockwise that make it upright, after any mirroring
    sound: bool


class Frame(NamedTuple):
    """One frame of a video."""
    index: int  # type: ignore[assignment]   # its 0-based number in the file
    time: float                              # seconds
    image: np.ndarray                        # (H, W, 3) uint8 RGB, upright
    is_fitted: bool = False                  # it had another size than the first one


def probe(path: str | os.PathLike[str]) -> VideoInfo:
    """Describe a video; UserError when the file is missing or is no video."""
    times, size, rotation, sound = _look(path)
    frames = len(times.seconds)
    return VideoInfo(os.fspath(path), size, times.fps, frames, frames / times.fps, rotation, sound)


def count_frames(path: str | os.PathLike[str], start: float = 0.0, end: float | None = None,
                 fps: float | None = None) -> int:
    """How many frames read_frames gives of an undamaged file."""
    return len(_look(path)[0].choose(start, end, fps))


def times_of(path: str | os.PathLike[str]) -> FrameTimes:
    """When each frame of a video is shown."""
    return _look(path)[0]


def read_frames(path: str | os.PathLike[str], start: float = 0.0, end: float | None = None,
                fps: float | None = None, stretch: slice = slice(None)) -> Iterator[Frame]:
    """The frames of a video from `start` to before `end` seconds, in order, all of one size.

    fps       resamples: for each tick of this rate, the nearest frame of the file, with its own
              number and time, and no frame twice
    stretch   a slice of the frames chosen so far; reading seeks to its first

    Frames that cannot be decoded are skipped, and frames of another size are fitted into the size
    of the first, each with one warning at the end, except of a stretch: who reads all says how
    many there are. UserError: the file is missing, is no video,
    has no frame between start and end, or none that can be decoded.
    """
    times, size, _, _ = _look(path)
    wanted = times.choose(start, end, fps)
    if not len(wanted):
        raise UserError(f'{path}: no frame between {start:g} and '
                        f'{"the end" if end is None else f"{end:g}"} s. It lasts from '
                        f'{times.seconds[0]:.2f} to {times.seconds[-1]:.2f} s; '
                        f'choose a time within that.')
    in_all = len(wanted)
    wanted = wanted[stretch]
    if not len(wanted):
        return
    reading = _Reading(path, times, wanted, size)
    given = 0
    fitted = 0
    for index, image in reading.frames():
        given += 1
        was_fitted = sum(reading.others.values()) > fitted
        fitted += was_fitted
        yield Frame(index, float(times.seconds[index]), image, was_fitted)
    if len(wanted) == in_all:
        if not given:
            raise unreadable(path, 'none of its frames can be decoded')
        reading.warn_of_losses()


class _Reading:
    """One pass over the wanted frames of a file.

    wanted   int64 (N,) their numbers, ascending
    size     (width, height) of every picture
    lost     numbers of the wanted frames that did not come yet
    faults   why some do not
    fields   packets with an interlaced frame; the next may hold its second field, and no frame
    others   {(width, height): how many frames had that, not `size`}
    """

    def __init__(self, path: str | os.PathLike[str], times: FrameTimes, wanted: np.ndarray,
                 size: tuple[int, int]):
        self.path = path
        self.times = times
        self.wanted = wanted
        self.size = size
        self.lost = set(wanted.tolist())
        self.faults = [times.fault] if times.fault else []
        self.fields: set[int] = set()
        self.others: dict[tuple[int, int], int] = {}

    def frames(self) -> Iterator[tuple[int, np.ndarray]]:
        """The wanted frames with their numbers, decoded from the key frame before them."""
        # a frame of two fields is made whole with the help of the frame before
        first = max(int(self.wanted[0]) - 1, 0)
        found = False
        if first and self.times.can_seek:
            found = yield from self._decode(first)
        if not found:
            yield from self._decode(None)

    def _decode(self, first: int | None) -> Generator[tuple[int, np.ndarray], None, bool]:
        """The same from frame `first` on, or from the start of the file. False: none came, as
        where seeking leads too far."""
        times = self.times
        frame_of = dict(zip(times.packets.tolist(), range(len(times.packets))))
        last = int(self.wanted[-1])
        newest = -1
        with open_video(self.path) as (container, stream):
            if first is not None:
                container.seek(int(times.stamps[first]), stream=stream)
            shown = Shown(stream, self.size, self.others)
            numbered = numbers_by_order() if first is None else numbers_by_stamp(times)
            decoded = self._watched(decode(container, stream, self.faults, numbered))
            for k, frame in enumerate(deinterlaced(decoded)):
                by_order = times.is_counted and stream.codec_context.has_b_frames
                index = k if by_order else frame_of.get(frame.pts, -1)
                if first is not None and k == 0 and not 0 <= index <= first:
                    break
                if index in self.lost and index > newest:       # damaged stamps may be anywhere
                    self.lost.remove(index)
                    newest = index
                    yield index, shown.picture(frame)
                if not self.lost or index > last + REORDERED:
                    break
        return len(self.lost) < len(self.wanted)

    def _watched(self, frames: Iterable[Any]) -> Iterator[Any]:
        for frame in frames:
            if frame.interlaced_frame:
                self.fields.add(frame.pts)
            yield frame

    def warn_of_losses(self) -> None:
        """One warning each of what did not come, and of what has another size."""
        path, times = self.path, self.times
        lost = [k for k in self.lost if times.packets[k] - 1 not in self.fields]
        if lost:
            why = 'not whole in the file, as where it was cut or joined between key frames'
            if self.faults:
                why = f'damaged ({self.faults[0]})'
            warn_once(f'{path}: skipped {len(lost)} of {len(self.wanted)} frames, which are {why}.')
        elif times.fault and self.wanted[-1] == len(times.seconds) - 1:
            warn_once(f'{path}: {times.fault}, after {times.seconds[-1]:.2f} s; all frames up to '
                      f'there were read.')
        if self.others:
            sizes = ', '.join(f'{width}x{height}' for width, height in self.others)
            warn_once(f'{path}: {sum(self.others.values())} of {len(self.wanted)} frames have '
                      f'another size ({sizes}); they are fitted into the first one\'s, '
                      f'{self.size[0]}x{self.size[1]}.')


def numbers_by_order() -> Callable[[Any], int | None]:
    """Gives each packet that is shown its number, when called for all of a file."""
    following = count()
    return lambda packet: next(following) if is_shown(packet) else None


def numbers_by_stamp(times: FrameTimes) -> Callable[[Any], int | None]:
    """Gives a packet its number, wherever reading starts."""
    packet_of = dict(zip(times.stamps.tolist(), times.packets.tolist()))
    return lambda packet: packet_of.get(packet.pts)


def _look(path: str | os.PathLike[str]) -> tuple[FrameTimes, tuple[int, int], int, bool]:
    """When its frames are shown, their (width, height), degrees that make it upright, and whether
    it has sound."""
    check_file(path)
    found = os.stat(path)
    return _look_at(os.fspath(path), found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=8)       # of a film, every pass and every stretch asks
def _look_at(path: str, changed: int, length: int) -> tuple[FrameTimes, tuple[int, int], int, bool]:
    """The same of the file that was changed then and has as many bytes."""
    with open_video(path) as (container, stream):
        times = read_times(path, container, stream)
        sound = any(s.codec_context is not None for s in container.streams.audio)
    with open_video(path) as (container, stream):
        first = next(decode(container, stream, []), None)
        if first is None:
            raise unreadable(path, 'none of its frames can be decoded')
        height, width = Shown(stream).picture(first).shape[:2]
        return times, (width, height), rotation_of(first), sound


@lru_cache(maxsize=100)     # several passes over a file find the same
def warn_once(line: str) -> None:
    """warn, where that was not said before."""
    warn(line)
