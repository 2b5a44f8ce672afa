"""What lies behind the painted person: her own background, the camera's, green, or a picture."""
from dataclasses import replace

import cv2
import numpy as np

from live.behind import Behind
from live.frames import Posed
from scene.background_names import ALPHA, LIVE, OWN, PLAIN, SOURCE, check_model, named, read_picture
from scene.composition import GREEN, covering, plain, replaced
from util.errors import UserError
from util.images import size_of

COARSE = 16                 # places along a picture: a head before it is one or two of them


class Backgrounds:
    """The background now, and those that `next` goes through.

    replaces   whether it is another one than the person's own
    """

    def __init__(self, first: str, has_alpha: bool):
        """first: one of LIVE, or a picture's file. has_alpha: of the model; without it there is
        only the person's own."""
        first = named(first)
        self.picture = None if first in LIVE else read_picture(first, LIVE)
        self.names = list(LIVE) if has_alpha else [OWN]
        if first not in self.names:
            self.names.append(first)
        self.now = first
        self.room = Behind()
        self.kept: dict[tuple[str, tuple[int, int]], np.ndarray] = {}

    @staticmethod
    def check(text: str, has_alpha: bool, model: str) -> None:
        """UserError where --background cannot be had with a model."""
        check_model(text, has_alpha, model)
        if text == ALPHA:
            raise UserError(f'--background {text}: live pictures have no transparency. Give green, '
                            f'and take that away in the program that shows them.')
        if named(text) not in LIVE:
            read_picture(text, LIVE)

    @property
    def replaces(self) -> bool:
        return self.now != OWN

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
        if self.now == SOURCE:
            captured = posed.captured
            if posed.pose is not None:
                room = self.room(captured.image, posed.mask, learns=posed.found is not None)
                posed = replace(posed, captured=replace(captured, image=room))
            return seen_by_camera(posed, size, into)
        key = self.now, size
        if key not in self.kept:
            if self.now == PLAIN:
                self.kept[key] = plain(GREEN, size)
            else:
                assert self.picture is not None
                self.kept[key] = covering(self.picture, size)
        return self.kept[key]


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
