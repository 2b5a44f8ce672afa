"""Draws joints as pose images, the input of the generator. Another style is one more function.

Every style draws left and right in different colours, nothing for a joint that is not seen, the
same pixels for the same joints, and lines whose width scales with the picture. Face and hands are
drawn finer than the body and on top of it, where the skeleton has them.
"""
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import cv2
import numpy as np

from pose.figment import LINES, POINT, colours, landmarks
from pose.skeleton import RGB, Skeleton, skeleton_of
from util.errors import unknown_choice

SUBPIXEL = 4                  # cv2 draws at 1/16 px
GROWTH = 1.3                  # px that cv2's antialiasing adds to a filled shape
LIMB_SHADE = 0.6              # limbs are darker, so that joints stay visible on top of them
ANGLES = np.linspace(0, 2 * np.pi, 20, endpoint=False)
CIRCLE = np.stack([np.cos(ANGLES), np.sin(ANGLES)], -1)         # (20, 2)
Shape = Callable[[np.ndarray, np.ndarray, float], np.ndarray]   # starts, ends, width -> outlines

# The relative line width of each part, in the order in which they are drawn.
WIDTHS = {'body': 1.0, 'face': 0.4, 'left_hand': 0.5, 'right_hand': 0.5}

# Everybody Dance Now draws BODY_25 in OpenPose's colours and COCO_18 in those of its older demo,
# with red and blue exchanged in the files it writes; these are the colours that one sees.
EDN_COCO = ('0000ff 0055ff 00aaff 00ffff 00ffaa 00ff55 00ff00 55ff00 aaff00 ffff00 ffaa00 ff5500 '
            'ff0000 ff0055 ff00aa ff00ff aa00ff 5500ff')
EDN_HAND = ('2835e6 4073e7 1f88e9 0da0d5 13c8d9 23d2aa 30e48b 2dd653 2ec04d 85d553 bedf52 c5b850 '
            'bd8c4e d07056 d94953 b72e7b ff66bd e853da bd41e5 8d3dec 9166ff')
EDN_FACE = (0, 8, 16, 27, 30, 33, 68, 69)      # outline's ends and chin, nose bridge, pupils
EDN_LIMB = 0.6                                 # opacity of a limb


def default_line_width(size: tuple[int, int], style: str = 'openpose') -> float:
    """The width of a limb in px for a picture of that (width, height): 4 px at 256, 16 at 1024;
    half of it for edn, whose joints are twice as wide as its limbs; 2 px at 512 for figment."""
    return max(1.0, min(size) / {'edn': 128, 'figment': 256}.get(style, 64))


def draw_pose(pose: np.ndarray, size: tuple[int, int], style: str = 'openpose',
              skeleton: str = 'BODY_25', line_width: float | None = None) -> np.ndarray:
    """Draw one pose.

    pose        float (K, 3): x px, y px in the picture to be drawn, confidence (0 = left out)
    size        (width, height) in px
    style       one of STYLES
    line_width  px; default_line_width(size, style) when None
    Returns     uint8 (height, width, 3) RGB; label numbers, equal in all three, for LABELS
    """
    check_style(style)
    canvas = np.zeros((size[1], size[0], 3), np.uint8)
    STYLES[style](canvas, pose, skeleton_of(skeleton),
                  line_width or default_line_width(size, style))
    return canvas


def check_style(style: str) -> None:
    """UserError for an unknown style."""
    if style not in STYLES:
        raise unknown_choice('--draw_style', style, STYLES, 'a function {} in pose/draw.py')


def draw_facts(style: str, line_width: float, skeleton: str) -> dict[str, Any]:
    """What determines a drawing, for dataset.json: the order of the joints and their colours,
    RRGGBB, by part; for a label map, the number of labels."""
    table = skeleton_of(skeleton)
    facts: dict[str, Any] = {'style': style, 'line_width': line_width, 'skeleton': skeleton,
                             'joints': ' '.join(table.joints[table.part('body')])}
    if style in LABELS:
        return facts | {'labels': labels_of(skeleton)}
    shades = {}
    for part in WIDTHS:
        hexes = [bytes(colour).hex() for colour in COLOURS[style](skeleton, part)]
        if hexes:
            shades[part] = ' '.join(hexes if len(set(hexes)) > 1 else hexes[:1])
    return facts | {'colours': shades}


def labels_of(skeleton: str) -> int:
    """The number of labels of a label map of that skeleton, with 0, the background: pix2pixHD's
    label_nc."""
    return len(skeleton_of(skeleton).limbs) + 1


# The styles

