"""Scraps that hang in the air next to a person who was painted part by part.

Each part hangs together with its own bones in its own frame. What of it reaches beyond, such as a
collar or a hip that another part owns there, may end up alone in the pose.
"""
import cv2
import numpy as np

from models.warping.canvas import Canvas
from models.warping.cutouts import occupied
from models.warping.parts import Bodies

TORN = 0.3                  # share of a pixel by which a person hangs together
FRINGE = 2                  # px around a scrap that are less than that


def remove_specks(canvas: Canvas, body: Bodies) -> None:
    """Show the background again, in place, where what is painted touches no bone of the body."""
    box = occupied(canvas.alpha > 0)
    if box is None or canvas.behind is None:
        return
    alpha = canvas.alpha[box]
    whole = alpha > 255 * TORN
    count, pieces = cv2.connectedComponents(whole.astype(np.uint8))
    if count <= 2:          # what is left is one piece
        return
    bones = drawn_bones(body, (box[1].start, box[0].start), alpha.shape) & whole
    if not bones.any():
        return
    loose = np.ones(count, np.uint8)
    loose[pieces[bones]] = 0
    loose[0] = 0
    if not loose.any():
        return
    around = np.ones((2 * FRINGE + 1, 2 * FRINGE + 1), np.uint8)
    scraps = cv2.dilate(loose[pieces], around) > 0
    scraps &= ~(whole & (loose[pieces] == 0))
    canvas.picture[box][scraps] = canvas.behind[box][scraps]
    alpha[scraps] = 0


def drawn_bones(body: Bodies, corner: tuple[int, int], shape: tuple[int, ...]) -> np.ndarray:
    """bool (H, W): the bones of one body with hands, toes and hair beyond their ends.

    corner   (left, top) px of the picture that the result shows
    """
    drawn = np.zeros(shape, np.uint8)
    for name, (starts, ends, seen) in body.placed.items():
        beyond = body.parts[name].beyond
        for start, end in np.stack([starts[0], ends[0]], 1)[seen[0]]:
            last = end + beyond * (end - start)
            first, last = (np.rint(point - corner).astype(int).tolist() for point in (start, last))
            cv2.line(drawn, first, last, (1,), 1)
    return drawn > 0
