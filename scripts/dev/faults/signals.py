"""SIGINT, SIGTERM and SIGHUP at a random moment; then the same command again.

A call ends as a shell expects, without a traceback and with no process left behind, and what comes
of the same command afterwards is what an undisturbed one gives.
"""
import random
import signal
import time
from pathlib import Path

from scripts.dev.faults import Trial
from scripts.dev.faults.compare import damaged
from scripts.dev.faults.kill import SOONEST, prepare, same_again
from scripts.dev.faults.process import Running
from scripts.dev.faults.world import JOBS, Undisturbed, World

__all__ = ['COUNT', 'attempt', 'prepare']
COUNT = 48
NAMES = list(JOBS)
# 0: the call was at its end already. A shell gives 128 and the number; a process that has not come
# to run_main yet ends by the signal itself.
STATUSES = {signal.SIGINT: {0, 130, -2}, signal.SIGTERM: {0, 143, -15},
            signal.SIGHUP: {0, 129, -1}}
# a training that is told to stop shows what it paints by then, and goes on with that on its page,
# in place of the epoch's earlier pictures
SHOWN = r'.*/web/(film/\d+\.jpg|images/epoch\d+_\w+\.png)'


def attempt(world: World, known: dict[str, Undisturbed], root: Path, number: int,
            rng: random.Random) -> Trial:
    name = NAMES[number % len(NAMES)]
    turn = number // len(NAMES)
    sent = list(STATUSES)[turn % len(STATUSES)]
    right = known[name]
    call = world.setup(JOBS[name], root)
    plant = world.plant
    if name == 'preprocess' and turn % 2:       # a signal has threads to end
        call = call.but('--num_workers', 2)
        plant = plant or f'{__name__}:share_the_work'
    running = Running(call, root, plant=plant)
    moment = rng.uniform(SOONEST, max(right.seconds, 2 * SOONEST))
    time.sleep(moment)
    running.send(sent)
    ended = running.wait()
    faults = ended.faults() + damaged(root)
    if ended.status not in STATUSES[sent]:
        faults.append(f'it ended with {ended.status}: {ended.last}')
    faults += same_again(world, call, root, right, SHOWN)
    how = f'{name}, {sent.name} after {moment:.2f} s'
    return Trial(f'{sent.name} {name}', [f'{how}: {sentence}' for sentence in faults])


def share_the_work() -> None:
    """Called in the process: the video is too short to be worth a second thread."""
    from preprocessing import detection
    detection.WORTH_A_WORKER = 1
