"""Several processes on this machine, as torchrun starts them, that cannot hang a test."""
import multiprocessing
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PATIENCE = 240.0        # seconds, on a machine that does much else; then all are killed


@dataclass
class Ended:
    """How a process ended: its exit status, a negative one for a signal, and what it printed."""
    status: int
    out: str
    seconds: float


def together(work: Callable[..., Any], folder: Path, *given: Any, count: int = 2) -> list[Ended]:
    """Call work(*given) in each of `count` ranks; a test that waits for more than PATIENCE fails.

    folder   where their output goes
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    context = multiprocessing.get_context('spawn')
    processes = [context.Process(target=as_rank, args=(rank, count, port, folder, work, given))
                 for rank in range(count)]
    for process in processes:
        process.start()
    ends = [0.0] * count
    started = time.monotonic()
    while not all(ends) and time.monotonic() < started + PATIENCE:
        time.sleep(0.05)
        for rank, process in enumerate(processes):
            if not process.is_alive():
                ends[rank] = ends[rank] or time.monotonic() - started
    for process in processes:
        process.kill()
        process.join()
    outputs = [(folder / f'rank{rank}.txt').read_text('utf-8') for rank in range(count)]
    if not all(ends):
        pytest.fail('a process hangs. They printed:\n' + '\n---\n'.join(outputs))
    return [Ended(process.exitcode, out, end)
            for process, out, end in zip(processes, outputs, ends)]


def as_rank(rank: int, count: int, port: int, folder: Path, work: Callable[..., Any],
            given: tuple) -> None:
    """What runs in each of the processes: work(*given), as an entry point of this program."""
    import models.perceptual
    from util.errors import run_main
    models.perceptual.find_lpips_loss = lambda: None        # as the fixture small_vgg
    os.environ |= {'RANK': str(rank), 'LOCAL_RANK': str(rank), 'WORLD_SIZE': str(count),
                   'LOCAL_WORLD_SIZE': str(count), 'MASTER_ADDR': '127.0.0.1',
                   'MASTER_PORT': str(port)}
    printed = os.open(folder / f'rank{rank}.txt', os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(printed, 1)
    os.dup2(printed, 2)
    run_main(lambda: work(*given))


def free_port() -> int:
    with socket.socket() as unused:
        unused.bind(('127.0.0.1', 0))
        return unused.getsockname()[1]


def entry(main: Callable[[list[str]], object], argv: list[str]) -> None:
    """main(argv) in this rank, whose processes have met before: at another port than then."""
    main(argv)
    os.environ['MASTER_PORT'] = str(int(os.environ['MASTER_PORT']) + 1)
