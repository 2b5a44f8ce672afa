"""Paints a person part by part: each is cut out of its own frame and laid down by an affine map.

One cv2.warpAffine for each part samples colours and ownership at once, at full size and only where
the part is. Shape letters as in models.warping.parts; a map is float64 (2, 3): px of a frame -> px
of the picture.
"""
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple, Protocol

import cv2
import numpy as np

from models.warping.part_choice import PartsShown
from models.warping.parts import Bodies, Ownership

LEAST, MOST = 0.6, 1.6      # how much a part may be shortened and drawn out along its bone
NARROW, WIDE = 0.55, 1.35   # the same of a trunk, in any direction
TILT = 0.6                  # radians: how far a head may be turned from its frame
HELD = 0.25                 # weight of a trunk's similarity, against its corners
# Bytes of pieces kept in memory, and of a usual piece for each pixel of a frame.
REMEMBERED, PIECE = 200e6, 0.2
# Shares of a pixel: up to the first it is not the person, from the second on wholly.
HAZE, SURE = 0.1, 0.95
TORN = 0.3                  # share of a pixel by which a part hangs together
MINE = 0.6                  # share of a pixel above which its colour is the part's own
FRINGES = 4, 16             # px: from how far a part's colours are taken at its edges


class Cutouts(Protocol):
    """A run's frames: models.warping.frame_index.FrameIndex."""

    def cutout(self, row: int, channels: int = 3) -> np.ndarray:
        """uint8 (H, W, channels + 1): a frame and, last, how much of each pixel is the person."""


class Piece(NamedTuple):
    """A part cut out of a frame.

    image   uint8 (h, w, C + 1): colours and how much of each pixel is the part
    left, top   px of the frame where it lies
    """
    image: np.ndarray
    left: int
    top: int


class Doll:
    """The parts of all frames, cut out as they are asked for.

    bodies   of all frames of `frames`
    size     (W, H) of a frame
    """

    def __init__(self, frames: Cutouts, bodies: Bodies, size: tuple[int, int], channels: int = 3):
        self.frames = frames
        self.bodies = bodies
        self.size = size
        self.channels = channels
        self.ownership = lru_cache(16)(self.find_ownership)
        self.piece = lru_cache(int(REMEMBERED / (PIECE * size[0] * size[1])) + 20)(self.cut)

    def find_ownership(self, row: int) -> Ownership:
        return Ownership(self.bodies.one(row), self.size)

    def cut(self, row: int, name: str, under: bool = False) -> Piece | None:
        """A part of a frame; None where the frame does not show it.

        under   the trunk as a layer under all others: what they hide of it is filled from around
        """
        frame = self.frames.cutout(row, self.channels)
        ownership = self.ownership(row)
        matte = ((frame[..., -1].astype(np.float32) / 255 - HAZE) / (SURE - HAZE)).clip(0, 1)
        owned = self.at_full_size(ownership.of(name))
        alpha = self.connected(np.minimum(owned, matte), row, name)
        sure = (matte == 1) & (owned > MINE)
        if under:
            there, hips, clear = (self.at_full_size(mask) for mask in ownership.under_trunk())
            alpha = np.maximum(alpha, np.maximum(there, np.minimum(hips, matte)))
            sure |= (matte == 1) & (clear == 1)
        rows, columns = np.flatnonzero((alpha > 0).any(1)), np.flatnonzero((alpha > 0).any(0))
        if not len(rows):
            return None
        box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        colours = own_colours(frame[box][..., :-1], sure[box])
        image = np.dstack([colours, np.rint(255 * alpha[box]).astype(np.uint8)])
        return Piece(image, int(columns[0]), int(rows[0]))

    def connected(self, alpha: np.ndarray, row: int, name: str) -> np.ndarray:
        """The same without what hangs nowhere together with the part's bones: scraps of other
        parts at the edge of its reach."""
        placed = self.bodies.placed[name]
        axis = np.zeros(alpha.shape, np.uint8)
        for start, end, seen in zip(placed.start[row], placed.end[row], placed.seen[row]):
            if seen:
                first, last = (np.rint(point).astype(int).tolist() for point in (start, end))
                cv2.line(axis, first, last, (1,), 1)
        _, pieces = cv2.connectedComponents((alpha > TORN).astype(np.uint8))
        kept = np.unique(pieces[(axis > 0) & (alpha > TORN)])
        whole = np.isin(pieces, kept[kept > 0]).astype(np.uint8)
        return alpha * cv2.dilate(whole, np.ones((3, 3), np.uint8))

    def at_full_size(self, share: np.ndarray) -> np.ndarray:
        return cv2.resize(share, self.size, interpolation=cv2.INTER_LINEAR)

    def paint_all(self, canvases: np.ndarray, poses: np.ndarray,
                  shown: Sequence[PartsShown]) -> None:
        """Draw poses (B, K, 3) into pictures (B, H, W, C), in place."""
        for canvas, pose, parts in zip(canvases, poses, shown):
            query = Bodies(pose[None], self.bodies.skeleton)
            self.paint(canvas, query, parts.order, parts.rows)

    def paint(self, canvas: np.ndarray, query: Bodies, order: Sequence[str],
              rows: Mapping[str, int]) -> None:
        """Draw one pose into a picture, in place.

        canvas   uint8 (H, W, C)
        query    the body of that pose
        order    layers, as PartsShown has them, from back to front
        rows     {layer: the frame that shows it}
        """
        for layer in order:
            name = layer.removesuffix(' below')
            row = rows[layer]
            if not query.placed[name].seen.any():
                continue
            piece = self.piece(row, name, layer.endswith(' below'))
            if piece is not None:
                lay(canvas, piece, part_map(query, self.bodies.one(row), name))


