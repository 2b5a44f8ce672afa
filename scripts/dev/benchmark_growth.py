"""How time and memory grow with pixels, film length and training frames; called by benchmark.py.

Each point is measured by a process of its own, since memory is the most that a process ever took:

    python scripts/dev/benchmark_growth.py paint RUN_FLAGS...
    python scripts/dev/benchmark_growth.py index DATASET FOLDER
"""
import json
import math
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from scripts.dev.filmed import Size, film_dataset, grown, indexed, made_up
from util.errors import UserError, run_main, say
from util.noted import check_ours, write_noted
from util.progress import progress

SIZES = (256, 256), (406, 720), (720, 1280)
SMALL = (64, 64)                        # px, where pixels are not what grows
LENGTHS = 100, 300, 900                 # frames of a film
KNOWN = 1_000, 10_000, 100_000          # training frames, when painting
INDEXED = 300, 1_000, 3_000             # training frames, when indexing: each costs a millisecond
FILMED = 60                             # frames of each film that is drawn
PAINTED = 24                            # frames that are timed, where length is not what grows
STEEPEST = 1.15         # exponent that still counts as linear: noise of a shared machine
LEAST_MEMORY = 30.0     # MB: less is what the allocator happens to hold

SIDE_BY_SIDE = 'display: grid; grid-template-columns: repeat(auto-fill, minmax(18em, 1fr))'


class Curve(NamedTuple):
    """One cost against one thing that grows.

    cost, unit   what is measured, of `against`
    points       (how much of it there is, what it cost)
    """
    cost: str
    unit: str
    against: str
    points: list[tuple[float, float]]

    @property
    def exponent(self) -> float:
        """b of the cost a x^b that fits best: 1 is linear, less is better."""
        least = LEAST_MEMORY if self.unit == 'MB' else 1e-6
        x = [math.log(x) for x, _ in self.points]
        y = [math.log(max(y, least)) for _, y in self.points]
        return float(np.polyfit(x, y, 1)[0])

    @property
    def linear(self) -> bool:
        return self.exponent <= STEEPEST


def growth(page: str) -> list[Curve]:
    """Time and memory against pixels, length and training frames, each linear or better; plotted.

    page   FILE.html for the plots
    """
    check_ours(Path(page).parent, [Path(page).name])
    with tempfile.TemporaryDirectory() as folder:
        measured = [against_pixels(Path(folder)), against_length(Path(folder)),
                    against_frames(Path(folder)), indexing_frames(Path(folder))]
    curves = [curve for some in measured for curve in some]
    for curve in curves:
        verdict = 'linear or better' if curve.linear else 'WORSE THAN LINEAR'
        costs = '  '.join(f'{x:,.0f}: {y:.4g}' for x, y in curve.points)
        say(f'{curve.cost} against {curve.against}: exponent {curve.exponent:.2f}, {verdict}\n'
            f'    {costs} {curve.unit}')
    write_noted(Path(page), plotted(curves))
    say(f'plotted in {page}')
    steep = [f'{curve.cost} against {curve.against}' for curve in curves if not curve.linear]
    if steep:
        raise UserError(f'Worse than linear: {"; ".join(steep)}. Measure again on a quiet machine.')
    return curves


def against_pixels(folder: Path, sizes: Sequence[Size] = SIZES) -> list[Curve]:
    """Painting and indexing against the pixels of the film."""
    points = []
    for size in progress(sizes, 'pixels', len(sizes)):
        place = folder / f'pixels{size[1]}'
        data = film_dataset(size, FILMED, place)
        index = point('index', str(data), str(place))
        paint = point('paint', *index['run'])
        points.append((size[0] * size[1], index, paint))
    return curves('pixels', [(x, index) for x, index, _ in points], ['indexing']) + \
        curves('pixels', [(x, paint) for x, _, paint in points], ['painting'])


def against_length(folder: Path, lengths: Sequence[int] = LENGTHS) -> list[Curve]:
    """Painting and retrieval of films of several lengths."""
    points = []
    for length in progress(lengths, 'film length', len(lengths)):
        place = folder / f'length{length}'
        run = indexed(made_up(SMALL, FILMED, length, place / 'data'), place)
        points.append((float(length), point('paint', *run, '--num_test', str(length))))
    return curves('frames of the film', points, ['retrieval', 'painting the film'])


