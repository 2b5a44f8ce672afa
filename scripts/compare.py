"""Compares runs that test.py has painted: a table of scores, curves, one video, one page.

    python scripts/compare.py me me_hd me_nearest
"""
import argparse
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from dominate import tags
from dominate.util import raw

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from evaluation.records import read_metrics, read_painting
from evaluation.results import at_size
from evaluation.results_page import card, spaced_in_time
from evaluation.score_table import Scores, explanation, markdown_table, measured, score_table
from options.parser import Parser
from scripts.gallery_page import common_frames, files_of, largest, read_frame, write_video
from util import thumbnails
from util.errors import UserError, run_main, say, warn
from util.files import read_text, write_text
from util.images import size_of
from util.metrics.names import HEADLINE_SCORES, METHODS, score_of
from util.noted import matching, recorded
from util.owned import finish, holds_something, replacing
from util.runs import read_record
from util.sampling import evenly_spaced
from util.sinks.history import read_events
from util.sinks.html_sink import SCORE, Curve
from util.web.charts import Point, curves_svg
from util.web.page import facts_table, figure_row, page, render, styles, video
from util.words import command

VIDEO = 'compare.mp4'
SAMPLE = 4              # frames on the page
SAME_FRAME = 12         # of 255: copies of one real frame differ by less, in the mean
COLOURS = 4             # of curves; the curves of the next four runs are dashed


class Run:
    """The files of one run, in CHECKPOINTS_DIR/NAME and RESULTS_DIR/NAME/EPOCH_PHASE.

    painting   painting.json
    metrics    metrics.json; {} where nothing was measured
    """

    def __init__(self, name: str, opt: argparse.Namespace):
        self.name = name
        self.folder = Path(opt.results_dir) / name / f'{opt.epoch}_{opt.phase}'
        self.trained = Path(opt.checkpoints_dir) / name
        finish(self.folder)
        if not (self.folder / 'painting.json').is_file():
            raise not_painted(name, opt)
        self.painting = read_painting(self.folder, 'parameters', 'seconds_a_frame', 'device')
        self.metrics = read_metrics(self.folder)

    @property
    def scores(self) -> dict[str, Scores]:
        """{'painted': {score: value}, and the same for each baseline}."""
        return self.metrics.get('scores', {})

    def frame_scores(self, key: str) -> dict[str, float]:
        """{name of a frame: its score}, where it has one."""
        values = self.metrics.get('frames_scores', {}).get(key, ())
        return {frame: value for frame, value in zip(self.metrics.get('names', ()), values)
                if value is not None}

    def curves(self) -> dict[str, list[Point]]:
        """{loss: [(images seen, value), ...]} of the training, the held-out score first."""
        history = self.trained / 'web' / 'history.jsonl'
        curves: dict[str, Curve] = {}
        for event in read_events(history) if history.is_file() else ():
            values = dict(event.get('losses', {}))
            if event.get('score') is not None:
                values[SCORE] = event['score']
            for name, value in values.items():
                curves.setdefault(name, Curve()).add(event['step'], value)
        return {name: curves[name].points or curves[name].pending
                for name in sorted(curves, key=lambda name: name != SCORE)}

    def description(self) -> str:
        """How the run was trained, and what painting costs."""
        options = read_record(self.trained).get('options', {})
        flags = [f'--{flag} {options[flag]}' for flag in ('model', 'netG', 'dataroot')
                 if options.get(flag)]
        trained = ' '.join(flags) or 'no record of its training'
        weights = self.painting['parameters'] / 1e6
        seconds = self.painting['seconds_a_frame']
        return (f'{trained}, {weights:.2f} million weights, {seconds:.3f} s a frame on '
                f'{self.painting["device"]}')


def not_painted(name: str, opt: argparse.Namespace) -> UserError:
    folder = f'{opt.epoch}_{opt.phase}'
    painted = sorted(file.parents[1].relative_to(opt.results_dir).as_posix()
                     for file in Path(opt.results_dir).glob(f'**/{folder}/painting.json'))
    return UserError(f'{opt.results_dir}/{name}/{folder}: nothing was painted there. There is '
                     f'{", ".join(painted) or "no painted run at all"}. Type '
                     + command('test.py', name=name, epoch=opt.epoch, phase=opt.phase,
                               dataroot='DATASET'))


