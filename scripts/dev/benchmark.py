"""How fast this machine is, as ratios of our path to the plain path; the two take turns in one run.

    python scripts/dev/benchmark.py                     step, data and preprocess: a few minutes
    python scripts/dev/benchmark.py step --compile      the training step, torch.compile included
    python scripts/dev/benchmark.py preprocess --video me.mp4 --whole
    python scripts/dev/benchmark.py workers             preprocessing by one worker and by two
    python scripts/dev/benchmark.py measure             the metrics of test.py, of 181 frames

What a painted frame costs, against the figures of docs/speed.md:

    python scripts/dev/benchmark.py paint               at three sizes, with a bar for each part
    python scripts/dev/benchmark.py paint --dataroot datasets/me --pictures FOLDER
    python scripts/dev/benchmark.py live                one frame alone; one pose among 100,000;
                                                        webcam.py as a whole
    python scripts/dev/benchmark.py live --name me --camera dancer.mp4 --seconds 600
    python scripts/dev/benchmark.py growth --page growth.html
"""
import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scripts.dev.benchmark_growth import growth
from scripts.dev.benchmark_live import SECONDS, sessions
from scripts.dev.benchmark_painting import live, paint
from util.errors import run_main
from util.files import read_json

if TYPE_CHECKING:
    import numpy as np

    from models.base_model import BaseModel
    from models.engine import Engine

HELD = 1e9          # bytes of frames for the bare detector, which sees them again and again
DEFAULT = ('step', 'data', 'preprocess')        # what runs where no command is given


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
    """The share of a training step that waits for data, once the pictures are decoded."""
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
            waited += got - before
            total += time.perf_counter() - before
            before = time.perf_counter()
            if n + 1 == steps:
                break
    print(f'waiting for data: {100 * waited / total:.2f} % of a step ({steps} steps)')


def preprocessing(video: str | None, rounds: int, whole: bool) -> None:
    """preprocess.py with all repair on, against the detector alone on frames held in memory.

    whole   the whole picture is kept, at film size too, as transfer.py keeps a target's

    The processor time is printed too: other work on the machine changes it less than the clock's.
    """
    import preprocess
    from pose.detect import make_detector
    from util.video import read_frames
    with tempfile.TemporaryDirectory() as folder:
        video = video or drawn_video(folder)
        frames: list[np.ndarray] = []
        count = 0
        end = 0.0
        for frame in islice(read_frames(video), 600):
            if len(frames) < HELD / frame.image.nbytes:
                frames.append(frame.image)
            count += 1
            end = frame.time + 1e-3
        print(f'preprocessing {video}, {count} frames of '
              f'{frames[0].shape[1]}x{frames[0].shape[0]}')

        def bare() -> None:
            detector = make_detector('mediapipe')
            for k in range(count):
                detector(frames[k % len(frames)], k)
            detector.close()

        def ours() -> None:
            flags = ['--aspect', 'keep', '--crop', 'none'] if whole else []
            preprocess.main(['--video', str(video), '--dataroot', f'{folder}/data', '--overwrite',
                             '--end', str(end), *flags])
        spent: dict[str, list[float]] = {'bare detector': [], 'preprocess.py': []}
        paths = {'bare detector': bare, 'preprocess.py': ours}
        for name, run in paths.items():
            paths[name] = counted(run, spent[name])
        seconds = take_turns(paths, rounds)
    print_rates(seconds, count)
    for name, each in spent.items():
        print(f'  {name:<16} {1e3 * statistics.median(each) / count:6.1f} ms of processor time a '
              f'frame')


def counted(run: Callable[[], None], spent: list[float]) -> Callable[[], None]:
    """The same, whose processor seconds, with those of workers that ended, go into `spent`."""
    def seconds() -> float:
        return sum(os.times()[:4])

    def go() -> None:
        before = seconds()
        run()
        spent.append(seconds() - before)
    return go


def workers(video: str | None, rounds: int) -> None:
    """preprocess.py on a whole video, by one worker and by two."""
    import preprocess
    from util.video import probe
    with tempfile.TemporaryDirectory() as folder:
        video = video or drawn_video(folder)
        count = round(probe(video).duration * probe(video).fps)
        print(f'preprocessing all of {video}, about {count} frames')

        def by(number: int) -> Callable[[], None]:
            def run() -> None:
                preprocess.main(['--video', str(video), '--dataroot', f'{folder}/data',
                                 '--overwrite', '--num_workers', str(number)])
            return run
        print_rates(take_turns({'one worker': by(1), 'two workers': by(2)}, rounds, 0), count)


