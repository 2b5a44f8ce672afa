"""What may be tried without a video of one's own: lists it, or runs one of it.

    python scripts/examples.py
    python scripts/examples.py dancers
"""
import argparse
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from options.parser import Parser
from util.errors import ENDS_WITH_STDIN, UserError, run_main, say, unknown_choice
from util.words import command

ROOT = Path(__file__).resolve().parents[1]
VIDEOS = 'datasets/demo_videos'
RUN = Path('checkpoints/demo/run.json')     # of the dancers, which the others use


class Example(NamedTuple):
    """what      one tries, and sees
    takes     how long; parts of the dancers' time were measured with smaller ones
    commands  in order, each as typed in a shell
    """
    what: str
    takes: str
    commands: tuple[str, ...]


EXAMPLES = {
    'dancers': Example(
        'Two dancers are drawn, and one is painted into the moves of the other without training, '
        'as by make demo. Look at out.mp4.', '4 minutes of processor time, which the cores share', (
            f'python scripts/make_demo_videos.py --out {VIDEOS}',
            f'python transfer.py --target {VIDEOS}/target.mp4 --name demo '
            f'--source {VIDEOS}/source.mp4 --output out.mp4')),
    'nearest': Example(
        'The other model that needs no training: each picture is the one frame with the nearest '
        'pose. Look at results/demo_nearest/latest_val/side_by_side.mp4.',
        "two thirds of the dancers' time", (
            'python train.py --dataroot datasets/demo --name demo_nearest --model nearest '
            '--overwrite',
            'python test.py --dataroot datasets/source_as_demo --name demo_nearest '
            f'--video_from {VIDEOS}/source.mp4')),
    'live': Example(
        'A film in the place of a camera, painted live on a page in your browser, which the '
        'terminal names. End it with Ctrl-C.', 'as long as you look', (
            f'python webcam.py --name demo --camera {VIDEOS}/source.mp4 --loop --to http',)),
    'openpose': Example(
        "Poses come from OpenPose's JSON files, here written first, in place of a detector. Look "
        'at results/from_json/demo/latest_val/side_by_side.mp4.', "a third of the dancers' time", (
            f'python preprocess.py --video {VIDEOS}/source.mp4 --dataroot datasets/demo_json '
            '--poses_only --write_json',
            f'python preprocess.py --video {VIDEOS}/source.mp4 --detector keypoints --keypoints '
            'datasets/demo_json/openpose_json --dataroot datasets/json_as_demo --poses_only '
            '--retarget_to datasets/demo',
            'python test.py --dataroot datasets/json_as_demo --name demo --results_dir '
            f'results/from_json --video_from {VIDEOS}/source.mp4')),
    'pix2pix': Example(
        'A network alone, trained for three minutes on pairs in the folders of pix2pix: blurred as '
        'yet. Look at checkpoints/demo_pix2pix/web/index.html, and at '
        'results/demo_pix2pix/latest_val/index.html.', '3 minutes of training, then its pictures', (
            'python train.py --dataroot datasets/demo --name demo_pix2pix --model pix2pix --ngf 32 '
            '--ndf 32 --max_minutes 3 --overwrite',
            'python test.py --name demo_pix2pix')),
}
# what others publish; nothing of it is fetched
ELSEWHERE = '''Videos and pairs of others, which you fetch yourself; read their terms first:
  Everybody Dance Now   videos of dancers; its paper says that they may be used for training and
                        motion transfer: https://carolineec.github.io/everybody_dance_now/
  pix2pix               facades and other pairs, some of them collected by others; train.py
                        --dataroot reads them, for facades with --direction BtoA:
                        https://github.com/junyanz/pytorch-CycleGAN-and-pix2pix'''


def listed() -> str:
    """All examples, with their commands."""
    lines = []
    for name, example in EXAMPLES.items():
        lines += [f'{name} ({example.takes})', f'  {example.what}',
                  *(f'    {line}' for line in example.commands), '']
    how = command('scripts/examples.py', next(iter(EXAMPLES)))
    return '\n'.join([*lines, f'To run one: {how}. The dancers come first: the others use '
                              f'them.', '', ELSEWHERE])


def run(name: str) -> None:
    """Run the commands of an example, after those of the dancers where these have not been run."""
    if name != 'dancers' and not RUN.is_file():
        say('the dancers come first')
        run('dancers')
    for line in EXAMPLES[name].commands:
        say(line)
        call(line)


def call(line: str) -> None:
    """Run one command, here. Ctrl-C is left to it. UserError if it fails: it has said why."""
    script, *words = shlex.split(line)[1:]
    usual = signal.signal(signal.SIGINT, lambda *_: None)
    # its stdin closes when this process ends, however it ends: then it stops too
    process = subprocess.Popen([sys.executable, str(ROOT / script), *words], stdin=subprocess.PIPE,
                               env={**os.environ, ENDS_WITH_STDIN: '1'})
    assert process.stdin is not None
    try:
        status = process.wait()
    finally:
        process.stdin.close()
        process.wait()
        signal.signal(signal.SIGINT, usual)
    if status:
        raise UserError(f'{script} ended with status {status}; what it said is above. To try it '
                        f'again: {line}')


def main(argv: list[str] | None = None) -> None:
    parser = Parser(__doc__, formatter=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('name', nargs='?', metavar='NAME',
                        help=f'run this one: {", ".join(EXAMPLES)}; default: list them')
    opt = parser.read(argv)
    if opt.name is None:
        say(listed())
        return
    if opt.name not in EXAMPLES:
        raise unknown_choice('example', opt.name, EXAMPLES, 'a line for {} in scripts/examples.py')
    run(opt.name)


if __name__ == '__main__':
    run_main(main)
