"""Person masks: how much of each pixel is one person, as a detector gives it.

A mask covers a rotated square around the body. It is kept compressed, 3 to 5 kB each, since a video
has one for every person in every frame, and is drawn into a picture when it is needed.
"""
from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class PersonMask:
    """One person's mask.

    png         uint8 (S, S), 255 where a pixel is wholly the person, as PNG
    x, y, side  px of the picture, from its corner: the square's centre and its side
    turn        radians, from x towards y: the square's rotation
    """
    png: bytes
    x: float
    y: float
    side: float
    turn: float = 0.0

    @classmethod
    def of(cls, values: np.ndarray, x: float, y: float, side: float,
           turn: float = 0.0) -> 'PersonMask':
        """From uint8 (S, S): the mask of that square."""
        encoded = cv2.imencode('.png', values)[1]
        return cls(encoded.tobytes(), float(x), float(y), float(side), float(turn))

    @property
    def values(self) -> np.ndarray:
        """uint8 (S, S): the mask within its square."""
        return cv2.imdecode(np.frombuffer(self.png, np.uint8), cv2.IMREAD_GRAYSCALE)

    def drawn(self, size: tuple[int, int], matrix: np.ndarray | None = None) -> np.ndarray:
        """uint8 (H, W): the mask in a picture of that (width, height), 0 outside its square.

        matrix  float (2 or 3, 3): px of the picture the mask was found in -> px of this one, pixel
                centres at integers; None where it is the same picture
        """
        values = self.values
        outer = np.eye(3)
        if matrix is not None:
            outer[:2] = np.asarray(matrix, float)[:2]
        scale = np.sqrt(abs(np.linalg.det(outer[:2, :2]))) * self.side / len(values)
        while scale < 0.5 and len(values) > 1:      # linear sampling would skip pixels
            half = len(values) // 2
            scale *= len(values) / half
            values = cv2.resize(values, (half, half), interpolation=cv2.INTER_AREA)
        placed = outer @ self._placement(len(values))
        return cv2.warpAffine(values, placed[:2], size, flags=cv2.INTER_LINEAR)

    def _placement(self, count: int) -> np.ndarray:
        """float (3, 3): px of the mask of `count` px -> px of the picture it was found in."""
        step = self.side / count
        cos, sin = step * np.cos(self.turn), step * np.sin(self.turn)
        middle = (count - 1) / 2
        return np.array([[cos, -sin, self.x - 0.5 - middle * (cos - sin)],
                         [sin, cos, self.y - 0.5 - middle * (sin + cos)],
                         [0, 0, 1]])