def openpose(canvas: np.ndarray, pose: np.ndarray, skeleton: Skeleton, line_width: float) -> None:
    """OpenPose's drawing: an ellipse per limb, a dot per joint, its colours; limbs are shaded.

    Fingers are not shaded: their colours are dark at the palm already.
    """
    for part, relative in WIDTHS.items():
        width = line_width * relative
        shade = 1.0 if 'hand' in part else LIMB_SHADE
        for limb, outline in _limbs(pose, skeleton, part, width):
            shaded = [value * shade for value in skeleton.limb_colours[limb]]
            cv2.fillConvexPoly(canvas, outline, shaded, cv2.LINE_AA, SUBPIXEL)
        for joint, outline in _dots(pose, skeleton, part, width):
            colour = skeleton.joint_colours[joint]
            cv2.fillConvexPoly(canvas, outline, colour, cv2.LINE_AA, SUBPIXEL)


def edn(canvas: np.ndarray, pose: np.ndarray, skeleton: Skeleton, line_width: float) -> None:
    """Everybody Dance Now's stick figure: on white, translucent limbs over the joints, each in the
    colour of its near joint, and only eight points of the face, in black.

    Chan et al., "Everybody Dance Now", ICCV 2019, arXiv 1808.07371; lines, colours and relative
    widths are those of carolineec/EverybodyDanceNow, data_prep/renderopenpose.py. Drawn
    antialiased, where the authors draw large and downscale the picture.
    """
    canvas[:] = 255
    for part, dot, line in (('body', 2.0, 1.0), ('face', 1.0, 0.0), ('right_hand', 0.75, 0.5),
                            ('left_hand', 0.75, 0.5)):
        palette = edn_colours(skeleton.name, part)
        first = skeleton.part(part).start
        for joint, outline in _dots(pose, skeleton, part, line_width * dot):
            if part != 'face' or joint - first in EDN_FACE:
                colour = palette[joint - first]
                cv2.fillConvexPoly(canvas, outline, colour, cv2.LINE_AA, SUBPIXEL)
        if part == 'face':
            continue
        which_end = 0 if part == 'body' else 1
        outlines, shades = [], []
        for limb, outline in _limbs(pose, skeleton, part, line_width * line):
            outlines.append(outline)
            shades.append(palette[skeleton.limbs[limb][which_end] - first])
        _glaze(canvas, outlines, shades)


def pix2pixhd_labels(canvas: np.ndarray, pose: np.ndarray, skeleton: Skeleton,
                     line_width: float) -> None:
    """A label map as pix2pixHD reads it (train_label): 0 is the background, 1 the first limb of the
    skeleton's table, and so on; labels_of() counts them. Never antialiased: a number between two
    labels would be a third label. Later limbs cover earlier ones.

    Wang et al., "High-Resolution Image Synthesis and Semantic Manipulation with Conditional
    GANs", CVPR 2018, arXiv 1711.11585.
    """
    for part, relative in WIDTHS.items():
        for limb, outline in _limbs(pose, skeleton, part, line_width * relative, _capsules):
            cv2.fillConvexPoly(canvas, outline, (limb + 1,) * 3, cv2.LINE_8, SUBPIXEL)


def figment(canvas: np.ndarray, pose: np.ndarray, skeleton: Skeleton, line_width: float) -> None:
    """What figment's image model gets from its Detect Pose with coloring "per limb": points, then
    lines with square ends over them. It knows no face and no fingers, and they are left out."""
    marks, shades = landmarks(pose, skeleton), colours()
    shown = _seen(marks)
    radius = max(line_width * POINT - GROWTH, 0.1) / 2
    for number in np.flatnonzero(shown):
        outline = _fixed(marks[number, :2] + CIRCLE * radius)
        cv2.fillConvexPoly(canvas, outline, shades[number], cv2.LINE_AA, SUBPIXEL)
    lines = LINES[shown[LINES].all(1)]
    outlines = _rectangles(marks[lines[:, 0], :2], marks[lines[:, 1], :2],
                           max(line_width - GROWTH, 0.1))
    for (_, end), outline in zip(lines, outlines):
        cv2.fillConvexPoly(canvas, outline, shades[end], cv2.LINE_AA, SUBPIXEL)


STYLES: dict[str, Callable[[np.ndarray, np.ndarray, Skeleton, float], None]] = {
    'openpose': openpose, 'edn': edn, 'pix2pixhd_labels': pix2pixhd_labels, 'figment': figment}
LABELS = {'pix2pixhd_labels'}       # styles whose pixels are numbers: resize them by nearest only


@cache
def openpose_colours(skeleton: str, part: str) -> tuple[RGB, ...]:
    """RGB of each joint of a part; none where the skeleton lacks it."""
    table = skeleton_of(skeleton)
    return table.joint_colours[table.part(part)]


@cache
def edn_colours(skeleton: str, part: str) -> tuple[RGB, ...]:
    """RGB of each joint of a part; none where the skeleton lacks it."""
    usual = openpose_colours(skeleton, part)
    if part == 'face':
        return ((0, 0, 0),) * len(usual)
    if part == 'body' and skeleton.startswith('BODY_25'):
        return tuple((b, g, r) for r, g, b in usual)
    words = EDN_COCO if part == 'body' else EDN_HAND
    return tuple((r, g, b) for r, g, b in map(bytes.fromhex, words.split()))[:len(usual)]


