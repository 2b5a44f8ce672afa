"""Files made to do harm. A loss is a change outside of their folder, a connection that leaves this
machine, a server that others reach, a program or code that runs, more than 1.5 GB of memory, a
traceback or a hang.
"""
import json
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

from scripts.dev.faults import Trial
from scripts.dev.faults.attacks import all_attacks
from scripts.dev.faults.harms import VICTIMS
from scripts.dev.faults.inject import OUTWARD, Fault
from scripts.dev.faults.mutate import MEMORY
from scripts.dev.faults.mutate import prepare as prepare_files
from scripts.dev.faults.process import run
from scripts.dev.faults.world import World, free_folder

ATTACKS = list(all_attacks())
random.Random(0).shuffle(ATTACKS)       # so that the first few are of every kind
COUNT = len(ATTACKS)
LOOPBACK = "('127.", "('localhost", "('::1", '/', 'b'       # the last two: sockets of one machine
ALL = 4 << 30           # bytes: a call that would take all that there is ends before
SHOWN = 160             # letters of what a call did


def prepare(world: World) -> None:
    prepare_files(world)


def attempt(world: World, known: None, root: Path, number: int, rng: random.Random) -> Trial:
    attack = ATTACKS[number % len(ATTACKS)]
    inside, outside = free_folder(root / 'inside'), free_folder(root / 'outside')
    for name in VICTIMS:
        (outside / name).parent.mkdir(exist_ok=True)
        (outside / name).write_text(f'mine: {name}')
    world.copy(inside, *attack.needs)
    attack.change(inside, outside)
    before = snapshot(outside)
    reader = rng.choice(attack.readers)
    notes = root / 'notes.jsonl'
    call = reader(world, inside)
    ended = run(call, inside, Fault(notes=str(notes), memory=ALL), world.plant)
    lost = ended.faults()
    if ended.status not in (0, 1):
        lost.append(f'it ended with {ended.status}: {ended.last}')
    if ended.peak > MEMORY:
        lost.append(f'it took {ended.peak / 1e9:.1f} GB')
    if snapshot(outside) != before:
        changed = {path for path, _ in snapshot(outside).items() ^ before.items()}
        lost.append(f'outside of its folder, it changed {", ".join(sorted(changed))}')
    lost += dict.fromkeys(reached_out(notes, root))
    return Trial('attack', [f'{attack.name}, {reader.__name__}: {sentence}' for sentence in lost])


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file and folder of `folder`, and what is in it."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else b''
            for path in folder.rglob('*')}


def reached_out(notes: Path, root: Path) -> Iterator[str]:
    """A sentence for each event that leads out of `inside`, to the network or into a program."""
    usual = [tempfile.gettempdir(), '/dev/', '/proc/', str(Path.home() / '.cache'),
             str(Path.home() / '.config')]
    for line in notes.read_text('utf-8', 'replace').splitlines() if notes.exists() else []:
        event, *words = json.loads(line)
        if event in ('socket.connect', 'socket.bind'):
            if not words[-1].startswith(LOOPBACK):
                yield f'{event} {words[-1][:SHOWN]}'
        elif event in OUTWARD:
            yield f'{event} {" ".join(words)[:SHOWN]}'
        elif not words[-1].startswith(f'{root}/inside') and '__pycache__' not in words[-1]:
            is_usual = any(words[-1].startswith(folder) for folder in usual)
            if words[-1].startswith(str(root)) or not is_usual:
                yield f'{event} {words[-1][:SHOWN]}'