def against_frames(folder: Path, counts: Sequence[int] = KNOWN) -> list[Curve]:
    """Painting and retrieval from indexes of several sizes."""
    place = folder / 'known'
    run = indexed(made_up(SMALL, FILMED, PAINTED, place / 'data'), place)
    points = []
    for count in progress(counts, 'training frames', len(counts)):
        grown(run, count)
        points.append((float(count), point('paint', *run)))
    return curves('training frames', points, ['retrieval', 'painting'])


def indexing_frames(folder: Path, counts: Sequence[int] = INDEXED) -> list[Curve]:
    """Indexing datasets of several sizes."""
    points = []
    for count in progress(counts, 'indexing', len(counts)):
        place = folder / f'indexed{count}'
        data = made_up(SMALL, count, 1, place / 'data')
        points.append((float(count), point('index', str(data), str(place))))
    return curves('training frames', points, ['indexing'])


def curves(against: str, points: Sequence[tuple[float, dict]],
           costs: Sequence[str]) -> list[Curve]:
    """A curve for each of these costs, and one for the memory of all."""
    found = []
    for cost in costs:
        unit = 'ms a frame' if cost == 'painting' else 's'
        found.append(Curve(cost, unit, against, [(x, answer[cost]) for x, answer in points]))
    memory = [(x, answer['MB']) for x, answer in points]
    return [*found, Curve(f'memory of {costs[-1]}', 'MB', against, memory)]


def point(*words: str) -> dict:
    """What a process of its own measures."""
    done = subprocess.run([sys.executable, __file__, *words], text=True, capture_output=True)
    if done.returncode:
        raise SystemExit(f'{" ".join(words)} failed:\n{done.stderr[-2000:]}')
    answer: dict = json.loads(done.stdout)
    return answer


def plotted(curves: Sequence[Curve]) -> str:
    """A page with a chart of each curve, and the straight line through its last point."""
    from dominate import tags
    from dominate.util import raw

    from util.web.charts import curves_svg
    from util.web.page import page, render
    document = page('Growth')
    with document.body:
        tags.h1('Time and memory')
        with tags.div(style=SIDE_BY_SIDE):
            for curve in curves:
                linear = [(0.0, 0.0), curve.points[-1]]
                chart = curves_svg({'measured': curve.points, 'linear': linear}, curve.against)
                says = f'{curve.cost}, {curve.unit}, against {curve.against}: exponent '
                tags.figure(raw(chart), tags.figcaption(f'{says}{curve.exponent:.2f}'))
    return render(document)


def measure_index(data: str, folder: str) -> dict:
    """Index a dataset, with the time and memory that it takes."""
    import torch  # noqa: F401    # its memory is not what is measured

    import models.body2body_model  # noqa: F401
    import training.loop  # noqa: F401
    before = memory()
    began = time.perf_counter()
    run = indexed(Path(data), Path(folder))
    return {'run': run, 'indexing': time.perf_counter() - began, 'MB': memory() - before}


def measure_paint(flags: Sequence[str]) -> dict:
    """Paint a dataset's held-out frames, with the time and memory that it takes."""
    from data.loader import Loader
    from evaluation.painting import paint_batches
    from options.test_options import TestOptions
    from scripts.dev.painting_time import loaded
    opt = TestOptions().parse([*flags])
    before = memory()
    began = time.perf_counter()
    model, dataset = loaded(opt)
    ready = time.perf_counter()
    times = [ready]
    count = opt.num_test or PAINTED
    every = paint_batches(model, dataset, Loader(dataset, 1, opt.num_threads).epoch())
    for _ in zip(range(count), every):
        times.append(time.perf_counter())
    every.close()
    return {'retrieval': ready - began, 'painting the film': times[-1] - ready,
            'painting': 1e3 * float(np.median(np.diff(times))), 'MB': memory() - before}


def memory() -> float:
    """MB that this process took at most. getrusage also counts the process that started it."""
    status = Path('/proc/self/status')
    if status.exists():
        found = re.search(r'VmHWM:\s*(\d+) kB', status.read_text())
        if found:
            return int(found[1]) / 1e3
    import torch

    from util.sinks.terminal_sink import memory_taken
    return memory_taken(torch.device('cpu')) / 1e6


def main() -> None:
    """Measure one point; the answer is one line of JSON."""
    with redirect_stdout(sys.stderr):
        what, *words = sys.argv[1:]
        answer = measure_index(*words) if what == 'index' else measure_paint(words)
    print(json.dumps(answer))


if __name__ == '__main__':
    run_main(main)
