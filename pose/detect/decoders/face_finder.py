"""Finds the eyes, nose and mouth of a face about where a pose has it, with MediaPipe's face mesh.

A painted face lies some px off the joints it was painted for, which says nothing of whose it is.
"""
import numpy as np

from pose.detect.decoders import mediapipe_graph
from pose.detect.mediapipe import ASTRAY, INSTALL, PRESENT
from util.errors import UserError

POINTS = [468, 473, 4, 61, 291]     # of the mesh: pupils, tip of the nose, corners of the mouth
SCALE = 2.0                         # half a square's side over the distance from eyes to mouth
MOUTH = 2.0                         # how far below the eyes it lies, as a multiple of the nose
LOOKS = 3                           # each in the square of the one before


class FaceFinder:
    """find(image, face) -> the same face, exactly. UserError where MediaPipe is not installed."""

    def __init__(self) -> None:
        try:
            with mediapipe_graph.quiet():
                self.network = mediapipe_graph.face_landmarker()
        except ImportError as error:
            raise UserError(f'finding faces needs MediaPipe ({error}). Type: {INSTALL}') from error

    def __call__(self, image: np.ndarray, face: np.ndarray) -> np.ndarray | None:
        """float (5, 2) px: right eye, left eye, nose, right and left corner of the mouth; None
        where no face is seen there.

        image   uint8 (H, W, 3);  face   float (5, 2), as of pose.faces.face_joints
        """
        eyes = face[:2].mean(0)
        mouth = eyes + MOUTH * (face[2] - eyes)
        middle = (eyes + mouth) / 2
        square = mediapipe_graph.square_about(middle, middle + eyes - mouth, SCALE)
        picture = mediapipe_graph.Picture(image)
        for _ in range(LOOKS):
            asked = square
            marks, presence = self.network(picture, asked)
            square = mediapipe_graph.face_square(marks)
        strayed = float(np.hypot(*(middle - (square.x, square.y)))) > ASTRAY * square.side
        if presence < PRESENT or strayed:
            return None
        return marks[POINTS, :2]

    def close(self) -> None:
        self.network.close()
