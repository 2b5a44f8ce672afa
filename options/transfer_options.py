"""Which flags transfer.py has."""
import os
import shlex
import sys
from pathlib import Path

from options.base_options import EntryOptions
from options.mark_options import declare_marks
from options.parser import Parser
from options.people import TOGETHER, declare_people, with_people
from options.test_options import declare_background
from scene.background_names import ALPHA
from util.containers import check_file
from util.errors import UserError
from util.options import Options, check_least
from util.video_writer import WITH_ALPHA


class TransferOptions(EntryOptions):
    """Says which flags exist. Reads, prints, creates, and switches nothing."""

    description = 'The person of one video moves like the person of another.'
    script: str | None = 'transfer.py'

    def declare(self, parser: Parser) -> None:
        job = parser.add_argument_group('job')
        job.add_argument('--target', nargs='+', help='video of the person to paint, or of each of '
                         'several people, who are painted together')
        job.add_argument('--source', help='video of the motion to transfer')
        declare_people(job)
        job.add_argument('--output', default=None, help='the video to write; default: '
                         'SOURCE_as_NAME.mp4, as in dancer_as_me.mp4, with --background alpha '
                         'a .webm; .mov only if you name it')
        declare_background(job)
        job.set_defaults(background=None)       # depends on how many are painted: with_people
        job.add_argument('--minutes', type=float, default=None,
                         help='training time; default: 0 for a --model that paints untrained '
                              '(body2body, nearest), else 20')
        job.add_argument('--name', nargs='+', default=None,
                         help='name of the run, one for each --target; default: its file name')
        job.add_argument('--model', default='body2body', help='models/MODEL_model.py')
        job.add_argument('--size', type=int, default=None,
                         help='the most that the shorter side of the painted video may have, px; '
                              'it has the aspect of the target\'s video, and no more pixels. '
                              'Default: 720. Of a --model that needs squares: their side; '
                              'default: 256')
        declare_marks(job)

        where = parser.add_argument_group('folders')
        where.add_argument('--datasets_dir', default='./datasets', help='folder of all datasets')
        where.add_argument('--checkpoints_dir', default='./checkpoints', help='folder of all runs')
        where.add_argument('--results_dir', default='./results', help='folder of all results')

        more = parser.add_argument_group('more flags for one step, as one string')
        for step, example in (('target', '--crop 120,90,720,540'), ('source', '--start 3'),
                              ('train', '--ngf 32'), ('test', '--device cpu')):
            more.add_argument(f'--{step}_args', default='', help=f'e.g. "{example}"')

    def parse(self, argv: list[str] | None = None) -> Options:
        argv = sys.argv[1:] if argv is None else argv
        opt = super().parse(joined(argv))
        for flag, videos in (('target', opt.target), ('source', [opt.source])):
            if not videos or not all(videos):
                raise UserError(f'--{flag} is missing. Type: python transfer.py --target me.mp4 '
                                f'--source dancer.mp4 --output out.mp4')
            for video in videos:
                try:
                    check_file(video)
                except UserError as error:
                    raise UserError(f'--{flag} {error}') from None
        check_least(opt, {'minutes': 0, 'size': 16})
        opt = with_people(opt)
        opt = opt.but(output=output_of(opt))
        from models import models
        return opt if opt.minutes is not None else opt.but(minutes=models.find(opt.model).MINUTES)


def output_of(opt: Options) -> str:
    """The film to write; UserError where a film of that name cannot hold the pictures."""
    endings = tuple(WITH_ALPHA) if opt.background == ALPHA else ('.mp4',)
    if opt.output is None:      # of each dancer another: the last film stays
        names = [role.name for role in opt.roles] or [opt.name or Path(opt.target).stem]
        return f'{Path(opt.source).stem}_as_{TOGETHER.join(names)}{endings[0]}'
    if not opt.output:
        raise UserError('--output is empty: name the video to write, e.g. --output out.mp4.')
    path = Path(opt.output)
    if path.suffix.lower() in endings:
        return str(opt.output)
    if opt.background == ALPHA:
        raise UserError(f'--output {opt.output}: only a webm or mov has the transparency of '
                        f'--background alpha. Give --output {path.with_suffix(".webm")}.')
    raise UserError(f'--output {opt.output}: the output is an mp4. Give '
                    f'--output {path.with_suffix(".mp4")}.')


def words_of(flag: str, text: str) -> list[str]:
    """The words of --FLAG "--ngf 32"."""
    try:
        return shlex.split(text, posix=os.name != 'nt')     # Windows paths hold backslashes
    except ValueError:
        raise UserError(f'--{flag} {text}: a quotation mark is not closed.') from None


def joined(argv: list[str]) -> list[str]:
    """--train_args "--flip" as one word: argparse would take --flip for a flag of transfer.py."""
    out: list[str] = []
    for word in argv:
        if out and out[-1].startswith('--') and out[-1].endswith('_args'):
            out[-1] += f'={word}'
        else:
            out.append(word)
    return out
