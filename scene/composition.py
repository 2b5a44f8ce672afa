"""Lays painted people over a scene: whatever is behind them, and several of them.

A layer is a person without what is behind. Its colours are straight, not multiplied by how opaque
they are, as PNG and editors have them.

Shape letters: H W pixels of the scene, h w pixels of a layer. A matrix is float64 (3, 3).
"""
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import cv2
import numpy as np

from pose.silhouette import disc, morphed
from util.images import fitted, size_of

GREEN = 0, 255, 0           # RGB that OBS and editors take away by default
RIM = 4                     # of 255: a softmax leaves 1 where nobody is, and 254 inside a person
# Before another background, seen in green and dark ones: a place where only few of the frames that
# a picture is made of show somebody is a ghost of a limb, which the own wall hides (of alpha 64 to
# 96 in most); and the edge of a person has the colour of that wall, 4 px of 1264 wide.
GHOST = 80                  # of 255: less is nobody, as much less than all is all
EDGE = 0.003                # of the picture's longer side: so wide colours come from further inside
SLIT = 0.005                # of the picture's longer side: between parts of a body slits of twice
                            # that width are closed, which the own wall hides
KNOWN = 1e-3                # share of what lies further inside that tells a colour
# A person goes HALF the way, in logarithms, to the light of the dancer's scene. What a wall or a
# floor reflects is not only light, so that more would paint a person in front of grass green. Two
# channels part by TINTED at most: each by as much made a face from an orange room turquoise.
HALF, BRIGHTER, TINTED = 0.5, 1.15, 1.12
NORM = 6                    # shades of grey: bright places tell the colour of the light
SHRINKS = 0.7               # of a layer's size: a smaller one is averaged, not sampled


@dataclass(frozen=True)
class Layer:
    """A painted person.

    colours  uint8 (h, w, 3) RGB
    alpha    uint8 (h, w): how much of each pixel is the person
    place    px of the layer -> px of the scene: a scale and a translation
    light    float (3,): light_of the background that it was painted before; None: not known
    shadow   uint8 (H, W): how much darker the person makes the floor of a scene, 255 black
    """
    colours: np.ndarray
    alpha: np.ndarray
    place: np.ndarray = field(default_factory=lambda: np.eye(3))
    light: np.ndarray | None = None
    shadow: np.ndarray | None = None

    def moved(self, matrix: np.ndarray) -> 'Layer':
        """At another place; matrix: px of the scene -> px of another one."""
        return replace(self, place=matrix @ self.place)

    def lit(self, light: np.ndarray) -> 'Layer':
        """A part of the way to the light of another scene, within bounds."""
        if self.light is None:
            return self
        ratio = np.maximum(light, 1) / np.maximum(self.light, 1)
        bright = ratio.mean()
        gain = bounded(bright, BRIGHTER) * bounded(ratio / bright, TINTED ** 0.5)
        table = np.rint(np.arange(256)[:, None] * gain).clip(0, 255).astype(np.uint8)
        return replace(self, colours=cv2.LUT(self.colours, table[None]))

    @property
    def rgba(self) -> np.ndarray:
        """uint8 (h, w, 4)."""
        return np.dstack([self.colours, self.alpha])

    @property
    def box(self) -> tuple[slice, slice]:
        """Rows and columns of the scene where the layer lies, if its place moves it by whole px."""
        left, top = np.rint(self.place[:2, 2]).astype(int).tolist()
        height, width = self.alpha.shape
        return slice(top, top + height), slice(left, left + width)

    @classmethod
    def of_rgba(cls, rgba: np.ndarray) -> 'Layer':
        return cls(rgba[..., :3], rgba[..., 3])

    def occupied(self) -> 'Layer | None':
        """The part that shows anybody; None where nothing does."""
        rows, columns = (np.flatnonzero(self.alpha.any(axis)) for axis in (1, 0))
        if not len(rows):
            return None
        box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        shift = np.array([[1, 0, columns[0]], [0, 1, rows[0]], [0, 0, 1.0]])
        return Layer(self.colours[box], self.alpha[box], self.place @ shift, self.light)

    def cleaned(self) -> 'Layer':
        """Without ghosts of limbs, slits between parts, and the old background's colour at the
        edge."""
        alpha = cv2.LUT(self.alpha, stretched(GHOST))
        part = Layer(self.colours, alpha).occupied()
        if part is None:
            return replace(self, alpha=alpha)
        wide = max(1, round(EDGE * max(size_of(self.colours))))
        inside = cv2.erode((part.alpha == 255).astype(np.float32), disc(wide),
                           borderType=cv2.BORDER_CONSTANT, borderValue=(0,))
        colours = part.colours.astype(np.float32)
        near = cv2.GaussianBlur(cv2.merge([*cv2.split(colours * inside[..., None]), inside]),
                                (0, 0), wide)
        known = near[..., 3:] > KNOWN
        own = np.maximum(cv2.GaussianBlur(inside, (0, 0), wide / 2)[..., None], ~known)
        colours = own * colours + (1 - own) * near[..., :3] / np.maximum(near[..., 3:], KNOWN)
        whole = self.colours.copy()
        whole[part.box] = np.rint(colours.clip(0, 255)).astype(np.uint8)
        slit = max(1, round(SLIT * max(size_of(self.colours))))
        alpha[part.box] = morphed(part.alpha, cv2.MORPH_CLOSE, slit)
        return replace(self, colours=whole, alpha=alpha)

    def seen_in(self, size: tuple[int, int]) -> 'Layer':
        """The layer as a scene of that (width, height) shows it, its place the identity."""
        part = self.occupied()
        nothing = np.zeros(size[::-1], np.uint8)
        if part is None:
            return Layer(cv2.merge([nothing] * 3), nothing)
        if np.array_equal(self.place, np.eye(3)) and size_of(self.colours) == size:
            return self
        # colours that count for nothing must not bleed into those at the edge
        alpha = part.alpha.astype(np.float32) / 255
        whole = cv2.merge([*cv2.split(part.colours * alpha[..., None]), 255 * alpha])
        matrix = part.place
        share = np.sqrt(abs(np.linalg.det(matrix[:2, :2])))
        how = cv2.INTER_CUBIC
        if share < SHRINKS:
            small = tuple(max(1, round(share * length)) for length in size_of(whole))
            across, down = np.divide(small, size_of(whole))
            smaller = np.array([[across, 0, (across - 1) / 2], [0, down, (down - 1) / 2],
                                [0, 0, 1]])
            whole = cv2.resize(whole, small, interpolation=cv2.INTER_AREA)
            matrix, how = matrix @ np.linalg.inv(smaller), cv2.INTER_LINEAR
        shown = cv2.warpAffine(whole, matrix[:2], size, flags=how).clip(0, 255)
        colours = shown[..., :3] * (255 / np.maximum(shown[..., 3:], 1))
        shown = np.rint(np.dstack([colours.clip(0, 255), shown[..., 3]])).astype(np.uint8)
        return Layer.of_rgba(shown)


