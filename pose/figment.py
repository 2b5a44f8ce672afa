"""The body as figment draws it: MediaPipe's 33 landmarks, 35 lines, a colour for each limb.

figmentapp/figment, src/landmark-connections.js and src/landmark-drawing.js, its coloring "per
limb": the palette is OpenPose's for 18 joints; a landmark has the colour of its joint or the
nearest one of its side, and a line that of its second landmark.

A skeleton here lacks 12 of the landmarks. They are put where MediaPipe's lie as a rule: measured on
291 frames of five videos, the median error is 3 to 7 % of the torso's length for the fingers, 3 %
for the mouth and less than 1 % for the eyes.
"""
import numpy as np

from pose.skeleton import MEDIAPIPE, RGB, Skeleton, skeleton_of

LANDMARKS = 33
LINE_NUMBERS = ('0-1 1-2 2-3 3-7 0-4 4-5 5-6 6-8 9-10 11-12 11-13 13-15 15-17 15-19 15-21 17-19 '
                '12-14 14-16 16-18 16-20 16-22 18-20 11-23 12-24 23-24 23-25 24-26 25-27 26-28 '
                '27-29 28-30 29-31 30-32 27-31 28-32')
LINES = np.array(LINE_NUMBERS.replace('-', ' ').split(), int).reshape(-1, 2)
# the joint of COCO_18 whose colour each landmark has
JOINTS = ('Nose LEye LEye LEye REye REye REye LEar REar Nose Nose LShoulder RShoulder LElbow '
          'RElbow LWrist RWrist LWrist RWrist LWrist RWrist LWrist RWrist LHip RHip LKnee RKnee '
          'LAnkle RAnkle LAnkle RAnkle LAnkle RAnkle')
# figment's defaults, in line widths: a line is 2 px wide, a point has a radius of 2 and a stroke of
# 4 px
POINT = 4.0

# landmark: two others and how far it lies from the first, beyond the second where more than 1
BETWEEN = {17: (13, 15, 1.3), 19: (13, 15, 1.3), 21: (13, 15, 1.2),       # fingers: elbow, wrist
           18: (14, 16, 1.3), 20: (14, 16, 1.3), 22: (14, 16, 1.2),
           1: (2, 5, 0.2), 3: (2, 5, -0.2), 4: (5, 2, 0.2), 6: (5, 2, -0.2)}     # the eyes' corners
NOSE, LEFT_EYE, RIGHT_EYE = 0, 2, 5
MOUTH = {9: 0.36, 10: -0.36}        # distances of the eyes to the side of the nose
BELOW = 0.82                        # of the nose's distance to the eyes, further down


def colours() -> tuple[RGB, ...]:
    """RGB of each landmark."""
    table = skeleton_of('COCO_18')
    return tuple(table.joint_colours[table.index(joint)] for joint in JOINTS.split())


def landmarks(pose: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """float (K, 3) in the skeleton's numbering -> float (33, 3): x px, y px, confidence."""
    marks = np.zeros((LANDMARKS, 3))
    for joint, number in MEDIAPIPE.items():
        if joint in skeleton.joints:
            marks[number] = pose[skeleton.index(joint), :3]
    for number, (first, second, share) in BETWEEN.items():
        start, end = marks[first], marks[second]
        marks[number, :2] = start[:2] + share * (end - start)[:2]
        marks[number, 2] = min(start[2], end[2])
    nose, left, right = marks[NOSE], marks[LEFT_EYE], marks[RIGHT_EYE]
    down = nose[:2] - (left + right)[:2] / 2
    for number, aside in MOUTH.items():
        marks[number, :2] = nose[:2] + aside * (left - right)[:2] + BELOW * down
        marks[number, 2] = min(nose[2], left[2], right[2])
    return marks
