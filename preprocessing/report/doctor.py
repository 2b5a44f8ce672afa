"""preprocess.py --doctor: look at a dataset again, without its video."""
from pathlib import Path

from preprocessing.report.numbers import write_report
from util.errors import UserError


def doctor(folder: Path, source: Path | None = None) -> Path:
    """Make the report of `folder` again; with two, that of `source`, judged against `folder`.

    Returns the report that was made. UserError for what is no dataset.
    """
    for place in filter(None, (folder, source)):
        if not place.is_dir():
            raise UserError(f'--doctor {place}: no such folder. Give a dataset, and after it, if '
                            f'you like, poses to be judged against it: --doctor datasets/me '
                            f'datasets/dancer')
    judged = source or folder
    write_report(judged, folder if source else None)
    return judged / 'report.html'
