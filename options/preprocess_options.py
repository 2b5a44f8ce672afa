"""Which flags preprocess.py has."""
import re

from options.base_options import EntryOptions
from options.parser import Parser
from pose.cleaning.repair import MAX_GAP, MIN_CONFIDENCE
from pose.detect import detectors
from pose.tracking.people import check_person
from util.errors import UserError
from util.options import Options, check_least, check_more_than_0, check_most, refuse


class PreprocessOptions(EntryOptions):
    """Says which flags exist. Reads, prints, creates, and switches nothing."""

    description = 'Make a dataset of pose|frame pairs, or of poses only, from a video.'
    script: str | None = 'preprocess.py'

    LEAST = {'camera': 0, 'num_workers': 1, 'max_gap': 0, 'smooth': 0, 'start': 0}
    MOST = {'fps': 1000, 'smooth': 100, 'line_width': 1000, 'num_workers': 256}
    MORE_THAN_0 = ('fps', 'line_width', 'seconds')

    def declare(self, parser: Parser) -> None:
        declare_source(parser)
        declare_part(parser)
        declare_dataset(parser)
        declare_poses(parser)
        declare_repair(parser)
        declare_drawing(parser)
        declare_fit(parser)
        declare_reports(parser)
        declare_machine(parser)
        declare_detectors(parser)

    def parse(self, argv: list[str] | None = None) -> Options:
        opt = super().parse(argv)
        if opt.redraw or opt.doctor:
            check_existing(opt)
            return opt
        check_source(opt)
        check_size(opt)
        check_least(opt, self.LEAST)
        check_most(opt, self.MOST)
        check_more_than_0(opt, self.MORE_THAN_0)
        check_choices(opt)
        check_retarget(opt)
        check_person(opt.person)
        return opt


def declare_source(parser: Parser) -> None:
    """Where the frames come from."""
    source = parser.add_argument_group('source, one of')
    source.add_argument('--video', help='a video file')
    source.add_argument('--images', help='a folder of images, read in name order')
    source.add_argument('--camera', type=int, help='number of a camera, with --seconds')
    source.add_argument('--seconds', type=float, default=60.0,
                        help='length of the recording from --camera')


def declare_part(parser: Parser) -> None:
    """Which frames of the source are used."""
    part = parser.add_argument_group('part of the source')
    part.add_argument('--start', type=float, default=0.0, help='first second to use')
    part.add_argument('--end', type=float, default=None, help='last second to use')
    part.add_argument('--fps', type=float, default=None,
                      help='frames to use per second; default: all. For --images, their '
                           'frame rate; default: 30')


def declare_dataset(parser: Parser) -> None:
    """What is made of them, and how large."""
    data = parser.add_argument_group('dataset')
    data.add_argument('--dataroot', help='folder of the dataset to make, e.g. datasets/me')
    data.add_argument('--size', type=int, default=256, help='width and height of a frame; '
                      'with --crop none or --aspect keep its shorter side')
    data.add_argument('--width', type=int, default=None, help='width, instead of --size')
    data.add_argument('--height', type=int, default=None, help='height, instead of --size')
    data.add_argument('--film_size', type=int, default=720, help='shorter side of the frames '
                      'that are kept as large as filmed, which body2body paints from: at most '
                      'this, px, and never more than the video has; 0: none are kept')
    data.add_argument('--crop', default='auto', help='auto: one box around the whole track of '
                      'the person; center; none; or x,y,w,h in px of the video')
    data.add_argument('--aspect', default='square', choices=['square', 'keep'],
                      help='square: square frames, with black bars where --crop auto needs '
                           'them; keep: frames of the video\'s aspect, or of that of --crop '
                           'x,y,w,h, never with a bar that the video has not. --crop none '
                           'always keeps it')
    data.add_argument('--val_fraction', type=float, default=0.1,
                      help='fraction at the end that is held out, after a gap as long as that '
                           'part, and of one second at most')
    data.add_argument('--layout', default='pairs', choices=['pairs', 'folders'],
                      help='pairs: train/, val/; folders: train_A/, train_B/, ...')
    data.add_argument('--overwrite', action='store_true',
                      help='make the dataset again, in place of the existing one')


