"""Reads joints found elsewhere: by OpenPose, or by an earlier run of this program.

The pictures are not searched. pose.formats.frame_files says which file belongs to which frame; in
an .npz every row has its frame's number. A frame without a file, or without a row, shows nobody.
"""
import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pose.detect.base import Detector
from pose.formats import frame_files, in_pixels, parts_in, read_people, read_points
from pose.skeleton import convert, skeleton_of, with_parts
from pose.track import PoseTrack
from util.errors import UserError, warn
from util.options import Options
from util.sampling import evenly_spaced

LOOKED_AT = 200     # files, of which the reach of the joints is known well enough
SURE = 0.3          # confidence above which no detector puts a joint far outside of the picture
INSIDE = 99         # percent of the joints; the others may be anywhere
BEYOND = 1.1        # of width and height: where no joint lies that was found in this size
CORNER = 0.5        # of width and height: a person who never leaves that corner is rare
LONGER = 1.1        # x the frames: decoders differ by some frames in how many there are


class Keypoints(Detector):
    """A folder of OpenPose's JSON or yml, everybody in it; or one person's .npz of ours."""
    DESCRIPTION = 'joints found elsewhere: OpenPose\'s JSON or yml, or found.npz of a dataset'
    RATE = 'as fast as files are read'
    LOOKS = False
    NEEDS = '--keypoints'
    PARTS = ('body', 'hands', 'face')

    @classmethod
    def declare_options(cls, group: 'argparse._ArgumentGroup') -> None:
        group.add_argument('--keypoints', default=None, metavar='PATH',
                           help='a folder of OpenPose\'s .json or _pose.yml files, or an .npz')

    @classmethod
    def check(cls, opt: Options) -> None:
        if not opt.keypoints:
            raise UserError('--detector keypoints: where are they? Add --keypoints PATH, a folder '
                            'of OpenPose\'s .json or .yml files, or the found.npz of a dataset.')
        path = Path(opt.keypoints)
        if path.suffix == '.npz':
            parts = set(PoseTrack.load(path).joints.parts)
        elif path.is_dir():
            parts = check_folder(path)
        else:
            raise UserError(f'--keypoints {path}: no such folder, and no .npz. Give the folder '
                            f'with one .json or _pose.yml file per frame.')
        missing = set(opt.parts) - parts - {'body'}
        if missing:
            raise UserError(f'--parts: {path} has no {" and no ".join(sorted(missing))}. Leave '
                            f'that out of --parts, or run OpenPose again with --face --hand.')

    @classmethod
    def check_source(cls, opt: Options, size: tuple[int, int], frames: int) -> None:
        path = Path(opt.keypoints)
        if path.suffix == '.npz':
            track = PoseTrack.load(path)
            check_size(path, track, size)
            check_numbers(path, track.index, frames)
        else:
            files = frame_files(path)
            check_numbers(path, np.array(list(files)), frames)
            check_reach(path, list(files.values()), size)

    def __init__(self, opt: Options) -> None:
        self.skeleton = with_parts('BODY_25', opt.parts)
        self.path = Path(opt.keypoints)
        self.files: dict[int, Path] = {}
        self.track: PoseTrack | None = None
        if self.path.suffix == '.npz':
            self.track = PoseTrack.load(self.path)
            self.people = people_of(self.track, self.skeleton)
        else:
            self.files = frame_files(self.path)

    def __call__(self, image: np.ndarray, index: int) -> np.ndarray:
        size = (image.shape[1], image.shape[0])
        nobody = np.zeros((0, len(skeleton_of(self.skeleton).joints), 4), np.float32)
        if self.track is None:
            file = self.files.get(index)
            return in_pixels(read_people(file, self.skeleton), size) if file else nobody
        check_size(self.path, self.track, size)
        return self.people.get(index, nobody)


