"""Fills what no frame shows: a smooth surface from the colours around, without an outline.

The colours solve Laplace's equation between those around the hole, as in Perez, Gangnet and Blake,
"Poisson Image Editing", SIGGRAPH 2003; where edges are known, these are its guidance field. Rows
conduct better than columns: who stands hides a tall, narrow part of a room, whose edges to the left
and right, such as that of wall and floor, then meet.
"""
import cv2
import numpy as np

from scene.medians import Edges

LONGER = 384        # px of the longer side at which the colours are worked out
ACROSS = 20.0       # how much better rows conduct: 8 blurs the edge of the floor, 60 shows streaks
STEPS = (0, 1, ACROSS), (0, -1, ACROSS), (1, 0, 1.0), (-1, 0, 1.0)     # down, right, conduction
SEEN = 100.0        # how much better pixels conduct between which the edge is known
STRONG = 6          # of 255: a smaller step from pixel to pixel is light, as in Horn, "Determining
                    # lightness from an image", 1974
REACH = 0.08        # of the longer side: how far from known edges colours are joined to them
ROUNDS = 200        # of conjugate gradients: the surface that they start from is nearly right


def filled(picture: np.ndarray, holes: np.ndarray) -> np.ndarray:
    """The picture, uint8 (H, W, 3), with its holes, bool (H, W), filled from around."""
    if not holes.any() or holes.all():
        return picture
    height, width = holes.shape
    scale = min(1.0, LONGER / max(holes.shape))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    shown = np.where(holes[..., None], 0, picture).astype(np.float32)
    share = cv2.resize((~holes).astype(np.float32), size, interpolation=cv2.INTER_AREA)
    small = cv2.resize(shown, size, interpolation=cv2.INTER_AREA)
    small = small / np.maximum(share, 1e-6)[..., None]
    unknown = share < 1
    if unknown.all():
        unknown = share == 0
    small[unknown] = _surface(small, unknown)
    large = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.where(holes[..., None], np.rint(large.clip(0, 255)).astype(np.uint8), picture)


def completed(picture: np.ndarray, sure: np.ndarray, start: np.ndarray, edges: Edges
              ) -> np.ndarray:
    """The picture, uint8 (H, W, 3), where it is sure, and elsewhere what has the known edges and
    joins it.

    sure   float (H, W)  0 not at all .. 1
    start  uint8 (H, W, 3)  a first guess where it is not, which stays far from every known edge
    """
    from scipy.sparse import coo_matrix, diags
    from scipy.sparse.linalg import cg
    result = start + sure[..., None].astype(np.float32) * (picture.astype(np.float32) - start)
    blank = np.isnan(edges.right[..., 0]).astype(np.uint8)
    near = cv2.distanceTransform(blank, cv2.DIST_L2, 3) <= REACH * max(sure.shape)
    unknown = (sure < 1) & near
    if blank.all() or not unknown.any():
        return np.rint(result).astype(np.uint8)
    steps = [np.where(np.isnan(step) | (np.abs(step).max(2, keepdims=True) < STRONG), 0, step)
             for step in (edges.right, edges.down)]
    count = int(unknown.sum())
    number = np.full(unknown.shape, -1)
    number[unknown] = np.arange(count)
    total, given = np.zeros(count), np.zeros((count, 3))
    places, values = [], []
    for step, known, conduction, first, second in (
            (steps[0], edges.right, ACROSS, np.s_[:, :-1], np.s_[:, 1:]),
            (steps[1], edges.down, 1.0, np.s_[:-1], np.s_[1:])):
        weight = np.where(np.isnan(known[..., 0]), conduction, SEEN)[first]
        for here, there, sign in ((first, second, -1), (second, first, 1)):
            inside = unknown[here]
            own, other, each = number[here][inside], number[there][inside], weight[inside]
            total += np.bincount(own, each, count)
            fixed = np.where((other < 0)[:, None], result[there][inside], 0)
            for c in range(3):
                change = sign * step[first][inside][:, c]
                given[:, c] += np.bincount(own, each * (change + fixed[:, c]), count)
            places.append(np.stack([own, other])[:, other >= 0])
            values.append(-each[other >= 0])
    places.append(np.tile(np.arange(count), (2, 1)))
    matrix = coo_matrix((np.concatenate([*values, total]), np.concatenate(places, 1)),
                        shape=(count, count)).tocsr()
    share = sure[unknown]
    for c in range(3):
        guess = start[unknown][:, c].astype(float)
        found, _ = cg(matrix, given[:, c], guess, rtol=1e-4, maxiter=ROUNDS, M=diags(1 / total))
        result[..., c][unknown] = share * picture[unknown][:, c] + (1 - share) * found
    return np.rint(result.clip(0, 255)).astype(np.uint8)


def _surface(picture: np.ndarray, unknown: np.ndarray) -> np.ndarray:
    """float (N, 3): the colours of the N unknown pixels, bool (h, w), of the picture (h, w, 3)."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.linalg import splu
    rows, columns = np.nonzero(unknown)
    count = len(rows)
    number = np.full(unknown.shape, -1)
    number[unknown] = np.arange(count)
    own, to, weights = [np.arange(count)], [np.arange(count)], []
    total = np.zeros(count)
    given = np.zeros((count, 3))
    for down, right, conduction in STEPS:
        there = rows + down, columns + right
        inside = (there[0] >= 0) & (there[0] < unknown.shape[0])
        inside &= (there[1] >= 0) & (there[1] < unknown.shape[1])
        here = np.flatnonzero(inside)
        beyond = there[0][inside], there[1][inside]
        total[here] += conduction
        is_unknown = unknown[beyond]
        own.append(here[is_unknown])
        to.append(number[beyond][is_unknown])
        weights.append(np.full(is_unknown.sum(), -conduction))
        known = ~is_unknown
        colours = picture[beyond][known]
        given[here[known]] += conduction * colours
    values = np.concatenate([total, *weights])
    places = np.concatenate(own), np.concatenate(to)
    matrix = coo_matrix((values, places), shape=(count, count)).tocsc()
    return splu(matrix).solve(given)
