"""Joint augmentation: pose and frame are moved a little, together, so that training sees more poses
than were filmed.

The joints are moved. The pose is then drawn again from them, so that its lines keep their width
and a mirror exchanges the colours of left and right. The frame is warped by the same transform.

Shape letters: K joints. A pose is float32 (K, 3): x px, y px, confidence.
"""
from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from data.joints import PictureJoints
from pose.draw import draw_pose
from pose.skeleton import Skeleton, mirror
from pose.track import PoseTrack
from util.errors import UserError, warn
from util.images import size_of

FLAGS = ('rotate', 'scale', 'shift', 'drop_limb')       # what cannot be done to pixels alone
# what --drop_limb leaves out at once: the joints whose names begin so
DROPPED_TOGETHER = (
    'RElbow RWrist RHand', 'LElbow LWrist LHand', 'RWrist RHand', 'LWrist LHand', 'RHand', 'LHand',
    'RKnee RAnkle RBigToe RSmallToe RHeel', 'LKnee LAnkle LBigToe LSmallToe LHeel',
    'RAnkle RBigToe RSmallToe RHeel', 'LAnkle LBigToe LSmallToe LHeel',
    'Nose REye LEye REar LEar Face')


class JointAugmentation:
    """augment(path, drawn, frame, rng) -> (drawn, frame, pose), all three moved alike.

    track      the joints, in px of the drawn pictures, whose names are their frame numbers
    draw       dataset.json's: how the poses are drawn
    flip       whether half of the items are mirrored
    rotate     degrees, at most, to either side around the picture's middle
    scale      larger or smaller by this fraction, at most
    shift      to any side by this fraction of width and height, at most
    drop_limb  how likely each limb, hand and the face is left out of the drawing, 0..1

    Every random choice comes from `rng`, and as many are made for every item.
    """

    def __init__(self, track: PoseTrack, draw: Mapping[str, Any], flip: bool = False,
                 rotate: float = 0.0, scale: float = 0.0, shift: float = 0.0,
                 drop_limb: float = 0.0):
        self.track, self.draw, self.flip, self.drop_limb = track, draw, flip, drop_limb
        self.rotate, self.scale, self.shift = rotate, scale, shift
        self.joints = PictureJoints(track)
        self.limbs = droppable(track.joints)

    @classmethod
    def of(cls, root: Path, facts: Mapping[str, Any],
           opt: argparse.Namespace) -> JointAugmentation | None:
        """What the flags ask for; None where they ask for nothing, or for a flip of a dataset
        that knows no joints: then pixels are all that can be mirrored."""
        asked: dict[str, Any] = {flag: getattr(opt, flag, 0) for flag in ('flip', *FLAGS)}
        if not any(asked.values()):
            return None
        if (root / 'poses.npz').is_file() and 'draw' in facts:
            return cls(PoseTrack.load(root / 'poses.npz'), facts['draw'], **asked)
        for flag in FLAGS:
            if asked[flag]:
                raise UserError(f'--{flag} {asked[flag]:g}: {root} has no poses.npz to draw the '
                                f'poses anew from. Leave that flag out, or make the dataset with '
                                f'python preprocess.py --video me.mp4 --dataroot {root}.')
        warn('--flip: this dataset has no poses.npz, so a mirrored pose keeps the colours of the '
             'sides it had. preprocess.py writes datasets that can be mirrored.')
        return None

    def check(self, path: Path, size: tuple[int, int]) -> None:
        """UserError for a picture (of that width and height) whose joints are not known."""
        if path not in self.joints:
            raise UserError(f'{path}: poses.npz has no frame of that number. Take the file out of '
                            f'the dataset, or leave --flip, --rotate, --scale, --shift and '
                            f'--drop_limb out.')
        if size != self.track.size:
            raise UserError(f'{path}: its pose is {size[0]}x{size[1]} px, but poses.npz is for '
                            f'{self.track.size[0]}x{self.track.size[1]}. Make the dataset again '
                            f'with preprocess.py --overwrite.')

    def __call__(self, path: Path, drawn: np.ndarray, frame: np.ndarray,
                 rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        width, height = size = size_of(drawn)
        pose = kept = self.joints[path]
        mirrored = bool(rng.random() < 0.5) and self.flip
        across = affine(size, *(rng.uniform(-1, 1, 4) * (
            self.rotate, np.log1p(self.scale), self.shift * width, self.shift * height)))
        dropped = rng.random(len(self.limbs)) < self.drop_limb
        if mirrored:
            pose, frame = mirror(pose, self.track.joints, width), cv2.flip(frame, 1)
        if self.rotate or self.scale or self.shift:
            pose = moved(pose, across)
            frame = cv2.warpAffine(frame, across, size, flags=cv2.INTER_CUBIC,
                                   borderMode=cv2.BORDER_REPLICATE)
        if dropped.any():
            pose = pose.copy()
            pose[np.concatenate([self.limbs[k] for k in np.flatnonzero(dropped)])] = 0
        if pose is not kept:
            drawn = draw_pose(pose, size, self.draw['style'], self.track.skeleton,
                              self.draw['line_width'])
        return drawn, frame, pose


def droppable(skeleton: Skeleton) -> list[np.ndarray]:
    """The joints of each limb that --drop_limb may leave out: arm below the shoulder, forearm,
    hand, leg below the hip, lower leg, each side, and the face; what the skeleton has of them."""
    found = [np.flatnonzero([name.startswith(tuple(limb.split())) for name in skeleton.joints])
             for limb in DROPPED_TOGETHER]
    return [joints for joints in found if len(joints)]


def affine(size: tuple[int, int], degrees: float, log_scale: float, right: float,
           down: float) -> np.ndarray:
    """float64 (2, 3): around the middle of a picture of that (width, height), turned clockwise
    and grown by e ** log_scale, then moved by px."""
    angle, scale = np.deg2rad(degrees), np.exp(log_scale)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = (np.array(size) - 1) / 2
    return np.column_stack([turn, middle - turn @ middle + (right, down)])


def moved(pose: np.ndarray, transform: np.ndarray) -> np.ndarray:
    """The pose where the affine transform (2, 3) puts it; what is not seen stays 0, 0, 0."""
    there = pose.copy()
    there[:, :2] = np.where(pose[:, 2:] > 0, pose[:, :2] @ transform[:, :2].T + transform[:, 2], 0)
    return there
