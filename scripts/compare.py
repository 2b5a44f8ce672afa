"""Runs side by side, as test.py painted and measured them: a table, the curves of their training,
one film of all, one page.

    python scripts/compare.py me me_hd me_nearest
"""
import argparse
import json
import re
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from dominate import tags
from dominate.util import raw

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from evaluation.results import at_size
from evaluation.results_page import card, spaced_in_time, spread
from evaluation.score_table import STYLE, Scores, explanation, markdown_table, measured, score_table
from scripts.gallery_page import common_frames, opened, pictures_of, write_film
from util.errors import UserError, run_main, say, warn
from util.files import read_json, write_text
from util.images import size_of
from util.metrics.names import HEADLINE_SCORES, METHODS, score_of
from util.owned import replacing
from util.run_record import read_record
from util.sinks.html_sink import SCORE, Curve
from util.web.page import Point, curves_svg, facts_table, figure_row, page, render, video

SAMPLE = 4              # frames on the page
ALIKE = 12              # levels of 255 that two copies of one real frame may differ by
COLOURS = 4             # of curves; the next four runs are dashed
PAGE_STYLE = STYLE + """
.runs { display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; }
.runs span::before { content: ""; display: inline-block; width: 1.6em; margin-right: .5em;
  vertical-align: middle; border-top: 3px var(--dash) var(--colour); }
"""


class Run:
    """What one run has left: CHECKPOINTS_DIR/NAME and RESULTS_DIR/NAME/EPOCH_PHASE.

    painting   painting.json;  metrics   metrics.json, {} where nothing was measured
    frames     {name: time in s} of what it painted
    """

    def __init__(self, name: str, opt: argparse.Namespace):
        self.name = name
        self.folder = Path(opt.results_dir) / name / f'{opt.epoch}_{opt.phase}'
        self.trained = Path(opt.checkpoints_dir) / name
        if not (self.folder / 'painting.json').is_file():
            raise not_painted(name, opt)
        self.painting = read_json(self.folder / 'painting.json')
        metrics = self.folder / 'metrics.json'
        self.metrics = read_json(metrics) if metrics.is_file() else {}

    @property
    def scores(self) -> dict[str, Scores]:
        """{'painted': {score: value}, and the same for each baseline}."""
        return self.metrics.get('scores', {})

    def single(self, key: str) -> dict[str, float]:
        """{frame: that score of it}, where it is known."""
        values = self.metrics.get('frames_scores', {}).get(key, ())
        return {frame: value for frame, value in zip(self.metrics.get('names', ()), values)
                if value is not None}

    def curves(self) -> dict[str, list[Point]]:
        """{loss: [(images seen, value), ...]} of its training, the held-out score first."""
        history = self.trained / 'web' / 'history.jsonl'
        lines = history.read_text('utf-8').splitlines() if history.is_file() else []
        curves: dict[str, Curve] = {}
        for line in lines:
            with suppress(ValueError, KeyError, TypeError):         # of a line cut short
                event = json.loads(line)
                scored = {} if event.get('score') is None else {SCORE: event['score']}
                for name, value in {**event.get('losses', {}), **scored}.items():
                    curves.setdefault(name, Curve()).add(event['step'], value)
        return {name: curves[name].points or curves[name].pending
                for name in sorted(curves, key=lambda name: name != SCORE)}

    def told(self) -> str:
        """In a few words, what it is and what it costs."""
        options = read_record(self.trained).get('options', {})
        words = [f'--{flag} {options[flag]}' for flag in ('model', 'netG', 'dataroot')
                 if options.get(flag)]
        weights = self.painting['parameters'] / 1e6
        return ', '.join([' '.join(words) or 'no record of its training is here',
                          f'{weights:.2f} million weights',
                          f'{self.painting["seconds_a_frame"]:.3f} s a frame on '
                          f'{self.painting["device"]}'])


