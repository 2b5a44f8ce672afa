"""Joint augmentation: pose and frame are moved a little, together, so that training sees more poses
than were filmed.

The joints are moved. The pose is then drawn again from them, so that its lines keep their width,
and mirroring exchanges the colours of left and right. The frame is warped by the same transform.

Shape letters: K joints. A pose is float32 (K, 3): x px, y px, confidence.
"""
from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from data.facts import how_to_make
from data.joints import PictureJoints
from pose.draw import draw_pose
from pose.skeleton import Skeleton, mirror
from pose.track import PoseTrack
from util.errors import UserError, warn
from util.images import size_of

FLAGS = ('rotate', 'scale', 'shift', 'drop_limb')       # augmentation that needs joints
# Each row is left out at once by --drop_limb: the joints whose names begin with its words.
DROPPED_TOGETHER = (
    'RElbow RWrist RHand', 'LElbow LWrist LHand', 'RWrist RHand', 'LWrist LHand', 'RHand', 'LHand',
    'RKnee RAnkle RBigToe RSmallToe RHeel', 'LKnee LAnkle LBigToe LSmallToe LHeel',
    'RAnkle RBigToe RSmallToe RHeel', 'LAnkle LBigToe LSmallToe LHeel',
    'Nose REye LEye REar LEar Face')


class JointAugmentation:
    """augment(path, drawn, frame, rng) -> (drawn, frame, pose), all three moved alike.

    track      the joints, in px of the drawn images, whose file names are their frame numbers
    draw       `draw` of dataset.json: how the poses are drawn
    flip       whether half of the items are mirrored
    rotate     largest rotation around the image's centre, to either side, in degrees
    scale      largest scaling up or down, as a fraction
    shift      largest shift to any side, as a fraction of width and height
    drop_limb  probability, 0 to 1, that a limb, a hand or the face is left out of the drawing

    All random choices come from `rng`, the same number of them for every item.
    """

    def __init__(self, track: PoseTrack, draw: Mapping[str, Any], flip: bool = False,
                 rotate: float = 0.0, scale: float = 0.0, shift: float = 0.0,
                 drop_limb: float = 0.0):
        self.track = track
        self.draw = draw
        self.flip = flip
        self.rotate = rotate
        self.scale = scale
        self.shift = shift
        self.drop_limb = drop_limb
        self.joints = PictureJoints(track)
        self.limbs = droppable(track.joints)

    @classmethod
    def of(cls, root: Path, facts: Mapping[str, Any],
           opt: argparse.Namespace) -> JointAugmentation | None:
        """The augmentation of the flags; None without any, and for --flip of a dataset without
        joints, of which only pixels can be mirrored."""
        values: dict[str, Any] = {flag: getattr(opt, flag, 0) for flag in ('flip', *FLAGS)}
        if not any(values.values()):
            return None
        if (root / 'poses.npz').is_file() and 'draw' in facts:
            return cls(PoseTrack.load(root / 'poses.npz'), facts['draw'], **values)
        for flag in FLAGS:
            if values[flag]:
                raise UserError(f'--{flag} {values[flag]:g}: {root} has no poses.npz to draw the '
                                f'poses again. Leave that flag out, or make a dataset: '
                                + how_to_make(root))
        warn('--flip: this dataset has no poses.npz, so a mirrored pose keeps its colours of left '
             'and right. preprocess.py writes datasets that can be mirrored.')
        return None

    def check(self, path: Path, size: tuple[int, int]) -> None:
        """UserError for an image of that (width, height) whose joints are not known."""
        if path not in self.joints:
            raise UserError(f'{path}: poses.npz has no frame of that number. Take the file out of '
                            f'the dataset, or leave --flip, --rotate, --scale, --shift and '
                            f'--drop_limb out.')
        if size != self.track.size:
            raise UserError(f'{path}: its pose is {size[0]}x{size[1]} px, but poses.npz is for '
                            f'{self.track.size[0]}x{self.track.size[1]}. Make another dataset '
                            f'with preprocess.py, in a folder of its own.')

    def __call__(self, path: Path, drawn: np.ndarray, frame: np.ndarray,
                 rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        size = size_of(drawn)
        width, height = size
        pose = kept = self.joints[path]
        mirrored = bool(rng.random() < 0.5) and self.flip
        largest = self.rotate, np.log1p(self.scale), self.shift * width, self.shift * height
        across = affine(size, *(rng.uniform(-1, 1, 4) * largest))
        dropped = rng.random(len(self.limbs)) < self.drop_limb
        if mirrored:
            pose = mirror(pose, self.track.joints, width)
            frame = cv2.flip(frame, 1)
        if self.rotate or self.scale or self.shift:
            pose = moved(pose, across)
            frame = cv2.warpAffine(frame, across, size, flags=cv2.INTER_CUBIC,
                                   borderMode=cv2.BORDER_REPLICATE)
        if dropped.any():
            pose = pose.copy()
            for k in np.flatnonzero(dropped):
                pose[self.limbs[k]] = 0
        if pose is not kept:
            drawn = draw_pose(pose, size, self.draw['style'], self.track.skeleton,
                              self.draw['line_width'])
        return drawn, frame, pose


def droppable(skeleton: Skeleton) -> list[np.ndarray]:
    """Indices of the joints of each limb that --drop_limb may leave out and that the skeleton
    has: arm below the shoulder, forearm, hand, leg below the hip, lower leg, and the face."""
    limbs = []
    for words in DROPPED_TOGETHER:
        starts = tuple(words.split())
        joints = np.flatnonzero([name.startswith(starts) for name in skeleton.joints])
        if len(joints):
            limbs.append(joints)
    return limbs


def affine(size: tuple[int, int], degrees: float, log_scale: float, right: float,
           down: float) -> np.ndarray:
    """float64 (2, 3): rotate clockwise around the centre of an image of that (width, height),
    scale by e ** log_scale, then shift by px."""
    angle = np.deg2rad(degrees)
    scale = np.exp(log_scale)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = (np.array(size) - 1) / 2
    return np.column_stack([turn, middle - turn @ middle + (right, down)])


def moved(pose: np.ndarray, transform: np.ndarray) -> np.ndarray:
    """The pose under an affine transform (2, 3); joints that are not visible stay 0, 0, 0."""
    there = pose.copy()
    there[:, :2] = np.where(pose[:, 2:] > 0, pose[:, :2] @ transform[:, :2].T + transform[:, 2], 0)
    return there
