"""Draws two dancing figures, to try everything offline: target.mp4 and source.mp4.

The joints of a drawn figure are known; they are written next to each video. The same call draws
the same frames. The drawing itself is in scripts/demo/.
"""
import argparse
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import starmap
from multiprocessing import get_context
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from options.parser import Parser
from scripts.demo.body import SOURCE, TARGET, Figure
from scripts.demo.camera import SOURCE_CAMERA, TARGET_CAMERA, Camera
from scripts.demo.dance import SOURCE_DANCE, TARGET_DANCE, Pose, choreograph
from scripts.demo.figure import draw_figure
from util.errors import UserError, run_main, say
from util.files import write_npz
from util.noted import NOTES, check_ours, in_the_way, noted_file
from util.owned import check_place
from util.parallel import in_order
from util.progress import progress
from util.video_writer import VideoWriter
from util.workers import begin_worker

CAST = {'target': (TARGET, TARGET_CAMERA, TARGET_DANCE),
        'source': (SOURCE, SOURCE_CAMERA, SOURCE_DANCE)}
SIZE = 720                                      # px: as large as a film of transfer.py gets
LARGEST = 4096                                  # px: a frame is drawn in 2.5 GB and half a minute
MOST_FRAMES = 100_000                           # an hour; the poses are held in memory
MOST_FPS = 1000
WORTH_A_POOL = 150                              # frames: fewer are drawn sooner by one process


def make_demo_videos(folder: str | os.PathLike[str], size: int = SIZE,
                     seconds: tuple[float, float] = (21, 8), fps: float = 30, seed: int = 0,
                     bar: bool = False) -> tuple[Path, Path]:
    """Write target.mp4, source.mp4 and the joints of each.

    size        width and height of both videos, px
    seconds     length of the target's and of the source's video
    fps         frames a second of both videos
    seed        of the camera's noise
    bar         whether to show a progress bar
    Returns     the two paths. *_joints.npz holds poses float32 (F, 25, 3) in px, BODY_25;
                times float64 (F,) in seconds; height float64 (F,), the standing figure's in px
    """
    lengths = [long * fps for long in seconds]
    whole = all(1 <= length <= MOST_FRAMES for length in lengths)       # nan is not
    if not 64 <= size <= LARGEST or size % 2 or not 0 < fps <= MOST_FPS or not whole or seed < 0:
        raise UserError(f'size {size}, {seconds} s, {fps:g} frames a second, seed {seed}: no such '
                        f'video can be drawn. The size must be even and 64 to {LARGEST}, each '
                        f'video one to {MOST_FRAMES} frames long, with at most {MOST_FPS} a '
                        f'second, and the seed 0 or more.')
    check_place(Path(folder))
    target, source = Path(folder, 'target.mp4'), Path(folder, 'source.mp4')
    check_not_filmed(target, source)
    for number, (path, long) in enumerate(zip((target, source), seconds, strict=True)):
        figure, camera, moves = CAST[path.stem]
        times = np.arange(round(long * fps)) / fps
        dance = choreograph(moves, long)
        poses = [dance.at(time) for time in times]
        pictures = perform(figure, camera, poses, size, (seed + number) * 1_000_000)
        joints = []
        with noted_file(path.parent, path.name) as part, VideoWriter(part, fps=fps) as video:
            for image, places in progress(pictures, f'drawing {path.stem}', len(poses),
                                          disable=not bar):
                video.write(image)
                joints.append(places)
        write_npz(joints_beside(path), poses=np.stack(joints), times=times,
                  height=height_px(camera, poses, size))
    return target, source


def check_not_filmed(*videos: Path) -> None:
    """UserError where one of these videos exists and this script did not draw it.

    Earlier versions wrote no note of what they drew: a video with joints next to it is theirs.
    """
    for path in videos:
        if (path.parent / NOTES).exists() or not joints_beside(path).is_file():
            check_ours(path.parent, [path.name])
        if joints_beside(path).exists() and not path.exists():
            raise in_the_way(joints_beside(path))


def perform(figure: Figure, camera: Camera, poses: list[Pose], size: int, noise: int
            ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Frames and joints of a whole dance, in order. Several processes draw a long dance.

    noise    seed of the first frame's noise
    """
    given = ((figure, camera, pose, size, number) for number, pose in enumerate(poses, noise))
    workers = min(os.cpu_count() or 1, 8)
    if workers == 1 or len(poses) < WORTH_A_POOL:
        yield from starmap(draw_figure, given)
        return
    with ProcessPoolExecutor(workers, get_context('spawn'), begin_worker, (1,)) as pool:
        yield from in_order(pool, draw_figure, given, 4 * workers)


def height_px(camera: Camera, poses: list[Pose], size: int) -> np.ndarray:
    """float64 (F,): the height in px of the figure, if it stood upright where its pelvis is."""
    z = np.array([pose['z'] for pose in poses])
    return camera.tall * size * camera.distance / (camera.distance - z)


def joints_beside(video: Path) -> Path:
    return video.with_name(f'{video.stem}_joints.npz')


def main() -> None:
    parser = Parser(__doc__.split('\n\n')[0], formatter=argparse.HelpFormatter)
    parser.add_argument('--out', required=True, help='folder for the videos and their joints')
    parser.add_argument('--size', type=int, default=SIZE,
                        help='width and height, px; default: %(default)s')
    parser.add_argument('--seconds', type=float, nargs=2, default=(21, 8),
                        metavar=('TARGET', 'SOURCE'), help='length of the two videos')
    parser.add_argument('--fps', type=float, default=30, help='frames a second')
    parser.add_argument('--seed', type=int, default=0, help="of the camera's noise")
    opt = parser.read()
    for path in make_demo_videos(opt.out, opt.size, tuple(opt.seconds), opt.fps, opt.seed, True):
        say(f'{path} and {joints_beside(path)}')


if __name__ == '__main__':
    run_main(main)