def not_painted(name: str, opt: argparse.Namespace) -> UserError:
    part = f'{opt.epoch}_{opt.phase}'
    there = sorted(file.parents[1].relative_to(opt.results_dir).as_posix()
                   for file in Path(opt.results_dir).glob(f'**/{part}/painting.json'))
    return UserError(f'{opt.results_dir}/{name}/{part}: nothing was painted there. There is '
                     f'{", ".join(there) or "no painted run at all"}. Type python test.py --name '
                     f'{name} --epoch {opt.epoch} --phase {opt.phase} --dataroot DATASET.')


class Comparison:
    """Two runs or more, over the frames that all have painted."""

    def __init__(self, runs: Sequence[Run]):
        self.runs = runs
        self.painted = {run.name: run.folder for run in runs}
        self.frames = common_frames(self.painted)
        first = next(iter(self.frames))
        self.truth = all((run.folder / 'images' / f'{first}_real_B.png').is_file()
                         for run in runs)
        known = (key for key in HEADLINE_SCORES if all(run.single(key) for run in runs))
        self.headline = next(known, '')

    def columns(self) -> dict[str, Scores]:
        """{run or baseline: its scores}; baselines are those of the first run that has any."""
        films = next((run.scores for run in self.runs if len(run.scores) > 1), {})
        return {run.name: run.scores.get('painted', {}) for run in self.runs} | {
            METHODS.get(key, key): scores for key, scores in films.items() if key != 'painted'}

    def doubts(self) -> list[str]:
        """Why these numbers are not to be compared without thought."""
        found = [f'{run.name}: not measured; python test.py --name {run.name} does it'
                 for run in self.runs if not run.scores]
        if len({tuple(run.painting['frames']) for run in self.runs}) > 1:
            found.append('these runs have not painted the same frames: the film shows those that '
                         'they have in common, and each score is over all frames of its run')
        if self.truth and not self.same_truth():
            found.append('these runs were painted from datasets that differ: the same frame does '
                         'not show the same')
        return found

    def same_truth(self) -> bool:
        frame = next(iter(self.frames))
        real = [opened(run.folder / 'images' / f'{frame}_real_B.png') for run in self.runs]
        return all(np.abs(at_size(picture, size_of(real[0])).astype(int) - real[0]).mean() < ALIKE
                   for picture in real[1:])

    def differing(self) -> list[str]:
        """The frames over which the runs disagree most, by the judge; without one, a few."""
        names, times = list(self.frames), list(self.frames.values())
        if not self.headline:
            return [names[k] for k in spread(len(names), SAMPLE)]
        singles = [run.single(self.headline) for run in self.runs]
        between = {k: max(values) - min(values) for k, name in enumerate(names)
                   if len(values := [single[name] for single in singles if name in single]) > 1}
        order = sorted(between, key=lambda k: -between[k])
        return [names[k] for k in sorted(spaced_in_time(order, times, SAMPLE))]

    def plots(self) -> dict[str, dict[str, list[Point]]]:
        """{title: {run: its curve}}; a run that has no such curve has an empty one."""
        training = {run.name: run.curves() for run in self.runs}
        names = dict.fromkeys(name for curves in training.values() for name in curves)
        found = {name: {run: curves.get(name, []) for run, curves in training.items()}
                 for name in names}
        score = score_of(self.headline)
        if not score:
            return found
        begin = next(iter(self.frames.values()))
        over = {run.name: [(self.frames[frame] - begin, value) for frame, value
                           in run.single(self.headline).items() if frame in self.frames]
                for run in self.runs}
        return {f'{score.name} over the film': over, **found}


