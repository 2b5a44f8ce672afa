"""How thick the limbs of one person are, clothes included, measured in the mattes of the frames."""
from collections.abc import Mapping

import cv2
import numpy as np

from models.warping.cutouts import Cutout, Cutouts, TightCutouts
from models.warping.frame_index import FrameIndex
from models.warping.part_layers import Doll
from models.warping.part_sight import visibility
from models.warping.parts import Bodies, Part
from pose.skeleton import moved
from util.images import scaling
from util.sampling import evenly_spaced

FRAMES = 40                 # the most in which a part is measured
FEWEST = 5                  # with fewer it keeps its usual thickness
CLEAR = 0.85                # share of a part that must be seen, and free of others
SHARES = 0.3, 0.5, 0.7      # of a bone: where it is measured
OUTWARDS = np.linspace(0.2, 3.0, 29)        # usual reaches from the bone
THINNEST, THICKEST = 0.7, 2.0               # usual reaches


def doll_of(index: FrameIndex, cutouts: Cutouts, parts: Mapping[str, Part] | None = None) -> Doll:
    """The parts of a run's frames, mirrored ones too.

    cutouts   of all rows of index.both, at any size
    parts     as measured before, at any size
    """
    return Doll(cutouts, measured_bodies(index, cutouts, parts))


def measured_bodies(index: FrameIndex, cutouts: TightCutouts,
                    parts: Mapping[str, Part] | None = None) -> Bodies:
    """The bodies of all frames of index.both in px of the cutouts' frames, with parts as thick as
    this person's; they are measured unless `parts` says how thick."""
    both = index.both
    poses = moved(both.poses, scaling(both.size, cutouts.size))
    depth = None if both.depth is None else both.depth * (cutouts.size[1] / both.size[1])
    half = len(both) // 2
    if parts is None:
        usual = Bodies(poses[:half], both.joints, None if depth is None else depth[:half])
        parts = measured_parts(cutouts, usual)
    return Bodies(poses, both.joints, depth, parts)


def measured_parts(cutouts: TightCutouts, bodies: Bodies) -> dict[str, Part]:
    """The parts with the reach that they have in these frames; trunk and head keep theirs.

    bodies   of the frames that are looked at, the first ones of `cutouts`
    """
    parts = {}
    for name, part in bodies.parts.items():
        wide = 1.0 if name in ('trunk', 'head') else thickness(cutouts, bodies, name)
        parts[name] = part._replace(reach=part.reach * wide)
    return parts


def thickness(cutouts: TightCutouts, bodies: Bodies, name: str) -> float:
    """How many usual reaches thick a part is: the median of its thinner side over its frames."""
    visible, free = visibility(bodies, name, cutouts.size)
    clear = np.flatnonzero((visible >= CLEAR) & (free >= CLEAR)
                           & bodies.placed[name].seen[:, 0])
    clear = clear[evenly_spaced(len(clear), FRAMES)]
    if len(clear) < FEWEST:
        return 1.0
    found = [side_of(cutouts.cutout(int(row)), bodies, name, int(row)) for row in clear]
    return float(np.clip(np.median(np.concatenate(found)), THINNEST, THICKEST))


def side_of(cutout: Cutout, bodies: Bodies, name: str, row: int) -> np.ndarray:
    """float (S,), in usual reaches: how far from the bone the person ends, at each of SHARES, on
    the side where that is nearer."""
    placed = bodies.placed[name]
    start, end = placed.start[row, 0], placed.end[row, 0]
    line = end - start
    across = np.array([-line[1], line[0]]) / max(float(np.hypot(*line)), 1e-6)
    reach = bodies.parts[name].reach * bodies.height[row]
    matte = cv2.extractChannel(cutout.image, cutout.image.shape[2] - 1)
    middles = start - (cutout.left, cutout.top) + np.array(SHARES)[:, None] * line
    ends = []
    for way in (across, -across):
        points = middles[:, None] + OUTWARDS[None, :, None] * reach * way
        points = points.astype(np.float32)
        seen = cv2.remap(matte, points[..., 0], points[..., 1], cv2.INTER_LINEAR) > 127
        outside = np.concatenate([~seen, np.ones((len(SHARES), 1), bool)], 1)
        ends.append(np.append(OUTWARDS, OUTWARDS[-1])[outside.argmax(1)])
    return np.min(ends, 0)
