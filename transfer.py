"""The whole job in one resumable command: two videos in, one out.

    python transfer.py --target me.mp4 --source dancer.mp4 --output out.mp4

Each stage is preprocess.py, train.py or test.py, and is skipped when its result is there.
"""
import os
import shlex
import time
from pathlib import Path

from options.preprocess_options import PreprocessOptions
from options.test_options import TestOptions
from options.train_options import TrainOptions
from options.transfer_options import TransferOptions
from util.errors import UserError, run_main, say
from util.files import read_json
from util.options import Options
from util.output_file import OutputFile
from util.run_record import read_record
from util.runs import RunFolder


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
    beside = Path(opt.output).with_name(f'{Path(opt.output).stem}_side_by_side.mp4')
    films = {made: OutputFile(path, (opt.target, opt.source), Path(opt.results_dir))
             for made, path in (('fake_B.mp4', Path(opt.output)), ('side_by_side.mp4', beside))}
    for film in films.values():
        film.check()
    began = time.monotonic()
    name = opt.name or Path(opt.target).stem
    target = Path(opt.datasets_dir) / name
    source = Path(opt.datasets_dir) / f'{Path(opt.source).stem}_as_{name}'
    run = RunFolder(opt.checkpoints_dir, name, artefacts())
    stages = Stages(opt, name, target, source)
    stages.check()

    say(f'1/4  the person: {opt.target} -> {target}')
    preprocess.main(stages.person)
    say(f'2/4  the moves: {opt.source} -> {source}')
    preprocess.main(stages.moves)
    how = f'training for {opt.minutes:g} minutes' if models.find(opt.model).TRAINS else \
        'learning every frame'
    say(f'3/4  {how} -> {run.path}')
    train.main(stages.training + continued(run, target, stages.training))
    say(f'4/4  painting -> {opt.output}')
    page = test.main(stages.painting)
    for made, film in films.items():
        film.write(page.parent / made)
    say(f'\nfinished in {(time.monotonic() - began) / 60:.1f} minutes\n'
        f'  video         {opt.output}\n  side by side  {beside}\n  results page  {page}\n'
        f'  training      {run.path / "web" / "index.html"}')
    return Path(opt.output)


class Stages:
    """What each stage is called with. A path is one word with its flag, --video=PATH: it may begin
    with a dash."""

    def __init__(self, opt: Options, name: str, target: Path, source: Path):
        named = [f'--name={name}', f'--checkpoints_dir={opt.checkpoints_dir}']
        self.person = [f'--video={opt.target}', f'--dataroot={target}', f'--size={opt.size}',
                       *words(opt, 'target')]
        self.moves = [f'--video={opt.source}', f'--dataroot={source}', '--poses_only',
                      f'--retarget_to={target}', *words(opt, 'source')]
        self.training = [f'--dataroot={target}', *named, f'--model={opt.model}',
                         f'--max_minutes={opt.minutes}', *words(opt, 'train')]
        self.painting = [f'--dataroot={source}', *named, f'--results_dir={opt.results_dir}',
                         f'--video_from={opt.source}', *words(opt, 'test')]

    def check(self) -> None:
        """A misspelt flag is refused now, not after an hour."""
        for flags in (self.person, self.moves):
            PreprocessOptions().parse(flags)
        trained = TrainOptions().parse(self.training)
        # the run's record and the dataset, which say so later, are not there yet
        known = [f'--model={trained.model}', '--dataset_mode=single']
        if TestOptions().parse([*known, *self.painting]).no_video:
            raise UserError('--test_args: with --no_video there is no video to put at --output. '
                            'Leave --no_video out.')


def words(opt: Options, stage: str) -> list[str]:
    """The further flags for a stage."""
    text = getattr(opt, f'{stage}_args')
    try:
        return shlex.split(text, posix=os.name != 'nt')     # Windows paths hold backslashes
    except ValueError as error:
        raise UserError(f'--{stage}_args {text}: {error}. Close the quotation mark.') from None


def continued(run: RunFolder, target: Path, training: list[str]) -> list[str]:
    """--continue_train where the run was begun already; UserError where that was on other data."""
    if not run.has_weights or '--overwrite' in training:
        return []
    trained_on = read_record(run.path).get('dataset', {}).get('made')
    if trained_on != read_json(target / 'dataset.json').get('made'):
        raise UserError(f'{run.path} was trained on another dataset than {target} is now. Take '
                        f'another --name, or train anew with --train_args "--overwrite".')
    return ['--continue_train']


if __name__ == '__main__':
    run_main(main)
