"""Fetches network weights that are too large, or not ours, to come with the code.

    python scripts/get_models.py openpose

They are kept in ~/.cache/body2body, or in the folder that BODY2BODY_WEIGHTS names.
With --if_possible it prints nothing for weights that are there, and one line if some cannot be
fetched; the exit status is then 0, so that an installation goes on without them.
"""
import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from options.parser import Parser
from util.downloads import KNOWN, cached, fetch, known, weights_folder, weights_path
from util.errors import UserError, run_main, say, warn
from util.words import command


def table() -> str:
    """All weights there are: what for, how large, whose, and whether they are there."""
    lines = []
    for name, weights in KNOWN.items():
        there = all(cached(name, file).is_file() for file in weights.files)
        size = sum(file.size for file in weights.files) / 1e6
        lines += [f'{name:10} {"there" if there else "not there":9}  {weights.use}',
                  f'{"":20}  {size:.1f} MB of {weights.package} ({weights.registry}), '
                  f'licence {weights.licence}']
    return '\n'.join([*lines, f'kept in {weights_folder()}'])


def is_there(name: str) -> bool:
    """Whether all files of these weights are there and whole; UserError for an unknown name."""
    files = known(name).files
    try:
        for file in files:
            weights_path(name, file.name)
    except UserError:
        return False
    return True


def fetch_if_possible(names: list[str]) -> None:
    """Fetch the weights that are missing; one warning names all that cannot be fetched."""
    errors = {}
    for name in names:
        if is_there(name):
            continue
        try:
            fetch(name)
        except (UserError, OSError) as error:
            if isinstance(error.__cause__, KeyboardInterrupt):
                raise
            errors[name] = error
    if errors:
        first = str(next(iter(errors.values()))).removesuffix('.')
        warn(f'{first}. Going on without {" and ".join(errors)}. To fetch later, type: '
             + command('scripts/get_models.py', *errors))


def main(argv: list[str] | None = None) -> None:
    parser = Parser(__doc__, formatter=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('names', nargs='*', metavar='NAME', help=f'some of {", ".join(KNOWN)}')
    parser.add_argument('--list', action='store_true', help='say which there are and are here')
    parser.add_argument('--force', action='store_true', help='fetch what is there already, too')
    parser.add_argument('--if_possible', action='store_true',
                        help='go on with one line where something cannot be fetched')
    opt = parser.read(argv)
    if not opt.names and not opt.list:
        raise UserError(f'no name given. There is {", ".join(KNOWN)}; --list says what for.')
    if opt.if_possible:
        fetch_if_possible(opt.names)
    else:
        for name in opt.names:
            fetch(name, opt.force)
    if opt.list:
        say(table())


if __name__ == '__main__':
    run_main(main)
