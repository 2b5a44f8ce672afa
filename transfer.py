"""The whole job in one resumable command: two videos in, one out.

    python transfer.py --target me.mp4 --source dancer.mp4 --output out.mp4

Each step is preprocess.py, train.py or test.py. A step whose result is there is skipped. Several
videos at --target are painted in one film (options.people).
"""
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from options.framing import check_size, flags_in, framing, look_of, scene_of, sizes
from options.people import TOGETHER, Role
from options.preprocess_options import PreprocessOptions
from options.steps import with_own_flags
from options.test_options import TestOptions
from options.train_options import TrainOptions
from options.transfer_options import TransferOptions, words_of
from pose.cleaning.repair import MAX_GAP
from pose.detect import check_detector
from training.advice import Advice
from util.errors import UserError, run_main, say
from util.job_record import Record
from util.noted import check_unchanged, recorded
from util.options import Options
from util.output_file import OutputFile
from util.owned import check_place, finish
from util.ranks import check_alone
from util.runs import RunFolder, read_record

RECORD = 'transfer.json'
FILM_FOLDER = 'latest_val'      # in the results of several people, as in those of a run
HIDDEN = 1.0        # s that one of several people may be hidden by another and goes on behind it;
                    # two drawn people who walk past each other lose one for 0.6 s
LONGEST_NAME = 230  # bytes: a disk takes 255, and a file that is not whole yet has a longer name

# flags of its steps that this command sets itself
SET_HERE = {'--video', '--images', '--camera', '--dataroot', '--poses_only', '--retarget_to',
            '--name', '--suffix', '--checkpoints_dir', '--results_dir', '--video_from', '--model',
            '--phase', '--background', '--alpha_film', '--keep_scene'}
MAY_SAY = {('source', '--keep_scene')}      # which nevertheless may be typed: who stays in it
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
    check_alone('transfer.py', '; train.py and test.py work in several')
    opt = TransferOptions().parse(argv)
    if opt.roles:
        return together(opt)

    import preprocess
    import test
    import train
    from models import artefacts, models
    from util.video import probe

    for video in (opt.target, opt.source):
        probe(video)                    # before an hour of training, not after
    name, target, source = folders(opt)
    output = Path(opt.output)
    films = films_of(opt)
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
        preprocess.main(steps.moves, adds_scene=True)
    trains = models.find(opt.model).TRAINS and opt.minutes > 0
    how = f'training for {opt.minutes:g} minutes' if trains else 'no training'
    if not trains and not run.has_weights:
        how += ': reading every frame'
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
        f'  video         {output}\n  side by side  {side_by_side(opt)}\n  results page  {page}'
        + (f'\n  training      {run.path / "web" / "index.html"}' if trains else ''))
    return output


def together(opt: Options) -> Path:
    """Several people in one film: the same four steps for each of them, then the film of all.
    Returns it."""
    import preprocess
    from evaluation.people_film import PaintedPerson, own_background, write_film
    from preprocessing.people import FoundOnce
    from util.video import probe

    for video in dict.fromkeys((opt.source, *(role.target for role in opt.roles))):
        probe(video)
    whole = Path(opt.results_dir) / TOGETHER.join(role.name for role in opt.roles)
    people = [OnePerson(opt, role, whole) for role in opt.roles]
    films = films_of(opt)
    for results, others in ((whole / FILM_FOLDER, ()), *((p.results, p.folders) for p in people)):
        check_folders(results, *others)
    started = time.monotonic()
    record = Record(whole / RECORD)

    say(f'1/5  the people: {opt.source}')
    find = FoundOnce()
    with record.step('people'), own_flags('moves'):
        if not all((each.source / 'dataset.json').is_file() for each in people):
            find.check_people(people[0].moves_options, [role.number for role in opt.roles])
    for name, each in {each.name: each for each in people}.items():
        say(f'2/5  {name}: {each.opt.target} -> {each.target}')
        with record.step(f'person {name}'), own_flags('person'):
            preprocess.main(each.steps.person)
    for each in people:
        say(f'3/5  the moves of person {each.number}, for {each.name} -> {each.source}')
        with record.step(f'moves {each.number}'), own_flags('moves'):
            preprocess.main(each.steps.moves, find=find, adds_scene=True)
    del find
    for each in people:
        paint_layers(each, record)
    say(f'5/5  all of them -> {opt.output}')
    with record.step('film'):
        layers = [PaintedPerson(each.source, each.results, own_background(each.run.path))
                  for each in people]
        page = write_film(whole / FILM_FOLDER, layers, opt, {
            'people': ', '.join(f'{each.name} as person {each.number}' for each in people)})
        for made_film, film in films.items():
            film.write(page.parent / made_film)
    say(f'\nfinished in {(time.monotonic() - started) / 60:.1f} minutes\n'
        f'  video         {opt.output}\n  side by side  {side_by_side(opt)}\n'
        f'  results page  {page}')
    return Path(opt.output)


