"""Writes mp4 files that play everywhere, with the sound of another video in step.

Frames keep the times they are given, so a variable frame rate survives. An image is (H, W, 3)
uint8 RGB, or (H, W, 4) with straight alpha for a coding that has transparency.
"""
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from util.containers import open_video, reason_of
from util.errors import UserError
from util.files import atomic, final_name
from util.shown import BT709, LIMITED_RANGE
from util.sound import Loop, Sound

FRAME_DURATION = 1 << 8             # FFmpeg's flag: keep the durations that the frames carry
TICKS = 90_000                      # time stamps a second in the files written here


@dataclass(frozen=True)
class Coding:
    """How a film is encoded.

    container, codec, pixels, sound   as FFmpeg calls them
    options    of the codec; {crf} stands for the quality
    """
    container: str
    codec: str
    pixels: str
    sound: str
    options: Mapping[str, str]

    @property
    def alpha(self) -> bool:
        """Whether a frame has transparency: RGBA, with straight alpha."""
        return 'yuva' in self.pixels


MP4 = Coding('mp4', 'libx264', 'yuv420p', 'aac', {'crf': '{crf}', 'preset': 'veryfast'})
# Films with transparency. Of a soft disc on noise, 408x720, a webm takes 39 kB a frame and a mov
# 0.8 MB. VP9 at cpu-used 4 has an alpha that is 3 of 255 wrong at most; in real time, which takes a
# third as long, 17.
WITH_ALPHA = {
    '.webm': Coding('webm', 'libvpx-vp9', 'yuva420p', 'libopus',
                    {'crf': '{crf}', 'b:v': '0', 'deadline': 'good', 'cpu-used': '4',
                     'row-mt': '1', 'auto-alt-ref': '0'}),
    '.mov': Coding('mov', 'prores_ks', 'yuva444p10le', 'aac',
                   {'profile': '4444', 'alpha_bits': '16'})}


