"""Several calls of scripts/suite.py that fill one folder at once, each with every n-th pair.

    python scripts/suite.py pairs.json --out DIR --shard 1/2
    python scripts/suite.py pairs.json --out DIR --shard 2/2        # at the same time

Locks, in DIR/.shards, belong to the processes and end with them. What two pairs share, as a target
is, is made by the call that comes first; the other waits for it.
"""
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock, Timeout

from scripts.suite_pairs import Pair
from scripts.suite_record import RECORD, read_suite
from scripts.suite_runs import Call, Suite
from util.errors import UserError, say
from util.owned import locked

LOCKS = '.shards'
Part = TypeVar('Part')


def shard_of(pairs: Sequence[Part], shard: str) -> list[Part]:
    """The pairs of --shard i/n: number i, i + n, and so on, from 1. UserError where it has none."""
    found = re.fullmatch(r'(\d+)/(\d+)', shard)
    number, count = map(int, found.groups()) if found else (0, 0)
    if not 1 <= number <= count:
        raise UserError(f'--shard {shard}: give a number and how many there are, from 1/4 to 4/4 '
                        f'for four calls.')
    if number > len(pairs):
        raise UserError(f'--shard {shard}: the list has {len(pairs)} pair(s), so this shard has '
                        f'none. Give {len(pairs)} shards or fewer.')
    return list(pairs[number - 1::count])


class SharedSuite(Suite):
    """A suite of which other calls make other pairs at the same time."""

    def __init__(self, shard: str, folder: Path, listed: Sequence[Pair], chosen: Sequence[Pair],
                 minutes: float | None, size: int | None = None):
        super().__init__(folder, listed, chosen, minutes, size)
        self.shard = '/'.join(str(int(part)) for part in shard.split('/'))      # 01/2 is 1/2
        self.own: dict[str, set[str]] = {
            'pairs': set(self.options), 'held_out': set(), 'prepared': set()}

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """No other call does a pair of this shard within the block."""
        if not (self.folder / LOCKS).is_dir():
            self.check_place()
        own = self.lock(f'shard {self.shard}'.replace('/', ' of '))
        try:
            own.acquire(timeout=0)
        except Timeout:
            raise UserError(f'--shard {self.shard}: another call does this shard of {self.folder}. '
                            f'Wait for it, or stop it.') from None
        try:
            check_shards(self.folder, self.shard)
            with self.lock('suite'):
                self.check_place()
                with locked(self.folder):
                    pass
            yield
        finally:
            own.release()

    def lock(self, name: str) -> FileLock:
        """A lock that the calls share."""
        folder = self.folder / LOCKS
        folder.mkdir(parents=True, exist_ok=True)
        return FileLock(folder / f'{name.replace("/", " ")}.lock')

    @contextmanager
    def alone(self) -> Iterator[None]:
        """No other call writes into the folder itself, and this one knows what they wrote."""
        with self.lock('suite'):
            self.refresh()
            yield

    def refresh(self) -> None:
        """Take over what other calls have recorded since."""
        if not (self.folder / RECORD).is_file():
            return
        for part, rows in read_suite(self.folder).items():
            if part in self.own:
                kept = {name: row for name, row in self.record[part].items()
                        if name in self.own[part] or name not in rows}
                self.record[part] = rows | kept

    def save(self) -> None:
        with self.alone():
            super().save()

    def paint(self, pair: Pair, call: Call) -> None:
        """The first call that needs a dataset or a run makes it, while the others wait."""
        with ExitStack() as held:
            locks = {}
            for folder in self.unfinished(pair):
                locks[folder] = held.enter_context(self.making(folder))
            with self.alone():
                for folder in locks.keys() - set(self.unfinished(pair)):
                    locks[folder].release()
            # from here on this call counts what goes into them
            self.own['prepared'] |= set(self.unfinished(pair))
            super().paint(pair, call)
        self.own['prepared'] = set()

    def unfinished(self, pair: Pair) -> list[str]:
        """The folders that this pair needs and nobody has finished, in the order in which every
        call locks them."""
        prepared = self.record['prepared']
        found = []
        for folder, inputs in self.folders(pair).values():
            known = prepared.get(folder, {'finished': False})
            if not known['finished'] or known['inputs'] != inputs:
                found.append(folder)
        return sorted(found)

    @contextmanager
    def making(self, what: str) -> Iterator[FileLock]:
        """No other call makes that within the block, or until the lock is released in it."""
        lock = self.lock(what)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            say(f'waiting for another shard, which makes {self.folder / what}.')
            lock.acquire()
        try:
            yield lock
        finally:
            lock.release()

    def hold_out(self, pair: Pair, call: Call) -> None:
        """By the call that comes first."""
        with self.making(f'held_out/{pair.run}'):
            with self.alone():
                pass
            if not self.is_held_out(pair):
                self.own['held_out'].add(pair.run)
                super().hold_out(pair, call)


class WholeSuite(Suite):
    """A suite of which one call makes all pairs."""

    @contextmanager
    def at_work(self) -> Iterator[None]:
        with super().at_work():
            check_shards(self.folder)
            yield


def check_shards(folder: Path, own: str = '') -> None:
    """UserError where a call does a shard of another division of the list, or any, for a call that
    makes all pairs: it would make the same pairs."""
    count = own.partition('/')[2]
    for path in sorted((folder / LOCKS).glob('shard *.lock')):
        shard = path.stem.removeprefix('shard ').replace(' of ', '/')
        if shard.partition('/')[2] == count:
            continue
        try:
            with FileLock(path, timeout=0):
                pass
        except Timeout:
            raise UserError(f'{folder}: another call does --shard {shard} of it, and some of the '
                            f'same pairs. Wait for it, or stop it.') from None


def suite_of(shard: str | None, *given: Any) -> Suite:
    """The suite of a call with or without --shard."""
    return WholeSuite(*given) if shard is None else SharedSuite(shard, *given)
