"""The web page of a test run: videos, verdict, scores, single frames, facts."""
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dominate import tags
from dominate.util import raw

from evaluation import score_table
from evaluation.verdict import names_by_reason
from util import thumbnails
from util.files import write_text
from util.metrics.names import BOX, FAULT_SCORES, HEADLINE_SCORES, METHODS, score_of, written
from util.sampling import evenly_spaced
from util.web import frame_charts
from util.web.page import facts_table, figure_row, fold, page, render, styles, video

Frame = Mapping[str, str]                       # {label: path relative to the page}

SAMPLE = 6              # frames shown without a click where nothing was measured
WORST, MEDIAN = 10, 4   # frames shown without a click where something was measured
WORST_OF_EACH = 6       # where several scores rank the frames
MIN_GAP = 0.5           # s between two of the worst frames, so that they show different moments


def write_results_page(folder: Path, facts: Mapping[str, Any], frames: Sequence[Frame],
                       videos: Mapping[str, str],
                       metrics: Mapping[str, Any] | None = None,
                       place: Path | None = None) -> Path:
    """Write FOLDER/index.html, which opens from disk, and return its path.

    folder     results/NAME/latest_val
    facts      {heading: value}, in order; 'name', if given, is the page's title
    frames     {label: path relative to folder} of each frame, in the video's order; labels real_A,
               fake_B, real_B in the order they are shown, without real_B where there is none
    videos     {what it shows: path relative to folder}, the first one shown largest
    metrics    metrics.json of the same frames; None where nothing was measured
    place      the folder that the page is moved to later; its names are shown. None: `folder`
    """
    folder = Path(folder)
    place = place or folder
    title = str(facts.get('name') or place.parent.name)
    pictures = FramePictures.of(folder, frames)
    document = page(title)
    document.head.add(styles('scores.css', 'frame_charts.css', 'results.css'))
    body = document.body
    count = f'{len(frames)} frame{"" if len(frames) == 1 else "s"} painted'
    body.add(tags.header(tags.h1(title), tags.p(f'{place.name} · {count}', cls='soft')))
    if videos:
        films = tags.section(cls='films')
        for label, path in videos.items():
            films.add(video(path, label, thumbnails.found(folder, path)))
        body.add(films)
    scores = VideoScores(metrics, frames, pictures) if metrics and frames else None
    if scores:
        body.add(scores.sections())
    elif frames:
        picked = evenly_spaced(len(frames), SAMPLE, nearest=True)
        rows = [pictures.named_row(frames[k]) for k in picked]
        body.add(card('A few frames', tags.div(rows, cls='pairs')))
    if facts:
        body.add(card('Facts', facts_table(facts)))
    if frames:
        body.add(all_frames(frames, pictures))
    if scores:
        body.add(scores.script())
    write_text(folder / 'index.html', render(document))
    return folder / 'index.html'


@dataclass(frozen=True)
class FramePictures:
    """The pictures of the page's frames.

    folder    of the page
    size      (width, height) px in which all are shown: the painted picture's; None if unknown
    """
    folder: Path
    size: tuple[int, int] | None

    @classmethod
    def of(cls, folder: Path, frames: Sequence[Frame]) -> 'FramePictures':
        """Those of the frames, which all have the size of the first."""
        if not frames:
            return cls(folder, None)
        path = frames[0].get('fake_B') or next(iter(frames[0].values()))
        return cls(folder, size_on_disk(folder / path))

    def row(self, frame: Frame, wipe_name: str = '') -> tags.html_tag:
        """pose | painted | real; with `wipe_name`, painted is wiped over real."""
        images = ((path, label) for label, path in frame.items())
        return figure_row(images, self.size, wipe_name, self.folder)

    def named_row(self, frame: Frame) -> tags.html_tag:
        """pose | painted | real of one frame, below the frame's name."""
        label, path = next(iter(frame.items()))
        name = Path(path).stem.removesuffix(f'_{label}')
        return tags.div(tags.h3(name), self.row(frame))


def all_frames(frames: Sequence[Frame], pictures: FramePictures) -> tags.html_tag:
    """Every frame, behind a fold. Frame k has the id frame-(k + 1)."""
    rows = tags.div(cls='pairs')
    for number, frame in enumerate(frames, 1):
        rows.add(tags.div(pictures.named_row(frame), cls='frame', id=f'frame-{number}'))
    folded = fold(f'Every frame ({len(frames)})')
    folded.add(rows)
    return folded


