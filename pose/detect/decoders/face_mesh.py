"""OpenPose's 70 face points among MediaPipe's 478 face landmarks.

The 68 points are those of iBUG 300-W, the person's right side first: Sagonas et al., "300 Faces
in-the-Wild Challenge", 2013. The mesh is that of Kartynnik et al., "Real-time Facial Surface
Geometry from Monocular Video on Mobile GPUs", 2019, arXiv 1907.06724, followed by the irises. The
points were chosen by their places in the mesh's canonical face.
"""
import numpy as np

OUTLINE = (127, 234, 93, 132, 58, 136, 149, 148, 152, 377, 378, 365, 288, 361, 323, 454, 356)
RIGHT_BROW, LEFT_BROW = (70, 63, 105, 66, 107), (336, 296, 334, 293, 300)
NOSE = (168, 197, 5, 4, 98, 97, 2, 326, 327)
RIGHT_EYE, LEFT_EYE = (33, 160, 158, 133, 153, 144), (362, 385, 387, 263, 373, 380)
OUTER_LIPS = (61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181)
INNER_LIPS = (78, 82, 13, 312, 308, 317, 14, 87)
PUPILS = (468, 473)
MESH = (*OUTLINE, *RIGHT_BROW, *LEFT_BROW, *NOSE, *RIGHT_EYE, *LEFT_EYE, *OUTER_LIPS,
        *INNER_LIPS, *PUPILS)


def from_mesh(marks: np.ndarray) -> np.ndarray:
    """OpenPose's face points (70, ...) from the mesh's (478, ...)."""
    return marks[list(MESH)]
