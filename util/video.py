"""Reads videos: RGB uint8 frames with the times at which a player shows them.

Phones and screen recorders write a variable frame rate, a rotation, an edit list, BT.709 colours.
This module honours all of them, so that a frame's time stays in step with the sound.
Time 0 is where a player starts the file. An image is (H, W, 3) uint8 RGB, a size (width, height).
"""
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from util.errors import UserError, warn

BT709, BT601, LIMITED_RANGE, UNSPECIFIED = 1, 5, 1, 2    # H.264's numbers; the range is FFmpeg's


@dataclass(frozen=True)
class VideoInfo:
    """What a video holds, as a player shows it."""
    path: str
    size: tuple[int, int]    # upright and with square pixels
    fps: float               # frames a second on average
    frames: int
    duration: float          # seconds for which the frames last
    rotation: int            # degrees counter-clockwise that make it upright
    sound: bool


class Frame(NamedTuple):
    """One frame of a video."""
    index: int  # type: ignore[assignment]   # its 0-based number in the file
    time: float                              # seconds
    image: np.ndarray                        # (H, W, 3) uint8 RGB, upright


def probe(path: str | os.PathLike[str]) -> VideoInfo:
    """Describe a video; UserError when the file is missing or is no video."""
    with open_video(path) as (container, stream):
        clock = _read_clock(container, stream)
        sound = any(s.codec_context is not None for s in container.streams.audio)
    with open_video(path) as (container, stream):
        first = next(decode(container, stream, []), None)
        if first is None:
            raise _unreadable(path, 'none of its frames can be decoded')
        height, width = _upright(first, stream).shape[:2]
        rotation = first.rotation % 360
    return VideoInfo(os.fspath(path), (width, height), clock.fps, len(clock.seconds),
                     len(clock.seconds) / clock.fps, rotation, sound)


def read_frames(path: str | os.PathLike[str], start: float = 0.0, end: float | None = None,
                fps: float | None = None, stretch: slice = slice(None)) -> Iterator[Frame]:
    """The frames of a video from `start` to before `end` seconds, in order.

    fps       resamples: for each tick of this rate, the nearest frame of the file, with its own
              number and time, and no frame twice
    stretch   a slice of the frames chosen so far; reading seeks to its first

    Frames that cannot be decoded are skipped, with one warning at the end. UserError: the file is
    missing, is no video, has no frame between start and end, or none that can be decoded.
    """
    with open_video(path) as (container, stream):
        clock = _read_clock(container, stream)
    wanted = clock.choose(start, end, fps)
    if not len(wanted):
        raise UserError(f'{path}: no frame between {start:g} and '
                        f'{"the end" if end is None else f"{end:g}"} s. It lasts from '
                        f'{clock.seconds[0]:.2f} to {clock.seconds[-1]:.2f} s; '
                        f'choose a time within that.')
    in_all = len(wanted)
    wanted = wanted[stretch]
    if not len(wanted):
        return
    faults = [clock.fault] if clock.fault else []
    given = 0
    for index, image in _decode_wanted(path, clock, wanted, faults):
        given += 1
        yield Frame(index, float(clock.seconds[index]), image)
    if not given and len(wanted) == in_all:
        raise _unreadable(path, 'none of its frames can be decoded')
    if faults and given < len(wanted):
        warn(f'{path}: skipped {len(wanted) - given} of {len(wanted)} frames, which are damaged '
             f'({faults[0]}).')
    elif clock.fault and wanted[-1] == len(clock.seconds) - 1:
        warn(f'{path}: {clock.fault}, after {clock.seconds[-1]:.2f} s; all frames up to there were '
             f'read.')


@dataclass(frozen=True)
class _Clock:
    """When each frame of a file is shown; read from its packets, before any frame is decoded."""
    stamps: np.ndarray     # (F,) int64, ascending, as the decoder gives them
    seconds: np.ndarray    # (F,) float64
    fps: float
    counted: bool          # the file has no usable stamps: frame k has the stamp k
    fault: str             # what the file itself says is missing, or ''

    def choose(self, start: float, end: float | None, fps: float | None) -> np.ndarray:
        """The numbers of the frames from `start` to before `end`, resampled to `fps`."""
        last = np.inf if end is None else end
        inside = np.flatnonzero((self.seconds >= start - 1e-6) & (self.seconds < last - 1e-6))
        if not fps or not len(inside):
            return inside
        times = self.seconds[inside]
        ticks = np.arange(times[0], times[-1] + 1e-6, 1 / fps)
        after = np.searchsorted(times, ticks).clip(0, len(times) - 1)
        before = (after - 1).clip(0)
        nearest = np.where(ticks - times[before] <= times[after] - ticks, before, after)
        return inside[np.unique(nearest)]


@contextmanager
def open_video(path: str | os.PathLike[str]) -> Iterator[tuple[Any, Any]]:
    """An open container and its video stream; UserError when `path` is no video."""
    import av
    if not os.path.exists(path):
        raise UserError(f'{path}: there is no such file. Check the spelling and the folder.')
    if not os.path.isfile(path):
        raise UserError(f'{path}: is a folder, not a video. Give the file in it.')
    try:
        container = av.open(os.fspath(path), metadata_errors='ignore')
    except (av.FFmpegError, OSError) as error:
        raise _unreadable(path, getattr(error, 'strerror', None) or str(error)) from error
    with container:
        # a cover image is a video stream too, marked as attached
        stream = next((s for s in container.streams.video if s.codec_context is not None
                       and not s.disposition & s.disposition.attached_pic), None)
        if stream is None:
            sound = 'sound but ' if container.streams.audio else ''
            raise _unreadable(path, f'it has {sound}no video stream')
        if container.format.name.endswith('_pipe') or container.format.name in ('image2', 'tty'):
            raise _unreadable(path, 'it is a single image or a text')
        stream.thread_type = 'AUTO'
        yield container, stream