def check_folder(folder: Path) -> set[str]:
    """Read every file once. Returns the parts found other than the body.

    UserError for a file that cannot be read, for bodies of different kinds, whose hips lie in
    different places, and for coordinates whose scale is lost.
    """
    bodies: dict[int, Path] = {}
    parts: set[str] = set()
    least, most = np.inf, -np.inf
    for path in frame_files(folder).values():
        points = read_points(path)
        if not points:
            continue
        body = points['body']
        bodies.setdefault(body.shape[1], path)
        parts |= parts_in(points)
        seen = body[body[..., 2] > 0, :2]
        least = min(least, seen.min(initial=np.inf))
        most = max(most, seen.max(initial=-np.inf))
    if len(bodies) > 1:
        (one, here), (other, there) = list(bodies.items())[:2]
        raise UserError(f'{folder}: bodies of {one} joints ({here.name}) and of {other} '
                        f'({there.name}). Keep the files of one run of OpenPose there.')
    if least < 0 and most <= 1:
        raise UserError(f'{folder}: coordinates from -1 to 1. Run OpenPose again with '
                        f'--keypoint_scale 0, px, or 3, from 0 to 1.')
    return parts


def check_size(path: Path, track: PoseTrack, size: tuple[int, int]) -> None:
    """UserError where the track is in px of a picture of another (width, height)."""
    if track.size != size:
        raise UserError(f'--keypoints {path}: joints in a picture of {track.size[0]}x'
                        f'{track.size[1]} px, but this one has {size[0]}x{size[1]}. The found.npz '
                        f'of a dataset is in px of its video; poses.npz is in px of what was cut '
                        f'out of it.')


def check_numbers(path: Path, numbers: np.ndarray, frames: int) -> None:
    """UserError where the joints are for none of a source's frames; a warning where they go on
    for much longer."""
    if not len(numbers) or not frames:
        return
    both = (f'--keypoints {path}: joints of frames {numbers.min()} to {numbers.max()}, but the '
            f'source has frames 0 to {frames - 1}')
    if numbers.min() >= frames:
        raise UserError(f'{both}. Number the files from 0, as OpenPose does without --frame_first.')
    if numbers.max() >= LONGER * frames:
        warn(f'{both}: are they of another video?')


def check_reach(folder: Path, files: Sequence[Path], size: tuple[int, int]) -> None:
    """UserError where joints lie far outside of pictures of that (width, height); a warning where
    they lie in the upper left corner of them alone, as those of smaller pictures do."""
    found = []
    for row in evenly_spaced(len(files), LOOKED_AT):
        points = read_points(files[row])
        if points:
            body = points['body'].reshape(-1, 3)
            found.append(body[body[:, 2] > SURE, :2])
    joints = np.concatenate(found) if found else np.zeros((0, 2))
    if not len(joints) or joints.max() <= 1:        # in 0..1, whatever the size
        return
    reach = np.percentile(joints, INSIDE, axis=0)
    furthest = joints.max(axis=0)
    both = (f'--keypoints {folder}: joints reach to x {furthest[0]:.0f}, y {furthest[1]:.0f}, and '
            f'the pictures are {size[0]}x{size[1]} px')
    if (reach > BEYOND * np.array(size)).any():
        raise UserError(f'{both}: they were found in larger ones. Give the video that they were '
                        f'found in, or run OpenPose on this one.')
    if (reach < CORNER * np.array(size)).all():
        warn(f'{both}: were they found in a smaller copy? Look at the report.')


def people_of(track: PoseTrack, skeleton: str) -> dict[int, np.ndarray]:
    """{frame number: the track's person, float32 (1, K, 4)}, of frames that show any joint."""
    depth = np.full(track.poses.shape[:2], np.nan) if track.depth is None else track.depth
    poses = convert(np.dstack([track.poses, depth]), track.joints, skeleton_of(skeleton))
    return {int(index): pose[None] for index, pose in zip(track.index, poses)
            if pose[:, 2].any()}
