"""The web page of a finished test run: films, verdict, scores, single frames, facts."""
import os
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dominate import tags
from dominate.util import raw

from evaluation import score_table
from util.files import write_text
from util.metrics.names import BOX, HEADLINE_SCORES, METHODS, in_words, written
from util.web import frame_charts
from util.web.page import facts_table, figure_row, fold, page, render, styles, video

Frame = Mapping[str, str]                       # {label: path relative to the page}

SAMPLE = 6              # frames in plain sight where nothing was measured, spread over the film
WORST, MEDIAN = 10, 4   # frames in plain sight where something was
APART = 0.5             # s between two of the worst, lest they all be of one moment


def write_results_page(folder: Path, facts: Mapping[str, Any], frames: Sequence[Frame],
                       videos: Mapping[str, str],
                       metrics: Mapping[str, Any] | None = None,
                       place: Path | None = None) -> Path:
    """Write FOLDER/index.html, which opens from disk, and return its path.

    folder     results/NAME/latest_val
    facts      what a reader should know, in order; 'name', where given, is the page's title
    frames     one {label: path relative to folder} each, in the film's order, the labels real_A,
               fake_B, real_B in the order they are shown; real_B is missing where there is none
    videos     {what it shows: path relative to folder}, the first one shown largest
    metrics    what metrics.json says of the same frames; None where nothing was measured
    place      where the page will stand, whose names it bears; None: in `folder`
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
    film = FilmScores(metrics, frames, size) if metrics and frames else None
    if film:
        body.add(film.parts())
    elif frames:
        picked = spread(len(frames), SAMPLE)
        body.add(card('A few frames', tags.div((frame_row(frames[k], size) for k in picked),
                                               cls='pairs')))
    if facts:
        body.add(card('Facts', facts_table(facts)))
    if frames:
        every = fold(f'Every frame ({len(frames)})')
        every.add(tags.div((tags.div(frame_row(frame, size), cls='frame', id=f'frame-{k + 1}')
                            for k, frame in enumerate(frames)), cls='pairs'))
        body.add(every)
    if film:
        body.add(film.script())
    write_text(folder / 'index.html', render(document))
    return folder / 'index.html'


class FilmScores:
    """What is shown of metrics.json.

    columns    {heading: {score: value}}: painted, then the baselines
    single     {score: its value for each frame}; of the whole frame where there is no box
    headline   the score that says which frames are worst
    """

    def __init__(self, metrics: Mapping[str, Any], frames: Sequence[Frame],
                 size: tuple[int, int] | None):
        self.metrics, self.frames, self.size = metrics, frames, size
        self.times: list[float] = metrics['times']
        self.columns = {heading: metrics['scores'][key]
                        for key, heading in METHODS.items() if key in metrics['scores']}
        single = {key: values for key, values in metrics['frames_scores'].items()
                  if any(value is not None for value in values)}
        self.known = score_table.described(key for key in single if BOX + key not in single)
        self.single = {key: single[key] for key in self.known}
        self.headline = next((key for key in HEADLINE_SCORES if key in self.known),
                          next(iter(self.known), ''))
        self.ranked = ranked(single[self.headline], self.known[self.headline].greater) \
            if self.headline else []
        self.worst = apart(self.ranked, self.times, WORST)

    def parts(self) -> list[tags.html_tag]:
        """Verdict, table, charts, worst and median frames."""
        return [self.verdict(), *([self.charts(), self.extremes()] if self.single else [])]

    def verdict(self) -> tags.html_tag:
        part = card('How good it is', (tags.p(said, cls='lead')
                                       for said in self.metrics.get('verdict', ())))
        scores = score_table.measured(self.columns)
        if scores:
            part.add(score_table.score_table(self.columns),
                     score_table.explanation(scores.values()))
        missing: dict[str, list[str]] = {}
        for key, why in self.metrics.get('not_measured', {}).items():
            missing.setdefault(why, []).append(in_words(key))
        part.add(tags.p(f'Not measured: {"; ".join(names)} ({why}).', cls='soft')
                 for why, names in missing.items())
        return part

    def charts(self) -> tags.html_tag:
        """Each score over time, and the frame that is pointed at."""
        over = tags.div(cls='over')
        for key, score in self.known.items():
            chart = frame_charts.frame_chart(key, self.times, self.plotted(key), score.name,
                                             self.worst if key == self.headline else ())
            over.add(tags.div(tags.h3(tags.span(score_table.heading(score)), tags.b()),
                              raw(chart), title=score.says))
        first = self.worst[0]
        return card('Frame by frame', frame_charts.viewer(
            self.metrics['names'][first], len(self.frames),
            pictures(self.frames[first], self.size, 'chosen'), first), over)

    def plotted(self, key: str) -> frame_charts.Series:
        """The values as they are shown."""
        times = 100 if self.known[key].unit == '%' else 1
        return [None if value is None else value * times for value in self.single[key]]

    def extremes(self) -> tags.html_tag:
        """The worst frames, and those in the middle."""
        name = self.known[self.headline].name
        middle = max(0, (len(self.ranked) - MEDIAN) // 2)
        part = card(f'The worst {len(self.worst)} frames by {name}', self.rows(self.worst))
        part.add(tags.h2('Frames in the middle', cls='later'),
                 self.rows(sorted(self.ranked[middle:middle + MEDIAN])))
        return part

    def rows(self, numbers: Sequence[int]) -> tags.html_tag:
        return tags.div((tags.div(tags.h3(tags.a(self.title(k), href=f'#frame-{k + 1}')),
                                  pictures(self.frames[k], self.size))
                         for k in numbers), cls='pairs')

    def title(self, k: int) -> str:
        value = written(self.headline, self.single[self.headline][k])
        return f'{self.metrics["names"][k]}, {self.times[k] - self.times[0]:.2f} s: {value}'

    def script(self) -> list[tags.html_tag]:
        if not self.single:
            return []
        return frame_charts.viewer_script(
            self.metrics['names'], self.times, {key: self.plotted(key) for key in self.known},
            {key: score.digits for key, score in self.known.items()})


def card(title: str, *parts: Any) -> tags.html_tag:
    return tags.section(tags.h2(title), *parts, cls='card')


def spread(count: int, some: int) -> list[int]:
    """Numbers of `some` of `count` frames, evenly from first to last."""
    return sorted({round(k * (count - 1) / (some - 1)) for k in range(some)})


def ranked(values: frame_charts.Series, greater: bool) -> list[int]:
    """Numbers of the frames that have a value, worst first."""
    known = [(value, k) for k, value in enumerate(values) if value is not None]
    return [k for _, k in sorted(known, reverse=not greater)]


def apart(numbers: Sequence[int], times: Sequence[float], most: int) -> list[int]:
    """The first `most` of these frames, no two nearer in time than APART s; in a short film as
    near as needed for there to be so many."""
    gap = min(APART, (times[-1] - times[0]) / (4 * most))
    found: list[int] = []
    for k in numbers:
        if len(found) < most and all(abs(times[k] - times[n]) >= gap for n in found):
            found.append(k)
    return found


def frame_row(frame: Frame, size: tuple[int, int] | None) -> tags.html_tag:
    """pose | painted | real of one frame, under the frame's name."""
    label, path = next(iter(frame.items()))
    name = Path(path).stem.removesuffix(f'_{label}')
    return tags.div(tags.h3(name), pictures(frame, size))


def pictures(frame: Frame, size: tuple[int, int] | None, wipe_name: str = '') -> tags.html_tag:
    return figure_row(((path, label) for label, path in frame.items()), size, wipe_name)


def size_on_disk(folder: Path, frame: Frame) -> tuple[int, int] | None:
    """(width, height) of a frame's first picture, from the header of its PNG; None if unknown."""
    try:
        with open(os.path.join(folder, next(iter(frame.values()))), 'rb') as file:
            start = file.read(24)
    except OSError:
        return None
    if start[:8] != b'\x89PNG\r\n\x1a\n' or len(start) < 24:
        return None
    width, height = struct.unpack('>II', start[16:24])
    return width, height
