"""Which flags decide what a painted film says of itself."""
import argparse

from util.marks import Marks, marks_of
from util.options import Options


def declare_marks(group: argparse._ArgumentGroup) -> None:
    """The flags of all that writes painted films."""
    group.add_argument('--watermark', default='', metavar='TEXT',
                       help='draw this text into the lower right corner of the film')
    group.add_argument('--no_metadata', action='store_true',
                       help='do not write into the film\'s file that body2body painted it, and '
                            'with which run')


def marks_in(opt: Options) -> Marks:
    """The marks that the flags ask for; UserError for a text that cannot be drawn."""
    return marks_of(opt.name, opt.no_metadata, opt.watermark)


def as_flags(opt: Options) -> list[str]:
    """The same flags, as test.py takes them."""
    flags = [f'--watermark={opt.watermark}'] if opt.watermark else []
    return flags + (['--no_metadata'] if opt.no_metadata else [])
