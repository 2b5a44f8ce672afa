"""What a gallery shows: one video of all recipes, a table, and a page with both."""
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from dominate import tags

from evaluation.records import read_painting
from util import thumbnails
from util.errors import UserError
from util.files import write_text
from util.images import fitted, read_image, size_of
from util.metrics.names import BOX, order, score_of
from util.progress import progress
from util.video_writer import VideoWriter
from util.web.page import facts_table, figure_row, page, render, styles, video
from util.words import printable

VIDEO = 'gallery.mp4'
VIDEO_WIDTH = 2048              # px at most: every player shows this
CELL = (192, 512)               # px, least and greatest width of an image: names stay readable
CELL_HEIGHT = 540               # px at most, so that a tall film fits on a screen
STRIP = 30                      # px above each image, for its name
SAMPLE = 3                      # frames on the page

# key of a row, heading of its column, format of its values, whether lower is better
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
RANKED_COLUMNS = 11             # the first columns: quality and speed; their best value is bold


def cell(row: Mapping[str, Any], key: str, style: str) -> str:
    """A value as the table shows it; a dash where it is unknown."""
    value = row.get(key)
    return '–' if value is None else style.format(value / UNITS.get(key, 1))


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """The table in Markdown, with the remarks below it."""
    lines = [f'| recipe | {" | ".join(column[1] for column in COLUMNS)} |',
             f'|---|{"---:|" * len(COLUMNS)}']
    for row in rows:
        cells = [cell(row, key, style) for key, _, style, _ in COLUMNS]
        lines.append(f'| {row["recipe"]}{" *" if remark(row) else ""} | {" | ".join(cells)} |')
    remarks = [f'- {names}: {text}' for text, names in grouped(rows).items()]
    if remarks:
        lines += ['', *remarks]
    return '\n'.join(lines)


def remark(row: Mapping[str, Any]) -> str:
    """The recipe's note and error; '' where it has neither."""
    failed = f'failed: {row["error"]}' if 'error' in row else ''
    return '; '.join(filter(None, [row['note'], failed]))


