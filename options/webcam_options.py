"""Which flags webcam.py has."""
import argparse
from pathlib import Path
from typing import Any

from live.quality import QUALITIES
from live.sinks import described
from models import models
from models.exporting.places import check_runtime
from options.base_options import BaseOptions
from options.mark_options import declare_marks, marks_in
from options.parser import Parser
from options.test_options import declare_painting
from pose.detect import detectors
from util.errors import UserError
from util.options import Options, check_more_than_0, check_most
from util.owned import placed
from util.runs import missing, record_file
from util.words import command


class WebcamOptions(BaseOptions):
    """Says which flags exist. Options in the run's record need not be typed again."""

    description = ('Paint what a camera sees with a trained run, live. How the run was trained is '
                   'read from it.')
    script: str | None = 'webcam.py'
    phase = 'test'

    MORE_THAN_0 = 'rate', 'fps', 'seconds', 'width', 'height'
    MOST = BaseOptions.MOST | {'rate': 1000, 'fps': 1000, 'width': 8192, 'height': 8192}

    def declare(self, parser: Parser) -> None:
        super().declare(parser)
        hide(parser, parser.describing | {'verbose'})       # the run's record says them
        declare_camera(parser)
        declare_output(parser)
        declare_quality(parser)
        declare_live_poses(parser)

    def reads_record(self, known: dict[str, Any]) -> bool:
        return True

    def check(self, opt: Options) -> None:
        check_no_dataset(opt)
        super().check(opt)
        check_run(opt)
        marks_in(opt)                       # refuses what cannot be drawn
        check_runtime(opt)
        check_more_than_0(opt, self.MORE_THAN_0)
        check_most(opt, self.MOST)
        if (opt.width is None) != (opt.height is None):
            raise UserError('--width and --height go together, e.g. --width 1280 --height 720.')


def declare_camera(parser: Parser) -> None:
    """Where pictures come from."""
    camera = parser.add_argument_group('camera')
    camera.add_argument('--camera', default='0',
                        help='number of a camera, a video file, or an address')
    camera.add_argument('--loop', action='store_true',
                        help='begin a video file again at its end')
    camera.add_argument('--mirror', action='store_true', help='mirror what the camera sees, '
                        'so that you move as in front of a mirror')
    camera.add_argument('--width', type=int, default=None, help='width to ask the camera for; '
                        'default: 1280. A file is scaled to fit in')
    camera.add_argument('--height', type=int, default=None, help='height, with --width; '
                        'default: 720')
    camera.add_argument('--fps', type=float, default=None, help='pictures a second to ask the '
                        'camera for; default: 30. Of a file, the most that are taken')


def declare_output(parser: Parser) -> None:
    """Where painted pictures go, and how."""
    out = parser.add_argument_group('output')
    out.add_argument('--to', nargs='+', action='extend', default=None, metavar='PLACE',
                     help=f'one place or several: {described()}; default: window, or http '
                          f'where there is no display')
    out.add_argument('--rate', type=float, default=30.0, help='pictures a second to give out; '
                     'the last one is repeated where none is new')
    out.add_argument('--background', default='own', help='what is behind the person: own, '
                     'source (what the camera sees), green, or a picture\'s file')
    out.add_argument('--seconds', type=float, default=None,
                     help='end after this time; default: when you end it')
    out.add_argument('--report', default=None, metavar='FILE.json',
                     help='write the figures there at the end')
    out.add_argument('--results_dir', default='./results', help='folder of all results; the '
                     'keys r and s save into NAME/live in it')
    declare_marks(out)


def declare_quality(parser: Parser) -> None:
    """How well they are painted."""
    painting = parser.add_argument_group('painting')
    names = ', '.join(quality.name for quality in QUALITIES)
    painting.add_argument('--quality', default=None, help=f'{names}, or 1 (the best) to '
                          f'{len(QUALITIES)}; default: the best that keeps up with --rate, '
                          f'measured for two seconds')
    declare_painting(painting)


def declare_live_poses(parser: Parser) -> None:
    """How the person before the camera is followed and fitted."""
    pose = parser.add_argument_group('poses')
    pose.add_argument('--fit', default='continuous', choices=['continuous', 'once', 'off'],
                      help='measure the person before the camera all the time, once (key m '
                           'measures again), or not at all')
    pose.add_argument('--facing', default='auto', choices=['auto', 'as_is', 'front'],
                      help='ways that the run\'s person was never filmed: as the person was '
                           'filmed (auto), from the front, or as you turn (as_is)')
    looking = {name: detectors.find(name) for name in detectors.names()}
    looking = {name: kind for name, kind in looking.items() if kind.LOOKS}
    pose.add_argument('--detector', default='mediapipe', choices=sorted(looking),
                      help='pose/detect/DETECTOR.py')
    for name, kind in looking.items():
        kind.declare_options(parser.add_argument_group(f'--detector {name}'))


def hide(parser: Parser, flags: set[str]) -> None:
    """Leave flags, which go on being understood, out of --help."""
    for flag in flags:
        parser.declared[flag].help = argparse.SUPPRESS
    parser.older = {old: new for old, new in parser.older.items() if new not in flags}


def check_no_dataset(opt: Options) -> None:
    """Refuse the folder of a dataset as a run."""
    for folder in (Path(opt.name), Path(opt.checkpoints_dir) / opt.name):
        if (folder / 'dataset.json').is_file():
            name = folder.resolve().name
            make = command('train.py', dataroot=folder, name=name, model='body2body',
                           max_minutes=0)
            raise UserError(f'--name {opt.name}: {folder} is a dataset, not a run. Make a run of '
                            f'it, then give --name {name}: {make}')


def check_run(opt: Options) -> None:
    """Refuse a name that is no run that can paint. Loads nothing."""
    run = Path(opt.checkpoints_dir) / opt.name
    weights = run / f'{opt.epoch}_net_G.pth'
    if placed(weights) is not None:
        return
    if record_file(run) is not None and not models.find(opt.model).TRAINS:
        return
    raise missing(weights)