def _unreadable(path: str | os.PathLike[str], reason: str) -> UserError:
    return UserError(f'{path}: not a video that can be read ({reason}). Give an mp4, mov, mkv, '
                     f'webm or avi file, and check that it was copied completely. If a player '
                     f'shows it, repair it: python scripts/ffmpeg.py -i {path} repaired.mp4')


def packets_of(container: Any, stream: Any, faults: list[str]) -> Iterator[Any]:
    """The packets of one stream, up to the end or to a read error, which goes to `faults`."""
    import av
    try:
        yield from container.demux(stream)
    except av.FFmpegError as error:
        faults.append(error.strerror or str(error))


def _read_clock(container: Any, stream: Any) -> _Clock:
    """Read all time stamps. Decodes nothing, so this is as fast as the disk."""
    faults: list[str] = []
    packets = [(p.pts, p.is_discard, p.is_corrupt) for p in packets_of(container, stream, faults)
               if p.size]
    kept = [pts for pts, discard, _ in packets if not discard]
    if not kept:
        raise _unreadable(stream.container.name, 'it holds no frames')
    counted = container.format.name == 'avi' or None in kept
    if counted:
        fps = float(stream.guessed_rate or stream.average_rate or 25)
        stamps = np.arange(len(kept))
        seconds = stamps / fps
    else:
        stamps, seconds, fps = _timestamps(kept, container, stream)
    last_is_corrupt = packets[-1][2]
    if _missing_end(stream, len(packets), last_is_corrupt, seconds[-1] - seconds[0]):
        faults.append('the file ends early')
    return _Clock(stamps, seconds, fps, counted, faults[0] if faults else '')


def _timestamps(kept: list[int], container: Any,
                stream: Any) -> tuple[np.ndarray, np.ndarray, float]:
    """Sorted stamps int64 (F,), their seconds float64 (F,), and the mean frames a second.

    kept   the stamps of the packets that are shown, in the order of the file
    """
    stamps = np.unique(np.array(kept, np.int64))
    seconds = stamps * float(stream.time_base) - (container.start_time or 0) / 1e6
    gaps = len(stamps) - 1
    fps = gaps / (seconds[-1] - seconds[0]) if gaps else float(stream.average_rate or 25)
    return stamps, seconds, fps


def _missing_end(stream: Any, packets: int, last_is_corrupt: bool, read_seconds: float) -> bool:
    """Whether the header promises more than the file holds.

    packets        how many were read
    read_seconds   from the first frame to the last
    """
    promised = (stream.duration or 0) * float(stream.time_base) - read_seconds
    return packets < stream.frames and (last_is_corrupt or promised > 1)


def decode(container: Any, stream: Any, faults: list[str]) -> Iterator[Any]:
    """Every frame that decodes, in the order shown; the reasons of failures go to `faults`."""
    import av
    for packet in packets_of(container, stream, faults):
        try:
            frames = packet.decode()
        except av.FFmpegError as error:
            faults.append(error.strerror or str(error))
            continue
        for frame in frames:
            if frame.is_corrupt:
                faults.append('part of a frame is missing')
            else:
                yield frame


def _decode_wanted(path: str | os.PathLike[str], clock: _Clock, wanted: np.ndarray,
                   faults: list[str], seek: bool = True) -> Iterator[tuple[int, np.ndarray]]:
    """The wanted frames with their numbers, decoded from the key frame before them."""
    seek = seek and wanted[0] > 0 and not clock.counted
    expected = dict(zip(clock.stamps[wanted].tolist(), wanted.tolist()))
    first = int(clock.stamps[wanted[0]])
    last = int(clock.stamps[wanted[-1]])
    with open_video(path) as (container, stream):
        if seek:
            container.seek(first, stream=stream)
        for k, frame in enumerate(decode(container, stream, faults)):
            stamp = k if clock.counted else frame.pts
            if seek and k == 0 and (stamp is None or stamp > first):      # the seek went too far
                yield from _decode_wanted(path, clock, wanted, faults, seek=False)
                return
            if stamp in expected:
                yield expected.pop(stamp), _upright(frame, stream)
            if stamp == last:
                return


def _upright(frame: Any, stream: Any) -> np.ndarray:
    """A decoded frame as a player shows it: RGB, square pixels, turned upright."""
    wide = float(stream.sample_aspect_ratio or 1)      # near 1 it is only a scaler's rounding
    width = round(frame.width * wide) if abs(wide - 1) > 0.02 else frame.width
    matrix = None                                      # the one that the frame is marked with
    if frame.colorspace == UNSPECIFIED:                # without a mark, players go by the size
        matrix = BT709 if frame.height > 576 or frame.width > 1024 else BT601
    image = frame.reformat(width=width, format='rgb24', src_colorspace=matrix,
                           threads=0).to_ndarray()
    turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(image, turns)) if turns else image
