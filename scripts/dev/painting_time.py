"""Where the time of a painted frame goes: a table, and a picture of it.

    python scripts/dev/painting_time.py --name me --dataroot datasets/me --picture time.svg

For a run of --model body2body. Every part is timed where it is called, frame by frame.
"""
import argparse
import html
import statistics
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from options.test_options import TestOptions
from util.errors import UserError, run_main, say
from util.files import write_text
from util.progress import progress

COLOURS = '#4457d0', '#1f8a70', '#d98e04', '#b0413e', '#7b5ea7', '#3aa0c8', '#8a8f98'
WIDTH, HEIGHT = 760, 118        # px of the picture


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


def measure(argv: Sequence[str], count: int) -> tuple[dict[str, float], str]:
    """ms of each part of painting a frame, 'the rest' last, together what passes from one frame
    to the next, the mean of `count`; and on what they were painted. Several threads share that
    time: each part has as much of it as it has of theirs."""
    opt = TestOptions().parse(list(argv))

    from data import datasets
    from data.loader import Loader
    from evaluation.painting import at_once, paint_batches
    from models import models
    from models.engine import choose_engine
    from models.warping import bone_warp
    from util.runs import read_record
    if opt.model != 'body2body':
        raise UserError(f'{opt.name} was trained by --model {opt.model}; the parts of painting are '
                        f'known of --model body2body only.')
    run = Path(opt.checkpoints_dir) / opt.name
    models.find(opt.model).check_saved(run, opt.epoch)
    dataset = datasets.find(opt.dataset_mode)(opt, opt.phase, read_record(run).get('dataset', {}))
    engine = choose_engine(opt.device, opt.gpu_ids, opt.precision, opt.no_compile)
    model: Any = models.find(opt.model)(opt, engine)
    model.load_weights(run, opt.epoch)
    model.on_dataset(dataset)
    watch = Stopwatch()
    frames = list[dict[str, float]]()
    blended = list[dict[str, float]]()
    total = min(count + at_once(model), len(dataset))
    with ExitStack() as stack:
        for owner, name, label in ((model, 'generate', 'network'), (model, 'background',
                                   'background'), (bone_warp, 'warp_field', 'bending'),
                                   (bone_warp, 'sampled', 'sampling'),
                                   (model, 'retrieve', 'reading frames'),
                                   (model, 'paint', 'the rest'),
                                   (model, 'blend_previous', 'temporal blending')):
            stack.enter_context(watch.timed(owner, name, label))
        stack.enter_context(watch.frames(model, 'paint', frames))
        stack.enter_context(watch.frames(model, 'blend_previous', blended))
        every = stack.enter_context(closing(paint_batches(
            model, dataset, Loader(dataset, 1, opt.num_threads).epoch())))
        times = [time.perf_counter()]
        for _ in zip(progress(range(total), 'painting', total), every):
            times.append(time.perf_counter())
    # the first ones also set things up
    some = slice(at_once(model) if total > at_once(model) else 0, None)
    took = statistics.mean([after - before for before, after in pairwise(times)][some])
    size = dataset.size
    return (shared_out(1e3 * took, frames[some], blended[some] or blended),
            f'{size[0]}x{size[1]}, {opt.num_frames} frames retrieved, {engine}')


def shared_out(ms: float, frames: Sequence[Mapping[str, float]],
               blended: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """{part: its share of `ms`}, by what all threads spent on it in a frame.

    frames    seconds of each part of painting, 'the rest' standing for all of it
    blended   those of blending a frame with the one before
    """
    parts = {label: statistics.median(frame[label] for frame in frames) for label in frames[0]}
    painting = parts.pop('the rest')
    rest = painting - sum(parts.values())
    if blended:
        label = 'temporal blending'
        parts[label] = statistics.median(frame[label] for frame in blended)
    parts['the rest'] = rest
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


def main(argv: Sequence[str] | None = None) -> dict[str, float]:
    """Do as `argv` says. Returns ms of each part."""
    parser = argparse.ArgumentParser(description=(__doc__ or '').split('\n\n')[0], epilog='Every '
                                     'flag of test.py may be given too.', allow_abbrev=False)
    parser.add_argument('--frames', type=int, default=40, help='number of frames to paint')
    parser.add_argument('--picture', help='FILE.svg to draw it into')
    mine, given = parser.parse_known_args(argv)
    parts, what = measure(given, mine.frames)
    whole = sum(parts.values())
    say(f'painting {what}: {whole:.1f} ms a frame, {1e3 / whole:.1f} frames a second')
    say('\n'.join(f'  {label:<16}{ms:6.1f} ms   {100 * ms / whole:4.0f} %'
                  for label, ms in parts.items()))
    if mine.picture:
        write_text(Path(mine.picture), drawn(parts, f'Painting {what}'))
    return parts


if __name__ == '__main__':
    run_main(main)
