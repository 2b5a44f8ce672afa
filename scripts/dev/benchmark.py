"""How fast is it here, as ratios: ours against the plain path, in one run, taking turns.

    python scripts/dev/benchmark.py                     all of it, a few minutes
    python scripts/dev/benchmark.py step --compile      the training step, torch.compile included
    python scripts/dev/benchmark.py preprocess --video me.mp4
    python scripts/dev/benchmark.py measure             what test.py measures, of 181 frames
    python scripts/dev/benchmark.py show                training while it is shown everywhere
"""
import argparse
import shlex
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from util.errors import run_main
from util.files import read_json

if TYPE_CHECKING:
    from models.base_model import BaseModel
    from models.engine import Engine

TURN = 20           # steps, of `show`


def step(size: int, rounds: int, with_compile: bool) -> None:
    """One pix2pix step: our default against fp32, eager, separate passes, unfused Adam."""
    import torch

    from models.engine import choose_engine, compile_in_place
    plain = training_step(choose_engine(precision='fp32', no_compile=True), size)
    paths = {'ours': training_step(choose_engine(), size)}
    if with_compile:
        engine = choose_engine()
        model = make_model(engine)
        if compile_in_place(list(model.networks.values())):
            began = time.perf_counter()
            paths['ours, compiled'] = training_step(engine, size, model)
            paths['ours, compiled']()
            print(f'compiling took {time.perf_counter() - began:.0f} s')
    print(f'training step, pix2pix unet_256, {size}x{size}, batch 1, {choose_engine().training}, '
          f'torch {torch.__version__}')
    seconds = take_turns({'plain': plain, **paths}, rounds)
    for name, times in seconds.items():
        ratios = [a / b for a, b in zip(seconds['plain'], times)]
        print(f'  {name:<15} {1e3 * statistics.median(times):7.0f} ms   '
              f'{statistics.median(ratios):.2f}x plain ({min(ratios):.2f} to {max(ratios):.2f})')


def make_model(engine: 'Engine') -> 'BaseModel':
    from models import models
    from options.train_options import TrainOptions
    opt = TrainOptions().parse(['--dataroot', 'none', '--name', 'benchmark'])
    return models.find('pix2pix')(opt, engine)


def training_step(engine: 'Engine', size: int,
                  model: 'BaseModel | None' = None) -> Callable[[], None]:
    """A function that makes one step and waits until it is done."""
    import torch
    trained = model or make_model(engine)
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (2, 1, size, size, 3), dtype=torch.uint8, generator=generator)

    def run() -> None:
        x, y = (half.numpy() for half in images)
        float(trained.step(engine.to_batch({'A': x, 'B': y}))['G_L1'])
    return run


def take_turns(paths: dict[str, Callable[[], None]], rounds: int,
               warm_up: int = 2) -> dict[str, list[float]]:
    """Seconds of each path in each round, after `warm_up` rounds that do not count."""
    seconds: dict[str, list[float]] = {name: [] for name in paths}
    for n in range(rounds + warm_up):
        for name, run in paths.items():
            began = time.perf_counter()
            run()
            if n >= warm_up:
                seconds[name].append(time.perf_counter() - began)
    return seconds


def data(size: int, steps: int) -> None:
    """The part of a training step that waits for data, once the pictures are decoded."""
    import numpy as np
    from PIL import Image

    from data import datasets
    from data.loader import Loader
    from models.engine import choose_engine
    from options.train_options import TrainOptions
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / 'train').mkdir()
        rng = np.random.default_rng(0)
        for i in range(32):
            noise = rng.integers(0, 256, (size, 2 * size, 3), np.uint8)
            Image.fromarray(noise).save(Path(folder) / 'train' / f'{i:06d}.png')
        opt = TrainOptions().parse(['--dataroot', folder, '--name', 'benchmark'])
        loader = Loader(datasets.find('aligned')(opt, 'train'), 1, opt.num_threads, True, 0)
        engine = choose_engine()
        model = make_model(engine)
        waited = total = 0.0
        list(loader.epoch(0))
        before = time.perf_counter()
        for n, batch in enumerate(loader.epoch(1)):
            got = time.perf_counter()
            losses = model.step(engine.to_batch(batch))
            float(losses['G_L1'])
            waited, total = waited + got - before, total + time.perf_counter() - before
            before = time.perf_counter()
            if n + 1 == steps:
                break
    print(f'waiting for data: {100 * waited / total:.2f} % of a step ({steps} steps)')