def measure(size: int, rounds: int) -> None:
    """--metrics fast and all, of 181 held-out frames of the demo's target."""
    import preprocess
    import test
    import train
    from scripts.make_demo_videos import make_demo_videos
    with tempfile.TemporaryDirectory() as folder:
        video, _ = make_demo_videos(folder, size=2 * size, seconds=(30, 1))
        run = ['--dataroot', f'{folder}/me', '--name', 'me', '--checkpoints_dir', folder]
        preprocess.main(['--video', str(video), '--dataroot', f'{folder}/me', '--size', str(size),
                         '--val_fraction', '0.21'])
        train.main([*run, '--model', 'nearest', '--display_id', '0', '--no_html'])
        found: dict[str, list[float]] = {'fast': [], 'all': []}
        for _ in range(rounds):
            for how, seconds in found.items():
                page = test.main([*run, '--results_dir', folder, '--no_video', '--metrics', how,
                                  '--num_test', '181'])
                metrics = read_json(page.parent / 'metrics.json')
                seconds.append(metrics['seconds'])
    print(f'measuring {metrics["frames"]} frames of {size}x{size}')
    for how, seconds in found.items():
        print(f'  --metrics {how:<5} {statistics.median(seconds):6.1f} s '
              f'({min(seconds):.1f} to {max(seconds):.1f})')
    if metrics['not_measured']:
        print(f'  not measured: {", ".join(metrics["not_measured"])}')


def live_whole(opt: argparse.Namespace) -> None:
    """One live frame alone, one live pose among many, and whole sessions of webcam.py."""
    if not opt.whole:
        live()
    sessions(opt.seconds, opt.name, opt.checkpoints_dir, opt.camera)


def drawn_video(folder: str) -> str:
    """The demo's target, padded to 960x720, the shape that cameras film."""
    import cv2

    from scripts.make_demo_videos import make_demo_videos
    from util.video import read_frames
    from util.video_writer import VideoWriter
    drawn, _ = make_demo_videos(Path(folder), size=720, seconds=(20, 1))
    with VideoWriter(f'{folder}/wide.mp4', fps=30) as wide:
        for frame in read_frames(drawn):
            wide.write(cv2.copyMakeBorder(frame.image, 0, 0, 120, 120, cv2.BORDER_REPLICATE))
    return f'{folder}/wide.mp4'


def print_rates(seconds: dict[str, list[float]], frames: int) -> None:
    """Frames a second of each path, and as a share of the first one's."""
    first = next(iter(seconds))
    for name, times in seconds.items():
        ratios = [a / b for a, b in zip(seconds[first], times)]
        print(f'  {name:<16} {frames / statistics.median(times):6.1f} frames/s, '
              f'{statistics.median(ratios):.3f} of {first} '
              f'({min(ratios):.3f} to {max(ratios):.3f})')


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(description=__doc__,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = top.add_subparsers(required=True, metavar='WHAT')

    def add(name: str, run: Callable[[argparse.Namespace], None],
            does: Callable[..., None]) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=(does.__doc__ or '').split('\n')[0])
        command.set_defaults(run=run)
        command.add_argument('--size', type=int, default=256, help='px')
        command.add_argument('--rounds', type=int, default=10, help='turns that are counted')
        return command

    add('step', lambda opt: step(opt.size, opt.rounds, opt.compile), step).add_argument(
        '--compile', action='store_true', help='measure torch.compile too')
    add('data', lambda opt: data(opt.size, 2 * opt.rounds), data)
    filmed = [
        add('preprocess',
            lambda opt: preprocessing(opt.video, max(1, opt.rounds // 4), opt.whole),
            preprocessing),
        add('workers', lambda opt: workers(opt.video, max(1, opt.rounds // 4)), workers)]
    for command in filmed:
        command.add_argument('--video', help='a drawn one if not given')
    filmed[0].add_argument('--whole', action='store_true',
                           help='keep the whole picture at film size too, as transfer.py does')
    add('measure', lambda opt: measure(opt.size, max(1, opt.rounds // 4)), measure)

    def add_plain(name: str, run: Callable[[argparse.Namespace], object],
                  does: Callable[..., object]) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=(does.__doc__ or '').split('\n')[0])
        command.set_defaults(run=run)
        return command
    painted = add_plain('paint', lambda opt: paint(opt.dataroot, opt.pictures), paint)
    painted.add_argument('--dataroot', help='a dataset with body2body\'s joints; default: drawn '
                                           'dancers at three sizes')
    painted.add_argument('--pictures', help='folder for an SVG of each bar')
    whole = add_plain('live', live_whole, live_whole)
    whole.add_argument('--seconds', type=float, default=SECONDS, help='length of a whole session')
    whole.add_argument('--name', help='a run to paint with; default: one of a drawn dancer')
    whole.add_argument('--checkpoints_dir', default='./checkpoints', help='folder of that run')
    whole.add_argument('--camera', help='a film before the camera; default: a drawn dancer')
    whole.add_argument('--whole', action='store_true', help='only whole sessions')
    add_plain('growth', lambda opt: growth(opt.page), growth).add_argument(
        '--page', default='growth.html', help='FILE.html for the plots')
    return top


def main(argv: list[str] | None = None) -> None:
    argv = sys.argv[1:] if argv is None else argv
    for arguments in [argv] if argv else [[name] for name in DEFAULT]:
        opt = parser().parse_args(arguments)
        opt.run(opt)


if __name__ == '__main__':
    run_main(main)
