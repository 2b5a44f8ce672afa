"""Opens video files and walks through their packets; every fault of theirs is a UserError.

A file is opened as what it is called, never as a web address or a list of other files.
"""
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from util.errors import UserError
from util.files import read_json
from util.words import command

# 8192x8192; a frame of the largest video that phones and cameras write, 8192x4320, has half of it
MAX_PIXELS = 1 << 26
ENDINGS = '.mp4', '.mov', '.mkv', '.webm', '.avi'
# formats that only name other files or places
LISTS = ('hls', 'dash', 'concat', 'sdp', 'rtsp', 'imf')


@contextmanager
def open_video(path: str | os.PathLike[str]) -> Iterator[tuple[Any, Any]]:
    """An open container and its video stream.

    UserError when `path` is no video, and for whatever PyAV raises while it is open.
    """
    import av
    check_file(path)
    try:
        with av.open(f'file:{os.fspath(path)}', metadata_errors='ignore',
                     options={'protocol_whitelist': 'file'}) as container:
            stream = _video_stream(path, container)
            stream.thread_type = 'AUTO'
            stream.codec_context.options = {'max_pixels': str(MAX_PIXELS)}
            yield container, stream
    except (av.FFmpegError, OSError) as error:
        raise unreadable(path, reason_of(error)) from error


def check_file(path: str | os.PathLike[str]) -> None:
    """UserError where there is no file at `path`."""
    name = os.fspath(path)
    if not name:
        raise UserError('the name of a video is empty. Give its file, e.g. me.mp4.')
    if not os.path.exists(path):
        fix = 'A web address is not fetched: save the video, then give its file.' \
            if '://' in name else 'Check the spelling and the folder.'
        raise UserError(f'{path}: there is no such file. {fix}')
    if os.path.isdir(path):
        raise UserError(f'{path}: {folder_for_a_video(name)}')
    if not os.path.isfile(path):
        raise UserError(f'{path}: is no file that can be read twice, such as a pipe. Save the '
                        f'video, then give its file.')


def folder_for_a_video(folder: str) -> str:
    """What to give in place of a folder."""
    facts = os.path.join(folder, 'dataset.json')
    if os.path.isfile(facts):
        made = ''
        with suppress(UserError, LookupError, TypeError):   # nobody's business here
            made = f', {read_json(Path(facts))["source"]["path"]}'
        return f'is a dataset, not a video. Give the video that it was made from{made}.'
    videos = sorted(name for name in os.listdir(folder) if name.lower().endswith(ENDINGS))
    if videos:
        return f'is a folder, not a video. Give the file in it, e.g. ' \
               f'{os.path.join(folder, videos[0])}.'
    return 'is a folder without a video. Give the file of one, e.g. me.mp4.'


def _video_stream(path: str | os.PathLike[str], container: Any) -> Any:
    """The stream that players show."""
    # a cover image is a video stream too, marked as attached
    streams = [s for s in container.streams.video if s.codec_context is not None
               and not s.disposition & s.disposition.attached_pic]
    stream = best_stream(container, 'video', streams)
    if stream is None:
        sound = 'sound but ' if container.streams.audio else ''
        raise unreadable(path, f'it has {sound}no video stream')
    if container.format.name.endswith('_pipe') or container.format.name in ('image2', 'tty'):
        raise UserError(f'{path}: is a single image or a text, not a video. Give an mp4, mov, '
                        f'mkv, webm or avi file.')
    if container.format.name in LISTS:
        raise unreadable(path, 'it is a list of other files')
    if stream.width * stream.height > MAX_PIXELS:
        raise unreadable(path, f'its frames are {stream.width}x{stream.height}, and at most '
                               f'{MAX_PIXELS / 1e6:.0f} megapixels are read')
    return stream


def best_stream(container: Any, kind: str, streams: list[Any], related: Any = None) -> Any:
    """The one of `streams` that players choose, or None: the default one, of several the one with
    most in it. Never a preview of one frame where there is more.

    related   the stream that it should belong to
    """
    best = container.streams.best(kind, related=related)

    def rank(stream: Any) -> tuple[bool, bool, bool, int]:
        is_default = bool(stream.disposition & stream.disposition.default)
        area = stream.width * stream.height if kind == 'video' else 0
        return stream.frames > 1, stream is best, is_default, area
    return max(streams, key=rank, default=None)


def unreadable(path: str | os.PathLike[str], reason: str) -> UserError:
    return UserError(f'{path}: not a video that can be read ({reason}). Give an mp4, mov, mkv, '
                     f'webm or avi file, and check that it was copied completely. If a player '
                     f'shows it, repair it: '
                     + command('scripts/ffmpeg.py', '-i', path, 'repaired.mp4'))


def reason_of(error: BaseException) -> str:
    """What an error of PyAV or of the system says, in short."""
    return getattr(error, 'strerror', None) or str(error)


def packets_of(container: Any, stream: Any, faults: list[str]) -> Iterator[Any]:
    """The packets of one stream, up to the end or to a read error, which goes to `faults`.

    The last one is empty; it makes a decoder give what it still holds.
    """
    import av
    try:
        yield from container.demux(stream)
    except av.FFmpegError as error:
        faults.append(reason_of(error))
    except IndexError:      # after the last packet, where a stream appeared midway: PyAV's fault
        return


def decode(container: Any, stream: Any, faults: list[str],
           number: Callable[[Any], int | None] | None = None) -> Iterator[Any]:
    """Every frame that decodes, in the order shown; the reasons of failures go to `faults`.

    number   gives a packet its number, which takes the place of its time stamps: it becomes the
             `pts` of the frame that is decoded from it
    """
    import av
    for packet in packets_of(container, stream, faults):
        if number and packet.size:
            packet.pts = packet.dts = number(packet)
        try:
            frames = packet.decode()
        except av.FFmpegError as error:
            faults.append(reason_of(error))
            continue
        for frame in frames:
            if frame.is_corrupt:
                faults.append('part of a frame is missing')
            else:
                yield frame
