"""Draws a person into a picture of film size, from what was decided about a small one.

The real pixels are sampled once, at full size, and only where the person is. Each function works in
place and in integers where it can; the small fields are enlarged on the way.

Shape letters: N frames retrieved, C = 3 channels, H W pixels of the picture, h w small pixels of a
region, P Q pixels of that region in the picture. A matrix is float64 (3, 3).
"""
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np

from models.warping.cutouts import Cutout
from scene.composition import Layer, layer_of

UNUSED = 0.02           # share of a pixel: a frame with less everywhere is not read
LEAST = 1e-6            # share of a pixel: less counts as this much, whose logarithm is known
Box = tuple[slice, slice]
EMPTY = np.empty(0, np.float32)         # no second map, where the first one holds x and y


@dataclass(frozen=True)
class Canvas:
    """A picture that is being painted.

    picture   uint8 (H, W, 3) RGB
    alpha     uint8 (H, W): how much of each pixel is the person
    behind    uint8 (H, W, 3): the picture without the person, where that is known
    """
    picture: np.ndarray
    alpha: np.ndarray
    behind: np.ndarray | None = None

    @classmethod
    def of(cls, background: np.ndarray) -> 'Canvas':
        """With nobody yet, on a copy of the background."""
        return cls(background.copy(), np.zeros(background.shape[:2], np.uint8), background)

    def copy(self) -> 'Canvas':
        return Canvas(self.picture.copy(), self.alpha.copy(), self.behind)

    @property
    def size(self) -> tuple[int, int]:
        """(W, H)."""
        return self.picture.shape[1], self.picture.shape[0]

    def layer(self) -> Layer:
        """The person without what is behind, for another background."""
        assert self.behind is not None
        return layer_of(self.picture, self.alpha, self.behind).cleaned()


class Trust(NamedTuple):
    """What a trained network adds; float32, (h, w) or (h, w, C).

    frames                      logits of each, (N, h, w)
    background, paint           logits
    colour                      0 to 255, to paint with
    light                       levels that are added to the frames
    """
    frames: np.ndarray
    background: np.ndarray
    paint: np.ndarray
    colour: np.ndarray
    light: np.ndarray


class Decided(NamedTuple):
    """What is decided about a region of a small picture.

    left, top   px of that picture, where the region lies
    x, y        float32 (N, h, w): where each pixel lies in each small frame, px
    shares      float32 (N, h, w): how much of the person is of each frame, before the network has
                its say; the sum is 1
    trust       None without a trained network
    """
    left: int
    top: int
    x: np.ndarray
    y: np.ndarray
    shares: np.ndarray
    trust: Trust | None = None


class Enlarged:
    """A region of a small picture as it lies in a large one.

    into    matrix: px of the small picture -> px of the large one, of `size` (W, H)
    corner  (left, top) of the region in the small picture; shape  (h, w) of it
    """

    def __init__(self, into: np.ndarray, size: tuple[int, int], corner: tuple[int, int],
                 shape: tuple[int, ...]):
        low = into[:2, :2] @ (np.array(corner) - 0.5) + into[:2, 2] + 0.5
        high = into[:2, :2] @ (np.array(corner) + shape[::-1] - 0.5) + into[:2, 2] + 0.5
        left, top = np.maximum(np.rint(low), 0).astype(int).tolist()
        right, bottom = np.minimum(np.rint(high), size).astype(int).tolist()
        self.box: Box = slice(top, bottom), slice(left, right)
        self.size = max(right - left, 0), max(bottom - top, 0)
        here = into @ np.array([[1, 0, corner[0]], [0, 1, corner[1]], [0, 0, 1.0]])
        self.matrix = (np.array([[1, 0, -left], [0, 1, -top], [0, 0, 1.0]]) @ here)[:2]
        self.is_same = np.allclose(self.matrix, np.eye(3)[:2]) and self.size == shape[::-1]

    def __call__(self, field: np.ndarray) -> np.ndarray:
        """float32 (h, w) or (h, w, n) -> (P, Q) or (P, Q, n)."""
        if self.is_same:
            return field
        return cv2.warpAffine(field, self.matrix, self.size, flags=cv2.INTER_LINEAR,
                              borderMode=cv2.BORDER_REPLICATE)


