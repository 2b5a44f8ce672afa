"""The parts of a body: where they lie in a frame, and which pixels of it they own.

A part is a limb segment, the head or the trunk. It moves as a whole: one affine map takes it from a
frame into a pose, as with a paper doll (Ju, Black and Yacoob, "Cardboard People: A Parameterized
Model of Articulated Image Motion", FG 1996).

Shape letters: F frames, K joints, B bones, P points, H W pixels. Poses are float (F, K, 3): x px,
y px (pixel centres at integers), confidence, 0 = not seen. Lengths without a unit are shares of the
body height.
"""
from collections.abc import Mapping
from copy import copy
from typing import NamedTuple

import numpy as np

from pose.body import heights, joint_at
from pose.skeleton import Skeleton


class Part(NamedTuple):
    """One part of the body.

    bones   pairs of joints that it lies around; the first is its axis
    reach   how thick it is around them
    parent  the part that it hangs on, '' for the trunk
    beyond  how far it goes on behind the end of its bones, in lengths of a bone: hand, toes, hair
    widest  reaches: what is farther from the bones is not the part's
    """
    bones: tuple[tuple[str, str], ...]
    reach: float
    parent: str
    beyond: float = 0.0
    widest: float = 2.6                 # hair and wide sleeves


TRUNK = Part((('Neck', 'MidHip'), ('RShoulder', 'RHip'), ('LShoulder', 'LHip'),
              ('RShoulder', 'LShoulder'), ('RHip', 'LHip')), 0.10, '', widest=1.7)
HEAD = Part((('Neck', 'Nose'), ('REar', 'LEar')), 0.095, 'trunk', 0.6)
# of each side: name, joints of the bones, reach, parent, beyond
LIMBS = (('upper arm', (('Shoulder', 'Elbow'),), 0.05, 'trunk', 0.0),
         ('forearm', (('Elbow', 'Wrist'),), 0.04, 'upper arm', 0.7),
         ('thigh', (('Hip', 'Knee'),), 0.065, 'trunk', 0.0),
         ('shin', (('Knee', 'Ankle'),), 0.05, 'thigh', 0.0),
         ('foot', (('Ankle', 'BigToe'), ('Ankle', 'Heel')), 0.04, 'shin', 0.3))
FOOT_BEYOND = 0.35          # of the shin, where the skeleton has no toes: the foot goes with it
SINGLE = 'trunk', 'head', 'skirt'         # parts that are not one of a pair
ARMS, LEGS = ('upper arm', 'forearm'), ('thigh', 'shin', 'foot')
# In place of both legs, for who wears it down to the ankles (models.warping.part_skirt): the cloth
# between the legs goes with both, and what is seen of the feet goes with its hem.
SKIRT = Part(tuple((side + start, side + end)
                   for start, end in (('Hip', 'Knee'), ('Knee', 'Ankle'), ('Ankle', 'BigToe'),
                                      ('Ankle', 'Heel')) for side in 'RL'),
             0.13, 'trunk', widest=2.0)
SKIRT_LEGS = 4              # its bones without the feet
# The least rank of these: what lies before them owns its pixels wherever it reaches.
FLOORS = {'trunk': 1.0, 'head': 0.8, 'skirt': 0.8}
FAR, INSIDE = 9.0, 0.3      # distance of a part that is not seen, and of the middle of one
# Rings of joints between which a part is all one.
MIDDLES = {'trunk': (('RShoulder', 'LShoulder', 'LHip', 'RHip'),),
           'skirt': (('RHip', 'LHip', 'LKnee', 'RKnee'), ('RKnee', 'LKnee', 'LAnkle', 'RAnkle'))}
BEFORE, BEHIND = 0.8, 1.25  # factor on the distance of a part that lies before or behind the trunk
BEHIND_BY = 0.02            # deeper than the trunk: an arm behind it
END_WIDTH = 1.4             # how much wider a hand is than a wrist
NECK_WIDTH = 0.4            # how much thinner a neck is than a head


def _parts() -> dict[str, Part]:
    parts = {'trunk': TRUNK, 'head': HEAD}
    for side in 'RL':
        for name, bones, reach, parent, beyond in LIMBS:
            own = tuple((side + start, side + end) for start, end in bones)
            above = parent if parent == 'trunk' else f'{side} {parent}'
            parts[f'{side} {name}'] = Part(own, reach, above, beyond)
    return parts


PARTS = _parts()


class Placed(NamedTuple):
    """The bones of one part in some poses.

    start, end   float (F, B, 2) px
    seen         bool (F, B): both joints are seen
    """
    start: np.ndarray
    end: np.ndarray
    seen: np.ndarray


