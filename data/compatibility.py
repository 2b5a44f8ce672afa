"""Checks that poses are drawn like those a run was trained on."""
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from util.errors import UserError
from util.words import command

SAME_WIDTH = 0.01       # relative difference up to which two line widths are the same


def check_drawn_alike(trained: Mapping[str, Any], here: Mapping[str, Any], root: Path) -> None:
    """UserError where the poses of the dataset in `root` are drawn differently from those that a
    run was trained on. What one of the two does not record counts as the same.

    trained, here   dataset.json of both, {} where there is none

    Line widths are compared relative to the image, whose size may differ.
    """
    then, now = trained.get('draw', {}), here.get('draw', {})
    skeletons = trained.get('skeleton'), here.get('skeleton')
    if None not in skeletons and skeletons[0] != skeletons[1]:
        raise UserError(f'{root} shows {skeletons[1]} joints, but this run was trained on '
                        f'{skeletons[0]}. Make the dataset again like that of the run, or '
                        f'with preprocess.py --poses_only --retarget_to and the run.')
    if not {'style', 'line_width'} <= then.keys() & now.keys():
        return
    larger = 1.0
    if 'size' in trained and 'size' in here:
        larger = min(here['size']) / min(trained['size'])
    width = float(then['line_width']) * larger
    colours = then.get('colours'), now.get('colours')
    recoloured = None not in colours and colours[0] != colours[1]
    widened = abs(now['line_width'] / width - 1) > SAME_WIDTH
    if then['style'] != now['style'] or widened or recoloured:
        in_colours = ', in other colours' if recoloured else ''
        raise UserError(
            f'{root} is drawn as {now["style"]}, {now["line_width"]:g} px wide, but this run was '
            f'trained on {then["style"]}, {width:g} px wide{in_colours}. Draw it again: '
            + command('preprocess.py', redraw=True, dataroot=root, draw_style=then['style'],
                      line_width=width))