@lru_cache
def stretched(rim: int) -> np.ndarray:
    """uint8 (256,): opacities, of which those up to `rim` are none, and as much less than all."""
    values = (np.arange(256.0) - rim) * 255 / (255 - 2 * rim)
    return np.rint(values.clip(0, 255)).astype(np.uint8)


def bounded(ratio: np.ndarray, most: float) -> np.ndarray:
    """HALF of a ratio, at most `most` times as large or small."""
    return np.asarray(ratio ** HALF).clip(1 / most, most)


def light_of(scene: np.ndarray) -> np.ndarray:
    """float (3,): brightness and colour of the light in a picture (H, W, 3), as shades of grey
    (Finlayson and Trezzi, "Shades of Gray and Colour Constancy", CIC 2004) give it."""
    small = cv2.resize(scene, (64, 64), interpolation=cv2.INTER_AREA).astype(np.float64)
    return np.asarray((small ** NORM).mean((0, 1)) ** (1 / NORM))


def composed(background: np.ndarray, layers: Sequence[Layer]) -> np.ndarray:
    """uint8 (H, W, 3): the layers over a background of that kind, the first one farthest away."""
    picture = background.copy()
    for layer in layers:
        shown = layer.seen_in(size_of(background)).occupied()
        if shown is None:
            continue
        box = shown.box
        share = shown.alpha.astype(np.float32) / 255
        picture[box] = cv2.blendLinear(shown.colours, np.ascontiguousarray(picture[box]), share,
                                       1 - share)
    return picture


def darkened(background: np.ndarray, layers: Sequence[Layer]) -> np.ndarray:
    """uint8 (H, W, 3): the background with the shadows of all layers, which have its size."""
    black = np.zeros_like(background)
    dark = [Layer(black, layer.shadow) for layer in layers if layer.shadow is not None]
    return composed(background, dark)


def layer_of(picture: np.ndarray, alpha: np.ndarray, own: np.ndarray) -> Layer:
    """The person who was painted before a known background.

    picture, own   uint8 (H, W, 3): with the person, and without
    alpha          uint8 (H, W): how much of each pixel is the person
    """
    alpha = cv2.LUT(alpha, stretched(RIM))
    light = light_of(own)
    part = Layer(picture, alpha).occupied()
    if part is None:
        return Layer(picture, alpha, light=light)
    box = part.box
    share = np.maximum(part.alpha, 1).astype(np.float32)[..., None] / 255
    behind = own[box].astype(np.float32)
    colours = picture.copy()
    straight = behind + (part.colours - behind) / share
    colours[box] = np.rint(straight.clip(0, 255)).astype(np.uint8)
    return Layer(colours, alpha, light=light)


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


def covering(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The middle of an image (H, W, 3), scaled to fill that (width, height)."""
    share = max(np.divide(size, size_of(image)))
    width = min(image.shape[1], max(1, round(size[0] / share)))
    height = min(image.shape[0], max(1, round(size[1] / share)))
    left, top = (image.shape[1] - width) // 2, (image.shape[0] - height) // 2
    middle = image[top:top + height, left:left + width]
    return fitted(middle, size)


def plain(colour: tuple[int, int, int], size: tuple[int, int]) -> np.ndarray:
    """uint8 (H, W, 3) of one RGB colour and that (width, height)."""
    return np.full((size[1], size[0], 3), colour, np.uint8)
