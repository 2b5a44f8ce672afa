"""How near live poses come to those of preprocess.py, which sees the whole film.

Finds the poses of each video once, cleans them both ways, and prints a table in Markdown:

    joints       how far live joints lie from the offline ones: median, mean, 95 %, % of body height
    lost         joints that are not seen live but offline
    lag          ms by which live joints come later
    exchanged    frames in a row in which a pair lies at its partner's offline place, the most
    jitter       % of body height per frame and frame, offline -> live
    ms           CPU time a picture without the detector, fitted to --target: median and 95 %

With --sheet the poses in the target's picture are drawn, offline above live.
"""
import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from data.target import Target
from live.frames import Captured, Posed
from live.person import AHEAD, LivePerson
from pose.body import both_sides, heights
from pose.cleaning.repair import LiveRepair, repair
from pose.cleaning.smoothing import jitter, lag
from pose.detect import make_detector
from pose.detect.base import Detector
from pose.draw import default_line_width, draw_pose
from pose.shots import PictureWatch, picture_jumps
from pose.skeleton import skeleton_with
from pose.stretches import runs, shot_slices
from pose.track import PoseTrack
from pose.tracking.appearance import appearance_of
from preprocessing.detection import Detected
from preprocessing.placement import fitted
from util.errors import run_main
from util.images import write_image
from util.options import Options
from util.progress import progress
from util.video import probe, read_frames

APART = 0.05                    # of the height: pairs nearer to each other are not exchanged
CUT = 2                         # frames from a jump of the picture to that of the body
PAIRS = ('Shoulder', 'Hip', 'Elbow', 'Wrist', 'Knee', 'Ankle')


class Replayed(Detector):
    """A detector that gives again what was found."""

    def __init__(self, found: Detected):
        self.found = found
        self.skeleton = found.skeleton

    def __call__(self, image: np.ndarray, index: int) -> np.ndarray:
        return self.found.people[index]


def find(video: str) -> Detected:
    """Everybody in every frame of a video."""
    detector = make_detector('mediapipe')
    watch = PictureWatch()
    times, people, looks, difference = [], [], [], []
    for frame in progress(read_frames(video), f'finding poses: {video}', probe(video).frames):
        difference.append(watch(frame.image))
        if watch.jumped:
            detector.reset()
        here = detector(frame.image, frame.index)
        table = skeleton_with(here.shape[1])
        shown = [appearance_of(frame.image, body[:, :3], table) for body in here]
        looks.append(np.stack(shown) if shown else np.zeros((0, 0), np.float32))
        people.append(here)
        times.append(frame.time)
    detector.close()
    return Detected(np.arange(len(times)), np.array(times), people, looks, np.array(difference),
                    table.name, probe(video).size)


def cleaned_live(track: PoseTrack, every: int = 1) -> PoseTrack:
    """The raw track, cleaned frame by frame; each shot from its start, as after a cut.

    every   only every n-th frame is looked at, and joints move on between, as in live.person
    """
    depth = np.full(track.poses.shape[:2], np.nan) if track.depth is None else track.depth
    joints = np.concatenate([track.poses, depth[..., None]], -1)
    clean = np.zeros_like(joints)
    seen = track.seen()
    for shot in np.unique(track.shots):
        live = LiveRepair(track.skeleton, track.size)
        since = every
        looked = -np.inf
        for f in np.flatnonzero(track.shots == shot):
            time = float(track.times[f])
            since += 1
            if since >= every or time - looked > AHEAD:
                since = 0
                looked = time
                found = live(joints[f], time) if seen[f] else None
            if found is not None:
                clean[f] = found
                clean[f, :, :2] += live.speed * (time - looked) * (found[:, 2:3] > 0)
    return replace(track, poses=clean[..., :3], depth=clean[..., 3])


def as_filmed(track: PoseTrack, difference: np.ndarray) -> PoseTrack:
    """The track with a new shot only where the picture jumps as well as the body, as live.person
    begins one. The offline track has more: it sees what comes after a jump.

    difference   float (F,) to the picture before, as PictureWatch gives it
    """
    jumps = picture_jumps(difference.astype(np.float32))
    begins = np.zeros(len(track), int)
    for shot in shot_slices(track.shots)[1:]:
        # the picture may jump while nobody is found
        begins[shot.start] = jumps[max(shot.start - CUT, 0):shot.start + CUT + 1].any()
    return replace(track, shots=np.cumsum(begins))


