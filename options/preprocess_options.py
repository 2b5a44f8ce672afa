"""Which flags preprocess.py has."""
import re

from options.base_options import EntryOptions, Parser
from util.errors import UserError
from util.options import Options


class PreprocessOptions(EntryOptions):
    """Says which flags exist. Reads, prints, creates, and switches nothing."""

    description = 'Make a dataset of pose|frame pairs, or of poses alone, from a video.'

    def declare(self, parser: Parser) -> None:
        source = parser.add_argument_group('source, one of')
        source.add_argument('--video', help='a video file')
        source.add_argument('--images', help='a folder of pictures, taken in name order')
        source.add_argument('--camera', type=int, help='a camera by number, with --seconds')
        source.add_argument('--seconds', type=float, default=60.0, help='how long to film')

        part = parser.add_argument_group('part of it')
        part.add_argument('--start', type=float, default=0.0, help='seconds to begin at')
        part.add_argument('--end', type=float, default=None, help='seconds to stop at')
        part.add_argument('--fps', type=float, default=None,
                          help='take so many frames a second; all if not given. The rate of '
                               '--images, 30 if not given')

        data = parser.add_argument_group('dataset')
        data.add_argument('--dataroot', help='where the dataset goes, e.g. datasets/me')
        data.add_argument('--size', type=int, default=256, help='width and height of a frame; '
                          'with --crop none its shorter side')
        data.add_argument('--width', type=int, default=None, help='instead of --size')
        data.add_argument('--height', type=int, default=None, help='instead of --size')
        data.add_argument('--crop', default='auto', help='auto: one box around the person\'s '
                          'whole track; center; none; or x,y,w,h in px of the video')
        data.add_argument('--val_fraction', type=float, default=0.1,
                          help='part at the end that is held out, after a gap of one second')
        data.add_argument('--layout', default='pairs', choices=['pairs', 'folders'],
                          help='pairs: train/, val/; folders: train_A/, train_B/, ...')
        data.add_argument('--overwrite', action='store_true',
                          help='make the dataset anew, in place of the one that is there')

        pose = parser.add_argument_group('poses')
        pose.add_argument('--detector', default='mediapipe', help='pose/detect/DETECTOR.py')
        pose.add_argument('--max_gap', type=int, default=12,
                          help='frames: a joint unseen for so long is filled in')
        pose.add_argument('--smooth', type=float, default=1.0,
                          help='how much jitter is taken out; 0 for none')
        pose.add_argument('--draw_style', default='openpose', help='how poses are drawn')
        pose.add_argument('--line_width', type=float, default=None,
                          help='px; follows the size if not given')
        pose.add_argument('--poses_only', action='store_true',
                          help='write poses without frames, to be painted by test.py')
        pose.add_argument('--retarget_to', default=None, metavar='PATH',
                          help='fit the poses to the person of datasets/NAME or checkpoints/NAME')

        machine = parser.add_argument_group('machine')
        machine.add_argument('--num_workers', type=int, default=None,
                             help='processes that share the detection of a long video; if not '
                                  'given, one for each processor core, up to 4')

    def parse(self, argv: list[str] | None = None) -> Options:
        opt = super().parse(argv)
        check(opt)
        return opt


def check(opt: Options) -> None:
    """Refuse what no stage could make sense of."""
    given = [f for f in ('video', 'images', 'camera') if getattr(opt, f) is not None]
    if len(given) != 1:
        what = ' and '.join(f'--{f}' for f in given) or 'no source'
        raise UserError(f'{what} given: name one source, --video FILE, --images DIR or '
                        f'--camera 0.')
    if not opt.dataroot:
        raise UserError('--dataroot is missing: say where the dataset goes, e.g. '
                        '--dataroot datasets/me.')
    if opt.retarget_to and not opt.poses_only:
        raise UserError('--retarget_to moves the poses away from the frames, so it needs '
                        '--poses_only.')
    for flag in ('size', 'width', 'height'):
        value = getattr(opt, flag)
        if value is not None and not 16 <= value <= 8192:
            raise UserError(f'--{flag} {value}: give 16 to 8192 px.')
    if (opt.width is None) != (opt.height is None):
        raise UserError('--width and --height go together; for a square picture use --size.')
    if not 0 <= opt.val_fraction < 1:
        raise UserError(f'--val_fraction {opt.val_fraction}: give 0 to 0.9, e.g. 0.1.')
    if opt.crop not in ('auto', 'center', 'none') and \
            not re.fullmatch(r'-?\d+,-?\d+,[1-9]\d*,[1-9]\d*', opt.crop):
        raise UserError(f'--crop {opt.crop}: give auto, center, none, or x,y,w,h in px, '
                        f'e.g. 120,90,720,540.')
    for flag, least in (('num_workers', 1), ('max_gap', 0), ('smooth', 0), ('start', 0)):
        if getattr(opt, flag) is not None and getattr(opt, flag) < least:
            raise UserError(f'--{flag} {getattr(opt, flag)}: give {least} or more.')
    for flag in ('fps', 'line_width', 'seconds'):
        if getattr(opt, flag) is not None and getattr(opt, flag) <= 0:
            raise UserError(f'--{flag} {getattr(opt, flag)}: give more than 0.')
