"""Fetches network weights that are too large, or not ours, to come with the code.

    python scripts/get_models.py openpose

They are kept in ~/.cache/body2body, or in the folder that BODY2BODY_WEIGHTS names.
"""
import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from util.downloads import KNOWN, cached, fetch, weights_folder
from util.errors import UserError, run_main, say


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


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('names', nargs='*', metavar='NAME', help=f'some of {", ".join(KNOWN)}')
    parser.add_argument('--list', action='store_true', help='say which there are and are here')
    parser.add_argument('--force', action='store_true', help='fetch what is there already, too')
    opt = parser.parse_args(argv)
    if not opt.names and not opt.list:
        raise UserError(f'no name given. There is {", ".join(KNOWN)}; --list says what for.')
    for name in opt.names:
        fetch(name, opt.force)
    if opt.list:
        say(table())


if __name__ == '__main__':
    run_main(main)
