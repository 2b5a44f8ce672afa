"""report.html of a dataset: how much was found, what was dropped and why, how it looks."""
from pathlib import Path
from typing import Any

import numpy as np
from dominate import tags

from data.preview import Preview
from pose.track import PoseTrack, jitter
from util.files import write_text
from util.images import size_of, write_image
from util.page import curves_svg, facts_table, figure_row, fold, page, raw, render


def write_report(folder: Path, facts: dict[str, Any], found: PoseTrack, cleaned: PoseTrack,
                 preview: Preview) -> None:
    """Write report.html and report/*.jpg into `folder`.

    found, cleaned   the track as detected and after repair, in px of the video
    """
    pictures = folder / 'report'
    pictures.mkdir()
    document = page(f'{folder_name(facts)}: poses')
    with document.body:
        tags.h1(folder_name(facts))
        tags.p(summary(facts, found))
        tags.h2('At a few moments')
        tags.p('The video with the skeleton found in it, the pose as it is drawn'
               + (', and that pose over the person it was fitted to. White: the lines on which '
                  'the feet stand nearest and furthest.' if facts['retargeted_to'] else '.'))
        for k, (caption, row) in enumerate(preview.sheet()):
            path = pictures / f'{k:02d}.jpg'
            write_image(path, row)
            figure_row([(f'report/{path.name}', caption)], size_of(row))
        tags.h2('Joints seen over time')
        seen = (found.poses[..., 2] > 0).mean(1) * 100
        after = (cleaned.poses[..., 2] > 0).mean(1) * 100
        step = max(1, len(seen) // 400)
        raw(curves_svg({'found, %': list(zip(found.times[::step], seen[::step])),
                        'after repair, %': list(zip(found.times[::step], after[::step]))},
                       'seconds'))
        dropped = preview.drawn.dropped()
        tags.h2('Dropped frames')
        if not dropped:
            tags.p('None.')
        else:
            with fold(f'{len(dropped)} frames'):
                tags.ul(tags.li(f'frame {index + 1} at {time:.2f} s: {reason}')
                        for index, time, reason in dropped)
        tags.h2('Facts')
        facts_table({
            'jitter before and after smoothing, % of body height per frame²':
                f'{jitter(found):.2f} → {jitter(cleaned):.2f}',
            **{k: v for k, v in facts.items() if k != 'settings'}})
        with fold('settings'):
            facts_table(facts['settings'])
    write_text(folder / 'report.html', render(document))


def folder_name(facts: dict[str, Any]) -> str:
    return Path(facts['source']['path']).stem


def summary(facts: dict[str, Any], found: PoseTrack) -> str:
    frames = facts['frames']
    part = 100 * float(np.mean(found.seen()))
    split = ', '.join(f'{count} in {phase}' for phase, count in facts['split'].items())
    return (f'A person was found in {part:.1f} % of {frames["read"]} frames; '
            f'{frames["kept"]} are kept ({split}), {frames["dropped"]} dropped.')
