"""Cuts the parts of a person out of frames, at full size and only where each part is.

Shape letters as in models.warping.parts. Boxes are (left, top, width, height) in px of a frame.
"""
from typing import NamedTuple

import cv2
import numpy as np

from models.warping.cutouts import Cutout, Cutouts, occupied
from models.warping.part_ownership import Ownership
from models.warping.parts import Bodies, Placed
from models.warping.remembered import Remembered
from pose.silhouette import morphed

# Bytes of pieces kept in memory, and of whole people that pieces are cut out of.
PIECES, PEOPLE = 200e6, 64e6
# Shares of a pixel: up to the first it is not the person, from the second on wholly.
HAZE, SURE = 0.1, 0.95
TORN = 0.3                  # share of a pixel by which a part hangs together
MINE = 0.6                  # share of a pixel above which its colour is the part's own
FRINGES = 4, 16             # px of a small picture: from how far colours at edges are taken
# px of a frame's longer side for each pixel of the small picture in which colours that the frame
# does not show are made up: they are smooth
SMALL = 480


# Parts of which a sliver is none of theirs: between a raised arm and the trunk it sticks out as a
# spike. Narrower than this share of the body height.
WHOLE, SLIVER = ('trunk', 'head'), 0.036


class Piece(NamedTuple):
    """A part cut out of a frame, with a border in which nothing of it is.

    image       uint8 (h, w, C + 1): colours and how much of each pixel is the part
    left, top   px of the frame where it lies
    """
    image: np.ndarray
    left: int
    top: int


class Person(NamedTuple):
    """The person of a frame, ready to be cut.

    cutout      where it is
    matte       uint8 (h, w): the cutout's without haze
    ownership   of the cutout's box
    """
    cutout: Cutout
    matte: np.ndarray
    ownership: Ownership


class Pieces:
    """pieces(row, name, under) is a part of a frame, cut out when it is first asked for; None where
    the frame does not show it.

    bodies   of all rows of `cutouts`, in px of its frames
    under    the trunk as a layer under all others: what they hide of it is filled from around
    """

    def __init__(self, cutouts: Cutouts, bodies: Bodies):
        self.cutouts = cutouts
        self.bodies = bodies
        self.shrink = max(1, round(max(cutouts.size) / SMALL))
        self.person = Remembered(self.find_person, _bytes_of_person, PEOPLE)
        self.piece = Remembered(self.cut, _bytes_of_piece, PIECES)

    def __call__(self, row: int, name: str, under: bool = False) -> Piece | None:
        return self.piece(row, name, under)

    def find_person(self, row: int) -> Person:
        cutout = self.cutouts.cutout(row)
        height, width = cutout.image.shape[:2]
        box = cutout.left, cutout.top, width, height
        ownership = Ownership(self.bodies.one(row), self.cutouts.size, box, cutout.image)
        matte = cv2.LUT(cv2.extractChannel(cutout.image, cutout.image.shape[2] - 1), WITHOUT_HAZE)
        return Person(cutout, matte, ownership)

    def cut(self, row: int, name: str, under: bool) -> Piece | None:
        cutout, matte, ownership = self.person(row)
        shares = [ownership.of(name)]
        if under:
            shares += ownership.under_trunk()
        elif name == 'skirt':
            shares.append(ownership.between_legs())
        box = occupied(np.max(shares, 0) > 0)
        if box is None:
            return None
        owned, *below = (enlarged(share[box], ownership.step) for share in shares)
        left, top = (ownership.step * side.start for side in box[::-1])
        here = np.s_[top:top + owned.shape[0], left:left + owned.shape[1]]
        image, matte = cutout.image[here], matte[here]
        owned, *below = (share[:matte.shape[0], :matte.shape[1]] for share in (owned, *below))
        corner = cutout.left + left, cutout.top + top
        if name == 'skirt':
            matte = cv2.max(matte, cv2.min(with_cloth_below(matte, below.pop()), owned))
        alpha = connected(cv2.min(owned, matte), self.bodies.placed[name], row, corner)
        sure = cv2.min(matte, cv2.threshold(owned, 255 * MINE, 255, cv2.THRESH_BINARY)[1]) == 255
        if name in WHOLE:
            alpha = without_slivers(alpha, SLIVER * float(self.bodies.height[row]))
        if below:
            there, hips, clear = below
            alpha = cv2.max(alpha, cv2.max(there, cv2.min(hips, matte)))
            sure |= (matte == 255) & (clear == 255)
        return piece_of(image, alpha, sure, corner, self.shrink)


def with_cloth_below(matte: np.ndarray, between: np.ndarray) -> np.ndarray:
    """uint8 (H, W): what lies between the legs, where the person is seen below it: a hole in the
    cloth, and not the floor below a hem."""
    rows = np.where(matte > 127, np.arange(len(matte))[:, None], -1).max(0)
    return np.where(np.arange(len(matte))[:, None] < rows, between, 0).astype(np.uint8)


