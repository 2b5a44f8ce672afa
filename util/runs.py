"""A run's folder, CHECKPOINTS_DIR/NAME: who may train into it, and what it says of itself."""
import datetime
import platform
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from util.errors import UserError
from util.files import clear_leftovers, natural, read_text, write_json, write_text
from util.noted import NOTES, in_the_way, matching, noted
from util.owned import check_place, finish, of_placed, placed
from util.shapes import (
    anything,
    both,
    check_shape,
    maybe,
    plain,
    plain_name,
    read_shaped,
    record,
    table,
    text,
)
from util.words import command, pasted

NO_NAME = 'experiment_name'     # the default of --name
RECORDS = ('run.json', 'train_opt.txt', 'opt.txt')
FIRST_SAVED = RECORDS[:2]           # what a session writes before its first step

# what run.json holds; data.facts says what is in its `dataset`, options.record what the options are
PLACES = record({}, {'dataroot': maybe(text(r'[^\x00]*', 'a path')), 'phase': plain_name,
                     'val_phase': plain_name, 'dataset_mode': plain_name})
OPTIONS = both(table(plain), PLACES)
RECORD = record({}, {'options': OPTIONS, 'dataset': table(anything)})
CYCLEGAN = '_net_G_A.pth', '_net_G_B.pth'
AGAIN = 'Copy the run again, or train it again with --overwrite.'

# what the training loop writes, as regular expressions
WRITTEN = (r'(latest|best|\d+|iter_\d+)_net_[A-Z]\w*\.pth', r'latest_state\.pth',
           r'background\.jpg', *map(re.escape, RECORDS))
EXPORT = 'export'           # folder of what scripts/export.py writes, which notes each file


class RunFolder:
    """CHECKPOINTS_DIR/NAME.

    artefacts   what models keep there apart from weights, as regular expressions:
                models.artefacts()
    """

    def __init__(self, checkpoints_dir: str, name: str, artefacts: tuple[str, ...]):
        self.path, self.artefacts = Path(checkpoints_dir) / name, artefacts

    @property
    def has_weights(self) -> bool:
        """Whether it holds a trained model: weights, or what a model keeps apart from them."""
        return bool(matching(self.path, (r'[^/]*_net_G\.pth', *self.artefacts)))

    def check_free(self, continue_train: bool, overwrite: bool) -> None:
        """Refuse to train over a run that is there, or on from one that is not."""
        if self.has_weights and not continue_train and not overwrite:
            raise UserError(f'{self.path} holds a trained run already. Add --continue_train to '
                            f'go on with it, --overwrite to start again, or use another --name.')
        found = [] if record_file(self.path) else self.written()
        if found and not continue_train:        # no run of ours: its record comes first
            raise in_the_way(self.path / found[0])

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else trains into this folder within the block. The lock belongs to the process
        and ends with it, even after a crash."""
        from filelock import FileLock, Timeout
        check_place(self.path)
        is_new = not self.path.exists()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with FileLock(self.path / '.lock', timeout=0):
                finish(self.path)
                # of pages and pictures too
                for folder in {part.parent for part in self.path.rglob('.*.part[0-9]*')}:
                    clear_leftovers(folder)
                clear_leftovers(self.path)
                try:
                    yield
                finally:        # within the lock: another training may start in that folder
                    if is_new:
                        self.remove_unused()
        except Timeout:
            raise UserError(f'another training writes into {self.path}. Wait for it, stop '
                            f'it, or use another --name.') from None

    def remove_unused(self) -> None:
        """Leave no folder where a training was refused before its first file."""
        with suppress(OSError):
            if {entry.name for entry in self.path.iterdir()} <= {'.lock'}:
                (self.path / '.lock').unlink(missing_ok=True)
                self.path.rmdir()

    def written(self) -> list[str]:
        """What an earlier run wrote: its weights, what its model kept, its records, log and pages,
        and what was exported of it. Files of other names are somebody else's."""
        from util.sinks import SINKS
        pages = [pattern for sink in SINKS.importable().values() for pattern in sink.WRITES]
        notes = f'.+/{re.escape(NOTES)}'        # in folders of the run: which files are its own
        exported = [f'{EXPORT}/{name}' for name in sorted(noted(self.path / EXPORT))]
        return [*matching(self.path, (*WRITTEN, *self.artefacts, *pages, notes)), *exported]


