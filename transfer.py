"""The whole job in one resumable command: two videos in, one out.

    python transfer.py --target me.mp4 --source dancer.mp4 --output out.mp4

Each step is preprocess.py, train.py or test.py. A step whose result is there is skipped.
"""
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from options.preprocess_options import PreprocessOptions
from options.steps import with_own_flags
from options.test_options import TestOptions
from options.train_options import TrainOptions
from options.transfer_options import TransferOptions, words_of
from pose.detect import check_detector
from training.advice import Advice
from util.errors import UserError, run_main, say
from util.files import write_json
from util.noted import check_unchanged, recorded
from util.options import Options
from util.output_file import OutputFile
from util.owned import check_place, finish
from util.runs import RunFolder, read_record

RECORD = 'transfer.json'
PAIR_SIZE = 256     # px, shorter side: what body2body decides on, and the squares of other models
FILM_SIZE = 720     # px, shorter side of a film, unless the video has less or --size says so
LONGEST_NAME = 230  # bytes: a disk takes 255, and a file that is not whole yet has a longer name

# flags of its steps that this command sets itself
SET_HERE = {'--video', '--images', '--camera', '--dataroot', '--poses_only', '--retarget_to',
            '--name', '--suffix', '--checkpoints_dir', '--results_dir', '--video_from', '--model',
            '--phase'}
# what this command takes in place of a flag of its steps
INSTEAD = {'--dataroot': 'another --name', '--film_size': '--size', '--max_minutes': '--minutes',
           '--continue_train': 'the same command again'}
ADVICE = Advice('give the same command again', '--minutes {}', '--train_args "--overwrite"')
# {step: its script, the end of the flag that hands it further ones, what this command takes in
# place of a flag of it}
STEPS = {'person': ('preprocess.py', 'target', INSTEAD | {'--video': '--target'}),
         'moves': ('preprocess.py', 'source', INSTEAD | {'--video': '--source'}),
         'training': ('train.py', 'train', INSTEAD),
         'painting': ('test.py', 'test', INSTEAD | {'--video_from': '--source'})}


def main(argv: list[str] | None = None) -> Path:
    """Do as `argv` says. Returns the finished video."""
    opt = TransferOptions().parse(argv)

    import preprocess
    import test
    import train
    from models import artefacts, models
    from util.video import probe

    for video in (opt.target, opt.source):
        probe(video)                    # before an hour of training, not after
    name, target, source = folders(opt)
    output = Path(opt.output)
    places = {'fake_B.mp4': output, 'side_by_side.mp4': side_by_side(opt)}
    films = {made: OutputFile(path, (opt.target, opt.source), Path(opt.results_dir))
             for made, path in places.items()}
    for film in films.values():
        film.check()
    started = time.monotonic()
    run = RunFolder(opt.checkpoints_dir, name, artefacts())
    steps = Steps(opt, name, target, source)
    results = steps.check()
    check_folders(results, target, source, run.path)
    record = Record(Path(opt.results_dir) / name / RECORD)

    say(f'1/4  the person: {opt.target} -> {target}')
    with record.step('person'), own_flags('person'):
        preprocess.main(steps.person)
    say(f'2/4  the moves: {opt.source} -> {source}')
    with record.step('moves'), own_flags('moves'):
        preprocess.main(steps.moves)
    trains = models.find(opt.model).TRAINS and opt.minutes > 0
    how = f'training for {opt.minutes:g} minutes' if trains else 'no training: reading every frame'
    say(f'3/4  {how} -> {run.path}')
    with record.step('training'):
        training = steps.training + continued(run, target, steps.training)
        with own_flags('training'):
            train.main(training, ADVICE)
    say(f'4/4  painting -> {opt.output}')
    with record.step('painting'):
        with own_flags('painting'):
            page = test.main(steps.painting)
        for made, film in films.items():
            film.write(page.parent / made)
    say(f'\nfinished in {(time.monotonic() - started) / 60:.1f} minutes\n'
        f'  video         {output}\n  side by side  {side_by_side(opt)}\n  results page  {page}\n'
        f'  training      {run.path / "web" / "index.html"}')
    return output


