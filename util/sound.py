"""The sound of a video, as AAC in step with the frames of a film. One path for every sound.

It is decoded while the film is written, no further than the film has come, and encoded again:
whatever its codec, rate, layout and time stamps are, the film's sound has one rate, two channels
and no gap. Where the stamps leave a gap there is silence; where they step back, what was heard
already is left out.

Samples are float32 (2, N) in [-1, 1], left and right. Seconds are those of the film.
"""
import os
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, suppress
from fractions import Fraction
from itertools import chain, count
from typing import Any, NamedTuple, TypeVar

import numpy as np

from util.containers import best_stream, decode, open_video, reason_of
from util.errors import UserError
from util.frame_times import FrameTimes
from util.video import times_of, warn_once

T = TypeVar('T')

# samples a second that AAC in an mp4 may have; more are heard by nobody
RATES = (48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
BIT_RATE = 192_000      # bits a second; FFmpeg lowers it where the rate allows less
BLOCK = 1024            # samples in a packet of AAC
OPUS_RATE, OPUS_BLOCK = 48000, 960      # the same of Opus, which a webm has
IN_STEP = 0.05          # seconds; stamps of avi and webm are rounded, and nobody hears less
AHEAD = 1.0             # seconds: reading begins that much earlier, as the first frames may be cut
GUESSED = 0.5           # seconds: the same, where a joined recording has another rate: FFmpeg works
                        # out stamps within a packet of mpegts by the rate of the first
SILENCE = 48000         # samples: the most that is made at once


class Loop(NamedTuple):
    """The seconds of a video that is played again and again: after `end` comes `first`."""
    first: float
    end: float


class Sound:
    """The sound of the video `path` from its second `start` on, muxed into `out`.

    What cannot be kept of it costs one warning, never the film.
    """

    def __init__(self, path: str | os.PathLike[str], start: float, out: Any,
                 codec: str = 'aac', loop: Loop | None = None):
        """codec: aac, or libopus for a webm. loop: of a video that begins again at its end."""
        self.path = path
        self.out = out
        self.faults: list[str] = []
        self.heard_until: float | None = None       # seconds; None where there is no sound
        self.gave_up = False
        self.decoded = looped(path, start, loop, self.faults) if loop else \
            timed(path, start, self.faults)
        self.packets: Iterator[tuple[float, Any]] = iter(())
        self.waiting: tuple[float, Any] | None = None
        first = self._next(self.decoded)
        if first is not None:
            rate = OPUS_RATE if codec == 'libopus' else rate_for(first[1].rate)
            stream = out.add_stream(codec, rate=rate, layout='stereo')
            stream.bit_rate = BIT_RATE
            self.heard_until = 0.0
            self.packets = encoded(end_to_end(chain([first], self.decoded), rate), stream, rate)

    def mux(self, until: float) -> None:
        """Mux what is heard before `until` seconds."""
        while True:
            self.waiting = self.waiting or self._next(self.packets)
            if self.waiting is None or self.waiting[0] >= until:
                return
            self.heard_until, packet = self.waiting
            self.out.mux(packet)
            self.waiting = None

    def _next(self, items: Iterator[T]) -> T | None:
        """The next of them; None at their end, and for ever after where one cannot be had."""
        import av
        try:
            return next(items, None)
        except (av.FFmpegError, ValueError, UserError) as error:
            self.faults.insert(0, reason_of(error))
            self.gave_up = True
            self.packets = iter(())
            return None

    def close(self) -> None:
        """Let go of the file; one warning of what could not be kept."""
        self.decoded.close()
        if not self.faults:
            return
        if self.heard_until is None:
            lost = 'its sound cannot be read, so the film has none'
        elif self.gave_up:
            lost = f'its sound cannot be kept; the film has none after {self.heard_until:.1f} s'
        else:
            lost = 'part of its sound is damaged, and is silent in the film'
        warn_once(f'{self.path}: {lost} ({self.faults[0]}).')


def rate_for(rate: int) -> int:
    """Samples a second of the film's sound, for sound of that rate."""
    if rate > RATES[0]:
        return RATES[0]
    return rate if rate in RATES else 44100


def timed(path: str | os.PathLike[str], start: float,
          faults: list[str]) -> Generator[tuple[float | None, Any], None, None]:
    """(seconds, or None where the file does not say; decoded frame) of the sound that players
    choose, from shortly before the video's second `start` on; that is second 0."""
    import av
    times = times_of(path)
    with open_video(path) as (container, video):
        known = [s for s in container.streams.audio if s.codec_context is not None]
        stream = best_stream(container, 'audio', known, video)
        if stream is None:
            if container.streams.audio:
                faults.append('in a codec that is not known here')
            return
        begin = (container.start_time or 0) / 1e6 + start
        is_found = start <= AHEAD or bool(times.joins)
        if not is_found:
            with suppress(av.FFmpegError):      # what cannot be sought in is read from its start
                container.seek(int((begin - AHEAD) * 1e6))
        in_step = following(times, stream.time_base) if times.joins else None
        for frame in decode(container, stream, faults, in_step):
            if not is_found:
                if frame.pts is None:           # of a frame that began before this place
                    continue
                is_found = True
                faults.clear()                  # of the same
            yield None if frame.pts is None else float(frame.time) - begin, frame


def looped(path: str | os.PathLike[str], start: float, loop: Loop,
           faults: list[str]) -> Generator[tuple[float, Any], None, None]:
    """`timed`, of a video that begins again at its end, without end; nothing is heard twice where
    its sound is longer than its pictures. Sound without time stamps begins at the start of
    the video, each time."""
    begins, until = 0.0, loop.end - start
    for again in count():
        is_heard = False
        first = loop.first if again else start
        ends = -first
        with closing(timed(path, first, [] if again else faults)) as frames:    # once is enough
            for said, frame in frames:
                seconds = ends if said is None else said
                ends = seconds + frame.samples / frame.rate
                if ends > 0 and seconds < until - begins:
                    is_heard = True
                    yield begins + seconds, frame
        if again and not is_heard:
            return
        begins, until = until, until + loop.end - loop.first


def following(times: FrameTimes, tick: Fraction) -> Callable[[Any], int | None]:
    """Gives a packet the stamp at which it is heard where recordings were joined."""
    newest = -np.inf

    def stamp(packet: Any) -> int | None:
        nonlocal newest
        if packet.pts is None:
            return None
        seconds = float(packet.pts * tick)
        shift = times.shift(packet.pos, seconds, newest)
        newest = seconds + shift
        return round((seconds + shift) / tick)
    return stamp


def end_to_end(frames: Iterable[tuple[float | None, Any]], rate: int) -> Iterator[np.ndarray]:
    """The samples of decoded frames at `rate`, with neither gap nor overlap from second 0 on."""
    from av import AudioResampler
    track = _Track(rate)
    resampler: Any = None
    made_for: tuple[Any, ...] = ()
    first_rate = 0
    expected: float | None = None       # seconds at which the frame before ends
    for seconds, frame in frames:
        frame = with_known_layout(frame)
        first_rate = first_rate or frame.rate
        limit = IN_STEP if frame.rate == first_rate else GUESSED
        kind = frame.format.name, frame.layout.name, frame.rate
        if expected is None or seconds is None:
            seconds = expected or seconds or 0.0
        if expected is None or kind != made_for:
            limit = 0
        is_in_step = expected is not None and abs(seconds - expected) <= limit
        if kind != made_for or not is_in_step:
            if resampler:
                yield from track.add(resampler.resample(None))
            resampler = AudioResampler('fltp', 'stereo', rate)
            made_for = kind
        if not is_in_step:
            yield from track.move_to(seconds)
            expected = seconds
        assert expected is not None
        expected += frame.samples / frame.rate
        frame.pts = None                # the resampler only converts
        yield from track.add(resampler.resample(frame))
    if resampler:
        yield from track.add(resampler.resample(None))


class _Track:
    """Samples laid end to end.

    written   how many there are
    skipped   how many of the next are heard already
    """

    def __init__(self, rate: int):
        self.rate = rate
        self.written = 0
        self.skipped = 0

    def move_to(self, seconds: float) -> Iterator[np.ndarray]:
        """Silence up to there; where that is over, what comes next is left out until now."""
        place = round(seconds * self.rate)
        self.skipped = max(self.written - place, 0)
        while self.written < place:
            silent = min(place - self.written, SILENCE)
            self.written += silent
            yield np.zeros((2, silent), np.float32)

    def add(self, frames: Iterable[Any]) -> Iterator[np.ndarray]:
        for frame in frames:
            samples = frame.to_ndarray()
            known = min(self.skipped, samples.shape[1])
            self.skipped -= known
            self.written += samples.shape[1] - known
            # damaged floats may be no numbers, which no encoder takes
            yield np.nan_to_num(samples[:, known:].clip(-1, 1))


def with_known_layout(frame: Any) -> Any:
    """The frame; where the file does not say which channel is which, the first two, or the one."""
    from av import AudioFrame
    if not frame.layout.name.endswith(' channels'):
        return frame
    kept = min(frame.layout.nb_channels, 2)
    samples = frame.to_ndarray()
    if frame.format.is_planar:
        samples = samples[:kept]
    else:
        samples = samples.reshape(frame.samples, -1)[:, :kept].reshape(1, -1)
    taken = AudioFrame.from_ndarray(np.ascontiguousarray(samples), frame.format.name,
                                    'mono' if kept == 1 else 'stereo')
    taken.rate = frame.rate
    return taken


def encoded(pieces: Iterable[np.ndarray], stream: Any,
            rate: int) -> Iterator[tuple[float, Any]]:
    """(seconds at which it starts, packet) of the samples, encoded by `stream`."""
    from av import AudioFrame
    place = 0
    size = OPUS_BLOCK if stream.codec_context.name == 'libopus' else BLOCK
    for block in blocks(pieces, size):
        frame = AudioFrame.from_ndarray(block, 'fltp', 'stereo')
        frame.rate = rate
        frame.time_base = Fraction(1, rate)
        frame.pts = place
        place += block.shape[1]
        for packet in stream.encode(frame):
            yield float(packet.pts * packet.time_base), packet
    for packet in stream.encode(None):
        yield float(packet.pts * packet.time_base), packet


def blocks(pieces: Iterable[np.ndarray], size: int = BLOCK) -> Iterator[np.ndarray]:
    """The same samples in pieces of that size; the last may be shorter."""
    held = np.zeros((2, 0), np.float32)
    for piece in pieces:
        held = np.concatenate((held, piece), axis=1)
        whole = held.shape[1] // size * size
        for first in range(0, whole, size):
            yield np.ascontiguousarray(held[:, first:first + size])
        held = held[:, whole:]
    if held.shape[1]:
        yield np.ascontiguousarray(held)
