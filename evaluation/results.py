"""What test.py writes to results/NAME/EPOCH_PHASE: images/, two videos and a page.

The painted and the real pictures may be larger than the drawn pose. thumbnails/ has a small JPEG of
each large picture and the posters of the videos: pages show these.
"""
import shutil
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from evaluation.backgrounds import Background
from evaluation.records import read_metrics, read_painting
from evaluation.rows import row_of
from evaluation.whole_frame import WholeFrame
from pose.track import PoseTrack
from scene.composition import Layer
from util.errors import UserError, say, warn
from util.images import opaque, read_image, read_rgba, size_of, write_image
from util.marks import Marks
from util.noted import recorded
from util.owned import replacing
from util.parallel import prefetch
from util.progress import progress
from util.thumbnails import is_large, thumbnail_of, write_poster, write_thumbnail

LABELS = ('real_A', 'fake_B', 'real_B')     # upstream's names, in the order people read them
FILMS = {'side by side': 'side_by_side.mp4', 'painted': 'fake_B.mp4'}
FILES = ('index.html', 'metrics.json', 'painting.json', *FILMS.values(),
         *map(thumbnail_of, FILMS.values()))
MEASURED = 'measured'   # folder of the pictures that are measured, until they are
MAX_PENDING = 100e6     # bytes of images that wait to be written; more, and painting waits too
AHEAD = 2               # frames read while another is encoded


class PaintedDataset(Protocol):
    """What Results needs to know of a dataset."""

    root: Path
    facts: dict[str, Any]