def folders(opt: Options) -> tuple[str, Path, Path]:
    """The run's name, the target's dataset, and the source's; UserError where a disk takes no name
    as long as that."""
    name = opt.name or Path(opt.target).stem
    source = f'{Path(opt.source).stem}_as_{name}'
    for made in (source, side_by_side(opt).name):
        if len(os.fsencode(made)) > LONGEST_NAME:
            raise UserError(f'{made}: too long for the name of a file. Give a shorter --name and '
                            f'--output, or rename the videos.')
    datasets = Path(opt.datasets_dir)
    return name, datasets / name, datasets / source


def check_folders(results: Path, *others: Path) -> None:
    """UserError where nothing can be written into one of these, or where somebody worked on what
    is painted in `results`."""
    for folder in (*others, results):
        check_place(folder)
    finish(results)
    check_unchanged(results, recorded(results))


def side_by_side(opt: Options) -> Path:
    """The film next to --output that also shows source and pose."""
    output = Path(opt.output)
    return output.with_name(f'{output.stem}_side_by_side.mp4')


class Record:
    """What this call did, for programs, in RESULTS_DIR/NAME/transfer.json.

    seconds    {step: what it took}, a stopped or skipped one too
    finished   the steps that came to their end
    """

    def __init__(self, path: Path):
        self.path = path
        self.seconds: dict[str, float] = {}
        self.finished: list[str] = []

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """The block is this step: person, moves, training or painting."""
        began = time.monotonic()
        try:
            yield
            self.finished.append(name)
        finally:
            self.seconds[name] = round(time.monotonic() - began, 2)
            write_json(self.path, {'format': 1, 'seconds': self.seconds,
                                   'finished': self.finished})


class Steps:
    """The command line of each step. A path is one word with its flag, --video=PATH: it may start
    with a dash."""

    def __init__(self, opt: Options, name: str, target: Path, source: Path):
        named = [f'--name={name}', f'--checkpoints_dir={opt.checkpoints_dir}']
        further = further_flags(opt, 'target')
        self.person = [f'--video={opt.target}', f'--dataroot={target}',
                       *sizes(opt, further, target), *framing(opt.model, further, target),
                       *further]
        self.moves = [f'--video={opt.source}', f'--dataroot={source}', '--poses_only',
                      f'--retarget_to={target}', *further_flags(opt, 'source')]
        self.training = [f'--dataroot={target}', *named, f'--model={opt.model}',
                         f'--max_minutes={opt.minutes}', *further_flags(opt, 'train')]
        self.painting = [f'--dataroot={source}', *named, f'--results_dir={opt.results_dir}',
                         f'--video_from={opt.source}', *further_flags(opt, 'test')]

    def check(self) -> Path:
        """A misspelt flag is refused now, not after an hour. Returns the folder of the results."""
        for step, flags in (('person', self.person), ('moves', self.moves)):
            with own_flags(step):
                opt = PreprocessOptions().parse(flags)
                check_detector(opt.but(parts=opt.parts or 'body'))
        with own_flags('training'):
            trained = TrainOptions().parse(self.training, dataset_made=False)
        # the run's record and the dataset, which say this later, do not exist yet
        known = [f'--model={trained.model}', '--dataset_mode=single']
        with own_flags('painting'):
            painted = TestOptions().parse([*known, *self.painting], dataset_made=False)
        if painted.no_video:
            raise UserError('--test_args: with --no_video there is no video to put at --output. '
                            'Leave --no_video out.')
        return Path(painted.results_dir) / painted.name / f'{painted.epoch}_{painted.phase}'


@contextmanager
def own_flags(step: str) -> Iterator[None]:
    """An error of that step, which names flags of its script, also says how they are given here."""
    script, args, instead = STEPS[step]
    try:
        yield
    except UserError as error:
        text = str(error)
        if 'transfer.py --' in text:        # says it itself
            raise
        if re.search(r'preprocess\.py --', text):
            args = 'target'                 # whichever step finds it: the dataset of the person
        has = {f'--{flag}' for flag in TransferOptions().defaults()} | SET_HERE - set(instead)
        raise UserError(with_own_flags(text, has, instead, script, f'{args}_args')) from error