def figment_colours(skeleton: str, part: str) -> tuple[RGB, ...]:
    """RGB of each of figment's landmarks, which are all of the body."""
    return colours() if part == 'body' else ()


COLOURS: dict[str, Callable[[str, str], tuple[RGB, ...]]] = {
    'openpose': openpose_colours, 'edn': edn_colours, 'figment': figment_colours}


# The shapes

def _ellipses(starts: np.ndarray, ends: np.ndarray, width: float) -> np.ndarray:
    """Outlines int32 (L, 20, 2) of ellipses that span from starts to ends (L, 2)."""
    half = (ends - starts) / 2
    length = np.maximum(np.linalg.norm(half, axis=1, keepdims=True), 1e-6)
    across = half[:, ::-1] * (-1, 1) / length * width / 2
    along, aside = CIRCLE[:, :1], CIRCLE[:, 1:]
    return _fixed((starts + ends)[:, None] / 2 + along * half[:, None] + aside * across[:, None])


def _capsules(starts: np.ndarray, ends: np.ndarray, width: float) -> np.ndarray:
    """Outlines int32 (L, 20, 2) of lines from starts to ends (L, 2), with round ends."""
    half = ends - starts
    length = np.maximum(np.linalg.norm(half, axis=1, keepdims=True), 1e-6)
    along, aside = CIRCLE[:, :1], CIRCLE[:, 1:]
    ahead = half / length * width / 2
    middle = np.where(along >= 0, ends[:, None], starts[:, None])
    return _fixed(middle + along * ahead[:, None] + aside * (ahead[:, ::-1] * (-1, 1))[:, None])


def _rectangles(starts: np.ndarray, ends: np.ndarray, width: float) -> np.ndarray:
    """Outlines int32 (L, 4, 2) of lines from starts to ends (L, 2), with square ends."""
    along = ends - starts
    length = np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-6)
    across = along[:, ::-1] * (-1, 1) / length * width / 2
    return _fixed(np.stack([starts + across, ends + across, ends - across, starts - across], 1))


def _fixed(points: np.ndarray) -> np.ndarray:
    """cv2's fixed-point int32, clipped: a joint far outside the picture would overflow it."""
    return np.rint(np.nan_to_num(points).clip(-3e4, 3e4) * 2 ** SUBPIXEL).astype(np.int32)


@cache
def _limbs_of(skeleton: str, part: str) -> tuple[np.ndarray, np.ndarray]:
    """The numbers (L,) of the limbs within a part, and their joints (L, 2)."""
    table = skeleton_of(skeleton)
    inside = range(len(table.joints))[table.part(part)]
    numbers = [k for k, (a, b) in enumerate(table.limbs) if a in inside and b in inside]
    return np.array(numbers, int), np.array([table.limbs[k] for k in numbers], int).reshape(-1, 2)


def _limbs(pose: np.ndarray, skeleton: Skeleton, part: str, width: float,
           shape: Shape = _ellipses) -> Iterator[tuple[int, np.ndarray]]:
    """(number, outline) of each limb of the part with both ends seen."""
    numbers, ends = _limbs_of(skeleton.name, part)
    shown = _seen(pose)[ends].all(1)
    points = pose[:, :2].astype(np.float64)[ends[shown]]
    outlines = shape(points[:, 0], points[:, 1], max(width - GROWTH, 0.1))
    return zip(numbers[shown].tolist(), outlines)


def _dots(pose: np.ndarray, skeleton: Skeleton, part: str,
          width: float) -> Iterator[tuple[int, np.ndarray]]:
    """(number, outline of the dot) of each seen joint of the part."""
    joints = skeleton.part(part)
    shown = np.flatnonzero(_seen(pose[joints])) + joints.start
    points = pose[shown, :2].astype(np.float64)
    return zip(shown.tolist(), _fixed(points[:, None] + CIRCLE * max(width - GROWTH, 0.1) / 2))


def _seen(pose: np.ndarray) -> np.ndarray:
    return (pose[:, 2] > 0) & np.isfinite(pose).all(1)


def _glaze(canvas: np.ndarray, outlines: list[np.ndarray], colours: list[RGB]) -> None:
    """Fill outlines one after the other, each translucent over those before."""
    if not outlines:
        return
    corners = np.array(outlines)
    first = np.maximum((corners.min(1) >> SUBPIXEL) - 2, 0)         # (L, 2): a margin for the
    last = np.maximum((corners.max(1) >> SUBPIXEL) + 3, 0)          # antialiased edge
    corners -= first[:, None] << SUBPIXEL
    for outline, colour, (left, top), (right, bottom) in zip(
            corners, colours, first.tolist(), last.tolist()):
        below = canvas[top:bottom, left:right]
        if below.size:
            over = below.copy()
            cv2.fillConvexPoly(over, outline, colour, cv2.LINE_AA, SUBPIXEL)
            cv2.addWeighted(over, EDN_LIMB, below, 1 - EDN_LIMB, 0, below)