class Results:
    """Writes frames while they are painted, then videos and a page from them.

    place     results/NAME/EPOCH_PHASE. Files of an earlier call stay there until their
              replacements are whole; files that are not the program's stay in any case
    folder    where files are written now: within `replacing` a hidden folder in `place`, else
              `place` itself
    trained   dataset.json of what the run was trained on
    also      {label: name of a second file for that image, such as synthesized_image.jpg}
    whole     what is around each picture, if --whole_frame asks for it
    behind    what is behind the person, if --background asks for another than the target's own
    """

    def __init__(self, folder: Path, dataset: PaintedDataset, trained: dict[str, Any],
                 also: dict[str, str] | None = None, whole: WholeFrame | None = None,
                 behind: Background | None = None, film: str = 'fake_B.mp4'):
        """film: the name of the painted one."""
        self.place = self.folder = folder
        self.dataset = dataset
        self.trained = trained
        self.also = also or {}
        self.whole = whole
        self.behind = behind
        self.films = FILMS | {'painted': film}
        self.part_size = 0, 0                       # of what is painted, without what is around
        self.painted = False                        # whether all frames are on the disk
        self.frames: list[dict[str, str]] = []      # {label: path relative to folder}, in order
        self.names: list[str] = []                  # stem of each frame
        self.videos: dict[str, str] = {}

    @contextmanager
    def replacing(self) -> Iterator[None]:
        """Files written within the block replace those of an earlier call at its end.

        If the block fails before all frames are painted, nothing changes. If it fails later, the
        frames, which took the longest, and every other whole file still replace the earlier ones.
        """
        failed: BaseException | None = None
        try:
            with replacing(self.place, self.written, 'index.html') as self.folder:
                try:
                    with self.measured_from():
                        yield
                except BaseException as error:
                    if not self.painted:
                        raise
                    failed = error
        finally:
            self.folder = self.place
        if failed:
            raise failed

    @property
    def measured(self) -> Path:
        return self.folder / MEASURED

    @contextmanager
    def measured_from(self) -> Iterator[None]:
        """A folder, within the block, for the pictures that are measured where these are not the
        ones that are shown: the person before the target's own background."""
        try:
            yield
        finally:
            shutil.rmtree(self.measured, ignore_errors=True)

    def written(self) -> set[str]:
        """The files that an earlier call wrote, relative to `place`."""
        return recorded(self.place) or self.written_unrecorded()

    def written_unrecorded(self) -> set[str]:
        """The same where an earlier version wrote them, which recorded none."""
        endings = [*(f'{label}.png' for label in LABELS), *self.also.values()]
        patterns = [f'images/*_{ending}' for ending in endings]
        patterns += [thumbnail_of(pattern) for pattern in patterns]
        names = painted_before(self.place)
        files = set(FILES)
        for pattern in patterns:
            if names is None:       # painted, at least in part, by an earlier version
                found = self.place.glob(pattern)
                files |= {path.relative_to(self.place).as_posix() for path in found}
            else:
                files |= {pattern.replace('*', name) for name in names}
        return files

    @contextmanager
    def writing(self) -> Iterator[None]:
        """`add` works within the block; at its end all added frames are on the disk."""
        self.painted = False
        with self.replacing() if self.folder == self.place else nullcontext():
            (self.folder / 'images').mkdir(parents=True, exist_ok=True)
            self.pending: deque[tuple[Future[None], int]] = deque()     # with bytes of the image
            with ThreadPoolExecutor(2) as self.pool:
                yield
                self.wait(0)
            self.painted = True

    def wait(self, most: float) -> None:
        """Until no more than `most` bytes of images are left to write."""
        waiting = sum(size for _, size in self.pending)
        while self.pending and waiting > most:
            future, size = self.pending.popleft()
            future.result()
            waiting -= size

    def add(self, path: str, images: dict[str, np.ndarray], layer: Layer | None = None) -> None:
        """Write `images`, {label: uint8 RGB (H, W, C)}, under the name of `path`.

        layer   the person alone of the painted one; needed where `behind` is
        """
        name = Path(path).stem
        self.names.append(name)
        if self.behind:
            assert layer
            self.measured.mkdir(exist_ok=True)
            self.submit(write_image, f'{MEASURED}/{name}.png', images['fake_B'])
            picture = self.behind.picture(name, self.time_of(len(self.names) - 1), [layer])
            images = images | {'fake_B': picture}
        if self.whole:
            self.part_size = size_of(images['fake_B'])
            images = self.whole.placed(images)
        self.frames.append({label: f'images/{name}_{label}.png' for label in LABELS
                            if label in images})
        for label, image in images.items():
            file = f'images/{name}_{label}.png'
            self.submit(write_image, file, image)
            if is_large(image):
                self.submit(write_thumbnail, thumbnail_of(file), opaque(image))
            if label in self.also:
                self.submit(write_image, f'images/{name}_{self.also[label]}', image)
        self.wait(MAX_PENDING)

    def submit(self, write: Callable[[Path, np.ndarray], None], file: str,
               image: np.ndarray) -> None:
        """Write an image in the background."""
        future = self.pool.submit(write, self.folder / file, image)
        self.pending.append((future, image.nbytes))

    @cached_property
    def known_times(self) -> dict[str, float]:
        """{name of a frame: time stamp in s}, of poses.npz if there is one."""
        poses = self.dataset.root / 'poses.npz'
        if not poses.is_file():
            return {}
        track = PoseTrack.load(poses)
        return {str(n + 1): time for n, time in zip(track.index.tolist(), track.times.tolist())}

    def time_of(self, k: int) -> float:
        """Time stamp in s of frame `k`."""
        fps = self.dataset.facts.get('fps') or self.trained.get('fps') or 30.0
        return self.known_times.get(self.names[k].lstrip('0'), k / fps)

    def times(self) -> tuple[list[float], list[int]]:
        """Time stamp in s, and frame number in the source video, of every frame."""
        frames = list(range(len(self.names)))
        numbers = [name.lstrip('0') for name in self.names]
        if numbers and all(number in self.known_times for number in numbers):
            return [self.time_of(k) for k in frames], [int(number) - 1 for number in numbers]
        fps = self.dataset.facts.get('fps') or self.trained.get('fps') or 30.0
        return [k / fps for k in frames], frames

    def read_images(self, frame: dict[str, str]) -> dict[str, np.ndarray]:
        """{label: uint8 RGB (H, W, 3)} of a frame, without files that cannot be read."""
        found = {label: read_image(self.folder / path) for label, path in frame.items()}
        return {label: image for label, image in found.items() if image is not None}

    def read_measured(self, frame: dict[str, str]) -> dict[str, np.ndarray]:
        """The same without what is around, before the target's own background: the poses are those
        of the painted part, and so are the measures of the target."""
        images = self.read_images(frame)
        if self.behind:
            name = Path(frame['fake_B']).stem.removesuffix('_fake_B')
            own = read_image(self.measured / f'{name}.png')
            images.pop('fake_B', None)
            images |= {} if own is None else {'fake_B': own}
        if self.whole:
            return {label: self.whole.cut(image, self.part_size)
                    for label, image in images.items()}
        return images

    def write_videos(self, video_from: str | None = None, marks: Marks | None = None) -> None:
        """The painted film, side_by_side.mp4 (source, if given | pose | painted | real) and their
        posters, the first frame of each. The frames in images/, which are measured, stay
        without the marks."""
        from util.video_writer import MP4, WITH_ALPHA, VideoWriter
        marks = marks or Marks()
        times, numbers = self.times()
        size: tuple[int, int] | None = None         # of the first frame; a video has one size
        sources = SourceFrames(video_from, numbers, times) if video_from else None
        writer = partial(VideoWriter, sound_from=video_from, sound_start=times[0],
                         tags=marks.tags)
        film = self.films['painted']
        coding = WITH_ALPHA.get(Path(film).suffix, MP4)
        pictures = prefetch(map(self.read_images, self.frames), AHEAD)
        with writer(self.folder / film, coding=coding) as painted, \
                writer(self.folder / 'side_by_side.mp4') as all_images:
            for k, images in enumerate(progress(pictures, 'writing video', len(self.frames))):
                source = [sources.at(k)] if sources else []
                size = size or size_of(images['fake_B'])
                shown = marks.drawn(self.read_film(k, at_size(images['fake_B'], size)))
                images['fake_B'] = fake = marks.drawn(images['fake_B'])
                row = row_of(source, images, size, self.behind is not None)
                painted.write(shown, times[k])
                all_images.write(row, times[k])
                if k == 0:
                    write_poster(self.folder, film, fake)
                    write_poster(self.folder, 'side_by_side.mp4', row)
        self.videos = dict(self.films)
        for name, file in self.videos.items():
            say(f'{name}: {self.place / file}')

    def read_film(self, k: int, picture: np.ndarray) -> np.ndarray:
        """Painted frame `k`, with its transparency where it has some; else `picture`, which was
        read already."""
        if not self.behind or not self.behind.is_transparent:
            return picture
        found = read_rgba(self.folder / self.frames[k]['fake_B'])
        if found is None:
            return np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
        return at_size(found, size_of(picture))

    def write_page(self, facts: dict[str, Any]) -> Path:
        """Write index.html, with the scores of metrics.json if there is one.

        facts     {heading: value} for the page
        Returns   the page's path in `place`
        """
        from evaluation.results_page import write_results_page
        bad = getattr(getattr(self.dataset, 'pictures', None), 'bad', [])
        if bad:
            facts['left out'] = ', '.join(f'{name} ({why})' for name, why in bad)
        scores = read_metrics(self.folder) or None
        write_results_page(self.folder, {**facts, 'frames': len(self.frames)}, self.frames,
                           self.videos, scores, self.place)
        page = self.place / 'index.html'
        say(f'page: {page}')
        return page


