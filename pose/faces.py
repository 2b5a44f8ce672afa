"""Frontal faces: told by the joints of eyes, nose and ears, and cut out upright at one size.

Deng et al., "ArcFace", CVPR 2019, arXiv 1801.07698: the places of eyes, nose and mouth in a face of
112x112 px, as its authors align the faces that networks are trained on.

Shape letters: K joints. A pose is float (K, 3): x px, y px, confidence, 0 = not seen.
"""
from dataclasses import dataclass

import cv2
import numpy as np

from pose.skeleton import Skeleton

JOINTS = ('REye', 'LEye', 'Nose', 'REar', 'LEar')
SIDE = 112                                                          # px of a face that is cut out
# px in it: right eye, left eye, nose, right and left corner of the mouth
PLACES = np.array([[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366],
                   [41.5493, 92.3655], [70.7299, 92.2041]])


@dataclass(frozen=True)
class Frontal:
    """Which faces are frontal, and large enough.

    eyes    px: the least distance of the eyes. Real faces shrunk to 16 px and enlarged keep a
            cosine of 0.97 to themselves, to 12 px 0.89 to 0.93, to 8 px 0.69 to 0.79
    turn    0..1: the least ratio of the nose's distances to both ears; 1 is from the front
    lean    0..1: the least cosine of the angle of the eyes to the horizontal
    nose    of the eyes' distance: the least height of the eyes above the nose
    """
    eyes: float = 12.0
    turn: float = 0.55
    lean: float = 0.7
    nose: float = 0.3


DEFAULTS = Frontal()


def face_joints(pose: np.ndarray, skeleton: Skeleton) -> np.ndarray | None:
    """float (5, 2): eyes, nose and ears in px, as JOINTS; None where one of them is not seen."""
    if any(joint not in skeleton.joints for joint in JOINTS):
        return None
    found = pose[[skeleton.index(joint) for joint in JOINTS]]
    return found[:, :2].astype(np.float64) if (found[:, 2] > 0).all() else None


def is_frontal(face: np.ndarray, settings: Frontal = DEFAULTS) -> bool:
    """Whether a face looks to the camera, and is large enough to tell who it is.

    face   float (5, 2), as of face_joints, in px of the picture that shows it
    """
    right_eye, left_eye = face[:2]
    apart = float(np.linalg.norm(left_eye - right_eye))
    if apart < settings.eyes:
        return False
    along = (left_eye - right_eye) / apart              # the right eye of who looks at us is left
    down = np.array([-along[1], along[0]])
    from_middle = face - (right_eye + left_eye) / 2
    _, _, nose, right_ear, left_ear = from_middle @ along / apart
    sides = sorted((nose - right_ear, left_ear - nose))
    between = right_ear < -0.5 < nose < 0.5 < left_ear
    below = from_middle[2] @ down / apart
    return bool(along[0] >= settings.lean and between and below >= settings.nose
                and sides[0] >= settings.turn * sides[1])


def cut_face(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """uint8 (SIDE, SIDE, 3): the face with its points as near to PLACES as turning, scaling and
    shifting bring them.

    image   uint8 (H, W, 3);  points   float (5, 2) px, in the order of PLACES
    """
    centre, goal = points.mean(0), PLACES.mean(0)
    x, y = (points - centre).T
    u, v = (PLACES - goal).T
    spread = (x ** 2 + y ** 2).sum()
    cosine = (x * u + y * v).sum() / spread             # least squares of a similarity
    sine = (x * v - y * u).sum() / spread
    turned = np.array([[cosine, -sine], [sine, cosine]])
    matrix = np.column_stack([turned, goal - turned @ centre])
    return np.asarray(cv2.warpAffine(image, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR,
                                     borderMode=cv2.BORDER_REPLICATE))
