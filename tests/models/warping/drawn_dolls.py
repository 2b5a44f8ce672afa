"""Drawn people whose parts have a colour each, so that a test knows which part a pixel shows."""
import cv2
import numpy as np

from models.warping.part_pieces import Cutout
from models.warping.parts import HEAD, LIMBS, Bodies, parts_of
from pose.skeleton import BODY_25

SIZE = 240, 240                 # (width, height) px of a frame
WALL = (200, 200, 180)
COLOURS = {'trunk': (250, 250, 250), 'head': (240, 180, 140), 'R upper arm': (200, 0, 0),
           'R forearm': (255, 90, 0), 'L upper arm': (0, 0, 200), 'L forearm': (0, 120, 255),
           'R thigh': (0, 120, 0), 'R shin': (0, 200, 60), 'L thigh': (120, 0, 120),
           'L shin': (200, 0, 200)}
PLACES = {'Nose': (120, 40), 'Neck': (120, 62), 'RShoulder': (100, 62), 'RElbow': (92, 92),
          'RWrist': (90, 120), 'LShoulder': (140, 62), 'LElbow': (148, 92), 'LWrist': (150, 120),
          'MidHip': (120, 126), 'RHip': (110, 126), 'RKnee': (108, 166), 'RAnkle': (107, 204),
          'LHip': (130, 126), 'LKnee': (132, 166), 'LAnkle': (133, 204), 'REye': (116, 36),
          'LEye': (124, 36), 'REar': (110, 38), 'LEar': (130, 38)}
WIDTHS = {'trunk': 0.05, 'head': HEAD.reach} | {name: reach for name, _, reach, _, _ in LIMBS}


def pose(**moved):
    """float32 (25, 3): a person who stands, with these joints elsewhere."""
    found = np.zeros((25, 3), np.float32)
    for joint, place in (PLACES | moved).items():
        found[BODY_25.index(joint)] = *place, 1
    return found


def drawn(one, order):
    """uint8 (H, W, 4): the person of a pose, part by part in that order, and what is a person."""
    body = Bodies(one[None], BODY_25)
    picture = np.full((SIZE[1], SIZE[0], 4), (*WALL, 0), np.uint8)
    for name in order:
        colour = (*COLOURS[name], 255)
        width = WIDTHS[name.removeprefix('R ').removeprefix('L ')] * float(body.height[0])
        placed = body.placed[name]
        if name == 'trunk':
            corners = [body.joint(joint)[0, :2]
                       for joint in ('RShoulder', 'LShoulder', 'LHip', 'RHip')]
            cv2.fillConvexPoly(picture, np.rint(corners).astype(np.int32), colour)
        bones = np.stack([placed.start[0], placed.end[0]], 1)
        for start, end in bones[placed.seen[0]]:
            if 'forearm' in name:
                end = end + 0.35 * (end - start)        # the hand
            ends = (tuple(np.rint(point).astype(int).tolist()) for point in (start, end))
            cv2.line(picture, *ends, colour, max(1, round(2 * width * 0.8)))
    return picture


def in_front():
    """The parts from back to front, the arms before the trunk; no feet."""
    names = [name for name in parts_of(BODY_25) if name in COLOURS]
    arms = [name for name in names if 'arm' in name]
    return [name for name in names if name not in ('trunk', 'head', *arms)] + \
        ['trunk', 'head', *arms]


class Frames:
    """The people of the frames of some poses, as a run keeps them."""

    size = SIZE

    def __init__(self, poses):
        self.pictures = [drawn(one, in_front()) for one in poses]

    def cutout(self, row):
        return Cutout(self.pictures[row], 0, 0)


def names_shown(picture):
    """str (H, W): which part each pixel of a picture (H, W, 3) shows; '' for the wall, '?' where
    colours are mixed."""
    found = np.full(picture.shape[:2], '?', 'U16')
    for name, colour in {**COLOURS, '': WALL}.items():
        found[np.abs(picture.astype(int) - colour).max(-1) <= 12] = name
    return found
