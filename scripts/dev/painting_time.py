"""Where the time of a painted frame goes: a table, and a picture of it.

    python scripts/dev/painting_time.py --name me --dataroot datasets/me --picture time.svg

For a run of --model body2body. Every part is timed where it is called, frame by frame.
"""
import argparse
import html
import pkgutil
import statistics
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from options.test_options import TestOptions
from util.errors import UserError, run_main, say
from util.noted import check_ours, write_noted
from util.progress import progress

COLOURS = '#4457d0', '#1f8a70', '#d98e04', '#b0413e', '#7b5ea7', '#3aa0c8', '#8a8f98'
WIDTH, HEIGHT = 900, 118        # px of the picture
WARM_UP = 2                     # frames after those that are painted at once with the first
BAR = 40                        # characters of the longest bar in the terminal
# The functions that are timed: label, whose name for it is called, that name. '' is the model. A
# function that another module imports by name is listed for that module too.
PARTS = (('background', 'models.warping.painter:Painter', 'canvas'),
         ('reading frames', 'models.warping.painter:Painter', 'read'),
         ('bending', 'models.warping.bone_warp', 'warp_field'),
         ('bending', 'models.warping.painter', 'warp_field'),
         ('sampling', 'models.warping.canvas', 'sampled'),
         ('laying', 'models.warping.canvas', 'lay'),
         ('network', '', 'retrieve'),
         ('network', '', 'background'),
         ('network', '', 'decide'),
         ('parts', 'models.warping.painter:Painter', 'draw_parts'))
PAINTING, BLENDING = 'paint_film', 'blend_previous'      # of the model, for every frame
BLENDED, REST = 'temporal blending', 'the rest'


class Measured(NamedTuple):
    """What painting cost.

    parts    {part: ms a frame}, 'the rest' last; together what passes from one frame to the next
    frames   ms between one painted frame and the next, of every frame
    size     (width, height) px of what is painted
    what     on what it was painted
    """
    parts: dict[str, float]
    frames: list[float]
    size: tuple[int, int]
    what: str

    @property
    def ms(self) -> float:
        """Of a frame, all parts together."""
        return sum(self.parts.values())


