"""The web page of a test run: videos, verdict, scores, single frames, facts."""
import os
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dominate import tags
from dominate.util import raw

from evaluation import score_table
from evaluation.verdict import names_by_reason
from util.files import write_text
from util.metrics.names import BOX, HEADLINE_SCORES, METHODS, written
from util.sampling import evenly_spaced
from util.web import frame_charts
from util.web.page import facts_table, figure_row, fold, page, render, styles, video

Frame = Mapping[str, str]                       # {label: path relative to the page}

SAMPLE = 6              # frames shown without a click where nothing was measured
WORST, MEDIAN = 10, 4   # frames shown without a click where something was measured
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
    size = size_on_disk(folder, frames[0]) if frames else None
    document = page(title)
    document.head.add(styles('scores.css', 'frame_charts.css', 'results.css'))
    body = document.body
    count = f'{len(frames)} frame{"" if len(frames) == 1 else "s"} painted'
    body.add(tags.header(tags.h1(title), tags.p(f'{place.name} · {count}', cls='soft')))
    if videos:
        body.add(tags.section((video(path, label) for label, path in videos.items()),
                              cls='films'))
    scores = VideoScores(metrics, frames, size) if metrics and frames else None
    if scores:
        body.add(scores.sections())
    elif frames:
        picked = evenly_spaced(len(frames), SAMPLE, nearest=True)
        rows = [frame_row(frames[k], size) for k in picked]
        body.add(card('A few frames', tags.div(rows, cls='pairs')))
    if facts:
        body.add(card('Facts', facts_table(facts)))
    if frames:
        body.add(all_frames(frames, size))
    if scores:
        body.add(scores.script())
    write_text(folder / 'index.html', render(document))
    return folder / 'index.html'


def all_frames(frames: Sequence[Frame], size: tuple[int, int] | None) -> tags.html_tag:
    """Every frame, behind a fold. Frame k has the id frame-(k + 1)."""
    rows = tags.div(cls='pairs')
    for number, frame in enumerate(frames, 1):
        rows.add(tags.div(frame_row(frame, size), cls='frame', id=f'frame-{number}'))
    folded = fold(f'Every frame ({len(frames)})')
    folded.add(rows)
    return folded


class VideoScores:
    """The sections of the page that show metrics.json.

    columns    {heading: {score: value}}: painted, then the baselines
    single     {score: its value for each frame}; of the person's box rather than the whole frame
    headline   the score that ranks the frames
    worst      numbers of the worst frames by it, worst first
    """

    def __init__(self, metrics: Mapping[str, Any], frames: Sequence[Frame],
                 size: tuple[int, int] | None):
        self.metrics = metrics
        self.frames = frames
        self.size = size
        self.times: list[float] = metrics['times']
        self.columns = {heading: metrics['scores'][key]
                        for key, heading in METHODS.items() if key in metrics['scores']}
        single = {}
        for key, values in metrics['frames_scores'].items():
            if any(value is not None for value in values):
                single[key] = values
        self.known = score_table.described(key for key in single if BOX + key not in single)
        self.single = {key: single[key] for key in self.known}
        by_rank = [*(key for key in HEADLINE_SCORES if key in self.known), *self.known]
        self.headline = by_rank[0] if by_rank else ''
        self.ranked: list[int] = []
        if self.headline:
            self.ranked = worst_first(single[self.headline], self.known[self.headline].greater)
        self.worst = spaced_in_time(self.ranked, self.times, WORST)

    def sections(self) -> list[tags.html_tag]:
        """Verdict and table, charts, worst and median frames."""
        sections = [self.verdict()]
        if self.single:
            sections += [self.charts(), self.worst_and_median()]
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
            marked = self.worst if key == self.headline else ()
            chart = frame_charts.frame_chart(key, self.times, self.shown(key), score.name, marked)
            heading = tags.h3(tags.span(score_table.heading(score)), tags.b())
            charts.add(tags.div(heading, raw(chart), title=score.says))
        first = self.worst[0]
        images = image_row(self.frames[first], self.size, 'chosen')
        name = self.metrics['names'][first]
        viewer = frame_charts.viewer(name, len(self.frames), images, first)
        return card('Frame by frame', viewer, charts)

    def shown(self, key: str) -> frame_charts.Series:
        """The score's values in the unit that its chart shows."""
        factor = 100 if self.known[key].unit == '%' else 1
        return [None if value is None else value * factor for value in self.single[key]]

    def worst_and_median(self) -> tags.html_tag:
        name = self.known[self.headline].name
        middle = max(0, (len(self.ranked) - MEDIAN) // 2)
        section = card(f'The worst {len(self.worst)} frames by {name}', self.rows(self.worst))
        section.add(tags.h2(f'Median frames by {name}', cls='later'),
                    self.rows(sorted(self.ranked[middle:middle + MEDIAN])))
        return section

    def rows(self, numbers: Sequence[int]) -> tags.html_tag:
        rows = tags.div(cls='pairs')
        for k in numbers:
            heading = tags.h3(tags.a(self.title(k), href=f'#frame-{k + 1}'))
            rows.add(tags.div(heading, image_row(self.frames[k], self.size)))
        return rows

    def title(self, k: int) -> str:
        """Name, time and headline score of frame `k`."""
        value = written(self.headline, self.single[self.headline][k])
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


def frame_row(frame: Frame, size: tuple[int, int] | None) -> tags.html_tag:
    """pose | painted | real of one frame, below the frame's name."""
    label, path = next(iter(frame.items()))
    name = Path(path).stem.removesuffix(f'_{label}')
    return tags.div(tags.h3(name), image_row(frame, size))


def image_row(frame: Frame, size: tuple[int, int] | None, wipe_name: str = '') -> tags.html_tag:
    """pose | painted | real; with `wipe_name`, painted is wiped over real."""
    return figure_row(((path, label) for label, path in frame.items()), size, wipe_name)


def size_on_disk(folder: Path, frame: Frame) -> tuple[int, int] | None:
    """(width, height) px of a frame's first image, from its PNG header; None if unknown."""
    try:
        with open(os.path.join(folder, next(iter(frame.values()))), 'rb') as file:
            start = file.read(24)
    except OSError:
        return None
    if start[:8] != b'\x89PNG\r\n\x1a\n' or len(start) < 24:
        return None
    width, height = struct.unpack('>II', start[16:24])
    return width, height