def declare_poses(parser: Parser) -> None:
    """Who is followed, and by what."""
    pose = parser.add_argument_group('poses')
    pose.add_argument('--detector', default='mediapipe', help='pose/detect/DETECTOR.py: '
                      f'{", ".join(detectors.names())}; each is described below')
    pose.add_argument('--parts', default=None, help='body, hands, face or all; default: as '
                      'the person of --retarget_to was prepared, else body')
    pose.add_argument('--person', default='largest', help='which person, where there are '
                      'several: largest, center, longest, a number from the report, or x,y '
                      'in px of the video where the person first stands')
    pose.add_argument('--shots', default='keep', help='shots to use of a video with cuts: keep '
                      '(all), longest, or numbers from the report, e.g. 1,3')
    pose.add_argument('--write_json', action='store_true', help='also write the cleaned poses '
                      'as OpenPose JSON, in px of the video, to DATAROOT/openpose_json')


def declare_repair(parser: Parser) -> None:
    """What is mended in the poses."""
    repair = parser.add_argument_group('repair; the report counts each kind')
    repair.add_argument('--min_confidence', type=float, default=MIN_CONFIDENCE,
                        help='0 to 1: joints with a lower confidence are dropped')
    repair.add_argument('--no_swaps', action='store_true',
                        help='keep left and right as the detector gave them')
    repair.add_argument('--no_limits', action='store_true',
                        help='keep joints that are farther away than a bone is long')
    repair.add_argument('--max_gap', type=int, default=MAX_GAP,
                        help='longest gap of a joint, in frames, that is filled in')
    repair.add_argument('--smooth', type=float, default=1.0,
                        help='strength of smoothing over time; 0: none')


def declare_drawing(parser: Parser) -> None:
    """How poses are drawn."""
    draw = parser.add_argument_group('drawing')
    draw.add_argument('--draw_style', default=None, help='style of drawn poses: openpose, edn, '
                      'figment or pix2pixhd_labels; default: with --redraw the present '
                      'style, with --retarget_to that of the person, else openpose')
    draw.add_argument('--line_width', type=float, default=None,
                      help='width of drawn lines, px; default: follows the size')
    draw.add_argument('--redraw', action='store_true', help='draw the poses of the dataset '
                      'at --dataroot again; needs no video')


def declare_fit(parser: Parser) -> None:
    """How poses are fitted to another person."""
    fit = parser.add_argument_group('poses that are painted as another person')
    fit.add_argument('--poses_only', action='store_true',
                     help='write poses without frames, for test.py to paint')
    fit.add_argument('--keep_scene', nargs='?', const='others', default=None,
                     choices=['others', 'nobody'],
                     help='also keep the video without the dancer, as large as --film_size, '
                          'for test.py --background source to paint into; others: everybody '
                          'else stays in it; nobody: all people are taken out')
    fit.add_argument('--retarget_to', default=None, metavar='PATH',
                     help='fit the poses to the person of datasets/NAME or checkpoints/NAME')
    fit.add_argument('--retarget', default='auto', choices=['auto', 'global', 'limbs'],
                     help='global: take place and size of the target; limbs: also the length '
                          'of every bone; auto: whichever the two bodies need')
    fit.add_argument('--walk', default='keep', choices=['keep', 'follow', 'center'],
                     help='the walk across the floor: keep it, scale it to that of the target '
                          '(follow), or hold the person in the center')
    fit.add_argument('--facing', default='auto', choices=['auto', 'as_is', 'front'],
                     help='ways that the person was never filmed, such as the back: show the '
                          'dancer there as the person was filmed (auto), always from the '
                          'front, or as the dancer turns (as_is)')


def declare_reports(parser: Parser) -> None:
    """What is said of a dataset that exists."""
    look = parser.add_argument_group('reports')
    look.add_argument('--doctor', nargs='+', default=None, metavar='DATASET',
                      help='make the report of a dataset again, and say which movements are '
                           'still to be filmed (docs/filming.md); with a second dataset, '
                           'those of its dancer first, and how well the first covers its '
                           'poses')


def declare_machine(parser: Parser) -> None:
    """How the work is shared."""
    machine = parser.add_argument_group('machine')
    machine.add_argument('--num_workers', type=int, default=None,
                         help='threads that share the detection of a video; default: '
                              'one for each processor core, up to 4')


def declare_detectors(parser: Parser) -> None:
    """The flags of each detector, in a group of its own."""
    for name in detectors.names():
        kind = detectors.find(name)
        needs = f' Needs {kind.NEEDS}.' if kind.NEEDS else ''
        about = f'{kind.DESCRIPTION}; {kind.RATE}.{needs}'
        kind.declare_options(parser.add_argument_group(f'--detector {name}', about))


