"""A body that turns about its own axis, with known joints and depth, for the tests of facing."""
import numpy as np

from pose.skeleton import BODY_25
from pose.track import PoseTrack

FPS = 25
SIZE = (320, 240)
# px to the person's left, px down from the neck, px before the trunk; the body is 95 px tall
PLACES = {'Nose': (0, -15, 10), 'REye': (-3, -18, 8), 'LEye': (3, -18, 8), 'REar': (-6, -16, 0),
          'LEar': (6, -16, 0), 'Neck': (0, 0, 0), 'RShoulder': (-12, 0, 0), 'LShoulder': (12, 0, 0),
          'RElbow': (-20, 14, 0), 'LElbow': (22, 10, 3), 'RWrist': (-26, 26, 4),
          'LWrist': (34, 2, 6), 'MidHip': (0, 31, 0), 'RHip': (-7, 31, 0), 'LHip': (7, 31, 0),
          'RKnee': (-9, 56, 2), 'LKnee': (9, 56, 0), 'RAnkle': (-10, 80, 0), 'LAnkle': (10, 80, 0),
          'RBigToe': (-11, 83, 8), 'LBigToe': (11, 83, 8)}


def turning(degrees, head=None, x=160.0, y=100.0, size=1.0, **more):
    """A track of a body with its neck at x, y that faces `degrees` in each frame: 0 the camera,
    90 the right of the picture. head: degrees of the head, where that differs."""
    degrees = np.asarray(degrees, float)
    poses = np.zeros((len(degrees), 25, 3))
    depth = np.full((len(degrees), 25), np.nan)
    for joint, (left, down, before) in PLACES.items():
        k = BODY_25.index(joint)
        of_head = head is not None and (joint == 'Nose' or joint[1:] in ('Eye', 'Ear'))
        turn = np.radians(head if of_head else degrees) + 0 * degrees
        poses[:, k, 0] = x + size * (left * np.cos(turn) + before * np.sin(turn))
        poses[:, k, 1] = y + size * down
        poses[:, k, 2] = 1
        depth[:, k] = size * (left * np.sin(turn) - before * np.cos(turn))
    return PoseTrack(poses, np.arange(len(poses)) / FPS, np.arange(len(poses)), 'BODY_25',
                     more.pop('picture', SIZE), depth=depth, **more)


def half_turns(seconds=4.0, to=180.0):
    """degrees (F,): facing, turned to `to` in the middle, facing again."""
    frames = round(seconds * FPS / 4)
    there = np.linspace(0, to, frames)
    return np.concatenate([np.zeros(frames), there, np.full(frames, to), there[::-1],
                           np.zeros(frames)])
