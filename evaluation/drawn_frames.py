"""A few pairs with drawn figures, for a run whose dataset is gone: enough to see that two ways of
painting give the same."""
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pose.draw import default_line_width, draw_pose
from pose.skeleton import BODY_25
from pose.track import PoseTrack
from util.files import write_json
from util.images import write_image

COUNT = 8               # figures
SIZE = (256, 256)       # of a run that does not say its own
# a body that stands in a picture of 1 x 1
STANDING = {
    'Nose': (0.5, 0.2), 'Neck': (0.5, 0.3), 'MidHip': (0.5, 0.55), 'REye': (0.48, 0.18),
    'LEye': (0.52, 0.18), 'REar': (0.46, 0.19), 'LEar': (0.54, 0.19), 'RShoulder': (0.43, 0.3),
    'LShoulder': (0.57, 0.3), 'RElbow': (0.36, 0.38), 'LElbow': (0.64, 0.38),
    'RWrist': (0.3, 0.46), 'LWrist': (0.7, 0.46), 'RHip': (0.46, 0.55), 'LHip': (0.54, 0.55),
    'RKnee': (0.45, 0.7), 'LKnee': (0.55, 0.7), 'RAnkle': (0.44, 0.85), 'LAnkle': (0.56, 0.85)}


def write_pairs(root: Path, facts: Mapping[str, Any], index: Path) -> Path:
    """Write a dataset of pairs, drawn as those of the run, into the folder `root`.

    facts   dataset.json of the dataset that the run was trained on; {}: not known
    index   poses.npz of the frames that the run keeps, whose poses are then drawn
    """
    draw = facts.get('draw', {})
    style, skeleton = draw.get('style', 'openpose'), facts.get('skeleton', 'BODY_25')
    width, height = facts.get('size', SIZE)
    track = kept(index) if index.is_file() else standing((width, height))
    track = track.numbered(skeleton)
    line = draw.get('line_width') or default_line_width(track.size, style)
    (root / 'val').mkdir(parents=True)
    for k, pose in enumerate(track.poses, 1):
        drawn = draw_pose(pose, track.size, style, skeleton, line)
        grey = np.full_like(drawn, 128)
        write_image(root / 'val' / f'{k:06d}.png', np.hstack([drawn, grey]))
    track.save(root / 'poses.npz')
    if draw:
        write_json(root / 'dataset.json', {'layout': 'pairs', 'size': list(track.size),
                                           'draw': draw, 'skeleton': skeleton})
    return root


def kept(index: Path) -> PoseTrack:
    """Some of the poses that a run keeps."""
    track = PoseTrack.load(index)
    rows = np.linspace(0, len(track.poses) - 1, min(COUNT, len(track.poses))).astype(int)
    numbers = np.arange(len(rows))
    return PoseTrack(track.poses[rows], numbers / 25, numbers, track.skeleton, track.size)


def standing(size: tuple[int, int]) -> PoseTrack:
    """A figure that raises its arms, in a picture of that (width, height)."""
    poses = np.zeros((COUNT, len(BODY_25.joints), 3), np.float32)
    for joint, place in STANDING.items():
        poses[:, BODY_25.index(joint)] = (*place, 1)
    for k, pose in enumerate(poses):
        for joint, share in (('RElbow', 0.5), ('LElbow', 0.5), ('RWrist', 1), ('LWrist', 1)):
            pose[BODY_25.index(joint), 1] -= 0.4 * share * k / COUNT
    poses[..., :2] *= np.array(size, np.float32)
    numbers = np.arange(COUNT)
    return PoseTrack(poses, numbers / 25, numbers, 'BODY_25', size)
