"""Writes the report of a dataset, from what lies in its folder. No torch.

    DATASET/report.json     every number of the page, as report/schema.py says
    DATASET/report.html     the page
    DATASET/report/*.jpg    its pictures
"""
from pathlib import Path

from data.facts import check_inside, check_names, not_a_dataset
from preprocessing.report.against_target import cover, find_reference
from preprocessing.report.dataset import Prepared
from preprocessing.report.filming import advice, movement_numbers, remarks, summary
from preprocessing.report.numbers import heat, measure, rounded
from preprocessing.report.page import report_page
from preprocessing.report.pictures import draw_furthest, draw_moments
from preprocessing.report.schema import Report
from preprocessing.written import REPORT, adopt, files_in
from util.errors import say
from util.files import write_json, write_text
from util.owned import replacing
from util.web.report_charts import thinned

NO_TRACK = ('This dataset does not keep the track as it was before repair, so what repair did '
            'cannot be shown. Make it again with preprocess.py --overwrite to see it.')

# of dataset.json: what the report cannot do without
NEEDED = 'layout', 'size', 'source', 'crop', 'draw', 'split', 'frames', 'stage', 'made'


def doctor(folder: Path, source: Path | None = None) -> Path:
    """Make the report of `folder` again; with `source`, that of `source` compared with `folder`.
    Says which movements are not filmed.

    Returns the report that was made. UserError if one of them is no dataset.
    """
    for place in filter(None, (folder, source)):
        if not place.is_dir():
            raise not_a_dataset(place, '--doctor')
    shown, target = (folder, None) if source is None else (source, folder)
    Prepared(shown)         # refuse what is no dataset before anything is written there
    adopt(shown)
    with replacing(shown, lambda: report_files(shown), 'report.html') as new:
        report = write_report(shown, target, new)
    lines = [summary(report['movements']), *report['remarks'], *advice(report['movements'])]
    for line in filter(None, lines):
        say(line)
    return shown / 'report.html'


def report_files(folder: Path) -> set[str]:
    """The files of an earlier report, relative to the dataset's folder."""
    return {name for name in files_in(folder) if REPORT.fullmatch(name)}


def write_report(folder: Path, target: Path | None = None, into: Path | None = None) -> Report:
    """Write report.json, report.html and report/*.jpg of the dataset in `folder`. Returns the
    numbers.

    target   a dataset or run to compare the poses with; None: the one they were fitted to
    into     where to write them; None: `folder`, which has no report yet

    UserError if `folder` or `target` is no dataset with a report.
    """
    dataset = Prepared(folder, into)
    check_names(folder, dataset.facts, *NEEDED)
    check_inside(folder, folder / 'report')
    reference, note = find_reference(dataset, target)
    notes = [] if dataset.found else [NO_TRACK]
    if note:
        notes.append(note)
    notes += fitting_notes(dataset)
    (dataset.into / 'report').mkdir(exist_ok=True)
    coverage = cover(dataset.track, reference) if reference else None
    report: Report = {**measure(dataset), 'moments': draw_moments(dataset, coverage),
                      'movements': movement_numbers(dataset, reference),
                      'remarks': [] if reference else remarks(dataset), 'coverage': None,
                      'notes': notes}
    if coverage:
        furthest = draw_furthest(dataset, coverage)
        report['coverage'] = coverage.numbers(dataset.facts.get('retargeted_to'), furthest)
        curve = thinned(dataset.track.times, coverage.near.distance)[1]
        report['over_time']['distance'] = rounded(curve, 2)
    write_json(dataset.into / 'report.json', report)
    write_text(dataset.into / 'report.html', report_page(dataset.facts, report, *heat(dataset)))
    return report


def fitting_notes(dataset: Prepared) -> list[str]:
    """What fitting did about ways that the target was never filmed, and about the picture's
    edges."""
    notes = []
    sentence = dataset.facing.get('sentence')
    if sentence:
        notes.append(f'Facing: {sentence}. --facing as_is leaves the dancer as filmed.')
    fit = dataset.facts.get('fit') or {}
    if fit.get('legs'):
        notes.append(f'Legs: {fit["legs"]}.')
    framed = fit.get('framed')
    if framed and framed['before'] < framed['after']:
        notes.append(f'In {100 * (1 - framed["before"]):.0f} % of the frames the fitted body left '
                     f'the picture where the target never did; it was moved, and arms were '
                     f'foreshortened, so that {100 * framed["after"]:.0f} % lie in it.')
    return notes