def sources(opt: Options) -> list[str]:
    """The source flags that were given."""
    return [flag for flag in ('video', 'images', 'camera') if getattr(opt, flag) is not None]


def check_existing(opt: Options) -> None:
    """Refuse flags that do not go with a dataset that exists already."""
    given = sources(opt)
    mode = 'redraw' if opt.redraw else 'doctor'
    if opt.redraw and opt.doctor:
        raise UserError('--redraw and --doctor given: one at a time.')
    if given:
        raise UserError(f'--{mode} works on a dataset that exists already; leave --{given[0]} out.')
    if opt.redraw and not opt.dataroot:
        raise UserError('--dataroot is missing: say what to redraw, e.g. --redraw --dataroot '
                        'datasets/me --draw_style edn.')
    if opt.doctor and len(opt.doctor) > 2:
        raise UserError(f'--doctor {" ".join(opt.doctor)}: give one dataset, or the target\'s and '
                        f'the source\'s.')


def check_source(opt: Options) -> None:
    """Refuse anything but one source and a dataset to make of it."""
    given = sources(opt)
    if len(given) != 1:
        what = ' and '.join(f'--{flag}' for flag in given) or 'no source'
        raise UserError(f'{what} given: name one source, --video FILE, --images DIR or '
                        f'--camera 0.')
    if not opt.dataroot:
        raise UserError('--dataroot is missing: say where the dataset goes, e.g. '
                        '--dataroot datasets/me.')


def check_size(opt: Options) -> None:
    """Refuse frames that are too small or too large, and half a size."""
    for flag in ('size', 'width', 'height'):
        value = getattr(opt, flag)
        if value is not None and not 16 <= value <= 8192:
            raise UserError(f'--{flag} {value}: give 16 to 8192 px.')
    if opt.film_size != 0 and not 16 <= opt.film_size <= 8192:
        raise UserError(f'--film_size {opt.film_size}: give 16 to 8192 px, or 0 for no such '
                        f'frames.')
    if (opt.width is None) != (opt.height is None):
        raise UserError('--width and --height go together; for a square image use --size.')
    if opt.width is not None and opt.aspect == 'keep':
        raise UserError('--aspect keep takes the aspect of the video, --width and --height give '
                        'another. Use --size, or leave --aspect keep out.')


def check_choices(opt: Options) -> None:
    """Refuse values that are in no list of choices or out of their range."""
    crop = opt.crop in ('auto', 'center', 'none') or \
        re.fullmatch(r'-?\d{1,4},-?\d{1,4},[1-9]\d{0,3},[1-9]\d{0,3}', opt.crop)
    refuse((
        (opt.end is not None and not opt.end > opt.start,
         f'--end {opt.end}: give a second after --start {opt.start:g}.'),
        (not 0 <= opt.val_fraction < 1,
         f'--val_fraction {opt.val_fraction}: give 0 to 0.9, e.g. 0.1.'),
        (not 0 <= opt.min_confidence < 1,
         f'--min_confidence {opt.min_confidence}: give 0 to 0.9, e.g. 0.1.'),
        (not crop,
         f'--crop {opt.crop}: give auto, center, none, or x,y,w,h in px, below 10000, e.g. '
         f'120,90,720,540.'),
        (not re.fullmatch(r'keep|longest|[1-9]\d*(,[1-9]\d*)*', opt.shots),
         f'--shots {opt.shots}: give keep, longest, or numbers as report.html gives them, '
         f'e.g. 1,3.')))


def check_retarget(opt: Options) -> None:
    """Refuse retargeting that moves poses away from frames, or that lacks a target."""
    if opt.retarget_to and not opt.poses_only:
        raise UserError('--retarget_to moves the poses away from the frames, so it needs '
                        '--poses_only.')
    if opt.keep_scene and not opt.poses_only:
        raise UserError('--keep_scene keeps what somebody else is painted into, so it needs '
                        '--poses_only.')
    for flag, default in (('retarget', 'auto'), ('walk', 'keep'), ('facing', 'auto')):
        if getattr(opt, flag) != default and not opt.retarget_to:
            raise UserError(f'--{flag} {getattr(opt, flag)} needs the person to be fitted to: '
                            f'add --retarget_to datasets/me.')