def painted_before(folder: Path) -> list[str] | None:
    """The names of the frames that the folder's painting.json lists; None where it lists none."""
    try:
        return list(read_painting(folder)['frames'])
    except (UserError, FileNotFoundError):
        return None


class SourceFrames:
    """The frames of a video at given numbers, in one pass from its start.

    numbers   frame numbers in the video, not decreasing
    """

    def __init__(self, path: str, numbers: list[int], times: list[float]):
        from util.parallel import prefetch
        from util.video import read_frames
        self.path = path
        self.numbers = numbers
        self.times = times
        self.frames = prefetch(read_frames(path))
        first = next(self.frames, None)
        if first is None:
            raise UserError(f'--video_from {path}: this video has no frames.')
        self.last = first

    def at(self, k: int) -> np.ndarray:
        """The frame for painted frame `k`; the last frame again where the video is shorter."""
        while self.last.index < self.numbers[k]:
            following = next(self.frames, None)
            if following is None:
                warn(f'--video_from {self.path} is shorter than the painted video; its last '
                     f'frame stays.')
                self.numbers = [self.last.index] * len(self.numbers)
                break
            self.last = following
        return self.last.image


def at_size(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The image (H, W, C), resized bilinearly to `size` (width, height) if need be."""
    return image if size_of(image) == size else cv2.resize(image, size)
