"""How good the poses of each detector are, before and after repair, where the truth is known.

Draws the demo's two dancers, and two people who walk past each other, lets every detector that
works here find them, and prints a table in Markdown:

    PCK        joints of the body within 5 % of its height of the true place, of all it ever finds
    jitter     median acceleration of a joint, % of body height per frame and frame
    swapped    frames in which a limb lies at its partner's place
    identity   frames with a find in which it is the one person who was to be followed
"""
import argparse
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from pose.cleaning.repair import repair
from pose.cleaning.smoothing import jitter, lag
from pose.detect import detectors, make_detector
from pose.detect.base import Detector
from pose.shots import PictureWatch
from pose.skeleton import BODY_25, convert, skeleton_with
from pose.track import PoseTrack
from pose.tracking.appearance import appearance_of
from preprocessing.detection import Detected
from scripts.demo.body import SOURCE, TARGET
from scripts.demo.camera import TARGET_CAMERA
from scripts.demo.scene import draw_scene, walking
from scripts.make_demo_videos import joints_beside, make_demo_videos
from util.errors import UserError, run_main, say
from util.progress import progress
from util.video import read_frames

NEAR = 0.05                     # of the body's height
FPS, SIZE = 30.0, 480
CROSSING = 4                    # seconds in which two people walk past each other
LIMBS = ('Elbow', 'Wrist', 'Knee', 'Ankle')


def find(detector: Detector, images: Iterable[np.ndarray]) -> PoseTrack:
    """The raw track of one person, as preprocess.py would take it."""
    people, looks, difference, watch = [], [], [], PictureWatch()
    for index, image in enumerate(images):
        difference.append(watch(image))
        people.append(detector(image, index))
        table = skeleton_with(people[-1].shape[1])
        looks.append(np.array([appearance_of(image, body[:, :3], table) for body in people[-1]]))
    rows = np.arange(len(people))
    return Detected(rows, rows / FPS, people, looks, np.array(difference), table.name,
                    (image.shape[1], image.shape[0])).one('largest')[0]


def pck(track: PoseTrack, raw: PoseTrack, truth: np.ndarray, height: np.ndarray) -> float:
    """Part of the joints that lie where the truth (F, 25, 3) says, of those ever found in `raw`."""
    found, poses = (convert(each.poses, each.joints, BODY_25) for each in (raw, track))
    near = np.linalg.norm((poses - truth)[..., :2], axis=-1) < NEAR * height[:, None]
    return float((near & (poses[..., 2] > 0))[:, (found[..., 2] > 0).any(0)].mean())


def swaps(track: PoseTrack, truth: np.ndarray, height: np.ndarray) -> int:
    """Frames in which a pair's two joints both lie nearer to each other's true place."""
    poses = convert(track.poses, track.joints, BODY_25)
    wrong = np.zeros(len(truth), bool)
    for limb in LIMBS:
        pair = [BODY_25.index(side + limb) for side in 'RL']
        here, true = poses[:, pair], truth[:, pair, :2]
        right = np.linalg.norm(here[..., :2] - true, axis=-1)
        other = np.linalg.norm(here[..., :2] - true[:, ::-1], axis=-1)
        apart = np.linalg.norm(true[:, 0] - true[:, 1], axis=-1) > NEAR * height
        wrong |= (other < right).all(1) & (here[..., 2] > 0).all(1) & apart
    return int(wrong.sum())


def crossing() -> tuple[list[np.ndarray], np.ndarray]:
    """Pictures of two people who walk past each other, and their joints (F, 2, 25, 3)."""
    ways = np.linspace(-0.9, 0.9, round(CROSSING * FPS))
    pictures, joints = zip(*(draw_scene([(TARGET, walking(x, 0.35, 1)),
                                         (SOURCE, walking(-x, -0.25, -1))], TARGET_CAMERA, SIZE,
                                        noise=k) for k, x in enumerate(ways)), strict=True)
    return list(pictures), np.stack(joints)


def identity(track: PoseTrack, truth: np.ndarray) -> float:
    """Part of the frames with a find that show the one who is shown most."""
    neck = BODY_25.index('Neck')
    away = np.linalg.norm(track.poses[:, None, neck, :2] - truth[:, :, neck, :2], axis=-1)
    who = away.argmin(1)[track.seen()]
    return float(np.bincount(who).max() / len(who)) if len(who) else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0], allow_abbrev=False)
    parser.add_argument('--seconds', type=float, nargs=2, default=(21, 8),
                        metavar=('TARGET', 'SOURCE'), help='length of the drawn videos, s')
    opt = parser.parse_args()
    lines = ['| detector | video | PCK at 5 % | jitter, % | swapped frames | lag, frames '
             '| identity |', '|---|---|---|---|---|---|---|']
    with tempfile.TemporaryDirectory() as folder:
        videos = make_demo_videos(folder, SIZE, tuple(opt.seconds), FPS, bar=True)
        two, both = crossing()
        for name in detectors.names():
            try:
                detector = make_detector(name)
            except UserError as error:
                say(f'{name} is left out: {error}')
                continue
            same = identity(find(detector, progress(two, f'{name}: two people', len(two))), both)
            for video in videos:
                detector.reset()
                truth = np.load(joints_beside(video))
                images = (frame.image for frame in read_frames(video))
                raw = find(detector, progress(images, f'{name}: {video.stem}', len(truth['times'])))
                clean, _ = repair(raw)
                cells = [[f'{100 * pck(track, raw, truth["poses"], truth["height"]):.1f} %',
                          f'{jitter(track):.2f}',
                          str(swaps(track, truth['poses'], truth['height']))]
                         for track in (raw, clean)]
                change = [' -> '.join(pair) for pair in zip(*cells, strict=True)]
                lines.append(f'| {name} | {video.stem} | {" | ".join(change)} '
                             f'| {abs(lag(raw, clean)):.1f} | {100 * same:.0f} % |')
            detector.close()
    print('\n'.join(lines))


if __name__ == '__main__':
    run_main(main)
