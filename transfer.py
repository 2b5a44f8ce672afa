"""The whole job in one resumable command: two videos in, one out.

    python transfer.py --target me.mp4 --source dancer.mp4 --output out.mp4

Each stage is preprocess.py, train.py or test.py, and is skipped when its result is there.
"""
import shlex
import shutil
import time
from pathlib import Path

from options.transfer_options import TransferOptions
from util.errors import UserError, run_main, say


def main(argv: list[str] | None = None) -> Path:
    """Do as `argv` says. Returns the finished video."""
    opt = TransferOptions().parse(argv)

    import preprocess
    import test
    import train
    from util.files import atomic
    from util.run_folder import RunFolder
    from util.video import probe

    for video in (opt.target, opt.source):
        probe(video)                    # before an hour of training, not after
    began = time.monotonic()
    name = opt.name or Path(opt.target).stem
    target = Path(opt.datasets_dir) / name
    source = Path(opt.datasets_dir) / f'{Path(opt.source).stem}_as_{name}'
    run = RunFolder(opt.checkpoints_dir, name)
    named = ['--name', name, '--checkpoints_dir', opt.checkpoints_dir]

    say(f'1/4  the person: {opt.target} -> {target}')
    preprocess.main(['--video', opt.target, '--dataroot', str(target), '--size', str(opt.size),
                     *shlex.split(opt.target_args)])

    say(f'2/4  the moves: {opt.source} -> {source}')
    preprocess.main(['--video', opt.source, '--dataroot', str(source), '--poses_only',
                     '--retarget_to', str(target), *shlex.split(opt.source_args)])

    say(f'3/4  training for {opt.minutes:g} minutes -> {run.path}')
    again = ['--continue_train'] if run.has_weights else []
    train.main(['--dataroot', str(target), *named, '--model', opt.model, '--max_minutes',
                str(opt.minutes), *again, *shlex.split(opt.train_args)])

    say(f'4/4  painting -> {opt.output}')
    page = test.main(['--dataroot', str(source), *named, '--results_dir', opt.results_dir,
                      '--video_from', opt.source, *shlex.split(opt.test_args)])
    output = Path(opt.output)
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


if __name__ == '__main__':
    run_main(main)
