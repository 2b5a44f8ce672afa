"""Runs a list of transfers and measures them. One page shows scores, films, frames and changes.

    python scripts/suite.py pairs.json --out suites/today --minutes 2 --against suites/before

Each pair is a call of transfer.py, in a process of its own: a pair that fails is only a line of the
table. A target of several pairs is prepared and trained once. The same command resumes.
"""
import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from options.parser import Parser
from scripts.processes import Turn
from scripts.suite_changes import Changes, Noise, compared
from scripts.suite_page import line_of, write_pictures, write_suite_page
from scripts.suite_pairs import Pair, read_pairs
from scripts.suite_record import RECORD, read_suite
from scripts.suite_runs import Suite
from scripts.suite_shards import shard_of, suite_of
from util.errors import UserError, run_main, say, unknown_choice
from util.progress import clock

# seconds without training, only for the progress bar: clips of 10 s at 256 px on two old cores
PAIR_SECONDS, HELD_OUT_SECONDS = 150.0, 100.0


def do_all(suite: Suite, pairs: Sequence[Pair], show: Callable[[], Path]) -> None:
    """Each pair in turn and its target's held-out frames, with one progress bar for all.

    show    writes the page: after each pair, so that a suite that is stopped has one
    """
    lengths = seconds_to_come(suite, pairs)
    start = 0.0
    with clock('suite', sum(lengths.values())) as bar:
        for number, pair in enumerate(pairs, 1):
            name = f'{number} of {len(pairs)}, {pair.name}'
            turn = Turn(bar, name, start, lengths[pair.name], suite.log(pair))
            start += lengths[pair.name]
            if suite.is_finished(pair) and suite.is_held_out(pair):
                continue
            turn.log.parent.mkdir(parents=True, exist_ok=True)
            turn.log.unlink(missing_ok=True)
            if not suite.is_finished(pair):
                suite.paint(pair, turn.call)
            if suite.is_trained(pair) and not suite.is_held_out(pair):
                suite.hold_out(pair, turn.call)
            show()


def seconds_to_come(suite: Suite, pairs: Sequence[Pair]) -> dict[str, float]:
    """{pair: about how long it takes}."""
    trained = {pair.run for pair in pairs if suite.is_trained(pair)}
    held_out = {pair.run for pair in pairs if suite.is_held_out(pair)}
    lengths = {}
    for pair in pairs:
        length = 0.0 if suite.is_finished(pair) else PAIR_SECONDS
        if pair.run not in trained:
            length += 60 * suite.minutes
        if pair.run not in held_out:
            length += HELD_OUT_SECONDS
        lengths[pair.name] = length
        trained.add(pair.run)
        held_out.add(pair.run)
    return lengths


def options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(__doc__, formatter=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('list', metavar='PAIRS.json', help='[{"name": ..., "target": ..., '
                        '"source": ...}, ...]; also target_args, source_args, train_args and '
                        'test_args, as transfer.py has them; paths are relative to this file')
    parser.add_argument('--out', required=True, metavar='DIR',
                        help='folder of all that is made; the same command resumes')
    parser.add_argument('--minutes', type=float, help='training time of each target; default: that '
                        'of transfer.py')
    parser.add_argument('--size', type=int, help='shorter side of the films, as of transfer.py; '
                        '256 is quick')
    parser.add_argument('--against', metavar='OLD_DIR', help='the --out of an earlier suite: what '
                        'got worse since is listed first')
    parser.add_argument('--pairs', metavar='NAME,NAME', help='only these pairs; default: all')
    parser.add_argument('--shard', metavar='I/N', help='only pairs I, I + N, I + 2 N ... of them, '
                        'from 1: N calls, at once or on several machines, fill one --out')
    opt = parser.read(argv)
    if opt.against and Path(opt.against).resolve() == Path(opt.out).resolve():
        raise UserError(f'--against {opt.against} is --out itself. Name the folder of another '
                        f'suite.')
    return opt


def chosen(pairs: Sequence[Pair], names: str | None, file: Path) -> list[Pair]:
    """The pairs that --pairs names, in the order of the list."""
    known = [pair.name for pair in pairs]
    wanted = known if names is None else names.split(',')
    for name in wanted:
        if name not in known:
            raise unknown_choice('--pairs', name, known, f'a pair {{}} in {file}')
    return [pair for pair in pairs if pair.name in wanted]


def main(argv: Sequence[str] | None = None) -> Path:
    """Do as `argv` says. Returns the page."""
    opt = options(argv)
    file = Path(opt.list)
    old = read_suite(Path(opt.against)) if opt.against else None
    listed = read_pairs(file)
    pairs = chosen(listed, opt.pairs, file)
    if opt.shard is not None:
        pairs = shard_of(pairs, opt.shard)
    suite = suite_of(opt.shard, Path(opt.out), listed, pairs, opt.minutes, opt.size)
    with suite.at_work():
        return run_suite(suite, pairs, old, opt)


def run_suite(suite: Suite, pairs: Sequence[Pair], old: dict[str, Any] | None,
              opt: argparse.Namespace) -> Path:
    """Do all pairs and write the page, which is returned.

    old   suite.json of --against
    """
    suite.save()
    name = Path(opt.list).name

    def changes() -> Changes | None:
        return None if old is None else compared(old, suite.record, Noise())

    def show() -> Path:
        with suite.alone():
            return write_all()

    def write_all() -> Path:
        for pair, row in suite.record['pairs'].items():
            write_pictures(suite.folder, pair, row)
        return write_suite_page(suite.folder, name, suite.record, suite.outdated(), changes(),
                                opt.against)
    do_all(suite, pairs, show)
    page = show()
    rows = suite.record['pairs']
    if opt.shard is not None:       # others may be in the middle of theirs
        rows = {name: rows[name] for name in suite.options}
    say('\n'.join(line_of(pair, row) for pair, row in rows.items()))
    found = changes()
    if found:
        say('\n'.join(['', *found.lines(opt.against)]))
    say(f'\nscores: {suite.folder / RECORD}\npage: {page}')
    return page


if __name__ == '__main__':
    run_main(main, 'To go on: the same command again.')