class VideoScores:
    """The sections of the page that show metrics.json.

    columns    {heading: {score: value}}: painted, then the baselines
    single     {score: its value for each frame}; of the person's box rather than the whole frame
    headlines  the scores that rank the frames: one where there is truth, else those that need none
    ranked     {headline: numbers of the frames, worst first}
    worst      {headline: numbers of the worst frames that are shown, worst first}
    """

    def __init__(self, metrics: Mapping[str, Any], frames: Sequence[Frame],
                 pictures: FramePictures):
        self.metrics = metrics
        self.frames = frames
        self.pictures = pictures
        self.times: list[float] = metrics['times']
        self.columns = {heading: metrics['scores'][key]
                        for key, heading in METHODS.items() if key in metrics['scores']}
        single = {}
        for key, values in metrics['frames_scores'].items():
            if tells_frames_apart(key, values):
                single[key] = values
        self.known = score_table.described(key for key in single if BOX + key not in single)
        self.single = {key: single[key] for key in self.known}
        self.headlines = headlines_of(self.known)
        self.ranked: dict[str, list[int]] = {}
        self.worst: dict[str, list[int]] = {}
        most = WORST if len(self.headlines) == 1 else WORST_OF_EACH
        for key in self.headlines:
            self.ranked[key] = worst_first(single[key], self.known[key].greater)
            self.worst[key] = spaced_in_time(self.ranked[key], self.times, most)

    def sections(self) -> list[tags.html_tag]:
        """Verdict and table, charts, worst and median frames."""
        sections = [self.verdict()]
        if self.single:
            sections += [self.charts(), *map(self.worst_frames, self.headlines)]
            sections[-1].add(*self.median_frames(self.headlines[0]))
        return sections

    def verdict(self) -> tags.html_tag:
        section = card('Quality')
        for sentence in self.metrics.get('verdict', ()):
            section.add(tags.p(sentence, cls='lead'))
        scores = score_table.measured(self.columns)
        if scores:
            section.add(score_table.score_table(self.columns),
                        score_table.explanation(scores.values()))
        for why, names in names_by_reason(self.metrics).items():
            section.add(tags.p(f'Not measured: {"; ".join(names)} ({why}).', cls='soft'))
        return section

    def charts(self) -> tags.html_tag:
        """Each score over time, and the images of the frame under the pointer."""
        charts = tags.div(cls='over')
        for key, score in self.known.items():
            marked = self.worst.get(key, ())
            chart = frame_charts.frame_chart(key, self.times, self.shown(key), score.name, marked)
            heading = tags.h3(tags.span(score_table.heading(score)), tags.b())
            charts.add(tags.div(heading, raw(chart), title=score.says))
        first = self.worst[self.headlines[0]][0]
        images = self.pictures.row(self.frames[first], 'chosen')
        name = self.metrics['names'][first]
        viewer = frame_charts.viewer(name, len(self.frames), images, first)
        return card('Frame by frame', viewer, charts)

    def shown(self, key: str) -> frame_charts.Series:
        """The score's values in the unit that its chart shows."""
        factor = 100 if self.known[key].unit == '%' else 1
        return [None if value is None else value * factor for value in self.single[key]]

    def worst_frames(self, key: str) -> tags.html_tag:
        worst = self.worst[key]
        return card(f'The worst {len(worst)} frames by {self.known[key].name}',
                    self.rows(key, worst))

    def median_frames(self, key: str) -> tuple[tags.html_tag, tags.html_tag]:
        """Heading and frames."""
        ranked = self.ranked[key]
        middle = max(0, (len(ranked) - MEDIAN) // 2)
        heading = tags.h2(f'Median frames by {self.known[key].name}', cls='later')
        return heading, self.rows(key, sorted(ranked[middle:middle + MEDIAN]))

    def rows(self, key: str, numbers: Sequence[int]) -> tags.html_tag:
        rows = tags.div(cls='pairs')
        for k in numbers:
            heading = tags.h3(tags.a(self.title(key, k), href=f'#frame-{k + 1}'))
            rows.add(tags.div(heading, self.pictures.row(self.frames[k])))
        return rows

    def title(self, key: str, k: int) -> str:
        """Name, time and that score of frame `k`."""
        value = written(key, self.single[key][k])
        return f'{self.metrics["names"][k]}, {self.times[k] - self.times[0]:.2f} s: {value}'

    def script(self) -> list[tags.html_tag]:
        if not self.single:
            return []
        series = {key: self.shown(key) for key in self.known}
        digits = {key: score.digits for key, score in self.known.items()}
        return frame_charts.viewer_script(self.metrics['names'], self.times, series, digits)


def card(title: str, *parts: Any) -> tags.html_tag:
    """A section of the page."""
    return tags.section(tags.h2(title), *parts, cls='card')


def tells_frames_apart(key: str, values: frame_charts.Series) -> bool:
    """Whether a score is known for a frame, and not a share of which every frame has all."""
    known = {value for value in values if value is not None}
    score = score_of(key)
    is_whole = score is not None and score.unit == '%' and score.greater and known == {1}
    return bool(known) and not is_whole


def headlines_of(known: Iterable[str]) -> list[str]:
    """The scores that rank the frames, of those known for single frames: the first of
    HEADLINE_SCORES that compares with truth; else every one of FAULT_SCORES; else any."""
    keys = list(known)
    by_truth = [key for key in HEADLINE_SCORES if key in keys and key not in FAULT_SCORES]
    return by_truth[:1] or [key for key in FAULT_SCORES if key in keys] or keys[:1]


def worst_first(values: frame_charts.Series, greater: bool) -> list[int]:
    """Numbers of the frames that have a value, worst first.

    greater   whether greater values are better
    """
    known = [(value, k) for k, value in enumerate(values) if value is not None]
    return [k for _, k in sorted(known, reverse=not greater)]


def spaced_in_time(numbers: Sequence[int], times: Sequence[float], most: int) -> list[int]:
    """The first `most` of these frames, each at least MIN_GAP s from those before it; in a short
    video less, so that `most` can be found.

    times    (F,) s, of all frames
    """
    gap = min(MIN_GAP, (times[-1] - times[0]) / (4 * most))
    found: list[int] = []
    for k in numbers:
        if len(found) < most and all(abs(times[k] - times[n]) >= gap for n in found):
            found.append(k)
    return found


def size_on_disk(picture: Path) -> tuple[int, int] | None:
    """(width, height) px of a picture, from its PNG header; None if unknown."""
    try:
        with open(picture, 'rb') as file:
            start = file.read(24)
    except OSError:
        return None
    if start[:8] != b'\x89PNG\r\n\x1a\n' or len(start) < 24:
        return None
    width, height = struct.unpack('>II', start[16:24])
    return width, height