def grouped(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """{remark: names of the recipes that have it}."""
    names: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if remark(row):
            names[remark(row)].append(row['recipe'])
    return {text: ', '.join(recipes) for text, recipes in names.items()}


def columns_of(count: int, width: int) -> int:
    """How many of `count` images of this width, in px, stand in one row of the video, so that its
    rows are about equally full."""
    most = max(1, min(count, VIDEO_WIDTH // width))
    rows = -(-count // most)
    return -(-count // rows)


def named(image: np.ndarray, name: str) -> np.ndarray:
    """The image uint8 (H, W, 3) with its name in a strip above it: uint8 (H + STRIP, W, 3)."""
    out = cv2.copyMakeBorder(image, STRIP, 0, 0, 0, cv2.BORDER_CONSTANT, value=(24, 26, 30))
    font = cv2.FONT_HERSHEY_SIMPLEX
    name = printable(name, breaks=False)        # OpenCV crashes on a name that is no text
    scale = 0.6
    (wide, _), _ = cv2.getTextSize(name, font, scale, 1)
    scale *= min(1.0, (image.shape[1] - 12) / wide)
    cv2.putText(out, name, (6, STRIP - 10), font, scale, (235, 235, 235), 1, cv2.LINE_AA)
    return out


def files_of(painted: Mapping[str, Path], frame: str, truth: bool = True) -> dict[str, Path]:
    """The image files of one frame: 'pose', 'real' (with `truth`), then each painted one."""
    first = next(iter(painted.values()))
    files = {'pose': first / 'images' / f'{frame}_real_A.png'}
    if truth:
        files['real'] = first / 'images' / f'{frame}_real_B.png'
    return files | {name: folder / 'images' / f'{frame}_fake_B.png'
                    for name, folder in painted.items()}


def common_frames(painted: Mapping[str, Path]) -> dict[str, float]:
    """{name: time in s} of the frames that all have painted, in order."""
    first, *others = [read_painting(folder)['frames'] for folder in painted.values()]
    names = set(first).intersection(*others)
    if not names:
        raise UserError(f'{", ".join(painted)} have no painted frame in common: was the dataset '
                        f'made again in between? Paint them again from one dataset (gallery.py: '
                        f'add --overwrite).')
    return {name: time for name, time in first.items() if name in names}


def read_frame(file: Path) -> np.ndarray:
    """uint8 RGB (H, W, 3); UserError where the file is gone or no image."""
    image = read_image(file) if file.is_file() else None
    if image is None:
        raise UserError(f'{file}: this image is missing or broken. Paint that run again with '
                        f'test.py or gallery.py, then give the same command again.')
    return image


def cell_size(size: tuple[int, int]) -> tuple[int, int]:
    """(width, height) px in which a picture of this size is shown in a grid."""
    width, height = size
    cell_width = int(np.clip(min(width, width * CELL_HEIGHT / height), *CELL))
    return cell_width, round(height * cell_width / width)


def write_video(path: Path, painted: Mapping[str, Path], truth: bool = True) -> None:
    """A video of pose, real frame and every recipe, each with its name, in real time; and its
    poster.

    painted   {recipe: results folder of test.py}, in the order they are shown
    truth     whether there are real frames
    """
    size: tuple[int, int] | None = None
    with VideoWriter(path) as writer:
        for frame, time in progress(common_frames(painted).items(), 'writing the video'):
            files = files_of(painted, frame, truth)
            images = {name: read_frame(file) for name, file in files.items()}
            if size is None:
                size = cell_size(max(map(size_of, images.values())))
            cells = [named(fitted(image, size), name) for name, image in images.items()]
            picture = grid(cells, columns_of(len(cells), size[0]))
            if not writer.frames:
                thumbnails.write_poster(path.parent, path.name, picture)
            writer.write(picture, time)


def largest(files: Iterable[Path]) -> tuple[int, int]:
    """(width, height) px of the largest of these pictures: the drawn pose may be smaller."""
    return max(size_of(read_frame(file)) for file in files)


def grid(cells: Sequence[np.ndarray], columns: int) -> np.ndarray:
    """Images of one size in rows of `columns`; the end of the last row is dark."""
    empty = [np.full_like(cells[0], 24)] * (-len(cells) % columns)
    cells = [*cells, *empty]
    rows = [np.hstack(cells[k:k + columns]) for k in range(0, len(cells), columns)]
    return np.vstack(rows)


def write_gallery(folder: Path, place: Path, dataroot: str, minutes: float,
                  rows: Sequence[Mapping[str, Any]], painted: Mapping[str, Path]) -> None:
    """Write FOLDER/index.html, which opens from disk: video, table, frames, flags.

    place    where the page is shown: its links lead from there
    """
    title = f'Gallery of {Path(dataroot).name}'
    document = page(title)
    document.head.add(styles('scores.css', 'gallery.css'))
    body = document.body
    body.add(tags.header(tags.h1(title), tags.p(
        f'{len(rows)} recipes, {minutes:g} minutes of training each, scored on held-out frames',
        cls='soft')))
    if painted:
        poster = thumbnails.found(folder, VIDEO)
        body.add(tags.section(video(VIDEO, 'all recipes side by side', poster), cls='films'))
    body.add(tags.section(tags.h2('Scores'), tags.div(recipe_table(rows), cls='scroll'),
                          explanation(rows), cls='card'))
    if painted:
        body.add(tags.section(tags.h2('A few frames'), sample_frames(place, painted),
                              cls='card'))
    body.add(tags.section(tags.h2('How each was trained'), facts_table(
        {row['recipe']: f'train.py {row["flags"]}' for row in rows}), cls='card'))
    write_text(folder / 'index.html', render(document))


def recipe_table(rows: Sequence[Mapping[str, Any]]) -> tags.html_tag:
    """A row for each recipe, the best number of each column in bold."""
    table = tags.table(cls='scores')
    table.add(tags.tr(tags.th('recipe'), (tags.th(heading) for _, heading, _, _ in COLUMNS)))
    best: dict[str, float] = {}
    for key, _, _, lower in COLUMNS[:RANKED_COLUMNS]:
        known = [row[key] for row in rows if row.get(key) is not None]
        if known:
            best[key] = min(known) if lower else max(known)
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
    """Remarks on recipes, and what the numbers mean."""
    device = next((row['device'] for row in rows if 'device' in row), 'nothing')
    frames = next((row['frames'] for row in rows if 'frames' in row), 0)
    trained = [row for row in rows if 'error' not in row]
    known = set()
    for key, *_ in COLUMNS:
        if any(row.get(key) is not None for row in trained):
            known.add(key.removeprefix(BOX))
    scores = [score_of(key) for key in order(known)]
    meanings = ' '.join(f'{score.name}: {score.says}.' for score in scores if score)
    texts = [f'{names}: {text}.' for text, names in grouped(trained).items()]
    texts.append(f'Means over {frames} held-out frames, best first by the first column that all '
                 f'recipes have. "Person": inside the box around the joints. {meanings} '
                 f'Seconds a frame: painting alone, on {device}. M weights: millions of numbers '
                 f'that painting needs. MB: peak main memory of the process.')
    return [tags.p(text, cls='soft') for text in texts]


def sample_frames(folder: Path, painted: Mapping[str, Path]) -> list[tags.html_tag]:
    """Some frames of all recipes, in rows as in the video."""
    frames = list(common_frames(painted))
    # the middle of each third
    picked = sorted({round((k + 0.5) * len(frames) / SAMPLE - 0.5) for k in range(SAMPLE)})
    parts: list[tags.html_tag] = []
    size: tuple[int, int] | None = None
    for k in picked:
        files = files_of(painted, frames[k])
        size = size or largest(files.values())
        images = [(file.relative_to(folder).as_posix(), name) for name, file in files.items()]
        columns = columns_of(len(images), VIDEO_WIDTH // 6)
        parts.append(tags.h3(frames[k]))
        parts += [figure_row(images[n:n + columns], size, folder=folder)
                  for n in range(0, len(images), columns)]
    return parts
