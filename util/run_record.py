"""What a run says of itself: CHECKPOINTS_DIR/NAME/run.json, or upstream's train_opt.txt."""
import datetime
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from util.files import read_json, write_json, write_text

RECORDS = ('run.json', 'train_opt.txt', 'opt.txt')


def read_record(folder: Path) -> dict[str, Any]:
    """{'options': {...}, 'dataset': {...}, ...} of the run in `folder`; {} where none is kept.

    A run made by upstream has only text: then every option is a str, in its year's spelling.
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
    """Write run.json and, for the eyes of upstream's users and tools, train_opt.txt.

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
