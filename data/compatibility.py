"""Checks that poses are drawn as those a run was trained on."""
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from util.errors import UserError

SAME_WIDTH = 0.01       # lines whose widths differ by less than this part are alike


def check_drawn_alike(trained: Mapping[str, Any], here: Mapping[str, Any], root: Path) -> None:
    """UserError where the poses of the dataset in `root` are drawn otherwise than those that a
    run was trained on; what neither says of itself is taken to be alike.

    trained, here   dataset.json of both, {} where there is none

    Widths are compared as parts of the picture, whose size may differ.
    """
    then, now = trained.get('draw', {}), here.get('draw', {})
    skeletons = trained.get('skeleton'), here.get('skeleton')
    if None not in skeletons and skeletons[0] != skeletons[1]:
        raise UserError(f'{root} shows {skeletons[1]} joints, but this run was trained on '
                        f'{skeletons[0]}. Make the dataset again as the run\'s was made, or with '
                        f'python preprocess.py --poses_only --retarget_to and the run.')
    if not {'style', 'line_width'} <= then.keys() & now.keys():
        return
    larger = min(here['size']) / min(trained['size']) if 'size' in trained and 'size' in here else 1
    width = float(then['line_width']) * larger
    colours = then.get('colours'), now.get('colours')
    repainted = None not in colours and colours[0] != colours[1]
    if then['style'] != now['style'] or abs(now['line_width'] / width - 1) > SAME_WIDTH or \
            repainted:
        raise UserError(
            f'{root} is drawn as {now["style"]}, {now["line_width"]:g} px wide, but this run was '
            f'trained on {then["style"]}, {width:g} px wide{", in other colours" * repainted}. '
            f'Draw it anew: python preprocess.py --redraw --dataroot {shlex.quote(str(root))} '
            f'--draw_style {then["style"]} --line_width {width}')
