"""What --background may name, for test.py, transfer.py and webcam.py alike."""
from pathlib import Path

import numpy as np

from util.errors import UserError
from util.images import read_or_reason, size_or_reason
from util.video import probe

OWN, SOURCE, PLAIN, ALPHA = 'own', 'source', 'green', 'alpha'
LIVE = OWN, SOURCE, PLAIN           # a window and a virtual camera have no transparency
OFFLINE = *LIVE, ALPHA
SPELLINGS = {'camera': SOURCE}      # live, the source is a camera; this was its name first


def named(text: str) -> str:
    """The name as the program has it; a file stays."""
    return SPELLINGS.get(text, text)


def check_model(text: str, has_alpha: bool, model: str) -> None:
    """UserError where a model cannot paint before another background than its own.

    has_alpha   whether it knows where in its pictures the person is
    """
    if named(text) != OWN and not has_alpha:
        raise UserError(f'--background {text}: --model {model} paints the whole picture and '
                        f'does not know where in it the person is. Use --background own, or a '
                        f'run of --model body2body.')


def check_offline(text: str, has_alpha: bool, model: str) -> None:
    """UserError where test.py cannot paint before --background, whatever the dataset is."""
    check_model(text, has_alpha, model)
    if named(text) in OFFLINE:
        return
    if not Path(text).is_file():
        is_folder = Path(text).is_dir()
        raise no_file(text, 'that is a folder' if is_folder else 'there is no such file', OFFLINE)
    if is_picture(text):
        return
    try:
        probe(text)
    except UserError:
        raise no_file(text, 'it is neither a picture nor a video', OFFLINE) from None


def is_picture(text: str) -> bool:
    return not isinstance(size_or_reason(Path(text)), str)


def read_picture(text: str, names: tuple[str, ...] = OFFLINE) -> np.ndarray:
    """uint8 (H, W, 3) of --background FILE."""
    found = 'that is a folder' if Path(text).is_dir() else read_or_reason(Path(text))
    if isinstance(found, str):
        raise no_file(text, found, names)
    return found


def no_file(text: str, reason: str, names: tuple[str, ...]) -> UserError:
    films = ' or a video' if ALPHA in names else ''
    return UserError(f'--background {text}: {reason}. Give the file of a picture{films}, or one of '
                     f'{", ".join(names)}.')
