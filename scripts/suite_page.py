"""What a suite shows: a table of all pairs, each film with frames of it, and what changed."""
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from dominate import tags

from evaluation.records import read_metrics, read_painting
from evaluation.results_page import FramePictures, card, spaced_in_time, worst_first
from evaluation.score_table import described, explanation, heading, measured, score_table
from scripts.gallery_page import cell_size, columns_of, grid, named, read_frame
from scripts.suite_changes import Changes
from scripts.suite_record import SECONDS
from util.images import fitted, size_of, write_image
from util.metrics.names import METHODS, written
from util.noted import noted_file
from util.sampling import evenly_spaced
from util.shapes import items, maybe, number, read_shaped, record, table
from util.video import probe, read_frames
from util.web.page import facts_table, link, page, render, styles, video

PAGE = 'index.html'
SHEET = 12              # frames of a film in one picture
WORST = 4               # frames of a film on the page, by the pose error
RANK = 'pose_error'
# what report.json says of poses unlike the target's
REPORT = record({}, {'coverage': maybe(record({}, {
    'unlike': maybe(table(items(items(number(), 2))))}))})

Row = Mapping[str, Any]     # of suite.json


def picture_names(name: str) -> tuple[str, str]:
    """The sheet and the poster of a pair's film, relative to the suite's folder."""
    return f'sheets/{name}.jpg', f'posters/{name}.jpg'


def write_pictures(folder: Path, name: str, row: Row) -> None:
    """Write what `picture_names` names, unless it is as new as the film."""
    if 'error' in row:
        return
    results = folder / row['results']
    made = (results / 'painting.json').stat().st_mtime
    sheet, poster = picture_names(name)
    for path, write, source in ((sheet, write_sheet, results),
                                (poster, write_poster, folder / side_by_side(row))):
        if (folder / path).is_file() and (folder / path).stat().st_mtime >= made:
            continue
        with noted_file(folder, path) as part:
            write(part, source)


def write_sheet(path: Path, results: Path) -> None:
    """Evenly spaced painted frames, each with its time, in one picture.

    results    folder of test.py
    """
    times = read_painting(results)['frames']
    names = list(times)
    cells = []
    size: tuple[int, int] | None = None
    for k in evenly_spaced(len(names), SHEET, nearest=True):
        image = read_frame(results / 'images' / f'{names[k]}_fake_B.png')
        if size is None:
            size = cell_size(size_of(image))
        seconds = times[names[k]] - times[names[0]]
        cells.append(named(fitted(image, size), f'{seconds:.2f} s'))
    assert size is not None
    write_image(path, grid(cells, columns_of(len(cells), size[0])))


