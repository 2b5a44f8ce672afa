"""The room behind the person before the camera: what was seen there before, else colours from
around. The camera stands still."""
import cv2
import numpy as np

from pose.masks import PersonMask
from scene.fill import filled
from util.images import resized, size_of

# Of the longer side: how far from the mask the person may be seen, as it is found in every second
# or third picture only, and moves between
AROUND = 0.03
COARSE = 96         # px, longer side of a picture in which the mask is widened, and places that
                    # were never seen are filled: both are soft
CHANGED = 30.0      # of 255: mean change where nobody is at which it is another room


class Behind:
    """behind(image, mask) is the camera's picture, uint8 (H, W, 3), without that person.

    room    uint8 (H, W, 3): the newest that was seen of each pixel
    known   uint8 (H, W): 1 where one was
    """

    def __init__(self) -> None:
        self.room = np.zeros((0, 0, 3), np.uint8)
        self.known = np.zeros((0, 0), np.uint8)

    def __call__(self, image: np.ndarray, mask: PersonMask | None, learns: bool = True
                 ) -> np.ndarray:
        """The room in that picture.

        mask     of the person in `image`, or shortly before; None: not known, and the picture stays
                 as it is
        learns   False: the person was not found just now, so what the mask leaves may be the person
        """
        if mask is None:
            return image
        seen = (self.hidden(mask, size_of(image)) == 0).astype(np.uint8)
        if image.shape != self.room.shape or self.is_changed(image, seen):
            self.room = image.copy()
            self.known = np.zeros_like(seen)
        if learns:
            cv2.copyTo(image, seen, self.room)
            self.known = self.known | seen
        return self.room if self.known.all() else self.completed()

    def hidden(self, mask: PersonMask, size: tuple[int, int]) -> np.ndarray:
        """uint8 (H, W): 1 where the person may be, in a picture of that (width, height)."""
        share = min(1.0, COARSE / max(size))
        small = max(1, round(share * size[0])), max(1, round(share * size[1]))
        drawn = mask.drawn(small, np.diag([small[0] / size[0], small[1] / size[1], 1.0]))
        reach = 2 * max(1, round(AROUND * max(small))) + 1
        wide = cv2.dilate((drawn > 25).astype(np.uint8), np.ones((reach, reach), np.uint8))
        return np.asarray(cv2.resize(wide, size, interpolation=cv2.INTER_NEAREST))

    def is_changed(self, image: np.ndarray, seen: np.ndarray) -> bool:
        """Whether the picture shows another room than before, by every eighth pixel."""
        both = (seen & self.known)[::8, ::8] > 0
        if not both.any():
            return False
        change = cv2.absdiff(np.ascontiguousarray(image[::8, ::8]),
                             np.ascontiguousarray(self.room[::8, ::8]))
        return float(change[both].mean()) > CHANGED

    def completed(self) -> np.ndarray:
        """The room with smooth colours where nothing was ever seen."""
        size = size_of(self.room)
        share = min(1.0, COARSE / max(size))
        small = max(1, round(share * size[0])), max(1, round(share * size[1]))
        holes = cv2.resize(self.known, small, interpolation=cv2.INTER_AREA) == 0
        if holes.all():
            return self.room
        coarse = resized(filled(resized(self.room, small), holes), size)
        return np.asarray(cv2.copyTo(self.room, self.known, coarse))
