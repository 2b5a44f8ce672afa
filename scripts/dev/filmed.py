"""What benchmarks paint: drawn dancers filmed at any size, and untrained body2body runs of them.

The dancer fills three quarters of the picture's height. `prepared` goes the way of a user, through
preprocess.py; `made_up` writes a dataset of any number of frames at once, most of them the same
picture under other numbers, with poses of their own.
"""
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scripts.demo.body import TARGET
from scripts.demo.camera import TARGET_CAMERA
from scripts.demo.dance import TARGET_DANCE, choreograph
from scripts.make_demo_videos import perform
from util.files import write_json
from util.images import write_image
from util.progress import progress

if TYPE_CHECKING:
    from pose.track import PoseTrack

Size = tuple[int, int]          # (width, height) px

FPS = 25.0
TALL = 0.75                     # of the picture's height
PAIR_SIZE = 256                 # px, shorter side: as transfer.py prepares a film
DIFFERENT = 32                  # pictures of a dataset that is made up
JITTER = 0.5                    # px of 128: no two poses that are made up are alike
ABOVE, BELOW = 0.15, 0.95       # of the height: where the dancer never is
NAME = 'filmed'


def dancer(size: Size, count: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """`count` frames uint8 (H, W, 3) of a dance, and the joints float32 (25, 3) in px of each. The
    second half goes back through the first: what is held out of it has training poses near it.
    A picture is no wider than it is high."""
    width, height = size
    assert width <= height, f'{size}: a drawn studio is a square, of which the middle is shown'
    left = (height - width) // 2
    turn = (count - 1) / 2
    dance = choreograph(TARGET_DANCE, count / FPS)
    poses = [dance.at((turn - abs(turn - frame)) / FPS) for frame in range(count)]
    camera = replace(TARGET_CAMERA, tall=TALL)
    for picture, joints in perform(TARGET, camera, poses, height, noise=0):
        joints[:, 0] -= left
        picture = picture[:, left:left + width].copy()
        furnish(picture)
        yield picture, joints


def furnish(picture: np.ndarray) -> None:
    """Draw things above and below the dancer that stay where they are. On the bare studio alone a
    camera is taken to move: along the edge of the floor nothing else tells."""
    height, width = picture.shape[:2]
    block = max(1, height // 64)
    for rows in (slice(0, round(ABOVE * height)), slice(round(BELOW * height), height)):
        strip = picture[rows]
        shape = -(-len(strip) // block), -(-width // block)
        greys = np.random.default_rng(0).integers(40, 220, shape, np.uint8)
        large = greys.repeat(block, 0).repeat(block, 1)
        strip[:] = large[:len(strip), :width, None]


def film(size: Size, count: int, path: Path) -> Path:
    """Write a video of `count` frames of the dance."""
    from util.video_writer import VideoWriter
    with VideoWriter(path, fps=FPS) as video:
        for picture, _ in progress(dancer(size, count), f'drawing {size[0]}x{size[1]}', count):
            video.write(picture)
    return path


def film_dataset(size: Size, count: int, folder: Path) -> Path:
    """Film `count` frames and prepare a dataset of them as transfer.py does; three tenths of it are
    held out."""
    import preprocess
    folder.mkdir(parents=True, exist_ok=True)
    video = film(size, count, folder / 'film.mp4')
    preprocess.main(['--video', str(video), '--dataroot', str(folder / 'data'), '--aspect', 'keep',
                     '--crop', 'none', '--val_fraction', '0.3', *sizes(min(size))])
    return folder / 'data'


def prepared(size: Size, count: int, folder: Path) -> list[str]:
    """The flags of test.py that paint the held-out frames of such a film."""
    return indexed(film_dataset(size, count, folder), folder)


def sizes(side: int) -> list[str]:
    """Flags of preprocess.py for a film whose shorter side is `side` px: small pairs next to large
    frames."""
    return ['--size', str(min(side, PAIR_SIZE)), '--film_size', str(side)]


def indexed(data: Path, folder: Path) -> list[str]:
    """Make the untrained run of a dataset, in `folder`. Returns the flags of test.py that paint its
    held-out frames."""
    import train
    run = ['--dataroot', str(data), '--name', NAME, '--checkpoints_dir', str(folder / 'runs')]
    train.main([*run, '--model', 'body2body', '--max_minutes', '0', '--display_id', '0',
                '--no_html'])
    return run


def made_up(size: Size, train: int, val: int, folder: Path) -> Path:
    """Write a dataset of that many pairs. Only DIFFERENT pictures are drawn; every frame has a pose
    of its own."""
    from pose.draw import draw_pose
    drawn = list(dancer(size, DIFFERENT))
    for phase, first, count in (('train', 0, train), ('val', train, val)):
        (folder / phase).mkdir(parents=True)
        for number in range(first, first + count):
            path = folder / phase / f'{number + 1:06d}.png'
            if number - first < DIFFERENT:
                picture, joints = drawn[number % DIFFERENT]
                write_image(path, np.hstack([draw_pose(joints, size), picture]))
            else:
                os.link(path.with_name(f'{number - DIFFERENT + 1:06d}.png'), path)
    poses = np.stack([joints for _, joints in drawn])
    made_up_track(poses, train + val, size).save(folder / 'poses.npz')
    write_json(folder / 'dataset.json', {'size': list(size)})
    return folder


def made_up_track(poses: np.ndarray, count: int, size: Size) -> 'PoseTrack':
    """`count` poses: those of `poses` (F, 25, 3), in px of a picture of that size, again and again,
    every joint moved a little each time."""
    from pose.track import PoseTrack
    numbers = np.arange(count)
    many = poses[numbers % len(poses)].copy()
    moved = np.random.default_rng(0).normal(0, JITTER * size[1] / 128, many[..., :2].shape)
    many[..., :2] += moved
    return PoseTrack(many, numbers / FPS, numbers, 'BODY_25', size)


def grown(run: list[str], count: int) -> None:
    """Let the run's index hold `count` frames: its own pictures under other poses."""
    from pose.track import PoseTrack
    folder = Path(run[run.index('--checkpoints_dir') + 1]) / NAME / 'index'
    track = PoseTrack.load(folder / 'poses.npz')
    many = made_up_track(track.poses, count, track.size)
    same_pictures = np.sort(track.index[np.arange(count) % len(track)])
    replace(many, index=same_pictures).save(folder / 'poses.npz')