class Bodies:
    """Poses, part by part.

    poses    float (F, K, 3) px
    depth    float (F, K) px as a PoseTrack has it, NaN where unknown; None without any
    parts    the parts as thick as this person's are; None takes the usual ones
    """

    def __init__(self, poses: np.ndarray, skeleton: Skeleton, depth: np.ndarray | None = None,
                 parts: Mapping[str, Part] | None = None):
        self.poses = poses
        self.depth = depth
        self.skeleton = skeleton
        self.height = np.maximum(heights(poses, skeleton), 1e-3)
        self.parts = dict(parts or parts_of(skeleton))
        self.placed = {name: self._place(part) for name, part in self.parts.items()}

    def __len__(self) -> int:
        return len(self.poses)

    def one(self, row: int) -> 'Bodies':
        """The body of one frame."""
        some = slice(row, row + 1)
        found = copy(self)
        found.poses, found.height = self.poses[some], self.height[some]
        found.depth = None if self.depth is None else self.depth[some]
        found.placed = {}
        for name, (start, end, seen) in self.placed.items():
            found.placed[name] = Placed(start[some], end[some], seen[some])
        return found

    def joint(self, name: str) -> np.ndarray:
        """float (F, 3): a joint by name."""
        return joint_at(self.poses, self.skeleton, name)

    def _place(self, part: Part) -> Placed:
        starts = np.stack([self.joint(start) for start, _ in part.bones], 1)
        ends = np.stack([self.joint(end) for _, end in part.bones], 1)
        return Placed(starts[..., :2], ends[..., :2],
                      np.minimum(starts[..., 2], ends[..., 2]) > 0)

    def vectors(self, name: str) -> np.ndarray:
        """float (F, B, 2): the bones of a part, in body heights; NaN where not seen."""
        placed = self.placed[name]
        vectors = (placed.end - placed.start) / self.height[:, None, None]
        return np.where(placed.seen[..., None], vectors, np.nan)

    def depths(self, name: str) -> np.ndarray:
        """float (F,), in body heights from the hips' middle, smaller is nearer: how far away a
        part is; 0 where unknown."""
        if self.depth is None:
            return np.zeros(len(self))
        joints = {joint for bone in self.parts[name].bones for joint in bone}
        rows = [self.skeleton.index(joint) for joint in sorted(joints)
                if joint in self.skeleton.joints]
        depth = np.nan_to_num(self.depth[:, rows]).mean(1)
        return depth / self.height

    def facing(self) -> np.ndarray:
        """float (F, 3), in body heights: the line from the right to the left shoulder, x and y, and
        half of its depth, which detectors guess; NaN where one of them is not seen."""
        right, left = self.joint('RShoulder'), self.joint('LShoulder')
        line = (left - right)[:, :2] / self.height[:, None]
        line[np.minimum(right[:, 2], left[:, 2]) == 0] = np.nan
        deep = np.zeros(len(self))
        if self.depth is not None:
            shoulders = [self.skeleton.index(side + 'Shoulder') for side in 'RL']
            deep = 0.5 * np.nan_to_num(np.diff(self.depth[:, shoulders])[:, 0]) / self.height
        return np.column_stack([line, deep])


def parts_of(skeleton: Skeleton, skirt: bool = False) -> dict[str, Part]:
    """The parts that a skeleton's joints show, in PARTS' order; with a skirt in place of the legs
    last."""
    known = {*skeleton.joints, 'MidHip'}
    found = {}
    every = PARTS
    if skirt:
        every = {name: part for name, part in PARTS.items() if not name.endswith(LEGS)}
        every['skirt'] = SKIRT
    for name, part in every.items():
        bones = tuple(bone for bone in part.bones if known.issuperset(bone))
        if bones:
            found[name] = part._replace(bones=bones)
    for side in 'RL':
        if f'{side} foot' not in found and not skirt:
            shin = found[f'{side} shin']
            found[f'{side} shin'] = shin._replace(beyond=FOOT_BEYOND)
    return found


