"""What lies behind the painted person: her own background, the camera's, green, or a picture."""
from pathlib import Path

import cv2
import numpy as np

from live.frames import Posed
from util.errors import UserError
from util.images import fitted, read_or_reason, size_of

KINDS = 'own', 'camera', 'green'
COARSE = 16                 # places along a picture: a head before it is one or two of them
GREEN = 0, 255, 0           # RGB that OBS and others take away by default


class Backgrounds:
    """The background now, and those that `next` goes through.

    replaces   whether it is another one than the person's own
    """

    def __init__(self, first: str, has_alpha: bool):
        """first: one of KINDS, or a picture's file. has_alpha: of the model; without it there is
        only the person's own."""
        self.picture = None if first in KINDS else read_picture(first)
        self.names = list(KINDS) if has_alpha else ['own']
        if first not in self.names:
            self.names.append(first)
        self.now = first
        self.kept: dict[tuple[str, tuple[int, int]], np.ndarray] = {}

    @staticmethod
    def check(text: str, has_alpha: bool, model: str) -> None:
        """UserError where --background cannot be had with a model."""
        if text == 'own':
            return
        if not has_alpha:
            raise UserError(f'--background {text}: --model {model} paints the whole picture and '
                            f'does not know where in it the person is. Use --background own, or a '
                            f'run of --model body2body.')
        if text not in KINDS:
            read_picture(text)

    @property
    def replaces(self) -> bool:
        return self.now != 'own'

    def next(self) -> str:
        """Go on to the next one; its name."""
        self.now = self.names[(self.names.index(self.now) + 1) % len(self.names)]
        return self.now

    def __call__(self, picture: np.ndarray, alpha: np.ndarray | None, own: np.ndarray,
                 posed: Posed, into: np.ndarray) -> np.ndarray:
        """The picture, uint8 (H, W, 3), before this background.

        alpha   uint8 (H, W): how much of each pixel is the person; None where nobody is
        own     uint8 (H, W, 3): the background that is in the picture
        into    float64 (3, 3): px of the target's frame -> px of the picture
        """
        if not self.replaces:
            return picture
        behind = self.behind(size_of(picture), posed, into)
        return behind if alpha is None else replaced(picture, alpha, own, behind)

    def behind(self, size: tuple[int, int], posed: Posed, into: np.ndarray) -> np.ndarray:
        """uint8 (H, W, 3) of that (width, height)."""
        if self.now == 'camera':
            return seen_by_camera(posed, size, into)
        key = self.now, size
        if key not in self.kept:
            if self.now == 'green':
                self.kept[key] = np.full((size[1], size[0], 3), GREEN, np.uint8)
            else:
                assert self.picture is not None
                self.kept[key] = covering(self.picture, size)
        return self.kept[key]


def replaced(picture: np.ndarray, alpha: np.ndarray, own: np.ndarray, behind: np.ndarray
             ) -> np.ndarray:
    """A picture with `behind` in place of the background `own` that was blended into it: exact,
    soft edges too, since only the background's share of each pixel changes. All uint8 (H, W, 3),
    alpha (H, W)."""
    share = cv2.merge([cv2.bitwise_not(alpha)] * 3)
    change = cv2.subtract(behind, own, dtype=cv2.CV_16S)
    change = cv2.multiply(change, share, scale=1 / 255, dtype=cv2.CV_16S)
    found: np.ndarray = cv2.add(picture, change, dtype=cv2.CV_8U)
    return found


def seen_by_camera(posed: Posed, size: tuple[int, int], into: np.ndarray) -> np.ndarray:
    """The camera's picture, so that the painted person stands where the one before the camera
    does. Without a pose somebody may still stand there, and nobody is painted over them: the
    picture is so blurred then that no face is seen."""
    image = posed.captured.image
    if posed.pose is None:
        image = blurred(image)
    if posed.scale is None:
        return covering(image, size)
    return cv2.warpAffine(image, (into @ posed.scale)[:2], size, flags=cv2.INTER_LINEAR,
                          borderMode=cv2.BORDER_REPLICATE)


def blurred(image: np.ndarray) -> np.ndarray:
    """An image (H, W, 3) in which only COARSE places of its longer side differ."""
    share = COARSE / max(size_of(image))
    width, height = (max(2, round(share * length)) for length in size_of(image))
    coarse = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    found: np.ndarray = cv2.resize(coarse, size_of(image), interpolation=cv2.INTER_CUBIC)
    return found


def covering(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The middle of an image (H, W, 3), scaled to fill that (width, height)."""
    share = max(np.divide(size, size_of(image)))
    width = min(image.shape[1], max(1, round(size[0] / share)))
    height = min(image.shape[0], max(1, round(size[1] / share)))
    left, top = (image.shape[1] - width) // 2, (image.shape[0] - height) // 2
    middle = image[top:top + height, left:left + width]
    return fitted(middle, size)


def read_picture(text: str) -> np.ndarray:
    """uint8 (H, W, 3) of --background FILE."""
    found = 'that is a folder' if Path(text).is_dir() else read_or_reason(Path(text))
    if isinstance(found, str):
        raise UserError(f'--background {text}: {found}. Give a picture\'s file, or one of '
                        f'{", ".join(KINDS)}.')
    return found