def draw_frames(canvas: Canvas, decided: Decided, cutouts: Sequence[Cutout | None],
                into: np.ndarray, into_frame: np.ndarray, person: float) -> None:
    """Draw the person of whole frames, blended as decided: blending.compose at film size.

    cutouts     of the N frames; None of one that shows next to nothing
    into        matrix: px of the small picture -> px of the canvas
    into_frame  matrix: px of a small frame -> px of the frame that was cut out
    person      prior of person against background, as BlendSettings has it
    """
    large = Enlarged(into, canvas.size, (decided.left, decided.top), decided.x.shape[1:])
    if 0 in large.size:
        return
    trust = decided.trust
    total = np.zeros(large.size[::-1], np.float32)
    there = np.zeros_like(total)
    shown: np.ndarray = np.zeros((*total.shape, 4), np.uint8)
    for n, cutout in enumerate(cutouts):
        if cutout is None:
            continue
        found = sampled(cutout, decided.x[n], decided.y[n], large, into_frame)
        if trust is None:
            share = shared(decided.shares[n], large)
        else:
            share = large(decided.shares[n])
            matte = (person / 127.5) * found[..., 3].astype(np.float32) - np.float32(person)
            there += share * matte
            share = cv2.exp(matte + large(trust.frames[n]))
        shown = cv2.blendLinear(shown, found, total, share) if total.any() else found
        total = total + share
    colours = cv2.cvtColor(shown, cv2.COLOR_RGBA2RGB)
    if trust is None:
        lay(canvas, large.box, colours, cv2.LUT(shown[..., 3], opacities(person)))
        return
    behind = cv2.exp(large(trust.background) - there)
    paint = cv2.exp(large(trust.paint) - np.float32(person))
    whole = total + behind + paint
    colours = cv2.add(colours, large(trust.light), dtype=cv2.CV_8U)
    lay(canvas, large.box, colours, total / (total + behind))
    colour = np.rint(large(trust.colour)).clip(0, 255).astype(np.uint8)
    lay(canvas, large.box, colour, paint / whole)


def shared(share: np.ndarray, large: Enlarged) -> np.ndarray:
    """float32 (P, Q): shares (h, w), enlarged as logarithms; only their ratios count. Where one
    frame takes over from another within a pixel of the small picture, the edge then is as fine as
    in the large one; enlarged as they are, shares leave a staircase of small pixels there."""
    if large.is_same:
        return share
    return cv2.exp(large(np.log(np.maximum(share, LEAST))))


def is_used(shares: np.ndarray) -> np.ndarray:
    """bool (N,): which frames of shares (N, h, w) show enough to be read."""
    return shares.max((1, 2), initial=0) > min(UNUSED, 1 / len(shares))


def sampled(cutout: Cutout, x: np.ndarray, y: np.ndarray, large: Enlarged,
            into_frame: np.ndarray) -> np.ndarray:
    """uint8 (P, Q, 4): a cutout at x and y, (h, w) px of the small frame, enlarged; nobody outside
    it. Cubic, since linear sampling blurs between pixels."""
    scale, shift = np.diag(into_frame)[:2], into_frame[:2, 2] - (cutout.left, cutout.top)
    places = np.dstack([x * scale[0] + shift[0], y * scale[1] + shift[1]]).astype(np.float32)
    return cv2.remap(cutout.image, large(places), EMPTY, cv2.INTER_CUBIC,
                     borderMode=cv2.BORDER_CONSTANT)


def lay(canvas: Canvas, box: Box, colours: np.ndarray, opaque: np.ndarray) -> None:
    """Lay colours, uint8 (P, Q, 3), over a box of the canvas, as opaque as float32 (P, Q) says."""
    picture, alpha = canvas.picture[box], canvas.alpha[box]
    picture[:] = cv2.blendLinear(colours, picture, opaque, 1 - opaque)
    alpha[:] = np.maximum(alpha, cv2.convertScaleAbs(opaque, alpha=255))


@lru_cache
def opacities(person: float) -> np.ndarray:
    """float32 (256,): how much of a pixel is painted that a matte calls so much of the person,
    where no network says otherwise: the softmax of blending.blend_weights."""
    there = person * (np.arange(256) / 127.5 - 1)
    return (1 / (1 + np.exp(-2 * there))).astype(np.float32)


def carry_on(canvas: Canvas, before: Canvas, corner: tuple[int, int], x: np.ndarray,
             y: np.ndarray, into: np.ndarray, share: float) -> None:
    """Take a share of the person from the picture before, bent into this pose.

    corner   (left, top) of the region in the small picture
    x, y     float32 (h, w): where its pixels lie in the picture before, small px
    into     matrix: small px -> px of the canvas
    """
    large = Enlarged(into, canvas.size, corner, x.shape)
    if 0 in large.size:
        return
    cutout = Cutout(cv2.merge([before.picture, before.alpha]), 0, 0)
    previous = sampled(cutout, x, y, large, into)
    picture = canvas.picture[large.box]
    taken = cv2.multiply(previous[..., 3], canvas.alpha[large.box], scale=share / 255 ** 2,
                         dtype=cv2.CV_32F)
    colours = cv2.cvtColor(previous, cv2.COLOR_RGBA2RGB)
    picture[:] = cv2.blendLinear(colours, picture, taken, 1 - taken)


def mix(canvas: Canvas, other: Canvas, share: float) -> None:
    """Take that share of another picture."""
    cv2.addWeighted(canvas.picture, 1 - share, other.picture, share, 0, dst=canvas.picture)
    cv2.addWeighted(canvas.alpha, 1 - share, other.alpha, share, 0, dst=canvas.alpha)
