"""SIGKILL at a random moment, or just before a change of a file; then the same command again.

The second call must give what an undisturbed one gives, the same weights and pictures, and leave
nothing else behind.
"""
import json
import random
import re
import signal
import time
from pathlib import Path

from scripts.dev.faults import Trial
from scripts.dev.faults.compare import contents, damaged, differences
from scripts.dev.faults.inject import Fault
from scripts.dev.faults.process import Call, Running, run
from scripts.dev.faults.world import JOBS, Undisturbed, World, continued, free_folder

COUNT = 78
SOONEST = 0.05          # s
NAMES = list(JOBS)


def prepare(world: World) -> dict[str, Undisturbed]:
    for name in JOBS:
        if name not in world.undisturbed:
            root = world.folder.parent / 'undisturbed' / name
            world.undisturbed[name] = undisturbed(world, name, root)
    return world.undisturbed


def undisturbed(world: World, name: str, root: Path) -> Undisturbed:
    """Run that job once, and look at what it gives."""
    call = world.setup(JOBS[name], free_folder(root))
    notes = root.with_name(f'{name}.notes')
    notes.unlink(missing_ok=True)
    ended = run(call, root, Fault(notes=str(notes)))
    if ended.status or ended.faults():
        raise SystemExit(f'{call}\n{ended.text}\nfailed without any fault.')
    sizes = {str(path): path.stat().st_size for path in root.rglob('*') if path.is_file()}
    changes = []
    for line in notes.read_text('utf-8').splitlines():
        event, *paths = json.loads(line)
        if paths and paths[-1].startswith(f'{root}/'):
            changes.append(f'{event} {paths[-1].removeprefix(f"{root}/")}')
    job = JOBS[name]
    return Undisturbed(contents(root), sizes, ended.seconds, changes, job.varies, job.keeps)


def attempt(world: World, known: dict[str, Undisturbed], root: Path, number: int,
            rng: random.Random) -> Trial:
    name = NAMES[number % len(NAMES)]
    right = known[name]
    call = world.setup(JOBS[name], root)
    if number // len(NAMES) % 2 or not right.changes:
        how = f'after {kill_sometime(world, call, root, right.seconds, rng):.2f} s'
    else:
        at = some_change(right, rng)
        run(call, root, Fault('kill', at), world.plant)
        how = f'before change {at} of {len(right.changes)}, {right.changes[at - 1]}'
    trial = Trial(name)
    for sentence in damaged(root):
        trial.lost.append(f'{name} killed {how}: {sentence}')
    for sentence in same_again(world, call, root, right):
        trial.lost.append(f'{name} killed {how}: {sentence}')
    return trial


def some_change(right: Undisturbed, rng: random.Random) -> int:
    """The number of a change, from 1. Each kind of change is as likely as any other: a run's state
    takes its place a few times, its pictures hundreds of times."""
    kinds: dict[str, list[int]] = {}
    for number, change in enumerate(right.changes, 1):
        kinds.setdefault(re.sub(r'\d+', '', change), []).append(number)
    return rng.choice(kinds[rng.choice(sorted(kinds))])


def kill_sometime(world: World, call: Call, root: Path, seconds: float,
                  rng: random.Random) -> float:
    """Kill the call at a random moment of its time; returns which."""
    running = Running(call, root, plant=world.plant)
    moment = rng.uniform(SOONEST, max(seconds, 2 * SOONEST))
    time.sleep(moment)
    running.send(signal.SIGKILL)
    running.wait()
    return moment


def same_again(world: World, call: Call, root: Path, right: Undisturbed,
               more: str = '') -> list[str]:
    """Give the same command, with the flag that it asks for, and compare with an undisturbed one.
    Returns what is not as it should be.

    more   a regular expression of files that there may be as well, or that may differ
    """
    ended = run(call, root, plant=world.plant)
    following = continued(call, ended)
    if following != call:
        ended = run(following, root, plant=world.plant)
    stays = ended.status == 1 and right.keeps and right.keeps in ended.text
    if ended.faults() or ended.status and not stays:
        return ended.faults() or [f'the same command again ends with {ended.status}: {ended.last}']
    return differing(right, root, more)


def differing(right: Undisturbed, root: Path, more: str = '') -> list[str]:
    """What differs in `root` from what an undisturbed call gives. more: as of `same_again`."""
    found = contents(root)
    for name in list(found):
        if re.fullmatch(more, name) or re.fullmatch(right.varies, name):
            if name in right.contents:
                found[name] = right.contents[name]
            else:
                del found[name]
    return differences(right.contents, found)
