"""Video in and out: RGB uint8 pictures with the times at which they are really shown.

Phones and screen recorders write a variable frame rate, a rotation, a cut list, BT.709 colours.
All of them are honoured here, so that a picture's time stays in step with the sound.
Time 0 is where a player starts the file. An image is (H, W, 3) uint8 RGB, a size (width, height).
"""
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple, TypeVar

import numpy as np

from util.errors import UserError, warn
from util.files import atomic

T = TypeVar('T')
BT709, BT601, LIMITED_RANGE, UNSPECIFIED = 1, 5, 1, 2    # as H.264 numbers them; range as ffmpeg's
FRAME_DURATION = 1 << 8                                  # ffmpeg's flag: keep what we say
TICKS = 90_000                                           # time stamps a second in files we write
COPIED_SOUND = ('aac', 'mp3')                            # what plays from an mp4 everywhere


@dataclass(frozen=True)
class VideoInfo:
    """What a video is, as it is shown."""
    path: str
    size: tuple[int, int]    # upright and with square pixels
    fps: float               # pictures a second on average
    frames: int
    duration: float          # seconds the pictures last
    rotation: int            # degrees counter-clockwise that were needed to make it upright
    sound: bool


class Frame(NamedTuple):
    """One picture of a video."""
    index: int  # type: ignore[assignment]   # its 0-based number in the file
    time: float                              # seconds
    image: np.ndarray                        # (H, W, 3) uint8 RGB, upright


def probe(path: str | os.PathLike[str]) -> VideoInfo:
    """What is in a video; UserError when there is no such file or it is no video."""
    with _opened(path) as (container, stream):
        clock = _read_clock(container, stream)
        sound = any(s.codec_context is not None for s in container.streams.audio)
    with _opened(path) as (container, stream):
        first = next(_decode(container, stream, []), None)
        if first is None:
            raise _unreadable(path, 'not one picture in it can be decoded')
        height, width = _upright(first, stream).shape[:2]
        rotation = first.rotation % 360
    return VideoInfo(os.fspath(path), (width, height), clock.fps, len(clock.seconds),
                     len(clock.seconds) / clock.fps, rotation, sound)


def read_frames(path: str | os.PathLike[str], start: float = 0.0, end: float | None = None,
                fps: float | None = None, stretch: slice = slice(None)) -> Iterator[Frame]:
    """The pictures of a video shown from `start` to before `end` seconds, in order.

    `fps` takes, for each of so many ticks a second, the real picture nearest to it: with its own
    number and time, and never the same one twice. `stretch` takes some of those, and seeks to the
    first. Pictures that cannot be decoded are left out, with one warning at the end. UserError: no
    such file, no video, nothing between start and end, nothing in the whole of it that decodes.
    """
    with _opened(path) as (container, stream):
        clock = _read_clock(container, stream)
    wanted = clock.choose(start, end, fps)
    if not len(wanted):
        raise UserError(f'{path}: no picture between {start:g} and '
                        f'{"the end" if end is None else f"{end:g}"} s. It lasts from '
                        f'{clock.seconds[0]:.2f} to {clock.seconds[-1]:.2f} s; '
                        f'choose a time within that.')
    in_all, wanted = len(wanted), wanted[stretch]
    if not len(wanted):
        return
    faults = [clock.fault] if clock.fault else []
    given = 0
    for index, image in _pictures(path, clock, wanted, faults):
        given += 1
        yield Frame(index, float(clock.seconds[index]), image)
    if not given and len(wanted) == in_all:
        raise _unreadable(path, 'not one picture in it can be decoded')
    if faults and given < len(wanted):
        warn(f'{path}: {len(wanted) - given} of {len(wanted)} pictures are damaged and were '
             f'left out ({faults[0]}).')
    elif clock.fault and wanted[-1] == len(clock.seconds) - 1:
        warn(f'{path}: {clock.fault}, after {clock.seconds[-1]:.2f} s; what there is was read.')


