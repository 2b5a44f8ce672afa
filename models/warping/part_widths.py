"""How thick the limbs of one person are, and how wide at most, clothes included: measured in the
mattes of the frames."""
from collections import defaultdict
from collections.abc import Mapping

import cv2
import numpy as np

from models.warping.cutouts import Cutout, Cutouts, TightCutouts
from models.warping.frame_index import FrameIndex
from models.warping.part_layers import Doll
from models.warping.part_sight import visibility
from models.warping.parts import Bodies, Part, distances
from pose.skeleton import moved
from util.images import scaling
from util.sampling import evenly_spaced

FRAMES = 40                 # the most in which a part is measured
FEWEST = 5                  # with fewer it keeps its usual thickness
CLEAR = 0.85                # share of a part that must be seen, and free of others
SHARES = 0.3, 0.5, 0.7      # of a bone: where it is measured
OUTWARDS = np.linspace(0.2, 3.0, 29)        # usual reaches from the bone
THINNEST, THICKEST = 0.7, 2.0               # usual reaches
FEWEST_SIDES = 20           # with fewer, a part is as wide at most as parts usually are
MOST, MARGIN = 0.9, 1.2     # share of the sides that are no wider; a little more, for the edge
OTHER = {'R': 'L', 'L': 'R'}
LEAST = 1.5                 # reaches: at 1.3 the edge of a bare forearm was cut off


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
        usual = Bodies(poses[:half], both.joints, None if depth is None else depth[:half],
                       index.parts)
        parts = measured_parts(cutouts, usual)
    return Bodies(poses, both.joints, depth, parts)


def measured_parts(cutouts: TightCutouts, bodies: Bodies) -> dict[str, Part]:
    """The parts as thick, and as wide at most, as they are in these frames; trunk, head and
    skirt stay as they are. A side that is hidden nearly always is as thin as the other one.

    bodies   of the frames that are looked at, the first ones of `cutouts`
    """
    parts = dict(bodies.parts)
    thick: dict[str, float | None] = {}
    farthest = defaultdict(list)
    for name in parts:
        if name in ('trunk', 'head', 'skirt'):
            continue
        thick[name], far = thickness(cutouts, bodies, name)
        farthest[name[2:]].append(far)
    for name, own in thick.items():
        part = bodies.parts[name]
        other = thick.get(OTHER[name[0]] + name[1:])
        usual = own or min(other or 1.0, 1.0)
        found = np.concatenate(farthest[name[2:]])
        widest = part.widest
        if len(found) >= FEWEST_SIDES:
            most = MARGIN * float(np.quantile(found, MOST)) / usual
            widest = min(max(most, LEAST), widest)
        parts[name] = part._replace(reach=part.reach * usual, widest=widest)
    return parts


def thickness(cutouts: TightCutouts, bodies: Bodies, name: str) -> tuple[float | None, np.ndarray]:
    """How many usual reaches thick a part is, the median of its thinner side over its frames, None
    where those are few; and, of each side that ends where no other part is, float (N,), how many
    usual reaches away."""
    visible, free = visibility(bodies, name, cutouts.size)
    clear = np.flatnonzero((visible >= CLEAR) & (free >= CLEAR)
                           & bodies.placed[name].seen[:, 0])
    clear = clear[evenly_spaced(len(clear), FRAMES)]
    if len(clear) < FEWEST:
        return None, np.empty(0)
    found, merged = zip(*[sides_of(cutouts.cutout(int(row)), bodies, name, int(row))
                          for row in clear])
    sides = np.stack(found)
    thick = float(np.clip(np.median(sides.min(1)), THINNEST, THICKEST))
    return thick, sides[~np.stack(merged)]


def sides_of(cutout: Cutout, bodies: Bodies, name: str, row: int
             ) -> tuple[np.ndarray, np.ndarray]:
    """float (2, S), in usual reaches: how far from the bone the person ends, at each of SHARES, on
    both sides; and bool (2, S), where another part is nearer to that end."""
    placed = bodies.placed[name]
    start, end = placed.start[row, 0], placed.end[row, 0]
    line = end - start
    across = np.array([-line[1], line[0]]) / max(float(np.hypot(*line)), 1e-6)
    reach = bodies.parts[name].reach * bodies.height[row]
    matte = cv2.extractChannel(cutout.image, cutout.image.shape[2] - 1)
    middles = start + np.array(SHARES)[:, None] * line
    ways = np.stack([across, -across])[:, None, None]
    points = middles[:, None] + OUTWARDS[:, None] * reach * ways            # (2, S, outwards, 2)
    places = (points - (cutout.left, cutout.top)).astype(np.float32)
    seen = cv2.remap(matte, places[..., 0].reshape(-1, len(OUTWARDS)),
                     places[..., 1].reshape(-1, len(OUTWARDS)), cv2.INTER_LINEAR) > 127
    seen = seen.reshape(points.shape[:-1])
    outside = np.concatenate([~seen, np.ones((*seen.shape[:2], 1), bool)], -1).argmax(-1)
    last = np.minimum(outside, len(OUTWARDS) - 1)
    ends = np.take_along_axis(points, last[..., None, None], 2).reshape(1, -1, 2)
    one = bodies.one(row)
    own = distances(ends, one, name)
    others = [distances(ends, one, other) for other in bodies.parts if other != name]
    merged = (np.min(others, 0) < own) | (outside.reshape(1, -1) == len(OUTWARDS))
    return OUTWARDS[last], merged.reshape(last.shape)