class Comparison:
    """Two or more runs, over the frames that all have painted.

    painted    {run: its results folder}
    frames     {name: time in s} of these frames
    truth      whether there are real frames
    headline   the score that the runs are compared by, frame by frame; '' where none is known
    """

    def __init__(self, runs: Sequence[Run]):
        self.runs = runs
        self.painted = {run.name: run.folder for run in runs}
        self.frames = common_frames(self.painted)
        first = next(iter(self.frames))
        self.truth = all((run.folder / 'images' / f'{first}_real_B.png').is_file()
                         for run in runs)
        self.headline = ''
        for key in reversed(HEADLINE_SCORES):
            if all(run.frame_scores(key) for run in runs):
                self.headline = key

    def columns(self) -> dict[str, Scores]:
        """{run or baseline: its scores}; the baselines of the first run that has any."""
        columns = {run.name: run.scores.get('painted', {}) for run in self.runs}
        for run in self.runs:
            if len(run.scores) > 1:
                for method, scores in run.scores.items():
                    if method != 'painted':
                        columns[METHODS.get(method, method)] = scores
                break
        return columns

    def caveats(self) -> list[str]:
        """Reasons why these numbers cannot be compared directly."""
        caveats = [f'{run.name} has no scores; type {command("test.py", name=run.name)}'
                   for run in self.runs if not run.scores]
        if len({tuple(run.painting['frames']) for run in self.runs}) > 1:
            caveats.append('these runs have not painted the same frames: the video shows the '
                           'frames that all have, and each score is over all frames of its run')
        if self.truth and not self.same_truth():
            caveats.append('these runs were painted from different datasets: frames of the same '
                           'name show different moments')
        return caveats

    def same_truth(self) -> bool:
        """Whether the first real frame is the same in all runs."""
        frame = next(iter(self.frames))
        files = [run.folder / 'images' / f'{frame}_real_B.png' for run in self.runs]
        first, *others = map(read_frame, files)
        for image in others:
            difference = at_size(image, size_of(first)).astype(int) - first
            if np.abs(difference).mean() >= SAME_FRAME:
                return False
        return True

    def differing(self) -> list[str]:
        """The frames whose headline scores differ most between the runs; without such a score,
        evenly spaced frames."""
        names = list(self.frames)
        if not self.headline:
            return [names[k] for k in evenly_spaced(len(names), SAMPLE, nearest=True)]
        by_run = [run.frame_scores(self.headline) for run in self.runs]
        ranges: dict[int, float] = {}
        for k, name in enumerate(names):
            values = [scores[name] for scores in by_run if name in scores]
            if len(values) > 1:
                ranges[k] = max(values) - min(values)
        order = sorted(ranges, key=lambda k: -ranges[k])
        times = list(self.frames.values())
        return [names[k] for k in sorted(spaced_in_time(order, times, SAMPLE))]

    def plots(self) -> dict[str, dict[str, list[Point]]]:
        """{title: {run: its curve}}, an empty curve where a run has none."""
        plots: dict[str, dict[str, list[Point]]] = {}
        score = score_of(self.headline)
        if score:
            plots[f'{score.name} over the video'] = {run.name: self.over_time(run)
                                                     for run in self.runs}
        training = {run.name: run.curves() for run in self.runs}
        for curves in training.values():
            for title in curves:
                plots[title] = {name: its.get(title, []) for name, its in training.items()}
        return plots

    def over_time(self, run: Run) -> list[Point]:
        """[(s from the first frame, headline score of the run), ...]."""
        begin = next(iter(self.frames.values()))
        scores = run.frame_scores(self.headline)
        return [(time - begin, scores[name]) for name, time in self.frames.items()
                if name in scores]


