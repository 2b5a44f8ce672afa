"""What test.py leaves in results/NAME/EPOCH_PHASE: images/, two films and a page."""
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from util.errors import UserError, say, warn
from util.files import read_json
from util.images import read_image, size_of, write_image
from util.owned import replacing
from util.progress import progress

LABELS = ('real_A', 'fake_B', 'real_B')     # upstream's names, in the order people read them
FILES = ('index.html', 'metrics.json', 'painting.json', 'fake_B.mp4', 'side_by_side.mp4')


class PaintedDataset(Protocol):
    """The little that is asked of a dataset here."""

    root: Path
    facts: dict[str, Any]


class Results:
    """Frames as they are painted, then films and a page made of them.

    place     results/NAME/EPOCH_PHASE; what an earlier call wrote there stays until what takes its
              place is whole, what is somebody's own stays for ever
    folder    where files are written now: within `replacing` a hidden folder in `place`
    trained   dataset.json of what the run was trained on, for the page
    also      {label: what a further file of that picture is called, e.g. synthesized_image.jpg}
    """

    def __init__(self, folder: Path, dataset: PaintedDataset, trained: dict[str, Any],
                 also: dict[str, str] | None = None):
        self.place = self.folder = folder
        self.dataset, self.trained = dataset, trained
        self.also = also or {}
        self.painted = False                        # whether all frames are on the disk
        self.frames: list[dict[str, str]] = []      # {label: path relative to folder}, in order
        self.names: list[str] = []                  # stem of each frame
        self.videos: dict[str, str] = {}

    @contextmanager
    def replacing(self) -> Iterator[None]:
        """What is written within the block takes its place at the end. Where the block fails
        before all frames are painted, nothing changes; after that the frames, which took the
        longest, take their place all the same, with what else is whole."""
        failed: BaseException | None = None
        try:
            with replacing(self.place, self.written(), 'index.html') as self.folder:
                try:
                    yield
                except BaseException as error:
                    if not self.painted:
                        raise
                    failed = error
        finally:
            self.folder = self.place
        if failed:
            raise failed

    def written(self) -> set[str]:
        """The files that an earlier call wrote."""
        endings = [*(f'{label}.png' for label in LABELS), *self.also.values()]
        names = painted_before(self.place)
        if names is None:       # painted by an earlier version, or stopped by it on the way
            found = [path for ending in endings
                     for path in (self.place / 'images').glob(f'*_{ending}')]
            frames = {f'images/{path.name}' for path in found}
        else:
            frames = {f'images/{name}_{ending}' for name in names for ending in endings}
        return frames | set(FILES)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Frames may be added within the block; at its end all of them are on the disk."""
        self.painted = False
        with self.replacing() if self.folder == self.place else nullcontext():
            (self.folder / 'images').mkdir(parents=True, exist_ok=True)
            self.pending: deque[Future[None]] = deque()
            with ThreadPoolExecutor(2) as self.pool:
                yield
                while self.pending:
                    self.pending.popleft().result()
            self.painted = True

    def add(self, path: str, pictures: dict[str, np.ndarray]) -> None:
        """Write `pictures`, uint8 RGB (H, W, C) by label, under the name of `path`."""
        name = Path(path).stem
        self.names.append(name)
        self.frames.append({label: f'images/{name}_{label}.png' for label in LABELS
                            if label in pictures})
        files = {f'{label}.png': label for label in pictures}
        files |= {ending: label for label, ending in self.also.items() if label in pictures}
        for ending, label in files.items():
            self.pending.append(self.pool.submit(
                write_image, self.folder / 'images' / f'{name}_{ending}', pictures[label]))
        while len(self.pending) > 32:           # painting may not outrun the disk for long
            self.pending.popleft().result()

    def times(self) -> tuple[list[float], list[int]]:
        """Real time stamp in s, and number in the source video, of every frame."""
        poses = self.dataset.root / 'poses.npz'
        if poses.is_file() and all(name.isdigit() for name in self.names):
            with np.load(poses) as track:
                known = dict(zip((track['index'] + 1).tolist(), track['times'].tolist()))
            numbers = [int(name) for name in self.names]
            if all(n in known for n in numbers):
                return [known[n] for n in numbers], [n - 1 for n in numbers]
        fps = self.dataset.facts.get('fps') or self.trained.get('fps') or 30.0
        return [k / fps for k in range(len(self.names))], list(range(len(self.names)))

    def pictures(self, frame: dict[str, str]) -> dict[str, np.ndarray]:
        """The pictures of a frame, read back."""
        found = {label: read_image(self.folder / path) for label, path in frame.items()}
        return {label: picture for label, picture in found.items() if picture is not None}

    def write_videos(self, video_from: str | None = None) -> None:
        """fake_B.mp4 and side_by_side.mp4 (source, if given | pose | painted | real)."""
        from util.images import side_by_side
        from util.video_writer import VideoWriter
        times, numbers = self.times()
        size: tuple[int, int] | None = None         # of the first frame; a film has one size
        sources = SourceFrames(video_from, numbers, times) if video_from else None
        with ExitStack() as open_files:
            painted, beside = (open_files.enter_context(VideoWriter(
                self.folder / f'{name}.mp4', sound_from=video_from, sound_start=times[0]))
                for name in ('fake_B', 'side_by_side'))
            for k, frame in enumerate(progress(self.frames, 'writing video')):
                pictures = self.pictures(frame)
                size = size or size_of(pictures['fake_B'])
                row = [fitted(picture, size) for picture in pictures.values()]
                if sources:
                    row.insert(0, sources.at(k))
                painted.write(fitted(pictures['fake_B'], size), times[k])
                beside.write(side_by_side(*row, height=size[1]), times[k])
        self.videos = {'side by side': 'side_by_side.mp4', 'painted': 'fake_B.mp4'}
        for name, file in self.videos.items():
            say(f'{name}: {self.place / file}')

    def write_page(self, facts: dict[str, Any]) -> Path:
        """index.html of the folder, with the scores of metrics.json where that is there."""
        from evaluation.results_page import write_results_page
        metrics = self.folder / 'metrics.json'
        bad = getattr(getattr(self.dataset, 'pictures', None), 'bad', [])
        if bad:
            facts['left out'] = ', '.join(f'{name} ({why})' for name, why in bad)
        write_results_page(self.folder, {**facts, 'frames': len(self.frames)},
                           self.frames, self.videos,
                           read_json(metrics) if metrics.is_file() else None, self.place)
        page = self.place / 'index.html'
        say(f'page: {page}')
        return page


def painted_before(folder: Path) -> list[str] | None:
    """The names of the frames that test.py has painted into a folder; None where it does not
    say."""
    path = folder / 'painting.json'
    try:
        told = read_json(path) if path.is_file() else None
    except UserError:
        return None
    frames = told.get('frames') if isinstance(told, dict) else None
    return list(frames) if isinstance(frames, dict) else None


class SourceFrames:
    """The pictures of a video at given frame numbers, read once from its start."""

    def __init__(self, path: str, numbers: list[int], times: list[float]):
        from util.parallel import prefetch
        from util.video import read_frames
        self.path, self.numbers, self.times = path, numbers, times
        self.frames = prefetch(read_frames(path))
        first = next(self.frames, None)
        if first is None:
            raise UserError(f'--video_from {path}: it has no frames.')
        self.last = first

    def at(self, k: int) -> np.ndarray:
        """The picture beside painted frame `k`; the last one again when the video is shorter."""
        while self.last.index < self.numbers[k]:
            following = next(self.frames, None)
            if following is None:
                warn(f'--video_from {self.path}: shorter than what is painted; its last frame '
                     f'stays.')
                self.numbers = [self.last.index] * len(self.numbers)
                break
            self.last = following
        return self.last.image


def fitted(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The picture at that (width, height)."""
    return picture if size_of(picture) == size else cv2.resize(picture, size)
