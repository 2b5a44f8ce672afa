"""What a gallery looks like: one film of all recipes, a table, and one page with both."""
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from dominate import tags
from dominate.util import raw

from evaluation import score_table
from evaluation.results import at_size
from util.errors import UserError
from util.files import read_json, write_text
from util.images import read_image, size_of
from util.metrics.names import BOX, order, score_of
from util.progress import progress
from util.video import VideoWriter
from util.web.page import facts_table, figure_row, page, render, video

FILM_WIDTH = 2048               # px at most: what every player shows
CELL = (192, 512)               # px of width, least and most: a name must be readable
STRIP = 30                      # px above each picture, for its name
SAMPLE = 3                      # frames on the page

# key of a row, the table's heading, how it is written, whether less is better
COLUMNS = (
    ('box_lpips_alex', 'LPIPS, person', '{:.3f}', True),
    ('box_lpips_vgg', 'LPIPS VGG, person', '{:.3f}', True),
    ('box_ssim', 'SSIM, person', '{:.3f}', False), ('box_psnr', 'PSNR, person', '{:.2f}', False),
    ('box_l1', 'L1, person', '{:.4f}', True), ('ssim', 'SSIM', '{:.3f}', False),
    ('psnr', 'PSNR', '{:.2f}', False), ('l1', 'L1', '{:.4f}', True),
    ('pose_error', 'pose error, %', '{:.1f}', True), ('flicker', 'flicker, × real', '{:.2f}', True),
    ('seconds_a_frame', 's a frame', '{:.3f}', True), ('parameters', 'M weights', '{:.2f}', True),
    ('train_memory', 'MB, training', '{:.0f}', True),
    ('paint_memory', 'MB, painting', '{:.0f}', True))
UNITS = {'parameters': 1e6}
SCORE_COLUMNS = 11                     # of these columns: how good, and how fast

STYLE = score_table.STYLE + """
.scores th, .scores td { white-space: nowrap; }
.scores td.wide { white-space: normal; text-align: left; overflow-wrap: normal; }
"""


def cell(row: Mapping[str, Any], key: str, style: str) -> str:
    """A number as the table shows it; a dash where it is not known."""
    value = row.get(key)
    return '–' if value is None else style.format(value / UNITS.get(key, 1))


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """The table for a Markdown file, with the notes and errors below it."""
    lines = [f'| recipe | {" | ".join(column[1] for column in COLUMNS)} |',
             f'|---|{"---:|" * len(COLUMNS)}']
    for row in rows:
        cells = [cell(row, key, style) for key, _, style, _ in COLUMNS]
        lines.append(f'| {row["recipe"]}{" *" if remark(row) else ""} | {" | ".join(cells)} |')
    remarks = [f'- {names}: {what}' for what, names in grouped(rows).items()]
    return '\n'.join([*lines, *(['', *remarks] if remarks else [])])


def remark(row: Mapping[str, Any]) -> str:
    """What must be said of this recipe, or ''."""
    failed = f'failed: {row["error"]}' if 'error' in row else ''
    return '; '.join(filter(None, [row['note'], failed]))


