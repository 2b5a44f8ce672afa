"""What it costs to show a training everywhere: page, log, TensorBoard and visdom, against nowhere.

    python scripts/dev/benchmark_sinks.py
    python scripts/dev/benchmark_sinks.py --train_args="--ngf 32 --ndf 32"
"""
import argparse
import shlex
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from util.errors import run_main

TURN = 20               # steps
STEPS = 420             # times --rounds; enough for --display_freq to show pictures on the way
FRAMES = 32             # in each part of the dataset
NOWHERE = ['--no_html', '--display_id', '0']


def measure(size: int, rounds: int, train_args: str) -> None:
    """Train twice and print what a step takes.

    Both runs train in one process and take turns of TURN steps: a machine that others use drifts
    by more than the difference. What a sink still does when its run's turn is over counts against
    the other run; that is a twentieth of it at most.
    """
    turns = Turns()
    with tempfile.TemporaryDirectory() as folder, visdom_server(folder) as port:
        write_noise(Path(folder) / 'pairs', size)
        visdom = ['--display_port', str(port)] if port else ['--display_id', '0']
        runs = {'nowhere': NOWHERE, 'everywhere': ['--tensorboard', *visdom]}
        common = ['--dataroot', f'{folder}/pairs', '--checkpoints_dir', folder, '--no_compile',
                  '--max_steps', str(STEPS * rounds), *shlex.split(train_args)]
        with ThreadPoolExecutor(2) as pool:
            waiting = [pool.submit(train_in_turns, [*common, '--name', name, *flags], turns)
                       for name, flags in runs.items()]
            for run in waiting:
                run.result()
    print_cost(turns, f'{size}x{size}{train_args and ", "}{train_args}', with_visdom=bool(port))


def write_noise(dataroot: Path, size: int) -> None:
    """An aligned dataset of noise, `size` px high and wide."""
    import numpy as np

    from util.images import write_image
    rng = np.random.default_rng(0)
    for phase in ('train', 'val'):
        (dataroot / phase).mkdir(parents=True)
        for i in range(FRAMES):
            pair = rng.integers(0, 256, (size, 2 * size, 3), np.uint8)
            write_image(dataroot / phase / f'{i + 1:06d}.png', pair)


def train_in_turns(argv: list[str], turns: 'Turns') -> None:
    """What train.py does for a new run, handing over after every TURN steps."""
    import torch

    from data import datasets
    from models import models
    from models.engine import choose_engine
    from options.train_options import TrainOptions
    from training.loop import Training
    from util.visualizer import RunFacts, Visualizer

    class InTurns(Training):
        def report(self, *args: Any) -> None:
            super().report(*args)
            if self.position.steps % TURN == 0:
                turns.hand_over(self.opt.name)

    opt = TrainOptions().parse(argv)
    with turns.taken(opt.name):
        torch.manual_seed(opt.seed)
        engine = choose_engine(opt.device, opt.gpu_ids, opt.precision, opt.no_compile)
        dataset_class = datasets.find(opt.dataset_mode)
        dataset = dataset_class(opt, opt.phase)
        heldout = dataset_class(opt, opt.val_phase)
        folder = Path(opt.checkpoints_dir) / opt.name
        training = InTurns(opt, models.find(opt.model)(opt, engine), dataset, heldout, folder)
        training.files.save()
        facts = {'size': list(dataset.size), **dataset.facts}
        training.run(Visualizer(RunFacts(opt.name, folder, opt.facts(), facts)))


def print_cost(turns: 'Turns', what: str, with_visdom: bool) -> None:
    import numpy as np
    nowhere = np.array(turns.seconds['nowhere'][1:])            # the first turn also sets things up
    everywhere = np.array(turns.seconds['everywhere'][1:])
    lost = 100 * (everywhere - nowhere) / nowhere.mean()
    print(f'training, {what}, {len(lost)} turns of {TURN} steps each'
          f'{"" if with_visdom else ", without visdom"}\n'
          f'  shown nowhere    {1e3 * nowhere.mean() / TURN:6.0f} ms a step\n'
          f'  shown everywhere {1e3 * everywhere.mean() / TURN:6.0f} ms a step, '
          f'{lost.mean():.2f} % more (standard error {lost.std(ddof=1) / len(lost) ** 0.5:.2f})')


class Turns:
    """Threads of which one works at a time, each in its turn.

    seconds   {name: how long each of its turns took}
    """

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}
        self.queue: list[str] = []              # the first one works
        self.changed = threading.Condition()
        self.began = 0.0

    @contextmanager
    def taken(self, name: str) -> Iterator[None]:
        """Wait for the first turn; the time after the last hand_over is not counted."""
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
    """The port of a new visdom server; None, and one line, where none can be started."""
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--size', type=int, default=256, help='px')
    parser.add_argument('--rounds', type=int, default=2, help=f'times {STEPS} steps of each run')
    parser.add_argument('--train_args', default='',
                        help='further flags of train.py, e.g. --train_args="--ngf 32 --ndf 32"')
    opt = parser.parse_args()
    measure(opt.size, max(1, opt.rounds), opt.train_args)


if __name__ == '__main__':
    run_main(main)
