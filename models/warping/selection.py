"""Which frames of an index are shown for each pose of a film.

Poses are compared by pose.matching.retrieval. The first frame is the nearest; each further one is
chosen to show what the earlier ones strain.

Shape letters: F poses of the film, T frames, N candidates, K joints.
"""
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import torch
from torch import Tensor

from data.base_dataset import BaseDataset
from models.warping.bones import MISSING, Bones, areas
from models.warping.frame_index import FrameIndex, rescaled, track_of
from models.warping.settings import SelectionSettings, WarpSettings
from pose.matching.coverage import APART
from pose.matching.live import Follower, OnlinePath
from pose.matching.retrieval import PoseIndex, best_path, least
from pose.skeleton import Skeleton
from pose.track import PoseTrack

PAIRS = 1 << 15         # pairs of poses that are compared at a time
LIVE_ASKED = 128        # as SelectionSettings.asked, of a live pose; frames near the last one too
FACING = WarpSettings().facing
Enough: TypeAlias = Callable[[Tensor], bool]


def choose(index: FrameIndex, dataset: BaseDataset, count: int = 1, fitted: bool = False,
           place: float = 0.0, smooth_path: float = 1.0, mirrored: bool = False,
           facing: float = FACING) -> dict[str, np.ndarray]:
    """{a pose's path: int64 (count,) rows} for every pose of a dataset, the best frame first.

    Returns `count` sequences. Each is temporally smooth. Frames within APART seconds of an earlier
    choice are excluded, so that the candidates reveal different parts.

    fitted       the index was made from that dataset: near copies of a pose's own frame may not be
                 chosen, so that the result says how a new pose will look
    place, smooth_path   as in pose.matching.retrieval
    mirrored     rows are those of index.both: a mirrored frame is chosen where it is nearer by more
                 than the settings ask, since clothes and hair have a left and a right
    facing       as WarpSettings has it
    """
    settings = index.settings
    candidates = settings.retrieval.candidates
    known = index.both if mirrored else index.track
    poses_known = index.poses_of_both if mirrored else index.poses
    track = rescaled(track_of(dataset).numbered(known.skeleton), known.size)
    poses = torch.from_numpy(track.poses)
    frames = torch.from_numpy(known.poses)
    least_strain = poses.new_full((len(track), 1), MISSING)     # of each bone so far
    chosen: list[np.ndarray] = []
    price = mirrored_price(index, len(known))

    def allowed(part: slice) -> np.ndarray:
        return allowed_frames(poses_known, track, known, part, fitted, chosen)
    for _ in range(count):
        asked = settings.asked if chosen else candidates
        rows, costs = poses_known.candidates(
            track.poses, asked, place, allowed if fitted or chosen else None, track.depth)
        costs = costs + price[rows]
        if chosen:
            latest = Bones.of(frames[chosen[-1]], poses, known.joints)
            least_strain = torch.minimum(least_strain, latest.strains(facing))
            left = strain_left(frames, rows, poses, least_strain, known.joints, facing)
            costs = further_costs(costs, left, settings)
            best = costs.argsort(1, kind='stable')[:, :candidates]
            rows = np.take_along_axis(rows, best, 1)
            costs = np.take_along_axis(costs, best, 1)
        chosen.append(best_path(rows, costs, known, track.shots, smooth_path, settings.retrieval))
    return by_path(dataset, np.stack(chosen, 1))


def mirrored_price(index: FrameIndex, count: int) -> np.ndarray:
    """float64 (count,): what showing a row of index.both costs more, if its frame is mirrored."""
    return index.settings.mirrored ** 2 * (np.arange(count) >= len(index.track))


def further_costs(costs: np.ndarray, left: np.ndarray, settings: SelectionSettings) -> np.ndarray:
    """What a further frame costs, by the cost of its whole pose and the strain that it leaves."""
    return settings.whole * costs + np.float32(settings.strain) * left


class LiveRows(NamedTuple):
    """The frames chosen for a live pose.

    rows      int64 (count,), the best first
    strains   (N, 1, bones): how much each that was looked at strains each bone
    """
    rows: np.ndarray
    strains: Tensor


