"""Collects painted frames as 0.png, 1.png, ... for those who stitch a video by hand.

    python scripts/take_frames.py results/me/latest_val/images frames/

frame2 comes before frame10. The files are copies; the results stay as they are.
"""
import argparse
import os
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from util.errors import UserError, run_main, say
from util.files import atomic, natural

KINDS = ('fake_B', 'real_A', 'real_B')    # painted, pose, real


def take_frames(source: str | os.PathLike[str], target: str | os.PathLike[str],
                which: str = 'fake_B', overwrite: bool = False) -> int:
    """Copy every *_`which`.png of `source` to `target`/0.png, 1.png, ...; how many there were.

    UserError: no such folder, no such pictures in it, `target` holds something already.
    """
    source, target = Path(source), Path(target)
    if not source.is_dir():
        raise UserError(f'{source}: there is no such folder. Give the images folder of a test '
                        f'run, such as results/me/latest_val/images.')
    frames = sorted(source.glob(f'*_{which}.png'), key=lambda file: natural(file.name))
    if not frames:
        there = [kind for kind in KINDS if any(source.glob(f'*_{kind}.png'))]
        raise UserError(f'{source}: has no *_{which}.png. ' + (
            f'There is {", ".join(there)}: add --which {there[0]}.' if there else
            'Give the images folder of a test run, such as results/me/latest_val/images.'))
    make_room(source, target, overwrite)
    for number, frame in enumerate(frames):
        with atomic(target / f'{number}.png') as part:
            shutil.copyfile(frame, part)
    return len(frames)


def make_room(source: Path, target: Path, overwrite: bool) -> None:
    """Make `target` an empty folder of numbered frames, or say why not."""
    if target.exists() and not target.is_dir():
        raise UserError(f'{target}: is a file. Give a folder for the frames.')
    if target.resolve() == source.resolve():
        raise UserError(f'{target}: holds the results themselves. Give another folder.')
    if not target.is_dir() or not any(target.iterdir()):
        return
    if not overwrite:
        raise UserError(f'{target}: is not empty. Give another folder, or add --overwrite to '
                        f'replace the frames in it.')
    for old in target.glob('*.png'):          # of a longer run, say; other files stay
        if old.stem.isdigit():
            old.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', help='images folder of a test run')
    parser.add_argument('target', help='folder for 0.png, 1.png, ...')
    parser.add_argument('--which', choices=KINDS, default='fake_B',
                        help='painted, pose or real frames (default: fake_B)')
    parser.add_argument('--overwrite', action='store_true', help='replace frames in the target')
    opt = parser.parse_args()
    count = take_frames(opt.source, opt.target, opt.which, opt.overwrite)
    say(f'{opt.target}: {count} frames, 0.png to {count - 1}.png.')


if __name__ == '__main__':
    run_main(main)
