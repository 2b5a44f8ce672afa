"""Which frame shows each part of the body for every pose of a film, and what lies before what.

Where no whole frame is near a pose, each part is chosen by itself: from a frame whose part points
the same way, is seen whole, free of others, and sharp. Neighbouring parts prefer one frame, and
each part prefers to go on in time (pose.matching.retrieval.best_path).

Shape letters: F poses of the film, T frames, B bones. Costs are in %^2 of the body height.
"""
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch

from data.base_dataset import BaseDataset
from models.warping.bones import Bones, areas, named_bones
from models.warping.frame_index import FrameIndex, rescaled, track_of
from models.warping.parts import ARMS, FLOORS, LEGS, Bodies, Part, biases, distances
from models.warping.settings import PartSettings
from pose.matching.retrieval import RetrievalSettings, best_path, least, nearest_true
from pose.stretches import shot_slices
from pose.track import PoseTrack
from util.sampling import evenly_spaced

LIMB_ENDS = 'Elbow', 'Wrist', 'Knee', 'Ankle'
CROSSFADE = 3               # frames from whole to parts: a longer one shows two people
CHUNK = 4_000_000           # differences of bones held in memory at a time
ALONG = np.linspace(0, 1, 7)            # of a part's axis: where it is looked at
FREE = 1.1                  # reaches from another part
SKULL = 1.9                 # of the line from neck to nose: the top of the skull
SAME = 0.3                  # seconds: an arm has not moved away from the trunk it hides


class PartsShown(NamedTuple):
    """How a pose is painted part by part.

    rows    {layer: row of index.both}; a layer is a part, or 'trunk below'
    order   the layers from back to front
    far     0 whole frames alone, 1 parts alone
    """
    rows: dict[str, int]
    order: list[str]
    far: float


WHOLE = PartsShown({}, [], 0.0)         # no part by itself


def choose_parts(index: FrameIndex, dataset: BaseDataset, rows: np.ndarray,
                 settings: PartSettings, facing: float) -> list[PartsShown]:
    """For every pose of a dataset, how it is painted part by part.

    rows     (F, N) of index.both: the whole frames chosen for each pose
    facing   as WarpSettings has it
    """
    known = index.both
    film = rescaled(track_of(dataset).numbered(known.skeleton), known.size)
    far = farness(known, rows, film, settings, facing)
    # a pose without a torso says nothing of its parts: the nearest one in time stands in
    near = nearest_true(film.seen())
    depth = None if film.depth is None else film.depth[near]
    query = Bodies(film.poses[near], film.joints, depth)
    parts = PartIndex(known, settings, index.settings.retrieval)
    chosen = parts.choose(film, query)
    orders = drawing_order(film, query, settings)
    shown = []
    for f, order in enumerate(orders):
        rows_of = {layer: int(chosen[layer][f]) for layer in order}
        shown.append(PartsShown(rows_of, order, float(far[f])))
    return shown


def farness(known: PoseTrack, rows: np.ndarray, film: PoseTrack, settings: PartSettings,
            facing: float) -> np.ndarray:
    """float (F,) 0..1: how far poses are from the whole frames chosen for them, held over time so
    that a person does not flicker between whole and parts. A limb that a pose does not show counts
    for nothing, and a pose without a torso is not far."""
    from scipy.ndimage import median_filter, uniform_filter1d
    frames, poses = torch.from_numpy(known.poses), torch.from_numpy(film.poses)
    strains = [Bones.of(frames[some], poses, known.joints).strains(facing)
               for some in torch.from_numpy(rows).unbind(1)]
    shares = areas(poses, known.joints)
    left = (torch.stack(strains).amin(0).clamp(max=1) * shares).sum(1).numpy()
    limbs = [number for number, (_, end) in enumerate(named_bones(known.joints))
             if end.endswith(LIMB_ENDS)]
    worst = torch.where(shares > 0, strains[0], 0)[:, limbs].amax(1).numpy()
    unlike = ((left > settings.strain) | (worst > settings.limb)) & film.seen()
    window = 2 * max(1, round(settings.calm * film.fps)) + 1
    far = np.empty(len(unlike))
    for shot in shot_slices(film.shots):
        held = median_filter(unlike[shot].astype(float), window, mode='nearest')
        far[shot] = uniform_filter1d(held, CROSSFADE, mode='nearest')
    return far * film.seen()


