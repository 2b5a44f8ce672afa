"""Reads joints found elsewhere: by OpenPose, or by an earlier run of this program.

The pictures are not searched. pose.formats.frame_files says which file belongs to which frame; in
an .npz every row has its frame's number. A frame without a file, or without a row, shows nobody.
"""
import argparse
from pathlib import Path

import numpy as np

from pose.detect.base import Detector
from pose.formats import frame_files, in_pixels, parts_in, read_people, read_points
from pose.skeleton import convert, skeleton_of, with_parts
from pose.track import PoseTrack
from util.errors import UserError
from util.options import Options


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
        if self.track.size != size:
            raise UserError(f'--keypoints {self.path}: joints in a picture of '
                            f'{self.track.size[0]}x{self.track.size[1]} px, but this one has '
                            f'{size[0]}x{size[1]}. The found.npz of a dataset is in px of its '
                            f'video; poses.npz is in px of what was cut out of it.')
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


def people_of(track: PoseTrack, skeleton: str) -> dict[int, np.ndarray]:
    """{frame number: the track's person, float32 (1, K, 4)}, of frames that show any joint."""
    depth = np.full(track.poses.shape[:2], np.nan) if track.depth is None else track.depth
    poses = convert(np.dstack([track.poses, depth]), track.joints, skeleton_of(skeleton))
    return {int(index): pose[None] for index, pose in zip(track.index, poses)
            if pose[:, 2].any()}
