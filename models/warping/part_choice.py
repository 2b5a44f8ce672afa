"""Which frame shows each part of the body for every pose of a film.

Where no whole frame is near a pose, each part is chosen by itself: from a frame whose part points
the same way, is seen whole, free of others, and sharp. Neighbouring parts prefer one frame, and
each part prefers to go on in time (pose.matching.retrieval.best_path).

Shape letters: F poses of the film, T frames, B bones. Costs are in %^2 of the body height.
"""
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import NamedTuple, TypeAlias

import numpy as np
import torch
from torch import Tensor

from data.base_dataset import BaseDataset
from models.warping.bones import Bones, BoneSet, areas, named_bones
from models.warping.frame_index import TIGHT, FrameIndex, rescaled, track_of
from models.warping.part_looks import unlikeness
from models.warping.part_order import Held, depth_signs, drawing_order, layers
from models.warping.part_sight import end_is_covered, speeds, visibility
from models.warping.parts import ARMS, LEGS, SINGLE, Bodies, Part
from models.warping.settings import PartSettings
from pose.matching.live import Follower
from pose.matching.retrieval import RetrievalSettings, best_path, least, nearest_true
from pose.skeleton import Skeleton
from pose.stretches import shot_slices
from pose.track import PoseTrack
from util.sampling import evenly_spaced

LIMB_ENDS = 'Elbow', 'Wrist', 'Knee', 'Ankle'
CROSSFADE = 3               # frames from whole to parts: a longer one shows two people
LIKELY = 6                  # frames that the next live pose may show for a part, for each layer
CHUNK = 4_000_000           # differences of bones held in memory at a time
CLEAR = 0.85                # share of a part that is seen, and free, where it looks as usual
SAME = 0.3                  # seconds: an arm has not moved away from the trunk it hides
# Some poses at a time, float32 (f, T): how unlike each frame's part is each pose's
Costs: TypeAlias = Iterator[tuple[slice, np.ndarray]]


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
    query = Bodies(film.poses[near], film.joints, depth, index.parts)
    parts = PartIndex(known, settings, index.settings.retrieval, partial(index.cut, TIGHT),
                      index.parts)
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
    unlike = are_unlike(torch.stack(strains), poses, known.joints, settings) & film.seen()
    window = 2 * max(1, round(settings.calm * film.fps)) + 1
    far = np.empty(len(unlike))
    for shot in shot_slices(film.shots):
        held = median_filter(unlike[shot].astype(float), window, mode='nearest')
        far[shot] = uniform_filter1d(held, CROSSFADE, mode='nearest')
    return far * film.seen()


def are_unlike(strains: Tensor, poses: Tensor, skeleton: Skeleton, settings: PartSettings
               ) -> np.ndarray:
    """bool (F,): which poses (F, K, 3) are far from the whole frames chosen for them, each for
    itself.

    strains   (N, F, bones): how much each of those frames strains each bone
    """
    shares = areas(poses, skeleton)
    left = (strains.amin(0).clamp(max=1) * shares).sum(1).numpy()
    unlike: np.ndarray = (left > settings.strain) | limb_is_unlike(strains[0], poses, skeleton,
                                                                   settings)
    return unlike


def limb_is_unlike(strains: Tensor, poses: Tensor, skeleton: Skeleton, settings: PartSettings
                   ) -> np.ndarray:
    """bool (F,): in which poses (F, K, 3) a limb is far from the nearest frame, which strains the
    bones by that much, (F, bones)."""
    limbs = [number for number, (_, end) in enumerate(named_bones(skeleton))
             if end.endswith(LIMB_ENDS)]
    bones = BoneSet.of(poses, skeleton)
    worst = torch.where(bones.seen, strains, 0)[:, limbs].amax(1)
    unlike: np.ndarray = (worst > settings.limb).numpy()
    return unlike


