"""The folder of a suite: what is done, what each result depends on, and the calls that make it."""
import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import transfer
from evaluation.records import read_metrics, read_painting
from options.steps import with_own_flags
from options.transfer_options import TransferOptions
from scripts.suite_page import PAGE, picture_names
from scripts.suite_pairs import STEPS as ARGS
from scripts.suite_pairs import Pair
from scripts.suite_record import FORMAT, RECORD, read_suite
from util.errors import UserError, warn
from util.files import write_json
from util.noted import check_ours, in_the_way
from util.options import Options
from util.owned import locked
from util.shapes import items, number, read_shaped, record, table, text
from util.video import probe

# what the suite writes into its folder: these names are free when it first comes, or it refuses
OURS = (RECORD, PAGE, 'datasets', 'checkpoints', 'results', 'held_out', 'films', 'sheets',
        'posters', 'logs')
STEPS = {'person': 'target', 'moves': 'source', 'training': 'train'}    # which _args each has
# what transfer.json holds
TIMES = record({'seconds': table(number(0)), 'finished': items(text())})
STOPPED = 'stopped before the end'

Call = Callable[[str, str, list[str]], float | None]    # (what, script, argv) -> peak MB
Folders = dict[str, tuple[str, dict[str, Any]]]         # {step: (folder, its inputs)}


