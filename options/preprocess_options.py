"""Which flags preprocess.py has."""
import re

from options.base_options import EntryOptions, Parser
from pose.cleaning.repair import MAX_GAP, MIN_CONFIDENCE
from pose.detect import detectors
from pose.tracking.people import check_person
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
        pose.add_argument('--detector', default='mediapipe', help='pose/detect/DETECTOR.py: '
                          f'{", ".join(detectors.names())}; each is described below')
        pose.add_argument('--parts', default=None, help='body, hands, face or all; if not given, '
                          'what the person of --retarget_to was prepared with, else body')
        pose.add_argument('--person', default='largest', help='who it is, where there are '
                          'several: largest, center, longest, the number the report gives, or '
                          'x,y in px of the video where the person stands at first')
        pose.add_argument('--shots', default='keep', help='of a video with cuts: keep all, '
                          'longest, or numbers as the report gives them, e.g. 1,3')
        pose.add_argument('--write_json', action='store_true', help='also write the clean poses '
                          'as OpenPose does, in px of the video, into DATAROOT/openpose_json')

        repair = parser.add_argument_group('repair; the report counts each')
        repair.add_argument('--min_confidence', type=float, default=MIN_CONFIDENCE,
                            help='0 to 1: a joint found less surely is a guess, and is dropped')
        repair.add_argument('--no_swaps', action='store_true',
                            help='leave left and right as the detector gave them')
        repair.add_argument('--no_limits', action='store_true',
                            help='leave joints that no bone reaches')
        repair.add_argument('--max_gap', type=int, default=MAX_GAP,
                            help='frames: a joint unseen for so long is filled in')
        repair.add_argument('--smooth', type=float, default=1.0,
                            help='how much jitter is taken out; 0 for none')

        draw = parser.add_argument_group('drawing')
        draw.add_argument('--draw_style', default=None, help='how poses are drawn: openpose, edn '
                          'or pix2pixhd_labels; if not given, as they are with --redraw, as the '
                          'person of --retarget_to, else openpose')
        draw.add_argument('--line_width', type=float, default=None,
                          help='px; follows the size if not given')
        draw.add_argument('--redraw', action='store_true', help='draw the poses of the dataset '
                          'at --dataroot anew; no video is needed')

        fit = parser.add_argument_group('poses to be painted as another person')
        fit.add_argument('--poses_only', action='store_true',
                         help='write poses without frames, to be painted by test.py')
        fit.add_argument('--retarget_to', default=None, metavar='PATH',
                         help='fit the poses to the person of datasets/NAME or checkpoints/NAME')
        fit.add_argument('--retarget', default='auto', choices=['auto', 'global', 'limbs'],
                         help='global: place and size are the target\'s; limbs: every bone\'s '
                              'length too; auto: what the two bodies ask for')
        fit.add_argument('--walk', default='keep', choices=['keep', 'follow', 'center'],
                         help='the walk across the floor: kept, scaled to the target\'s own, or '
                              'held in the centre')

        look = parser.add_argument_group('looking again')
        look.add_argument('--doctor', nargs='+', default=None, metavar='DATASET',
                          help='make the report of a dataset again; with a second one, say how '
                               'well the first covers its poses')

        machine = parser.add_argument_group('machine')
        machine.add_argument('--num_workers', type=int, default=None,
                             help='processes that share the detection of a long video; if not '
                                  'given, one for each processor core, up to 4')

        for name in detectors.names():
            kind = detectors.find(name)
            needs = f' Needs {kind.NEEDS}.' if kind.NEEDS else ''
            kind.declare_options(parser.add_argument_group(
                f'--detector {name}', f'{kind.DESCRIPTION}; {kind.RATE}.{needs}'))

    def parse(self, argv: list[str] | None = None) -> Options:
        opt = super().parse(argv)
        if opt.redraw or opt.doctor:
            check_existing(opt)
        else:
            check(opt)
        return opt


def check_existing(opt: Options) -> None:
    """Refuse what does not go with a dataset that is there already."""
    given = [f for f in ('video', 'images', 'camera') if getattr(opt, f) is not None]
    mode = 'redraw' if opt.redraw else 'doctor'
    if opt.redraw and opt.doctor:
        raise UserError('--redraw and --doctor given: one at a time.')
    if given:
        raise UserError(f'--{mode} works on a dataset that is there already; leave --{given[0]} '
                        f'out.')
    if opt.redraw and not opt.dataroot:
        raise UserError('--dataroot is missing: say what to redraw, e.g. --redraw --dataroot '
                        'datasets/me --draw_style edn.')
    if opt.doctor and len(opt.doctor) > 2:
        raise UserError(f'--doctor {" ".join(opt.doctor)}: give one dataset, or the target\'s and '
                        f'the source\'s.')


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
    if not 0 <= opt.min_confidence < 1:
        raise UserError(f'--min_confidence {opt.min_confidence}: give 0 to 0.9, e.g. 0.1.')
    if not re.fullmatch(r'keep|longest|[1-9]\d*(,[1-9]\d*)*', opt.shots):
        raise UserError(f'--shots {opt.shots}: give keep, longest, or numbers as report.html '
                        f'gives them, e.g. 1,3.')
    for flag, usual in (('retarget', 'auto'), ('walk', 'keep')):
        if getattr(opt, flag) != usual and not opt.retarget_to:
            raise UserError(f'--{flag} {getattr(opt, flag)} needs the person to be fitted to: '
                            f'add --retarget_to datasets/me.')
    check_person(opt.person)