def distances(points: np.ndarray, bodies: Bodies, name: str) -> np.ndarray:
    """float32 (F, P): how far points are from a part, 1 at the end of its reach; FAR where the part
    is not seen.

    points   float (F or 1, P, 2) px
    """
    part, placed = bodies.parts[name], bodies.placed[name]
    reach = (part.reach * bodies.height)[:, None]
    usual = part.reach if name == 'skirt' else PARTS[name].reach
    thinner = min(part.reach / usual, 1)                    # a hand is as wide on a thin arm
    nearest = np.full((len(bodies), points.shape[1]), FAR, np.float32)
    x, y = points[..., 0], points[..., 1]
    for b in range(len(part.bones)):
        start_x, start_y = placed.start[:, b, :, None].astype(np.float32).transpose(1, 0, 2)
        end_x, end_y = placed.end[:, b, :, None].astype(np.float32).transpose(1, 0, 2)
        along_x, along_y = end_x - start_x, end_y - start_y
        square = np.maximum(along_x ** 2 + along_y ** 2, 1e-6)
        to_x, to_y = x - start_x, y - start_y
        last = 1 + (part.beyond if b == 0 or name.endswith('foot') else 0)
        share = ((to_x * along_x + to_y * along_y) / square).clip(0, last)
        away = np.hypot(to_x - share * along_x, to_y - share * along_y) / reach
        away = np.where(share > 1, away * thinner / END_WIDTH, away)
        if name == 'head' and b == 0:
            away = away / (NECK_WIDTH + (1 - NECK_WIDTH) * (2 * share).clip(0, 1))
        nearest = np.where(placed.seen[:, b, None], np.minimum(nearest, away), nearest)
    for corners in MIDDLES.get(name, ()):
        nearest = np.where(within(points, bodies, corners), np.minimum(nearest, INSIDE), nearest)
    return nearest.astype(np.float32)


def past_ends(points: np.ndarray, bodies: Bodies, name: str) -> np.ndarray:
    """float (F, P), in reaches: how far points lie past the ends of a part where another part goes
    on; 0 along it, and where its axis is not seen, as that of a head from behind."""
    if name == 'skirt':
        return past_hips(points, bodies)
    part, placed = bodies.parts[name], bodies.placed[name]
    reach = (part.reach * bodies.height)[:, None]
    start, end = placed.start[:, 0, None], placed.end[:, 0, None]
    length = np.maximum(np.linalg.norm(end - start, axis=-1), 1e-3)
    along = ((points - start) * (end - start)).sum(-1) / length
    past = np.maximum(-along, 0) / (NECK_WIDTH if name == 'head' else 1)
    if any(other.parent == name for other in bodies.parts.values()):
        past = np.maximum(past, along - length)
    return np.where(placed.seen[:, 0, None], past / reach, 0)


def past_hips(points: np.ndarray, bodies: Bodies) -> np.ndarray:
    """float (F, P), in reaches of a skirt: how far points lie above the hips, which a trunk's line
    goes down to."""
    middle = bodies.joint('MidHip')[:, None]
    line = bodies.joint('Neck')[:, None, :2] - middle[..., :2]
    length = np.maximum(np.linalg.norm(line, axis=-1), 1e-3)
    up = ((points - middle[..., :2]) * line).sum(-1) / length
    reach = (bodies.parts['skirt'].reach * bodies.height)[:, None]
    return np.where(middle[..., 2] > 0, np.maximum(up, 0) / reach, 0)


def within_trunk(points: np.ndarray, bodies: Bodies) -> np.ndarray:
    """bool (F, P): the points between shoulders and hips."""
    return within(points, bodies, MIDDLES['trunk'][0])


def within(points: np.ndarray, bodies: Bodies, joints: tuple[str, ...]) -> np.ndarray:
    """bool (F, P): the points within the ring of four joints."""
    corners = [bodies.joint(joint) for joint in joints]
    ring = np.stack([corner[:, :2] for corner in corners], 1)
    seen = np.stack([corner[:, 2] for corner in corners], 1).min(1) > 0
    inside = np.zeros((len(bodies), points.shape[1]), np.int8)
    for k in range(4):
        a, b = ring[:, k, None], ring[:, (k + 1) % 4, None]
        edge, to = b - a, points - a
        inside += np.sign(edge[..., 0] * to[..., 1] - edge[..., 1] * to[..., 0]).astype(np.int8)
    return (np.abs(inside) == 4) & seen[:, None]


def biases(bodies: Bodies) -> dict[str, np.ndarray]:
    """{part: float (F,)}: the factor on distances where parts overlap: the nearer to the camera
    owns the pixel. Arms lie before the trunk unless their depth says that they lie behind it."""
    trunk = bodies.depths('trunk')
    found = {name: np.ones(len(bodies)) for name in bodies.parts}
    found['head'][:] = BEFORE
    for name in found:
        if name.endswith(ARMS):
            behind = bodies.depths(name) > trunk + BEHIND_BY
            found[name] = np.where(behind, BEHIND, BEFORE)
    return found