class VideoWriter:
    """Writes an mp4 (H.264, yuv420p, BT.709) that plays everywhere; whole or not there at all.

        with VideoWriter('out.mp4', fps=30, sound_from='in.mp4') as video:
            video.write(image)

    fps          frames a second; may be None when every frame comes with its time
    sound_from   a video whose sound is added, from its second `sound_start`, for as long as the
                 frames last; a video without sound adds none
    sound_loop   which of its seconds are heard again and again; None: it is heard once
    crf          H.264's quality: 0 is lossless, 18 looks nearly so, 51 is worst
    tags         {name: text} that the file says of itself, such as {'comment': 'painted'}
    is_live      whether it is filmed while it is written. Its index is then at its end: put first,
                 for browsers, the whole file would have to be written again. It has no B-frames,
                 with which an mp4 of uneven times says too short a duration
    An odd width or height is padded by repeating the last column or row. The first frame decides
    the size. Without any frame: a UserError, and no file.
    """

    def __init__(self, path: str | os.PathLike[str], fps: float | None = None,
                 sound_from: str | os.PathLike[str] | None = None, sound_start: float = 0.0,
                 crf: float = 18, is_live: bool = False,
                 tags: Mapping[str, str] | None = None, coding: Coding = MP4,
                 sound_loop: Loop | None = None):
        self.path = Path(path)
        self.shown = self.path.with_name(final_name(self.path.name))
        self.fps = fps
        self.crf = crf
        self.is_live = is_live
        self.tags = tags or {}
        self.coding = coding
        self.sound_from = sound_from
        self.sound_start = sound_start
        self.sound_loop = sound_loop
        self.frames = 0
        self._out: Any = None
        self._sound: Sound | None = None
        self._held: Any = None          # the newest frame waits until its duration is known
        self._origin = 0.0
        self._duration = round(TICKS / (fps or 30))
        self._stack = ExitStack()

    def __enter__(self) -> 'VideoWriter':
        if self.sound_from is not None:
            with open_video(self.sound_from):      # refuse a bad one before the work
                pass
        self._stack.enter_context(_named(self.shown))
        self._part = self._stack.enter_context(atomic(self.path))
        self._stack.push(self._finish)
        return self

    def __exit__(self, *error: object) -> bool | None:
        return self._stack.__exit__(*error)  # type: ignore[arg-type]

    def write(self, image: np.ndarray, time: float | None = None) -> None:
        """Add a frame, shown at `time` seconds (any origin, increasing) or at number / fps."""
        assert time is not None or self.fps, 'a frame needs its time, or the writer an fps'
        if self._out is None:
            self._open(image)
            self._origin = time or 0.0
        assert image.shape == self._shape, f'first {self._shape}, now {image.shape}'
        frame = self._coded(_even(image))
        seconds = self.frames / (self.fps or 1) if time is None else time - self._origin
        frame.pts = round(seconds * TICKS)
        frame.time_base = Fraction(1, TICKS)
        self._encode_held(until=frame.pts)
        self._held = frame
        self.frames += 1

    def _coded(self, image: np.ndarray) -> Any:
        """An image of even sides as a frame of the film."""
        import av
        coding = self.coding
        frame = av.VideoFrame.from_ndarray(image, format='rgba' if coding.alpha else 'rgb24')
        return frame.reformat(format=coding.pixels, dst_colorspace=BT709,
                              dst_color_range=LIMITED_RANGE, threads=0)

    def _open(self, image: np.ndarray) -> None:
        """Open the file; this has to wait for the first frame, which decides the size."""
        import av
        self._shape = image.shape
        height, width = _even(image).shape[:2]
        coding = self.coding
        fast = coding.container != 'webm' and not self.is_live
        how = {'movflags': 'faststart'} if fast else {}
        self._out = av.open(f'file:{self._part}', 'w', format=coding.container, options=how)
        self._out.metadata.update(self.tags)
        rate = Fraction(self.fps or 30).limit_denominator(1001)
        options = {name: value.format(crf=self.crf) for name, value in coding.options.items()}
        self._stream = self._out.add_stream(
            coding.codec, rate=rate, width=width, height=height, pix_fmt=coding.pixels,
            time_base=Fraction(1, TICKS), options=options)
        if coding.alpha:
            self._stream.metadata['alpha_mode'] = '1'       # players look at nothing else
        context = self._stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = BT709
        context.color_range = LIMITED_RANGE
        context.flags |= FRAME_DURATION
        if self.is_live:
            context.max_b_frames = 0
        if self.sound_from is not None:
            self._sound = Sound(self.sound_from, self.sound_start, self._out, coding.sound,
                                self.sound_loop)

    def _encode_held(self, until: int) -> None:
        """Encode the frame that waited: `until`, in ticks, is when the next one replaces it."""
        if self._held is None:
            return
        assert until > self._held.pts, 'frames must come in the order of their times'
        self._duration = self._held.duration = until - self._held.pts
        self._out.mux(self._stream.encode(self._held))
        if self._sound:
            self._sound.mux(until / TICKS)

    def _finish(self, failed: type | None, *_: Any) -> None:
        if self._out is None:
            if not failed:
                raise UserError(f'{self.shown}: not written, because there was no frame to write.')
            return
        try:
            if not failed:
                self._encode_held(until=self._held.pts + self._duration)
                self._out.mux(self._stream.encode(None))
        finally:
            if self._sound:
                self._sound.close()
            with suppress(Exception) if failed else nullcontext():
                self._out.close()


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Turns what PyAV cannot write into a sentence that names the film."""
    import av
    try:
        yield
    except av.FFmpegError as error:
        raise UserError(f'{path}: cannot be written ({reason_of(error)}). Choose another folder, '
                        f'or frames of another size.') from error


def _even(image: np.ndarray) -> np.ndarray:
    """The image with even width and height: repeats the last column or row where needed."""
    height, width = image.shape[:2]
    if height % 2 or width % 2:
        image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode='edge')
    return np.ascontiguousarray(image)
