"""The calls that read what a trial has changed: each takes the world and the trial's folder."""
from collections.abc import Callable
from pathlib import Path

from scripts.dev.faults.process import Call
from scripts.dev.faults.world import CPU, World, call

Reader = Callable[[World, Path], Call]


def trains(world: World, root: Path) -> Call:
    return world.trained('p', root, 1).but('--no_html', '--flip')


def trains_cached(world: World, root: Path) -> Call:
    return trains(world, root).but('--dataroot', root / 'cached')


def trains_again(world: World, root: Path) -> Call:
    return call('train.py', '--dataroot', root / 'me', '--checkpoints_dir', root / 'runs', '--name',
                'p', *CPU, '--no_compile', '--max_steps', 3, '--no_html', '--continue_train')


def trains_body(world: World, root: Path) -> Call:
    return world.trained('b', root, 1).but('--no_html')


def trains_body_again(world: World, root: Path) -> Call:
    return call('train.py', '--dataroot', root / 'me', '--checkpoints_dir', root / 'runs', '--name',
                'b', *CPU, '--no_compile', '--max_steps', 3, '--no_html', '--continue_train')


def paints(world: World, root: Path) -> Call:
    return world.painted('p', root)


def paints_body(world: World, root: Path) -> Call:
    return world.painted('b', root)


def compares(world: World, root: Path) -> Call:
    return call('scripts/compare.py', 'p', 'b', '--results_dir', root / 'results',
                '--checkpoints_dir', root / 'runs', '--out', root / 'compared')


def redraws(world: World, root: Path) -> Call:
    return call('preprocess.py', '--redraw', '--dataroot', root / 'me', '--draw_style', 'edn')


def examines(world: World, root: Path) -> Call:
    return call('preprocess.py', '--doctor', root / 'me', root / 'dancer')


def prepares(world: World, root: Path) -> Call:
    """From the video and the joints in `root`."""
    return call('preprocess.py', '--video', root / 'source.mp4', '--dataroot', root / 'made',
                '--size', 64, '--detector', 'keypoints', '--keypoints', root / 'source.npz')


def prepares_again(world: World, root: Path) -> Call:
    return world.prepared('target', root).but('--overwrite')


def fits(world: World, root: Path) -> Call:
    """The source, to the person of root/me."""
    return world.prepared('source', root).but('--overwrite')


def fits_to_run(world: World, root: Path) -> Call:
    return world.prepared('source', root).but('--retarget_to', root / 'runs/p', '--overwrite')


def with_sound(world: World, root: Path) -> Call:
    return world.painted('p', root, '--video_from', root / 'source.mp4')


def prepares_from_json(world: World, root: Path) -> Call:
    return call('preprocess.py', '--video', world.folder / 'source.mp4', '--dataroot',
                root / 'made', '--size', 64, '--detector', 'keypoints', '--keypoints',
                root / 'openpose_json')