class Stopwatch(threading.local):
    """seconds[label] since the last reset, of the functions that are `timed`, in this thread."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def frames(self, owner: Any, name: str, into: list[dict[str, float]]) -> Iterator[None]:
        """What is in `seconds` after each call of owner.name, and of that alone, goes `into`
        while this lasts."""
        plain = getattr(owner, name)

        def call(*given: Any, **named: Any) -> Any:
            self.seconds = {}
            found = plain(*given, **named)
            into.append(self.seconds)
            return found
        with patch.object(owner, name, call):
            yield

    @contextmanager
    def timed(self, owner: Any, name: str, label: str) -> Iterator[None]:
        """owner.name is timed while this lasts."""
        plain = getattr(owner, name)

        def call(*given: Any, **named: Any) -> Any:
            began = time.perf_counter()
            try:
                return plain(*given, **named)
            finally:
                self.seconds[label] = self.seconds.get(label, 0.0) + time.perf_counter() - began
        with patch.object(owner, name, call):
            yield


def measure(argv: Sequence[str], count: int, alone: bool = False) -> Measured:
    """Paint `count` frames, with the flags of test.py. Several threads share the time between two
    frames: each part has as much of it as it has of theirs.

    alone   one frame after the other, as for a live picture; otherwise as test.py paints
    """
    opt = TestOptions().parse(list(argv))

    from data.loader import Loader
    from evaluation import painting
    if opt.model != 'body2body':
        raise UserError(f'{opt.name} was trained by --model {opt.model}; the parts of painting are '
                        f'known of --model body2body only.')
    model, dataset = loaded(opt)
    # before any of it is replaced by what times it, or what imports it now would be timed twice
    owners = {where: pkgutil.resolve_name(where) if where else model for _, where, _ in PARTS}
    watch = Stopwatch()
    frames = list[dict[str, float]]()
    blended = list[dict[str, float]]()
    with ExitStack() as stack:
        if alone:
            stack.enter_context(patch.object(painting, 'AT_ONCE', 1))
        first = painting.at_once(model) + WARM_UP       # the first ones also set things up
        total = min(count + first, len(dataset))
        for label, where, name in (*PARTS, (REST, '', PAINTING), (BLENDED, '', BLENDING)):
            stack.enter_context(watch.timed(owners[where], name, label))
        stack.enter_context(watch.frames(model, PAINTING, frames))
        stack.enter_context(watch.frames(model, BLENDING, blended))
        every = stack.enter_context(closing(painting.paint_batches(
            model, dataset, Loader(dataset, 1, opt.num_threads).epoch())))
        times = [time.perf_counter()]
        sizes = []
        for _, painted in zip(progress(range(total), 'painting', total), every):
            times.append(time.perf_counter())
            sizes.append(painted.fake.shape[2:0:-1])
    some = slice(first if total > first else 0, None)
    took = [1e3 * (after - before) for before, after in pairwise(times)][some]
    width, height = sizes[-1]
    parts = shared_out(statistics.mean(took), frames[some], blended[some] or blended)
    what = f'{width}x{height}, {opt.num_frames} frames retrieved, {model.engine}'
    return Measured(parts, took, (width, height), what)


def loaded(opt: Any) -> tuple[Any, Any]:
    """The model of a run, and the dataset that it is about to paint."""
    from data import datasets
    from models import models
    from models.engine import choose_engine
    from util.runs import read_record
    run = Path(opt.checkpoints_dir) / opt.name
    models.find(opt.model).check_saved(run, opt.epoch)
    dataset = datasets.find(opt.dataset_mode)(opt, opt.phase, read_record(run).get('dataset', {}))
    engine = choose_engine(opt.device, opt.gpu_ids, opt.precision, opt.no_compile)
    model = models.find(opt.model)(opt, engine)
    model.load_weights(run, opt.epoch)
    model.on_dataset(dataset)
    return model, dataset


def shared_out(ms: float, frames: Sequence[Mapping[str, float]],
               blended: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """{part: its share of `ms`}, by what all threads spent on it in a frame.

    frames    seconds of each part of painting, 'the rest' standing for all of it
    blended   those of blending a frame with the one before
    """
    parts = {}
    for label in dict.fromkeys(label for label, _, _ in PARTS):
        if any(label in frame for frame in frames):
            parts[label] = statistics.median(frame.get(label, 0.0) for frame in frames)
    painting = statistics.median(frame[REST] for frame in frames)
    rest = painting - sum(parts.values())
    if blended:
        parts[BLENDED] = statistics.median(frame[BLENDED] for frame in blended)
    parts[REST] = rest
    return {label: ms * part / sum(parts.values()) for label, part in parts.items()}


def drawn(parts: Mapping[str, float], title: str) -> str:
    """One bar, as SVG: each part as wide as it takes long."""
    whole, left, out = sum(parts.values()), 10.0, []
    column = (WIDTH - 20) / len(parts)
    for number, (label, ms) in enumerate(parts.items()):
        wide, colour = (WIDTH - 20) * ms / whole, COLOURS[number % len(COLOURS)]
        at = 10 + column * number
        out.append(f'<rect x="{left:.1f}" y="34" width="{wide:.1f}" height="36" fill="{colour}"/>'
                   f'<rect x="{at:.1f}" y="86" width="10" height="10" fill="{colour}"/>'
                   f'<text x="{at + 15:.1f}" y="95">{html.escape(label)}</text>'
                   f'<text x="{at + 15:.1f}" y="110">{ms:.1f} ms</text>')
        left += wide
    heading = f'{title}: {whole:.0f} ms a frame, {1e3 / whole:.0f} frames a second'
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            f'font-family="sans-serif" font-size="12" fill="#333">'
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
            f'<text x="10" y="22" font-weight="bold">{html.escape(heading)}</text>'
            f'{"".join(out)}</svg>\n')


def table(measured: Measured) -> str:
    """A line for all parts together, and one with a bar for each."""
    whole = measured.ms
    lines = [f'painting {measured.what}: {whole:.1f} ms a frame, {1e3 / whole:.1f} frames a second']
    for label, ms in measured.parts.items():
        bar = '#' * round(BAR * ms / whole)
        lines.append(f'  {label:<17} {ms:6.1f} ms   {100 * ms / whole:4.0f} %  {bar}')
    return '\n'.join(lines)


def main(argv: Sequence[str] | None = None) -> dict[str, float]:
    """Do as `argv` says. Returns ms of each part."""
    parser = argparse.ArgumentParser(description=(__doc__ or '').split('\n\n')[0], epilog='Every '
                                     'flag of test.py may be given too.', allow_abbrev=False)
    parser.add_argument('--frames', type=int, default=40, help='number of frames to paint')
    parser.add_argument('--picture', help='FILE.svg to draw it into')
    mine, given = parser.parse_known_args(argv)
    if mine.picture:
        check_ours(Path(mine.picture).parent, [Path(mine.picture).name])
    measured = measure(given, mine.frames)
    say(table(measured))
    if mine.picture:
        write_noted(Path(mine.picture), drawn(measured.parts, f'Painting {measured.what}'))
    return measured.parts


if __name__ == '__main__':
    run_main(main)
