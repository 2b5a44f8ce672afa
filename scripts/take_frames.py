"""Copies painted frames as 0.png, 1.png, ... for making a video by hand.

    python scripts/take_frames.py results/me/latest_val/images frames/

frame2 comes before frame10. The results stay as they are.
"""
import argparse
import os
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from options.parser import Parser
from util.errors import UserError, run_main, say
from util.files import natural
from util.owned import check_pictures, finish, holds_something, replacing_pictures

KINDS = ('fake_B', 'real_A', 'real_B')    # painted, pose, real


def take_frames(source: str | os.PathLike[str], target: str | os.PathLike[str],
                which: str = 'fake_B', overwrite: bool = False) -> int:
    """Copy every *_`which`.png of `source` to `target`/0.png, 1.png, ... Returns how many.

    UserError where `source` has no such frames, or `target` is not empty.
    """
    source = Path(source)
    target = Path(target)
    if not source.is_dir():
        raise UserError(f'{source}: no such folder. Name the images folder of a test run, such as '
                        f'results/me/latest_val/images.')
    finish(source.parent)       # results, if test.py was stopped before all were in place
    frames = sorted(source.glob(f'[!.]*_{which}.png'), key=lambda file: natural(file.name))
    if not frames:
        there = [kind for kind in KINDS if any(source.glob(f'*_{kind}.png'))]
        advice = 'Name the images folder of a test run, such as results/me/latest_val/images.'
        if there:
            advice = f'There is {", ".join(there)}: add --which {there[0]}.'
        raise UserError(f'{source}: has no *_{which}.png. {advice}')
    check_room(source, target, overwrite)
    with replacing_pictures(target) as new:
        for number, frame in enumerate(frames):
            shutil.copyfile(frame, new / f'{number}.png')
    return len(frames)


def check_room(source: Path, target: Path, overwrite: bool) -> None:
    """UserError where `target` cannot become a folder of numbered frames."""
    if target.exists() and not target.is_dir():
        raise UserError(f'{target}: is a file. Name a folder for the frames.')
    if target.resolve() == source.resolve():
        raise UserError(f'{target}: holds the results themselves. Name another folder.')
    if not target.is_dir() or not holds_something(target):
        return
    if not overwrite:
        raise UserError(f'{target}: is not empty. Name another folder, or add --overwrite to '
                        f'replace the frames that this script wrote there.')
    # a foreign frame that stayed would end up in the video made from this folder
    check_pictures(target, [path.name for path in target.glob('*.png') if path.stem.isdigit()])


def main() -> None:
    parser = Parser(__doc__, formatter=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', help='images folder of a test run')
    parser.add_argument('target', help='folder for 0.png, 1.png, ...')
    parser.add_argument('--which', choices=KINDS, default='fake_B',
                        help='painted, pose or real frames (default: fake_B)')
    parser.add_argument('--overwrite', action='store_true',
                        help='replace the frames that this script wrote there')
    opt = parser.read()
    count = take_frames(opt.source, opt.target, opt.which, opt.overwrite)
    say(f'{opt.target}: {count} frames, 0.png to {count - 1}.png.')


if __name__ == '__main__':
    run_main(main)
