"""The script of docs/filming.md, done by the drawn dancer, is found by the default detector."""
from itertools import pairwise

import numpy as np
import pytest

import preprocess
from pose.matching.movements import ENOUGH
from preprocessing.report.dataset import Prepared
from preprocessing.report.filming import movement_numbers
from scripts.demo.body import TARGET
from scripts.demo.dance import Dance
from scripts.demo.figure import draw_figure
from scripts.dev.filming_pictures import POSES, WIDER
from util.video_writer import VideoWriter

FPS = 12
SIZE = 320
HELD, BETWEEN = 12, 6           # frames of a position, and on the way to the next one
TURNS = ('turn', 'hip_turn', 'look', 'lean', 'tilt', 'x')       # change their sign in a mirror


def mirrored(pose):
    """The same position to the other side."""
    other = {}
    for name, value in pose.items():
        side = {'l_': 'r_', 'r_': 'l_'}.get(name[:2])
        if side:
            other[side + name[2:]] = -value if name[2:] == 'x' else value
        else:
            other[name] = -value if name in TURNS else value
    return other


def positions():
    """Each movement to both sides, with standing between them."""
    standing = dict(Dance.STAND)
    for changes in POSES.values():
        pose = standing | changes
        yield from (standing, pose, standing, mirrored(pose))
    yield standing


def script():
    """The parameters of every frame."""
    for pose, following in pairwise(positions()):
        yield from [pose] * HELD
        for share in (1 - np.cos(np.linspace(0, np.pi, BETWEEN))) / 2:
            yield {name: pose[name] + (following[name] - pose[name]) * share for name in pose}


@pytest.mark.slow
def test_the_script_of_the_guide_is_found_whole(tmp_path):
    with VideoWriter(tmp_path / 'me.mp4', fps=FPS) as video:
        for number, pose in enumerate(script()):
            video.write(draw_figure(TARGET, WIDER, pose, SIZE, number)[0])
    preprocess.main(['--video', str(tmp_path / 'me.mp4'), '--dataroot', str(tmp_path / 'me'),
                     '--poses_only', '--num_workers', '1'])
    movements = movement_numbers(Prepared(tmp_path / 'me'), None)
    short = [(one['name'], side, numbers) for one in movements
             for side, numbers in one['sides'].items() if numbers['danced'] < ENOUGH]
    assert not short