def lay(canvas: np.ndarray, piece: Piece, forward: np.ndarray) -> None:
    """Lay a piece onto a picture, in place, where the map takes it."""
    height, width = piece.image.shape[:2]
    shift = np.array([[1, 0, piece.left], [0, 1, piece.top], [0, 0, 1.0]])
    forward = forward @ shift
    corners = forward @ np.array([[-1, width, width, -1], [-1, -1, height, height], [1, 1, 1, 1.0]])
    low = np.maximum(np.floor(corners.min(1)), 0).astype(int)
    high = np.minimum(np.ceil(corners.max(1)) + 1, canvas.shape[1::-1]).astype(int)
    if (high - low < 1).any():
        return
    forward = forward.copy()
    forward[:, 2] -= low
    image = cv2.copyMakeBorder(piece.image, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    image[[0, -1], :, -1] = 0
    image[:, [0, -1], -1] = 0
    forward[:, 2] -= forward[:, :2] @ (1, 1)
    shown = cv2.warpAffine(image, forward, tuple((high - low).tolist()), flags=cv2.INTER_CUBIC,
                           borderMode=cv2.BORDER_CONSTANT, borderValue=(0,))
    part = canvas[low[1]:high[1], low[0]:high[0]]
    alpha = shown[..., -1:].astype(np.float32) / 255
    part[:] = np.rint(part + alpha * (shown[..., :-1].astype(np.float32) - part))


def own_colours(image: np.ndarray, sure: np.ndarray) -> np.ndarray:
    """uint8 (h, w, C): where a pixel is not surely the part, the colour of the part nearest to it,
    so that neither the wall nor another part shines through.

    sure   bool (h, w)
    """
    if not sure.any():
        return image
    other = (~sure).astype(np.uint8)
    away, label = cv2.distanceTransformWithLabels(other, cv2.DIST_L2, 5,
                                                  labelType=cv2.DIST_LABEL_PIXEL)
    place = np.zeros(label.max() + 1, np.int64)
    place[label[other == 0]] = np.flatnonzero(other == 0)
    found = image.reshape(-1, image.shape[-1])[place[label]]
    for reach in FRINGES:
        smooth = cv2.GaussianBlur(found, (0, 0), reach / 2).reshape(image.shape)
        found = np.where((away > reach / 2)[..., None], smooth, found)
    return found


def part_map(query: Bodies, source: Bodies, name: str) -> np.ndarray:
    """The map of a part from its frame into the pose; both bodies are one each."""
    scale = float(query.height[0] / source.height[0])
    if name == 'trunk':
        return trunk_map(query, source, scale)
    if name == 'head':
        return head_map(query, source, scale)
    if name.endswith('foot'):
        return foot_map(query, source, scale, name)
    return limb_map(query, source, scale, name)


def limb_map(query: Bodies, source: Bodies, scale: float, name: str) -> np.ndarray:
    """Along the bone as long as the bone, across it as wide as the body is large: a foreshortened
    arm keeps its width. The bone's start, where it hangs, comes to lie exactly."""
    start, end = query.placed[name].start[0, 0], query.placed[name].end[0, 0]
    start_, end_ = source.placed[name].start[0, 0], source.placed[name].end[0, 0]
    way, length = direction(end - start)
    way_, length_ = direction(end_ - start_)
    along = np.clip(length / max(length_, 1e-3), LEAST * scale, MOST * scale)
    linear = along * np.outer(way, way_) + scale * np.outer(_across(way), _across(way_))
    return anchored(linear, start_, start)


def foot_map(query: Bodies, source: Bodies, scale: float, name: str) -> np.ndarray:
    """A foot keeps its shape: it is moved, turned and scaled."""
    placed, placed_ = query.placed[name], source.placed[name]
    use = placed.seen[0] & placed_.seen[0]
    ways = (placed.end - placed.start)[0, use].sum(0), (placed_.end - placed_.start)[0, use].sum(0)
    if not use.any():
        return anchored(scale * np.eye(2), placed_.start[0, 0], placed.start[0, 0])
    way, way_ = (direction(line)[0] for line in ways)
    linear = scale * (np.outer(way, way_) + np.outer(_across(way), _across(way_)))
    return anchored(linear, placed_.start[0, 0], placed.start[0, 0])


HEAD_JOINTS = {'Neck': 1.0, 'Nose': 1.0, 'REye': 0.5, 'LEye': 0.5, 'REar': 0.5, 'LEar': 0.5}


def head_map(query: Bodies, source: Bodies, scale: float) -> np.ndarray:
    """A head keeps its shape; guessed ears do not bend a face."""
    mine, theirs, weights = common(query, source, HEAD_JOINTS)
    centre, centre_ = (np.average(points, 0, weights) for points in (mine, theirs))
    a, b = mine - centre, (theirs - centre_)
    cross = (weights * (b[:, 0] * a[:, 1] - b[:, 1] * a[:, 0])).sum()
    dot = (weights * (a * b).sum(1)).sum()
    angle = np.clip(np.arctan2(cross, dot), -TILT, TILT)
    cos, sin = np.cos(angle), np.sin(angle)
    return anchored(scale * np.array([[cos, -sin], [sin, cos]]), centre_, centre)


TRUNK_JOINTS = {'RShoulder': 1.0, 'LShoulder': 1.0, 'RHip': 1.0, 'LHip': 1.0, 'Neck': 1.0,
                'MidHip': 1.0}


def trunk_map(query: Bodies, source: Bodies, scale: float) -> np.ndarray:
    """The affine map that fits shoulders and hips best, held to a similarity so that it neither
    folds nor squeezes a chest that is seen from the side."""
    mine, theirs, weights = common(query, source, TRUNK_JOINTS)
    centre, centre_ = (np.average(points, 0, weights) for points in (mine, theirs))
    way, _ = direction(query.joint('MidHip')[0, :2] - query.joint('Neck')[0, :2])
    way_, _ = direction(source.joint('MidHip')[0, :2] - source.joint('Neck')[0, :2])
    similar = scale * (np.outer(way, way_) + np.outer(_across(way), _across(way_)))
    a, b = mine - centre, theirs - centre_
    held = HELD * weights.sum() * (0.1 * source.height[0]) ** 2
    left = (a * weights[:, None]).T @ b + held * similar
    right = (b * weights[:, None]).T @ b + held * np.eye(2)
    linear = left @ np.linalg.inv(right)
    if np.linalg.det(linear) <= 0:
        linear = similar
    u, stretch, v = np.linalg.svd(linear)
    linear = u @ np.diag(stretch.clip(NARROW * scale, WIDE * scale)) @ v
    return anchored(linear, centre_, centre)


def common(query: Bodies, source: Bodies, joints: Mapping[str, float]
           ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The joints that both bodies show: float (N, 2) px each, and their weights (N,)."""
    mine = np.stack([query.joint(joint)[0] for joint in joints])
    theirs = np.stack([source.joint(joint)[0] for joint in joints])
    seen = np.minimum(mine[:, 2], theirs[:, 2]) > 0
    if not seen.any():
        seen[:] = True
    return mine[seen, :2], theirs[seen, :2], np.array(list(joints.values()))[seen]


def anchored(linear: np.ndarray, source: np.ndarray, place: np.ndarray) -> np.ndarray:
    """The affine map with that linear part that takes `source` to `place`."""
    return np.column_stack([linear, place - linear @ source])


def direction(line: np.ndarray) -> tuple[np.ndarray, float]:
    """The unit vector of a line (2,), and its length."""
    length = float(np.hypot(*line))
    return line / max(length, 1e-6), length


def _across(way: np.ndarray) -> np.ndarray:
    return np.array([-way[1], way[0]])