def write_page(folder: Path, shown: Comparison) -> None:
    """FOLDER/index.html, which opens from disk, and the pictures that it shows."""
    runs = [run.name for run in shown.runs]
    document = page(' | '.join(runs))
    document.head.add(tags.style(raw(PAGE_STYLE)))
    columns = shown.columns()
    table = card('Scores', score_table(columns), explanation(measured(columns).values()),
                 (tags.p(f'{doubt}.', cls='soft') for doubt in shown.doubts()))
    key = tags.p((tags.span(run, style=f'--colour: var(--c{k % COLOURS}); --dash: '
                            f'{"dashed" if k // COLOURS % 2 else "solid"}')
                  for k, run in enumerate(runs)), cls='runs')
    plots = tags.div((tags.div(tags.h2(name), raw(curves_svg(series, legend=False)), cls='card')
                      for name, series in shown.plots().items()), cls='plots')
    score = score_of(shown.headline)
    title = f'Where they differ most by {score.name}' if score else 'A few frames'
    document.body.add(
        tags.header(tags.h1(document.title), tags.p(
            f'{shown.runs[0].folder.name} · {len(shown.frames)} frames in common', cls='soft')),
        tags.section(video('compare.mp4', 'all side by side'), cls='films'),
        table,
        tags.section(tags.h2('Curves'), key, tags.p(
            'Of the training, over the images seen; of the film, over its seconds.', cls='soft'),
            plots),
        card(title, sample(folder, shown)),
        card('What they are', facts_table({run.name: run.told() for run in shown.runs})))
    write_text(folder / 'index.html', render(document))


def sample(folder: Path, shown: Comparison) -> list[tags.html_tag]:
    """A row of pictures for each chosen frame; copies, so that the folder stands alone."""
    rows = []
    (folder / 'images').mkdir()
    for frame in shown.differing():
        images = []
        for number, (label, file) in enumerate(
                pictures_of(shown.painted, frame, shown.truth).items()):
            path = f'images/{frame}_{number}.png'
            shutil.copyfile(file, folder / path)
            images.append((path, label))
        rows += [tags.h3(frame), figure_row(images)]
    return rows


def options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('names', nargs='+', metavar='NAME', help='runs that test.py has painted')
    parser.add_argument('--phase', default='val', help='the part of the dataset that was painted')
    parser.add_argument('--epoch', default='latest', help='with the weights of that epoch')
    parser.add_argument('--results_dir', default='./results', help='where results are')
    parser.add_argument('--checkpoints_dir', default='./checkpoints', help='where runs are')
    parser.add_argument('--out', help='folder to write; default: RESULTS_DIR/compare_NAME_NAME')
    opt = parser.parse_args(argv)
    opt.names = list(dict.fromkeys(opt.names))
    if len(opt.names) < 2:
        raise UserError(f'only one run is named, {opt.names[0]}: name those to compare it with.')
    words = '_'.join(opt.names).replace('/', '_')
    opt.out = Path(opt.out or Path(opt.results_dir) / f'compare_{words}')
    if opt.out.exists() and not (opt.out / 'compare.mp4').is_file():
        raise UserError(f'--out {opt.out}: that is there already, and was not written by this '
                        f'script. Take a folder that is not there.')
    return opt


def written(out: Path) -> set[str]:
    """The files that this script wrote into a folder."""
    images = [path for path in (out / 'images').glob('*.png')
              if re.fullmatch(r'.+_\d+', path.stem)]
    return {'index.html', 'compare.mp4', *(f'images/{path.name}' for path in images)}


def main(argv: Sequence[str] | None = None) -> Path:
    """Do as `argv` says. Returns the page."""
    opt = options(argv)
    shown = Comparison([Run(name, opt) for name in opt.names])
    with replacing(opt.out, written(opt.out), 'index.html') as folder:
        write_film(folder / 'compare.mp4', shown.painted, shown.truth)
        write_page(folder, shown)
    for doubt in shown.doubts():
        warn(f'{doubt}.')
    say(f'{markdown_table(shown.columns())}\n\nfilm: {opt.out / "compare.mp4"}\n'
        f'page: {opt.out / "index.html"}')
    return opt.out / 'index.html'


if __name__ == '__main__':
    run_main(main)
