"""Files that are damaged, or say something else, in everything that the entry points read.

A loss is a traceback, a hang, an exit status that is not 0 or 1, too much memory, or a picture that
differs without a word although the format has a checksum.
"""
import random
from dataclasses import dataclass
from pathlib import Path

from scripts.dev.faults import Trial, changes
from scripts.dev.faults.changes import AS_BYTES, BYTES, CHECKED, Change
from scripts.dev.faults.compare import contents, differences
from scripts.dev.faults.process import run
from scripts.dev.faults.readers import (
    Reader,
    compares,
    examines,
    fits,
    fits_to_run,
    paints,
    paints_body,
    prepares,
    prepares_again,
    prepares_from_json,
    redraws,
    trains,
    trains_again,
    trains_body,
    trains_body_again,
    trains_cached,
    with_sound,
)
from scripts.dev.faults.world import World, free_folder

COUNT = 400
MEMORY = 1.5e9          # bytes: what nothing damaged may make a tiny call take
WORDS = 'warning: ', 'left out'     # of a call that says what it could not use

@dataclass(frozen=True)
class Kind:
    """Files of one kind.

    needs    what a trial's folder gets from the world
    files    a pattern of the files, one of which is changed
    how      the changes
    readers  the calls that read such a file
    """
    name: str
    needs: tuple[str, ...]
    files: str
    how: tuple[Change, ...]
    readers: tuple[Reader, ...]


POSES = 'dancer', 'runs/p'
BODY = 'dancer', 'runs/b'
RESULTS = 'results', 'runs/p', 'runs/b'
KINDS = (
    Kind('video', (*POSES, 'source.mp4', 'source.npz'), 'source.mp4', changes.BYTES,
         (prepares, with_sound)),
    Kind('joints', ('source.mp4', 'source.npz'), 'source.npz', changes.NPZ, (prepares,)),
    Kind('OpenPose JSON', ('openpose_json',), 'openpose_json/*.json', changes.JSON,
         (prepares_from_json,)),
    Kind('pair', ('me', 'runs/p'), 'me/train/*.png', changes.BYTES,
         (trains, trains_body, redraws, examines)),
    Kind('mask', ('me',), 'me/masks/*.png', changes.BYTES, (trains_body,)),
    Kind('pose', POSES, 'dancer/val/*.png', changes.BYTES, (paints,)),
    Kind('poses.npz', ('me', 'dancer'), 'me/poses.npz', changes.NPZ,
         (trains, trains_body, redraws, examines, fits, prepares_again)),
    Kind('poses.npz of poses', (*POSES, 'runs/b'), 'dancer/poses.npz', changes.NPZ,
         (paints, paints_body)),
    Kind('found.npz', ('me', 'dancer'), 'me/found.npz', changes.NPZ, (examines, prepares_again)),
    Kind('dataset.json', ('me', 'dancer', 'runs/p'), 'me/dataset.json', changes.JSON,
         (trains, trains_body, trains_again, redraws, examines, fits, prepares_again)),
    Kind('dataset.json of poses', POSES, 'dancer/dataset.json', changes.JSON, (paints,)),
    Kind('frames.json', ('me', 'dancer'), 'me/report/frames.json', changes.JSON, (examines,)),
    Kind('run.json', ('me', *POSES), 'runs/p/run.json', changes.JSON,
         (paints, trains_again, fits_to_run)),
    Kind('train_opt.txt', POSES, 'runs/p/train_opt.txt', changes.TEXT, (paints,)),
    Kind('state', ('me', 'dancer', 'runs/p', 'runs/b'), 'runs/[pb]/latest_state.pth', changes.PTH,
         (trains_again, trains_body_again, paints, paints_body)),
    Kind('weights', ('me', *POSES), 'runs/p/latest_net_G.pth', changes.PTH,
         (paints, trains_again)),
    Kind('weights of body2body', ('me', *BODY), 'runs/b/latest_net_*.pth', changes.PTH,
         (paints_body, trains_body_again)),
    Kind('background', ('me', *BODY), 'runs/b/plate/plate.*', changes.NPZ,
         (paints_body, trains_body_again)),
    Kind('index', ('me', *BODY), 'runs/b/index/*.npz', changes.NPZ,
         (paints_body, trains_body_again)),
    Kind('pictures of the run', ('me', *BODY), 'runs/b/[im]*/*.png', changes.BYTES,
         (paints_body, trains_body_again)),
    Kind('metrics.json', RESULTS, 'results/p/latest_val/metrics.json', changes.JSON, (compares,)),
    Kind('painting.json', (*RESULTS, 'dancer'), 'results/p/latest_val/painting.json', changes.JSON,
         (compares, paints)),
    Kind('painted picture', RESULTS, 'results/p/latest_val/images/*.png', changes.BYTES,
         (compares,)),
    Kind('painted film', RESULTS, 'results/p/latest_val/*.mp4', changes.BYTES, (compares,)),
    Kind('history', ('me', 'runs/p'), 'runs/p/web/history.jsonl', changes.TEXT, (trains_again,)),
    Kind('cache', ('cached',), 'cached/.cache/*.json', changes.JSON, (trains_cached,)))