class LiveChoice:
    """The frames for one live pose after another: `choose` for those who do not know what comes.

    Arguments are as of `choose`. The first frame is that of an OnlinePath, further ones go on as a
    Follower does.
    """

    def __init__(self, index: FrameIndex, count: int = 1, place: float = 0.0,
                 smooth_path: float = 1.0, mirrored: bool = False, facing: float = FACING):
        self.known = index.both if mirrored else index.track
        self.poses_known = index.poses_of_both if mirrored else index.poses
        self.settings = index.settings
        self.price = mirrored_price(index, len(self.known)).astype(np.float32)
        self.frames = torch.from_numpy(self.known.poses)
        self.count = count
        self.place = place
        self.smooth_path = smooth_path
        self.facing = facing
        self.restart()

    def restart(self) -> None:
        """Forget the poses so far: what comes is no continuation."""
        self.path = OnlinePath(self.poses_known, self.known, self.place, self.smooth_path,
                               self.price)
        self.followers = [Follower(self.known, self.settings.retrieval, self.smooth_path)
                          for _ in range(self.count - 1)]

    def next(self, pose: PoseTrack, enough: Enough = lambda nearest: False) -> LiveRows | None:
        """The rows for a pose, a track of one frame numbered and sized as the known ones; None
        where no pose so far has shown a torso.

        enough   says by the strains of the nearest frame, (1, bones), whether further ones are of
                 no use; they are the nearest one again then
        """
        depth = None if pose.depth is None else pose.depth[0]
        first = self.path.next(pose.poses[0], depth)
        if first < 0:
            return None
        rows = [first]
        strains = [self._strains(first, pose)]
        if self.followers and pose.seen()[0] and not enough(strains[0]):
            self._choose_further(pose, rows, strains)
        rows += [first] * (self.count - len(rows))
        return LiveRows(np.array(rows), torch.stack(strains))

    def _strains(self, row: int, pose: PoseTrack) -> Tensor:
        bones = Bones.of(self.frames[row, None], torch.from_numpy(pose.poses), self.known.joints)
        return bones.strains(self.facing)

    def _choose_further(self, pose: PoseTrack, rows: list[int], strains: list[Tensor]) -> None:
        """Append further frames to those chosen so far."""
        poses = torch.from_numpy(pose.poses)
        every = self.poses_known.costs(pose.poses, self.place, pose.depth)[0] + self.price
        for follower in self.followers:
            chosen = [np.array([row]) for row in rows]
            may = allowed_frames(self.poses_known, pose, self.known, slice(0, 1), False, chosen)[0]
            allowed = np.where(may, every, np.inf)
            asked = least(allowed, min(LIVE_ASKED, len(allowed)))
            if follower.shown >= 0:
                asked = np.union1d(asked, follower.near(follower.shown))
            least_strain = torch.stack(strains).amin(0)
            left = strain_left(self.frames, asked[None], poses, least_strain, self.known.joints,
                               self.facing)[0]
            costs = np.full(len(every), np.inf, np.float32)
            costs[asked] = further_costs(allowed[asked], left, self.settings)
            best = int(costs.argmin())
            rows.append(follower.next(best, float(costs[best]), costs.__getitem__))
            strains.append(self._strains(rows[-1], pose))


def allowed_frames(poses_known: PoseIndex, track: PoseTrack, known: PoseTrack, part: slice,
                   fitted: bool, chosen: Sequence[np.ndarray]) -> np.ndarray:
    """bool (F of the part, T): the frames that may be shown for each pose of a part of the film;
    arguments as in `choose`, `chosen` the rows (F,) of each earlier choice."""
    may = np.ones((len(track.poses[part]), len(known)), bool)
    may[:, poses_known.unseen] = False
    if fitted:
        may &= abs(track.times[part, None] - known.times) > APART
    for earlier in chosen:
        other = may & (abs(known.times - known.times[earlier[part], None]) >= APART)
        # a short video may have no other frame
        may = np.where(other.any(1, keepdims=True), other, may)
    return may


def by_path(dataset: BaseDataset, picked: np.ndarray) -> dict[str, np.ndarray]:
    """{path of each file: its row of `picked`}; a pose may have more than one file."""
    found = {}
    for files, row in zip(dataset.pictures.rows, picked):       # type: ignore[attr-defined]
        for path in files:
            found[str(path)] = row
    return found


def strain_left(frames: Tensor, rows: np.ndarray, poses: Tensor, least: Tensor,
                skeleton: Skeleton, facing: float = FACING) -> np.ndarray:
    """float32 (F, N): how strained the bodies of poses (F, K, 3) are, 0 to 1, if each bone is
    shown by the frame that strains it least: one of those chosen, or that of one of the rows.

    frames  (T, K, 3)   the poses of all frames
    rows    (F, N)      of them
    least   (F, bones)  how much the frames chosen strain each bone
    """
    count = rows.shape[1]
    out = np.empty(rows.shape, np.float32)
    step = max(1, PAIRS // count)
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        some = torch.from_numpy(rows[part])
        query = poses[part].repeat_interleave(count, 0)
        strain = Bones.of(frames[some.flatten()], query, skeleton).strains(facing)
        strain = torch.minimum(strain.reshape(*some.shape, -1), least[part, None]).clamp(max=1)
        area = areas(poses[part], skeleton)
        out[part] = (strain * area[:, None]).sum(-1).numpy()
    return out


def with_wrong_rows(rows: np.ndarray, times: np.ndarray, known: np.ndarray, wrong: float
                    ) -> np.ndarray:
    """int64 (B, N): rows (B, N), each replaced by a random one as likely as `wrong` says, but never
    by a near copy of the real frame.

    times   float (B,) s of the real frames;  known   float (T,) s of all frames
    """
    others = torch.randint(len(known), rows.shape).numpy()
    near = abs(known[others] - times[:, None]) <= APART
    return np.where((torch.rand(rows.shape) < wrong).numpy() & ~near, others, rows)
