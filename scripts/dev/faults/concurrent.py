"""The same call twice at once, a moment apart: one goes on, the other one waits or is refused.

What comes of it is what one call gives. A run that trains can be painted with at any moment.
"""
import random
import signal
import time
from pathlib import Path

from scripts.dev.faults import Trial
from scripts.dev.faults.compare import damaged
from scripts.dev.faults.kill import differing, prepare, same_again
from scripts.dev.faults.process import Running, run
from scripts.dev.faults.world import JOBS, Undisturbed, World

__all__ = ['COUNT', 'attempt', 'prepare']
COUNT = 26
WHILE = 'painting while training'
KINDS = (*JOBS, WHILE)
TRAINING = 'pix2pix', 'body2body'
PAINTINGS = 4           # while it trains


def attempt(world: World, known: dict[str, Undisturbed], root: Path, number: int,
            rng: random.Random) -> Trial:
    kind = KINDS[number % len(KINDS)]
    if kind == WHILE:
        return Trial(kind, painted_while_training(world, root))
    right = known[kind]
    call = world.setup(JOBS[kind], root)
    late = rng.choice((0.0, rng.uniform(0, right.seconds)))
    first = Running(call, root, plant=world.plant)
    time.sleep(late)
    second = Running(call, root, plant=world.plant)
    both = first.wait(), second.wait()
    lost = []
    for ended in both:
        lost += ended.faults()
        if ended.status not in (0, 1):
            lost.append(f'one ended with {ended.status}: {ended.last}')
    if all(ended.status for ended in both):
        lost.append(f'neither came to its end: {both[0].last} {both[1].last}')
    if kind in TRAINING and not any(ended.status for ended in both):
        lost.append('both trained')
    lost += damaged(root)
    lost += differing(right, root) or same_again(world, call, root, right)
    return Trial(kind, [f'{kind} twice, {late:.2f} s apart: {sentence}' for sentence in lost])


def painted_while_training(world: World, root: Path) -> list[str]:
    """test.py of a run that saves at every step."""
    world.copy(root, 'me', 'dancer')
    training = world.trained('p', root, 2).but('--save_latest_freq', 1)
    run(training, root, plant=world.plant)
    goes_on = Running(training.but('--max_steps', 400, '--continue_train'), root,
                      plant=world.plant)
    lost: list[str] = []
    for _ in range(PAINTINGS):
        ended = run(world.painted('p', root), root, plant=world.plant)
        lost += ended.faults()
        if ended.status:
            lost.append(f'painting ended with {ended.status}: {ended.last}')
    goes_on.send(signal.SIGTERM)
    ended = goes_on.wait()
    lost += ended.faults() + damaged(root)
    return [f'{WHILE}: {sentence}' for sentence in lost]