def exchanged(live: PoseTrack, offline: PoseTrack) -> int:
    """The most frames in a row in which a pair's joints lie nearer to each other's places."""
    height = heights(offline.poses, offline.joints)
    most = 0
    for pair in PAIRS:
        numbers = [offline.joints.index(joint) for joint in both_sides(pair)]
        here, there = live.poses[:, numbers], offline.poses[:, numbers]
        known = (here[..., 2] > 0).all(1) & (there[..., 2] > 0).all(1) & offline.kept
        right = np.linalg.norm((here - there)[..., :2], axis=-1)
        wrong = np.linalg.norm((here - there[:, ::-1])[..., :2], axis=-1)
        apart = np.linalg.norm(there[:, 0, :2] - there[:, 1, :2], axis=-1) > APART * height
        for run in runs(known & apart & (wrong < right).all(1)):
            most = max(most, run.stop - run.start)
    return most


def play(found: Detected, target: Target, every: int) -> tuple[list[Posed], np.ndarray]:
    """The poses that a live session would paint, and CPU ms of each picture."""
    person = LivePerson(Replayed(found), target)
    person.every = every
    blank = np.zeros((found.size[1], found.size[0], 3), np.uint8)
    posed, spent = [], []
    for index, at in enumerate(found.times.tolist()):
        start = time.thread_time()
        posed.append(person(Captured(index, at, blank)))
        spent.append(1000 * (time.thread_time() - start))
    return posed, np.array(spent)


def row(name: str, live: PoseTrack, offline: PoseTrack,
        spent: np.ndarray) -> str:
    """A line of the table."""
    body = offline.joints.part('body')
    kept = replace(live, kept=offline.kept, reasons=offline.reasons)
    there = (offline.poses[:, body, 2] > 0) & offline.kept[:, None]
    both = there & (live.poses[:, body, 2] > 0)
    height = float(np.median(heights(offline.poses, offline.joints)[offline.shown()]))
    far = 100 / height * np.linalg.norm((live.poses - offline.poses)[:, body, :2], axis=-1)[both]
    late = 1000 * lag(offline, kept) / offline.fps
    cells = [name, f'{np.median(far):.2f}, {far.mean():.2f}, {np.percentile(far, 95):.2f}',
             f'{100 * (1 - both.sum() / there.sum()):.1f} %', f'{late:.0f}',
             str(exchanged(live, offline)), f'{jitter(offline):.2f} -> {jitter(kept):.2f}',
             f'{np.median(spent):.1f}, {np.percentile(spent, 95):.1f}' if len(spent) else '']
    return f'| {" | ".join(cells)} |'


def sheet(path: Path, target: Target, offline: PoseTrack, posed: Sequence[Posed],
          columns: int) -> None:
    """Draw the poses of some frames, offline above live."""
    rows = np.linspace(0, len(posed) - 1, columns).astype(int)
    width = default_line_width(target.size)
    empty = np.zeros_like(offline.poses[0])
    above: list[np.ndarray] = []
    below: list[np.ndarray] = []
    for f in rows.tolist():
        live = posed[f].pose
        pair = [offline.poses[f] if offline.kept[f] else empty, empty if live is None else live]
        for cells, pose in zip((above, below), pair, strict=True):
            picture = draw_pose(pose, target.size, skeleton=target.skeleton, line_width=width)
            cv2.putText(picture, str(f), (3, 12), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 255))
            cells.append(picture)
    write_image(path, np.vstack([np.hstack(above), np.hstack(below)]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0], allow_abbrev=False)
    parser.add_argument('videos', nargs='+', help='videos of people')
    parser.add_argument('--target', help='a dataset or a run: fit the poses to that person as well')
    parser.add_argument('--every', type=int, default=1, help='find poses in every n-th picture')
    parser.add_argument('--sheet', help='a folder: draw a picture of each video\'s poses there')
    parser.add_argument('--columns', type=int, default=12, help='poses drawn')
    opt = parser.parse_args()
    target = Target(opt.target, '--target') if opt.target else None
    lines = ['| video | joints, % | lost | lag, ms | exchanged | jitter, % | ms |',
             '|---|---|---|---|---|---|---|']
    for video in opt.videos:
        found = find(video)
        raw = found.one('largest')[0]
        offline, _ = repair(raw)
        spent = np.zeros(0)
        if target:
            posed, spent = play(found, target, opt.every)
            if opt.sheet:
                flags = Options(retarget='auto', retarget_to=opt.target, walk='keep', facing='auto')
                drawn = fitted(flags, offline, target).drawn
                sheet(Path(opt.sheet) / f'{Path(video).stem}.png', target, drawn, posed,
                      opt.columns)
        live = cleaned_live(as_filmed(raw, found.difference), opt.every)
        lines.append(row(Path(video).stem, live, offline, spent))
    print('\n'.join(lines))


if __name__ == '__main__':
    run_main(main)
