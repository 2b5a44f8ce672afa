"""The figures of a live session as a file, and on the terminal."""
import datetime
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from live.figures import line
from live.film import free
from live.quality import Quality
from util.errors import UserError, say, warn
from util.files import read_json
from util.noted import check_ours, write_noted
from util.owned import check_place

KEYS = {'run', 'camera', 'quality', 'rate'}     # of every report
LOG_EVERY = 10          # s between two lines where the terminal is a file


def check_report(text: str | None) -> None:
    """UserError where --report cannot be written, or would replace what is the user's."""
    if text is None:
        return
    path = Path(text)
    if path.is_dir():
        raise UserError(f'--report {text}: that is a folder. Give --report {path / "live.json"}.')
    if path.suffix != '.json':
        raise UserError(f'--report {text}: is written as JSON. Give --report '
                        f'{path.with_suffix(".json").name or "live.json"}.')
    check_place(path.parent)
    check_free(path)


def check_free(path: Path) -> None:
    """UserError where a file is there that is no earlier report, whoever wrote it."""
    check_ours(path.parent, [path.name])
    if not path.exists():
        return
    found = read_json(path)
    if not isinstance(found, dict) or not found.keys() >= KEYS:
        raise UserError(f'--report {path}: that file is no report of webcam.py. Give another name.')


def write_report(path: Path, run: str, camera: str, quality: Quality, size: tuple[int, int],
                 rate: float, figures: dict[str, Any]) -> None:
    """Write the figures of the whole session, with what they are of. A file that somebody put
    there during the session stays, and they go next to it."""
    try:
        check_free(path)
    except UserError:
        taken, path = path, free(path)
        warn(f'--report {taken}: was put there by somebody else meanwhile; the figures are in '
             f'{path}.')
    made = datetime.datetime.now().astimezone().isoformat(timespec='seconds')
    path.parent.mkdir(parents=True, exist_ok=True)
    write_noted(path, json.dumps({
        'run': run, 'camera': camera, 'size': list(size), 'rate': rate,
        'quality': asdict(quality), **figures, 'made': made}, indent=1) + '\n')


def teller() -> Callable[[dict[str, Any]], None]:
    """Shows the figures of each second: in one place of a terminal, or as lines of a log."""
    if not sys.stderr.isatty():
        seconds = 0

        def log(figures: dict[str, Any]) -> None:
            nonlocal seconds
            seconds += 1
            if seconds % LOG_EVERY == 0:
                say(line(figures))
        return log
    from tqdm import tqdm
    bar = tqdm(bar_format='{desc}', leave=False, dynamic_ncols=True)
    return lambda figures: bar.set_description_str(line(figures))
