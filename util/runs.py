"""A run's folder, CHECKPOINTS_DIR/NAME: who may train into it, and what it says of itself."""
import datetime
import platform
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from util.errors import UserError
from util.files import clear_leftovers, read_json, write_json, write_text
from util.owned import matching, remove

RECORDS = ('run.json', 'train_opt.txt', 'opt.txt')

# what the training loop writes, as regular expressions
WRITTEN = (r'(latest|best|\d+|iter_\d+)_net_[A-Z]\w*\.pth', r'latest_state\.pth',
           *map(re.escape, RECORDS))


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

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else trains into this folder within the block. The lock belongs to the process
        and ends with it, even after a crash."""
        from filelock import FileLock, Timeout
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with FileLock(self.path / '.lock', timeout=0):
                clear_leftovers(self.path)
                yield
        except Timeout:
            raise UserError(f'another training writes into {self.path}. Wait for it, stop '
                            f'it, or use another --name.') from None

    def clear(self) -> None:
        """Remove what an earlier run wrote: its weights, what its model kept, its records, log and
        pages. Files of other names stay."""
        from util.sinks import SINKS
        pages = [pattern for sink in SINKS.importable().values() for pattern in sink.WRITES]
        remove(self.path, (*WRITTEN, *self.artefacts, *pages))

    def write_record(self, options: dict[str, Any], dataset: dict[str, Any],
                     model: dict[str, Any]) -> None:
        write_record(self.path, options, dataset, model)


def read_record(folder: Path) -> dict[str, Any]:
    """{'options': {...}, 'dataset': {...}, ...} of the run in `folder`; {} if there is none.

    A run made by upstream has only text: then every option is a str, in the spelling of its year.
    """
    for name in RECORDS:
        path = folder / name
        if path.is_file():
            if path.suffix == '.json':
                return read_json(path)
            return {'options': read_option_lines(path.read_text('utf-8', 'replace'))}
    return {}


def read_option_lines(text: str) -> dict[str, str]:
    """`   netG: unet_256     [default: resnet_9blocks]` lines -> {'netG': 'unet_256'}."""
    found = re.findall(r'^\s*(\w+):[ \t]*(.*?)[ \t]*(?:\[default:.*\])?[ \t]*$', text, re.M)
    return dict(found)


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