def write_page(folder: Path, shown: Comparison) -> None:
    """Write FOLDER/index.html, which opens from disk, and the images that it shows."""
    runs = [run.name for run in shown.runs]
    document = page(' | '.join(runs))
    document.head.add(styles('scores.css', 'compare.css'))
    columns = shown.columns()
    table = card('Scores', score_table(columns), explanation(measured(columns).values()),
                 (tags.p(f'{caveat}.', cls='soft') for caveat in shown.caveats()))
    legend = tags.p(cls='runs')
    for k, run in enumerate(runs):
        dash = 'dashed' if k // COLOURS % 2 else 'solid'
        legend.add(tags.span(run, style=f'--colour: var(--c{k % COLOURS}); --dash: {dash}'))
    plots = tags.div(cls='plots')
    for name, series in shown.plots().items():
        curves = raw(curves_svg(series, legend=False))
        plots.add(tags.div(tags.h2(name), curves, cls='card'))
    score = score_of(shown.headline)
    title = f'Where they differ most by {score.name}' if score else 'A few frames'
    document.body.add(
        tags.header(tags.h1(document.title), tags.p(
            f'{shown.runs[0].folder.name} · {len(shown.frames)} frames in common', cls='soft')),
        tags.section(video(VIDEO, 'all side by side', thumbnails.found(folder, VIDEO)),
                     cls='films'),
        table,
        tags.section(tags.h2('Curves'), legend, tags.p(
            'Curves of the video run over its seconds, those of training over the images seen.',
            cls='soft'), plots),
        card(title, sample(folder, shown)),
        card('Runs', facts_table({run.name: run.description() for run in shown.runs})))
    write_text(folder / 'index.html', render(document))


def sample(folder: Path, shown: Comparison) -> list[tags.html_tag]:
    """A row of images for each chosen frame. They are copied, so that the folder is complete."""
    rows = []
    (folder / 'images').mkdir()
    for frame in shown.differing():
        images = []
        files = files_of(shown.painted, frame, shown.truth)
        for number, (label, file) in enumerate(files.items()):
            path = f'images/{frame}_{number}.png'
            shutil.copyfile(file, folder / path)
            picture = read_frame(file)
            if thumbnails.is_large(picture):
                thumbnails.write_thumbnail(folder / thumbnails.thumbnail_of(path), picture)
            images.append((path, label))
        row = figure_row(images, largest(files.values()), folder=folder)
        rows += [tags.h3(frame), row]
    return rows


def options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(__doc__, formatter=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('names', nargs='+', metavar='NAME', help='runs that test.py has painted')
    parser.add_argument('--phase', default='val', help='the phase of the dataset that was painted')
    parser.add_argument('--epoch', default='latest', help='the epoch whose weights painted it')
    parser.add_argument('--results_dir', default='./results', help='where results are')
    parser.add_argument('--checkpoints_dir', default='./checkpoints', help='where runs are')
    parser.add_argument('--out', help='folder to write; default: RESULTS_DIR/compare_NAME_NAME')
    opt = parser.read(argv)
    opt.names = list(dict.fromkeys(opt.names))
    if len(opt.names) < 2:
        raise UserError(f'only one run is named, {opt.names[0]}: name another to compare it with.')
    words = '_'.join(opt.names).replace('/', '_')
    opt.out = Path(opt.out or Path(opt.results_dir) / f'compare_{words}')
    finish(opt.out)
    if opt.out.exists() and not is_ours(opt.out) and not is_empty(opt.out):
        raise UserError(f'--out {opt.out} is there already, and this script did not write it. '
                        f'Name a folder that does not exist.')
    return opt


def is_ours(out: Path) -> bool:
    """Whether this script filled the folder. Earlier versions recorded nothing: their page names
    the video."""
    if recorded(out):
        return VIDEO in recorded(out)
    page = out / 'index.html'
    return (out / VIDEO).is_file() and page.is_file() and VIDEO in read_text(page)


def is_empty(out: Path) -> bool:
    """Whether a folder holds nothing except what a stopped call left."""
    return out.is_dir() and not holds_something(out)


def written(out: Path) -> set[str]:
    """The files that this script wrote into a folder, relative to it."""
    if recorded(out):
        return recorded(out)
    names = ('index.html', VIDEO, thumbnails.thumbnail_of(VIDEO))
    patterns = [r'images/[^/]+_\d+\.png', r'thumbnails/[^/]+_\d+\.jpg']
    patterns += map(re.escape, names)
    return set(matching(out, patterns))


def main(argv: Sequence[str] | None = None) -> Path:
    """Do as `argv` says. Returns the page."""
    opt = options(argv)
    shown = Comparison([Run(name, opt) for name in opt.names])
    with replacing(opt.out, lambda: written(opt.out), 'index.html') as folder:
        write_video(folder / VIDEO, shown.painted, shown.truth)
        write_page(folder, shown)
    for caveat in shown.caveats():
        warn(f'{caveat}.')
    say(f'{markdown_table(shown.columns())}\n\nvideo: {opt.out / VIDEO}\n'
        f'page: {opt.out / "index.html"}')
    return opt.out / 'index.html'


if __name__ == '__main__':
    run_main(main)