def grouped(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """{remark: the recipes it holds for}."""
    return {what: ', '.join(row['recipe'] for row in rows if remark(row) == what)
            for what in dict.fromkeys(map(remark, rows)) if what}


def columns_of(count: int, width: int) -> int:
    """How many of `count` pictures of that width stand in one row of the film, so that its rows
    are filled alike."""
    most = max(1, min(count, FILM_WIDTH // width))
    rows = -(-count // most)
    return -(-count // rows)


def named(image: np.ndarray, name: str) -> np.ndarray:
    """The picture with its name in a strip above it."""
    out = cv2.copyMakeBorder(image, STRIP, 0, 0, 0, cv2.BORDER_CONSTANT, value=(24, 26, 30))
    font, scale = cv2.FONT_HERSHEY_SIMPLEX, 0.6
    (wide, _), _ = cv2.getTextSize(name, font, scale, 1)
    scale *= min(1.0, (image.shape[1] - 12) / wide)
    cv2.putText(out, name, (6, STRIP - 10), font, scale, (235, 235, 235), 1, cv2.LINE_AA)
    return out


def pictures_of(painted: Mapping[str, Path], frame: str, truth: bool = True) -> dict[str, Path]:
    """pose, real (with `truth`), then what each recipe painted: the file of each, of one frame."""
    first = next(iter(painted.values()))
    files = {'pose': first / 'images' / f'{frame}_real_A.png'}
    if truth:
        files['real'] = first / 'images' / f'{frame}_real_B.png'
    return files | {name: folder / 'images' / f'{frame}_fake_B.png'
                    for name, folder in painted.items()}


def common_frames(painted: Mapping[str, Path]) -> dict[str, float]:
    """{name: time in s} of the frames that all have painted, in order."""
    known = [read_json(folder / 'painting.json')['frames'] for folder in painted.values()]
    frames = {name: time for name, time in known[0].items() if all(name in k for k in known)}
    if not frames:
        raise UserError(f'{", ".join(painted)} have painted no frame in common: was the dataset '
                        f'made anew between? Paint them again from one dataset (gallery.py: give '
                        f'--overwrite).')
    return frames


def opened(file: Path) -> np.ndarray:
    """uint8 RGB (H, W, 3)."""
    image = read_image(file) if file.is_file() else None
    if image is None:
        raise UserError(f'{file}: there is no such picture any more. Delete {file.parents[1]}, '
                        f'then give the same command again.')
    return image


def write_film(path: Path, painted: Mapping[str, Path], truth: bool = True) -> None:
    """One film of pose, truth and every recipe, named, each frame at its real time.

    painted   {recipe: results folder of test.py}, in the order they are shown
    truth     whether there are real frames
    """
    size: tuple[int, int] | None = None
    with VideoWriter(path) as film:
        for frame, time in progress(common_frames(painted).items(), 'writing the film'):
            files = pictures_of(painted, frame, truth)
            images = [(name, opened(file)) for name, file in files.items()]
            if size is None:
                width, height = size_of(images[0][1])
                wide = int(np.clip(width, *CELL))
                size = wide, round(height * wide / width)
            cells = [named(at_size(image, size), name) for name, image in images]
            columns = columns_of(len(cells), size[0])
            cells += [np.full_like(cells[0], 24)] * (-len(cells) % columns)
            film.write(np.vstack([np.hstack(cells[k:k + columns])
                                  for k in range(0, len(cells), columns)]), time)


def write_gallery(folder: Path, dataroot: str, minutes: float,
                  rows: Sequence[Mapping[str, Any]], painted: Mapping[str, Path]) -> Path:
    """Write FOLDER/index.html, which opens from disk: film, table, frames, facts."""
    title = f'Gallery of {Path(dataroot).name}'
    document = page(title)
    document.head.add(tags.style(raw(STYLE)))
    body = document.body
    body.add(tags.header(tags.h1(title), tags.p(
        f'{len(rows)} recipes, {minutes:g} minutes of training each, scored on what was held out',
        cls='soft')))
    if painted:
        body.add(tags.section(video('gallery.mp4', 'all recipes side by side'), cls='films'))
    body.add(tags.section(tags.h2('Scores'), tags.div(recipe_table(rows), cls='scroll'),
                          explanation(rows), cls='card'))
    if painted:
        body.add(tags.section(tags.h2('A few frames'), sample_frames(folder, painted),
                              cls='card'))
    body.add(tags.section(tags.h2('How each was trained'), facts_table(
        {row['recipe']: f'train.py {row["flags"]}' for row in rows}), cls='card'))
    write_text(folder / 'index.html', render(document))
    return folder / 'index.html'


def recipe_table(rows: Sequence[Mapping[str, Any]]) -> tags.html_tag:
    """A row for each recipe, the best number of each column in bold."""
    table = tags.table(cls='scores')
    table.add(tags.tr(tags.th('recipe'), (tags.th(heading) for _, heading, _, _ in COLUMNS)))
    best = {key: (min if less else max)(known) for key, _, _, less in COLUMNS[:SCORE_COLUMNS]
            if (known := [row[key] for row in rows if row.get(key) is not None])}
    for row in rows:
        line = table.add(tags.tr(tags.td(row['recipe'])))
        if 'error' in row:
            line.add(tags.td(remark(row), cls='wide', colspan=len(COLUMNS)))
            continue
        for key, _, style, _ in COLUMNS:
            text = cell(row, key, style)
            line.add(tags.td(tags.b(text) if key in best and row.get(key) == best[key] else text))
    return table


def explanation(rows: Sequence[Mapping[str, Any]]) -> list[tags.html_tag]:
    """What the numbers are, and what is to be said of single recipes."""
    device = next((row['device'] for row in rows if 'device' in row), 'nothing')
    frames = next((row['frames'] for row in rows if 'frames' in row), 0)
    trained = [row for row in rows if 'error' not in row]
    known = {key.removeprefix(BOX) for row in trained for key, *_ in COLUMNS
             if row.get(key) is not None}
    said = [score for key in order(known) if (score := score_of(key))]
    return [*(tags.p(f'{names}: {what}.', cls='soft') for what, names in grouped(trained).items()),
            tags.p(f'Means over {frames} held-out frames, best first by the first column that is '
                   f'known by all. "Person": inside the box about the joints. '
                   f'{" ".join(f"{score.name}: {score.says}." for score in said)} '
                   f'Seconds a frame: painting alone, on {device}. M weights: millions of numbers '
                   f'that painting needs. MB: peak of the process in main memory.', cls='soft')]


def sample_frames(folder: Path, painted: Mapping[str, Path]) -> list[tags.html_tag]:
    """Some frames of all recipes, in rows as in the film."""
    frames = list(common_frames(painted))
    picked = sorted({round((k + 0.5) * len(frames) / SAMPLE - 0.5) for k in range(SAMPLE)})
    parts: list[tags.html_tag] = []
    for k in picked:
        images = [(file.relative_to(folder).as_posix(), name)
                  for name, file in pictures_of(painted, frames[k]).items()]
        columns = columns_of(len(images), FILM_WIDTH // 6)
        parts += [tags.h3(frames[k]), *(figure_row(images[n:n + columns])
                                        for n in range(0, len(images), columns))]
    return parts
