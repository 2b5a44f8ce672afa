"""report.html of a dataset: how much was found, what was dropped and why, how it looks."""
from pathlib import Path
from typing import Any

import numpy as np
from dominate import tags
from dominate.util import raw

from data.preview import Preview
from pose.track import PoseTrack, jitter
from util.files import write_text
from util.images import size_of, write_image
from util.page import curves_svg, facts_table, figure_row, fold, page, render


def write_report(folder: Path, facts: dict[str, Any], found: PoseTrack, cleaned: PoseTrack,
                 preview: Preview) -> None:
    """Write report.html and report/*.jpg into `folder`.

    found, cleaned   the track as detected and after repair, in px of the video
    """
    pictures = folder / 'report'
    pictures.mkdir()
    moments = tags.div(cls='pairs')
    for k, (caption, row) in enumerate(preview.sheet()):
        path = pictures / f'{k:02d}.jpg'
        write_image(path, row)
        moments.add(figure_row([(f'report/{path.name}', caption)], size_of(row)))
    fitted = (', and that pose over the person it was fitted to. White: the lines on which the '
              'feet stand nearest and furthest.' if facts['retargeted_to'] else '.')
    document = page(f'{folder_name(facts)}: poses')
    with document.body:
        tags.header(tags.h1(folder_name(facts)), tags.p(summary(facts, found), cls='soft'))
        tags.section(tags.h2('At a few moments'),
                     tags.p(f'The video with the skeleton found in it, the pose as it is '
                            f'drawn{fitted}'), moments, cls='card')
        tags.section(tags.h2('Joints seen over time'), tags.div(
            raw(joints_seen(found, cleaned)), style='max-width: 36rem'), cls='card')
        tags.section(tags.h2('Dropped frames'), dropped_frames(preview.drawn), cls='card')
        calmer = f'{jitter(found):.2f} → {jitter(cleaned):.2f}'
        tags.section(tags.h2('Facts'), facts_table({
            'jitter before and after smoothing, % of body height per frame²': calmer,
            **{k: v for k, v in facts.items() if k != 'settings'}}), cls='card')
        with fold('Settings'):
            facts_table(facts['settings'])
    write_text(folder / 'report.html', render(document))


def joints_seen(found: PoseTrack, cleaned: PoseTrack) -> str:
    """The part of the joints that is seen over time, as SVG."""
    step = max(1, len(found) // 400)
    return curves_svg({
        f'{name}, %': list(zip(track.times[::step].tolist(),
                               (track.poses[::step, :, 2] > 0).mean(1) * 100))
        for name, track in (('found', found), ('after repair', cleaned))}, 'seconds')


def dropped_frames(track: PoseTrack) -> tags.html_tag:
    """Every frame that is not kept, with its reason."""
    dropped = track.dropped()
    if not dropped:
        return tags.p('None.')
    return tags.details(tags.summary(f'{len(dropped)} frames'), tags.ul(
        tags.li(f'frame {index + 1} at {time:.2f} s: {reason}')
        for index, time, reason in dropped))


def folder_name(facts: dict[str, Any]) -> str:
    return Path(facts['source']['path']).stem


def summary(facts: dict[str, Any], found: PoseTrack) -> str:
    frames = facts['frames']
    part = 100 * float(np.mean(found.seen()))
    split = ', '.join(f'{count} in {phase}' for phase, count in facts['split'].items())
    return (f'A person was found in {part:.1f} % of {frames["read"]} frames; '
            f'{frames["kept"]} are kept ({split}), {frames["dropped"]} dropped.')
