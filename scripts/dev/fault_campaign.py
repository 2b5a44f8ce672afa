"""Makes everything go wrong on purpose, and looks for what is lost: thousands of small trials.

    python scripts/dev/fault_campaign.py                                    every driver
    python scripts/dev/fault_campaign.py kill mutate --seed 3 --count 100   two of them
    python scripts/dev/fault_campaign.py kill --seed 3 --first 17 --count 1 one trial again

The drivers are kill, signals, disk, mutate, hostile and concurrent, in scripts/dev/faults/. What
they promise is in docs/trust.md. A loss is one line with the command that makes it again, and the
exit status is then 1. Linux only.
"""
import argparse
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scripts.dev.faults import Trial
from scripts.dev.faults.world import World, free_folder
from util.errors import UserError, run_main, say
from util.parallel import in_order
from util.progress import progress
from util.words import command

DRIVERS = 'kill', 'signals', 'disk', 'mutate', 'hostile', 'concurrent'
SEEDS = 10_000
AT_ONCE = 2         # trials: each needs one core


def campaign(world: World, name: str, seed: int, first: int = 0,
             count: int | None = None, at_once: int = AT_ONCE) -> list[str]:
    """Make the trials of one driver. Returns what was lost, one line each.

    first, count   which trials: from number `first`, how many; default: the driver's own COUNT
    """
    driver = import_module(f'scripts.dev.faults.{name}')
    known = driver.prepare(world)
    numbers = range(first, first + (driver.COUNT if count is None else count))

    def attempt(number: int) -> Trial:
        root = free_folder(world.folder.parent / 'trials' / f'{name}{number}')
        rng = random.Random(f'{name} {seed} {number}')
        trial: Trial = driver.attempt(world, known, root, number, rng)
        if not trial.lost:
            shutil.rmtree(root)
        return trial

    tried: Counter[str] = Counter()
    lost = []
    with ThreadPoolExecutor(at_once) as pool:
        trials = in_order(pool, attempt, ((number,) for number in numbers), 2 * at_once)
        for number, trial in zip(numbers, progress(trials, name, len(numbers), 'trial')):
            tried[trial.kind] += 1
            again = command('scripts/dev/fault_campaign.py', name, seed=seed, first=number,
                            count=1)
            lost += [f'LOST {sentence}\n     {again}' for sentence in trial.lost]
            for line in lost[len(lost) - len(trial.lost):]:
                say(line)
    kinds = ', '.join(f'{kind} {count}' for kind, count in tried.items())
    say(f'{name}, seed {seed}: {sum(tried.values())} tried ({kinds}), {len(lost)} lost')
    return lost


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(description=__doc__, allow_abbrev=False,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument('drivers', nargs='*', metavar='DRIVER', help=f'{", ".join(DRIVERS)}; all if '
                                                                 f'none is named')
    top.add_argument('--seed', type=int, help='of the trials; default: another each time')
    top.add_argument('--first', type=int, default=0, help='number of the first trial')
    top.add_argument('--count', type=int, help='trials of each driver; default: its share of 20 '
                                               'minutes on two cores')
    top.add_argument('--folder', type=Path, help='folder to work in, where trials that lost '
                                                 'something stay; default: a temporary one')
    return top


def main(argv: Sequence[str] | None = None) -> None:
    opt = parser().parse_args(argv)
    for name in opt.drivers:
        if name not in DRIVERS:
            raise UserError(f'{name}: no such driver. There is {", ".join(DRIVERS)}.')
    seed = random.randrange(SEEDS) if opt.seed is None else opt.seed
    with tempfile.TemporaryDirectory(prefix='faults') as temporary:
        place = Path(temporary)
        if opt.folder:          # a new folder within it: what is there may be anybody's
            opt.folder.mkdir(parents=True, exist_ok=True)
            place = Path(tempfile.mkdtemp(prefix='faults', dir=opt.folder))
        world = World(place.resolve() / 'world')
        world.make()
        lost: list[Any] = []
        for name in opt.drivers or DRIVERS:
            lost += campaign(world, name, seed, opt.first, opt.count)
    sys.exit(bool(lost))


if __name__ == '__main__':
    run_main(main)