def write_poster(path: Path, film: Path) -> None:
    """The frame in the middle of a film."""
    middle = slice(probe(film).frames // 2, None)
    for frame in islice(read_frames(film, stretch=middle), 1):
        write_image(path, frame.image)


def side_by_side(row: Row) -> str:
    """The film with source, pose and painted person, relative to the suite's folder."""
    film = Path(row['film'])
    return film.with_name(f'{film.stem}_side_by_side.mp4').as_posix()


def line_of(name: str, row: Row) -> str:
    """A pair in one line for the terminal."""
    if 'error' in row:
        return f'{name}: failed ({row["error"]})'
    parts = []
    for key, score in measured({name: row['scores']}).items():
        parts.append(f'{score.name} {written(key, row["scores"][key])} {score.unit}'.rstrip())
    parts.append(f'{row["seconds"]["all"]:.0f} s')
    return f'{name}: {", ".join(parts)}'


def write_suite_page(folder: Path, title: str, suite: Mapping[str, Any], outdated: Sequence[str],
                     changes: Changes | None, old: str | None) -> Path:
    """Write FOLDER/index.html, which opens from disk.

    title       name of the list of pairs
    suite       suite.json
    outdated    pairs whose inputs have changed since
    changes     since the suite in `old`; None where none is named
    """
    pairs = suite['pairs']
    machine = suite['machine']
    document = page(f'Suite of {title}')
    document.head.add(styles('scores.css', 'suite.css'))
    body = document.body
    body.add(tags.header(tags.h1(document.title), tags.p(
        f'{len(pairs)} pair{"" if len(pairs) == 1 else "s"}, {suite["minutes"]:g} minutes of '
        f'training, {machine["cores"]} cores of {machine["processor"]}, {suite["made"]}',
        cls='soft')))
    if changes:
        body.add(changes_card(changes, str(old)))
    body.add(card('Scores', tags.div(pair_table(pairs), cls='scroll'), explanation(
        measured({name: row.get('scores', {}) for name, row in pairs.items()}).values()),
        remarks(outdated)))
    for name, row in pairs.items():
        if 'error' not in row:
            body.add(pair_card(folder, name, row))
    body.add(held_out_card(suite['held_out']))
    body.add(card('How each was made', facts_table(
        {name: how_made(row['inputs']) for name, row in pairs.items()})))
    with noted_file(folder, PAGE) as part:
        part.write_text(render(document), 'utf-8')
    return folder / PAGE


def changes_card(changes: Changes, old: str) -> tags.html_tag:
    """What got worse, then what got better."""
    section = card(f'Since {old}')
    for words, sentences in (('Worse', changes.worse), ('Better', changes.better)):
        if sentences:
            section.add(tags.h3(words), tags.ul(tags.li(sentence) for sentence in sentences))
    if not changes.worse:
        section.add(tags.p('Nothing is worse beyond noise.'))
    for note in changes.notes:
        section.add(tags.p(f'Note: {note}', cls='soft'))
    return section


def pair_table(pairs: Mapping[str, Row]) -> tags.html_tag:
    """A row for each pair: every score that at least one has, seconds and memory."""
    scores = measured({name: row.get('scores', {}) for name, row in pairs.items()})
    table = tags.table(cls='scores')
    arrows = [tags.th(f'{heading(score)}\u00a0{"↑" if score.greater else "↓"}', title=score.says)
              for score in scores.values()]
    table.add(tags.tr(tags.th('pair'), arrows, (tags.th(f's, {step}') for step in SECONDS),
                      tags.th('MB')))
    for name, row in pairs.items():
        line = table.add(tags.tr())
        if 'error' in row:
            line.add(tags.td(name), tags.td(f'failed: {row["error"]}', cls='wide',
                                            colspan=len(scores) + len(SECONDS) + 1))
            continue
        line.add(tags.td(tags.a(name, href=f'#{link(name)}')))
        line.add(tags.td(written(key, row['scores'].get(key))) for key in scores)
        line.add(tags.td(f'{row["seconds"][step]:.0f}') for step in SECONDS)
        line.add(tags.td('–' if row['memory'] is None else f'{row["memory"]:.0f}'))
    return table


def remarks(outdated: Sequence[str]) -> list[tags.html_tag]:
    """What a reader of the table needs to know."""
    texts = ['Seconds: a target of several pairs is prepared and trained once, and counts in each. '
             'All: with the start of the process. MB: peak main memory of the process.']
    if outdated:
        texts.append(f'Videos, flags or minutes have changed since these were made: '
                     f'{", ".join(outdated)}.')
    return [tags.p(text, cls='soft') for text in texts]


def pair_card(folder: Path, name: str, row: Row) -> tags.html_tag:
    """Film, sheet and worst frames of a pair."""
    sheet, poster = picture_names(name)
    links = [tags.a('results page', href=link(f'{row["results"]}/index.html'))]
    if (folder / row['dataset'] / 'report.html').is_file():
        links += [' · ', tags.a('report of its poses', href=link(f'{row["dataset"]}/report.html'))]
    section = card(name, tags.p(links, cls='soft'))
    section['id'] = name
    image = tags.img(src=link(sheet), loading='lazy', alt=f'{SHEET} painted frames')
    section.add(video(side_by_side(row), 'source, pose and painted person', poster),
                tags.h3(f'{SHEET} frames, evenly spaced'),
                tags.figure(tags.a(image, href=link(sheet)), cls='sheet'))
    section.add(worst_frames(folder, row))
    return section


def worst_frames(folder: Path, row: Row) -> list[tags.html_tag]:
    """The frames with the greatest pose error, and why; nothing where it was not measured."""
    metrics = read_metrics(folder / row['results'])
    scores = metrics.get('frames_scores', {})
    values = scores.get(RANK)
    if not values:
        return []
    lost = [k for k, value in enumerate(values) if value is None]
    numbers = spaced_in_time([*lost, *worst_first(values, greater=False)], metrics['times'], WORST)
    pictures = FramePictures.of(folder, [worst_frame(row, metrics['names'][numbers[0]])])
    rows = tags.div(cls='pairs')
    for k in numbers:
        name = metrics['names'][k]
        frame = {key: scores[key][k] for key in described([RANK, *scores])}
        why = why_bad(frame, metrics['times'][k], folder / row['dataset'] / 'report.json')
        rows.add(tags.div(tags.h3(f'{name}, {metrics["times"][k]:.2f} s: {why}'),
                          pictures.row(worst_frame(row, name))))
    return [tags.h3('The worst frames by pose error', cls='later'), rows]


def worst_frame(row: Row, name: str) -> dict[str, str]:
    """{label: path relative to the suite's folder} of a frame's pose and painted picture."""
    return {label: f'{row["results"]}/images/{name}_{label}.png' for label in ('real_A', 'fake_B')}


def why_bad(scores: Mapping[str, float | None], time: float, report: Path) -> str:
    """What is known of a bad frame.

    scores    of that frame; the pose error is None where no joint of it was found
    time      s in the source
    report    report.json of the source's dataset
    """
    known = ['none of its joints is found'] if scores[RANK] is None else []
    for key, score in measured({'': scores}).items():
        known.append(f'{score.name} {written(key, scores[key])} {score.unit}'.rstrip())
    text = ', '.join(known)
    then = 'Make the suite again.'
    coverage = read_shaped(report, REPORT, then).get('coverage') if report.is_file() else None
    parts = []
    for part, spans in ((coverage or {}).get('unlike') or {}).items():
        if any(start <= time <= end for start, end in spans):
            parts.append(part)
    if not parts:
        return text
    return f'{text}; the target was never filmed with {" and ".join(parts)} like these'


def held_out_card(held_out: Mapping[str, Row]) -> tags.html_tag:
    """Each target's own held-out frames, painted and by the baselines."""
    section = card('Held-out frames of the targets')
    for name, row in held_out.items():
        section.add(tags.h3(name))
        if 'error' in row:
            section.add(tags.p(f'failed: {row["error"]}'))
            continue
        columns = {METHODS['painted']: row['scores']}
        columns |= {METHODS.get(key, key): scores for key, scores in row['baselines'].items()}
        section.add(score_table(columns))
    return section


def how_made(inputs: Mapping[str, Any]) -> str:
    """Videos, minutes and flags of a pair."""
    flags = [f'--{key} "{value.strip()}"' for key, value in inputs.items()
             if key.endswith('_args') and value.strip()]
    return ', '.join([f'{inputs["target"][0]} from {inputs["source"][0]}',
                      f'{inputs["minutes"]:g} minutes', *flags])
