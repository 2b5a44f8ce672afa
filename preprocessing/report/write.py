"""Writes the report of a dataset, from what lies in its folder. No torch.

    DATASET/report.json     every number of the page, as report/schema.py says
    DATASET/report.html     the page
    DATASET/report/*.jpg    its pictures
"""
from collections.abc import Iterable
from pathlib import Path

from preprocessing.report.against_target import cover, find_reference
from preprocessing.report.dataset import Prepared
from preprocessing.report.numbers import heat, measure, rounded
from preprocessing.report.page import report_page
from preprocessing.report.pictures import draw_furthest, draw_moments
from preprocessing.report.schema import Report
from util.errors import UserError
from util.files import write_json, write_text
from util.web.report_charts import thinned

NO_TRACK = ('This dataset does not keep the track as it was before repair, so what repair did '
            'cannot be shown. Make it again with preprocess.py --overwrite to see it.')


def doctor(folder: Path, source: Path | None = None) -> Path:
    """Make the report of `folder` again; with `source`, that of `source` compared with `folder`.

    Returns the report that was made. UserError if one of them is no dataset.
    """
    for place in filter(None, (folder, source)):
        if not place.is_dir():
            raise UserError(f'--doctor {place}: no such folder. Give a dataset, and optionally '
                            f'poses to compare with it: --doctor datasets/me datasets/dancer')
    if source is None:
        return write_report(folder)
    return write_report(source, folder)


def write_report(folder: Path, target: Path | None = None) -> Path:
    """Write report.json, report.html and report/*.jpg of the dataset in `folder`.

    target   a dataset or run to compare the poses with; None: the one they were fitted to

    Returns the page. UserError if `folder` or `target` is no dataset with a report.
    """
    dataset = Prepared(folder)
    reference, note = find_reference(dataset, target)
    notes = [] if dataset.found else [NO_TRACK]
    if note:
        notes.append(note)
    notes += fitting_notes(dataset)
    (folder / 'report').mkdir(exist_ok=True)
    coverage = cover(dataset.track, reference) if reference else None
    report: Report = {**measure(dataset), 'moments': draw_moments(dataset, coverage),
                      'coverage': None, 'notes': notes}
    drawn = [moment['picture'] for moment in report['moments']]
    if coverage:
        furthest = draw_furthest(dataset, coverage)
        drawn += [pose['picture'] for pose in furthest]
        report['coverage'] = coverage.numbers(dataset.facts.get('retargeted_to'), furthest)
        curve = thinned(dataset.track.times, coverage.near.distance)[1]
        report['over_time']['distance'] = rounded(curve, 2)
    remove_others(folder, drawn)
    write_json(folder / 'report.json', report)
    write_text(folder / 'report.html', report_page(dataset.facts, report, *heat(dataset)))
    return folder / 'report.html'


def fitting_notes(dataset: Prepared) -> list[str]:
    """What fitting did about ways that the target was never filmed, and about the picture's
    edges."""
    notes = []
    sentence = dataset.facing.get('sentence')
    if sentence:
        notes.append(f'Facing: {sentence}. --facing as_is leaves the dancer as filmed.')
    framed = (dataset.facts.get('fit') or {}).get('framed')
    if framed and framed['before'] < framed['after']:
        notes.append(f'In {100 * (1 - framed["before"]):.0f} % of the frames the fitted body left '
                     f'the picture where the target never did; it was moved, and arms were '
                     f'foreshortened, so that {100 * framed["after"]:.0f} % lie in it.')
    return notes


def remove_others(folder: Path, drawn: Iterable[str]) -> None:
    """Remove the pictures of an earlier report but for those `drawn` now."""
    keep = {folder / picture for picture in drawn}
    for pattern in ('[0-9][0-9].jpg', 'near_[0-9][0-9].jpg'):
        for path in (folder / 'report').glob(pattern):
            if path not in keep:
                path.unlink()
