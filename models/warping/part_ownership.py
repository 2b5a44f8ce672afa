"""Which pixels of one frame each part of the body owns.

Shape letters as in models.warping.parts; h w coarse pixels.
"""
import cv2
import numpy as np

from models.warping.part_hair import hair
from models.warping.parts import (
    ARMS,
    FAR,
    FLOORS,
    MIDDLES,
    Bodies,
    Part,
    biases,
    distances,
    past_ends,
    within,
    within_trunk,
)

SIDE = 240                  # coarse px along the longer side, at which ownership is computed
BACK = 0.06                 # of the height, by which the right shoulder lies right of the left one:
                            # the back is seen
HANGS = 0.8, 0.65           # of the way from neck to hips: hair ends above; clothes are seen below
RIM = 2                     # coarse px around hair where clothes are mixed with it
SEAM = 0.8                  # reaches: at an elbow a forearm of another light takes over slowly
UPPER_ARMS = 'R upper arm', 'L upper arm'
SURE = 250                  # of 255: so much of a coarse pixel is the person where colours count
SOFT = 0.25                 # reaches over which ownership changes
PAST = 0.8                  # reaches: how far a limb goes on past a joint
COLLAR = 0.45               # of the way from neck to nose: neck and collar end below the chin
# reaches: radius of the overlap at a joint. More of an elbow that is bent in its frame would be a
# knob on a straight arm. More of a neck would lay its collar over the print on a shirt; less, 0.05,
# opens a slit between collar and chest
DISC, DISC_ARM, DISC_HEAD = 0.9, 0.65, 0.15
WAIST = 0.4                 # reaches: how far a skirt goes on above the hips, under a jacket


def relatives(name: str, parts: dict[str, Part]) -> set[str]:
    """A part, the one it hangs on and those that hang on it: they overlap at their joints."""
    near = {name, parts[name].parent}
    return {other for other in parts if other in near or parts[other].parent == name}


def widths(points: np.ndarray, bodies: Bodies, name: str) -> np.ndarray:
    """float (F, P), in reaches: how far from its bones a part may own a point. Towards an elbow or
    a knee no farther than the thinner segment there is thick: of a limb that is bent in its frame,
    more would be a knob on a straight one, and a trouser that ends there would leave a frill."""
    part = bodies.parts[name]
    other = other_segment(name, bodies.parts)
    if other is None:
        return np.full((len(bodies), points.shape[1]), part.widest)
    least = (1 + SOFT) * min(1, bodies.parts[other].reach / part.reach)
    return (least + from_middle(points, bodies, name)).clip(least, max(least, part.widest))


def other_segment(name: str, parts: dict[str, Part]) -> str | None:
    """The forearm of an upper arm, the thigh of a shin and the like; None for other parts."""
    return next((other for other in parts if is_segment(name) and is_segment(other)
                 and (parts[name].parent == other or parts[other].parent == name)), None)


def is_segment(name: str) -> bool:
    return name.endswith((*ARMS, 'thigh', 'shin'))


def from_middle(points: np.ndarray, bodies: Bodies, name: str) -> np.ndarray:
    """float (F, P), in reaches: how far along a segment points lie from the elbow or knee."""
    placed = bodies.placed[name]
    start, end = placed.start[:, 0, None], placed.end[:, 0, None]
    middle, other = (start, end) if name.endswith(('forearm', 'shin')) else (end, start)
    length = np.maximum(np.linalg.norm(other - middle, axis=-1), 1e-3)
    along = ((points - middle) * (other - middle)).sum(-1) / length
    return along / (bodies.parts[name].reach * bodies.height)[:, None]