class VideoWriter:
    """Writes an mp4 (H.264, yuv420p, BT.709) that plays everywhere; whole or not there at all.

        with VideoWriter('out.mp4', fps=30, sound_from='in.mp4') as video:
            video.write(image)

    fps          pictures a second; may be None when every picture comes with its time
    sound_from   a video whose sound is taken, from `sound_start` seconds of it, for as long as the
                 pictures last; a video without sound gives none
    crf          H.264's quality: 0 lossless, 18 nearly seen as such, 51 worst
    An odd width or height is padded by repeating the last column or row. The first picture decides
    the size. Nothing written: a UserError, and no file.
    """

    def __init__(self, path: str | os.PathLike[str], fps: float | None = None,
                 sound_from: str | os.PathLike[str] | None = None, sound_start: float = 0.0,
                 crf: float = 18):
        self.path, self.fps, self.crf = path, fps, crf
        self.sound_from, self.sound_start = sound_from, sound_start
        self.frames = 0
        self._out: Any = None
        self._sound = _Sound(None, 0.0, None)
        self._held: Any = None          # the newest picture waits until its duration is known
        self._origin = 0.0
        self._duration = round(TICKS / (fps or 30))
        self._stack = ExitStack()

    def __enter__(self) -> 'VideoWriter':
        if self.sound_from is not None:
            with _opened(self.sound_from):      # what is wrong with it is said before the work
                pass
        self._part = self._stack.enter_context(atomic(self.path))
        self._stack.push(self._finish)
        return self

    def __exit__(self, *error: object) -> bool | None:
        return self._stack.__exit__(*error)  # type: ignore[arg-type]

    def write(self, image: np.ndarray, time: float | None = None) -> None:
        """Add a picture, shown at `time` seconds (any origin, increasing) or at frame / fps."""
        import av
        assert time is not None or self.fps, 'a picture needs its time, or the writer an fps'
        if self._out is None:
            self._open(image)
            self._origin = time or 0.0
        assert image.shape == self._shape, f'first {self._shape}, now {image.shape}'
        frame = av.VideoFrame.from_ndarray(_even(image), format='rgb24')
        frame = frame.reformat(format='yuv420p', dst_colorspace=BT709,
                               dst_color_range=LIMITED_RANGE, threads=0)
        seconds = self.frames / (self.fps or 1) if time is None else time - self._origin
        frame.pts, frame.time_base = round(seconds * TICKS), Fraction(1, TICKS)
        self._show_held(until=frame.pts)
        self._held = frame
        self.frames += 1

    def _open(self, image: np.ndarray) -> None:
        """The first picture says the size; only then can the file be begun."""
        import av
        self._shape = image.shape
        height, width = _even(image).shape[:2]
        self._out = av.open(str(self._part), 'w', format='mp4', options={'movflags': 'faststart'})
        rate = Fraction(self.fps or 30).limit_denominator(1001)
        self._stream = stream = self._out.add_stream(
            'libx264', rate=rate, width=width, height=height, pix_fmt='yuv420p',
            time_base=Fraction(1, TICKS), options={'crf': str(self.crf), 'preset': 'veryfast'})
        context = stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = BT709
        context.color_range = LIMITED_RANGE
        context.flags |= FRAME_DURATION
        self._sound = _Sound(self.sound_from, self.sound_start, self._out)

    def _show_held(self, until: int) -> None:
        """Encode the picture that waited: now it is known how long it is shown."""
        if self._held is None:
            return
        assert until > self._held.pts, 'pictures must come in the order of their times'
        self._duration = self._held.duration = until - self._held.pts
        self._out.mux(self._stream.encode(self._held))
        self._sound.mux(until / TICKS)

    def _finish(self, failed: type | None, *_: Any) -> None:
        if self._out is None:
            if not failed:
                raise UserError(f'{self.path}: there was no picture to put into it, so it was '
                                f'not written.')
            return
        try:
            if not failed:
                self._show_held(until=self._held.pts + self._duration)
                self._out.mux(self._stream.encode(None))
        finally:
            self._sound.close()
            with suppress(Exception) if failed else nullcontext():
                self._out.close()