class PartIndex:
    """The parts of a video's frames, ready for searching.

    track   poses, times and depth of frames, the second half of them mirrored; T of those that
            show a torso are searched
    """

    def __init__(self, track: PoseTrack, settings: PartSettings, search: RetrievalSettings):
        half = len(track) // 2
        seen = np.flatnonzero(track.seen()[:half])
        some = seen[evenly_spaced(len(seen), max(1, settings.frames // 2))]
        self.rows = np.concatenate([some, half + some])
        self.track = track.select(self.rows)
        self.settings = settings
        # frames that were left out between two others make no jump of the step between them
        spacing = float(np.median(np.diff(self.track.times[:len(some)]))) if len(some) > 1 else 0.0
        self.search = replace(search, flow=max(search.flow, 1.5 * spacing))
        self.bodies = Bodies(self.track.poses, self.track.joints, self.track.depth)
        self.mirrored = self.rows >= half
        blur = speeds(track)[self.rows]
        self.flaws = {name: self._flaw(name, blur) for name in self.bodies.parts}

    def _flaw(self, name: str, blur: np.ndarray) -> np.ndarray:
        """float (T,): what speaks against each frame of a part, whatever the pose."""
        settings = self.settings
        visible, free = visibility(self.bodies, name, self.track.size)
        covered = settings.covered if name.endswith((*ARMS, 'trunk', 'head')) else settings.aside
        part = self.bodies.parts[name]
        ends = [self.track.joints.index(joint) for bone in part.bones for joint in bone
                if joint in self.track.joints.joints]
        moved = blur[:, ends].mean(1) / part.reach
        return (settings.hidden * (1 - visible) + covered * (1 - free)
                + settings.blurred * moved.clip(0, 2) + settings.mirrored * self.mirrored
                + 1.0 * ~self.bodies.placed[name].seen.any(1))

    def costs(self, query: Bodies, name: str) -> Iterator[tuple[slice, np.ndarray]]:
        """Some poses at a time, float32 (f, T): how unlike each frame's part is each pose's. All
        poses of a long film at once would not fit into memory."""
        settings = self.settings
        asked, known = query.vectors(name), self.bodies.vectors(name)
        facing = query.facing(), self.bodies.facing()
        weight = settings.facing * (1.0 if name in ('trunk', 'head') else 0.5)
        step = max(1, CHUNK // known.size)
        for start in range(0, len(query), step):
            some = slice(start, start + step)
            square = ((asked[some, None] - known) ** 2).sum(-1)
            there = np.isfinite(square)
            bones = np.where(there, square, 0).sum(-1) / np.maximum(there.sum(-1), 1)
            turned = np.nan_to_num(((facing[0][some, None] - facing[1]) ** 2).sum(-1))
            costs = 1e4 * (bones + weight * turned + self.flaws[name])
            yield some, costs.astype(np.float32)

    def choose(self, film: PoseTrack, query: Bodies) -> dict[str, np.ndarray]:
        """{part: int64 (F,) rows of the whole track}, and 'trunk below', which shows what arms
        cover in the trunk's frame."""
        settings = self.settings
        chosen: dict[str, np.ndarray] = {}
        for name in query.parts:
            parent = chosen.get(query.parts[name].parent)
            chosen[name] = self._path(film, query, name, parent, -settings.kin, self.search.flow)
            if name == 'trunk':
                trunk = chosen[name]
                chosen['trunk below'] = self._path(film, query, name, trunk, settings.hidden, SAME)
        return {name: self.rows[rows] for name, rows in chosen.items()}

    def _path(self, film: PoseTrack, query: Bodies, name: str, shown: np.ndarray | None,
              price: float, seconds: float) -> np.ndarray:
        """int64 (F,) of the T frames: the ones that show a part in turn.

        shown    int64 (F,): the frames of another layer, None without one. Frames within that many
                 `seconds` of them cost `price` more
        """
        count = min(self.search.candidates, len(self.bodies))
        rows = np.empty((len(query), count), np.int64)
        found = np.empty(rows.shape, np.float32)
        for some, costs in self.costs(query, name):
            if shown is not None:
                costs += np.float32(1e4 * price) * self._near(shown[some], seconds)
            rows[some] = [least(cost, count) for cost in costs]
            found[some] = np.take_along_axis(costs, rows[some], 1)
        return best_path(rows, found, self.track, film.shots, 1.0, self.search)

    def _near(self, rows: np.ndarray, seconds: float) -> np.ndarray:
        """bool (F, T): the frames within that time of each of F rows."""
        times, shots = self.track.times, self.track.shots
        return (np.abs(times[rows, None] - times) <= seconds) & (shots[rows, None] == shots)


def visibility(bodies: Bodies, name: str, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """float (T,) 0..1 each: the share of a part that is in the picture, `size`, and before all
    others; and the share that lies free of others, but for the joints it shares with them."""
    points = points_on(bodies, name)
    inside = ((points >= 0) & (points <= np.array(size) - 1)).all(-1)
    bias = biases(bodies)
    own = distances(points, bodies, name) * bias[name][:, None]
    own = np.maximum(own, FLOORS.get(name, 0))
    visible, free = inside.copy(), np.ones_like(inside)
    for other in bodies.parts:
        apart = ~meeting(name, other, bodies.parts, points.shape[1])
        away = distances(points, bodies, other)
        visible &= (own <= away * bias[other][:, None]) | ~apart
        free &= (away > FREE) | ~apart
    return visible.mean(1), free.mean(1)


def meeting(name: str, other: str, parts: Mapping[str, Part], count: int) -> np.ndarray:
    """bool (P,): where along a part another one lies on it in any pose: all along for itself and
    between the trunk and what hangs on it, towards their joint between two limb segments."""
    near = np.zeros(count, bool)
    above, below = parts[name].parent == other, parts[other].parent == name
    if name == other or ('trunk' in (name, other) and (above or below)):
        near[:] = True
    elif above:
        near[:count // 2] = True
    elif below:
        near[-(count // 2):] = True
    return near


def points_on(bodies: Bodies, name: str) -> np.ndarray:
    """float (T, P, 2) px: points along a part's axis, from its start to its end."""
    if name == 'trunk':
        return _trunk_points(bodies)
    if name == 'head':
        return _head_points(bodies)
    placed = bodies.placed[name]
    first = np.argmax(placed.seen, 1)
    rows = np.arange(len(bodies))
    start, end = placed.start[rows, first, None], placed.end[rows, first, None]
    return start + ALONG[:, None] * (end - start)


def _trunk_points(bodies: Bodies) -> np.ndarray:
    """float (T, 12, 2): points spread over the trunk, from the line of the shoulders on: a hand on
    the collar covers it too."""
    corners = [bodies.joint(joint)[:, None, :2]
               for joint in ('RShoulder', 'LShoulder', 'RHip', 'LHip')]
    across = np.array([0.15, 0.5, 0.85])[None, :, None]
    top = corners[0] + across * (corners[1] - corners[0])
    bottom = corners[2] + across * (corners[3] - corners[2])
    return np.concatenate([top + share * (bottom - top) for share in (0, 0.2, 0.5, 0.85)], 1)


def _head_points(bodies: Bodies) -> np.ndarray:
    """float (T, 8, 2) px: points of neck, face and hair; at the nose where an ear is not seen."""
    neck, nose = bodies.joint('Neck')[:, None, :2], bodies.joint('Nose')[:, None, :2]
    sides = []
    for joint in ('REar', 'LEar', 'REye', 'LEye'):
        ear = bodies.joint(joint)
        sides.append(np.where(ear[:, None, 2:] > 0, ear[:, None, :2], nose))
    up = nose - neck
    return np.concatenate([neck + 0.6 * up, nose, neck + 1.5 * up, neck + SKULL * up, *sides], 1)


def speeds(track: PoseTrack) -> np.ndarray:
    """float (T, K): by how much of the body height each joint moves from frame to frame, half of
    it on each side; 0 where unknown."""
    height = Bodies(track.poses, track.joints).height
    moved = np.linalg.norm(np.diff(track.poses[..., :2], axis=0), axis=-1) / height[1:, None]
    moved = moved / np.maximum(np.diff(track.index), 1)[:, None]
    both = (track.poses[1:, :, 2] > 0) & (track.poses[:-1, :, 2] > 0)
    moved = moved * both * (track.shots[1:] == track.shots[:-1])[:, None]
    none = np.zeros((1, moved.shape[1]))
    return (np.concatenate([none, moved]) + np.concatenate([moved, none])) / 2


def drawing_order(film: PoseTrack, query: Bodies, settings: PartSettings) -> list[list[str]]:
    """For each pose its layers from back to front: what shows through between trunk and thighs, an
    arm behind the trunk, the farther and the nearer leg, the trunk, the head, and the farther and
    the nearer arm before it."""
    from scipy.ndimage import median_filter
    trunk = query.depths('trunk')
    window = 2 * max(1, round(settings.calm * film.fps / 2)) + 1

    def held(values: np.ndarray) -> np.ndarray:
        calm = values.astype(float)
        for shot in shot_slices(film.shots):
            calm[shot] = median_filter(calm[shot], window, mode='nearest')
        return calm > 0.5
    arms = {side: _mean_depth(query, side, ARMS) for side in 'RL'}
    legs = {side: _mean_depth(query, side, LEGS[:2]) for side in 'RL'}
    behind = {side: held((query.depths(f'{side} forearm') > trunk + 0.04)
                         & (query.depths(f'{side} upper arm') > trunk)) for side in 'RL'}
    right_arm, right_leg = held(arms['R'] > arms['L']), held(legs['R'] > legs['L'])
    orders = []
    for f in range(len(query)):
        of_arms = 'RL' if right_arm[f] else 'LR'            # the farther one first
        of_legs = 'RL' if right_leg[f] else 'LR'
        back = [side for side in of_arms if behind[side][f]]
        front = [side for side in of_arms if not behind[side][f]]
        names = ['trunk below']
        names += [f'{side} {name}' for side in back for name in ('forearm', 'upper arm')]
        names += [f'{side} {name}' for side in of_legs for name in ('foot', 'shin', 'thigh')]
        names += ['trunk', 'head']
        names += [f'{side} {name}' for side in front for name in ('upper arm', 'forearm')]
        orders.append([name for name in names if name in query.parts or name == 'trunk below'])
    return orders


def _mean_depth(query: Bodies, side: str, names: tuple[str, ...]) -> np.ndarray:
    known = [f'{side} {name}' for name in names if f'{side} {name}' in query.parts]
    return np.mean([query.depths(name) for name in known], 0)