PICTURED = paints, paints_body      # readers whose pictures are compared with those of whole files


def prepare(world: World) -> dict[str, dict[str, str]]:
    """{reader: what it paints with whole files}. OpenPose JSON and a cache are made too."""
    root = world.folder.parent / 'undisturbed' / 'mutate'
    if not (world.folder / 'cached').is_dir():
        world.copy(free_folder(root), 'source.mp4', 'source.npz', 'me')
        world.must(prepares(world, root).but('--write_json'))
        (root / 'made/openpose_json').rename(world.folder / 'openpose_json')
        (root / 'me').rename(root / 'cached')
        world.must(trains_cached(world, root))
        (root / 'cached').rename(world.folder / 'cached')
    known = {}
    for reader in PICTURED:
        world.copy(free_folder(root), 'me', 'dancer', 'runs/p', 'runs/b')
        world.must(reader(world, root))
        known[reader.__name__] = pictures(root)
    return known


def attempt(world: World, known: dict[str, dict[str, str]], root: Path, number: int,
            rng: random.Random) -> Trial:
    kind = KINDS[number % len(KINDS)]
    reader = rng.choice(kind.readers)
    world.copy(root, *kind.needs)
    path, change = damage(root, kind, rng)
    ended = run(reader(world, root), root, plant=world.plant)
    lost = ended.faults()
    if ended.status not in (0, 1):
        lost.append(f'it ended with {ended.status}: {ended.last}')
    if ended.peak > MEMORY:
        lost.append(f'it took {ended.peak / 1e9:.1f} GB')
    is_checked = path.suffix in CHECKED and change in AS_BYTES
    is_silent = ended.status == 0 and not any(word in ended.text for word in WORDS)
    if is_checked and is_silent and reader.__name__ in known and not lost:
        lost += [f'no word of it, and {sentence}'
                 for sentence in differences(known[reader.__name__], pictures(root))]
    how = f'{path.relative_to(root)}, {change.__name__}, {reader.__name__}'
    return Trial(kind.name, [f'{how}: {sentence}' for sentence in lost])


def damage(root: Path, kind: Kind, rng: random.Random) -> tuple[Path, Change]:
    """Damage one file of that kind. Returns which, and how."""
    path = rng.choice(sorted(root.glob(kind.files)))
    how = BYTES if path.suffix == '.png' else kind.how      # of a kind with files of two formats
    change = rng.choice(how)
    path.write_bytes(change(path.read_bytes(), rng))
    return path, change


def pictures(root: Path) -> dict[str, str]:
    """What was painted in `root`."""
    return {name: found for name, found in contents(root).items()
            if name.startswith('results/') and name.endswith('_fake_B.png')}