class Suite:
    """DIR and what its suite.json says of it.

    listed    every pair of the list; `options` has those that this call is about
    record    'pairs': {NAME: row}, 'held_out': {TARGET: row}, and 'prepared': {folder: what its
              content depends on ('inputs'), the seconds that went into it, whether it is finished}.
              A row has 'inputs' and then 'scores', or 'error'
    """

    def __init__(self, folder: Path, listed: Sequence[Pair], chosen: Sequence[Pair],
                 minutes: float | None, size: int | None = None):
        self.folder, self.listed = folder, listed
        self.size = size
        self.options = {pair.name: self.check(pair, minutes) for pair in chosen}
        self.minutes = self.options[chosen[0].name].minutes
        self.record: dict[str, Any] = {'pairs': {}, 'held_out': {}, 'prepared': {}}
        if (folder / RECORD).is_file():
            self.record |= read_suite(folder)

    def check(self, pair: Pair, minutes: float | None) -> Options:
        """The options of that transfer; UserError for videos or flags that it would refuse."""
        try:
            opt = TransferOptions().parse(self.flags(pair, minutes, set()))
            transfer.Steps(opt, *transfer.folders(opt)).check()
            for video in (pair.target, pair.source):
                probe(video)
        except UserError as error:
            raise UserError(f'{pair.name}: {in_words_of_list(str(error))}') from error
        return opt

    def flags(self, pair: Pair, minutes: float | None, again: set[str]) -> list[str]:
        """The words after transfer.py.

        again    the steps whose results are out of date
        """
        out = self.folder
        flags = [f'--target={pair.target}', f'--source={pair.source}', f'--name={pair.run}',
                 f'--output={out / "films" / pair.name}.mp4', f'--datasets_dir={out / "datasets"}',
                 f'--checkpoints_dir={out / "checkpoints"}',
                 f'--results_dir={out / "results" / pair.name}',
                 f'--test_args=--metrics all {pair.args["test"]}']
        for step, which in STEPS.items():
            overwrite = ' --overwrite' if step in again else ''
            flags.append(f'--{which}_args={pair.args[which]}{overwrite}')
        flags += [] if self.size is None else [f'--size={self.size}']
        return flags if minutes is None else [*flags, f'--minutes={minutes:g}']

    def check_place(self) -> None:
        """UserError where the folder holds files of these names that are not the suite's."""
        if self.folder.exists() and not self.folder.is_dir():
            raise UserError(f'--out {self.folder} is a file. Name a folder.')
        if not (self.folder / RECORD).is_file():
            for name in OURS:
                if os.path.lexists(self.folder / name):
                    raise in_the_way(self.folder / name)
        known = {*self.record['pairs'], *(pair.name for pair in self.listed)}
        pictures = [picture for name in sorted(known) for picture in picture_names(name)]
        check_ours(self.folder, [PAGE, *pictures])

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """No other call fills the folder within the block; UserError where one does."""
        self.check_place()
        with locked(self.folder):
            yield

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else writes what all pairs share within the block."""
        yield

    def log(self, pair: Pair) -> Path:
        """Where the output of its calls goes."""
        return self.folder / 'logs' / f'{pair.name}.txt'

    def save(self) -> None:
        """Write suite.json, the pairs in the order of the list."""
        rows = self.record['pairs']
        names = [pair.name for pair in self.listed if pair.name in rows]
        ordered = {name: rows[name] for name in dict.fromkeys([*names, *rows])}
        made = datetime.now(timezone.utc).isoformat(timespec='seconds')
        self.record = {'format': FORMAT, 'minutes': self.minutes, 'machine': self.machine(),
                       'made': made, 'pairs': ordered, 'held_out': self.record['held_out'],
                       'prepared': self.record['prepared']}
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(self.folder / RECORD, self.record)

    def machine(self) -> dict[str, Any]:
        """Cores that this process may use, the processor's name, torch's device."""
        rows = [*self.record['pairs'].values(), *self.record['held_out'].values()]
        devices = [row['device'] for row in rows if 'device' in row]
        return {'cores': core_count(), 'processor': processor(),
                'device': devices[-1] if devices else None}

    # What depends on what

    def inputs(self, pair: Pair) -> dict[str, Any]:
        """What the results of a pair depend on."""
        args = {f'{step}_args': pair.args[step] for step in pair.args}
        asked = {} if self.size is None else {'size': self.size}
        return {**pair.video_states(), **args, **asked, 'minutes': self.minutes}

    def folders(self, pair: Pair) -> Folders:
        """{step: (the folder that it fills, what that depends on)}."""
        inputs = self.inputs(pair)
        _, target, source = transfer.folders(self.options[pair.name])
        prepared_by = 'target', 'target_args', 'size'
        person: dict[str, Any] = {key: inputs[key] for key in prepared_by if key in inputs}
        moves = {key: inputs[key] for key in ('source', 'source_args')}
        training = {key: inputs[key] for key in ('train_args', 'minutes')}
        return {'person': (f'datasets/{target.name}', person),
                'moves': (f'datasets/{source.name}', person | moves),
                'training': (f'checkpoints/{pair.run}', person | training)}

    def is_finished(self, pair: Pair) -> bool:
        row = self.record['pairs'].get(pair.name, {})
        return self.is_whole(row, self.inputs(pair)) and (self.folder / row['film']).is_file()

    def is_held_out(self, pair: Pair) -> bool:
        row = self.record['held_out'].get(pair.run, {})
        return self.is_whole(row, self.held_out_inputs(pair))

    def is_whole(self, row: dict[str, Any], inputs: dict[str, Any]) -> bool:
        return 'scores' in row and 'error' not in row and row['inputs'] == inputs and \
            (self.folder / row['results'] / 'painting.json').is_file()

    def held_out_inputs(self, pair: Pair) -> dict[str, Any]:
        return self.folders(pair)['training'][1] | {'test_args': self.held_out_args(pair)}

    def held_out_args(self, pair: Pair) -> str:
        """The test_args for a target's held-out frames: those of its first pair."""
        return next(each.args['test'] for each in self.listed if each.run == pair.run)

    def is_trained(self, pair: Pair) -> bool:
        folder, inputs = self.folders(pair)['training']
        known = self.record['prepared'].get(folder, {})
        return known.get('finished', False) and known['inputs'] == inputs

    def outdated(self) -> list[str]:
        """The pairs whose results are not those of today's videos, flags and minutes."""
        rows = self.record['pairs']
        return [pair.name for pair in self.listed
                if pair.name in rows and rows[pair.name]['inputs'] != self.inputs(pair)]

    # The work

    def paint(self, pair: Pair, call: Call) -> None:
        """Call transfer.py and record what came of it."""
        folders = self.folders(pair)
        again = self.to_do_again(folders)
        row: dict[str, Any] = {'inputs': self.inputs(pair), 'target': pair.run, 'error': STOPPED}
        self.record['pairs'][pair.name] = row
        self.save()
        run = self.folder / 'results' / pair.name / pair.run
        times = run / transfer.RECORD
        times.unlink(missing_ok=True)
        steps: dict[str, Any] = {'seconds': {}, 'finished': []}
        began = time.monotonic()
        try:
            flags = self.flags(pair, self.minutes, again)
            row['memory'] = call('transfer', 'transfer.py', flags)
        except UserError as error:
            row['error'] = in_words_of_list(str(error))
            warn(f'{pair.name} fails: {row["error"]}')
            return
        finally:
            if times.is_file():
                steps = read_shaped(times, TIMES, 'Give the same command again.')
            self.count(folders, steps)
            self.save()
        wall = time.monotonic() - began
        metrics, found = self.painted(run)
        row |= {'scores': metrics['scores'].get('painted', {}), **found,
                'film': f'films/{pair.name}.mp4', 'dataset': folders['moves'][0],
                'seconds': self.seconds(folders, steps['seconds'], metrics['seconds'], wall)}
        del row['error']
        self.save()

    def to_do_again(self, folders: Folders) -> set[str]:
        """The steps whose folders hold what other videos, flags or minutes made. Before a folder
        is made it is recorded, so that a call which is stopped goes on in the next."""
        again = set()
        for step, (folder, inputs) in folders.items():
            known = self.record['prepared'].setdefault(folder, fresh(inputs))
            if known['inputs'] != inputs:
                again.add(step)
        return again

    def hold_out(self, pair: Pair, call: Call) -> None:
        """Paint and measure the target's own held-out frames, and record the scores."""
        row: dict[str, Any] = {'inputs': self.held_out_inputs(pair)}
        out = self.folder / 'held_out'
        more = self.options[pair.name].but(test_args=self.held_out_args(pair))
        try:
            row['memory'] = call('held-out frames', 'test.py', [
                f'--dataroot={self.folder / "datasets" / pair.run}', f'--name={pair.run}',
                f'--checkpoints_dir={self.folder / "checkpoints"}', f'--results_dir={out}',
                '--phase=val', '--metrics=all', *transfer.further_flags(more, 'test')])
            metrics, found = self.painted(out / pair.run)
            scores = metrics['scores']
            row |= {'scores': scores.get('painted', {}), 'baselines': {
                method: scores[method] for method in scores if method != 'painted'}, **found}
        except UserError as error:
            warn(f'{pair.run}, held out, fails: {error}')
            row['error'] = str(error)
        self.record['held_out'][pair.run] = row
        self.save()

    def painted(self, run: Path) -> tuple[dict[str, Any], dict[str, Any]]:
        """What test.py wrote into RESULTS_DIR/NAME last: its metrics.json, and for a row where
        its folder is and on which device it painted."""
        found = sorted(run.glob('*_val/painting.json'), key=lambda path: path.stat().st_mtime)
        folder = found[-1].parent
        metrics = {'scores': {}, 'seconds': 0.0} | read_metrics(folder)
        return metrics, {'results': folder.relative_to(self.folder).as_posix(),
                         'device': read_painting(folder, 'device')['device']}

    def count(self, folders: Folders, steps: dict[str, Any]) -> None:
        """Record what the steps of one call made, and how long each took in all its calls."""
        for step, (folder, inputs) in folders.items():
            known = self.record['prepared'][folder]
            is_done = step in steps['finished']
            if known['inputs'] != inputs and is_done:
                known = self.record['prepared'][folder] = fresh(inputs)
            if known['inputs'] == inputs and not known['finished']:
                known['seconds'] = round(known['seconds'] + steps['seconds'].get(step, 0.0), 2)
                known['finished'] = is_done

    def seconds(self, folders: Folders, steps: dict[str, float], measuring: float,
                wall: float) -> dict[str, float]:
        """What each step of a pair takes by itself: the target's steps count although another pair
        may have made them. 'all' is their sum and the start of the process.

        steps        s of each step in the last call, which took `wall` s
        measuring    s of its painting that are measuring
        """
        prepared = self.record['prepared']
        seconds = {step: prepared[folder]['seconds'] for step, (folder, _) in folders.items()}
        seconds['painting'] = max(0.0, steps.get('painting', 0.0) - measuring)
        seconds['measuring'] = measuring
        start = max(0.0, wall - sum(steps.values()))
        seconds['all'] = sum(seconds.values()) + start
        return {step: round(value, 2) for step, value in seconds.items()}


def in_words_of_list(text: str) -> str:
    """What transfer.py says of a pair, for who has written a list of pairs and typed --out."""
    keys = {f'--{key}': f'"{key}" in the list' for key in
            ('target', 'source', *(f'{step}_args' for step in ARGS))}
    folders = dict.fromkeys(('--name', '--output', '--datasets_dir', '--checkpoints_dir',
                             '--results_dir'), 'another --out')
    return with_own_flags(text, set(), keys | folders)


def fresh(inputs: dict[str, Any]) -> dict[str, Any]:
    return {'inputs': inputs, 'seconds': 0.0, 'finished': False}


def core_count() -> int:
    """The cores that this process may use."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """The processor's name as the system gives it."""
    known = Path('/proc/cpuinfo')
    lines = known.read_text('utf-8', 'replace').splitlines() if known.is_file() else []
    names = [line.partition(':')[2].strip() for line in lines if line.startswith('model name')]
    return names[0] if names else platform.processor() or platform.machine()