def further_flags(opt: Options, step: str) -> list[str]:
    """The words of --STEP_args; UserError for a flag that this command sets itself."""
    words = words_of(f'{step}_args', getattr(opt, f'{step}_args'))
    for word in words:
        flag = word.partition('=')[0]
        if flag in SET_HERE:
            raise UserError(f'--{step}_args: transfer.py sets {flag} itself. Leave it out.')
    return words


def framing(model: str, further: list[str], target: Path) -> list[str]:
    """--aspect and --crop of the target's frames: of the dataset that is there, else the whole
    picture in the video's aspect, where the model paints frames of any aspect: nobody's head or arm
    is then cut off, and the film looks as the video was filmed.

    further   the words of --target_args, which decide where they name such a flag
    """
    from models import models
    typed = flags_in(further)
    if typed & {'--width', '--height'}:
        return []
    any_shape = models.find(model).ANY_SHAPE
    made = settings_of(target, typed)
    if made:
        chosen = {'aspect': 'square'} | made            # an older dataset does not say it
        square = chosen['aspect'] == 'square' and chosen.get('crop') != 'none'
        if any_shape and square and '--aspect' not in typed:
            say(f'{target} is there, with square frames, and is used. To keep the aspect of the '
                f'video: another --name.')
    elif any_shape and '--aspect' not in typed:
        chosen = {'aspect': 'keep', 'crop': 'none'}
    else:
        return []
    untyped = [flag for flag in ('aspect', 'crop') if flag in chosen and f'--{flag}' not in typed]
    return [f'--{flag}={chosen[flag]}' for flag in untyped]


def sizes(opt: Options, further: list[str], target: Path) -> list[str]:
    """--size and --film_size of the target's frames: of the dataset that is there if its film is as
    large as asked, else for such a film. A model that paints frames of any aspect decides on small
    pairs and paints from large frames; any other sees frames as large as its film.

    further   the words of --target_args, which decide where they name such a flag
    """
    from models import models
    typed = flags_in(further)
    any_shape = models.find(opt.model).ANY_SHAPE
    is_typed = bool(typed & {'--size', '--width', '--height'})
    if not any_shape:
        chosen = {'size': opt.size or PAIR_SIZE, 'film_size': 0}
    elif is_typed:
        chosen = {'film_size': opt.size or 0}       # a film as large as the pairs that were typed
    else:
        size = opt.size or FILM_SIZE
        chosen = {'size': min(PAIR_SIZE, size), 'film_size': size}
    made = settings_of(target, typed)
    if 'size' in made:
        there = {'size': made['size'], 'film_size': made.get('film_size', 0)}
        largest = there['film_size'] or there['size']
        side = largest if any_shape else there['size']
        chosen = there if opt.size in (None, side) else chosen
    if is_typed:
        chosen.pop('size', None)
    return [f'--{flag}={value}' for flag, value in chosen.items() if f'--{flag}' not in typed]


def flags_in(words: list[str]) -> set[str]:
    """The flags among these words, without their values."""
    return {word.partition('=')[0] for word in words if word.startswith('--')}


def settings_of(target: Path, typed: set[str]) -> dict[str, Any]:
    """How the dataset that is there was made; {} where there is none, or with --overwrite."""
    from data.facts import read_facts
    return {} if '--overwrite' in typed else read_facts(target).get('settings', {})


def continued(run: RunFolder, target: Path, training: list[str]) -> list[str]:
    """--continue_train where the run exists; UserError where it was trained on other data."""
    from data.facts import read_facts
    if not run.has_weights or '--overwrite' in training:
        return []
    trained_on = read_record(run.path).get('dataset', {}).get('made')
    if trained_on != read_facts(target).get('made'):
        raise UserError(f'{run.path} was trained on another dataset than {target} is now. Use '
                        f'another --name, or train again with --train_args "--overwrite".')
    return ['--continue_train']


if __name__ == '__main__':
    run_main(main)
