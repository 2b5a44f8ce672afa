"""Writes mp4 files that play everywhere, with the sound of another video in step.

Frames keep the times they are given, so a variable frame rate survives. An image is (H, W, 3)
uint8 RGB.
"""
import os
from collections.abc import Iterator
from contextlib import ExitStack, nullcontext, suppress
from fractions import Fraction
from typing import Any

import numpy as np

from util.errors import UserError
from util.files import atomic
from util.video import BT709, LIMITED_RANGE, decode, open_video, packets_of

FRAME_DURATION = 1 << 8             # FFmpeg's flag: keep the durations that the frames carry
TICKS = 90_000                      # time stamps a second in the files written here
COPIED_SOUND = ('aac', 'mp3')       # codecs that play from an mp4 everywhere


class VideoWriter:
    """Writes an mp4 (H.264, yuv420p, BT.709) that plays everywhere; whole or not there at all.

        with VideoWriter('out.mp4', fps=30, sound_from='in.mp4') as video:
            video.write(image)

    fps          frames a second; may be None when every frame comes with its time
    sound_from   a video whose sound is added, from its second `sound_start`, for as long as the
                 frames last; a video without sound adds none
    crf          H.264's quality: 0 is lossless, 18 looks nearly so, 51 is worst
    An odd width or height is padded by repeating the last column or row. The first frame decides
    the size. Without any frame: a UserError, and no file.
    """

    def __init__(self, path: str | os.PathLike[str], fps: float | None = None,
                 sound_from: str | os.PathLike[str] | None = None, sound_start: float = 0.0,
                 crf: float = 18):
        self.path = path
        self.fps = fps
        self.crf = crf
        self.sound_from = sound_from
        self.sound_start = sound_start
        self.frames = 0
        self._out: Any = None
        self._sound = _Sound(None, 0.0, None)
        self._held: Any = None          # the newest frame waits until its duration is known
        self._origin = 0.0
        self._duration = round(TICKS / (fps or 30))
        self._stack = ExitStack()

    def __enter__(self) -> 'VideoWriter':
        if self.sound_from is not None:
            with open_video(self.sound_from):      # refuse a bad one before the work
                pass
        self._part = self._stack.enter_context(atomic(self.path))
        self._stack.push(self._finish)
        return self

    def __exit__(self, *error: object) -> bool | None:
        return self._stack.__exit__(*error)  # type: ignore[arg-type]

    def write(self, image: np.ndarray, time: float | None = None) -> None:
        """Add a frame, shown at `time` seconds (any origin, increasing) or at number / fps."""
        import av
        assert time is not None or self.fps, 'a frame needs its time, or the writer an fps'
        if self._out is None:
            self._open(image)
            self._origin = time or 0.0
        assert image.shape == self._shape, f'first {self._shape}, now {image.shape}'
        frame = av.VideoFrame.from_ndarray(_even(image), format='rgb24')
        frame = frame.reformat(format='yuv420p', dst_colorspace=BT709,
                               dst_color_range=LIMITED_RANGE, threads=0)
        seconds = self.frames / (self.fps or 1) if time is None else time - self._origin
        frame.pts = round(seconds * TICKS)
        frame.time_base = Fraction(1, TICKS)
        self._encode_held(until=frame.pts)
        self._held = frame
        self.frames += 1

    def _open(self, image: np.ndarray) -> None:
        """Open the file; this has to wait for the first frame, which decides the size."""
        import av
        self._shape = image.shape
        height, width = _even(image).shape[:2]
        self._out = av.open(str(self._part), 'w', format='mp4', options={'movflags': 'faststart'})
        rate = Fraction(self.fps or 30).limit_denominator(1001)
        self._stream = self._out.add_stream(
            'libx264', rate=rate, width=width, height=height, pix_fmt='yuv420p',
            time_base=Fraction(1, TICKS), options={'crf': str(self.crf), 'preset': 'veryfast'})
        context = self._stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = BT709
        context.color_range = LIMITED_RANGE
        context.flags |= FRAME_DURATION
        self._sound = _Sound(self.sound_from, self.sound_start, self._out)

    def _encode_held(self, until: int) -> None:
        """Encode the frame that waited: `until`, in ticks, is when the next one replaces it."""
        if self._held is None:
            return
        assert until > self._held.pts, 'frames must come in the order of their times'
        self._duration = self._held.duration = until - self._held.pts
        self._out.mux(self._stream.encode(self._held))
        self._sound.mux(until / TICKS)

    def _finish(self, failed: type | None, *_: Any) -> None:
        if self._out is None:
            if not failed:
                raise UserError(f'{self.path}: not written, because there was no frame to write.')
            return
        try:
            if not failed:
                self._encode_held(until=self._held.pts + self._duration)
                self._out.mux(self._stream.encode(None))
        finally:
            self._sound.close()
            with suppress(Exception) if failed else nullcontext():
                self._out.close()


def _even(image: np.ndarray) -> np.ndarray:
    """The image with even width and height: repeats the last column or row where needed."""
    height, width = image.shape[:2]
    if height % 2 or width % 2:
        image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode='edge')
    return np.ascontiguousarray(image)


class _Sound:
    """The sound of a video from `start` seconds on, muxed into `out` next to the frames."""

    def __init__(self, path: str | os.PathLike[str] | None, start: float, out: Any):
        self._out = out
        self._stack = ExitStack()
        self._packets: Iterator[tuple[float, Any]] = iter(())
        self._waiting: tuple[float, Any] | None = None
        if path is None:
            return
        container, _ = self._stack.enter_context(open_video(path))
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
        """Mux what is heard before `until` seconds."""
        while True:
            self._waiting = self._waiting or next(self._packets, None)
            if self._waiting is None or self._waiting[0] >= until:
                return
            self._out.mux(self._waiting[1])
            self._waiting = None

    def close(self) -> None:
        self._stack.close()


def _copied(container: Any, stream: Any, target: Any, origin: float) -> Iterator[tuple[float, Any]]:
    """(start in seconds, packet) of the sound, copied without encoding; `origin` becomes 0."""
    shift = round(origin / stream.time_base)
    for packet in packets_of(container, stream, []):
        if packet.pts is None or packet.pts < shift or not packet.size:
            continue
        packet.pts = packet.dts = packet.pts - shift
        seconds = float(packet.pts * packet.time_base)
        packet.stream = target
        yield seconds, packet


def _encoded(container: Any, stream: Any, target: Any,
             origin: float) -> Iterator[tuple[float, Any]]:
    """(start in seconds, packet) of the sound, encoded as AAC; `origin` becomes 0."""
    for frame in [*decode(container, stream, []), None]:
        if frame is not None:
            if frame.pts is None or frame.time < origin:
                continue
            frame.pts -= round(origin / frame.time_base)
        for packet in target.encode(frame):
            yield float(packet.pts * packet.time_base), packet