@dataclass(frozen=True)
class _Clock:
    """When the pictures of a file are shown, known from its packets before any is decoded."""
    stamps: np.ndarray     # (F,) int64, ascending, as the decoder gives them
    seconds: np.ndarray    # (F,) float64
    fps: float
    counted: bool          # the file has no usable stamps: picture k is number k
    fault: str             # what the file itself says is missing, or ''

    def choose(self, start: float, end: float | None, fps: float | None) -> np.ndarray:
        """The numbers of the pictures from `start` to before `end`, thinned out to `fps`."""
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
def _opened(path: str | os.PathLike[str]) -> Iterator[tuple[Any, Any]]:
    """An open container and its picture stream."""
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
        stream = next((s for s in container.streams.video if s.codec_context is not None
                       and not s.disposition & s.disposition.attached_pic), None)
        if stream is None:
            raise _unreadable(path, 'it has sound but no moving picture' if
                              container.streams.audio else 'it has no moving picture')
        if container.format.name.endswith('_pipe') or container.format.name in ('image2', 'tty'):
            raise _unreadable(path, 'it is a single picture or a text')
        stream.thread_type = 'AUTO'
        yield container, stream


def _unreadable(path: str | os.PathLike[str], reason: str) -> UserError:
    return UserError(f'{path}: not a video that can be read ({reason}). Give an mp4, mov, mkv, '
                     f'webm or avi file, and check that it was copied to the end; one that a '
                     f'player shows can be repaired with '
                     f'python scripts/ffmpeg.py -i {path} repaired.mp4')


def _packets(container: Any, stream: Any, faults: list[str]) -> Iterator[Any]:
    """The packets of one stream up to the end, or up to where the file cannot be read on."""
    import av
    try:
        yield from container.demux(stream)
    except av.FFmpegError as error:
        faults.append(error.strerror or str(error))


def _read_clock(container: Any, stream: Any) -> _Clock:
    """Read all time stamps; nothing is decoded, so this is as fast as the disk."""
    faults: list[str] = []
    packets = [(p.pts, p.is_discard, p.is_corrupt) for p in _packets(container, stream, faults)
               if p.size]
    kept = [pts for pts, discard, _ in packets if not discard]
    if not kept:
        raise _unreadable(stream.container.name, 'it holds no pictures')
    unit = float(stream.time_base)
    counted = container.format.name == 'avi' or None in kept
    if counted:
        fps = float(stream.guessed_rate or stream.average_rate or 25)
        stamps = np.arange(len(kept))
        seconds = stamps / fps
    else:
        stamps = np.unique(np.array(kept, np.int64))
        seconds = stamps * unit - (container.start_time or 0) / 1e6
        gaps = len(stamps) - 1
        fps = gaps / (seconds[-1] - seconds[0]) if gaps else float(stream.average_rate or 25)
    promised = (stream.duration or 0) * unit - (seconds[-1] - seconds[0])
    if len(packets) < stream.frames and (packets[-1][2] or promised > 1):
        faults.append('the file ends early')
    return _Clock(stamps, seconds, fps, counted, faults[0] if faults else '')


def _decode(container: Any, stream: Any, faults: list[str]) -> Iterator[Any]:
    """Every picture that decodes, in the order shown; what does not is told to `faults`."""
    import av
    for packet in _packets(container, stream, faults):
        try:
            frames = packet.decode()
        except av.FFmpegError as error:
            faults.append(error.strerror or str(error))
            continue
        for frame in frames:
            if frame.is_corrupt:
                faults.append('a part of the picture is missing')
            else:
                yield frame


