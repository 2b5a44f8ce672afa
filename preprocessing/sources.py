"""Where frames come from: a video, a folder of pictures, a camera. No torch."""
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

from data.facts import read_facts
from data.pairing import warn_of_foreign
from util.camera import OpenedCamera
from util.clock import Clock
from util.errors import UserError, say, warn
from util.images import fitted, foreign_in, pictures_in, read_or_reason, size_of
from util.noted import noted, noted_file
from util.progress import clock
from util.video import Frame, count_frames, probe, read_frames, times_of
from util.video_writer import VideoWriter


class Source(Protocol):
    """Frames in order, as often as they are read.

    size   (width, height) px, upright
    fps    frames a second that are taken
    count  number of frames, if none is damaged
    fault  what the file itself says is missing, or ''
    """

    size: tuple[int, int]
    fps: float
    count: int
    fault: str

    def frames(self, stretch: slice = slice(None)) -> Iterator[Frame]:
        """Every frame that is taken, or a stretch of them."""

    def facts(self) -> dict[str, Any]:
        """`source` of dataset.json."""


class VideoSource:
    """A video from `start` to `end` seconds, thinned to `fps` if given."""

    def __init__(self, path: str, start: float = 0.0, end: float | None = None,
                 fps: float | None = None):
        self.path = path
        self.start, self.end = start, end
        self.wanted = fps
        self.info = probe(path)
        self.size = self.info.size
        self.fps = min(fps or self.info.fps, self.info.fps)
        self.count = max(1, count_frames(path, start, end, fps))
        self.fault = times_of(path).fault

    def frames(self, stretch: slice = slice(None)) -> Iterator[Frame]:
        return read_frames(self.path, self.start, self.end, self.wanted, stretch)

    def facts(self) -> dict[str, Any]:
        return {'kind': 'video', 'path': self.path, 'bytes': Path(self.path).stat().st_size,
                'size': list(self.size), 'fps': self.info.fps, 'frames': self.info.frames,
                'rotation': self.info.rotation, 'sound': self.info.sound}


class ImagesSource:
    """The pictures of a folder in name order, `fps` of them a second."""
    fault = ''

    def __init__(self, folder: str, start: float = 0.0, end: float | None = None,
                 fps: float | None = None):
        self.folder = folder
        self.fps = fps or 30.0
        if not Path(folder).is_dir():
            is_file = Path(folder).is_file()
            raise UserError(f'--images {folder}: that is a file. Give the folder of its pictures, '
                            f'or a video at --video.' if is_file else
                            f'--images {folder}: no such folder. Check the spelling.')
        files = pictures_in(Path(folder))
        last = len(files) if end is None else round(end * self.fps)
        self.files = list(enumerate(files))[round(start * self.fps):last]
        if not self.files:
            fix = foreign_in(Path(folder)) or 'Give a folder of .png or .jpg files.'
            raise UserError(f'--images {folder}: no pictures are in it. {fix}')
        warn_of_foreign([Path(folder)])
        self.count = len(self.files)
        first = next(self.frames(), None)
        if first is None:
            raise UserError(f'--images {folder}: none of its pictures can be read.')
        self.size = size_of(first.image)

    def frames(self, stretch: slice = slice(None)) -> Iterator[Frame]:
        shape: tuple[int, ...] | None = None
        bad: list[str] = []
        for index, path in self.files[stretch]:
            image = read_or_reason(path)
            if isinstance(image, str):
                bad.append(f'{path.name} ({image})')
                continue
            shape = shape or image.shape
            if image.shape != shape:
                raise UserError(f'{path}: {image.shape[1]}x{image.shape[0]}, but the pictures '
                                f'before are {shape[1]}x{shape[0]}. Give pictures of one size.')
            yield Frame(index, index / self.fps, image)
        if bad:
            warn(f'{self.folder}: {len(bad)} pictures cannot be read and are left out, '
                 f'e.g. {bad[0]}.')

    def facts(self) -> dict[str, Any]:
        return {'kind': 'images', 'path': self.folder,
                'bytes': sum(path.stat().st_size for _, path in self.files if path.is_file()),
                'size': list(self.size), 'fps': self.fps, 'frames': len(self.files),
                'rotation': 0, 'sound': False}


def check_film(path: Path, root: Path, overwrite: bool) -> None:
    """UserError if filming into `path`, for the dataset in `root`, would replace a video, except
    with --overwrite one that was filmed by this program."""
    if not path.exists():
        return
    if not overwrite:
        raise UserError(f'{path} is there already. Prepare it with --video {path}, or add '
                        f'--overwrite to film again.')
    if path.name not in noted(path.parent) and not filmed_before(path, root):
        raise UserError(f'{path} is there already, and was not filmed by this program. Move it '
                        f'away, choose another --dataroot, or prepare it with --video {path}.')


def filmed_before(path: Path, root: Path) -> bool:
    """Whether the dataset says that it was filmed into `path`, which is as large as it was then.
    Earlier versions recorded it nowhere else."""
    facts = read_facts(root)
    source = facts.get('source', {})
    settings = facts.get('settings', {'video': ''})
    was_filmed = settings.get('video') is None and settings.get('images') is None
    if not was_filmed or source.get('kind') != 'video':
        return False
    same_path = Path(source['path']).resolve() == path.resolve()
    return same_path and source['bytes'] == path.stat().st_size


def film(camera: int, seconds: float, path: Path) -> None:
    """Film with a camera into `path`, an mp4 with the times at which the pictures really came, all
    of the size of the first: a virtual camera may change it."""
    size = None
    with closing(OpenedCamera(str(camera), live=False)) as filming:
        say(f'filming for {seconds:g} s: dance!')
        newest = -1.0
        now = Clock()
        start = now.now()
        with noted_file(path.parent, path.name) as part, VideoWriter(part) as video, \
                clock('filming', seconds) as bar, closing(filming.pictures(now)) as pictures:
            for picture in pictures:
                passed = picture.time - start
                if passed - newest > 0.001:
                    size = size or size_of(picture.image)
                    video.write(fitted(picture.image, size), passed)
                    newest = passed
                bar.update(min(passed, seconds) - bar.n)
                if passed >= seconds:
                    break


def open_source(video: str | None, images: str | None, start: float, end: float | None,
                fps: float | None) -> Source:
    """The source for --video or --images."""
    if video is not None:
        return VideoSource(video, start, end, fps)
    assert images is not None
    return ImagesSource(images, start, end, fps)
