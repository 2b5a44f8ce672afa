"""Which flags test.py has."""
import argparse
from pathlib import Path
from typing import Any

from models.exporting.places import check_runtime
from options.base_options import BaseOptions
from options.mark_options import declare_marks, marks_in
from options.parser import Parser
from util.errors import UserError
from util.options import Options


class TestOptions(BaseOptions):
    """Says which flags exist. Options in the run's record need not be typed again."""

    __test__ = False        # the name is upstream's; pytest must not collect it
    description = 'Paint every pose of a dataset with a trained run.'
    script: str | None = 'test.py'
    phase = 'test'

    def declare(self, parser: Parser) -> None:
        super().declare(parser)
        test = parser.add_argument_group('painting')
        test.add_argument('--phase', default='val', help='paint DATAROOT/PHASE')
        test.add_argument('--num_test', type=int, default=None,
                          help='number of poses to paint; default: all')
        test.add_argument('--results_dir', default='./results', help='folder of all results')
        declare_painting(test)
        test.add_argument('--metrics', default='all', choices=['none', 'fast', 'all'],
                          help='metrics of the painted frames; fast: those that need no network')
        test.add_argument('--no_video', action='store_true', help='write only frames and the page')
        test.add_argument('--alpha_film', default=None, choices=['webm', 'mov'],
                          help='the film of --background alpha: webm (VP9, small), or mov '
                               '(ProRes 4444, large, for editors); default: webm')
        test.add_argument('--whole_frame', action='store_true',
                          help='put what is painted back into the whole frame of the target\'s '
                               'video, before its background, where the run paints a part of it')
        declare_background(test)
        test.add_argument('--video_from',
                          help='video shown next to the painted one; its sound is used')
        declare_marks(test)

    LEAST = {**BaseOptions.LEAST, 'num_test': 1}

    def reads_record(self, known: dict[str, Any]) -> bool:
        return True

    def check(self, opt: Options) -> None:
        super().check(opt)
        marks_in(opt)                       # refuses what cannot be drawn
        check_runtime(opt)
        if opt.whole_frame:
            check_whole_frame(opt)
        check_background(opt)
        if not opt.dataroot:
            run = Path(opt.checkpoints_dir) / opt.name
            if not run.is_dir():
                from util.runs import missing
                raise missing(run / f'{opt.epoch}_net_G.pth')
            raise UserError('--dataroot is missing: name a dataset whose poses to paint, e.g. '
                            '--dataroot datasets/me.')


def declare_background(group: argparse._ArgumentGroup) -> None:
    """The flag of all that writes a film."""
    group.add_argument('--background', default='own',
                       help='what is behind the person: own (of the target), source (the scene '
                            'that the dancer was filmed in, in the dancer\'s place), green, alpha '
                            '(PNGs and a film with transparency), or the file of a picture or of a '
                            'video, which begins again where it ends; all but own with body2body')


def declare_painting(group: argparse._ArgumentGroup) -> None:
    """The flags of all that paints with a run."""
    declare_normalizing(group)
    group.add_argument('--runtime', default='torch', choices=['torch', 'onnx', 'openvino'],
                       help='what computes the networks: torch, or what scripts/export.py wrote')


def declare_normalizing(group: argparse._ArgumentGroup) -> None:
    """The flags that change what a run's networks paint."""
    group.add_argument('--eval', action='store_true',
                       help='normalize with the statistics of training; default: with each '
                            'image\'s own if the run was trained with --batch_size 1')
    group.add_argument('--no_ema', action='store_true',
                       help='paint with the trained weights, not with their moving average')


def check_background(opt: Options) -> None:
    """Refuse a background that cannot be had, and flags that do not go with it."""
    from models import models
    from scene.background_names import ALPHA, OWN, check_offline
    if opt.alpha_film and (opt.background != ALPHA or opt.no_video):
        why = 'there is no film with --no_video' if opt.no_video else 'it needs --background alpha'
        raise UserError(f'--alpha_film {opt.alpha_film}: {why}. Leave --alpha_film out.')
    check_offline(opt.background, models.find(opt.model).HAS_ALPHA, opt.model)
    if opt.whole_frame and opt.background != OWN:
        raise UserError(f'--background {opt.background}: --whole_frame puts the target\'s own '
                        f'background around the picture. Leave one of the two out.')


def check_whole_frame(opt: Options) -> None:
    """Refuse --whole_frame where what is painted is no part of a video's frame."""
    from models import models
    if models.find(opt.model).ANY_SHAPE:
        raise UserError(f'--whole_frame: {opt.model} paints the whole frame by itself when its '
                        f'dataset is made with preprocess.py --crop none. Leave --whole_frame out.')
    if opt.direction == 'BtoA':
        raise UserError('--whole_frame: with --direction BtoA poses are painted, which have no '
                        'background. Leave --whole_frame out.')