def _pictures(path: str | os.PathLike[str], clock: _Clock, wanted: np.ndarray,
              faults: list[str], seek: bool = True) -> Iterator[tuple[int, np.ndarray]]:
    """The wanted pictures with their numbers, decoded from the key picture before them."""
    seek = seek and wanted[0] > 0 and not clock.counted
    expected = dict(zip(clock.stamps[wanted].tolist(), wanted.tolist()))
    first, last = int(clock.stamps[wanted[0]]), int(clock.stamps[wanted[-1]])
    with _opened(path) as (container, stream):
        if seek:
            container.seek(first, stream=stream)
        for k, frame in enumerate(_decode(container, stream, faults)):
            stamp = k if clock.counted else frame.pts
            if seek and k == 0 and (stamp is None or stamp > first):      # sought too far
                yield from _pictures(path, clock, wanted, faults, seek=False)
                return
            if stamp in expected:
                yield expected.pop(stamp), _upright(frame, stream)
            if stamp == last:
                return


def _upright(frame: Any, stream: Any) -> np.ndarray:
    """A decoded picture as it is meant to be seen: RGB, square pixels, turned upright."""
    wide = float(stream.sample_aspect_ratio or 1)      # near 1 it is a scaler's rounding
    width = round(frame.width * wide) if abs(wide - 1) > 0.02 else frame.width
    matrix = None                                      # the one the frame is marked with
    if frame.colorspace == UNSPECIFIED:                # then players go by the size
        matrix = BT709 if frame.height > 576 or frame.width > 1024 else BT601
    image = frame.reformat(width=width, format='rgb24', src_colorspace=matrix,
                           threads=0).to_ndarray()
    turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(image, turns)) if turns else image


def _even(image: np.ndarray) -> np.ndarray:
    """The image with even width and height: the last column or row is repeated where needed."""
    height, width = image.shape[:2]
    if height % 2 or width % 2:
        image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode='edge')
    return np.ascontiguousarray(image)


class _Sound:
    """The sound of a video from `start` seconds on, put into `out` beside the pictures."""

    def __init__(self, path: str | os.PathLike[str] | None, start: float, out: Any):
        self._out, self._stack = out, ExitStack()
        self._packets: Iterator[tuple[float, Any]] = iter(())
        self._waiting: tuple[float, Any] | None = None
        if path is None:
            return
        container, _ = self._stack.enter_context(_opened(path))
        stream = next((s for s in container.streams.audio if s.codec_context is not None), None)
        if stream is None:
            return
        origin = (container.start_time or 0) / 1e6 + start
        if start > 0:
            container.seek(int(origin * 1e6))
        if stream.codec_context.name in COPIED_SOUND:
            self._packets = _copied(container, stream, out.add_stream_from_template(stream), origin)
        else:
            target = out.add_stream('aac', rate=stream.rate, layout='stereo')
            self._packets = _encoded(container, stream, target, origin)

    def mux(self, until: float) -> None:
        """Put in what is heard before `until` seconds."""
        while True:
            self._waiting = self._waiting or next(self._packets, None)
            if self._waiting is None or self._waiting[0] >= until:
                return
            self._out.mux(self._waiting[1])
            self._waiting = None

    def close(self) -> None:
        self._stack.close()


def _copied(container: Any, stream: Any, target: Any, origin: float) -> Iterator[tuple[float, Any]]:
    """Packets as they are, with the second each begins at; `origin` becomes 0."""
    shift = round(origin / stream.time_base)
    for packet in _packets(container, stream, []):
        if packet.pts is None or packet.pts < shift or not packet.size:
            continue
        packet.pts = packet.dts = packet.pts - shift
        seconds = float(packet.pts * packet.time_base)
        packet.stream = target
        yield seconds, packet


def _encoded(container: Any, stream: Any, target: Any,
             origin: float) -> Iterator[tuple[float, Any]]:
    """Packets in AAC, with the second each begins at; `origin` becomes 0."""
    for frame in [*_decode(container, stream, []), None]:
        if frame is not None:
            if frame.pts is None or frame.time < origin:
                continue
            frame.pts -= round(origin / frame.time_base)
        for packet in target.encode(frame):
            yield float(packet.pts * packet.time_base), packet