def paint_layers(each: 'OnePerson', record: Record) -> None:
    """Prepare the run of one of several people, train it where that is asked for, and paint the
    person alone, unless that is done already."""
    import test
    import train
    from evaluation.people_film import is_painted, painted_from
    say(f'4/5  {each.name} in the place of person {each.number} -> {each.results}')
    with record.step(f'training {each.number}'):
        training = each.steps.training + continued(each.run, each.target, each.steps.training)
        with own_flags('training'):
            train.main(training, ADVICE)
    made = painted_from(each.run.path, each.source, each.steps.painting)
    if is_painted(each.results, made, record.painted.get(str(each.number))):
        say(f'{each.results} is already painted')
        return
    with record.step(f'painting {each.number}'), own_flags('painting'):
        test.main([*each.steps.painting, '--no_video'])
        record.painted[str(each.number)] = made


class OnePerson:
    """What one of several people takes: folders and the command lines of the steps."""

    def __init__(self, opt: Options, role: Role, whole: Path):
        """whole: the folder of the results of all."""
        from models import artefacts
        self.number = role.number
        results = whole / f'person{role.number}'
        self.opt = opt.but(target=role.target, name=role.name, role=role, results_dir=str(results))
        self.name, self.target, self.source = folders(self.opt)
        self.run = RunFolder(opt.checkpoints_dir, self.name, artefacts())
        self.steps = Steps(self.opt, self.name, self.target, self.source)
        self.results = self.steps.check()
        self.folders = self.target, self.source, self.run.path

    @property
    def moves_options(self) -> Options:
        """How the source is looked at."""
        opt, person = (PreprocessOptions().parse(flags)
                       for flags in (self.steps.moves, self.steps.person))
        return opt.but(parts=opt.parts or person.parts or 'body')


def films_of(opt: Options) -> dict[str, OutputFile]:
    """{a film of the results: the place that it is copied to}; UserError where it may not be."""
    output = Path(opt.output)
    places = {f'fake_B{output.suffix.lower()}': output, 'side_by_side.mp4': side_by_side(opt)}
    films = {made: OutputFile(path, inputs(opt), Path(opt.results_dir))
             for made, path in places.items()}
    for film in films.values():
        film.check()
    return films


def folders(opt: Options) -> tuple[str, Path, Path]:
    """The run's name, the target's dataset, and the source's; UserError where a disk takes no name
    as long as that."""
    name = opt.name or Path(opt.target).stem
    dancer = f'_person{opt.role.number}' if opt.role else ''
    source = f'{Path(opt.source).stem}{dancer}_as_{name}'
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
    kind = output.suffix.lower()            # out.mp4 and out.webm have one each
    stem = output.stem if kind == '.mp4' else f'{output.stem}_{kind[1:]}'
    return output.with_name(f'{stem}_side_by_side.mp4')


def inputs(opt: Options) -> list[str]:
    """The files that are read: none of them may be written."""
    behind = [opt.background] if Path(opt.background).is_file() else []
    targets = [role.target for role in opt.roles] or [opt.target]
    return [*targets, opt.source, *behind]


class Steps:
    """The command line of each step. A path is one word with its flag, --video=PATH: it may start
    with a dash."""

    def __init__(self, opt: Options, name: str, target: Path, source: Path):
        named = [f'--name={name}', f'--checkpoints_dir={opt.checkpoints_dir}']
        further = further_flags(opt, 'target')
        check_size(opt, further, target)
        self.person = [f'--video={opt.target}', f'--dataroot={target}',
                       *sizes(opt, further, target), *framing(opt.model, further, target),
                       *further]
        dancer = one_dancer(opt) if opt.role else []
        own = further_flags(opt, 'source')
        self.moves = [f'--video={opt.source}', f'--dataroot={source}', '--poses_only', *dancer,
                      f'--retarget_to={target}', *scene_of(opt, flags_in(own), source), *own]
        self.training = [f'--dataroot={target}', *named, f'--model={opt.model}',
                         f'--max_minutes={opt.minutes}', *further_flags(opt, 'train')]
        self.painting = [f'--dataroot={source}', *named, f'--results_dir={opt.results_dir}',
                         f'--video_from={opt.source}', *look_of(opt), *further_flags(opt, 'test')]

    def check(self) -> Path:
        """A misspelt flag is refused now, not after an hour. Returns the folder of the results."""
        for step, flags in (('person', self.person), ('moves', self.moves)):
            with own_flags(step):
                opt = PreprocessOptions().parse(flags)
                check_detector(opt.but(parts=opt.parts or 'body'))
        with own_flags('training'):
            trained = TrainOptions().parse(self.training, dataset_made=False)
        if '--no_video' in self.painting:
            raise UserError('--test_args: with --no_video there is no video to put at --output. '
                            'Leave --no_video out.')
        # the run's record and the dataset, which say this later, do not exist yet
        known = [f'--model={trained.model}', '--dataset_mode=single']
        with own_flags('painting'):
            painted = TestOptions().parse([*known, *self.painting], dataset_made=False)
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
        if flag in SET_HERE and (step, flag) not in MAY_SAY:
            raise UserError(f'--{step}_args: transfer.py sets {flag} itself. Leave it out.')
    return words


def one_dancer(opt: Options) -> list[str]:
    """Flags of preprocess.py for one of several people, who may be hidden by another for a moment:
    the way there is filled in."""
    from util.video import probe
    if '--max_gap' in flags_in(further_flags(opt, 'source')):
        gap = []
    else:
        gap = [f'--max_gap={max(MAX_GAP, round(HIDDEN * probe(opt.source).fps))}']
    return [f'--person={opt.role.number}', *gap]


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
    run_main(main, 'To go on: the same command again.')