def _haze() -> np.ndarray:
    share = (np.arange(256) / 255 - HAZE) / (SURE - HAZE)
    return np.rint(255 * share.clip(0, 1)).astype(np.uint8)


WITHOUT_HAZE = _haze()      # uint8 (256,): matte -> matte


def piece_of(image: np.ndarray, alpha: np.ndarray, sure: np.ndarray, corner: tuple[int, int],
             shrink: int) -> Piece | None:
    """The piece of an image (h, w, C + 1) at that corner of the frame.

    alpha   uint8 (h, w): how much of each pixel is the part
    sure    bool (h, w): whose colour is the part's
    """
    box = occupied(alpha > 0)
    if box is None:
        return None
    colours = own_colours(image[box][..., :-1], sure[box], shrink)
    packed = cv2.merge([*cv2.split(colours), alpha[box]])
    packed = cv2.copyMakeBorder(packed, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    packed[[0, -1], :, -1] = 0
    packed[:, [0, -1], -1] = 0
    return Piece(packed, corner[0] + box[1].start - 1, corner[1] + box[0].start - 1)



def enlarged(share: np.ndarray, step: int) -> np.ndarray:
    """uint8 (step h, step w) of shares 0..1 (h, w)."""
    coarse = np.rint(255 * share).astype(np.uint8)
    size = step * share.shape[1], step * share.shape[0]
    return cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR)


def connected(alpha: np.ndarray, placed: Placed, row: int, corner: tuple[int, int]) -> np.ndarray:
    """The same without what hangs nowhere together with the part's bones: scraps of other parts at
    the edge of its reach.

    alpha    uint8 (h, w), whose first pixel is `corner` of the frame
    placed   the bones, those of the frame in that row
    """
    axis = np.zeros(alpha.shape, np.uint8)
    for start, end, seen in zip(placed.start[row], placed.end[row], placed.seen[row]):
        if seen:
            first, last = (np.rint(point - corner).astype(int).tolist() for point in (start, end))
            cv2.line(axis, first, last, (1,), 1)
    whole = alpha > 255 * TORN
    count, pieces = cv2.connectedComponents(whole.astype(np.uint8))
    kept = np.zeros(count, np.uint8)
    kept[pieces[(axis > 0) & whole]] = 255
    kept[0] = 0
    return cv2.min(alpha, cv2.dilate(kept[pieces], np.ones((3, 3), np.uint8)))


def own_colours(image: np.ndarray, sure: np.ndarray, shrink: int = 1) -> np.ndarray:
    """uint8 (h, w, C): where a pixel is not surely the part, the colour of the part nearest to it,
    so that neither the wall nor another part shines through.

    sure     bool (h, w)
    shrink   how many times smaller the picture is in which those colours are made up
    """
    if not sure.any():
        return image
    if shrink == 1:
        return spread_out(image, sure)
    mask = 255 * sure.astype(np.uint8)
    height, width = sure.shape
    size = -(-width // shrink), -(-height // shrink)
    weight = cv2.resize(mask, size, interpolation=cv2.INTER_AREA)
    summed = cv2.resize(cv2.copyTo(image, mask), size, interpolation=cv2.INTER_AREA)
    small = cv2.divide(summed, cv2.merge([weight] * image.shape[2]), scale=255)
    spread = spread_out(small.reshape(*weight.shape, -1), weight > 127)
    spread = cv2.resize(spread, (width, height), interpolation=cv2.INTER_LINEAR)
    return cv2.copyTo(image, mask, spread).reshape(image.shape)


def spread_out(image: np.ndarray, sure: np.ndarray) -> np.ndarray:
    """uint8 (h, w, C): the colours of the sure pixels, spread over the others, the smoother the
    farther away."""
    if not sure.any():
        return image
    other = (~sure).astype(np.uint8)
    away, label = cv2.distanceTransformWithLabels(other, cv2.DIST_L2, 5,
                                                  labelType=cv2.DIST_LABEL_PIXEL)
    place = np.zeros(label.max() + 1, np.int64)
    place[label[sure]] = np.flatnonzero(sure)
    found = image.reshape(-1, image.shape[-1])[place[label]]
    for reach in FRINGES:
        smooth = cv2.GaussianBlur(found, (0, 0), reach / 2).reshape(image.shape)
        found = np.where((away > reach / 2)[..., None], smooth, found)
    return found


def _bytes_of_person(person: Person) -> int:
    ownership = person.ownership
    coarse = 4 * ownership.owner.size * (2 * len(ownership.rank) + 6)
    return person.cutout.image.nbytes + person.matte.nbytes + coarse


def _bytes_of_piece(piece: Piece | None) -> int:
    return piece.image.nbytes if piece else 0


def without_slivers(alpha: np.ndarray, width: float) -> np.ndarray:
    """uint8 (h, w): the same without what is narrower than that many px."""
    return morphed(alpha, cv2.MORPH_OPEN, max(1, round(width / 2)))
