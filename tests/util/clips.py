"""Small video files for the tests of reading and of writing."""
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from imageio_ffmpeg import get_ffmpeg_exe

from util.video_writer import VideoWriter

UNEVEN = [0.0, 0.033, 0.1, 0.12, 0.5, 0.51, 0.9]


def numbered(k: int, width: int = 64, height: int = 48) -> np.ndarray:
    """A picture that says which it is: grey 10 + 8 k."""
    return np.full((height, width, 3), 10 + 8 * k, np.uint8)


def number(image: np.ndarray) -> int:
    return round((float(image.mean()) - 10) / 8)


def clip(path: Path, times: list[float], **options) -> Path:
    with VideoWriter(path, **options) as video:
        for k, seconds in enumerate(times):
            video.write(numbered(k), seconds)
    return path


def beep(path: Path, codec: str = 'aac', seconds: float = 3.0, at: float = 1.0) -> Path:
    """A clip that is white and beeps from `at` seconds for a fifth of a second."""
    rate = 44100
    samples = np.zeros((1, int(seconds * rate)), np.float32)
    t = np.arange(int(0.2 * rate)) / rate
    samples[0, int(at * rate):][:len(t)] = 0.8 * np.sin(2 * np.pi * 880 * t)
    with av.open(str(path), 'w') as out:
        picture = out.add_stream('libx264', rate=25, width=64, height=48, pix_fmt='yuv420p')
        sound = out.add_stream(codec, rate=rate, layout='mono')
        for k in range(int(seconds * 25)):
            light = 255 if at <= k / 25 < at + 0.2 else 0
            image = np.full((48, 64, 3), light, np.uint8)
            out.mux(picture.encode(av.VideoFrame.from_ndarray(image, format='rgb24')))
        kind = 'flt' if codec == 'pcm_f32le' else sound.codec_context.format.name
        frame = av.AudioFrame.from_ndarray(samples, format='fltp', layout='mono')
        frame.rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        for part in av.AudioResampler(kind, 'mono', rate, frame_size=1024).resample(frame):
            out.mux(sound.encode(part))
        out.mux([*picture.encode(None), *sound.encode(None)])
    return path


def beeps(path: Path) -> list[tuple[float, float]]:
    """(begin, end) of what is loud, in seconds."""
    with av.open(str(path)) as container:
        pieces = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
        rate = container.streams.audio[0].rate
    loud = np.flatnonzero(np.abs(np.concatenate(pieces)) > 0.2) / rate
    ends = np.flatnonzero(np.diff(loud) > 0.02)
    begins = loud[[0, *(ends + 1)]]
    return list(zip(begins.tolist(), loud[[*ends, -1]].tolist()))


def loud_from(path: Path) -> float:
    """The second at which the sound of a video first gets loud."""
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            loud = np.flatnonzero(np.abs(frame.to_ndarray().reshape(-1, frame.samples)[0]) > 0.2)
            if len(loud):
                return frame.time + loud[0] / frame.rate
    raise AssertionError('silence')


def ffmpeg(*arguments: object) -> bytes:
    """The package's own, whatever is on the PATH: versions before 6 turn no picture by a flag."""
    return subprocess.run([get_ffmpeg_exe(), '-v', 'error', '-y', *map(str, arguments)], check=True,
                          capture_output=True).stdout


def noisy(path: Path, frames: int = 60) -> bytearray:
    """Pictures that need many bytes, each a key picture."""
    rng = np.random.default_rng(0)
    with av.open(str(path), 'w', options={'movflags': 'faststart'}) as out:
        stream = out.add_stream('libx264', rate=30, width=64, height=64, pix_fmt='yuv420p',
                                options={'g': '1', 'bf': '0'})
        for _ in range(frames):
            image = rng.integers(0, 255, (64, 64, 3), np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format='rgb24')))
        out.mux(stream.encode(None))
    return bytearray(path.read_bytes())
