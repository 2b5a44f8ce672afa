"""A disk that becomes full or read-only, at a random file; then room is made.

The call ends with one sentence, or with what it could do and a warning. No file under a final name
is cut off, a dataset that was there is whole, and the same command gives what an undisturbed one
gives once there is room.
"""
import os
import random
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.dev.faults import Trial, kill
from scripts.dev.faults.compare import contents, damaged, differences
from scripts.dev.faults.inject import FULL, Fault
from scripts.dev.faults.kill import differing, same_again, some_change
from scripts.dev.faults.process import Ended, run
from scripts.dev.faults.world import JOBS, Undisturbed, World, free_folder
from util.owned import MAKING

COUNT = 48
KINDS = 'full', 'read_only', 'file_size', 'small_disk'
LEAST = 4096            # bytes that every file may have: what is printed goes into one too
BLOCK = 4096            # bytes that a file on a small disk takes at least
PLAN = 'plan.json'      # the new dataset is whole, and half moved: the next call moves the rest
PLENTY = '1g'
NAMES = list(JOBS)


@dataclass(frozen=True)
class Known:
    """What the jobs give undisturbed, and whether small disks can be mounted here."""
    jobs: dict[str, Undisturbed]
    mounts: bool


def prepare(world: World) -> Known:
    folder = free_folder(world.folder.parent / 'mount')
    mounted = mount(folder, '64k')
    if mounted:
        unmount(folder)
    return Known(kill.prepare(world), mounted)


def attempt(world: World, known: Known, root: Path, number: int, rng: random.Random) -> Trial:
    name = NAMES[number % len(NAMES)]
    right = known.jobs[name]
    kinds: tuple[str, ...] = KINDS if known.mounts else KINDS[:-1]
    if not right.changes:               # processes that it starts make them
        kinds = tuple(kind for kind in kinds if kind not in FULL)
    kind = kinds[number // len(NAMES) % len(kinds)]
    with disk_of(root, kind):
        call = world.setup(JOBS[name], root)
        keeps = name == 'preprocess' and rng.random() < 0.5
        if keeps:           # in place of an older dataset, drawn in another style
            world.copy(root, 'me')
            call = call.but('--overwrite')
        before = contents(root)
        fault = limited(root, kind, right, rng)
        ended = run(call, root, fault, world.plant)
        faults = ended.faults() + damaged(root) + half_done(ended, right, root)
        if keeps and ended.status and not any(root.rglob(PLAN)):
            faults += [f'of the earlier dataset, {sentence}'
                       for sentence in differences(before, removable(contents(root), kind))]
        if kind == 'small_disk':
            subprocess.run(['mount', '-o', f'remount,size={PLENTY}', str(root)], check=True)
        faults += same_again(world, call, root, right)
    how = f'{name}, {kind} {fault.at or ""}'
    if kind in FULL:
        how += f' of {len(right.changes)}, {right.changes[fault.at - 1]}'
    return Trial(f'{kind} {name}', [f'{how}: {sentence}' for sentence in faults])


def limited(root: Path, kind: str, right: Undisturbed, rng: random.Random) -> Fault:
    """Where the disk ends: at a change, at the size of a file, or at a share of what is needed."""
    if kind == 'file_size':
        largest = max(right.sizes.values())
        return Fault(kind, max(LEAST, int(largest * rng.random() ** 2)))
    if kind == 'small_disk':
        there = blocks(path.stat().st_size for path in root.rglob('*') if path.is_file())
        needed = max(0, blocks(right.sizes.values()) - there)
        size = there + max(BLOCK, int(needed * rng.random()))
        subprocess.run(['mount', '-o', f'remount,size={size}', str(root)], check=True)
        return Fault()
    return Fault(kind, some_change(right, rng))


def half_done(ended: Ended, right: Undisturbed, root: Path) -> list[str]:
    """What is wrong with how the call ended on that disk."""
    if ended.status not in (0, 1):
        return [f'it ended with {ended.status}: {ended.last}']
    if ended.status == 0 and 'warning: ' not in ended.text:
        return [f'it ended with 0 and no warning, and {sentence}'
                for sentence in differing(right, root)]
    return []


def removable(found: dict[str, str], kind: str) -> dict[str, str]:
    """`found` without what lies there because nothing can be removed: files that were on their way
    to their place when the disk became read-only."""
    if kind != 'read_only':
        return found
    return {name: what for name, what in found.items() if MAKING not in Path(name).parts}


def blocks(sizes: Iterable[int]) -> int:
    """Bytes that files of these sizes take."""
    return sum(BLOCK * -(-size // BLOCK) + BLOCK for size in sizes)


@contextmanager
def disk_of(root: Path, kind: str) -> Iterator[None]:
    """`root` is a disk of its own within the block, where one is asked for."""
    if kind != 'small_disk':
        yield
        return
    mount(root, PLENTY)
    try:
        yield
    finally:
        unmount(root)


def mount(folder: Path, size: str) -> bool:
    """Mount a small disk in memory at `folder`. Returns whether this user may."""
    if os.geteuid():
        return False
    done = subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={size}', 'tmpfs', str(folder)],
                          capture_output=True)
    return not done.returncode


def unmount(folder: Path) -> None:
    subprocess.run(['umount', '-l', str(folder)], capture_output=True)