class Ownership:
    """Which pixels of one frame belong to which part.

    bodies   of that one pose
    size     (W, H) of the frame
    box      (left, top, width, height) of the frame where it is asked; None takes all of it
    image    uint8 (height, width, C + 1) of that box: colours, and how much of each pixel is the
             person; None asks the joints alone
    step     px of the frame for each coarse pixel, which are counted from the box's corner
    """

    def __init__(self, bodies: Bodies, size: tuple[int, int],
                 box: tuple[int, int, int, int] | None = None, image: np.ndarray | None = None):
        assert len(bodies) == 1
        self.bodies = bodies
        self.step = max(1, round(max(size) / SIDE))
        left, top, width, height = box or (0, 0, *size)
        self.coarse = -(-width // self.step), -(-height // self.step)
        x = left + (np.arange(self.coarse[0]) + 0.5) * self.step - 0.5
        y = top + (np.arange(self.coarse[1]) + 0.5) * self.step - 0.5
        self.points = np.stack(np.meshgrid(x, y), -1).reshape(1, -1, 2).astype(np.float32)
        bias = biases(bodies)
        self.away = {name: distances(self.points, bodies, name)[0] for name in bodies.parts}
        self.rank = {name: self.away[name] * bias[name][0] for name in bodies.parts}
        for name in FLOORS.keys() & self.rank:
            self.rank[name] = np.maximum(self.rank[name], FLOORS[name])
        self.widest = {name: widths(self.points, bodies, name)[0] for name in bodies.parts}
        for name, widest in self.widest.items():        # what is too far for one may be another's
            self.rank[name] += FAR * (self.away[name] > widest)
        self.past = {name: np.maximum(-from_middle(self.points, bodies, name)[0], 0)
                     for name in filter(is_segment, self.rank)}     # elbow or knee
        # past it the next segment goes on: a thicker upper arm would bite a notch into the forearm
        self.beyond: dict[str, np.ndarray] = {}
        for name, past in self.past.items():
            above = bodies.parts[name].parent
            if above in self.past:
                self.beyond[above] = self.past[above] / SOFT * (past == 0)
                self.rank[above] += self.beyond[above]
        # a chest below the neck, with the print on its shirt, and a jacket above a skirt are the
        # trunk's
        for name in ('head', 'skirt'):
            if name in bodies.parts:
                self.rank[name] += FAR * (past_ends(self.points, bodies, name)[0] > 0)
        self.hair = np.zeros(self.points.shape[1], bool)
        if image is not None:
            self._look(image)
        ranks = np.stack(list(self.rank.values()))
        self.owner = ranks.argmin(0)
        self.least, self.second = np.partition(ranks, 1, axis=0)[:2]

    def _look(self, image: np.ndarray) -> None:
        """Find what only colours show: the hair over a back."""
        width, height = (self.step * side for side in self.coarse)
        missing = height - image.shape[0], width - image.shape[1]
        image = cv2.copyMakeBorder(image, 0, missing[0], 0, missing[1], cv2.BORDER_REPLICATE)
        small = cv2.resize(image, self.coarse, interpolation=cv2.INTER_AREA).astype(np.float32)
        self.hair = self._hair(small)
        rim = np.ones((2 * RIM + 1, 2 * RIM + 1), np.uint8)
        near = cv2.dilate(self.hair.reshape(self.coarse[::-1]).astype(np.uint8), rim).ravel() > 0
        for name in self.rank:
            if name == 'head':
                self.rank[name][self.hair] = 0
            else:
                self.rank[name][near] = FAR

    def _hair(self, small: np.ndarray) -> np.ndarray:
        """bool (h w,): the hair over the back of somebody who is seen from behind."""
        right, left = (self.bodies.joint(side + 'Shoulder')[0] for side in 'RL')
        if right[0] - left[0] < BACK * self.bodies.height[0] or min(right[2], left[2]) == 0:
            return self.hair
        neck, middle = self.bodies.joint('Neck')[0, :2], self.bodies.joint('MidHip')[0, :2]
        line = middle - neck
        down = (self.points[0] - neck) @ line / max(float(line @ line), 1e-6)
        names = np.array(list(self.rank))
        ranks = np.stack(list(self.rank.values()))
        owner = names[ranks.argmin(0)]
        seen = small[..., -1].ravel() > SURE
        head = seen & (owner == 'head') & (down < 0)
        clothes = seen & (owner == 'trunk') & (down > HANGS[1]) & (down < 1)
        hangs = seen & (down < HANGS[0]) & np.isin(owner, ('head', 'trunk', *UPPER_ARMS))
        masks = [mask.reshape(self.coarse[::-1]) for mask in (head, clothes, hangs)]
        return hair(small[..., :-1] / 255, *masks).ravel()

    def of(self, name: str) -> np.ndarray:
        """float32 (h, w) 0..1: how much of each coarse pixel the part owns. At its joints it
        overlaps its relatives, so that no gap opens where they are bent."""
        mine = self.owner == list(self.rank).index(name)
        others = np.where(mine, self.second, self.least)
        owned = ((others - self.rank[name]) / SOFT + 0.5).clip(0, 1)
        owned[self._corner(name)] = 1
        owned *= ((self.widest[name] - self.away[name]) / SOFT).clip(0, 1)
        past = past_ends(self.points, self.bodies, name)[0]
        owned *= ((PAST - past) / SOFT + 0.5).clip(0, 1)
        if name == 'head':
            owned = np.maximum(owned, self.hair)
        if name != 'trunk':
            owned = np.maximum(owned, self._joints(name) * ~self.hair)
        if name.endswith('forearm'):
            along = from_middle(self.points, self.bodies, name)[0] / SEAM
            owned *= (along + 1).clip(0, 1)
        return owned.reshape(self.coarse[::-1])

    def between_legs(self) -> np.ndarray:
        """float32 (h, w), 0 or 1: where a skirt is cloth, whatever the matte says."""
        inside = [within(self.points, self.bodies, corners)[0] for corners in MIDDLES['skirt']]
        return np.max(inside, 0).astype(np.float32).reshape(self.coarse[::-1])

    def under_trunk(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """float32 (h, w), 0 or 1: the trunk between shoulders and hips, whatever lies before it;
        the clothes on the hips, which go with trunk and thighs, and neck and collar; and where
        nothing else lies before them."""
        inside = within_trunk(self.points, self.bodies)[0]
        before = [self.rank[name] for name in self.rank
                  if name.endswith(ARMS) or name == 'head']
        free = np.min(before, 0) > self.rank['trunk']
        edges = self._hips() & free | self._collar()
        clear = (inside & free) | edges
        shape = self.coarse[::-1]
        return (inside.astype(np.float32).reshape(shape), edges.astype(np.float32).reshape(shape),
                clear.astype(np.float32).reshape(shape))

    def _collar(self) -> np.ndarray:
        """bool (h w,): neck and collar, which the head owns in its frame. A head that stands higher
        above the shoulders than there does not cover them."""
        placed = self.bodies.placed['head']
        if not placed.seen[0, 0]:
            return np.zeros(self.points.shape[1], bool)
        neck, line = placed.start[0, 0], placed.end[0, 0] - placed.start[0, 0]
        share = (self.points[0] - neck) @ line / max(float(line @ line), 1e-6)
        is_head = self.owner == list(self.rank).index('head')
        return is_head & (share < COLLAR) & (self.away['trunk'] < 1) & ~self.hair

    def _hips(self) -> np.ndarray:
        """bool (h w,): the clothes on the hips. They are as wide as the hips above the hip joints
        and narrower towards the crotch: thighs that are spread otherwise show the rest."""
        neck, middle = self.bodies.joint('Neck')[0, :2], self.bodies.joint('MidHip')[0, :2]
        apart = self.bodies.joint('LHip')[0, :2] - self.bodies.joint('RHip')[0, :2]
        reach = self.bodies.parts['trunk'].reach * self.bodies.height[0]
        down = (middle - neck) / max(float(np.hypot(*(middle - neck))), 1e-3)
        to = self.points[0] - middle
        past, aside = to @ down / reach, np.abs(to @ (-down[1], down[0])) / reach
        outside = np.maximum(aside - np.hypot(*apart) / 2 / reach, 0)
        lower = (to[:, 1] > 0) & (past > 0) & (past < PAST) & (outside < 1 - past / PAST)
        lower &= 'skirt' not in self.bodies.parts
        upper = (past > -PAST) & (past <= 0)
        return (self.away['trunk'] < 1) & (lower | upper)

    def _corner(self, name: str) -> np.ndarray:
        """bool (h w,): the point of a bent elbow or knee, past the ends of both segments. It goes
        with both: it is no wider than they are, and a forearm without it ends in a notch."""
        other = other_segment(name, self.bodies.parts)
        if other is None:
            return np.zeros(self.points.shape[1], bool)
        names = list(self.rank)
        either = np.isin(self.owner, [names.index(name), names.index(other)])
        return either & (self.past[name] > 0) & (self.past[other] > 0)

    def _joints(self, name: str) -> np.ndarray:
        """float32 (h w,) 0..1: discs about the joints that the part shares with its relatives; of
        a skirt all of the hips."""
        parts = self.bodies.parts
        kin = relatives(name, parts)
        strangers = [self.rank[other] for other in parts if other not in kin]
        own = np.min([self.rank[other] - self.beyond.get(other, 0) for other in kin], 0)
        mine = own <= np.min(strangers, 0) + 0.1 if strangers else True
        wide = DISC_HEAD if name == 'head' else DISC_ARM if name.endswith(ARMS) else DISC
        if name == 'skirt':
            past = past_ends(self.points, self.bodies, name)[0]
            return ((WAIST - past) / SOFT + 0.5).clip(0, 1) * mine * (self.away[name] < 1)
        radius = wide * parts[name].reach * self.bodies.height[0]
        placed = self.bodies.placed[name]
        centres = [placed.start[0, 0]]
        if any(part.parent == name for part in parts.values()):
            centres.append(placed.end[0, 0])
        discs = np.zeros(self.points.shape[1], np.float32)
        for centre in centres:
            away = np.linalg.norm(self.points[0] - centre, axis=-1) / radius
            discs = np.maximum(discs, ((1 - away) / SOFT + 0.5).clip(0, 1))
        return discs * mine * placed.seen[0, 0]