def check_name(name: str) -> None:
    """UserError where a run's name leads to another folder than one in --checkpoints_dir."""
    if not name or name in ('.', '..') or '/' in name or '\\' in name:
        path = Path(name)
        if name and (path / 'dataset.json').is_file():
            raise UserError(f'--name {name}: that is a dataset, and a run has a plain name. Give '
                            + pasted(name=path.resolve().name))
        raise UserError(f'--name {name}: a run has a plain name; its folder goes into '
                        f'--checkpoints_dir, e.g. '
                        + pasted(checkpoints_dir=path.parent, name=path.name or 'me'))


def record_file(folder: Path) -> Path | None:
    """The file in which the run in `folder` says what it is; None where there is none."""
    places = (placed(folder / name) for name in RECORDS)
    return next((path for path in places if path is not None), None)


def read_record(folder: Path) -> dict[str, Any]:
    """{'options': {...}, 'dataset': {...}, ...} of the run in `folder`; {} if there is none.

    A run made by upstream has only text: then every option is a str, in the spelling of its year.
    """
    found = (of_placed(folder / name, _record_in) for name in RECORDS)
    return next((record for record in found if record is not None), {})


def _record_in(path: Path) -> dict[str, Any]:
    if path.suffix == '.json':
        return read_shaped(path, RECORD, AGAIN)
    options = read_option_lines(read_text(path))
    check_shape(path, options, OPTIONS, AGAIN)
    return {'options': options}


def read_option_lines(text: str) -> dict[str, str]:
    """`   netG: unet_256     [default: resnet_9blocks]` lines -> {'netG': 'unet_256'}."""
    found = {}
    for line in text.splitlines():
        name, colon, value = line.partition(':')
        if colon and re.fullmatch(r'\w+', name.strip()):
            found[name.strip()] = value.partition('[default:')[0].strip()
    return found


def write_record(folder: Path, options: dict[str, Any], dataset: dict[str, Any],
                 model: dict[str, Any] | None = None) -> None:
    """Write run.json and, for upstream's users and tools, train_opt.txt.

    model   what the model says of itself apart from its options
    """
    write_json(folder / 'run.json', {
        'options': options, 'dataset': dataset, 'model': model or {}, 'versions': versions(),
        'written': datetime.datetime.now().astimezone().isoformat(timespec='seconds')})
    lines = [f'{name:>25}: {value!s:<30}' for name, value in options.items()]
    write_text(folder / 'train_opt.txt', '\n'.join(
        ['----------------- Options ---------------', *lines,
         '----------------- End -------------------']) + '\n')


def versions() -> dict[str, str]:
    """Of Python and of the packages that a picture's pixels depend on."""
    found = {'python': platform.python_version()}
    for package in ('torch', 'numpy', 'opencv-contrib-python', 'mediapipe', 'av'):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            pass
    return found


def missing(path: Path) -> UserError:
    """The error for a missing checkpoint; lists the epochs, or else the runs, that exist."""
    folder = path.parent
    epoch, _, network = path.stem.partition('_net_')
    files = folder.glob(f'[!.]*_net_{network or "G"}.pth')      # not those that macOS adds
    epochs = sorted({p.name.split('_net_')[0] for p in files if p.is_file()}, key=natural)
    if epochs:
        return UserError(f'{path}: no such checkpoint. --epoch can be {", ".join(epochs)}.')
    if network != 'G' and (folder / f'{epoch}_net_G.pth').is_file():
        return UserError(f'{path}: no such checkpoint. Without it {epoch}_net_G.pth can be painted '
                         f'with, by test.py, but not trained on. Copy {path.name} there too, or '
                         f'train again with --overwrite.')
    both = [p.name for ending in CYCLEGAN for p in sorted(folder.glob(f'*{ending}'))]
    if both:
        return UserError(f'{path}: no such checkpoint. There is {", ".join(both)}: CycleGAN trains '
                         f'a generator for each direction. Copy the one that paints frames from '
                         f'poses, G_A where A are the poses: '
                         + pasted('cp', folder / both[0], path))
    all_runs = [path for kind in ('*_net_G.pth', *RECORDS)
                for path in folder.parent.glob(f'*/{kind}')]
    runs = sorted({path.parent.name for path in all_runs}, key=natural)
    if folder.name == NO_NAME:
        first = command('transfer.py', target='me.mp4', source='dancer.mp4')
        known = f'There is {", ".join(runs)}.' if runs else \
            f'{folder.parent} holds none; make one: {first}'
        return UserError(f'--name is missing: name a trained run, e.g. --name me. {known}')
    there = f'There is {", ".join(runs)}' if runs else f'{folder.parent} holds no trained run'
    return UserError(f'{path}: no such checkpoint. {there}. Train one: '
                     + command('train.py', dataroot='datasets/me', name=folder.name))