def preprocess(video: str | None, rounds: int) -> None:
    """preprocess.py with all repair on, against the detector alone on frames that lie in memory."""
    import preprocess as entry
    from pose.detect import make_detector
    from util.video import read_frames
    with tempfile.TemporaryDirectory() as folder:
        video = video or drawn_video(folder)
        shown = list(islice(read_frames(video), 600))
        frames = [frame.image for frame in shown]
        end = [str(shown[-1].time + 1e-3)]
        print(f'preprocessing {video}, {len(frames)} frames of '
              f'{frames[0].shape[1]}x{frames[0].shape[0]}')

        def bare() -> None:
            detector = make_detector('mediapipe')
            for k, image in enumerate(frames):
                detector(image, k)
            detector.close()

        def ours() -> None:
            entry.main(['--video', str(video), '--dataroot', f'{folder}/data', '--overwrite',
                        '--end', *end])
        seconds = take_turns({'bare detector': bare, 'preprocess.py': ours}, rounds)
    tell_rates(seconds, len(frames))


def workers(video: str | None, rounds: int) -> None:
    """preprocess.py on all of a video by one worker and by two."""
    import preprocess as entry
    from util.video import probe
    with tempfile.TemporaryDirectory() as folder:
        video = video or drawn_video(folder)
        count = round(probe(video).duration * probe(video).fps)
        print(f'preprocessing all of {video}, about {count} frames')

        def by(number: int) -> Callable[[], None]:
            def run() -> None:
                entry.main(['--video', str(video), '--dataroot', f'{folder}/data', '--overwrite',
                            '--num_workers', str(number)])
            return run
        tell_rates(take_turns({'one worker': by(1), 'two workers': by(2)}, rounds, 0), count)


def measure(size: int, rounds: int) -> None:
    """--metrics fast and all, of 181 held-out frames of the demo's target."""
    import preprocess as preparing
    import test as painting
    import train as training
    from scripts.make_demo_videos import make_demo_videos
    with tempfile.TemporaryDirectory() as folder:
        video, _ = make_demo_videos(folder, size=2 * size, seconds=(30, 1))
        run = ['--dataroot', f'{folder}/me', '--name', 'me', '--checkpoints_dir', folder]
        preparing.main(['--video', str(video), '--dataroot', f'{folder}/me', '--size', str(size),
                        '--val_fraction', '0.21'])
        training.main([*run, '--model', 'nearest', '--display_id', '0', '--no_html'])
        found: dict[str, list[float]] = {'fast': [], 'all': []}
        for _ in range(rounds):
            for how, seconds in found.items():
                page = painting.main([*run, '--results_dir', folder, '--no_video', '--metrics',
                                      how, '--num_test', '181'])
                told = read_json(page.parent / 'metrics.json')
                seconds.append(told['seconds'])
    print(f'measuring {told["frames"]} frames of {size}x{size}')
    for how, seconds in found.items():
        print(f'  --metrics {how:<5} {statistics.median(seconds):6.1f} s '
              f'({min(seconds):.1f} to {max(seconds):.1f})')
    if told['not_measured']:
        print(f'  not measured: {", ".join(told["not_measured"])}')


def show(size: int, rounds: int, train_args: str, steps: int = 420) -> None:
    """Training with page, log, TensorBoard and visdom, against --no_html --display_id 0; so many
    steps, times `rounds`, that pictures are sent in the middle too, by --display_freq.

    Both runs train in one process and take turns of TURN steps: a machine that others use drifts
    by more than what is measured. What a sink still does when its run's turn is over counts
    against the other run, which is a twentieth of it at most.
    """
    import numpy as np

    import train as entry
    import training.loop
    from util.images import write_image
    rng, turns = np.random.default_rng(0), Turns()

    class InTurns(training.loop.Training):
        def report(self, *told: Any) -> None:
            super().report(*told)
            if self.position.steps % TURN == 0:
                turns.hand_over(self.opt.name)

    with tempfile.TemporaryDirectory() as folder, visdom_server(folder) as port:
        for phase in ('train', 'val'):
            (Path(folder) / 'pairs' / phase).mkdir(parents=True)
            for i in range(32):
                write_image(Path(folder) / 'pairs' / phase / f'{i + 1:06d}.png',
                            rng.integers(0, 256, (size, 2 * size, 3), np.uint8))
        everywhere = ['--tensorboard', '--display_port', str(port)] if port else [
            '--tensorboard', '--display_id', '0']

        def trained(name: str, flags: list[str]) -> None:
            with turns.taken(name):
                entry.main(['--dataroot', f'{folder}/pairs', '--name', name, '--checkpoints_dir',
                            folder, '--no_compile', '--max_steps', str(steps * rounds),
                            *shlex.split(train_args), *flags])
        plain, training.loop.Training = training.loop.Training, InTurns  # type: ignore[misc]
        try:
            with ThreadPoolExecutor(2) as pool:
                for run in [pool.submit(trained, name, flags) for name, flags in (
                        ('nowhere', ['--no_html', '--display_id', '0']),
                        ('everywhere', everywhere))]:
                    run.result()
        finally:
            training.loop.Training = plain        # type: ignore[misc]
    plainly, shown = (np.array(turns.seconds[name][1:]) for name in ('nowhere', 'everywhere'))
    lost = 100 * (shown - plainly) / plainly.mean()
    print(f'training, {size}x{size}{train_args and ", "}{train_args}, {len(lost)} turns of {TURN} '
          f'steps each{"" if port else ", without visdom"}\n'
          f'  shown nowhere    {1e3 * plainly.mean() / TURN:6.0f} ms a step\n'
          f'  shown everywhere {1e3 * shown.mean() / TURN:6.0f} ms a step, {lost.mean():.2f} % '
          f'more (standard error {lost.std(ddof=1) / len(lost) ** 0.5:.2f})')


