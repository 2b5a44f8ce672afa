"""The whole job in one resumable command: two videos in, one out.

    python transfer.py --target me.mp4 --source dancer.mp4 --output out.mp4

Each stage is preprocess.py, train.py or test.py, and is skipped when its result is there.
"""
import os
import shlex
import shutil
import time
from pathlib import Path

from options.preprocess_options import PreprocessOptions
from options.train_options import TrainOptions
from options.transfer_options import TransferOptions
from util.errors import UserError, run_main, say
from util.files import atomic, read_json
from util.options import Options
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
    output = Path(opt.output)
    output.parent.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    name = opt.name or Path(opt.target).stem
    target = Path(opt.datasets_dir) / name
    source = Path(opt.datasets_dir) / f'{Path(opt.source).stem}_as_{name}'
    run = RunFolder(opt.checkpoints_dir, name, artefacts())
    named = ['--name', name, '--checkpoints_dir', opt.checkpoints_dir]

    person = ['--video', opt.target, '--dataroot', str(target), '--size', str(opt.size),
              *words(opt, 'target')]
    moves = ['--video', opt.source, '--dataroot', str(source), '--poses_only',
             '--retarget_to', str(target), *words(opt, 'source')]
    training = ['--dataroot', str(target), *named, '--model', opt.model, '--max_minutes',
                str(opt.minutes), *words(opt, 'train')]
    painting = ['--dataroot', str(source), *named, '--results_dir', opt.results_dir,
                '--video_from', opt.source, *words(opt, 'test')]
    for options, argv in ((PreprocessOptions, person), (PreprocessOptions, moves),
                          (TrainOptions, training)):
        options().parse(argv)           # a misspelt flag is refused now, not after an hour

    say(f'1/4  the person: {opt.target} -> {target}')
    preprocess.main(person)
    say(f'2/4  the moves: {opt.source} -> {source}')
    preprocess.main(moves)
    how = f'training for {opt.minutes:g} minutes' if models.find(opt.model).TRAINS else \
        'learning every frame'
    say(f'3/4  {how} -> {run.path}')
    train.main(training + continued(run, target, training))
    say(f'4/4  painting -> {opt.output}')
    page = test.main(painting)
    beside = output.with_name(f'{output.stem}_side_by_side.mp4')
    for made, wanted in (('fake_B.mp4', output), ('side_by_side.mp4', beside)):
        if not (page.parent / made).is_file():
            raise UserError(f'{page.parent / made} was not written; leave --no_video out of '
                            f'--test_args.')
        with atomic(wanted) as part:
            shutil.copyfile(page.parent / made, part)
    say(f'\nfinished in {(time.monotonic() - began) / 60:.1f} minutes\n'
        f'  video         {output}\n  side by side  {beside}\n  results page  {page}\n'
        f'  training      {run.path / "web" / "index.html"}')
    return output


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
