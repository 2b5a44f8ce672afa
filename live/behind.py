"""The room behind the person before the camera: what was seen there before, else colours and grain
from around. The camera stands still."""
import cv2
import numpy as np

from pose.masks import PersonMask
from scene.fill import filled
from util.images import resized, size_of

# Of the longer side: how far from the mask the person may be seen, as it is found in every second
# or third picture only, and moves between
AROUND = 0.03
COARSE = 96         # px, longer side of a picture in which the mask is widened, and places that
                    # were never seen get their colours: both are soft
# What was made up stays for that number of pictures, as it takes as long as painting; or until only
# that share of it is still unknown.
KEPT, FEWER = 12, 0.95
ROUGH = 3.0         # times the usual grain around is the most that is given: no scrap of an edge
CHANGED = 30.0      # of 255: mean change where nobody is at which it is another room


class Behind:
    """behind(image, mask) is the camera's picture, uint8 (H, W, 3), without that person.

    room    uint8 (H, W, 3): the newest that was seen of each pixel
    known   uint8 (H, W): 1 where one was
    made_up   uint8 (H, W, 3): the room, and what is shown of places that are not known
    """

    def __init__(self) -> None:
        self.room = np.zeros((0, 0, 3), np.uint8)
        self.known = np.zeros((0, 0), np.uint8)
        self.made_up = self.room
        self.unknown = self.age = 0     # pixels that were, and pictures since

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
            self.age = KEPT
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
        """The room, and where nothing was ever seen the colours around with their grain."""
        self.age += 1
        unknown = self.known.size - cv2.countNonZero(self.known)
        if self.age >= KEPT or unknown < FEWER * self.unknown:
            self.unknown = unknown
            self.make_up()
        return np.asarray(cv2.copyTo(self.room, self.known, self.made_up.copy()))

    def make_up(self) -> None:
        """Make up the places that are unknown now; later ones are among them."""
        size = size_of(self.room)
        share = min(1.0, COARSE / max(size))
        small = max(1, round(share * size[0])), max(1, round(share * size[1]))
        holes = cv2.resize(self.known, small, interpolation=cv2.INTER_AREA) == 0
        self.age = 0
        self.made_up = self.room.copy()
        if holes.all():
            return
        coarse = resized(filled(resized(self.room, small), holes), size)
        cv2.copyTo(coarse, 1 - self.known, self.made_up)
        grained(self.made_up, coarse, holes, self.known == 0)


def grained(picture: np.ndarray, coarse: np.ndarray, holes: np.ndarray, unknown: np.ndarray
            ) -> None:
    """Give what is unknown, bool (H, W), in a picture the grain that lies as far on the other side
    of the nearest edge: a smooth surface amid gravel or leaves is seen at once.

    coarse   uint8 (H, W, 3): the picture without its grain
    holes    bool (h, w): what is unknown, coarsely
    """
    x, y, width, height = cv2.boundingRect(unknown.astype(np.uint8))
    if not width:
        return
    part = slice(y, y + height), slice(x, x + width)
    step = np.divide(size_of(picture), size_of(holes))
    there, is_known = mirrored(holes)
    grain = cv2.subtract(picture, coarse, dtype=cv2.CV_16S)
    usual = cv2.resize(cv2.convertScaleAbs(grain).max(-1), size_of(holes),
                       interpolation=cv2.INTER_AREA)
    usual = cv2.medianBlur(usual, 7)                # a line in a plain wall is none
    columns, rows = there.astype(int).T
    most = np.where(is_known, ROUGH * usual[rows.T, columns.T], 0).astype(np.float32)
    there = ((there + 0.5) * step - 0.5).astype(np.float32)
    # pixels of that part -> of the coarse picture, pixel centres at integers
    into = np.array([[1, 0, x + 0.5], [0, 1, y + 0.5]]) / step[:, None] - [[0, 0, 0.5]]
    across, down, limit = (
        cv2.warpAffine(each, into, (width, height), borderMode=cv2.BORDER_REPLICATE,
                       flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        for each in (there[..., 0], there[..., 1], most))
    given = cv2.remap(grain, across, down, cv2.INTER_LINEAR)
    limit = limit[..., None]
    added = (coarse[part] + given.clip(-limit, limit)).clip(0, 255)
    cv2.copyTo(added.astype(np.uint8), unknown[part].astype(np.uint8), picture[part])


def mirrored(holes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """float32 (h, w, 2): x, y of the place as far on the other side of the edge of the holes, bool
    (h, w), that is nearest; and bool (h, w): whether that is in the picture and no hole."""
    _, labels = cv2.distanceTransformWithLabels(holes.astype(np.uint8), cv2.DIST_L2, 5,
                                                labelType=cv2.DIST_LABEL_PIXEL)
    rows, columns = np.nonzero(~holes)
    edge = np.zeros((labels.max() + 1, 2), np.float32)
    edge[labels[rows, columns]] = np.stack([columns, rows], 1)
    here = np.stack(np.meshgrid(*map(np.arange, size_of(holes))), -1).astype(np.float32)
    near = edge[labels]
    there = 2 * near - here
    most = np.array(size_of(holes)) - 1
    place = there.clip(0, most).astype(int)
    is_known = (place == there).all(-1) & ~holes[place[..., 1], place[..., 0]]
    return np.where(is_known[..., None], there, near), is_known
