"""How thick the limbs of one person are, clothes included, measured in the mattes of the frames."""
import cv2
import numpy as np

from models.warping.frame_index import FrameIndex
from models.warping.part_choice import visibility
from models.warping.part_layers import Cutouts, Doll
from models.warping.parts import Bodies, Part
from util.sampling import evenly_spaced

FRAMES = 40                 # the most in which a part is measured
FEWEST = 5                  # with fewer it keeps its usual thickness
CLEAR = 0.85                # share of a part that must be seen, and free of others
SHARES = 0.3, 0.5, 0.7      # of a bone: where it is measured
OUTWARDS = np.linspace(0.2, 3.0, 29)        # usual reaches from the bone
THINNEST, THICKEST = 0.7, 2.0               # usual reaches


def doll_of(index: FrameIndex, channels: int = 3) -> Doll:
    """The parts of a run's frames, mirrored ones too."""
    return Doll(index, measured_bodies(index), index.track.size, channels)


def measured_bodies(index: FrameIndex) -> Bodies:
    """The bodies of all frames of index.both, with parts as thick as this person's."""
    track, both = index.track, index.both
    usual = Bodies(track.poses, track.joints, track.depth)
    parts = measured_parts(index, usual, track.size)
    return Bodies(both.poses, both.joints, both.depth, parts)


def measured_parts(frames: Cutouts, bodies: Bodies, size: tuple[int, int]) -> dict[str, Part]:
    """The parts with the reach that they have in these frames; trunk and head keep theirs.

    bodies   of all frames, which have `size` (W, H)
    """
    parts = {}
    for name, part in bodies.parts.items():
        wide = 1.0 if name in ('trunk', 'head') else thickness(frames, bodies, name, size)
        parts[name] = part._replace(reach=part.reach * wide)
    return parts


def thickness(frames: Cutouts, bodies: Bodies, name: str, size: tuple[int, int]) -> float:
    """How many usual reaches thick a part is: the median of its thinner side over its frames."""
    visible, free = visibility(bodies, name, size)
    clear = np.flatnonzero((visible >= CLEAR) & (free >= CLEAR)
                           & bodies.placed[name].seen[:, 0])
    clear = clear[evenly_spaced(len(clear), FRAMES)]
    if len(clear) < FEWEST:
        return 1.0
    found = [side_of(frames.cutout(int(row))[..., -1], bodies, name, int(row)) for row in clear]
    return float(np.clip(np.median(np.concatenate(found)), THINNEST, THICKEST))


def side_of(matte: np.ndarray, bodies: Bodies, name: str, row: int) -> np.ndarray:
    """float (S,), in usual reaches: how far from the bone the person ends, at each of SHARES, on
    the side where that is nearer.

    matte   uint8 (H, W)
    """
    placed = bodies.placed[name]
    start, end = placed.start[row, 0], placed.end[row, 0]
    line = end - start
    across = np.array([-line[1], line[0]]) / max(float(np.hypot(*line)), 1e-6)
    reach = bodies.parts[name].reach * bodies.height[row]
    middles = start + np.array(SHARES)[:, None] * line
    ends = []
    for way in (across, -across):
        points = middles[:, None] + OUTWARDS[None, :, None] * reach * way
        points = points.astype(np.float32)
        seen = cv2.remap(matte, points[..., 0], points[..., 1], cv2.INTER_LINEAR) > 127
        outside = np.concatenate([~seen, np.ones((len(SHARES), 1), bool)], 1)
        ends.append(np.append(OUTWARDS, OUTWARDS[-1])[outside.argmax(1)])
    return np.min(ends, 0)