class Turns:
    """Threads of which one works at a time, each in its turn.

    seconds   {name: how long each of its turns took}
    """

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}
        self.queue: list[str] = []              # the first one works
        self.changed, self.began = threading.Condition(), 0.0

    @contextmanager
    def taken(self, name: str) -> Iterator[None]:
        """Wait for the first turn; what comes after the last one is nobody's."""
        self.seconds[name] = []
        self.wait(name)
        try:
            yield
        finally:
            self.leave()

    def hand_over(self, name: str) -> None:
        """End the turn, and wait for the next one."""
        self.seconds[name].append(time.perf_counter() - self.began)
        self.leave()
        self.wait(name)

    def wait(self, name: str) -> None:
        with self.changed:
            self.queue.append(name)
            self.changed.wait_for(lambda: self.queue[0] == name)
        self.began = time.perf_counter()

    def leave(self) -> None:
        with self.changed:
            del self.queue[0]
            self.changed.notify_all()


@contextmanager
def visdom_server(folder: str) -> Iterator[int | None]:
    """The port of a visdom server of our own; None where none can be started, which is said."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    with subprocess.Popen([sys.executable, '-m', 'visdom.server', '-port', str(port),
                           '-bind_local', '-env_path', folder], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as server:
        try:
            while server.poll() is None:
                with socket.socket() as caller:
                    if caller.connect_ex(('127.0.0.1', port)) == 0:
                        break
                time.sleep(0.1)
            if server.returncode is not None:
                print('no visdom server can be started; python scripts/visdom_offline.py first')
            yield None if server.returncode is not None else port
        finally:
            server.kill()


def drawn_video(folder: str) -> str:
    """The demo's target, 960x720 as cameras film."""
    import cv2

    from scripts.make_demo_videos import make_demo_videos
    from util.video import VideoWriter, read_frames
    drawn, _ = make_demo_videos(Path(folder), size=720, seconds=(20, 1))
    with VideoWriter(f'{folder}/wide.mp4', fps=30) as wide:
        for frame in read_frames(drawn):
            wide.write(cv2.copyMakeBorder(frame.image, 0, 0, 120, 120, cv2.BORDER_REPLICATE))
    return f'{folder}/wide.mp4'


def tell_rates(seconds: dict[str, list[float]], frames: int) -> None:
    """Frames a second of each path, and as a part of the first one's."""
    first = next(iter(seconds))
    for name, times in seconds.items():
        ratios = [a / b for a, b in zip(seconds[first], times)]
        print(f'  {name:<16} {frames / statistics.median(times):6.1f} frames/s, '
              f'{statistics.median(ratios):.3f} of {first} '
              f'({min(ratios):.3f} to {max(ratios):.3f})')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('what', nargs='*', choices=[
        'step', 'data', 'preprocess', 'workers', 'measure', 'show', []],
        help='default: step, data and preprocess')
    parser.add_argument('--size', type=int, default=256, help='px')
    parser.add_argument('--rounds', type=int, default=10, help='turns that are counted')
    parser.add_argument('--compile', action='store_true', help='measure torch.compile too')
    parser.add_argument('--train_args', default='',
                        help='for show: further flags, e.g. --train_args="--ngf 32 --ndf 32"')
    parser.add_argument('--video', help='for preprocess and workers; a drawn one if not given')
    opt = parser.parse_args()
    what = opt.what or ['step', 'data', 'preprocess']
    if 'step' in what:
        step(opt.size, opt.rounds, opt.compile)
    if 'data' in what:
        data(opt.size, 2 * opt.rounds)
    if 'preprocess' in what:
        preprocess(opt.video, max(1, opt.rounds // 4))
    if 'workers' in what:
        workers(opt.video, max(1, opt.rounds // 4))
    if 'measure' in what:
        measure(opt.size, max(1, opt.rounds // 4))
    if 'show' in what:
        show(opt.size, max(1, opt.rounds // 4), opt.train_args)


if __name__ == '__main__':
    run_main(main)