class PartIndex:
    """The parts of a video's frames, ready for searching.

    track   poses, times and depth of frames, the second half of them mirrored; T of those that
            show a torso are searched
    cutout  uint8 (H, W, C + 1) of one of its rows: colours, and how much of each pixel is the
            person; None searches by joints alone
    parts   of the person, a skirt among them where one is worn; None takes the usual ones
    """

    def __init__(self, track: PoseTrack, settings: PartSettings, search: RetrievalSettings,
                 cutout: Callable[[int], np.ndarray] | None = None,
                 parts: Mapping[str, Part] | None = None):
        half = len(track) // 2
        seen = np.flatnonzero(track.seen()[:half])
        some = seen[evenly_spaced(len(seen), max(1, settings.frames // 2))]
        self.rows = np.concatenate([some, half + some])
        self.track = track.select(self.rows)
        self.settings = settings
        # frames that were left out between two others make no jump of the step between them
        spacing = float(np.median(np.diff(self.track.times[:len(some)]))) if len(some) > 1 else 0.0
        self.search = replace(search, flow=max(search.flow, 1.5 * spacing))
        self.bodies = Bodies(self.track.poses, self.track.joints, self.track.depth, parts)
        self.vectors = {name: self.bodies.vectors(name) for name in self.bodies.parts}
        self.facing = self.bodies.facing()
        self.mirrored = self.rows >= half
        blur = speeds(track)[self.rows]
        shown = {name: visibility(self.bodies, name, self.track.size) for name in self.bodies.parts}
        self.flaws = {name: self._flaw(name, blur, *shown[name]) for name in shown}
        if cutout is None:
            return
        clear = {name: np.minimum(*shares) >= CLEAR for name, shares in shown.items()}
        looks = unlikeness(self.bodies, lambda row: cutout(int(some[row])), clear)
        for name, unlike in looks.items():
            self.flaws[name] += settings.unlike * unlike ** 2

    def _flaw(self, name: str, blur: np.ndarray, visible: np.ndarray, free: np.ndarray
              ) -> np.ndarray:
        """float (T,): what speaks against each frame of a part, whatever the pose.

        visible, free   as `visibility` gives them
        """
        settings = self.settings
        covered = settings.covered if name.endswith((*ARMS, *SINGLE)) else settings.aside
        part = self.bodies.parts[name]
        ends = [self.track.joints.index(joint) for bone in part.bones for joint in bone
                if joint in self.track.joints.joints]
        moved = blur[:, ends].mean(1) / part.reach
        return (settings.hidden * (1 - visible) + covered * (1 - free)
                + settings.aside * end_is_covered(self.bodies, name)
                + settings.blurred * moved.clip(0, 2) + settings.mirrored * self.mirrored
                + 1.0 * ~self.bodies.placed[name].seen.any(1))

    def costs(self, query: Bodies, name: str) -> Costs:
        """Some poses at a time, float32 (f, T): how unlike each frame's part is each pose's. All
        poses of a long film at once would not fit into memory."""
        settings = self.settings
        asked, known = query.vectors(name), self.vectors[name]
        facing = query.facing(), self.facing
        weight = settings.facing * (1.0 if name in ('trunk', 'head') else 0.5)
        step = max(1, CHUNK // known.size)
        for start in range(0, len(query), step):
            some = slice(start, start + step)
            square = ((asked[some, None] - known) ** 2).sum(-1)
            there = np.isfinite(square)
            bones = np.where(there, square, 0).sum(-1) / np.maximum(there.sum(-1), 1)
            if name == 'trunk':
                bones = bones + settings.shrugged * self._shrugged(query, some)
            elif name.endswith(LEGS[:2]):
                bones = bones + settings.drawn_out * drawn_out(asked[some, 0], known[:, 0])
            turned = np.nan_to_num(((facing[0][some, None] - facing[1]) ** 2).sum(-1))
            costs = 1e4 * (bones + weight * turned + self.flaws[name])
            yield some, costs.astype(np.float32)

    def _shrugged(self, query: Bodies, some: slice) -> np.ndarray:
        """float (f, T): how differently the head stands above the shoulders. Raised arms lift
        them, and the chest below would be shown too high."""
        asked, known = query.vectors('head')[some, 0], self.vectors['head'][:, 0]
        return np.nan_to_num(((asked[:, None] - known) ** 2).sum(-1))

    def choose(self, film: PoseTrack, query: Bodies) -> dict[str, np.ndarray]:
        """{part: int64 (F,) rows of the whole track}, and 'trunk below', which shows what arms
        cover in the trunk's frame."""
        def path(layer: str, costs: Costs) -> np.ndarray:
            return self._path(film, len(query), costs)
        return self.chosen(query, path)

    def chosen(self, query: Bodies, path: Callable[[str, Costs], np.ndarray]
               ) -> dict[str, np.ndarray]:
        """{layer: int64 (F,) rows of the whole track}, layer by layer.

        path   gives rows of the T frames for a layer, int64 (F,), by the costs of its frames
        """
        settings = self.settings
        found: dict[str, np.ndarray] = {}
        for name in query.parts:
            parent = found.get(query.parts[name].parent)
            costs = self.priced(query, name, parent, -settings.kin, self.search.flow)
            found[name] = path(name, costs)
            if name == 'trunk':
                costs = self.priced(query, name, found[name], settings.hidden, SAME)
                found['trunk below'] = path('trunk below', costs)
        return {name: self.rows[rows] for name, rows in found.items()}

    def priced(self, query: Bodies, name: str, shown: np.ndarray | None, price: float,
               seconds: float) -> Costs:
        """As `costs`; frames within that many `seconds` of another layer's cost `price` more.

        shown    int64 (F,): the frames of that layer, None without one
        """
        for some, costs in self.costs(query, name):
            if shown is not None:
                costs += np.float32(1e4 * price) * self._near(shown[some], seconds)
            yield some, costs

    def _path(self, film: PoseTrack, poses: int, costs: Costs) -> np.ndarray:
        """int64 (F,) of the T frames: the ones that show a part in turn."""
        count = min(self.search.candidates, len(self.bodies))
        rows = np.empty((poses, count), np.int64)
        found = np.empty(rows.shape, np.float32)
        for some, every in costs:
            rows[some] = [least(cost, count) for cost in every]
            found[some] = np.take_along_axis(every, rows[some], 1)
        return best_path(rows, found, self.track, film.shots, 1.0, self.search)

    def _near(self, rows: np.ndarray, seconds: float) -> np.ndarray:
        """bool (F, T): the frames within that time of each of F rows."""
        times, shots = self.track.times, self.track.shots
        return (np.abs(times[rows, None] - times) <= seconds) & (shots[rows, None] == shots)


def drawn_out(asked: np.ndarray, known: np.ndarray) -> np.ndarray:
    """float (f, T): the square of the logarithm of how many times longer a bone (f, 2) is than a
    known one (T, 2); 0 where it is shorter or not seen."""
    longer = np.log(lengths(asked)[:, None] / lengths(known))
    return np.nan_to_num(longer).clip(0, 1) ** 2


def lengths(bones: np.ndarray) -> np.ndarray:
    return np.maximum(np.linalg.norm(bones, axis=-1), 1e-3)


class LiveParts:
    """How live poses are painted part by part: choose_parts for those who do not know what comes.

    known   index.both of a run
    far     of the pose before
    likely  {layer: int64 (N,) rows}: those that cost least for the last pose, the least first; the
            next one will show one of them

    What a median holds over a film is `Held` here. A part goes on in time as a Follower does.
    """

    def __init__(self, known: PoseTrack, settings: PartSettings, search: RetrievalSettings,
                 cutout: Callable[[int], np.ndarray] | None = None,
                 parts: Mapping[str, Part] | None = None):
        """cutout, parts: as of PartIndex."""
        self.settings = settings
        self.index = PartIndex(known, settings, search, cutout, parts)
        self.restart()

    def restart(self) -> None:
        """Forget the poses so far: what comes is no continuation."""
        self.unlike = Held(self.settings.calm / 2)
        self.far = 0.0
        self.signs: dict[str, Held] = {}
        self.followers: dict[str, Follower] = {}
        self.likely: dict[str, np.ndarray] = {}

    def goes_on(self, pose: PoseTrack, nearest: Tensor) -> bool:
        """Whether a pose is certainly shown part by part alone, as the one before, whatever further
        frames would be chosen for it.

        nearest   (1, bones): how much the nearest frame strains each bone
        """
        poses = torch.from_numpy(pose.poses)
        return self.far == 1 and bool(limb_is_unlike(nearest, poses, pose.joints,
                                                     self.settings)[0])

    def next(self, pose: PoseTrack, strains: Tensor, elapsed: float) -> PartsShown:
        """The parts of a pose, a track of one frame numbered and sized as the known ones.

        strains   (N, 1, bones): how much each whole frame chosen for it strains each bone
        elapsed   s since the pose before
        """
        if not pose.seen()[0]:
            return WHOLE
        unlike = are_unlike(strains, torch.from_numpy(pose.poses), pose.joints, self.settings)
        self._approach(self.unlike.next(bool(unlike[0]), elapsed))
        query = Bodies(pose.poses, pose.joints, pose.depth, self.index.bodies.parts)
        signs = {}
        for name, values in depth_signs(query).items():
            held = self.signs.setdefault(name, Held(self.settings.calm / 4))
            signs[name] = held.next(bool(values[0]), elapsed)
        if not self.far:
            return WHOLE
        chosen = self.index.chosen(query, self._go_on)
        order = layers(signs, query)
        return PartsShown({layer: int(chosen[layer][0]) for layer in order}, order, self.far)

    def _approach(self, far: bool) -> None:
        """Go one step of the crossfade; the first pose needs none."""
        step = 1 / CROSSFADE if self.signs else 1.0
        self.far = min(self.far + step, 1.0) if far else max(self.far - step, 0.0)
        if abs(self.far - far) < step / 2:
            self.far = float(far)

    def _go_on(self, layer: str, costs: Costs) -> np.ndarray:
        (_, every), = costs
        cost = every[0]
        follower = self.followers.get(layer)
        if follower is None:
            follower = self.followers[layer] = Follower(self.index.track, self.index.search)
        best = least(cost, LIKELY)
        self.likely[layer] = self.index.rows[best]
        row = int(best[0])
        return np.array([follower.next(row, float(cost[row]), cost.__getitem__)])
